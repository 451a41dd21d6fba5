/* SPDX-License-Identifier: Apache-2.0 */
/* An older ledger made a newer one. */
#include <apr_strings.h>
#include "base/base_fault.h"
#include "keeper/keeper_sqlite_private.h"
#include "keeper/keeper_upkeep.h"

#define OLDEST 1

/** An upgrade on its way. */
typedef struct upgrading_t {
    const char *path;
    sqlite3 *db;
    const char *wrong; /* what the result would have been otherwise than it should be */
    apr_pool_t *pool;
} upgrading_t;

static base_result_t down(const upgrading_t *u, const char *tag, const char *what)
{
    return keeper_sqlite_down(u->db, tag, u->path, what, u->pool);
}

static base_result_t refuse(const upgrading_t *u, const char *tag, const char *what)
{
    return base_fail(BASE_STORE_DOWN, tag, apr_psprintf(u->pool, "ledger %s: %s", u->path, what));
}

static int run(const upgrading_t *u, const char *sql)
{
    return sqlite3_exec(u->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/** Alone: exclusive locking before the first look at the file is refused while anybody else has a
 *  write-ahead log open, and then nobody gets in. */
static base_result_t lock_out_others(const upgrading_t *u)
{
    if (!run(u, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF; PRAGMA locking_mode=EXCLUSIVE"))
        return down(u, "GBA1020", "it cannot be set up");
    if (run(u, "BEGIN EXCLUSIVE"))
        return base_ok();
    if ((sqlite3_errcode(u->db) & 0xff) == SQLITE_BUSY)
        return refuse(u, "GBA1021", "it is in use; stop httpd, and whoever else has it open");
    return down(u, "GBA1022", "it cannot be written");
}

static base_result_t read_version(const upgrading_t *u, int *version)
{
    sqlite3_int64 value = 0;
    if (keeper_sqlite_int(u->db, "PRAGMA application_id", &value) != SQLITE_ROW)
        return down(u, "GBA1032", "it cannot be read");
    if (value != KEEPER_SQLITE_APPLICATION_ID)
        return refuse(u, "GBA1033", "it is not a ledger of this program");
    if (keeper_sqlite_int(u->db, "SELECT schema_version FROM meta", &value) != SQLITE_ROW)
        return down(u, "GBA1023", "its version cannot be read");
    if (value > KEEPER_LEDGER_SCHEMA)
        return refuse(u, "GBA1024",
                      apr_psprintf(u->pool,
                                   "its schema is version %" APR_INT64_T_FMT
                                   ", newer than version %d of this program",
                                   (apr_int64_t)value, KEEPER_LEDGER_SCHEMA));
    if (value < OLDEST)
        return refuse(u, "GBA1025", "its schema has a version that never was; restore a backup");
    *version = (int)value;
    return base_ok();
}

static void keep_difference(void *baton, const char *name, const char *text)
{
    upgrading_t *u = baton;
    if (!u->wrong)
        u->wrong = apr_pstrcat(u->pool, name, " ", text, NULL);
}

/** What was made is what a new ledger has, and what refers to something still finds it. */
static base_result_t check(upgrading_t *u)
{
    keeper_sqlite_compare_t compare = {keep_difference, u};
    sqlite3_int64 lost = -1;
    if (!keeper_sqlite_compare(u->db, &compare, u->pool) ||
        keeper_sqlite_int(u->db, "SELECT count(*) FROM pragma_foreign_key_check", &lost) !=
            SQLITE_ROW)
        return down(u, "GBA1026", "what was made of it cannot be checked");
    if (u->wrong || lost)
        return refuse(
            u, "GBA1027",
            apr_psprintf(u->pool, "it is not as the older program left it, and stays as it is: %s",
                         u->wrong ? u->wrong : "rows refer to others that are not there"));
    return base_ok();
}

static base_result_t convert(upgrading_t *u)
{
    BASE_FAULT("upgrade-before");
    if (!run(u, keeper_sqlite_from_1))
        return down(u, "GBA1028", "it cannot be converted, and stays as it is");
    base_result_t result = check(u);
    if (result.code != BASE_OK)
        return result;
    BASE_FAULT("upgrade-commit");
    if (!run(u, "COMMIT"))
        return down(u, "GBA1029", "what was made of it cannot be committed");
    BASE_FAULT("upgrade-after");
    return base_ok();
}

static base_result_t count(const upgrading_t *u, keeper_upgrade_t *out)
{
    sqlite3_int64 certificates = 0, rows = 0;
    if (keeper_sqlite_int(u->db, "SELECT count(*) FROM certificate", &certificates) != SQLITE_ROW ||
        keeper_sqlite_int(u->db, "SELECT count(*) FROM audit", &rows) != SQLITE_ROW)
        return down(u, "GBA1030", "its rows cannot be counted");
    out->certificates = certificates;
    out->rows = rows;
    return base_ok();
}

/** What is left open is rolled back when the connection is closed. */
static base_result_t upgrade(upgrading_t *u, keeper_upgrade_t *out)
{
    base_result_t result = lock_out_others(u);
    if (result.code == BASE_OK)
        result = read_version(u, &out->from);
    if (result.code == BASE_OK)
        result = count(u, out);
    out->to = out->from;
    if (result.code != BASE_OK || out->from == KEEPER_LEDGER_SCHEMA)
        return result;
    result = convert(u);
    if (result.code == BASE_OK)
        out->to = KEEPER_LEDGER_SCHEMA;
    return result;
}

base_result_t keeper_ledger_upgrade(keeper_upgrade_t *out, const char *path, apr_pool_t *pool)
{
    upgrading_t u = {.path = keeper_sqlite_path(path, pool), .pool = pool};
    out->from = out->to = 0;
    out->certificates = out->rows = 0;
    if (!u.path)
        return base_fail(BASE_STORE_DOWN, "GBA1031", "ledger: its path cannot be made absolute");
    base_result_t result = keeper_sqlite_connect(&u.db, u.path, 1000, pool);
    if (result.code != BASE_OK)
        return result;
    apr_pool_cleanup_register(pool, u.db, keeper_sqlite_close, apr_pool_cleanup_null);
    result = upgrade(&u, out);
    apr_pool_cleanup_run(pool, u.db, keeper_sqlite_close);
    return result;
}
