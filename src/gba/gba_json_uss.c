/* SPDX-License-Identifier: Apache-2.0 */
/* User security settings in an answer: ussList (TS 29.309 V18.1.0, Uss), or the AVP's XML. */
#include <apr_strings.h>
#include "gba/gba_json_private.h"
#include "gba/gba_uss_xml.h"

/* A refusal from inside an element of a list, with the element's name before it. */
static base_result_t inside(base_result_t inner, const char *list, apr_size_t index,
                            apr_pool_t *pool)
{
    inner.detail = apr_psprintf(pool, "%s[%" APR_SIZE_T_FMT "].%s", list, index, inner.detail);
    return inner;
}

static base_result_t read_uint32(apr_uint32_t *number, const json_t *object, const char *member,
                                 apr_pool_t *pool)
{
    const json_t *value = json_object_get(object, member);
    json_int_t integer = json_integer_value(value);
    if (!json_is_integer(value) || integer < 0 || integer > APR_UINT32_MAX)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0207",
                         gba_json_say(pool, member, "an integer from 0 to 4294967295 expected"));
    *number = (apr_uint32_t)integer;
    return base_ok();
}

/* A list of 1 to max elements; NULL if the member is not there. */
static base_result_t read_list(const json_t **list, const json_t *object, const char *member,
                               apr_size_t max, apr_pool_t *pool)
{
    *list = json_object_get(object, member);
    if (!*list)
        return base_ok();
    if (!json_is_array(*list) || json_array_size(*list) == 0)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0211",
                         gba_json_say(pool, member, "an array that is not empty expected"));
    if (json_array_size(*list) > max)
        return base_fail(
            BASE_KEYSOURCE_DOWN, "GBA0212",
            apr_psprintf(pool, "%s: more than %" APR_SIZE_T_FMT " elements", member, max));
    return base_ok();
}

static base_result_t read_ue_ids(gba_uss_t *uss, gba_info_t *info, const json_t *object,
                                 apr_pool_t *pool)
{
    const json_t *list;
    base_result_t result = read_list(&list, object, "ueIds", GBA_UEIDS_MAX, pool);
    if (result.code == BASE_OK && !list)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0213", "ueIds: missing");
    for (apr_size_t i = 0; result.code == BASE_OK && i < json_array_size(list); i++) {
        const json_t *value = json_object_get(json_array_get(list, i), "ueId");
        result = gba_json_text(&uss->ue_ids[i], info, value, "ueId", pool);
        if (result.code != BASE_OK)
            return inside(result, "ueIds", i, pool);
        uss->ue_id_count = (unsigned char)(i + 1);
    }
    return result;
}

static base_result_t read_flags(gba_uss_t *uss, const json_t *object, apr_pool_t *pool)
{
    const json_t *list;
    base_result_t result = read_list(&list, object, "flags", GBA_FLAGS_MAX, pool);
    for (apr_size_t i = 0; result.code == BASE_OK && i < json_array_size(list); i++) {
        result = read_uint32(&uss->flags[i], json_array_get(list, i), "flag", pool);
        if (result.code != BASE_OK)
            return inside(result, "flags", i, pool);
        uss->flag_count = (unsigned char)(i + 1);
    }
    return result;
}

static base_result_t read_key_choice(gba_uss_t *uss, const json_t *object, apr_pool_t *pool)
{
    const char *text;
    base_result_t result = gba_json_optional(&text, object, "keyChoice", pool);
    if (text)
        uss->key_choice = (unsigned char)gba_key_choice_parse(text);
    return result;
}

/* An empty group is no group. */
static base_result_t read_naf_group(gba_uss_t *uss, gba_info_t *info, const json_t *object,
                                    apr_pool_t *pool)
{
    const json_t *value = json_object_get(object, "nafGroup");
    if (!value || (json_is_string(value) && json_string_length(value) == 0))
        return base_ok();
    return gba_json_text(&uss->naf_group, info, value, "nafGroup", pool);
}

static base_result_t read_uss_members(gba_uss_t *uss, gba_info_t *info, const json_t *object,
                                      apr_pool_t *pool)
{
    base_result_t result = read_uint32(&uss->gs_id, object, "gsId", pool);
    if (result.code == BASE_OK)
        result = read_uint32(&uss->gs_type, object, "gsType", pool);
    if (result.code == BASE_OK)
        result = read_ue_ids(uss, info, object, pool);
    if (result.code == BASE_OK)
        result = read_naf_group(uss, info, object, pool);
    if (result.code == BASE_OK)
        result = read_flags(uss, object, pool);
    if (result.code == BASE_OK)
        result = read_key_choice(uss, object, pool);
    return result;
}

static base_result_t read_uss(gba_uss_t *uss, gba_info_t *info, const json_t *item,
                              apr_pool_t *pool)
{
    const json_t *object = json_object_get(item, "uss");
    if (!json_is_object(object))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0215", "uss: an object expected");
    base_result_t result = read_uss_members(uss, info, object, pool);
    if (result.code != BASE_OK)
        result.detail = apr_pstrcat(pool, "uss.", result.detail, NULL);
    return result;
}

/* The settings as XML, in the place of the list. */
static base_result_t read_uss_xml(gba_info_t *info, const json_t *object, const json_t *value,
                                  apr_pool_t *pool)
{
    if (!json_is_string(value))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0293",
                         "userSecSettings: a string of XML expected");
    if (json_object_get(object, "ussList"))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0294", "userSecSettings: there is a ussList too");
    return gba_uss_xml_read(info, gba_json_span(value), pool);
}

base_result_t gba_json_uss_list(gba_info_t *info, const json_t *object, apr_pool_t *pool)
{
    const json_t *list, *xml = json_object_get(object, "userSecSettings");
    if (xml)
        return read_uss_xml(info, object, xml, pool);
    base_result_t result = read_list(&list, object, "ussList", GBA_USS_MAX, pool);
    for (apr_size_t i = 0; result.code == BASE_OK && i < json_array_size(list); i++) {
        result = read_uss(&info->uss[i], info, json_array_get(list, i), pool);
        if (result.code != BASE_OK)
            return inside(result, "ussList", i, pool);
        info->uss_count = (unsigned char)(i + 1);
    }
    return result;
}
