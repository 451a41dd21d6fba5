/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_session.h
 * The UE's side of HTTP Digest with a NAF key (TS 24.109 5.2, RFC 7616): which
 * challenge to take, the credentials, and the verification of
 * Authentication-Info. No input or output. One session serves one run.
 */
#ifndef ue_session_h
#define ue_session_h

#include "ue_digest.h"

/** Who the UE is to the portal. */
typedef struct ue_identity_t {
    const char *btid;     /**< the Digest username (TS 33.221) */
    const char *naf_fqdn; /**< the name that we connected to; the realm must end in it */
    base_span_t password; /**< base64 text of Ks_NAF; secret */
} ue_identity_t;

/** The state between messages; read-only to all but ue_session.c. */
typedef struct ue_session_t {
    const ue_identity_t *identity;
    const base_random_t *random;
    digest_challenge_t challenge; /**< the one taken; its realm is the one part that fits */
    digest_credentials_t sent;    /**< what authorize() made last */
    const char *ha1;              /**< secret; NULL before authorize() */
    apr_pool_t *pool;
} ue_session_t;

/** What became of a 401. */
typedef enum ue_challenge_t {
    UE_CHALLENGE_TAKEN = 0,
    UE_CHALLENGE_NONE,      /**< no Digest challenge */
    UE_CHALLENGE_MALFORMED, /**< breaks the grammar */
    UE_CHALLENGE_ALGORITHM, /**< no algorithm that we have */
    UE_CHALLENGE_QOP,       /**< auth-int is not offered */
    UE_CHALLENGE_REALM      /**< not 3GPP-bootstrapping@ and the name that we connected to */
} ue_challenge_t;

/** A sentence for people; static. */
const char *ue_challenge_text(ue_challenge_t challenge);

/** A session in @a pool; identity and random are kept by reference. */
ue_session_t *ue_session_make(const ue_identity_t *identity, const base_random_t *random,
                              apr_pool_t *pool);

/**
 * Takes a challenge of a 401: the first, in the server's order, with an algorithm that we have,
 * auth-int and our realm; one of algorithm @a preferred goes before the others.
 * @param fields    values of all WWW-Authenticate fields (const char *)
 * @param preferred an algorithm, or DIGEST_ALGS for none
 * @return UE_CHALLENGE_TAKEN, or why the nearest one does not do; the session is then unchanged
 */
ue_challenge_t ue_session_take(ue_session_t *session, const apr_array_header_t *fields,
                               digest_alg_t preferred);

/**
 * The value of Authorization for a request under the challenge taken: fresh cnonce, nc counted
 * per nonce, auth-int over @a body. @a method and @a uri are kept by reference.
 * @return the value in the session's pool; NULL if no challenge was taken or a library fails
 */
const char *ue_session_authorize(ue_session_t *session, const char *method, const char *uri,
                                 base_span_t body);

/**
 * Verifies the answer to the last authorized request (RFC 7616 3.5).
 * @param fields values of all Authentication-Info fields (const char *)
 * @param body   the body as received, transfer codings removed
 */
ue_verdict_t ue_session_verify(const ue_session_t *session, const apr_array_header_t *fields,
                               base_span_t body);

#endif
