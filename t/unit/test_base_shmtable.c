/* SPDX-License-Identifier: Apache-2.0 */
/* The shared table within one process: layout, find, make, eviction, removal, threads. */
#include <apr_general.h>
#include <pthread.h>
#include <stdint.h>
#include "shmtable_fixture.h"

static void test_size(void)
{
    static const base_shmtable_ops_t huge = {SIZE_MAX - 3, NULL, NULL, NULL};
    static const base_shmtable_ops_t half = {SIZE_MAX / 2, NULL, NULL, NULL};
    static const base_shmtable_ops_t odd = {13, mark_fresh, mark_evict, mark_broken};
    apr_size_t one = base_shmtable_size(1, &mark_ops);
    apr_size_t two = base_shmtable_size(17, &mark_ops);
    ok(one > BASE_SHMTABLE_WAYS * sizeof(mark_t), "room for a whole set");
    ok(base_shmtable_size(16, &mark_ops) == one, "capacity is rounded up to whole sets");
    ok(two > one && base_shmtable_size(32, &mark_ops) == two, "17 entries take two sets");
    is_int((long long)(base_shmtable_size(48, &mark_ops) - two), (long long)(two - one),
           "sets are of one size");
    is_int((long long)(base_shmtable_size(1, &odd) % 8), 0, "an odd payload keeps the alignment");
    is_int((long long)base_shmtable_size(0, &mark_ops), 0, "no capacity is no table");
    is_int((long long)base_shmtable_size(SIZE_MAX, &mark_ops), 0, "capacity overflows");
    is_int((long long)base_shmtable_size(SIZE_MAX / 200, &mark_ops), 0, "product overflows");
    is_int((long long)base_shmtable_size(1, &huge), 0, "payload overflows");
    is_int((long long)base_shmtable_size(1, &half), 0, "set overflows");
}

static void test_format_refused(void)
{
    apr_size_t size = base_shmtable_size(16, &mark_ops);
    unsigned char *segment = segment_make(size + 8);
    base_result_t small = base_shmtable_format(segment, size - 1, 16, &mark_ops);
    base_result_t crooked = base_shmtable_format(segment + 4, size, 16, &mark_ops);
    base_result_t none = base_shmtable_format(segment, size, 0, &mark_ops);
    base_result_t nowhere = base_shmtable_format(NULL, size, 16, &mark_ops);
    ok(small.code == BASE_INTERNAL && small.tag, "format: one octet short");
    is_int(crooked.code, BASE_INTERNAL, "format: not 8-aligned");
    is_int(none.code, BASE_INTERNAL, "format: no capacity");
    is_int(nowhere.code, BASE_INTERNAL, "format: no segment");
    munmap(segment, size + 8);
}

static void test_attach(apr_pool_t *pool)
{
    static const base_shmtable_ops_t other = {sizeof(mark_t) + 8, mark_fresh, mark_evict,
                                              mark_broken};
    static const base_shmtable_ops_t near = {sizeof(mark_t) - 1, mark_fresh, mark_evict,
                                             mark_broken};
    apr_size_t size = base_shmtable_size(32, &mark_ops);
    unsigned char *at = segment_make(size + 8);
    const base_clock_t *clock = &fake_clock;
    ok(!base_shmtable_attach(pool, at, size, &mark_ops, clock), "attach: never formatted");
    base_shmtable_format(at, size, 32, &mark_ops);
    ok(base_shmtable_attach(pool, at, size, &mark_ops, clock) != NULL, "attach: formatted");
    ok(!base_shmtable_attach(pool, at, size - 8, &mark_ops, clock), "attach: smaller");
    ok(!base_shmtable_attach(pool, at, size + 8, &mark_ops, clock), "attach: larger");
    ok(!base_shmtable_attach(pool, at, 8, &mark_ops, clock), "attach: no room for a header");
    ok(!base_shmtable_attach(pool, at, 0, &mark_ops, clock), "attach: nothing");
    ok(!base_shmtable_attach(pool, NULL, size, &mark_ops, clock), "attach: no segment");
    ok(!base_shmtable_attach(pool, at + 4, size, &mark_ops, clock), "attach: not 8-aligned");
    ok(!base_shmtable_attach(pool, at, size, &other, clock), "attach: another payload");
    ok(!base_shmtable_attach(pool, at, size, &near, clock), "attach: a payload of like rounding");
    at[0] ^= 1;
    ok(!base_shmtable_attach(pool, at, size, &mark_ops, clock), "attach: wrong magic");
    at[0] ^= 1;
    at[8] ^= 1;
    ok(!base_shmtable_attach(pool, at, size, &mark_ops, clock), "attach: another version");
    at[8] ^= 1;
    ok(base_shmtable_attach(pool, at, size, &mark_ops, clock) != NULL, "attach: whole again");
    munmap(at, size + 8);
}

