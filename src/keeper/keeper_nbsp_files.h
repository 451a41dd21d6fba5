/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_nbsp_files.h
 * A BSF's files, read before root is given up: what libcurl needs again for
 * each connection stays in memory. Private to the "nbsp:" key source.
 */
#ifndef keeper_nbsp_files_h
#define keeper_nbsp_files_h

#include "keeper/keeper_nbsp.h"

/** What the files of a BSF hold. */
typedef struct keeper_nbsp_files_t {
    keeper_nbsp_peer_t peer; /**< complete */
    const char *secret;      /**< the client secret; NULL without a token */
} keeper_nbsp_files_t;

/**
 * Reads them; secrets in @a pool are wiped with it. Refused: CAs that are no PEM certificates, a
 * key that is not the certificate's, a key or a client secret that others may read.
 * @return BASE_OK, or BASE_KEYSOURCE_DOWN with a detail that names the file
 */
base_result_t keeper_nbsp_files_read(keeper_nbsp_files_t *files, const keeper_nbsp_bsf_t *bsf,
                                     apr_pool_t *pool);

#endif
