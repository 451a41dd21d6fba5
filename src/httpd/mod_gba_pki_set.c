/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_set.h"

#include <pwd.h>
#include <string.h>
#include <sys/un.h>

#include <apr_strings.h>
#include <http_core.h>

#include "base/base_text.h"
#include "httpd/mod_gba_pki_config.h"
#include "httpd/mod_gba_pki_keeper.h"
#include "httpd/mod_gba_pki_module.h"

const unsigned char mod_gba_pki_ua_tls[GBA_UA_ID_LEN] = {1, 0, 1, 0, 0};

#define DURATION_MAX apr_time_from_sec(366 * 24 * 3600)

const char *mod_gba_pki_refuse(cmd_parms *cmd, const char *value, const char *expected)
{
    return apr_psprintf(cmd->pool, "%s: '%s' given, %s expected", cmd->cmd->name, value, expected);
}

static apr_pool_t *conf_pool(const cmd_parms *cmd)
{
    return cmd->server->process->pconf;
}

mod_gba_pki_origin_t mod_gba_pki_origin(const cmd_parms *cmd)
{
    mod_gba_pki_origin_t origin = {cmd->directive->filename, cmd->directive->line_num};

    return origin;
}

const char *mod_gba_pki_file_path(cmd_parms *cmd, const char *arg)
{
    return *arg ? ap_server_root_relative(conf_pool(cmd), arg) : NULL;
}

const char *mod_gba_pki_set_naf_fqdn(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_dir_t *conf = dir;
    char *name = apr_pstrdup(cmd->pool, arg);

    if (!gba_fqdn_check(arg))
        return mod_gba_pki_refuse(cmd, arg, "a fully qualified domain name without a trailing dot");
    ap_str_tolower(name);
    conf->naf_fqdn = name;
    return NULL;
}

const char *mod_gba_pki_set_ua_protocol(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_dir_t *conf = dir;
    const char *error = mod_gba_pki_list_fault(cmd);

    if (error)
        return error;
    if (conf->ua_id_count == PORTAL_UA_IDS_MAX)
        return mod_gba_pki_refuse(cmd, arg, "at most four identifiers");
    if (strcmp(arg, "tls") == 0) {
        /* Its suite is known in a request only (mod_gba_pki_authn_config()). */
        memcpy(conf->ua_ids[conf->ua_id_count], mod_gba_pki_ua_tls, GBA_UA_ID_LEN);
    } else if (!gba_ua_id_parse(conf->ua_ids[conf->ua_id_count], arg) ||
               memcmp(conf->ua_ids[conf->ua_id_count], mod_gba_pki_ua_tls, GBA_UA_ID_LEN) == 0) {
        return mod_gba_pki_refuse(cmd, arg, "'pki', 'digest', 'tls' or 'hex:' and ten hex digits");
    }
    for (int i = 0; i < conf->ua_id_count; i++)
        if (memcmp(conf->ua_ids[i], conf->ua_ids[conf->ua_id_count], GBA_UA_ID_LEN) == 0)
            return mod_gba_pki_refuse(cmd, arg, "each identifier once");
    conf->ua_id_count++;
    return NULL;
}

/* The main configuration says whether BSFs are asked for Ks_int_NAF everywhere; a .htaccess file,
 * which is read in a request, speaks for its own folder alone. */
const char *mod_gba_pki_set_uicc(cmd_parms *cmd, void *dir, int on)
{
    mod_gba_pki_dir_t *conf = dir;

    conf->uicc = on;
    if (on && ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_RUN_MPM)
        mod_gba_pki_parts(conf_pool(cmd))->uicc = 1;
    return NULL;
}

const char *mod_gba_pki_set_laboratory(cmd_parms *cmd, void *dir, int on)
{
    mod_gba_pki_srv_t *conf = ap_get_module_config(cmd->server->module_config, &gba_pki_module);

    (void)dir;
    conf->laboratory = on;
    return NULL;
}

