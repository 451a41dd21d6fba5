/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest_nonce.h
 * Server nonces that need no memory until they are used: 45 octets in
 * base64url, 60 characters:
 *
 *   version 1 | node 2 | run 6 | monotonic ms 8 | random 12 | MAC 16
 *
 * MAC = HMAC-SHA-256 over all before it and the realm, cut to 16 octets. The
 * first 4 characters are version and node, so that a balancer can route by
 * them. Time is the monotonic clock's (RFC 7616 3.3 leaves the form to us).
 */
#ifndef digest_nonce_h
#define digest_nonce_h

#include "base/base_env.h"

#define DIGEST_NONCE_KEY_LEN 32 /**< octets of the MAC key */
#define DIGEST_NONCE_RUN_LEN 6  /**< octets that name one run of one httpd */
#define DIGEST_NONCE_RAW_LEN 45 /**< octets of a nonce before base64url */
#define DIGEST_NONCE_LEN     60 /**< characters of a nonce */
#define DIGEST_NONCE_ID_LEN  16 /**< octets that name a nonce in a replay window: its MAC */

/** The key of one run of one node. Plain data: lives in shared memory beside the replay windows,
 *  since the two must live and die together. Secret. */
typedef struct digest_nonce_key_t {
    unsigned char mac_key[DIGEST_NONCE_KEY_LEN];
    unsigned char run[DIGEST_NONCE_RUN_LEN]; /**< random, drawn with the key */
    apr_uint16_t node;                       /**< which node of a cluster; 0 if there is one */
} digest_nonce_key_t;

/** What a valid nonce says. */
typedef struct digest_nonce_t {
    unsigned char id[DIGEST_NONCE_ID_LEN]; /**< unique name of the nonce */
    apr_uint64_t minted_ms;                /**< monotonic milliseconds */
} digest_nonce_t;

/** Draws a new key and run. Nonzero on success. */
int digest_nonce_key_make(digest_nonce_key_t *key, apr_uint16_t node, const base_random_t *random);

/** Mints a nonce for @a realm into @a out (NUL-terminated). Nonzero on success. */
int digest_nonce_mint(char out[DIGEST_NONCE_LEN + 1], const digest_nonce_key_t *key,
                      const char *realm, apr_uint64_t now_ms, const base_random_t *random);

/**
 * Checks a nonce that a client sent back. The MAC is compared in constant time before the
 * contents are believed.
 * @param lifetime_ms how old it may be
 * @return BASE_OK, or BASE_NONCE_INVALID with a detail that tells old, another node's or run's,
 *         from the future, or forged; BASE_INTERNAL if the MAC cannot be computed
 */
base_result_t digest_nonce_check(digest_nonce_t *out, const digest_nonce_key_t *key,
                                 const char *text, const char *realm, apr_uint64_t now_ms,
                                 apr_uint64_t lifetime_ms);

#endif
