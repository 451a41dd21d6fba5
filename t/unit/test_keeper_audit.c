/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail: hashes, chains, signed ends; and what becomes of a file that somebody changed.
 */
#include "keeper/keeper_issuer.h"
#include "keeper/keeper_sqlite_private.h"
#include "keeper_fixture.h"

#define NOW apr_time_from_sec(1893456000) /* 2030-01-01T00:00:00Z */

static apr_pool_t *pool;
static const char *dir;
static pki_ca_t *ca, *other_ca;

/* ---- hashes ---- */

#define PROFILE_HASH "PROFILEPROFILEPROFILEPROFILEHASH"

static keeper_audit_row_t some_row(void)
{
    keeper_audit_row_t row = {
        .id = 7,
        .writer = "00112233445566778899aabbccddeeff",
        .at = 1893456000,
        .event = "issued",
        .identity = "a@ims.example.org",
        .btid = "b@bsf.example.org",
        .profile = "subscriber",
        .reason = "NONE",
        .spki_sha256 = {(const unsigned char *)"01234567890123456789012345678901", 32},
        .key_usage = 1,
        .serial = "11111111111111111111111111111111",
        .alarm = 0};
    return row;
}

/** What the encoding says, made by hand: label with its NUL, hash before, fields; of the second
 *  version with the profile's hash. */
static void expected_hash(unsigned char out[KEEPER_HASH_LEN], int version)
{
    static const char whole[] = "mod_gba_pki audit row v1\0"
                                "BEFOREBEFOREBEFOREBEFOREBEFORE!!"
                                "\0\0\0\0\0\0\0\x07"
                                "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x20"
                                "00112233445566778899aabbccddeeff"
                                "\0\0\0\0\x70\xdb\xd8\x80"
                                "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x06"
                                "issued"
                                "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x11"
                                "a@ims.example.org"
                                "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x11"
                                "b@bsf.example.org"
                                "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x0a"
                                "subscriber"
                                "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x04"
                                "NONE"
                                "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x20"
                                "01234567890123456789012345678901"
                                "\0\0\0\0\0\0\0\x01"
                                "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x20"
                                "11111111111111111111111111111111"
                                "\0\0\0\0\0\0\0\0"
                                "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x20" PROFILE_HASH;
    char octets[sizeof whole];
    memcpy(octets, whole, sizeof whole);
    octets[strlen(whole) - 1] = (char)('0' + version);
    EVP_Digest(octets, sizeof whole - 1 - (version == 1 ? 48 : 0), out, NULL, EVP_sha256(), NULL);
}

static void test_hash(void)
{
    unsigned char want[KEEPER_HASH_LEN], got[KEEPER_HASH_LEN], changed[KEEPER_HASH_LEN];
    const unsigned char *before = (const unsigned char *)"BEFOREBEFOREBEFOREBEFOREBEFORE!!";
    keeper_audit_row_t row = some_row();
    expected_hash(want, 1);
    ok(keeper_audit_hash(got, before, &row), "a row has a hash");
    is_mem(got, want, KEEPER_HASH_LEN, "of label, hash before and fields");
    row.profile_sha256 = (base_span_t){(const unsigned char *)PROFILE_HASH, KEEPER_HASH_LEN};
    expected_hash(want, 2);
    ok(keeper_audit_hash(changed, before, &row), "a row that names its profile by hash has one");
    is_mem(changed, want, KEEPER_HASH_LEN, "of another label, and of that hash too");
#define ROW(what, change)                                                                          \
    row = some_row();                                                                              \
    change;                                                                                        \
    ok(keeper_audit_hash(changed, before, &row) && memcmp(changed, got, KEEPER_HASH_LEN) != 0,     \
       "another one with another " what)
    ROW("id", row.id = 8);
    ROW("writer", row.writer = "10112233445566778899aabbccddeeff");
    ROW("time", row.at++);
    ROW("event", row.event = "stored");
    ROW("identity", row.identity = "a@ims.example.orh");
    ROW("missing identity", row.identity = NULL);
    ROW("empty identity", row.identity = "");
    ROW("B-TID", row.btid = "c@bsf.example.org");
    ROW("border of fields", (row.btid = "b@bsf.example.orgs", row.profile = "ubscriber"));
    ROW("profile", row.profile = "other");
    ROW("reason", row.reason = "NO_USS");
    ROW("key", row.spki_sha256.len = 31);
    ROW("missing key", row.spki_sha256.data = NULL);
    ROW("usage", row.key_usage = 2);
    ROW("serial", row.serial = "11111111111111111111111111111112");
    ROW("alarm", row.alarm = 1);
    ROW("hash before", before = (const unsigned char *)"EEFOREBEFOREBEFOREBEFOREBEFORE!!");
#undef ROW
}

