/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_state.h
 * One struct per transaction: found from any of its requests (subrequest,
 * internal redirect), because authentication and protection are of the
 * transaction, not of a request_rec.
 */
#ifndef mod_gba_pki_state_h
#define mod_gba_pki_state_h

#include <httpd.h>
#include <util_filter.h>

#include "httpd/mod_gba_pki_config.h"
#include "portal/portal_authn.h"

/** Seconds that a UE should wait when a key source, the ledger or the signer is down. */
#define MOD_GBA_PKI_RETRY_AFTER "30"

/** A transaction. In the pool of its first request; touched by that request's thread only. */
typedef struct mod_gba_pki_state_t {
    request_rec *first;                  /**< the request that came over the wire */
    const portal_authn_config_t *config; /**< of the location that authenticated */
    const mod_gba_pki_dir_t *dir;        /**< likewise */
    portal_authn_t *authn;               /**< NULL until begin() ran */
    int decided;                         /**< nonzero: status below is final */
    int verified;                        /**< nonzero: authenticated */
    int status;                          /**< OK, or the status of the refusal */
    base_result_t result;                /**< the outcome of authentication */
    apr_bucket_brigade *body;            /**< the body that was read and is handed on; NULL if it
                                              was not read */
    int in_authz;                        /**< nonzero while our own authz wrapper runs */
    int failures; /**< responses that could not be protected, one in place of the other */
    int complete; /**< nonzero: a protected response left; swallow the rest */
} mod_gba_pki_state_t;

/** The transaction's first request: prev, else main, to the end. */
request_rec *mod_gba_pki_first(request_rec *r);

/** The transaction's state, or NULL if it has none (yet). */
mod_gba_pki_state_t *mod_gba_pki_state(request_rec *r);

/** The transaction's state, made if it is not there. */
mod_gba_pki_state_t *mod_gba_pki_state_make(request_rec *r);

/** Notes that @a r's response has begun to be made without protection. */
void mod_gba_pki_mark_open(request_rec *r);

/** Nonzero if @a r is a subrequest whose output would go into such a response. */
int mod_gba_pki_inside_open(const request_rec *r);

/** Nonzero if the request is in a location with AuthType GBA. */
int mod_gba_pki_applies(request_rec *r);

/** Nonzero if a filter of this name is in the chain. */
int mod_gba_pki_has_filter(const ap_filter_t *f, const char *name);

/** Sets Retry-After of a 503: what the peer that failed said, else MOD_GBA_PKI_RETRY_AFTER. */
void mod_gba_pki_set_retry_after(request_rec *r, base_result_t result);

/** Writes one outcome to the error log, at its level and under its tag. */
void mod_gba_pki_log_result(request_rec *r, base_result_t result);

#endif
