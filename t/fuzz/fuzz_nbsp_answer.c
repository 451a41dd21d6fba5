/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever comes back from a BSF or a token endpoint. The first octet is the status, by a table,
 * the first line Content-Type, the second Retry-After, the rest the body. */
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "gba/gba_json.h"
#include "keeper/keeper_nbsp_answer.h"
#include "keeper/keeper_nbsp_token.h"
#include "keeper/keeper_nbsp_url.h"

#define NOW ((apr_time_t)1800000000 * APR_USEC_PER_SEC)

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static apr_pool_t *pool;

static void must(int holds)
{
    if (!holds)
        abort();
}

/* Up to a line feed, or all of it. */
static const char *take_line(base_span_t *rest)
{
    const unsigned char *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
    apr_size_t len = end ? (apr_size_t)(end - rest->data) : rest->len;
    const char *line = apr_pstrmemdup(pool, (const char *)rest->data, len);
    rest->data += len + (end != NULL);
    rest->len -= len + (end != NULL);
    return line;
}

static void check_info(const keeper_nbsp_reply_t *reply)
{
    static const gba_info_t empty;
    static gba_info_t info;
    memset(&info, 0xa5, sizeof(info));
    base_result_t result = keeper_nbsp_answer(&info, reply, NOW, pool);
    if (result.code == BASE_OK) {
        must(reply->status == 200 && !reply->over && gba_info_is_sound(&info));
        must(info.fetched == NOW);
        return;
    }
    must(memcmp(&info, &empty, sizeof(info)) == 0 && result.tag && result.detail);
    must(result.retry_after <= KEEPER_NBSP_RETRY_MAX);
    must(result.retry_after == 0 || reply->status == 429 || reply->status == 503);
    must(result.code != BASE_UNKNOWN_BTID || reply->status == 404);
    must((result.code == BASE_NOT_AUTHORISED) == (reply->status == 403));
    must(result.code == BASE_UNKNOWN_BTID || result.code == BASE_NOT_AUTHORISED ||
         result.code == BASE_KEYSOURCE_DOWN);
}

static void check_token(const keeper_nbsp_reply_t *reply)
{
    static keeper_nbsp_token_t token;
    memset(&token, 0, sizeof(token));
    base_result_t result = keeper_nbsp_token_take(&token, reply, 1000, pool);
    must((result.code == BASE_OK) == (keeper_nbsp_token_is_good(&token, 1000) != 0));
    must((result.code == BASE_OK) != (keeper_nbsp_token_is_denied(&token, 1000) != 0));
    must(strpbrk(token.text, "\r\n ") == NULL);
    must(result.code == BASE_OK || token.text[0] == '\0');
}

/* A redirect may lead to where somebody configured it, and nowhere else. */
static void check_location(const char *location)
{
    apr_array_header_t *addresses = apr_array_make(pool, 1, sizeof(keeper_nbsp_url_t));
    apr_array_header_t *hosts = apr_array_make(pool, 1, sizeof(keeper_nbsp_host_t));
    keeper_nbsp_url_t from, to;
    must(keeper_nbsp_url_parse(&from, "https://bsf.home1.net/p", pool));
    must(keeper_nbsp_host_parse((keeper_nbsp_host_t *)apr_array_push(hosts), "b.home1.net:8443",
                                pool));
    APR_ARRAY_PUSH(addresses, keeper_nbsp_url_t) = from;
    if (!keeper_nbsp_url_follow(&to, &from, location, addresses, hosts, pool))
        return;
    must(to.tls && !to.unix_path && (to.path[0] == '/' || to.path[0] == '\0'));
    must((strcmp(to.host, "bsf.home1.net") == 0 && to.port == 443) ||
         (strcmp(to.host, "b.home1.net") == 0 && to.port == 8443));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const long statuses[] = {200, 404, 403, 429, 503, 500, 307, 400};
    keeper_nbsp_reply_t reply = {.status = 0};
    base_span_t rest;
    if (size == 0)
        return 0;
    rest = (base_span_t){data + 1, size - 1};
    if (!pool) {
        must(apr_initialize() == APR_SUCCESS);
        must(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    }
    apr_pool_clear(pool);
    reply.status = statuses[data[0] % (sizeof(statuses) / sizeof(statuses[0]))];
    reply.content_type = take_line(&rest);
    reply.retry_after = take_line(&rest);
    reply.over = rest.len > GBA_JSON_MAX;
    rest.len = reply.over ? GBA_JSON_MAX : rest.len;
    reply.body = rest;
    check_info(&reply);
    check_token(&reply);
    check_location(reply.retry_after);
    return 0;
}
