/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
/* Taken before httpd's headers say that it is "". */
static const char version[] = PACKAGE_VERSION;

#include "httpd/mod_gba_pki_status.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include "httpd/mod_gba_pki_keeper.h"
#include "httpd/mod_gba_pki_meter.h"
#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_run.h"
#include "httpd/mod_gba_pki_state.h"
#include "portal/portal_report.h"

APLOG_USE_MODULE(gba_pki);

/* Nanoseconds after which no further pair is asked: a keeper that hangs lets each wait its whole
 * deadline, and whoever asks for the health gives up before long. */
#define PATIENCE UINT64_C(5000000000)

/* What is asked for. */
typedef enum question_t { ASKED_TEXT, ASKED_JSON, ASKED_HEALTH, ASKED_NONSENSE } question_t;

static int send_text(request_rec *r, const char *type, const char *text)
{
    ap_set_content_type(r, type);
    ap_set_content_length(r, (apr_off_t)strlen(text));
    if (!r->header_only)
        ap_rputs(text, r);
    return OK;
}

/* ---- what is asked ---- */

/* Nonzero if the Accept field names this type, with whatever parameters. */
static int names(request_rec *r, const char *type)
{
    const char *field = apr_table_get(r->headers_in, "Accept");
    apr_size_t len = strlen(type);
    const char *item;

    while (field && (item = ap_get_list_item(r->pool, &field)) != NULL)
        if (strncmp(item, type, len) == 0 && (item[len] == '\0' || item[len] == ';'))
            return 1;
    return 0;
}

static question_t asked(request_rec *r)
{
    const char *query = r->args ? r->args : "";

    if (!*query)
        return names(r, "application/json") && !names(r, "text/plain") ? ASKED_JSON : ASKED_TEXT;
    if (strcmp(query, "json") == 0)
        return ASKED_JSON;
    if (strcmp(query, "prometheus") == 0)
        return ASKED_TEXT;
    return strcmp(query, "health") == 0 ? ASKED_HEALTH : ASKED_NONSENSE;
}

/* ---- what was counted ---- */

static const portal_report_part_t *cas(const mod_gba_pki_parts_t *parts, apr_pool_t *pool)
{
    portal_report_part_t *list = apr_pcalloc(pool, sizeof(*list) * (apr_size_t)parts->cas->nelts);

    for (int i = 0; i < parts->cas->nelts; i++) {
        const mod_gba_pki_ca_t *ca = APR_ARRAY_IDX(parts->cas, i, mod_gba_pki_ca_t *);
        list[i].file = apr_filepath_name_get(ca->cert_path);
        list[i].value = base_gauge_get(mod_gba_pki_meter_ca(i));
    }
    return list;
}

static const portal_report_part_t *ledgers(const mod_gba_pki_parts_t *parts, apr_pool_t *pool)
{
    portal_report_part_t *list =
        apr_pcalloc(pool, sizeof(*list) * (apr_size_t)parts->ledgers->nelts);

    for (int i = 0; i < parts->ledgers->nelts; i++) {
        const mod_gba_pki_ledger_t *ledger =
            APR_ARRAY_IDX(parts->ledgers, i, mod_gba_pki_ledger_t *);
        list[i].file = apr_filepath_name_get(ledger->path);
        list[i].value = base_gauge_get(mod_gba_pki_meter_ledger(i));
    }
    return list;
}

static int tell_counters(request_rec *r, portal_report_form_t form)
{
    const mod_gba_pki_parts_t *parts = mod_gba_pki_parts(r->server->process->pconf);
    const gba_assoc_store_t *assocs = mod_gba_pki_world()->assocs;
    portal_report_t report = {.meter = mod_gba_pki_meter(),
                              .version = version,
                              .associations = gba_assoc_table_used(assocs),
                              .capacity = gba_assoc_table_capacity(assocs),
                              .generation = mod_gba_pki_meter_generation(),
                              .cas = cas(parts, r->pool),
                              .ca_count = parts->cas->nelts,
                              .ledgers = ledgers(parts, r->pool),
                              .ledger_count = parts->ledgers->nelts};

    return send_text(r, portal_report_media_type(form), portal_report(&report, form, r->pool));
}

/* ---- whether it can do its work ---- */

/* A pair that some location uses. */
typedef struct pair_t {
    const mod_gba_pki_ca_t *ca;
    const mod_gba_pki_ledger_t *ledger;
} pair_t;

static apr_array_header_t *pairs(request_rec *r)
{
    const mod_gba_pki_parts_t *parts = mod_gba_pki_parts(r->server->process->pconf);
    apr_array_header_t *list = apr_array_make(r->pool, 2, sizeof(pair_t));

    for (int i = 0; i < parts->cas->nelts; i++)
        for (int j = 0; j < parts->ledgers->nelts; j++)
            if (base_gauge_get(mod_gba_pki_meter_pair(i, j)))
                APR_ARRAY_PUSH(list, pair_t) =
                    (pair_t){APR_ARRAY_IDX(parts->cas, i, mod_gba_pki_ca_t *),
                             APR_ARRAY_IDX(parts->ledgers, j, mod_gba_pki_ledger_t *)};
    return list;
}

