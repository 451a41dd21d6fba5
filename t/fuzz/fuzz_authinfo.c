/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fuzz_authinfo.c
 * Authentication-Info: whatever is taken prints to something that is taken and
 * says the same.
 */
#include "fuzz_digest.h"

static void compare(const digest_authinfo_t *a, const digest_authinfo_t *b)
{
    fuzz_must(fuzz_same(a->rspauth, b->rspauth), "rspauth");
    fuzz_must(fuzz_same(a->cnonce, b->cnonce), "cnonce");
    fuzz_must(fuzz_same(a->nc, b->nc), "nc");
    fuzz_must(fuzz_same(a->nextnonce, b->nextnonce), "nextnonce");
    fuzz_must(a->qop == b->qop && a->qop != DIGEST_QOP_NONE, "qop");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *field = fuzz_field(data, size);
    digest_authinfo_t *info, *again;
    base_result_t result = digest_authinfo_parse(&info, field, pool);

    fuzz_must((result.code == BASE_OK) == (info != NULL), "a result if and only if it is taken");
    fuzz_must(result.code == BASE_OK || result.code == BASE_MALFORMED, "no other outcome");
    if (info) {
        const char *text = digest_authinfo_print(info, pool);
        /* Quoted-pairs may make the text longer than a field may be. */
        if (strlen(text) <= DIGEST_FIELD_MAX) {
            digest_authinfo_parse(&again, text, pool);
            fuzz_must(again != NULL, "print, then parse");
            compare(info, again);
        }
    }
    free(field);
    apr_pool_destroy(pool);
    return 0;
}
