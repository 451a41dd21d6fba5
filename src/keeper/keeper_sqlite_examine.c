/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger looked at from outside: nothing is written, no lock is taken, no file is made. */
#include <string.h>
#include <sys/stat.h>

#include <apr_escape.h>
#include <apr_strings.h>

#include "keeper/keeper_sqlite_private.h"

static int has_octets(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && st.st_size > 0;
}

/* As it lies there, without its write-ahead log. */
static base_result_t open_as_it_lies(sqlite3 **db, const char *path, apr_pool_t *pool)
{
    const char *name = apr_psprintf(pool, "file:%s?immutable=1", apr_pescape_path(pool, path, 1));
    int rc = sqlite3_open_v2(name, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    base_result_t result = base_ok();

    if (rc != SQLITE_OK || sqlite3_extended_result_codes(*db, 1) != SQLITE_OK ||
        sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) != SQLITE_OK)
        result = keeper_sqlite_down(*db, "GBA1205", path, "it cannot be opened", pool);
    return result;
}

base_result_t keeper_sqlite_examine(const char *path, apr_pool_t *pool)
{
    sqlite3 *db = NULL;
    base_result_t result;
    int empty = 0;

    if (!has_octets(path) || has_octets(apr_pstrcat(pool, path, "-wal", NULL)))
        return base_ok();
    result = open_as_it_lies(&db, path, pool);
    if (result.code == BASE_OK)
        result = keeper_sqlite_check(db, path, &empty, pool);
    sqlite3_close_v2(db);
    return result;
}
