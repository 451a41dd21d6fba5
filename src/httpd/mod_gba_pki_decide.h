/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_decide.h
 * `SetHandler gba-decide`: an operator asks what an enrolment would come to,
 * with the configuration, rules and records in force. Nothing is issued.
 */
#ifndef mod_gba_pki_decide_h
#define mod_gba_pki_decide_h

#include <httpd.h>

/** The handler. Answers 200 with the decision as JSON, whatever it is; 400, 405, 413 or 415 to what
 *  is no question. */
int mod_gba_pki_decide_handler(request_rec *r);

/**
 * post_perdir_config: ends the lookup of a location once its configuration is known. What its
 * access control says of the operator is not asked: he asks for somebody else.
 */
int mod_gba_pki_decide_found(request_rec *r);

#endif
