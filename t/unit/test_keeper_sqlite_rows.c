/* SPDX-License-Identifier: Apache-2.0 */
/* What the SQLite ledger's rows hold, and that several threads and processes can write them. */
#include <sys/wait.h>
#include <apr_thread_proc.h>
#include "keeper_fixture.h"

#define NOW       apr_time_from_sec(1893456000) /* 2030-01-01T00:00:00Z */
#define THREADS   8
#define PROCESSES 2
#define ROUNDS    50

static apr_pool_t *pool;
static const char *dir;

static const char *file_named(const char *name)
{
    return fixture_file(pool, dir, name);
}

static const char *prepared(const char *name)
{
    return fixture_prepared(pool, dir, name);
}

static keeper_ledger_t *opened(const char *path)
{
    return fixture_opened(pool, path);
}

static base_result_t decide(keeper_ledger_t *ledger, const portal_issue_t *question)
{
    return fixture_decide(ledger, question, NOW, pool);
}

/** What the jobs of these tests do; steps that are unset are left out. */
typedef struct steps_t {
    keeper_ledger_t *ledger;
    keeper_claim_t claim;
    const char *fresh; /* name() */
    char name[PKI_PSEUDONYM_LEN + 1];
    const pki_cert_spec_t *spec; /* add() */
    int adds;                    /* how often */
    base_code_t add_says[2];
    const char *from; /* move() the spec's certificate */
    keeper_state_t to;
    int fails; /* the job, after all */
} steps_t;

static keeper_state_t state_of(const char *text)
{
    for (int i = 0; i < KEEPER_STATES; i++)
        if (strcmp(keeper_state_text((keeper_state_t)i), text) == 0)
            return (keeper_state_t)i;
    return KEEPER_STATES;
}

static base_result_t steps_work(void *baton, apr_pool_t *p)
{
    steps_t *steps = baton;
    keeper_ledger_t *ledger = steps->ledger;
    base_span_t der = base_span_str("0 not a certificate, but octets");
    base_result_t result = base_ok();
    if (steps->fresh)
        result = ledger->name(ledger->baton, &steps->claim, steps->fresh, steps->name, p);
    for (int i = 0; i < steps->adds && result.code == BASE_OK; i++) {
        base_result_t added = ledger->add(ledger->baton, &steps->claim, steps->spec, der, p);
        steps->add_says[i] = added.code;
        if (added.code != BASE_INTERNAL)
            result = added;
    }
    if (steps->from && result.code == BASE_OK)
        result =
            ledger->move(ledger->baton, steps->spec->serial, state_of(steps->from), steps->to, p);
    return result.code == BASE_OK && steps->fails ? base_fail(BASE_INTERNAL, "GBATEST", "as told")
                                                  : result;
}

static base_result_t take(steps_t *steps)
{
    return fixture_run(steps->ledger, steps_work, steps, pool);
}

static void test_pseudonyms(void)
{
    static const struct {
        const char *subscriber, *fresh, *want;
    } rows[] = {
        {"a@x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"b@x", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},
        {"a@x", "cccccccccccccccccccccccccccccccc", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"A@x", "dddddddddddddddddddddddddddddddd", "dddddddddddddddddddddddddddddddd"},
    };
    keeper_holding_t held;
    steps_t steps = {.ledger = opened(prepared("names.db"))};
    keeper_ledger_t *ledger = steps.ledger;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        steps.claim.subscriber = rows[i].subscriber;
        steps.fresh = rows[i].fresh;
        is_int(take(&steps).code, BASE_OK, "named");
        is_str(steps.name, rows[i].want, rows[i].subscriber);
        is_int(ledger->peek(ledger->baton, &steps.claim, &held, pool).code, BASE_OK, "read");
        is_str(held.pseudonym, rows[i].want, "by the other connection too");
    }
    steps.claim.subscriber = "e@x";
    steps.fresh = rows[0].fresh;
    fixture_is_down(take(&steps), "UNIQUE", "a pseudonym that another subscriber has is refused");
    is_str(steps.name, "", "and none is given");
    steps.claim.subscriber = "f@x";
    steps.fresh = "ffffffffffffffffffffffffffffffff";
    steps.fails = 1;
    is_int(take(&steps).code, BASE_INTERNAL, "a job that fails");
    is_int(fixture_count(file_named("names.db"), "SELECT count(*) FROM subscriber"), 3,
           "leaves nothing");
    ledger->peek(ledger->baton, &steps.claim, &held, pool);
    is_str(held.pseudonym, "", "no name of a subscriber who has none");
}

