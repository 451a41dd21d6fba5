/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit over a transaction that is none: what shares a commit, what is undone, who is told.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "keeper/keeper_group.h"
#include "tap.h"

#define THREADS 32

static apr_pool_t *pool;

/* ---- the transaction: counts what is asked of it; "written" is what would be on disk ---- */

static struct {
    int begins, commits, rollbacks, jobs, undone; /* how often */
    int open;                                     /* in a transaction */
    int pending, at_mark, written;
    int begin_fails, commit_fails, undo_fails, mark_fails;
    int commit_us;
    int overlap; /* two at once: never */
    int largest; /* jobs in one transaction */
    int in_this;
} tx;

static base_result_t as_told(int fails)
{
    return fails ? base_fail(BASE_STORE_DOWN, "GBATEST", "a fault of this test") : base_ok();
}

static base_result_t begin(void *baton, apr_pool_t *p)
{
    (void)baton;
    (void)p;
    tx.begins++;
    tx.overlap += tx.open;
    tx.pending = tx.in_this = 0;
    tx.open = !tx.begin_fails;
    return as_told(tx.begin_fails);
}

static base_result_t commit(void *baton, apr_pool_t *p)
{
    (void)baton;
    (void)p;
    tx.commits++;
    tx.open = 0;
    if (tx.commit_us)
        usleep((unsigned)tx.commit_us);
    if (!tx.commit_fails)
        tx.written += tx.pending;
    return as_told(tx.commit_fails);
}

static void rollback(void *baton)
{
    (void)baton;
    tx.rollbacks++;
    tx.open = 0;
}

static base_result_t mark(void *baton, apr_pool_t *p)
{
    (void)baton;
    (void)p;
    tx.at_mark = tx.pending;
    return as_told(tx.mark_fails);
}

static base_result_t keep(void *baton, apr_pool_t *p)
{
    (void)baton;
    (void)p;
    return base_ok();
}

static base_result_t undo(void *baton, apr_pool_t *p)
{
    (void)baton;
    (void)p;
    tx.undone++;
    tx.pending = tx.at_mark;
    return as_told(tx.undo_fails);
}

static const keeper_group_ops_t ops = {NULL, begin, commit, rollback, mark, keep, undo};

/* ---- jobs ---- */

static base_result_t work(void *baton, apr_pool_t *p)
{
    const int *fails = baton;
    (void)p;
    tx.overlap += !tx.open;
    tx.jobs++;
    tx.pending++;
    if (++tx.in_this > tx.largest)
        tx.largest = tx.in_this;
    return *fails ? base_fail(BASE_INTERNAL, "GBATEST", "the job's own") : base_ok();
}

static base_result_t run_one(keeper_group_t *group, int fails)
{
    keeper_job_t job = {.work = work, .baton = &fails, .pool = pool};
    return keeper_group_run(group, &job);
}

static void reset(void)
{
    memset(&tx, 0, sizeof tx);
}

static void test_one_after_the_other(void)
{
    keeper_group_t *group = keeper_group_make(pool, &ops, 0, 1000);
    reset();
    is_int(run_one(group, 0).code, BASE_OK, "a job is done");
    ok(tx.begins == 1 && tx.commits == 1 && tx.written == 1, "in a transaction, and committed");
    is_int(run_one(group, 1).code, BASE_INTERNAL, "a job that fails says so itself");
    ok(tx.undone == 1 && tx.commits == 1 && tx.rollbacks == 1 && tx.written == 1,
       "it is undone, and nothing is committed for it");
}

static void test_faults(void)
{
    static const struct {
        const char *name;
        int *fails;
        int job_fails;
        base_code_t want;
    } rows[] = {
        {"begin fails", &tx.begin_fails, 0, BASE_STORE_DOWN},
        {"mark fails", &tx.mark_fails, 0, BASE_STORE_DOWN},
        {"commit fails", &tx.commit_fails, 0, BASE_STORE_DOWN},
        {"undo fails", &tx.undo_fails, 1, BASE_INTERNAL},
    };
    keeper_group_t *group = keeper_group_make(pool, &ops, 0, 1000);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        reset();
        *rows[i].fails = 1;
        base_result_t result = run_one(group, rows[i].job_fails);
        is_int(result.code, rows[i].want, rows[i].name);
        ok(tx.written == 0 && !tx.open, "  nothing is written, nothing stays open");
        *rows[i].fails = 0;
        is_int(run_one(group, 0).code, BASE_OK, "  well again when it is over");
    }
}

