/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_json_private.h
 * What the files that read an answer of Nbsp_GBA share. Each refusal is
 * BASE_KEYSOURCE_DOWN with a detail in @a pool that begins with the member's
 * name and quotes no value. Pure; thread-safe.
 */
#ifndef gba_json_private_h
#define gba_json_private_h

#include "gba/gba_json.h"

/** "member: why", in @a pool. */
const char *gba_json_say(apr_pool_t *pool, const char *member, const char *why);

/** The octets of a string; they live as long as it. {NULL, 0} if it is none. */
base_span_t gba_json_span(const json_t *string);

/** Adds the text of a string that must be there, not be empty and have no control character. */
base_result_t gba_json_text(gba_text_ref_t *ref, gba_info_t *info, const json_t *value,
                            const char *member, apr_pool_t *pool);

/** A string that may be left out: *text is NULL then. It lives as long as @a object. */
base_result_t gba_json_optional(const char **text, const json_t *object, const char *member,
                                apr_pool_t *pool);

/** The settings of an answer: ussList, or userSecSettings in its place (gba_json.h). */
base_result_t gba_json_uss_list(gba_info_t *info, const json_t *object, apr_pool_t *pool);

#endif
