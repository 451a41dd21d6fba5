/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include "pki/pki_impl.h"

int pki_time_read(apr_time_t *out, const ASN1_TIME *when)
{
    struct tm tm;
    if (!ASN1_TIME_to_tm(when, &tm))
        return 0;
    *out = apr_time_from_sec((apr_time_t)timegm(&tm));
    return 1;
}

static apr_status_t free_ca(void *baton)
{
    pki_ca_t *ca = baton;
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
    sk_X509_pop_free(ca->chain, X509_free);
    EVP_MD_free(ca->md);
    EVP_MD_free(ca->sha1);
    for (int i = 0; i < PKI_FIXED; i++)
        X509_EXTENSION_free(ca->fixed[i]);
    return APR_SUCCESS;
}

/* An encrypted key must fail, not ask for its passphrase on a terminal. */
static int no_passphrase(char *buf, int size, int rwflag, void *baton)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)baton;
    return -1;
}

/* Opens @a path; on failure says why in @a wrong. */
static BIO *open_file(const char *path, const char **wrong)
{
    BIO *file;
    errno = 0;
    file = BIO_new_file(path, "rb");
    if (!file)
        *wrong = errno == ENOENT   ? "does not exist"
                 : errno == EACCES ? "may not be read by this user"
                                   : "cannot be opened";
    return file;
}

static const char *read_cert(X509 **cert, const char *path)
{
    const char *wrong = NULL;
    BIO *file = open_file(path, &wrong);
    if (!file)
        return wrong;
    *cert = PEM_read_bio_X509(file, NULL, no_passphrase, NULL);
    BIO_free(file);
    return *cert ? NULL : "holds no PEM certificate";
}

/* One key that is being read. */
typedef struct reading_t {
    const char *path;
    pki_passphrase_t *passphrase;
    int asked;
} reading_t;

static int ask_passphrase(char *buf, int size, int rwflag, void *baton)
{
    reading_t *reading = baton;
    (void)rwflag;
    reading->asked = 1;
    if (!reading->passphrase)
        return -1;
    reading->passphrase->wrong = NULL;
    return reading->passphrase->ask(reading->passphrase->baton, reading->path, buf, size);
}

static const char *why_no_key(const reading_t *reading)
{
    if (!reading->asked)
        return "holds no PEM private key";
    if (!reading->passphrase)
        return "is encrypted: it needs a GBAIssuerPassphrase";
    return reading->passphrase->wrong ? reading->passphrase->wrong
                                      : "is encrypted, and not with the passphrase given";
}

/* Asked of the open file, so that nobody can swap it after the check. */
static const char *check_key_file(BIO *file)
{
    FILE *stream = NULL;
    struct stat about;
    if (BIO_get_fp(file, &stream) != 1 || !stream || fstat(fileno(stream), &about) != 0)
        return "cannot be looked at";
    if (!S_ISREG(about.st_mode))
        return "is no regular file";
    return (about.st_mode & 077) ? "may be used by others than its owner: chmod 0600 it" : NULL;
}

static const char *read_key(EVP_PKEY **key, const char *path, pki_passphrase_t *passphrase)
{
    reading_t reading = {path, passphrase, 0};
    const char *wrong = NULL;
    BIO *file = open_file(path, &wrong);
    if (!file)
        return wrong;
    wrong = check_key_file(file);
    if (!wrong)
        *key = PEM_read_bio_PrivateKey(file, NULL, ask_passphrase, &reading);
    BIO_free(file);
    if (wrong)
        return wrong;
    return *key ? NULL : why_no_key(&reading);
}

/* RFC 5280 4.2.1.9, 4.2.1.3 and 4.1.2.6: what makes a certificate a CA's. */
static const char *check_cert(X509 *cert)
{
    apr_uint32_t flags = X509_get_extension_flags(cert);
    if (flags & EXFLAG_INVALID)
        return "has malformed extensions";
    if (!(flags & EXFLAG_BCONS) || !(flags & EXFLAG_CA))
        return "is no CA certificate: basicConstraints does not say CA:TRUE";
    if (!(X509_get_key_usage(cert) & KU_KEY_CERT_SIGN))
        return "may not sign certificates: its key usage lacks keyCertSign";
    if (X509_NAME_entry_count(X509_get_subject_name(cert)) == 0)
        return "has an empty subject";
    return NULL;
}

static int is_usable(const EVP_PKEY *key)
{
    int type = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
    return type == EVP_PKEY_RSA || type == EVP_PKEY_EC;
}

static const char *check_key(pki_ca_t *ca)
{
    if (!is_usable(ca->key))
        return "is neither an RSA nor an EC key";
    if (X509_check_private_key(ca->cert, ca->key) != 1)
        return "is not the key of the CA certificate";
    return NULL;
}

/* Fetched here once: OpenSSL 3 looks a digest up at every use of EVP_sha256() and its kind. */
static const char *fetch_digests(pki_ca_t *ca)
{
    const EVP_PKEY *key = X509_get0_pubkey(ca->cert);
    int large = key && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_bits(key) > 256;
    ca->md = EVP_MD_fetch(NULL, large ? "SHA384" : "SHA256", NULL);
    ca->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    return ca->md && ca->sha1 ? NULL : "needs a digest that OpenSSL does not offer here";
}

