/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pki_fixture.h
 * What the tests of the pki layer share: vector files, a DER builder for
 * PKCS#10 that no decent tool would make, and test CAs.
 */
#ifndef pki_fixture_h
#define pki_fixture_h

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include "pki/pki_cert.h"
#include "tap.h"

static inline void pkif_die(const char *what)
{
    printf("Bail out! %s\n", what);
    exit(1);
}

/** A file of the source tree, NUL-terminated, in @a pool. */
static inline base_span_t pkif_file(apr_pool_t *pool, const char *name)
{
    const char *top = getenv("GBA_SRCDIR");
    const char *path = apr_pstrcat(pool, top ? top : ".", "/", name, NULL);
    unsigned char *data = apr_pcalloc(pool, 65537);
    base_span_t span = {data, 0};
    FILE *file = fopen(path, "rb");
    if (!file)
        pkif_die(path);
    span.len = fread(data, 1, 65536, file);
    fclose(file);
    return span;
}

/** t/vectors/pkcs10/NAME.pem as it stands. */
static inline base_span_t pkif_pem(apr_pool_t *pool, const char *name)
{
    return pkif_file(pool, apr_pstrcat(pool, "t/vectors/pkcs10/", name, ".pem", NULL));
}

/** The DER in a PEM text, by OpenSSL's own reader. */
static inline base_span_t pkif_unpem(apr_pool_t *pool, base_span_t pem)
{
    BIO *in = BIO_new_mem_buf(pem.data, (int)pem.len);
    char *name = NULL;
    char *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    base_span_t der;
    if (!in || !PEM_read_bio(in, &name, &header, &data, &len))
        pkif_die("PEM_read_bio");
    der.data = apr_pmemdup(pool, data, (apr_size_t)len);
    der.len = (apr_size_t)len;
    BIO_free(in);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return der;
}

static inline base_span_t pkif_der(apr_pool_t *pool, const char *name)
{
    return pkif_unpem(pool, pkif_pem(pool, name));
}

/** The SubjectPublicKeyInfo of a PKCS#10 in DER, by OpenSSL. */
static inline base_span_t pkif_spki(apr_pool_t *pool, base_span_t der)
{
    const unsigned char *p = der.data;
    unsigned char *out = NULL;
    X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)der.len);
    int len = req ? i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(req), &out) : 0;
    base_span_t spki;
    if (len <= 0)
        pkif_die("i2d_X509_PUBKEY");
    spki.data = apr_pmemdup(pool, out, (apr_size_t)len);
    spki.len = (apr_size_t)len;
    OPENSSL_free(out);
    X509_REQ_free(req);
    return spki;
}

/** One octet string after the other. */
static inline base_span_t pkif_cat(apr_pool_t *pool, base_span_t a, base_span_t b)
{
    unsigned char *data = apr_palloc(pool, a.len + b.len + 1);
    base_span_t both = {data, a.len + b.len};
    if (a.len)
        memcpy(data, a.data, a.len);
    if (b.len)
        memcpy(data + a.len, b.data, b.len);
    data[both.len] = '\0';
    return both;
}

static inline base_span_t pkif_hex(apr_pool_t *pool, const char *hex)
{
    apr_size_t len = strlen(hex) / 2;
    unsigned char *data = apr_palloc(pool, len + 1);
    base_span_t span = {data, len};
    if (!base_hex_decode(data, len, hex, 2 * len))
        pkif_die("hex");
    return span;
}

/** A DER element with a length in the shortest form. */
static inline base_span_t pkif_tlv(apr_pool_t *pool, unsigned char tag, base_span_t content)
{
    unsigned char head[4] = {tag, 0x82, (unsigned char)(content.len >> 8),
                             (unsigned char)content.len};
    base_span_t header = {head, 4};
    if (content.len < 0x80) {
        head[1] = (unsigned char)content.len;
        header.len = 2;
    } else if (content.len < 0x100) {
        head[1] = 0x81;
        head[2] = (unsigned char)content.len;
        header.len = 3;
    }
    return pkif_cat(pool, header, content);
}

/** SEQUENCE { algorithm (content in hex), BIT STRING (content with its count of unused bits) }. */
static inline base_span_t pkif_make_spki(apr_pool_t *pool, const char *algorithm, base_span_t bits)
{
    base_span_t alg = pkif_tlv(pool, 0x30, pkif_hex(pool, algorithm));
    return pkif_tlv(pool, 0x30, pkif_cat(pool, alg, pkif_tlv(pool, 0x03, bits)));
}

#define PKIF_RSA    "06092a864886f70d0101010500"             /**< rsaEncryption, NULL */
#define PKIF_RSA_NO "06092a864886f70d010101"                 /**< without its parameters */
#define PKIF_P256   "06072a8648ce3d020106082a8648ce3d030107" /**< id-ecPublicKey, P-256 */

/** RSAPublicKey of a made-up odd modulus of @a bits bits; @a exponent in hex as an INTEGER holds
 *  it. Nobody has the private key: good for reading only. */
static inline base_span_t pkif_rsa_key(apr_pool_t *pool, unsigned bits, const char *exponent)
{
    apr_size_t len = (bits + 7) / 8;
    unsigned char *n = apr_pcalloc(pool, len + 1);
    base_span_t number = {n, len + 1};
    memset(n + 1, 0x5b, len);
    n[1] = (unsigned char)(0xffu >> (8 * len - bits));
    if (n[1] < 0x80) {
        number.data++;
        number.len--;
    }
    return pkif_tlv(pool, 0x30,
                    pkif_cat(pool, pkif_tlv(pool, 0x02, number),
                             pkif_tlv(pool, 0x02, pkif_hex(pool, exponent))));
}

