/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base_steady.h"

/* A thread that was held up between reading the clock and comparing is late, not in the past. One
 * that was held up for longer only makes the clock go fast once. */
#define LATE_MS 1000

static apr_time_t steady_wall(void *baton)
{
    const base_steady_t *steady = baton;

    return steady->below->wall(steady->below->baton);
}

static void raise_latest(base_steady_shared_t *shared, apr_uint64_t to_ms)
{
    apr_uint64_t latest = __atomic_load_n(&shared->latest_ms, __ATOMIC_SEQ_CST);

    while (latest < to_ms && !__atomic_compare_exchange_n(&shared->latest_ms, &latest, to_ms, 0,
                                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        continue;
}

/* Of several who see the clock set back, the first one's compare-and-swap counts; the others read
 * again. Bounded, since each round that fails is one in which another succeeded. */
static apr_uint64_t steady_monotonic(void *baton)
{
    const base_steady_t *steady = baton;
    base_steady_shared_t *shared = steady->shared;
    apr_uint64_t ahead = __atomic_load_n(&shared->ahead_ms, __ATOMIC_SEQ_CST);

    for (;;) {
        apr_uint64_t now = steady->below->monotonic(steady->below->baton) + ahead;
        apr_uint64_t latest = __atomic_load_n(&shared->latest_ms, __ATOMIC_SEQ_CST);
        if (now + LATE_MS >= latest) {
            raise_latest(shared, now);
            return now;
        }
        if (__atomic_compare_exchange_n(&shared->ahead_ms, &ahead, ahead + (latest - now), 0,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            ahead += latest - now;
    }
}

void base_steady_make(base_steady_t *steady, const base_clock_t *below,
                      base_steady_shared_t *shared)
{
    steady->below = below;
    steady->shared = shared;
    steady->clock.baton = steady;
    steady->clock.wall = steady_wall;
    steady->clock.monotonic = steady_monotonic;
}
