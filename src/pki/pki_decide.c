/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/pki_decide.h"

#include <string.h>
#include <apr_strings.h>
#include "pki/pki_cert.h"

#define INPUT_MAX 320 /* octets of what a trace is shown */
#define GROUP_MAX 255 /* of a NAF group in it */

/* A case on its way to its outcome. */
typedef struct deciding_t {
    const pki_case_t *facts;
    const pki_trace_t *trace;
    unsigned usage_wish;
    pki_outcome_t outcome;
} deciding_t;

void pki_trace_say(const pki_trace_t *trace, const char *check, const char *input,
                   const char *result)
{
    if (trace)
        trace->step(trace->baton, check, input, result);
}

void pki_trace_step(const pki_trace_t *trace, const char *check, const char *input,
                    pki_reason_t result)
{
    pki_trace_say(trace, check, input, result == PKI_REASON_NONE ? "ok" : pki_reason_code(result));
}

pki_decision_t pki_refuse(pki_reason_t reason)
{
    return (pki_decision_t){0, reason, 0};
}

const char *pki_identity(const gba_info_t *info)
{
    const char *name = gba_info_text(info, info->impi);
    for (int i = 0; !name && i < info->uss_count && i < GBA_USS_MAX; i++) {
        const gba_uss_t *uss = &info->uss[i];
        if (uss->gs_type == GBA_GS_TYPE_PKI_PORTAL && uss->ue_id_count > 0)
            name = gba_info_text(info, uss->ue_ids[0]);
    }
    return name;
}

int pki_setting_ue_ids(const char *out[GBA_UEIDS_MAX], const gba_info_t *info,
                       const gba_uss_t *setting)
{
    int count = 0;
    for (int i = 0; i < setting->ue_id_count && i < GBA_UEIDS_MAX; i++) {
        const char *id = gba_info_text(info, setting->ue_ids[i]);
        if (id)
            out[count++] = id;
    }
    return count;
}

/* ---- settings ---- */

static int is_for_portal(const deciding_t *d, const gba_uss_t *uss)
{
    (void)d;
    return uss->gs_type == GBA_GS_TYPE_PKI_PORTAL;
}

static int is_in_group(const deciding_t *d, const gba_uss_t *uss)
{
    const char *own = d->facts->naf_group;
    const char *group = gba_info_text(d->facts->info, uss->naf_group);
    return is_for_portal(d, uss) && (!own || uss->naf_group == 0 || (group && !strcmp(group, own)));
}

/* A demand that this version does not know is one that the key of the ME cannot be said to meet. */
static int is_usable(const deciding_t *d, const gba_uss_t *uss)
{
    return is_in_group(d, uss) && (d->facts->uicc_key || (uss->key_choice != GBA_KEY_CHOICE_UICC &&
                                                          uss->key_choice < GBA_KEY_CHOICE_OTHER));
}

/* Which settings are looked at. */
typedef int (*filter_t)(const deciding_t *d, const gba_uss_t *uss);

static int count(const deciding_t *d, filter_t filter)
{
    const gba_info_t *info = d->facts->info;
    int found = 0;
    for (int i = 0; i < info->uss_count && i < GBA_USS_MAX; i++)
        found += filter(d, &info->uss[i]);
    return found;
}

static int has_flag(const gba_uss_t *uss, apr_uint32_t flag)
{
    for (int i = 0; i < uss->flag_count && i < GBA_FLAGS_MAX; i++)
        if (uss->flags[i] == flag)
            return 1;
    return 0;
}

/* The first setting that has the flag; -1 if none. */
static int unlocks(const deciding_t *d, filter_t filter, apr_uint32_t flag)
{
    const gba_info_t *info = d->facts->info;
    for (int i = 0; i < info->uss_count && i < GBA_USS_MAX; i++)
        if (filter(d, &info->uss[i]) && has_flag(&info->uss[i], flag))
            return i;
    return -1;
}

