/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator's rules and module may do to an enrolment: narrow it, and nothing else. */
#include "enrol_fixture.h"

static portal_facts_t facts; /* what the rules were asked last */
static int judged_times;
static portal_verdict_t verdict; /* what they say */
static base_code_t judge_says;

static base_result_t judge(void *baton, const portal_facts_t *asked_facts, portal_verdict_t *out,
                           const portal_trace_t *trace, apr_pool_t *p)
{
    (void)baton;
    (void)trace;
    (void)p;
    facts = *asked_facts;
    judged_times++;
    *out = verdict;
    return judge_says == BASE_OK ? base_ok() : base_fail(judge_says, "TEST3", "as told");
}

static portal_rules_t rules = {NULL, 0, judge};

static base_code_t run(portal_enrol_answer_t *answer, const gba_info_t *info, const char *file)
{
    portal_enrol_request_t request = request_of(info, file);

    judged_times = 0;
    return enrol(answer, &request).code;
}

static void says(pki_reason_t reason, const char *text, const char *who)
{
    memset(&verdict, 0, sizeof(verdict));
    verdict.reason = reason;
    apr_cpystrn(verdict.public_text, text, sizeof(verdict.public_text));
    verdict.who = who;
}

static const gba_info_t *somebody(void)
{
    gba_info_t *info = subscriber(IMPI, 1, 1, 0);

    info->uss[0].naf_group = gba_info_add_text(info, "fixed", 5);
    info->uss[0].ue_ids[info->uss[0].ue_id_count++] = gba_info_add_text(info, "tel:+1555", 9);
    return info;
}

static void rules_know_the_case(void)
{
    const gba_info_t *info = somebody();
    portal_enrol_answer_t answer;

    says(PKI_REASON_NONE, "", NULL);
    config.naf_group = "fixed";
    is_int(run(&answer, info, "p256-wish-digitalsignature.pem"), BASE_OK, "nothing against it");
    is_int(judged_times, 1, "the rules are asked once");
    is_str(facts.btid, "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net", "  ... with the B-TID");
    is_str(facts.subscriber, IMPI, "  ... the subscriber");
    ok(facts.info == info && facts.setting == &info->uss[0], "  ... his settings");
    is_str(facts.naf_group, "fixed", "  ... the location's group");
    is_str(facts.profile->name, "authentication", "  ... the profile");
    ok(strcmp(facts.key_type, "EC") == 0 && facts.key_bits == 256 &&
           strcmp(facts.key_curve, "P-256") == 0,
       "  ... the key");
    is_int(facts.usage_wish, PKI_USAGE_DIGITAL_SIGNATURE, "  ... the key usage asked for");
    is_int(facts.held, -1, "  ... and not with a number that costs a question");
    is_int(weighed_times, 0, "which is not asked");
    config.naf_group = NULL;
}

static void held_is_asked_for_who_reads_it(void)
{
    portal_enrol_answer_t answer;

    rules.wants_held = 1;
    weighs.held = 3;
    is_int(run(&answer, somebody(), "p256.pem"), BASE_OK, "a rule that reads the number held");
    is_int(facts.held, 3, "  ... is told");
    is_int(answer.held, 3, "  ... and so is the answer");
    weighs.reason = PKI_REASON_QUOTA_HELD;
    is_int(run(&answer, somebody(), "p256.pem"), BASE_OK,
           "what the ledger would have said a moment ago decides nothing");
    weighs.reason = PKI_REASON_NONE;
    weigh_says = BASE_STORE_DOWN;
    is_int(run(&answer, somebody(), "p256.pem"), BASE_STORE_DOWN, "a ledger that is down: 503");
    ok(judged_times == 0 && asked_times == 0, "  ... and nobody else is asked");
    weigh_says = BASE_OK;
    rules.wants_held = 0;
    memset(&weighs, 0, sizeof(weighs));
}

