/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tool_file.h
 * Bounded reading of files.
 */
#ifndef tool_file_h
#define tool_file_h

#include <apr_pools.h>
#include "base/base_text.h"

/** Reads a whole file of at most @a max octets into memory that is wiped with the pool.
 *  @return NULL, or what went wrong with it, one line for people in @a pool */
const char *tool_file_read(base_span_t *out, const char *path, apr_size_t max, apr_pool_t *pool);

/** What went wrong with a file, by errno: "cannot open FILE: No such file or directory". */
const char *tool_file_error(const char *what, const char *path, apr_pool_t *pool);

#endif
