/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of tables: so many rows after the last one that was seen, copied, and only then handed
 * over. What is not asked for does not stand in the statement: so SQLite sees which index serves.
 */
#include "keeper/keeper_records.h"

#include <errno.h>
#include <string.h>
#include <apr_strings.h>
#include "keeper/keeper_records_private.h"

#define ROWS_AT_ONCE 256

base_result_t keeper_records_down(const keeper_records_t *records, const char *tag,
                                  const char *what)
{
    return keeper_sqlite_down(records->db, tag, records->path,
                              apr_psprintf(records->pool, "%s cannot be read", what),
                              records->pool);
}

static base_result_t no_file(const keeper_records_t *records, const char *tag, const char *what)
{
    return base_fail(BASE_STORE_DOWN, tag,
                     apr_psprintf(records->pool, "ledger %s: %s", records->path, what));
}

base_result_t keeper_records_open(keeper_records_t **out, const char *path, apr_pool_t *pool)
{
    char words[128];
    keeper_records_t *records = apr_pcalloc(pool, sizeof *records);
    struct stat st;
    *out = NULL;
    records->pool = pool;
    records->path = keeper_sqlite_path(path, pool);
    if (!records->path)
        return base_fail(BASE_STORE_DOWN, "GBA1000", "ledger: its path cannot be made absolute");
    if (stat(records->path, &st) != 0)
        return no_file(records, "GBA1001", apr_strerror(errno, words, sizeof words));
    if (!S_ISREG(st.st_mode))
        return no_file(records, "GBA1009", "it is not a regular file");
    base_result_t result =
        keeper_sqlite_connect_reading(&records->db, records->path, KEEPER_SQLITE_BUSY_MS, pool);
    if (result.code != BASE_OK)
        return result;
    apr_pool_cleanup_register(pool, records->db, keeper_sqlite_close, apr_pool_cleanup_null);
    apr_pool_create(&records->page, pool);
    result = keeper_sqlite_check(records->db, records->path, NULL, pool);
    if (result.code == BASE_OK)
        *out = records;
    return result;
}

/* ---- columns ---- */

const char *keeper_records_text(sqlite3_stmt *statement, int column, apr_pool_t *pool)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? apr_pstrdup(pool, text) : NULL;
}

base_span_t keeper_records_octets(sqlite3_stmt *statement, int column, apr_pool_t *pool)
{
    const void *data = sqlite3_column_blob(statement, column);
    int len = sqlite3_column_bytes(statement, column);
    base_span_t octets = {NULL, 0};
    if (data && len > 0) {
        octets.len = (apr_size_t)len;
        octets.data = apr_pmemdup(pool, data, octets.len);
    }
    return octets;
}

/** A text that the table does not let be missing. */
static const char *text_at(sqlite3_stmt *statement, int column, apr_pool_t *pool)
{
    const char *text = keeper_records_text(statement, column, pool);
    return text ? text : "";
}

static void take_record(void *out, sqlite3_stmt *statement, apr_pool_t *pool)
{
    keeper_record_t *record = out;
    record->id = sqlite3_column_int64(statement, 0);
    record->serial = text_at(statement, 1, pool);
    record->state = text_at(statement, 2, pool);
    record->identity = text_at(statement, 3, pool);
    record->pseudonym = text_at(statement, 4, pool);
    record->profile = text_at(statement, 5, pool);
    record->btid = text_at(statement, 6, pool);
    record->key_usage = sqlite3_column_int64(statement, 7);
    record->not_before = sqlite3_column_int64(statement, 8);
    record->not_after = sqlite3_column_int64(statement, 9);
    record->issued_at = sqlite3_column_int64(statement, 10);
    record->spki_sha256 = keeper_records_octets(statement, 11, pool);
    record->profile_sha256 = keeper_records_octets(statement, 12, pool);
    record->issuer_sha256 = keeper_records_octets(statement, 13, pool);
    record->der = keeper_records_octets(statement, 14, pool);
    record->revoked_at = sqlite3_column_int64(statement, 15);
    record->revocation_reason = keeper_records_text(statement, 16, pool);
    record->blocked = sqlite3_column_int(statement, 17);
    record->issued_rows = sqlite3_column_int64(statement, 18);
    record->superseded_rows = sqlite3_column_int64(statement, 19);
    record->revoked_rows = sqlite3_column_int64(statement, 20);
}

