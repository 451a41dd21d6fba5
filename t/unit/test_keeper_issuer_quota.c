/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas of a profile: how many a subscriber holds, how many he was issued in a window; what costs
 * none, and when there is room again. */
#include "keeper_faults.h"

#define ALICE "alice@ims.example.org"
#define BOB   "bob@ims.example.org"
#define HOUR  apr_time_from_sec(3600)
#define DAY   (24 * HOUR)

static apr_pool_t *pool;
static const char *dir, *path;
static pki_ca_t *ca;
static portal_issuer_t *issuer;
static portal_issued_t issued;

static long long count(const char *sql)
{
    return fixture_count(path, sql);
}

/** A ledger and an issuer of this test's own. */
static void start(const char *name)
{
    faults_reset();
    path = fixture_prepared(pool, dir, name);
    issuer = faults_issuer(pool, ca, fixture_opened(pool, path), base_random_system());
}

/** A permit for a new key, of a profile with these quotas. */
static portal_issue_t permit(const char *subscriber, apr_uint32_t held_max, apr_uint32_t issued_max)
{
    portal_issue_t question;
    fixture_question(&question, subscriber);
    question.profile.held_max = held_max;
    question.profile.issued_max = issued_max;
    question.profile.issued_window = issued_max ? DAY : 0;
    return question;
}

static base_result_t ask(const portal_issue_t *question)
{
    memset(&issued, 0xee, sizeof issued); /* so that zeroing is seen */
    return issuer->issue(issuer->baton, question, &issued, pool);
}

static portal_weighed_t weigh(const portal_issue_t *question)
{
    portal_weighed_t weighed;
    memset(&weighed, 0xee, sizeof weighed);
    base_result_t result = issuer->weigh(issuer->baton, question, &weighed, pool);
    if (result.code != BASE_OK)
        fixture_die(result.detail);
    return weighed;
}

/** Three test points: what is weighed is what is answered. */
static void expect(const portal_issue_t *question, pki_reason_t want, const char *name)
{
    long long certificates = count("SELECT count(*) FROM certificate");
    portal_weighed_t weighed = weigh(question);
    base_result_t result = ask(question);
    is_int(result.code, want ? BASE_ENROL_REFUSED : BASE_OK, name);
    ok(issued.reason == want && weighed.reason == want, "  %s; as weighed", pki_reason_code(want));
    ok(want ? issued.der_len == 0 && issued.serial[0] == 0 && weighed.retry_at == issued.retry_at &&
                  count("SELECT count(*) FROM certificate") == certificates
            : issued.der_len > 0 && issued.retry_at == 0 && weighed.retry_at == 0,
       "  %s", want ? "nothing is issued" : "here it is");
}

static void revoke_last(void)
{
    if (!fixture_exec(path, "UPDATE certificate SET state = 'revoked' WHERE id ="
                            " (SELECT max(id) FROM certificate WHERE state = 'issued')"))
        fixture_die("revoke");
}

/* ---- held ---- */

static void test_held(void)
{
    portal_issue_t first = permit(ALICE, 2, 0), second = permit(ALICE, 2, 0),
                   third = permit(ALICE, 2, 0), other = permit(BOB, 2, 0);
    start("held.db");
    is_int(weigh(&first).held, 0, "he holds none");
    expect(&first, PKI_REASON_NONE, "the first of two");
    expect(&second, PKI_REASON_NONE, "the second of two");
    expect(&third, PKI_REASON_QUOTA_HELD, "a third");
    is_int(issued.retry_at, 0, "  for which waiting is no help");
    is_int(weigh(&third).held, 2, "  as he holds two");
    expect(&first, PKI_REASON_NONE, "the first again");
    is_int(count("SELECT count(*) FROM certificate"), 2, "  which is the one that he has");
    ok(weigh(&first).again && weigh(&first).held == 2, "  and is weighed as that");
    expect(&other, PKI_REASON_NONE, "another subscriber");
    apr_cpystrn(third.profile.name, "silver", sizeof third.profile.name);
    expect(&third, PKI_REASON_NONE, "another profile");
    apr_cpystrn(third.profile.name, "authentication", sizeof third.profile.name);
    revoke_last(); /* the other profile's */
    expect(&third, PKI_REASON_QUOTA_HELD, "one of another profile revoked: no room");
    third.profile.held_max = 3;
    expect(&third, PKI_REASON_NONE, "a configuration that allows three");
    third = permit(ALICE, 1, 0);
    expect(&third, PKI_REASON_QUOTA_HELD, "one that allows only one, when there are three");
}

