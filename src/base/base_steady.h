/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file base_steady.h
 * A clock that never goes back, in no process that shares its memory, even
 * where the one below it is set back (a machine moved to another host; a
 * library that fakes time). Horizons of replay windows are times: a clock that
 * went back would refuse every new nonce until it had caught up.
 */
#ifndef base_steady_h
#define base_steady_h

#include "base/base_env.h"

/** What the processes share; all zero at first. */
typedef struct base_steady_shared_t {
    apr_uint64_t latest_ms; /**< the latest time that anybody was told */
    apr_uint64_t ahead_ms;  /**< how far the clock was set back so far, in all */
} base_steady_shared_t;

/** One process's handle. */
typedef struct base_steady_t {
    base_clock_t clock;           /**< the steady clock; give this one on */
    const base_clock_t *below;    /**< the clock that may be set back */
    base_steady_shared_t *shared; /**< in shared memory, 8-aligned */
} base_steady_t;

/** Makes @a steady->clock usable; it refers to @a steady, which must stay where it is. */
void base_steady_make(base_steady_t *steady, const base_clock_t *below,
                      base_steady_shared_t *shared);

#endif
