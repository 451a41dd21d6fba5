/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include "pki/pki_impl.h"

#define SERIAL_DRAWS 64 /* a source that gives a zero first octet so often is broken */

/* RFC 5280 4.1.2.2: positive, at most 20 octets. A first octet of 1 to 127 keeps all serials the
 * same length, in DER and in the ledger. */
static int serial_is_sound(const unsigned char serial[PKI_SERIAL_LEN])
{
    return serial[0] >= 0x01 && serial[0] <= 0x7f;
}

int pki_serial_make(unsigned char serial[PKI_SERIAL_LEN], const base_random_t *random)
{
    for (int i = 0; i < SERIAL_DRAWS; i++) {
        if (!random->fill(random->baton, serial, PKI_SERIAL_LEN))
            break;
        serial[0] &= 0x7f;
        if (serial_is_sound(serial))
            return 1;
    }
    memset(serial, 0, PKI_SERIAL_LEN);
    return 0;
}

int pki_pseudonym_make(char pseudonym[PKI_PSEUDONYM_LEN + 1], const base_random_t *random)
{
    unsigned char bits[PKI_PSEUDONYM_LEN / 2];
    pseudonym[0] = '\0';
    if (!random->fill(random->baton, bits, sizeof(bits)))
        return 0;
    base_hex_encode(pseudonym, bits, sizeof(bits));
    return 1;
}

static apr_time_t whole_second(apr_time_t when)
{
    return when - when % APR_USEC_PER_SEC;
}

/* Compares lengths of time and not points in time: no sum here can overflow. */
int pki_cert_times(pki_cert_spec_t *spec, const pki_ca_t *ca, const pki_profile_t *profile,
                   apr_time_t now)
{
    apr_time_t second = whole_second(now);
    if (second < ca->not_before || second > ca->not_after || profile->lifetime <= 0 ||
        profile->backdate < 0)
        return 0;
    spec->not_before = profile->backdate > second - ca->not_before
                           ? ca->not_before
                           : whole_second(second - profile->backdate);
    spec->not_after = profile->lifetime > ca->not_after - second
                          ? ca->not_after
                          : whole_second(second + profile->lifetime);
    return 1;
}

static int spec_is_sound(const pki_ca_t *ca, const pki_cert_spec_t *spec)
{
    return spec->spki.data && spec->spki.len > 0 && spec->spki.len <= PKI_SPKI_MAX &&
           spec->names.pseudonym &&
           strnlen(spec->names.pseudonym, PKI_PSEUDONYM_LEN + 1) == PKI_PSEUDONYM_LEN &&
           serial_is_sound(spec->serial) && spec->profile && spec->not_before >= ca->not_before &&
           spec->not_before <= spec->not_after && spec->not_after <= ca->not_after;
}

static int set_serial(X509 *cert, const unsigned char serial[PKI_SERIAL_LEN])
{
    BIGNUM *number = BN_bin2bn(serial, PKI_SERIAL_LEN, NULL);
    int good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return good;
}

/* ASN1_TIME_set() picks UTCTime up to 2049 and GeneralizedTime after it (RFC 5280 4.1.2.5). */
static int set_times(X509 *cert, const pki_cert_spec_t *spec)
{
    return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)apr_time_sec(spec->not_before)) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)apr_time_sec(spec->not_after));
}

/* Each attribute a RDN of its own. Values go in as octets: there is nothing to escape. */
static int fill_subject(X509_NAME *name, const pki_profile_t *profile, const pki_names_t *names)
{
    const pki_attribute_t *attribute;
    char value[PKI_VALUE_MAX + 1];
    for (int i = 0; i < PKI_PROFILE_RDNS && profile->subject[i][0]; i++)
        if (!pki_subject_value(&attribute, value, profile->subject[i], names) ||
            !X509_NAME_add_entry_by_NID(name, attribute->nid, attribute->string,
                                        (const unsigned char *)value, -1, -1, 0))
            return 0;
    return 1;
}

static int set_names(X509 *cert, const pki_ca_t *ca, const pki_profile_t *profile,
                     const pki_names_t *names)
{
    X509_NAME *name = X509_NAME_new();
    int good = name && fill_subject(name, profile, names) && X509_set_subject_name(cert, name) &&
               X509_set_issuer_name(cert, X509_get_subject_name(ca->cert));
    X509_NAME_free(name);
    return good;
}

/* The parameters that pki_key_check() lets through: NULL (RSA) and a curve's name (EC). On success
 * @a pub owns the copies. */