/* The first profile that some setting unlocks and that meets the wish (0: any); -1 if none. */
static int pick(const deciding_t *d, filter_t filter, unsigned wish)
{
    for (int i = 0; i < d->facts->profile_count; i++) {
        const pki_profile_t *profile = &d->facts->profiles[i];
        if ((!wish || (profile->usage & wish)) && unlocks(d, filter, profile->flag) >= 0)
            return i;
    }
    return -1;
}

/* ---- checks: each says NONE, or why not ---- */

static pki_reason_t check_identity(deciding_t *d, char *input)
{
    const gba_info_t *info = d->facts->info;
    const char *name = pki_identity(info);
    apr_cpystrn(input,
                !name                             ? "none"
                : gba_info_text(info, info->impi) ? "IMPI"
                                                  : "UE identity",
                INPUT_MAX);
    return name ? PKI_REASON_NONE : PKI_REASON_NO_IDENTITY;
}

static pki_reason_t check_uss(deciding_t *d, char *input)
{
    int found = count(d, is_for_portal);
    apr_snprintf(input, INPUT_MAX, "%d of %d for the PKI portal", found, d->facts->info->uss_count);
    return found ? PKI_REASON_NONE : PKI_REASON_NO_USS;
}

static pki_reason_t check_group(deciding_t *d, char *input)
{
    int found = count(d, is_in_group);
    const char *own = d->facts->naf_group;
    if (own)
        apr_snprintf(input, INPUT_MAX, "%d of them for group \"%s\" or for any", found,
                     strlen(own) <= GROUP_MAX ? own : "...");
    else
        apr_snprintf(input, INPUT_MAX, "%d of them; the location is in no group", found);
    return found ? PKI_REASON_NONE : PKI_REASON_NAF_GROUP;
}

static pki_reason_t check_key_choice(deciding_t *d, char *input)
{
    int found = count(d, is_usable);
    apr_snprintf(input, INPUT_MAX, "key of the %s, %d that allow it",
                 d->facts->uicc_key ? "UICC" : "ME", found);
    return found ? PKI_REASON_NONE : PKI_REASON_KEY_CHOICE;
}

/* Nothing that can be used gives what is asked for: was it the key that authenticated? */
static pki_reason_t refuse_pick(const deciding_t *d, unsigned wish, pki_reason_t reason)
{
    return pick(d, is_in_group, wish) >= 0 ? PKI_REASON_KEY_CHOICE : reason;
}

static pki_reason_t check_flags(deciding_t *d, char *input)
{
    apr_size_t used = 0;
    input[0] = '\0';
    for (int i = 0; i < d->facts->profile_count && used + 16 < INPUT_MAX; i++) {
        apr_uint32_t flag = d->facts->profiles[i].flag;
        if (unlocks(d, is_usable, flag) >= 0)
            used += (apr_size_t)apr_snprintf(input + used, INPUT_MAX - used, "%s%u",
                                             used ? ", " : "flags ", flag);
    }
    if (used == 0)
        apr_cpystrn(input, "no flag of a profile", INPUT_MAX);
    return pick(d, is_usable, 0) >= 0 ? PKI_REASON_NONE : refuse_pick(d, 0, PKI_REASON_NO_FLAG);
}

static const char *usage_text(unsigned usage)
{
    static const char *const texts[] = {"none", "digitalSignature", "nonRepudiation", "both"};
    return texts[usage & (PKI_USAGE_DIGITAL_SIGNATURE | PKI_USAGE_NON_REPUDIATION)];
}

static pki_reason_t check_usage(deciding_t *d, char *input)
{
    int index = pick(d, is_usable, d->usage_wish);
    apr_snprintf(input, INPUT_MAX, "asked for: %s", usage_text(d->usage_wish));
    if (index < 0)
        return refuse_pick(d, d->usage_wish, PKI_REASON_USAGE_NOT_ALLOWED);
    d->outcome.profile = index;
    d->outcome.setting = unlocks(d, is_usable, d->facts->profiles[index].flag);
    return PKI_REASON_NONE;
}

