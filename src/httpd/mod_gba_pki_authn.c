/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_authn.h"

#include <string.h>

#include <apr_strings.h>
#include <http_log.h>
#include <http_request.h>

#include "httpd/mod_gba_pki_body.h"
#include "httpd/mod_gba_pki_enrol.h"
#include "httpd/mod_gba_pki_identity.h"
#include "httpd/mod_gba_pki_meter.h"
#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_run.h"

APLOG_USE_MODULE(gba_pki);

/* ---- refusals before authentication ---- */

static int challenge(request_rec *r, const mod_gba_pki_state_t *state, int stale)
{
    const char *agent = apr_table_get(r->headers_in, "User-Agent");
    unsigned flags = (stale ? PORTAL_CHALLENGE_STALE : 0u) |
                     (gba_agent_has(agent, "3gpp-gba-uicc") ? PORTAL_CHALLENGE_UICC : 0u);
    const apr_array_header_t *lines =
        portal_challenges(mod_gba_pki_world(), state->config, flags, r->pool);

    if (!lines) {
        mod_gba_pki_log_result(r, base_fail(BASE_INTERNAL, "GBA0640", "no nonce can be made"));
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    /* The table is shared over internal redirects: without this each line would come twice. */
    apr_table_unset(r->err_headers_out, "WWW-Authenticate");
    for (int i = 0; i < lines->nelts; i++)
        apr_table_addn(r->err_headers_out, "WWW-Authenticate",
                       APR_ARRAY_IDX(lines, i, const char *));
    return HTTP_UNAUTHORIZED;
}

/* The headers that go with a refusal. Runs again in each request of the transaction that asks. */
static int answer_refusal(request_rec *r, const mod_gba_pki_state_t *state)
{
    int status = state->status;

    if (status == HTTP_UNAUTHORIZED)
        status = challenge(r, state, base_code_info(state->result.code)->is_stale);
    if (status == HTTP_SERVICE_UNAVAILABLE)
        mod_gba_pki_set_retry_after(r, state->result);
    return status;
}

static int refuse(request_rec *r, mod_gba_pki_state_t *state, base_result_t result, int status)
{
    state->result = result;
    state->status = status;
    mod_gba_pki_log_result(r, result);
    mod_gba_pki_body_leave(state);
    return answer_refusal(r, state);
}

/* ---- acceptance ---- */

static int accept_request(request_rec *r, mod_gba_pki_state_t *state, const mod_gba_pki_dir_t *dir)
{
    int status = mod_gba_pki_set_user(r, state, dir);

    mod_gba_pki_clean_request(r);
    mod_gba_pki_body_hand_on(r, state);
    return status;
}

/* ---- the walk ---- */

static int collect(void *baton, const char *name, const char *value)
{
    (void)name;
    APR_ARRAY_PUSH((apr_array_header_t *)baton, const char *) = value;
    return 1;
}

static base_result_t begin(request_rec *r, mod_gba_pki_state_t *state)
{
    request_rec *first = state->first;
    apr_array_header_t *fields = apr_array_make(first->pool, 1, sizeof(const char *));
    portal_request_t request = {.method = first->method, .target = first->unparsed_uri};

    apr_table_do(collect, fields, first->headers_in, "Authorization", NULL);
    request.authorization = (const char *const *)fields->elts;
    request.authorization_count = fields->nelts;
    request.fresh_settings = mod_gba_pki_enrols(r);
    return portal_authn_begin(&state->authn, mod_gba_pki_world(), state->config,
                              state->dir->source->source, &request, first->pool);
}

static int authenticate(request_rec *r, mod_gba_pki_state_t *state)
{
    int status;
    base_result_t result = mod_gba_pki_body_framing(state, &status);

    if (result.code != BASE_OK)
        return refuse(r, state, result, status);
    result = begin(r, state);
    if (result.code != BASE_OK)
        return refuse(r, state, result, base_code_info(result.code)->http_status);
    if (portal_authn_wants_body(state->authn)) {
        result = mod_gba_pki_body_read(state, &status);
        if (result.code != BASE_OK)
            return refuse(r, state, result, status);
    }
    result = portal_authn_finish(state->authn);
    if (result.code != BASE_OK)
        return refuse(r, state, result, base_code_info(result.code)->http_status);
    state->verified = 1;
    state->status = OK;
    return accept_request(r, state, state->dir);
}

static int offers_realm(const portal_authn_config_t *config, const char *realm)
{
    return strcmp(config->realm, realm) == 0 ||
           (config->uicc_realm && strcmp(config->uicc_realm, realm) == 0);
}

static int offers_alg(const portal_authn_config_t *config, digest_alg_t alg)
{
    for (int i = 0; i < config->alg_count; i++)
        if (config->algs[i] == alg)
            return 1;
    return 0;
}

/* Nonzero if a location demands no more and no other than the one that authenticated. */
static int same_demands(const mod_gba_pki_state_t *state, const portal_authn_config_t *config,
                        const mod_gba_pki_dir_t *dir)
{
    const digest_credentials_t *cred = portal_authn_credentials(state->authn);

    return offers_realm(config, cred->realm) && offers_alg(config, cred->alg) &&
           (config->qop & (unsigned)cred->qop) != 0 && dir->source == state->dir->source &&
           config->ua_id_count == state->config->ua_id_count &&
           memcmp(config->ua_ids, state->config->ua_ids, sizeof(config->ua_ids)) == 0;
}

/* A later request of the transaction: what was decided stays decided. */
static int inherit(request_rec *r, mod_gba_pki_state_t *state, const portal_authn_config_t *config,
                   const mod_gba_pki_dir_t *dir)
{
    if (!state->verified)
        return answer_refusal(r, state);
    if (!same_demands(state, config, dir)) {
        mod_gba_pki_log_result(r, base_fail(BASE_INHERIT_REFUSED, "GBA0641",
                                            "an internal redirect or subrequest leads into a "
                                            "location of another realm, key source or qop"));
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return accept_request(r, state, dir);
}

/* An open page that includes what is behind this location would carry it to the UE unprotected. */
static int refuse_inclusion(request_rec *r)
{
    mod_gba_pki_log_result(r, base_fail(BASE_INHERIT_REFUSED, "GBA0644",
                                        "a page outside AuthType GBA includes a page inside it"));
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* Where what check_authn reads of the configuration is kept. The request that authenticates may be
 * a subrequest (mod_rewrite looks ahead so), and be gone before the transaction is. */
static apr_pool_t *config_pool(request_rec *r)
{
    const mod_gba_pki_state_t *state = mod_gba_pki_state(r);

    return state && state->decided ? r->pool : mod_gba_pki_first(r)->pool;
}

int mod_gba_pki_check_authn(request_rec *r)
{
    apr_pool_t *pool = config_pool(r);
    const mod_gba_pki_dir_t *dir;
    const portal_authn_config_t *config;
    mod_gba_pki_state_t *state;
    int status;

    if (!mod_gba_pki_applies(r))
        return DECLINED;
    dir = mod_gba_pki_dir_effective(r, pool);
    config = mod_gba_pki_authn_config(r, dir, pool);
    if (!config || !mod_gba_pki_world()) {
        mod_gba_pki_meter_failure(r, BASE_INTERNAL);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    state = mod_gba_pki_state_make(r);
    if (state->decided)
        return inherit(r, state, config, dir);
    if (mod_gba_pki_inside_open(r))
        return refuse_inclusion(r);
    state->decided = 1;
    state->config = config;
    state->dir = dir;
    status = authenticate(r, state);
    portal_meter_authenticated(mod_gba_pki_meter(), state->result.code,
                               status == HTTP_UNAUTHORIZED);
    return status;
}

int mod_gba_pki_force_authn(request_rec *r)
{
    return mod_gba_pki_applies(r) ? OK : DECLINED;
}

/* What a location demands of any authenticated UE before its Require lines are asked. */
static int check_demands(request_rec *r, const mod_gba_pki_state_t *state)
{
    unsigned types = mod_gba_pki_dir_effective(r, r->pool)->types;
    int type = portal_authn_info(state->authn)->type;

    /* TS 29.109: a BSF that says nothing means 3G GBA. */
    if (type == GBA_TYPE_UNSAID)
        type = GBA_TYPE_3G;
    if (types & (1u << type))
        return mod_gba_pki_check_intended(r, state);
    mod_gba_pki_log_result(
        r, base_fail(BASE_REQUIRE_REFUSED, "GBA0643", "GBAAllowType does not let this kind in"));
    return base_code_info(BASE_REQUIRE_REFUSED)->http_status;
}

int mod_gba_pki_check_authz(request_rec *r)
{
    mod_gba_pki_state_t *state = mod_gba_pki_state(r);
    int status;

    if (!mod_gba_pki_applies(r) || !state || !state->verified || state->in_authz)
        return DECLINED;
    status = check_demands(r, state);
    if (status != OK)
        return status;
    state->in_authz = 1;
    status = ap_run_auth_checker(r);
    state->in_authz = 0;
    if (status != HTTP_UNAUTHORIZED)
        return status;
    mod_gba_pki_log_result(
        r, base_fail(BASE_REQUIRE_REFUSED, "GBA0642", "a Require refused an authenticated UE"));
    return base_code_info(BASE_REQUIRE_REFUSED)->http_status;
}

int mod_gba_pki_note_auth_failure(request_rec *r, const char *type)
{
    const mod_gba_pki_state_t *state = mod_gba_pki_state(r);

    (void)type;
    return state && state->verified ? OK : DECLINED;
}
