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
    char got[PKI_PSEUDONYM_LEN + 1];
    keeper_ledger_t *ledger = opened(prepared("names.db"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ledger->begin(ledger->baton, pool);
        ledger->pseudonym(ledger->baton, rows[i].subscriber, rows[i].fresh, got, pool);
        is_int(ledger->commit(ledger->baton, pool).code, BASE_OK, "commit");
        is_str(got, rows[i].want, rows[i].subscriber);
    }
    ledger->begin(ledger->baton, pool);
    fixture_is_down(ledger->pseudonym(ledger->baton, "e@x", rows[0].fresh, got, pool), "UNIQUE",
                    "a pseudonym that another subscriber has is refused");
    is_str(got, "", "and none is given");
    fixture_is_down(ledger->commit(ledger->baton, pool), "rolled back",
                    "no commit after a failure");
    ledger->begin(ledger->baton, pool);
    ledger->pseudonym(ledger->baton, "f@x", "ffffffffffffffffffffffffffffffff", got, pool);
    ledger->rollback(ledger->baton);
    is_int(fixture_count(file_named("names.db"), "SELECT count(*) FROM subscriber"), 3,
           "what was rolled back is not there");
}

static void spec_of(pki_cert_spec_t *spec, const portal_issue_t *question, unsigned char serial)
{
    memset(spec, 0, sizeof *spec);
    spec->spki = (base_span_t){question->spki, question->spki_len};
    memset(spec->pseudonym, 'a', PKI_PSEUDONYM_LEN);
    memset(spec->serial, serial, sizeof spec->serial);
    spec->usage = question->decision.usage;
    spec->not_before = NOW - apr_time_from_sec(300);
    spec->not_after = NOW + apr_time_from_sec(86400);
}

static void test_certificate_rows(void)
{
    portal_issue_t question;
    pki_cert_spec_t spec;
    char got[PKI_PSEUDONYM_LEN + 1];
    base_span_t der = base_span_str("0 not a certificate, but octets");
    const char *path = prepared("rows.db");
    keeper_ledger_t *ledger = opened(path);
    fixture_question(&question, "rows@ims.example.org");
    spec_of(&spec, &question, 0x5a);
    ledger->begin(ledger->baton, pool);
    ledger->pseudonym(ledger->baton, question.subscriber, spec.pseudonym, got, pool);
    is_int(ledger->record_issued(ledger->baton, &question, &spec, der, NOW, pool).code, BASE_OK,
           "recorded");
    is_int(ledger->record_issued(ledger->baton, &question, &spec, der, NOW, pool).code,
           BASE_INTERNAL, "a serial that is taken is told from other failures");
    is_int(ledger->commit(ledger->baton, pool).code, BASE_OK, "and does not end the transaction");
    is_int(fixture_count(path, "SELECT count(*) FROM certificate JOIN subscriber ON subscriber.id ="
                               " subscriber_id WHERE serial = '5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a'"
                               " AND identity = 'rows@ims.example.org' AND profile = 'subscriber'"
                               " AND key_usage = 1 AND issued_at = 1893456000 AND not_before ="
                               " 1893455700 AND not_after = 1893542400 AND state = 'issued' AND"
                               " btid LIKE '%@bsf.example.org' AND der = CAST("
                               "'0 not a certificate, but octets' AS BLOB)"),
           1, "one row with every column");
    spec_of(&spec, &question, 0x6b);
    memset(spec.pseudonym, 'b', PKI_PSEUDONYM_LEN);
    ledger->begin(ledger->baton, pool);
    fixture_is_down(ledger->record_issued(ledger->baton, &question, &spec, der, NOW, pool),
                    "NOT NULL", "a certificate in another's name is not recorded");
    ledger->rollback(ledger->baton);
}

static void test_decision_rows(void)
{
    portal_issue_t question;
    const char *path = prepared("decisions.db");
    keeper_ledger_t *ledger = opened(path);
    fixture_question(&question, "");
    question.spki_len = 0;
    question.decision = (pki_decision_t){0, PKI_REASON_NO_IDENTITY, 0};
    is_int(decide(ledger, &question).code, BASE_OK, "a refusal without identity and key");
    fixture_question(&question, "d@ims.example.org");
    is_int(decide(ledger, &question).code, BASE_OK, "a permit");
    is_int(fixture_count(path, "SELECT id FROM decision WHERE at = 1893456000 AND identity IS NULL"
                               " AND permit = 0 AND reason = 'NO_IDENTITY' AND spki_sha256 IS NULL"
                               " AND usage = 0 AND profile = 'subscriber'"),
           1, "the refusal's columns");
    is_int(fixture_count(path, "SELECT id FROM decision WHERE identity = 'd@ims.example.org' AND"
                               " permit = 1 AND length(spki_sha256) = 32 AND usage = 1"),
           2, "the permit's columns");
}

static void test_misuse_fails_closed(void)
{
    int status = 0;
    char got[PKI_PSEUDONYM_LEN + 1];
    portal_issue_t question;
    keeper_ledger_t *ledger = opened(prepared("misuse.db"));
    fixture_question(&question, "m@ims.example.org");
    fixture_is_down(ledger->commit(ledger->baton, pool), "outside", "commit without begin");
    fixture_is_down(ledger->record_decision(ledger->baton, &question, NOW, pool), "outside",
                    "record without begin");
    fixture_is_down(ledger->pseudonym(ledger->baton, "x", "y", got, pool), "outside",
                    "name without begin");
    ledger->rollback(ledger->baton);
    pid_t child = fork();
    if (child == 0)
        _exit(ledger->begin(ledger->baton, pool).code == BASE_STORE_DOWN ? 7 : 0);
    waitpid(child, &status, 0);
    is_int(WEXITSTATUS(status), 7, "a handle that crossed a fork is refused");
    is_int(decide(ledger, &question).code, BASE_OK, "and works on where it was opened");
}

/* ---- several writers ---- */

typedef struct writer_t {
    keeper_ledger_t *ledger;
    const portal_issue_t *question;
    apr_pool_t *pool;
    int failed;
} writer_t;

/** One thread: a pseudonym and a decision per transaction, every fifth rolled back. */
static void *APR_THREAD_FUNC write_rounds(apr_thread_t *thread, void *data)
{
    writer_t *writer = data;
    keeper_ledger_t *ledger = writer->ledger;
    char got[PKI_PSEUDONYM_LEN + 1];
    for (int i = 0; i < ROUNDS + ROUNDS / 5; i++) {
        if (ledger->begin(ledger->baton, writer->pool).code != BASE_OK) {
            writer->failed++;
            continue;
        }
        if (ledger->pseudonym(ledger->baton, writer->question->subscriber,
                              "0123456789abcdef0123456789abcdef", got, writer->pool)
                    .code != BASE_OK ||
            ledger->record_decision(ledger->baton, writer->question, NOW, writer->pool).code !=
                BASE_OK)
            writer->failed++;
        if (i % 6 == 5)
            ledger->rollback(ledger->baton);
        else if (ledger->commit(ledger->baton, writer->pool).code != BASE_OK)
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
    portal_issue_t question;
    int failed = 0;
    const char *path = prepared("threads.db");
    keeper_ledger_t *ledger = opened(path);
    fixture_question(&question, "threads@ims.example.org");
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (writer_t){ledger, &question, NULL, 0};
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
           "every commit is there, and no rollback");
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
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    test_pseudonyms();
    test_certificate_rows();
    test_decision_rows();
    test_misuse_fails_closed();
    test_threads();
    test_processes();
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
