/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_config.h"

#include <unistd.h>

#include <apr_file_info.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <unixd.h>

#include "httpd/mod_gba_pki_keeper.h"
#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_profile.h"

APLOG_USE_MODULE(gba_pki);

#define GS_ID_PKI_PORTAL 1  /* the GAA service identifier of PKI portals (TS 29.109) */
#define GS_IDS_MAX       32 /* as many services a question may name */

static const char parts_key[] = "mod_gba_pki parts";

mod_gba_pki_parts_t *mod_gba_pki_parts(apr_pool_t *pconf)
{
    void *found = NULL;
    mod_gba_pki_parts_t *parts;

    if (apr_pool_userdata_get(&found, parts_key, pconf) == APR_SUCCESS && found)
        return found;
    parts = apr_pcalloc(pconf, sizeof(*parts));
    parts->sources = apr_array_make(pconf, 2, sizeof(mod_gba_pki_source_t *));
    parts->cas = apr_array_make(pconf, 2, sizeof(mod_gba_pki_ca_t *));
    parts->bsfs = apr_array_make(pconf, 2, sizeof(mod_gba_pki_bsf_t *));
    parts->gs_ids = apr_array_make(pconf, 2, sizeof(apr_uint32_t));
    APR_ARRAY_PUSH(parts->gs_ids, apr_uint32_t) = GS_ID_PKI_PORTAL;
    parts->ledgers = apr_array_make(pconf, 2, sizeof(mod_gba_pki_ledger_t *));
    parts->profiles = apr_array_make(pconf, 4, sizeof(mod_gba_pki_profile_t));
    parts->choices = apr_array_make(pconf, 2, sizeof(mod_gba_pki_choice_t *));
    parts->held = apr_array_make(pconf, 2, sizeof(apr_int64_t));
    parts->issued = apr_array_make(pconf, 2, sizeof(mod_gba_pki_quota_t));
    apr_pool_userdata_setn(parts, parts_key, NULL, pconf);
    return parts;
}

const char *mod_gba_pki_parts_service(apr_pool_t *pconf, apr_uint32_t gs_id)
{
    apr_array_header_t *ids = mod_gba_pki_parts(pconf)->gs_ids;

    for (int i = 0; i < ids->nelts; i++)
        if (APR_ARRAY_IDX(ids, i, apr_uint32_t) == gs_id)
            return NULL;
    if (ids->nelts == GS_IDS_MAX)
        return "more than 32 different services are required";
    APR_ARRAY_PUSH(ids, apr_uint32_t) = gs_id;
    return NULL;
}

int mod_gba_pki_complain(server_rec *s, const mod_gba_pki_origin_t *origin, const char *directive,
                         base_result_t result)
{
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, s, "%s: %s line %d: %s: %s", result.tag,
                 origin->file, origin->line, directive, result.detail);
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* Both run in a process of their own: keys never stand in the parent's memory, which children
 * inherit. */
static base_result_t try_source(void *baton, apr_pool_t *pool)
{
    const mod_gba_pki_source_t *source = baton;
    gba_keysource_t *out;

    return keeper_file_open(&out, source->path, base_clock_system(), pool);
}

base_result_t mod_gba_pki_ca_load(mod_gba_pki_ca_t *ca, const keeper_passphrase_t *source,
                                  apr_pool_t *pool)
{
    pki_passphrase_t *passphrase = source ? keeper_passphrase_make(source, pool) : NULL;

    return pki_ca_load(&ca->ca, ca->cert_path, ca->key_path, ca->chain_path, passphrase, pool);
}

/* A CA, and where the passphrase of its key is. */
typedef struct locked_t {
    mod_gba_pki_ca_t *ca;
    const keeper_passphrase_t *passphrase;
} locked_t;

static base_result_t try_ca(void *baton, apr_pool_t *pool)
{
    const locked_t *locked = baton;

    return mod_gba_pki_ca_load(locked->ca, locked->passphrase, pool);
}

static int check_source(mod_gba_pki_source_t *source, apr_pool_t *pconf, server_rec *s)
{
    const mod_gba_pki_srv_t *srv =
        ap_get_module_config(source->server->module_config, &gba_pki_module);
    base_result_t result;

    if (!source->path)
        return OK;
    if (srv->laboratory != 1)
        return mod_gba_pki_complain(
            s, &source->origin, "GBAKeySource",
            base_fail(BASE_INTERNAL, "GBA0603",
                      "'file:' is for laboratories: it needs GBALaboratory On in the "
                      "same server"));
    result = mod_gba_pki_apart(try_source, source, NULL, pconf);
    return result.code == BASE_OK
               ? OK
               : mod_gba_pki_complain(s, &source->origin, "GBAKeySource", result);
}

/* httpd starts all the same: who is known authenticates, and another service may live here too. The
 * certificate alone is read, no key. */
static void check_validity(const mod_gba_pki_ca_t *ca, apr_pool_t *pconf, server_rec *s)
{
    char begin[APR_RFC822_DATE_LEN], end[APR_RFC822_DATE_LEN];
    apr_time_t from = 0, to = 0, now = apr_time_now();
    pki_ca_t *read = NULL;
    apr_pool_t *pool;

    apr_pool_create(&pool, pconf);
    if (pki_ca_load(&read, ca->cert_path, NULL, NULL, NULL, pool).code == BASE_OK) {
        pki_ca_validity(read, &from, &to);
        apr_rfc822_date(begin, from);
        apr_rfc822_date(end, to);
        if (now < from || now > to)
            ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, s,
                         "GBA1850: %s line %d: GBAIssuer: %s holds from %s to %s, not now: nobody "
                         "is enrolled until the CA is renewed or the clock is right",
                         ca->origin.file, ca->origin.line, ca->cert_path, begin, end);
    }
    apr_pool_destroy(pool);
}

