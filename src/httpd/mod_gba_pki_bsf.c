/* SPDX-License-Identifier: Apache-2.0 */
/* GBAKeySource, <GBABsf> and what stands inside it. */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>

#include "base/base_text.h"
#include "httpd/mod_gba_pki_config.h"
#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_set.h"
#include "keeper/keeper_nbsp_map.h"
#include "keeper/keeper_nbsp_token.h"

#define ID_MAX 255 /* octets of a client id or a scope */

static apr_pool_t *conf_pool(const cmd_parms *cmd)
{
    return cmd->server->process->pconf;
}

/* The section that is being read; NULL, and *error set, outside of one, or if its line has a fault.
 */
static keeper_nbsp_bsf_t *section(cmd_parms *cmd, const char **error)
{
    const mod_gba_pki_parts_t *parts = mod_gba_pki_parts(conf_pool(cmd));

    *error = parts->section
                 ? NULL
                 : apr_psprintf(cmd->pool, "%s: only inside <GBABsf NAME>", cmd->cmd->name);
    if (!*error)
        *error = mod_gba_pki_list_fault(cmd);
    return *error ? NULL : parts->section->bsf;
}

static mod_gba_pki_bsf_t *find_section(const mod_gba_pki_parts_t *parts, const char *name)
{
    for (int i = 0; i < parts->bsfs->nelts; i++) {
        mod_gba_pki_bsf_t *known = APR_ARRAY_IDX(parts->bsfs, i, mod_gba_pki_bsf_t *);
        if (strcmp(known->bsf->name, name) == 0)
            return known;
    }
    return NULL;
}

static mod_gba_pki_bsf_t *make_section(cmd_parms *cmd, const char *name)
{
    mod_gba_pki_bsf_t *made = apr_pcalloc(conf_pool(cmd), sizeof(*made));

    made->bsf = keeper_nbsp_bsf_make(apr_pstrdup(conf_pool(cmd), name), conf_pool(cmd));
    made->origin = mod_gba_pki_origin(cmd);
    made->server = cmd->server;
    APR_ARRAY_PUSH(mod_gba_pki_parts(conf_pool(cmd))->bsfs, mod_gba_pki_bsf_t *) = made;
    return made;
}

static int name_is_plain(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "-_.") == strlen(name);
}

/* ---- the section ---- */

const char *mod_gba_pki_set_bsf(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_parts_t *parts = mod_gba_pki_parts(conf_pool(cmd));
    const char *end = strrchr(arg, '>');
    const char *rest = end ? apr_pstrmemdup(cmd->pool, arg, (apr_size_t)(end - arg)) : "";
    const char *name = ap_getword_conf(cmd->pool, &rest);
    const char *error;

    (void)dir;
    if (!end || !name_is_plain(name) || *rest)
        return mod_gba_pki_refuse(cmd, arg, "one name of letters, digits, '-', '_', '.' and '>'");
    if (parts->section)
        return mod_gba_pki_refuse(cmd, name, "no section inside another");
    if (find_section(parts, name))
        return mod_gba_pki_refuse(cmd, name, "a name that no other section has");
    parts->section = make_section(cmd, name);
    error = ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
    if (!error && parts->section->bsf->addresses->nelts == 0)
        error = mod_gba_pki_refuse(cmd, name, "a GBABsfAddress in it");
    parts->section = NULL;
    return error;
}

const char *mod_gba_pki_set_bsf_domain(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *error;
    keeper_nbsp_bsf_t *bsf = section(cmd, &error);
    char *pattern = apr_pstrdup(conf_pool(cmd), arg);

    (void)dir;
    if (!bsf)
        return error;
    ap_str_tolower(pattern);
    if (!keeper_nbsp_pattern_check(pattern))
        return mod_gba_pki_refuse(cmd, arg, "a domain such as bsf.home1.net, *.home1.net, or *");
    for (int i = 0; i < bsf->domains->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(bsf->domains, i, const char *), pattern) == 0)
            return mod_gba_pki_refuse(cmd, arg, "each domain once");
    APR_ARRAY_PUSH(bsf->domains, const char *) = pattern;
    return NULL;
}

static const char *add_address(cmd_parms *cmd, keeper_nbsp_bsf_t *bsf, const char *arg)
{
    keeper_nbsp_url_t url;

    if (!keeper_nbsp_url_parse(&url, arg, conf_pool(cmd)))
        return mod_gba_pki_refuse(cmd, arg,
                                  "https://HOST[:PORT][/PREFIX], http://... or "
                                  "unix:/PATH[:/PREFIX]");
    for (int i = 0; i < bsf->addresses->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(bsf->addresses, i, keeper_nbsp_url_t).shown, arg) == 0)
            return mod_gba_pki_refuse(cmd, arg, "each address once");
    APR_ARRAY_PUSH(bsf->addresses, keeper_nbsp_url_t) = url;
    return NULL;
}

const char *mod_gba_pki_set_bsf_address(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *error;
    keeper_nbsp_bsf_t *bsf = section(cmd, &error);

    (void)dir;
    return bsf ? add_address(cmd, bsf, arg) : error;
}