static const pki_profile_t *chosen(const deciding_t *d)
{
    return &d->facts->profiles[d->outcome.profile];
}

static pki_reason_t tell_profile(deciding_t *d, char *input)
{
    apr_cpystrn(input, chosen(d)->name, INPUT_MAX);
    return PKI_REASON_NONE;
}

/* When it was is the BSF's to say; not told is too old. Clocks differ: a moment that is still to
 * come has no age. */
static pki_reason_t check_age(deciding_t *d, char *input)
{
    apr_interval_time_t max = chosen(d)->bootstrap_max_age;
    apr_time_t then = d->facts->info->bootstrapped;
    apr_interval_time_t age = d->facts->now > then ? d->facts->now - then : 0;
    if (then == 0)
        apr_cpystrn(input, "not told", INPUT_MAX);
    else
        apr_snprintf(input, INPUT_MAX, "%" APR_TIME_T_FMT " s", apr_time_sec(age));
    return max == 0 || (then != 0 && age <= max) ? PKI_REASON_NONE : PKI_REASON_BOOTSTRAP_AGE;
}

/* Pseudonym and serial are the issuer's to draw, and never missing. */
static pki_reason_t check_names(deciding_t *d, char *input)
{
    const gba_info_t *info = d->facts->info;
    const char *ue_ids[GBA_UEIDS_MAX];
    pki_names_t names = {NULL, NULL, gba_info_text(info, info->impi), ue_ids, 0};
    names.ue_id_count = pki_setting_ue_ids(ue_ids, info, &info->uss[d->outcome.setting]);
    apr_snprintf(input, INPUT_MAX, "%s, %d UE identities", names.impi ? "IMPI" : "no IMPI",
                 names.ue_id_count);
    return pki_cert_can_name(chosen(d), &names) ? PKI_REASON_NONE : PKI_REASON_IDENTITY_MISSING;
}

static pki_reason_t check_ca(deciding_t *d, char *input)
{
    apr_cpystrn(input, d->facts->wants_ca ? "asked for: CA:TRUE" : "no CA asked for", INPUT_MAX);
    return d->facts->wants_ca ? PKI_REASON_CA_REQUESTED : PKI_REASON_NONE;
}

/* What is looked at in a key of a type (NULL: of any), in the order in which it is. */
static const struct {
    const char *name;
    const char *type;
    pki_reason_t reason;
} key_checks[] = {
    {"key type", NULL, PKI_REASON_KEY_TYPE},
    {"key size", "RSA", PKI_REASON_KEY_SIZE},
    {"key exponent", "RSA", PKI_REASON_KEY_EXPONENT},
    {"key curve", "EC", PKI_REASON_KEY_CURVE},
    {"small factors", "RSA", PKI_REASON_KEY_FACTORS},
    {"ROCA fingerprint", "RSA", PKI_REASON_KEY_ROCA},
    {"close primes", "RSA", PKI_REASON_KEY_CLOSE_PRIMES},
};

static int is_of_type(const deciding_t *d, const char *type)
{
    return !type || (d->facts->key_type && strcmp(type, d->facts->key_type) == 0);
}

/* The checks were made before, as most of them cost more than this: here they are told. */
static pki_reason_t check_key(deciding_t *d, char *input)
{
    pki_reason_t reason = d->facts->key_check;
    apr_cpystrn(input, d->facts->key_text ? d->facts->key_text : "", INPUT_MAX);
    for (apr_size_t i = 0; i < sizeof(key_checks) / sizeof(key_checks[0]); i++) {
        if (reason == key_checks[i].reason)
            break;
        if (is_of_type(d, key_checks[i].type))
            pki_trace_step(d->trace, key_checks[i].name, input, PKI_REASON_NONE);
    }
    return reason;
}

static pki_reason_t check_verdict(deciding_t *d, char *input)
{
    apr_cpystrn(input, "rules and module", INPUT_MAX);
    return d->facts->verdict;
}

