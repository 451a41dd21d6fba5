/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_outcome.h
 * What a run of gba-ue came to, and how that is read from an authenticated
 * answer. rspauth covers the body, not the status line (RFC 7616 3.5): the
 * outcome is taken from the body, and a status that disagrees with it is a
 * failed verification.
 */
#ifndef ue_outcome_h
#define ue_outcome_h

#include <apr_pools.h>
#include <openssl/evp.h>
#include "base/base_text.h"

/** Outcomes; the numbers are the exit codes of gba-ue(1) and never change. */
typedef enum ue_outcome_t {
    UE_ENROLLED = 0,     /**< certificate for our key, verified; of bootstrap: bootstrapped */
    UE_REFUSED = 1,      /**< refused by the portal, verified */
    UE_USAGE = 2,        /**< wrong command line */
    UE_AUTH_REFUSED = 3, /**< authentication refused: bootstrap again */
    UE_NOT_VERIFIED = 4, /**< the answer is not proven to be the portal's */
    UE_TRANSPORT = 5,    /**< no complete answer */
    UE_PORTAL_ERROR = 6, /**< another error of the portal, verified */
    UE_LOCAL = 7,        /**< a file or a library of this machine */
    UE_OUTCOMES          /**< how many there are; not an outcome */
} ue_outcome_t;

/** What is told at the end. Strings are static or in the run's pool; NULL where there is none. */
typedef struct ue_result_t {
    ue_outcome_t outcome;
    int verified;          /**< nonzero: Authentication-Info was right and nothing disagreed */
    int status;            /**< HTTP status of the last answer; 0 if there was none */
    const char *detail;    /**< one line for people; printable, holds no secret */
    const char *reason;    /**< code of the portal's decision */
    const char *serial;    /**< certificate's serial, lower-case hex */
    const char *not_after; /**< RFC 3339 */
    const char *pem;       /**< the certificate */
    const char *algorithm; /**< Digest algorithm used */
    const char *cert_file; /**< set once written */
    const char *key_file;  /**< set once it holds the key of the certificate */
    const char *btid;      /**< of a bootstrapping */
    const char *expires;   /**< of a bootstrapping, RFC 3339 */
} ue_result_t;

/** The final answer to an authenticated request. */
typedef struct ue_answer_t {
    int status;
    const char *content_type; /**< NULL unless there is exactly one */
    base_span_t body;
} ue_answer_t;

/** "enrolled", "refused", "usage", "authentication-refused", "verification-failed", "transport",
 *  "portal-error", "local-error"; static. */
const char *ue_outcome_name(ue_outcome_t outcome);

/** Sets outcome and detail; returns 0, so that a failing function can return it. */
int ue_fail(ue_result_t *result, ue_outcome_t outcome, const char *detail);

/**
 * Reads the outcome from an answer whose Authentication-Info was verified; sets outcome, detail,
 * verified and, where they apply, reason, serial, not_after and pem.
 * @param own the public key that we asked a certificate for; NULL if it is not known
 */
void ue_outcome_judge(ue_result_t *result, const ue_answer_t *answer, EVP_PKEY *own,
                      apr_pool_t *pool);

#endif
