/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file base_env.h
 * The seams to the world: clocks, randomness and the log. Tests give fixed
 * ones; base_env_system() gives the real ones. Thread-safe as supplied.
 */
#ifndef base_env_h
#define base_env_h

#include <apr_pools.h>
#include <apr_time.h>
#include "base/base_result.h"

/** Two clocks. Key lifetimes are wall-clock times; nonces live by the monotonic one, so that
 *  setting the clock back neither re-opens nor locks out. */
typedef struct base_clock_t {
    void *baton;                            /**< the callbacks' first argument */
    apr_time_t (*wall)(void *baton);        /**< UTC, microseconds since 1970 */
    apr_uint64_t (*monotonic)(void *baton); /**< milliseconds since some fixed point of this boot;
                                               the same in all processes; never 0 */
} base_clock_t;

/** A source of unpredictable octets. */
typedef struct base_random_t {
    void *baton; /**< the callback's first argument */
    /** Fills @a buf; returns nonzero on success. On 0 the caller fails closed. */
    int (*fill)(void *baton, void *buf, apr_size_t len);
} base_random_t;

/** Where the pure layers tell the operator something that is no result of a request. */
typedef struct base_log_t {
    void *baton; /**< the callback's first argument */
    /** Logs @a text under @a tag; both are read before the call returns. */
    void (*emit)(void *baton, base_level_t level, const char *tag, const char *text);
} base_log_t;

/** The system's clocks (gettimeofday, CLOCK_BOOTTIME or CLOCK_MONOTONIC). Static. */
const base_clock_t *base_clock_system(void);

/** OpenSSL's CSPRNG (RAND_bytes, return checked). Static. */
const base_random_t *base_random_system(void);

#endif
