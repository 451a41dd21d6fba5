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

/* SEQUENCE { SEQUENCE (algorithm), BIT STRING (key, behind the number of its unused bits) }. */
int pki_key_id(unsigned char hash[SHA_DIGEST_LENGTH], base_span_t spki, const EVP_MD *sha1)
{
    const unsigned char *p = spki.data;
    const unsigned char *end = spki.data + spki.len;
    unsigned hash_len = 0;
    long len = 0;
    if (!pki_der_enter(&p, end, V_ASN1_SEQUENCE, &len) ||
        !pki_der_enter(&p, end, V_ASN1_SEQUENCE, &len))
        return 0;
    p += len;
    return pki_der_enter(&p, end, V_ASN1_BIT_STRING, &len) && len > 0 &&
           EVP_Digest(p + 1, (size_t)(len - 1), hash, &hash_len, sha1, NULL) == 1;
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

static int same_issuer(const tbs_t *tbs, const pki_ca_t *ca)
{
    const unsigned char *der = NULL;
    size_t der_len = 0;
    return X509_NAME_get0_der(X509_get_subject_name(ca->cert), &der, &der_len) &&
           holds(tbs->issuer, der, der_len);
}

/* Each attribute is a RDN of its own, in the profile's order, and there is no other. */
static int same_subject(const X509_NAME *subject, const pki_profile_t *profile,
                        const pki_names_t *names)
{
    const pki_attribute_t *want;
    char value[PKI_VALUE_MAX + 1];
    int n = 0;
    for (; n < PKI_PROFILE_RDNS && profile->subject[n][0]; n++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, n);
        const ASN1_STRING *is = X509_NAME_ENTRY_get_data(entry);
        if (!entry || !pki_subject_value(&want, value, profile->subject[n], names) ||
            X509_NAME_ENTRY_set(entry) != n || ASN1_STRING_type(is) != want->string ||
            OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != want->nid ||
            !holds(is, value, strlen(value)))
            return 0;
    }
    return n > 0 && X509_NAME_entry_count(subject) == n;
}

/* ---- extensions ---- */

/* Nonzero if these very octets stand there. */
static int has(const STACK_OF(X509_EXTENSION) * all, const X509_EXTENSION *want)
{
    X509_EXTENSION *as = (X509_EXTENSION *)want; /* OpenSSL 3.0 reads them without const */
    int at = X509v3_get_ext_by_OBJ(all, X509_EXTENSION_get_object(as), -1);
    X509_EXTENSION *is = X509v3_get_ext(all, at);
    return is && X509_EXTENSION_get_critical(is) == X509_EXTENSION_get_critical(as) &&
           ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(is), X509_EXTENSION_get_data(as)) == 0;
}

static int has_fixed(const STACK_OF(X509_EXTENSION) * all, const pki_fixed_t *fixed)
{
    int good = 1;
    for (int i = 0; good && i < fixed->count; i++)
        good = has(all, fixed->extensions[i]);
    return good;
}

static int same_subject_key(const STACK_OF(X509_EXTENSION) * all, const pki_ca_t *ca,
                            base_span_t spki)
{
    unsigned char hash[SHA_DIGEST_LENGTH];
    int critical = 0;
    ASN1_OCTET_STRING *is = X509V3_get_d2i(all, NID_subject_key_identifier, &critical, NULL);
    int good =
        is && critical == 0 && pki_key_id(hash, spki, ca->sha1) && holds(is, hash, sizeof(hash));
    ASN1_OCTET_STRING_free(is);
    return good;
}

static int same_san(const GENERAL_NAME *is, const pki_san_t *kind, const char *value)
{
    int type = 0;
    const ASN1_STRING *text = is ? GENERAL_NAME_get0_value(is, &type) : NULL;
    return text && type == kind->type && holds(text, value, strlen(value));
}

