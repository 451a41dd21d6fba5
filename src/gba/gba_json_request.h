/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_json_request.h
 * The question of Nbsp_GBA as JSON (TS 29.309 V18.1.0, BootstrappingInfoRequest).
 * Pure; thread-safe.
 */
#ifndef gba_json_request_h
#define gba_json_request_h

#include "gba/gba_keysource.h"

/**
 * The body of POST /bootstrapping-info-retrieval; in @a pool, NUL-terminated.
 * @param gs_ids GAA service identifiers whose settings are wanted; left out if @a count is 0
 * @return NULL if there is no memory, or a name is no UTF-8
 */
const char *gba_json_request(const gba_lookup_t *question, const apr_uint32_t *gs_ids,
                             apr_size_t count, apr_pool_t *pool);

#endif
