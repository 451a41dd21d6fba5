/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_enrol.h
 * SetHandler gba-enrol: between httpd's request and portal_enrol().
 */
#ifndef mod_gba_pki_enrol_h
#define mod_gba_pki_enrol_h

#include "httpd/mod_gba_pki_state.h"

/** Nonzero if the location of @a r says SetHandler gba-enrol: a certificate may be issued. */
int mod_gba_pki_enrols(request_rec *r);

/** The content handler. */
int mod_gba_pki_enrol_handler(request_rec *r);

#endif
