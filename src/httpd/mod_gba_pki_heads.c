/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_heads.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "keeper/keeper_audit.h"

#define EVERY_SECONDS 3600

struct mod_gba_pki_heads_t {
    const mod_gba_pki_parts_t *parts;
    const base_log_t *log;
    apr_pool_t *pool;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t told; /* that it is time to stop */
    int stopping;
};

/* Each ledger by the first CA: one signature is enough to see that a chain was cut. */
static void sign_all(mod_gba_pki_heads_t *heads)
{
    const mod_gba_pki_ca_t *ca = APR_ARRAY_IDX(heads->parts->cas, 0, mod_gba_pki_ca_t *);
    const base_clock_t *clock = base_clock_system();

    for (int i = 0; i < heads->parts->ledgers->nelts; i++) {
        const mod_gba_pki_ledger_t *ledger =
            APR_ARRAY_IDX(heads->parts->ledgers, i, mod_gba_pki_ledger_t *);
        keeper_ledger_t *handle = __atomic_load_n(&ledger->handle, __ATOMIC_ACQUIRE);
        base_result_t result = base_ok();
        if (handle)
            result = keeper_audit_sign_heads(handle, ca->ca, clock->wall(clock->baton), NULL,
                                             heads->pool);
        if (result.code != BASE_OK)
            heads->log->emit(heads->log->baton, BASE_LOG_ERR, result.tag, result.detail);
    }
    apr_pool_clear(heads->pool);
}

/* Nonzero if an hour has passed, whatever becomes of the clock on the wall; zero if it is time to
 * stop. */
static int wait_an_hour(mod_gba_pki_heads_t *heads)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += EVERY_SECONDS;
    pthread_mutex_lock(&heads->lock);
    while (!heads->stopping && rc != ETIMEDOUT)
        rc = pthread_cond_clockwait(&heads->told, &heads->lock, CLOCK_MONOTONIC, &until);
    rc = !heads->stopping;
    pthread_mutex_unlock(&heads->lock);
    return rc;
}

static void *run(void *baton)
{
    mod_gba_pki_heads_t *heads = baton;

    while (wait_an_hour(heads))
        sign_all(heads);
    return NULL;
}

mod_gba_pki_heads_t *mod_gba_pki_heads_start(const mod_gba_pki_parts_t *parts,
                                             const base_log_t *log, apr_pool_t *pool)
{
    mod_gba_pki_heads_t *heads = apr_pcalloc(pool, sizeof(*heads));

    if (parts->cas->nelts == 0 || parts->ledgers->nelts == 0)
        return NULL;
    heads->parts = parts;
    heads->log = log;
    apr_pool_create(&heads->pool, pool);
    if (pthread_mutex_init(&heads->lock, NULL) == 0 && pthread_cond_init(&heads->told, NULL) == 0 &&
        pthread_create(&heads->thread, NULL, run, heads) == 0)
        return heads;
    log->emit(log->baton, BASE_LOG_ERR, "GBA0737", "no thread that signs the chains' heads");
    return NULL;
}

void mod_gba_pki_heads_stop(mod_gba_pki_heads_t *heads)
{
    if (!heads)
        return;
    pthread_mutex_lock(&heads->lock);
    heads->stopping = 1;
    pthread_cond_signal(&heads->told);
    pthread_mutex_unlock(&heads->lock);
    pthread_join(heads->thread, NULL);
    sign_all(heads);
}
