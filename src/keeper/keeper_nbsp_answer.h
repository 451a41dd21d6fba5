/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_nbsp_answer.h
 * From what a BSF answered to what the portal does about it (TS 29.309; the
 * table is in docs/zn.md). Pure; thread-safe.
 */
#ifndef keeper_nbsp_answer_h
#define keeper_nbsp_answer_h

#include "base/base_result.h"
#include "base/base_text.h"
#include "gba/gba_info.h"

#define KEEPER_NBSP_RETRY_MAX 3600 /**< seconds; a longer Retry-After is cut to it */

/** An HTTP response, as far as anything depends on it. */
typedef struct keeper_nbsp_reply_t {
    long status;
    const char *content_type; /**< "" if there was none */
    const char *retry_after;  /**< "" if there was none */
    base_span_t body;         /**< at most GBA_JSON_MAX octets; holds keys */
    int over;                 /**< nonzero: the body was longer, and the rest was not read */
} keeper_nbsp_reply_t;

/**
 * The outcome of a look-up.
 * @param out  filled on BASE_OK, else wiped
 * @param now  wall clock: the time of the answer, and what an HTTP-date counts from
 * @param pool for the detail, which holds no octets of the body but the name of a member and the
 *             `cause` of ProblemDetails (TS 29.571)
 * @return BASE_OK; BASE_UNKNOWN_BTID for 404 with ProblemDetails; BASE_NOT_AUTHORISED for 403;
 *         BASE_KEYSOURCE_DOWN for everything else, with retry_after of a 429 or 503
 */
base_result_t keeper_nbsp_answer(gba_info_t *out, const keeper_nbsp_reply_t *reply, apr_time_t now,
                                 apr_pool_t *pool);

/** Retry-After (RFC 9110 10.2.3) in seconds from @a now: 1 to KEEPER_NBSP_RETRY_MAX; 0 if it is
 *  not there or not readable. */
unsigned keeper_nbsp_retry_after(const char *text, apr_time_t now);

/** Nonzero if @a content_type is @a type, whatever its parameters (RFC 9110 8.3.1). */
int keeper_nbsp_is_type(const char *content_type, const char *type);

#endif
