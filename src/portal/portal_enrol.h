/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file portal_enrol.h
 * Enrolment of one authenticated request (TS 24.109 E.3.1 and E.4; TS 33.221):
 * PKCS#10, key checks, proof of possession, decision, issue, answer. No httpd.
 */
#ifndef portal_enrol_h
#define portal_enrol_h

#include "base/base_env.h"
#include "gba/gba_info.h"
#include "portal/portal_issuer.h"
#include "portal/portal_meter.h"
#include "portal/portal_policy.h"

/** What enrolment needs of a request. Strings and spans live as long as the pool. */
typedef struct portal_enrol_request_t {
    const char *method;
    const char *query;        /**< without '?'; NULL if none */
    const char *content_type; /**< NULL if absent */
    const char *accept;       /**< NULL if absent; several lines joined by commas */
    base_span_t body;
    const char *btid;       /**< as authenticated */
    const gba_info_t *info; /**< as authenticated */
    int uicc_key;           /**< nonzero: authenticated with Ks_int_NAF */
    int is_refused;         /**< nonzero: asked anew, the BSF refused the subscriber since */
} portal_enrol_request_t;

/** Everything that the answer says. Texts live as long as the request. */
typedef struct portal_enrol_answer_t {
    int status;               /**< HTTP status */
    const char *content_type; /**< of body */
    base_span_t body;
    int vary_accept;         /**< nonzero: send Vary: Accept; the body was chosen by it */
    int has_expires;         /**< nonzero: send Expires (TS 24.109 table E.4-1) */
    apr_time_t expires;      /**< wall clock, microseconds: of a full window of a quota its end, in
                                  whole seconds */
    pki_decision_t decision; /**< for the log and environment; zero if none was reached */
    const char *profile;     /**< name of the profile that was chosen; NULL if none was */
    const char *detail;      /**< for the operator: why, and by whom; NULL if there is no more to
                                  say than the reason */
    const char *public_text; /**< what the page says; NULL if there is no refusal */
    const char *ignored;     /**< extensions of the PKCS#10 that nothing here looks at, for the log;
                                  NULL if there are none, or it was not read */
    int held;                /**< as in portal_facts_t */
    unsigned char serial[PKI_SERIAL_LEN]; /**< of the certificate, if one was issued */
} portal_enrol_answer_t;

/** What a location demands of enrolment. Read-only. */
typedef struct portal_enrol_config_t {
    const pki_profile_t *profiles; /**< in order; the first that fits wins */
    int profile_count;
    const char *naf_group;       /**< NULL: the location is in none */
    const portal_rules_t *rules; /**< NULL: none */
    const portal_trace_t *trace; /**< NULL: nobody listens */
    int dry; /**< nonzero: the same way to a decision, but nothing is issued or recorded */
    apr_interval_time_t refusal_expires; /**< from now to the Expires of a 403; microseconds */
    const base_clock_t *clock;
    portal_meter_t *meter; /**< counts decisions and certificates; may be NULL */
} portal_enrol_config_t;

/**
 * The checks that need no body: method, Content-Type, response=. A handler calls it first.
 * @return BASE_OK, BASE_BAD_METHOD, BASE_BAD_MEDIA_TYPE, or BASE_BAD_RESPONSE_KIND
 */
base_result_t portal_enrol_check(const portal_enrol_request_t *request);

/**
 * Enrols. The refusal's body is the page, or problem details (RFC 9457) where Accept prefers
 * them; neither holds anything that the UE sent.
 * @param answer filled on BASE_OK (200 with the certificate; when dry, the decision alone) and on
 *               BASE_ENROL_REFUSED (403 with body and Expires); otherwise the caller answers with
 *               the result's own row
 * @param issuer NULL only when dry: then history is not looked at
 * @return BASE_OK, BASE_ENROL_REFUSED, or a protected row of the error table
 */
base_result_t portal_enrol(portal_enrol_answer_t *answer, const portal_enrol_config_t *config,
                           const portal_issuer_t *issuer, const portal_enrol_request_t *request,
                           apr_pool_t *pool);

#endif
