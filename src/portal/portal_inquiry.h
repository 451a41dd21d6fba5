/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file portal_inquiry.h
 * What an operator asks of `gba-decide`, and what it answers: the JSON of a
 * decision that is made for nobody. docs/gba-decide.md shows both. Pure.
 */
#ifndef portal_inquiry_h
#define portal_inquiry_h

#include "portal/portal_enrol.h"

#define PORTAL_INQUIRY_MAX (128 * 1024) /**< octets of a question */

/** The question. Lives as long as the pool. */
typedef struct portal_inquiry_t {
    const char *location;   /**< path of the location whose configuration decides */
    const gba_info_t *info; /**< the subscriber as the BSF would tell it; its keys are zero */
    base_span_t csr;        /**< as a UE would send it */
    int uicc_key;           /**< nonzero: as if authenticated with Ks_int_NAF */
} portal_inquiry_t;

/**
 * Reads a question: {"location": "/path", "subscriber": {...}, "csr": "...", "key": "ME"|"UICC"}.
 * The subscriber is a BootstrappingInfoResponse (gba_json.h) that needs no key.
 * @return BASE_OK; BASE_MALFORMED with a detail that names the member; BASE_INTERNAL
 */
base_result_t portal_inquiry_read(portal_inquiry_t *out, base_span_t text, apr_pool_t *pool);

/** Collects the checks on the way to a decision. */
typedef struct portal_inquiry_trace_t {
    portal_trace_t trace; /**< for portal_enrol_config_t */
    void *checks;         /**< private: the list so far */
    int failed;           /**< private: nonzero once there was no memory */
} portal_inquiry_trace_t;

/** In @a pool; its memory of jansson goes with the pool. NULL if there is no memory. */
portal_inquiry_trace_t *portal_inquiry_trace(apr_pool_t *pool);

/**
 * The answer as JSON, ending with a line feed: decision ("permitted", "refused" or "failed"),
 * reason, profile, publicText, detail, held, and every check with its input and result.
 * @param result what portal_enrol() returned
 * @return the text in @a pool; NULL if there is no memory
 */
const char *portal_inquiry_print(base_result_t result, const portal_enrol_answer_t *answer,
                                 const portal_inquiry_trace_t *trace, apr_pool_t *pool);

#endif
