/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_issuers.h"

#include <pthread.h>

#include <apr_strings.h>

#include "httpd/mod_gba_pki_meter.h"
#include "httpd/mod_gba_pki_profile.h"
#include "keeper/keeper_issuer.h"

/* Stands for an issuer until its ledger could be opened, and tries that whenever it is asked. */
typedef struct late_t {
    mod_gba_pki_issuers_t *among;
    int ca, ledger;
    portal_issuer_t issuer;
} late_t;

struct mod_gba_pki_issuers_t {
    const mod_gba_pki_parts_t *parts;
    const base_log_t *log;
    const apr_array_header_t *profiles;  /* every profile that may be asked for */
    portal_issuer_t **open;              /* ca * ledgers + ledger; NULL: not opened yet */
    keeper_issuer_parts_t *issuer_parts; /* likewise; set where open is */
    late_t *late;                        /* likewise; constant */
    pthread_mutex_t lock;                /* over open; never held for long */
    pthread_mutex_t opening; /* held while a ledger is opened; over pool once others ask */
    apr_pool_t *pool;
};

/* Ledgers were prepared when httpd started. One that cannot be opened now (a keeper that starts
 * anew after the disk failed, say) must not keep the others from being used: it is tried again when
 * it is asked for. What an attempt took is given back. */
static base_result_t open_ledger(const mod_gba_pki_issuers_t *self, mod_gba_pki_ledger_t *ledger,
                                 apr_pool_t *pool)
{
    base_gauge_t *up = mod_gba_pki_meter_ledger(ledger->index);
    base_result_t result = base_ok();
    keeper_ledger_t *handle;
    apr_pool_t *own;

    if (ledger->handle)
        return result;
    apr_pool_create(&own, self->pool);
    result = keeper_sqlite_open(&handle, ledger->path, own);
    base_gauge_set(up, result.code == BASE_OK);
    if (result.code == BASE_OK) { /* the thread that signs chain heads looks at it too */
        keeper_sqlite_meter(handle, mod_gba_pki_meter(), up);
        __atomic_store_n(&ledger->handle, handle, __ATOMIC_RELEASE);
        return result;
    }
    result.detail = apr_pstrdup(pool, result.detail);
    apr_pool_destroy(own);
    return result;
}

static int place_of(const mod_gba_pki_issuers_t *self, int ca, int ledger)
{
    return ca * self->parts->ledgers->nelts + ledger;
}

static portal_issuer_t *opened(mod_gba_pki_issuers_t *self, int place)
{
    portal_issuer_t *issuer;

    pthread_mutex_lock(&self->lock);
    issuer = self->open[place];
    pthread_mutex_unlock(&self->lock);
    return issuer;
}

/* By one thread at a time. */
static base_result_t make_issuer(mod_gba_pki_issuers_t *self, int ca, int index, apr_pool_t *pool)
{
    const apr_array_header_t *cas = self->parts->cas;
    mod_gba_pki_ledger_t *ledger =
        APR_ARRAY_IDX(self->parts->ledgers, index, mod_gba_pki_ledger_t *);
    keeper_issuer_parts_t *parts = &self->issuer_parts[place_of(self, ca, index)];
    base_result_t result = open_ledger(self, ledger, pool);
    portal_issuer_t *issuer;

    if (result.code != BASE_OK)
        return result;
    parts->ledger = ledger->handle;
    /* A location may name pseudonyms only, without a CA: the row of CA 0 is there all the same. */
    parts->ca = cas->nelts ? APR_ARRAY_IDX(cas, ca, mod_gba_pki_ca_t *)->ca : NULL;
    parts->clock = base_clock_system();
    parts->random = base_random_system();
    parts->log = self->log;
    parts->meter = mod_gba_pki_meter();
    issuer = keeper_issuer_make(self->pool, parts);
    if (!keeper_issuer_limit(issuer, (const pki_profile_t *)self->profiles->elts,
                             self->profiles->nelts, self->pool))
        return base_fail(BASE_STORE_DOWN, "GBA1745", "the configured profiles cannot be hashed");
    pthread_mutex_lock(&self->lock);
    self->open[place_of(self, ca, index)] = issuer;
    pthread_mutex_unlock(&self->lock);
    return result;
}

/* BASE_OK: the pair is open, perhaps only now. */
static base_result_t open_pair(mod_gba_pki_issuers_t *self, int ca, int ledger, apr_pool_t *pool)
{
    base_result_t result = base_ok();

    pthread_mutex_lock(&self->opening);
    if (!opened(self, place_of(self, ca, ledger)))
        result = make_issuer(self, ca, ledger, pool);
    pthread_mutex_unlock(&self->opening);
    return result;
}

