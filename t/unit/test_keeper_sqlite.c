/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite ledger's file: made, checked, lost and found again. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "keeper/keeper_sqlite_private.h"
#include "keeper_fixture.h"

#define NOW apr_time_from_sec(1893456000) /* 2030-01-01T00:00:00Z */

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

/* ---- prepare ---- */

static void test_prepare_makes_and_keeps(void)
{
    struct stat st;
    const char *path = file_named("made.db");
    mode_t old = umask(0);
    is_int(keeper_sqlite_prepare(path, pool).code, BASE_OK, "a missing file is made");
    umask(old);
    ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "with mode 0600 whatever the umask");
    is_int(fixture_count(path, "PRAGMA application_id"), KEEPER_SQLITE_APPLICATION_ID,
           "application_id");
    is_int(fixture_count(path, "SELECT schema_version FROM meta"), KEEPER_LEDGER_SCHEMA, "version");
    is_str(fixture_text(pool, path, "PRAGMA journal_mode"), "wal", "WAL stays with the file");
    is_int(fixture_count(path, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND"
                               " strict AND name IN ('meta', 'subscriber', 'issuer', 'certificate',"
                               " 'audit', 'refusal_count', 'chain_head', 'signed_head',"
                               " 'ue_identity', 'revocation', 'blocked_key')"),
           11, "eleven strict tables");
    is_int(fixture_count(path, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND"
                               " type = 'table' AND name NOT LIKE 'sqlite_%'"),
           11, "and no others");
    fixture_exec(path, "INSERT INTO subscriber VALUES (7, 'x', "
                       "'0123456789abcdef0123456789abcdef', 1)");
    is_int(keeper_sqlite_prepare(path, pool).code, BASE_OK, "preparing again is no failure");
    is_int(fixture_count(path, "SELECT count(*) FROM subscriber"), 1, "and keeps what is there");
    ok(stat(apr_pstrcat(pool, path, "-wal", NULL), &st) != 0, "nothing stays open behind it");
}

static void test_prepare_in_spite_of_umask(void)
{
    struct stat st;
    const char *path = file_named("umask.db");
    mode_t old = umask(0777);
    base_result_t result = keeper_sqlite_prepare(path, pool);
    umask(old);
    is_int(result.code, BASE_OK, "a umask that takes everything does not matter");
    ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "the owner can read and write");
}

static void test_prepare_takes_an_empty_file(void)
{
    const char *path = file_named("empty.db");
    FILE *file = fopen(path, "w");
    if (!file || fclose(file) != 0)
        fixture_die("fopen");
    is_int(keeper_sqlite_prepare(path, pool).code, BASE_OK,
           "an empty file (killed between making and filling) is filled");
    is_int(fixture_count(path, "SELECT schema_version FROM meta"), KEEPER_LEDGER_SCHEMA,
           "with the schema");
}

