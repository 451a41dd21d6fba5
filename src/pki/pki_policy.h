/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pki_policy.h
 * Who gets which certificate: key checks and the decision, as pure functions,
 * and the table of reasons for a "no".
 */
#ifndef pki_policy_h
#define pki_policy_h

#include "pki/pki_pkcs10.h"

/** Why an enrolment was refused. Codes are stable: they stand in pages, ledger and logs. */
typedef enum pki_reason_t {
    PKI_REASON_NONE = 0,          /**< not refused */
    PKI_REASON_NO_IDENTITY,       /**< neither IMPI nor UE identity from the BSF */
    PKI_REASON_NO_USS,            /**< no user security setting for the PKI portal */
    PKI_REASON_NO_FLAG,           /**< the setting allows neither kind of certificate */
    PKI_REASON_USAGE_NOT_ALLOWED, /**< the key usage asked for is not unlocked by a flag */
    PKI_REASON_KEY_TYPE,          /**< neither RSA nor EC */
    PKI_REASON_KEY_SIZE,          /**< RSA modulus outside 2048 to 4096 bits */
    PKI_REASON_KEY_EXPONENT,      /**< RSA exponent other than 65537 */
    PKI_REASON_KEY_CURVE,         /**< EC curve other than P-256 and P-384 */
    PKI_REASON_KEY_TAKEN,         /**< the key was certified for another subscriber; only who holds
                                       the ledger can tell */
    PKI_REASON_NOT_AUTHORISED,    /**< the BSF refuses him, although his key is good */
    PKI_REASONS                   /**< how many there are; not a reason */
} pki_reason_t;

/** "NO_USS" and so on: the code of the decision element and of the ledger; static. */
const char *pki_reason_code(pki_reason_t reason);

/** Finds a reason by its code, exactly. Nonzero if found. */
int pki_reason_parse(pki_reason_t *reason, const char *code, apr_size_t len);

/** One sentence that the UE's user may read; static; holds nothing of the request. */
const char *pki_reason_public_text(pki_reason_t reason);

/** What is known of the subscriber, from the BSF alone. */
typedef struct pki_subscriber_t {
    int is_refused;   /**< nonzero: the BSF says that he may not use this portal */
    int has_identity; /**< nonzero: IMPI or a UE identity is known */
    int has_uss;      /**< nonzero: there is a USS of GAA service type 1 */
    unsigned allowed; /**< PKI_USAGE_ mask that its flags unlock (flag 1: digitalSignature,
                           flag 2: nonRepudiation) */
} pki_subscriber_t;

/** The decision. */
typedef struct pki_decision_t {
    int permit;          /**< nonzero: issue */
    pki_reason_t reason; /**< why not; NONE if permit */
    unsigned usage;      /**< the certificate's key usage if permit: exactly one PKI_USAGE_ bit */
} pki_decision_t;

/** Cheap checks of the key (type, bits, exponent, curve) without touching the signature.
 *  PKI_REASON_NONE if it may be certified. */
pki_reason_t pki_key_check(const pki_pkcs10_t *req);

/**
 * Decides. With both flags: digitalSignature, unless @a usage_wish is nonRepudiation and not
 * digitalSignature. A wish that no flag unlocks is refused, no wish never is.
 */
pki_decision_t pki_decide(const pki_subscriber_t *subscriber, pki_reason_t key_check,
                          unsigned usage_wish);

#endif