static void test_find(apr_pool_t *pool)
{
    base_shmtable_t *table = table_make(pool, 32);
    apr_uint64_t value = 8;
    mark_t mark;
    mark_key_t a = mark_key(0, 1);
    mark_key_t b = mark_key(1, 1);
    is_int((long long)base_shmtable_used(table), 0, "a new table is empty");
    is_int(table_get(table, a, &mark), BASE_NOT_FOUND, "read: not there");
    is_int(base_shmtable_visit(table, a.octets, BASE_SHMTABLE_WRITE, mark_set, &value),
           BASE_NOT_FOUND, "write: not there");
    is_int((long long)base_shmtable_used(table), 0, "neither makes one");
    is_int(table_set(table, a, 7), BASE_OK, "make");
    is_int((long long)base_shmtable_used(table), 1, "one in use");
    ok(table_has(table, a, 7), "read: there, as it was made");
    is_int(table_get(table, b, &mark), BASE_NOT_FOUND, "read: another key of another set");
    is_int(table_get(table, mark_key(0, 2), &mark), BASE_NOT_FOUND, "read: another of its set");
    is_int(base_shmtable_visit(table, a.octets, BASE_SHMTABLE_WRITE, mark_set, &value), BASE_OK,
           "write: there");
    ok(table_has(table, a, 8), "read: as it was written");
    base_shmtable_visit(table, a.octets, BASE_SHMTABLE_MAKE, mark_count, NULL);
    ok(table_has(table, a, 9), "make of what is there visits it as it is");
    table_set(table, b, 5);
    ok(table_has(table, a, 9) && table_has(table, b, 5), "two keys, two payloads");
    is_int((long long)base_shmtable_used(table), 2, "two in use");
    is_int(broken_calls, 0, "nobody died");
}

/* Fills the middle of a payload with something to look for. */
static void mark_secret(void *baton, void *payload)
{
    mark_t *mark = payload;
    memcpy(mark->between, baton, 16);
    mark->last = 77;
}

/* A payload that is made anew is all zero but for what fresh() put there. */
static void test_zeroed(apr_pool_t *pool)
{
    static char secret[] = "sixteen octets!!";
    base_shmtable_t *table = table_make(pool, 16);
    mark_key_t key = mark_key(0, 99);
    mark_t mark;
    for (unsigned int i = 0; i < 16; i++) {
        mark_key_t old = mark_key(0, i);
        base_shmtable_visit(table, old.octets, BASE_SHMTABLE_MAKE, mark_secret, secret);
    }
    base_shmtable_visit(table, key.octets, BASE_SHMTABLE_MAKE, mark_get, &mark);
    ok(mark.first == 0 && mark.last == 0 && mark.between[0] == 0 && mark.between[15] == 0,
       "a new payload holds nothing of what it replaced");
}

/* A full set: the one not used for longest goes, with its mark in the set's word. */
static void test_evict(apr_pool_t *pool)
{
    base_shmtable_t *table = table_make(pool, 32);
    mark_t mark;
    table_set(table, mark_key(1, 1), 99);
    for (unsigned int i = 0; i < 16; i++)
        table_set(table, mark_key(0, i), 100 + i);
    is_int((long long)base_shmtable_used(table), 17, "a full set and one of another");
    ok(table_has(table, mark_key(0, 0), 100), "all fit; the oldest is read once more");
    table_set(table, mark_key(0, 16), 116);
    is_int((long long)base_shmtable_used(table), 17, "the 17th takes another's room");
    is_int(table_get(table, mark_key(0, 1), &mark), BASE_NOT_FOUND,
           "the one not used longest went");
    ok(table_has(table, mark_key(0, 0), 100), "the one that was read stayed");
    table_get(table, mark_key(0, 16), &mark);
    is_int((long long)mark.born_with, 101, "what went left its mark to what came");
    ok(table_has(table, mark_key(1, 1), 99), "the other set was not touched");
    table_set(table, mark_key(1, 2), 1);
    table_get(table, mark_key(1, 2), &mark);
    is_int((long long)mark.born_with, 0, "nor was its word");
    for (unsigned int i = 0; i < 200; i++)
        table_set(table, mark_key(0, 100 + i), 1);
    table_set(table, mark_key(0, 1), 1);
    table_get(table, mark_key(0, 1), &mark);
    is_int((long long)mark.born_with, 116, "the word keeps the highest mark of all that went");
}

