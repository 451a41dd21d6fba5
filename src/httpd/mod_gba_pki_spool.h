/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_spool.h
 * Octets held back until all of them are there: in memory up to a size, beyond
 * it in a temporary file that has no name any more, so that no kill leaves one
 * behind. Used for request and response bodies alike.
 */
#ifndef mod_gba_pki_spool_h
#define mod_gba_pki_spool_h

#include <httpd.h>
#include <apr_buckets.h>

/** A spool; in the pool it was made with, which also closes its file. One thread. */
typedef struct mod_gba_pki_spool_t mod_gba_pki_spool_t;

/** Limits of a spool, octets. */
typedef struct mod_gba_pki_limits_t {
    apr_off_t max;   /**< more than this is refused */
    apr_off_t spool; /**< more than this goes to disk */
} mod_gba_pki_limits_t;

/** What adding may say. */
typedef enum mod_gba_pki_spool_rv_t {
    MOD_GBA_PKI_SPOOL_OK = 0,
    MOD_GBA_PKI_SPOOL_FULL,  /**< over limits.max; nothing was added */
    MOD_GBA_PKI_SPOOL_FAILED /**< the disk refused; the spool is of no more use */
} mod_gba_pki_spool_rv_t;

/** An empty spool. */
mod_gba_pki_spool_t *mod_gba_pki_spool_make(apr_pool_t *pool, apr_bucket_alloc_t *list,
                                            mod_gba_pki_limits_t limits);

/** Adds (copies) octets. */
mod_gba_pki_spool_rv_t mod_gba_pki_spool_add(mod_gba_pki_spool_t *spool, const char *data,
                                             apr_size_t len);

/** Octets added so far. */
apr_off_t mod_gba_pki_spool_len(const mod_gba_pki_spool_t *spool);

/** Moves everything to the end of @a out, as heap buckets or one file bucket. Once only.
 *  APR_SUCCESS, or why the file could not be written out. */
apr_status_t mod_gba_pki_spool_take(mod_gba_pki_spool_t *spool, apr_bucket_brigade *out);

/** Lets everything go. */
void mod_gba_pki_spool_drop(mod_gba_pki_spool_t *spool);

#endif
