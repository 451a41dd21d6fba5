/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_run.h
 * What lives as long as a run of httpd: the shared segment with nonce key and
 * associations, which stays over every restart of the same httpd.
 */
#ifndef mod_gba_pki_run_h
#define mod_gba_pki_run_h

#include <httpd.h>

#include "httpd/mod_gba_pki_config.h"
#include "portal/portal_authn.h"
#include "portal/portal_issuer.h"

/** post_config: makes or finds the segment, prepares the ledgers, starts the keeper. OK or an HTTP
 * status (logged). */
int mod_gba_pki_run_start(apr_pool_t *pconf, server_rec *s);

/** The location's ledger as an issuer that can only name pseudonyms (the CA is not needed). In
 *  r->pool; results as mod_gba_pki_issuer(). */
base_result_t mod_gba_pki_namer(portal_issuer_t **out, request_rec *r,
                                const mod_gba_pki_dir_t *dir);

/** The world of this run. Static; NULL before mod_gba_pki_run_start(). */
const portal_world_t *mod_gba_pki_world(void);

/**
 * The issuer of a location, in r->pool: it asks the keeper.
 * @return BASE_OK, or BASE_STORE_DOWN if CA or ledger is not configured
 */
base_result_t mod_gba_pki_issuer(portal_issuer_t **out, request_rec *r,
                                 const mod_gba_pki_dir_t *dir);

#endif
