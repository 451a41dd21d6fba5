/* SPDX-License-Identifier: Apache-2.0 */
/* The issuer, asked again: the certificate that is there, a new one in time, nobody else's key. */
#include "keeper_faults.h"

#define ALICE "alice@ims.example.org"
#define BOB   "bob@ims.example.org"
#define DAY   apr_time_from_sec(APR_INT64_C(86400))

static apr_pool_t *pool;
static const char *dir, *path;
static pki_ca_t *ca;
static keeper_ledger_t *sqlite_ledger;
static portal_issuer_t *issuer;

static base_result_t ask(const portal_issue_t *question, portal_issued_t *out)
{
    memset(out, 0xee, sizeof *out); /* so that zeroing is seen */
    return issuer->issue(issuer->baton, question, out, pool);
}

static int same(const portal_issued_t *a, const portal_issued_t *b)
{
    return a->der_len > 0 && a->der_len == b->der_len && memcmp(a->der, b->der, a->der_len) == 0 &&
           memcmp(a->serial, b->serial, PKI_SERIAL_LEN) == 0;
}

static long long count(const char *sql)
{
    return fixture_count(path, sql);
}

/** A ledger, issuer and question of this test's own. */
static void start(const char *name, const pki_ca_t *by, portal_issue_t *question)
{
    faults_reset();
    path = fixture_prepared(pool, dir, name);
    sqlite_ledger = fixture_opened(pool, path);
    issuer = faults_issuer(pool, by, sqlite_ledger, &scarce_random);
    fixture_question(question, ALICE);
}

static pki_ca_t *ca_for(const char *name, int days)
{
    const char *folder = fixture_file(pool, dir, name);
    if (mkdir(folder, 0700) != 0)
        fixture_die("mkdir");
    return fixture_ca(pool, folder, days);
}

/* ---- the same again ---- */

static void test_again(void)
{
    portal_issue_t question;
    portal_issued_t first, second;
    start("again.db", ca, &question);
    is_int(ask(&question, &first).code, BASE_OK, "a certificate");
    draws_left = 0;
    wall_offset = 100 * DAY;
    apr_cpystrn(question.btid, "other@bsf.example.org", sizeof question.btid);
    is_int(ask(&question, &second).code, BASE_OK, "the same question again, bootstrapped anew");
    ok(same(&first, &second), "the same certificate, octet by octet, and nothing drawn for it");
    is_int(count("SELECT count(*) FROM certificate"), 1, "no new row");
    is_int(count("SELECT count(*) FROM audit JOIN certificate USING (serial) WHERE event ="
                 " 'stored' AND identity = '" ALICE
                 "' AND audit.key_usage = 1 AND reason = 'NONE' AND"
                 " audit.btid = 'other@bsf.example.org' AND alarm = 0"),
           1, "the decision is recorded as what it was");
    ok(begins == 2 && ends_seen == 2, "in a transaction each");
}

static void test_not_the_same(void)
{
    portal_issue_t question, other;
    portal_issued_t first, next;
    start("other.db", ca, &question);
    ask(&question, &first);
    other = question;
    other.decision.usage = other.profile.usage = PKI_USAGE_NON_REPUDIATION;
    ok(ask(&other, &next).code == BASE_OK && !same(&first, &next), "another usage: a new one");
    other = question;
    apr_cpystrn(other.profile.name, "gold", sizeof other.profile.name);
    ok(ask(&other, &next).code == BASE_OK && !same(&first, &next), "another profile: a new one");
    fixture_question(&other, ALICE);
    ok(ask(&other, &next).code == BASE_OK && !same(&first, &next), "another key: a new one");
    issuer = faults_issuer(pool, ca_for("other-ca", 800), sqlite_ledger, &scarce_random);
    ok(ask(&question, &next).code == BASE_OK && !same(&first, &next), "another CA: a new one");
    is_int(count("SELECT count(*) FROM certificate WHERE state = 'issued'"), 5, "all are issued");
    is_int(count("SELECT count(DISTINCT issuer_id) FROM certificate"), 2, "by two CAs");
    is_int(count("SELECT count(*) FROM subscriber"), 1, "to one subscriber");
    issuer = faults_issuer(pool, ca, sqlite_ledger, &scarce_random);
    ok(ask(&question, &next).code == BASE_OK && same(&first, &next), "the first is still given");
}

