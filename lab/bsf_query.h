/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bsf_query.h
 * BootstrappingInfoRequest (TS 29.309), read strictly. Pure.
 */
#ifndef bsf_query_h
#define bsf_query_h

#include "base/base_text.h"
#include "gba/gba_names.h"
#include "lab/bsf_answer.h"

#define BSF_GS_IDS_MAX 64 /**< gsIds that one request may name */

/** What a NAF asks for. Strings are in the reader's pool. */
typedef struct bsf_query_t {
    const char *btid;                    /**< btId: any string */
    gba_naf_id_t naf;                    /**< nafId */
    int gba_u_aware;                     /**< gbaUAware; false if absent */
    apr_uint32_t gs_ids[BSF_GS_IDS_MAX]; /**< the first gs_id_count are set */
    unsigned gs_id_count;                /**< 0 if gsIds is absent */
} bsf_query_t;

/** Reads a request body. Nonzero on success; else *problem says why, in @a pool. */
int bsf_query_read(bsf_query_t *query, bsf_problem_t *problem, base_span_t text, apr_pool_t *pool);

#endif
