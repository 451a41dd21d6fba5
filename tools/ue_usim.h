/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_usim.h
 * A software USIM for laboratories: K, OPc and the sequence number of one
 * subscriber in a JSON file, and TS 33.102's answer to a challenge. The file is
 * rewritten before an accepted challenge is used, so that none is accepted
 * twice.
 */
#ifndef ue_usim_h
#define ue_usim_h

#include "gba/gba_aka.h"
#include "ue_outcome.h"

/** A software USIM. Wiped with its pool. */
typedef struct ue_usim_t {
    const char *path;
    const char *impi;       /**< UTF-8 */
    gba_milenage_key_t key; /**< secret */
    apr_uint64_t sqn_ms;    /**< of the last challenge accepted */
} ue_usim_t;

/**
 * Reads {"impi", "k", "opc" or "op", "sqn"}: hex but for the first; "sqn" may be absent (0).
 * Nobody but its owner may read or write the file.
 * @return nonzero; else the result says UE_LOCAL
 */
int ue_usim_load(ue_usim_t **out, const char *path, ue_result_t *result, apr_pool_t *pool);

/**
 * Answers the challenge in vector->rand and vector->autn; see gba_aka_vector_check().
 * @return its verdict; GBA_AKA_FAILED too if the file cannot be rewritten: the result then says
 *         UE_LOCAL
 */
gba_aka_verdict_t ue_usim_answer(ue_usim_t *usim, gba_aka_vector_t *vector, ue_result_t *result,
                                 apr_pool_t *pool);

#endif
