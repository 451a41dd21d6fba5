/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_records_private.h
 * What readers of the ledger share: its connection, statements by name of their
 * parameters, and columns. For keeper_records.c, keeper_verify*.c and
 * keeper_upkeep*.c alone.
 */
#ifndef keeper_records_private_h
#define keeper_records_private_h

#include "keeper/keeper_records.h"
#include "keeper/keeper_sqlite_private.h"

struct keeper_records_t {
    const char *path;
    sqlite3 *db;
    apr_pool_t *pool; /**< the handle's own: results' details */
    apr_pool_t *page; /**< of one piece at a time */
};

/** BASE_STORE_DOWN: @a what cannot be read. */
base_result_t keeper_records_down(const keeper_records_t *records, const char *tag,
                                  const char *what);

/** A column in @a pool; NULL if it is NULL. */
const char *keeper_records_text(sqlite3_stmt *statement, int column, apr_pool_t *pool);
base_span_t keeper_records_octets(sqlite3_stmt *statement, int column, apr_pool_t *pool);

#endif
