/* SPDX-License-Identifier: Apache-2.0 */
/* The shared table between processes, some of which are killed at the worst moments. Nobody may
 * hang, nothing half-written may be seen, and what was lost must be told through broken(). */
#include <apr_general.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shmtable_fixture.h"

#define HANG_SECONDS 20 /* after this long a process counts as hung and dies of SIGALRM */

/* What one child does; its return value is its exit status. */
typedef int (*child_fn)(base_shmtable_t *table);

static pid_t child_start(child_fn run, base_shmtable_t *table)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0) {
        alarm(HANG_SECONDS);
        _exit(run(table));
    }
    return pid;
}

/* The exit status, or minus the number of the signal that ended it. */
static int child_end(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            abort();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static void visit_die_half(void *baton, void *payload)
{
    mark_t *mark = payload;
    (void)baton;
    mark->first = 666;
    die();
}

static void visit_die_reading(void *baton, void *payload)
{
    (void)baton;
    (void)payload;
    die();
}

static const mark_key_t *victim(void)
{
    static mark_key_t key;
    key = mark_key(0, 3);
    return &key;
}

static int child_write(base_shmtable_t *table)
{
    return (int)base_shmtable_visit(table, victim()->octets, BASE_SHMTABLE_WRITE, visit_die_half,
                                    NULL);
}

static int child_make(base_shmtable_t *table)
{
    return (int)base_shmtable_visit(table, victim()->octets, BASE_SHMTABLE_MAKE, visit_die_half,
                                    NULL);
}

static int child_read(base_shmtable_t *table)
{
    return (int)base_shmtable_visit(table, victim()->octets, BASE_SHMTABLE_READ, visit_die_reading,
                                    NULL);
}

static int child_remove(base_shmtable_t *table)
{
    in_evict = die;
    return (int)base_shmtable_remove(table, victim()->octets);
}

static int child_fresh(base_shmtable_t *table)
{
    in_fresh = die;
    return (int)table_set(table, *victim(), 1);
}

static int child_repair(base_shmtable_t *table)
{
    mark_t mark;
    in_broken = die;
    return (int)table_get(table, *victim(), &mark);
}

/* Sets 0 and 1 with entries 0 to count-1 each, of values 100 and up; nobody has died yet. */
static base_shmtable_t *table_filled(apr_pool_t *pool, unsigned int count)
{
    base_shmtable_t *table = table_make(pool, 32);
    for (unsigned int i = 0; i < count; i++) {
        table_set(table, mark_key(0, i), 100 + i);
        table_set(table, mark_key(1, i), 100 + i);
    }
    broken_calls = 0;
    return table;
}

/* How many of the filled entries are there as they were made. */
static unsigned int table_whole(base_shmtable_t *table, unsigned int count)
{
    unsigned int whole = 0;
    for (unsigned int i = 0; i < count; i++) {
        whole += (unsigned int)table_has(table, mark_key(0, i), 100 + i);
        whole += (unsigned int)table_has(table, mark_key(1, i), 100 + i);
    }
    return whole;
}

static void test_killed_writing(apr_pool_t *pool)
{
    base_shmtable_t *table = table_filled(pool, 8);
    mark_t mark;
    is_int(child_end(child_start(child_write, table)), -SIGKILL, "killed in WRITE");
    fake_now = 5000;
    is_int(table_get(table, mark_key(1, 0), &mark), BASE_OK, "a visit to another set");
    is_int(broken_calls, 0, "hears nothing of it");
    is_int(table_get(table, mark_key(0, 0), &mark), BASE_OK, "the next visit to the set goes well");
    is_int(broken_calls, 1, "and hears once that an entry is lost");
    is_int((long long)broken_time, 5000, "with the time of the discovery");
    is_int(table_get(table, *victim(), &mark), BASE_NOT_FOUND, "the half-written entry is gone");
    is_int(table_whole(table, 8), 15, "all others stayed");
    is_int((long long)base_shmtable_used(table), 15, "and are counted");
    is_int(broken_calls, 1, "nobody hears of it again");
    table_set(table, *victim(), 1);
    table_get(table, *victim(), &mark);
    is_int((long long)mark.born_with, 5000, "what comes anew knows of the loss");
    table_set(table, mark_key(1, 9), 1);
    table_get(table, mark_key(1, 9), &mark);
    is_int((long long)mark.born_with, 0, "what comes in another set does not");
}

static void test_killed_making(apr_pool_t *pool)
{
    base_shmtable_t *table = table_filled(pool, 3);
    mark_t mark;
    is_int(child_end(child_start(child_make, table)), -SIGKILL, "killed in MAKE, room was free");
    is_int(table_get(table, *victim(), &mark), BASE_NOT_FOUND, "the half-made entry is not there");
    is_int(broken_calls, 1, "told once");
    is_int(table_whole(table, 3), 6, "all others stayed");
}

/* In a full set: the victim's entry replaces the oldest. */
static void killed_evicting(apr_pool_t *pool, child_fn child, const char *name)
{
    base_shmtable_t *table = table_make(pool, 16);
    mark_t mark;
    for (unsigned int i = 0; i < 16; i++)
        table_set(table, mark_key(0, 100 + i), 9000 + i);
    broken_calls = 0;
    fake_now = 10;
    is_int(child_end(child_start(child, table)), -SIGKILL, name);
    is_int(table_get(table, *victim(), &mark), BASE_NOT_FOUND, "the half-made entry is not there");
    is_int(table_get(table, mark_key(0, 100), &mark), BASE_NOT_FOUND, "nor is what it replaced");
    is_int((long long)base_shmtable_used(table), 15, "all others stayed");
    is_int(broken_calls, 1, "told once");
    table_set(table, *victim(), 1);
    table_get(table, *victim(), &mark);
    is_int((long long)mark.born_with, 9000, "what was replaced had left its mark before");
}

static void test_killed_reading(apr_pool_t *pool)
{
    base_shmtable_t *table = table_filled(pool, 8);
    is_int(child_end(child_start(child_read, table)), -SIGKILL, "killed in READ");
    ok(table_has(table, *victim(), 103), "the entry that was read stayed");
    is_int(table_whole(table, 8), 16, "all others stayed");
    is_int(broken_calls, 0, "nothing is lost");
}

static void test_killed_removing(apr_pool_t *pool)
{
    base_shmtable_t *table = table_filled(pool, 8);
    is_int(child_end(child_start(child_remove, table)), -SIGKILL, "killed while removing");
    ok(table_has(table, *victim(), 103), "nothing was changed yet: the entry stayed");
    is_int(broken_calls, 0, "nothing is lost");
    is_int(base_shmtable_remove(table, victim()->octets), BASE_OK, "it can be removed now");
}

static void test_killed_repairing(apr_pool_t *pool)
{
    base_shmtable_t *table = table_filled(pool, 8);
    mark_t mark;
    is_int(child_end(child_start(child_write, table)), -SIGKILL, "killed in WRITE");
    is_int(child_end(child_start(child_repair, table)), -SIGKILL, "killed while it repairs that");
    is_int(table_get(table, *victim(), &mark), BASE_NOT_FOUND, "the third repairs it");
    is_int(broken_calls, 1, "and hears of the loss");
    is_int(table_whole(table, 8), 15, "all others stayed");
}

static int gate[2]; /* a pipe: the holder says that it is inside */

static void visit_hold(void *baton, void *payload)
{
    mark_t *mark = payload;
    (void)baton;
    mark->first = 666;
    if (write(gate[1], "x", 1) != 1)
        abort();
    for (;;)
        pause();
}

static int child_hold(base_shmtable_t *table)
{
    return (int)base_shmtable_visit(table, victim()->octets, BASE_SHMTABLE_WRITE, visit_hold, NULL);
}

/* Exit status 0: waited for the dead, got NOT_FOUND; bit 1 of it: was told of the loss. */
static int child_wait(base_shmtable_t *table)
{
    mark_t mark;
    broken_calls = 0;
    if (table_get(table, *victim(), &mark) != BASE_NOT_FOUND)
        return 99;
    return broken_calls;
}

/* Several wait for the lock when its holder is killed: all go on, one of them hears of the loss. */
static void test_waiters(apr_pool_t *pool)
{
    base_shmtable_t *table = table_filled(pool, 8);
    pid_t waiter[3];
    int told = 0;
    char octet;
    if (pipe(gate) != 0)
        abort();
    pid_t holder = child_start(child_hold, table);
    is_int(read(gate[0], &octet, 1), 1, "the holder is inside");
    for (int i = 0; i < 3; i++)
        waiter[i] = child_start(child_wait, table);
    usleep(100000);
    is_int(waitpid(waiter[0], NULL, WNOHANG), 0, "a waiter waits");
    kill(holder, SIGKILL);
    for (int i = 0; i < 3; i++)
        told += child_end(waiter[i]);
    is_int(child_end(holder), -SIGKILL, "the holder was killed");
    is_int(told, 1, "all waiters went on, one of them heard of the loss");
    is_int(table_whole(table, 8), 15, "all others stayed");
    close(gate[0]);
    close(gate[1]);
}

#define COUNTERS 4
#define COUNTS   2000

static int child_count(base_shmtable_t *table)
{
    for (unsigned int i = 0; i < COUNTS; i++) {
        mark_key_t key = mark_key(i % 2, i % 8);
        if (base_shmtable_visit(table, key.octets, BASE_SHMTABLE_MAKE, mark_count, NULL) != BASE_OK)
            return 1;
    }
    return 0;
}

static void test_counting(apr_pool_t *pool)
{
    base_shmtable_t *table = table_make(pool, 32);
    pid_t child[COUNTERS];
    apr_uint64_t sum = 0;
    int failed = 0;
    mark_t mark;
    for (int i = 0; i < COUNTERS; i++)
        child[i] = child_start(child_count, table);
    for (int i = 0; i < COUNTERS; i++)
        failed += child_end(child[i]) != 0;
    for (unsigned int i = 0; i < 8; i++) {
        table_get(table, mark_key(i % 2, i), &mark);
        sum += mark.first;
    }
    is_int(failed, 0, "processes: every visit went well");
    is_int((long long)sum, COUNTERS * COUNTS, "processes: every count arrived");
}

static int child_storm(base_shmtable_t *table)
{
    for (unsigned int i = 0;; i++) {
        mark_key_t key = mark_key(0, i % 24);
        if (base_shmtable_visit(table, key.octets, BASE_SHMTABLE_MAKE, mark_count, NULL) != BASE_OK)
            return 1;
        if (i % 7 == 0)
            base_shmtable_remove(table, key.octets);
    }
}

/* Kills at any moment: in the lock, in an eviction, between two stores. */
static void test_storm(apr_pool_t *pool)
{
    base_shmtable_t *table = table_make(pool, 16);
    unsigned int torn = 0;
    unsigned int alive = 0;
    mark_t mark;
    for (unsigned int round = 0; round < 40; round++) {
        pid_t a = child_start(child_storm, table);
        pid_t b = child_start(child_storm, table);
        usleep(2000 + round * 37);
        kill(a, SIGKILL);
        alive += child_end(a) == -SIGKILL;
        for (unsigned int i = 0; i < 24; i++)
            torn += table_get(table, mark_key(0, i), &mark) == BASE_OK && mark.first != mark.last;
        kill(b, SIGKILL);
        alive += child_end(b) == -SIGKILL;
    }
    is_int(alive, 80, "kills at any moment: every child worked until it was killed");
    is_int(torn, 0, "kills at any moment: nothing half-written is ever seen");
    ok(table_set(table, *victim(), 5) == BASE_OK && table_has(table, *victim(), 5),
       "kills at any moment: the set still works");
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return EXIT_FAILURE;
    alarm(4 * HANG_SECONDS);
    test_killed_writing(pool);
    test_killed_making(pool);
    killed_evicting(pool, child_make, "killed in MAKE, set was full");
    killed_evicting(pool, child_fresh, "killed in fresh(), set was full");
    test_killed_reading(pool);
    test_killed_removing(pool);
    test_killed_repairing(pool);
    test_waiters(pool);
    test_counting(pool);
    test_storm(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
