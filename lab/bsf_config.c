/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/bsf_module.h"

#include <httpd.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_log.h>
#include <string.h>
#include "base/base_text.h"
#include "gba/gba_names.h"

APLOG_USE_MODULE(gba_bsf);

#define LIFETIME_MAX apr_time_from_sec(366 * 24 * 3600)
#define CAPACITY_MAX 1048576

static const char *refuse(cmd_parms *cmd, const char *value, const char *expected)
{
    return apr_psprintf(cmd->pool, "%s: '%s' given, %s expected", cmd->cmd->name, value, expected);
}

static char *lower(apr_pool_t *pool, const char *text)
{
    char *copy = apr_pstrdup(pool, text);

    ap_str_tolower(copy);
    return copy;
}

static const char *set_name(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    if (!gba_fqdn_check(arg))
        return refuse(cmd, arg, "a fully qualified domain name without a trailing dot");
    bsf_server_of(cmd->server)->name = lower(cmd->pool, arg);
    return NULL;
}

static const char *set_subscribers(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *path = *arg ? ap_server_root_relative(cmd->pool, arg) : NULL;

    (void)dir;
    if (!path)
        return refuse(cmd, arg, "a path");
    bsf_server_of(cmd->server)->subscribers = bsf_subscribers_make(cmd->pool, path);
    return NULL;
}

static const char *set_lifetime(cmd_parms *cmd, void *dir, const char *arg)
{
    bsf_server_t *server = bsf_server_of(cmd->server);

    (void)dir;
    /* xs:dateTime of the answer is in whole seconds. */
    if (!base_duration_decode(&server->lifetime, arg) || server->lifetime > LIFETIME_MAX ||
        server->lifetime < apr_time_from_sec(1) || server->lifetime % APR_USEC_PER_SEC)
        return refuse(cmd, arg, "a duration of whole seconds from 1s to 366d");
    return NULL;
}

/* An empty argument ends a list for httpd, which says nothing of what stands behind it. */
static int has_gap(cmd_parms *cmd)
{
    const char *rest = cmd->directive->args;

    while (*rest)
        if (!*ap_getword_conf(cmd->temp_pool, &rest))
            return 1;
    return 0;
}

static const char *set_naf(cmd_parms *cmd, void *dir, const char *arg)
{
    bsf_server_t *server = bsf_server_of(cmd->server);

    (void)dir;
    if (has_gap(cmd))
        return refuse(cmd, "", "no empty argument");
    if (strcmp(arg, "*") != 0 && !gba_fqdn_check(arg))
        return refuse(cmd, arg, "'*' or fully qualified domain names");
    if (!server->nafs)
        server->nafs = apr_array_make(cmd->pool, 2, sizeof(const char *));
    *(const char **)apr_array_push(server->nafs) = lower(cmd->pool, arg);
    return NULL;
}

static const char *set_capacity(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *not_here = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    apr_uint64_t number;

    (void)dir;
    if (not_here)
        return not_here;
    if (!base_decimal_decode(&number, base_span_str(arg), CAPACITY_MAX) || number == 0)
        return refuse(cmd, arg, "a number from 1 to 1048576");
    bsf_server_of(cmd->server)->capacity = (int)number;
    return NULL;
}

static const char *set_media_type(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    if (strcmp(arg, BSF_MEDIA_TYPE) != 0 && strcmp(arg, "application/xml") != 0 &&
        strcmp(arg, "text/xml") != 0)
        return refuse(cmd, arg, "'" BSF_MEDIA_TYPE "', 'application/xml' or 'text/xml'");
    bsf_server_of(cmd->server)->media_type = apr_pstrdup(cmd->pool, arg);
    return NULL;
}

static const char *set_unknown_status(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    if (strcmp(arg, "403") != 0 && strcmp(arg, "404") != 0)
        return refuse(cmd, arg, "403 or 404");
    bsf_server_of(cmd->server)->unknown_status = arg[2] == '3' ? HTTP_FORBIDDEN : HTTP_NOT_FOUND;
    return NULL;
}

static const char *set_current_time(cmd_parms *cmd, void *dir, int on)
{
    (void)dir;
    bsf_server_of(cmd->server)->current_time = on;
    return NULL;
}

