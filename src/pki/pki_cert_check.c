/* SPDX-License-Identifier: Apache-2.0 */
/* Reads certificates of our own back, past all that built them. */
#include <string.h>
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include "pki/pki_impl.h"

/* RFC 5280 4.1 as far as it is judged here. The subject's key stays the octets that it is:
 * d2i_X509() decodes it, which costs more than everything else here but the signature. There is no
 * place for unique identifiers: a certificate that has them is not ours. */
typedef struct signed_t {
    ASN1_STRING *tbs; /* the octets that were signed */
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *signature;
} signed_t;

typedef struct tbs_t {
    ASN1_INTEGER *version;
    ASN1_INTEGER *serial;
    X509_ALGOR *algorithm;
    ASN1_STRING *issuer;
    X509_VAL *validity;
    X509_NAME *subject;
    ASN1_STRING *spki;
    STACK_OF(X509_EXTENSION) * extensions;
} tbs_t;

/* clang-format off: it takes these for code */
ASN1_SEQUENCE(signed_t) =
    {
        ASN1_SIMPLE(signed_t, tbs, ASN1_SEQUENCE),
        ASN1_SIMPLE(signed_t, algorithm, X509_ALGOR),
        ASN1_SIMPLE(signed_t, signature, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END(signed_t)

        ASN1_SEQUENCE(tbs_t) =
            {
                ASN1_EXP(tbs_t, version, ASN1_INTEGER, 0),
                ASN1_SIMPLE(tbs_t, serial, ASN1_INTEGER),
                ASN1_SIMPLE(tbs_t, algorithm, X509_ALGOR),
                ASN1_SIMPLE(tbs_t, issuer, ASN1_SEQUENCE),
                ASN1_SIMPLE(tbs_t, validity, X509_VAL),
                ASN1_SIMPLE(tbs_t, subject, X509_NAME),
                ASN1_SIMPLE(tbs_t, spki, ASN1_SEQUENCE),
                ASN1_EXP_SEQUENCE_OF(tbs_t, extensions, X509_EXTENSION, 3),
} static_ASN1_SEQUENCE_END(tbs_t)
            /* clang-format on */

            /* One value and nothing after it; NULL if it is anything else. */
            static void *
            parse(base_span_t der, const ASN1_ITEM *item)
{
    const unsigned char *p = der.data;
    ASN1_VALUE *value = ASN1_item_d2i(NULL, &p, (long)der.len, item);
    if (value && p != der.data + der.len) {
        ASN1_item_free(value, item);
        return NULL;
    }
    return value;
}

static int holds(const ASN1_STRING *text, const void *octets, apr_size_t len)
{
    return ASN1_STRING_length(text) >= 0 && (apr_size_t)ASN1_STRING_length(text) == len &&
           memcmp(ASN1_STRING_get0_data(text), octets, len) == 0;
}

static int same_serial(const ASN1_INTEGER *number, const unsigned char serial[PKI_SERIAL_LEN])
{
    return ASN1_STRING_type(number) == V_ASN1_INTEGER && holds(number, serial, PKI_SERIAL_LEN);
}

static apr_time_t whole_second(apr_time_t when)
{
    return when - when % APR_USEC_PER_SEC;
}

static int same_times(const X509_VAL *validity, const pki_cert_spec_t *spec, const pki_ca_t *ca)
{
    apr_time_t from = 0;
    apr_time_t to = 0;
    return pki_time_read(&from, validity->notBefore) && pki_time_read(&to, validity->notAfter) &&
           from == whole_second(spec->not_before) && to == whole_second(spec->not_after) &&
           from >= ca->not_before && to <= ca->not_after;
}

static int same_names(const tbs_t *tbs, const pki_ca_t *ca, const char *pseudonym)
{
    const unsigned char *der = NULL;
    size_t der_len = 0;
    char text[PKI_PSEUDONYM_LEN + 2];
    int len = X509_NAME_get_text_by_NID(tbs->subject, NID_commonName, text, sizeof(text));
    return X509_NAME_entry_count(tbs->subject) == 1 && len == PKI_PSEUDONYM_LEN &&
           memcmp(text, pseudonym, PKI_PSEUDONYM_LEN) == 0 &&
           X509_NAME_get0_der(X509_get_subject_name(ca->cert), &der, &der_len) &&
           holds(tbs->issuer, der, der_len);
}

/* ---- the four extensions ---- */

static int is_no_ca(const STACK_OF(X509_EXTENSION) * extensions)
{
    int critical = 0;
    BASIC_CONSTRAINTS *is = X509V3_get_d2i(extensions, NID_basic_constraints, &critical, NULL);
    int good = is && critical == 1 && !is->ca && !is->pathlen;
    BASIC_CONSTRAINTS_free(is);
    return good;
}

/* RFC 5280 4.2.1.3: one bit, the first or the second. */
static int same_usage(const STACK_OF(X509_EXTENSION) * extensions, unsigned usage)
{
    const unsigned char bit = usage == PKI_USAGE_DIGITAL_SIGNATURE ? 0x80 : 0x40;
    int critical = 0;
    ASN1_BIT_STRING *is = X509V3_get_d2i(extensions, NID_key_usage, &critical, NULL);
    int good = is && critical == 1 && holds(is, &bit, 1);
    ASN1_BIT_STRING_free(is);
    return good;
}

static int has_subject_key(const STACK_OF(X509_EXTENSION) * extensions)
{
    int critical = 0;
    ASN1_OCTET_STRING *is = X509V3_get_d2i(extensions, NID_subject_key_identifier, &critical, NULL);
    int good = is && critical == 0 && ASN1_STRING_length(is) > 0;
    ASN1_OCTET_STRING_free(is);
    return good;
}

static int same_authority(const STACK_OF(X509_EXTENSION) * extensions, base_span_t key_id)
{
    int critical = 0;
    AUTHORITY_KEYID *is = X509V3_get_d2i(extensions, NID_authority_key_identifier, &critical, NULL);
    int good = is && critical == 0 && !is->issuer && !is->serial && is->keyid &&
               holds(is->keyid, key_id.data, key_id.len);
    AUTHORITY_KEYID_free(is);
    return good;
}

static int same_tbs(const tbs_t *tbs, const pki_ca_t *ca, const pki_cert_spec_t *spec)
{
    return ASN1_INTEGER_get(tbs->version) == X509_VERSION_3 &&
           same_serial(tbs->serial, spec->serial) && same_times(tbs->validity, spec, ca) &&
           same_names(tbs, ca, spec->names.pseudonym) &&
           holds(tbs->spki, spec->spki.data, spec->spki.len) && is_no_ca(tbs->extensions) &&
           same_usage(tbs->extensions, spec->profile->usage) && has_subject_key(tbs->extensions) &&
           same_authority(tbs->extensions, ca->key_id) &&
           sk_X509_EXTENSION_num(tbs->extensions) == 4;
}

static int says_so(const signed_t *cert, const pki_ca_t *ca, const pki_cert_spec_t *spec)
{
    base_span_t der = {ASN1_STRING_get0_data(cert->tbs), (apr_size_t)ASN1_STRING_length(cert->tbs)};
    tbs_t *tbs = parse(der, ASN1_ITEM_rptr(tbs_t));
    int right =
        tbs && same_tbs(tbs, ca, spec) && X509_ALGOR_cmp(tbs->algorithm, cert->algorithm) == 0;
    ASN1_item_free((ASN1_VALUE *)tbs, ASN1_ITEM_rptr(tbs_t));
    return right;
}

/* The signed octets are verified as they stand: nothing is encoded again. */
static int is_signed(const signed_t *cert, const pki_ca_t *ca)
{
    return ASN1_item_verify(ASN1_ITEM_rptr(ASN1_SEQUENCE), cert->algorithm, cert->signature,
                            cert->tbs, X509_get0_pubkey(ca->cert)) == 1;
}

base_result_t pki_cert_check(const pki_ca_t *ca, const pki_cert_spec_t *spec, base_span_t der)
{
    base_result_t result = base_ok();
    signed_t *cert =
        der.data && der.len <= PKI_CERT_MAX ? parse(der, ASN1_ITEM_rptr(signed_t)) : NULL;
    if (!cert || !says_so(cert, ca, spec))
        result = base_fail(BASE_INTERNAL, "GBA0320", "certificate: it says other than was meant");
    else if (!is_signed(cert, ca))
        result = base_fail(BASE_STORE_DOWN, "GBA0321", "certificate: the CA's signature is wrong");
    ASN1_item_free((ASN1_VALUE *)cert, ASN1_ITEM_rptr(signed_t));
    ERR_clear_error();
    return result;
}
