/* SPDX-License-Identifier: Apache-2.0 */
/* A refusal as problem details (RFC 9457): written, and read by a UE. */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <jansson.h>
#include "gba/gba_problem.h"

static apr_pool_t *pool;

static void written(void)
{
    is_str(gba_problem_print(pool, 403, "Forbidden", "A sentence.", "NO_USS"),
           "{\"type\":\"about:blank\",\"title\":\"Forbidden\",\"status\":403,"
           "\"detail\":\"A sentence.\",\"reason\":\"NO_USS\"}\n",
           "an object of five members (RFC 9457 3.1)");
    is_str(gba_problem_print(pool, 403, "Forbidden", "\xff", "NO_USS"), NULL,
           "what is no UTF-8 is not written");
}

/* What an operator writes may hold anything: it stays one string. */
static void text_stays_text(void)
{
    static const char *const texts[] = {
        "", "\"", "\\", "\",\"reason\":\"NONE", "<script>", "\xc3\xa9", "a\nb\tc\x01", "%s%n",
    };
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *text = gba_problem_print(pool, 403, "Forbidden", texts[i], "RULE");
        const char *reason = NULL;
        int status = 0;
        json_t *root = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
        is_str(json_string_value(json_object_get(root, "detail")), texts[i], "a text comes back");
        is_int((long long)json_object_size(root), 5, "  ... and no member with it");
        ok(text && gba_problem_read(&reason, &status, base_span_str(text), pool) && status == 403,
           "  ... and it is read");
        is_str(reason, "RULE", "  ... with its reason");
        json_decref(root);
    }
}

static const struct {
    const char *text;
    const char *reason; /* NULL: refused */
    int status;
} rows[] = {
    {"{\"status\":403,\"reason\":\"NO_USS\"}", "NO_USS", 403},
    {" {\"reason\":\"A_1\",\"more\":[{}],\"status\":599} ", "A_1", 599},
    {"{\"status\":400,\"reason\":\"X\"}", "X", 400},
    {"{\"status\":399,\"reason\":\"X\"}", NULL, 0},
    {"{\"status\":600,\"reason\":\"X\"}", NULL, 0},
    {"{\"status\":200,\"reason\":\"X\"}", NULL, 0},
    {"{\"status\":-403,\"reason\":\"X\"}", NULL, 0},
    {"{\"status\":4294967699,\"reason\":\"X\"}", NULL, 0},
    {"{\"status\":\"403\",\"reason\":\"X\"}", NULL, 0},
    {"{\"status\":403.0,\"reason\":\"X\"}", NULL, 0},
    {"{\"status\":403}", NULL, 0},
    {"{\"reason\":\"X\"}", NULL, 0},
    {"{\"status\":403,\"reason\":\"\"}", NULL, 0},
    {"{\"status\":403,\"reason\":\"no_uss\"}", NULL, 0},
    {"{\"status\":403,\"reason\":\"A B\"}", NULL, 0},
    {"{\"status\":403,\"reason\":\"A\\u0000B\"}", NULL, 0},
    {"{\"status\":403,\"reason\":[\"X\"]}", NULL, 0},
    {"{\"status\":403,\"reason\":\"X\",\"reason\":\"Y\"}", NULL, 0},
    {"{\"status\":403,\"reason\":\"X\"} {}", NULL, 0},
    {"[{\"status\":403,\"reason\":\"X\"}]", NULL, 0},
    {"<html></html>", NULL, 0},
    {"", NULL, 0},
};

static void read_rows(void)
{
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *reason = "unset";
        int status = -1;
        int found = gba_problem_read(&reason, &status, base_span_str(rows[i].text), pool);
        is_str(reason, rows[i].reason, rows[i].text);
        ok(found == (rows[i].reason != NULL) && status == rows[i].status, "  ... its status");
    }
}

static void bounds(void)
{
    const char *reason;
    int status;
    char code[GBA_PROBLEM_CODE_MAX + 2];
    char *big = apr_palloc(pool, GBA_PROBLEM_MAX + 2);
    base_span_t span = {(unsigned char *)big, GBA_PROBLEM_MAX};
    static const char start[] = "{\"status\":403,\"reason\":\"X\"}";
    memset(code, 'A', sizeof(code));
    code[GBA_PROBLEM_CODE_MAX + 1] = '\0';
    ok(!gba_problem_read(
           &reason, &status,
           base_span_str(apr_psprintf(pool, "{\"status\":403,\"reason\":\"%s\"}", code)), pool),
       "a code of 65 characters is none");
    ok(gba_problem_read(
           &reason, &status,
           base_span_str(apr_psprintf(pool, "{\"status\":403,\"reason\":\"%s\"}", code + 1)), pool),
       "one of 64 is");
    memset(big, ' ', GBA_PROBLEM_MAX + 2);
    memcpy(big, start, sizeof(start) - 1);
    ok(gba_problem_read(&reason, &status, span, pool), "16 KiB are read");
    span.len++;
    ok(!gba_problem_read(&reason, &status, span, pool), "one octet more is not");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    written();
    text_stays_text();
    read_rows();
    bounds();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
