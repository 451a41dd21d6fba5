/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_aka.h
 * Authentication and key agreement as Ub uses it (TS 33.102 6.3, TS 33.220
 * 4.5.2, RFC 3310): authentication vectors, AUTN, AUTS, sequence numbers,
 * nonce and B-TID. Both ends: laboratory BSF and software USIM. Pure;
 * thread-safe. Digest itself is src/digest: the password of AKAv1-MD5 is RES,
 * eight octets that need be no text, or the empty one beside auts.
 *
 * Sequence numbers (TS 33.102 annex C): SQN is SEQ, 43 bits, and IND, 5 bits.
 * The BSF counts both up for each vector (C.1.2, IND as in C.3.1). The software
 * USIM keeps one SEQ, the highest it accepted, where a real one keeps 32 of
 * them by IND (C.2.2): vectors used in another order than made are refused
 * with a resynchronisation, which a real USIM would let pass.
 */
#ifndef gba_aka_h
#define gba_aka_h

#include "gba/gba_milenage.h"

#define GBA_AUTN_LEN     16 /**< octets of AUTN */
#define GBA_AUTS_LEN     14 /**< octets of AUTS */
#define GBA_SQN_IND_BITS 5  /**< bits of IND (TS 33.102 C.3.1) */
#define GBA_SQN_MAX      ((APR_UINT64_C(1) << 48) - 1)
#define GBA_SQN_DELTA    (APR_UINT64_C(1) << 28) /**< how far SEQ may jump (TS 33.102 C.2.1) */

/** An authentication vector, with Ks in the place of CK and IK. Secret but for rand and autn. */
typedef struct gba_aka_vector_t {
    unsigned char rand[GBA_RAND_LEN];        /**< the challenge */
    unsigned char autn[GBA_AUTN_LEN];        /**< (SQN xor AK) || AMF || MAC-A */
    unsigned char res[GBA_MILENAGE_RES_LEN]; /**< the password of AKAv1-MD5 */
    unsigned char ks[GBA_KS_LEN];            /**< CK || IK */
} gba_aka_vector_t;

/** What a USIM says to a challenge. */
typedef enum gba_aka_verdict_t {
    GBA_AKA_ACCEPTED = 0, /**< the network knows K, and SQN is fresh */
    GBA_AKA_BAD_MAC,      /**< not from a network that knows K: nothing is answered */
    GBA_AKA_SQN_RANGE,    /**< right MAC, but SQN not fresh: resynchronise with AUTS */
    GBA_AKA_FAILED        /**< the library failed */
} gba_aka_verdict_t;

/**
 * The BSF's side: makes vector->autn, res and ks for the vector->rand that the caller set.
 * @param sqn at most GBA_SQN_MAX, from gba_aka_sqn_next()
 * @return nonzero on success
 */
int gba_aka_vector_make(gba_aka_vector_t *vector, const gba_milenage_key_t *key, apr_uint64_t sqn,
                        const unsigned char amf[GBA_MILENAGE_AMF_LEN]);

/**
 * The USIM's side (TS 33.102 6.3.3): checks vector->autn against vector->rand, and makes res and
 * ks if it is accepted; else they are wiped.
 * @param sqn_ms SQN of the last vector that was accepted; set to this one's if it is. Else
 *               untouched: it is then what gba_aka_auts_make() wants
 */
gba_aka_verdict_t gba_aka_vector_check(gba_aka_vector_t *vector, const gba_milenage_key_t *key,
                                       apr_uint64_t *sqn_ms);

/** AUTS = (SQN_MS xor AK*) || MAC-S, with AMF* = 0000 (TS 33.102 6.3.3). Nonzero on success. */
int gba_aka_auts_make(unsigned char auts[GBA_AUTS_LEN], const gba_milenage_key_t *key,
                      const unsigned char rand[GBA_RAND_LEN], apr_uint64_t sqn_ms);

/** The BSF's side of it: nonzero if MAC-S is right for @a rand; *sqn_ms is then set. */
int gba_aka_auts_check(apr_uint64_t *sqn_ms, const gba_milenage_key_t *key,
                       const unsigned char rand[GBA_RAND_LEN],
                       const unsigned char auts[GBA_AUTS_LEN]);

/** Nonzero if a USIM that accepted @a sqn_ms last takes @a sqn: SEQ is higher, by no more than
 *  GBA_SQN_DELTA (TS 33.102 C.2.1, C.2.2). */
int gba_aka_sqn_is_fresh(apr_uint64_t sqn, apr_uint64_t sqn_ms);

/** The SQN after @a sqn: SEQ and IND each one more (TS 33.102 C.1.2, C.3.1); 0 if SEQ is at its
 *  end, which no SQN in use is. */
apr_uint64_t gba_aka_sqn_next(apr_uint64_t sqn);

/** SQN_HE after a right AUTS (TS 33.102 6.3.5): kept if the USIM will take the next one, else
 *  SQN_MS. */
apr_uint64_t gba_aka_sqn_resync(apr_uint64_t sqn_he, apr_uint64_t sqn_ms);

/** The nonce of AKAv1-MD5: base64(RAND || AUTN) (RFC 3310 3.2). In @a pool. */
const char *gba_aka_nonce_print(apr_pool_t *pool, const gba_aka_vector_t *vector);

/** Reads such a nonce; server data after AUTN is allowed and skipped. Sets rand and autn.
 *  Nonzero unless the text is no base64 or too short. */
int gba_aka_nonce_parse(gba_aka_vector_t *vector, const char *nonce);

/** auts as RFC 3310 3.2 prints it (base64). In @a pool. */
const char *gba_aka_auts_print(apr_pool_t *pool, const unsigned char auts[GBA_AUTS_LEN]);

/** Reads it. Nonzero if it is base64 of 14 octets. */
int gba_aka_auts_parse(unsigned char auts[GBA_AUTS_LEN], const char *text);

/** The B-TID: base64(RAND) "@" BSF server name (TS 33.220 4.5.2). In @a pool; wiped with it. */
const char *gba_aka_btid(apr_pool_t *pool, const unsigned char rand[GBA_RAND_LEN],
                         const char *bsf_fqdn);

#endif
