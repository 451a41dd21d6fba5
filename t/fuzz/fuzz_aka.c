/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fuzz_aka.c
 * Ub, from both sides: credentials of AKAv1-MD5 that are taken print to some that are taken and say
 * the same; the nonce and auts; and the document that ends a bootstrapping.
 */
#include "fuzz_digest.h"

#include "digest/digest_aka.h"
#include "gba/gba_aka.h"
#include "gba/gba_names.h"
#include "ue_ub_document.h"

static void compare(const digest_aka_credentials_t *a, const digest_aka_credentials_t *b)
{
    fuzz_must(a->is_first == b->is_first, "the kind");
    fuzz_must(fuzz_same(a->digest.username, b->digest.username), "username");
    fuzz_must(fuzz_same(a->digest.realm, b->digest.realm), "realm");
    fuzz_must(fuzz_same(a->digest.uri, b->digest.uri), "uri");
    fuzz_must(fuzz_same(a->digest.nonce, b->digest.nonce), "nonce");
    fuzz_must(fuzz_same(a->digest.response, b->digest.response), "response");
    fuzz_must(fuzz_same(a->auts, b->auts), "auts");
}

static void credentials(const char *field, apr_pool_t *pool)
{
    digest_aka_credentials_t *cred, *again;
    base_result_t result = digest_aka_credentials_parse(&cred, field, pool);
    unsigned char auts[GBA_AUTS_LEN];
    gba_aka_vector_t vector;
    const char *text;

    fuzz_must((result.code == BASE_OK) == (cred != NULL), "a result if and only if it is taken");
    if (!cred)
        return;
    if (!cred->is_first)
        gba_aka_nonce_parse(&vector, cred->digest.nonce);
    if (cred->auts && gba_aka_auts_parse(auts, cred->auts))
        fuzz_must(strcmp(gba_aka_auts_print(pool, auts), cred->auts) == 0, "auts to and fro");
    text = digest_aka_credentials_print(cred, pool);
    if (strlen(text) > DIGEST_FIELD_MAX)
        return;
    digest_aka_credentials_parse(&again, text, pool);
    fuzz_must(again != NULL, "print, then parse");
    compare(cred, again);
}

static void document(base_span_t text, apr_pool_t *pool)
{
    ue_ub_document_t out;
    apr_time_t again;

    if (ue_ub_document_read(&out, text, pool))
        return;
    fuzz_must(gba_btid_check(out.btid), "a document has a B-TID");
    fuzz_must(base_rfc3339_decode(&again, base_span_str(out.until)) && again == out.expires,
              "and a time that is one");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *field = fuzz_field(data, size);
    base_span_t text = {(unsigned char *)field, size};

    credentials(field, pool);
    document(text, pool);
    free(field);
    apr_pool_destroy(pool);
    return 0;
}
