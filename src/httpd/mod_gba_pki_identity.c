/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_identity.h"

#include <string.h>

#include <apr_strings.h>
#include <http_log.h>
#include <http_request.h>

#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_run.h"

APLOG_USE_MODULE(gba_pki);

#define INTENDED "X-3GPP-Intended-Identity"
#define ASSERTED "X-3GPP-Asserted-Identity"
#define FLAGS    "X-3GPP-Authorization-Flags"

/* ---- what the UE may not say ---- */

static int collect_gba(void *baton, const char *name, const char *value)
{
    (void)value;
    if (strncasecmp(name, "GBA_", 4) == 0 || strncasecmp(name, "GBA-", 4) == 0)
        APR_ARRAY_PUSH((apr_array_header_t *)baton, const char *) = name;
    return 1;
}

void mod_gba_pki_clean_request(request_rec *r)
{
    static const char *const names[] = {"Authorization", ASSERTED, FLAGS,
                                        /* A part of a body cannot be verified: no ranges. */
                                        "Range", "If-Range", "Request-Range"};
    apr_array_header_t *ours = apr_array_make(r->pool, 2, sizeof(const char *));

    for (apr_size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        apr_table_unset(r->headers_in, names[i]);
    apr_table_do(collect_gba, ours, r->headers_in, NULL);
    for (int i = 0; i < ours->nelts; i++)
        apr_table_unset(r->headers_in, APR_ARRAY_IDX(ours, i, const char *));
}

/* ---- REMOTE_USER ---- */

static base_result_t name_by_ledger(const char **name, request_rec *r, mod_gba_pki_state_t *state,
                                    const mod_gba_pki_dir_t *dir)
{
    const gba_info_t *info = portal_authn_info(state->authn);
    const char *identity = portal_identity(info);
    char *fresh = apr_pcalloc(r->pool, PKI_PSEUDONYM_LEN + 1);
    portal_issuer_t *namer = NULL;
    base_result_t result = base_ok();

    *name = gba_info_text(info, info->pseudonym);
    if (*name || !identity)
        return result;
    result = mod_gba_pki_namer(&namer, r, dir);
    if (result.code == BASE_OK)
        result = namer->pseudonym(namer->baton, identity, fresh, r->pool);
    if (result.code == BASE_OK) {
        portal_authn_keep_pseudonym(state->authn, fresh);
        *name = fresh;
    }
    return result;
}

static const char *first_ue_id(const gba_info_t *info)
{
    for (int i = 0; i < info->uss_count; i++)
        if (info->uss[i].ue_id_count > 0)
            return gba_info_text(info, info->uss[i].ue_ids[0]);
    return NULL;
}

static base_result_t choose_name(const char **name, request_rec *r, mod_gba_pki_state_t *state,
                                 const mod_gba_pki_dir_t *dir)
{
    const gba_info_t *info = portal_authn_info(state->authn);

    switch (dir->remote_user) {
    case MOD_GBA_PKI_USER_PSEUDONYM:
        return name_by_ledger(name, r, state, dir);
    case MOD_GBA_PKI_USER_IMPI:
        *name = gba_info_text(info, info->impi);
        break;
    case MOD_GBA_PKI_USER_UEID:
        *name = first_ue_id(info);
        break;
    default:
        *name = portal_authn_credentials(state->authn)->username;
        break;
    }
    return base_ok();
}

int mod_gba_pki_set_user(request_rec *r, mod_gba_pki_state_t *state, const mod_gba_pki_dir_t *dir)
{
    const char *name = NULL;
    base_result_t result = choose_name(&name, r, state, dir);

    if (result.code == BASE_OK && !name)
        result = base_fail(BASE_REQUIRE_REFUSED, "GBA0670",
                           "the BSF gave no name of the kind that GBARemoteUser wants");
    if (result.code != BASE_OK) {
        mod_gba_pki_log_result(r, result);
        return base_code_info(result.code)->http_status;
    }
    r->user = apr_pstrdup(r->pool, name);
    r->ap_auth_type = apr_pstrdup(r->pool, "GBA");
    return OK;
}

/* ---- TS 24.109 clause 7: towards application servers ---- */

/* UEs write the identity in quotation marks, as the clause says, or without. */
static const char *unquote(apr_pool_t *pool, const char *text)
{
    apr_size_t len = strlen(text);

    if (len >= 2 && text[0] == '"' && text[len - 1] == '"')
        return apr_pstrmemdup(pool, text + 1, len - 2);
    return text;
}

static int has_ue_id(const gba_info_t *info, const char *wanted)
{
    for (int i = 0; i < info->uss_count; i++)
        for (int j = 0; j < info->uss[i].ue_id_count; j++) {
            const char *id = gba_info_text(info, info->uss[i].ue_ids[j]);
            if (id && strcmp(id, wanted) == 0)
                return 1;
        }
    return 0;
}

int mod_gba_pki_check_intended(request_rec *r, const mod_gba_pki_state_t *state)
{
    const char *intended = apr_table_get(r->headers_in, INTENDED);

    if (!intended || has_ue_id(portal_authn_info(state->authn), unquote(r->pool, intended)))
        return OK;
    mod_gba_pki_log_result(r, base_fail(BASE_REQUIRE_REFUSED, "GBA0671",
                                        INTENDED " is none of the subscriber's UE identities"));
    return base_code_info(BASE_REQUIRE_REFUSED)->http_status;
}

/* Values come from the BSF and contain no CTL; a quotation mark would end the list's item. */
static const char *list_add(apr_pool_t *pool, const char *list, const char *item, int quoted)
{
    if (strpbrk(item, "\"\\"))
        return list;
    item = quoted ? apr_pstrcat(pool, "\"", item, "\"", NULL) : item;
    return list ? apr_pstrcat(pool, list, ", ", item, NULL) : item;
}

static const char *ue_id_list(apr_pool_t *pool, const gba_info_t *info)
{
    const char *list = NULL;

    for (int i = 0; i < info->uss_count; i++)
        for (int j = 0; j < info->uss[i].ue_id_count; j++) {
            const char *id = gba_info_text(info, info->uss[i].ue_ids[j]);
            if (id)
                list = list_add(pool, list, id, 1);
        }
    return list;
}

static const char *flag_list(apr_pool_t *pool, const gba_info_t *info)
{
    const char *list = NULL;

    for (int i = 0; i < info->uss_count; i++)
        for (int j = 0; j < info->uss[i].flag_count; j++)
            list = list_add(pool, list, apr_psprintf(pool, "%u", info->uss[i].flags[j]), 0);
    return list;
}

static void set_headers(request_rec *r, const gba_info_t *info)
{
    const char *ids = ue_id_list(r->pool, info);
    const char *flags = flag_list(r->pool, info);

    if (ids)
        apr_table_setn(r->headers_in, ASSERTED, ids);
    if (flags)
        apr_table_setn(r->headers_in, FLAGS, flags);
}

/* ---- environment ---- */

static void set_env(request_rec *r, const char *name, const char *value)
{
    if (value)
        apr_table_setn(r->subprocess_env, name, value);
}

static const char *type_name(int type)
{
    static const char *const names[] = {"3G", "3G", "2G", "Digest", "other"};

    return type >= 0 && type <= GBA_TYPE_OTHER ? names[type] : "other";
}

static const char *time_text(apr_pool_t *pool, apr_time_t when)
{
    return when ? apr_psprintf(pool, "%" APR_TIME_T_FMT, apr_time_sec(when)) : NULL;
}

static void set_environment(request_rec *r, const mod_gba_pki_state_t *state)
{
    const gba_info_t *info = portal_authn_info(state->authn);
    const digest_credentials_t *cred = portal_authn_credentials(state->authn);
    const gba_naf_id_t *naf = portal_authn_naf_id(state->authn);
    char *ua_id = apr_palloc(r->pool, 2 * GBA_UA_ID_LEN + 1);

    base_hex_encode(ua_id, naf->ua_id, GBA_UA_ID_LEN);
    set_env(r, "GBA_BTID", cred->username);
    set_env(r, "GBA_NAF_FQDN", naf->fqdn);
    set_env(r, "GBA_UA_PROTOCOL", ua_id);
    set_env(r, "GBA_QOP", digest_qop_name(cred->qop));
    set_env(r, "GBA_ALGORITHM", digest_alg_name(cred->alg));
    set_env(r, "GBA_TYPE", type_name(info->type));
    set_env(r, "GBA_IMPI", gba_info_text(info, info->impi));
    set_env(r, "GBA_UE_IDS", ue_id_list(r->pool, info));
    set_env(r, "GBA_FLAGS", flag_list(r->pool, info));
    set_env(r, "GBA_KEY_EXPIRES", time_text(r->pool, info->expires));
    set_env(r, "GBA_BOOTSTRAPPED", time_text(r->pool, info->bootstrapped));
}

int mod_gba_pki_fixups(request_rec *r)
{
    const mod_gba_pki_state_t *state = mod_gba_pki_state(r);

    if (!state || !state->verified || !mod_gba_pki_applies(r))
        return DECLINED;
    set_environment(r, state);
    set_headers(r, portal_authn_info(state->authn));
    return DECLINED;
}
