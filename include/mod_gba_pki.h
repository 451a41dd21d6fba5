/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki.h
 * What another httpd module may ask of mod_gba_pki: optional functions, found
 * with APR_RETRIEVE_OPTIONAL_FN() in post_config or later, so that the other
 * module loads without this one too.
 */
#ifndef mod_gba_pki_h
#define mod_gba_pki_h

#include <apr_optional.h>
#include <httpd.h>

/** Raised when a function changes its meaning; functions are only ever added. */
#define GBA_PKI_API_VERSION 1

/** Answers of gba_pki_verified(). */
#define GBA_PKI_NOT_VERIFIED  0 /**< not authenticated by AuthType GBA */
#define GBA_PKI_VERIFIED_AUTH 1 /**< authenticated with qop=auth: the body is not covered */
#define GBA_PKI_VERIFIED_AUTH_INT                                                                  \
    2 /**< authenticated with qop=auth-int: method, uri and body are */

/**
 * Whether the transaction that @a r belongs to was authenticated by this module, and how: what a
 * handler that must not run unprotected asks before it acts. Any request of a transaction may be
 * given (subrequest, internal redirect). Call in the request's own thread.
 */
APR_DECLARE_OPTIONAL_FN(int, gba_pki_verified, (request_rec * r));

#endif
