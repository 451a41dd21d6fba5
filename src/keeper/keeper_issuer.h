/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_issuer.h
 * The issuer that joins a CA and a ledger: what is decided is recorded, and
 * committed before anything is revealed. Signing needs no transaction, and none
 * waits for a signature.
 */
#ifndef keeper_issuer_h
#define keeper_issuer_h

#include "keeper/keeper_ledger.h"

/** What the issuer is made of; everything is kept by reference. */
typedef struct keeper_issuer_parts_t {
    const pki_ca_t *ca; /**< may be NULL if only pseudonyms are asked for */
    keeper_ledger_t *ledger;
    const base_clock_t *clock;
    const base_random_t *random;
    const base_log_t *log; /**< hears of what an operator should look at; may be NULL */
    portal_meter_t *meter; /**< times signatures; may be NULL */
} keeper_issuer_parts_t;

/**
 * Makes the issuer in @a pool; several threads may use it at once. Never NULL.
 *
 * A permit is answered by the certificate that the ledger holds, octet by octet, if it is of the
 * same subscriber, key, profile, usage and CA, in state issued, and valid, says what a new one
 * would say, and is not within the profile's renew_before of its end (or is so, but a new one would
 * end no later: near the end of the CA). Else by a new one, which supersedes it. It is refused
 * (BASE_ENROL_REFUSED) if the key is blocked, was certified for another subscriber, or the
 * profile's quotas are used up (pki_history_check()); a certificate that is given again costs no
 * quota. Whatever number of issuers and processes shares a ledger, none passes a quota: the
 * transaction that adds a certificate has counted. The ledger counts in whole seconds.
 */
portal_issuer_t *keeper_issuer_make(apr_pool_t *pool, const keeper_issuer_parts_t *parts);

/**
 * From now on certificates of these profiles alone are issued, whatever a child says; their
 * renew_before may be another. For an issuer that nobody uses yet.
 * @param profiles copied as far as needed
 * @param pool     the issuer's
 * @return nonzero; 0 if there is no SHA-256: then some of them are not known
 */
int keeper_issuer_limit(portal_issuer_t *issuer, const pki_profile_t *profiles, int count,
                        apr_pool_t *pool);

/** Whether it could issue now: the CA certificate is valid; signs a fixed text, and writes the
 *  ledger. BASE_OK, BASE_STORE_DOWN or BASE_INTERNAL. */
base_result_t keeper_issuer_health(const keeper_issuer_parts_t *parts, apr_pool_t *pool);

#endif
