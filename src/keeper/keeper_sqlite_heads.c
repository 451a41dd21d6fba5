/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail as it stands in the file, read piece by piece, so that a long look at it keeps
 * neither a writer nor the write-ahead log from going on. */
#include <string.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include "keeper/keeper_sqlite_private.h"

#define ROWS_AT_ONCE 2000

static const char rows_sql[] =
    "SELECT id, writer, at, event, identity, btid, profile, reason, spki_sha256, key_usage, serial,"
    " alarm, hash, profile_sha256 FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2";
static const char writers_rows_sql[] =
    "SELECT id, writer, at, event, identity, btid, profile, reason, spki_sha256, key_usage, serial,"
    " alarm, hash, profile_sha256 FROM audit WHERE id > ?1 AND writer = ?3 ORDER BY id LIMIT ?2";
static const char ends_sql[] = "SELECT writer, last_id, hash FROM chain_head ORDER BY writer";
static const char signed_sql[] =
    "SELECT writer, last_id, hash, at, signature FROM signed_head ORDER BY id";

static base_result_t not_read(sqlite3 *db, const char *path, apr_pool_t *pool)
{
    return keeper_sqlite_down(db, "GBA0579", path, "the audit trail cannot be read", pool);
}

static const char *text_of(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

static base_span_t octets_of(sqlite3_stmt *statement, int column)
{
    base_span_t octets = {sqlite3_column_blob(statement, column), 0};
    int len = sqlite3_column_bytes(statement, column);
    if (octets.data && len > 0)
        octets.len = (apr_size_t)len;
    return octets;
}

static int take_hash(unsigned char hash[KEEPER_HASH_LEN], sqlite3_stmt *statement, int column)
{
    base_span_t octets = octets_of(statement, column);
    if (octets.len != KEEPER_HASH_LEN)
        return 0;
    memcpy(hash, octets.data, KEEPER_HASH_LEN);
    return 1;
}

/** Whatever stands in the columns, the hash tells whether it is what was written. */
static int take_row(keeper_audit_row_t *row, sqlite3_stmt *statement)
{
    row->id = sqlite3_column_int64(statement, 0);
    row->writer = text_of(statement, 1);
    row->at = sqlite3_column_int64(statement, 2);
    row->event = text_of(statement, 3);
    row->identity = text_of(statement, 4);
    row->btid = text_of(statement, 5);
    row->profile = text_of(statement, 6);
    row->reason = text_of(statement, 7);
    row->spki_sha256 = octets_of(statement, 8);
    row->key_usage = sqlite3_column_int64(statement, 9);
    row->serial = text_of(statement, 10);
    row->alarm = sqlite3_column_int64(statement, 11);
    row->profile_sha256 = octets_of(statement, 13);
    return row->writer && take_hash(row->hash, statement, 12);
}

/** Some rows; *after becomes the last one's id. SQLITE_ROW: there may be more; SQLITE_DONE: there
 *  are none, or no more are wanted; or an error. */
static int visit_some(sqlite3_stmt *statement, apr_int64_t *after, keeper_row_visit_t visit,
                      void *visitor)
{
    keeper_audit_row_t row;
    int rc = sqlite3_bind_int64(statement, 1, *after);
    int seen = 0, more = 1;
    while (rc == SQLITE_OK || (rc == SQLITE_ROW && more)) {
        rc = sqlite3_step(statement);
        if (rc != SQLITE_ROW)
            break;
        if (!take_row(&row, statement))
            rc = SQLITE_CORRUPT;
        else
            more = visit(visitor, &row);
        *after = row.id;
        seen++;
    }
    sqlite3_reset(statement);
    if (rc == SQLITE_DONE && seen == ROWS_AT_ONCE)
        return SQLITE_ROW;
    return rc == SQLITE_ROW ? SQLITE_DONE : rc;
}

static int visit_all(sqlite3 *db, const char *writer, apr_int64_t after, keeper_row_visit_t visit,
                     void *visitor)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, writer ? writers_rows_sql : rows_sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int(statement, 2, ROWS_AT_ONCE);
    if (rc == SQLITE_OK && writer)
        rc = sqlite3_bind_text(statement, 3, writer, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        do
            rc = visit_some(statement, &after, visit, visitor);
        while (rc == SQLITE_ROW);
    sqlite3_finalize(statement);
    return rc;
}

base_result_t keeper_sqlite_rows(const keeper_sqlite_conn_t *model, const char *writer,
                                 apr_int64_t after, keeper_row_visit_t visit, void *visitor,
                                 apr_pool_t *pool)
{
    sqlite3 *db = NULL;
    base_result_t result = keeper_sqlite_connect_reading(&db, model->path, model->busy_ms, pool);
    if (result.code != BASE_OK)
        return result;
    if (visit_all(db, writer, after, visit, visitor) != SQLITE_DONE)
        result = not_read(db, model->path, pool);
    sqlite3_close_v2(db);
    return result;
}

static int take_head(keeper_head_t *head, sqlite3_stmt *statement, int is_signed)
{
    const char *writer = text_of(statement, 0);
    base_span_t signature = {NULL, 0};
    if (!writer || strlen(writer) != KEEPER_WRITER_LEN || !take_hash(head->hash, statement, 2))
        return 0;
    memcpy(head->writer, writer, sizeof head->writer);
    head->last_id = sqlite3_column_int64(statement, 1);
    if (!is_signed)
        return 1;
    head->at = sqlite3_column_int64(statement, 3);
    signature = octets_of(statement, 4);
    if (signature.len == 0 || signature.len > sizeof head->signature)
        return 0;
    memcpy(head->signature, signature.data, signature.len);
    head->signature_len = signature.len;
    return 1;
}

static int list_heads(sqlite3 *db, apr_array_header_t *list, int is_signed)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, is_signed ? signed_sql : ends_sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    while (rc == SQLITE_ROW) {
        keeper_head_t *head = apr_array_push(list);
        memset(head, 0, sizeof *head);
        rc = take_head(head, statement, is_signed) ? sqlite3_step(statement) : SQLITE_CORRUPT;
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE;
}

/** In one transaction: what is signed is not ahead of where the chains end. */
static int list_both(sqlite3 *db, apr_array_header_t *ends, apr_array_header_t *signed_ends)
{
    return sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
           (!ends || list_heads(db, ends, 0)) && (!signed_ends || list_heads(db, signed_ends, 1));
}

base_result_t keeper_sqlite_heads(const keeper_sqlite_conn_t *model, apr_array_header_t **ends,
                                  apr_array_header_t **signed_ends, apr_pool_t *pool)
{
    sqlite3 *db = NULL;
    if (ends)
        *ends = apr_array_make(pool, 16, sizeof(keeper_head_t));
    if (signed_ends)
        *signed_ends = apr_array_make(pool, 16, sizeof(keeper_head_t));
    base_result_t result = keeper_sqlite_connect_reading(&db, model->path, model->busy_ms, pool);
    if (result.code != BASE_OK)
        return result;
    if (!list_both(db, ends ? *ends : NULL, signed_ends ? *signed_ends : NULL))
        result = not_read(db, model->path, pool);
    sqlite3_close_v2(db);
    return result;
}
