/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever is killed, and whenever: a certificate that was given out is in the ledger. At random
 * moments, and at every step: fault points before and after decide, sign, commit and reply, each
 * while four threads are at work. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include "base/base_fault.h"
#include "keeper/keeper_issuer.h"
#include "keeper_fixture.h"

#define ROUNDS  20
#define THREADS 4

static apr_pool_t *pool;
static const char *path, *fault_file;
static pki_ca_t *ca;

/** What a UE is told: one write, which a pipe takes whole. */
typedef struct reply_t {
    unsigned char serial[PKI_SERIAL_LEN];
    unsigned char der_sha256[KEEPER_HASH_LEN];
} reply_t;

/* ---- the child ---- */

typedef struct worker_t {
    portal_issuer_t *issuer;
    int number;
    int out;
} worker_t;

static void reply(int out, const portal_issued_t *issued)
{
    reply_t told;
    memcpy(told.serial, issued->serial, sizeof told.serial);
    EVP_Digest(issued->der, issued->der_len, told.der_sha256, NULL, EVP_sha256(), NULL);
    BASE_FAULT("reply-before");
    if (write(out, &told, sizeof told) != sizeof told)
        _exit(4);
    BASE_FAULT("reply-after");
}

/** Issues until it is killed: a new key, the same again, a new key, and so on. */
static void *issue_for_ever(void *data)
{
    const worker_t *worker = data;
    portal_issue_t question;
    portal_issued_t issued;
    apr_pool_t *mine;
    apr_pool_create(&mine, NULL);
    for (int i = 0;; i++) {
        if (i % 2 == 0)
            fixture_question(
                &question, apr_psprintf(mine, "killed%d@ims.example.org", worker->number + i % 3));
        if (worker->issuer->issue(worker->issuer->baton, &question, &issued, mine).code != BASE_OK)
            _exit(3);
        reply(worker->out, &issued);
        apr_pool_clear(mine);
    }
    return NULL;
}

static void be_killed(int out)
{
    worker_t workers[THREADS];
    pthread_t threads[THREADS];
    keeper_issuer_parts_t parts = {
        ca, fixture_opened(pool, path), base_clock_system(), base_random_system(), NULL, NULL};
    portal_issuer_t *issuer = keeper_issuer_make(pool, &parts);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker_t){issuer, i, out};
        if (pthread_create(&threads[i], NULL, issue_for_ever, &workers[i]) != 0)
            _exit(5);
    }
    pthread_join(threads[0], NULL);
    _exit(6);
}

/* ---- the parent ---- */

/** Reads what was told; nonzero if there is more. */
static int next_reply(int in, reply_t *told)
{
    return read(in, told, sizeof *told) == sizeof *told;
}

/** Nonzero unless the ledger has just this certificate, once. */
static int is_missing(const reply_t *told)
{
    char hex[2 * PKI_SERIAL_LEN + 1];
    unsigned char hash[KEEPER_HASH_LEN];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int found = 0, same = 0;
    base_hex_encode(hex, told->serial, PKI_SERIAL_LEN);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT der FROM certificate WHERE serial = ? AND state = 'issued'",
                           -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_text(statement, 1, hex, -1, SQLITE_STATIC) == SQLITE_OK)
        while (sqlite3_step(statement) == SQLITE_ROW) {
            EVP_Digest(sqlite3_column_blob(statement, 0),
                       (size_t)sqlite3_column_bytes(statement, 0), hash, NULL, EVP_sha256(), NULL);
            same = memcmp(hash, told->der_sha256, sizeof hash) == 0;
            found++;
        }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return found != 1 || !same;
}

static void arm(const char *point)
{
    FILE *file = fopen(fault_file, "w");
    if (!file || fputs(point, file) < 0 || fclose(file) != 0)
        fixture_die("the fault file");
}

/** One child, which dies some time after it gave out its first certificate: at @a point, or (NULL)
 *  whenever it is hit. Counts what was told; returns how much of it is missing. */
static int kill_one(const char *point, unsigned delay_us, int *seen)
{
    reply_t told;
    int ends[2], status = 0, missing = 0;
    if (pipe(ends) != 0)
        fixture_die("pipe");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        be_killed(ends[1]);
    }
    close(ends[1]);
    if (child < 0 || !next_reply(ends[0], &told))
        fixture_die("the child gave out nothing");
    usleep(delay_us);
    if (point)
        arm(point);
    else
        kill(child, SIGKILL);
    do {
        missing += is_missing(&told);
        ++*seen;
    } while (next_reply(ends[0], &told));
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fixture_die("the child ended by itself");
    close(ends[0]);
    return missing;
}

static void kill_rounds(const char *point)
{
    unsigned short delay;
    int missing = 0, seen = 0;
    for (int i = 0; i < ROUNDS; i++) {
        base_random_system()->fill(base_random_system()->baton, &delay, sizeof delay);
        missing += kill_one(point, delay % 10000u, &seen);
    }
    printf("# %s: %d deaths, %d certificates were given out\n", point ? point : "at random", ROUNDS,
           seen);
    ok(seen >= ROUNDS && missing == 0, "%s: what was given out is in the ledger, octet by octet",
       point ? point : "at random");
}

static void check_ledger(void)
{
    keeper_audit_report_t report;
    is_str(fixture_text(pool, path, "PRAGMA integrity_check"), "ok", "the ledger is whole");
    is_int(fixture_count(path, "SELECT count(*) FROM certificate"),
           fixture_count(path, "SELECT count(*) FROM audit WHERE event = 'issued'"),
           "every certificate has its decision, none is half");
    is_int(fixture_count(path, "SELECT count(*) FROM audit JOIN certificate USING (serial) WHERE"
                               " event = 'issued'"),
           fixture_count(path, "SELECT count(*) FROM certificate"), "and it is its own");
    is_int(fixture_count(path, "SELECT count(*) FROM certificate") -
               fixture_count(path, "SELECT count(DISTINCT spki_sha256) FROM certificate"),
           0, "no key was certified twice");
    is_int(keeper_sqlite_prepare(path, pool).code, BASE_OK, "the next start takes it");
    base_result_t result = keeper_audit_verify(fixture_opened(pool, path), NULL, 0, &report, pool);
    is_int(result.code, BASE_OK, "and its audit trail, chain by chain");
    printf("# %d rows, %d chains\n", (int)report.rows, (int)report.chains);
}

int main(void)
{
    static const char *const points[] = {
        "decide-before", "decide-after", "sign-before",  "sign-after",
        "commit-before", "commit-after", "reply-before", "reply-after",
    };
    apr_initialize();
    apr_pool_create(&pool, NULL);
    const char *dir = fixture_dir();
    path = fixture_prepared(pool, dir, "ledger.db");
    fault_file = fixture_file(pool, dir, "fault");
    ca = fixture_ca(pool, dir, 800);
    setenv("GBA_FAULT_FILE", fault_file, 1);
    kill_rounds(NULL);
#ifdef GBA_FAULT_POINTS
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        kill_rounds(points[i]);
#else
    (void)points;
    ok(0, "built without fault points");
#endif
    check_ledger();
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
