/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_config.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_ssl.h>

#include "gba/gba_suite.h"
#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_set.h"

APLOG_USE_MODULE(gba_pki);

/* Carries nothing: the nonce carries what must be remembered. Clients only have to return it. */
static const char challenge_opaque[] = "5ccc069c403ebaf9f0171e9517f40e41";

void *mod_gba_pki_dir_create(apr_pool_t *pool, char *dir)
{
    mod_gba_pki_dir_t *conf = apr_pcalloc(pool, sizeof(*conf));

    (void)dir;
    conf->nonce_lifetime = -1;
    conf->assoc_max_age = -1;
    conf->settings_max_age = -1;
    conf->request_max = conf->request_spool = -1;
    conf->response_max = conf->response_spool = -1;
    conf->refusal_expires = -1;
    conf->renew_before = -1;
    conf->quota.held_max = conf->quota.issued_max = -1;
    conf->relaxed_uri = conf->next_nonce = conf->uicc = -1;
    return conf;
}

/* Rules only narrow: an inner location's come after those around it. */
static apr_array_header_t *join_rules(apr_pool_t *pool, const mod_gba_pki_dir_t *base,
                                      const mod_gba_pki_dir_t *add)
{
    if (base->rules && add->rules)
        return apr_array_append(pool, base->rules, add->rules);
    return add->rules ? add->rules : base->rules;
}

#define MERGE_POINTER(member) conf->member = add->member ? add->member : base->member
#define MERGE_NUMBER(member)  conf->member = add->member != -1 ? add->member : base->member

void *mod_gba_pki_dir_merge(apr_pool_t *pool, void *base_conf, void *add_conf)
{
    const mod_gba_pki_dir_t *base = base_conf;
    const mod_gba_pki_dir_t *add = add_conf;
    const mod_gba_pki_dir_t *from;
    mod_gba_pki_dir_t *conf = apr_pcalloc(pool, sizeof(*conf));

    MERGE_POINTER(naf_fqdn);
    from = add->ua_id_count ? add : base;
    memcpy(conf->ua_ids, from->ua_ids, sizeof(conf->ua_ids));
    conf->ua_id_count = from->ua_id_count;
    from = add->alg_count ? add : base;
    memcpy(conf->algs, from->algs, sizeof(conf->algs));
    conf->alg_count = from->alg_count;
    MERGE_POINTER(qop);
    MERGE_NUMBER(nonce_lifetime);
    MERGE_NUMBER(assoc_max_age);
    MERGE_NUMBER(settings_max_age);
    MERGE_NUMBER(request_max);
    MERGE_NUMBER(request_spool);
    MERGE_NUMBER(response_max);
    MERGE_NUMBER(response_spool);
    MERGE_NUMBER(refusal_expires);
    MERGE_NUMBER(renew_before);
    MERGE_NUMBER(quota.held_max);
    MERGE_NUMBER(quota.issued_max);
    from = add->quota.issued_max != -1 ? add : base;
    conf->quota.issued_window = from->quota.issued_window;
    MERGE_POINTER(choice);
    MERGE_POINTER(naf_group);
    conf->rules = join_rules(pool, base, add);
    MERGE_NUMBER(relaxed_uri);
    MERGE_NUMBER(next_nonce);
    MERGE_NUMBER(uicc);
    MERGE_POINTER(types);
    MERGE_POINTER(remote_user);
    MERGE_POINTER(source);
    MERGE_POINTER(ca);
    MERGE_POINTER(ledger);
    return conf;
}

void *mod_gba_pki_srv_create(apr_pool_t *pool, server_rec *s)
{
    mod_gba_pki_srv_t *conf = apr_pcalloc(pool, sizeof(*conf));

    (void)s;
    conf->laboratory = -1;
    conf->associations = -1;
    conf->lookup_rate = -1;
    conf->keeper_threads = -1;
    conf->keeper_timeout = -1;
    return conf;
}

void *mod_gba_pki_srv_merge(apr_pool_t *pool, void *base_conf, void *add_conf)
{
    const mod_gba_pki_srv_t *base = base_conf;
    const mod_gba_pki_srv_t *add = add_conf;
    mod_gba_pki_srv_t *conf = apr_pcalloc(pool, sizeof(*conf));

    MERGE_NUMBER(laboratory);
    MERGE_NUMBER(associations);
    MERGE_NUMBER(lookup_rate);
    MERGE_NUMBER(keeper_threads);
    MERGE_NUMBER(keeper_timeout);
    MERGE_POINTER(keeper_folder);
    MERGE_POINTER(keeper_user);
    conf->keeper_uid = add->keeper_user ? add->keeper_uid : base->keeper_uid;
    conf->keeper_gid = add->keeper_user ? add->keeper_gid : base->keeper_gid;
    return conf;
}

/* ---- defaults: docs/directives.md and conf/gba_pki.conf show them ---- */

static void default_lists(mod_gba_pki_dir_t *conf)
{
    if (conf->ua_id_count == 0) {
        gba_ua_id_parse(conf->ua_ids[0], "pki");
        conf->ua_id_count = 1;
    }
    if (conf->alg_count == 0) {
        conf->algs[conf->alg_count++] = DIGEST_SHA256;
        if (digest_alg_available(DIGEST_MD5))
            conf->algs[conf->alg_count++] = DIGEST_MD5;
    }
    if (conf->qop == 0)
        conf->qop = DIGEST_QOP_AUTH_INT;
    if (conf->types == 0)
        conf->types = 1u << GBA_TYPE_3G;
    if (conf->remote_user == MOD_GBA_PKI_USER_UNSET)
        conf->remote_user = MOD_GBA_PKI_USER_BTID;
}

