/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for a place among a child's connections, how long, and behind which keeper nobody does.
 * Clock and condition are the test's own: what happens while somebody waits is written down here,
 * and takes no time. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <apr_general.h>
#include "keeper/keeper_links.h"
#include "tap.h"

#define PLACES  2
#define WAIT_MS 250 /* as in keeper_links.c */

static apr_pool_t *pool;
static keeper_links_t *links;
static long long now_ms = 5000;

/** Every clock. */
int clock_gettime(clockid_t which, struct timespec *out)
{
    (void)which;
    out->tv_sec = (time_t)(now_ms / 1000);
    out->tv_nsec = (long)(now_ms % 1000 * 1000000);
    return 0;
}

/** What happens while somebody waits, one letter for each time: G: a place is given back, with an
 *  answer. W: woken for nothing, 100 ms later, or by the time that is up. T: time is up. */
static const char *meanwhile = "";
static int waits;
static long long until_ms;
static int giving = -1;

int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t which,
                           const struct timespec *until)
{
    char what = *meanwhile ? *meanwhile++ : 'T';
    (void)cond;
    (void)which;
    waits++;
    until_ms = (long long)until->tv_sec * 1000 + until->tv_nsec / 1000000;
    if (what == 'T' || now_ms + 100 >= until_ms) {
        now_ms = until_ms;
        return ETIMEDOUT;
    }
    now_ms += 100;
    pthread_mutex_unlock(mutex);
    if (what == 'G')
        keeper_links_give(links, giving);
    pthread_mutex_lock(mutex);
    return 0;
}

/** A connection whose other end stays open, and silent. */
static int connection(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        abort();
    return pair[0];
}

/** All places are taken, one after another at this very moment. */
static void fill(void)
{
    int fd;
    links = keeper_links_make("/nowhere", PLACES, pool);
    for (int i = 0; i < PLACES; i++)
        if (keeper_links_take(links, &fd) != KEEPER_TAKE_OK || fd >= 0)
            abort();
    waits = 0;
    until_ms = 0;
}

static keeper_take_t take(const char *script)
{
    int fd = -1;
    meanwhile = script;
    keeper_take_t taken = keeper_links_take(links, &fd);
    if (fd >= 0)
        close(fd);
    return taken;
}

static void test_waits(void)
{
    fill();
    long long from = now_ms;
    is_int(take("T"), KEEPER_TAKE_BUSY, "all places are taken: busy");
    is_int(waits, 1, "after a wait");
    is_int(until_ms - from, WAIT_MS, "of a quarter of a second");
    fill();
    giving = connection();
    is_int(take("G"), KEEPER_TAKE_OK, "a place that is given back meanwhile is had");
    is_int(waits, 1, "at once");
    fill();
    from = now_ms;
    giving = connection();
    is_int(take("WG"), KEEPER_TAKE_OK, "who is woken for nothing waits on");
    is_int(until_ms - from, WAIT_MS, "but no longer for it");
    fill();
    is_int(take("WWWWWWW"), KEEPER_TAKE_BUSY, "woken for nothing again and again: busy");
    is_int(waits, 3, "once the time is up");
}

/** As long as it answers others, and no longer. */
static void test_behind_a_slow_keeper(void)
{
    int fd;
    fill();
    now_ms += WAIT_MS;
    is_int(take("G"), KEEPER_TAKE_BUSY, "behind a keeper that has not answered for that long");
    is_int(waits, 0, "nobody waits");
    fill();
    now_ms += WAIT_MS - 1;
    keeper_links_give(links, connection());
    if (keeper_links_take(links, &fd) != KEEPER_TAKE_OK)
        abort();
    close(fd);
    now_ms += WAIT_MS - 1;
    is_int(take("T"), KEEPER_TAKE_BUSY, "an answer in between");
    is_int(waits, 1, "is a reason to wait");
    fill();
    now_ms += WAIT_MS - 1;
    keeper_links_give(links, -1);
    if (keeper_links_take(links, &fd) != KEEPER_TAKE_OK)
        abort();
    now_ms++;
    is_int(take("G"), KEEPER_TAKE_BUSY, "an exchange that failed");
    is_int(waits, 0, "is none");
}

/** Nobody can say of a keeper that was not asked that it is slow. */
static void test_after_idleness(void)
{
    int fd;
    links = keeper_links_make("/nowhere", PLACES, pool);
    now_ms += 3600 * 1000;
    waits = 0;
    for (int i = 0; i < PLACES; i++)
        is_int(keeper_links_take(links, &fd), KEEPER_TAKE_OK, "a place, after an hour without");
    giving = -1;
    is_int(take("G"), KEEPER_TAKE_OK, "one more");
    is_int(waits, 1, "waits");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_waits();
    test_behind_a_slow_keeper();
    test_after_idleness();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