static void test_prepare_refuses(void)
{
    static const struct {
        const char *name, *sql, *says;
    } rows[] = {
        {"newer.db", "UPDATE meta SET schema_version = 3", "newer than version 2"},
        {"older.db", "UPDATE meta SET schema_version = 1", "by: gba-pkictl ledger upgrade /"},
        {"no-row.db", "DELETE FROM meta", "damaged"},
        {"no-meta.db", "DROP TABLE meta", "damaged"},
        {"other-id.db", "PRAGMA application_id=252006674", "not a ledger of this program"},
        {"no-id.db", "PRAGMA application_id=0", "not a ledger of this program"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        keeper_ledger_t *ledger = NULL;
        const char *path = prepared(rows[i].name);
        if (!fixture_exec(path, rows[i].sql))
            fixture_die(rows[i].sql);
        fixture_is_down(keeper_sqlite_prepare(path, pool), rows[i].says,
                        apr_pstrcat(pool, "prepare: ", rows[i].sql, NULL));
        fixture_is_down(keeper_sqlite_open(&ledger, path, pool), rows[i].says,
                        apr_pstrcat(pool, "open: ", rows[i].sql, NULL));
        ok(!ledger, "no handle");
    }
}

static void test_prepare_leaves_a_foreign_database_alone(void)
{
    const char *path = file_named("foreign.db");
    fixture_exec(path, "CREATE TABLE bookmarks (url TEXT)");
    fixture_is_down(keeper_sqlite_prepare(path, pool), "not a ledger of this program",
                    "foreign database");
    is_str(fixture_text(pool, path, "PRAGMA journal_mode"), "delete", "its journal mode stays");
    is_int(fixture_count(path, "SELECT count(*) FROM sqlite_schema"), 1, "its schema stays");
}

static void test_prepare_refuses_garbage(void)
{
    const char *path = file_named("garbage.db");
    FILE *file = fopen(path, "w");
    for (int i = 0; file && i < 500; i++)
        fputs("no database at all ", file);
    if (!file || fclose(file) != 0)
        fixture_die("fopen");
    fixture_is_down(keeper_sqlite_prepare(path, pool), "not an SQLite database", "a file of text");
}

static void test_prepare_refuses_other_places(void)
{
    keeper_ledger_t *ledger = NULL;
    fixture_is_down(keeper_sqlite_prepare(dir, pool), "not a regular file", "a directory");
    fixture_is_down(keeper_sqlite_prepare(file_named("none/ledger.db"), pool),
                    "directory must exist", "a missing directory");
    fixture_is_down(keeper_sqlite_open(&ledger, file_named("none.db"), pool), "no such file",
                    "open does not make a file");
    ok(access(file_named("none.db"), F_OK) != 0, "nothing was made");
}

static void test_open_wants_write_ahead_logging(void)
{
    keeper_ledger_t *ledger = NULL;
    const char *path = prepared("rollback.db");
    if (!fixture_exec(path, "PRAGMA journal_mode=DELETE"))
        fixture_die("journal_mode");
    fixture_is_down(keeper_sqlite_open(&ledger, path, pool), "not durable",
                    "a file whose journal mode somebody changed is not opened");
    prepared("rollback.db");
    is_int(keeper_sqlite_open(&ledger, path, pool).code, BASE_OK, "until it is prepared again");
}

/** The permission bits bind everybody but root: as root, look as another user. */
static int exit_as_nobody(const char *path, int prepare)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        keeper_ledger_t *ledger = NULL;
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        base_result_t result =
            prepare ? keeper_sqlite_prepare(path, pool) : keeper_sqlite_open(&ledger, path, pool);
        _exit(result.code == BASE_STORE_DOWN ? 1 : 0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)
               ? WEXITSTATUS(status)
               : -1;
}

static void test_no_permission(void)
{
    const char *open_dir = file_named("open"), *locked = file_named("locked");
    mode_t old = umask(0);
    if (chmod(dir, 0755) != 0 || mkdir(open_dir, 0777) != 0 || mkdir(locked, 0555) != 0)
        fixture_die("mkdir");
    umask(old);
    const char *path = prepared("open/readonly.db");
    if (chmod(path, 0444) != 0)
        fixture_die("chmod");
    is_int(exit_as_nobody(path, 0), 1, "a file that may only be read is not opened");
    is_int(exit_as_nobody(path, 1), 1, "nor prepared");
    is_int(exit_as_nobody(file_named("locked/l.db"), 1), 1, "a directory that may not be written");
}

/** A relative path means what it meant at the start, and SQLite's special names mean a file. */
static void test_names_of_files(void)
{
    static const char *const names[] = {":memory:", "file:named.db?mode=memory"};
    char before[4096];
    portal_issue_t question;
    fixture_question(&question, "named@ims.example.org");
    for (size_t i = 0; i < 2; i++) {
        keeper_ledger_t *ledger = NULL;
        if (!getcwd(before, sizeof before) || chdir(dir) != 0)
            fixture_die("chdir");
        is_int(keeper_sqlite_prepare(names[i], pool).code, BASE_OK, names[i]);
        is_int(keeper_sqlite_open(&ledger, names[i], pool).code, BASE_OK, "opened");
        if (chdir(before) != 0)
            fixture_die("chdir");
        is_int(ledger ? (int)decide(ledger, &question).code : -1, BASE_OK, "written");
        is_int(fixture_count(file_named(names[i]), "SELECT count(*) FROM decision"), 1,
               "to a file of that name");
    }
}

/* ---- in use ---- */

static void test_file_lost_and_found(void)
{
    portal_issue_t question;
    fixture_question(&question, "lost@ims.example.org");
    const char *path = prepared("lost.db");
    keeper_ledger_t *ledger = opened(path);
    is_int(decide(ledger, &question).code, BASE_OK, "recorded");
    if (rename(path, file_named("moved.db")) != 0)
        fixture_die("rename");
    fixture_is_down(decide(ledger, &question), "removed or replaced", "the file moved away: down");
    fixture_is_down(decide(ledger, &question), "no such file", "and stays down");
    ok(access(path, F_OK) != 0, "nothing takes its place by itself");
    remove(apr_pstrcat(pool, path, "-wal", NULL));
    remove(apr_pstrcat(pool, path, "-shm", NULL));
    prepared("lost.db");
    is_int(decide(ledger, &question).code, BASE_OK, "back without a restart once it is prepared");
    is_int(fixture_count(path, "SELECT count(*) FROM decision"), 1, "in the new file");
}

