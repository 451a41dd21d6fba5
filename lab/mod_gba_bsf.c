/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_bsf.c
 * A Bootstrapping Server Function for laboratories and tests: never for the
 * field. It keeps subscribers' keys in a file, in httpd's children and in shared
 * memory, none of which an operator's BSF may do.
 *
 *   SetHandler gba-bsf-ub     bsf_ub.c     UEs bootstrap (TS 24.109 clause 4)
 *   SetHandler gba-bsf-nbsp   bsf_nbsp.c   NAFs ask for keys (TS 29.309)
 */
#include <httpd.h>

#include <http_config.h>
#include <http_core.h>
#include <http_log.h>

#include "digest/digest_hash.h"
#include "lab/bsf_handlers.h"
#include "lab/bsf_module.h"
#include "lab/bsf_store.h"

static int any; /* there is a laboratory BSF in this configuration */

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    digest_hash_hold(pconf);
    return OK;
}

static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    return bsf_server_check(pconf, s, &any);
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    if (!any || ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                 "GBA0909: mod_gba_bsf is a BSF for laboratories: it keeps subscribers' keys where "
                 "an operator's may not; never use it in the field");
    return bsf_store_start(pconf, s, (apr_size_t)bsf_server_of(s)->capacity);
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    bsf_server_child(pchild, s);
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(bsf_ub_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(bsf_nbsp_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(gba_bsf) = {
    STANDARD20_MODULE_STUFF, NULL,         NULL,           bsf_server_create,
    bsf_server_merge,        bsf_commands, register_hooks,
#if defined(AP_MODULE_FLAG_NONE)
    AP_MODULE_FLAG_NONE
#endif
};
