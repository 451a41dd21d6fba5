/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger that somebody changed past its writers: each change is found, and named. */
#include "keeper/keeper_operator.h"
#include "keeper/keeper_verify.h"
#include "keeper_records_fixture.h"

static pki_ca_t *other_ca;

/** What was found, in one text. */
typedef struct findings_t {
    const char *text;
} findings_t;

static void keep(void *baton, const keeper_finding_t *finding)
{
    findings_t *findings = baton;
    findings->text = rf_joined(findings->text, apr_pstrcat(pool, finding->what, " ", finding->which,
                                                           ": ", finding->text, ";", NULL));
}

/** The findings, "" if there are none; NULL if it could not be looked at. */
static const char *verify(const char *path, const pki_ca_t *const *cas, int count,
                          keeper_verify_report_t *report)
{
    findings_t findings = {NULL};
    keeper_verify_t how = {.cas = cas, .ca_count = count, .found = keep, .baton = &findings};
    keeper_records_t *records = NULL;
    base_result_t result = keeper_records_open(&records, path, pool);
    if (result.code == BASE_OK)
        result = keeper_verify(records, &how, report, pool);
    if (result.code != BASE_OK)
        return NULL;
    return findings.text ? findings.text : "";
}

static void test_whole(void)
{
    const pki_ca_t *cas[] = {other_ca, ca};
    keeper_verify_report_t report;
    const char *path = rf_ledger("whole.db");
    is_str(verify(path, cas, 2, &report), "", "nothing is found");
    ok(report.findings == 0 && report.certificates == RF_CERTIFICATES, "in any certificate");
    ok(report.audit.rows == RF_ROWS && report.audit.chains == RF_WRITERS &&
           report.audit.signed_heads == RF_WRITERS,
       "in rows, chains and signed ends");
    is_int(report.unsigned_rows, 1, "and what no signature covers is counted");
    is_str(verify(path, NULL, 0, &report), "", "without a CA too");
    const char *without = verify(path, cas, 1, &report);
    ok(without && strstr(without, "none of the CAs") && strstr(without, "CA that was not given"),
       "by another CA it is not");
}

static void test_operators_orders(void)
{
    const pki_ca_t *cas[] = {ca};
    keeper_verify_report_t report;
    keeper_revoked_t revoked;
    keeper_done_t done;
    unsigned char serial[PKI_SERIAL_LEN], key[KEEPER_HASH_LEN] = {7};
    const char *path = rf_ledger("orders.db");
    const char *hex = fixture_text(pool, path, "SELECT serial FROM certificate WHERE id = 3");
    keeper_order_t order = {fixture_opened(pool, path), "operator:o", KEEPER_KEY_COMPROMISE,
                            apr_time_now()};
    base_hex_decode(serial, sizeof serial, hex, strlen(hex));
    if (keeper_operator_revoke(&order, serial, &revoked, pool).code != BASE_OK ||
        keeper_operator_key(&order, key, 1, &done, pool).code != BASE_OK ||
        keeper_operator_key(&order, key, 0, &done, pool).code != BASE_OK)
        fixture_die("orders");
    is_str(verify(path, cas, 1, &report), "", "what an operator ordered verifies");
    is_int(report.audit.rows, RF_ROWS + 4, "in rows of its own");
    fixture_exec(path, "DELETE FROM blocked_key");
    const char *found = verify(path, cas, 1, &report);
    ok(found && strstr(found, "is so no more"), "a key that was let go past the trail");
    fixture_exec(path, "DROP TRIGGER revocation_kept; DELETE FROM revocation");
    found = verify(path, cas, 1, &report);
    ok(found && strstr(found, hex), "a revocation taken away");
}

#define OPEN_UP                                                                                    \
    "DROP TRIGGER audit_fixed; DROP TRIGGER audit_kept; DROP TRIGGER audit_in_turn;"               \
    "DROP TRIGGER signed_head_fixed; DROP TRIGGER signed_head_kept;"                               \
    "DROP TRIGGER certificate_fixed; DROP TRIGGER certificate_kept;"                               \
    "DROP TRIGGER certificate_state; DROP TRIGGER certificate_key; DROP INDEX certificate_claim;"

static const char *with_serial(const char *text, const char *serial)
{
    const char *at = strstr(text, "SERIAL");
    return at ? apr_pstrcat(pool, apr_pstrmemdup(pool, text, (apr_size_t)(at - text)), serial,
                            at + 6, NULL)
              : text;
}