const char *mod_gba_pki_set_bsf_protocol(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *error;
    keeper_nbsp_bsf_t *bsf = section(cmd, &error);

    (void)dir;
    if (!bsf)
        return error;
    bsf->http1 = base_equal_nocase(arg, "http/1.1");
    return bsf->http1 || base_equal_nocase(arg, "h2")
               ? NULL
               : mod_gba_pki_refuse(cmd, arg, "h2 or http/1.1");
}

const char *mod_gba_pki_set_bsf_ca(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *error;
    keeper_nbsp_bsf_t *bsf = section(cmd, &error);

    (void)dir;
    if (!bsf)
        return error;
    bsf->ca_path = mod_gba_pki_file_path(cmd, arg);
    return bsf->ca_path ? NULL : mod_gba_pki_refuse(cmd, arg, "a path");
}

const char *mod_gba_pki_set_bsf_certificate(cmd_parms *cmd, void *dir, const char *cert,
                                            const char *key)
{
    const char *error;
    keeper_nbsp_bsf_t *bsf = section(cmd, &error);

    (void)dir;
    if (!bsf)
        return error;
    bsf->cert_path = mod_gba_pki_file_path(cmd, cert);
    bsf->key_path = mod_gba_pki_file_path(cmd, key);
    return bsf->cert_path && bsf->key_path
               ? NULL
               : mod_gba_pki_refuse(cmd, cert, "paths of a certificate file and of its key file");
}

/* What may stand in a form and, for ':', in front of a secret. */
static int id_is_plain(const char *id)
{
    apr_size_t len = strlen(id);

    for (apr_size_t i = 0; i < len; i++)
        if (id[i] <= 0x20 || id[i] == 0x7f)
            return 0;
    return len > 0 && len <= ID_MAX;
}

const char *mod_gba_pki_set_bsf_token(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *error;
    keeper_nbsp_bsf_t *bsf = section(cmd, &error);

    (void)dir;
    if (!bsf)
        return error;
    if (argc < 3 || argc > 4)
        return mod_gba_pki_refuse(cmd, argc ? argv[0] : "",
                                  "a token URL, a client id, the file of its secret, and maybe a "
                                  "scope");
    if (!keeper_nbsp_url_parse(&bsf->token_url, argv[0], conf_pool(cmd)))
        return mod_gba_pki_refuse(cmd, argv[0], "https://HOST[:PORT]/PATH");
    if (!id_is_plain(argv[1]) || (argc == 4 && strlen(argv[3]) > ID_MAX))
        return mod_gba_pki_refuse(cmd, argv[1], "a client id of at most 255 printable octets");
    bsf->token_client = apr_pstrdup(conf_pool(cmd), argv[1]);
    bsf->secret_path = mod_gba_pki_file_path(cmd, argv[2]);
    if (!bsf->secret_path)
        return mod_gba_pki_refuse(cmd, argv[2], "the path of the client secret");
    if (argc == 4)
        bsf->token_scope = apr_pstrdup(conf_pool(cmd), argv[3]);
    return NULL;
}

static int read_span(int *ms, const char *arg)
{
    apr_interval_time_t span;

    if (!base_duration_decode(&span, arg) || span < apr_time_from_msec(1) ||
        span > apr_time_from_msec(KEEPER_NBSP_TOTAL_MAX))
        return 0;
    *ms = (int)apr_time_as_msec(span);
    return 1;
}

const char *mod_gba_pki_set_bsf_timeout(cmd_parms *cmd, void *dir, const char *connect,
                                        const char *total)
{
    const char *error;
    keeper_nbsp_bsf_t *bsf = section(cmd, &error);

    (void)dir;
    if (!bsf)
        return error;
    if (!read_span(&bsf->connect_ms, connect))
        return mod_gba_pki_refuse(cmd, connect, "a time such as 2s, at most 8s");
    if (!read_span(&bsf->total_ms, total) || bsf->total_ms < bsf->connect_ms)
        return mod_gba_pki_refuse(cmd, total,
                                  "a time such as 5s, not below the first and at most 8s");
    return NULL;
}

const char *mod_gba_pki_set_bsf_redirect(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *error;
    keeper_nbsp_bsf_t *bsf = section(cmd, &error);
    keeper_nbsp_host_t host;

    (void)dir;
    if (!bsf)
        return error;
    if (!keeper_nbsp_host_parse(&host, arg, conf_pool(cmd)))
        return mod_gba_pki_refuse(cmd, arg, "HOST or HOST:PORT");
    APR_ARRAY_PUSH(bsf->redirects, keeper_nbsp_host_t) = host;
    return NULL;
}

const char *mod_gba_pki_set_bsf_unknown_alarm(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *error;
    keeper_nbsp_bsf_t *bsf = section(cmd, &error);
    apr_uint64_t percent;

    (void)dir;
    if (!bsf)
        return error;
    if (!base_decimal_decode(&percent, base_span_str(arg), 100))
        return mod_gba_pki_refuse(cmd, arg, "a percentage from 0 to 100 (100: never)");
    bsf->unknown_percent = (unsigned)percent;
    return NULL;
}