const command_rec bsf_commands[] = {
    AP_INIT_TAKE1("GBALabName", set_name, NULL, RSRC_CONF,
                  "laboratory BSF: its name, the realm on Ub and the domain of its B-TIDs"),
    AP_INIT_TAKE1("GBALabSubscribers", set_subscribers, NULL, RSRC_CONF,
                  "laboratory BSF: a JSON file of subscribers with their keys"),
    AP_INIT_TAKE1("GBALabKeyLifetime", set_lifetime, NULL, RSRC_CONF,
                  "laboratory BSF: how long a bootstrapped key lives"),
    AP_INIT_ITERATE("GBALabNaf", set_naf, NULL, RSRC_CONF,
                    "laboratory BSF: names of NAFs that may ask for keys, or *"),
    AP_INIT_TAKE1("GBALabMaxBootstrappings", set_capacity, NULL, RSRC_CONF,
                  "laboratory BSF: how many bootstrappings, challenges and sequence numbers are "
                  "kept each"),
    AP_INIT_TAKE1("GBALabMediaType", set_media_type, NULL, RSRC_CONF,
                  "laboratory BSF: media type of the answer on Ub"),
    AP_INIT_TAKE1("GBALabUnknownStatus", set_unknown_status, NULL, RSRC_CONF,
                  "laboratory BSF: status for an unknown IMPI on Ub, 403 or 404"),
    AP_INIT_FLAG("GBALabCurrentTime", set_current_time, NULL, RSRC_CONF,
                 "laboratory BSF: the answer on Ub tells the time of day"),
    {NULL, {NULL}, NULL, 0, 0, NULL},
};

void *bsf_server_create(apr_pool_t *pool, server_rec *s)
{
    bsf_server_t *server = apr_pcalloc(pool, sizeof(*server));

    (void)s;
    server->current_time = -1;
    return server;
}

void *bsf_server_merge(apr_pool_t *pool, void *outer, void *inner)
{
    const bsf_server_t *out = outer, *in = inner;
    bsf_server_t *server = apr_pcalloc(pool, sizeof(*server));

    server->name = in->name ? in->name : out->name;
    server->subscribers = in->subscribers ? in->subscribers : out->subscribers;
    server->lifetime = in->lifetime ? in->lifetime : out->lifetime;
    server->nafs = in->nafs ? in->nafs : out->nafs;
    server->media_type = in->media_type ? in->media_type : out->media_type;
    server->unknown_status = in->unknown_status ? in->unknown_status : out->unknown_status;
    server->current_time = in->current_time != -1 ? in->current_time : out->current_time;
    server->capacity = out->capacity;
    return server;
}

bsf_server_t *bsf_server_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &gba_bsf_module);
}

const bsf_server_t *bsf_server_ready(request_rec *r)
{
    const bsf_server_t *server = bsf_server_of(r->server);

    /* Whoever meets such a BSF where it should not be can tell. */
    apr_table_setn(r->err_headers_out, "X-GBA-Laboratory", "for laboratories only");
    if (server->name && server->subscribers)
        return server;
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  "GBA0905: laboratory BSF: no GBALabName and GBALabSubscribers for this server");
    return NULL;
}

static void set_defaults(bsf_server_t *server)
{
    if (!server->lifetime)
        server->lifetime = BSF_KEY_LIFETIME;
    if (!server->media_type)
        server->media_type = BSF_MEDIA_TYPE;
    if (!server->unknown_status)
        server->unknown_status = HTTP_FORBIDDEN;
    if (server->current_time == -1)
        server->current_time = 0;
    if (!server->capacity)
        server->capacity = BSF_BOOTSTRAPPINGS;
}

static int check_one(apr_pool_t *pconf, server_rec *s)
{
    bsf_server_t *server = bsf_server_of(s);
    base_result_t result;

    set_defaults(server);
    if (!server->name && !server->subscribers)
        return OK;
    if (!server->name || !server->subscribers) {
        ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, s,
                     "GBA0906: GBALabName and GBALabSubscribers go together: one is missing");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    result = bsf_subscribers_load(server->subscribers, pconf);
    if (result.code == BASE_OK)
        return OK;
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, s, "%s: GBALabSubscribers: %s",
                 result.tag, result.detail);
    return HTTP_INTERNAL_SERVER_ERROR;
}

int bsf_server_check(apr_pool_t *pconf, server_rec *main_server, int *any)
{
    *any = 0;
    for (server_rec *s = main_server; s; s = s->next) {
        int status = check_one(pconf, s);
        if (status != OK)
            return status;
        *any |= bsf_server_of(s)->name != NULL;
    }
    return OK;
}

void bsf_server_child(apr_pool_t *pchild, server_rec *main_server)
{
    for (server_rec *s = main_server; s; s = s->next)
        if (bsf_server_of(s)->subscribers)
            bsf_subscribers_child(bsf_server_of(s)->subscribers, pchild);
}
