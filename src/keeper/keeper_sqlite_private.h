/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_sqlite_private.h
 * What the parts of the SQLite ledger share. Not for others, tests apart.
 *
 *   keeper_sqlite_tables.c  the schema, and every statement
 *   keeper_sqlite_schema.c  the file: made, checked
 *   keeper_sqlite_conn.c    a connection: opened, in place, closed
 *   keeper_sqlite_find.c    what is found
 *   keeper_sqlite_rows.c    what is added inside a transaction
 *   keeper_sqlite_heads.c   reading the audit trail
 *   keeper_sqlite_compare.c its schema held against a new one's
 *   keeper_sqlite_upgrade.c a file of an older version converted
 *   keeper_sqlite.c         the handle: a connection that writes, one that reads
 */
#ifndef keeper_sqlite_private_h
#define keeper_sqlite_private_h

#include <sqlite3.h>
#include <sys/stat.h>
#include "keeper/keeper_ledger.h"

#define KEEPER_SQLITE_APPLICATION_ID                                                               \
    0x4742414c                     /**< "GBAL" in the database header's bytes 68-71                \
                                    */
#define KEEPER_SQLITE_BUSY_MS 5000 /**< wait for another connection, or for other threads' jobs */

/* ---- tables ---- */

/** The schema of an empty database. */
extern const char keeper_sqlite_schema[];

/** Makes version 2 out of a database of version 1. For a connection without foreign keys, inside a
 *  transaction; what must fit together is checked behind it. */
extern const char keeper_sqlite_from_1[];

/** The statements that live as long as their connection. */
typedef enum keeper_sqlite_do_t {
    KEEPER_DO_BEGIN,
    KEEPER_DO_LOOK,
    KEEPER_DO_COMMIT,
    KEEPER_DO_ROLLBACK,
    KEEPER_DO_MARK,
    KEEPER_DO_KEEP,
    KEEPER_DO_UNDO,
    KEEPER_DO_GET_NAME,
    KEEPER_DO_ADD_NAME,
    KEEPER_DO_ADD_UE_ID,
    KEEPER_DO_GET_BLOCKED,
    KEEPER_DO_GET_OWNER,
    KEEPER_DO_GET_CERTIFICATE,
    KEEPER_DO_GET_COUNTS,
    KEEPER_DO_GET_ROOM,
    KEEPER_DO_ADD_ISSUER,
    KEEPER_DO_ADD_CERTIFICATE,
    KEEPER_DO_MOVE,
    KEEPER_DO_LAST_ROW,
    KEEPER_DO_ADD_ROW,
    KEEPER_DO_SET_HEAD,
    KEEPER_DO_GET_REFUSAL,
    KEEPER_DO_COUNT_REFUSAL,
    KEEPER_DO_ADD_HEAD,
    KEEPER_DO_TOUCH,
    KEEPER_DO /**< how many there are */
} keeper_sqlite_do_t;

/** Their texts. */
extern const char *const keeper_sqlite_statements[KEEPER_DO];

/* ---- the file ---- */

/** The path made absolute, so that neither a later chdir() nor SQLite's special names (":memory:",
 *  "file:...") change what it means; in @a pool; NULL if it cannot be made so. */
const char *keeper_sqlite_path(const char *path, apr_pool_t *pool);

/** BASE_STORE_DOWN: what could not be done with the ledger at @a path, and SQLite's own words
 *  (@a db may be NULL: out of memory). SQLite's messages name tables and columns, never values. */
base_result_t keeper_sqlite_down(sqlite3 *db, const char *tag, const char *path, const char *what,
                                 apr_pool_t *pool);

/** The first column of the first row of @a sql. SQLITE_ROW, SQLITE_DONE (no row), or an error. */
int keeper_sqlite_int(sqlite3 *db, const char *sql, sqlite3_int64 *value);

/** Nonzero if @a sql gives one text, and that is @a want. */
int keeper_sqlite_text_is(sqlite3 *db, const char *sql, const char *want);

