/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_enrol.h"

#include <string.h>

#include <apr_date.h>
#include <apr_strings.h>
#include <ap_expr.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_core.h>

#include "httpd/mod_gba_pki_meter.h"
#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_profile.h"
#include "httpd/mod_gba_pki_rules.h"
#include "httpd/mod_gba_pki_run.h"
#include "portal/portal_enrol.h"

APLOG_USE_MODULE(gba_pki);

#define HANDLER "gba-enrol"

/* Answers with the result's own row of the error table. */
static int refuse(request_rec *r, base_result_t result)
{
    int status = base_code_info(result.code)->http_status;

    mod_gba_pki_log_result(r, result);
    if (status == HTTP_METHOD_NOT_ALLOWED)
        ap_allow_standard_methods(r, REPLACE_ALLOW, M_POST, -1);
    if (status == HTTP_SERVICE_UNAVAILABLE)
        mod_gba_pki_set_retry_after(r, result);
    return status;
}

/* Reads what the body filter hands on; at most the PKCS#10 cap and one octet, so that
 * portal_enrol() sees that there is more. */
static base_result_t read_body(request_rec *r, base_span_t *body)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    char *data = apr_palloc(r->pool, PKI_PKCS10_MAX + 1);
    apr_size_t len = 0;
    int eos = 0;

    while (!eos && len <= PKI_PKCS10_MAX) {
        apr_size_t room = PKI_PKCS10_MAX + 1 - len;
        apr_status_t rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ,
                                         (apr_off_t)room);
        if (rv == APR_SUCCESS)
            rv = apr_brigade_flatten(bb, data + len, &room);
        if (rv != APR_SUCCESS || (room == 0 && APR_BRIGADE_EMPTY(bb)))
            return base_fail(BASE_INTERNAL, "GBA0660", "the verified body cannot be read again");
        len += room;
        eos = APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));
        apr_brigade_cleanup(bb);
    }
    body->data = (unsigned char *)data;
    body->len = len;
    return base_ok();
}

static int send_answer(request_rec *r, const portal_enrol_answer_t *answer)
{
    char date[APR_RFC822_DATE_LEN];

    if (answer->has_expires) {
        apr_rfc822_date(date, answer->expires);
        apr_table_set(r->err_headers_out, "Expires", date);
    }
    if (answer->vary_accept)
        apr_table_mergen(r->err_headers_out, "Vary", "Accept");
    /* The answer is one subscriber's own. */
    apr_table_setn(r->err_headers_out, "Cache-Control", "private, no-store");
    /* An operator's own page for refusals goes before ours; it is protected like ours. */
    if (answer->status != HTTP_OK &&
        ap_response_code_string(r, ap_index_of_response(answer->status)))
        return answer->status;
    r->status = answer->status;
    ap_set_content_type(r, answer->content_type);
    ap_set_content_length(r, (apr_off_t)answer->body.len);
    ap_rwrite(answer->body.data, (int)answer->body.len, r);
    return OK;
}

static base_result_t fill(portal_enrol_request_t *request, request_rec *r,
                          const mod_gba_pki_state_t *state)
{
    memset(request, 0, sizeof(*request));
    request->method = r->method;
    request->query = r->args;
    request->content_type = apr_table_get(r->headers_in, "Content-Type");
    request->btid = portal_authn_credentials(state->authn)->username;
    request->info = portal_authn_info(state->authn);
    request->uicc_key = portal_authn_is_uicc(state->authn);
    request->accept = apr_table_get(r->headers_in, "Accept");
    return portal_enrol_check(request);
}

int mod_gba_pki_enrols(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const char *handler, *error = NULL;

    if (!core)
        return 0;
    /* SetHandler's word is an expression, even if it is but one name. */
    handler = core->expr_handler ? ap_expr_str_exec(r, core->expr_handler, &error) : core->handler;
    return !error && handler && strcmp(handler, HANDLER) == 0;
}

