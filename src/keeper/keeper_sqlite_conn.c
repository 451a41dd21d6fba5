/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to the ledger's file: opened, checked, still in place, closed. */
#include <apr_strings.h>
#include "keeper/keeper_sqlite_private.h"

static int file_id(keeper_sqlite_file_t *id, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return 0;
    id->device = st.st_dev;
    id->inode = st.st_ino;
    return 1;
}

static int file_is(const keeper_sqlite_file_t *id, const char *path)
{
    keeper_sqlite_file_t now;
    return file_id(&now, path) && now.device == id->device && now.inode == id->inode;
}

int keeper_sqlite_in_place(const keeper_sqlite_conn_t *conn)
{
    return file_is(&conn->file, conn->path) && file_is(&conn->wal, conn->wal_path);
}

void keeper_sqlite_close_conn(keeper_sqlite_conn_t *conn)
{
    for (int i = 0; i < KEEPER_DO; i++) {
        sqlite3_finalize(conn->statements[i]);
        conn->statements[i] = NULL;
    }
    sqlite3_close_v2(conn->db);
    conn->db = NULL;
    conn->doubt = 0;
}

base_result_t keeper_sqlite_failed(keeper_sqlite_conn_t *conn, const char *tag, const char *what,
                                   apr_pool_t *pool)
{
    if (!conn->db || (sqlite3_errcode(conn->db) & 0xff) != SQLITE_CONSTRAINT)
        conn->doubt = 1;
    return keeper_sqlite_down(conn->db, tag, conn->path, what, pool);
}

base_result_t keeper_sqlite_doubt(keeper_sqlite_conn_t *conn, const char *tag, const char *what,
                                  apr_pool_t *pool)
{
    conn->doubt = 1;
    return base_fail(BASE_STORE_DOWN, tag, apr_psprintf(pool, "ledger %s: %s", conn->path, what));
}

void keeper_sqlite_end(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

int keeper_sqlite_run(keeper_sqlite_conn_t *conn, keeper_sqlite_do_t which)
{
    int done = sqlite3_step(conn->statements[which]) == SQLITE_DONE;
    keeper_sqlite_end(conn->statements[which]);
    return done;
}

/** What a connection must be before it is trusted; read back, not assumed. The write-ahead log goes
 *  into the database after 16 MiB instead of 4: keys are spread over the indexes, and pages that
 *  change often are then written seldom. */
static int is_durable(sqlite3 *db)
{
    sqlite3_int64 synchronous = 0, foreign_keys = 0;
    const char *set =
        "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=4000";
    return sqlite3_exec(db, set, NULL, NULL, NULL) == SQLITE_OK &&
           keeper_sqlite_int(db, "PRAGMA synchronous", &synchronous) == SQLITE_ROW &&
           synchronous == 2 &&
           keeper_sqlite_int(db, "PRAGMA foreign_keys", &foreign_keys) == SQLITE_ROW &&
           foreign_keys == 1 && keeper_sqlite_text_is(db, "PRAGMA journal_mode", "wal");
}

static int prepare_statements(keeper_sqlite_conn_t *conn)
{
    for (int i = 0; i < KEEPER_DO; i++)
        if (sqlite3_prepare_v3(conn->db, keeper_sqlite_statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &conn->statements[i], NULL) != SQLITE_OK)
            return 0;
    return 1;
}

static base_result_t set_up(keeper_sqlite_conn_t *conn, apr_pool_t *pool)
{
    base_result_t result = keeper_sqlite_check(conn->db, conn->path, NULL, pool);
    if (result.code != BASE_OK)
        return result;
    if (!is_durable(conn->db))
        return keeper_sqlite_failed(conn, "GBA0560",
                                    "it is not durable (write-ahead log, synchronous=FULL)", pool);
    if (!prepare_statements(conn) || (conn->reads && sqlite3_exec(conn->db, "PRAGMA query_only=ON",
                                                                  NULL, NULL, NULL) != SQLITE_OK))
        return keeper_sqlite_failed(conn, "GBA0561", "its statements cannot be prepared", pool);
    /* The file that was there before SQLite opened it and after is the one that it opened. The
     * check above has read from it, so the write-ahead log is open too. */
    if (!file_id(&conn->wal, conn->wal_path) || !keeper_sqlite_in_place(conn))
        return keeper_sqlite_doubt(conn, "GBA0562", "the file was replaced while it was opened",
                                   pool);
    return base_ok();
}

base_result_t keeper_sqlite_open_conn(keeper_sqlite_conn_t *conn, apr_pool_t *pool)
{
    if (!file_id(&conn->file, conn->path))
        return base_fail(BASE_STORE_DOWN, "GBA0563",
                         apr_psprintf(pool,
                                      "ledger %s: there is no such file; restore or prepare it",
                                      conn->path));
    base_result_t result = keeper_sqlite_connect(&conn->db, conn->path, conn->busy_ms, pool);
    if (result.code == BASE_OK)
        result = set_up(conn, pool);
    if (result.code != BASE_OK)
        keeper_sqlite_close_conn(conn);
    return result;
}
