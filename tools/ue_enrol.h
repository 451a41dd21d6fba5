/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_enrol.h
 * `gba-ue enrol`: TS 24.109 E.3.1 and E.4 from the UE's side, from key pair to
 * certificate file.
 */
#ifndef ue_enrol_h
#define ue_enrol_h

#include "ue_options.h"
#include "ue_outcome.h"

/**
 * Runs an enrolment to its end; the result says how it went.
 * A new key's file stays only if the key was certified or may have been: after UE_ENROLLED, after
 * a UE_LOCAL that came with the certificate in hand, and after a UE_TRANSPORT once credentials
 * were sent.
 */
void ue_enrol(ue_result_t *result, const ue_options_t *opts, apr_pool_t *pool);

#endif