static void claim_of(keeper_claim_t *claim, const char *subscriber, unsigned char key)
{
    memset(claim, 0, sizeof *claim);
    claim->subscriber = subscriber;
    claim->btid = "MDEyMzQ1Njc4OTAxMjM0NQ==@bsf.example.org";
    claim->profile = "authentication";
    claim->usage = PKI_USAGE_DIGITAL_SIGNATURE;
    claim->has_key = 1;
    claim->issuer = base_span_str("0 a CA");
    claim->now = NOW;
    memset(claim->spki_sha256, key, sizeof claim->spki_sha256);
    memset(claim->issuer_sha256, 0xca, sizeof claim->issuer_sha256);
}

static void spec_of(pki_cert_spec_t *spec, char name, unsigned char serial)
{
    char *pseudonym = apr_pcalloc(pool, PKI_PSEUDONYM_LEN + 1);
    int profiles;
    memset(spec, 0, sizeof *spec);
    memset(pseudonym, name, PKI_PSEUDONYM_LEN);
    spec->names.pseudonym = pseudonym;
    memset(spec->serial, serial, sizeof spec->serial);
    spec->profile = pki_profiles_default(&profiles);
    spec->not_before = NOW - apr_time_from_sec(300);
    spec->not_after = NOW + apr_time_from_sec(86400);
}

#define NAME_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void test_certificate_rows(void)
{
    pki_cert_spec_t spec;
    keeper_holding_t held;
    const char *path = prepared("rows.db");
    steps_t steps = {.ledger = opened(path), .fresh = NAME_A, .spec = &spec, .adds = 2};
    keeper_ledger_t *ledger = steps.ledger;
    claim_of(&steps.claim, "rows@ims.example.org", 0x01);
    spec_of(&spec, 'a', 0x5a);
    is_int(take(&steps).code, BASE_OK, "recorded");
    is_int(steps.add_says[0], BASE_OK, "once");
    is_int(steps.add_says[1], BASE_INTERNAL, "a serial that is taken is told from other failures");
    is_int(fixture_count(path,
                         "SELECT count(*) FROM certificate JOIN subscriber ON subscriber.id ="
                         " subscriber_id JOIN issuer ON issuer.id = issuer_id WHERE serial ="
                         " '5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a'"
                         " AND identity = 'rows@ims.example.org' AND profile = 'authentication'"
                         " AND key_usage = 1 AND issued_at = 1893456000 AND not_before ="
                         " 1893455700 AND not_after = 1893542400 AND state = 'issued' AND"
                         " btid LIKE '%@bsf.example.org' AND certificate.der = CAST("
                         "'0 not a certificate, but octets' AS BLOB)"
                         " AND issuer.der = CAST('0 a CA' AS BLOB)"),
           1, "one row with every column");
    is_int(ledger->peek(ledger->baton, &steps.claim, &held, pool).code, BASE_OK, "read again");
    ok(held.issued.der_len == 31 && memcmp(held.issued.serial, spec.serial, PKI_SERIAL_LEN) == 0 &&
           held.not_before == spec.not_before && held.not_after == spec.not_after && !held.owner[0],
       "with serial, octets and times");
    spec_of(&spec, 'b', 0x6b);
    steps.adds = 1;
    steps.claim.spki_sha256[0] = 0x77;
    fixture_is_down(take(&steps), "NOT NULL", "a certificate in another's name is not recorded");
}

