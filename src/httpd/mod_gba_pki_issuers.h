/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_issuers.h
 * The keeper's ledgers and issuers: an issuer for each CA with each ledger.
 * Those whose ledger cannot be opened when the keeper starts do not keep the
 * others from being used; each is tried again whenever it is asked.
 */
#ifndef mod_gba_pki_issuers_h
#define mod_gba_pki_issuers_h

#include "httpd/mod_gba_pki_config.h"
#include "portal/portal_issuer.h"

/** All of a keeper's. Thread-safe, once made. */
typedef struct mod_gba_pki_issuers_t mod_gba_pki_issuers_t;

/**
 * Opens every ledger, as the keeper's user; what cannot be opened is logged.
 * @param log  lives as long as @a pool
 * @param pool owns all, and is theirs alone as soon as others ask
 * @return NULL if there is no mutex
 */
mod_gba_pki_issuers_t *mod_gba_pki_issuers_make(const mod_gba_pki_parts_t *parts,
                                                const base_log_t *log, apr_pool_t *pool);

/** The issuer of a pair, for keeper_parts_t; NULL if there is no such pair. */
const portal_issuer_t *mod_gba_pki_issuers_get(void *issuers, int ca, int ledger);

/** Its health, for keeper_parts_t: BASE_OK or BASE_STORE_DOWN. Where there is no CA or no ledger at
 *  all any question is answered by BASE_OK. */
base_result_t mod_gba_pki_issuers_health(void *issuers, int ca, int ledger, apr_pool_t *pool);

#endif
