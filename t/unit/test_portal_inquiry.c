/* SPDX-License-Identifier: Apache-2.0 */
/* What gba-decide is asked, and what it answers. */
#include <string.h>

#include <apr_general.h>
#include <jansson.h>

#include "portal/portal_inquiry.h"
#include "tap.h"

static apr_pool_t *pool;

#define CASE(more) "{\"location\":\"/enrol\",\"csr\":\"AAAA\",\"subscriber\":{}" more "}"

static void questions_that_are_none(void)
{
    static const struct {
        const char *text;
        const char *said;
    } rows[] = {
        {"", "no JSON"},
        {"[]", "an object expected"},
        {"{}", "location: a path expected"},
        {"{\"location\":\"enrol\",\"csr\":\"\",\"subscriber\":{}}", "location: a path expected"},
        {"{\"location\":\"/a?b\",\"csr\":\"\",\"subscriber\":{}}", "location: a path expected"},
        {"{\"location\":\"/a\\u0000b\",\"csr\":\"\",\"subscriber\":{}}", ""},
        {"{\"location\":\"/a\",\"csr\":1,\"subscriber\":{}}", "csr: a PKCS#10"},
        {"{\"location\":\"/a\",\"csr\":\"\",\"subscriber\":[]}", "subscriber: an object expected"},
        {"{\"location\":\"/a\",\"csr\":\"\",\"subscriber\":{\"meKeyMaterial\":\"00\"}}",
         "subscriber: meKeyMaterial"},
        {CASE(",\"key\":\"me\""), "key: ME or UICC expected"},
        {CASE(",\"key\":null"), "key: ME or UICC expected"},
        {CASE(",\"csr\":\"\""), "csr: there twice"},
        {CASE(",\"dry\":false"), "dry: no such member"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        portal_inquiry_t inquiry;
        base_result_t result = portal_inquiry_read(&inquiry, base_span_str(rows[i].text), pool);
        ok(result.code == BASE_MALFORMED, "refused: %s", rows[i].text);
        ok(result.detail && strstr(result.detail, rows[i].said), "  says: %s", rows[i].said);
    }
}

static void a_question(void)
{
    static const char text[] =
        "{\"location\":\"/"
        "enrol\",\"csr\":\"AAAA\",\"key\":\"UICC\",\"subscriber\":{\"impi\":\"a@b.example\","
        "\"meKeyMaterial\":\"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\"}}";
    static const unsigned char zero[GBA_KEY_LEN];
    portal_inquiry_t inquiry;

    is_int(portal_inquiry_read(&inquiry, base_span_str(text), pool).code, BASE_OK, "a question");
    is_str(inquiry.location, "/enrol", "its location");
    ok(inquiry.csr.len == 4 && memcmp(inquiry.csr.data, "AAAA", 4) == 0, "its PKCS#10");
    ok(inquiry.uicc_key, "its key");
    is_str(gba_info_text(inquiry.info, inquiry.info->impi), "a@b.example", "its subscriber");
    ok(memcmp(inquiry.info->me_key, zero, sizeof(zero)) == 0,
       "a key that it holds goes no further");
    is_int(portal_inquiry_read(&inquiry, base_span_str(CASE("")), pool).code, BASE_OK,
           "without a key");
    ok(!inquiry.uicc_key, "the ME's is meant");
}

static const char *member(const json_t *root, const char *name)
{
    return json_string_value(json_object_get(root, name));
}

static json_t *answered(base_result_t result, const portal_enrol_answer_t *answer)
{
    portal_inquiry_trace_t *trace = portal_inquiry_trace(pool);
    const char *text;

    pki_trace_step(&trace->trace, "NAF group", "\"gold\"", PKI_REASON_NONE);
    pki_trace_step(&trace->trace, "flags", "none", PKI_REASON_NO_FLAG);
    text = portal_inquiry_print(result, answer, trace, pool);
    ok(text && text[strlen(text) - 1] == '\n', "an answer that ends its line");
    return json_loads(text ? text : "{}", JSON_REJECT_DUPLICATES, NULL);
}

static void answers(void)
{
    portal_enrol_answer_t answer = {
        .profile = "login", .public_text = "No.", .detail = "why", .held = 2};
    json_t *root, *checks;

    answer.decision.reason = PKI_REASON_NO_FLAG;
    root = answered(base_fail(BASE_ENROL_REFUSED, "TEST1", "x"), &answer);
    is_str(member(root, "decision"), "refused", "a refusal");
    is_str(member(root, "reason"), "NO_FLAG", "its reason");
    is_str(member(root, "profile"), "login", "its profile");
    is_str(member(root, "publicText"), "No.", "what a user reads");
    is_str(member(root, "detail"), "why", "what an operator reads");
    is_int(json_integer_value(json_object_get(root, "status")), 403, "what a UE gets");
    is_int(json_integer_value(json_object_get(root, "held")), 2, "what is held");
    checks = json_object_get(root, "checks");
    is_int((long long)json_array_size(checks), 2, "every check");
    is_str(member(json_array_get(checks, 0), "input"), "\"gold\"", "with its input");
    is_str(member(json_array_get(checks, 1), "result"), "NO_FLAG", "and its result");
    json_decref(root);

    answer = (portal_enrol_answer_t){.profile = "login", .held = -1};
    root = answered(base_ok(), &answer);
    is_str(member(root, "decision"), "permitted", "a permit");
    ok(json_is_null(json_object_get(root, "reason")) && json_is_null(json_object_get(root, "held")),
       "without a reason, or what was not asked");
    json_decref(root);

    root = answered(base_fail(BASE_BAD_POP, "TEST2", "wrong signature"), &answer);
    is_str(member(root, "decision"), "failed", "no decision");
    is_str(member(root, "detail"), "wrong signature", "and why");
    is_int(json_integer_value(json_object_get(root, "status")), 400, "with its status");
    json_decref(root);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    questions_that_are_none();
    a_question();
    answers();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