/** Opens the file, which must exist, without following any special name. On failure *db is NULL. */
base_result_t keeper_sqlite_connect(sqlite3 **db, const char *path, int busy_ms, apr_pool_t *pool);

/** The same for reading alone: nothing can be written through it, nor is a file made. */
base_result_t keeper_sqlite_connect_reading(sqlite3 **db, const char *path, int busy_ms,
                                            apr_pool_t *pool);

/** A pool's cleanup that closes @a db, a sqlite3. */
apr_status_t keeper_sqlite_close(void *db);

/**
 * Whose database it is, and of which version.
 * @param empty set nonzero if it is a database without anything in it; NULL if that is a failure
 * @return BASE_OK or BASE_STORE_DOWN
 */
base_result_t keeper_sqlite_check(sqlite3 *db, const char *path, int *empty, apr_pool_t *pool);

/** Who hears of differences between a file's schema and a new one's. */
typedef struct keeper_sqlite_compare_t {
    /** @param name "trigger audit_fixed" @param text "is missing" and so on */
    void (*found)(void *baton, const char *name, const char *text);
    void *baton;
} keeper_sqlite_compare_t;

/** Compares. Nonzero if that could be done. */
int keeper_sqlite_compare(sqlite3 *db, const keeper_sqlite_compare_t *compare, apr_pool_t *pool);

/* ---- a connection ---- */

/** Which file something is, whatever its name says now. */
typedef struct keeper_sqlite_file_t {
    dev_t device;
    ino_t inode;
} keeper_sqlite_file_t;

/** A connection. After any failure but that of a constraint it is in doubt, and must be closed. */
typedef struct keeper_sqlite_conn_t {
    const char *path;
    const char *wal_path;
    int busy_ms;
    int reads;   /**< it may not write */
    sqlite3 *db; /**< NULL: not open */
    sqlite3_stmt *statements[KEEPER_DO];
    keeper_sqlite_file_t file; /**< of the open connection */
    keeper_sqlite_file_t wal;
    int doubt;
} keeper_sqlite_conn_t;

/** Nonzero while the names still lead to the files that the connection has open. What goes into a
 *  removed file, or into a removed write-ahead log, is lost. */
int keeper_sqlite_in_place(const keeper_sqlite_conn_t *conn);

/** Opens the connection and its statements. If it fails, it is closed. */
base_result_t keeper_sqlite_open_conn(keeper_sqlite_conn_t *conn, apr_pool_t *pool);

/** Closes it, which rolls back what is open; ends the doubt. */
void keeper_sqlite_close_conn(keeper_sqlite_conn_t *conn);

/** BASE_STORE_DOWN with SQLite's words; puts the connection in doubt, unless all that failed is a
 *  constraint: then the statement alone is undone and the transaction goes on. */
base_result_t keeper_sqlite_failed(keeper_sqlite_conn_t *conn, const char *tag, const char *what,
                                   apr_pool_t *pool);

/** The same with words of our own, and always in doubt. */
base_result_t keeper_sqlite_doubt(keeper_sqlite_conn_t *conn, const char *tag, const char *what,
                                  apr_pool_t *pool);

/** Runs a statement that gives no row; its bindings are dropped. Nonzero on success. */
int keeper_sqlite_run(keeper_sqlite_conn_t *conn, keeper_sqlite_do_t which);

/** Ends a statement that was stepped; its bindings are dropped. SQLite's message stays. */
void keeper_sqlite_end(sqlite3_stmt *statement);

/* ---- binding: SQLITE_OK or an error, to be collected by |= ---- */

/** A text, or NULL; it must live until the statement has run, as must all that is bound. */
int keeper_sqlite_bind_text(sqlite3_stmt *statement, int at, const char *text);

/** At most PKI_CERT_MAX octets. */
int keeper_sqlite_bind_octets(sqlite3_stmt *statement, int at, const void *data, apr_size_t len);

