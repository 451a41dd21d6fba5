/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fuzz_authn.c
 * A whole portal in memory, driven by a small program of lines:
 *
 *   m METHOD  u TARGET  b BODY   what the next requests are made of
 *   c                            a challenge: a fresh nonce
 *   t N                          N seconds pass
 *   e                            so many strangers come that the table lets associations go
 *   A FIELD                      a request with this Authorization, in which %N is the latest
 * nonce, %O the one before it, %F the first, %R the right response r                            the
 * last Authorization once more
 *
 * What must hold: nothing is accepted that the key does not sign, or whose nonce is not one of
 * ours and young, or that was accepted before; what is in order is accepted or called a replay;
 * what is accepted gets the right Authentication-Info. The hashes are computed here once more, by
 * OpenSSL and string joining alone.
 */
#include "fuzz_digest.h"

#include <openssl/evp.h>

#include "gba/gba_kdf.h"
#include "portal/portal_authn.h"

#define NAF_FQDN   "pkiportal.home1.net"
#define REALM      "3GPP-bootstrapping@" NAF_FQDN
#define OPAQUE     "00112233"
#define LIFETIME_S 600
#define CAPACITY   32  /* two sets */
#define LINES_MAX  200 /* of one program */
#define NONCES_MAX 64
#define STRANGERS  48
#define REMEMBER   LINES_MAX

/* ---- the world ---- */

static apr_uint64_t now_ms;
static unsigned random_next;

static apr_time_t wall(void *baton)
{
    (void)baton;
    return (apr_time_t)now_ms * 1000;
}

static apr_uint64_t monotonic(void *baton)
{
    (void)baton;
    return now_ms;
}

static int fill(void *baton, void *buf, apr_size_t len)
{
    (void)baton;
    for (apr_size_t i = 0; i < len; i++)
        ((unsigned char *)buf)[i] = (unsigned char)((random_next++ * 2654435761u) >> 24);
    return 1;
}

static const base_clock_t fixed_clock = {NULL, wall, monotonic};
static const base_random_t fixed_random = {NULL, fill};
static const unsigned char key[GBA_KEY_LEN] = "the key of every known subscribe";

static base_result_t lookup(void *baton, const gba_lookup_t *question, gba_info_t *out,
                            apr_pool_t *pool)
{
    (void)baton;
    (void)pool;
    memset(out, 0, sizeof(*out));
    if (strncmp(question->btid, "unknown@", 8) == 0)
        return base_fail(BASE_UNKNOWN_BTID, "TEST1", "unknown");
    if (strncmp(question->btid, "down@", 5) == 0)
        return base_fail(BASE_KEYSOURCE_DOWN, "TEST2", "down");
    memcpy(out->me_key, key, sizeof(key));
    out->fetched = wall(NULL);
    return base_ok();
}

static const gba_keysource_t source = {NULL, lookup, "source"};

/* Everything that one program has. */
typedef struct run_t {
    apr_pool_t *pool;
    void *segment;
    digest_nonce_key_t nonce_key;
    portal_world_t world;
    portal_authn_config_t config;
    const char *method;
    const char *target;
    const char *body;
    const char *field; /* the last Authorization */
    const char *nonces[NONCES_MAX];
    apr_uint64_t minted[NONCES_MAX];
    int nonce_count;
    const char *accepted[REMEMBER]; /* who, which nonce, which nc */
    int accepted_count;
} run_t;

static void run_start(run_t *run)
{
    apr_size_t size = gba_assoc_table_size(CAPACITY);

    memset(run, 0, sizeof(*run));
    now_ms = 5000000;
    random_next = 1;
    run->pool = fuzz_pool();
    digest_hash_init();
    run->segment = malloc(size);
    fuzz_must(run->segment != NULL &&
                  gba_assoc_table_format(run->segment, size, CAPACITY).code == BASE_OK,
              "a table");
    fuzz_must(digest_nonce_key_make(&run->nonce_key, 0, &fixed_random), "a nonce key");
    run->world.clock = &fixed_clock;
    run->world.random = &fixed_random;
    run->world.nonce_key = &run->nonce_key;
    run->world.assocs = gba_assoc_table_attach(run->pool, run->segment, size, &fixed_clock);
    run->config.naf_fqdn = NAF_FQDN;
    run->config.realm = REALM;
    run->config.opaque = OPAQUE;
    fuzz_must(gba_ua_id_parse(run->config.ua_ids[0], "pki"), "an identifier");
    run->config.ua_id_count = 1;
    run->config.algs[0] = DIGEST_SHA256;
    run->config.algs[1] = DIGEST_MD5;
    run->config.alg_count = 2;
    run->config.qop = DIGEST_QOP_AUTH_INT | DIGEST_QOP_AUTH;
    run->config.nonce_lifetime = apr_time_from_sec(LIFETIME_S);
    run->config.assoc_max_age = apr_time_from_sec(86400);
    run->method = "GET";
    run->target = "/";
    run->body = "";
}

