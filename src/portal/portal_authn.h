/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file portal_authn.h
 * Authentication of one request as a state machine over seams: steps 2 to 7 of
 * docs/architecture.md. It does no input or output of its own: begin() decides
 * from the header alone, the caller then feeds the body, finish() decides.
 */
#ifndef portal_authn_h
#define portal_authn_h

#include "base/base_env.h"
#include "digest/digest_grammar.h"
#include "digest/digest_nonce.h"
#include "gba/gba_assoc.h"
#include "gba/gba_keysource.h"

#define PORTAL_UA_IDS_MAX 4 /**< Ua security protocol identifiers tried in order */

/** What a location demands. Built once per configuration; read-only afterwards. */
typedef struct portal_authn_config_t {
    const char *naf_fqdn;   /**< lower case; realm and NAF_Id are made from it */
    const char *realm;      /**< gba_realm_print(ME, naf_fqdn) */
    const char *uicc_realm; /**< gba_realm_print(UICC, naf_fqdn) if GBA_U may be used, else NULL */
    int relaxed_uri;    /**< nonzero: a uri without the query, or with "/" behind, is taken too */
    int next_nonce;     /**< nonzero: Authentication-Info carries nextnonce */
    const char *opaque; /**< fixed text of the challenge */
    unsigned char ua_ids[PORTAL_UA_IDS_MAX][GBA_UA_ID_LEN]; /**< the first ua_id_count are set */
    int ua_id_count;
    digest_alg_t algs[DIGEST_ALGS]; /**< offered, in order; the first alg_count are set */
    int alg_count;
    unsigned qop;                         /**< offered, mask of digest_qop_t */
    apr_interval_time_t nonce_lifetime;   /**< microseconds */
    apr_interval_time_t assoc_max_age;    /**< local limit on a key since bootstrapping (or since it
                                               was first fetched); microseconds */
    apr_interval_time_t settings_max_age; /**< user security settings fetched longer ago are asked
                                               for anew where that is wanted; 0: never */
} portal_authn_config_t;

/** The world as this run sees it. Lives as long as the process; shared by all threads. */
typedef struct portal_world_t {
    const base_clock_t *clock;
    const base_random_t *random;
    const digest_nonce_key_t *nonce_key;
    const gba_assoc_store_t *assocs;
} portal_world_t;

/** What begin() needs of a request. Strings live as long as the context's pool. */
typedef struct portal_request_t {
    const char *method;               /**< of the first request of the transaction */
    const char *target;               /**< request target as on the request line */
    const char *const *authorization; /**< the values of all Authorization fields */
    int authorization_count;
    int fresh_settings; /**< nonzero: settings_max_age holds, as a certificate may be issued */
} portal_request_t;

/** One authentication. Made by begin(), lives in its pool, used by one thread at a time. */
typedef struct portal_authn_t portal_authn_t;

/**
 * Steps 2 to 4: header, nonce, association. On BASE_OK the body must be fed with
 * portal_authn_body() and portal_authn_finish() called; nothing is authenticated before that.
 * @param source asked for associations that are not in the store
 * @return BASE_OK, or any outcome of the unprotected rows of the error table
 */
base_result_t portal_authn_begin(portal_authn_t **out, const portal_world_t *world,
                                 const portal_authn_config_t *config, const gba_keysource_t *source,
                                 const portal_request_t *request, apr_pool_t *pool);

/** Nonzero if the body is part of what is verified (qop=auth-int). */
int portal_authn_wants_body(const portal_authn_t *authn);

/** Step 5: feeds octets of the de-chunked body. Nonzero on success. */
int portal_authn_body(portal_authn_t *authn, const void *data, apr_size_t len);

/** Steps 6 and 7: compares, refreshes the settings if request->fresh_settings, then checks and sets
 *  nc. Once only. On BASE_OK the request is authenticated and will never be accepted again. What a
 *  refresh found is a failure here only if the UE must bootstrap; else portal_authn_refresh() tells
 *  it again. */
base_result_t portal_authn_finish(portal_authn_t *authn);

/**
 * Asks the key source anew if the settings are older than settings_max_age, at most once for each
 * authentication, and tells what came of it as often as it is called; portal_authn_info() is then
 * the new answer. Before finish() has found the response right nobody may call it: strangers could
 * have a BSF asked at will.
 * @return BASE_OK; BASE_UNKNOWN_BTID; BASE_NOT_AUTHORISED; BASE_EXPIRED_KEY, also if the key has
 *         become another one; BASE_KEYSOURCE_DOWN
 */
base_result_t portal_authn_refresh(portal_authn_t *authn);

/** What a challenge says beside the configuration, as a mask. */
#define PORTAL_CHALLENGE_STALE 1u /**< stale=true */
#define PORTAL_CHALLENGE_UICC  2u /**< the realm of GBA_U before the usual one, joined by ';' */

/**
 * The values of the WWW-Authenticate lines of a 401, one per offered algorithm, in order, with
 * one fresh nonce.
 * @param flags PORTAL_CHALLENGE_ mask; UICC has no effect without config->uicc_realm
 * @return array of const char *; NULL if no nonce could be made (answer 500)
 */
const apr_array_header_t *portal_challenges(const portal_world_t *world,
                                            const portal_authn_config_t *config, unsigned flags,
                                            apr_pool_t *pool);

/** The credentials that were parsed; NULL before that went well. For logs and environment. */
const digest_credentials_t *portal_authn_credentials(const portal_authn_t *authn);

/** The association's info after begin(); holds keys; wiped with the context's pool. */
const gba_info_t *portal_authn_info(const portal_authn_t *authn);

/** Nonzero if the UE answered with the realm of GBA_U: authenticated with Ks_int_NAF. */
int portal_authn_is_uicc(const portal_authn_t *authn);

/** The subscriber's name from the BSF: the IMPI if the BSF tells it, else the first UE identity of
 *  the PKI portal's setting; NULL if neither. Lives with @a info. */
const char *portal_identity(const gba_info_t *info);

/** Keeps the subscriber's pseudonym with the association, so that the ledger is asked once. Failing
 *  to keep it is no error. */
void portal_authn_keep_pseudonym(portal_authn_t *authn, const char *pseudonym);

/** The NAF_Id under which the key was found. */
const gba_naf_id_t *portal_authn_naf_id(const portal_authn_t *authn);

/** Starts the hash of the response body for an authenticated request. NULL on failure. */
digest_body_t *portal_authn_response_start(const portal_authn_t *authn, apr_pool_t *pool);

/**
 * The value of Authentication-Info for a response whose body hash is complete (step 11).
 * @param body_hash hex from digest_body_finish() on portal_authn_response_start()'s hash
 * @return the value in @a pool, or NULL if the request is not authenticated or the library fails
 */
const char *portal_authn_response_info(const portal_authn_t *authn, const char *body_hash,
                                       apr_pool_t *pool);

#endif
