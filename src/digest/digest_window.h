/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest_window.h
 * Replay windows: which nc of which nonce were accepted. Plain data without
 * pointers, made to lie in shared memory; the caller holds the lock.
 *
 * A window remembers the highest nc and the DIGEST_WINDOW_BITS numbers up to
 * it; lower ones are taken as seen. The first nc need not be 1. A set of
 * windows holds DIGEST_WINDOWS nonces; letting the oldest-minted go raises the
 * horizon, and nonces minted at or before the horizon that have no window are
 * refused: what was forgotten is never accepted again.
 */
#ifndef digest_window_h
#define digest_window_h

#include "digest/digest_nonce.h"

#define DIGEST_WINDOW_BITS 128 /**< numbers remembered per nonce */
#define DIGEST_WINDOWS     8   /**< nonces remembered per set */

/** One nonce's window. minted_ms 0 marks it empty. */
typedef struct digest_window_t {
    unsigned char id[DIGEST_NONCE_ID_LEN];
    apr_uint64_t minted_ms;                     /**< monotonic milliseconds */
    apr_uint64_t seen[DIGEST_WINDOW_BITS / 64]; /**< bit n: highest - n was accepted */
    apr_uint32_t highest;                       /**< highest accepted nc */
    apr_uint32_t pad;                           /**< keeps the layout the same everywhere; 0 */
} digest_window_t;

/** The windows of one association. All zero is a valid empty set. */
typedef struct digest_windows_t {
    apr_uint64_t horizon_ms; /**< monotonic ms; see above; only ever rises */
    digest_window_t window[DIGEST_WINDOWS];
} digest_windows_t;

/**
 * Accepts (nonce, nc) at most once.
 * @return BASE_OK: first time, now remembered; BASE_NONCE_REPLAYED: seen, or too far below the
 *         highest to know; BASE_WINDOW_GONE: minted at or before the horizon and no window
 */
base_code_t digest_windows_accept(digest_windows_t *set, const digest_nonce_t *nonce,
                                  apr_uint32_t nc);

/** The monotonic ms up to which nonces may have been used with this set: its horizon or the
 *  latest minted_ms in it. What must become the horizon when the set itself is let go. */
apr_uint64_t digest_windows_latest(const digest_windows_t *set);

#endif
