/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pki_policy.h
 * The table of reasons for a "no", and the checks of a key. The decision is in
 * pki_decide.h.
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
    PKI_REASON_KEY_FACTORS,       /**< even RSA modulus, or one with a small prime factor */
    PKI_REASON_KEY_ROCA,          /**< RSA modulus as CVE-2017-15361 makes them */
    PKI_REASON_KEY_CLOSE_PRIMES,  /**< RSA modulus that Fermat's method factors */
    PKI_REASON_KEY_BLOCKED,       /**< the ledger lists it as blocked */
    PKI_REASON_CA_REQUESTED,      /**< the PKCS#10 asks for CA:TRUE */
    PKI_REASON_KEY_CHOICE,       /**< TS 29.109: the USS demands the UICC's key, another was used */
    PKI_REASON_NAF_GROUP,        /**< the USS is for another group of NAFs */
    PKI_REASON_BOOTSTRAP_AGE,    /**< bootstrapped longer ago than the profile takes */
    PKI_REASON_IDENTITY_MISSING, /**< the profile's subject cannot be filled */
    PKI_REASON_RULE,             /**< a rule of the operator */
    PKI_REASON_MODULE,           /**< a module of the operator */
    PKI_REASON_QUOTA_HELD,       /**< holds as many as the profile allows */
    PKI_REASON_QUOTA_WINDOW,     /**< was issued as many as the profile allows for now */
    PKI_REASON_NOT_AUTHORISED,   /**< the BSF refuses him, although his key is good */
    PKI_REASONS                  /**< how many there are; not a reason */
} pki_reason_t;

/** "NO_USS" and so on: the code of the decision element and of the ledger; static. */
const char *pki_reason_code(pki_reason_t reason);

/** Finds a reason by its code, exactly. Nonzero if found. */
int pki_reason_parse(pki_reason_t *reason, const char *code, apr_size_t len);

/** One sentence that the UE's user may read; static; holds nothing of the request. */
const char *pki_reason_public_text(pki_reason_t reason);

/** What it means, for the operator: some words without a full stop; static. */
const char *pki_reason_detail(pki_reason_t reason);

/** Cheap checks of the key (type, bits, exponent, even modulus, curve) without touching the
 *  signature. PKI_REASON_NONE if it may be proved and examined. */
pki_reason_t pki_key_check(const pki_pkcs10_t *req);

/**
 * Dear checks of an RSA key, for after the proof of possession: factors below 752, the fingerprint
 * of CVE-2017-15361, and primes so close that Fermat's method finds them within 100 rounds. Takes
 * no more than a few verifications, whatever the key. What pki_key_check() refuses is refused here
 * too.
 * @param reason set on BASE_OK: KEY_FACTORS, KEY_ROCA, KEY_CLOSE_PRIMES, or NONE
 * @return BASE_OK, or BASE_INTERNAL (no memory): nobody knows
 */
base_result_t pki_key_examine(pki_reason_t *reason, const pki_pkcs10_t *req);

#endif
