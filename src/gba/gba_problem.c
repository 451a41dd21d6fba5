/* SPDX-License-Identifier: Apache-2.0 */
#include "gba/gba_problem.h"

#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>
#include <jansson.h>

const char *gba_problem_print(apr_pool_t *pool, int status, const char *title, const char *detail,
                              const char *reason)
{
    json_t *object = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "about:blank", "title", title,
                               "status", status, "detail", detail, "reason", reason);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    const char *copy = text ? apr_pstrcat(pool, text, "\n", NULL) : NULL;
    free(text);
    json_decref(object);
    return copy;
}

static int is_code(const char *code)
{
    apr_size_t len = code ? strlen(code) : 0;
    return len > 0 && len <= GBA_PROBLEM_CODE_MAX &&
           strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == len;
}

int gba_problem_read(const char **reason, int *status, base_span_t body, apr_pool_t *pool)
{
    json_t *root = NULL;
    const char *code;
    json_int_t number;
    *reason = NULL;
    *status = 0;
    if (body.len > 0 && body.len <= GBA_PROBLEM_MAX)
        root = json_loadb((const char *)body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
    code = json_string_value(json_object_get(root, "reason"));
    number = json_integer_value(json_object_get(root, "status"));
    if (is_code(code) && number >= 400 && number <= 599) {
        *reason = apr_pstrdup(pool, code);
        *status = (int)number;
    }
    json_decref(root);
    return *reason != NULL;
}
