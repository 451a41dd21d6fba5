/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/bsf_query.h"

#include <apr_strings.h>
#include <jansson.h>
#include "gba/gba_json.h"

static int wrong(bsf_problem_t *problem, const char *cause, const char *param, const char *detail)
{
    *problem = (bsf_problem_t){HTTP_BAD_REQUEST, cause, detail, param};
    return 0;
}

static int wrong_member(bsf_problem_t *problem, int is_there, const char *param, const char *detail)
{
    return wrong(problem, is_there ? "MANDATORY_IE_INCORRECT" : "MANDATORY_IE_MISSING", param,
                 detail);
}

static int read_naf_id(bsf_query_t *query, bsf_problem_t *problem, const json_t *root,
                       apr_pool_t *pool)
{
    json_t *object = json_object_get(root, "nafId");
    base_result_t result;

    if (!json_is_object(object))
        return wrong_member(problem, object != NULL, "/nafId", "nafId: an object expected");
    if (!json_object_get(object, "nafFqdn"))
        return wrong_member(problem, 0, "/nafId/nafFqdn", "nafFqdn: missing");
    if (!json_object_get(object, "uaSecProtId"))
        return wrong_member(problem, 0, "/nafId/uaSecProtId", "uaSecProtId: missing");
    result = gba_json_read_naf_id(&query->naf, object, pool);
    return result.code == BASE_OK || wrong_member(problem, 1, "/nafId", result.detail);
}

static int read_gs_ids(bsf_query_t *query, bsf_problem_t *problem, const json_t *root)
{
    const json_t *list = json_object_get(root, "gsIds");
    apr_size_t count = json_array_size(list);

    if (!list)
        return 1;
    if (!json_is_array(list) || count == 0 || count > BSF_GS_IDS_MAX)
        return wrong(problem, "OPTIONAL_IE_INCORRECT", "/gsIds",
                     "gsIds: an array of 1 to 64 numbers expected");
    for (apr_size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        json_int_t number = json_integer_value(value);
        if (!json_is_integer(value) || number < 0 || number > APR_UINT32_MAX)
            return wrong(problem, "OPTIONAL_IE_INCORRECT", "/gsIds",
                         "gsIds: numbers from 0 to 4294967295 expected");
        query->gs_ids[query->gs_id_count++] = (apr_uint32_t)number;
    }
    return 1;
}

static int read_members(bsf_query_t *query, bsf_problem_t *problem, const json_t *root,
                        apr_pool_t *pool)
{
    const json_t *btid = json_object_get(root, "btId");
    const json_t *aware = json_object_get(root, "gbaUAware");

    if (!json_is_object(root))
        return wrong(problem, "INVALID_MSG_FORMAT", "", "an object expected");
    if (!json_is_string(btid))
        return wrong_member(problem, btid != NULL, "/btId", "btId: a string expected");
    query->btid = apr_pstrdup(pool, json_string_value(btid));
    if (aware && !json_is_boolean(aware))
        return wrong(problem, "OPTIONAL_IE_INCORRECT", "/gbaUAware",
                     "gbaUAware: true or false expected");
    query->gba_u_aware = json_is_true(aware);
    return read_naf_id(query, problem, root, pool) && read_gs_ids(query, problem, root);
}

int bsf_query_read(bsf_query_t *query, bsf_problem_t *problem, base_span_t text, apr_pool_t *pool)
{
    json_t *root;
    base_result_t result = gba_json_load(&root, text, pool);
    int good;

    *query = (bsf_query_t){0};
    if (result.code != BASE_OK)
        return wrong(problem, "INVALID_MSG_FORMAT", "", result.detail);
    good = read_members(query, problem, root, pool);
    json_decref(root);
    return good;
}
