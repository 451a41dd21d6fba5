/* SPDX-License-Identifier: Apache-2.0 */
/* The decision over every combination of its inputs, against a second way to say it; that rules,
 * module and history only narrow; and what a trace hears. */
#include "decide_fixture.h"

static apr_pool_t *pool;

#define COUNT(rows) (sizeof(rows) / sizeof(rows[0]))

/* ---- every combination ---- */

/* Flags 1 and 2 of GAA service type 1; the wish narrows, never widens. Row: allowed, column: wish
 * (none, DS, NR, both); what comes out, 0 for a refusal. */
static const unsigned usages[4][4] = {
    [0] = {0, 0, 0, 0},
    [DS] = {DS, DS, 0, DS},
    [NR] = {NR, 0, NR, NR},
    [DS | NR] = {DS, DS, NR, DS},
};

static const pki_reason_t keys[] = {
    PKI_REASON_NONE,      PKI_REASON_KEY_TYPE,    PKI_REASON_KEY_SIZE, PKI_REASON_KEY_EXPONENT,
    PKI_REASON_KEY_CURVE, PKI_REASON_KEY_FACTORS, PKI_REASON_KEY_ROCA, PKI_REASON_KEY_CLOSE_PRIMES,
};

static const pki_reason_t verdicts[] = {PKI_REASON_NONE, PKI_REASON_RULE, PKI_REASON_MODULE};

/* What it comes to where one certificate may be held and two issued. */
static const struct {
    pki_history_t history;
    pki_reason_t reason;
} histories[] = {
    {{0, 0, 0, 0, 0}, PKI_REASON_NONE},           {{0, 0, 0, 0, 1}, PKI_REASON_NONE},
    {{0, 0, 1, 1, 2}, PKI_REASON_NONE},           {{1, 0, 0, 0, 0}, PKI_REASON_KEY_BLOCKED},
    {{1, 1, 1, 1, 2}, PKI_REASON_KEY_BLOCKED},    {{0, 1, 0, 0, 0}, PKI_REASON_KEY_TAKEN},
    {{0, 1, 1, 1, 2}, PKI_REASON_KEY_TAKEN},      {{0, 0, 0, 1, 0}, PKI_REASON_QUOTA_HELD},
    {{0, 0, 0, 1, 2}, PKI_REASON_QUOTA_HELD},     {{0, 0, 0, 0, 2}, PKI_REASON_QUOTA_WINDOW},
    {{0, 0, 0, 0, ~0u}, PKI_REASON_QUOTA_WINDOW},
};

/* One combination of the subscriber's. */
typedef struct who_t {
    int identity;
    int uss;
    unsigned allowed;
    unsigned wish;
} who_t;

static const pki_profile_t *with_quotas(void)
{
    static pki_profile_t own[2];
    int count;
    memcpy(own, pki_profiles_default(&count), sizeof(own));
    for (int i = 0; i < 2; i++) {
        own[i].held_max = 1;
        own[i].issued_max = 2;
        own[i].issued_window = apr_time_from_sec(60);
    }
    return own;
}

static void fill(gba_info_t *info, pki_case_t *facts, const who_t *who)
{
    const setting_t setting = {
        1, {who->allowed & DS, who->allowed & NR}, NULL, GBA_KEY_CHOICE_UNSAID, {NULL, NULL}};
    memset(info, 0, sizeof(*info));
    memset(facts, 0, sizeof(*facts));
    if (who->identity)
        info->impi = gba_info_add_text(info, DCF_IMPI, strlen(DCF_IMPI));
    if (who->uss)
        dcf_add(info, &setting);
    facts->info = info;
    facts->now = PKIF_NOW;
    facts->profiles = with_quotas();
    facts->profile_count = 2;
    facts->usage_wish = who->wish;
}

