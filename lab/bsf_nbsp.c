/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bsf_nbsp.c
 * Nbsp_GBA (TS 29.309): a NAF asks for the key that belongs to a B-TID, and for
 * the subscriber's settings as the file has them now.
 */
#include <httpd.h>

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/base_secret.h"
#include "gba/gba_json.h"
#include "lab/bsf_answer.h"
#include "lab/bsf_handlers.h"
#include "lab/bsf_module.h"
#include "lab/bsf_query.h"
#include "lab/bsf_store.h"

APLOG_USE_MODULE(gba_bsf);

#define BODY_MAX (16 * 1024) /* octets of a request */

static const char retrieval[] = "/bootstrapping-info-retrieval";
static const char push[] = "/push-info-retrieval";

static int ends_in(const char *text, const char *end)
{
    apr_size_t len = strlen(text), tail = strlen(end);

    return len >= tail && strcmp(text + len - tail, end) == 0;
}

static int is_json(const request_rec *r)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    apr_size_t len = type ? strcspn(type, "; \t") : 0;

    return type && base_equal_nocase(apr_pstrmemdup(r->pool, type, len), "application/json");
}

/* HTTP/1.1 alone needs to be told where a body ends. */
static int lacks_length(const request_rec *r)
{
    return r->proto_num < HTTP_VERSION(2, 0) && !apr_table_get(r->headers_in, "Content-Length") &&
           !apr_table_get(r->headers_in, "Transfer-Encoding");
}

/* What is wrong before the body is read; NULL if nothing is. */
static const bsf_problem_t *check_head(request_rec *r)
{
    static const bsf_problem_t method = {HTTP_METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED",
                                         "POST expected", NULL};
    static const bsf_problem_t no_push = {HTTP_NOT_IMPLEMENTED, "NOT_IMPLEMENTED",
                                          "GBA push is not in this laboratory", NULL};
    static const bsf_problem_t no_length = {HTTP_LENGTH_REQUIRED, "INCORRECT_LENGTH",
                                            "a length expected", "header Content-Length"};
    static const bsf_problem_t no_json = {HTTP_UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE",
                                          "application/json expected", "header Content-Type"};

    if (strcmp(r->method, "POST") != 0) {
        apr_table_setn(r->err_headers_out, "Allow", "POST");
        return &method;
    }
    if (ends_in(r->uri, push))
        return &no_push;
    if (lacks_length(r))
        return &no_length;
    return is_json(r) ? NULL : &no_json;
}

/* Reads the body: OK, or a status. */
static int read_body(request_rec *r, base_span_t *text)
{
    unsigned char *data = apr_palloc(r->pool, BODY_MAX + 1);
    apr_size_t len = 0;
    long got = 0;
    int status = ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK);

    if (status != OK)
        return status;
    if (ap_should_client_block(r))
        while (len <= BODY_MAX &&
               (got = ap_get_client_block(r, (char *)data + len, BODY_MAX + 1 - len)) > 0)
            len += (apr_size_t)got;
    *text = (base_span_t){data, len};
    if (got < 0)
        return HTTP_BAD_REQUEST;
    return len > BODY_MAX ? HTTP_REQUEST_ENTITY_TOO_LARGE : OK;
}

static int naf_may_ask(const bsf_server_t *server, const char *fqdn)
{
    for (int i = 0; server->nafs && i < server->nafs->nelts; i++) {
        const char *name = APR_ARRAY_IDX(server->nafs, i, const char *);
        if (strcmp(name, "*") == 0 || strcmp(name, fqdn) == 0)
            return 1;
    }
    return 0;
}

/* The elements of ussList that were asked for; NULL if there are none. */
static json_t *make_uss_list(const bsf_query_t *query, const bsf_subscriber_t *sub)
{
    json_t *list = NULL;

    for (int i = 0; i < sub->uss->nelts; i++) {
        const bsf_uss_t *uss = &APR_ARRAY_IDX(sub->uss, i, bsf_uss_t);
        unsigned j = 0;
        while (j < query->gs_id_count && query->gs_ids[j] != uss->gs_id)
            j++;
        if (j == query->gs_id_count)
            continue;
        if (!list)
            list = json_array();
        json_array_append_new(list, json_loads(uss->json, 0, NULL));
    }
    return list;
}

/* Adds a key in hex. Nonzero on success. */
static int add_key(json_t *object, const char *member, gba_kdf_kind_t kind,
                   const bsf_entry_t *entry, const bsf_query_t *query)
{
    unsigned char key[GBA_KEY_LEN];
    char hex[2 * GBA_KEY_LEN + 1];
    int made = gba_kdf(key, kind, entry->vector.ks, entry->vector.rand, base_span_str(entry->impi),
                       &query->naf);

    if (made) {
        base_hex_encode(hex, key, sizeof(key));
        made = json_object_set_new(object, member, json_string(hex)) == 0;
    }
    base_secret_wipe(key, sizeof(key));
    base_secret_wipe(hex, sizeof(hex));
    return made;
}