static void run_end(run_t *run)
{
    apr_pool_destroy(run->pool);
    free(run->segment);
}

/* ---- the arithmetic of RFC 7616 3.4.1, once more ---- */

static const char *hash(run_t *run, digest_alg_t alg, const char *text)
{
    const EVP_MD *md = alg == DIGEST_MD5 ? EVP_md5() : EVP_sha256();
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char *hex = apr_palloc(run->pool, 2 * EVP_MAX_MD_SIZE + 1);

    fuzz_must(EVP_Digest(text, strlen(text), raw, &len, md, NULL) == 1, "a hash");
    for (unsigned i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", raw[i]);
    return hex;
}

/* The response, or for method "" rspauth, over a body. */
static const char *signature(run_t *run, const digest_credentials_t *cred, const char *method,
                             const char *body)
{
    unsigned char password[(GBA_KEY_LEN + 2) / 3 * 4 + 1];
    apr_pool_t *pool = run->pool;
    const char *a1, *a2;

    EVP_EncodeBlock(password, key, GBA_KEY_LEN);
    a1 = apr_pstrcat(pool, cred->username, ":", cred->realm, ":", password, NULL);
    a2 = apr_pstrcat(pool, method, ":", cred->uri, NULL);
    if (cred->qop == DIGEST_QOP_AUTH_INT)
        a2 = apr_pstrcat(pool, a2, ":", hash(run, cred->alg, body), NULL);
    return hash(run, cred->alg,
                apr_pstrcat(pool, hash(run, cred->alg, a1), ":", cred->nonce, ":", cred->nc, ":",
                            cred->cnonce, ":",
                            cred->qop == DIGEST_QOP_AUTH_INT ? "auth-int" : "auth", ":",
                            hash(run, cred->alg, a2), NULL));
}

/* ---- placeholders ---- */

static const char *nonce_at(const run_t *run, int index)
{
    return index >= 0 && index < run->nonce_count ? run->nonces[index] : "";
}

static const char *replacement(const run_t *run, char letter, const char *response)
{
    switch (letter) {
    case 'N':
        return nonce_at(run, run->nonce_count - 1);
    case 'O':
        return nonce_at(run, run->nonce_count - 2);
    case 'F':
        return nonce_at(run, 0);
    case 'R':
        return response;
    default:
        return NULL;
    }
}

static const char *substitute(run_t *run, const char *text, const char *response)
{
    apr_size_t size = strlen(text) * 64 + 1;
    char *out, *to;

    to = out = apr_palloc(run->pool, size);
    for (; *text; text++) {
        const char *with = *text == '%' ? replacement(run, text[1], response) : NULL;
        if (with) {
            memcpy(to, with, strlen(with));
            to += strlen(with);
            text++;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
    return out;
}

/* The field with its placeholders filled; a response is as long as the algorithm's hash. */
static const char *fill_field(run_t *run, const char *text)
{
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    digest_credentials_t *cred = NULL;

    for (int len = 32; !cred && len <= 64; len += 32)
        digest_credentials_parse(&cred, substitute(run, text, zeros + 64 - len), run->pool);
    if (!cred || !cred->alg_known || !cred->qop_known || cred->alg == DIGEST_SHA512_256)
        return substitute(run, text, zeros);
    return substitute(run, text, signature(run, cred, run->method, run->body));
}

/* ---- what must hold ---- */

static int is_young(const run_t *run, const char *nonce)
{
    for (int i = 0; i < run->nonce_count; i++)
        if (strcmp(run->nonces[i], nonce) == 0)
            return now_ms - run->minted[i] <= LIFETIME_S * 1000;
    return 0;
}

static int is_signed(run_t *run, const digest_credentials_t *cred)
{
    return strcmp(cred->response, signature(run, cred, run->method, run->body)) == 0;
}

/* In order but for what the portal remembers. */
static int is_in_order(run_t *run, const digest_credentials_t *cred)
{
    return cred->alg_known && cred->qop_known && cred->alg != DIGEST_SHA512_256 &&
           strcmp(cred->uri, run->target) == 0 && strcmp(cred->realm, REALM) == 0 && cred->opaque &&
           strcmp(cred->opaque, OPAQUE) == 0 && is_young(run, cred->nonce) &&
           gba_btid_check(cred->username) && strncmp(cred->username, "unknown@", 8) != 0 &&
           strncmp(cred->username, "down@", 5) != 0 && is_signed(run, cred);
}

static void must_be_first(run_t *run, const digest_credentials_t *cred)
{
    const char *use =
        apr_psprintf(run->pool, "%s %s %u", cred->username, cred->nonce, (unsigned)cred->nc_value);

    for (int i = 0; i < run->accepted_count; i++)
        fuzz_must(strcmp(run->accepted[i], use) != 0, "no request is accepted twice");
    fuzz_must(run->accepted_count < REMEMBER, "room to remember");
    run->accepted[run->accepted_count++] = use;
}

static void must_be_protected(run_t *run, const portal_authn_t *authn)
{
    static const char page[] = "an answer";
    const digest_credentials_t *cred = portal_authn_credentials(authn);
    digest_body_t *body = portal_authn_response_start(authn, run->pool);
    char hex[DIGEST_HEX_MAX] = "";
    const char *wanted = signature(run, cred, "", page);
    const char *info;

    fuzz_must(body && digest_body_add(body, page, strlen(page)) && digest_body_finish(body, hex),
              "a hash of the answer");
    info = portal_authn_response_info(authn, hex, run->pool);
    fuzz_must(info && strstr(info, apr_pstrcat(run->pool, "rspauth=\"", wanted, "\"", NULL)),
              "the answer is protected");
}

static void check(run_t *run, const portal_authn_t *authn, base_result_t result)
{
    const digest_credentials_t *cred = portal_authn_credentials(authn);
    int in_order = cred && is_in_order(run, cred);

    if (result.code == BASE_OK) {
        fuzz_must(in_order, "only what is in order is accepted");
        must_be_first(run, cred);
        must_be_protected(run, authn);
        return;
    }
    fuzz_must(result.tag && result.code != BASE_INTERNAL, "a refusal has its reason");
    fuzz_must(!in_order || result.code == BASE_NONCE_REPLAYED || result.code == BASE_WINDOW_GONE,
              "what is in order is accepted, or called a replay");
    fuzz_must(!portal_authn_response_info(authn, "", run->pool), "a refusal is never protected");
}

/* ---- the program ---- */

static void send_request(run_t *run)
{
    portal_request_t request = {run->method, run->target, &run->field, 1, 0};
    portal_authn_t *authn = NULL;
    base_result_t result =
        portal_authn_begin(&authn, &run->world, &run->config, &source, &request, run->pool);

    if (result.code == BASE_OK && portal_authn_wants_body(authn))
        fuzz_must(portal_authn_body(authn, run->body, strlen(run->body)), "the body is taken");
    if (result.code == BASE_OK)
        result = portal_authn_finish(authn);
    if (getenv("FUZZ_TRACE"))
        fprintf(stderr, "%s\n", base_code_info(result.code)->name);
    check(run, authn, result);
}

/* A nonce as a UE gets it: out of the lines of a 401. */
static void challenge(run_t *run)
{
    const apr_array_header_t *lines = portal_challenges(&run->world, &run->config, 0, run->pool);
    apr_array_header_t *list = apr_array_make(run->pool, 1, sizeof(digest_challenge_t));

    if (run->nonce_count == NONCES_MAX)
        return;
    fuzz_must(
        lines &&
            digest_challenge_parse(list, APR_ARRAY_IDX(lines, 0, const char *), run->pool).code ==
                BASE_OK,
        "a challenge that can be read");
    run->minted[run->nonce_count] = now_ms;
    run->nonces[run->nonce_count++] = APR_ARRAY_IDX(list, 0, digest_challenge_t).nonce;
    now_ms++;
}

static void strangers_come(run_t *run)
{
    gba_info_t *info = gba_info_make(run->pool);
    gba_assoc_key_t name;

    for (int i = 0; i < STRANGERS; i++) {
        memset(&name, i * 5 + 3, sizeof(name));
        fuzz_must(run->world.assocs->put(run->world.assocs->baton, &name, info) == BASE_OK, "put");
    }
}

static void step(run_t *run, const char *line)
{
    const char *rest = line[0] && line[1] == ' ' ? line + 2 : "";
    apr_uint64_t seconds;

    if (*line == 'm')
        run->method = rest;
    else if (*line == 'u')
        run->target = rest;
    else if (*line == 'b')
        run->body = rest;
    else if (*line == 'c')
        challenge(run);
    else if (*line == 'e')
        strangers_come(run);
    else if (*line == 't' && base_decimal_decode(&seconds, base_span_str(rest), 1000))
        now_ms += seconds * 1000;
    else if (*line == 'A')
        run->field = fill_field(run, rest);
    if ((*line == 'A' || *line == 'r') && run->field)
        send_request(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *program = fuzz_field(data, size < 16384 ? size : 16384);
    char *line = program;
    run_t run;

    run_start(&run);
    for (int i = 0; line && i < LINES_MAX; i++) {
        char *end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        step(&run, line);
        line = end;
    }
    run_end(&run);
    free(program);
    return 0;
}