const char *mod_gba_pki_set_algorithms(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_dir_t *conf = dir;
    digest_alg_t alg;
    const char *error = mod_gba_pki_list_fault(cmd);

    if (error)
        return error;
    if (!digest_alg_parse(&alg, arg))
        return mod_gba_pki_refuse(cmd, arg, "SHA-256, SHA-512-256 or MD5");
    if (!digest_alg_available(alg))
        return mod_gba_pki_refuse(cmd, arg,
                                  "an algorithm that this host's OpenSSL provides (FIPS mode?)");
    for (int i = 0; i < conf->alg_count; i++)
        if (conf->algs[i] == alg)
            return mod_gba_pki_refuse(cmd, arg, "each algorithm once");
    conf->algs[conf->alg_count++] = alg;
    return NULL;
}

const char *mod_gba_pki_set_qop(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_dir_t *conf = dir;
    unsigned qop = strcmp(arg, "auth-int") == 0 ? (unsigned)DIGEST_QOP_AUTH_INT
                   : strcmp(arg, "auth") == 0   ? (unsigned)DIGEST_QOP_AUTH
                                                : 0;
    const char *error = mod_gba_pki_list_fault(cmd);

    if (error)
        return error;
    if (qop == 0)
        return mod_gba_pki_refuse(cmd, arg, "auth-int or auth");
    if (conf->qop & qop)
        return mod_gba_pki_refuse(cmd, arg, "each value once");
    conf->qop |= qop;
    return NULL;
}

/* A word of a directive and what it stands for. */
typedef struct word_t {
    const char *word;
    unsigned value;
} word_t;

static unsigned find_word(const word_t *words, const char *arg)
{
    for (; words->word; words++)
        if (base_equal_nocase(words->word, arg))
            return words->value;
    return 0;
}

const char *mod_gba_pki_set_allow_type(cmd_parms *cmd, void *dir, const char *arg)
{
    static const word_t words[] = {{"3G", 1u << GBA_TYPE_3G},
                                   {"2G", 1u << GBA_TYPE_2G},
                                   {"Digest", 1u << GBA_TYPE_DIGEST},
                                   {NULL, 0}};
    mod_gba_pki_dir_t *conf = dir;
    unsigned type = find_word(words, arg);
    const char *error = mod_gba_pki_list_fault(cmd);

    if (error)
        return error;
    if (type == 0)
        return mod_gba_pki_refuse(cmd, arg, "3G, 2G or Digest");
    conf->types |= type;
    return NULL;
}

const char *mod_gba_pki_set_remote_user(cmd_parms *cmd, void *dir, const char *arg)
{
    static const word_t words[] = {{"btid", MOD_GBA_PKI_USER_BTID},
                                   {"impi", MOD_GBA_PKI_USER_IMPI},
                                   {"ueid", MOD_GBA_PKI_USER_UEID},
                                   {"pseudonym", MOD_GBA_PKI_USER_PSEUDONYM},
                                   {NULL, 0}};
    mod_gba_pki_dir_t *conf = dir;

    conf->remote_user = (mod_gba_pki_user_t)find_word(words, arg);
    return conf->remote_user ? NULL : mod_gba_pki_refuse(cmd, arg, "btid, impi, ueid or pseudonym");
}

const char *mod_gba_pki_set_duration(cmd_parms *cmd, void *dir, const char *arg)
{
    apr_interval_time_t span;

    if (!base_duration_decode(&span, arg) || span <= 0 || span > DURATION_MAX)
        return mod_gba_pki_refuse(cmd, arg,
                                  "a number with ms, s, m, h or d, above 0 and at most 366d");
    memcpy((char *)dir + (apr_size_t)cmd->info, &span, sizeof(span));
    return NULL;
}

/* A number that the main server alone may set. */
static const char *set_global(cmd_parms *cmd, const char *arg, apr_uint64_t min, apr_uint64_t max,
                              apr_int64_t *out)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    apr_uint64_t number;

    if (error)
        return error;
    if (!base_decimal_decode(&number, base_span_str(arg), max) || number < min)
        return mod_gba_pki_refuse(
            cmd, arg,
            apr_psprintf(cmd->pool, "a number from %" APR_UINT64_T_FMT " to %" APR_UINT64_T_FMT,
                         min, max));
    *out = (apr_int64_t)number;
    return NULL;
}

