/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_meter.h
 * Where the counters live: a segment of shared memory of their own, which stays
 * over every restart of the same httpd, and beside it the gauges of this
 * configuration's CAs and ledgers, which its keeper sets. Warden, keeper and
 * children inherit both. Everything here is ready after post_config.
 */
#ifndef mod_gba_pki_meter_h
#define mod_gba_pki_meter_h

#include <httpd.h>

#include "portal/portal_meter.h"

/** post_config, second pass, before the keeper is started. OK or an HTTP status (logged). */
int mod_gba_pki_meter_start(apr_pool_t *pconf, server_rec *s);

/** The counters; NULL (nothing is counted) before mod_gba_pki_meter_start(). */
portal_meter_t *mod_gba_pki_meter(void);

/** How often this httpd was started or restarted, as far as this process knows: 1 at first. */
unsigned mod_gba_pki_meter_generation(void);

/** notAfter of CA number @a ca, seconds since 1970. Indices are those of the configuration's parts;
 *  NULL for one that is not there, here and below. */
base_gauge_t *mod_gba_pki_meter_ca(int ca);

/** 1 if the last transaction of ledger number @a ledger went well, else 0. */
base_gauge_t *mod_gba_pki_meter_ledger(int ledger);

/** 1 if some location uses this CA and this ledger together. */
base_gauge_t *mod_gba_pki_meter_pair(int ca, int ledger);

/** Notes every pair of a CA and a ledger that a section of the configuration comes to, with what
 *  it inherits from its server. Called by mod_gba_pki_meter_start(). */
void mod_gba_pki_pairs_find(apr_pool_t *pconf, server_rec *s);

/** Counts a request that failed after its authentication, or without one; of one transaction the
 *  first time only. */
void mod_gba_pki_meter_failure(request_rec *r, base_code_t code);

#endif