static int check_ca(mod_gba_pki_ca_t *ca, apr_pool_t *pconf, server_rec *s)
{
    locked_t locked = {ca, mod_gba_pki_parts(pconf)->passphrase};
    base_result_t result = mod_gba_pki_apart(try_ca, &locked, NULL, pconf);

    return result.code == BASE_OK ? OK : mod_gba_pki_complain(s, &ca->origin, "GBAIssuer", result);
}

static base_result_t try_ledger(void *baton, apr_pool_t *pool)
{
    return keeper_sqlite_examine(baton, pool);
}

/* Without making anything: the folder that will hold the ledger must be there, and be the keeper's
 * to write, and a file that is there must be a ledger of this version. */
static int check_ledger(const mod_gba_pki_ledger_t *ledger, apr_pool_t *pconf, server_rec *s)
{
    const char *slash = strrchr(ledger->path, '/');
    const char *folder =
        slash ? apr_pstrmemdup(pconf, ledger->path, (apr_size_t)(slash - ledger->path) + 1) : ".";
    apr_finfo_t info;
    base_result_t result;

    if (apr_stat(&info, folder, APR_FINFO_TYPE, pconf) != APR_SUCCESS || info.filetype != APR_DIR)
        result = base_fail(BASE_STORE_DOWN, "GBA0604",
                           apr_psprintf(pconf, "the folder %s is not there", folder));
    else if (geteuid() == 0 && ap_unixd_config.user_id == (uid_t)-1)
        result = base_ok(); /* no User, no look: httpd will not start like that, and root opens
                               nothing that stands in somebody else's folder */
    else
        result = mod_gba_pki_apart(try_ledger, (void *)ledger->path,
                                   ap_get_module_config(s->module_config, &gba_pki_module), pconf);
    return result.code == BASE_OK ? OK
                                  : mod_gba_pki_complain(s, &ledger->origin, "GBALedger", result);
}

/* Nonzero if some section gives this directive this one argument. What is inside a section that is
 * not in force is not in the tree. */
static int says(const ap_directive_t *node, const char *directive, const char *argument)
{
    for (; node; node = node->next)
        if ((ap_cstr_casecmp(node->directive, directive) == 0 &&
             ap_cstr_casecmp(node->args, argument) == 0) ||
            says(node->first_child, directive, argument))
            return 1;
    return 0;
}

static int has_handler(const ap_directive_t *node, const char *name)
{
    return says(node, "SetHandler", name);
}

/* Which location enrols with which CA is known only when a request comes; that there is none at all
 * is known now. */
static int check_enrolment(const mod_gba_pki_parts_t *parts, server_rec *s)
{
    const char *missing = parts->cas->nelts == 0       ? "GBAIssuer"
                          : parts->ledgers->nelts == 0 ? "GBALedger"
                                                       : NULL;

    if (!missing || !has_handler(ap_conftree, "gba-enrol"))
        return OK;
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, s,
                 "GBA0605: SetHandler gba-enrol is configured, but no %s", missing);
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* It works, and shows zeros: more likely something was forgotten than meant. */
static void check_status(const mod_gba_pki_parts_t *parts, server_rec *s)
{
    if (parts->sources->nelts + parts->cas->nelts + parts->ledgers->nelts == 0 &&
        has_handler(ap_conftree, "gba-status"))
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, s,
                     "GBA1605: SetHandler gba-status is configured, but no GBAKeySource, GBAIssuer "
                     "or GBALedger: there is nothing to watch");
}

/* Every such location answers 500; one that has to be told nothing else may be the better part of
 * the server. */
static void check_authn(const mod_gba_pki_parts_t *parts, server_rec *s)
{
    if (parts->sources->nelts == 0 && says(ap_conftree, "AuthType", "GBA"))
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, s,
                     "GBA1852: AuthType GBA is configured, but no GBAKeySource: nobody can "
                     "authenticate");
}

void mod_gba_pki_parts_warn(apr_pool_t *pconf, server_rec *s)
{
    const mod_gba_pki_parts_t *parts = mod_gba_pki_parts(pconf);

    check_status(parts, s);
    check_authn(parts, s);
    for (int i = 0; i < parts->cas->nelts; i++)
        check_validity(APR_ARRAY_IDX(parts->cas, i, mod_gba_pki_ca_t *), pconf, s);
}

int mod_gba_pki_parts_check(apr_pool_t *pconf, server_rec *s)
{
    const mod_gba_pki_parts_t *parts = mod_gba_pki_parts(pconf);
    int status = check_enrolment(parts, s);

    if (status == OK)
        status = mod_gba_pki_bsf_check(pconf, s);
    if (status == OK)
        status = mod_gba_pki_profiles_check(pconf, s);
    for (int i = 0; status == OK && i < parts->sources->nelts; i++)
        status = check_source(APR_ARRAY_IDX(parts->sources, i, mod_gba_pki_source_t *), pconf, s);
    for (int i = 0; status == OK && i < parts->cas->nelts; i++)
        status = check_ca(APR_ARRAY_IDX(parts->cas, i, mod_gba_pki_ca_t *), pconf, s);
    for (int i = 0; status == OK && i < parts->ledgers->nelts; i++)
        status = check_ledger(APR_ARRAY_IDX(parts->ledgers, i, mod_gba_pki_ledger_t *), pconf, s);
    /* To the operator's terminal; the log is not open yet, so it is told again when it is. */
    if (status == OK && ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        mod_gba_pki_parts_warn(pconf, s);
    return status;
}
