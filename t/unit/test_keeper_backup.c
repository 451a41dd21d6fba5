/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a ledger in use: whole, checked, private, or not there at all. */
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include "keeper/keeper_upkeep.h"
#include "keeper/keeper_verify.h"
#include "keeper_records_fixture.h"

static base_result_t backup(const char *path, const char *copy, keeper_backup_t *did)
{
    return keeper_ledger_backup(did, path, copy, pool);
}

static void count_finding(void *baton, const keeper_finding_t *finding)
{
    *(int *)baton += 1;
    printf("# %s %s: %s\n", finding->what, finding->which, finding->text);
}

static int findings(const char *path, keeper_verify_report_t *report)
{
    int count = 0;
    const pki_ca_t *cas[] = {ca};
    keeper_records_t *records = NULL;
    keeper_verify_t how = {.cas = cas, .ca_count = 1, .found = count_finding, .baton = &count};
    return keeper_records_open(&records, path, pool).code == BASE_OK &&
                   keeper_verify(records, &how, report, pool).code == BASE_OK
               ? count
               : -1;
}

/** A folder of the test's own, in which what is left behind is seen. */
static const char *folder(const char *name)
{
    const char *path = fixture_file(pool, dir, name);
    if (mkdir(path, 0700) != 0)
        fixture_die("mkdir");
    return path;
}

static int entries(const char *path)
{
    int count = 0;
    DIR *open = opendir(path);
    while (open && readdir(open))
        count++;
    if (open)
        closedir(open);
    return count - 2;
}

static void test_copy(void)
{
    keeper_backup_t did;
    keeper_verify_report_t report;
    struct stat st;
    const char *path = rf_ledger("plain.db"), *at = folder("plain");
    const char *copy = fixture_file(pool, at, "copy.db");
    mode_t old = umask(0);
    is_int(backup(path, copy, &did).code, BASE_OK, "a copy is made");
    umask(old);
    ok(stat(copy, &st) == 0 && (st.st_mode & 07777) == 0600, "for its owner alone");
    ok(did.certificates == RF_CERTIFICATES && did.rows == RF_ROWS && did.version == 2 &&
           did.octets == st.st_size && !did.copy_failed,
       "and described");
    is_int(entries(at), 1, "nothing else is left");
    is_int(findings(copy, &report), 0, "the copy verifies");
    is_int(report.audit.signed_heads, RF_WRITERS, "signed ends and all");
    is_int(keeper_sqlite_prepare(copy, pool).code, BASE_OK, "a keeper starts with it");
}

static atomic_int go_on, written;

static void *keep_writing(void *path)
{
    apr_pool_t *own;
    portal_issue_t question;
    apr_pool_create(&own, NULL);
    keeper_ledger_t *ledger = fixture_opened(own, path);
    fixture_question(&question, "writer@ims.example.org");
    while (atomic_load(&go_on))
        if (fixture_decide(ledger, &question, apr_time_now(), own).code == BASE_OK)
            atomic_fetch_add(&written, 1);
    apr_pool_destroy(own);
    return NULL;
}

static void test_in_use(void)
{
    pthread_t writer;
    const char *path = rf_ledger("used.db");
    atomic_store(&go_on, 1);
    if (pthread_create(&writer, NULL, keep_writing, (void *)(intptr_t)path) != 0)
        fixture_die("pthread_create");
    for (int i = 0; i < 5; i++) {
        keeper_backup_t did;
        keeper_ledger_t *ledger = NULL;
        keeper_audit_report_t report;
        const char *copy = fixture_file(pool, dir, apr_psprintf(pool, "used%d.db", i));
        int before = atomic_load(&written);
        while (atomic_load(&written) < before + 20)
            usleep(1000);
        before = atomic_load(&written);
        base_result_t result = backup(path, copy, &did);
        is_int(result.code, BASE_OK, "a copy while a keeper writes");
        if (result.code != BASE_OK)
            printf("# %s\n", result.detail);
        ok(did.rows >= RF_ROWS + before && did.rows <= RF_ROWS + atomic_load(&written) + 1,
           "  of one moment of it");
        ledger = fixture_opened(pool, copy);
        const pki_ca_t *cas[] = {ca};
        is_int(keeper_audit_verify(ledger, cas, 1, &report, pool).code, BASE_OK,
               "  whose chains are whole");
    }
    atomic_store(&go_on, 0);
    pthread_join(writer, NULL);
}

/* ---- what keepers commit between two steps of a copy ---- */