static void rules_refuse(void)
{
    portal_enrol_answer_t answer;
    const char *code = NULL;

    says(PKI_REASON_RULE, "Only <b> & friends.", "rule 2");
    is_int(run(&answer, somebody(), "p256.pem"), BASE_ENROL_REFUSED, "a rule refuses");
    ok(pki_page_decision(&code, answer.body, pool), "  ... with a page");
    is_str(code, "RULE", "  ... and its reason");
    ok(strstr((const char *)answer.body.data, "<p>Only &lt;b&gt; &amp; friends.</p>") != NULL,
       "  ... the operator's text, escaped");
    is_str(answer.public_text, "Only <b> & friends.", "  ... which the log may have as it is");
    is_str(answer.detail, "rule 2", "  ... and for the operator which rule it was");
    is_str(answer.profile, "authentication", "  ... and the profile that it would have been");
    ok(asked_times == 1 && !asked.decision.permit && asked.decision.reason == PKI_REASON_RULE &&
           asked.decision.usage == 0 && asked.ue_id_count == 0,
       "  ... recorded as a refusal");
    says(PKI_REASON_MODULE, "", NULL);
    is_int(run(&answer, somebody(), "p256.pem"), BASE_ENROL_REFUSED, "a module refuses");
    is_str(answer.public_text, pki_reason_public_text(PKI_REASON_MODULE),
           "  ... without a text: the reason's own");
    is_str(answer.detail, pki_reason_detail(PKI_REASON_MODULE), "  ... likewise its detail");
}

static void bad_texts_are_not_shown(void)
{
    static const char *const texts[] = {"a\nb", "\xff", "cut \xe2\x82", "\x1b[2J", "\xc2\x85"};
    portal_enrol_answer_t answer;

    for (apr_size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        says(PKI_REASON_MODULE, texts[i], "a module");
        is_int(run(&answer, somebody(), "p256.pem"), BASE_ENROL_REFUSED, "a text that is none");
        is_str(answer.public_text, pki_reason_public_text(PKI_REASON_MODULE),
               "  ... gives way to the reason's own");
    }
}

/* ---- nothing widens ---- */

static void refused_is_not_asked(const char *name, const gba_info_t *info, const char *file,
                                 pki_reason_t want)
{
    portal_enrol_answer_t answer;

    is_int(run(&answer, info, file), BASE_ENROL_REFUSED, name);
    is_str(pki_reason_code(answer.decision.reason), pki_reason_code(want), "  ... stays refused");
    is_int(judged_times, 0, "  ... and no rule is asked");
}

static void what_is_refused_stays_refused(void)
{
    says(PKI_REASON_NONE, "", NULL);
    refused_is_not_asked("nobody", subscriber(NULL, 1, 1, 0), "p256.pem", PKI_REASON_NO_IDENTITY);
    refused_is_not_asked("no setting", subscriber(IMPI, 0, 0, 0), "p256.pem", PKI_REASON_NO_USS);
    refused_is_not_asked("no flag", subscriber(IMPI, 1, 9, 0), "p256.pem", PKI_REASON_NO_FLAG);
    refused_is_not_asked("another usage", subscriber(IMPI, 1, 2, 0),
                         "p256-wish-digitalsignature.pem", PKI_REASON_USAGE_NOT_ALLOWED);
    refused_is_not_asked("CA:TRUE", somebody(), "p256-greedy.pem", PKI_REASON_CA_REQUESTED);
    refused_is_not_asked("a weak key", somebody(), "rsa1024.pem", PKI_REASON_KEY_SIZE);
}

/* The module is another's code: what is neither nothing nor a refusal of its own is a fault. */
static void other_verdicts_are_faults(void)
{
    portal_enrol_answer_t answer;
    int wrong = 0;

    for (int reason = -2; reason <= PKI_REASONS + 1; reason++) {
        if (reason == PKI_REASON_NONE || reason == PKI_REASON_RULE || reason == PKI_REASON_MODULE)
            continue;
        says((pki_reason_t)reason, "", NULL);
        wrong += run(&answer, somebody(), "p256.pem") != BASE_INTERNAL || asked_times != 0 ||
                 answer.status != 0;
    }
    is_int(wrong, 0, "reasons of ours in a verdict are faults: nothing is issued or revealed");
    says(PKI_REASON_RULE, "", NULL);
    memset(verdict.public_text, 'x', sizeof(verdict.public_text));
    is_int(run(&answer, somebody(), "p256.pem"), BASE_INTERNAL, "and so is a text without end");
    is_int(asked_times, 0, "  ... with which nobody is bothered");
    says(PKI_REASON_NONE, "You are welcome.", "a generous module");
    is_int(run(&answer, somebody(), "p256.pem"), BASE_OK, "a text without a reason says nothing");
    is_str(answer.public_text, NULL, "  ... to nobody");
    judge_says = BASE_INTERNAL;
    is_int(run(&answer, somebody(), "p256.pem"), BASE_INTERNAL, "rules that fail refuse");
    is_int(asked_times, 0, "  ... without a certificate");
    judge_says = BASE_OK;
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    make_some_der();
    config.rules = &rules;
    rules_know_the_case();
    held_is_asked_for_who_reads_it();
    rules_refuse();
    bad_texts_are_not_shown();
    what_is_refused_stays_refused();
    other_verdicts_are_faults();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