static pki_reason_t check_bsf(deciding_t *d, char *input)
{
    apr_cpystrn(input, d->facts->is_refused ? "refuses the subscriber" : "knows the subscriber",
                INPUT_MAX);
    return d->facts->is_refused ? PKI_REASON_NOT_AUTHORISED : PKI_REASON_NONE;
}

/* In the order of the reasons. */
static const struct {
    const char *name;
    pki_reason_t (*check)(deciding_t *d, char *input);
} checks[] = {
    {"BSF", check_bsf},
    {"identity", check_identity},
    {"user security settings", check_uss},
    {"NAF group", check_group},
    {"key choice", check_key_choice},
    {"flags", check_flags},
    {"key usage", check_usage},
    {"profile", tell_profile},
    {"age of the bootstrapping", check_age},
    {"names", check_names},
    {"basic constraints", check_ca},
    {"key as a whole", check_key},
    {"verdict", check_verdict},
};

#define CHECKS (sizeof(checks) / sizeof(checks[0]))

static pki_reason_t run_checks(deciding_t *d)
{
    char input[INPUT_MAX];
    pki_reason_t reason = PKI_REASON_NONE;
    for (apr_size_t i = 0; reason == PKI_REASON_NONE && i < CHECKS; i++) {
        if (checks[i].check == check_verdict && d->facts->verdict == PKI_REASON_NONE)
            continue;
        reason = checks[i].check(d, input);
        pki_trace_step(d->trace, checks[i].name, input, reason);
    }
    if (reason == PKI_REASON_NONE && d->facts->history)
        reason = pki_history_check(d->facts->history, chosen(d), d->trace);
    return reason;
}

pki_outcome_t pki_decide(const pki_case_t *facts, const pki_trace_t *trace)
{
    const unsigned known = PKI_USAGE_DIGITAL_SIGNATURE | PKI_USAGE_NON_REPUDIATION;
    deciding_t d = {facts, trace, facts->usage_wish & known, {{0, PKI_REASON_NONE, 0}, -1, -1}};
    pki_reason_t reason = run_checks(&d);
    if (reason == PKI_REASON_NONE)
        d.outcome.decision = (pki_decision_t){1, PKI_REASON_NONE, chosen(&d)->usage};
    else
        d.outcome.decision = pki_refuse(reason);
    return d.outcome;
}

/* ---- history ---- */

static pki_reason_t step(const pki_trace_t *trace, const char *check, const char *input, int bad,
                         pki_reason_t reason)
{
    pki_reason_t result = bad ? reason : PKI_REASON_NONE;
    pki_trace_step(trace, check, input, result);
    return result;
}

/* One more than there are, against the limit (0: none). */
static pki_reason_t check_quota(const char *check, apr_uint32_t have, apr_uint32_t max,
                                pki_reason_t reason, const pki_trace_t *trace)
{
    char input[INPUT_MAX];
    if (max == 0)
        apr_snprintf(input, sizeof(input), "%u, no limit", have);
    else
        apr_snprintf(input, sizeof(input), "%u of %u", have, max);
    return step(trace, check, input, max != 0 && have >= max, reason);
}

pki_reason_t pki_history_check(const pki_history_t *history, const pki_profile_t *profile,
                               const pki_trace_t *trace)
{
    pki_reason_t reason = step(trace, "blocked keys", history->blocked ? "blocked" : "not blocked",
                               history->blocked, PKI_REASON_KEY_BLOCKED);
    if (reason == PKI_REASON_NONE)
        reason = step(trace, "owner of the key", history->taken ? "another" : "nobody else",
                      history->taken, PKI_REASON_KEY_TAKEN);
    if (reason != PKI_REASON_NONE)
        return reason;
    if (history->again)
        return step(trace, "certificate held", "given again", 0, PKI_REASON_NONE);
    reason = check_quota("certificates held", history->held, profile->held_max,
                         PKI_REASON_QUOTA_HELD, trace);
    if (reason == PKI_REASON_NONE)
        reason = check_quota("certificates in the window", history->issued, profile->issued_max,
                             PKI_REASON_QUOTA_WINDOW, trace);
    return reason;
}
