/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_nbsp_engine.h
 * The one thread of the keeper that speaks HTTP, over libcurl's multi
 * interface: exchanges of all threads share its connections, many at a time
 * over one with HTTP/2. What an exchange means is not its business.
 */
#ifndef keeper_nbsp_engine_h
#define keeper_nbsp_engine_h

#include <curl/curl.h>
#include <apr_pools.h>
#include "base/base_result.h"

#define KEEPER_NBSP_LOCATION_MAX 1024 /**< octets of a Location that is looked at */
#define KEEPER_NBSP_FIELD_MAX    128  /**< octets of any other header field */

/** How a peer is spoken to. Kept by reference for as long as exchanges are under way. Blobs are
 *  PEM; one without data is not given to libcurl. */
typedef struct keeper_nbsp_peer_t {
    int http1;             /**< nonzero: HTTP/1.1; else HTTP/2, without TLS by prior knowledge */
    long connect_ms;       /**< bound on connecting, TLS included */
    struct curl_blob ca;   /**< CAs; none: the system's */
    struct curl_blob cert; /**< the client's certificate chain */
    struct curl_blob key;  /**< its key; secret */
} keeper_nbsp_peer_t;

/** One exchange: a POST. The strings live until keeper_nbsp_engine_run() returns. */
typedef struct keeper_nbsp_job_t {
    const keeper_nbsp_peer_t *peer;
    const char *url;
    const char *unix_path;    /**< NULL: by the URL's host */
    const char *content_type; /**< of the body */
    const char *accept;       /**< media types for Accept */
    const char *body;
    const char *bearer;    /**< an access token, or NULL; secret */
    const char *basic;     /**< user:password for HTTP Basic, or NULL; secret */
    apr_uint64_t deadline; /**< monotonic ms (keeper_deadline()) */
    int fresh;             /**< nonzero: over a new connection */

    CURLcode code;               /**< CURLE_OK: there was a response, and it is below */
    char error[CURL_ERROR_SIZE]; /**< libcurl's words if not; "" if it has none */
    int reused;                  /**< nonzero: it went over a connection that was there before */
    long status;
    char content_type_got[KEEPER_NBSP_FIELD_MAX]; /**< "" if none; also one that is too long */
    char retry_after[KEEPER_NBSP_FIELD_MAX];      /**< likewise */
    char location[KEEPER_NBSP_LOCATION_MAX];      /**< likewise */
    unsigned char *answer;                        /**< the body; wiped by keeper_nbsp_job_free() */
    apr_size_t answer_len;
    int over; /**< nonzero: it was longer than GBA_JSON_MAX, and was cut off */

    struct keeper_nbsp_job_t *next; /**< the engine's own, like all that follows */
    CURL *easy;
    struct curl_slist *headers;
    int done;
} keeper_nbsp_job_t;

/** The engine. */
typedef struct keeper_nbsp_engine_t keeper_nbsp_engine_t;

/** Makes it, without its thread: nothing is connected yet. In @a pool; when that goes the thread
 *  is ended, and exchanges under way fail. NULL if libcurl or the system has no more. */
keeper_nbsp_engine_t *keeper_nbsp_engine_make(apr_pool_t *pool);

/** Starts the thread, in the process and as the user that will use it. Nonzero on success. */
int keeper_nbsp_engine_start(keeper_nbsp_engine_t *engine);

/** Runs one exchange and waits until it is over, at the deadline at the latest. Any thread.
 *  @return nonzero if there is a response */
int keeper_nbsp_engine_run(keeper_nbsp_engine_t *engine, keeper_nbsp_job_t *job);

/** Wipes and lets go of the body. */
void keeper_nbsp_job_free(keeper_nbsp_job_t *job);

#endif
