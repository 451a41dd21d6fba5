/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pki_decide.h
 * Who gets which certificate: the decision, as pure functions of the
 * subscriber's settings, the PKCS#10, the profiles, the results of rules, and
 * the history. Thread-safe.
 *
 * What is wrong with the subscription comes before what is wrong with the
 * request, and that before rules and history.
 */
#ifndef pki_decide_h
#define pki_decide_h

#include "gba/gba_info.h"
#include "pki/pki_policy.h"
#include "pki/pki_profile.h"

/** Hears of every check on the way to a decision, in order. */
typedef struct pki_trace_t {
    void *baton; /**< the callback's first argument */
    /** @param check "NAF group" and so on, static; @param input what was looked at; @param result
     *  "ok", a reason's code, or the name of a row of the error table. Texts live as long as the
     *  call; all are UTF-8. */
    void (*step)(void *baton, const char *check, const char *input, const char *result);
} pki_trace_t;

/** Tells @a trace of a check in the caller's own words; NULL: nobody listens. */
void pki_trace_say(const pki_trace_t *trace, const char *check, const char *input,
                   const char *result);

/** Tells @a trace of a check: "ok", or the reason's code. */
void pki_trace_step(const pki_trace_t *trace, const char *check, const char *input,
                    pki_reason_t result);

/** The decision. */
typedef struct pki_decision_t {
    int permit;          /**< nonzero: issue */
    pki_reason_t reason; /**< why not; NONE if permit */
    unsigned usage;      /**< the certificate's key usage if permit: its profile's; else 0 */
} pki_decision_t;

/** A refusal for @a reason. */
pki_decision_t pki_refuse(pki_reason_t reason);

/** What the ledger tells of a subscriber, a key and a profile. */
typedef struct pki_history_t {
    int blocked; /**< nonzero: the key may not be certified any more */
    int taken;   /**< nonzero: the key was certified for another subscriber */
    int again;   /**< nonzero: the certificate that is held will be given again; costs nothing */
    apr_uint32_t held;   /**< valid certificates of the profile, without the one that a new one of
                              the same key would supersede */
    apr_uint32_t issued; /**< certificates of the profile issued within its window */
} pki_history_t;

/**
 * Whether the history lets a permit stand: KEY_BLOCKED, KEY_TAKEN, QUOTA_HELD, QUOTA_WINDOW, in
 * this order, or NONE.
 * @param trace NULL: none
 */
pki_reason_t pki_history_check(const pki_history_t *history, const pki_profile_t *profile,
                               const pki_trace_t *trace);

/** Everything that a decision depends on. Belongs to the caller. */
typedef struct pki_case_t {
    const gba_info_t *info; /**< the subscriber, from the BSF alone */
    int is_refused;         /**< nonzero: the BSF says that he may not use this portal */
    int uicc_key;           /**< nonzero: the UE authenticated with Ks_int_NAF, else with the key
                                 of the ME */
    const char *naf_group;  /**< the location's; NULL: it is in none */
    apr_time_t now;         /**< wall clock, microseconds */
    const pki_profile_t *profiles; /**< in the order of the configuration */
    int profile_count;
    unsigned usage_wish;          /**< PKI_USAGE_ mask that the PKCS#10 asks for; 0: nothing */
    int wants_ca;                 /**< nonzero: the PKCS#10 asks for CA:TRUE */
    const char *key_type;         /**< pki_key_facts_t.type, for the trace */
    const char *key_text;         /**< "EC P-256" and so on, likewise */
    pki_reason_t key_check;       /**< what the checks of the key came to */
    pki_reason_t verdict;         /**< of rules and module; NONE if they were not asked */
    const pki_history_t *history; /**< NULL: not known here; whoever holds the ledger decides */
} pki_case_t;

/** What was decided, and on what. */
typedef struct pki_outcome_t {
    pki_decision_t decision;
    int profile; /**< index of the profile that was chosen; -1: none */
    int setting; /**< index in gba_info_t.uss of the setting that unlocks it; -1: none */
} pki_outcome_t;

/**
 * Decides.
 *
 * A setting counts if it is of service type 1 and, where both it and the location name a NAF
 * group, names the location's. (Without a group in the setting it is for every NAF; a location
 * without one trusts the BSF's choice of what it sends.) It can be used if its keyChoice allows
 * the key that authenticated: UICC_BASED_KEY, or a choice that this version does not know, needs
 * Ks_int_NAF; ME_BASED_KEY is met by either, as the UICC's is the stronger one (TS 29.309).
 *
 * The first profile wins that a flag of a usable setting unlocks, and whose usage meets the wish,
 * if there is one. A wish that no profile meets is refused; no wish never is. What is wished for
 * beyond PKI_USAGE_ is not looked at.
 *
 * Reasons, in order: NOT_AUTHORISED, NO_IDENTITY, NO_USS, NAF_GROUP,
 * KEY_CHOICE, NO_FLAG, USAGE_NOT_ALLOWED,
 * BOOTSTRAP_AGE, IDENTITY_MISSING, CA_REQUESTED, key_check, verdict, history. KEY_CHOICE is said
 * too where only a setting that wants the other key unlocks what is asked for.
 * @param trace NULL: none
 */
pki_outcome_t pki_decide(const pki_case_t *facts, const pki_trace_t *trace);

/** The subscriber's name from the BSF: the IMPI if the BSF tells it, else the first UE identity of
 *  a setting of the PKI portal, whichever location asks; NULL if neither. Lives with @a info. */
const char *pki_identity(const gba_info_t *info);

/** The UE identities of a setting, in its order: those that a certificate may name. They live with
 *  @a info. @return how many */
int pki_setting_ue_ids(const char *out[GBA_UEIDS_MAX], const gba_info_t *info,
                       const gba_uss_t *setting);

#endif
