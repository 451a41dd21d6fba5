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

/* What runs behind may read all signs of a field's name as one (RFC 3875 4.1.18 has "-" as "_"). */
static char fold(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\0' ? c : '-';
}

static int has_prefix(const char *name, const char *prefix)
{
    for (; *prefix; name++, prefix++)
        if (fold(*name) != fold(*prefix))
            return 0;
    return 1;
}

static int is_named(const char *name, const char *other)
{
    return strlen(name) == strlen(other) && has_prefix(name, other);
}

static int is_outward(const char *name)
{
    return is_named(name, ASSERTED) || is_named(name, FLAGS) || is_named(name, INTENDED);
}

static int is_reserved(const char *name)
{
    /* A part of a body cannot be verified: no ranges. */
    static const char *const names[] = {"Authorization", "Range", "If-Range", "Request-Range"};

    for (apr_size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (is_named(name, names[i]))
            return 1;
    /* The intended identity may be said in the one spelling that is checked. */
    if (ap_cstr_casecmp(name, INTENDED) == 0)
        return 0;
    return is_outward(name) || has_prefix(name, "GBA-");
}

static int collect_reserved(void *baton, const char *name, const char *value)
{
    (void)value;
    if (is_reserved(name))
        APR_ARRAY_PUSH((apr_array_header_t *)baton, const char *) = name;
    return 1;
}

/* Room for all of a field's options: each has at least one sign after it, and gets two. */
static char *option_room(const char *field, apr_pool_t *pool)
{
    return apr_pcalloc(pool, 2 * strlen(field) + 1);
}

/* A field named in Connection is not forwarded (RFC 9110 7.6.1): without this a UE could have
 * dropped what we say of it. Merged, the field may be as long as all fields together. */
static void clean_connection(request_rec *r, apr_pool_t *pool)
{
    const char *left = apr_table_get(r->headers_in, "Connection");
    char *kept = left ? option_room(left, pool) : NULL;
    char *end = kept;
    int named = 0;

    while (left && *left) {
        const char *option = ap_get_token(r->pool, &left, 0);
        if (is_outward(option)) {
            named = 1;
        } else if (*option) {
            if (end != kept)
                end = apr_cpystrn(end, ", ", 3);
            end = apr_cpystrn(end, option, strlen(option) + 1);
        }
        left += strspn(left, ",;");
    }
    if (named && end != kept)
        apr_table_setn(r->headers_in, "Connection", kept);
    else if (named)
        apr_table_unset(r->headers_in, "Connection");
}

void mod_gba_pki_clean_request(request_rec *r)
{
    apr_array_header_t *names = apr_array_make(r->pool, 2, sizeof(const char *));

    apr_table_do(collect_reserved, names, r->headers_in, NULL);
    for (int i = 0; i < names->nelts; i++)
        apr_table_unset(r->headers_in, APR_ARRAY_IDX(names, i, const char *));
    clean_connection(r, mod_gba_pki_first(r)->pool);
}

/* ---- REMOTE_USER ---- */

/* A pseudonym is one ledger's, and locations may have several: what is kept with the association
 * is the name and then the ledger's path. */
static const char *kept_name(apr_pool_t *pool, const gba_info_t *info, const char *path)
{
    const char *kept = gba_info_text(info, info->pseudonym);

    if (!kept || strnlen(kept, PKI_PSEUDONYM_LEN) < PKI_PSEUDONYM_LEN ||
        strcmp(kept + PKI_PSEUDONYM_LEN, path) != 0)
        return NULL;
    return apr_pstrmemdup(pool, kept, PKI_PSEUDONYM_LEN);
}

static base_result_t name_by_ledger(const char **name, request_rec *r, mod_gba_pki_state_t *state,
                                    const mod_gba_pki_dir_t *dir)
{
    const gba_info_t *info = portal_authn_info(state->authn);
    const char *identity = portal_identity(info);
    const char *path = dir->ledger ? dir->ledger->path : "";
    char *fresh = apr_pcalloc(r->pool, PKI_PSEUDONYM_LEN + 1);
    portal_issuer_t *namer = NULL;
    base_result_t result = base_ok();

    *name = kept_name(r->pool, info, path);
    if (*name || !identity)
        return result;
    result = mod_gba_pki_namer(&namer, r, dir);
    if (result.code == BASE_OK)
        result = namer->pseudonym(namer->baton, identity, fresh, r->pool);
    if (result.code == BASE_OK) {
        portal_authn_keep_pseudonym(state->authn, apr_pstrcat(r->pool, fresh, path, NULL));
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
        if (base_code_info(result.code)->http_status == HTTP_SERVICE_UNAVAILABLE)
            apr_table_setn(r->err_headers_out, "Retry-After", MOD_GBA_PKI_RETRY_AFTER);
        return base_code_info(result.code)->http_status;
    }
    r->user = apr_pstrdup(r->pool, name);
    r->ap_auth_type = apr_pstrdup(r->pool, "GBA");
    return OK;
}

/* ---- TS 24.109 clause 7: towards application servers ---- */

static int has_item(const apr_array_header_t *list, const char *item)
{
    for (int i = 0; i < list->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(list, i, const char *), item) == 0)
            return 1;
    return 0;
}

