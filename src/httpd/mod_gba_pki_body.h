/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_body.h
 * The request body: read once during authentication, hashed on the way, and
 * handed on unchanged to whatever handler runs.
 */
#ifndef mod_gba_pki_body_h
#define mod_gba_pki_body_h

#include <util_filter.h>

#include "httpd/mod_gba_pki_state.h"

#define MOD_GBA_PKI_BODY_FILTER "GBA_PKI_BODY"

/**
 * Checks how the first request's body is framed, without reading any of it.
 * @param status set to 400 if the result is not BASE_OK; the connection will be closed then
 * @return BASE_OK, or BASE_BODY_BROKEN where one reader may see another end of the body than the
 *         next: Content-Length beside Transfer-Encoding, any coding but "chunked", or HTTP/1.0
 */
base_result_t mod_gba_pki_body_framing(mod_gba_pki_state_t *state, int *status);

/**
 * Reads the whole body through the first request's input filters, feeds the hash, keeps it.
 * @param status set to what check_authn must return if the result is not BASE_OK: an HTTP status,
 *               or AP_FILTER_ERROR if httpd has answered already
 * @return BASE_OK, BASE_BODY_OVER_CAP, BASE_BODY_TIMEOUT, BASE_BODY_BROKEN (framing, end, or
 *         trailers), or BASE_INTERNAL
 */
base_result_t mod_gba_pki_body_read(mod_gba_pki_state_t *state, int *status);

/** Puts the handing-on filter in front of @a r's input if a body was read and it is not there. */
void mod_gba_pki_body_hand_on(request_rec *r, const mod_gba_pki_state_t *state);

/**
 * Before an answer that leaves the body unread: closes the connection if reading the rest would be
 * long (httpd reads what is left before a 401 leaves, and loses the 401 if that fails).
 */
void mod_gba_pki_body_leave(mod_gba_pki_state_t *state);

/** The input filter itself. */
apr_status_t mod_gba_pki_body_filter(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
                                     apr_read_type_e block, apr_off_t readbytes);

#endif
