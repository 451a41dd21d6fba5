/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_heads.h
 * The keeper's clockwork: signs the heads of the ledgers' audit chains, hourly
 * and when the keeper leaves.
 */
#ifndef mod_gba_pki_heads_h
#define mod_gba_pki_heads_h

#include "httpd/mod_gba_pki_config.h"

/** A running clockwork. */
typedef struct mod_gba_pki_heads_t mod_gba_pki_heads_t;

/** Starts it over the loaded CAs and opened ledgers of @a parts. NULL if there is nothing to sign
 *  with, or no thread (logged). @a log is kept by reference. */
mod_gba_pki_heads_t *mod_gba_pki_heads_start(const mod_gba_pki_parts_t *parts,
                                             const base_log_t *log, apr_pool_t *pool);

/** Stops it and signs once more. NULL is taken. */
void mod_gba_pki_heads_stop(mod_gba_pki_heads_t *heads);

#endif