typedef struct loss_t {
    fixture_row_t adding;
    const char *lost;
} loss_t;

static base_result_t lose_work(void *baton, apr_pool_t *p)
{
    loss_t *loss = baton;
    base_result_t result = fixture_row_work(&loss->adding, p);
    if (remove(loss->lost) != 0)
        fixture_die("remove");
    return result;
}

static void test_file_lost_in_a_transaction(void)
{
    static const char *const lost[] = {"", "-wal"};
    for (size_t i = 0; i < 2; i++) {
        const char *path = prepared(i ? "half-wal.db" : "half.db");
        keeper_ledger_t *ledger = opened(path);
        loss_t loss = {
            {ledger, {.event = "refused", .btid = "b@x", .profile = "p", .reason = "NO_USS"}},
            apr_pstrcat(pool, path, lost[i], NULL)};
        fixture_is_down(
            fixture_run(ledger, lose_work, &loss, pool), "removed or replaced",
            apr_psprintf(pool, "what went into a removed file%s is not committed", lost[i]));
    }
}

static void test_replaced_file(void)
{
    portal_issue_t question;
    fixture_question(&question, "replaced@ims.example.org");
    const char *path = prepared("replaced.db");
    keeper_ledger_t *ledger = opened(path);
    prepared("other.db");
    if (rename(file_named("other.db"), path) != 0)
        fixture_die("rename");
    fixture_is_down(decide(ledger, &question), "removed or replaced",
                    "another file under the name: down");
    remove(apr_pstrcat(pool, path, "-wal", NULL));
    is_int(decide(ledger, &question).code, BASE_OK, "then the other file is the ledger");
    is_int(fixture_count(path, "SELECT count(*) FROM decision"), 1, "and holds the record");
}

typedef struct naming_t {
    keeper_ledger_t *ledger;
    keeper_claim_t claim;
    char name[PKI_PSEUDONYM_LEN + 1];
} naming_t;

static base_result_t name_work(void *baton, apr_pool_t *p)
{
    naming_t *naming = baton;
    return naming->ledger->name(naming->ledger->baton, &naming->claim,
                                "0123456789abcdef0123456789abcdef", naming->name, p);
}

/** The connection that reads sees the file that is there, not the one that was. */
static void test_reader_follows(void)
{
    keeper_holding_t held;
    const char *path = prepared("reader.db");
    naming_t naming = {.ledger = opened(path), .claim = {.subscriber = "reader@ims.example.org"}};
    keeper_ledger_t *ledger = naming.ledger;
    is_int(fixture_run(ledger, name_work, &naming, pool).code, BASE_OK, "a name is written");
    ok(ledger->peek(ledger->baton, &naming.claim, &held, pool).code == BASE_OK && held.pseudonym[0],
       "and read");
    prepared("reader2.db");
    if (rename(file_named("reader2.db"), path) != 0)
        fixture_die("rename");
    remove(apr_pstrcat(pool, path, "-wal", NULL));
    ok(ledger->peek(ledger->baton, &naming.claim, &held, pool).code == BASE_OK &&
           !held.pseudonym[0],
       "another file under the name: it is read");
    remove(path);
    fixture_is_down(ledger->peek(ledger->baton, &naming.claim, &held, pool), "no such file",
                    "none: down");
    ok(!held.pseudonym[0], "and nothing of it is told");
}

