/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bsf_store.h
 * What the laboratory BSF remembers, in memory that all children share and
 * that stays over every restart of the same httpd: challenges that wait for an
 * answer, bootstrappings, and each subscriber's SQN. Each of the three is
 * bounded; what is full lets the least recently used go. Thread-safe.
 */
#ifndef bsf_store_h
#define bsf_store_h

#include <httpd.h>
#include "base/base_result.h"
#include "gba/gba_aka.h"
#include "lab/bsf_subscribers.h"

/** How long a challenge may wait for its answer. */
#define BSF_CHALLENGE_LIFE apr_time_from_sec(300)

/** A challenge, or what has become of it. Holds Ks. Flat. */
typedef struct bsf_entry_t {
    gba_aka_vector_t vector;     /**< its nonce, RES and Ks */
    apr_time_t made;             /**< whole second of the challenge or the bootstrapping */
    apr_time_t expires;          /**< whole second at which it is void */
    char impi[BSF_IMPI_MAX + 1]; /**< whose it is */
} bsf_entry_t;

/** Which of them. */
typedef enum bsf_kind_t {
    BSF_CHALLENGES = 0,      /**< by nonce */
    BSF_BOOTSTRAPPINGS_KEPT, /**< by B-TID */
    BSF_KINDS
} bsf_kind_t;

/** Makes the memory at the first start, and finds it again at restarts. In post_config, in pconf.
 *  OK, or an HTTP status after it was told in the log. */
int bsf_store_start(apr_pool_t *pconf, server_rec *s, apr_size_t capacity);

/** Keeps a copy of @a entry under @a id. BASE_OK or BASE_STORE_DOWN. */
base_code_t bsf_store_put(bsf_kind_t kind, const char *id, const bsf_entry_t *entry);

/** A copy of an entry that has not expired, into memory that the caller wipes.
 *  BASE_OK, BASE_NOT_FOUND or BASE_STORE_DOWN. */
base_code_t bsf_store_get(bsf_kind_t kind, const char *id, bsf_entry_t *entry);

/** The same, and nobody gets it again: of several at once, one. */
base_code_t bsf_store_take(bsf_kind_t kind, const char *id, bsf_entry_t *entry);

/**
 * The next SQN of a subscriber.
 * @param bsf   GBALabName: each BSF counts for itself
 * @param start SQN before the first one
 * @return BASE_OK; BASE_STORE_DOWN, also where SQN is at its end
 */
base_code_t bsf_store_sqn_next(const char *bsf, const char *impi, apr_uint64_t start,
                               apr_uint64_t *sqn);

/** Sets SQN_HE after a right AUTS (gba_aka_sqn_resync()). */
base_code_t bsf_store_sqn_resync(const char *bsf, const char *impi, apr_uint64_t sqn_ms);

#endif