/** With foreign keys off, as the sqlite3 program has them. SERIAL: that of certificate 3. */
static void test_tampering(void)
{
    static const struct {
        const char *sql, *finds, *says;
    } rows[] = {
        {"UPDATE audit SET reason = 'NO_USS' WHERE id = 7", "audit", "audit row 7 "},
        {"UPDATE audit SET alarm = 0 WHERE id = 6", "audit", "audit row 6 "},
        {"UPDATE audit SET profile_sha256 = NULL WHERE id = 7", "audit", "audit row 7 "},
        {"UPDATE audit SET profile_sha256 = zeroblob(32) WHERE id = 7", "audit", "audit row 7 "},
        {"DELETE FROM audit WHERE id = 4", "audit", "audit row 4 is missing"},
        {"DELETE FROM audit WHERE id = 9; DELETE FROM chain_head", "audit", "chain"},
        {"UPDATE signed_head SET signature = zeroblob(71) WHERE id = 1", "audit",
         "none of the CAs"},
        {"UPDATE signed_head SET at = at + 1 WHERE id = 2", "audit", "none of the CAs"},
        {"INSERT INTO signed_head SELECT 9, writer, last_id, hash, at, x'3006020101020101'"
         " FROM signed_head WHERE id = 1",
         "audit", "none of the CAs"},
        {"UPDATE certificate SET der = (SELECT der FROM certificate WHERE id = 4) WHERE id = 3",
         "certificate SERIAL", "another key"},
        {"UPDATE certificate SET der = x'00' WHERE id = 3", "certificate SERIAL", "cannot be read"},
        {"UPDATE certificate SET der = CAST(substr(der, 1, length(der) - 1) || x'00' AS BLOB) "
         "WHERE id"
         " = 3",
         "certificate SERIAL", ""},
        {"UPDATE certificate SET not_after = not_after + 1 WHERE id = 3", "certificate SERIAL",
         "something else"},
        {"UPDATE certificate SET key_usage = 2 WHERE id = 3", "certificate SERIAL",
         "something else"},
        {"UPDATE certificate SET subscriber_id = 1 WHERE id = 3", "certificate SERIAL",
         "something else"},
        {"UPDATE certificate SET profile = 'gold' WHERE id = 3", "certificate SERIAL",
         "no audit row"},
        {"UPDATE certificate SET profile_sha256 = zeroblob(32) WHERE id = 3", "certificate SERIAL",
         "no audit row"},
        {"UPDATE certificate SET btid = 'x@y.z' WHERE id = 3", "certificate SERIAL",
         "no audit row"},
        {"UPDATE certificate SET state = 'abandoned' WHERE id = 3", "certificate SERIAL",
         "was issued, says the audit trail"},
        {"UPDATE certificate SET state = 'revoked' WHERE id = 3", "certificate SERIAL",
         "no audit row speaks"},
        {"UPDATE certificate SET state = 'issued' WHERE state = 'superseded'", "certificate",
         "was superseded"},
        {"INSERT INTO revocation VALUES (3, 1, 'superseded')", "certificate SERIAL",
         "has a revocation, but is issued"},
        {"DELETE FROM certificate WHERE id = 3", "audit", "certificate SERIAL, which is not there"},
        {"DELETE FROM issuer", "file", "not there"},
        {"UPDATE subscriber SET identity = 'mallory@x.org' WHERE id = 2", "certificate SERIAL",
         "no audit row"},
        {"INSERT INTO blocked_key VALUES (zeroblob(32), 1, '')", "key", "no audit row says so"},
        {"DROP TRIGGER revocation_kept", "schema trigger revocation_kept", "missing"},
        {"CREATE TRIGGER extra AFTER INSERT ON audit BEGIN SELECT 1; END", "schema trigger extra",
         "not of this program's making"},
    };
    const pki_ca_t *cas[] = {ca};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        keeper_verify_report_t report;
        const char *path = rf_ledger(apr_psprintf(pool, "tampered%d.db", (int)i));
        const char *serial =
            fixture_text(pool, path, "SELECT serial FROM certificate WHERE id = 3");
        const char *finds = with_serial(rows[i].finds, serial);
        const char *says = with_serial(rows[i].says, serial);
        if (!fixture_exec(path, apr_pstrcat(pool, OPEN_UP, rows[i].sql, NULL)))
            fixture_die(rows[i].sql);
        const char *found = verify(path, cas, 1, &report);
        int pass = found && strstr(found, finds) && strstr(found, says);
        ok(pass, "%s", rows[i].sql);
        if (!pass)
            printf("# found: %s\n", found ? found : "(could not be looked at)");
    }
}

/** A page of zeros in the middle. */
static void test_damage(void)
{
    const pki_ca_t *cas[] = {ca};
    keeper_verify_report_t report;
    const char *path = rf_ledger("damaged.db");
    long long page = fixture_count(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'audit'");
    char zeros[4096] = {0};
    fixture_exec(path, "PRAGMA wal_checkpoint(TRUNCATE)");
    FILE *file = fopen(path, "r+b");
    if (!file || fseek(file, (long)(page - 1) * 4096, SEEK_SET) != 0 ||
        fwrite(zeros, sizeof zeros, 1, file) != 1 || fclose(file) != 0)
        fixture_die("damage");
    const char *found = verify(path, cas, 1, &report);
    ok(found && strstr(found, "file"), "a damaged file is a finding");
}

int main(void)
{
    rf_start();
    const char *folder = fixture_file(pool, dir, "other");
    if (mkdir(folder, 0700) != 0)
        fixture_die("mkdir");
    other_ca = fixture_ca(pool, folder, 30);
    test_whole();
    test_operators_orders();
    test_tampering();
    test_damage();
    return rf_end();
}
