/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/bsf_answer.h"

#include <httpd.h>

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <jansson.h>
#include <stdlib.h>
#include "lab/bsf_module.h"

APLOG_USE_MODULE(gba_bsf);

int bsf_answer(request_rec *r, const char *type, const char *body)
{
    apr_size_t len = strlen(body);

    /* A part of it, or a coding of it, would not be what rspauth was computed over. */
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
    apr_table_setn(r->subprocess_env, "no-brotli", "1");
    apr_table_unset(r->headers_in, "Range");
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    ap_set_content_type(r, type);
    ap_set_content_length(r, (apr_off_t)len);
    ap_rwrite(body, (int)len, r);
    return OK;
}

/* httpd itself escapes what a log may not have, but leaves quotes as they are. */
void bsf_trace(request_rec *r, const char *what, const char *text)
{
    ap_log_rerror(APLOG_MARK, APLOG_TRACE1, 0, r, "GBA0931: laboratory BSF: Nbsp: %s: %.4096s",
                  what, text);
}

static char *problem_text(const bsf_problem_t *problem)
{
    json_t *object =
        json_pack("{s:s, s:i, s:s, s:s}", "title", ap_get_status_line(problem->status) + 4,
                  "status", problem->status, "cause", problem->cause, "detail", problem->detail);
    char *text;

    if (object && problem->param)
        json_object_set_new(
            object, "invalidParams",
            json_pack("[{s:s, s:s}]", "param", problem->param, "reason", problem->detail));
    text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

int bsf_answer_problem(request_rec *r, const bsf_problem_t *problem)
{
    char *text = problem_text(problem);
    const char *body = text ? apr_pstrdup(r->pool, text) : "{}";

    free(text);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "GBA0910: laboratory BSF: Nbsp: %d %s: %s",
                  problem->status, problem->cause, problem->detail);
    bsf_trace(r, apr_itoa(r->pool, problem->status), body);
    if (ap_discard_request_body(r) != OK)
        r->connection->keepalive = AP_CONN_CLOSE;
    r->status = problem->status;
    return bsf_answer(r, "application/problem+json", body);
}

const char *bsf_time(apr_pool_t *pool, apr_time_t when)
{
    apr_time_exp_t t;

    if (apr_time_exp_gmt(&t, when) != APR_SUCCESS)
        return "";
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900, t.tm_mon + 1,
                        t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

int bsf_has_body(const request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");

    return apr_table_get(r->headers_in, "Transfer-Encoding") ||
           (length && strcmp(length, "0") != 0);
}