/* What is said of the subscriber alone; NONE: nothing. */
static pki_reason_t about(const who_t *who)
{
    if (!who->identity)
        return PKI_REASON_NO_IDENTITY;
    if (!who->uss)
        return PKI_REASON_NO_USS;
    if (!who->allowed)
        return PKI_REASON_NO_FLAG;
    return usages[who->allowed][who->wish] ? PKI_REASON_NONE : PKI_REASON_USAGE_NOT_ALLOWED;
}

static pki_reason_t first_of(const pki_reason_t *reasons, int count)
{
    for (int i = 0; i < count; i++)
        if (reasons[i] != PKI_REASON_NONE)
            return reasons[i];
    return PKI_REASON_NONE;
}

/* Key x CA x verdict x history. Returns how many were decided otherwise. */
static int count_wrong(const who_t *who)
{
    int wrong = 0;
    gba_info_t info;
    pki_case_t facts;
    fill(&info, &facts, who);
    for (unsigned i = 0; i < COUNT(keys) * 2 * COUNT(verdicts) * COUNT(histories); i++) {
        unsigned rest = i / 2;
        pki_reason_t says[5] = {about(who)};
        pki_outcome_t got;
        facts.wants_ca = i & 1;
        facts.key_check = says[2] = keys[rest % COUNT(keys)];
        facts.verdict = says[3] = verdicts[rest / COUNT(keys) % COUNT(verdicts)];
        facts.history = &histories[rest / COUNT(keys) / COUNT(verdicts)].history;
        says[1] = facts.wants_ca ? PKI_REASON_CA_REQUESTED : PKI_REASON_NONE;
        says[4] = histories[rest / COUNT(keys) / COUNT(verdicts)].reason;
        got = pki_decide(&facts, NULL);
        wrong += got.decision.reason != first_of(says, 5) ||
                 got.decision.permit != (got.decision.reason == PKI_REASON_NONE) ||
                 got.decision.usage != (got.decision.permit ? usages[who->allowed][who->wish] : 0);
    }
    return wrong;
}

static void combinations(void)
{
    for (unsigned i = 0; i < 2 * 2 * 4 * 4; i++) {
        const who_t who = {i & 1, i >> 1 & 1, i >> 2 & 3, i >> 4 & 3};
        int wrong = count_wrong(&who);
        ok(wrong == 0, "identity %d, USS %d, flags %u, wish %u: %u combinations, %d otherwise",
           who.identity, who.uss, who.allowed, who.wish,
           (unsigned)(COUNT(keys) * 2 * COUNT(verdicts) * COUNT(histories)), wrong);
    }
}

/* Whatever a verdict or a history says: where the settings say no, they change nothing. */
static void nothing_widens(void)
{
    static const who_t refused[] = {{0, 1, DS, 0}, {1, 0, 0, 0}, {1, 1, 0, 0}, {1, 1, DS, NR}};
    gba_info_t info;
    pki_case_t facts;
    for (unsigned i = 0; i < COUNT(refused); i++) {
        pki_reason_t want = about(&refused[i]);
        int same = 1;
        fill(&info, &facts, &refused[i]);
        for (int verdict = -1; verdict <= PKI_REASONS; verdict++) {
            pki_outcome_t got;
            facts.verdict = (pki_reason_t)verdict;
            facts.history = &histories[2].history;
            got = pki_decide(&facts, NULL);
            same &= !got.decision.permit && got.decision.reason == want && !got.decision.usage;
        }
        ok(same, "%s stays, whatever a rule or a module says", pki_reason_code(want));
    }
}

static void strange_inputs(void)
{
    const who_t who = {1, 1, DS, 0};
    gba_info_t info;
    pki_case_t facts;
    fill(&info, &facts, &who);
    facts.usage_wish = 4;
    is_int(pki_decide(&facts, NULL).decision.permit, 1, "a wish for what we do not know is none");
    facts.verdict = (pki_reason_t)99;
    is_int(pki_decide(&facts, NULL).decision.permit, 0, "a verdict that is no reason refuses");
    fill(&info, &facts, &who);
    facts.profile_count = 0;
    is_str(pki_reason_code(pki_decide(&facts, NULL).decision.reason), "NO_FLAG",
           "without a profile no flag unlocks one");
    fill(&info, &facts, &who);
    info.uss[0].flags[0] = 3;
    is_str(pki_reason_code(pki_decide(&facts, NULL).decision.reason), "NO_FLAG",
           "flags are numbers, no masks: 3 is not 1 and 2 (TS 29.109)");
}