/* @param n set to the number of extensions that hold names: 1 or 0 */
static int same_sans(int *n, const STACK_OF(X509_EXTENSION) * all, const pki_profile_t *profile,
                     const pki_names_t *names)
{
    int critical = -1;
    GENERAL_NAMES *is = X509V3_get_d2i(all, NID_subject_alt_name, &critical, NULL);
    const pki_san_t *kind;
    char value[PKI_VALUE_MAX + 1];
    int good = critical == (is ? 0 : -1);
    int at = 0;
    for (int i = 0; good && i < PKI_PROFILE_SANS && profile->sans[i][0]; i++)
        if (pki_san_value(&kind, value, profile->sans[i], names))
            good = same_san(sk_GENERAL_NAME_value(is, at++), kind, value);
    good = good && at == (is ? sk_GENERAL_NAME_num(is) : 0) && (!is || at > 0);
    *n = is != NULL;
    GENERAL_NAMES_free(is);
    return good;
}

static int same_extensions(const STACK_OF(X509_EXTENSION) * all, const pki_ca_t *ca,
                           const pki_fixed_t *fixed, const pki_cert_spec_t *spec,
                           const pki_names_t *names)
{
    int sans = 0;
    return has_fixed(all, fixed) && same_subject_key(all, ca, spec->spki) &&
           same_sans(&sans, all, spec->profile, names) &&
           sk_X509_EXTENSION_num(all) == fixed->count + 1 + sans;
}

static int same_tbs(const tbs_t *tbs, const pki_ca_t *ca, const pki_fixed_t *fixed,
                    const pki_cert_spec_t *spec)
{
    char hex[2 * PKI_SERIAL_LEN + 1];
    pki_names_t names = pki_spec_names(spec, hex);
    return ASN1_INTEGER_get(tbs->version) == X509_VERSION_3 &&
           same_serial(tbs->serial, spec->serial) && same_times(tbs->validity, spec, ca) &&
           same_issuer(tbs, ca) && same_subject(tbs->subject, spec->profile, &names) &&
           holds(tbs->spki, spec->spki.data, spec->spki.len) &&
           same_extensions(tbs->extensions, ca, fixed, spec, &names);
}

static int says_so(const signed_t *cert, const pki_ca_t *ca, const pki_fixed_t *fixed,
                   const pki_cert_spec_t *spec)
{
    base_span_t der = {ASN1_STRING_get0_data(cert->tbs), (apr_size_t)ASN1_STRING_length(cert->tbs)};
    tbs_t *tbs = parse(der, ASN1_ITEM_rptr(tbs_t));
    int right = tbs && same_tbs(tbs, ca, fixed, spec) &&
                X509_ALGOR_cmp(tbs->algorithm, cert->algorithm) == 0;
    ASN1_item_free((ASN1_VALUE *)tbs, ASN1_ITEM_rptr(tbs_t));
    return right;
}

/* The signed octets are verified as they stand: nothing is encoded again. */
static int is_signed(const signed_t *cert, const pki_ca_t *ca)
{
    return ASN1_item_verify(ASN1_ITEM_rptr(ASN1_SEQUENCE), cert->algorithm, cert->signature,
                            cert->tbs, X509_get0_pubkey(ca->cert)) == 1;
}

base_result_t pki_cert_check_with(const pki_ca_t *ca, const pki_fixed_t *fixed,
                                  const pki_cert_spec_t *spec, base_span_t der)
{
    base_result_t result = base_ok();
    signed_t *cert =
        der.data && der.len <= PKI_CERT_MAX ? parse(der, ASN1_ITEM_rptr(signed_t)) : NULL;
    if (!cert || !says_so(cert, ca, fixed, spec))
        result = base_fail(BASE_INTERNAL, "GBA0320", "certificate: it says other than was meant");
    else if (!is_signed(cert, ca))
        result = base_fail(BASE_STORE_DOWN, "GBA0321", "certificate: the CA's signature is wrong");
    ASN1_item_free((ASN1_VALUE *)cert, ASN1_ITEM_rptr(signed_t));
    return result;
}

base_result_t pki_cert_check(const pki_ca_t *ca, const pki_cert_spec_t *spec, base_span_t der)
{
    pki_fixed_t *fixed = pki_fixed_get(ca, spec->profile);
    base_result_t result =
        fixed ? pki_cert_check_with(ca, fixed, spec, der)
              : base_fail(BASE_INTERNAL, "GBA1503", "certificate: checked by an unsound profile");
    pki_fixed_put(ca, fixed);
    ERR_clear_error();
    return result;
}
