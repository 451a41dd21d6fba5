/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fuzz_credentials.c
 * Authorization: whatever is taken prints to something that is taken and says
 * the same.
 */
#include "fuzz_digest.h"

static void compare(const digest_credentials_t *a, const digest_credentials_t *b)
{
    fuzz_must(fuzz_same(a->username, b->username), "username");
    fuzz_must(fuzz_same(a->realm, b->realm), "realm");
    fuzz_must(fuzz_same(a->nonce, b->nonce), "nonce");
    fuzz_must(fuzz_same(a->uri, b->uri), "uri");
    fuzz_must(fuzz_same(a->cnonce, b->cnonce), "cnonce");
    fuzz_must(fuzz_same(a->opaque, b->opaque), "opaque");
    fuzz_must(fuzz_same(a->nc, b->nc), "nc");
    fuzz_must(fuzz_same(a->response, b->response), "response");
    fuzz_must(a->nc_value == b->nc_value && a->nc_value != 0, "nc_value");
    fuzz_must(a->qop == b->qop && a->alg == b->alg, "qop and algorithm");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *field = fuzz_field(data, size);
    digest_credentials_t *cred, *again;
    base_result_t result = digest_credentials_parse(&cred, field, pool);

    fuzz_must((result.code == BASE_OK) == (cred != NULL), "a result if and only if it is taken");
    fuzz_must(result.code == BASE_OK || result.code == BASE_MALFORMED, "no other outcome");
    fuzz_must(!cred || digest_is_digest_scheme(field), "the scheme");
    if (cred && cred->alg_known && cred->qop_known) {
        const char *text = digest_credentials_print(cred, pool);
        /* Quoted-pairs may make the text longer than a field may be. */
        if (strlen(text) <= DIGEST_FIELD_MAX) {
            digest_credentials_parse(&again, text, pool);
            fuzz_must(again != NULL && again->alg_known && again->qop_known, "print, then parse");
            compare(cred, again);
        }
    }
    free(field);
    apr_pool_destroy(pool);
    return 0;
}