/* ---- traces ---- */

static char heard[4096];

static void hear(void *baton, const char *check, const char *input, const char *result)
{
    apr_size_t used = strlen(heard);
    (void)baton;
    apr_snprintf(heard + used, sizeof(heard) - used, "%s | %s | %s\n", check, input, result);
}

static const pki_trace_t trace = {NULL, hear};

static void of_a_permit(void)
{
    const who_t who = {1, 1, DS | NR, NR};
    gba_info_t info;
    pki_case_t facts;
    fill(&info, &facts, &who);
    info.bootstrapped = PKIF_NOW - apr_time_from_sec(17);
    facts.key_type = "EC";
    facts.key_text = "EC P-256";
    facts.naf_group = "fixed";
    facts.uicc_key = 1;
    facts.history = &histories[1].history;
    heard[0] = '\0';
    pki_decide(&facts, &trace);
    is_str(heard,
           "BSF | knows the subscriber | ok\n"
           "identity | IMPI | ok\n"
           "user security settings | 1 of 1 for the PKI portal | ok\n"
           "NAF group | 1 of them for group \"fixed\" or for any | ok\n"
           "key choice | key of the UICC, 1 that allow it | ok\n"
           "flags | flags 1, 2 | ok\n"
           "key usage | asked for: nonRepudiation | ok\n"
           "profile | non-repudiation | ok\n"
           "age of the bootstrapping | 17 s | ok\n"
           "names | IMPI, 0 UE identities | ok\n"
           "basic constraints | no CA asked for | ok\n"
           "key type | EC P-256 | ok\n"
           "key curve | EC P-256 | ok\n"
           "key as a whole | EC P-256 | ok\n"
           "blocked keys | not blocked | ok\n"
           "owner of the key | nobody else | ok\n"
           "certificates held | 0 of 1 | ok\n"
           "certificates in the window | 1 of 2 | ok\n",
           "a permit: every check with its input");
}

/* What a trace ends with. */
static void ends(const pki_case_t *facts, const char *want)
{
    apr_size_t len = strlen(want);
    apr_size_t have;
    heard[0] = '\0';
    pki_decide(facts, &trace);
    have = strlen(heard);
    if (!ok(have >= len && strcmp(heard + have - len, want) == 0, "the last is %s", want))
        printf("# %s\n", heard);
}

static void of_refusals(void)
{
    const who_t nobody = {0, 1, DS, 0}, who = {1, 1, DS, 0};
    gba_info_t info;
    pki_case_t facts;
    fill(&info, &facts, &nobody);
    ends(&facts, "identity | none | NO_IDENTITY\n");
    is_str(heard, "BSF | knows the subscriber | ok\nidentity | none | NO_IDENTITY\n",
           "and nothing is checked after a no");
    fill(&info, &facts, &who);
    info.uss[0].gs_type = 5;
    ends(&facts, "user security settings | 0 of 1 for the PKI portal | NO_USS\n");
    info.uss[0].gs_type = 1;
    info.uss[0].naf_group = gba_info_add_text(&info, "g", 1);
    facts.naf_group = "h";
    ends(&facts, "NAF group | 0 of them for group \"h\" or for any | NAF_GROUP\n");
    facts.naf_group = NULL;
    facts.usage_wish = NR;
    ends(&facts, "key usage | asked for: nonRepudiation | USAGE_NOT_ALLOWED\n");
    facts.usage_wish = 0;
    info.uss[0].key_choice = GBA_KEY_CHOICE_UICC;
    ends(&facts, "key choice | key of the ME, 0 that allow it | KEY_CHOICE\n");
    info.uss[0].key_choice = GBA_KEY_CHOICE_UNSAID;
    facts.wants_ca = 1;
    ends(&facts, "basic constraints | asked for: CA:TRUE | CA_REQUESTED\n");
    facts.wants_ca = 0;
    facts.verdict = PKI_REASON_MODULE;
    ends(&facts, "verdict | rules and module | MODULE\n");
    facts.verdict = PKI_REASON_NONE;
    facts.history = &histories[7].history;
    ends(&facts, "certificates held | 1 of 1 | QUOTA_HELD\n");
    facts.history = &histories[2].history;
    ends(&facts, "certificate held | given again | ok\n");
}

