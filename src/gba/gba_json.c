/* SPDX-License-Identifier: Apache-2.0 */
#include "gba/gba_json.h"

#include <string.h>
#include <apr_strings.h>
#include "base/base_secret.h"
#include "gba/gba_json_private.h"

#define IMPI_MAX      255 /* octets: an NAI has at most 253 (RFC 7542 2.3) */
#define KEY_SHOWN_MAX 64  /* octets of a member's name that a refusal shows */

static const char me_key_member[] = "meKeyMaterial";
static const char uicc_key_member[] = "uiccKeyMaterial";

/* jansson's own message quotes the text around an error, which may be a key: only where and what
 * kind may be told. */
static const char *load_error(enum json_error_code code)
{
    switch (code) {
    case json_error_stack_overflow:
        return "nested too deeply";
    case json_error_invalid_utf8:
        return "not UTF-8";
    case json_error_premature_end_of_input:
        return "it ends too early";
    case json_error_end_of_input_expected:
        return "something follows its end";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a NUL in a string";
    case json_error_numeric_overflow:
        return "a number too large";
    default:
        return "bad syntax";
    }
}

/* The member's name whose closing quote is the last octet before end, for a log. */
static const char *name_before(base_span_t text, int end, apr_pool_t *pool)
{
    if (end < 2 || (apr_size_t)end > text.len || text.data[end - 1] != '"')
        return "a member";
    int start = end - 1;
    while (start > 0 && text.data[start - 1] != '"')
        start--;
    const char *name =
        apr_pstrmemdup(pool, (const char *)text.data + start, (apr_size_t)(end - 1 - start));
    return base_log_safe(pool, name, KEY_SHOWN_MAX);
}

base_result_t gba_json_load(json_t **out, base_span_t text, apr_pool_t *pool)
{
    json_error_t error;
    const char *data = text.len ? (const char *)text.data : "";
    *out = json_loadb(data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (*out)
        return base_ok();
    if (json_error_code(&error) == json_error_duplicate_key)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0201",
                         apr_psprintf(pool, "%s: there twice (line %d)",
                                      name_before(text, error.position, pool), error.line));
    return base_fail(BASE_KEYSOURCE_DOWN, "GBA0202",
                     apr_psprintf(pool, "no JSON: %s (line %d, column %d)",
                                  load_error(json_error_code(&error)), error.line, error.column));
}

/* jansson can be made to wipe what it frees only by json_set_alloc_funcs(), one setting for all
 * of the process, other modules' use of jansson included. So the strings are overwritten in place:
 * they are heap memory, const in the API alone. Out of reach are the pieces that its token buffer
 * leaves behind as it grows, and the tree of a text that it refused. */
static void wipe_string(const json_t *string)
{
    if (json_is_string(string))
        base_secret_wipe((void *)(apr_uintptr_t)json_string_value(string),
                         json_string_length(string));
}

static void wipe_keys(const json_t *object)
{
    wipe_string(json_object_get(object, me_key_member));
    wipe_string(json_object_get(object, uicc_key_member));
}

void gba_json_free(json_t *root)
{
    for (apr_size_t i = 0; i < json_array_size(root); i++)
        wipe_keys(json_array_get(root, i));
    wipe_keys(root);
    json_decref(root);
}

const char *gba_json_say(apr_pool_t *pool, const char *member, const char *why)
{
    return apr_pstrcat(pool, member, ": ", why, NULL);
}

base_span_t gba_json_span(const json_t *string)
{
    base_span_t span = {(const unsigned char *)json_string_value(string),
                        json_string_length(string)};
    return span;
}

/* Required by the caller, or not there at all. */
static base_result_t read_key(unsigned char key[GBA_KEY_LEN], const json_t *value,
                              const char *member, apr_pool_t *pool)
{
    if (!value)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0203", gba_json_say(pool, member, "missing"));
    if (!json_is_string(value) ||
        !base_hex_decode(key, GBA_KEY_LEN, json_string_value(value), json_string_length(value)))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0204",
                         gba_json_say(pool, member, "64 hex digits expected"));
    return base_ok();
}

/* Optional. An instant that would read as "not told" is refused, or a key that ended long ago
 * would have no end at all. */
static base_result_t read_time(apr_time_t *when, const json_t *object, const char *member,
                               apr_pool_t *pool)
{
    const json_t *value = json_object_get(object, member);
    if (!value)
        return base_ok();
    if (!json_is_string(value) || !base_rfc3339_decode(when, gba_json_span(value)))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0205",
                         gba_json_say(pool, member, "an RFC 3339 date-time expected"));
    if (*when <= 0)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0206",
                         gba_json_say(pool, member, "not after 1970-01-01"));
    return base_ok();
}

/* Names end up in certificates, header fields and logs: none may carry a control character. */
static int has_control(base_span_t text)
{
    for (apr_size_t i = 0; i < text.len; i++)
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return 1;
    return 0;
}

