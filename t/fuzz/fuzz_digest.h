/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fuzz_digest.h
 * What the fuzz targets of the Digest grammar share.
 */
#ifndef fuzz_digest_h
#define fuzz_digest_h

#include <apr_general.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "digest/digest_grammar.h"

/** The entry point of libFuzzer and of standalone.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Stops the run if a property does not hold. */
static inline void fuzz_must(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "property broken: %s\n", what);
        abort();
    }
}

/** The input as a string in memory of its own size, so that a read past its end is seen. The
 *  caller frees it. */
static inline char *fuzz_field(const uint8_t *data, size_t size)
{
    char *field = malloc(size + 1);

    if (!field)
        abort();
    if (size)
        memcpy(field, data, size);
    field[size] = '\0';
    return field;
}

/** A pool for one input. */
static inline apr_pool_t *fuzz_pool(void)
{
    static int ready;
    apr_pool_t *pool;

    if (!ready && apr_initialize() != APR_SUCCESS)
        abort();
    ready = 1;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        abort();
    return pool;
}

/** Nonzero if both are NULL or equal; a value that came through the parser holds no CTL and keeps
 *  to its bound. */
static inline int fuzz_same(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    for (const char *p = a; *p; p++)
        fuzz_must((unsigned char)*p >= 0x20 && *p != 0x7f, "no CTL in a value");
    fuzz_must(strlen(a) <= DIGEST_PARAM_MAX, "DIGEST_PARAM_MAX");
    return strcmp(a, b) == 0;
}

#endif