static int signed_by(X509 *cert, X509 *issuer)
{
    return X509_check_issued(issuer, cert) == X509_V_OK &&
           X509_verify(cert, X509_get0_pubkey(issuer)) == 1;
}

/* Appends all certificates of @a file; each must have signed the one before it. */
static const char *read_links(pki_ca_t *ca, BIO *file)
{
    X509 *below = ca->cert;
    X509 *next;
    while ((next = PEM_read_bio_X509(file, NULL, no_passphrase, NULL))) {
        if (!sk_X509_push(ca->chain, next)) {
            X509_free(next);
            return "cannot be kept: out of memory";
        }
        if (!signed_by(below, next))
            return "is out of order: a certificate in it did not sign the one before";
        below = next;
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return "holds a damaged certificate";
    return sk_X509_num(ca->chain) ? NULL : "holds no PEM certificate";
}

static const char *read_chain(pki_ca_t *ca, const char *path)
{
    const char *wrong = NULL;
    BIO *file = open_file(path, &wrong);
    if (!file)
        return wrong;
    ca->chain = sk_X509_new_null();
    wrong = ca->chain ? read_links(ca, file) : "cannot be kept: out of memory";
    BIO_free(file);
    return wrong;
}

/* RFC 5280 4.2.1.1: the AKI of certificates is the SKI of the CA; made from its key if the CA
 * certificate is so old that it has none. */
static int fill_key_id(pki_ca_t *ca, apr_pool_t *pool)
{
    unsigned char hash[SHA_DIGEST_LENGTH];
    unsigned hash_len = 0;
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(ca->cert);
    if (ski && ASN1_STRING_length(ski) > 0) {
        ca->key_id.len = (apr_size_t)ASN1_STRING_length(ski);
        ca->key_id.data = apr_pmemdup(pool, ASN1_STRING_get0_data(ski), ca->key_id.len);
        return 1;
    }
    if (!X509_pubkey_digest(ca->cert, EVP_sha1(), hash, &hash_len))
        return 0;
    ca->key_id.len = hash_len;
    ca->key_id.data = apr_pmemdup(pool, hash, hash_len);
    return 1;
}

static const char *fill_facts(pki_ca_t *ca, apr_pool_t *pool)
{
    unsigned char *der = NULL;
    int len = i2d_X509(ca->cert, &der);
    if (len <= 0)
        return "cannot be encoded";
    ca->der.data = apr_pmemdup(pool, der, (apr_size_t)len);
    ca->der.len = (apr_size_t)len;
    OPENSSL_free(der);
    if (!pki_time_read(&ca->not_before, X509_get0_notBefore(ca->cert)) ||
        !pki_time_read(&ca->not_after, X509_get0_notAfter(ca->cert)))
        return "has a validity that cannot be read";
    if (!fill_key_id(ca, pool))
        return "has a key that cannot be hashed";
    return pki_ca_fix_extensions(ca) ? fetch_digests(ca) : "cannot be used: out of memory";
}

/* Loads file after file; returns what is wrong, and in @a path with which. */
static const char *load(pki_ca_t *ca, const char **path, const char *key_path,
                        const char *chain_path, pki_passphrase_t *passphrase, apr_pool_t *pool)
{
    const char *wrong = read_cert(&ca->cert, *path);
    if (!wrong)
        wrong = check_cert(ca->cert);
    if (!wrong)
        wrong = fill_facts(ca, pool);
    if (!wrong && key_path) {
        *path = key_path;
        wrong = read_key(&ca->key, key_path, passphrase);
        if (!wrong)
            wrong = check_key(ca);
    }
    if (wrong || !chain_path)
        return wrong;
    *path = chain_path;
    return read_chain(ca, chain_path);
}

base_result_t pki_ca_load(pki_ca_t **out, const char *cert_path, const char *key_path,
                          const char *chain_path, pki_passphrase_t *passphrase, apr_pool_t *pool)
{
    pki_ca_t *ca = apr_pcalloc(pool, sizeof(*ca));
    const char *path = cert_path;
    const char *wrong;
    *out = NULL;
    apr_pool_cleanup_register(pool, ca, free_ca, apr_pool_cleanup_null);
    ERR_clear_error();
    wrong = load(ca, &path, key_path, chain_path, passphrase, pool);
    ERR_clear_error();
    if (wrong)
        return base_fail(BASE_STORE_DOWN, "GBA0340", apr_psprintf(pool, "CA: %s %s", path, wrong));
    *out = ca;
    return base_ok();
}

base_span_t pki_ca_der(const pki_ca_t *ca)
{
    return ca->der;
}

void pki_ca_validity(const pki_ca_t *ca, apr_time_t *not_before, apr_time_t *not_after)
{
    *not_before = ca->not_before;
    *not_after = ca->not_after;
}
