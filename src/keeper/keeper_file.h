/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_file.h
 * The "file:" key source for laboratories: a JSON array of objects in the very
 * shape of the Nbsp_GBA answer, plus btId and nafId.
 */
#ifndef keeper_file_h
#define keeper_file_h

#include "base/base_env.h"
#include "gba/gba_keysource.h"

/**
 * Reads the whole file and keeps it. Refused: a file that others than its owner may read or
 * write, one over 16 MiB, bad JSON, an entry that breaks the schema, (btId, nafId) twice.
 * @param clock kept by reference; gives the time of each answer
 * @param pool  owns the source and its keys (wiped with it); the detail too
 * @return BASE_OK or BASE_KEYSOURCE_DOWN with a detail that names entry and member
 */
base_result_t keeper_file_open(gba_keysource_t **out, const char *path, const base_clock_t *clock,
                               apr_pool_t *pool);

#endif
