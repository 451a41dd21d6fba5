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
 * same subscriber, key, profile, usage and CA, in state issued, and valid, and is not within the
 * profile's renew_before of its end (or is so, but a new one would end no later: near the end of
 * the CA). Else by a new one, which supersedes it. A key that was certified for another subscriber
 * is refused: BASE_ENROL_REFUSED with PKI_REASON_KEY_TAKEN.
 */
portal_issuer_t *keeper_issuer_make(apr_pool_t *pool, const keeper_issuer_parts_t *parts);

/** Whether it could issue now: signs a fixed text, and writes the ledger. BASE_OK, BASE_STORE_DOWN
 *  or BASE_INTERNAL. */
base_result_t keeper_issuer_health(const keeper_issuer_parts_t *parts, apr_pool_t *pool);

#endif
