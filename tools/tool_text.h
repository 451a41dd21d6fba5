/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tool_text.h
 * Texts of strangers on their way to a terminal, a spreadsheet or a program.
 */
#ifndef tool_text_h
#define tool_text_h

#include <apr_pools.h>
#include <jansson.h>
#include "base/base_text.h"

/** A text that a terminal only shows: UTF-8 stays; control characters (C0, DEL, C1), line and
 *  paragraph separators, characters that change the direction of text, what is no UTF-8, and the
 *  backslash are written \xHH, octet by octet. In @a pool, or @a text itself. */
const char *tool_plain(apr_pool_t *pool, const char *text);

/** A field of CSV (RFC 4180): tool_plain(), a ' before what a spreadsheet would take for a formula
 *  (it starts with = + - @), quoted where need be. NULL gives an empty field. */
const char *tool_csv(apr_pool_t *pool, const char *text);

/** A JSON string; null for NULL; of text that is not UTF-8, tool_plain() of it. */
json_t *tool_json(const char *text, apr_pool_t *pool);

/** Seconds since 1970 as RFC 3339 in UTC, "2030-01-01T00:00:00Z"; the bare number if that has no
 *  year of four digits. */
const char *tool_time(apr_pool_t *pool, apr_int64_t seconds);

/** Lower-case hex, in @a pool. */
const char *tool_hex(apr_pool_t *pool, base_span_t octets);

#endif
