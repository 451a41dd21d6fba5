/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pki_media.h
 * What goes over the wire around PKCS#10 and certificate: media types, the
 * response= table, and the refusal page with its machine-readable decision.
 */
#ifndef pki_media_h
#define pki_media_h

#include "pki/pki_policy.h"

#define PKI_MEDIA_PKCS10 "application/x-pkcs10" /**< TS 24.109 E.3.1 */

/** A row of the table of response= values. The names beside "single" and all success media types
 *  are not confirmed from the standard's text: rows, not code. */
typedef struct pki_response_kind_t {
    const char *name;       /**< value of response= */
    const char *media_type; /**< Content-Type of the answer */
    int supported;          /**< 0: known, but answered 400 */
} pki_response_kind_t;

/**
 * Picks the row for a query string ("response=single", NULL or "" for none). Other parameters are
 * ignored; response twice, or with a value that is not in the table or not supported, is refused.
 * @return BASE_OK or BASE_BAD_RESPONSE_KIND
 */
base_result_t pki_response_kind(const pki_response_kind_t **out, const char *query);

/** Nonzero if a Content-Type value is @a media_type, any case, parameters allowed. */
int pki_media_type_is(const char *content_type, const char *media_type);

/**
 * The 403 page of TS 24.109 table E.4-1: HTML with exactly one element
 * `<meta name="gba-decision" content="refused; reason=CODE">` and a public text. In @a pool.
 * @param text the operator's own, UTF-8; it is escaped. NULL: the reason's
 */
const char *pki_page_refusal(apr_pool_t *pool, pki_reason_t reason, const char *text);

/**
 * Reads the decision element out of an authenticated page: the UE's side. The page must have
 * exactly one.
 * @param code the reason's code as written (any [A-Z0-9_]{1,64}), in @a pool
 * @return nonzero if there is exactly one and it says "refused"
 */
int pki_page_decision(const char **code, base_span_t page, apr_pool_t *pool);

#endif