#define DEFAULT_NUMBER(member, value)                                                              \
    if (conf->member == -1)                                                                        \
    conf->member = (value)

static void default_numbers(mod_gba_pki_dir_t *conf)
{
    DEFAULT_NUMBER(nonce_lifetime, apr_time_from_sec(600));
    DEFAULT_NUMBER(assoc_max_age, apr_time_from_sec(24 * 3600));
    DEFAULT_NUMBER(settings_max_age, apr_time_from_sec(300));
    DEFAULT_NUMBER(request_max, 1024 * 1024);
    DEFAULT_NUMBER(request_spool, 64 * 1024);
    DEFAULT_NUMBER(response_max, 64 * 1024 * 1024);
    DEFAULT_NUMBER(response_spool, 256 * 1024);
    DEFAULT_NUMBER(refusal_expires, apr_time_from_sec(24 * 3600));
    DEFAULT_NUMBER(relaxed_uri, 0);
    DEFAULT_NUMBER(next_nonce, 0);
    DEFAULT_NUMBER(uicc, 0);
}

const mod_gba_pki_dir_t *mod_gba_pki_dir_effective(request_rec *r, apr_pool_t *pool)
{
    const mod_gba_pki_dir_t *set = ap_get_module_config(r->per_dir_config, &gba_pki_module);
    mod_gba_pki_dir_t *conf = apr_pmemdup(pool, set, sizeof(*set));

    default_lists(conf);
    default_numbers(conf);
    return conf;
}

/* That of a .htaccess file is the request's own. */
static const char *naf_name(request_rec *r, const mod_gba_pki_dir_t *dir, apr_pool_t *pool)
{
    char *name;

    if (dir->naf_fqdn)
        return apr_pstrdup(pool, dir->naf_fqdn);
    /* ServerName, never the Host header: the UE must not choose the NAF it talks to. */
    name = apr_pstrdup(pool, r->server->server_hostname ? r->server->server_hostname : "");
    ap_str_tolower(name);
    return gba_fqdn_check(name) ? name : NULL;
}

/* The identifier of the connection's TLS suite. Nonzero if there is one. */
static int suite_id(request_rec *r, unsigned char out[GBA_UA_ID_LEN])
{
    static char name[] = "SSL_CIPHER";
    APR_OPTIONAL_FN_TYPE(ssl_var_lookup) *lookup = APR_RETRIEVE_OPTIONAL_FN(ssl_var_lookup);
    const char *suite = lookup ? lookup(r->pool, r->server, r->connection, r, name) : NULL;

    if (!suite || !*suite)
        return 0;
    if (gba_ua_id_tls(out, suite))
        return 1;
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                  "GBA1720: TLS suite %s has no Ua security protocol identifier here", suite);
    return 0;
}

/* In the order of the directive; "tls" is left out without TLS. */
static void fill_ua_ids(portal_authn_config_t *config, request_rec *r, const mod_gba_pki_dir_t *dir)
{
    for (int i = 0; i < dir->ua_id_count; i++) {
        unsigned char *id = config->ua_ids[config->ua_id_count];
        if (memcmp(dir->ua_ids[i], mod_gba_pki_ua_tls, GBA_UA_ID_LEN) != 0)
            memcpy(id, dir->ua_ids[i], GBA_UA_ID_LEN);
        else if (!suite_id(r, id))
            continue;
        config->ua_id_count++;
    }
}

const portal_authn_config_t *mod_gba_pki_authn_config(request_rec *r, const mod_gba_pki_dir_t *dir,
                                                      apr_pool_t *pool)
{
    portal_authn_config_t *config = apr_pcalloc(pool, sizeof(*config));

    config->naf_fqdn = naf_name(r, dir, pool);
    if (!config->naf_fqdn) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "GBA0601: ServerName is no fully qualified name: set GBANafFqdn");
        return NULL;
    }
    if (!dir->source || !dir->source->source) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "GBA0602: AuthType GBA without a GBAKeySource");
        return NULL;
    }
    config->realm = gba_realm_print(pool, GBA_REALM_ME, config->naf_fqdn);
    if (dir->uicc)
        config->uicc_realm = gba_realm_print(pool, GBA_REALM_UICC, config->naf_fqdn);
    config->relaxed_uri = dir->relaxed_uri;
    config->next_nonce = dir->next_nonce;
    config->opaque = challenge_opaque;
    fill_ua_ids(config, r, dir);
    if (config->ua_id_count == 0) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "GBA1721: GBAUaProtocol names 'tls' alone, and this connection has no TLS");
        return NULL;
    }
    memcpy(config->algs, dir->algs, sizeof(config->algs));
    config->alg_count = dir->alg_count;
    config->qop = dir->qop;
    config->nonce_lifetime = dir->nonce_lifetime;
    config->assoc_max_age = dir->assoc_max_age;
    config->settings_max_age = dir->settings_max_age;
    return config;
}