static int set_pubkey_parts(X509_PUBKEY *pub, const X509_ALGOR *alg, const ASN1_BIT_STRING *key)
{
    const ASN1_OBJECT *oid = NULL;
    const void *value = NULL;
    int type = V_ASN1_UNDEF;
    int len = ASN1_STRING_length(key);
    ASN1_OBJECT *oid_copy;
    ASN1_OBJECT *value_copy;
    unsigned char *key_copy;
    X509_ALGOR_get0(&oid, &type, &value, alg);
    if ((type != V_ASN1_NULL && type != V_ASN1_OBJECT) || len <= 0)
        return 0;
    oid_copy = OBJ_dup(oid);
    value_copy = type == V_ASN1_OBJECT ? OBJ_dup(value) : NULL;
    key_copy = OPENSSL_memdup(ASN1_STRING_get0_data(key), (size_t)len);
    if (oid_copy && (value_copy || type == V_ASN1_NULL) && key_copy &&
        X509_PUBKEY_set0_param(pub, oid_copy, type, value_copy, key_copy, len))
        return 1;
    ASN1_OBJECT_free(oid_copy);
    ASN1_OBJECT_free(value_copy);
    OPENSSL_free(key_copy);
    return 0;
}

/* Copies the SubjectPublicKeyInfo as ASN.1. X509_set_pubkey() would decode and encode the key,
 * which costs more than an EC signature and need not give the same octets. */
static int set_pubkey(X509 *cert, base_span_t spki)
{
    const unsigned char *p = spki.data;
    ASN1_SEQUENCE_ANY *parts = d2i_ASN1_SEQUENCE_ANY(NULL, &p, (long)spki.len);
    X509_ALGOR *alg = NULL;
    int good = 0;
    if (parts && p == spki.data + spki.len && sk_ASN1_TYPE_num(parts) == 2) {
        const ASN1_TYPE *first = sk_ASN1_TYPE_value(parts, 0);
        const ASN1_TYPE *second = sk_ASN1_TYPE_value(parts, 1);
        if (first->type == V_ASN1_SEQUENCE && second->type == V_ASN1_BIT_STRING) {
            alg = ASN1_item_unpack(first->value.sequence, ASN1_ITEM_rptr(X509_ALGOR));
            good =
                alg && set_pubkey_parts(X509_get_X509_PUBKEY(cert), alg, second->value.bit_string);
        }
    }
    X509_ALGOR_free(alg);
    sk_ASN1_TYPE_pop_free(parts, ASN1_TYPE_free);
    return good;
}

static int add_subject_key(X509 *cert, const pki_ca_t *ca, base_span_t spki)
{
    unsigned char hash[SHA_DIGEST_LENGTH];
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    int good = id && pki_key_id(hash, spki, ca->sha1) &&
               ASN1_OCTET_STRING_set(id, hash, SHA_DIGEST_LENGTH) &&
               X509_add1_ext_i2d(cert, NID_subject_key_identifier, id, 0, X509V3_ADD_APPEND);
    ASN1_OCTET_STRING_free(id);
    return good;
}

static int add_fixed(X509 *cert, const pki_fixed_t *fixed)
{
    int good = 1;
    for (int i = 0; good && i < fixed->count; i++)
        good = X509_add_ext(cert, fixed->extensions[i], -1);
    return good;
}

static int push_san(GENERAL_NAMES *sans, int type, const char *value)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    if (!name || !text || !ASN1_STRING_set(text, value, -1)) {
        ASN1_IA5STRING_free(text);
        GENERAL_NAME_free(name);
        return 0;
    }
    GENERAL_NAME_set0_value(name, type, text);
    if (sk_GENERAL_NAME_push(sans, name) > 0)
        return 1;
    GENERAL_NAME_free(name);
    return 0;
}

/* RFC 5280 4.2.1.6: not critical, since there is a subject. */
static int add_sans(X509 *cert, const pki_profile_t *profile, const pki_names_t *names)
{
    GENERAL_NAMES *sans;
    const pki_san_t *kind;
    char value[PKI_VALUE_MAX + 1];
    int good = 1;
    if (!profile->sans[0][0])
        return 1;
    sans = GENERAL_NAMES_new();
    for (int i = 0; sans && good && i < PKI_PROFILE_SANS && profile->sans[i][0]; i++)
        if (pki_san_value(&kind, value, profile->sans[i], names))
            good = push_san(sans, kind->type, value);
    if (sans && good && sk_GENERAL_NAME_num(sans) > 0)
        good = X509_add1_ext_i2d(cert, NID_subject_alt_name, sans, 0, X509V3_ADD_APPEND) == 1;
    good = good && sans;
    GENERAL_NAMES_free(sans);
    return good;
}

