/* SPDX-License-Identifier: Apache-2.0 */
#include <http_core.h>
#include <http_request.h>
#include <mod_auth.h>

#include <ap_provider.h>
#include <apr_strings.h>

#include "httpd/mod_gba_pki_identity.h"

/* A parsed `Require gba-uss` line. */
typedef struct demand_t {
    apr_uint32_t type;
    apr_array_header_t *flags; /* of apr_uint32_t; empty: any setting of the type will do */
} demand_t;

static const char *read_number(apr_uint32_t *out, cmd_parms *cmd, const char *word,
                               apr_uint32_t least)
{
    apr_uint64_t value;

    if (!base_decimal_decode(&value, base_span_str(word), APR_UINT32_MAX) || value < least)
        return apr_psprintf(cmd->pool,
                            "Require gba-uss: '%s' given, a number from %u to 4294967295 expected",
                            word, least);
    *out = (apr_uint32_t)value;
    return NULL;
}

static const char *parse(cmd_parms *cmd, const char *line, const void **parsed)
{
    demand_t *demand = apr_pcalloc(cmd->pool, sizeof(*demand));
    const char *word = ap_getword_conf(cmd->pool, &line);
    const char *error = read_number(&demand->type, cmd, word, 0);

    demand->flags = apr_array_make(cmd->pool, 2, sizeof(apr_uint32_t));
    /* An empty word is no end: without the flags behind it any setting would do. */
    while (!error && *line) {
        word = ap_getword_conf(cmd->pool, &line);
        /* A 0 would ask for any flag: gba_info_has_flag() has that meaning for it. */
        error = read_number(&APR_ARRAY_PUSH(demand->flags, apr_uint32_t), cmd, word, 1);
    }
    *parsed = demand;
    /* BSFs are asked for the settings that the main configuration requires; a .htaccess file is
     * read too late to add to them. */
    if (!error && ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_RUN_MPM)
        error = mod_gba_pki_parts_service(cmd->server->process->pconf, demand->type);
    return error;
}

static authz_status check(request_rec *r, const char *line, const void *parsed)
{
    const mod_gba_pki_state_t *state = mod_gba_pki_state(r);
    const demand_t *demand = parsed;
    const gba_info_t *info;

    (void)line;
    if (!r->user)
        return AUTHZ_DENIED_NO_USER;
    if (!state || !state->verified)
        return AUTHZ_DENIED;
    info = portal_authn_info(state->authn);
    if (demand->flags->nelts == 0)
        return gba_info_has_flag(info, demand->type, 0) ? AUTHZ_GRANTED : AUTHZ_DENIED;
    for (int i = 0; i < demand->flags->nelts; i++)
        if (gba_info_has_flag(info, demand->type, APR_ARRAY_IDX(demand->flags, i, apr_uint32_t)))
            return AUTHZ_GRANTED;
    return AUTHZ_DENIED;
}

static const authz_provider provider = {check, parse};

void mod_gba_pki_register_require(apr_pool_t *pool)
{
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "gba-uss", AUTHZ_PROVIDER_VERSION,
                              &provider, AP_AUTH_INTERNAL_PER_CONF);
}