static base_result_t ask(request_rec *r, const pair_t *pair, apr_uint64_t began)
{
    keeper_client_t *client = mod_gba_pki_keeper_client();

    if (!client)
        return base_fail(BASE_STORE_DOWN, "GBA1603", "this process has no way to the keeper");
    if (base_meter_now() - began > PATIENCE)
        return base_fail(BASE_STORE_DOWN, "GBA1606", "not asked: the others took too long");
    return keeper_client_health(client, pair->ca->index, pair->ledger->index, r->pool);
}

static base_result_t examine(request_rec *r, const pair_t *pair, apr_uint64_t began)
{
    base_result_t result = ask(r, pair, began);

    if (result.code != BASE_OK)
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "%s: health: %s: CA %s, ledger %s: %s",
                      result.tag, base_code_info(result.code)->name, pair->ca->cert_path,
                      pair->ledger->path, result.detail ? result.detail : "");
    return result;
}

/* Who only authenticates has no pair, but key sources: then the keeper has to be there. */
static int needs_keeper_alone(request_rec *r)
{
    const mod_gba_pki_parts_t *parts = mod_gba_pki_parts(r->server->process->pconf);

    return parts->sources->nelts > 0 && (parts->cas->nelts == 0 || parts->ledgers->nelts == 0);
}

static int keeper_is_there(request_rec *r)
{
    keeper_client_t *client = mod_gba_pki_keeper_client();
    base_result_t result =
        client ? keeper_client_health(client, 0, 0, r->pool)
               : base_fail(BASE_STORE_DOWN, "GBA1803", "this process has no way to the keeper");

    if (result.code != BASE_OK)
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "%s: health: %s: the keeper: %s", result.tag,
                      base_code_info(result.code)->name, result.detail ? result.detail : "");
    return result.code == BASE_OK;
}

/* Which pair it is, and the tag under which the log has the rest. */
static const char *tell_pair(request_rec *r, const pair_t *pair, base_result_t result)
{
    const char *ca = apr_filepath_name_get(pair->ca->cert_path);
    const char *ledger = apr_filepath_name_get(pair->ledger->path);
    const char *why =
        result.code == BASE_OK
            ? "true"
            : apr_pstrcat(r->pool, "false,\"result\":\"", base_code_info(result.code)->name,
                          "\",\"tag\":\"", portal_report_plain(result.tag, r->pool), "\"", NULL);

    return apr_psprintf(
        r->pool,
        "{\"ca\":\"%d\",\"ca_file\":\"%s\",\"ledger\":\"%d\",\"ledger_file\":\"%s\","
        "\"ok\":%s}",
        pair->ca->index + 1, portal_report_plain(ca, r->pool), pair->ledger->index + 1,
        portal_report_plain(ledger, r->pool), why);
}

/* Where no location uses a CA and a ledger nothing can be wrong with one, but with the keeper. */
static int tell_health(request_rec *r)
{
    const apr_array_header_t *list = pairs(r);
    apr_uint64_t began = base_meter_now();
    const char *told = "", *keeper = "";
    int failed = 0;

    for (int i = 0; i < list->nelts; i++) {
        const pair_t *pair = &APR_ARRAY_IDX(list, i, pair_t);
        base_result_t result = examine(r, pair, began);
        failed += result.code != BASE_OK;
        told = apr_pstrcat(r->pool, told, i ? ",\n" : "\n", tell_pair(r, pair, result), NULL);
    }
    if (needs_keeper_alone(r)) {
        failed = !keeper_is_there(r);
        keeper = failed ? ",\"keeper\":false" : ",\"keeper\":true";
    }
    if (failed) {
        apr_table_setn(r->err_headers_out, "Retry-After", MOD_GBA_PKI_RETRY_AFTER);
        r->status = HTTP_SERVICE_UNAVAILABLE;
    }
    return send_text(r, portal_report_media_type(PORTAL_REPORT_JSON),
                     apr_pstrcat(r->pool, "{\"ok\":", failed ? "false" : "true", keeper,
                                 ",\"pairs\":[", told, "]}\n", NULL));
}

/* ---- the handler ---- */

static int answer(request_rec *r)
{
    switch (asked(r)) {
    case ASKED_TEXT:
        return tell_counters(r, PORTAL_REPORT_PROMETHEUS);
    case ASKED_JSON:
        return tell_counters(r, PORTAL_REPORT_JSON);
    case ASKED_HEALTH:
        return tell_health(r);
    case ASKED_NONSENSE:
        break;
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  "GBA1604: gba-status: the query is none of json, prometheus and health");
    return HTTP_BAD_REQUEST;
}

int mod_gba_pki_status_handler(request_rec *r)
{
    int status;

    if (!r->handler || strcmp(r->handler, "gba-status") != 0)
        return DECLINED;
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (r->method_number != M_GET) {
        ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, -1);
        return HTTP_METHOD_NOT_ALLOWED;
    }
    status = ap_discard_request_body(r);
    if (status != OK)
        return status;
    apr_table_mergen(r->headers_out, "Vary", "Accept");
    if (!mod_gba_pki_meter() || !mod_gba_pki_world())
        return HTTP_INTERNAL_SERVER_ERROR;
    return answer(r);
}
