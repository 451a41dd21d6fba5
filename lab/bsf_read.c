/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/bsf_read.h"

#include <apr_strings.h>
#include <jansson.h>
#include <string.h>
#include "base/base_secret.h"
#include "gba/gba_json.h"

#define SHOWN_MAX 64 /* characters of a member's name in a refusal */

/* In the project's results, a bad file is a key source that is down. */
static base_result_t wrong(const char *detail)
{
    return base_fail(BASE_KEYSOURCE_DOWN, "GBA0901", detail);
}

static int read_octets(unsigned char *out, apr_size_t len, const json_t *value)
{
    return json_is_string(value) &&
           base_hex_decode(out, len, json_string_value(value), json_string_length(value));
}

static const char *read_impi(bsf_subscriber_t *sub, const json_t *object, apr_pool_t *pool)
{
    const json_t *value = json_object_get(object, "impi");
    apr_size_t len = json_string_length(value);
    const unsigned char *text = (const unsigned char *)json_string_value(value);

    if (!json_is_string(value) || len == 0 || len > BSF_IMPI_MAX)
        return "impi: a string of 1 to 255 octets expected";
    for (apr_size_t i = 0; i < len; i++)
        if (text[i] < 0x20 || text[i] == 0x7f)
            return "impi: a control character";
    sub->impi = apr_pstrdup(pool, json_string_value(value));
    return NULL;
}

/* K, and OPc or what it is made from. */
static const char *read_keys(bsf_subscriber_t *sub, const json_t *object)
{
    const json_t *op = json_object_get(object, "op"), *opc = json_object_get(object, "opc");
    unsigned char octets[GBA_MILENAGE_KEY_LEN];
    int made;

    if (!read_octets(sub->key.k, sizeof(sub->key.k), json_object_get(object, "k")))
        return "k: 32 hex digits expected";
    if (!op == !opc)
        return "op, opc: one of the two expected";
    if (opc)
        return read_octets(sub->key.opc, sizeof(sub->key.opc), opc) ? NULL
                                                                    : "opc: 32 hex digits expected";
    made = read_octets(octets, sizeof(octets), op);
    if (made)
        made = gba_milenage_opc(sub->key.opc, sub->key.k, octets);
    base_secret_wipe(octets, sizeof(octets));
    return made ? NULL : "op: 32 hex digits expected";
}

static const char *read_numbers(bsf_subscriber_t *sub, const json_t *object)
{
    const json_t *amf = json_object_get(object, "amf"), *sqn = json_object_get(object, "sqn");
    unsigned char octets[GBA_MILENAGE_SQN_LEN] = {0};

    if (amf && !read_octets(sub->amf, sizeof(sub->amf), amf))
        return "amf: 4 hex digits expected";
    if (sqn && !read_octets(octets, sizeof(octets), sqn))
        return "sqn: 12 hex digits expected";
    for (unsigned i = 0; i < sizeof(octets); i++)
        sub->sqn = sub->sqn << 8 | octets[i];
    return NULL;
}

static const char *read_flag(int *flag, const json_t *object, const char *member, apr_pool_t *pool)
{
    const json_t *value = json_object_get(object, member);

    if (value && !json_is_boolean(value))
        return apr_pstrcat(pool, member, ": true or false expected", NULL);
    *flag = json_is_true(value);
    return NULL;
}

/* The list goes out as it came in, so it must be one that a NAF takes: its own parser says so. */
static const char *check_uss(json_t *list, apr_pool_t *pool)
{
    static const char no_key[] = "0000000000000000000000000000000000000000000000000000000000000000";
    json_t *answer = json_pack("{s:s, s:O}", "meKeyMaterial", no_key, "ussList", list);
    gba_info_t *info = gba_info_make(pool);
    base_result_t result;

    if (!answer)
        return "ussList: out of memory";
    result = gba_json_read_object(info, answer, pool);
    json_decref(answer);
    return result.code == BASE_OK ? NULL : result.detail;
}

