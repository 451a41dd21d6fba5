/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_trace.h
 * --trace: every message as the tables of TS 24.109 annex E show it, and below
 * it what matters. Nothing here prints a secret, nor a hash that was not on the
 * wire: what rspauth should have been is no business of a reader. Octets that
 * are not printable ASCII are written \xHH, so that no server drives a terminal.
 */
#ifndef ue_trace_h
#define ue_trace_h

#include <stdio.h>
#include "digest/digest_grammar.h"
#include "ue_http.h"
#include "ue_session.h"

/** Where the trace goes. */
typedef struct ue_trace_t {
    FILE *to; /**< NULL: no trace */
    apr_pool_t *pool;
} ue_trace_t;

/** A request as sent. @a sent are its credentials, NULL if it has none. */
void ue_trace_request(const ue_trace_t *trace, const ue_exchange_t *exchange,
                      const digest_credentials_t *sent);

/** An answer as received. */
void ue_trace_answer(const ue_trace_t *trace, const ue_exchange_t *exchange);

/** The challenge taken, or why none was. */
void ue_trace_challenge(const ue_trace_t *trace, const ue_session_t *session, ue_challenge_t taken);

/** What became of Authentication-Info. */
void ue_trace_verdict(const ue_trace_t *trace, const ue_session_t *session, ue_verdict_t verdict,
                      apr_size_t body_len);

/** One line of explanation. */
void ue_trace_note(const ue_trace_t *trace, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
