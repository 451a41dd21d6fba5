/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as issued: every field, read back with OpenSSL alone, under each kind of CA. */
#include <apr_general.h>
#include <openssl/sha.h>
#include "pki/pki_impl.h"
#include "pki_fixture.h"

static const unsigned char serial[PKI_SERIAL_LEN] = {0x01, 0x80, 0, 0, 0, 0, 0, 0,
                                                     0,    0,    0, 0, 0, 0, 0, 0xff};
#define PSEUDONYM "0123456789abcdef0123456789abcdef"

/* The built-in profile with that usage. */
static const pki_profile_t *profile_of(unsigned usage)
{
    int count;
    const pki_profile_t *all = pki_profiles_default(&count);
    return &all[usage == PKI_USAGE_NON_REPUDIATION];
}

static pki_cert_spec_t sound_spec(base_span_t spki)
{
    pki_cert_spec_t spec;
    memset(&spec, 0, sizeof(spec));
    spec.spki = spki;
    spec.names.pseudonym = PSEUDONYM;
    memcpy(spec.serial, serial, sizeof(serial));
    spec.profile = profile_of(PKI_USAGE_DIGITAL_SIGNATURE);
    spec.not_before = PKIF_NOW;
    spec.not_after = PKIF_NOW + 365 * PKIF_DAY;
    return spec;
}

/* Issues and parses; NULL after a failed test point if that fails. */
static X509 *issue(const pki_ca_t *ca, const pki_cert_spec_t *spec, const char *what)
{
    unsigned char der[PKI_CERT_MAX];
    const unsigned char *p = der;
    apr_size_t len = 0;
    base_result_t result = pki_cert_issue(ca, spec, der, &len);
    X509 *cert = result.code == BASE_OK ? d2i_X509(NULL, &p, (long)len) : NULL;
    ok(cert && p == der + len, "%s: issued (%s)", what, result.detail ? result.detail : "");
    return cert;
}

static void check_names(const X509 *cert, const pki_ca_t *ca)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, 0);
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
    is_int(X509_NAME_entry_count(subject), 1, "subject has one attribute");
    is_int(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)), NID_commonName, "a common name");
    is_int(ASN1_STRING_type(value), V_ASN1_UTF8STRING, "as UTF8String (RFC 5280 4.1.2.4)");
    is_int(ASN1_STRING_length(value), PKI_PSEUDONYM_LEN, "as long as the pseudonym");
    is_mem(ASN1_STRING_get0_data(value), PSEUDONYM, PKI_PSEUDONYM_LEN, "the pseudonym");
    is_int(X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(ca->cert)), 0,
           "issuer is the CA's subject");
}

static void check_facts(const X509 *cert, const pki_cert_spec_t *spec, int sign_nid)
{
    const ASN1_INTEGER *number = X509_get0_serialNumber(cert);
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
    is_int(X509_get_version(cert), X509_VERSION_3, "version 3");
    is_int(ASN1_STRING_length(number), PKI_SERIAL_LEN, "serial of 16 octets");
    is_mem(ASN1_STRING_get0_data(number), serial, PKI_SERIAL_LEN, "the serial");
    is_int(len, (long long)spec->spki.len, "length of the SPKI");
    is_mem(spki, spec->spki.data, spec->spki.len, "the SPKI, octet for octet");
    is_int(X509_get_signature_nid(cert), sign_nid, "signature algorithm");
    OPENSSL_free(spki);
}

/* The four extensions by their DER (RFC 5280 4.2.1), in no particular order. */
static void check_extension(const X509 *cert, int nid, int critical, base_span_t want,
                            const char *what)
{
    int at = X509_get_ext_by_NID(cert, nid, -1);
    X509_EXTENSION *extension = at >= 0 ? X509_get_ext(cert, at) : NULL;
    const ASN1_OCTET_STRING *data = extension ? X509_EXTENSION_get_data(extension) : NULL;
    if (!ok(data != NULL, "%s is there", what))
        return;
    is_int(X509_get_ext_by_NID(cert, nid, at), -1, "once");
    is_int(X509_EXTENSION_get_critical(extension) > 0, critical, "critical or not");
    is_int(ASN1_STRING_length(data), (long long)want.len, "its length");
    is_mem(ASN1_STRING_get0_data(data), want.data, want.len, "its DER");
}