static int fill(X509 *cert, const pki_ca_t *ca, const pki_fixed_t *fixed,
                const pki_cert_spec_t *spec)
{
    char hex[2 * PKI_SERIAL_LEN + 1];
    pki_names_t names = pki_spec_names(spec, hex);
    return X509_set_version(cert, X509_VERSION_3) && set_serial(cert, spec->serial) &&
           set_names(cert, ca, spec->profile, &names) && set_times(cert, spec) &&
           set_pubkey(cert, spec->spki) && add_fixed(cert, fixed) &&
           add_subject_key(cert, ca, spec->spki) && add_sans(cert, spec->profile, &names);
}

static X509 *parse_whole(base_span_t der)
{
    const unsigned char *p = der.data;
    X509 *cert = d2i_X509(NULL, &p, (long)der.len);
    if (cert && p == der.data + der.len)
        return cert;
    X509_free(cert);
    return NULL;
}

static base_result_t sign(const pki_ca_t *ca, const pki_fixed_t *fixed, const pki_cert_spec_t *spec,
                          X509 *cert, base_span_t *out)
{
    unsigned char *der = NULL;
    int len;
    if (!fill(cert, ca, fixed, spec))
        return base_fail(BASE_INTERNAL, "GBA0322", "certificate: cannot be built");
    if (!ca->key || X509_sign(cert, ca->key, ca->md) <= 0)
        return base_fail(BASE_STORE_DOWN, "GBA0323", "certificate: the CA's key does not sign");
    len = i2d_X509(cert, &der);
    if (len <= 0)
        return base_fail(BASE_INTERNAL, "GBA0324", "certificate: cannot be encoded");
    out->data = der;
    out->len = (apr_size_t)len;
    if (len > PKI_CERT_MAX)
        return base_fail(BASE_INTERNAL, "GBA0325", "certificate: too long");
    return pki_cert_check_with(ca, fixed, spec,
                               *out); /* what leaves is judged, not what was meant */
}

static base_result_t issue(const pki_ca_t *ca, const pki_fixed_t *fixed,
                           const pki_cert_spec_t *spec, unsigned char *der, apr_size_t *der_len)
{
    base_span_t made = {NULL, 0};
    base_result_t result;
    X509 *cert = X509_new();
    if (!cert)
        return base_fail(BASE_INTERNAL, "GBA0327", "certificate: out of memory");
    result = sign(ca, fixed, spec, cert, &made);
    if (result.code == BASE_OK) {
        memcpy(der, made.data, made.len);
        *der_len = made.len;
    }
    OPENSSL_free((void *)made.data);
    X509_free(cert);
    return result;
}

base_result_t pki_cert_issue(const pki_ca_t *ca, const pki_cert_spec_t *spec, unsigned char *der,
                             apr_size_t *der_len)
{
    base_result_t result;
    pki_fixed_t *fixed;
    *der_len = 0;
    if (!spec_is_sound(ca, spec))
        return base_fail(BASE_INTERNAL, "GBA0326", "certificate: unsound specification");
    fixed = pki_fixed_get(ca, spec->profile); /* first: this says whether the profile is one */
    if (!fixed)
        result = base_fail(BASE_INTERNAL, "GBA1502", "certificate: unsound profile");
    else if (!pki_cert_can_name(spec->profile, &spec->names))
        result = base_fail(BASE_INTERNAL, "GBA1501", "certificate: its subject cannot be filled");
    else
        result = issue(ca, fixed, spec, der, der_len);
    pki_fixed_put(ca, fixed);
    ERR_clear_error();
    return result;
}

const char *pki_cert_pem(apr_pool_t *pool, base_span_t der)
{
    const char *pem = NULL;
    char *text = NULL;
    X509 *cert = der.data ? parse_whole(der) : NULL;
    BIO *out = cert ? BIO_new(BIO_s_mem()) : NULL;
    if (out && PEM_write_bio(out, PEM_STRING_X509, "", der.data, (long)der.len) > 0) {
        long len = BIO_get_mem_data(out, &text);
        if (len > 0)
            pem = apr_pstrmemdup(pool, text, (apr_size_t)len);
    }
    BIO_free(out);
    X509_free(cert);
    ERR_clear_error();
    return pem;
}
