/* SPDX-License-Identifier: Apache-2.0 */
/* pki_cert_check() on certificates that a CA's key did sign and that are not what was meant; texts
 * that a CA's key signs; a CA without a key. */
#include <apr_general.h>
#include <openssl/err.h>
#include "pki/pki_impl.h"
#include "pki_fixture.h"

#define PSEUDONYM "0123456789abcdef0123456789abcdef"

static apr_pool_t *pool;
static const char *dir;
static EVP_PKEY *ca_key, *subject_key;
static pki_ca_t *ca;
static pki_cert_spec_t spec;

/** What is put into a certificate by other hands; the defaults are those of the spec. */
typedef struct forgery_t {
    long version;
    unsigned char serial_last;
    const char *name;
    const char *second_name; /* another attribute of the subject; NULL: none */
    const char *issuer;      /* NULL: the CA's subject */
    apr_time_t not_before, not_after;
    EVP_PKEY *key, *signer;
    const char *constraints, *usage, *ski, *aki, *more; /* NULL: left out */
    const EVP_MD *md;
    int append; /* an octet at the end */
} forgery_t;

static forgery_t honest(void)
{
    forgery_t forgery = {.version = X509_VERSION_3,
                         .serial_last = 0x11,
                         .name = PSEUDONYM,
                         .not_before = spec.not_before,
                         .not_after = spec.not_after,
                         .key = subject_key,
                         .signer = ca_key,
                         .constraints = "critical,CA:FALSE",
                         .usage = "critical,digitalSignature",
                         .ski = "hash",
                         .aki = "keyid",
                         .md = EVP_sha256()};
    return forgery;
}

static void extend(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;
    if (!value)
        return;
    X509V3_set_ctx(&ctx, ca->cert, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (!extension || !X509_add_ext(cert, extension, -1))
        pkif_die("X509_add_ext");
    X509_EXTENSION_free(extension);
}

static void set_names(X509 *cert, const forgery_t *f)
{
    X509_NAME *issuer = X509_NAME_dup(X509_get_subject_name(ca->cert));
    X509_NAME *subject = X509_get_subject_name(cert);
    if (f->issuer) {
        X509_NAME_free(issuer);
        issuer = X509_NAME_new();
        X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_UTF8, (const unsigned char *)f->issuer,
                                   -1, -1, 0);
    }
    X509_set_issuer_name(cert, issuer);
    X509_NAME_free(issuer);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)f->name, -1, -1,
                               0);
    if (f->second_name)
        X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
                                   (const unsigned char *)f->second_name, -1, -1, 0);
}

static base_span_t forge(const forgery_t *f)
{
    unsigned char serial[PKI_SERIAL_LEN];
    X509 *cert = X509_new();
    BIGNUM *number;
    unsigned char *der = apr_pcalloc(pool, PKI_CERT_MAX), *end = der;
    base_span_t span = {der, 0};
    memset(serial, 0x11, sizeof serial);
    serial[PKI_SERIAL_LEN - 1] = f->serial_last;
    number = BN_bin2bn(serial, sizeof serial, NULL);
    X509_set_version(cert, f->version);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    set_names(cert, f);
    ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)apr_time_sec(f->not_before));
    ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)apr_time_sec(f->not_after));
    X509_set_pubkey(cert, f->key);
    extend(cert, NID_basic_constraints, f->constraints);
    extend(cert, NID_key_usage, f->usage);
    extend(cert, NID_subject_key_identifier, f->ski);
    extend(cert, NID_authority_key_identifier, f->aki);
    extend(cert, NID_netscape_comment, f->more);
    if (!X509_sign(cert, f->signer, f->md))
        pkif_die("X509_sign");
    span.len = (apr_size_t)i2d_X509(cert, &end) + (f->append ? 1u : 0u);
    X509_free(cert);
    BN_free(number);
    return span;
}

static void test_forgeries(void)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");
    forgery_t f = honest();
    is_int(pki_cert_check(ca, &spec, forge(&f)).code, BASE_OK, "other hands, but honest");