/* The UE has been authenticated: no challenge any more, and the answer is protected. Where the
 * handler was not known at that time (AddHandler, RewriteRule, an internal redirect) it is only now
 * that the settings are asked for anew. That the BSF refuses the subscriber by now is a
 * decision like any other: recorded, and told with its reason. */
static base_result_t refresh(portal_enrol_request_t *request, request_rec *r,
                             const mod_gba_pki_state_t *state)
{
    base_result_t result = portal_authn_refresh(state->authn);

    if (result.code == BASE_NOT_AUTHORISED) {
        mod_gba_pki_log_result(r, result);
        request->is_refused = 1;
        return base_ok();
    }
    if (result.code != BASE_OK)
        result.code = BASE_STORE_DOWN;
    return result;
}

static base_result_t enrol(portal_enrol_answer_t *answer, request_rec *r,
                           const mod_gba_pki_state_t *state)
{
    const mod_gba_pki_dir_t *dir = mod_gba_pki_dir_effective(r, r->pool);
    portal_enrol_config_t config = {.refusal_expires = dir->refusal_expires,
                                    .clock = mod_gba_pki_world()->clock,
                                    .meter = mod_gba_pki_meter()};
    portal_enrol_request_t request;
    portal_issuer_t *issuer = NULL;
    base_result_t result = fill(&request, r, state);

    config.profiles =
        mod_gba_pki_profiles(dir, &config.profile_count, r->server->process->pconf, r->pool);
    config.naf_group = dir->naf_group;
    config.rules = mod_gba_pki_rules(r, dir);
    if (result.code == BASE_OK)
        result = refresh(&request, r, state);
    if (result.code == BASE_OK)
        result = read_body(r, &request.body);
    if (result.code == BASE_OK)
        result = mod_gba_pki_issuer(&issuer, r, dir);
    if (result.code == BASE_OK) {
        result = portal_enrol(answer, &config, issuer, &request, r->pool);
        if (answer->ignored)
            ap_log_rerror(
                APLOG_MARK, APLOG_INFO, 0, r,
                "GBA0663: extensions that the PKCS#10 asks for and that nobody looks at: %s",
                answer->ignored);
    }
    return result;
}

static void log_issued(request_rec *r, const portal_enrol_answer_t *answer)
{
    char serial[2 * PKI_SERIAL_LEN + 1];

    base_hex_encode(serial, answer->serial, sizeof(answer->serial));
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "GBA0661: issued serial %s", serial);
}

/* For LogFormat (docs/directives.md). */
static void set_environment(request_rec *r, const portal_enrol_answer_t *answer)
{
    const pki_decision_t *decision = &answer->decision;

    apr_table_setn(r->subprocess_env, "GBA_DECISION", decision->permit ? "permitted" : "refused");
    if (!decision->permit)
        apr_table_setn(r->subprocess_env, "GBA_REASON", pki_reason_code(decision->reason));
    if (answer->profile)
        apr_table_set(r->subprocess_env, "GBA_PROFILE", answer->profile);
}

static int is_verified_auth_int(const mod_gba_pki_state_t *state)
{
    return state && state->verified &&
           portal_authn_credentials(state->authn)->qop == DIGEST_QOP_AUTH_INT;
}

int mod_gba_pki_enrol_handler(request_rec *r)
{
    const mod_gba_pki_state_t *state = mod_gba_pki_state(r);
    portal_enrol_answer_t answer;
    base_result_t result;

    if (!r->handler || strcmp(r->handler, HANDLER) != 0)
        return DECLINED;
    if (!is_verified_auth_int(state) || r->main)
        return refuse(r, base_fail(BASE_NO_CONTEXT, "GBA0662",
                                   "gba-enrol needs AuthType GBA with qop=auth-int"));
    result = enrol(&answer, r, state);
    if (result.code == BASE_OK)
        log_issued(r, &answer);
    else if (result.code == BASE_ENROL_REFUSED)
        mod_gba_pki_log_result(r, result);
    else
        return refuse(r, result);
    set_environment(r, &answer);
    return send_answer(r, &answer);
}
