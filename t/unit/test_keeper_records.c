/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger as an operator reads it: filters, what goes with a row, and pieces. */
#include "keeper/keeper_operator.h"
#include "keeper/keeper_records.h"
#include "keeper_records_fixture.h"

static const char *path;
static keeper_records_t *records;

/* ---- filters ---- */

/** Which rows were visited: of a certificate its place. */
typedef struct seen_t {
    int count;
    int most; /* how many are wanted; 0: all */
    apr_int64_t last;
    int in_order;
} seen_t;

static int see(seen_t *seen, apr_int64_t id)
{
    seen->in_order = seen->in_order && id > seen->last;
    seen->last = id;
    seen->count++;
    return seen->count != seen->most;
}

static int see_record(void *visitor, const keeper_record_t *record)
{
    return see(visitor, record->id);
}

static int see_trail(void *visitor, const keeper_trail_row_t *trail)
{
    return see(visitor, trail->row.id);
}

static int certificates(const keeper_filter_t *filter)
{
    seen_t seen = {.in_order = 1};
    base_result_t result = keeper_records_certificates(records, filter, see_record, &seen);
    return result.code == BASE_OK && seen.in_order ? seen.count : -1;
}

static int trail(const keeper_filter_t *filter)
{
    seen_t seen = {.in_order = 1};
    base_result_t result = keeper_records_audit(records, filter, see_trail, &seen);
    return result.code == BASE_OK && seen.in_order ? seen.count : -1;
}