static void test_held_gives_room(void)
{
    portal_issue_t first = permit(ALICE, 1, 0), second = permit(ALICE, 1, 0);
    start("room.db");
    expect(&first, PKI_REASON_NONE, "the only one");
    expect(&second, PKI_REASON_QUOTA_HELD, "one more");
    revoke_last();
    expect(&second, PKI_REASON_NONE, "the only one was revoked");
    wall_offset = 365 * DAY - apr_time_from_sec(10);
    expect(&first, PKI_REASON_QUOTA_HELD, "shortly before its end");
    expect(&second, PKI_REASON_NONE, "its own renewal");
    is_int(count("SELECT count(*) FROM certificate WHERE state = 'superseded'"), 1,
           "  takes its place");
    wall_offset = 2 * 365 * DAY + DAY;
    expect(&first, PKI_REASON_NONE, "after its end");
    is_int(weigh(&second).held, 1, "  and one that has ended is not held");
}

/* ---- issued in a window ---- */

/** Seconds from now, at most one too many or too few: the ledger's are whole ones. */
static void is_in(apr_time_t when, apr_time_t from_now, const char *name)
{
    apr_time_t off = when - (apr_time_now() + wall_offset) - from_now;
    ok(when % APR_USEC_PER_SEC == 0 && off > -2 * APR_USEC_PER_SEC && off <= APR_USEC_PER_SEC, "%s",
       name);
}

static void test_window(void)
{
    portal_issue_t first = permit(ALICE, 0, 2), second = permit(ALICE, 0, 2),
                   third = permit(ALICE, 0, 2), fourth = permit(ALICE, 0, 2);
    start("window.db");
    expect(&first, PKI_REASON_NONE, "the first of two within a day");
    wall_offset = 6 * HOUR;
    expect(&second, PKI_REASON_NONE, "the second, six hours later");
    expect(&third, PKI_REASON_QUOTA_WINDOW, "a third");
    is_in(issued.retry_at, 18 * HOUR, "  may come a day after the first");
    revoke_last();
    expect(&third, PKI_REASON_QUOTA_WINDOW, "one of them revoked");
    is_in(issued.retry_at, 18 * HOUR, "  makes no room");
    expect(&first, PKI_REASON_NONE, "the first again: costs none");
    wall_offset = 24 * HOUR - apr_time_from_sec(5);
    expect(&third, PKI_REASON_QUOTA_WINDOW, "just before the day is over");
    wall_offset = issued.retry_at - apr_time_now();
    expect(&third, PKI_REASON_NONE, "at the time that was told");
    expect(&fourth, PKI_REASON_QUOTA_WINDOW, "a fourth");
    is_in(issued.retry_at, 6 * HOUR, "  waits for the second to be a day old");
    fourth.profile.issued_max = 1;
    expect(&fourth, PKI_REASON_QUOTA_WINDOW, "a configuration that allows one");
    is_in(issued.retry_at, 24 * HOUR, "  makes it wait for the last one");
    fourth.profile.issued_window = APR_INT64_MAX;
    expect(&fourth, PKI_REASON_QUOTA_WINDOW, "a window without an end");
    is_int(issued.retry_at, APR_INT64_MAX, "  has no room ever");
    fourth.profile.issued_window = 1;
    wall_offset += apr_time_from_sec(2);
    expect(&fourth, PKI_REASON_NONE, "a window of a microsecond");
}

/** A part of a second is a whole one, or a short window would be none. */
static void test_short_window(void)
{
    portal_issue_t first = permit(ALICE, 0, 1), second = permit(ALICE, 0, 1);
    start("short.db");
    first.profile.issued_window = second.profile.issued_window = 1;
    wall_offset = APR_USEC_PER_SEC - apr_time_now() % APR_USEC_PER_SEC; /* a second begins */
    expect(&first, PKI_REASON_NONE, "one in a microsecond");
    expect(&second, PKI_REASON_QUOTA_WINDOW, "another in the same second");
}

static void test_renewal_in_window(void)
{
    portal_issue_t question = permit(ALICE, 1, 1);
    start("renewal.db");
    question.profile.lifetime = HOUR;
    question.profile.renew_before = HOUR - 1;
    expect(&question, PKI_REASON_NONE, "a short certificate");
    wall_offset = apr_time_from_sec(60);
    expect(&question, PKI_REASON_QUOTA_WINDOW, "its renewal within the day is one more");
    wall_offset = 25 * HOUR;
    expect(&question, PKI_REASON_NONE, "and is none a day later");
}

