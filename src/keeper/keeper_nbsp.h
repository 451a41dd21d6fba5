/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_nbsp.h
 * The "nbsp:" key source: asks BSFs over Nbsp_GBA (TS 29.309, the service
 * form of Zn). Each B-TID is asked of the BSF whose domains fit best, at the
 * first of its addresses that answers.
 */
#ifndef keeper_nbsp_h
#define keeper_nbsp_h

#include <apr_tables.h>
#include "base/base_env.h"
#include "gba/gba_keysource.h"
#include "keeper/keeper_nbsp_engine.h"
#include "keeper/keeper_nbsp_url.h"

#define KEEPER_NBSP_CONNECT_MS 2000       /**< default of GBABsfTimeout */
#define KEEPER_NBSP_TOTAL_MS   5000       /**< likewise */
#define KEEPER_NBSP_TOTAL_MAX  8000       /**< a child waits 10 s for the keeper */
#define KEEPER_NBSP_ALARM      50         /**< default of GBABsfUnknownAlarm */
#define KEEPER_NBSP_SCOPE      "nbsp-gba" /**< default scope (TS 29.309 OpenAPI) */

/** One BSF as it is configured: plain names, nothing that had to be read from a file. */
typedef struct keeper_nbsp_bsf_t {
    const char *name;              /**< for messages */
    apr_array_header_t *domains;   /**< of const char *; empty: every domain */
    apr_array_header_t *addresses; /**< of keeper_nbsp_url_t, in the order of preference */
    apr_array_header_t *redirects; /**< of keeper_nbsp_host_t */
    int http1;                     /**< nonzero: HTTP/1.1 */
    const char *ca_path;           /**< PEM; NULL: the system's CAs */
    const char *cert_path;         /**< PEM; NULL: no client certificate */
    const char *key_path;          /**< PEM; with cert_path */
    const char *token_client;      /**< client id; NULL: no token */
    const char *token_scope;
    const char *secret_path;     /**< of the client secret */
    keeper_nbsp_url_t token_url; /**< likewise with token_client */
    int connect_ms;              /**< bound on connecting */
    int total_ms;                /**< bound on one look-up, with all that it takes */
    unsigned unknown_percent;    /**< above this share of unknown B-TIDs the operator is told */
} keeper_nbsp_bsf_t;

/** A key source as it is configured. Everything is kept by reference. */
typedef struct keeper_nbsp_config_t {
    const char *name;               /**< gba_keysource_t.name */
    const apr_array_header_t *bsfs; /**< of const keeper_nbsp_bsf_t *; no domain in two of them */
    const apr_uint32_t *gs_ids;     /**< GAA service identifiers whose settings are wanted */
    apr_size_t gs_id_count;
    int uicc;                     /**< nonzero: Ks_int_NAF is wanted for every B-TID */
    keeper_nbsp_engine_t *engine; /**< started before the first look-up */
    const base_clock_t *clock;
    const base_log_t *log;
} keeper_nbsp_config_t;

/** A BSF with every default: no domains, no addresses. In @a pool. */
keeper_nbsp_bsf_t *keeper_nbsp_bsf_make(const char *name, apr_pool_t *pool);

/** Reads a BSF's files as the look-ups will need them, and lets go of them again: `httpd -t`.
 *  BASE_OK or BASE_KEYSOURCE_DOWN. */
base_result_t keeper_nbsp_check(const keeper_nbsp_bsf_t *bsf, apr_pool_t *pool);

/**
 * Reads the files of every BSF, as the user that may; nothing is connected yet.
 * @param pool owns the source and its secrets (wiped with it)
 * @return BASE_OK, or BASE_KEYSOURCE_DOWN with a detail that names the file
 */
base_result_t keeper_nbsp_open(gba_keysource_t **out, const keeper_nbsp_config_t *config,
                               apr_pool_t *pool);

#endif
