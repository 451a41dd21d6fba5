/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file shmtable_fixture.h
 * What the tests of base_shmtable share: a payload whose halves must agree, callbacks that carry
 * the latest mark of what goes to what comes, keys that choose their set, and a shared segment.
 */
#ifndef shmtable_fixture_h
#define shmtable_fixture_h

#include <stdlib.h>
#include <sys/mman.h>
#include "tap.h"
#include "base/base_shmtable.h"

/** Twice the same number: unequal halves are a payload that was left half-written. */
typedef struct mark_t {
    apr_uint64_t first;
    apr_uint64_t born_with; /**< the set's word when the entry was made */
    unsigned char between[200];
    apr_uint64_t last;
} mark_t;

static int broken_calls;             /**< of this process */
static apr_uint64_t broken_time;     /**< of the latest call */
static apr_uint64_t fake_now = 1000; /**< what the fixture's clock says */
static void (*in_fresh)(void);       /**< run inside fresh(), if set */
static void (*in_broken)(void);      /**< run inside broken(), if set */
static void (*in_evict)(void);       /**< run inside evict(), if set */

static void mark_fresh(void *payload, const apr_uint64_t *word)
{
    mark_t *mark = payload;
    mark->born_with = *word;
    if (in_fresh)
        in_fresh();
}

static void mark_evict(const void *payload, apr_uint64_t *word)
{
    const mark_t *mark = payload;
    if (mark->last > *word)
        *word = mark->last;
    if (in_evict)
        in_evict();
}

static void mark_broken(apr_uint64_t now_ms, apr_uint64_t *word)
{
    broken_calls++;
    broken_time = now_ms;
    if (now_ms > *word)
        *word = now_ms;
    if (in_broken)
        in_broken();
}

static const base_shmtable_ops_t mark_ops = {sizeof(mark_t), mark_fresh, mark_evict, mark_broken};

static apr_uint64_t fake_monotonic(void *baton)
{
    return *(apr_uint64_t *)baton;
}

static const base_clock_t fake_clock = {&fake_now, NULL, fake_monotonic};

/** A key of set number `set` of any table of 16 sets or a divisor of it. */
typedef struct mark_key_t {
    unsigned char octets[BASE_SHMTABLE_KEY_LEN];
} mark_key_t;

static inline mark_key_t mark_key(unsigned int set, unsigned int number)
{
    mark_key_t key = {{0}};
    key.octets[7] = (unsigned char)set;
    key.octets[30] = (unsigned char)(number >> 8);
    key.octets[31] = (unsigned char)number;
    return key;
}

/** An anonymous segment that forked processes share. */
static inline void *segment_make(apr_size_t size)
{
    void *segment = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (segment == MAP_FAILED)
        abort();
    return segment;
}

/** A formatted table in a shared segment of its own. */
static inline base_shmtable_t *table_make(apr_pool_t *pool, apr_size_t capacity)
{
    apr_size_t size = base_shmtable_size(capacity, &mark_ops);
    void *segment = segment_make(size);
    if (base_shmtable_format(segment, size, capacity, &mark_ops).code != BASE_OK)
        abort();
    base_shmtable_t *table = base_shmtable_attach(pool, segment, size, &mark_ops, &fake_clock);
    if (!table)
        abort();
    return table;
}

/** Visitor: sets both halves to *baton. */
static inline void mark_set(void *baton, void *payload)
{
    mark_t *mark = payload;
    mark->first = mark->last = *(const apr_uint64_t *)baton;
}

/** Visitor: copies the payload out. */
static inline void mark_get(void *baton, void *payload)
{
    memcpy(baton, payload, sizeof(mark_t));
}

/** Visitor: counts one up. */
static inline void mark_count(void *baton, void *payload)
{
    mark_t *mark = payload;
    (void)baton;
    mark->first++;
    mark->last++;
}

static inline base_code_t table_set(base_shmtable_t *table, mark_key_t key, apr_uint64_t value)
{
    return base_shmtable_visit(table, key.octets, BASE_SHMTABLE_MAKE, mark_set, &value);
}

static inline base_code_t table_get(base_shmtable_t *table, mark_key_t key, mark_t *mark)
{
    memset(mark, 0, sizeof(*mark));
    return base_shmtable_visit(table, key.octets, BASE_SHMTABLE_READ, mark_get, mark);
}

static inline int table_has(base_shmtable_t *table, mark_key_t key, apr_uint64_t value)
{
    mark_t mark;
    return table_get(table, key, &mark) == BASE_OK && mark.first == value && mark.last == value;
}

#endif
