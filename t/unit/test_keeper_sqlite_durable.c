/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection to the ledger must be is read back from SQLite, not taken for granted: an
 * SQLite that does not do as it is told makes no ledger. */
#include "keeper/keeper_sqlite_private.h"
#include "keeper_fixture.h"

static apr_pool_t *pool;
static const char *dir;

/* A setting that every new connection has from its beginning, and that nobody can change. */
static const char *stuck, *stuck_sql;

static int ignore_stuck(void *baton, int action, const char *name, const char *value,
                        const char *schema, const char *trigger)
{
    (void)baton;
    (void)schema;
    (void)trigger;
    return action == SQLITE_PRAGMA && value && strcmp(name, stuck) == 0 ? SQLITE_IGNORE : SQLITE_OK;
}

static int stick(sqlite3 *db, const char **error, const void *api)
{
    (void)error;
    (void)api;
    if (!stuck)
        return SQLITE_OK;
    int rc = sqlite3_exec(db, stuck_sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? sqlite3_set_authorizer(db, ignore_stuck, NULL) : rc;
}

static void test_settings_are_read_back(void)
{
    static const struct {
        const char *name, *sql;
    } rows[] = {
        {"synchronous", "PRAGMA synchronous=OFF"},
        {"synchronous", "PRAGMA synchronous=NORMAL"},
        {"foreign_keys", "PRAGMA foreign_keys=OFF"},
    };
    keeper_ledger_t *ledger = NULL;
    const char *path = fixture_prepared(pool, dir, "stuck.db");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        stuck = rows[i].name;
        stuck_sql = rows[i].sql;
        fixture_is_down(keeper_sqlite_open(&ledger, path, pool), "not durable", rows[i].sql);
        ok(!ledger, "  no handle");
    }
    stuck = NULL;
    is_int(keeper_sqlite_open(&ledger, path, pool).code, BASE_OK, "as it should be: opened");
}

static void test_synchronous_is_full(void)
{
    sqlite3_int64 value = -1;
    const char *path = fixture_prepared(pool, dir, "full.db");
    keeper_ledger_t *ledger = fixture_opened(pool, path);
    keeper_sqlite_int(keeper_sqlite_out(ledger)->db, "PRAGMA synchronous", &value);
    is_int(value, 2, "an open ledger has synchronous=FULL");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    sqlite3_auto_extension((void (*)(void))stick);
    test_settings_are_read_back();
    test_synchronous_is_full();
    apr_pool_destroy(pool);
    sqlite3_reset_auto_extension();
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