#define ROW(what, change, want)                                                                    \
    f = honest();                                                                                  \
    change;                                                                                        \
    is_int(pki_cert_check(ca, &spec, forge(&f)).code, want, what)
    ROW("signed by another key", f.signer = other, BASE_STORE_DOWN);
    ROW("signed with another hash", f.md = EVP_sha384(), BASE_OK);
    ROW("version 1", f.version = X509_VERSION_1, BASE_INTERNAL);
    ROW("version 2", f.version = X509_VERSION_2, BASE_INTERNAL);
    ROW("another serial", f.serial_last = 0x12, BASE_INTERNAL);
    ROW("another name", f.name = "1123456789abcdef0123456789abcdef", BASE_INTERNAL);
    ROW("a longer name", f.name = PSEUDONYM "0", BASE_INTERNAL);
    ROW("a name and more", f.second_name = "more", BASE_INTERNAL);
    ROW("another issuer", f.issuer = "Another CA", BASE_INTERNAL);
    ROW("another notBefore", f.not_before += APR_USEC_PER_SEC, BASE_INTERNAL);
    ROW("another notAfter", f.not_after += APR_USEC_PER_SEC, BASE_INTERNAL);
    ROW("another key", f.key = other, BASE_INTERNAL);
    ROW("a CA", f.constraints = "critical,CA:TRUE", BASE_INTERNAL);
    ROW("a path length", f.constraints = "critical,CA:FALSE,pathlen:0", BASE_INTERNAL);
    ROW("constraints that are not critical", f.constraints = "CA:FALSE", BASE_INTERNAL);
    ROW("no constraints", f.constraints = NULL, BASE_INTERNAL);
    ROW("another usage", f.usage = "critical,nonRepudiation", BASE_INTERNAL);
    ROW("one usage more", f.usage = "critical,digitalSignature,keyCertSign", BASE_INTERNAL);
    ROW("a usage of nine bits", f.usage = "critical,digitalSignature,decipherOnly", BASE_INTERNAL);
    ROW("usage that is not critical", f.usage = "digitalSignature", BASE_INTERNAL);
    ROW("no usage", f.usage = NULL, BASE_INTERNAL);
    ROW("no SKI", f.ski = NULL, BASE_INTERNAL);
    ROW("no AKI", f.aki = NULL, BASE_INTERNAL);
    ROW("AKI with issuer and serial", f.aki = "keyid,issuer:always", BASE_INTERNAL);
    ROW("a fifth extension", f.more = "more", BASE_INTERNAL);
    ROW("an octet behind it", f.append = 1, BASE_INTERNAL);
#undef ROW
    pki_cert_spec_t good = spec;
    f = honest();
    f.not_after = spec.not_after = ca->not_after + PKIF_DAY;
    is_int(pki_cert_check(ca, &spec, forge(&f)).code, BASE_INTERNAL, "as meant, but past the CA");
    f = honest();
    f.not_before = spec.not_before = ca->not_before - PKIF_DAY;
    spec.not_after = good.not_after;
    f.not_after = spec.not_after;
    is_int(pki_cert_check(ca, &spec, forge(&f)).code, BASE_INTERNAL, "as meant, but before it");
    spec = good;
    EVP_PKEY_free(other);
}

/** RFC 5280 4.1.1.2: the algorithm inside what is signed is the one outside. */
static void test_two_algorithms(void)
{
    static const unsigned char sha256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
    forgery_t f = honest();
    base_span_t good = forge(&f), tbs = {good.data + 4, 0}, parts, made;
    unsigned char *at, *signature = apr_pcalloc(pool, 257);
    size_t len = 256;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    tbs.len = 4u + ((apr_size_t)tbs.data[2] << 8) + tbs.data[3];
    for (int change = 0; change < 2; change++) {
        at = memmem(tbs.data, tbs.len, sha256, sizeof sha256);
        if (!at || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, ca_key) != 1)
            pkif_die("DER");
        at[sizeof sha256 - 1] = change ? 0x03 : 0x02; /* ecdsa-with-SHA384 : -SHA256 */
        len = 256;
        if (EVP_DigestSign(ctx, signature + 1, &len, tbs.data, tbs.len) != 1)
            pkif_die("EVP_DigestSign");
        parts = pkif_cat(pool, tbs, pkif_hex(pool, "300a06082a8648ce3d040302"));
        made = pkif_tlv(pool, 0x03, (base_span_t){signature, len + 1});
        made = pkif_tlv(pool, 0x30, pkif_cat(pool, parts, made));
        is_int(pki_cert_check(ca, &spec, made).code, change ? BASE_INTERNAL : BASE_OK,
               change ? "another algorithm inside" : "signed by hand");
    }
    EVP_MD_CTX_free(ctx);
}

/** Every octet of a certificate matters. */
static void test_every_octet(void)
{
    forgery_t f = honest();
    base_span_t good = forge(&f);
    unsigned char *bad = apr_pmemdup(pool, good.data, good.len);
    base_span_t changed = {bad, good.len};
    int taken = 0;
    for (apr_size_t i = 0; i < good.len; i++) {
        bad[i] ^= 0x01;
        taken += pki_cert_check(ca, &spec, changed).code == BASE_OK;
        bad[i] ^= 0x01;
    }
    is_int(taken, 0, "no octet can be changed");
    for (changed.len = 0; changed.len < good.len; changed.len += 7)
        taken += pki_cert_check(ca, &spec, changed).code == BASE_OK;
    is_int(taken, 0, "nor any be missing");
    changed.data = NULL;
    is_int(pki_cert_check(ca, &spec, changed).code, BASE_INTERNAL, "nothing at all");
}

/* ---- texts ---- */

