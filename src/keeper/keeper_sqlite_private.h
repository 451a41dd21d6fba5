/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_sqlite_private.h
 * What the parts of the SQLite ledger share: keeper_sqlite_schema.c (the file
 * and its schema), keeper_sqlite_bind.c (rows), keeper_sqlite.c (transactions).
 * Not for others, tests apart.
 */
#ifndef keeper_sqlite_private_h
#define keeper_sqlite_private_h

#include <sqlite3.h>
#include "keeper/keeper_ledger.h"

#define KEEPER_SQLITE_APPLICATION_ID                                                               \
    0x4742414c                     /**< "GBAL" in the database header's bytes 68-71                \
                                    */
#define KEEPER_SQLITE_BUSY_MS 5000 /**< wait for another connection or thread */

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

/**
 * Whose database it is, and of which version.
 * @param empty set nonzero if it is a database without anything in it; NULL if that is a failure
 * @return BASE_OK or BASE_STORE_DOWN
 */
base_result_t keeper_sqlite_check(sqlite3 *db, const char *path, int *empty, apr_pool_t *pool);

/** Binds a text that stays until the statement has run. SQLITE_OK or an error. */
int keeper_sqlite_bind_text(sqlite3_stmt *statement, int at, const char *text);

/** Binds the parameters of the statement that adds a certificate; everything given must stay until
 *  it has run. Nonzero on success. */
int keeper_sqlite_bind_certificate(sqlite3_stmt *statement, const portal_issue_t *question,
                                   const pki_cert_spec_t *spec, base_span_t der, apr_time_t now);

/** Binds the parameters of the statement that adds a decision; as above. */
int keeper_sqlite_bind_decision(sqlite3_stmt *statement, const portal_issue_t *question,
                                apr_time_t now);

/** keeper_sqlite_open() with another limit for every wait. */
base_result_t keeper_sqlite_open_with(keeper_ledger_t **out, const char *path, int busy_ms,
                                      apr_pool_t *pool);

#endif