const char *mod_gba_pki_set_associations(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_srv_t *conf = ap_get_module_config(cmd->server->module_config, &gba_pki_module);

    (void)dir;
    return set_global(cmd, arg, 16, 4 * 1024 * 1024, &conf->associations);
}

const char *mod_gba_pki_set_lookup_rate(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_srv_t *conf = ap_get_module_config(cmd->server->module_config, &gba_pki_module);

    (void)dir;
    return set_global(cmd, arg, 1, 100000, &conf->lookup_rate);
}

const char *mod_gba_pki_set_keeper_threads(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_srv_t *conf = ap_get_module_config(cmd->server->module_config, &gba_pki_module);

    (void)dir;
    return set_global(cmd, arg, 1, 1024, &conf->keeper_threads);
}

const char *mod_gba_pki_set_keeper_timeout(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_srv_t *conf = ap_get_module_config(cmd->server->module_config, &gba_pki_module);
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)dir;
    return error ? error : mod_gba_pki_set_duration(cmd, conf, arg);
}

static const char *set_body(cmd_parms *cmd, const char *max, const char *spool, apr_off_t *max_out,
                            apr_off_t *spool_out)
{
    apr_off_t max_value, spool_value;
    const char *error = mod_gba_pki_list_fault(cmd);

    if (error)
        return error;
    if (!base_size_decode(&max_value, max) || max_value < 1)
        return mod_gba_pki_refuse(cmd, max, "a size such as 1M, above 0");
    if (spool && !base_size_decode(&spool_value, spool))
        return mod_gba_pki_refuse(cmd, spool, "a size such as 64K");
    *max_out = max_value;
    if (spool)
        *spool_out = spool_value;
    return NULL;
}

const char *mod_gba_pki_set_request_body(cmd_parms *cmd, void *dir, const char *max,
                                         const char *spool)
{
    mod_gba_pki_dir_t *conf = dir;

    return set_body(cmd, max, spool, &conf->request_max, &conf->request_spool);
}

const char *mod_gba_pki_set_response_body(cmd_parms *cmd, void *dir, const char *max,
                                          const char *spool)
{
    mod_gba_pki_dir_t *conf = dir;

    return set_body(cmd, max, spool, &conf->response_max, &conf->response_spool);
}