static void test_remove(apr_pool_t *pool)
{
    static char secret[] = "sixteen octets!!";
    apr_size_t size = base_shmtable_size(16, &mark_ops);
    unsigned char *segment = segment_make(size);
    mark_key_t key = mark_key(0, 1);
    mark_t mark;
    base_shmtable_format(segment, size, 16, &mark_ops);
    base_shmtable_t *table = base_shmtable_attach(pool, segment, size, &mark_ops, &fake_clock);
    is_int(base_shmtable_remove(table, key.octets), BASE_NOT_FOUND, "remove: not there");
    base_shmtable_visit(table, key.octets, BASE_SHMTABLE_MAKE, mark_secret, secret);
    ok(memmem(segment, size, secret, 16) != NULL, "the payload is in the segment");
    is_int(base_shmtable_remove(table, key.octets), BASE_OK, "remove: there");
    ok(memmem(segment, size, secret, 16) == NULL, "the payload is wiped: it may hold a key");
    is_int(table_get(table, key, &mark), BASE_NOT_FOUND, "it is gone");
    is_int((long long)base_shmtable_used(table), 0, "none in use");
    table_set(table, key, 2);
    table_get(table, key, &mark);
    is_int((long long)mark.born_with, 77, "what is removed leaves its mark too");
    munmap(segment, size);
}

/* A visitor must not come back to the table; one that does gets a "no", not a hang. */
static void visit_again(void *baton, void *payload)
{
    base_shmtable_t *table = *(base_shmtable_t **)baton;
    (void)payload;
    is_int(table_set(table, mark_key(0, 2), 1), BASE_STORE_DOWN, "a visit in a visit is refused");
}

static void test_no_lock(apr_pool_t *pool)
{
    base_shmtable_t *table = table_make(pool, 16);
    mark_key_t key = mark_key(0, 1);
    is_int(base_shmtable_visit(table, key.octets, BASE_SHMTABLE_MAKE, visit_again, &table), BASE_OK,
           "the outer visit goes on");
    is_int(table_set(table, mark_key(0, 2), 1), BASE_OK, "afterwards the set is free");
}

#define THREADS 4
#define ROUNDS  3000

static void *thread_main(void *data)
{
    base_shmtable_t *table = data;
    mark_t mark;
    for (unsigned int i = 0; i < ROUNDS; i++) {
        mark_key_t key = mark_key(i % 2, i % 5);
        base_shmtable_visit(table, key.octets, BASE_SHMTABLE_MAKE, mark_count, NULL);
        if (table_get(table, key, &mark) != BASE_OK || mark.first != mark.last)
            return data;
        if (i % 500 == 0 && base_shmtable_used(table) > 10)
            return data;
    }
    return NULL;
}

static void test_threads(apr_pool_t *pool)
{
    base_shmtable_t *table = table_make(pool, 32);
    pthread_t thread[THREADS];
    apr_uint64_t sum = 0;
    int torn = 0;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, thread_main, table) != 0)
            abort();
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(thread[i], &result);
        torn += result != NULL;
    }
    for (unsigned int i = 0; i < 10; i++) {
        mark_t mark;
        table_get(table, mark_key(i % 2, i % 5), &mark);
        sum += mark.first;
    }
    is_int(torn, 0, "threads: no reader saw a half-written payload");
    is_int((long long)sum, THREADS * ROUNDS, "threads: every count arrived");
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return EXIT_FAILURE;
    test_size();
    test_format_refused();
    test_attach(pool);
    test_find(pool);
    test_zeroed(pool);
    test_evict(pool);
    test_remove(pool);
    test_no_lock(pool);
    test_threads(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
