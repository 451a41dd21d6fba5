/* SPDX-License-Identifier: Apache-2.0 */
#include "portal/portal_inquiry.h"

#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "base/base_secret.h"
#include "gba/gba_json.h"

#define LOCATION_MAX 1023

static const char me_key_member[] = "meKeyMaterial";

static apr_status_t release(void *root)
{
    json_decref(root);
    return APR_SUCCESS;
}

static base_result_t wrong(const char *detail)
{
    return base_fail(BASE_MALFORMED, "GBA0460", detail);
}

/* ---- the question ---- */

static base_result_t only_known(const json_t *object, apr_pool_t *pool)
{
    static const char *const known[] = {"location", "subscriber", "csr", "key"};
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
    {
        unsigned i = 0;
        while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], name) != 0)
            i++;
        if (i == sizeof(known) / sizeof(known[0]))
            return wrong(apr_psprintf(pool, "%.64s: no such member", name));
    }
    return base_ok();
}

static base_result_t read_location(portal_inquiry_t *out, const json_t *object, apr_pool_t *pool)
{
    const json_t *value = json_object_get(object, "location");
    const char *text = json_string_value(value);

    if (!text || text[0] != '/' || json_string_length(value) != strlen(text) ||
        strlen(text) > LOCATION_MAX || strpbrk(text, "?#"))
        return wrong("location: a path expected");
    out->location = apr_pstrdup(pool, text);
    return base_ok();
}

static base_result_t read_csr(portal_inquiry_t *out, const json_t *object, apr_pool_t *pool)
{
    const json_t *value = json_object_get(object, "csr");

    if (!json_is_string(value))
        return wrong("csr: a PKCS#10 in PEM or base64 expected");
    out->csr.len = json_string_length(value);
    out->csr.data = apr_pmemdup(pool, json_string_value(value), out->csr.len);
    return base_ok();
}

static base_result_t read_key_place(portal_inquiry_t *out, const json_t *object)
{
    const json_t *value = json_object_get(object, "key");
    const char *text = json_string_value(value);

    out->uicc_key = text && strcmp(text, "UICC") == 0;
    if (!value || out->uicc_key || (text && strcmp(text, "ME") == 0))
        return base_ok();
    return wrong("key: ME or UICC expected");
}

/* The key is no part of a decision: where there is none, one of zeros stands for it, and where
 * there is one, it goes no further than here. */
static base_result_t read_subscriber(portal_inquiry_t *out, const json_t *object, apr_pool_t *pool)
{
    json_t *subscriber = json_object_get(object, "subscriber");
    gba_info_t *info = gba_info_make(pool);
    base_result_t result;

    if (!json_is_object(subscriber))
        return wrong("subscriber: an object expected");
    if (!json_object_get(subscriber, me_key_member) &&
        json_object_set_new(subscriber, me_key_member,
                            json_string("00000000000000000000000000000000"
                                        "00000000000000000000000000000000")) != 0)
        return base_fail(BASE_INTERNAL, "GBA0461", "no memory");
    result = gba_json_read_object(info, subscriber, pool);
    base_secret_wipe(info->me_key, sizeof(info->me_key));
    base_secret_wipe(info->uicc_key, sizeof(info->uicc_key));
    out->info = info;
    if (result.code != BASE_OK)
        result.detail = apr_pstrcat(pool, "subscriber: ", result.detail, NULL);
    return result;
}

base_result_t portal_inquiry_read(portal_inquiry_t *out, base_span_t text, apr_pool_t *pool)
{
    json_t *root = NULL;
    base_result_t result = gba_json_load(&root, text, pool);

    memset(out, 0, sizeof(*out));
    if (result.code == BASE_OK && !json_is_object(root))
        result = wrong("an object expected");
    if (result.code == BASE_OK)
        result = only_known(root, pool);
    if (result.code == BASE_OK)
        result = read_location(out, root, pool);
    if (result.code == BASE_OK)
        result = read_csr(out, root, pool);
    if (result.code == BASE_OK)
        result = read_key_place(out, root);
    if (result.code == BASE_OK)
        result = read_subscriber(out, root, pool);
    gba_json_free(root);
    if (result.code == BASE_KEYSOURCE_DOWN) /* what it is where a BSF says so */
        result.code = BASE_MALFORMED;
    return result;
}

/* ---- the answer ---- */

static void take_step(void *baton, const char *check, const char *input, const char *result)
{
    portal_inquiry_trace_t *trace = baton;
    json_t *step =
        json_pack("{s:s, s:s, s:s}", "check", check, "input", input ? input : "", "result", result);

    if (!step || json_array_append_new(trace->checks, step) != 0)
        trace->failed = 1;
}

portal_inquiry_trace_t *portal_inquiry_trace(apr_pool_t *pool)
{
    portal_inquiry_trace_t *trace = apr_pcalloc(pool, sizeof(*trace));
    json_t *checks = json_array();

    if (!checks)
        return NULL;
    apr_pool_cleanup_register(pool, checks, release, apr_pool_cleanup_null);
    trace->checks = checks;
    trace->trace.baton = trace;
    trace->trace.step = take_step;
    return trace;
}

static const char *decision_of(base_result_t result)
{
    return result.code == BASE_OK              ? "permitted"
           : result.code == BASE_ENROL_REFUSED ? "refused"
                                               : "failed";
}

static json_t *make_answer(base_result_t result, const portal_enrol_answer_t *answer,
                           const portal_inquiry_trace_t *trace)
{
    const base_code_info_t *code = base_code_info(result.code);
    const int refused = result.code == BASE_ENROL_REFUSED;
    const int decided = refused || result.code == BASE_OK;

    return json_pack(
        "{s:s, s:s?, s:i, s:s?, s:s?, s:s?, s:o?, s:O}", "decision", decision_of(result), "reason",
        refused ? pki_reason_code(answer->decision.reason) : NULL, "status", code->http_status,
        "profile", decided ? answer->profile : NULL, "publicText",
        refused ? answer->public_text : NULL, "detail", decided ? answer->detail : result.detail,
        "held", decided && answer->held >= 0 ? json_integer(answer->held) : NULL, "checks",
        (json_t *)trace->checks);
}

const char *portal_inquiry_print(base_result_t result, const portal_enrol_answer_t *answer,
                                 const portal_inquiry_trace_t *trace, apr_pool_t *pool)
{
    json_t *root = trace->failed ? NULL : make_answer(result, answer, trace);
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
    const char *copy = text ? apr_pstrcat(pool, text, "\n", NULL) : NULL;

    free(text);
    json_decref(root);
    return copy;
}
