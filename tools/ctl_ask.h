/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ctl_ask.h
 * One POST of JSON to the operator's own server, by libcurl.
 */
#ifndef ctl_ask_h
#define ctl_ask_h

#include <apr_pools.h>
#include "base/base_text.h"

#define CTL_ANSWER_MAX (1024 * 1024) /**< octets of an answer's body */

/** What is sent, and to whom. Texts are the caller's. */
typedef struct ctl_ask_t {
    const char *url;      /**< see ctl_ask_url() */
    const char *ca;       /**< a file of CAs; NULL: the system's */
    const char *name;     /**< for HTTP Basic; NULL: none */
    const char *password; /**< belongs to the name; a secret */
    long timeout_ms;      /**< of everything together */
    const char *body;     /**< JSON */
} ctl_ask_t;

/** What came back. */
typedef struct ctl_told_t {
    long status;      /**< HTTP's */
    base_span_t body; /**< of any type, in the pool */
} ctl_told_t;

/** What is wrong with a URL, one line for people; NULL: nothing. It is https, or http to this
 *  machine, without user, password and fragment. */
const char *ctl_ask_url(const char *url, apr_pool_t *pool);

/**
 * Asks once. No redirect is followed and no proxy used: questions hold identities.
 * @return NULL, or why there is no answer, one line for people in @a pool
 */
const char *ctl_ask(ctl_told_t *out, const ctl_ask_t *ask, apr_pool_t *pool);

#endif
