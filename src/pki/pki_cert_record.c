/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate whose profile is not at hand: what a ledger says of it, and nothing that no profile
 * could put there. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/base_text.h"
#include "pki/pki_impl.h"

/* Everything that pki_cert_issue() knows to write, and whether it is critical. */
static const struct {
    int nid;
    int critical;
} known[] = {
    {NID_basic_constraints, 1},        {NID_key_usage, 1},     {NID_subject_key_identifier, 0},
    {NID_authority_key_identifier, 0}, {NID_ext_key_usage, 0}, {NID_certificate_policies, 0},
    {NID_crl_distribution_points, 0},  {NID_info_access, 0},   {NID_subject_alt_name, 0},
};

static int is_known(X509_EXTENSION *extension)
{
    int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));

    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].nid == nid)
            return (X509_EXTENSION_get_critical(extension) != 0) == known[i].critical;
    return 0;
}

static int extensions_are_known(const X509 *cert)
{
    const int count = X509_get_ext_count(cert);

    for (int i = 0; i < count; i++) {
        X509_EXTENSION *extension = X509_get_ext(cert, i);
        if (!is_known(extension) ||
            X509_get_ext_by_OBJ(cert, X509_EXTENSION_get_object(extension), i) != -1)
            return 0;
    }
    return count > 0;
}

static int same_octets(const unsigned char *octets, int len, base_span_t want)
{
    return octets && len > 0 && (apr_size_t)len == want.len &&
           memcmp(octets, want.data, want.len) == 0;
}

static int same_key(X509 *cert, base_span_t spki)
{
    unsigned char *out = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &out);
    int same = same_octets(out, len, spki);

    OPENSSL_free(out);
    return same;
}

static int same_serial(const X509 *cert, const unsigned char serial[PKI_SERIAL_LEN])
{
    const ASN1_INTEGER *number = X509_get0_serialNumber(cert);
    base_span_t want = {serial, PKI_SERIAL_LEN};

    return ASN1_STRING_type(number) == V_ASN1_INTEGER &&
           same_octets(ASN1_STRING_get0_data(number), ASN1_STRING_length(number), want);
}

static int same_times(const X509 *cert, const pki_cert_record_t *record, const pki_ca_t *ca)
{
    apr_time_t from = 0, to = 0;

    return pki_time_read(&from, X509_get0_notBefore(cert)) &&
           pki_time_read(&to, X509_get0_notAfter(cert)) && from == record->not_before &&
           to == record->not_after && from >= ca->not_before && to <= ca->not_after;
}

static int same_usage(X509 *cert, unsigned usage)
{
    unsigned want = (usage & PKI_USAGE_DIGITAL_SIGNATURE ? (unsigned)KU_DIGITAL_SIGNATURE : 0u) |
                    (usage & PKI_USAGE_NON_REPUDIATION ? (unsigned)KU_NON_REPUDIATION : 0u);

    return X509_check_ca(cert) == 0 && X509_get_key_usage(cert) == want;
}

/* A text of this form names a subscriber or a serial: it may name no other. */
static int has_form(const unsigned char *text, int len)
{
    int n = 0;

    while (n < len && n < PKI_PSEUDONYM_LEN && strchr("0123456789abcdef", text[n]) && text[n])
        n++;
    return len == PKI_PSEUDONYM_LEN && n == len;
}

static int subject_is_his(const X509 *cert, const pki_cert_record_t *record)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    const int count = X509_NAME_entry_count(subject);
    char serial[2 * PKI_SERIAL_LEN + 1];

    base_hex_encode(serial, record->serial, PKI_SERIAL_LEN);
    for (int i = 0; i < count; i++) {
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));
        const unsigned char *text = ASN1_STRING_get0_data(value);
        if (has_form(text, ASN1_STRING_length(value)) &&
            memcmp(text, record->pseudonym, PKI_PSEUDONYM_LEN) != 0 &&
            memcmp(text, serial, PKI_PSEUDONYM_LEN) != 0)
            return 0;
    }
    return count > 0;
}

static int says_so(X509 *cert, const pki_ca_t *ca, const pki_cert_record_t *record)
{
    return X509_get_version(cert) == X509_VERSION_3 && same_serial(cert, record->serial) &&
           X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(ca->cert)) == 0 &&
           same_times(cert, record, ca) && same_key(cert, record->spki) &&
           extensions_are_known(cert) && same_usage(cert, record->usage) &&
           subject_is_his(cert, record);
}

base_result_t pki_cert_check_record(const pki_ca_t *ca, const pki_cert_record_t *record,
                                    base_span_t der)
{
    const unsigned char *in = der.data;
    X509 *cert = der.data && der.len <= PKI_CERT_MAX ? d2i_X509(NULL, &in, (long)der.len) : NULL;
    base_result_t result = base_ok();

    if (!cert || in != der.data + der.len)
        result = base_fail(BASE_INTERNAL, "GBA1506", "certificate: it cannot be read");
    else if (X509_verify(cert, X509_get0_pubkey(ca->cert)) != 1)
        result = base_fail(BASE_STORE_DOWN, "GBA1507", "certificate: it is not signed by this CA");
    else if (!says_so(cert, ca, record))
        result = base_fail(BASE_INTERNAL, "GBA1508", "certificate: it says other than its record");
    X509_free(cert);
    ERR_clear_error();
    return result;
}
