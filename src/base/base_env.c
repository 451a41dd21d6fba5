/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base_env.h"

#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include <openssl/err.h>
#include <openssl/rand.h>

static apr_time_t system_wall(void *baton)
{
    (void)baton;
    return apr_time_now();
}

/* CLOCK_BOOTTIME goes on while the machine sleeps, so that nonces age then too. */
static apr_uint64_t system_monotonic(void *baton)
{
    struct timespec now;
    (void)baton;
    /* Without a clock no nonce could ever be told old: no answer is better than a wrong one. */
    if (clock_gettime(CLOCK_BOOTTIME, &now) != 0 && clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        abort();
    apr_uint64_t ms = (apr_uint64_t)now.tv_sec * 1000 + (apr_uint64_t)now.tv_nsec / 1000000;
    return ms ? ms : 1;
}

static int system_fill(void *baton, void *buf, apr_size_t len)
{
    (void)baton;
    if (len <= INT_MAX && RAND_bytes(buf, (int)len) == 1)
        return 1;
    ERR_clear_error();
    return 0;
}

const base_clock_t *base_clock_system(void)
{
    static const base_clock_t system_clock = {NULL, system_wall, system_monotonic};
    return &system_clock;
}

const base_random_t *base_random_system(void)
{
    static const base_random_t system_random = {NULL, system_fill};
    return &system_random;
}
