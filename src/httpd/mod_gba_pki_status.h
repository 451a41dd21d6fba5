/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_status.h
 * `SetHandler gba-status`: what was counted, and whether the keeper can do its
 * work. Who may see it is httpd's business (Require).
 */
#ifndef mod_gba_pki_status_h
#define mod_gba_pki_status_h

#include <httpd.h>

/** The handler. Needs no authentication by this module. */
int mod_gba_pki_status_handler(request_rec *r);

#endif
