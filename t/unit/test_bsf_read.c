/* SPDX-License-Identifier: Apache-2.0 */
/* The laboratory BSF's file of subscribers: what each member means, and that one mistake refuses it
 * whole and quotes no key. */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include "lab/bsf_read.h"

/* TS 35.208 4.3, test set 1. */
#define K    "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OP   "cdc202d5123e20f62b6d676ac72cb318"
#define OPC  "cd63cb71954a9f4e48a5994e37a02baf"
#define KEYS "\"k\":\"" K "\",\"opc\":\"" OPC "\""
#define ONE  "{\"impi\":\"a\"," KEYS
#define USS  "{\"uss\":{\"gsId\":4294967295,\"gsType\":1,\"ueIds\":[{\"ueId\":\"b\"}]}}"

static apr_array_header_t *take(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *list;
    base_result_t result = bsf_read_subscribers(&list, base_span_str(text), pool);

    is_str(result.detail, NULL, "taken");
    return list ? list : apr_array_make(pool, 1, sizeof(void *));
}

static void test_all_members(apr_pool_t *pool)
{
    const char *text = "[{\"impi\":\"a\",\"comment\":[1],\"k\":\"" K "\",\"op\":\"" OP
                       "\",\"amf\":\"B9b9\",\"sqn\":\"ff9bb4d0b607\",\"gbaU\":true,"
                       "\"blocked\":true,\"ussList\":[" USS "]}]";
    apr_array_header_t *list = take(text, pool);
    const bsf_subscriber_t *sub;
    char hex[2 * GBA_MILENAGE_KEY_LEN + 1];

    is_int(list->nelts, 1, "one subscriber");
    if (list->nelts != 1)
        return;
    sub = APR_ARRAY_IDX(list, 0, bsf_subscriber_t *);
    is_str(sub->impi, "a", "impi");
    base_hex_encode(hex, sub->key.k, GBA_MILENAGE_KEY_LEN);
    is_str(hex, K, "k");
    base_hex_encode(hex, sub->key.opc, GBA_MILENAGE_KEY_LEN);
    is_str(hex, OPC, "OPc made of op (TS 35.208 4.3, test set 1)");
    is_mem(sub->amf, "\xb9\xb9", 2, "amf in any case");
    is_int((long long)sub->sqn, 0xff9bb4d0b607, "sqn");
    is_int(sub->gba_u, 1, "gbaU");
    is_int(sub->blocked, 1, "blocked");
    is_int(sub->uss->nelts, 1, "one user security setting");
    is_int(APR_ARRAY_IDX(sub->uss, 0, bsf_uss_t).gs_id, 4294967295, "its gsId");
    is_str(APR_ARRAY_IDX(sub->uss, 0, bsf_uss_t).json, USS, "and the element as it is");
}

static void test_defaults(apr_pool_t *pool)
{
    apr_array_header_t *list = take("[" ONE "},{\"impi\":\"b\"," KEYS ",\"ussList\":[]}]", pool);
    const bsf_subscriber_t *sub;

    is_int(list->nelts, 2, "two subscribers");
    if (list->nelts != 2)
        return;
    sub = APR_ARRAY_IDX(list, 0, bsf_subscriber_t *);
    is_mem(sub->amf, "\0\0", 2, "amf 0000 unless it is given");
    is_int((long long)sub->sqn, 0, "sqn 0");
    is_int(sub->gba_u, 0, "no GBA_U");
    is_int(sub->blocked, 0, "not blocked");
    is_int(sub->uss->nelts, 0, "no settings");
    is_int(APR_ARRAY_IDX(list, 1, bsf_subscriber_t *)->uss->nelts, 0, "an empty list is none");
    is_int(take("[]", pool)->nelts, 0, "a laboratory without subscribers");
}

/* Text, and a part of what is said of it. */
static const struct {
    const char *name, *text, *said;
} refused[] = {
    {"no JSON", "[", "JSON"},
    {"nothing", "", "JSON"},
    {"an object", "{}", "an array of subscribers"},
    {"no subscriber", "[1]", "subscriber 1: an object"},
    {"an unknown member", "[" ONE "}," ONE ",\"Blocked\":true}]", "subscriber 2: Blocked"},
    {"a member twice", "[{\"impi\":\"a\",\"impi\":\"b\"," KEYS "}]", "impi"},
    {"no impi", "[{" KEYS "}]", "impi"},
    {"impi empty", "[{\"impi\":\"\"," KEYS "}]", "impi"},
    {"impi a number", "[{\"impi\":1," KEYS "}]", "impi"},
    {"impi with a line break", "[{\"impi\":\"a\\n\"," KEYS "}]", "impi: a control character"},
    {"impi twice", "[" ONE "}," ONE "}]", "subscriber 2: impi: there twice"},
    {"no k", "[{\"impi\":\"a\",\"opc\":\"" OPC "\"}]", "k: 32 hex digits"},
    {"k short", "[{\"impi\":\"a\",\"k\":\"46\",\"opc\":\"" OPC "\"}]", "k: 32 hex digits"},
    {"k long", "[{\"impi\":\"a\",\"k\":\"" K "00\",\"opc\":\"" OPC "\"}]", "k: 32 hex digits"},
    {"k null", "[{\"impi\":\"a\",\"k\":null,\"opc\":\"" OPC "\"}]", "k: 32 hex digits"},
    {"neither op nor opc", "[{\"impi\":\"a\",\"k\":\"" K "\"}]", "op, opc"},
    {"op and opc", "[" ONE ",\"op\":\"" OP "\"}]", "op, opc"},
    {"op short", "[{\"impi\":\"a\",\"k\":\"" K "\",\"op\":\"00\"}]", "op: 32 hex digits"},
    {"opc no hex", "[{\"impi\":\"a\",\"k\":\"" K "\",\"opc\":\"xx\"}]", "opc: 32 hex digits"},
    {"amf no hex", "[" ONE ",\"amf\":\"xxxx\"}]", "amf: 4 hex digits"},
    {"amf a number", "[" ONE ",\"amf\":8000}]", "amf: 4 hex digits"},
    {"sqn short", "[" ONE ",\"sqn\":\"00\"}]", "sqn: 12 hex digits"},
    {"gbaU a word", "[" ONE ",\"gbaU\":\"true\"}]", "gbaU"},
    {"blocked a number", "[" ONE ",\"blocked\":1}]", "blocked"},
    {"blocked null", "[" ONE ",\"blocked\":null}]", "blocked"},
    {"ussList null", "[" ONE ",\"ussList\":null}]", "ussList"},
    {"settings that no NAF takes", "[" ONE ",\"ussList\":[{\"uss\":{\"gsId\":1}}]}]", "gsType"},
};

static void test_refused(apr_pool_t *pool)
{
    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        apr_array_header_t *list;
        base_result_t result = bsf_read_subscribers(&list, base_span_str(refused[i].text), pool);
        const char *said = result.detail ? result.detail : "";

        is_int(result.code, BASE_KEYSOURCE_DOWN, refused[i].name);
        ok(list == NULL, "%s: the whole file", refused[i].name);
        if (!ok(strstr(said, refused[i].said) != NULL, "%s: says so", refused[i].name))
            printf("# %s\n", said);
        ok(!strstr(said, K) && !strstr(said, OPC), "%s: no key in the words", refused[i].name);
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_all_members(pool);
    test_defaults(pool);
    test_refused(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
