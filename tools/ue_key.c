/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_key.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <apr_strings.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include "pki/pki_pkcs10.h"
#include "ue_files.h"

#define KEY_FILE_MAX (16 * 1024)

static apr_status_t free_key(void *key)
{
    EVP_PKEY_free(key);
    return APR_SUCCESS;
}

static EVP_PKEY *own_key(EVP_PKEY *key, apr_pool_t *pool)
{
    if (key)
        apr_pool_cleanup_register(pool, key, free_key, apr_pool_cleanup_null);
    ERR_clear_error();
    return key;
}

EVP_PKEY *ue_key_make(ue_key_kind_t kind, ue_result_t *result, apr_pool_t *pool)
{
    static const struct {
        const char *curve;
        size_t bits;
    } kinds[] = {
        [UE_KEY_EC256] = {"P-256", 0},   [UE_KEY_EC384] = {"P-384", 0},
        [UE_KEY_EC521] = {"P-521", 0},   [UE_KEY_RSA2048] = {NULL, 2048},
        [UE_KEY_RSA3072] = {NULL, 3072}, [UE_KEY_RSA4096] = {NULL, 4096},
    };
    EVP_PKEY *key =
        kinds[kind].curve ? EVP_EC_gen(kinds[kind].curve) : EVP_RSA_gen(kinds[kind].bits);
    if (!key)
        ue_fail(result, UE_LOCAL, "the key cannot be made");
    return own_key(key, pool);
}

/* Without a callback OpenSSL would ask the terminal for a pass phrase. */
static int no_passphrase(char *buf, int size, int writing, void *baton)
{
    (void)buf, (void)size, (void)writing, (void)baton;
    return 0;
}

EVP_PKEY *ue_key_load(const char *path, ue_result_t *result, apr_pool_t *pool)
{
    base_span_t pem;
    if (!ue_file_read(&pem, path, KEY_FILE_MAX, result, pool))
        return NULL;
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    if (!key)
        ue_fail(result, UE_LOCAL, "--key holds no PEM private key without a pass phrase");
    return own_key(key, pool);
}

/* A BIO on the descriptor itself: no buffer of ours or of stdio keeps the key. */
static int write_key(EVP_PKEY *key, int fd)
{
    BIO *bio = BIO_new_fd(fd, BIO_NOCLOSE);
    int done = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    BIO_free(bio);
    ERR_clear_error();
    return done && fsync(fd) == 0;
}

int ue_key_save(EVP_PKEY *key, const char *path, ue_result_t *result, apr_pool_t *pool)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return ue_fail(result, UE_LOCAL,
                       apr_psprintf(pool, "cannot make %s: %s", base_log_safe(pool, path, 256),
                                    strerror(errno)));
    int done = write_key(key, fd);
    if (close(fd) != 0 || !done) {
        unlink(path);
        return ue_fail(result, UE_LOCAL, "the key cannot be written");
    }
    return 1;
}

/* keyUsage, critical (RFC 5280 4.2.1.3): bit 0 digitalSignature, bit 1 nonRepudiation. */
static X509_EXTENSION *usage_extension(unsigned usage)
{
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    X509_EXTENSION *extension = NULL;
    if (bits && ASN1_BIT_STRING_set_bit(bits, 0, (usage & PKI_USAGE_DIGITAL_SIGNATURE) != 0) &&
        ASN1_BIT_STRING_set_bit(bits, 1, (usage & PKI_USAGE_NON_REPUDIATION) != 0))
        extension = X509V3_EXT_i2d(NID_key_usage, 1, bits);
    ASN1_BIT_STRING_free(bits);
    return extension;
}

static int add_usage(X509_REQ *req, unsigned usage)
{
    if (usage == 0)
        return 1;
    X509_EXTENSION *extension = usage_extension(usage);
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
    int done = extension && list && sk_X509_EXTENSION_push(list, extension) > 0;
    done = done && X509_REQ_add_extensions(req, list) == 1;
    sk_X509_EXTENSION_free(list);
    X509_EXTENSION_free(extension);
    return done;
}

static const EVP_MD *hash_for(EVP_PKEY *key)
{
    int bits = EVP_PKEY_is_a(key, "EC") ? EVP_PKEY_get_bits(key) : 0;
    return bits > 384 ? EVP_sha512() : bits > 256 ? EVP_sha384() : EVP_sha256();
}

/* The DER's length, or 0; *der is the caller's to free. */
static int csr_der(unsigned char **der, EVP_PKEY *key, unsigned usage)
{
    X509_REQ *req = X509_REQ_new();
    int made = req && X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
               X509_REQ_set_pubkey(req, key) == 1 && add_usage(req, usage) &&
               X509_REQ_sign(req, key, hash_for(key)) > 0;
    int len = made ? i2d_X509_REQ(req, der) : 0;
    X509_REQ_free(req);
    ERR_clear_error();
    return len > 0 ? len : 0;
}

/* PEM with lines of 64; @a space is "" or " " (TS 24.109 E.3.1 prints one inside the dashes). */
static const char *csr_pem(const char *base64, const char *space, apr_pool_t *pool)
{
    const char *text =
        apr_psprintf(pool, "-----%sBEGIN CERTIFICATE REQUEST%s-----\n", space, space);
    for (size_t left = strlen(base64); left > 0;) {
        size_t line = left < 64 ? left : 64;
        text = apr_psprintf(pool, "%s%.*s\n", text, (int)line, base64);
        base64 += line;
        left -= line;
    }
    return apr_psprintf(pool, "%s-----%sEND CERTIFICATE REQUEST%s-----\n", text, space, space);
}

static base_span_t csr_write(const unsigned char *der, apr_size_t len, ue_csr_form_t form,
                             apr_pool_t *pool)
{
    const char *base64 = base_base64_encode(pool, der, len);
    if (form == UE_CSR_DER)
        return (base_span_t){apr_pmemdup(pool, der, len), len};
    if (form == UE_CSR_BASE64)
        return base_span_str(base64);
    return base_span_str(csr_pem(base64, form == UE_CSR_SPACED_PEM ? " " : "", pool));
}

int ue_csr_make(base_span_t *out, EVP_PKEY *key, unsigned usage, ue_csr_form_t form,
                ue_result_t *result, apr_pool_t *pool)
{
    unsigned char *der = NULL;
    int len = csr_der(&der, key, usage);
    if (len > 0)
        *out = csr_write(der, (apr_size_t)len, form, pool);
    OPENSSL_free(der);
    return len > 0 || ue_fail(result, UE_LOCAL, "the PKCS#10 cannot be made with this key");
}

EVP_PKEY *ue_csr_public_key(base_span_t csr, apr_pool_t *pool)
{
    pki_pkcs10_t *req;
    if (pki_pkcs10_read(&req, csr, pool).code != BASE_OK)
        return NULL;
    base_span_t spki = pki_pkcs10_spki(req);
    const unsigned char *at = spki.data;
    return own_key(d2i_PUBKEY(NULL, &at, (long)spki.len), pool);
}
