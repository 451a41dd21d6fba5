/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file portal_refusal.h
 * What a refused UE is sent: the page of TS 24.109 table E.4-1, or the same as
 * problem details. Private to portal_enrol.
 */
#ifndef portal_refusal_h
#define portal_refusal_h

#include "portal/portal_enrol.h"

/**
 * Fills in status, content type, body, Vary and Expires of a refusal, from the decision and the
 * public text that the answer has.
 * @param retry_at when the reason ends by itself; 0: not known, then refusal_expires counts
 * @return nonzero; 0 if there is no memory for the body
 */
int portal_refusal_fill(portal_enrol_answer_t *answer, const portal_enrol_config_t *config,
                        const char *accept, apr_time_t retry_at, apr_pool_t *pool);

#endif
