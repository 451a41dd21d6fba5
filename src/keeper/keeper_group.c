/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_group.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <apr_strings.h>
#include "base/base_fault.h"

/** WAITING: in the queue. LEADS: first in it, and its owner is to go on. TAKEN: in the hands of the
 *  one who leads. DONE: its result stands. An owner who waits is woken once, to lead or when his
 * job is done. */
enum { WAITING, LEADS, TAKEN, DONE };

struct keeper_group_t {
    const keeper_group_ops_t *ops;
    int max_jobs;
    int wait_ms;
    portal_meter_t *meter; /* may be NULL, as may */
    base_gauge_t *up;
    pthread_mutex_t mutex; /* guards what follows, and the states of jobs */
    int led;               /* a thread is at work for the others, or is being woken for it */
    keeper_job_t *first;   /* those that wait, in the order in which they came */
    keeper_job_t **end;
};

static apr_status_t free_group(void *data)
{
    keeper_group_t *group = data;
    pthread_mutex_destroy(&group->mutex);
    return APR_SUCCESS;
}

keeper_group_t *keeper_group_make(apr_pool_t *pool, const keeper_group_ops_t *ops, int max_jobs,
                                  int wait_ms)
{
    keeper_group_t *group = apr_pcalloc(pool, sizeof *group);
    group->ops = ops;
    group->max_jobs = max_jobs > 0 ? max_jobs : KEEPER_GROUP_MAX;
    group->wait_ms = wait_ms;
    group->end = &group->first;
    if (pthread_mutex_init(&group->mutex, NULL) != 0)
        return NULL;
    apr_pool_cleanup_register(pool, group, free_group, apr_pool_cleanup_null);
    return group;
}

void keeper_group_meter(keeper_group_t *group, portal_meter_t *meter, base_gauge_t *up)
{
    group->meter = meter;
    group->up = up;
}

/* ---- a transaction, by the thread that leads ---- */

/** The same result for another's pool. */
static void tell(keeper_job_t *job, base_result_t result)
{
    job->result = result;
    if (result.detail)
        job->result.detail = apr_pstrdup(job->pool, result.detail);
}

/** Whoever hoped that this transaction would be committed. A job with a failure of its own keeps
 *  it. */
static void tell_all(keeper_job_t *batch, base_result_t result)
{
    for (keeper_job_t *job = batch; job; job = job->next)
        if (job->result.code == BASE_OK)
            tell(job, result);
}

/** BASE_OK: the transaction can go on, whatever became of the job. */
static base_result_t run_one(const keeper_group_ops_t *ops, keeper_job_t *job)
{
    base_result_t result = ops->mark(ops->baton, job->pool);
    if (result.code != BASE_OK)
        return result;
    job->result = job->work(job->baton, job->pool);
    return job->result.code == BASE_OK ? ops->keep(ops->baton, job->pool)
                                       : ops->undo(ops->baton, job->pool);
}

static base_result_t commit(const keeper_group_t *group, int jobs, apr_pool_t *pool)
{
    const keeper_group_ops_t *ops = group->ops;
    apr_uint64_t began = base_meter_now();
    BASE_FAULT("commit-before");
    base_result_t result = ops->commit(ops->baton, pool);
    BASE_FAULT("commit-after");
    portal_meter_timed(group->meter, PORTAL_TIMED_COMMIT, began);
    if (result.code == BASE_OK)
        portal_meter_grouped(group->meter, jobs);
    return result;
}

static void run_batch(const keeper_group_t *group, keeper_job_t *batch)
{
    const keeper_group_ops_t *ops = group->ops;
    int kept = 0;
    base_result_t result = ops->begin(ops->baton, batch->pool);
    if (result.code != BASE_OK) {
        base_gauge_set(group->up, 0);
        tell_all(batch, result);
        return;
    }
    for (keeper_job_t *job = batch; job && result.code == BASE_OK; job = job->next) {
        result = run_one(ops, job);
        kept += job->result.code == BASE_OK;
    }
    if (result.code == BASE_OK && kept)
        result = commit(group, kept, batch->pool);
    else
        ops->rollback(ops->baton); /* lost, or nothing in it */
    base_gauge_set(group->up, result.code == BASE_OK);
    if (result.code != BASE_OK)
        tell_all(batch, result);
}

/* ---- the queue, under the mutex ---- */