/* BootstrappingInfoResponse, the caller's; NULL if it fails. */
static json_t *make_info(const bsf_query_t *query, const bsf_entry_t *entry,
                         const bsf_subscriber_t *sub, apr_pool_t *pool)
{
    json_t *uss = make_uss_list(query, sub);
    json_t *info = json_pack("{s:s, s:s, s:s, s:s}", "keyExpiryTime",
                             bsf_time(pool, entry->expires), "bootstrappingInfoCreationTime",
                             bsf_time(pool, entry->made), "gbaType", "3G_GBA", "impi", entry->impi);
    int made = info && add_key(info, "meKeyMaterial", GBA_KDF_ME, entry, query);

    if (made && query->gba_u_aware && sub->gba_u)
        made = add_key(info, "uiccKeyMaterial", GBA_KDF_UICC, entry, query);
    if (made && uss)
        made = json_object_set(info, "ussList", uss) == 0;
    json_decref(uss);
    if (made)
        return info;
    json_decref(info);
    return NULL;
}

/* Keys are never in a log, not even in a laboratory's. */
static void trace_info(request_rec *r, const json_t *info)
{
    static const char *const secret[] = {"meKeyMaterial", "uiccKeyMaterial"};
    json_t *masked = json_copy((json_t *)(apr_uintptr_t)info);
    char *text;

    for (unsigned i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
        if (json_object_get(masked, secret[i]) &&
            json_object_set_new(masked, secret[i], json_string("(64 hex digits)")) != 0)
            json_object_clear(masked);
    text = json_dumps(masked, JSON_COMPACT);
    bsf_trace(r, "200", text ? text : "{}");
    free(text);
    json_decref(masked);
}

static int send_info(request_rec *r, json_t *info)
{
    char *text = json_dumps(info, JSON_COMPACT);
    const char *body = text ? base_secret_copy(r->pool, text, strlen(text)) : NULL;

    if (text)
        base_secret_wipe(text, strlen(text));
    free(text);
    trace_info(r, info);
    gba_json_free(info);
    return body ? bsf_answer(r, "application/json", body) : HTTP_INTERNAL_SERVER_ERROR;
}

static int refuse(request_rec *r, int status, const char *cause, const char *detail)
{
    bsf_problem_t problem = {status, cause, detail, NULL};

    return bsf_answer_problem(r, &problem);
}

static int answer(request_rec *r, const bsf_server_t *server, const bsf_query_t *query)
{
    bsf_entry_t *entry = base_secret_alloc(r->pool, sizeof(*entry));
    const bsf_subscriber_t *sub;
    base_code_t code;
    json_t *info;

    if (!naf_may_ask(server, query->naf.fqdn))
        return refuse(r, HTTP_FORBIDDEN, "NAF_NOT_AUTHORIZED", "this NAF may not ask");
    code = bsf_store_get(BSF_BOOTSTRAPPINGS_KEPT, query->btid, entry);
    if (code == BASE_STORE_DOWN)
        return refuse(r, HTTP_INTERNAL_SERVER_ERROR, "SYSTEM_FAILURE", "the store failed");
    if (code != BASE_OK)
        return refuse(r, HTTP_NOT_FOUND, "BTID_UNKNOWN", "no such B-TID, or its key has expired");
    sub = bsf_subscribers_find(server->subscribers, r, entry->impi);
    if (!sub || sub->blocked)
        return refuse(r, HTTP_FORBIDDEN, "SUBSCRIBER_BLOCKED", "this subscriber is blocked");
    info = make_info(query, entry, sub, r->pool);
    if (!info)
        return refuse(r, HTTP_INTERNAL_SERVER_ERROR, "SYSTEM_FAILURE", "no key could be derived");
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  "GBA0930: laboratory BSF: Nbsp: %s has the key of %s", query->naf.fqdn,
                  gba_btid_redact(r->pool, query->btid));
    return send_info(r, info);
}

int bsf_nbsp_handler(request_rec *r)
{
    const bsf_server_t *server;
    const bsf_problem_t *early;
    bsf_problem_t problem;
    bsf_query_t query;
    base_span_t text;
    int status;

    if (strcmp(r->handler, "gba-bsf-nbsp") != 0)
        return DECLINED;
    /* A wrong URL is httpd's own 404: as problem+json a NAF would take it for an unknown B-TID. */
    if (!ends_in(r->uri, retrieval) && !ends_in(r->uri, push))
        return HTTP_NOT_FOUND;
    server = bsf_server_ready(r);
    if (!server)
        return HTTP_INTERNAL_SERVER_ERROR;
    early = check_head(r);
    if (early)
        return bsf_answer_problem(r, early);
    status = read_body(r, &text);
    if (status == HTTP_REQUEST_ENTITY_TOO_LARGE) {
        r->connection->keepalive = AP_CONN_CLOSE;
        return refuse(r, status, "PAYLOAD_TOO_LARGE", "more than 16 KiB");
    }
    if (status != OK)
        return status;
    bsf_trace(r, "request", apr_pstrmemdup(r->pool, (const char *)text.data, text.len));
    if (!bsf_query_read(&query, &problem, text, r->pool))
        return bsf_answer_problem(r, &problem);
    return answer(r, server, &query);
}
