/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of strangers on their way to terminals, spreadsheets and programs. */
#include <apr_general.h>
#include "tap.h"
#include "tool_text.h"

static apr_pool_t *pool;

static void test_plain(void)
{
    static const struct {
        const char *in, *out, *name;
    } rows[] = {
        {"alice@ims.example.org", "alice@ims.example.org", "what is plain stays"},
        {"", "", "nothing"},
        {"M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x94\x91",
         "M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x94\x91", "UTF-8 of two, three and four octets"},
        {"a\x1b[31mb", "a\\x1b[31mb", "an escape sequence"},
        {"a\nb\rc\td", "a\\x0ab\\x0dc\\x09d", "line ends and tabs"},
        {"\x7f", "\\x7f", "DEL"},
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b31m", "C1: the escape sequence of one character"},
        {"a\\x1b", "a\\x5cx1b", "what looks escaped already"},
        {"\xe2\x80\xae"
         "x",
         "\\xe2\\x80\\xaex", "right-to-left override"},
        {"\xe2\x81\xa6", "\\xe2\\x81\\xa6", "isolate"},
        {"\xe2\x80\xa8", "\\xe2\\x80\\xa8", "line separator"},
        {"\xef\xbb\xbf", "\\xef\\xbb\\xbf", "byte order mark"},
        {"\xff", "\\xff", "no UTF-8"},
        {"\xc3", "\\xc3", "cut off"},
        {"\xe2\x82", "\\xe2\\x82", "cut off later"},
        {"\xc0\xaf", "\\xc0\\xaf", "overlong"},
        {"\xe0\x80\xaf", "\\xe0\\x80\\xaf", "overlong, three octets"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80", "a surrogate"},
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "beyond U+10FFFF"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        is_str(tool_plain(pool, rows[i].in), rows[i].out, rows[i].name);
}

/** RFC 4180, and what spreadsheets take for a formula. */
static void test_csv(void)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain", "plain"},
        {NULL, ""},
        {"a,b", "\"a,b\""},
        {"a\"b", "\"a\"\"b\""},
        {"=1+1", "'=1+1"},
        {"+49", "'+49"},
        {"-1", "'-1"},
        {"@SUM(A1)", "'@SUM(A1)"},
        {"=cmd|\"/c calc\",1", "\"'=cmd|\"\"/c calc\"\",1\""},
        {"\t=1", "\\x09=1"},
        {"a\r\n=1", "a\\x0d\\x0a=1"},
        {"a=1", "a=1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        is_str(tool_csv(pool, rows[i].in), rows[i].out, rows[i].out);
}

static void test_json(void)
{
    static const char *const rows[][2] = {
        {"a\"b\\\n", "\"a\\\"b\\\\\\n\""}, {"\xff", "\"\\\\xff\""}, {NULL, "null"}};
    for (size_t i = 0; i < 3; i++) {
        json_t *value = tool_json(rows[i][0], pool);
        char *text = json_dumps(value, JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
        is_str(text, rows[i][1], "JSON");
        free(text);
        json_decref(value);
    }
}

static void test_time(void)
{
    is_str(tool_time(pool, 0), "1970-01-01T00:00:00Z", "the beginning");
    is_str(tool_time(pool, 1893456000), "2030-01-01T00:00:00Z", "a time");
    is_str(tool_time(pool, 253402300799), "9999-12-31T23:59:59Z", "the end");
    is_str(tool_time(pool, 253402300800), "253402300800", "behind it");
    is_str(tool_time(pool, INT64_MIN), "-9223372036854775808", "before all");
    is_str(tool_hex(pool, (base_span_t){(const unsigned char *)"\x00\xab", 2}), "00ab", "hex");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_plain();
    test_csv();
    test_json();
    test_time();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
