/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger of version 1, as its program left it, made one of version 2: all of it, or nothing. */
#include <sys/wait.h>
#include "keeper/keeper_upkeep.h"
#include "keeper/keeper_verify.h"
#include "keeper_records_fixture.h"

#define V1_ROWS         9
#define V1_CERTIFICATES 4

static const char *source_dir(void)
{
    const char *top = getenv("GBA_SRCDIR");
    return apr_pstrcat(pool, top ? top : ".", "/t/vectors/ledger-v1", NULL);
}

static const char *v1_sql(void)
{
    static char sql[65536];
    FILE *file = fopen(fixture_file(pool, source_dir(), "ledger.sql"), "r");
    if (!file)
        fixture_die("ledger.sql");
    sql[fread(sql, 1, sizeof sql - 1, file)] = '\0';
    fclose(file);
    return sql;
}

static const char *v1(const char *name)
{
    const char *path = fixture_file(pool, dir, name);
    if (!fixture_exec(path, v1_sql()))
        fixture_die("a ledger of version 1");
    return path;
}

static base_result_t upgrade(const char *path, keeper_upgrade_t *did)
{
    return keeper_ledger_upgrade(did, path, pool);
}

static long long version(const char *path)
{
    return fixture_count(path, "SELECT schema_version FROM meta");
}

/** All that must not change, in one text. */
static const char *contents(const char *path)
{
    return fixture_text(
        pool, path,
        "SELECT (SELECT group_concat(id || serial || subscriber_id || issuer_id || profile ||"
        " key_usage || hex(spki_sha256) || not_before || not_after || issued_at || state || btid ||"
        " hex(der)) FROM certificate) || (SELECT group_concat(id || writer || at || event ||"
        " ifnull(identity, '-') || btid || profile || reason || ifnull(hex(spki_sha256), '-') ||"
        " key_usage || ifnull(serial, '-') || alarm || hex(hash)) FROM audit) ||"
        " (SELECT group_concat(id || identity || pseudonym || created) FROM subscriber) ||"
        " (SELECT group_concat(audit_id || count || last_at) FROM refusal_count) ||"
        " (SELECT group_concat(writer || last_id || hex(hash)) FROM chain_head) ||"
        " (SELECT group_concat(id || writer || last_id || hex(hash) || at || hex(signature))"
        " FROM signed_head) || (SELECT group_concat(id || hex(sha256) || hex(der)) FROM issuer)");
}

static void count_finding(void *baton, const keeper_finding_t *finding)
{
    *(int *)baton += 1;
    printf("# %s %s: %s\n", finding->what, finding->which, finding->text);
}

/** How much a verification by the CA that signed it finds; -1 if it cannot be done. */
static int findings(const char *path)
{
    int count = 0;
    pki_ca_t *by = NULL;
    keeper_records_t *records = NULL;
    keeper_verify_report_t report;
    if (pki_ca_load(&by, fixture_file(pool, source_dir(), "ca.pem"), NULL, NULL, NULL, pool).code !=
        BASE_OK)
        fixture_die("ca.pem");
    const pki_ca_t *cas[] = {by};
    keeper_verify_t how = {.cas = cas, .ca_count = 1, .found = count_finding, .baton = &count};
    return keeper_records_open(&records, path, pool).code == BASE_OK &&
                   keeper_verify(records, &how, &report, pool).code == BASE_OK &&
                   report.certificates == V1_CERTIFICATES && report.audit.rows == V1_ROWS
               ? count
               : -1;
}

/** Old rows and new ones in one trail. */
static void test_chains_go_on(const char *path)
{
    keeper_audit_report_t report;
    is_int(keeper_audit_verify(fixture_opened(pool, path), NULL, 0, &report, pool).code, BASE_OK,
           "rows of both versions verify");
    is_int(report.rows, V1_ROWS + 1, "each");
    fixture_exec(path, "DROP TRIGGER audit_fixed;"
                       "UPDATE audit SET profile_sha256 = zeroblob(32) WHERE id = 5");
    fixture_is_down(keeper_audit_verify(fixture_opened(pool, path), NULL, 0, &report, pool),
                    "row 5 ", "a hash that was given to an older row");
}

static void test_upgrade(void)
{
    keeper_upgrade_t did;
    portal_issue_t question;
    const char *path = v1("v1.db"), *before = contents(path);
    fixture_is_down(keeper_sqlite_prepare(path, pool), "gba-pkictl ledger upgrade /",
                    "a keeper does not start with it, and says what to do");
    is_int(version(path), 1, "which changes nothing");
    is_int(upgrade(path, &did).code, BASE_OK, "it is upgraded");
    ok(did.from == 1 && did.to == 2 && did.certificates == V1_CERTIFICATES && did.rows == V1_ROWS,
       "from 1 to 2, with all its rows");
    is_int(version(path), 2, "the file says so");
    is_str(contents(path), before, "not an octet in any row is another");
    is_int(findings(path), 0, "and it verifies: chains, signatures, certificates, schema");
    is_int(keeper_sqlite_prepare(path, pool).code, BASE_OK, "a keeper starts with it");
    fixture_question(&question, "new@ims.example.org");
    rf_ask(fixture_opened(pool, path), &question, BASE_OK);
    is_int(fixture_count(path, "SELECT count(*) FROM audit"), V1_ROWS + 1, "and writes it");
    is_int(fixture_count(path, "SELECT id FROM audit WHERE profile_sha256 IS NOT NULL"),
           V1_ROWS + 1, "with the profile's hash, which no older row has");
    test_chains_go_on(path);
}

