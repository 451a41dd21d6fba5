/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger that another program holds is waited for so long and no longer, however slow the machine
 * is. */
#include "keeper/keeper_sqlite_private.h"
#include "keeper_fixture.h"

#define BUSY_MS 200
#define SLOW_MS 20 /* that a sleep takes at least, here */

static int sleeps;

/** Stands before the C library's: a machine with much else to do. */
int usleep(useconds_t us)
{
    struct timespec wait = {.tv_nsec = SLOW_MS * 1000000L};
    (void)us;
    sleeps++;
    return nanosleep(&wait, NULL);
}

static void test_waits_by_the_clock(apr_pool_t *pool, const char *path)
{
    sqlite3 *holder = NULL, *db = NULL;
    if (sqlite3_open(path, &holder) != SQLITE_OK ||
        sqlite3_exec(holder, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
        fixture_die("BEGIN EXCLUSIVE");
    if (keeper_sqlite_connect(&db, path, BUSY_MS, pool).code != BASE_OK)
        fixture_die("keeper_sqlite_connect");
    for (int i = 0; i < 2; i++) {
        apr_time_t from = apr_time_now();
        sleeps = 0;
        is_int(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) & 0xff, SQLITE_BUSY,
               i ? "and again" : "held by another program: busy");
        ok(apr_time_now() - from >= apr_time_from_msec(BUSY_MS / 2), "  after its time (%d)",
           sleeps);
        ok(sleeps > 0 && sleeps <= BUSY_MS / SLOW_MS + 1, "  and after no more tries than fit in");
    }
    sqlite3_exec(holder, "COMMIT", NULL, NULL, NULL);
    is_int(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK, "let go: had");
    sqlite3_close(db);
    sqlite3_close(holder);
}

int main(void)
{
    apr_pool_t *pool;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    const char *dir = fixture_dir();
    test_waits_by_the_clock(pool, fixture_prepared(pool, dir, "held.db"));
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
