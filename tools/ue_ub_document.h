/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_ub_document.h
 * The document that ends a bootstrapping (TS 24.109 C.1): B-TID and lifetime.
 * Pure.
 */
#ifndef ue_ub_document_h
#define ue_ub_document_h

#include <apr_pools.h>
#include <apr_time.h>
#include "base/base_text.h"

#define UE_UB_MEDIA "application/vnd.3gpp.bsf+xml" /**< its media type */

/** What it says. Strings live with the pool. */
typedef struct ue_ub_document_t {
    const char *btid;
    const char *until; /**< RFC 3339, UTC */
    apr_time_t expires;
} ue_ub_document_t;

/** Reads it. No DTD, no entities; unknown elements are skipped (C.1).
 *  @return NULL, or what is wrong with it (static) */
const char *ue_ub_document_read(ue_ub_document_t *out, base_span_t text, apr_pool_t *pool);

#endif