static void sign_under(EVP_PKEY *key, const char *what)
{
    static const char text[] = PKI_TEXT_LABEL "test v1\nsome text\n";
    unsigned char signature[PKI_SIGNATURE_MAX];
    apr_size_t len = 0;
    pkif_ca_t sound = pkif_sound_ca();
    pki_ca_t *signer = pkif_load(pool, dir, &sound, key);
    is_int(pki_ca_sign_text(signer, text, signature, &len).code, BASE_OK, what);
    base_span_t span = {signature, len};
    ok(len > 0 && pki_ca_verify_text(signer, text, span), "  it verifies");
    ok(!pki_ca_verify_text(signer, PKI_TEXT_LABEL "test v1\nsome Text\n", span),
       "  but not another text");
    signature[len - 1] ^= 1;
    ok(!pki_ca_verify_text(signer, text, span), "  nor another signature");
    signature[len - 1] ^= 1;
    span.len--;
    ok(!pki_ca_verify_text(signer, text, span), "  nor half of it");
}

static void test_texts(void)
{
    static const char *const others[] = {"", "mod_gba_pki", "Mod_gba_pki x", "0\x03\x02\x01\x01",
                                         "x mod_gba_pki x"};
    static const char text[] = PKI_TEXT_LABEL "test v1\n";
    unsigned char signature[PKI_SIGNATURE_MAX];
    EVP_PKEY *p384 = EVP_EC_gen("P-384"), *rsa = EVP_RSA_gen(2048);
    pki_ca_t *another;
    apr_size_t len = 7;
    sign_under(ca_key, "P-256 signs a text");
    sign_under(p384, "P-384 signs a text");
    sign_under(rsa, "RSA signs a text");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        is_int(pki_ca_sign_text(ca, others[i], signature, &len).code, BASE_INTERNAL,
               "a text without our label is not signed");
        is_int((long long)len, 0, "  indeed");
    }
    pki_ca_sign_text(ca, text, signature, &len);
    pkif_ca_t sound = pkif_sound_ca();
    another = pkif_load(pool, dir, &sound, p384);
    ok(!pki_ca_verify_text(another, text, (base_span_t){signature, len}), "not by another CA");
    ok(!pki_ca_verify_text(ca, text, (base_span_t){NULL, 0}), "nor without a signature");
    EVP_PKEY_free(p384);
    EVP_PKEY_free(rsa);
}

/** For who only looks: the operator's tool needs no key. */
static void test_without_a_key(void)
{
    static const char text[] = PKI_TEXT_LABEL "test v1\n";
    unsigned char signature[PKI_SIGNATURE_MAX], der[PKI_CERT_MAX];
    apr_size_t len = 0, none = 7;
    pki_ca_t *looker = NULL;
    pkif_ca_t sound = pkif_sound_ca();
    X509 *cert = pkif_ca_cert(&sound, ca_key, NULL, NULL);
    forgery_t f = honest();
    const char *file = pkif_write(pool, dir, "looker.pem", cert, NULL, NULL);
    is_int(pki_ca_load(&looker, file, NULL, NULL, NULL, pool).code, BASE_OK,
           "a CA without its key");
    X509_free(cert);
    pki_ca_sign_text(ca, text, signature, &len);
    ok(pki_ca_verify_text(looker, text, (base_span_t){signature, len}), "verifies a text");
    is_int(pki_cert_check(looker, &spec, forge(&f)).code, BASE_OK, "and a certificate");
    is_int(pki_ca_sign_text(looker, text, signature, &none).code, BASE_STORE_DOWN, "signs no text");
    is_int(pki_cert_issue(looker, &spec, der, &none).code, BASE_STORE_DOWN, "and no certificate");
}

int main(void)
{
    unsigned char *spki = NULL;
    pkif_ca_t sound = pkif_sound_ca();
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = pkif_dir(pool);
    ca_key = EVP_EC_gen("P-256");
    subject_key = EVP_EC_gen("P-256");
    ca = pkif_load(pool, dir, &sound, ca_key);
    memset(&spec, 0, sizeof spec);
    spec.spki.len = (apr_size_t)i2d_PUBKEY(subject_key, &spki);
    spec.spki.data = spki;
    memcpy(spec.pseudonym, PSEUDONYM, sizeof PSEUDONYM);
    memset(spec.serial, 0x11, sizeof spec.serial);
    spec.usage = PKI_USAGE_DIGITAL_SIGNATURE;
    spec.not_before = PKIF_NOW;
    spec.not_after = PKIF_NOW + 365 * PKIF_DAY;
    test_forgeries();
    test_two_algorithms();
    test_every_octet();
    test_texts();
    test_without_a_key();
    is_int((long long)ERR_peek_error(), 0, "OpenSSL's error queue is empty");
    OPENSSL_free(spki);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(subject_key);
    pkif_clean(dir);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
