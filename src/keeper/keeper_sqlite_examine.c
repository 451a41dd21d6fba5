/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger looked at from outside: nothing is written, no lock is taken, no file is made. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static base_result_t no_access(const char *tag, const char *path, const char *what,
                               apr_pool_t *pool)
{
    char words[128];

    apr_strerror(errno, words, sizeof words);
    return base_fail(
        BASE_STORE_DOWN, tag,
        apr_psprintf(pool, "ledger %s: %s may not be written by who keeps it (GBAKeeperUser): %s",
                     path, what, words));
}

/* The folder too: the write-ahead log comes and goes beside the file. */
static base_result_t check_access(const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');
    const char *folder = slash ? apr_pstrmemdup(pool, path, (apr_size_t)(slash - path) + 1) : ".";

    if (access(folder, W_OK | X_OK) != 0)
        return no_access("GBA1340", path, "its folder", pool);
    if (access(path, R_OK | W_OK) != 0 && errno != ENOENT)
        return no_access("GBA1341", path, "it", pool);
    return base_ok();
}

base_result_t keeper_sqlite_examine(const char *path, apr_pool_t *pool)
{
    sqlite3 *db = NULL;
    base_result_t result = check_access(path, pool);
    int empty = 0;

    if (result.code != BASE_OK)
        return result;
    if (!has_octets(path) || has_octets(apr_pstrcat(pool, path, "-wal", NULL)))
        return base_ok();
    result = open_as_it_lies(&db, path, pool);
    if (result.code == BASE_OK)
        result = keeper_sqlite_check(db, path, &empty, pool);
    sqlite3_close_v2(db);
    return result;
}
