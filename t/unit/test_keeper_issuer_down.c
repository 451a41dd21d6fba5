/* SPDX-License-Identifier: Apache-2.0 */
/* The issuer over a ledger that cannot be written: nothing is revealed, the operator is told why,
 * and when it is over it goes on without a restart. */
#include <signal.h>
#include <sys/resource.h>
#include "keeper/keeper_issuer.h"
#include "keeper/keeper_sqlite_private.h"
#include "keeper_fixture.h"

static apr_pool_t *pool;
static const char *dir, *path, *aside;
static pki_ca_t *ca;
static keeper_ledger_t *ledger;
static portal_issuer_t *issuer;
static int revealed;

/* ---- what goes wrong, and how it is mended ---- */

static struct rlimit limit_before;
static sqlite3 *other;

/** Stands for a full disk: no file may grow over what the write-ahead log has already. */
static void disk_full(void)
{
    struct rlimit small;
    struct stat st;
    if (stat(apr_pstrcat(pool, path, "-wal", NULL), &st) != 0 ||
        getrlimit(RLIMIT_FSIZE, &limit_before) != 0)
        fixture_die("getrlimit");
    small = limit_before;
    small.rlim_cur = (rlim_t)st.st_size;
    if (setrlimit(RLIMIT_FSIZE, &small) != 0)
        fixture_die("setrlimit");
}

static void disk_freed(void)
{
    setrlimit(RLIMIT_FSIZE, &limit_before);
}

static void on_writer(const char *sql)
{
    if (sqlite3_exec(keeper_sqlite_out(ledger)->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fixture_die(sql);
}

/** SQLite says of its own limit what it says of a disk. */
static void pages_used_up(void)
{
    on_writer("PRAGMA max_page_count=1");
}

/** SQLite says of this what it says of a file system that was mounted anew, read-only. */
static void read_only(void)
{
    on_writer("PRAGMA query_only=ON");
}

static void by_itself(void)
{
}

static void locked(void)
{
    if (sqlite3_open(path, &other) != SQLITE_OK ||
        sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
        fixture_die("lock");
}

static void unlocked(void)
{
    sqlite3_close(other);
}

static void move(const char *from, const char *to)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++)
        if (rename(apr_pstrcat(pool, from, parts[i], NULL),
                   apr_pstrcat(pool, to, parts[i], NULL)) != 0)
            fixture_die("rename");
}

static void gone(void)
{
    move(path, aside);
}

static void back(void)
{
    move(aside, path);
}

static const struct fault_t {
    const char *name;
    void (*comes)(void);
    void (*goes)(void);
    const char *says;
} faults[] = {
    {"disk full", disk_full, disk_freed, "its disk is full"},
    {"no more pages", pages_used_up, by_itself, "make room"},
    {"read-only", read_only, by_itself, "must be writable"},
    {"locked by another program", locked, unlocked, "another program holds it"},
    {"file gone", gone, back, "no such file"},
};

/* ---- the test ---- */

static base_result_t ask(const portal_issue_t *question, portal_issued_t *out)
{
    memset(out, 0xee, sizeof *out); /* so that zeroing is seen */
    return issuer->issue(issuer->baton, question, out, pool);
}

static int is_zero(const portal_issued_t *out)
{
    static const portal_issued_t zero;
    return memcmp(out, &zero, sizeof zero) == 0;
}

/** Asks, with a new key each time, until it fails: a limit may leave some room. Prints nothing: the
 *  output may be a file too. */
static base_result_t ask_until_down(portal_issued_t *out)
{
    portal_issue_t question;
    base_result_t result = base_ok();
    for (int i = 0; i < 200 && result.code == BASE_OK; i++) {
        fixture_question(&question, "down@ims.example.org");
        result = ask(&question, out);
        revealed += result.code == BASE_OK;
    }
    return result;
}

static void test_fault(const struct fault_t *fault)
{
    portal_issue_t question;
    portal_issued_t issued;
    int tries = 0;
    base_result_t result;
    fflush(stdout);
    fault->comes();
    result = ask_until_down(&issued);
    fault->goes();
    fixture_is_down(result, fault->says, fault->name);
    printf("# %s\n", result.detail);
    ok(is_zero(&issued), "  nothing is revealed");
    fixture_question(&question, "down@ims.example.org");
    while (++tries <= 2 && (result = ask(&question, &issued)).code != BASE_OK)
        printf("# %s\n", result.detail);
    is_int(result.code, BASE_OK, "  and when it is over, certificates again, without a restart");
    revealed += result.code == BASE_OK;
    is_int(fixture_count(path, "SELECT count(*) FROM certificate"), revealed,
           "  what was revealed is in the ledger, and no more");
}

int main(void)
{
    portal_issued_t issued;
    portal_issue_t question;
    keeper_audit_report_t report;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    ca = fixture_ca(pool, dir, 800);
    path = fixture_prepared(pool, dir, "ledger.db");
    aside = fixture_file(pool, dir, "aside.db");
    if (keeper_sqlite_open_with(&ledger, path, 200, 0, pool).code != BASE_OK ||
        signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        fixture_die("open");
    keeper_issuer_parts_t parts = {ca,   ledger, base_clock_system(), base_random_system(),
                                   NULL, NULL};
    issuer = keeper_issuer_make(pool, &parts);
    fixture_question(&question, "down@ims.example.org");
    is_int(ask(&question, &issued).code, BASE_OK, "a certificate to begin with");
    revealed = 1;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        test_fault(&faults[i]);
    is_int(keeper_audit_verify(ledger, NULL, 0, &report, pool).code, BASE_OK,
           "the audit trail is whole");
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
