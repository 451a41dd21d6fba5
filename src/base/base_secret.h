/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file base_secret.h
 * The one home of secret octets (Ks_NAF, HA1, nonce keys): pool memory that is
 * overwritten when its pool goes, and the comparison that takes the same time
 * whatever the octets are. No function here formats a secret.
 */
#ifndef base_secret_h
#define base_secret_h

#include <apr_pools.h>

/**
 * Zeroed memory for a secret, wiped (OPENSSL_cleanse) when @a pool is cleared or destroyed.
 * @return never NULL (APR pools abort on exhaustion as httpd configures them);
 *         owned by @a pool. One thread per pool, as with apr_palloc.
 */
void *base_secret_alloc(apr_pool_t *pool, apr_size_t len);

/** A wiped-with-its-pool copy of @a len octets at @a src, with a NUL after them. */
void *base_secret_copy(apr_pool_t *pool, const void *src, apr_size_t len);

/** Overwrites @a len octets now, in a way that the compiler cannot drop. */
void base_secret_wipe(void *ptr, apr_size_t len);

/**
 * Nonzero if the @a len octets are equal; constant time in their values.
 * NULL equals nothing, not even NULL: a missing secret never matches.
 */
int base_secret_equal(const void *a, const void *b, apr_size_t len);

#endif
