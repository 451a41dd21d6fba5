/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_bootstrap.h
 * `gba-ue bootstrap`: Ub from the UE's side (TS 24.109 clause 4, RFC 3310) with
 * a software USIM, and what comes of it.
 */
#ifndef ue_bootstrap_h
#define ue_bootstrap_h

#include <apr_time.h>
#include "gba/gba_kdf.h"
#include "ue_options.h"
#include "ue_outcome.h"
#include "ue_trace.h"

/** What a bootstrapping leaves. Strings live with the pool. */
typedef struct ue_bootstrapping_t {
    const char *btid;
    const char *impi;
    unsigned char *ks; /**< GBA_KS_LEN octets, wiped with the pool */
    unsigned char rand[GBA_RAND_LEN];
    apr_time_t expires; /**< end of Ks's life */
    const char *until;  /**< the same, RFC 3339 */
} ue_bootstrapping_t;

/**
 * Bootstraps with opts->bsf and opts->usim: at most one resynchronisation.
 * @return nonzero; else the result says UE_USAGE, UE_AUTH_REFUSED (the BSF does not know us),
 *         UE_NOT_VERIFIED (AUTN or Authentication-Info wrong), UE_TRANSPORT, UE_PORTAL_ERROR (an
 *         error of the BSF) or UE_LOCAL
 */
int ue_bootstrap(ue_bootstrapping_t *out, const ue_options_t *opts, const ue_trace_t *trace,
                 ue_result_t *result, apr_pool_t *pool);

/** `gba-ue bootstrap`: bootstraps, and keeps it in opts->out (JSON, mode 0600) if that is set. */
void ue_bootstrap_run(ue_result_t *result, const ue_options_t *opts, apr_pool_t *pool);

/** Keeps it in a file: JSON, mode 0600, whole or not at all. Nonzero; else the result says why. */
int ue_bootstrapping_save(const ue_bootstrapping_t *boot, const char *path, ue_result_t *result,
                          apr_pool_t *pool);

/** Reads such a file; one whose time is over is refused. Nonzero; else the result says why. */
int ue_bootstrapping_load(ue_bootstrapping_t *out, const char *path, ue_result_t *result,
                          apr_pool_t *pool);

/** The Digest password for a NAF: base64 of Ks_NAF (TS 33.220 B.3), in memory wiped with @a pool.
 *  Nonzero; else the result says why. */
int ue_bootstrapping_password(base_span_t *password, const ue_bootstrapping_t *boot,
                              const char *naf_fqdn, const unsigned char ua_id[GBA_UA_ID_LEN],
                              ue_result_t *result, apr_pool_t *pool);

#endif