static void take_trail_row(void *out, sqlite3_stmt *statement, apr_pool_t *pool)
{
    keeper_trail_row_t *trail = out;
    keeper_audit_row_t *row = &trail->row;
    base_span_t hash = keeper_records_octets(statement, 12, pool);
    row->id = sqlite3_column_int64(statement, 0);
    row->writer = text_at(statement, 1, pool);
    row->at = sqlite3_column_int64(statement, 2);
    row->event = text_at(statement, 3, pool);
    row->identity = keeper_records_text(statement, 4, pool);
    row->btid = text_at(statement, 5, pool);
    row->profile = text_at(statement, 6, pool);
    row->reason = text_at(statement, 7, pool);
    row->spki_sha256 = keeper_records_octets(statement, 8, pool);
    row->key_usage = sqlite3_column_int64(statement, 9);
    row->serial = keeper_records_text(statement, 10, pool);
    row->alarm = sqlite3_column_int64(statement, 11);
    if (hash.len == sizeof row->hash)
        memcpy(row->hash, hash.data, sizeof row->hash);
    trail->count = sqlite3_column_int64(statement, 13);
    trail->last_at = sqlite3_column_int64(statement, 14);
    row->profile_sha256 = keeper_records_octets(statement, 15, pool);
}

/* ---- statements ---- */

/** A subscriber's identities in the ledger: an operator may know him by another name. */
#define WHO                                                                                        \
    " IN (SELECT :who UNION SELECT identity FROM ue_identity WHERE ue_identity = :who"             \
    " UNION SELECT identity FROM subscriber WHERE pseudonym = :who)"

#define TRAIL_OF(event)                                                                            \
    " (SELECT count(*) FROM audit a WHERE a.identity = s.identity AND a.serial = c.serial"         \
    " AND a.event = '" event "')"

/** The row that was added with the certificate, in the same second. */
#define TRAIL_OF_ISSUE                                                                             \
    " (SELECT count(*) FROM audit a WHERE a.identity = s.identity AND a.at = c.issued_at"          \
    " AND a.serial = c.serial AND a.event = 'issued' AND a.spki_sha256 = c.spki_sha256"            \
    " AND a.key_usage = c.key_usage AND a.profile = c.profile AND a.btid = c.btid"                 \
    " AND a.profile_sha256 IS c.profile_sha256)"

/** The '+' takes an order away from the planner that would cost it the index of a filter. */
static const char *certificates_sql(const keeper_filter_t *filter, apr_pool_t *pool)
{
    const char *id = filter->subscriber || filter->serial ? "+c.id" : "c.id";
    return apr_pstrcat(
        pool,
        "SELECT c.id, c.serial, c.state, s.identity, s.pseudonym, c.profile, c.btid, c.key_usage,"
        " c.not_before, c.not_after, c.issued_at, c.spki_sha256, c.profile_sha256, i.sha256, c.der,"
        " r.at, r.reason, EXISTS"
        " (SELECT 1 FROM blocked_key b WHERE b.spki_sha256 = c.spki_sha256),",
        filter->with_trail ? TRAIL_OF_ISSUE "," TRAIL_OF("superseded") "," TRAIL_OF("revoked")
                           : " 0, 0, 0",
        " FROM certificate c JOIN subscriber s ON s.id = c.subscriber_id"
        " JOIN issuer i ON i.id = c.issuer_id LEFT JOIN revocation r ON r.certificate_id = c.id"
        " WHERE ",
        id, " > :after AND ", id, " <= :last", filter->subscriber ? " AND s.identity" WHO : "",
        filter->serial ? " AND c.serial = :serial" : "",
        filter->state ? " AND c.state = :state" : "",
        filter->profile ? " AND c.profile = :profile" : "",
        filter->has_from ? " AND c.issued_at >= :from" : "",
        filter->has_to ? " AND c.issued_at < :to" : "", " ORDER BY ", id, " LIMIT :rows", NULL);
}