static base_span_t key_id(apr_pool_t *pool, const X509 *cert)
{
    const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(cert);
    unsigned char *hash = apr_palloc(pool, SHA_DIGEST_LENGTH);
    base_span_t id = {hash, SHA_DIGEST_LENGTH};
    SHA1(ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key), hash);
    return id;
}

static void check_extensions(apr_pool_t *pool, const X509 *cert, unsigned usage,
                             base_span_t ca_key_id)
{
    base_span_t aki = pkif_tlv(pool, 0x30, pkif_tlv(pool, 0x80, ca_key_id));
    is_int(X509_get_ext_count(cert), 4, "four extensions");
    check_extension(cert, NID_basic_constraints, 1, pkif_hex(pool, "3000"), "basicConstraints");
    check_extension(cert, NID_key_usage, 1,
                    pkif_hex(pool, usage == PKI_USAGE_DIGITAL_SIGNATURE ? "03020780" : "03020640"),
                    "keyUsage");
    check_extension(cert, NID_subject_key_identifier, 0, pkif_tlv(pool, 0x04, key_id(pool, cert)),
                    "SKI by method 1");
    check_extension(cert, NID_authority_key_identifier, 0, aki, "AKI");
}

/* OpenSSL's own judgement, with all that RFC 5280 asks of a path. */
static void check_path(X509 *cert, const pki_ca_t *ca)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    if (!store || !ctx || !X509_STORE_add_cert(store, ca->cert) ||
        !X509_STORE_CTX_init(ctx, store, cert, NULL))
        pkif_die("X509_STORE");
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)apr_time_sec(PKIF_NOW));
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
    is_int(X509_verify_cert(ctx), 1, X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
}

static void check_all(apr_pool_t *pool, const pki_ca_t *ca, int sign_nid, base_span_t spki)
{
    for (unsigned usage = PKI_USAGE_DIGITAL_SIGNATURE; usage <= PKI_USAGE_NON_REPUDIATION;
         usage++) {
        pki_cert_spec_t spec = sound_spec(spki);
        X509 *cert;
        spec.profile = profile_of(usage);
        cert = issue(ca, &spec, apr_psprintf(pool, "usage %u", usage));
        if (!cert)
            continue;
        check_names(cert, ca);
        check_facts(cert, &spec, sign_nid);
        check_extensions(pool, cert, usage, key_id(pool, ca->cert));
        check_path(cert, ca);
        X509_free(cert);
    }
}

static void every_key_under(apr_pool_t *pool, const char *dir, EVP_PKEY *key, int sign_nid,
                            const char *what)
{
    static const char *const names[] = {"rsa2048",         "rsa4096", "p256",
                                        "p256-compressed", "p384",    "p256-greedy"};
    pkif_ca_t sound = pkif_sound_ca();
    pki_ca_t *ca = pkif_load(pool, dir, &sound, key);
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ok(1, "%s key under a %s CA:", names[i], what);
        check_all(pool, ca, sign_nid, pkif_spki(pool, pkif_der(pool, names[i])));
    }
}

/* RFC 5280 4.2.1.1: the AKI is the CA's SKI, whatever that is; its key's hash if it has none. */
static void authority_keys(apr_pool_t *pool, const char *dir, EVP_PKEY *key, base_span_t spki)
{
    static const char *const skis[] = {"0102030405", NULL};
    for (unsigned i = 0; i < 2; i++) {
        pkif_ca_t what = pkif_sound_ca();
        pki_cert_spec_t spec = sound_spec(spki);
        what.ski = skis[i];
        pki_ca_t *ca = pkif_load(pool, dir, &what, key);
        X509 *cert = issue(ca, &spec, skis[i] ? "CA with a SKI of its own" : "CA without a SKI");
        if (cert)
            check_extensions(pool, cert, spec.profile->usage,
                             skis[i] ? pkif_hex(pool, skis[i]) : key_id(pool, ca->cert));
        X509_free(cert);
    }
}

