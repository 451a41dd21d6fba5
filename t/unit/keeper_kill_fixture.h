/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_kill_fixture.h
 * A child that gives out certificates until it is killed, and who remembers
 * what was given out.
 */
#ifndef keeper_kill_fixture_h
#define keeper_kill_fixture_h

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include "base/base_fault.h"
#include "keeper/keeper_issuer.h"
#include "keeper_fixture.h"

#define KILL_THREADS 4

/** What a UE is told: one write, which a pipe takes whole. */
typedef struct kill_reply_t {
    unsigned char serial[PKI_SERIAL_LEN];
    unsigned char der_sha256[KEEPER_HASH_LEN];
} kill_reply_t;

/* ---- the child ---- */

/** One of its threads. */
typedef struct kill_worker_t {
    portal_issuer_t *issuer;
    int number;
    int out;
} kill_worker_t;

static inline void kill_reply(int out, const portal_issued_t *issued)
{
    kill_reply_t told;
    memcpy(told.serial, issued->serial, sizeof told.serial);
    EVP_Digest(issued->der, issued->der_len, told.der_sha256, NULL, EVP_sha256(), NULL);
    BASE_FAULT("reply-before");
    if (write(out, &told, sizeof told) != sizeof told)
        _exit(4);
    BASE_FAULT("reply-after");
}

/** Issues until it is killed: a new key, the same again, a new key, and so on. */
static inline void *kill_issue_for_ever(void *data)
{
    const kill_worker_t *worker = data;
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
        kill_reply(worker->out, &issued);
        apr_pool_clear(mine);
    }
    return NULL;
}

/** Does not return. */
static inline void kill_be_killed(keeper_ledger_t *ledger, pki_ca_t *ca, int out, apr_pool_t *pool)
{
    kill_worker_t workers[KILL_THREADS];
    pthread_t threads[KILL_THREADS];
    keeper_issuer_parts_t parts = {ca,   ledger, base_clock_system(), base_random_system(),
                                   NULL, NULL};
    portal_issuer_t *issuer = keeper_issuer_make(pool, &parts);
    for (int i = 0; i < KILL_THREADS; i++) {
        workers[i] = (kill_worker_t){issuer, i, out};
        if (pthread_create(&threads[i], NULL, kill_issue_for_ever, &workers[i]) != 0)
            _exit(5);
    }
    pthread_join(threads[0], NULL);
    _exit(6);
}

/* ---- the parent ---- */

/** Reads what was told; nonzero if there is more. */
static inline int kill_next_reply(int in, kill_reply_t *told)
{
    return read(in, told, sizeof *told) == sizeof *told;
}

/** Nonzero unless the ledger has just this certificate, once. */
static inline int kill_is_missing(const char *path, const kill_reply_t *told)
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

/** A child that is there to be killed; what it gives out is read from *in. */
static inline pid_t kill_fork(void (*be_killed)(int out), int *in)
{
    int ends[2];
    if (pipe(ends) != 0)
        fixture_die("pipe");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        be_killed(ends[1]);
    }
    close(ends[1]);
    *in = ends[0];
    return child;
}

/** Waits for the end of one that was, or will be, killed. */
static inline void kill_wait(pid_t child)
{
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fixture_die("the child ended by itself");
}

/** Says at which fault point whoever comes there first is to die. */
static inline void kill_arm(const char *fault_file, const char *point)
{
    FILE *file = fopen(fault_file, "w");
    if (!file || fputs(point, file) < 0 || fclose(file) != 0)
        fixture_die("the fault file");
}

/** Up to ten milliseconds. */
static inline unsigned kill_moment(void)
{
    unsigned short delay;
    base_random_system()->fill(base_random_system()->baton, &delay, sizeof delay);
    return delay % 10000u;
}

/** Test points: certificates and audit trail fit each other, and a keeper takes the ledger. */
static inline void kill_check_ledger(const char *path, apr_pool_t *pool)
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

#endif