static const char *audit_sql(const keeper_filter_t *filter, apr_pool_t *pool)
{
    static const char *const of_trail[] = {
        [KEEPER_TRAIL_ALL] = "",
        [KEEPER_TRAIL_DECISIONS] = " AND a.event IN ('issued', 'stored', 'refused')",
        [KEEPER_TRAIL_ALARMS] = " AND a.alarm = 1",
    };
    const char *id = filter->subscriber ? "+a.id" : "a.id";
    return apr_pstrcat(
        pool,
        "SELECT a.id, a.writer, a.at, a.event, a.identity, a.btid, a.profile, a.reason,"
        " a.spki_sha256, a.key_usage, a.serial, a.alarm, a.hash, ifnull(n.count, 1),"
        " ifnull(n.last_at, a.at), a.profile_sha256"
        " FROM audit a LEFT JOIN refusal_count n ON n.audit_id = a.id WHERE ",
        id, " > :after AND ", id, " <= :last", filter->subscriber ? " AND a.identity" WHO : "",
        filter->serial ? " AND a.serial = :serial" : "",
        filter->profile ? " AND a.profile = :profile" : "",
        filter->has_from ? " AND a.at >= :from" : "", filter->has_to ? " AND a.at < :to" : "",
        of_trail[filter->trail], " ORDER BY ", id, " LIMIT :rows", NULL);
}

/** Binds a parameter that the statement may do without. */
static int bind_text(sqlite3_stmt *statement, const char *name, const char *text)
{
    int at = sqlite3_bind_parameter_index(statement, name);
    return at ? sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC) : SQLITE_OK;
}

static int bind_number(sqlite3_stmt *statement, const char *name, apr_int64_t number)
{
    int at = sqlite3_bind_parameter_index(statement, name);
    return at ? sqlite3_bind_int64(statement, at, number) : SQLITE_OK;
}

static int bind_filter(sqlite3_stmt *statement, const keeper_filter_t *filter)
{
    int bad = bind_text(statement, ":who", filter->subscriber);
    bad |= bind_text(statement, ":state", filter->state);
    bad |= bind_text(statement, ":profile", filter->profile);
    bad |= bind_text(statement, ":serial", filter->serial);
    bad |= bind_number(statement, ":from", filter->from);
    bad |= bind_number(statement, ":to", filter->to);
    bad |= bind_number(statement, ":rows", ROWS_AT_ONCE);
    return bad;
}

/* ---- pieces ---- */

/** How a table is read. */
typedef struct reading_t {
    keeper_records_t *records;
    sqlite3_stmt *statement;
    apr_size_t row_size;
    void (*take)(void *out, sqlite3_stmt *statement, apr_pool_t *pool);
    int (*show)(struct reading_t *reading, const void *row);
    void *visit; /* where the visitor's function is kept */
    void *visitor;
} reading_t;

/** SQLITE_DONE or an error. */
static int read_piece(const reading_t *reading, apr_array_header_t *rows)
{
    int rc;
    while ((rc = sqlite3_step(reading->statement)) == SQLITE_ROW)
        reading->take(apr_array_push(rows), reading->statement, rows->pool);
    sqlite3_reset(reading->statement);
    return rc;
}

/** A row's id is its first member. Nonzero if there may be more to read and to show. */
static int next_piece(reading_t *reading, apr_int64_t *after, int *rc)
{
    apr_pool_t *page = reading->records->page;
    apr_pool_clear(page);
    apr_array_header_t *rows = apr_array_make(page, 16, (int)reading->row_size);
    *rc = bind_number(reading->statement, ":after", *after);
    if (*rc == SQLITE_OK)
        *rc = read_piece(reading, rows);
    if (*rc != SQLITE_DONE)
        return 0;
    for (int i = 0; i < rows->nelts; i++) {
        const char *row = rows->elts + (apr_size_t)i * reading->row_size;
        memcpy(after, row, sizeof *after);
        if (!reading->show(reading, row))
            return 0;
    }
    return rows->nelts == ROWS_AT_ONCE;
}

static base_result_t read_all(reading_t *reading, const char *sql, const char *last_sql,
                              const keeper_filter_t *filter)
{
    keeper_records_t *records = reading->records;
    sqlite3_int64 last = 0;
    apr_int64_t after = 0;
    base_result_t result = base_ok();
    int rc = keeper_sqlite_int(records->db, last_sql, &last);
    if (rc == SQLITE_ROW)
        rc = sqlite3_prepare_v2(records->db, sql, -1, &reading->statement, NULL);
    if (rc == SQLITE_OK)
        rc = bind_filter(reading->statement, filter) |
             bind_number(reading->statement, ":last", last);
    if (rc == SQLITE_OK)
        while (next_piece(reading, &after, &rc))
            ;
    if (rc != SQLITE_OK && rc != SQLITE_DONE)
        result = keeper_records_down(records, "GBA1002", "it");
    sqlite3_finalize(reading->statement);
    return result;
}