static void test_head_text(void)
{
    keeper_head_t head = {.last_id = 42, .at = 1893456000};
    memset(head.writer, 'a', KEEPER_WRITER_LEN);
    memset(head.hash, 0xab, KEEPER_HASH_LEN);
    is_str(keeper_audit_head_text(&head, pool),
           "mod_gba_pki ledger head v1\n"
           "writer aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
           "last 42\n"
           "hash abababababababababababababababababababababababababababababababab\n"
           "time 1893456000\n",
           "the text that is signed");
    ok(keeper_audit_head_text(&head, pool)[0] != 0x30, "which no DER can equal");
    ok(!keeper_audit_head_verify(&head, ca, pool), "a head without a signature");
}

/* ---- chains in a file ---- */

/** A ledger with six rows by two writers, all heads signed after the fourth. */
static const char *chained(const char *name, keeper_ledger_t **ledger)
{
    const char *path = fixture_prepared(pool, dir, name);
    keeper_ledger_t *one = fixture_opened(pool, path), *two = fixture_opened(pool, path);
    portal_issue_t question;
    int count = 0;
    fixture_question(&question, "chain@ims.example.org");
    for (int i = 0; i < 6; i++) {
        if (fixture_decide(i % 3 == 1 ? two : one, &question, NOW, pool).code != BASE_OK)
            fixture_die("decide");
        if (i == 3 &&
            (keeper_audit_sign_heads(one, ca, NOW, &count, pool).code != BASE_OK || count != 2))
            fixture_die("sign");
    }
    *ledger = one;
    return path;
}

static void test_signing(void)
{
    keeper_ledger_t *ledger;
    keeper_audit_report_t report;
    const pki_ca_t *cas[] = {other_ca, ca};
    int count = -1;
    const char *path = chained("signing.db", &ledger);
    is_int(fixture_count(path, "SELECT count(*) FROM signed_head"), 2, "an end of each chain");
    is_int(keeper_audit_verify(ledger, cas, 2, &report, pool).code, BASE_OK, "all is well");
    ok(report.rows == 6 && report.chains == 2 && report.signed_heads == 2, "and looked at");
    is_int(keeper_audit_sign_heads(ledger, ca, NOW + 1, &count, pool).code, BASE_OK, "again");
    is_int(count, 2, "for chains that have grown");
    is_int(keeper_audit_sign_heads(ledger, ca, NOW + 2, &count, pool).code, BASE_OK, "and again");
    is_int(count, 0, "but not for those that have not");
    is_int(keeper_audit_verify(ledger, &cas[1], 1, &report, pool).code, BASE_OK, "all is well");
    fixture_is_down(keeper_audit_verify(ledger, cas, 1, &report, pool), "none of the CAs",
                    "but not for another CA");
    is_int(keeper_audit_sign_heads(ledger, other_ca, NOW + 3, &count, pool).code, BASE_OK,
           "with a new CA");
    portal_issue_t question;
    fixture_question(&question, "new@ims.example.org");
    fixture_decide(ledger, &question, NOW, pool);
    is_int(keeper_audit_sign_heads(ledger, other_ca, NOW + 4, &count, pool).code, BASE_OK,
           "and another row");
    is_int(count, 1, "the chain is followed from its start and signed");
    is_int(keeper_audit_verify(ledger, cas, 2, &report, pool).code, BASE_OK, "by either");
}

#define OPEN_UP                                                                                    \
    "DROP TRIGGER audit_fixed; DROP TRIGGER audit_kept; DROP TRIGGER audit_in_turn;"               \
    "DROP TRIGGER signed_head_fixed; DROP TRIGGER signed_head_kept;"

