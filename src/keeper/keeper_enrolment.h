/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_enrolment.h
 * One question to the issuer on its way, and the steps that its files share.
 * Private to the issuer.
 *
 *   keeper_weigh.c   the question, and the verdict on it
 *   keeper_held.c    a certificate that lay in the ledger
 *   keeper_record.c  what a transaction writes
 *   keeper_issue.c   the way through them, and the signature
 */
#ifndef keeper_enrolment_h
#define keeper_enrolment_h

#include "keeper/keeper_issuer_private.h"

/** What is to be done about a permit. */
typedef enum keeper_verdict_t {
    KEEPER_VERDICT_ISSUE,
    KEEPER_VERDICT_AGAIN, /**< the certificate that is held is given again */
    KEEPER_VERDICT_REFUSE /**< see its reason */
} keeper_verdict_t;

/** One question on its way. */
typedef struct keeper_enrolment_t {
    const keeper_issuer_t *issuer;
    const keeper_issuer_parts_t *parts; /**< the issuer's */
    const portal_issue_t *question;
    keeper_claim_t claim;
    keeper_holding_t held;
    keeper_verdict_t verdict;
    pki_reason_t reason;                    /**< of KEEPER_VERDICT_REFUSE; else NONE */
    int has_outdated;                       /**< nonzero: a certificate that was held is not what a
                                                 new one would be */
    unsigned char outdated[PKI_SERIAL_LEN]; /**< its serial */
    int again;                              /**< the guess was wrong */
    int counted;                            /**< a refusal that was only counted */
    apr_int64_t row;                        /**< the audit row of the decision */
    int serial_clashes;
    char pseudonym[PKI_PSEUDONYM_LEN + 1]; /**< the subject's; "" if none is drawn or known yet */
    const char *ue_ids[GBA_UEIDS_MAX];     /**< that the certificate may name; the question's */
    pki_cert_spec_t spec;                  /**< its names point here */
    apr_size_t der_len;                    /**< 0: nothing is signed */
    unsigned char der[PKI_CERT_MAX];
} keeper_enrolment_t;

/* ---- the question and the verdict ---- */

/**
 * Starts with a question, which may have crossed a socket; @a e is zeroed before.
 * @return BASE_OK; BASE_INTERNAL if it cannot be asked; of a permit also BASE_STORE_DOWN (no CA
 *         that is valid now)
 */
base_result_t keeper_enrolment_start(keeper_enrolment_t *e, const keeper_issuer_t *issuer,
                                     const portal_issue_t *question, apr_pool_t *pool);

/** What the ledger held a moment ago, into e->held, and the verdict by it. Outside of transactions.
 *  BASE_OK or BASE_STORE_DOWN. */
base_result_t keeper_enrolment_guess(keeper_enrolment_t *e, apr_pool_t *pool);

/** Sets the verdict by what e->held says. */
void keeper_enrolment_judge(keeper_enrolment_t *e);

/** When the refusal may be no more; 0 if that is not a matter of time. */
apr_time_t keeper_enrolment_retry_at(const keeper_enrolment_t *e);

/* ---- what is held ---- */

/** Notes in @a e if the certificate that is held is sound, but says other than a new one would:
 *  the profile has changed, or the subscriber's UE identities. */
void keeper_held_compare(keeper_enrolment_t *e);

/** Octets that lay on a disk: e->held's certificate is read as strictly as one that was just
 * signed. BASE_OK or BASE_STORE_DOWN. */
base_result_t keeper_held_check(const keeper_enrolment_t *e, apr_pool_t *pool);

/* ---- the record, inside a transaction ---- */

/** A job of the ledger for a permit: what it finds decides, and is recorded. If it is not what was
 *  guessed, e->again is set, and the job fails. */
base_result_t keeper_record_permit(void *enrolment, apr_pool_t *pool);

/** A job of the ledger for a refusal. */
base_result_t keeper_record_refusal(void *enrolment, apr_pool_t *pool);

#endif