static int show_record(reading_t *reading, const void *row)
{
    return (*(keeper_record_visit_t *)reading->visit)(reading->visitor, row);
}

base_result_t keeper_records_certificates(keeper_records_t *records, const keeper_filter_t *filter,
                                          keeper_record_visit_t visit, void *visitor)
{
    reading_t reading = {.records = records,
                         .row_size = sizeof(keeper_record_t),
                         .take = take_record,
                         .show = show_record,
                         .visit = &visit,
                         .visitor = visitor};
    return read_all(&reading, certificates_sql(filter, records->pool),
                    "SELECT ifnull(max(id), 0) FROM certificate", filter);
}

static int show_trail_row(reading_t *reading, const void *row)
{
    return (*(keeper_trail_visit_t *)reading->visit)(reading->visitor, row);
}

base_result_t keeper_records_audit(keeper_records_t *records, const keeper_filter_t *filter,
                                   keeper_trail_visit_t visit, void *visitor)
{
    reading_t reading = {.records = records,
                         .row_size = sizeof(keeper_trail_row_t),
                         .take = take_trail_row,
                         .show = show_trail_row,
                         .visit = &visit,
                         .visitor = visitor};
    return read_all(&reading, audit_sql(filter, records->pool),
                    "SELECT ifnull(max(id), 0) FROM audit", filter);
}

/* ---- small ones ---- */

base_result_t keeper_records_ue_ids(keeper_records_t *records, const char *identity,
                                    apr_array_header_t **ue_ids, apr_pool_t *pool)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(
        records->db, "SELECT ue_identity FROM ue_identity WHERE identity = :who ORDER BY 1", -1,
        &statement, NULL);
    *ue_ids = apr_array_make(pool, 4, sizeof(const char *));
    if (rc == SQLITE_OK)
        rc = bind_text(statement, ":who", identity);
    if (rc == SQLITE_OK)
        while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
            APR_ARRAY_PUSH(*ue_ids, const char *) = text_at(statement, 0, pool);
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? base_ok() : keeper_records_down(records, "GBA1003", "UE identities");
}

/** The rest of the keys after *hash. SQLITE_ROW: there may be more. */
static int next_keys(sqlite3_stmt *statement, base_span_t *hash, keeper_records_t *records,
                     keeper_blocked_visit_t visit, void *visitor)
{
    keeper_blocked_t keys[ROWS_AT_ONCE];
    int count = 0, rc = sqlite3_bind_blob64(statement, 1, hash->data, hash->len, SQLITE_TRANSIENT);
    apr_pool_clear(records->page);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(statement);
        if (rc != SQLITE_ROW || count == ROWS_AT_ONCE)
            break;
        keys[count].spki_sha256 = keeper_records_octets(statement, 0, records->page);
        keys[count].at = sqlite3_column_int64(statement, 1);
        keys[count++].reason = text_at(statement, 2, records->page);
    }
    sqlite3_reset(statement);
    for (int i = 0; i < count; i++) {
        *hash = keys[i].spki_sha256;
        if (!visit(visitor, &keys[i]))
            return SQLITE_DONE;
    }
    return rc;
}

base_result_t keeper_records_blocked(keeper_records_t *records, keeper_blocked_visit_t visit,
                                     void *visitor)
{
    sqlite3_stmt *statement = NULL;
    base_span_t after = {(const unsigned char *)"", 0};
    int rc = sqlite3_prepare_v2(records->db,
                                "SELECT spki_sha256, at, reason FROM blocked_key"
                                " WHERE spki_sha256 > ?1 ORDER BY spki_sha256",
                                -1, &statement, NULL);
    if (rc == SQLITE_OK)
        do
            rc = next_keys(statement, &after, records, visit, visitor);
        while (rc == SQLITE_ROW);
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? base_ok() : keeper_records_down(records, "GBA1004", "blocked keys");
}