/** A hash. */
int keeper_sqlite_bind_hash(sqlite3_stmt *statement, int at,
                            const unsigned char hash[KEEPER_HASH_LEN]);

/* ---- rows ---- */

/** Nonzero if a step gave a row, or said that there is none. */
int keeper_sqlite_is_answer(int rc);

/** keeper_sqlite_failed(): @a what cannot be read. */
base_result_t keeper_sqlite_not_read(keeper_sqlite_conn_t *conn, const char *what,
                                     apr_pool_t *pool);

/** The subscriber's pseudonym: SQLITE_ROW, SQLITE_DONE (none; @a out is ""), or an error. */
int keeper_sqlite_get_name(keeper_sqlite_conn_t *conn, const char *subscriber,
                           char out[PKI_PSEUDONYM_LEN + 1]);

/** keeper_ledger_t's find() and peek() on this connection. */
base_result_t keeper_sqlite_find(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim,
                                 keeper_holding_t *out, apr_pool_t *pool);

/** The callbacks of the same names in keeper_ledger_t. */
base_result_t keeper_sqlite_name(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim,
                                 const char *fresh, char out[PKI_PSEUDONYM_LEN + 1],
                                 apr_pool_t *pool);
base_result_t keeper_sqlite_note_ue_ids(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim,
                                        apr_pool_t *pool);
base_result_t keeper_sqlite_add(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim,
                                const pki_cert_spec_t *spec, base_span_t der, apr_pool_t *pool);
base_result_t keeper_sqlite_move(keeper_sqlite_conn_t *conn,
                                 const unsigned char serial[PKI_SERIAL_LEN], keeper_state_t from,
                                 keeper_state_t to, apr_pool_t *pool);
base_result_t keeper_sqlite_count(keeper_sqlite_conn_t *conn, const keeper_audit_row_t *row,
                                  int *counted, apr_pool_t *pool);
base_result_t keeper_sqlite_add_head(keeper_sqlite_conn_t *conn, const keeper_head_t *head,
                                     apr_pool_t *pool);
base_result_t keeper_sqlite_touch(keeper_sqlite_conn_t *conn, apr_time_t now, apr_pool_t *pool);

/** Adds a row that has its id, writer and hash. */
base_result_t keeper_sqlite_add_row(keeper_sqlite_conn_t *conn, const keeper_audit_row_t *row,
                                    apr_pool_t *pool);

/** The id of the last row of all; 0 if there is none. */
base_result_t keeper_sqlite_last_row(keeper_sqlite_conn_t *conn, apr_int64_t *id, apr_pool_t *pool);

/** Says where a writer's chain ends. */
base_result_t keeper_sqlite_set_head(keeper_sqlite_conn_t *conn, const keeper_head_t *head,
                                     apr_pool_t *pool);

/* ---- the audit trail, read by a connection of its own that is closed again ---- */

/** keeper_ledger_t's rows() and heads() for the file of @a model. */
base_result_t keeper_sqlite_rows(const keeper_sqlite_conn_t *model, const char *writer,
                                 apr_int64_t after, keeper_row_visit_t visit, void *visitor,
                                 apr_pool_t *pool);
base_result_t keeper_sqlite_heads(const keeper_sqlite_conn_t *model, apr_array_header_t **ends,
                                  apr_array_header_t **signed_ends, apr_pool_t *pool);

/* ---- the handle ---- */

/** keeper_sqlite_open() with another limit for every wait, and of jobs in one transaction (0: the
 *  usual one). */
base_result_t keeper_sqlite_open_with(keeper_ledger_t **out, const char *path, int busy_ms,
                                      int max_jobs, apr_pool_t *pool);

/** The connection that writes: for jobs of this file's kin, and for tests that narrow it
 *  (max_page_count). Inside a job its transaction is the job's. */
keeper_sqlite_conn_t *keeper_sqlite_out(keeper_ledger_t *ledger);

#endif