/* ---- many at once ---- */

typedef struct caller_t {
    pthread_t thread;
    keeper_group_t *group;
    int fails;
    int times; /* jobs, one after the other */
    int done;
    base_result_t result;
    apr_pool_t *pool;
} caller_t;

static void *call(void *data)
{
    caller_t *caller = data;
    for (int i = 0; i < caller->times; i++) {
        keeper_job_t job = {.work = work, .baton = &caller->fails, .pool = caller->pool};
        caller->result = keeper_group_run(caller->group, &job);
        caller->done += caller->result.code == BASE_OK;
    }
    return NULL;
}

static caller_t callers[THREADS];

static void call_all_times(keeper_group_t *group, int every_so_many_fails, int times)
{
    for (int i = 0; i < THREADS; i++) {
        callers[i].group = group;
        callers[i].times = times;
        callers[i].done = 0;
        callers[i].fails = every_so_many_fails && i % every_so_many_fails == 0;
        apr_pool_create(&callers[i].pool, NULL);
        if (pthread_create(&callers[i].thread, NULL, call, &callers[i]) != 0)
            exit(1);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(callers[i].thread, NULL);
}

static void call_all(keeper_group_t *group, int every_so_many_fails)
{
    call_all_times(group, every_so_many_fails, 1);
}

static int count_results(base_code_t code)
{
    int count = 0;
    for (int i = 0; i < THREADS; i++)
        count += callers[i].result.code == code;
    return count;
}

static void free_callers(void)
{
    for (int i = 0; i < THREADS; i++)
        apr_pool_destroy(callers[i].pool);
}

static void test_many_share_a_commit(void)
{
    keeper_group_t *group = keeper_group_make(pool, &ops, 0, 10000);
    reset();
    tx.commit_us = 50000;
    call_all(group, 0);
    printf("# %d jobs, %d commits\n", THREADS, tx.commits);
    is_int(count_results(BASE_OK), THREADS, "all jobs are done");
    is_int(tx.written, THREADS, "and written");
    ok(tx.commits < THREADS / 2, "by far fewer commits");
    is_int(tx.overlap, 0, "never two transactions at once");
    free_callers();
}

/** Turns change hands thousands of times; nobody is left behind, and no two lead at once. */
static void test_turns(void)
{
    static const int max_jobs[] = {0, 1, 3};
    for (size_t i = 0; i < 3; i++) {
        keeper_group_t *group = keeper_group_make(pool, &ops, max_jobs[i], 10000);
        int done = 0;
        reset();
        tx.commit_us = i == 0 ? 20 : 0;
        call_all_times(group, 0, 200);
        for (int j = 0; j < THREADS; j++)
            done += callers[j].done;
        is_int(done, 200 * THREADS, "thousands of jobs are done");
        ok(tx.written == done && tx.jobs == done && tx.overlap == 0,
           "each once, never two transactions at once");
        free_callers();
    }
}

static void test_one_commit_each(void)
{
    keeper_group_t *group = keeper_group_make(pool, &ops, 1, 10000);
    reset();
    call_all(group, 0);
    is_int(tx.commits, THREADS, "a group of one: a commit for every job");
    is_int(tx.largest, 1, "never more than one in a transaction");
    free_callers();
    group = keeper_group_make(pool, &ops, 5, 10000);
    reset();
    tx.commit_us = 5000;
    call_all(group, 0);
    ok(tx.largest <= 5 && count_results(BASE_OK) == THREADS, "no more than five, if so asked");
    free_callers();
}

static void test_one_fails_alone(void)
{
    keeper_group_t *group = keeper_group_make(pool, &ops, 0, 10000);
    reset();
    tx.commit_us = 20000;
    call_all(group, 4);
    is_int(count_results(BASE_INTERNAL), THREADS / 4, "those that fail are told so");
    is_int(count_results(BASE_OK), THREADS - THREADS / 4, "the others succeed");
    is_int(tx.written, THREADS - THREADS / 4, "and what they did is written, and no more");
    free_callers();
}

static void test_all_are_told_of_a_lost_commit(void)
{
    keeper_group_t *group = keeper_group_make(pool, &ops, 0, 10000);
    int told = 0;
    reset();
    tx.commit_us = 20000;
    tx.commit_fails = 1;
    call_all(group, 4);
    is_int(count_results(BASE_OK), 0, "a commit that fails leaves nobody content");
    is_int(count_results(BASE_INTERNAL), THREADS / 4, "a job's own failure stays its own");
    for (int i = 0; i < THREADS; i++)
        told += callers[i].result.detail && callers[i].result.tag;
    is_int(told, THREADS, "everybody has a detail, in a pool of his own");
    is_int(tx.written, 0, "nothing is written");
    free_callers();
}

/** Others wait behind a commit that takes long; a job that is in it waits it out. */
static void test_waiting_ends(void)
{
    keeper_group_t *group = keeper_group_make(pool, &ops, 0, 100);
    reset();
    tx.commit_us = 600000;
    call_all(group, 0);
    int done = count_results(BASE_OK), late = count_results(BASE_STORE_DOWN);
    printf("# %d done, %d late\n", done, late);
    ok(done >= 1 && late >= 1 && done + late == THREADS, "whose turn does not come is told so");
    is_int(tx.written, done, "and what he wanted is not written");
    tx.commit_us = 0;
    is_int(run_one(group, 0).code, BASE_OK, "the next one is not kept waiting");
    free_callers();
}

/* ---- what is counted ---- */

static apr_uint64_t commits_of(const portal_meter_t *meter, int jobs)
{
    apr_uint64_t sum = 0;
    for (int i = 0; i < BASE_METER_BUCKETS; i++)
        sum += base_counter_get(&meter->group.bucket[i]);
    is_int((long long)base_counter_get(&meter->group.sum), jobs, "jobs that were made durable");
    return sum;
}

static apr_uint64_t timed(const portal_meter_t *meter)
{
    apr_uint64_t sum = 0;
    for (int i = 0; i < BASE_METER_BUCKETS; i++)
        sum += base_counter_get(&meter->timed[PORTAL_TIMED_COMMIT].bucket[i]);
    return sum;
}

static void test_counts(void)
{
    static portal_meter_t meter;
    base_gauge_t up;
    keeper_group_t *group = keeper_group_make(pool, &ops, 0, 10000);
    memset(&up, 0, sizeof up);
    keeper_group_meter(group, &meter, &up);
    reset();
    run_one(group, 0);
    is_int(base_gauge_get(&up), 1, "a transaction that went well: up");
    run_one(group, 1);
    is_int(base_gauge_get(&up), 1, "a job that failed by itself: still up");
    is_int((long long)commits_of(&meter, 1), 1, "and no commit");
    tx.commit_fails = 1;
    run_one(group, 0);
    is_int(base_gauge_get(&up), 0, "a commit that failed: down");
    is_int((long long)commits_of(&meter, 1), 1, "made nothing durable");
    is_int((long long)timed(&meter), 2, "but took its time");
    tx.commit_fails = 0;
    run_one(group, 0);
    is_int(base_gauge_get(&up), 1, "the next one: up again");
    tx.begin_fails = 1;
    run_one(group, 0);
    is_int(base_gauge_get(&up), 0, "a transaction that cannot begin: down");
    tx.begin_fails = 0;
    call_all_times(group, 4, 8);
    is_int((long long)commits_of(&meter, tx.written), tx.commits - 1, "many at once: every commit");
    is_int((long long)timed(&meter), tx.commits, "timed, each");
    free_callers();
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_one_after_the_other();
    test_faults();
    test_many_share_a_commit();
    test_turns();
    test_one_commit_each();
    test_one_fails_alone();
    test_all_are_told_of_a_lost_commit();
    test_waiting_ends();
    test_counts();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