/** Who writes then; NULL: nobody. */
static keeper_ledger_t *between;
static int steps, wrote_between;

static void write_between(void)
{
    portal_issue_t question;
    fixture_question(&question, "between@ims.example.org");
    if (fixture_decide(between, &question, apr_time_now(), pool).code != BASE_OK)
        fixture_die("decide");
    wrote_between++;
}

/** Stands before SQLite's own. It writes no more than a few times: a copy that begins anew for each
 *  has to end too. */
int sqlite3_backup_step(sqlite3_backup *backup, int pages)
{
    int (*real)(sqlite3_backup *, int);
    *(void **)&real = dlsym(RTLD_NEXT, "sqlite3_backup_step");
    if (!real)
        fixture_die("sqlite3_backup_step");
    int rc = real(backup, pages);
    steps++;
    if (rc == SQLITE_OK && between && wrote_between < 4)
        write_between();
    return rc;
}

static void test_of_one_moment(void)
{
    keeper_backup_t did;
    apr_pool_t *handle;
    const char *path = rf_ledger("large.db"), *copy = fixture_file(pool, dir, "large-copy.db");
    if (!fixture_exec(path, "INSERT INTO issuer VALUES (99, zeroblob(32), zeroblob(10000000))"))
        fixture_die("a large ledger");
    apr_pool_create(&handle, pool);
    between = fixture_opened(handle, path);
    steps = wrote_between = 0;
    is_int(backup(path, copy, &did).code, BASE_OK, "a copy that takes several steps");
    between = NULL;
    ok(steps > 2 && wrote_between == steps - 1, "with a row written between each two (%d)", steps);
    is_int(did.rows, RF_ROWS, "is of the moment when it began");
    is_int(fixture_count(copy, "SELECT count(*) FROM audit"), RF_ROWS, "in the file too");
    is_int(fixture_count(path, "SELECT count(*) FROM audit"), RF_ROWS + wrote_between,
           "and nobody waited for it");
    apr_pool_destroy(handle);
}

static void test_name_taken(void)
{
    keeper_backup_t did;
    const char *path = rf_ledger("taken.db"), *at = folder("taken");
    const char *copy = fixture_file(pool, at, "copy.db");
    FILE *file = fopen(copy, "w");
    if (!file || fputs("mine", file) == EOF || fclose(file) != 0)
        fixture_die("fopen");
    fixture_is_down(backup(path, copy, &did), "File exists", "a name that is taken");
    ok(did.copy_failed, "it is the copy that fails");
    struct stat st;
    ok(stat(copy, &st) == 0 && st.st_size == 4 && entries(at) == 1, "and the file stays");
    fixture_is_down(backup(path, path, &did), "File exists", "the ledger's own name, too");
    fixture_is_down(backup(path, fixture_file(pool, at, "no/copy.db"), &did), "No such file",
                    "a folder that is not there");
    ok(did.copy_failed, "it is the copy, too");
}

static void test_bad_ledgers(void)
{
    keeper_backup_t did;
    const char *at = folder("bad"), *copy = fixture_file(pool, at, "copy.db");
    const char *path = rf_ledger("bad.db");
    fixture_is_down(backup(fixture_file(pool, dir, "none.db"), copy, &did), "cannot be",
                    "a ledger that is not there");
    ok(!did.copy_failed && access(fixture_file(pool, dir, "none.db"), F_OK) != 0,
       "is not made, and it is not the copy that fails");
    fixture_exec(path, "DROP TRIGGER audit_fixed; UPDATE audit SET reason = 'x' WHERE id = 3");
    fixture_is_down(backup(path, copy, &did), "audit", "one that does not verify");
    fixture_exec(path, "PRAGMA application_id=7");
    fixture_is_down(backup(path, copy, &did), "not a ledger", "no ledger");
    is_int(entries(at), 0, "nothing is left of any");
}

/** Before an upgrade one wants a copy. */
static void test_older(void)
{
    keeper_backup_t did;
    const char *path = rf_ledger("older.db"), *copy = fixture_file(pool, dir, "older-copy.db");
    fixture_exec(path, "UPDATE meta SET schema_version = 1");
    is_int(backup(path, copy, &did).code, BASE_OK, "a copy of an older one");
    ok(did.version == 1 && did.rows == RF_ROWS, "is of the older version");
}

int main(void)
{
    rf_start();
    test_copy();
    test_in_use();
    test_of_one_moment();
    test_name_taken();
    test_bad_ledgers();
    test_older();
    return rf_end();
}