static void test_locked_by_another(void)
{
    portal_issue_t question;
    sqlite3 *other = NULL;
    keeper_ledger_t *ledger = NULL;
    fixture_question(&question, "busy@ims.example.org");
    const char *path = prepared("busy.db");
    is_int(keeper_sqlite_open_with(&ledger, path, 200, 0, pool).code, BASE_OK, "open");
    if (sqlite3_open(path, &other) != SQLITE_OK ||
        sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        fixture_die("lock");
    apr_time_t start = apr_time_now();
    fixture_is_down(decide(ledger, &question), "locked", "locked by another connection: down");
    apr_time_t waited = apr_time_now() - start;
    ok(waited > apr_time_from_msec(150) && waited < apr_time_from_sec(5), "after the busy timeout");
    sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
    is_int(decide(ledger, &question).code, BASE_OK, "and back when the lock is gone");
    sqlite3_close(other);
}

/** A limit on the size of files stands for a full disk. Prints nothing while it is in force. */
static void test_no_room(void)
{
    struct rlimit before, small;
    portal_issue_t question;
    base_result_t result = base_ok();
    int recorded = 0;
    const char *path = prepared("full.db");
    keeper_ledger_t *ledger = opened(path);
    fixture_question(&question, "full@ims.example.org");
    fflush(stdout);
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || getrlimit(RLIMIT_FSIZE, &before) != 0)
        fixture_die("getrlimit");
    small = before;
    small.rlim_cur = 40000;
    setrlimit(RLIMIT_FSIZE, &small);
    while (result.code == BASE_OK && recorded < 100) {
        result = decide(ledger, &question);
        recorded += result.code == BASE_OK;
    }
    setrlimit(RLIMIT_FSIZE, &before);
    fixture_is_down(result, "SQLite result", "no room: down");
    ok(recorded > 0, "after some were recorded");
    printf("# %s\n", result.detail);
    is_int(decide(ledger, &question).code, BASE_OK, "and back when there is room");
    is_int(fixture_count(path, "SELECT count(*) FROM decision"), recorded + 1,
           "what was said to be recorded is, and nothing else");
}

/** SQLite's own limit stands for a full disk too: what it says is what it says of a full disk. */
static void test_no_pages(void)
{
    portal_issue_t question;
    base_result_t result = base_ok();
    int recorded = 0;
    const char *path = prepared("pages.db");
    keeper_ledger_t *ledger = opened(path);
    fixture_question(&question, "pages@ims.example.org");
    is_int(decide(ledger, &question).code, BASE_OK, "a row while there is room");
    if (sqlite3_exec(keeper_sqlite_out(ledger)->db, "PRAGMA max_page_count=1", NULL, NULL, NULL) !=
        SQLITE_OK) /* 1: as many as there are */
        fixture_die("max_page_count");
    while (result.code == BASE_OK && recorded < 500) {
        result = decide(ledger, &question);
        recorded += result.code == BASE_OK;
    }
    fixture_is_down(result, "full", "no more pages: down, and told why");
    is_int(fixture_count(path, "SELECT count(*) FROM audit"), recorded + 1,
           "what was said to be recorded is, and nothing else");
    is_int(decide(ledger, &question).code, BASE_OK, "back with the next connection");
    is_int(fixture_count(path, "SELECT count(DISTINCT writer) FROM audit"), 2,
           "which writes a chain of its own");
}

/** Another program that took the file for itself: neither readers nor writers get in. */
static void test_taken_by_another(void)
{
    portal_issue_t question;
    sqlite3 *other = NULL;
    keeper_ledger_t *ledger = NULL;
    keeper_holding_t held;
    const char *path = prepared("taken.db");
    fixture_question(&question, "taken@ims.example.org");
    keeper_claim_t claim = {.subscriber = question.subscriber};
    if (sqlite3_open(path, &other) != SQLITE_OK ||
        sqlite3_exec(other, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL) !=
            SQLITE_OK)
        fixture_die("exclusive lock");
    fixture_is_down(keeper_sqlite_open_with(&ledger, path, 100, 0, pool), "locked",
                    "a file that another program has to itself is not opened");
    sqlite3_close(other);
    is_int(keeper_sqlite_open_with(&ledger, path, 100, 0, pool).code, BASE_OK, "until it goes");
    is_int(ledger->peek(ledger->baton, &claim, &held, pool).code, BASE_OK, "then it is read");
    is_int(decide(ledger, &question).code, BASE_OK, "and written");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    test_prepare_makes_and_keeps();
    test_prepare_in_spite_of_umask();
    test_prepare_takes_an_empty_file();
    test_prepare_refuses();
    test_prepare_leaves_a_foreign_database_alone();
    test_prepare_refuses_garbage();
    test_prepare_refuses_other_places();
    test_open_wants_write_ahead_logging();
    test_no_permission();
    test_names_of_files();
    test_file_lost_and_found();
    test_file_lost_in_a_transaction();
    test_replaced_file();
    test_reader_follows();
    test_locked_by_another();
    test_no_room();
    test_no_pages();
    test_taken_by_another();
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
