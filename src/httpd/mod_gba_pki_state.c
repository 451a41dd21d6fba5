/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_state.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_request.h>

#include "httpd/mod_gba_pki_module.h"

APLOG_USE_MODULE(gba_pki);

request_rec *mod_gba_pki_first(request_rec *r)
{
    while (r->prev || r->main)
        r = r->prev ? r->prev : r->main;
    return r;
}

mod_gba_pki_state_t *mod_gba_pki_state(request_rec *r)
{
    return ap_get_module_config(mod_gba_pki_first(r)->request_config, &gba_pki_module);
}

mod_gba_pki_state_t *mod_gba_pki_state_make(request_rec *r)
{
    request_rec *first = mod_gba_pki_first(r);
    mod_gba_pki_state_t *state = mod_gba_pki_state(first);

    if (!state) {
        state = apr_pcalloc(first->pool, sizeof(*state));
        state->first = first;
        ap_set_module_config(first->request_config, &gba_pki_module, state);
    }
    return state;
}

static const char open_note[] = "mod_gba_pki: open";

void mod_gba_pki_mark_open(request_rec *r)
{
    apr_table_setn(r->notes, open_note, "");
}

int mod_gba_pki_inside_open(const request_rec *r)
{
    const request_rec *outer = r;

    while (outer->main)
        outer = outer->main;
    return outer != r && apr_table_get(outer->notes, open_note) != NULL;
}

int mod_gba_pki_applies(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && ap_cstr_casecmp(type, "GBA") == 0;
}

int mod_gba_pki_has_filter(const ap_filter_t *f, const char *name)
{
    while (f && ap_cstr_casecmp(f->frec->name, name) != 0)
        f = f->next;
    return f != NULL;
}

void mod_gba_pki_set_retry_after(request_rec *r, base_result_t result)
{
    const char *seconds = MOD_GBA_PKI_RETRY_AFTER;

    if (result.retry_after > 0)
        seconds = apr_psprintf(r->pool, "%u", result.retry_after);
    apr_table_setn(r->err_headers_out, "Retry-After", seconds);
}

static int httpd_level(base_level_t level)
{
    switch (level) {
    case BASE_LOG_ERR:
        return APLOG_ERR;
    case BASE_LOG_WARNING:
        return APLOG_WARNING;
    case BASE_LOG_NOTICE:
        return APLOG_NOTICE;
    case BASE_LOG_INFO:
        return APLOG_INFO;
    default:
        return APLOG_DEBUG;
    }
}

/* The one way of an outcome into the log. Who it concerns is said by a shortened B-TID. */
void mod_gba_pki_log_result(request_rec *r, base_result_t result)
{
    const mod_gba_pki_state_t *state = mod_gba_pki_state(r);
    const digest_credentials_t *cred =
        state && state->authn ? portal_authn_credentials(state->authn) : NULL;
    const base_code_info_t *info = base_code_info(result.code);

    ap_log_rerror(APLOG_MARK, httpd_level(info->level), 0, r, "%s: %s: %s%s%s", result.tag,
                  info->name, result.detail ? result.detail : "", cred ? "; B-TID " : "",
                  cred ? gba_btid_redact(r->pool, cred->username) : "");
}