/* The pair's issuer, opened if it is not yet. */
static base_result_t late_issuer(const late_t *late, const portal_issuer_t **issuer,
                                 apr_pool_t *pool)
{
    base_result_t result = open_pair(late->among, late->ca, late->ledger, pool);

    if (result.code == BASE_OK)
        *issuer = opened(late->among, place_of(late->among, late->ca, late->ledger));
    return result;
}

static base_result_t late_issue(void *baton, const portal_issue_t *question, portal_issued_t *out,
                                apr_pool_t *pool)
{
    const portal_issuer_t *issuer = NULL;
    base_result_t result = late_issuer(baton, &issuer, pool);

    return result.code == BASE_OK ? issuer->issue(issuer->baton, question, out, pool) : result;
}

static base_result_t late_pseudonym(void *baton, const char *subscriber,
                                    char out[PKI_PSEUDONYM_LEN + 1], apr_pool_t *pool)
{
    const portal_issuer_t *issuer = NULL;
    base_result_t result = late_issuer(baton, &issuer, pool);

    return result.code == BASE_OK ? issuer->pseudonym(issuer->baton, subscriber, out, pool)
                                  : result;
}

static base_result_t late_weigh(void *baton, const portal_issue_t *question, portal_weighed_t *out,
                                apr_pool_t *pool)
{
    const portal_issuer_t *issuer = NULL;
    base_result_t result = late_issuer(baton, &issuer, pool);

    return result.code == BASE_OK ? issuer->weigh(issuer->baton, question, out, pool) : result;
}

static int ca_rows(const mod_gba_pki_issuers_t *self)
{
    int cas = self->parts->cas->nelts;

    return cas ? cas : 1;
}

static void begin_issuer(mod_gba_pki_issuers_t *self, int ca, int ledger)
{
    late_t *late = &self->late[place_of(self, ca, ledger)];
    base_result_t result;

    *late = (late_t){self, ca, ledger, {late, late_issue, late_pseudonym, late_weigh}};
    result = make_issuer(self, ca, ledger, self->pool);
    if (result.code != BASE_OK)
        self->log->emit(self->log->baton, BASE_LOG_ERR, result.tag, result.detail);
}

static int make_room(mod_gba_pki_issuers_t *self)
{
    apr_size_t pairs = (apr_size_t)(ca_rows(self) * self->parts->ledgers->nelts) + 1;

    self->open = apr_pcalloc(self->pool, sizeof(*self->open) * pairs);
    self->issuer_parts = apr_pcalloc(self->pool, sizeof(*self->issuer_parts) * pairs);
    self->late = apr_pcalloc(self->pool, sizeof(*self->late) * pairs);
    return pthread_mutex_init(&self->lock, NULL) == 0 &&
           pthread_mutex_init(&self->opening, NULL) == 0;
}

mod_gba_pki_issuers_t *mod_gba_pki_issuers_make(const mod_gba_pki_parts_t *parts,
                                                const base_log_t *log, apr_pool_t *pool)
{
    mod_gba_pki_issuers_t *self = apr_pcalloc(pool, sizeof(*self));

    self->parts = parts;
    self->log = log;
    self->pool = pool;
    self->profiles = mod_gba_pki_profiles_all(parts, pool);
    if (!make_room(self))
        return NULL;
    for (int i = 0; i < ca_rows(self); i++)
        for (int j = 0; j < parts->ledgers->nelts; j++)
            begin_issuer(self, i, j);
    return self;
}

static int is_pair(const mod_gba_pki_issuers_t *self, int ca, int ledger)
{
    return ca >= 0 && ca < ca_rows(self) && ledger >= 0 && ledger < self->parts->ledgers->nelts;
}

const portal_issuer_t *mod_gba_pki_issuers_get(void *issuers, int ca, int ledger)
{
    mod_gba_pki_issuers_t *self = issuers;
    const portal_issuer_t *issuer;

    if (!is_pair(self, ca, ledger))
        return NULL;
    issuer = opened(self, place_of(self, ca, ledger));
    return issuer ? issuer : &self->late[place_of(self, ca, ledger)].issuer;
}

base_result_t mod_gba_pki_issuers_health(void *issuers, int ca, int ledger, apr_pool_t *pool)
{
    mod_gba_pki_issuers_t *self = issuers;
    base_result_t result = base_ok();

    if (self->parts->cas->nelts == 0 || self->parts->ledgers->nelts == 0)
        return result; /* there is nothing to issue with: who asks wants to know who answers */
    if (!is_pair(self, ca, ledger))
        return base_fail(BASE_STORE_DOWN, "GBA0734", "no such CA and ledger");
    result = open_pair(self, ca, ledger, pool);
    return result.code == BASE_OK
               ? keeper_issuer_health(&self->issuer_parts[place_of(self, ca, ledger)], pool)
               : result;
}