base_result_t gba_json_text(gba_text_ref_t *ref, gba_info_t *info, const json_t *value,
                            const char *member, apr_pool_t *pool)
{
    base_span_t text = gba_json_span(value);
    if (!json_is_string(value) || text.len == 0)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0208",
                         gba_json_say(pool, member, "a string that is not empty expected"));
    if (has_control(text))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0209",
                         gba_json_say(pool, member, "a control character"));
    *ref = gba_info_add_text(info, (const char *)text.data, text.len);
    if (*ref == 0)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0210",
                         gba_json_say(pool, member, "too long, with the strings before it"));
    return base_ok();
}

/* One known value of an open enumeration (TS 29.309: anyOf the values or any string). */
typedef struct choice_t {
    const char *name; /* NULL ends the list; its number stands for every other string */
    unsigned char number;
} choice_t;

base_result_t gba_json_optional(const char **text, const json_t *object, const char *member,
                                apr_pool_t *pool)
{
    const json_t *value = json_object_get(object, member);
    *text = json_string_value(value);
    if (value && !*text)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0214",
                         gba_json_say(pool, member, "a string expected"));
    return base_ok();
}

static base_result_t read_choice(unsigned char *number, const json_t *object, const char *member,
                                 const choice_t *choices, apr_pool_t *pool)
{
    const char *text;
    base_result_t result = gba_json_optional(&text, object, member, pool);
    if (!text)
        return result;
    while (choices->name && strcmp(choices->name, text) != 0)
        choices++;
    *number = choices->number;
    return result;
}

static base_result_t read_impi(gba_info_t *info, const json_t *object, apr_pool_t *pool)
{
    const json_t *value = json_object_get(object, "impi");
    if (!value)
        return base_ok();
    if (json_string_length(value) > IMPI_MAX)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0216", "impi: more than 255 octets");
    return gba_json_text(&info->impi, info, value, "impi", pool);
}

static base_result_t read_keys(gba_info_t *info, const json_t *object, apr_pool_t *pool)
{
    const json_t *uicc_key = json_object_get(object, uicc_key_member);
    base_result_t result =
        read_key(info->me_key, json_object_get(object, me_key_member), me_key_member, pool);
    if (result.code != BASE_OK || !uicc_key)
        return result;
    info->has_uicc_key = 1;
    return read_key(info->uicc_key, uicc_key, uicc_key_member, pool);
}

static base_result_t read_members(gba_info_t *info, const json_t *object, apr_pool_t *pool)
{
    static const choice_t types[] = {{"3G_GBA", GBA_TYPE_3G},
                                     {"2G_GBA", GBA_TYPE_2G},
                                     {"GBA_DIGEST", GBA_TYPE_DIGEST},
                                     {NULL, GBA_TYPE_OTHER}};
    base_result_t result = read_keys(info, object, pool);
    if (result.code == BASE_OK)
        result = read_time(&info->expires, object, "keyExpiryTime", pool);
    if (result.code == BASE_OK)
        result = read_time(&info->bootstrapped, object, "bootstrappingInfoCreationTime", pool);
    if (result.code == BASE_OK)
        result = read_choice(&info->type, object, "gbaType", types, pool);
    if (result.code == BASE_OK)
        result = read_impi(info, object, pool);
    if (result.code == BASE_OK)
        result = gba_json_uss_list(info, object, pool);
    return result;
}

base_result_t gba_json_read_object(gba_info_t *info, json_t *object, apr_pool_t *pool)
{
    base_result_t result;
    memset(info, 0, sizeof(*info));
    if (json_is_object(object))
        result = read_members(info, object, pool);
    else
        result = base_fail(BASE_KEYSOURCE_DOWN, "GBA0217", "the answer: an object expected");
    if (result.code != BASE_OK)
        base_secret_wipe(info, sizeof(*info));
    return result;
}

base_result_t gba_json_read_info(gba_info_t *info, base_span_t text, apr_pool_t *pool)
{
    json_t *root = NULL;
    base_result_t result;
    if (text.len > GBA_JSON_MAX)
        result = base_fail(BASE_KEYSOURCE_DOWN, "GBA0218", "the answer: more than 64 KiB");
    else
        result = gba_json_load(&root, text, pool);
    if (result.code != BASE_OK) {
        base_secret_wipe(info, sizeof(*info));
        return result;
    }
    result = gba_json_read_object(info, root, pool);
    gba_json_free(root);
    return result;
}

base_result_t gba_json_read_naf_id(gba_naf_id_t *naf, json_t *object, apr_pool_t *pool)
{
    const json_t *fqdn = json_object_get(object, "nafFqdn");
    const json_t *ua_id = json_object_get(object, "uaSecProtId");
    unsigned char octets[GBA_UA_ID_LEN];
    if (!json_is_string(ua_id) || !base_hex_decode(octets, sizeof(octets), json_string_value(ua_id),
                                                   json_string_length(ua_id)))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0219", "uaSecProtId: ten hex digits expected");
    apr_size_t len = json_string_length(fqdn);
    const char *name = json_is_string(fqdn) ? json_string_value(fqdn) : "";
    /* The pattern of Fqdn (TS 29.571) lets a name end in a dot; a NAF_Id has none. */
    if (len > 0 && len <= GBA_FQDN_MAX && name[len - 1] == '.')
        name = apr_pstrndup(pool, name, len - 1);
    if (!gba_naf_id_set(naf, name, octets))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0220", "nafFqdn: a domain name expected");
    return base_ok();
}