static void append(keeper_group_t *group, keeper_job_t *job)
{
    job->state = WAITING;
    job->next = NULL;
    job->result = base_ok();
    *group->end = job;
    group->end = &job->next;
}

static void withdraw(keeper_group_t *group, const keeper_job_t *job)
{
    keeper_job_t **at = &group->first;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    if (!*at)
        group->end = at;
}

/** Takes jobs out of the queue, from its front. */
static keeper_job_t *take_batch(keeper_group_t *group)
{
    keeper_job_t *batch = group->first;
    keeper_job_t *last = batch;
    last->state = TAKEN;
    for (int count = 1; count < group->max_jobs && last->next; count++) {
        last = last->next;
        last->state = TAKEN;
    }
    group->first = last->next;
    if (!group->first)
        group->end = &group->first;
    last->next = NULL;
    return batch;
}

/** Somebody else's turn, if anybody waits: NULL if not. */
static keeper_job_t *hand_on(keeper_group_t *group)
{
    keeper_job_t *next = group->first;
    if (next)
        next->state = LEADS;
    else
        group->led = 0;
    return next;
}

/** Wakes the owners. No job may be touched after that. */
static void finish_batch(keeper_job_t *batch, const keeper_job_t *own)
{
    while (batch) {
        keeper_job_t *next = batch->next;
        if (batch != own) {
            batch->state = DONE;
            sem_post(&batch->wake);
        }
        batch = next;
    }
}

/** Nobody wakes the owner of @a own: he is here. The next one starts before the others are told, so
 *  that the disk has something to do. */
static void lead(keeper_group_t *group, keeper_job_t *own)
{
    pthread_mutex_lock(&group->mutex);
    keeper_job_t *batch = take_batch(group);
    pthread_mutex_unlock(&group->mutex);
    run_batch(group, batch);
    pthread_mutex_lock(&group->mutex);
    keeper_job_t *next = hand_on(group);
    pthread_mutex_unlock(&group->mutex);
    if (next)
        sem_post(&next->wake);
    finish_batch(batch, own);
}

/** Nonzero if the job stood in the queue to the end, and does not any more. */
static int give_up(keeper_group_t *group, keeper_job_t *job)
{
    pthread_mutex_lock(&group->mutex);
    int waits = job->state == WAITING;
    if (waits)
        withdraw(group, job);
    pthread_mutex_unlock(&group->mutex);
    return waits;
}

static int wait_until(sem_t *wake, const struct timespec *until)
{
    int rc;
    do
        rc = sem_clockwait(wake, CLOCK_MONOTONIC, until);
    while (rc != 0 && errno == EINTR);
    return rc == 0;
}

static void wait_for_ever(sem_t *wake)
{
    while (sem_wait(wake) != 0 && errno == EINTR)
        continue;
}

static struct timespec from_now(int ms)
{
    struct timespec when;
    clock_gettime(CLOCK_MONOTONIC, &when);
    when.tv_sec += ms / 1000;
    when.tv_nsec += ms % 1000 * 1000000L;
    if (when.tv_nsec >= 1000000000L) {
        when.tv_sec++;
        when.tv_nsec -= 1000000000L;
    }
    return when;
}

/** Into the queue. Nonzero if its owner is the one to lead. */
static int enter(keeper_group_t *group, keeper_job_t *job)
{
    pthread_mutex_lock(&group->mutex);
    int leads = !group->led;
    append(group, job);
    if (leads) {
        group->led = 1;
        job->state = LEADS;
    }
    pthread_mutex_unlock(&group->mutex);
    return leads;
}

/** Until the job is done. Every post is waited for, so that the semaphore can go. */
static void wait_or_lead(keeper_group_t *group, keeper_job_t *job)
{
    struct timespec until = from_now(group->wait_ms);
    if (!enter(group, job)) {
        if (!wait_until(&job->wake, &until)) {
            if (give_up(group, job)) {
                job->result = base_fail(BASE_STORE_DOWN, "GBA0536",
                                        "ledger: those before this one took too long");
                return;
            }
            wait_for_ever(&job->wake);
        }
        if (job->state == DONE)
            return;
    }
    lead(group, job);
}

base_result_t keeper_group_run(keeper_group_t *group, keeper_job_t *job)
{
    if (sem_init(&job->wake, 0, 0) != 0)
        return base_fail(BASE_STORE_DOWN, "GBA0537", "ledger: no semaphore");
    wait_or_lead(group, job);
    sem_destroy(&job->wake);
    return job->result;
}
