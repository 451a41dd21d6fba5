/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_nbsp_files.h"

#include <string.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include "base/base_secret.h"
#include "base/base_text.h"
#include "keeper/keeper_nbsp_token.h"

#define FILE_MAX_OCTETS (4 * 1024 * 1024)
#define EVERYBODY       (APR_FPROT_WREAD | APR_FPROT_WWRITE)
#define OTHERS          (EVERYBODY | APR_FPROT_GREAD | APR_FPROT_GWRITE)

static base_result_t fault(const char *tag, const char *path, const char *why, apr_pool_t *pool)
{
    return base_fail(BASE_KEYSOURCE_DOWN, tag, apr_psprintf(pool, "%s: %s", path, why));
}

static const char *words_of(apr_status_t status, apr_pool_t *pool)
{
    char text[128];
    return apr_pstrdup(pool, apr_strerror(status, text, sizeof(text)));
}

/* ---- octets ---- */

/* Asked of the open file, so that nobody can swap it after the check. */
static base_result_t check_file(apr_size_t *size, apr_file_t *file, const char *path,
                                apr_fileperms_t forbidden, apr_pool_t *pool)
{
    apr_finfo_t finfo;
    apr_status_t status =
        apr_file_info_get(&finfo, APR_FINFO_TYPE | APR_FINFO_PROT | APR_FINFO_SIZE, file);
    if (status != APR_SUCCESS)
        return fault("GBA1120", path, words_of(status, pool), pool);
    if (finfo.filetype != APR_REG)
        return fault("GBA1121", path, "not a regular file", pool);
    if (finfo.protection & forbidden)
        return fault("GBA1122", path, "it is secret and others may use it; chmod 0600 it", pool);
    if (finfo.size > FILE_MAX_OCTETS)
        return fault("GBA1123", path, "more than 4 MiB", pool);
    *size = (apr_size_t)finfo.size;
    return base_ok();
}

static base_result_t read_open(base_span_t *text, apr_file_t *file, const char *path,
                               apr_fileperms_t forbidden, apr_pool_t *pool)
{
    base_result_t result = check_file(&text->len, file, path, forbidden, pool);
    unsigned char *octets;
    apr_status_t status;
    if (result.code != BASE_OK)
        return result;
    octets = base_secret_alloc(pool, text->len + 1);
    status = text->len ? apr_file_read_full(file, octets, text->len, NULL) : APR_SUCCESS;
    if (status != APR_SUCCESS)
        return fault("GBA1124", path, words_of(status, pool), pool);
    text->data = octets;
    return result;
}

/* Ends in a NUL that is not counted. Not blocking: a FIFO is refused, not waited for. */
static base_result_t read_file(base_span_t *text, const char *path, apr_fileperms_t forbidden,
                               apr_pool_t *pool)
{
    apr_file_t *file;
    base_result_t result;
    apr_status_t status =
        apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY | APR_FOPEN_NONBLOCK,
                      APR_FPROT_OS_DEFAULT, pool);
    if (status != APR_SUCCESS)
        return fault("GBA1125", path, words_of(status, pool), pool);
    result = read_open(text, file, path, forbidden, pool);
    apr_file_close(file);
    return result;
}

static void set_blob(struct curl_blob *blob, base_span_t text)
{
    blob->data = (void *)(apr_uintptr_t)text.data;
    blob->len = text.len;
    blob->flags = CURL_BLOB_NOCOPY;
}

/* ---- certificates ---- */

/* No file that asks for a passphrase: nobody is there to answer. */
static int no_passphrase(char *buf, int size, int rwflag, void *baton)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)baton;
    return 0;
}

static X509 *first_cert(base_span_t text)
{
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return cert;
}

static EVP_PKEY *first_key(base_span_t text)
{
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return key;
}

static base_result_t read_cas(keeper_nbsp_peer_t *peer, const char *path, apr_pool_t *pool)
{
    base_span_t text = {NULL, 0};
    base_result_t result = read_file(&text, path, 0, pool);
    X509 *cert;
    if (result.code != BASE_OK)
        return result;
    cert = first_cert(text);
    if (!cert)
        return fault("GBA1126", path, "no certificate in PEM", pool);
    X509_free(cert);
    set_blob(&peer->ca, text);
    return result;
}

static base_result_t check_pair(const keeper_nbsp_bsf_t *bsf, base_span_t cert_text,
                                base_span_t key_text, apr_pool_t *pool)
{
    X509 *cert = first_cert(cert_text);
    EVP_PKEY *key = first_key(key_text);
    base_result_t result = base_ok();
    if (!cert)
        result = fault("GBA1127", bsf->cert_path, "no certificate in PEM", pool);
    else if (!key)
        result = fault("GBA1128", bsf->key_path, "no key in PEM, or one with a passphrase", pool);
    else if (X509_check_private_key(cert, key) != 1)
        result = fault("GBA1129", bsf->key_path,
                       apr_psprintf(pool, "not the key of %s", bsf->cert_path), pool);
    ERR_clear_error();
    X509_free(cert);
    EVP_PKEY_free(key);
    return result;
}

static base_result_t read_pair(keeper_nbsp_peer_t *peer, const keeper_nbsp_bsf_t *bsf,
                               apr_pool_t *pool)
{
    base_span_t cert = {NULL, 0}, key = {NULL, 0};
    base_result_t result = read_file(&cert, bsf->cert_path, 0, pool);
    if (result.code == BASE_OK)
        result = read_file(&key, bsf->key_path, EVERYBODY, pool);
    if (result.code == BASE_OK)
        result = check_pair(bsf, cert, key, pool);
    set_blob(&peer->cert, cert);
    set_blob(&peer->key, key);
    return result;
}

/* ---- the client secret ---- */

/* The first line: editors put a line's end behind it. */
static base_result_t read_secret(const char **secret, const char *path, apr_pool_t *pool)
{
    base_span_t text = {NULL, 0};
    base_result_t result = read_file(&text, path, OTHERS, pool);
    apr_size_t len;
    if (result.code != BASE_OK)
        return result;
    len = strcspn((const char *)text.data, "\r\n");
    if (len == 0 || len > KEEPER_NBSP_SECRET_MAX)
        return fault("GBA1130", path, "a line of 1 to 1024 octets expected", pool);
    *secret = base_secret_copy(pool, text.data, len);
    return result;
}

base_result_t keeper_nbsp_files_read(keeper_nbsp_files_t *files, const keeper_nbsp_bsf_t *bsf,
                                     apr_pool_t *pool)
{
    base_result_t result = base_ok();
    memset(files, 0, sizeof(*files));
    files->peer.http1 = bsf->http1;
    files->peer.connect_ms = bsf->connect_ms;
    if (bsf->ca_path)
        result = read_cas(&files->peer, bsf->ca_path, pool);
    if (result.code == BASE_OK && bsf->cert_path)
        result = read_pair(&files->peer, bsf, pool);
    if (result.code == BASE_OK && bsf->secret_path)
        result = read_secret(&files->secret, bsf->secret_path, pool);
    return result;
}
