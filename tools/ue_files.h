/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_files.h
 * Files of gba-ue: bounded reading, and a certificate file that appears whole
 * or not at all.
 */
#ifndef ue_files_h
#define ue_files_h

#include <sys/types.h>
#include "ue_outcome.h"

/** Reads a whole file of at most @a max octets into memory that is wiped with the pool.
 *  Nonzero on success; else the result says UE_LOCAL. */
int ue_file_read(base_span_t *out, const char *path, apr_size_t max, ue_result_t *result,
                 apr_pool_t *pool);

/** A file to be: a temporary beside its final name, removed with the pool unless committed. */
typedef struct ue_pending_t ue_pending_t;

/** Opens it, so that a place that cannot be written is found before anything is asked for.
 *  NULL on failure; the result then says UE_LOCAL. */
ue_pending_t *ue_pending_open(const char *path, ue_result_t *result, apr_pool_t *pool);

/** Writes @a text and gives the file its mode and its final name. Nonzero on success. */
int ue_pending_commit(ue_pending_t *pending, const char *text, mode_t mode, ue_result_t *result);

#endif
