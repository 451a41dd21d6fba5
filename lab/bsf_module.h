/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bsf_module.h
 * The laboratory BSF's module record, and its configuration: one struct per
 * virtual host, read-only once httpd runs.
 */
#ifndef bsf_module_h
#define bsf_module_h

#include <httpd.h>

#include <http_config.h>
#include "lab/bsf_subscribers.h"

/** The module. Its record is in mod_gba_bsf.c. */
extern module AP_MODULE_DECLARE_DATA gba_bsf_module;

#define BSF_KEY_LIFETIME   apr_time_from_sec(24 * 3600)   /**< default of GBALabKeyLifetime */
#define BSF_BOOTSTRAPPINGS 4096                           /**< default of GBALabMaxBootstrappings */
#define BSF_MEDIA_TYPE     "application/vnd.3gpp.bsf+xml" /**< default of GBALabMediaType */

/** One virtual host's settings. NULL, 0 and -1: not set. */
typedef struct bsf_server_t {
    const char *name;               /**< GBALabName: realm and domain of B-TIDs, lower case */
    bsf_subscribers_t *subscribers; /**< GBALabSubscribers; shared with hosts that inherit it */
    apr_interval_time_t lifetime;   /**< GBALabKeyLifetime */
    apr_array_header_t *nafs;       /**< GBALabNaf: names in lower case, or "*"; of const char * */
    const char *media_type;         /**< GBALabMediaType */
    int unknown_status;             /**< GBALabUnknownStatus */
    int current_time;               /**< GBALabCurrentTime */
    int capacity;                   /**< GBALabMaxBootstrappings; the main server's counts */
} bsf_server_t;

/** The directives. Ends with a zeroed entry. */
extern const command_rec bsf_commands[];

/** httpd's create and merge callbacks. */
void *bsf_server_create(apr_pool_t *pool, server_rec *s);
void *bsf_server_merge(apr_pool_t *pool, void *outer, void *inner);

/** The settings of a server. */
bsf_server_t *bsf_server_of(const server_rec *s);

/** The same in a request, if that server is a BSF; NULL, and told in the log, if it lacks
 *  GBALabName. Its answer then says that it is for laboratories. */
const bsf_server_t *bsf_server_ready(request_rec *r);

/** Checks all servers and reads their subscribers: OK, or an HTTP status after it was told. Nonzero
 *  *any if there is a laboratory BSF at all. */
int bsf_server_check(apr_pool_t *pconf, server_rec *main_server, int *any);

/** Prepares the files of subscribers of all servers in a child. */
void bsf_server_child(apr_pool_t *pchild, server_rec *main_server);

#endif