/** Successes only. */
static void test_failures_are_free(void)
{
    static const step_t steps[] = {STEP_ADD, STEP_COMMIT, STEP_AUDIT};
    portal_issue_t question = permit(ALICE, 1, 1);
    start("free.db");
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        failing = steps[i];
        is_int(ask(&question).code, BASE_STORE_DOWN, "a failure");
    }
    failing = STEP_NONE;
    question.decision = (pki_decision_t){0, PKI_REASON_RULE, 0};
    is_int(ask(&question).code, BASE_OK, "a refusal");
    question.decision = (pki_decision_t){1, PKI_REASON_NONE, PKI_USAGE_DIGITAL_SIGNATURE};
    expect(&question, PKI_REASON_NONE, "have cost nothing");
}

/* ---- the record ---- */

static void test_record(void)
{
    portal_issue_t first = permit(ALICE, 1, 0), second = permit(ALICE, 1, 0);
    start("record.db");
    ask(&first);
    for (int i = 0; i < 3; i++)
        ask(&second);
    is_int(count("SELECT count(*) FROM audit WHERE event = 'refused' AND reason = 'QUOTA_HELD' AND"
                 " identity = '" ALICE "' AND profile = 'authentication' AND alarm = 0 AND"
                 " key_usage = 0 AND spki_sha256 IS NOT NULL AND serial IS NULL"),
           1, "a refusal is one row, with the reason and the profile");
    is_int(count("SELECT count FROM refusal_count"), 3, "that counts those which say the same");
    second.profile.held_max = 0;
    second.profile.issued_max = 1;
    second.profile.issued_window = DAY;
    ask(&second);
    is_int(count("SELECT count(*) FROM audit WHERE reason = 'QUOTA_WINDOW'"), 1,
           "another reason is another row");
    wall_offset = apr_time_from_sec(61);
    ask(&second);
    is_int(count("SELECT count(*) FROM audit WHERE reason = 'QUOTA_WINDOW'"), 2,
           "and so is another minute");
    is_str(logged, "", "none of which is a matter for the log");
}

static void test_every_reason(void)
{
    start("reasons.db");
    for (int reason = PKI_REASON_NONE + 1; reason < PKI_REASONS; reason++) {
        const char *code = pki_reason_code((pki_reason_t)reason);
        portal_issue_t question = permit(ALICE, 1, 0);
        question.decision = (pki_decision_t){0, (pki_reason_t)reason, 0};
        int done = ask(&question).code == BASE_OK && ask(&question).code == BASE_OK;
        ok(done && count(apr_pstrcat(pool,
                                     "SELECT sum(count) FROM audit JOIN refusal_count ON"
                                     " audit_id = id WHERE event = 'refused' AND profile ="
                                     " 'authentication' AND reason = '",
                                     code, "'", NULL)) == 2,
           "%s is a row, and the same again is counted", code);
    }
    is_int(count("SELECT count(*) FROM audit"), PKI_REASONS - 1, "and there is nothing else");
}

/** What is weighed leaves nothing, and needs no transaction and nothing drawn. */
static void test_weighing_leaves_nothing(void)
{
    portal_issue_t first = permit(ALICE, 1, 0), second = permit(ALICE, 1, 0), bad;
    portal_weighed_t weighed;
    start("weigh.db");
    weigh(&first);
    is_int(count("SELECT count(*) FROM subscriber") + count("SELECT count(*) FROM audit"), 0,
           "of a subscriber who is not known");
    ask(&first);
    begins = 0;
    draws_left = 0;
    failing = STEP_BEGIN;
    weigh(&first);
    weigh(&second);
    is_int(begins + count("SELECT count(*) FROM audit"), 1, "nor of one who is");
    bad = first;
    bad.decision = (pki_decision_t){0, PKI_REASON_NO_USS, 0};
    is_int(issuer->weigh(issuer->baton, &bad, &weighed, pool).code, BASE_INTERNAL,
           "a refusal is not weighed");
    bad = first;
    bad.spki_len = 0;
    is_int(issuer->weigh(issuer->baton, &bad, &weighed, pool).code, BASE_INTERNAL,
           "nor what could not be asked");
    failing = STEP_PEEK;
    is_int(issuer->weigh(issuer->baton, &first, &weighed, pool).code, BASE_STORE_DOWN,
           "nor without a ledger");
    ok(weighed.held == 0 && weighed.again == 0, "of which nothing is told");
    failing = STEP_NONE;
    fixture_exec(path, "DROP TRIGGER certificate_fixed; UPDATE certificate SET der = zeroblob(9)");
    is_int(issuer->weigh(issuer->baton, &first, &weighed, pool).code, BASE_STORE_DOWN,
           "nor is a certificate weighed that is damaged");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    ca = fixture_ca(pool, dir, 3000);
    test_held();
    test_held_gives_room();
    test_window();
    test_short_window();
    test_renewal_in_window();
    test_failures_are_free();
    test_record();
    test_every_reason();
    test_weighing_leaves_nothing();
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