/* Nothing of the PKCS#10 but its key: neither its subject nor a word of its extensions. */
static void nothing_copied(apr_pool_t *pool, const pki_ca_t *ca)
{
    static const char *const words[] = {"wish", "wished.example"};
    pki_cert_spec_t spec = sound_spec(pkif_spki(pool, pkif_der(pool, "p256-greedy")));
    base_span_t request = pkif_der(pool, "p256-greedy");
    unsigned char der[PKI_CERT_MAX];
    apr_size_t len = 0;
    is_int(pki_cert_issue(ca, &spec, der, &len).code, BASE_OK, "the greedy PKCS#10's key");
    for (unsigned i = 0; i < 2; i++) {
        apr_size_t word_len = strlen(words[i]);
        ok(memmem(request.data, request.len, words[i], word_len) != NULL,
           "word %u stands in the PKCS#10", i);
        ok(!memmem(der, len, words[i], word_len), "and not in the certificate");
    }
}

/* RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050. */
static void time_types(apr_pool_t *pool, const char *dir, EVP_PKEY *key, base_span_t spki)
{
    const apr_time_t y2050 = apr_time_from_sec(APR_INT64_C(2524608000));
    pkif_ca_t what = pkif_sound_ca();
    pki_cert_spec_t spec = sound_spec(spki);
    what.not_after = y2050 + 365 * PKIF_DAY;
    pki_ca_t *ca = pkif_load(pool, dir, &what, key);
    spec.not_after = y2050 - 1;
    X509 *cert = issue(ca, &spec, "until the end of 2049");
    is_str(cert ? (const char *)X509_get0_notBefore(cert)->data : NULL, "260101000000Z",
           "notBefore");
    is_str(cert ? (const char *)X509_get0_notAfter(cert)->data : NULL, "491231235959Z", "UTCTime");
    X509_free(cert);
    spec.not_after = y2050;
    cert = issue(ca, &spec, "until the start of 2050");
    is_str(cert ? (const char *)X509_get0_notAfter(cert)->data : NULL, "20500101000000Z",
           "GeneralizedTime");
    X509_free(cert);
}

static void unsound(const pki_ca_t *ca, const pki_cert_spec_t *spec, base_code_t want,
                    const char *what)
{
    unsigned char der[PKI_CERT_MAX];
    apr_size_t len = 99;
    is_int(pki_cert_issue(ca, spec, der, &len).code, want, what);
    is_int((long long)len, 0, "and nothing is given out");
}

static void unsound_specs(apr_pool_t *pool, const pki_ca_t *ca, base_span_t spki)
{
    const pki_cert_spec_t good = sound_spec(spki);
    pki_cert_spec_t spec;
    pki_profile_t changed;
#define ROW(what, change)                                                                          \
    spec = good;                                                                                   \
    changed = *good.profile;                                                                       \
    spec.profile = &changed;                                                                       \
    change;                                                                                        \
    unsound(ca, &spec, BASE_INTERNAL, what)
    ROW("no key", spec.spki.len = 0);
    ROW("NULL for a key", spec.spki.data = NULL);
    ROW("half a key", spec.spki.len /= 2);
    ROW("a key too long", spec.spki = pkif_rsa_spki(pool, 8192, "010001"));
    ROW("a key and an octet", spec.spki = pkif_cat(pool, spki, pkif_hex(pool, "00")));
    ROW("a key of an unknown kind",
        spec.spki = pkif_make_spki(pool, "06032a03043000", pkif_hex(pool, "0001")));
    ROW("a key with unused bits",
        spec.spki = pkif_make_spki(pool, PKIF_P256, pkif_hex(pool, "0100010204")));
    ROW("no pseudonym", spec.names.pseudonym = NULL);
    ROW("a short pseudonym", spec.names.pseudonym = PSEUDONYM + 1);
    ROW("a long pseudonym", spec.names.pseudonym = PSEUDONYM "x");
    ROW("no profile", spec.profile = NULL);
    ROW("serial with a zero first octet", spec.serial[0] = 0);
    ROW("serial with the top bit", spec.serial[0] = 0x80);
    ROW("no usage", changed.usage = 0);
    ROW("an unknown usage", changed.usage = 4);
    ROW("ends before it starts", spec.not_after = spec.not_before - 1);
    ROW("starts before the CA", spec.not_before = ca->not_before - 1);
    ROW("ends after the CA", spec.not_after = ca->not_after + 1);
#undef ROW
}

