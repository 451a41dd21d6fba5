/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_digest_hash.c
 * response, rspauth and body hashes against the published examples (RFC 2617
 * 3.5, RFC 7616 3.9) and the worked exchanges of t/vectors/vectors.json.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "digest/digest_hash.h"
#include "tap.h"

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (!text) {
        printf("Bail out! vectors.json: no %s\n", key);
        exit(1);
    }
    return text;
}

static json_t *load_vectors(apr_pool_t *pool)
{
    const char *top = getenv("GBA_SRCDIR");
    json_error_t error;
    json_t *all = json_load_file(
        apr_pstrcat(pool, top ? top : ".", "/t/vectors/vectors.json", NULL), 0, &error);

    if (!all) {
        printf("Bail out! vectors.json: %s\n", error.text);
        exit(1);
    }
    return all;
}

static digest_qop_t qop_of(json_t *row)
{
    return strcmp(text_of(row, "qop"), "auth-int") == 0 ? DIGEST_QOP_AUTH_INT : DIGEST_QOP_AUTH;
}

static void test_published(json_t *row)
{
    const char *name = text_of(row, "name");
    char ha1[DIGEST_HEX_MAX], got[DIGEST_HEX_MAX] = "";
    digest_input_t in = {.ha1 = ha1, .method = text_of(row, "method"), .uri = text_of(row, "uri")};
    json_t *wrong = json_object_get(row, "printed_in_the_rfc_but_wrong");

    in.qop = qop_of(row);
    in.nonce = text_of(row, "nonce");
    in.nc = text_of(row, "nc");
    in.cnonce = text_of(row, "cnonce");
    ok(digest_alg_parse(&in.alg, text_of(row, "algorithm")), "%s: algorithm known", name);
    ok(digest_ha1(in.alg, text_of(row, "user"), text_of(row, "realm"),
                  base_span_str(text_of(row, "password")), ha1),
       "%s: HA1 made", name);
    ok(digest_response(&in, got), "%s: response made", name);
    is_str(got, text_of(row, "response"), text_of(row, "origin"));
    if (wrong)
        ok(strcmp(got, text_of(wrong, "response")) != 0,
           "%s: not the value that erratum 4897 corrects", name);
}

/* Hashes a body in pieces of @a step octets. */
static const char *body_hash(apr_pool_t *pool, digest_alg_t alg, const char *text, apr_size_t step)
{
    apr_size_t len = strlen(text);
    char *hex = apr_pcalloc(pool, DIGEST_HEX_MAX);
    digest_body_t *body = digest_body_start(pool, alg);

    for (apr_size_t at = 0; body && at < len; at += step) {
        if (!digest_body_add(body, text + at, len - at < step ? len - at : step))
            return "add failed";
    }
    return body && digest_body_finish(body, hex) ? hex : "failed";
}

