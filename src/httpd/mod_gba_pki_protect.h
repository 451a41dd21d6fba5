/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_protect.h
 * Response protection (TS 24.109 E.4, RFC 7616 3.5): an output filter between
 * content codings and transfer codings that holds a response back until it is
 * whole, hashes it and writes Authentication-Info.
 */
#ifndef mod_gba_pki_protect_h
#define mod_gba_pki_protect_h

#include <util_filter.h>

#include "httpd/mod_gba_pki_state.h"

#define MOD_GBA_PKI_PROTECT_FILTER "GBA_PKI_PROTECT"

/** insert_filter and insert_error_filter: puts the filter in front of an authenticated request's
 *  answer, and the body filter in front of its input, where they are missing. */
void mod_gba_pki_insert_filters(request_rec *r);

/** handler, before all others: refuses what AuthType GBA closes and nobody authenticated for, and
 * scripts that write to the connection themselves (CGI's nph-), since no filter sees what they say.
 */
int mod_gba_pki_protect_handler(request_rec *r);

/** The output filter itself. */
apr_status_t mod_gba_pki_protect_filter(ap_filter_t *f, apr_bucket_brigade *bb);

#endif
