/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_problem.h
 * A refusal as problem details (RFC 9457), written and read: the JSON form of
 * the portal's page. Pure; thread-safe.
 *
 *   {"type":"about:blank","title":"Forbidden","status":403,
 *    "detail":"one sentence","reason":"CODE"}
 */
#ifndef gba_problem_h
#define gba_problem_h

#include <apr_pools.h>
#include "base/base_text.h"

#define GBA_MEDIA_PROBLEM    "application/problem+json" /**< RFC 9457 3 */
#define GBA_PROBLEM_MAX      (16 * 1024)                /**< octets of a body that we read */
#define GBA_PROBLEM_CODE_MAX 64                         /**< characters of a reason's code */

/** Writes one, NUL-terminated, in @a pool; NULL if @a detail is not UTF-8 or there is no memory.
 *  @param reason the decision's code; [A-Z0-9_] */
const char *gba_problem_print(apr_pool_t *pool, int status, const char *title, const char *detail,
                              const char *reason);

/**
 * Reads the decision out of an authenticated body: an object whose status is a number from 400 to
 * 599 and whose reason is [A-Z0-9_]{1,64}; no member twice; others are skipped.
 * @param reason in @a pool
 * @return nonzero if it is one
 */
int gba_problem_read(const char **reason, int *status, base_span_t body, apr_pool_t *pool);

#endif
