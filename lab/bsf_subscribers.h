/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bsf_subscribers.h
 * The subscribers of the laboratory BSF: a JSON file, read at start and again
 * whenever it changes. A changed file that is broken is told in the log and
 * the subscribers stay as they were.
 */
#ifndef bsf_subscribers_h
#define bsf_subscribers_h

#include <apr_tables.h>
#include <httpd.h>
#include "base/base_result.h"
#include "gba/gba_milenage.h"

#define BSF_IMPI_MAX 255 /**< octets of an IMPI */

/** One user security setting, as the file has it. */
typedef struct bsf_uss_t {
    apr_uint32_t gs_id; /**< GAA service identifier */
    const char *json;   /**< the element of ussList, as JSON text */
} bsf_uss_t;

/** One subscriber. Holds keys: lives in memory that is wiped with its pool. */
typedef struct bsf_subscriber_t {
    const char *impi;
    gba_milenage_key_t key;                  /**< K and OPc */
    unsigned char amf[GBA_MILENAGE_AMF_LEN]; /**< AMF of every vector */
    apr_uint64_t sqn;                        /**< where SQN starts */
    int gba_u;                               /**< nonzero: his USIM does GBA_U */
    int blocked;                             /**< nonzero: he is refused */
    apr_array_header_t *uss;                 /**< of bsf_uss_t */
} bsf_subscriber_t;

/** A file of subscribers and what was read from it last. */
typedef struct bsf_subscribers_t bsf_subscribers_t;

/** A file that is not read yet. @a path and the struct live as long as @a pool. */
bsf_subscribers_t *bsf_subscribers_make(apr_pool_t *pool, const char *path);

/**
 * Reads the file, in the parent at start. Its subscribers are inherited by children.
 * @return BASE_OK, or BASE_KEYSOURCE_DOWN with a detail that names file, subscriber and member
 */
base_result_t bsf_subscribers_load(bsf_subscribers_t *file, apr_pool_t *pool);

/** In a child, before its first thread: later versions of the file live in pools below @a pchild.
 */
void bsf_subscribers_child(bsf_subscribers_t *file, apr_pool_t *pchild);

/**
 * Looks a subscriber up in the file as it is now. Thread-safe.
 * @return a copy in @a r's pool, or NULL if there is none
 */
const bsf_subscriber_t *bsf_subscribers_find(bsf_subscribers_t *file, request_rec *r,
                                             const char *impi);

#endif
