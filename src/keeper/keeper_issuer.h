/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_issuer.h
 * The issuer that joins a CA and a ledger: pseudonym, serial, signature and
 * record in one transaction, committed before anything is revealed.
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
} keeper_issuer_parts_t;

/** Makes the issuer in @a pool. Never NULL. */
portal_issuer_t *keeper_issuer_make(apr_pool_t *pool, const keeper_issuer_parts_t *parts);

#endif
