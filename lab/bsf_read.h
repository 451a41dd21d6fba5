/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bsf_read.h
 * The text of a file of subscribers, read strictly: an unknown member is a
 * mistake, and one mistake refuses the whole file. Pure.
 */
#ifndef bsf_read_h
#define bsf_read_h

#include "base/base_text.h"
#include "lab/bsf_subscribers.h"

/**
 * Reads a JSON array of subscribers.
 * @param list of `bsf_subscriber_t *`, in @a pool, wiped with it; NULL if it fails
 * @return BASE_OK, or BASE_KEYSOURCE_DOWN with a detail that holds no key
 */
base_result_t bsf_read_subscribers(apr_array_header_t **list, base_span_t text, apr_pool_t *pool);

#endif
