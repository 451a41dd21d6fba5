/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_keysource.h
 * The seam to whoever knows keys: the first of the two questions that children
 * ask the keeper (*look up this B-TID*).
 */
#ifndef gba_keysource_h
#define gba_keysource_h

#include "base/base_result.h"
#include "gba/gba_info.h"
#include "gba/gba_names.h"

/** The question, flat. */
typedef struct gba_lookup_t {
    char btid[GBA_BTID_MAX + 1]; /**< checked by gba_btid_check() */
    gba_naf_id_t naf;            /**< for which NAF */
    unsigned char uicc;          /**< 1: the NAF can use Ks_int_NAF (gbaUAware of TS 29.309) */
    unsigned char again;         /**< 1: the key is known and its UE authenticated; what is asked
                                      for is the present state of its settings */
} gba_lookup_t;

/** A key source. The callback may be called by several threads at once and may block. */
typedef struct gba_keysource_t {
    void *baton; /**< the callback's first argument */
    /**
     * Looks up a B-TID.
     * @param out  filled on BASE_OK, else wiped; fetched is set to the time of the answer
     * @param pool for the result's detail
     * @return BASE_OK; BASE_UNKNOWN_BTID; BASE_NOT_AUTHORISED; BASE_KEYSOURCE_DOWN
     */
    base_result_t (*lookup)(void *baton, const gba_lookup_t *question, gba_info_t *out,
                            apr_pool_t *pool);
    const char *name; /**< tells it from every other source in the configuration: part of the name
                         of each association that it gives; at most GBA_SOURCE_NAME_MAX octets */
} gba_keysource_t;

#endif
