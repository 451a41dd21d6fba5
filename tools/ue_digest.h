/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_digest.h
 * What the UE's side of Digest has in common on Ub and Ua: a fresh cnonce, the
 * response, and the verification of Authentication-Info (RFC 7616 3.4, 3.5).
 */
#ifndef ue_digest_h
#define ue_digest_h

#include <apr_tables.h>
#include "base/base_env.h"
#include "digest/digest_grammar.h"

/** What became of an Authentication-Info. */
typedef enum ue_verdict_t {
    UE_VERDICT_GOOD = 0,
    UE_VERDICT_UNASKED,   /**< we have sent no credentials yet: nothing can be verified */
    UE_VERDICT_MISSING,   /**< no Authentication-Info */
    UE_VERDICT_DOUBLED,   /**< more than one */
    UE_VERDICT_MALFORMED, /**< breaks the grammar */
    UE_VERDICT_QOP,       /**< not the qop that we used */
    UE_VERDICT_CNONCE,    /**< not our cnonce */
    UE_VERDICT_NC,        /**< not our nc */
    UE_VERDICT_RSPAUTH,   /**< not the hash that our key gives over what we received */
    UE_VERDICT_LIBRARY    /**< it cannot be computed here */
} ue_verdict_t;

/** A sentence for people; static. */
const char *ue_verdict_text(ue_verdict_t verdict);

/** Sets what answers @a challenge with auth-int and needs no hash: realm to opaque, uri, a fresh
 *  cnonce, and nc, counted up if sent->nonce is the challenge's already. Strings are those of the
 *  challenge, or in @a pool. Nonzero on success. */
int ue_digest_fill(digest_credentials_t *sent, const digest_challenge_t *challenge, const char *uri,
                   const base_random_t *random, apr_pool_t *pool);

/** sent->response over @a method and @a body. Nonzero on success. */
int ue_digest_respond(digest_credentials_t *sent, const char *ha1, const char *method,
                      base_span_t body, apr_pool_t *pool);

/**
 * Verifies the answer to what was sent.
 * @param ha1    secret; NULL: nothing was sent
 * @param fields values of all Authentication-Info fields (const char *)
 * @param body   as received, transfer codings removed
 */
ue_verdict_t ue_digest_verify(const digest_credentials_t *sent, const char *ha1,
                              const apr_array_header_t *fields, base_span_t body, apr_pool_t *pool);

#endif
