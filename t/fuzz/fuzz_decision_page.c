/* SPDX-License-Identifier: Apache-2.0 */
/* The UE's reading of a page: a decision is found only where one stands, and one alone. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "pki/pki_media.h"

#define START "<meta name=\"gba-decision\""

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned count(const uint8_t *data, size_t size, const char *word)
{
    unsigned found = 0;
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= size; i++)
        found += memcmp(data + i, word, len) == 0;
    return found;
}

static void judge(const uint8_t *data, size_t size, const char *code, apr_pool_t *pool)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const char *element = apr_pstrcat(pool, START " content=\"refused; reason=", code, "\">", NULL);
    size_t len = strlen(code);
    if (len < 1 || len > 64 || strspn(code, letters) != len)
        abort();
    if (count(data, size, START) != 1 || count(data, size, element) != 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int started;
    base_span_t page = {data, size};
    const char *code = "unset";
    apr_pool_t *pool = NULL;
    if (!started++ && apr_initialize() != APR_SUCCESS)
        abort();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        abort();
    if (pki_page_decision(&code, page, pool))
        judge(data, size, code, pool);
    else if (code)
        abort();
    apr_pool_destroy(pool);
    return 0;
}