static int same_path(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

const char *mod_gba_pki_set_issuer(cmd_parms *cmd, void *dir, const char *cert, const char *key,
                                   const char *chain)
{
    mod_gba_pki_dir_t *conf = dir;
    apr_array_header_t *cas = mod_gba_pki_parts(conf_pool(cmd))->cas;
    mod_gba_pki_ca_t *ca = apr_pcalloc(conf_pool(cmd), sizeof(*ca));

    ca->cert_path = mod_gba_pki_file_path(cmd, cert);
    ca->key_path = mod_gba_pki_file_path(cmd, key);
    ca->chain_path = chain ? mod_gba_pki_file_path(cmd, chain) : NULL;
    ca->origin = mod_gba_pki_origin(cmd);
    if (!ca->cert_path || !ca->key_path || (chain && !ca->chain_path))
        return mod_gba_pki_refuse(cmd, cert,
                                  "paths of a certificate file, a key file and maybe a chain file");
    for (int i = 0; i < cas->nelts; i++) {
        mod_gba_pki_ca_t *known = APR_ARRAY_IDX(cas, i, mod_gba_pki_ca_t *);
        if (same_path(known->cert_path, ca->cert_path) &&
            same_path(known->key_path, ca->key_path) &&
            same_path(known->chain_path, ca->chain_path)) {
            conf->ca = known;
            return NULL;
        }
    }
    ca->index = cas->nelts;
    APR_ARRAY_PUSH(cas, mod_gba_pki_ca_t *) = ca;
    conf->ca = ca;
    return NULL;
}

#define PASSPHRASE_ARGS_MAX 15    /* of the program, beside its own name */
#define PASSPHRASE_MS       10000 /* how long it may take */

const char *mod_gba_pki_set_passphrase(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    static const char expected[] = "'file:' and a path, or 'exec:' and a program's path";
    keeper_passphrase_t *source = apr_pcalloc(conf_pool(cmd), sizeof(*source));
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    int exec;

    (void)dir;
    if (!error)
        error = mod_gba_pki_list_fault(cmd);
    if (error || argc < 1)
        return error ? error : mod_gba_pki_refuse(cmd, "nothing", expected);
    exec = strncmp(argv[0], "exec:", 5) == 0;
    if ((!exec && (strncmp(argv[0], "file:", 5) != 0 || argc != 1)) ||
        argc > PASSPHRASE_ARGS_MAX + 1)
        return mod_gba_pki_refuse(cmd, argv[0], expected);
    source->path = mod_gba_pki_file_path(cmd, argv[0] + 5);
    if (!source->path)
        return mod_gba_pki_refuse(cmd, argv[0], expected);
    source->timeout_ms = PASSPHRASE_MS;
    if (exec) {
        source->argv = apr_pcalloc(conf_pool(cmd), sizeof(*source->argv) * (apr_size_t)(argc + 1));
        source->argv[0] = source->path;
        for (int i = 1; i < argc; i++)
            source->argv[i] = apr_pstrdup(conf_pool(cmd), argv[i]);
    }
    mod_gba_pki_parts(conf_pool(cmd))->passphrase = source;
    return NULL;
}

const char *mod_gba_pki_set_ledger(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_dir_t *conf = dir;
    apr_array_header_t *ledgers = mod_gba_pki_parts(conf_pool(cmd))->ledgers;
    const char *path = strncmp(arg, "sqlite:", 7) == 0 ? mod_gba_pki_file_path(cmd, arg + 7) : NULL;
    mod_gba_pki_ledger_t *ledger;

    if (!path)
        return mod_gba_pki_refuse(cmd, arg, "'sqlite:' and a path");
    for (int i = 0; i < ledgers->nelts; i++) {
        ledger = APR_ARRAY_IDX(ledgers, i, mod_gba_pki_ledger_t *);
        if (strcmp(ledger->path, path) == 0) {
            conf->ledger = ledger;
            return NULL;
        }
    }
    ledger = apr_pcalloc(conf_pool(cmd), sizeof(*ledger));
    ledger->path = path;
    ledger->origin = mod_gba_pki_origin(cmd);
    ledger->index = ledgers->nelts;
    APR_ARRAY_PUSH(ledgers, mod_gba_pki_ledger_t *) = ledger;
    conf->ledger = ledger;
    return NULL;
}

const char *mod_gba_pki_set_keeper(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_srv_t *conf = ap_get_module_config(cmd->server->module_config, &gba_pki_module);
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)dir;
    if (error)
        return error;
    conf->keeper_folder = mod_gba_pki_file_path(cmd, arg);
    if (!conf->keeper_folder || strlen(conf->keeper_folder) + MOD_GBA_PKI_SOCKET_ROOM >
                                    sizeof(((struct sockaddr_un *)0)->sun_path))
        return mod_gba_pki_refuse(cmd, arg, "a path of at most 83 octets");
    return NULL;
}

const char *mod_gba_pki_set_keeper_user(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_srv_t *conf = ap_get_module_config(cmd->server->module_config, &gba_pki_module);
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const struct passwd *user;

    (void)dir;
    if (error)
        return error;
    user = getpwnam(arg);
    if (!user || user->pw_uid == 0)
        return mod_gba_pki_refuse(cmd, arg, "the name of a user other than root");
    conf->keeper_user = arg;
    conf->keeper_uid = user->pw_uid;
    conf->keeper_gid = user->pw_gid;
    return NULL;
}
