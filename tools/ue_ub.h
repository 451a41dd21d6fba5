/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_ub.h
 * The UE's side of HTTP Digest AKA on Ub (RFC 3310, TS 24.109 clause 4): which
 * challenge to take, credentials, verification. No input or output.
 */
#ifndef ue_ub_h
#define ue_ub_h

#include "digest/digest_aka.h"
#include "gba/gba_aka.h"
#include "ue_digest.h"

/** The state of one bootstrapping; read-only to all but ue_ub.c. */
typedef struct ue_ub_t {
    const char *impi;              /**< the Digest username */
    const char *realm;             /**< the BSF's name; the challenge must have it */
    const base_random_t *random;   /**< for cnonce */
    digest_challenge_t challenge;  /**< the one taken; nonce NULL before */
    digest_aka_credentials_t sent; /**< what was made last */
    char ha1[DIGEST_HEX_MAX];      /**< secret */
    apr_pool_t *pool;
} ue_ub_t;

/** In memory wiped with @a pool; the strings are kept by reference. */
ue_ub_t *ue_ub_make(const char *impi, const char *realm, const base_random_t *random,
                    apr_pool_t *pool);

/** Authorization of the first request: a name, and no answer yet (TS 24.109 4.2). */
const char *ue_ub_ask(ue_ub_t *ub, const char *uri);

/**
 * Takes the AKAv1-MD5 challenge of a 401, and sets vector->rand and vector->autn.
 * @param fields values of all WWW-Authenticate fields (const char *)
 * @return NULL, or why there is none to take (static)
 */
const char *ue_ub_take(ue_ub_t *ub, const apr_array_header_t *fields, gba_aka_vector_t *vector);

/**
 * Authorization that answers the challenge taken, for a GET of @a uri without a body.
 * @param res  the password; with @a auts it is taken as empty (RFC 3310 3.4)
 * @param auts NULL, or what resynchronises
 * @return the value; NULL if a library fails
 */
const char *ue_ub_answer(ue_ub_t *ub, const char *uri, base_span_t res, const char *auts);

/** Verifies the answer to that (RFC 7616 3.5 by the same password). */
ue_verdict_t ue_ub_verify(const ue_ub_t *ub, const apr_array_header_t *fields, base_span_t body);

#endif
