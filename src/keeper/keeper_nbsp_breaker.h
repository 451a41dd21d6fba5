/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_nbsp_breaker.h
 * What keeps the keeper from asking where nobody answers, and from crying too
 * often that a BSF knows too few B-TIDs. Plain values with the time handed in;
 * the caller locks.
 */
#ifndef keeper_nbsp_breaker_h
#define keeper_nbsp_breaker_h

#include <apr.h>

#define KEEPER_NBSP_FAILURES_MAX 3     /**< in a row, until an address is left alone */
#define KEEPER_NBSP_BACKOFF_MS   500   /**< for how long at first; doubled by each failed probe */
#define KEEPER_NBSP_BACKOFF_MAX  10000 /**< milliseconds at most */
#define KEEPER_NBSP_ALARM_MS     60000 /**< the time over which unknown B-TIDs are counted */
#define KEEPER_NBSP_ALARM_LEAST  20    /**< fewer look-ups in it say nothing */

/** The breaker of one address. All zero: closed, nothing has failed. */
typedef struct keeper_nbsp_breaker_t {
    unsigned failures;       /**< in a row */
    unsigned backoff_ms;     /**< 0: closed */
    apr_uint64_t until;      /**< monotonic ms; open before, then one may try */
    apr_uint64_t tried_till; /**< until then a probe is under way; 0: none is */
} keeper_nbsp_breaker_t;

/** What a caller may do. */
typedef enum keeper_nbsp_pass_t {
    KEEPER_NBSP_STOP = 0, /**< leave this address alone */
    KEEPER_NBSP_GO,       /**< ask it */
    KEEPER_NBSP_PROBE     /**< ask it: nobody else does before you have told */
} keeper_nbsp_pass_t;

/** Asks to use the address. After GO or PROBE one of the two below must be called.
 *  @param probe_ms after that time a probe that told nothing counts as failed */
keeper_nbsp_pass_t keeper_nbsp_breaker_ask(keeper_nbsp_breaker_t *breaker, apr_uint64_t now,
                                           apr_uint64_t probe_ms);

/** It answered, whatever it said. */
void keeper_nbsp_breaker_good(keeper_nbsp_breaker_t *breaker);

/** It did not answer. What began before the breaker opened does not lengthen the back-off.
 *  @return nonzero if the address is left alone from now on, and was not before */
int keeper_nbsp_breaker_bad(keeper_nbsp_breaker_t *breaker, keeper_nbsp_pass_t pass,
                            apr_uint64_t now);

/** The share of B-TIDs that a BSF does not know. All zero at first. */
typedef struct keeper_nbsp_alarm_t {
    apr_uint64_t since; /**< monotonic ms; 0: nothing was counted yet */
    unsigned asked;     /**< look-ups since then that were answered */
    unsigned unknown;   /**< of these, those of unknown B-TIDs */
    int said;           /**< nonzero: the operator was told */
} keeper_nbsp_alarm_t;

/** Counts one answered look-up. Nonzero if the operator is to be told now: more than @a percent
 *  are unknown, of enough look-ups, and he was not told within this minute. */
int keeper_nbsp_alarm_count(keeper_nbsp_alarm_t *alarm, int unknown, unsigned percent,
                            apr_uint64_t now);

#endif