static void test_filters(void)
{
    apr_int64_t now = apr_time_sec(apr_time_now());
    const char *pseudonym =
        fixture_text(pool, path, "SELECT pseudonym FROM subscriber WHERE identity = '" ALICE "'");
    const char *serial = fixture_text(pool, path, "SELECT serial FROM certificate WHERE id = 3");
    const struct {
        keeper_filter_t filter;
        int certificates, rows;
        const char *name;
    } rows[] = {
        {{.subscriber = NULL}, RF_CERTIFICATES, RF_ROWS, "everything"},
        {{.subscriber = ALICE}, 3, 5, "by identity (of the conflict, too)"},
        {{.subscriber = "sip:alice@example.org"}, 3, 5, "by a UE identity"},
        {{.subscriber = "tel:+4912345"}, 3, 5, "by the other"},
        {{.subscriber = pseudonym}, 3, 5, "by pseudonym"},
        {{.subscriber = "alice"}, 0, 0, "by no part of a name"},
        {{.subscriber = "' OR 1 OR '"}, 0, 0, "by no SQL"},
        {{.subscriber = ODD}, 1, 1, "a name of odd octets"},
        {{.state = "superseded"}, 1, RF_ROWS, "by state"},
        {{.state = "issued"}, 4, RF_ROWS, "by another"},
        {{.profile = "gold"}, 1, 3, "by profile"},
        {{.serial = serial}, 1, 1, "by serial"},
        {{.has_from = 1, .from = now - 60}, RF_CERTIFICATES, RF_ROWS, "from a minute ago"},
        {{.has_from = 1, .from = now + 60}, 0, 0, "from in a minute"},
        {{.has_to = 1, .to = now + 60}, RF_CERTIFICATES, RF_ROWS, "to in a minute"},
        {{.has_to = 1, .to = now - 60}, 0, 0, "to a minute ago"},
        {{.subscriber = ALICE, .state = "issued", .profile = "authentication"},
         1,
         3,
         "all together"},
        {{.trail = KEEPER_TRAIL_DECISIONS}, RF_CERTIFICATES, 7, "decisions"},
        {{.trail = KEEPER_TRAIL_ALARMS}, RF_CERTIFICATES, 2, "alarms"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        is_int(certificates(&rows[i].filter), rows[i].certificates,
               apr_pstrcat(pool, "certificates: ", rows[i].name, NULL));
        is_int(trail(&rows[i].filter), rows[i].rows,
               apr_pstrcat(pool, "audit rows: ", rows[i].name, NULL));
    }
}

/** An end of a range belongs to it, the other does not. */
static void test_range(void)
{
    apr_int64_t at = fixture_count(path, "SELECT issued_at FROM certificate WHERE id = 1");
    keeper_filter_t from = {.has_from = 1, .from = at}, to = {.has_to = 1, .to = at};
    ok(certificates(&from) == RF_CERTIFICATES, "from the very second: it is there");
    ok(certificates(&to) == 0, "to the very second: it is not");
}

/* ---- what goes with a row ---- */

static int take_superseded(void *visitor, const keeper_record_t *record)
{
    const char *sql = "SELECT profile || btid || not_before || not_after FROM certificate"
                      " WHERE state = 'superseded'";
    const char *got =
        apr_psprintf(pool, "%s%s%" APR_INT64_T_FMT "%" APR_INT64_T_FMT, record->profile,
                     record->btid, record->not_before, record->not_after);
    is_str(got, fixture_text(pool, path, sql), "the row's texts and times");
    is_str(record->identity, ALICE, "the subscriber");
    ok(record->der.len > 200 && record->spki_sha256.len == 32 && record->issuer_sha256.len == 32,
       "certificate and hashes");
    ok(record->issued_rows == 1 && record->superseded_rows == 1 && record->revoked_rows == 0,
       "what the audit trail says of it");
    ok(!record->revocation_reason && !record->blocked, "neither revoked nor blocked");
    *(int *)visitor += 1;
    return 1;
}

static int take_refusal(void *visitor, const keeper_trail_row_t *row)
{
    if (strcmp(row->row.reason, "NO_FLAG") == 0) {
        is_int(row->count, 2, "a refusal that came twice is one row, counted");
        is_str(row->row.identity, BOB, "whose");
        *(int *)visitor += 1;
    }
    return 1;
}

static void test_rows(void)
{
    keeper_filter_t superseded = {.state = "superseded", .with_trail = 1}, all = {.state = NULL};
    int count = 0;
    keeper_records_certificates(records, &superseded, take_superseded, &count);
    is_int(count, 1, "one");
    keeper_records_audit(records, &all, take_refusal, &count);
    is_int(count, 2, "and one");
}

static void test_ue_ids(void)
{
    apr_array_header_t *ids = NULL;
    is_int(keeper_records_ue_ids(records, ALICE, &ids, pool).code, BASE_OK, "UE identities");
    ok(ids->nelts == 2, "two");
    is_str(APR_ARRAY_IDX(ids, 0, const char *), "sip:alice@example.org", "in order");
    is_int(keeper_records_ue_ids(records, BOB, &ids, pool).code, BASE_OK, "of somebody without");
    ok(ids->nelts == 0, "none");
}

/* ---- pieces ---- */

/** Writes while it reads: what comes later is not shown, and nobody waits. */
static int write_meanwhile(void *visitor, const keeper_trail_row_t *trail)
{
    seen_t *seen = visitor;
    portal_issue_t question;
    if (seen->count == 0) {
        keeper_ledger_t *ledger = fixture_opened(pool, path);
        fixture_question(&question, "late@ims.example.org");
        rf_ask(ledger, &question, BASE_OK);
    }
    return see(visitor, trail->row.id);
}

static void test_many(void)
{
    keeper_filter_t all = {.state = NULL};
    seen_t some = {.in_order = 1, .most = 300}, seen = {.in_order = 1};
    portal_issue_t question;
    keeper_ledger_t *ledger = fixture_opened(pool, path);
    fixture_question(&question, "many@ims.example.org");
    for (int i = 0; i < 600; i++)
        if (fixture_decide(ledger, &question, apr_time_now(), pool).code != BASE_OK)
            fixture_die("decide");
    is_int(trail(&all), RF_ROWS + 600, "more rows than one piece holds");
    is_int(keeper_records_audit(records, &all, see_trail, &some).code, BASE_OK, "some of them");
    is_int(some.count, 300, "a visitor may stop");
    is_int(keeper_records_audit(records, &all, write_meanwhile, &seen).code, BASE_OK, "all");
    is_int(seen.count, RF_ROWS + 600, "up to the last that was there");
    is_int(trail(&all), RF_ROWS + 601, "which next time is another");
}

static int see_key(void *visitor, const keeper_blocked_t *key)
{
    seen_t *seen = visitor;
    apr_int64_t id = key->spki_sha256.data[30] << 8 | key->spki_sha256.data[31];
    return key->spki_sha256.len == 32 && strcmp(key->reason, "lost") == 0 && see(seen, id);
}

static void test_many_keys(void)
{
    seen_t seen = {.in_order = 1};
    fixture_exec(path, "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n"
                       " WHERE i < 700) INSERT INTO blocked_key SELECT"
                       " unhex(printf('%064x', i)), 7, 'lost' FROM n");
    if (fixture_count(path, "SELECT count(*) FROM blocked_key") != 700) /* before SQLite 3.41 */
        for (int i = 1; i <= 700; i++)
            fixture_exec(path, apr_psprintf(pool,
                                            "INSERT INTO blocked_key VALUES (x'%064x', 7,"
                                            " 'lost')",
                                            (unsigned)i));
    is_int(keeper_records_blocked(records, see_key, &seen).code, BASE_OK, "blocked keys");
    ok(seen.count == 700 && seen.in_order && seen.last == 700, "all of them, in order");
}

/* ---- the file ---- */

static void test_reading_alone(void)
{
    keeper_records_t *none = NULL;
    struct stat st;
    const char *older = fixture_prepared(pool, dir, "older.db");
    fixture_is_down(keeper_records_open(&none, fixture_file(pool, dir, "none.db"), pool),
                    "No such file", "a file that is not there");
    ok(!none && stat(fixture_file(pool, dir, "none.db"), &st) != 0, "is not made");
    fixture_is_down(keeper_records_open(&none, dir, pool), "not a regular file", "a folder");
    fixture_exec(older, "UPDATE meta SET schema_version = 1");
    fixture_is_down(keeper_records_open(&none, older, pool), "gba-pkictl ledger upgrade",
                    "an older one: how it is upgraded");
    fixture_exec(older, "UPDATE meta SET schema_version = 3");
    fixture_is_down(keeper_records_open(&none, older, pool), "newer", "a newer one");
}

int main(void)
{
    rf_start();
    path = rf_ledger("records.db");
    if (keeper_records_open(&records, path, pool).code != BASE_OK)
        fixture_die("keeper_records_open");
    test_filters();
    test_range();
    test_rows();
    test_ue_ids();
    test_many();
    test_many_keys();
    test_reading_alone();
    return rf_end();
}