/** What the ledger holds for a claim that differs in one thing from that of a certificate. */
static void test_claims(void)
{
    pki_cert_spec_t spec;
    keeper_holding_t held;
    keeper_claim_t claim;
    steps_t steps = {.ledger = opened(prepared("claims.db")), .fresh = NAME_A, .spec = &spec};
    keeper_ledger_t *ledger = steps.ledger;
    claim_of(&steps.claim, "a@x", 0x01);
    spec_of(&spec, 'a', 0x11);
    steps.adds = 1;
    is_int(take(&steps).code, BASE_OK, "a certificate");
#define ROW(what, change, has, owned)                                                              \
    claim = steps.claim;                                                                           \
    change;                                                                                        \
    ledger->peek(ledger->baton, &claim, &held, pool);                                              \
    ok((held.issued.der_len > 0) == (has) && strcmp(held.owner, owned) == 0, what)
    ROW("the same claim", (void)0, 1, "");
    ROW("another key", claim.spki_sha256[31] = 9, 0, "");
    ROW("another profile", claim.profile = "other", 0, "");
    ROW("another usage", claim.usage = PKI_USAGE_NON_REPUDIATION, 0, "");
    ROW("another CA", claim.issuer_sha256[0] = 9, 0, "");
    ROW("another subscriber, who is not known", claim.subscriber = "b@x", 0, "a@x");
    ROW("only a name is asked for", claim.has_key = 0, 0, "");
#undef ROW
}

/** What the schema itself refuses, whatever program writes. */
static void test_schema_refuses(void)
{
    static const struct {
        const char *sql, *name;
    } rows[] = {
        {"UPDATE certificate SET der = x'00'", "a certificate that changes"},
        {"UPDATE certificate SET not_after = not_after + 1", "a longer life"},
        {"DELETE FROM certificate", "a certificate that goes"},
        {"UPDATE certificate SET state = 'pending'", "issued to pending"},
        {"UPDATE certificate SET state = 'abandoned'", "issued to abandoned"},
        {"INSERT INTO certificate SELECT 2, '22222222222222222222222222222222', subscriber_id,"
         " issuer_id, profile, key_usage, spki_sha256, not_before, not_after, issued_at, state,"
         " btid, der FROM certificate",
         "two certificates for one claim"},
        {"INSERT INTO subscriber VALUES (9, 'z@x', '" NAME_B "', 1); INSERT INTO certificate SELECT"
         " 2, '22222222222222222222222222222222', 9, issuer_id, profile, key_usage, spki_sha256,"
         " not_before, not_after, issued_at, state, btid, der FROM certificate",
         "a key for two subscribers"},
        {"UPDATE audit SET reason = 'NONE'", "an audit row that changes"},
        {"DELETE FROM audit", "an audit row that goes"},
        {"INSERT OR REPLACE INTO audit SELECT * FROM audit", "an audit row that is replaced"},
        {"INSERT INTO audit SELECT 7, writer, at, event, identity, btid, profile, reason,"
         " spki_sha256, key_usage, serial, alarm, hash FROM audit",
         "an audit row out of turn"},
    };
    portal_issue_t question;
    pki_cert_spec_t spec;
    const char *path = prepared("schema.db");
    steps_t steps = {.ledger = opened(path), .fresh = NAME_A, .spec = &spec, .adds = 1};
    claim_of(&steps.claim, "a@x", 0x01);
    spec_of(&spec, 'a', 0x11);
    fixture_question(&question, "a@x");
    ok(take(&steps).code == BASE_OK && decide(steps.ledger, &question).code == BASE_OK,
       "a certificate and a row");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ok(!fixture_exec(path, rows[i].sql), "refused: %s", rows[i].name);
    is_int(fixture_count(path, "SELECT count(*) FROM audit JOIN certificate ON state = 'issued' AND"
                               " length(certificate.der) = 31"),
           1, "all is as it was");
}

