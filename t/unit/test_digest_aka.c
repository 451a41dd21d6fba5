/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials and challenges of Digest AKAv1-MD5 (RFC 3310), as both ends of Ub write them. */
#include "tap.h"

#include <apr_general.h>
#include "digest/digest_aka.h"

#define NAMES  "Digest username=\"u@x.y\", realm=\"bsf.x.y\""
#define FIRST  NAMES ", nonce=\"\", uri=\"/\", response=\"\""
#define HASH   "be8075d7b8ab1fadcd8dbbbae26bb298"
#define AKA    ", algorithm=AKAv1-MD5"
#define ANSWER NAMES ", nonce=\"bm9uY2U=\", uri=\"/\", response=\"" HASH "\""
#define REST   ", cnonce=\"c\", nc=00000001"
#define INT    ", qop=auth-int"

typedef struct row_t {
    const char *field;
    base_code_t want;
    const char *name;
} row_t;

static const row_t rows[] = {
    {FIRST, BASE_OK, "a name alone asks for a challenge (TS 24.109 4.2)"},
    {FIRST AKA, BASE_OK, "with its algorithm too"},
    {FIRST ", algorithm=MD5", BASE_NOT_OFFERED, "not with another"},
    {ANSWER AKA REST INT, BASE_OK, "an answer"},
    {ANSWER ", algorithm=\"akav1-md5\"" REST ", qop=\"auth-int\"", BASE_OK, "quoted, in any case"},
    {ANSWER AKA REST INT ", auts=\"uoU/PBI8z0TpNZbjVcY=\"", BASE_OK, "an answer with auts"},
    {ANSWER REST INT, BASE_NOT_OFFERED, "an answer without algorithm is one by MD5 (RFC 7616 3.4)"},
    {ANSWER ", algorithm=MD5" REST INT, BASE_NOT_OFFERED, "MD5 alone is not offered"},
    {ANSWER ", algorithm=AKAv2-MD5" REST INT, BASE_NOT_OFFERED, "nor is AKAv2-MD5"},
    {ANSWER AKA REST ", qop=auth", BASE_NOT_OFFERED, "nor qop=auth"},
    {ANSWER AKA REST ", qop=other", BASE_NOT_OFFERED, "nor an unknown qop"},
    {ANSWER AKA REST, BASE_MALFORMED, "no qop"},
    {ANSWER AKA INT ", nc=00000001", BASE_MALFORMED, "no cnonce"},
    {ANSWER AKA INT ", cnonce=\"c\", nc=00000000", BASE_MALFORMED, "nc starts at 1"},
    {ANSWER AKA INT ", cnonce=\"c\", nc=1", BASE_MALFORMED, "nc has eight digits"},
    {ANSWER AKA REST INT ", auts=abc", BASE_MALFORMED, "auts is quoted (RFC 3310 3.2)"},
    {ANSWER AKA REST INT ", auts=\"\", auts=\"\"", BASE_MALFORMED, "and there once"},
    {NAMES ", nonce=\"bm9uY2U=\", uri=\"/\", response=\"\"" AKA REST INT, BASE_MALFORMED,
     "a nonce and no response"},
    {NAMES ", nonce=\"\", uri=\"/\", response=\"zz\"" AKA REST INT, BASE_MALFORMED,
     "a response that is no hash"},
    {"Digest realm=\"r\", nonce=\"\", uri=\"/\", response=\"\"", BASE_MALFORMED, "no username"},
    {NAMES ", nonce=\"\", response=\"\"", BASE_MALFORMED, "no uri"},
    {"Basic dXNlcjpwdw==", BASE_MALFORMED, "another scheme"},
    {"", BASE_MALFORMED, "nothing"},
    {NULL, BASE_MALFORMED, "no field"},
};

static void test_rows(apr_pool_t *pool)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        digest_aka_credentials_t *cred;
        base_result_t result = digest_aka_credentials_parse(&cred, rows[i].field, pool);
        is_int(result.code, rows[i].want, rows[i].name);
        ok((result.code == BASE_OK) == (cred != NULL), "%s: credentials, or none", rows[i].name);
    }
}

static void test_both_ways(apr_pool_t *pool)
{
    static const char first[] = NAMES ", nonce=\"\", uri=\"/\"" AKA ", response=\"\"";
    static const char answer[] =
        NAMES ", nonce=\"bm9uY2U=\", uri=\"/\"" AKA ", response=\"" HASH "\"" INT
              ", nc=00000001, cnonce=\"c\", opaque=\"o\", auts=\"uoU/PBI8z0TpNZbjVcY=\"";
    digest_aka_credentials_t *cred;
    if (ok(digest_aka_credentials_parse(&cred, first, pool).code == BASE_OK, "a first one")) {
        ok(cred->is_first && !cred->auts, "is known as such");
        is_str(cred->digest.username, "u@x.y", "it has a name");
        is_str(digest_aka_credentials_print(cred, pool), first, "and is printed as it was");
    }
    if (ok(digest_aka_credentials_parse(&cred, answer, pool).code == BASE_OK, "an answer")) {
        ok(!cred->is_first, "is no first one");
        is_str(cred->digest.response, HASH, "its response");
        is_str(cred->auts, "uoU/PBI8z0TpNZbjVcY=", "its auts");
        is_int(cred->digest.alg, DIGEST_MD5, "its hash is MD5");
        is_str(digest_aka_credentials_print(cred, pool), answer, "and is printed as it was");
    }
}

static void test_challenge(apr_pool_t *pool)
{
    digest_challenge_t challenge = {
        .realm = "bsf.x.y", .nonce = "bm9uY2U=", .is_aka = 1, .qop = DIGEST_QOP_AUTH_INT};
    const char *text = digest_challenge_print(&challenge, pool);
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(challenge));
    is_str(text,
           "Digest realm=\"bsf.x.y\", nonce=\"bm9uY2U=\", algorithm=AKAv1-MD5, qop=\"auth-int\"",
           "a challenge (RFC 3310 3.2)");
    if (ok(digest_challenge_parse(list, text, pool).code == BASE_OK && list->nelts == 1,
           "is read again")) {
        const digest_challenge_t *read = &APR_ARRAY_IDX(list, 0, digest_challenge_t);
        ok(read->is_aka && read->alg == DIGEST_MD5, "as one of AKA with MD5");
        ok(!read->alg_known, "which who knows no AKA skips");
    }
    list->nelts = 0;
    ok(digest_challenge_parse(list, "Digest realm=\"r\", nonce=\"n\", algorithm=MD5", pool).code ==
               BASE_OK &&
           !APR_ARRAY_IDX(list, 0, digest_challenge_t).is_aka,
       "one of MD5 is none of AKA");
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    digest_hash_init();
    test_rows(pool);
    test_both_ways(pool);
    test_challenge(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