static inline base_span_t pkif_rsa_spki(apr_pool_t *pool, unsigned bits, const char *exponent)
{
    return pkif_make_spki(pool, PKIF_RSA,
                          pkif_cat(pool, pkif_hex(pool, "00"), pkif_rsa_key(pool, bits, exponent)));
}

/** A PKCS#10 of @a version (hex of an INTEGER's content) with @a spki and a signature that is
 *  none. */
static inline base_span_t pkif_request(apr_pool_t *pool, const char *version, base_span_t spki)
{
    base_span_t info = pkif_tlv(pool, 0x02, pkif_hex(pool, version));
    base_span_t tail = pkif_hex(pool, "300a06082a8648ce3d040302"
                                      "03090030060201010201"
                                      "01");
    info = pkif_cat(pool, info, pkif_hex(pool, "3000"));
    info = pkif_cat(pool, pkif_cat(pool, info, spki), pkif_hex(pool, "a000"));
    return pkif_tlv(pool, 0x30, pkif_cat(pool, pkif_tlv(pool, 0x30, info), tail));
}

/** A fresh directory of this test's own. */
static inline const char *pkif_dir(apr_pool_t *pool)
{
    const char *base = getenv("TMPDIR");
    char *dir = apr_pstrcat(pool, base ? base : "/tmp", "/gba-pki-XXXXXX", NULL);
    if (!mkdtemp(dir))
        pkif_die("mkdtemp");
    return dir;
}

static inline int pkif_remove_one(const char *path, const struct stat *st, int flag,
                                  struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void pkif_clean(const char *dir)
{
    if (nftw(dir, pkif_remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
        printf("# %s stays\n", dir);
}

/** What a test CA is made of. */
typedef struct pkif_ca_t {
    const char *name;        /**< common name; "" for an empty subject */
    const char *constraints; /**< basicConstraints; NULL for none */
    const char *usage;       /**< keyUsage; NULL for none */
    const char *ski;         /**< subjectKeyIdentifier; NULL for none */
    apr_time_t not_before;
    apr_time_t not_after;
} pkif_ca_t;

static inline void pkif_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;
    if (!value)
        return;
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (!extension || !X509_add_ext(cert, extension, -1))
        pkif_die("X509_add_ext");
    X509_EXTENSION_free(extension);
}

/** Signs a CA certificate for @a key with @a issuer's key; self-signed if @a issuer is NULL. */
static inline X509 *pkif_ca_cert(const pkif_ca_t *ca, EVP_PKEY *key, X509 *issuer,
                                 EVP_PKEY *issuer_key)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_NAME_new();
    if (!cert || !name || !X509_set_version(cert, X509_VERSION_3) ||
        !ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) ||
        (ca->name[0] && !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                    (const unsigned char *)ca->name, -1, -1, 0)) ||
        !X509_set_subject_name(cert, name) ||
        !X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : name) ||
        !ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)apr_time_sec(ca->not_before)) ||
        !ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)apr_time_sec(ca->not_after)) ||
        !X509_set_pubkey(cert, key))
        pkif_die("test CA");
    X509_NAME_free(name);
    pkif_extension(cert, NID_basic_constraints, ca->constraints);
    pkif_extension(cert, NID_key_usage, ca->usage);
    pkif_extension(cert, NID_subject_key_identifier, ca->ski);
    if (!X509_sign(cert, issuer_key ? issuer_key : key, EVP_sha256()))
        pkif_die("X509_sign");
    return cert;
}

/** Writes certificates (NULL: none) and a key (NULL: none) to DIR/NAME; gives the path. */
static inline const char *pkif_write(apr_pool_t *pool, const char *dir, const char *name,
                                     X509 *first, X509 *second, EVP_PKEY *key)
{
    const char *path = apr_pstrcat(pool, dir, "/", name, NULL);
    FILE *file = fopen(path, "w");
    if (!file || fchmod(fileno(file), 0600) != 0 || (first && !PEM_write_X509(file, first)) ||
        (second && !PEM_write_X509(file, second)) ||
        (key && !PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL)) || fclose(file) != 0)
        pkif_die(path);
    return path;
}

/** 2026-01-01T00:00:00Z: the "now" of these tests. */
#define PKIF_NOW apr_time_from_sec(APR_INT64_C(1767225600))
#define PKIF_DAY apr_time_from_sec(APR_INT64_C(86400))

/** A sound CA around PKIF_NOW. */
static inline pkif_ca_t pkif_sound_ca(void)
{
    pkif_ca_t ca = {"Test CA", "critical,CA:TRUE",       "critical,keyCertSign,cRLSign",
                    "hash",    PKIF_NOW - 30 * PKIF_DAY, PKIF_NOW + 3650 * PKIF_DAY};
    return ca;
}

/** Loads the CA @a what for @a key from files in @a dir. */
static inline pki_ca_t *pkif_load(apr_pool_t *pool, const char *dir, const pkif_ca_t *what,
                                  EVP_PKEY *key)
{
    pki_ca_t *ca = NULL;
    X509 *cert = pkif_ca_cert(what, key, NULL, NULL);
    base_result_t result =
        pki_ca_load(&ca, pkif_write(pool, dir, "ca.pem", cert, NULL, NULL),
                    pkif_write(pool, dir, "ca.key", NULL, NULL, key), NULL, NULL, pool);
    X509_free(cert);
    if (result.code != BASE_OK)
        pkif_die(result.detail);
    return ca;
}

#endif