static void test_states(void)
{
    static const struct {
        const char *from;
        keeper_state_t to;
        int good;
    } rows[] = {
        {"revoked", KEEPER_STATE_SUPERSEDED, 0},   {"issued", KEEPER_STATE_ISSUED, 0},
        {"issued", KEEPER_STATE_PENDING, 0},       {"issued", KEEPER_STATE_SUPERSEDED, 1},
        {"superseded", KEEPER_STATE_ISSUED, 0},    {"issued", KEEPER_STATE_REVOKED, 0},
        {"superseded", KEEPER_STATE_ABANDONED, 0}, {"superseded", KEEPER_STATE_REVOKED, 1},
        {"revoked", KEEPER_STATE_ISSUED, 0},
    };
    pki_cert_spec_t spec;
    const char *path = prepared("states.db");
    steps_t steps = {.ledger = opened(path), .fresh = NAME_A, .spec = &spec, .adds = 1};
    claim_of(&steps.claim, "a@x", 0x01);
    spec_of(&spec, 'a', 0x11);
    is_int(take(&steps).code, BASE_OK, "issued");
    steps.adds = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        steps.from = rows[i].from;
        steps.to = rows[i].to;
        is_int(take(&steps).code, rows[i].good ? BASE_OK : BASE_STORE_DOWN,
               apr_psprintf(pool, "%s to %s", rows[i].from, keeper_state_text(rows[i].to)));
    }
    is_str(fixture_text(pool, path, "SELECT state FROM certificate"), "revoked", "where it ended");
}

static void test_decision_rows(void)
{
    portal_issue_t question;
    const char *path = prepared("decisions.db");
    keeper_ledger_t *ledger = opened(path);
    fixture_question(&question, "");
    question.decision = (pki_decision_t){0, PKI_REASON_NO_IDENTITY, 0};
    is_int(decide(ledger, &question).code, BASE_OK, "a refusal without identity and key");
    fixture_question(&question, "d@ims.example.org");
    is_int(decide(ledger, &question).code, BASE_OK, "a permit");
    is_int(fixture_count(path, "SELECT id FROM decision WHERE at = 1893456000 AND identity IS NULL"
                               " AND permit = 0 AND reason = 'NO_IDENTITY' AND spki_sha256 IS NULL"
                               " AND usage = 0 AND profile = 'authentication' AND alarm = 0"),
           1, "the refusal's columns");
    is_int(fixture_count(path, "SELECT id FROM decision WHERE identity = 'd@ims.example.org' AND"
                               " permit = 1 AND usage = 1"),
           2, "the permit's columns");
}

static void test_misuse_fails_closed(void)
{
    int status = 0;
    char got[PKI_PSEUDONYM_LEN + 1];
    portal_issue_t question;
    keeper_claim_t claim;
    keeper_holding_t held;
    keeper_audit_row_t row = {.event = "refused", .btid = "b@x", .profile = "p", .reason = "x"};
    keeper_ledger_t *ledger = opened(prepared("misuse.db"));
    fixture_question(&question, "m@ims.example.org");
    claim_of(&claim, "m@ims.example.org", 0x01);
    fixture_is_down(ledger->audit(ledger->baton, &row, pool), "outside", "a row without a job");
    fixture_is_down(ledger->name(ledger->baton, &claim, NAME_A, got, pool), "outside",
                    "a name without a job");
    fixture_is_down(ledger->find(ledger->baton, &claim, &held, pool), "outside",
                    "a look without a job");
    pid_t child = fork();
    if (child == 0)
        _exit(decide(ledger, &question).code == BASE_STORE_DOWN &&
                      ledger->peek(ledger->baton, &claim, &held, pool).code == BASE_STORE_DOWN
                  ? 7
                  : 0);
    waitpid(child, &status, 0);
    is_int(WEXITSTATUS(status), 7, "a handle that crossed a fork is refused");
    is_int(decide(ledger, &question).code, BASE_OK, "and works on where it was opened");
}

/* ---- several writers ---- */