/** 365 days of life, the last 30 for renewal. */
static void test_renewal(void)
{
    static const struct {
        apr_int64_t seconds; /* before the first one's end */
        int again;
        const char *name;
    } rows[] = {
        {31 * 86400, 1, "31 days before its end: the same"},
        {30 * 86400 + 5, 1, "just over 30 days: the same"},
        {30 * 86400 - 5, 0, "just under: a new one"},
        {1, 0, "in its last second: a new one"},
        {-1, 0, "after its end: a new one"},
        {-86400, 0, "a day after: a new one"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        portal_issue_t question;
        portal_issued_t first, second, third;
        start(apr_psprintf(pool, "renewal%d.db", (int)i), ca, &question);
        ask(&question, &first);
        wall_offset = 365 * DAY - apr_time_from_sec(rows[i].seconds);
        is_int(ask(&question, &second).code, BASE_OK, rows[i].name);
        is_int(same(&first, &second), rows[i].again, "  indeed");
        is_int(ask(&question, &third).code, BASE_OK, "  and once more");
        ok(same(&second, &third), "  the same as just before");
        is_int(count("SELECT count(*) FROM certificate WHERE state = 'superseded'"), !rows[i].again,
               "  the old one is superseded, if there is a new one");
        is_int(count("SELECT count(*) FROM audit WHERE event = 'superseded' AND serial = (SELECT"
                     " serial FROM certificate WHERE state = 'superseded')"),
               !rows[i].again, "  and that is in the audit trail");
    }
}

/** Near the CA's end a new certificate would end with the old one. */
static void test_no_renewal_without_gain(void)
{
    portal_issue_t question, second_question;
    portal_issued_t first, second;
    start("short.db", ca_for("short-ca", 20), &question);
    ask(&question, &first);
    wall_offset = DAY;
    ok(ask(&question, &second).code == BASE_OK && same(&first, &second),
       "no new certificate that lives no longer");
    start("brief.db", ca, &question);
    question.profile.lifetime = apr_time_from_sec(3600);
    question.profile.renew_before = question.profile.lifetime - 1;
    ask(&question, &first);
    ok(ask(&question, &second).code == BASE_OK && same(&first, &second),
       "nor twice in a second, if renewal is to come with the issue");
    question.profile.renew_before = question.profile.lifetime;
    start("unsound.db", ca, &second_question);
    second_question.profile = question.profile;
    is_int(ask(&second_question, &second).code, BASE_INTERNAL,
           "none by a profile whose renewal comes before its issue");
    is_int(count("SELECT count(*) FROM certificate"), 0, "  nor is one recorded");
}

static void test_withdrawn(void)
{
    portal_issue_t question;
    portal_issued_t first, second;
    start("revoked.db", ca, &question);
    ask(&question, &first);
    if (!fixture_exec(path, "UPDATE certificate SET state = 'revoked'"))
        fixture_die("revoke");
    ok(ask(&question, &second).code == BASE_OK && !same(&first, &second),
       "a revoked certificate is not given again");
}

static void test_damaged(void)
{
    static const char *const damages[] = {
        "UPDATE certificate SET der = CAST(substr(der, 1, 100) || x'00' ||"
        " substr(der, 102) AS BLOB)",
        "UPDATE certificate SET der = CAST(substr(der, 1, length(der) - 1) ||"
        " CASE substr(der, length(der)) WHEN x'00' THEN x'01' ELSE x'00' END AS BLOB)",
        "UPDATE certificate SET der = substr(der, 1, 40)",
        "UPDATE certificate SET not_after = not_after + 86400",
        "UPDATE certificate SET serial = '22222222222222222222222222222222'",
        "UPDATE certificate SET der = (SELECT der FROM issuer)",
        "UPDATE certificate SET der = zeroblob(5000)",
        "UPDATE certificate SET serial = 'zz222222222222222222222222222222'",
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        portal_issue_t question;
        portal_issued_t first, second;
        start(apr_psprintf(pool, "damaged%d.db", (int)i), ca, &question);
        ask(&question, &first);
        if (!fixture_exec(path,
                          apr_pstrcat(pool, "DROP TRIGGER certificate_fixed;", damages[i], NULL)))
            fixture_die(damages[i]);
        is_int(ask(&question, &second).code, BASE_STORE_DOWN, damages[i]);
        ok(second.der_len == 0 && second.serial[0] == 0 && second.der[0] == 0,
           "  nothing is shown");
    }
}

/* ---- somebody else's key ---- */

static void check_taken(const portal_issue_t *question, const char *name)
{
    portal_issued_t issued;
    base_result_t result = ask(question, &issued);
    is_int(result.code, BASE_ENROL_REFUSED, name);
    is_int(issued.reason, PKI_REASON_KEY_TAKEN, "  for the key's sake");
    ok(issued.der_len == 0 && issued.serial[0] == 0 && issued.der[0] == 0, "  nothing is shown");
    ok(!strstr(result.detail, "alice"), "  and whose it is is not said");
}

static void test_taken(void)
{
    portal_issue_t question, other;
    portal_issued_t first, again;
    start("taken.db", ca, &question);
    ask(&question, &first);
    other = question;
    apr_cpystrn(other.subscriber, BOB, sizeof other.subscriber);
    check_taken(&other, "another subscriber with the same key");
    is_int(count("SELECT count(*) FROM audit WHERE alarm = 1"), 2, "two rows for the operator");
    is_int(count("SELECT count(*) FROM audit WHERE event = 'refused' AND reason = 'KEY_TAKEN' AND"
                 " identity = '" BOB "' AND alarm = 1 AND key_usage = 0 AND serial IS NULL"),
           1, "one about him who asked");
    is_int(count("SELECT count(*) FROM audit WHERE event = 'conflict' AND reason = 'KEY_TAKEN' AND"
                 " identity = '" ALICE "' AND alarm = 1"),
           1, "one about her whose key it is");
    is_int(count("SELECT count(*) FROM certificate"), 1, "nothing is issued");
    is_int(count("SELECT count(*) FROM subscriber"), 1, "and nobody named");
    is_str(logged,
           "GBA0518: two subscribers have shown the same key: see audit rows 2 and 3 of the ledger",
           "the log says where to look");
    is_int(logged_level, BASE_LOG_WARNING, "as a warning");
    logged[0] = '\0';
    check_taken(&other, "the same again within a minute");
    is_int(count("SELECT count(*) FROM audit"), 3, "no more rows");
    is_int(count("SELECT count FROM refusal_count WHERE audit_id = 2"), 2, "but counted");
    is_str(logged, "", "and not logged again");
    ok(ask(&question, &again).code == BASE_OK && same(&first, &again), "hers is hers");
    wall_offset = apr_time_from_sec(61);
    check_taken(&other, "after a minute");
    is_int(count("SELECT count(*) FROM audit WHERE alarm = 1"), 4, "two rows more");
}

/** A key stays the subscriber's after his certificate's life. */
static void test_taken_for_ever(void)
{
    static const char *const states[] = {"issued", "superseded", "revoked"};
    for (size_t i = 0; i < 3; i++) {
        portal_issue_t question;
        portal_issued_t first;
        start(apr_psprintf(pool, "for-ever%d.db", (int)i), ca, &question);
        ask(&question, &first);
        if (i > 0)
            fixture_exec(path,
                         apr_psprintf(pool, "UPDATE certificate SET state = '%s'", states[i]));
        wall_offset = 400 * DAY;
        apr_cpystrn(question.subscriber, BOB, sizeof question.subscriber);
        check_taken(&question, apr_psprintf(pool, "her %s certificate has ended", states[i]));
    }
}

static void test_two_keys_taken(void)
{
    portal_issue_t question, second;
    portal_issued_t issued;
    start("two-keys.db", ca, &question);
    ask(&question, &issued);
    fixture_question(&second, ALICE);
    ask(&second, &issued);
    apr_cpystrn(question.subscriber, BOB, sizeof question.subscriber);
    apr_cpystrn(second.subscriber, BOB, sizeof second.subscriber);
    check_taken(&question, "one key of hers");
    check_taken(&second, "another one within the minute");
    is_int(count("SELECT count(*) FROM audit WHERE alarm = 1"), 4, "is another alarm");
}

/* ---- refusals that repeat ---- */

static void test_refusals(void)
{
    portal_issue_t question, other;
    portal_issued_t issued;
    start("refusals.db", ca, &question);
    question.decision = (pki_decision_t){0, PKI_REASON_NO_FLAG, 0};
    for (int i = 0; i < 5; i++) {
        wall_offset = apr_time_from_sec(i);
        is_int(ask(&question, &issued).code, BASE_OK, "a refusal");
    }
    is_int(count("SELECT count(*) FROM audit"), 1, "stands there once");
    is_int(count("SELECT count FROM refusal_count WHERE audit_id = 1"), 5, "with its count");
#define ROW(what, change)                                                                          \
    other = question;                                                                              \
    change;                                                                                        \
    ask(&other, &issued);                                                                          \
    rows++;                                                                                        \
    is_int(count("SELECT count(*) FROM audit"), rows, "a row of its own: " what)
    int rows = 1;
    ROW("another reason", other.decision.reason = PKI_REASON_NO_USS);
    ROW("another subscriber", other.subscriber[0] = 'b');
    ROW("another profile", other.profile.name[0] = 'b');
    ROW("nobody", other.subscriber[0] = '\0');
    ROW("nobody with another B-TID", (other.subscriber[0] = '\0', other.btid[0] = 'b'));
    ROW("an hour before", wall_offset = apr_time_from_sec(-3600));
    ROW("a minute later", wall_offset = apr_time_from_sec(61));
#undef ROW
    other = question;
    other.btid[0] = 'c';
    other.spki[20] ^= 1;
    ask(&other, &issued);
    is_int(count("SELECT count(*) FROM audit"), rows, "but not for another key or B-TID of his");
    failing = STEP_COUNT;
    is_int(ask(&question, &issued).code, BASE_STORE_DOWN, "not counted: down");
}

/* ---- between the guess and the transaction ---- */

static portal_issue_t meanwhile;
static portal_issued_t meanwhile_got;

static void ask_meanwhile(void)
{
    keeper_issuer_parts_t parts = {ca,   sqlite_ledger, base_clock_system(), base_random_system(),
                                   NULL, NULL};
    portal_issuer_t *direct = keeper_issuer_make(pool, &parts);
    if (direct->issue(direct->baton, &meanwhile, &meanwhile_got, pool).code != BASE_OK)
        fixture_die("meanwhile");
}

static void revoke_meanwhile(void)
{
    if (!fixture_exec(path, "UPDATE certificate SET state = 'revoked'"))
        fixture_die("revoke");
}

static void test_others_were_first(void)
{
    portal_issue_t question;
    portal_issued_t issued;
    start("first1.db", ca, &question);
    meanwhile = question;
    before_run = ask_meanwhile;
    ok(ask(&question, &issued).code == BASE_OK && same(&issued, &meanwhile_got),
       "the same claim was first: its certificate is given, and the other one dropped");
    is_int(count("SELECT count(*) FROM certificate"), 1, "there is one");

    start("first2.db", ca, &question);
    meanwhile = question;
    apr_cpystrn(meanwhile.subscriber, BOB, sizeof meanwhile.subscriber);
    before_run = ask_meanwhile;
    check_taken(&question, "another subscriber was first with this key");

    start("first3.db", ca, &question);
    fixture_question(&meanwhile, ALICE);
    before_run = ask_meanwhile;
    is_int(ask(&question, &issued).code, BASE_OK, "another key of hers was first");
    ok(!same(&issued, &meanwhile_got), "each has its certificate");
    is_int(count("SELECT count(DISTINCT subscriber_id) FROM certificate"), 1, "in one name");
    is_int(begins, 2, "at the second try");

    start("first4.db", ca, &question);
    ask(&question, &meanwhile_got);
    before_run = revoke_meanwhile;
    ok(ask(&question, &issued).code == BASE_OK && !same(&issued, &meanwhile_got),
       "the certificate that was to be given again was revoked: a new one");
    is_int(count("SELECT count(*) FROM certificate"), 2, "there are two");
}

/* ---- names and health ---- */

static void test_pseudonyms(void)
{
    portal_issue_t question;
    portal_issued_t issued;
    char name[PKI_PSEUDONYM_LEN + 1], again[PKI_PSEUDONYM_LEN + 1];
    start("names.db", ca, &question);
    is_int(issuer->pseudonym(issuer->baton, ALICE, name, pool).code, BASE_OK, "a name");
    is_int((int)strlen(name), PKI_PSEUDONYM_LEN, "of 32 characters");
    draws_left = 0;
    is_int(issuer->pseudonym(issuer->baton, ALICE, again, pool).code, BASE_OK, "again");
    is_str(again, name, "the same");
    is_int(begins, 1, "without another transaction");
    is_int(issuer->pseudonym(issuer->baton, BOB, again, pool).code, BASE_INTERNAL,
           "no octets for a name");
    is_str(again, "", "no name");
    draws_left = -1;
    failing = STEP_NAME;
    is_int(issuer->pseudonym(issuer->baton, BOB, again, pool).code, BASE_STORE_DOWN, "down");
    is_str(again, "", "no name");
    failing = STEP_NONE;
    ask(&question, &issued);
    is_int(count(apr_psprintf(pool,
                              "SELECT count(*) FROM certificate JOIN subscriber ON"
                              " subscriber.id = subscriber_id WHERE pseudonym = '%s'",
                              name)),
           1, "her certificate bears it");
}

static void test_health(void)
{
    portal_issue_t question;
    long long first;
    start("health.db", ca, &question);
    keeper_issuer_parts_t parts = {ca, sqlite_ledger, &shifted_clock, &scarce_random, NULL, NULL};
    is_int(keeper_issuer_health(&parts, pool).code, BASE_OK, "healthy");
    first = count("SELECT touched FROM meta");
    ok(first > 0, "it has written");
    is_int(keeper_issuer_health(&parts, pool).code, BASE_OK, "healthy within the same second");
    is_int(count("SELECT touched FROM meta"), first + 1, "which was written too");
    parts.ca = NULL;
    is_int(keeper_issuer_health(&parts, pool).code, BASE_STORE_DOWN, "no CA: not healthy");
    parts.ca = fixture_ca(pool, dir, 0);
    is_int(keeper_issuer_health(&parts, pool).code, BASE_STORE_DOWN,
           "a CA that has ended a day ago: not healthy");
    parts.ca = ca;
    if (rename(path, fixture_file(pool, dir, "away.db")) != 0)
        fixture_die("rename");
    is_int(keeper_issuer_health(&parts, pool).code, BASE_STORE_DOWN, "no file: not healthy");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    ca = ca_for("ca", 1500);
    test_again();
    test_not_the_same();
    test_renewal();
    test_no_renewal_without_gain();
    test_withdrawn();
    test_damaged();
    test_taken();
    test_taken_for_ever();
    test_two_keys_taken();
    test_refusals();
    test_others_were_first();
    test_pseudonyms();
    test_health();
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
