/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bsf_answer.h
 * What the handlers of the laboratory BSF answer with.
 */
#ifndef bsf_answer_h
#define bsf_answer_h

#include <httpd.h>

/** Why a request on Nbsp is refused (TS 29.571 ProblemDetails). */
typedef struct bsf_problem_t {
    int status;         /**< HTTP status */
    const char *cause;  /**< machine-readable (TS 29.500 table 5.2.7.2-1 where it has one) */
    const char *detail; /**< one sentence */
    const char *param;  /**< JSON pointer or "header X" of what is wrong; NULL if nothing is */
} bsf_problem_t;

/** Sends @a body whole, never to be stored or coded. Returns the handler's result. */
int bsf_answer(request_rec *r, const char *type, const char *body);

/** Sends application/problem+json, and logs it. Returns the handler's result. */
int bsf_answer_problem(request_rec *r, const bsf_problem_t *problem);

/** Logs a message of Nbsp at trace1: what it is, and its JSON, in which the caller masks keys. */
void bsf_trace(request_rec *r, const char *what, const char *text);

/** @a when as an RFC 3339 date-time and xs:dateTime, UTC, whole seconds. In @a pool. */
const char *bsf_time(apr_pool_t *pool, apr_time_t when);

/** Nonzero if the request has, or announces, a body. */
int bsf_has_body(const request_rec *r);

#endif
