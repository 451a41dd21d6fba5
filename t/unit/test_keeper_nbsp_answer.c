/* SPDX-License-Identifier: Apache-2.0 */
/* What a BSF's answer means (TS 29.309; RFC 9110 10.2.3). */
#include "tap.h"

#include <string.h>
#include <apr_general.h>
#include "keeper/keeper_nbsp_answer.h"

#define NOW     ((apr_time_t)1800000000 * APR_USEC_PER_SEC)
#define KEY     "646c377946dfd6010ca735afe887bfc44f0b405914add76ea4a5753d20870c05"
#define JSON    "application/json"
#define PROBLEM "application/problem+json"

static apr_pool_t *pool;

typedef struct answer_row_t {
    const char *name;
    keeper_nbsp_reply_t reply;
    base_code_t code;
    unsigned retry_after;
    const char *says; /* in the detail; NULL: nothing is asked of it */
} answer_row_t;

#define BODY(text)                                                                                 \
    {                                                                                              \
        (const unsigned char *)(text), sizeof(text) - 1                                            \
    }

static const answer_row_t answers[] = {
    {"200", {200, JSON, "", BODY("{\"meKeyMaterial\":\"" KEY "\"}"), 0}, BASE_OK, 0, NULL},
    {"200, another spelling of the type",
     {200, "Application/JSON;charset=utf-8", "", BODY("{\"meKeyMaterial\":\"" KEY "\"}"), 0},
     BASE_OK,
     0,
     NULL},
    {"200, cut at the limit",
     {200, JSON, "", BODY("{\"meKeyMaterial\":\"" KEY "\"}"), 1},
     BASE_KEYSOURCE_DOWN,
     0,
     "64 KiB"},
    {"200, text/html",
     {200, "text/html", "", BODY("{\"meKeyMaterial\":\"" KEY "\"}"), 0},
     BASE_KEYSOURCE_DOWN,
     0,
     "application/json expected, not \"text/html\""},
    {"200, a short key",
     {200, JSON, "", BODY("{\"meKeyMaterial\":\"64\"}"), 0},
     BASE_KEYSOURCE_DOWN,
     0,
     "meKeyMaterial"},
    {"201 with a key",
     {201, JSON, "", BODY("{\"meKeyMaterial\":\"" KEY "\"}"), 0},
     BASE_KEYSOURCE_DOWN,
     0,
     "status 201"},
    {"404, problem",
     {404, PROBLEM, "", BODY("{\"cause\":\"CONTEXT_NOT_FOUND\"}"), 0},
     BASE_UNKNOWN_BTID,
     0,
     "status 404, cause CONTEXT_NOT_FOUND"},
    {"404, problem that is no JSON",
     {404, PROBLEM, "", BODY("<p>"), 0},
     BASE_UNKNOWN_BTID,
     0,
     "status 404"},
    {"404, problem, no such path",
     {404, PROBLEM, "", BODY("{\"cause\":\"RESOURCE_URI_STRUCTURE_NOT_FOUND\"}"), 0},
     BASE_KEYSOURCE_DOWN,
     0,
     "RESOURCE_URI_STRUCTURE_NOT_FOUND"},
    {"404, JSON", {404, JSON, "", BODY("{}"), 0}, BASE_KEYSOURCE_DOWN, 0, "no such path"},
    {"404, a type that begins alike",
     {404, PROBLEM "-seq", "", BODY("{}"), 0},
     BASE_KEYSOURCE_DOWN,
     0,
     "no such path"},
    {"404, no type", {404, "", "", BODY(""), 0}, BASE_KEYSOURCE_DOWN, 0, "no such path"},
    {"403",
     {403, PROBLEM, "5", BODY("{\"cause\":\"USER_NOT_ALLOWED\"}"), 0},
     BASE_NOT_AUTHORISED,
     0,
     "USER_NOT_ALLOWED"},
    {"403, of any type", {403, "text/html", "", BODY("no"), 0}, BASE_NOT_AUTHORISED, 0, "403"},
    {"429", {429, PROBLEM, "7", BODY("{}"), 0}, BASE_KEYSOURCE_DOWN, 7, "429"},
    {"503",
     {503, PROBLEM, "7", BODY("{\"cause\":\"NF_CONGESTION\"}"), 0},
     BASE_KEYSOURCE_DOWN,
     7,
     "NF_CONGESTION"},
    {"500 with Retry-After", {500, PROBLEM, "7", BODY("{}"), 0}, BASE_KEYSOURCE_DOWN, 0, "500"},
    {"a cause with control octets",
     {500, PROBLEM, "", BODY("{\"cause\":\"a\\nb\"}"), 0},
     BASE_KEYSOURCE_DOWN,
     0,
     "status 500, cause a"},
};

static void means_what_the_table_says(void)
{
    static const gba_info_t empty;
    for (apr_size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        const answer_row_t *row = &answers[i];
        gba_info_t info;
        memset(&info, 0xa5, sizeof(info));
        base_result_t result = keeper_nbsp_answer(&info, &row->reply, NOW, pool);
        is_int(result.code, row->code, row->name);
        ok(result.retry_after == row->retry_after, "%s: Retry-After", row->name);
        if (row->says)
            ok(result.detail && strstr(result.detail, row->says) && !strchr(result.detail, '\n'),
               "%s: the detail says why", row->name);
        if (row->code == BASE_OK)
            ok(info.fetched == NOW, "%s: of now", row->name);
        else
            ok(memcmp(&info, &empty, sizeof(info)) == 0, "%s: nothing is left", row->name);
    }
}

static void reads_retry_after(void)
{
    static const struct {
        const char *text;
        unsigned seconds;
    } rows[] = {{"1", 1},
                {"3600", 3600},
                {"3601", 3600},
                {"99999999999999999999999999", 3600},
                {"0", 1},
                {"", 0},
                {"soon", 0},
                {"-1", 0},
                {"1.5", 0},
                {"7 ", 0},
                {"Fri, 15 Jan 2027 08:00:10 GMT", 10},
                {"Fri, 15 Jan 2027 07:00:00 GMT", 1},
                {"Sat, 16 Jan 2027 08:00:00 GMT", 3600}};
    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ok(keeper_nbsp_retry_after(rows[i].text, NOW) == rows[i].seconds, "Retry-After: %s",
           rows[i].text);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    means_what_the_table_says();
    reads_retry_after();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
