/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file portal_issuer.h
 * The seam to whoever signs and records: the second of the two questions that
 * children ask the keeper (*issue this certificate*). Flat structs, so that
 * they can cross a socket.
 */
#ifndef portal_issuer_h
#define portal_issuer_h

#include "gba/gba_names.h"
#include "pki/pki_cert.h"
#include "pki/pki_policy.h"

/** The question. A refusal is asked too: it is recorded, nothing is signed. */
typedef struct portal_issue_t {
    char subscriber[GBA_BTID_MAX + 1]; /**< IMPI, else the first UE identity; "" if neither */
    char btid[GBA_BTID_MAX + 1];       /**< under which the UE authenticated */
    pki_profile_t profile;             /**< as it was when the request came */
    pki_decision_t decision;           /**< permit with usage, or refuse with reason */
    apr_uint16_t spki_len;             /**< octets used of spki; 0 if there is no readable key */
    unsigned char spki[PKI_SPKI_MAX];  /**< SubjectPublicKeyInfo DER */
    apr_uint16_t ue_ids_len;           /**< octets used of ue_ids */
    char ue_ids[GBA_TEXT_MAX]; /**< the subscriber's UE identities, each followed by a NUL; for the
                                    record */
} portal_issue_t;

/** Nonzero if ue_ids is what it should be: at most so many octets, no text empty, and a NUL last.
 */
int portal_issue_ue_ids_end(const portal_issue_t *question);

/** The answer to a permitted question. */
typedef struct portal_issued_t {
    pki_reason_t reason; /**< of BASE_ENROL_REFUSED; else NONE. Nothing else is set with a reason */
    unsigned char serial[PKI_SERIAL_LEN];
    apr_uint16_t der_len;            /**< octets used of der */
    unsigned char der[PKI_CERT_MAX]; /**< the certificate */
} portal_issued_t;

/** An issuer. The callback may be called by several threads at once and may block. */
typedef struct portal_issuer_t {
    void *baton; /**< the callback's first argument */
    /**
     * Records the decision and, if it permits, signs; the record is committed before this
     * returns BASE_OK. For a refusal BASE_OK says that it is recorded; @a out is then zeroed.
     * A permit may be refused here for what only the issuer's records can tell: then the refusal
     * is recorded, and out->reason says why.
     * @param pool for the result's detail
     * @return BASE_OK, BASE_ENROL_REFUSED, BASE_STORE_DOWN, or BASE_INTERNAL; on failure nothing
     *         may be revealed
     */
    base_result_t (*issue)(void *baton, const portal_issue_t *question, portal_issued_t *out,
                           apr_pool_t *pool);
    /**
     * The subscriber's pseudonym, made if there is none yet: the name that his certificates carry.
     * @return BASE_OK, BASE_STORE_DOWN, or BASE_INTERNAL
     */
    base_result_t (*pseudonym)(void *baton, const char *subscriber, char out[PKI_PSEUDONYM_LEN + 1],
                               apr_pool_t *pool);
} portal_issuer_t;

#endif
