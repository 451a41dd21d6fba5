/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file base_shmtable.h
 * A set-associative table of fixed-size entries in shared memory, for several
 * processes and threads.
 *
 *   segment:  header | set 0 | set 1 | ... | set n-1
 *   set:      robust process-shared mutex | word | entry 0 .. entry 15
 *   entry:    state | last use | 32-octet key | payload
 *
 * An entry may only stand in the set that its key selects; a full set lets its
 * least recently used entry go. There are no pointers and no lists in the
 * segment, so a process that is killed leaves at most one entry of one set
 * half-written. The next to lock that set learns of the death from the robust
 * mutex and hands every half-written entry to the broken() callback before it
 * is emptied. Nothing in here knows what a payload means.
 */
#ifndef base_shmtable_h
#define base_shmtable_h

#include <apr_pools.h>
#include "base/base_env.h"

#define BASE_SHMTABLE_KEY_LEN 32 /**< octets of a key: a hash that the caller made */
#define BASE_SHMTABLE_WAYS    16 /**< entries in a set */

/** What the owner of the payload does at an entry's turning points. All run with the set locked;
 *  they must not block, allocate or touch the table. */
typedef struct base_shmtable_ops_t {
    apr_size_t payload_len; /**< octets of a payload; the same in all processes */
    /** A new zeroed payload is about to be filled. @a word is the set's own 64-bit memory. */
    void (*fresh)(void *payload, const apr_uint64_t *word);
    /** An entry makes room for another; may raise @a word. */
    void (*evict)(const void *payload, apr_uint64_t *word);
    /** A process died while it wrote an entry of this set: what the entry held is lost.
     *  @a now_ms is the monotonic time of the discovery. */
    void (*broken)(apr_uint64_t now_ms, apr_uint64_t *word);
} base_shmtable_ops_t;

/** A process-private handle on a segment. */
typedef struct base_shmtable_t base_shmtable_t;

/** Octets that a segment of at least @a capacity entries needs; 0 if that overflows. */
apr_size_t base_shmtable_size(apr_size_t capacity, const base_shmtable_ops_t *ops);

/**
 * Lays out a segment: mutexes, empty sets. Once per segment, before any other process sees it.
 * @return BASE_OK or BASE_INTERNAL
 */
base_result_t base_shmtable_format(void *segment, apr_size_t size, apr_size_t capacity,
                                   const base_shmtable_ops_t *ops);

/**
 * A handle on a formatted segment (inherited over fork or the same mapping).
 * @param ops   kept by reference
 * @param clock kept by reference
 * @return the handle in @a pool, or NULL if the segment is not one of this layout and size
 */
base_shmtable_t *base_shmtable_attach(apr_pool_t *pool, void *segment, apr_size_t size,
                                      const base_shmtable_ops_t *ops, const base_clock_t *clock);

/** What a visit may do. */
typedef enum base_shmtable_mode_t {
    BASE_SHMTABLE_READ,  /**< visit an entry that is there; the visitor must not write */
    BASE_SHMTABLE_WRITE, /**< visit an entry that is there, to change it */
    BASE_SHMTABLE_MAKE   /**< as WRITE; made first (fresh()) if it is not there */
} base_shmtable_mode_t;

/** Visits a payload with its set locked; must not block. */
typedef void (*base_shmtable_visit_fn)(void *baton, void *payload);

/**
 * Locks the key's set, finds (or makes) the entry, visits it, unlocks.
 * @return BASE_OK if visited; BASE_NOT_FOUND if not there (READ, WRITE);
 *         BASE_STORE_DOWN if the lock cannot be had: treat it as a "no"
 */
base_code_t base_shmtable_visit(base_shmtable_t *table,
                                const unsigned char key[BASE_SHMTABLE_KEY_LEN],
                                base_shmtable_mode_t mode, base_shmtable_visit_fn visit,
                                void *baton);

/** Removes an entry (through evict()). BASE_OK, BASE_NOT_FOUND or BASE_STORE_DOWN. */
base_code_t base_shmtable_remove(base_shmtable_t *table,
                                 const unsigned char key[BASE_SHMTABLE_KEY_LEN]);

/** Entries in use now, for the status page and tests; a snapshot. */
apr_size_t base_shmtable_used(base_shmtable_t *table);

/** Entries that it can hold. */
apr_size_t base_shmtable_capacity(const base_shmtable_t *table);

#endif
