/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_secret.h
 * Where the UE's key comes from: Ks_NAF itself, or Ks, RAND and IMPI through
 * the KDF of TS 33.220 B.3; from files or the environment, never from argv.
 */
#ifndef ue_secret_h
#define ue_secret_h

#include "ue_options.h"
#include "ue_outcome.h"

/**
 * Finds Ks_NAF and makes the Digest password of it.
 * Environment variables GBA_KS_NAF and GBA_KS are wiped and unset, used or not.
 * @param naf_fqdn the NAF's name, for the KDF
 * @param password in memory wiped with @a pool
 * @return nonzero; else the result says UE_USAGE or UE_LOCAL
 */
int ue_secret_password(base_span_t *password, const ue_options_t *opts, const char *naf_fqdn,
                       ue_result_t *result, apr_pool_t *pool);

#endif