static void add_once(apr_array_header_t *list, const char *item)
{
    if (!has_item(list, item))
        APR_ARRAY_PUSH(list, const char *) = item;
}

/* The UE identities that can be asserted. The BSF's strings contain no CTL; one with a quotation
 * mark or backslash, which no SIP or tel URI has, could be read as two. */
static apr_array_header_t *ue_ids(apr_pool_t *pool, const gba_info_t *info)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(const char *));

    for (int i = 0; i < info->uss_count; i++)
        for (int j = 0; j < info->uss[i].ue_id_count; j++) {
            const char *id = gba_info_text(info, info->uss[i].ue_ids[j]);
            if (id && !strpbrk(id, "\"\\"))
                add_once(list, id);
        }
    return list;
}

static apr_array_header_t *flags(apr_pool_t *pool, const gba_info_t *info)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(const char *));

    for (int i = 0; i < info->uss_count; i++)
        for (int j = 0; j < info->uss[i].flag_count; j++)
            add_once(list, apr_psprintf(pool, "%u", info->uss[i].flags[j]));
    return list;
}

/* NULL if there is nothing to say. */
static const char *join(apr_pool_t *pool, const apr_array_header_t *list, const char *quote)
{
    const char *text = NULL;

    for (int i = 0; i < list->nelts; i++)
        text = apr_pstrcat(pool, text ? text : "", text ? ", " : "", quote,
                           APR_ARRAY_IDX(list, i, const char *), quote, NULL);
    return text;
}

/* UEs write the identity in quotation marks, as the clause says, or without. */
static const char *unquote(apr_pool_t *pool, const char *text)
{
    apr_size_t len = strlen(text);

    if (len >= 2 && text[0] == '"' && text[len - 1] == '"')
        return apr_pstrmemdup(pool, text + 1, len - 2);
    return text;
}

int mod_gba_pki_check_intended(request_rec *r, const mod_gba_pki_state_t *state)
{
    const char *said = apr_table_get(r->headers_in, INTENDED);
    const char *intended = said ? unquote(r->pool, said) : NULL;

    if (!intended)
        return OK;
    if (!has_item(ue_ids(r->pool, portal_authn_info(state->authn)), intended)) {
        mod_gba_pki_log_result(r, base_fail(BASE_REQUIRE_REFUSED, "GBA0671",
                                            INTENDED " is none of the subscriber's UE identities"));
        return base_code_info(BASE_REQUIRE_REFUSED)->http_status;
    }
    /* What goes on is what was checked, in one spelling. */
    apr_table_setn(r->headers_in, INTENDED,
                   apr_pstrcat(state->first->pool, "\"", intended, "\"", NULL));
    return OK;
}

/* Subrequests may share this table, and end before the request whose table it is: values live as
 * long as the transaction. */
static void set_header(const mod_gba_pki_state_t *state, request_rec *r, const char *name,
                       const char *value)
{
    if (value)
        apr_table_setn(r->headers_in, name, apr_pstrdup(state->first->pool, value));
    else
        apr_table_unset(r->headers_in, name);
}

/* ---- environment ---- */

static void set_env(request_rec *r, const char *name, const char *value)
{
    if (value)
        apr_table_setn(r->subprocess_env, name, value);
    else
        apr_table_unset(r->subprocess_env, name);
}

const char *mod_gba_pki_type_name(int type)
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
    set_env(r, "GBA_TYPE", mod_gba_pki_type_name(info->type));
    set_env(r, "GBA_IMPI", gba_info_text(info, info->impi));
    set_env(r, "GBA_UE_IDS", join(r->pool, ue_ids(r->pool, info), "\""));
    set_env(r, "GBA_FLAGS", join(r->pool, flags(r->pool, info), ""));
    set_env(r, "GBA_KEY_EXPIRES", time_text(r->pool, info->expires));
    set_env(r, "GBA_BOOTSTRAPPED", time_text(r->pool, info->bootstrapped));
}

int mod_gba_pki_fixups(request_rec *r)
{
    const mod_gba_pki_state_t *state = mod_gba_pki_state(r);
    const gba_info_t *info;

    if (!state || !state->verified)
        return DECLINED;
    if (!mod_gba_pki_applies(r)) {
        /* An internal redirect out of the location: what was said was for those behind it. */
        if (!r->main) {
            apr_table_unset(r->headers_in, ASSERTED);
            apr_table_unset(r->headers_in, FLAGS);
        }
        return DECLINED;
    }
    info = portal_authn_info(state->authn);
    set_environment(r, state);
    set_header(state, r, ASSERTED, join(r->pool, ue_ids(r->pool, info), "\""));
    set_header(state, r, FLAGS, join(r->pool, flags(r->pool, info), ""));
    return DECLINED;
}
