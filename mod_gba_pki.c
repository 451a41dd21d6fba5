/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki.c
 * The module record, and when what happens: the place to start reading.
 *
 *   configuration  check_config    CAs and key sources are tried out; `httpd -t` finds mistakes
 *                  post_config     nonce key and associations in shared memory; ledger made; the
 *                                  keeper started, which alone loads keys and writes the ledger
 *                  child_init      the child's way to the keeper
 *   a request      post_perdir     gba-decide's look at another location ends here
 *                  force_authn     AuthType GBA alone closes a location
 *                  check_authn     Digest Authorization, nonce, key, body, response, nc
 *                  check_authz     Require; a "no" to an authenticated UE is 403, never 401
 *                  fixups          environment, and headers for application servers
 *                  insert_filter   the protection filter, for answers of handlers
 *                  insert_error_filter   and for answers of httpd itself
 *                  handler         what no filter would see is refused; gba-enrol; gba-decide;
 *                  gba-status
 *                  output filter   the whole answer is held, hashed, and Authentication-Info set
 */

#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "mod_gba_pki.h"
#include "digest/digest_hash.h"
#include "httpd/mod_gba_pki_authn.h"
#include "httpd/mod_gba_pki_body.h"
#include "httpd/mod_gba_pki_config.h"
#include "httpd/mod_gba_pki_decide.h"
#include "httpd/mod_gba_pki_enrol.h"
#include "httpd/mod_gba_pki_identity.h"
#include "httpd/mod_gba_pki_keeper.h"
#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_protect.h"
#include "httpd/mod_gba_pki_run.h"
#include "httpd/mod_gba_pki_status.h"

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    /* Directives ask which algorithms there are. Each restart unloads the module when this pool
     * ends; it was loaded before, so its cleanup comes after this one. */
    digest_hash_hold(pconf);
    return OK;
}

static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    int status = mod_gba_pki_parts_check(pconf, s);

    return status == OK ? mod_gba_pki_keeper_check(pconf, s) : status;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    return mod_gba_pki_run_start(pconf, s);
}

static int gba_pki_verified(request_rec *r)
{
    const mod_gba_pki_state_t *state = mod_gba_pki_state(r);

    if (!state || !state->verified)
        return GBA_PKI_NOT_VERIFIED;
    return portal_authn_credentials(state->authn)->qop == DIGEST_QOP_AUTH_INT
               ? GBA_PKI_VERIFIED_AUTH_INT
               : GBA_PKI_VERIFIED_AUTH;
}

static void register_hooks(apr_pool_t *pool)
{
    static const char *const before_authz_core[] = {"mod_authz_core.c", NULL};

    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(mod_gba_pki_keeper_child, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_perdir_config(mod_gba_pki_decide_found, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_force_authn(mod_gba_pki_force_authn, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_authn(mod_gba_pki_check_authn, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(mod_gba_pki_check_authz, NULL, before_authz_core, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_note_auth_failure(mod_gba_pki_note_auth_failure, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_fixups(mod_gba_pki_fixups, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_filter(mod_gba_pki_insert_filters, NULL, NULL, APR_HOOK_LAST);
    ap_hook_insert_error_filter(mod_gba_pki_insert_filters, NULL, NULL, APR_HOOK_LAST);
    ap_hook_handler(mod_gba_pki_protect_handler, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(mod_gba_pki_enrol_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(mod_gba_pki_decide_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(mod_gba_pki_status_handler, NULL, NULL, APR_HOOK_MIDDLE);
    /* After content codings (the hash is over what leaves), before chunking and Content-Length. */
    ap_register_output_filter(MOD_GBA_PKI_PROTECT_FILTER, mod_gba_pki_protect_filter, NULL,
                              AP_FTYPE_PROTOCOL - 1);
    ap_register_input_filter(MOD_GBA_PKI_BODY_FILTER, mod_gba_pki_body_filter, NULL,
                             AP_FTYPE_PROTOCOL - 1);
    mod_gba_pki_register_require(pool);
    APR_REGISTER_OPTIONAL_FN(gba_pki_verified);
}

AP_DECLARE_MODULE(gba_pki) = {
    STANDARD20_MODULE_STUFF, mod_gba_pki_dir_create, mod_gba_pki_dir_merge, mod_gba_pki_srv_create,
    mod_gba_pki_srv_merge,   mod_gba_pki_commands,   register_hooks,
#if defined(AP_MODULE_FLAG_NONE)
    AP_MODULE_FLAG_NONE
#endif
};