static void test_again(void)
{
    keeper_upgrade_t did;
    const char *path = v1("again.db"), *before;
    upgrade(path, &did);
    before = contents(path);
    is_int(upgrade(path, &did).code, BASE_OK, "once more");
    ok(did.from == 2 && did.to == 2 && did.rows == V1_ROWS, "there is nothing to do");
    is_str(contents(path), before, "and nothing is done");
}

static void test_refused(void)
{
    static const struct {
        const char *sql, *says;
    } rows[] = {
        {"UPDATE meta SET schema_version = 3", "newer than version 2"},
        {"UPDATE meta SET schema_version = 0", "never was"},
        {"PRAGMA application_id=7", "not a ledger of this program"},
        {"DROP TABLE meta", "version cannot be read"},
        {"DROP TABLE chain_head", "chain_head is missing"},
        {"DROP TRIGGER certificate_kept", "certificate_kept is missing"},
        {"CREATE TABLE mine (id INTEGER)", "not of this program's making"},
        {"CREATE TABLE ue_identity (id INTEGER)", "cannot be converted, and stays"},
        {"PRAGMA foreign_keys=OFF; DELETE FROM issuer", "that are not there"},
        {"UPDATE refusal_count SET audit_id = 77", "that are not there"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        keeper_upgrade_t did;
        const char *path = v1(apr_psprintf(pool, "refused%d.db", (int)i));
        if (!fixture_exec(path, rows[i].sql))
            fixture_die(rows[i].sql);
        const char *before = contents(path);
        long long was = version(path);
        fixture_is_down(upgrade(path, &did), rows[i].says, rows[i].sql);
        ok(version(path) == was && fixture_count(path, "SELECT count(*) FROM sqlite_schema WHERE"
                                                       " name = 'revocation'") == 0,
           "  it stays as it was");
        is_int(before && contents(path) ? strcmp(before, contents(path)) : 0, 0, "  every row");
    }
}

static void test_not_there(void)
{
    keeper_upgrade_t did;
    const char *path = fixture_file(pool, dir, "none.db");
    fixture_is_down(upgrade(path, &did), "file and folder must be there", "a file that is missing");
    ok(access(path, F_OK) != 0, "is not made");
}

/** Whoever has it open, even to read, keeps it as it is. */
static void test_in_use(void)
{
    keeper_upgrade_t did;
    sqlite3 *db = NULL;
    const char *path = v1("used.db");
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, "SELECT count(*) FROM audit", NULL, NULL, NULL) != SQLITE_OK)
        fixture_die("open");
    fixture_is_down(upgrade(path, &did), "in use; stop httpd", "somebody has it open");
    is_int(version(path), 1, "it stays");
    sqlite3_close(db);
    is_int(upgrade(path, &did).code, BASE_OK, "once he has gone it is upgraded");
}

/* Not where valgrind watches; test_keeper_issuer_kill.c sees to it that make check has them. */
#ifdef GBA_FAULT_POINTS
/** Killed at any step: before the commit it is the old ledger, behind it the new one. */
static void test_killed(void)
{
    static const struct {
        const char *point;
        int version;
    } rows[] = {{"upgrade-before", 1}, {"upgrade-commit", 1}, {"upgrade-after", 2}};
    const char *fault = fixture_file(pool, dir, "fault");
    setenv("GBA_FAULT_FILE", fault, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        keeper_upgrade_t did;
        int status = 0;
        const char *path = v1(apr_psprintf(pool, "killed%d.db", (int)i)), *before = contents(path);
        FILE *file = fopen(fault, "w");
        if (!file || fputs(rows[i].point, file) == EOF || fclose(file) != 0)
            fixture_die("fault");
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            upgrade(path, &did);
            _exit(0);
        }
        waitpid(child, &status, 0);
        ok(WIFSIGNALED(status), "killed at %s", rows[i].point);
        is_int(version(path), rows[i].version, "  it is of the one version or the other");
        is_str(contents(path), before, "  and whole");
        is_int(upgrade(path, &did).code, BASE_OK, "  the next try ends well");
        is_int(findings(path), 0, "  and what it left verifies");
    }
}
#endif

int main(void)
{
    rf_start();
    test_upgrade();
    test_again();
    test_refused();
    test_not_there();
    test_in_use();
#ifdef GBA_FAULT_POINTS
    test_killed();
#endif
    return rf_end();
}
