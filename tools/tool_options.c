/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_options.h"
#include <string.h>
#include <apr_strings.h>
#include "base/base_text.h"

static const tool_option_t *find_row(const tool_line_t *line, const char *name, size_t len)
{
    for (size_t i = 0; i < line->count; i++)
        if (strlen(line->options[i].name) == len && memcmp(line->options[i].name, name, len) == 0)
            return &line->options[i];
    return NULL;
}

static void put_word(void *member, const tool_option_t *row, const char *word, apr_pool_t *pool)
{
    apr_array_header_t **list = member;
    if (row->kind == TOOL_WORD) {
        *(const char **)member = word;
        return;
    }
    if (!*list)
        *list = apr_array_make(pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(*list, const char *) = word;
}

/* Takes one option and, if it is no flag and has no '=', the next word. */
static const char *take_option(void *out, const tool_line_t *line, int *at, apr_pool_t *pool)
{
    const char *name = line->argv[*at] + 2;
    const char *value = strchr(name, '=');
    size_t len = value ? (size_t)(value - name) : strlen(name);
    const tool_option_t *row = find_row(line, name, len);
    if (!row) /* without its value, which may be a secret put there by mistake */
        return apr_psprintf(pool, "unknown option --%s",
                            base_log_safe(pool, apr_pstrmemdup(pool, name, len), 64));
    void *member = (char *)out + row->at;
    if (row->kind == TOOL_FLAG) {
        *(int *)member = 1;
        return value ? apr_psprintf(pool, "--%s takes no value", row->name) : NULL;
    }
    if (!value && *at + 1 >= line->argc)
        return apr_psprintf(pool, "--%s needs a value", row->name);
    if (row->kind == TOOL_WORD && *(const char **)member)
        return apr_psprintf(pool, "--%s comes twice", row->name);
    put_word(member, row, value ? value + 1 : line->argv[++*at], pool);
    return NULL;
}

const char *tool_options_read(void *out, const tool_line_t *line, apr_pool_t *pool)
{
    const char *error = NULL;
    for (int at = 0; at < line->argc && !error; at++)
        error = strncmp(line->argv[at], "--", 2) == 0 ? take_option(out, line, &at, pool)
                                                      : line->operand(out, line->argv[at]);
    return error;
}

int tool_pick(const char *word, const char *const *list)
{
    if (!word)
        return 0;
    for (int i = 0; list[i]; i++)
        if (strcmp(word, list[i]) == 0)
            return i;
    return -1;
}

int tool_wants_json(int argc, const char *const *argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--json") == 0)
            return 1;
    return 0;
}