/* ---- GBAKeySource ---- */

/* Not shared between servers: what a laboratory may is asked of each. */
static mod_gba_pki_source_t *find_source(cmd_parms *cmd, const char *name)
{
    const apr_array_header_t *sources = mod_gba_pki_parts(conf_pool(cmd))->sources;

    for (int i = 0; i < sources->nelts; i++) {
        mod_gba_pki_source_t *known = APR_ARRAY_IDX(sources, i, mod_gba_pki_source_t *);
        if (strcmp(known->name, name) == 0 && known->server == cmd->server)
            return known;
    }
    return NULL;
}

static mod_gba_pki_source_t *make_source(cmd_parms *cmd, const char *name)
{
    apr_array_header_t *sources = mod_gba_pki_parts(conf_pool(cmd))->sources;
    mod_gba_pki_source_t *source = apr_pcalloc(conf_pool(cmd), sizeof(*source));

    source->name = name;
    source->names = apr_array_make(conf_pool(cmd), 2, sizeof(const char *));
    source->bsfs = apr_array_make(conf_pool(cmd), 2, sizeof(keeper_nbsp_bsf_t *));
    source->server = cmd->server;
    source->origin = mod_gba_pki_origin(cmd);
    source->index = sources->nelts;
    APR_ARRAY_PUSH(sources, mod_gba_pki_source_t *) = source;
    return source;
}

/* "nbsp:" may stand before each word, and must before the first. */
static const char *word_of(const char *arg)
{
    return strncmp(arg, "nbsp:", 5) == 0 ? arg + 5 : arg;
}

static int is_address(const char *word)
{
    return strstr(word, "://") != NULL || strncmp(word, "unix:", 5) == 0;
}

static const char *add_names(cmd_parms *cmd, mod_gba_pki_source_t *source, int argc,
                             char *const argv[])
{
    for (int i = 0; i < argc; i++) {
        const char *word = word_of(argv[i]);
        if (!name_is_plain(word))
            return mod_gba_pki_refuse(cmd, argv[i],
                                      "names of <GBABsf> sections, or addresses, not both");
        for (int j = 0; j < source->names->nelts; j++)
            if (strcmp(APR_ARRAY_IDX(source->names, j, const char *), word) == 0)
                return mod_gba_pki_refuse(cmd, argv[i], "each section once");
        APR_ARRAY_PUSH(source->names, const char *) = apr_pstrdup(conf_pool(cmd), word);
    }
    return NULL;
}

/* A BSF of its own, for every domain and with every default. */
static const char *add_addresses(cmd_parms *cmd, mod_gba_pki_source_t *source, int argc,
                                 char *const argv[])
{
    mod_gba_pki_bsf_t *made = make_section(cmd, word_of(argv[0]));

    for (int i = 0; i < argc; i++) {
        const char *error = add_address(cmd, made->bsf, word_of(argv[i]));
        if (error)
            return error;
    }
    APR_ARRAY_PUSH(source->bsfs, keeper_nbsp_bsf_t *) = made->bsf;
    return NULL;
}

static const char *set_nbsp(cmd_parms *cmd, mod_gba_pki_dir_t *conf, int argc, char *const argv[])
{
    const char *name = "nbsp:";

    for (int i = 0; i < argc; i++)
        name = apr_pstrcat(conf_pool(cmd), name, i ? " " : "", word_of(argv[i]), NULL);
    if (strlen(name) > GBA_SOURCE_NAME_MAX)
        return mod_gba_pki_refuse(cmd, argv[0], "at most 1023 octets in all");
    conf->source = find_source(cmd, name);
    if (conf->source)
        return NULL;
    conf->source = make_source(cmd, name);
    if (is_address(word_of(argv[0])))
        return add_addresses(cmd, conf->source, argc, argv);
    return add_names(cmd, conf->source, argc, argv);
}

static const char *set_file(cmd_parms *cmd, mod_gba_pki_dir_t *conf, const char *arg)
{
    const char *path = mod_gba_pki_file_path(cmd, arg + 5);

    if (!path)
        return mod_gba_pki_refuse(cmd, arg, "'file:' and a path");
    conf->source = find_source(cmd, path);
    if (!conf->source)
        conf->source = make_source(cmd, path);
    conf->source->path = path;
    return NULL;
}

const char *mod_gba_pki_set_key_source(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *error = mod_gba_pki_list_fault(cmd);

    if (error)
        return error;
    if (argc > 0 && strncmp(argv[0], "nbsp:", 5) == 0)
        return set_nbsp(cmd, dir, argc, argv);
    if (argc == 1 && strncmp(argv[0], "file:", 5) == 0)
        return set_file(cmd, dir, argv[0]);
    return mod_gba_pki_refuse(cmd, argc ? argv[0] : "",
                              "'file:' and a path, or 'nbsp:' and names of <GBABsf> sections or "
                              "addresses");
}