static const char *read_uss(bsf_subscriber_t *sub, const json_t *object, apr_pool_t *pool)
{
    json_t *list = json_object_get(object, "ussList");
    const char *why =
        list && !(json_is_array(list) && json_array_size(list) == 0) ? check_uss(list, pool) : NULL;

    sub->uss = apr_array_make(pool, 2, sizeof(bsf_uss_t));
    for (apr_size_t i = 0; !why && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const json_t *gs_id = json_object_get(json_object_get(item, "uss"), "gsId");
        char *text = json_dumps(item, JSON_COMPACT);
        if (!text)
            return "ussList: out of memory";
        *(bsf_uss_t *)apr_array_push(sub->uss) =
            (bsf_uss_t){(apr_uint32_t)json_integer_value(gs_id), apr_pstrdup(pool, text)};
        free(text);
    }
    return why;
}

/* A member that nobody reads is a slip of the pen: "blocked" must not be missed for one. */
static const char *check_members(json_t *object, apr_pool_t *pool)
{
    static const char *const known[] = {"impi", "k",    "op",      "opc",     "amf",
                                        "sqn",  "gbaU", "blocked", "ussList", "comment"};
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        unsigned i = 0;
        while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], name) != 0)
            i++;
        if (i == sizeof(known) / sizeof(known[0]))
            return apr_pstrcat(pool, base_log_safe(pool, name, SHOWN_MAX), ": no such member",
                               NULL);
    }
    return NULL;
}

static const char *read_one(bsf_subscriber_t *sub, json_t *object, apr_pool_t *pool)
{
    const char *why = json_is_object(object) ? check_members(object, pool) : "an object expected";

    if (!why)
        why = read_impi(sub, object, pool);
    if (!why)
        why = read_keys(sub, object);
    if (!why)
        why = read_numbers(sub, object);
    if (!why)
        why = read_flag(&sub->gba_u, object, "gbaU", pool);
    if (!why)
        why = read_flag(&sub->blocked, object, "blocked", pool);
    return why ? why : read_uss(sub, object, pool);
}

static base_result_t read_all(apr_array_header_t *list, const json_t *root, apr_pool_t *pool)
{
    if (!json_is_array(root))
        return wrong("an array of subscribers expected");
    for (apr_size_t i = 0; i < json_array_size(root); i++) {
        bsf_subscriber_t *sub = base_secret_alloc(pool, sizeof(*sub));
        const char *why = read_one(sub, json_array_get(root, i), pool);
        for (int j = 0; !why && j < list->nelts; j++)
            if (strcmp(APR_ARRAY_IDX(list, j, bsf_subscriber_t *)->impi, sub->impi) == 0)
                why = "impi: there twice";
        if (why)
            return wrong(apr_psprintf(pool, "subscriber %" APR_SIZE_T_FMT ": %s", i + 1, why));
        *(bsf_subscriber_t **)apr_array_push(list) = sub;
    }
    return base_ok();
}

/* The strings are heap memory, const in jansson's API alone. */
static void wipe_keys(const json_t *root)
{
    static const char *const secret[] = {"k", "op", "opc"};

    for (apr_size_t i = 0; i < json_array_size(root); i++) {
        for (unsigned j = 0; j < sizeof(secret) / sizeof(secret[0]); j++) {
            const json_t *value = json_object_get(json_array_get(root, i), secret[j]);
            if (json_is_string(value))
                base_secret_wipe((void *)(apr_uintptr_t)json_string_value(value),
                                 json_string_length(value));
        }
    }
}

base_result_t bsf_read_subscribers(apr_array_header_t **list, base_span_t text, apr_pool_t *pool)
{
    json_t *root;
    base_result_t result = gba_json_load(&root, text, pool);

    *list = NULL;
    if (result.code == BASE_OK) {
        *list = apr_array_make(pool, 16, sizeof(bsf_subscriber_t *));
        result = read_all(*list, root, pool);
        wipe_keys(root);
        json_decref(root);
    }
    if (result.code != BASE_OK)
        *list = NULL;
    return result;
}
