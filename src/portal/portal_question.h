/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file portal_question.h
 * What the issuer is asked, made from what was decided. Private to portal_enrol.
 */
#ifndef portal_question_h
#define portal_question_h

#include "portal/portal_enrol.h"

/** What was found out about a PKCS#10. */
typedef struct portal_pkcs10_t {
    base_span_t spki;
    pki_reason_t key_check;
    const char *key_text; /**< "EC P-256" and so on */
    unsigned usage_wish;
    int wants_ca;
} portal_pkcs10_t;

/**
 * Fills a zeroed question.
 * @param outcome what pki_decide() said of @a request
 * @return BASE_OK; BASE_INTERNAL if an identity is over its bound; BASE_BAD_PKCS10 if the key of
 *         a permit is
 */
base_result_t portal_question_fill(portal_issue_t *question, const pki_outcome_t *outcome,
                                   const portal_enrol_config_t *config,
                                   const portal_enrol_request_t *request,
                                   const portal_pkcs10_t *pkcs10);

/** Makes a refusal out of a permit. */
void portal_question_refuse(portal_issue_t *question, pki_reason_t reason);

#endif
