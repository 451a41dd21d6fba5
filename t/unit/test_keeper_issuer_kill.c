/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever is killed, and whenever: a certificate that was given out is in the ledger. At random
 * moments, and at every step: fault points before and after decide, sign, commit and reply, each
 * while four threads are at work. */
#include "keeper_kill_fixture.h"

#define ROUNDS 20

static apr_pool_t *pool;
static const char *path, *fault_file;
static pki_ca_t *ca;

static void be_killed(int out)
{
    kill_be_killed(fixture_opened(pool, path), ca, out, pool);
}

/** One child, which dies some time after it gave out its first certificate: at @a point, or (NULL)
 *  whenever it is hit. Counts what was told; returns how much of it is missing. */
static int kill_one(const char *point, int *seen)
{
    kill_reply_t told;
    int in, missing = 0;
    pid_t child = kill_fork(be_killed, &in);
    if (child < 0 || !kill_next_reply(in, &told))
        fixture_die("the child gave out nothing");
    usleep(kill_moment());
    if (point)
        kill_arm(fault_file, point);
    else
        kill(child, SIGKILL);
    do {
        missing += kill_is_missing(path, &told);
        ++*seen;
    } while (kill_next_reply(in, &told));
    kill_wait(child);
    close(in);
    return missing;
}

static void kill_rounds(const char *point)
{
    int missing = 0, seen = 0;
    for (int i = 0; i < ROUNDS; i++)
        missing += kill_one(point, &seen);
    printf("# %s: %d deaths, %d certificates were given out\n", point ? point : "at random", ROUNDS,
           seen);
    ok(seen >= ROUNDS && missing == 0, "%s: what was given out is in the ledger, octet by octet",
       point ? point : "at random");
}

int main(void)
{
    static const char *const points[] = {
        "decide-before", "decide-after", "sign-before",  "sign-after",
        "commit-before", "commit-after", "reply-before", "reply-after",
    };
    apr_initialize();
    apr_pool_create(&pool, NULL);
    const char *dir = fixture_dir();
    path = fixture_prepared(pool, dir, "ledger.db");
    fault_file = fixture_file(pool, dir, "fault");
    ca = fixture_ca(pool, dir, 800);
    setenv("GBA_FAULT_FILE", fault_file, 1);
    kill_rounds(NULL);
#ifdef GBA_FAULT_POINTS
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        kill_rounds(points[i]);
#else
    (void)points;
    ok(0, "built without fault points");
#endif
    kill_check_ledger(path, pool);
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
