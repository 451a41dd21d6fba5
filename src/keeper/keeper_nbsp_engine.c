/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_nbsp_engine.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "base/base_secret.h"
#include "keeper/keeper_frame.h"
#include "keeper/keeper_nbsp_easy.h"

#define POLL_MAX_MS    1000
#define CONNS_KEPT_MAX 128L /* libcurl's own limit grows and falls with the transfers under way */

struct keeper_nbsp_engine_t {
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock;    /* over the three below, and each job's done */
    pthread_cond_t finished; /* some job is done */
    keeper_nbsp_job_t *queue;
    int stopping;
    int running;             /* the thread was started */
    keeper_nbsp_job_t *jobs; /* under way; the thread's own */
};

/* ---- in the thread ---- */

static void finish(keeper_nbsp_engine_t *engine, keeper_nbsp_job_t *job, CURLcode code)
{
    if (job->easy)
        curl_multi_remove_handle(engine->multi, job->easy);
    keeper_nbsp_easy_close(job, code);
    pthread_mutex_lock(&engine->lock);
    job->done = 1;
    pthread_cond_broadcast(&engine->finished);
    pthread_mutex_unlock(&engine->lock);
}

static void begin(keeper_nbsp_engine_t *engine, keeper_nbsp_job_t *job)
{
    if (!keeper_nbsp_easy_open(job)) {
        finish(engine, job, CURLE_FAILED_INIT);
        return;
    }
    if (curl_multi_add_handle(engine->multi, job->easy) != CURLM_OK) {
        curl_easy_cleanup(job->easy);
        job->easy = NULL;
        finish(engine, job, CURLE_OUT_OF_MEMORY);
        return;
    }
    job->next = engine->jobs;
    engine->jobs = job;
}

/* Takes what was put in the queue. Nonzero unless the engine is to stop. */
static int take_queue(keeper_nbsp_engine_t *engine)
{
    keeper_nbsp_job_t *queue, *next;
    int go_on;
    pthread_mutex_lock(&engine->lock);
    queue = engine->queue;
    engine->queue = NULL;
    go_on = !engine->stopping;
    pthread_mutex_unlock(&engine->lock);
    for (; queue; queue = next) {
        next = queue->next;
        begin(engine, queue);
    }
    return go_on;
}

static void take_out(keeper_nbsp_engine_t *engine, keeper_nbsp_job_t *job)
{
    keeper_nbsp_job_t **link = &engine->jobs;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
}

static void reap(keeper_nbsp_engine_t *engine)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(engine->multi, &left))) {
        CURLcode code = message->data.result;
        char *job = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &job);
        take_out(engine, (keeper_nbsp_job_t *)(void *)job);
        finish(engine, (keeper_nbsp_job_t *)(void *)job, code);
    }
}

/* A connection that gave no answer in time may be lost without anybody having been told. HTTP/2
 * would keep it, for the next ones to wait on in vain: whoever waits on it last ends it. */
static void give_up(keeper_nbsp_engine_t *engine, keeper_nbsp_job_t *job)
{
    (void)curl_easy_setopt(job->easy, CURLOPT_FORBID_REUSE, 1L);
    take_out(engine, job);
    finish(engine, job, CURLE_OPERATION_TIMEDOUT);
}

/* The one limit in time of a transfer. libcurl's own does not hold for one that waits for another's
 * connection, and leaves the connection as it is. */
static int expire(keeper_nbsp_engine_t *engine)
{
    int least = POLL_MAX_MS;
    keeper_nbsp_job_t *next;
    for (keeper_nbsp_job_t *job = engine->jobs; job; job = next) {
        int left = keeper_deadline_left(job->deadline);
        next = job->next;
        if (left <= 0) {
            give_up(engine, job);
        } else if (left < least) {
            least = left;
        }
    }
    return least;
}

static void abandon(keeper_nbsp_engine_t *engine)
{
    while (engine->jobs) {
        keeper_nbsp_job_t *job = engine->jobs;
        engine->jobs = job->next;
        finish(engine, job, CURLE_ABORTED_BY_CALLBACK);
    }
}

static void *work(void *baton)
{
    keeper_nbsp_engine_t *engine = baton;
    int running;
    while (take_queue(engine)) {
        int wait;
        curl_multi_perform(engine->multi, &running);
        reap(engine);
        wait = expire(engine);
        curl_multi_poll(engine->multi, NULL, 0, wait, NULL);
    }
    abandon(engine);
    return NULL;
}

/* ---- outside ---- */

static apr_status_t stop(void *baton)
{
    keeper_nbsp_engine_t *engine = baton;
    if (engine->running) {
        pthread_mutex_lock(&engine->lock);
        engine->stopping = 1;
        pthread_mutex_unlock(&engine->lock);
        curl_multi_wakeup(engine->multi);
        pthread_join(engine->thread, NULL);
    }
    curl_multi_cleanup(engine->multi);
    pthread_cond_destroy(&engine->finished);
    pthread_mutex_destroy(&engine->lock);
    return APR_SUCCESS;
}

keeper_nbsp_engine_t *keeper_nbsp_engine_make(apr_pool_t *pool)
{
    keeper_nbsp_engine_t *engine = apr_pcalloc(pool, sizeof(*engine));
    if (!keeper_nbsp_easy_init() || pthread_mutex_init(&engine->lock, NULL) != 0)
        return NULL;
    if (pthread_cond_init(&engine->finished, NULL) != 0) {
        pthread_mutex_destroy(&engine->lock);
        return NULL;
    }
    engine->multi = curl_multi_init();
    if (!engine->multi ||
        curl_multi_setopt(engine->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX) !=
            CURLM_OK ||
        curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, CONNS_KEPT_MAX) != CURLM_OK) {
        stop(engine);
        return NULL;
    }
    apr_pool_cleanup_register(pool, engine, stop, apr_pool_cleanup_null);
    return engine;
}

/* Signals are for the accepting thread; and a broken connection is an error, not SIGPIPE. */
int keeper_nbsp_engine_start(keeper_nbsp_engine_t *engine)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    engine->running = pthread_create(&engine->thread, NULL, work, engine) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return engine->running;
}

int keeper_nbsp_engine_run(keeper_nbsp_engine_t *engine, keeper_nbsp_job_t *job)
{
    job->done = 0;
    pthread_mutex_lock(&engine->lock);
    if (engine->stopping || !engine->running) {
        job->code = CURLE_ABORTED_BY_CALLBACK;
        pthread_mutex_unlock(&engine->lock);
        return 0;
    }
    job->next = engine->queue;
    engine->queue = job;
    curl_multi_wakeup(engine->multi);
    while (!job->done)
        pthread_cond_wait(&engine->finished, &engine->lock);
    pthread_mutex_unlock(&engine->lock);
    return job->code == CURLE_OK;
}
