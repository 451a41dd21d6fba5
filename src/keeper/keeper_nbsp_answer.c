/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_nbsp_answer.h"

#include <string.h>
#include <apr_date.h>
#include <apr_strings.h>
#include "base/base_secret.h"
#include "gba/gba_json.h"

#define CAUSE_SHOWN_MAX 64
#define TYPE_SHOWN_MAX  64

static const char problem_type[] = "application/problem+json";

int keeper_nbsp_is_type(const char *content_type, const char *type)
{
    apr_size_t len = strcspn(content_type, "; \t");
    return len == strlen(type) && strncasecmp(content_type, type, len) == 0;
}

unsigned keeper_nbsp_retry_after(const char *text, apr_time_t now)
{
    apr_uint64_t seconds;
    apr_time_t when;
    if (text[0] >= '0' && text[0] <= '9') {
        /* More digits than a number has room for are a long time, not none. */
        if (strspn(text, "0123456789") != strlen(text))
            return 0;
        if (!base_decimal_decode(&seconds, base_span_str(text), APR_UINT64_MAX))
            seconds = KEEPER_NBSP_RETRY_MAX;
    } else {
        when = apr_date_parse_http(text);
        if (when == APR_DATE_BAD)
            return 0;
        seconds = when > now ? (apr_uint64_t)apr_time_sec(when - now) : 0;
    }
    if (seconds > KEEPER_NBSP_RETRY_MAX)
        return KEEPER_NBSP_RETRY_MAX;
    return seconds > 0 ? (unsigned)seconds : 1;
}

/* `cause` of ProblemDetails, for the log; NULL if there is none to be had. */
static const char *read_cause(const keeper_nbsp_reply_t *reply, apr_pool_t *pool)
{
    json_t *root = NULL;
    const char *cause = NULL;
    if (reply->over || !keeper_nbsp_is_type(reply->content_type, problem_type) ||
        gba_json_load(&root, reply->body, pool).code != BASE_OK)
        return NULL;
    const json_t *member = json_object_get(root, "cause");
    if (json_is_string(member))
        cause = base_log_safe(pool, json_string_value(member), CAUSE_SHOWN_MAX);
    gba_json_free(root);
    return cause;
}

static const char *status_line(const keeper_nbsp_reply_t *reply, const char *cause,
                               apr_pool_t *pool)
{
    if (!cause)
        return apr_psprintf(pool, "status %ld", reply->status);
    return apr_psprintf(pool, "status %ld, cause %s", reply->status, cause);
}

/* A path that is not there must not send a network into bootstrapping, whoever says so: a server
 * that is no BSF, or a BSF (TS 29.500 table 5.2.7.2-1). */
static base_result_t not_found(const keeper_nbsp_reply_t *reply, const char *cause,
                               apr_pool_t *pool)
{
    if (!keeper_nbsp_is_type(reply->content_type, problem_type))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA1100",
                         "status 404 that is no application/problem+json: no such path there?");
    if (cause && strcmp(cause, "RESOURCE_URI_STRUCTURE_NOT_FOUND") == 0)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA1101",
                         "status 404, cause RESOURCE_URI_STRUCTURE_NOT_FOUND: no such path there");
    return base_fail(BASE_UNKNOWN_BTID, "GBA1102", status_line(reply, cause, pool));
}

static base_result_t refused(const keeper_nbsp_reply_t *reply, apr_time_t now, apr_pool_t *pool)
{
    const char *cause = read_cause(reply, pool);
    base_result_t result;
    if (reply->status == 404)
        return not_found(reply, cause, pool);
    if (reply->status == 403)
        return base_fail(BASE_NOT_AUTHORISED, "GBA1103", status_line(reply, cause, pool));
    result = base_fail(BASE_KEYSOURCE_DOWN, "GBA1104", status_line(reply, cause, pool));
    if (reply->status == 429 || reply->status == 503)
        result.retry_after = keeper_nbsp_retry_after(reply->retry_after, now);
    return result;
}

static base_result_t granted(gba_info_t *out, const keeper_nbsp_reply_t *reply, apr_time_t now,
                             apr_pool_t *pool)
{
    base_result_t result;
    if (!keeper_nbsp_is_type(reply->content_type, "application/json"))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA1105",
                         apr_psprintf(pool, "the answer: application/json expected, not \"%s\"",
                                      base_log_safe(pool, reply->content_type, TYPE_SHOWN_MAX)));
    if (reply->over)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA1106", "the answer: more than 64 KiB");
    result = gba_json_read_info(out, reply->body, pool);
    if (result.code == BASE_OK)
        out->fetched = now;
    return result;
}

base_result_t keeper_nbsp_answer(gba_info_t *out, const keeper_nbsp_reply_t *reply, apr_time_t now,
                                 apr_pool_t *pool)
{
    base_secret_wipe(out, sizeof(*out));
    return reply->status == 200 ? granted(out, reply, now, pool) : refused(reply, now, pool);
}
