/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fuzz_challenge.c
 * WWW-Authenticate: each challenge that is taken prints to one that is taken
 * and says the same; all of them printed in one field do too.
 */
#include "fuzz_digest.h"

static void compare(const digest_challenge_t *a, const digest_challenge_t *b)
{
    fuzz_must(fuzz_same(a->realm, b->realm), "realm");
    fuzz_must(fuzz_same(a->nonce, b->nonce), "nonce");
    fuzz_must(fuzz_same(a->opaque, b->opaque), "opaque");
    fuzz_must(a->alg == b->alg && b->alg_known, "algorithm");
    fuzz_must(a->qop == b->qop && a->stale == b->stale, "qop and stale");
}

/* The known ones printed in one field after a challenge of another scheme. */
static const char *print_all(const apr_array_header_t *list, apr_pool_t *pool)
{
    const char *text = "Negotiate abc==";

    for (int i = 0; i < list->nelts; i++) {
        const digest_challenge_t *challenge = &APR_ARRAY_IDX(list, i, digest_challenge_t);
        if (challenge->alg_known)
            text = apr_pstrcat(pool, text, ", ", digest_challenge_print(challenge, pool), NULL);
    }
    return text;
}

static void compare_all(const apr_array_header_t *list, apr_pool_t *pool)
{
    apr_array_header_t *again = apr_array_make(pool, 1, sizeof(digest_challenge_t));
    const char *text = print_all(list, pool);
    int at = 0;

    if (strlen(text) > DIGEST_FIELD_MAX) /* quoted-pairs may make it longer than a field may be */
        return;
    fuzz_must(digest_challenge_parse(again, text, pool).code == BASE_OK, "print, then parse");
    for (int i = 0; i < list->nelts; i++) {
        const digest_challenge_t *challenge = &APR_ARRAY_IDX(list, i, digest_challenge_t);
        if (!challenge->alg_known)
            continue;
        fuzz_must(at < again->nelts, "none lost");
        compare(challenge, &APR_ARRAY_IDX(again, at, digest_challenge_t));
        at++;
    }
    fuzz_must(at == again->nelts, "none invented");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *field = fuzz_field(data, size);
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(digest_challenge_t));
    base_result_t result = digest_challenge_parse(list, field, pool);

    fuzz_must(result.code == BASE_OK || result.code == BASE_MALFORMED, "no other outcome");
    fuzz_must(result.code == BASE_OK || list->nelts == 0, "nothing of a malformed field");
    compare_all(list, pool);
    free(field);
    apr_pool_destroy(pool);
    return 0;
}