typedef struct writer_t {
    keeper_ledger_t *ledger;
    apr_pool_t *pool;
    fixture_row_t adding;
    keeper_claim_t claim;
    int fails;
    int failed;
} writer_t;

static base_result_t writer_work(void *baton, apr_pool_t *p)
{
    writer_t *writer = baton;
    char got[PKI_PSEUDONYM_LEN + 1];
    base_result_t result = writer->ledger->name(writer->ledger->baton, &writer->claim,
                                                "0123456789abcdef0123456789abcdef", got, p);
    if (result.code == BASE_OK)
        result = fixture_row_work(&writer->adding, p);
    return result.code == BASE_OK && writer->fails ? base_fail(BASE_INTERNAL, "GBATEST", "as told")
                                                   : result;
}

/** One thread: a pseudonym and a row per job, every sixth fails after all. */
static void *APR_THREAD_FUNC write_rounds(apr_thread_t *thread, void *data)
{
    writer_t *writer = data;
    for (int i = 0; i < ROUNDS + ROUNDS / 5; i++) {
        writer->fails = i % 6 == 5;
        base_code_t want = writer->fails ? BASE_INTERNAL : BASE_OK;
        if (fixture_run(writer->ledger, writer_work, writer, writer->pool).code != want)
            writer->failed++;
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void test_threads(void)
{
    writer_t writers[THREADS];
    apr_thread_t *threads[THREADS];
    apr_status_t status;
    int failed = 0;
    keeper_audit_report_t report;
    const char *path = prepared("threads.db");
    keeper_ledger_t *ledger = opened(path);
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (writer_t){.ledger = ledger};
        writers[i].adding.ledger = ledger;
        writers[i].adding.row = (keeper_audit_row_t){
            .event = "issued", .btid = "b@x", .profile = "p", .reason = "NONE"};
        claim_of(&writers[i].claim, "threads@ims.example.org", 0x01);
        apr_pool_create(&writers[i].pool, NULL);
        if (apr_thread_create(&threads[i], NULL, write_rounds, &writers[i], writers[i].pool) !=
            APR_SUCCESS)
            fixture_die("apr_thread_create");
    }
    for (int i = 0; i < THREADS; i++) {
        apr_thread_join(&status, threads[i]);
        failed += writers[i].failed;
        apr_pool_destroy(writers[i].pool);
    }
    is_int(failed, 0, "threads that share a handle all succeed");
    is_int(fixture_count(path, "SELECT count(*) FROM decision"), THREADS * ROUNDS,
           "every job that succeeded is there, and none that failed");
    is_int(keeper_audit_verify(ledger, NULL, 0, &report, pool).code, BASE_OK,
           "in a chain without a gap");
    is_int(report.chains, 1, "of one writer");
    is_int(fixture_count(path, "SELECT count(*) FROM subscriber"), 1, "one subscriber");
}

static void test_processes(void)
{
    portal_issue_t question;
    int status = 0, failed = 0;
    const char *path = prepared("processes.db");
    pid_t children[PROCESSES];
    fixture_question(&question, "processes@ims.example.org");
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            keeper_ledger_t *ledger = opened(path);
            for (int j = 0; j < ROUNDS; j++)
                failed += decide(ledger, &question).code != BASE_OK;
            _exit(failed != 0);
        }
    }
    for (int i = 0; i < PROCESSES; i++)
        failed += waitpid(children[i], &status, 0) != children[i] || status != 0;
    is_int(failed, 0, "processes that share a file all succeed");
    is_int(fixture_count(path, "SELECT count(*) FROM decision"), PROCESSES * ROUNDS,
           "every record of both is there");
    keeper_audit_report_t report;
    is_int(keeper_audit_verify(opened(path), NULL, 0, &report, pool).code, BASE_OK,
           "in chains without a gap");
    is_int(report.chains, PROCESSES, "one of each");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    test_pseudonyms();
    test_certificate_rows();
    test_claims();
    test_schema_refuses();
    test_states();
    test_decision_rows();
    test_misuse_fails_closed();
    test_threads();
    test_processes();
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
