/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_enrol.h
 * SetHandler gba-enrol: between httpd's request and portal_enrol().
 */
#ifndef mod_gba_pki_enrol_h
#define mod_gba_pki_enrol_h

#include "httpd/mod_gba_pki_state.h"

/** The content handler. */
int mod_gba_pki_enrol_handler(request_rec *r);

#endif
