/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_group.h
 * Group commit: what many threads want to write goes into one transaction and
 * is made durable by one commit. The thread that finds nobody at work leads: it
 * takes all jobs that wait, runs them one after the other, commits, and wakes
 * whose jobs they were; what came meanwhile is the next one's. A job that fails
 * is undone alone. Knows nothing of what is written.
 */
#ifndef keeper_group_h
#define keeper_group_h

#include <semaphore.h>
#include <stdatomic.h>
#include <apr_pools.h>
#include "portal/portal_meter.h"

#define KEEPER_GROUP_MAX 128 /**< jobs in one transaction, unless another number is asked for */

/** A transaction, as far as the group moves it. Called by one thread at a time. */
typedef struct keeper_group_ops_t {
    void *baton; /**< the callbacks' first argument */
    /** If it fails there is no transaction, and nothing to roll back. */
    base_result_t (*begin)(void *baton, apr_pool_t *pool);
    /** Durable when it returns BASE_OK. Ends the transaction in any case. */
    base_result_t (*commit)(void *baton, apr_pool_t *pool);
    /** Undoes everything; ends the transaction. */
    void (*rollback)(void *baton);
    /** Before a job. */
    base_result_t (*mark)(void *baton, apr_pool_t *pool);
    /** After a job that succeeded. */
    base_result_t (*keep)(void *baton, apr_pool_t *pool);
    /** After a job that failed: back to the mark. If this fails, the whole transaction is lost. */
    base_result_t (*undo)(void *baton, apr_pool_t *pool);
} keeper_group_ops_t;

/** Something to write. Its memory is the caller's, who waits in keeper_group_run(). */
typedef struct keeper_job_t {
    /** Runs inside the transaction, on any of the group's threads, while the caller waits. What
     *  it did stays if it returns BASE_OK and is undone if not. Short: others wait for it. */
    base_result_t (*work)(void *baton, apr_pool_t *pool);
    void *baton;      /**< of work */
    apr_pool_t *pool; /**< the caller's: of work, and of the result's detail */
    /* What follows is the group's own. */
    base_result_t result;
    atomic_int state;
    struct keeper_job_t *next;
    sem_t wake;
} keeper_job_t;

/** A group. Thread-safe. Never carry it over a fork. */
typedef struct keeper_group_t keeper_group_t;

/**
 * Makes a group in @a pool.
 * @param ops      kept by reference
 * @param max_jobs in one transaction; 0: KEEPER_GROUP_MAX; 1: every job has a commit of its own
 * @param wait_ms  how long a job may wait until its transaction begins
 * @return NULL if the system has no mutex
 */
keeper_group_t *keeper_group_make(apr_pool_t *pool, const keeper_group_ops_t *ops, int max_jobs,
                                  int wait_ms);

/** Has commits, their sizes and durations counted by @a meter, and whether the last transaction
 * went well (1) or not (0) told by @a up; either may be NULL. Before the first job. */
void keeper_group_meter(keeper_group_t *group, portal_meter_t *meter, base_gauge_t *up);

/** Runs the job in a transaction. BASE_OK: it succeeded and is committed. Else nothing of it is
 *  written: its own result, that of the transaction, or BASE_STORE_DOWN after wait_ms. */
base_result_t keeper_group_run(keeper_group_t *group, keeper_job_t *job);

#endif