static void check_body(apr_pool_t *pool, digest_alg_t alg, const char *text, const char *want,
                       const char *name)
{
    static const apr_size_t steps[] = {1, 7, 63, 64, 65, 100000};

    for (apr_size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        is_str(body_hash(pool, alg, text, steps[i]), want,
               apr_psprintf(pool, "%s in pieces of %" APR_SIZE_T_FMT, name, steps[i]));
}

/* Computes one side of an exchange and compares each step that has a body. */
static void check_side(apr_pool_t *pool, digest_input_t *in, json_t *side, json_t *steps,
                       const char *want, const char *name)
{
    char got[DIGEST_HEX_MAX] = "";

    if (in->qop == DIGEST_QOP_AUTH_INT) {
        in->body_hash = text_of(steps, "h_entity_body");
        check_body(pool, in->alg, text_of(side, "body"), in->body_hash, name);
    }
    ok(digest_response(in, got), "%s: made", name);
    is_str(got, want, name);
}

static void test_exchange(apr_pool_t *pool, json_t *row)
{
    const char *name = text_of(row, "name");
    json_t *request = json_object_get(row, "request");
    char ha1[DIGEST_HEX_MAX] = "";
    digest_input_t in = {.ha1 = ha1, .uri = text_of(request, "uri")};

    in.qop = qop_of(row);
    in.nonce = text_of(row, "nonce");
    in.nc = text_of(row, "nc");
    in.cnonce = text_of(row, "cnonce");
    ok(digest_alg_parse(&in.alg, text_of(row, "algorithm")), "%s: algorithm known", name);
    ok(digest_ha1(in.alg, text_of(row, "username_btid"), text_of(row, "realm"),
                  base_span_str(text_of(row, "password")), ha1),
       "%s: HA1 made", name);
    is_str(ha1, text_of(json_object_get(row, "request_steps"), "ha1"),
           apr_pstrcat(pool, name, ": HA1", NULL));
    in.method = text_of(request, "method");
    check_side(pool, &in, request, json_object_get(row, "request_steps"), text_of(row, "response"),
               apr_pstrcat(pool, name, ": response", NULL));
    in.method = NULL;
    check_side(pool, &in, json_object_get(row, "reply"), json_object_get(row, "reply_steps"),
               text_of(row, "rspauth"), apr_pstrcat(pool, name, ": rspauth", NULL));
}

static void test_vectors(apr_pool_t *pool)
{
    json_t *all = load_vectors(pool);
    json_t *published = json_object_get(all, "digest_published");
    json_t *exchanges = json_object_get(all, "ua_exchanges");
    size_t i;
    json_t *row;

    ok(json_array_size(published) >= 4, "there are published rows");
    ok(json_array_size(exchanges) >= 12, "there are exchange rows");
    json_array_foreach(published, i, row) test_published(row);
    json_array_foreach(exchanges, i, row) test_exchange(pool, row);
    json_decref(all);
}

static void test_names(void)
{
    static const struct {
        const char *name;
        int found;
        digest_alg_t alg;
        apr_size_t len;
        const char *printed;
    } row[] = {
        {"MD5", 1, DIGEST_MD5, 16, "MD5"},
        {"md5", 1, DIGEST_MD5, 16, "MD5"},
        {"SHA-256", 1, DIGEST_SHA256, 32, "SHA-256"},
        {"sha-512-256", 1, DIGEST_SHA512_256, 32, "SHA-512-256"},
        {"MD5-sess", 0, DIGEST_MD5, 0, NULL},
        {"SHA-256-sess", 0, DIGEST_MD5, 0, NULL},
        {"SHA256", 0, DIGEST_MD5, 0, NULL},
        {"SHA-512", 0, DIGEST_MD5, 0, NULL},
        {"MD5 ", 0, DIGEST_MD5, 0, NULL},
        {"", 0, DIGEST_MD5, 0, NULL},
        {NULL, 0, DIGEST_MD5, 0, NULL},
    };

    for (apr_size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        digest_alg_t alg = DIGEST_ALGS;
        const char *shown = row[i].name ? row[i].name : "(null)";
        int found = digest_alg_parse(&alg, row[i].name);
        ok(found == row[i].found, "algorithm \"%s\" is %s", shown, row[i].found ? "known" : "not");
        if (!found)
            continue;
        ok(alg == row[i].alg && digest_alg_len(alg) == row[i].len, "%s: which and length", shown);
        is_str(digest_alg_name(alg), row[i].printed, "its printed name");
        ok(digest_alg_available(alg), "%s: available here", shown);
    }
    ok(!digest_alg_available(DIGEST_ALGS), "no algorithm behind the last");
    is_str(digest_alg_name(DIGEST_ALGS), "", "nor a name");
    is_int((long long)digest_alg_len(DIGEST_ALGS), 0, "nor a length");
    is_str(digest_qop_name(DIGEST_QOP_AUTH), "auth", "qop auth");
    is_str(digest_qop_name(DIGEST_QOP_AUTH_INT), "auth-int", "qop auth-int");
    is_str(digest_qop_name(DIGEST_QOP_NONE), "", "no qop");
}

/* What is missing must fail, never hash as if it were empty. */
static void test_refusals(apr_pool_t *pool)
{
    static const char *const missing[] = {"nothing", "ha1",    "uri", "nonce",
                                          "nc",      "cnonce", "qop", "body_hash"};
    char out[DIGEST_HEX_MAX];
    digest_body_t *body;

    for (int i = 0; i < 8; i++) {
        digest_input_t in = {DIGEST_MD5, DIGEST_QOP_AUTH_INT, "a", "GET", "/", "n", "1", "c", "b"};
        const char **field[] = {NULL,   &in.ha1,    &in.uri, &in.nonce,
                                &in.nc, &in.cnonce, NULL,    &in.body_hash};
        if (field[i])
            *field[i] = NULL;
        else if (i)
            in.qop = DIGEST_QOP_NONE;
        ok(digest_response(&in, out) == (i == 0), "response without %s", missing[i]);
    }
    ok(!digest_ha1(DIGEST_ALGS, "u", "r", base_span_str("p"), out), "HA1 by no algorithm fails");
    ok(digest_ha1(DIGEST_MD5, "u", "r", base_span_str(""), out), "HA1 of an empty password");
    ok(digest_body_start(pool, DIGEST_ALGS) == NULL, "body by no algorithm fails");
    body = digest_body_start(pool, DIGEST_MD5);
    ok(digest_body_add(body, NULL, 0), "adding nothing is no failure");
    ok(digest_body_finish(body, out), "finish once");
    is_str(out, "d41d8cd98f00b204e9800998ecf8427e", "MD5 of the empty body (RFC 1321 A.5)");
    ok(!digest_body_finish(body, out), "finish twice fails");
    ok(!digest_body_add(body, "x", 1), "add after finish fails");
}

/* Two bodies at once do not mix (request and response hashes may overlap). */
static void test_two_bodies(apr_pool_t *pool)
{
    digest_body_t *a = digest_body_start(pool, DIGEST_MD5);
    digest_body_t *b = digest_body_start(pool, DIGEST_SHA256);
    char hex[DIGEST_HEX_MAX];

    ok(digest_body_add(a, "a", 1) && digest_body_add(b, "ab", 2) && digest_body_add(a, "bc", 2) &&
           digest_body_add(b, "c", 1),
       "two bodies in turns");
    digest_body_finish(a, hex);
    is_str(hex, "900150983cd24fb0d6963f7d28e17f72", "MD5 of abc (RFC 1321 A.5)");
    digest_body_finish(b, hex);
    is_str(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
           "SHA-256 of abc (FIPS 180-4 example)");
}

/* A module that is unloaded forgets the pointers: what is not given back then is found by
 * LeakSanitizer at the end of this program. */
static void test_done(void)
{
    char out[DIGEST_HEX_MAX];

    digest_hash_done();
    ok(!digest_alg_available(DIGEST_SHA256), "no algorithm after done");
    ok(!digest_ha1(DIGEST_MD5, "u", "r", base_span_str("p"), out), "nothing works after done");
    digest_hash_done();
    digest_hash_init();
    ok(digest_ha1(DIGEST_MD5, "u", "r", base_span_str("p"), out), "init after done: works again");
    digest_hash_done();
}

/* A fork that ends its pools must not forget for it; here it only says whether it has. */
static void test_hold(apr_pool_t *pool)
{
    apr_pool_t *held;
    int status = -1;
    pid_t pid;

    apr_pool_create(&held, pool);
    digest_hash_hold(held);
    ok(digest_alg_available(DIGEST_SHA256), "held: works");
    pid = fork();
    if (pid == 0) {
        apr_pool_destroy(held);
        _exit(digest_alg_available(DIGEST_SHA256) ? 0 : 1);
    }
    ok(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0,
       "a fork that ends the pool keeps it");
    apr_pool_destroy(held);
    ok(!digest_alg_available(DIGEST_SHA256), "until the pool ends where it was made");
}

int main(void)
{
    apr_pool_t *pool;
    char out[DIGEST_HEX_MAX];

    apr_initialize();
    apr_pool_create(&pool, NULL);
    ok(!digest_ha1(DIGEST_MD5, "u", "r", base_span_str("p"), out), "nothing works before init");
    digest_hash_init();
    digest_hash_init();
    test_names();
    test_vectors(pool);
    test_refusals(pool);
    test_two_bodies(pool);
    test_done();
    test_hold(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
