/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_nbsp_token.h
 * An OAuth2 access token by client credentials (RFC 6749 4.4): the form that
 * asks for it, the answer, and for how long it is kept. Plain values with the
 * time handed in; the caller locks.
 */
#ifndef keeper_nbsp_token_h
#define keeper_nbsp_token_h

#include "base/base_result.h"
#include "base/base_text.h"
#include "keeper/keeper_nbsp_answer.h"

#define KEEPER_NBSP_TOKEN_MAX     8192  /**< octets of a token that we take */
#define KEEPER_NBSP_SECRET_MAX    1024  /**< octets of a client secret */
#define KEEPER_NBSP_TOKEN_KEPT_S  300   /**< if the answer has no expires_in */
#define KEEPER_NBSP_TOKEN_LONG_S  86400 /**< a token is kept at most so long */
#define KEEPER_NBSP_TOKEN_WAIT_MS 1000  /**< after a failure nobody asks for so long */

/** A token and its life. All zero: none. Secret: allocate with base_secret_alloc(). */
typedef struct keeper_nbsp_token_t {
    char text[KEEPER_NBSP_TOKEN_MAX + 1];
    apr_uint64_t good_until;   /**< monotonic ms */
    apr_uint64_t failed_until; /**< monotonic ms: so long the last failure stands */
    unsigned serial;           /**< another one for each token; 0: there never was one */
} keeper_nbsp_token_t;

/** Nonzero if there is a token to use at @a now. */
int keeper_nbsp_token_is_good(const keeper_nbsp_token_t *token, apr_uint64_t now);

/** Nonzero if asking for one failed just now. */
int keeper_nbsp_token_is_denied(const keeper_nbsp_token_t *token, apr_uint64_t now);

/** Token number @a serial was refused by a BSF: it is not used again. Another one stays. */
void keeper_nbsp_token_drop(keeper_nbsp_token_t *token, unsigned serial);

/** The token endpoint did not give one. */
void keeper_nbsp_token_failed(keeper_nbsp_token_t *token, apr_uint64_t now);

/**
 * Takes the token endpoint's answer (RFC 6749 5.1). The token is used until a tenth of its life,
 * at most 30 seconds, before its end.
 * @return BASE_OK or BASE_KEYSOURCE_DOWN with a detail in @a pool that quotes nothing but `error`
 *         (5.2)
 */
base_result_t keeper_nbsp_token_take(keeper_nbsp_token_t *token, const keeper_nbsp_reply_t *reply,
                                     apr_uint64_t now, apr_pool_t *pool);

/** The form that asks for a token; in @a pool. */
const char *keeper_nbsp_token_form(const char *scope, apr_pool_t *pool);

/** "ID:SECRET", each form-encoded (RFC 6749 2.3.1), for HTTP Basic; wiped with @a pool. */
const char *keeper_nbsp_token_basic(const char *id, const char *secret, apr_pool_t *pool);

#endif
