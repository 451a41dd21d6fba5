/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file base_meter.h
 * What is counted: numbers in shared memory that any thread of any process may
 * raise at any time, and none of which is lost: 64-bit atomics, no lock, no
 * allocation, no pointer. All zero is a valid state, so memory that was just
 * mapped is ready. Everything takes NULL, and then counts nothing.
 */
#ifndef base_meter_h
#define base_meter_h

#include <stdatomic.h>
#include <apr.h>

/* An atomic that is a lock in disguise would be a lock of one process only. */
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics need no lock");

#define BASE_METER_NAME_MAX 63 /**< characters of a name that is counted by */
#define BASE_METER_NAMES    32 /**< different names in one set */
#define BASE_METER_BUCKETS  17 /**< of a histogram: 16 with a bound, and one for what is above */

/** A number that only rises. */
typedef struct base_counter_t {
    _Atomic apr_uint64_t value;
} base_counter_t;

/** A number that is set. */
typedef struct base_gauge_t {
    _Atomic apr_int64_t value;
} base_gauge_t;

/** How often something was how large. */
typedef struct base_histogram_t {
    base_counter_t bucket[BASE_METER_BUCKETS]; /**< each value counts in one of them */
    base_counter_t sum;                        /**< of all values, in the scale's unit */
} base_histogram_t;

/** Which bounds a histogram has. */
typedef enum base_scale_t {
    BASE_SCALE_SECONDS, /**< values in nanoseconds; from 100 microseconds to 10 seconds */
    BASE_SCALE_NUMBER   /**< plain numbers; powers of two from 1 to 32768 */
} base_scale_t;

/** A counter that has a name. */
typedef struct base_named_t {
    _Atomic apr_uint32_t state; /**< 0: free; 1: its name is being written; 2: in use */
    char name[BASE_METER_NAME_MAX + 1];
    base_counter_t counter;
} base_named_t;

/** Counters by name: those that came first, and one for all others. A name may stand twice, if
 *  two came with it at once: whoever reads adds up. */
typedef struct base_names_t {
    base_named_t named[BASE_METER_NAMES];
    base_counter_t others; /**< names that found no room, or are too long */
} base_names_t;

/** One more. */
void base_counter_add(base_counter_t *counter);

/** What it stands at. */
apr_uint64_t base_counter_get(const base_counter_t *counter);

/** Sets a gauge. */
void base_gauge_set(base_gauge_t *gauge, apr_int64_t value);

/** What it was set to last. */
apr_int64_t base_gauge_get(const base_gauge_t *gauge);

/** The upper bound of a bucket (which belongs to it), in the scale's unit; 0 for the last one,
 * which has none. */
apr_uint64_t base_scale_bound(base_scale_t scale, int bucket);

/** A value more. A histogram must always be used with the same scale. */
void base_histogram_add(base_histogram_t *histogram, base_scale_t scale, apr_uint64_t value);

/** One more of this name. */
void base_names_add(base_names_t *names, const char *name);

/** What a name stands at; NULL: all that found no room. */
apr_uint64_t base_names_get(const base_names_t *names, const char *name);

/** The name at a place (0 to BASE_METER_NAMES - 1), NULL if there is none or if it stood at an
 *  earlier place already. Lives as long as the set. */
const char *base_names_at(const base_names_t *names, int place);

/** Nanoseconds since some fixed point: for differences within one process. */
apr_uint64_t base_meter_now(void);

#endif