/** What somebody who can write the file may do; each is seen. */
static void test_tampering(void)
{
    static const struct {
        const char *sql, *says;
    } rows[] = {
        {"UPDATE audit SET identity = 'x@x' WHERE id = 2", "row 2 "},
        {"UPDATE audit SET at = at + 1 WHERE id = 6", "row 6 "},
        {"UPDATE audit SET alarm = 1 WHERE id = 1", "row 1 "},
        {"UPDATE audit SET profile_sha256 = zeroblob(32) WHERE id = 2", "row 2 "},
        {"UPDATE audit SET hash = zeroblob(32) WHERE id = 3", "row 3 "},
        {"DELETE FROM audit WHERE id = 1", "row 1 is missing"},
        {"DELETE FROM audit WHERE id = 6", "row 6 is missing"},
        {"DELETE FROM audit WHERE id > 3", "is missing: a chain should end there"},
        {"DELETE FROM audit WHERE id = 4; UPDATE audit SET id = id - 1 WHERE id > 4", "row 4 "},
        {"UPDATE audit SET writer = '00000000000000000000000000000000' WHERE id = 5", "row 5 "},
        {"UPDATE chain_head SET last_id = last_id - 1 WHERE last_id = 6", "row 6 is not the one"},
        {"UPDATE chain_head SET hash = zeroblob(32) WHERE last_id = 6", "row 6 is not the one"},
        {"DELETE FROM chain_head WHERE last_id = 6", "chain without an end"},
        {"UPDATE signed_head SET at = at + 1", "none of the CAs"},
        {"UPDATE signed_head SET hash = zeroblob(32)", "none of the CAs"},
        {"UPDATE signed_head SET last_id = 1 WHERE last_id = 4", "none of the CAs"},
        {"DELETE FROM audit WHERE id > 3; UPDATE chain_head SET last_id = 3, hash = (SELECT hash"
         " FROM audit WHERE id = 3) WHERE last_id = 6; DELETE FROM chain_head WHERE last_id = 5;"
         " INSERT INTO chain_head SELECT writer, 2, hash FROM audit WHERE id = 2",
         "row 4 is missing: it was signed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        keeper_ledger_t *ledger;
        keeper_audit_report_t report;
        const pki_ca_t *cas[] = {ca};
        const char *path = chained(apr_psprintf(pool, "tampered%d.db", (int)i), &ledger);
        if (!fixture_exec(path, apr_pstrcat(pool, OPEN_UP, rows[i].sql, NULL)))
            fixture_die(rows[i].sql);
        fixture_is_down(keeper_audit_verify(ledger, cas, 1, &report, pool), rows[i].says,
                        rows[i].sql);
    }
}

/** The key signs nothing that was changed since it signed last. */
static void test_no_signature_for_what_is_broken(void)
{
    keeper_ledger_t *ledger;
    int count = -1;
    const char *path = chained("unsigned.db", &ledger);
    fixture_exec(path, OPEN_UP "UPDATE audit SET identity = 'x@x' WHERE id = 6");
    fixture_is_down(keeper_audit_sign_heads(ledger, ca, NOW, &count, pool), "row 6 ",
                    "a changed row is named");
    is_int(count, 1, "the other chain is signed");
    is_int(fixture_count(path, "SELECT count(*) FROM signed_head"), 3, "and this one is not");
    path = chained("cut.db", &ledger);
    fixture_exec(path, OPEN_UP "DELETE FROM audit WHERE id = 6");
    fixture_is_down(keeper_audit_sign_heads(ledger, ca, NOW, &count, pool), "should end with row 6",
                    "a row that is missing at the end");
    /* A forged signature does not spare the look at what stands before it. */
    path = chained("forged.db", &ledger);
    fixture_exec(path, OPEN_UP "UPDATE audit SET identity = 'x@x' WHERE id = 1;"
                               "UPDATE signed_head SET signature = zeroblob(70)");
    fixture_is_down(keeper_audit_sign_heads(ledger, ca, NOW, &count, pool), "row 1 ",
                    "a row from before a forged signature");
}

/** The writer goes on from what it committed, whatever the file says since. */
static void test_writer_remembers(void)
{
    keeper_ledger_t *ledger;
    keeper_audit_report_t report;
    portal_issue_t question;
    const char *path = chained("remembers.db", &ledger);
    fixture_question(&question, "r@ims.example.org");
    fixture_exec(path, "UPDATE chain_head SET hash = zeroblob(32)");
    is_int(fixture_decide(ledger, &question, NOW, pool).code, BASE_OK, "a row");
    fixture_exec(path, "DELETE FROM chain_head WHERE hash = zeroblob(32)");
    fixture_is_down(keeper_audit_verify(ledger, NULL, 0, &report, pool), "chain without an end",
                    "only the other writer's chain is broken");
    is_int(fixture_count(path, "SELECT last_id FROM chain_head"), 7, "this one's end is right");
}

static pki_ca_t *ca_in(const char *name)
{
    const char *folder = fixture_file(pool, dir, name);
    if (mkdir(folder, 0700) != 0)
        fixture_die("mkdir");
    return fixture_ca(pool, folder, 30);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    ca = ca_in("ca");
    other_ca = ca_in("other");
    test_hash();
    test_head_text();
    test_signing();
    test_tampering();
    test_no_signature_for_what_is_broken();
    test_writer_remembers();
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
