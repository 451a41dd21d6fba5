/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest_hash.c
 * See digest_hash.h. Everything is streamed into the hash: no joined string
 * is built, so none with a password in it has to be wiped.
 */
#include "digest/digest_hash.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>
#include "base/base_secret.h"

typedef struct alg_row_t {
    const char *name;  /* RFC 7616 6.1 */
    const char *fetch; /* as the library calls it */
    apr_size_t len;
} alg_row_t;

static const alg_row_t alg_rows[DIGEST_ALGS] = {
    {"MD5", "MD5", 16},
    {"SHA-256", "SHA2-256", 32},
    {"SHA-512-256", "SHA2-512/256", 32},
};

/* Fetched once: an implicit fetch costs more than the hash of a short string. */
static EVP_MD *alg_md[DIGEST_ALGS];

struct digest_body_t {
    EVP_MD_CTX *ctx; /* NULL once it has ended or failed */
    digest_alg_t alg;
};

void digest_hash_init(void)
{
    for (unsigned i = 0; i < DIGEST_ALGS; i++) {
        if (alg_md[i])
            continue;
        ERR_set_mark();
        alg_md[i] = EVP_MD_fetch(NULL, alg_rows[i].fetch, NULL);
        ERR_pop_to_mark();
    }
}

void digest_hash_done(void)
{
    for (unsigned i = 0; i < DIGEST_ALGS; i++) {
        EVP_MD_free(alg_md[i]);
        alg_md[i] = NULL;
    }
}

static apr_status_t done_in(void *process)
{
    if ((pid_t)(apr_uintptr_t)process == getpid())
        digest_hash_done();
    return APR_SUCCESS;
}

void digest_hash_hold(apr_pool_t *pool)
{
    digest_hash_init();
    apr_pool_cleanup_register(pool, (void *)(apr_uintptr_t)getpid(), done_in,
                              apr_pool_cleanup_null);
}

int digest_alg_available(digest_alg_t alg)
{
    return (unsigned)alg < DIGEST_ALGS && alg_md[alg] != NULL;
}

const char *digest_alg_name(digest_alg_t alg)
{
    return (unsigned)alg < DIGEST_ALGS ? alg_rows[alg].name : "";
}

int digest_alg_parse(digest_alg_t *alg, const char *name)
{
    for (unsigned i = 0; i < DIGEST_ALGS; i++) {
        if (name && base_equal_nocase(name, alg_rows[i].name)) {
            *alg = (digest_alg_t)i;
            return 1;
        }
    }
    return 0;
}

apr_size_t digest_alg_len(digest_alg_t alg)
{
    return (unsigned)alg < DIGEST_ALGS ? alg_rows[alg].len : 0;
}

const char *digest_qop_name(digest_qop_t qop)
{
    if (qop == DIGEST_QOP_AUTH)
        return "auth";
    return qop == DIGEST_QOP_AUTH_INT ? "auth-int" : "";
}

/* A started context, the caller's to free; NULL if the library fails. */
static EVP_MD_CTX *hash_start(digest_alg_t alg)
{
    EVP_MD_CTX *ctx;

    if (!digest_alg_available(alg))
        return NULL;
    ctx = EVP_MD_CTX_new();
    if (ctx && EVP_DigestInit_ex2(ctx, alg_md[alg], NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

/* Adds @a count texts with ":" between them; a missing one fails. */
static int hash_add_joined(EVP_MD_CTX *ctx, const char *const *text, apr_size_t count)
{
    for (apr_size_t i = 0; i < count; i++) {
        if (!text[i] || (i && EVP_DigestUpdate(ctx, ":", 1) != 1) ||
            EVP_DigestUpdate(ctx, text[i], strlen(text[i])) != 1)
            return 0;
    }
    return 1;
}

/* Ends the hash; the context stays, for another start. */
static int hash_end(EVP_MD_CTX *ctx, digest_alg_t alg, char hex[DIGEST_HEX_MAX])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int good = EVP_DigestFinal_ex(ctx, raw, &len) == 1 && len == digest_alg_len(alg);

    if (good)
        base_hex_encode(hex, raw, len);
    base_secret_wipe(raw, sizeof(raw));
    return good;
}

static apr_status_t body_cleanup(void *baton)
{
    digest_body_t *body = baton;

    EVP_MD_CTX_free(body->ctx);
    body->ctx = NULL;
    return APR_SUCCESS;
}

digest_body_t *digest_body_start(apr_pool_t *pool, digest_alg_t alg)
{
    EVP_MD_CTX *ctx = hash_start(alg);
    digest_body_t *body;

    if (!ctx)
        return NULL;
    body = apr_palloc(pool, sizeof(*body));
    body->ctx = ctx;
    body->alg = alg;
    apr_pool_cleanup_register(pool, body, body_cleanup, apr_pool_cleanup_null);
    return body;
}

int digest_body_add(digest_body_t *body, const void *data, apr_size_t len)
{
    if (!body->ctx)
        return 0;
    if (len == 0 || EVP_DigestUpdate(body->ctx, data, len) == 1)
        return 1;
    body_cleanup(body);
    return 0;
}

int digest_body_finish(digest_body_t *body, char hex[DIGEST_HEX_MAX])
{
    int good = body->ctx && hash_end(body->ctx, body->alg, hex);

    body_cleanup(body);
    return good;
}

int digest_ha1(digest_alg_t alg, const char *username, const char *realm, base_span_t password,
               char ha1[DIGEST_HEX_MAX])
{
    const char *text[] = {username, realm, ""}; /* the last one for the ":" before the password */
    EVP_MD_CTX *ctx = hash_start(alg);
    int good = ctx && hash_add_joined(ctx, text, 3) &&
               (password.len == 0 || EVP_DigestUpdate(ctx, password.data, password.len) == 1) &&
               hash_end(ctx, alg, ha1);

    EVP_MD_CTX_free(ctx);
    return good;
}

int digest_response(const digest_input_t *in, char out[DIGEST_HEX_MAX])
{
    int with_body = in->qop == DIGEST_QOP_AUTH_INT;
    char ha2[DIGEST_HEX_MAX];
    const char *a2[] = {in->method ? in->method : "", in->uri, in->body_hash};
    const char *kd[] = {in->ha1, in->nonce, in->nc, in->cnonce, digest_qop_name(in->qop), ha2};
    EVP_MD_CTX *ctx;
    int good;

    if (!with_body && in->qop != DIGEST_QOP_AUTH)
        return 0;
    ctx = hash_start(in->alg);
    good = ctx && hash_add_joined(ctx, a2, with_body ? 3 : 2) && hash_end(ctx, in->alg, ha2) &&
           EVP_DigestInit_ex2(ctx, alg_md[in->alg], NULL) == 1 && hash_add_joined(ctx, kd, 6) &&
           hash_end(ctx, in->alg, out);
    EVP_MD_CTX_free(ctx);
    return good;
}