/* Every check that the key had passed is told before the one that it fails. */
static void of_keys(void)
{
    static const struct {
        const char *type;
        pki_reason_t reason;
        const char *want;
    } rows[] = {
        {"RSA", PKI_REASON_NONE,
         "key type | K | ok\nkey size | K | ok\nkey exponent | K | ok\nsmall factors | K | ok\n"
         "ROCA fingerprint | K | ok\nclose primes | K | ok\nkey as a whole | K | ok\n"},
        {"RSA", PKI_REASON_KEY_SIZE, "key type | K | ok\nkey as a whole | K | KEY_SIZE\n"},
        {"RSA", PKI_REASON_KEY_ROCA,
         "key type | K | ok\nkey size | K | ok\nkey exponent | K | ok\nsmall factors | K | ok\n"
         "key as a whole | K | KEY_ROCA\n"},
        {"EC", PKI_REASON_KEY_CURVE, "key type | K | ok\nkey as a whole | K | KEY_CURVE\n"},
        {"other", PKI_REASON_KEY_TYPE, "key as a whole | K | KEY_TYPE\n"},
    };
    const who_t who = {1, 1, DS, 0};
    gba_info_t info;
    pki_case_t facts;
    for (unsigned i = 0; i < COUNT(rows); i++) {
        fill(&info, &facts, &who);
        facts.key_type = rows[i].type;
        facts.key_text = "K";
        facts.key_check = rows[i].reason;
        ends(&facts,
             apr_pstrcat(pool, "basic constraints | no CA asked for | ok\n", rows[i].want, NULL));
    }
}

/* A group is the operator's text: a trace shows it whole, or not at all. */
static void of_long_groups(void)
{
    const who_t who = {1, 1, DS, 0};
    char group[257];
    gba_info_t info;
    pki_case_t facts;
    fill(&info, &facts, &who);
    memset(group, 'x', 256);
    group[256] = '\0';
    facts.naf_group = group;
    heard[0] = '\0';
    pki_decide(&facts, &trace);
    ok(strstr(heard, "group \"...\"") != NULL, "256 octets are not shown");
    group[255] = '\0';
    heard[0] = '\0';
    pki_decide(&facts, &trace);
    ok(strstr(heard, group) != NULL, "255 are");
}

/* The trace changes nothing. */
static void hears_only(void)
{
    int differ = 0;
    for (unsigned i = 0; i < 2 * 2 * 4 * 4; i++) {
        const who_t who = {i & 1, i >> 1 & 1, i >> 2 & 3, i >> 4 & 3};
        gba_info_t info;
        pki_case_t facts;
        pki_outcome_t with, without;
        fill(&info, &facts, &who);
        heard[0] = '\0';
        with = pki_decide(&facts, &trace);
        without = pki_decide(&facts, NULL);
        differ += with.decision.reason != without.decision.reason ||
                  with.profile != without.profile || with.setting != without.setting;
    }
    is_int(differ, 0, "a trace changes no decision");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    combinations();
    nothing_widens();
    strange_inputs();
    of_a_permit();
    of_refusals();
    of_keys();
    of_long_groups();
    hears_only();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
