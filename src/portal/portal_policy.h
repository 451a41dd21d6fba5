/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file portal_policy.h
 * What an operator may add to the decision of an enrolment: rules and a module
 * of his own, as one seam. They only narrow: they are asked about what would be
 * permitted, and may refuse it.
 */
#ifndef portal_policy_h
#define portal_policy_h

#include "gba/gba_info.h"
#include "pki/pki_decide.h"

#define PORTAL_PUBLIC_MAX 255 /**< octets of a refusal's public text */

/** What is known when a decision is made. Texts live as long as the request; NULL if not known. */
typedef struct portal_facts_t {
    const char *btid;
    const char *subscriber;       /**< IMPI, else the first UE identity */
    const gba_info_t *info;       /**< the BSF's answer */
    const gba_uss_t *setting;     /**< the user security setting that unlocks the profile */
    const char *naf_group;        /**< the location's */
    int uicc_key;                 /**< nonzero: authenticated with Ks_int_NAF */
    const pki_profile_t *profile; /**< the one that was chosen */
    const char *key_type;         /**< "RSA" or "EC" */
    int key_bits;
    const char *key_curve; /**< "P-256", "P-384"; NULL for RSA */
    unsigned usage_wish;   /**< PKI_USAGE_ mask that the PKCS#10 asks for */
    int held; /**< valid certificates of this profile that the subscriber holds; -1: not asked */
} portal_facts_t;

/** An answer. */
typedef struct portal_verdict_t {
    pki_reason_t reason; /**< PKI_REASON_NONE: nothing against it; RULE; MODULE */
    char public_text[PORTAL_PUBLIC_MAX + 1]; /**< what the UE's user may read, UTF-8; "", or
                                                  with control characters or what is no UTF-8:
                                                  the reason's own text is used. It is escaped
                                                  where it is shown */
    const char *who; /**< for the operator: which rule or module; lives as long as the request */
} portal_verdict_t;

/** Hears of every check on the way to a decision, in order; for gba-decide. */
typedef pki_trace_t portal_trace_t;

/** The operator's rules. Callbacks are called on the request's thread. */
typedef struct portal_rules_t {
    void *baton;    /**< the callbacks' first argument */
    int wants_held; /**< nonzero: some rule reads portal_facts_t.held */
    /** Says what is against a permit. @a out is zeroed before. @a trace may be NULL. Anything but
     *  BASE_OK refuses: the request is answered with the result's row. A reason other than RULE
     *  and MODULE is a fault, and refuses too. */
    base_result_t (*judge)(void *baton, const portal_facts_t *facts, portal_verdict_t *out,
                           const portal_trace_t *trace, apr_pool_t *pool);
} portal_rules_t;

#endif