/* The last line of defence: a key that signs, but is not the CA certificate's. */
static void wrong_signature(apr_pool_t *pool, const char *dir, EVP_PKEY *key, base_span_t spki)
{
    pkif_ca_t what = pkif_sound_ca();
    pki_cert_spec_t spec = sound_spec(spki);
    pki_ca_t *ca = pkif_load(pool, dir, &what, key);
    EVP_PKEY *other = EVP_EC_gen("P-256");
    EVP_PKEY *right = ca->key;
    ca->key = other;
    unsound(ca, &spec, BASE_STORE_DOWN, "the signer signs with another key");
    ca->key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    unsound(ca, &spec, BASE_STORE_DOWN, "the signer does not sign");
    EVP_PKEY_free(ca->key);
    EVP_PKEY_free(other);
    ca->key = right;
}

static void pem_text(apr_pool_t *pool, const pki_ca_t *ca)
{
    base_span_t der = pki_ca_der(ca);
    const char *pem = pki_cert_pem(pool, der);
    base_span_t none = {NULL, 0};
    base_span_t cut = {der.data, der.len - 1};
    ok(pem && strncmp(pem, "-----BEGIN CERTIFICATE-----\n", 28) == 0, "PEM starts as PEM");
    if (pem) {
        base_span_t back = pkif_unpem(pool, base_span_str(pem));
        is_int((long long)back.len, (long long)der.len, "and holds as many octets");
        is_mem(back.data, der.data, der.len, "the same octets");
        is_str(pem + strlen(pem) - 26, "-----END CERTIFICATE-----\n", "and ends as PEM");
    }
    ok(!pki_cert_pem(pool, none), "no PEM of nothing");
    ok(!pki_cert_pem(pool, cut), "no PEM of a cut certificate");
    ok(!pki_cert_pem(pool, pkif_cat(pool, der, pkif_hex(pool, "00"))), "nor of one with a tail");
    ok(!pki_cert_pem(pool, pkif_der(pool, "p256")), "nor of a PKCS#10");
}

int main(void)
{
    apr_pool_t *pool;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    const char *dir = pkif_dir(pool);
    base_span_t spki = pkif_spki(pool, pkif_der(pool, "p256"));
    EVP_PKEY *p256 = EVP_EC_gen("P-256");
    EVP_PKEY *p384 = EVP_EC_gen("P-384");
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    pkif_ca_t sound = pkif_sound_ca();
    pki_ca_t *ca = pkif_load(pool, dir, &sound, p256);
    every_key_under(pool, dir, p256, NID_ecdsa_with_SHA256, "P-256");
    every_key_under(pool, dir, p384, NID_ecdsa_with_SHA384, "P-384");
    every_key_under(pool, dir, rsa, NID_sha256WithRSAEncryption, "RSA");
    authority_keys(pool, dir, p256, spki);
    nothing_copied(pool, ca);
    time_types(pool, dir, p256, spki);
    unsound_specs(pool, ca, spki);
    wrong_signature(pool, dir, p256, spki);
    pem_text(pool, ca);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(rsa);
    pkif_clean(dir);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
