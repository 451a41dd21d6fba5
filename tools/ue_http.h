/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_http.h
 * HTTP/1.1 by libcurl, as transport only: no authentication of libcurl's own,
 * no redirects, no environment proxies, bounded answers. What was on the wire
 * is kept for the trace.
 */
#ifndef ue_http_h
#define ue_http_h

#include <apr_tables.h>
#include "ue_options.h"
#include "ue_outcome.h"

#define UE_ANSWER_MAX (1024 * 1024) /**< octets of an answer's body that we take */
#define UE_HEAD_MAX   (64 * 1024)   /**< octets of start line and fields that we take */

/** What the URL says. */
typedef struct ue_url_t {
    const char *host;   /**< lower case */
    const char *target; /**< path and query as given: the request target and the Digest uri */
} ue_url_t;

/** A field of an answer; trailers are fields too (RFC 7616 3.5 allows Authentication-Info there).
 */
typedef struct ue_field_t {
    const char *name, *value;
} ue_field_t;

/** A request and its answer. */
typedef struct ue_exchange_t {
    int is_ub;                  /**< in: nonzero: a GET on Ub; else a POST on Ua */
    const char *authorization;  /**< in: value of Authorization, or NULL */
    base_span_t body;           /**< in: PKCS#10, or empty */
    const char *sent_head;      /**< out: start line and fields as sent; "" if nothing was */
    const char *head;           /**< out: start line and fields as received */
    int status;                 /**< out */
    apr_array_header_t *fields; /**< out: of ue_field_t */
    base_span_t answer;         /**< out: body, transfer codings removed, content codings not */
} ue_exchange_t;

/** A connection to a portal or a BSF; closed with its pool. */
typedef struct ue_http_t ue_http_t;

/** Takes an http or https URL apart; no user information, no fragment.
 *  Nonzero on success; else the result says UE_USAGE. */
int ue_http_url(ue_url_t *out, const char *url, ue_result_t *result, apr_pool_t *pool);

/** Prepares a connection. NULL on failure; the result then says UE_LOCAL. */
ue_http_t *ue_http_make(const ue_options_t *opts, const ue_url_t *url, ue_result_t *result,
                        apr_pool_t *pool);

/** Sends the request and takes the answer. Nonzero on a complete answer; else the result says
 * UE_TRANSPORT. */
int ue_http_exchange(ue_http_t *http, ue_exchange_t *exchange, ue_result_t *result);

/** Values of all fields named @a name, any case: array of const char *. */
apr_array_header_t *ue_http_fields(const ue_exchange_t *exchange, const char *name,
                                   apr_pool_t *pool);

#endif
