/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_nbsp_private.h
 * What the files of the "nbsp:" key source share.
 */
#ifndef keeper_nbsp_private_h
#define keeper_nbsp_private_h

#include <pthread.h>
#include "keeper/keeper_nbsp.h"
#include "keeper/keeper_nbsp_breaker.h"
#include "keeper/keeper_nbsp_files.h"
#include "keeper/keeper_nbsp_token.h"

/** A BSF at work. */
typedef struct keeper_nbsp_place_t {
    const keeper_nbsp_bsf_t *bsf;
    const keeper_nbsp_config_t *source;
    keeper_nbsp_files_t files;
    const char *basic;               /**< of the token endpoint; NULL without a token; secret */
    pthread_mutex_t lock;            /**< over the three below */
    keeper_nbsp_breaker_t *breakers; /**< one for each address */
    keeper_nbsp_alarm_t alarm;
    pthread_mutex_t token_lock; /**< over the token; held while one is asked for */
    keeper_nbsp_token_t *token;
} keeper_nbsp_place_t;

/** One look-up under way; of one thread. */
typedef struct keeper_nbsp_call_t {
    keeper_nbsp_place_t *place;
    const char *body;      /**< the question */
    apr_uint64_t deadline; /**< of all of it; monotonic ms */
    gba_info_t *out;       /**< where the answer goes */
    apr_pool_t *pool;
} keeper_nbsp_call_t;

/** What came of one address. */
typedef enum keeper_nbsp_end_t {
    KEEPER_NBSP_ANSWERED, /**< the result is the answer */
    KEEPER_NBSP_SICK,     /**< it answered that it cannot: the next address may */
    KEEPER_NBSP_SILENT    /**< it did not answer */
} keeper_nbsp_end_t;

/** Asks one address, with token and redirects. @param deadline of this address; ms */
keeper_nbsp_end_t keeper_nbsp_ask(base_result_t *result, const keeper_nbsp_call_t *call,
                                  const keeper_nbsp_url_t *address, apr_uint64_t deadline);

/**
 * The token to use now, asked for if there is none; whoever needs one meanwhile waits.
 * @param text   in call->pool, wiped with it
 * @param serial for keeper_nbsp_bearer_drop()
 * @return BASE_OK or BASE_KEYSOURCE_DOWN
 */
base_result_t keeper_nbsp_bearer(const char **text, unsigned *serial,
                                 const keeper_nbsp_call_t *call, apr_uint64_t deadline);

/** A BSF refused this one. */
void keeper_nbsp_bearer_drop(keeper_nbsp_place_t *place, unsigned serial);

/** Monotonic milliseconds. */
apr_uint64_t keeper_nbsp_now(const keeper_nbsp_place_t *place);

/** What the response of a job is, for the functions that judge it. Lives with the job. */
keeper_nbsp_reply_t keeper_nbsp_job_reply(const keeper_nbsp_job_t *job);

/** Why a job has none, with the address before it; in @a pool. */
const char *keeper_nbsp_job_why(const keeper_nbsp_job_t *job, const char *shown, apr_pool_t *pool);

#endif
