/* SPDX-License-Identifier: Apache-2.0 */
/* The error table: each outcome has a row, and the row says what the design's table says. */
#include "tap.h"
#include "base/base_result.h"

typedef struct expect_t {
    base_code_t code;
    const char *name;
    int status;
    int is_protected;
    int is_stale;
    base_level_t level;
} expect_t;

/* A client's mistake logs at info, what an operator must act on at warning or error, a suspected
 * replay at notice. 401 and stale: RFC 7616 3.3; never a challenge when no key can be had. */
static const expect_t expected[] = {
    {BASE_OK, "OK", 200, 1, 0, BASE_LOG_DEBUG},
    {BASE_NO_CREDENTIALS, "NO_CREDENTIALS", 401, 0, 0, BASE_LOG_INFO},
    {BASE_NOT_OFFERED, "NOT_OFFERED", 401, 0, 0, BASE_LOG_INFO},
    {BASE_UNKNOWN_BTID, "UNKNOWN_BTID", 401, 0, 0, BASE_LOG_INFO},
    {BASE_EXPIRED_KEY, "EXPIRED_KEY", 401, 0, 0, BASE_LOG_INFO},
    {BASE_WRONG_HASH, "WRONG_HASH", 401, 0, 0, BASE_LOG_INFO},
    {BASE_NONCE_INVALID, "NONCE_INVALID", 401, 0, 1, BASE_LOG_INFO},
    {BASE_NONCE_REPLAYED, "NONCE_REPLAYED", 401, 0, 1, BASE_LOG_NOTICE},
    {BASE_WINDOW_GONE, "WINDOW_GONE", 401, 0, 1, BASE_LOG_NOTICE},
    {BASE_MALFORMED, "MALFORMED", 400, 0, 0, BASE_LOG_INFO},
    {BASE_URI_MISMATCH, "URI_MISMATCH", 400, 0, 0, BASE_LOG_INFO},
    {BASE_BODY_OVER_CAP, "BODY_OVER_CAP", 413, 0, 0, BASE_LOG_INFO},
    {BASE_BODY_TIMEOUT, "BODY_TIMEOUT", 408, 0, 0, BASE_LOG_INFO},
    {BASE_BODY_BROKEN, "BODY_BROKEN", 400, 0, 0, BASE_LOG_INFO},
    {BASE_NOT_AUTHORISED, "NOT_AUTHORISED", 403, 0, 0, BASE_LOG_INFO},
    {BASE_KEYSOURCE_DOWN, "KEYSOURCE_DOWN", 503, 0, 0, BASE_LOG_ERR},
    {BASE_REQUIRE_REFUSED, "REQUIRE_REFUSED", 403, 1, 0, BASE_LOG_INFO},
    {BASE_ENROL_REFUSED, "ENROL_REFUSED", 403, 1, 0, BASE_LOG_INFO},
    {BASE_BAD_PKCS10, "BAD_PKCS10", 400, 1, 0, BASE_LOG_INFO},
    {BASE_BAD_POP, "BAD_POP", 400, 1, 0, BASE_LOG_INFO},
    {BASE_BAD_RESPONSE_KIND, "BAD_RESPONSE_KIND", 400, 1, 0, BASE_LOG_INFO},
    {BASE_BAD_MEDIA_TYPE, "BAD_MEDIA_TYPE", 415, 1, 0, BASE_LOG_INFO},
    {BASE_OVER_HANDLER_CAP, "OVER_HANDLER_CAP", 413, 1, 0, BASE_LOG_INFO},
    {BASE_BAD_METHOD, "BAD_METHOD", 405, 1, 0, BASE_LOG_INFO},
    {BASE_CA_NOT_HELD, "CA_NOT_HELD", 404, 1, 0, BASE_LOG_INFO},
    {BASE_STORE_DOWN, "STORE_DOWN", 503, 1, 0, BASE_LOG_ERR},
    {BASE_RESPONSE_OVER_CAP, "RESPONSE_OVER_CAP", 500, 1, 0, BASE_LOG_WARNING},
    {BASE_INHERIT_REFUSED, "INHERIT_REFUSED", 500, 1, 0, BASE_LOG_ERR},
    {BASE_NO_CONTEXT, "NO_CONTEXT", 500, 0, 0, BASE_LOG_ERR},
    {BASE_INTERNAL, "INTERNAL", 500, 0, 0, BASE_LOG_ERR},
    {BASE_NOT_FOUND, "NOT_FOUND", 500, 0, 0, BASE_LOG_ERR},
};

/* One plain sentence that can stand in an HTML page and in a header as it is. */
static int is_plain_sentence(const char *text)
{
    size_t len = text ? strlen(text) : 0;
    return len > 1 && text[len - 1] == '.' && strcspn(text, "<>&\"\\\r\n") == len;
}

static void test_rows(void)
{
    is_int(sizeof(expected) / sizeof(expected[0]), BASE_CODES, "every code is in this test");
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const expect_t *want = &expected[i];
        const base_code_info_t *got = base_code_info(want->code);
        ok((size_t)want->code == i, "%s is in its place", want->name);
        is_str(got->name, want->name, want->name);
        ok(got->http_status == want->status, "%s: status %d", want->name, want->status);
        ok(got->is_protected == want->is_protected, "%s: protected", want->name);
        ok(got->is_stale == want->is_stale, "%s: stale", want->name);
        ok(got->level == want->level, "%s: log level", want->name);
        ok(is_plain_sentence(got->client_text), "%s: client text is one plain sentence",
           want->name);
    }
}

static void test_out_of_range(void)
{
    const base_code_info_t *internal = base_code_info(BASE_INTERNAL);
    ok(base_code_info(BASE_CODES) == internal, "one past the end is an internal error");
    ok(base_code_info((base_code_t)-1) == internal, "a negative number is an internal error");
    ok(base_code_info((base_code_t)100000) == internal, "a large number is an internal error");
}

static void test_values(void)
{
    base_result_t good = base_ok();
    base_result_t bad = base_fail(BASE_WRONG_HASH, "GBA9999", "why");
    ok(good.code == BASE_OK && !good.tag && !good.detail, "success has neither tag nor detail");
    is_int(bad.code, BASE_WRONG_HASH, "a failure has its code");
    is_str(bad.tag, "GBA9999", "a failure has its tag");
    is_str(bad.detail, "why", "a failure has its detail");
}

int main(void)
{
    test_rows();
    test_out_of_range();
    test_values();
    return tap_done();
}
