/* SPDX-License-Identifier: Apache-2.0 */
#include "gba/gba_json_request.h"

#include <stdlib.h>
#include <apr_strings.h>
#include <jansson.h>

/* gbaUAware false is the default, and is left out. */
static int add_awareness(json_t *root, const gba_lookup_t *question)
{
    return !question->uicc || json_object_set_new(root, "gbaUAware", json_true()) == 0;
}

/* An empty list breaks the schema (minItems 1). */
static int add_services(json_t *root, const apr_uint32_t *gs_ids, apr_size_t count)
{
    json_t *list = json_array();
    int done = list != NULL;
    for (apr_size_t i = 0; done && i < count; i++)
        done = json_array_append_new(list, json_integer(gs_ids[i])) == 0;
    if (done && count > 0)
        done = json_object_set(root, "gsIds", list) == 0;
    json_decref(list);
    return done;
}

const char *gba_json_request(const gba_lookup_t *question, const apr_uint32_t *gs_ids,
                             apr_size_t count, apr_pool_t *pool)
{
    char ua_id[2 * GBA_UA_ID_LEN + 1];
    char *text = NULL;
    const char *copy = NULL;
    base_hex_encode(ua_id, question->naf.ua_id, GBA_UA_ID_LEN);
    json_t *root = json_pack("{s:s, s:{s:s, s:s}}", "btId", question->btid, "nafId", "nafFqdn",
                             question->naf.fqdn, "uaSecProtId", ua_id);
    if (root && add_awareness(root, question) && add_services(root, gs_ids, count))
        text = json_dumps(root, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (text)
        copy = apr_pstrdup(pool, text);
    free(text);
    json_decref(root);
    return copy;
}
