/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file base_result.h
 * The one result type of the project, and the one table that says what each
 * outcome means to the peer (HTTP status, protected or not) and to the
 * operator (log level). Pure values: nothing here allocates or locks.
 */
#ifndef base_result_h
#define base_result_h

/** Every outcome the portal can have. The order is that of the table in base_result.c. */
typedef enum base_code_t {
    BASE_OK = 0,
    BASE_NO_CREDENTIALS,    /**< no Digest Authorization at all */
    BASE_NOT_OFFERED,       /**< realm, qop, algorithm or opaque that was not offered */
    BASE_UNKNOWN_BTID,      /**< the key source does not know the B-TID */
    BASE_EXPIRED_KEY,       /**< Key-ExpiryTime or the local limit has passed */
    BASE_WRONG_HASH,        /**< the response is not the one that the key gives */
    BASE_NONCE_INVALID,     /**< old, foreign or forged nonce: stale=true */
    BASE_NONCE_REPLAYED,    /**< right hash, but nc seen before: stale=true */
    BASE_WINDOW_GONE,       /**< right hash, but the replay window was let go: stale=true */
    BASE_MALFORMED,         /**< Authorization (or the request around it) breaks the grammar */
    BASE_URI_MISMATCH,      /**< uri is not the request target */
    BASE_BODY_OVER_CAP,     /**< request body over the location's cap: cannot be hashed */
    BASE_BODY_TIMEOUT,      /**< request body did not arrive in time */
    BASE_BODY_BROKEN,       /**< request body ended early or its framing is broken */
    BASE_NOT_AUTHORISED,    /**< the key source says that the UE may not use this NAF */
    BASE_KEYSOURCE_DOWN,    /**< the key source is down, busy or limited */
    BASE_REQUIRE_REFUSED,   /**< a Require line refused an authenticated UE */
    BASE_ENROL_REFUSED,     /**< enrolment refused by policy (TS 24.109 E.4) */
    BASE_BAD_PKCS10,        /**< PKCS#10 unreadable */
    BASE_BAD_POP,           /**< proof of possession wrong */
    BASE_BAD_RESPONSE_KIND, /**< unknown response= */
    BASE_BAD_MEDIA_TYPE,    /**< not application/x-pkcs10 */
    BASE_OVER_HANDLER_CAP,  /**< over the handler's own cap */
    BASE_BAD_METHOD,        /**< not POST */
    BASE_CA_NOT_HELD,       /**< CA certificate not held (TS 24.109 E.6) */
    BASE_STORE_DOWN,        /**< keeper, ledger or signer down */
    BASE_RESPONSE_OVER_CAP, /**< response over the hard cap */
    BASE_INHERIT_REFUSED,   /**< an internal redirect into a location of another realm */
    BASE_NO_CONTEXT,        /**< a handler ran without a verified auth-int context */
    BASE_INTERNAL,          /**< a library failed where it must not, or a bug */
    BASE_NOT_FOUND,         /**< a store holds no such entry; never leaves the portal layer */
    BASE_CODES              /**< how many codes there are; not a code */
} base_code_t;

/** Log levels, named as httpd names them; src/httpd maps them. */
typedef enum base_level_t {
    BASE_LOG_ERR,
    BASE_LOG_WARNING,
    BASE_LOG_NOTICE,
    BASE_LOG_INFO,
    BASE_LOG_DEBUG
} base_level_t;

/** One outcome. Passed by value. */
typedef struct base_result_t {
    base_code_t code; /**< what happened */
    const char *tag;  /**< "GBA0123", static, unique to the call site; NULL if BASE_OK */
    const char
        *detail; /**< for the operator's log: static or in the caller's pool; holds no secret */
    unsigned retry_after; /**< seconds after which to try again, if the peer that failed said so;
                               else 0 */
    int unreached;        /**< nonzero: it failed because no peer could be reached, so that nobody
                               was troubled; of key sources alone */
} base_result_t;

/** One row of the error table (docs/log-tags and the HTTP answer are made from it). */
typedef struct base_code_info_t {
    const char *name;        /**< the enumerator without BASE_, static */
    int http_status;         /**< status of the answer; 200 for BASE_OK */
    base_level_t level;      /**< at which the operator's log gets it */
    int is_protected;        /**< nonzero: the answer carries Authentication-Info */
    int is_stale;            /**< nonzero: the 401 says stale=true */
    const char *client_text; /**< what the peer may read, static, one sentence */
} base_code_info_t;

/** The row of @a code; that of BASE_INTERNAL for a number out of range. Never NULL; static. */
const base_code_info_t *base_code_info(base_code_t code);

/** Success. */
base_result_t base_ok(void);

/**
 * A failure (or any outcome that is not BASE_OK).
 * @param code   the outcome
 * @param tag    log tag of this call site, "GBA0123"; used once in the whole source
 * @param detail operator detail, static or in a pool that outlives the result
 */
base_result_t base_fail(base_code_t code, const char *tag, const char *detail);

#endif
