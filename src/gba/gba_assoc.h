/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_assoc.h
 * Associations: what this NAF holds per (B-TID, NAF_Id), with the replay
 * windows of the nonces used under it. Two parts: the seam that the portal
 * sees, and the store behind it, a table in shared memory.
 *
 * What always holds: (nonce, nc) is accepted at most once for an association,
 * also after the association was evicted and fetched again: an evicted one
 * leaves the latest mint time of its nonces in its set's word, and a new one in
 * that set starts with it as its horizon.
 */
#ifndef gba_assoc_h
#define gba_assoc_h

#include "base/base_shmtable.h"
#include "digest/digest_window.h"
#include "gba/gba_info.h"
#include "gba/gba_names.h"

/** Names an association: SHA-256 over the key source's name, B-TID and NAF_Id. A B-TID of one key
 *  source is nothing to a location that asks another. */
typedef struct gba_assoc_key_t {
    unsigned char hash[BASE_SHMTABLE_KEY_LEN];
} gba_assoc_key_t;

/** Makes the name. @a source is gba_keysource_t.name; NULL is taken as "". Nonzero on success. */
int gba_assoc_key(gba_assoc_key_t *key, const char *source, const char *btid,
                  const gba_naf_id_t *naf);

/** The seam: an association store. Every callback may be called by several threads at once. */
typedef struct gba_assoc_store_t {
    void *baton; /**< the callbacks' first argument */
    /** Copies the info out. BASE_OK, BASE_NOT_FOUND, or BASE_STORE_DOWN. */
    base_code_t (*find)(void *baton, const gba_assoc_key_t *key, gba_info_t *out);
    /** Stores or refreshes an info; replay windows of an existing association stay.
     *  BASE_OK or BASE_STORE_DOWN. */
    base_code_t (*put)(void *baton, const gba_assoc_key_t *key, const gba_info_t *info);
    /** Notes the subscriber's pseudonym, if the info is still the one that was fetched at
     *  @a fetched: it may have been refreshed since. BASE_OK, BASE_NOT_FOUND, or
     *  BASE_STORE_DOWN. */
    base_code_t (*name)(void *baton, const gba_assoc_key_t *key, apr_time_t fetched,
                        const char *pseudonym);
    /** Accepts (nonce, nc) at most once (digest_windows_accept()); BASE_WINDOW_GONE too if the
     *  association itself is gone; BASE_STORE_DOWN if in doubt. */
    base_code_t (*accept)(void *baton, const gba_assoc_key_t *key, const digest_nonce_t *nonce,
                          apr_uint32_t nc);
} gba_assoc_store_t;

/** Octets of shared memory for @a capacity associations; 0 if that overflows. */
apr_size_t gba_assoc_table_size(apr_size_t capacity);

/** Formats a segment; once, before it is shared. BASE_OK or BASE_INTERNAL. */
base_result_t gba_assoc_table_format(void *segment, apr_size_t size, apr_size_t capacity);

/** The store over a formatted segment; in @a pool; NULL if the segment is not one of ours.
 *  @param clock kept by reference */
gba_assoc_store_t *gba_assoc_table_attach(apr_pool_t *pool, void *segment, apr_size_t size,
                                          const base_clock_t *clock);

/** Associations held now, for the status page and tests. */
apr_size_t gba_assoc_table_used(gba_assoc_store_t *store);

#endif
