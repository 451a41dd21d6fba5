/* SPDX-License-Identifier: Apache-2.0 */
/* The power goes while certificates are given out: what the process had not synced is lost, all of
 * it or some, and every certificate that was given out is in the ledger. With less than
 * synchronous=FULL it is not: so the power cut is one. Environment: GBA_POWER_CUTS (20 of a kind;
 * 200 with GBA_TORTURE=1). */
#include "keeper/keeper_sqlite_private.h"
#include "keeper_kill_fixture.h"
#include "unsynced.h"

#define TOLD_MAX 65536

static apr_pool_t *pool;
static const char *path, *folder, *fault_file;
static pki_ca_t *ca;
static const char *setting; /* another than the ledger's own; or NULL */
static int rounds;
static kill_reply_t all[TOLD_MAX];

/** Above the parent there is no shim: it would note what the parent does to undo and to look. */
static void be_killed(int out)
{
    setenv("GBA_UNSYNCED_FOLDER", folder, 1);
    setenv("GBA_UNSYNCED_DATABASE", path, 1);
    keeper_ledger_t *ledger = fixture_opened(pool, path);
    if (setting &&
        sqlite3_exec(keeper_sqlite_out(ledger)->db, setting, NULL, NULL, NULL) != SQLITE_OK)
        _exit(2);
    kill_be_killed(ledger, ca, out, pool);
}

/** The power goes some time after the first certificate was given out. Returns how many were. */
static int cut(const char *point, unsigned seed, int *undone)
{
    int in, count = 1;
    pid_t child = kill_fork(be_killed, &in);
    if (child < 0 || !kill_next_reply(in, &all[0]))
        fixture_die("the child gave out nothing");
    usleep(kill_moment());
    if (point)
        kill_arm(fault_file, point);
    else
        kill(child, SIGKILL);
    while (count < TOLD_MAX && kill_next_reply(in, &all[count]))
        count++;
    kill_wait(child);
    close(in);
    int writes = unsynced_power_cut(path, folder, seed);
    if (writes < 0)
        fixture_die("unsynced_power_cut");
    *undone += writes;
    return count;
}

static void cut_rounds(const char *point, int some_survive)
{
    int missing = 0, seen = 0, undone = 0;
    for (int i = 0; i < rounds; i++) {
        int count = cut(point, some_survive ? (unsigned)i + 1 : 0, &undone);
        for (int j = 0; j < count; j++)
            missing += kill_is_missing(path, &all[j]);
        seen += count;
    }
    printf("# %d certificates were given out, %d writes undone%s%s\n", seen, undone,
           setting ? ", " : "", setting ? setting : "");
    ok(seen >= rounds && missing == 0, "power cuts, %s, unsynced writes %s: no certificate is lost",
       point ? point : "at random", some_survive ? "lost by half" : "lost");
}

/** The same with a setting that promises less: as many cuts as are needed to see it. */
static void cut_until_lost(const char *less, const char *name)
{
    int missing = 0, undone = 0, i = 0;
    setting = less;
    path = fixture_prepared(pool, folder, apr_psprintf(pool, "%s.db", name));
    while (i++ < 50 && missing == 0) {
        int count = cut(NULL, 0, &undone);
        for (int j = 0; j < count; j++)
            missing += kill_is_missing(path, &all[j]);
    }
    printf("# %d certificates lost after %d power cuts, %d writes undone\n", missing, i, undone);
    ok(missing > 0, "with synchronous=%s certificates are lost", name);
    setting = NULL;
}

static int rounds_wanted(void)
{
    const char *given = getenv("GBA_POWER_CUTS");
    apr_uint64_t value;
    if (given && base_decimal_decode(&value, base_span_str(given), 100000) && value > 0)
        return (int)value;
    return getenv("GBA_TORTURE") ? 200 : 20;
}

int main(void)
{
    static const char *const points[] = {"commit-before", "commit-after", "reply-before",
                                         "reply-after"};
    apr_initialize();
    apr_pool_create(&pool, NULL);
    folder = fixture_dir();
    rounds = rounds_wanted();
    path = fixture_prepared(pool, folder, "ledger.db");
    fault_file = fixture_file(pool, folder, "fault");
    ca = fixture_ca(pool, folder, 800);
    setenv("GBA_FAULT_FILE", fault_file, 1);
    cut_rounds(NULL, 0);
    cut_rounds(NULL, 1);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        cut_rounds(points[i], i % 2 == 1);
    setting = "PRAGMA wal_autocheckpoint=10"; /* the log goes into the database all the time */
    cut_rounds(NULL, 0);
    cut_rounds(NULL, 1);
    kill_check_ledger(path, pool);
    cut_until_lost("PRAGMA synchronous=NORMAL", "NORMAL");
    cut_until_lost("PRAGMA synchronous=OFF", "OFF");
    apr_pool_destroy(pool);
    fixture_clean(folder);
    apr_terminate();
    return tap_done();
}
