/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tool_options.h
 * Command lines of all programs here: options are written out in full, "--name
 * value" or "--name=value", in any order and place. Each program has a struct
 * of the words as given, and a table that says where they go.
 */
#ifndef tool_options_h
#define tool_options_h

#include <stddef.h>
#include <apr_pools.h>
#include <apr_tables.h>

/** What an option takes. */
typedef enum tool_kind_t {
    TOOL_WORD, /**< one word; the member is a const char *, NULL if absent */
    TOOL_FLAG, /**< nothing; the member is an int, 1 if present */
    TOOL_LIST  /**< one word each time; the member is an apr_array_header_t * of const char *,
                    NULL if absent */
} tool_kind_t;

/** One option: a row of a program's table. */
typedef struct tool_option_t {
    const char *name; /**< without the dashes */
    size_t at;        /**< offsetof() its member */
    tool_kind_t kind;
} tool_option_t;

/** A command line to be read. */
typedef struct tool_line_t {
    const tool_option_t *options; /**< the table */
    size_t count;                 /**< its rows */
    int argc;
    const char *const *argv;
    /** Takes a word that is no option. Returns what is wrong with it, or NULL. */
    const char *(*operand)(void *out, const char *word);
} tool_line_t;

/** Reads all words into @a out, which the caller has zeroed. Returns NULL, or one line for people
 *  (in @a pool) that shows no value: it may be a secret put there by mistake. */
const char *tool_options_read(void *out, const tool_line_t *line, apr_pool_t *pool);

/** The index of a word in a NULL-ended list; 0 for no word, -1 for an unknown one. */
int tool_pick(const char *word, const char *const *list);

/** Nonzero if --json is among the words, which may be otherwise wrong. */
int tool_wants_json(int argc, const char *const *argv);

#endif
