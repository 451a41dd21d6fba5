/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_lookup.h"

#include <pthread.h>
#include <string.h>

#include <apr_strings.h>

#include "base/base_secret.h"

#define SCALE 1000 /* tokens are counted in thousandths, so that a millisecond can add a part */

/* One call of the source under way. Lives on its leader's stack; followers hold it by the count. */
typedef struct flight_t {
    struct flight_t *next;
    gba_assoc_key_t key;
    int waiting; /* followers that have not yet copied the answer */
    int done;
    int again;            /* asked of a key that is known */
    base_result_t result; /* detail is static or in the leader's pool: followers copy it */
    gba_info_t info;
} flight_t;

/* Something the source did not know. until 0 marks an empty place. */
typedef struct unknown_t {
    gba_assoc_key_t key;
    apr_uint64_t until;
} unknown_t;

typedef struct limiter_t {
    keeper_lookup_config_t config;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* some flight was done, or a follower has copied its answer */
    flight_t *flights;
    apr_uint32_t flying[2]; /* for keys that are not known, and again for those that are */
    apr_uint64_t tokens;    /* in 1/SCALE */
    apr_uint64_t filled;    /* monotonic ms up to which the bucket was filled */
    unknown_t unknown[KEEPER_UNKNOWN_MEMORY];
    apr_size_t next_unknown;
} limiter_t;

static apr_uint64_t now_ms(const limiter_t *l)
{
    return l->config.clock->monotonic(l->config.clock->baton);
}

/* ---- all below runs with the lock held ---- */

static flight_t *find_flight(const limiter_t *l, const gba_assoc_key_t *key)
{
    flight_t *flight = l->flights;

    while (flight && (flight->done || memcmp(&flight->key, key, sizeof(*key)) != 0))
        flight = flight->next;
    return flight;
}

static int is_unknown(const limiter_t *l, const gba_assoc_key_t *key)
{
    apr_uint64_t now = now_ms(l);

    for (apr_size_t i = 0; i < KEEPER_UNKNOWN_MEMORY; i++)
        if (l->unknown[i].until > now && memcmp(&l->unknown[i].key, key, sizeof(*key)) == 0)
            return 1;
    return 0;
}

static void remember_unknown(limiter_t *l, const gba_assoc_key_t *key)
{
    unknown_t *place = &l->unknown[l->next_unknown];

    place->key = *key;
    place->until = now_ms(l) + l->config.remember_ms;
    l->next_unknown = (l->next_unknown + 1) % KEEPER_UNKNOWN_MEMORY;
}

static int take_token(limiter_t *l)
{
    apr_uint64_t full = (apr_uint64_t)l->config.rate * SCALE;
    apr_uint64_t now = now_ms(l);
    apr_uint64_t passed = now > l->filled ? now - l->filled : 0;

    l->tokens = passed > 1000 ? full : l->tokens + passed * l->config.rate;
    if (l->tokens > full)
        l->tokens = full;
    l->filled = now;
    if (l->tokens < SCALE)
        return 0;
    l->tokens -= SCALE;
    return 1;
}

static void give_token_back(limiter_t *l)
{
    l->tokens += SCALE;
}

static void start_flight(limiter_t *l, flight_t *flight, const gba_assoc_key_t *key, int again)
{
    memset(flight, 0, sizeof(*flight));
    flight->key = *key;
    flight->again = again;
    flight->next = l->flights;
    l->flights = flight;
    l->flying[again]++;
}

static void remove_flight(limiter_t *l, flight_t *flight)
{
    flight_t **link = &l->flights;

    while (*link != flight)
        link = &(*link)->next;
    *link = flight->next;
    l->flying[flight->again]--;
}

/* A flight is its leader's to take down, so the leader stays until every follower has copied. */
static void land(limiter_t *l, flight_t *flight)
{
    if (flight->result.code == BASE_UNKNOWN_BTID)
        remember_unknown(l, &flight->key);
    else if (!flight->again && (flight->result.code == BASE_OK || flight->result.unreached))
        give_token_back(l);
    flight->done = 1;
    pthread_cond_broadcast(&l->changed);
    while (flight->waiting > 0)
        pthread_cond_wait(&l->changed, &l->lock);
    remove_flight(l, flight);
}

static base_result_t follow(limiter_t *l, flight_t *flight, gba_info_t *out, apr_pool_t *pool)
{
    base_result_t result;

    flight->waiting++;
    while (!flight->done)
        pthread_cond_wait(&l->changed, &l->lock);
    result = flight->result;
    if (result.detail)
        result.detail = apr_pstrdup(pool, result.detail);
    *out = flight->info;
    flight->waiting--;
    pthread_cond_broadcast(&l->changed);
    return result;
}

/* ---- without the lock ---- */

/* The table may hold an earlier answer for the same key: refreshed now, or fetched by a location
 * that asked at the same time. */
static base_code_t keep(const gba_assoc_store_t *assocs, flight_t *flight)
{
    gba_info_t before;
    base_code_t code = assocs->find(assocs->baton, &flight->key, &before);

    gba_info_succeed(&flight->info, code == BASE_OK ? &before : NULL);
    base_secret_wipe(&before, sizeof(before));
    return assocs->put(assocs->baton, &flight->key, &flight->info);
}

/* What the source has forgotten is no key here either: its end is now. The entry stays, since it
 * holds the replay windows. */
static void end_known(const gba_assoc_store_t *assocs, const flight_t *flight, apr_time_t now)
{
    gba_info_t known;

    if (assocs->find(assocs->baton, &flight->key, &known) == BASE_OK) {
        known.expires = now;
        (void)assocs->put(assocs->baton, &flight->key, &known);
    }
    base_secret_wipe(&known, sizeof(known));
}

static void fly(const limiter_t *l, flight_t *flight, const gba_lookup_t *question,
                apr_pool_t *pool)
{
    const gba_keysource_t *source = l->config.source;
    const gba_assoc_store_t *assocs = l->config.assocs;
    apr_uint64_t began = base_meter_now();

    flight->result = source->lookup(source->baton, question, &flight->info, pool);
    portal_meter_timed(l->config.meter, PORTAL_TIMED_LOOKUP, began);
    if (flight->result.code == BASE_OK && assocs && keep(assocs, flight) != BASE_OK)
        flight->result =
            base_fail(BASE_KEYSOURCE_DOWN, "GBA0592", "the association cannot be stored");
    if (flight->result.code == BASE_UNKNOWN_BTID && flight->again && assocs)
        end_known(assocs, flight, l->config.clock->wall(l->config.clock->baton));
    if (flight->result.code != BASE_OK)
        base_secret_wipe(&flight->info, sizeof(flight->info));
}

static base_result_t lead(limiter_t *l, const gba_assoc_key_t *key, const gba_lookup_t *question,
                          gba_info_t *out, apr_pool_t *pool)
{
    flight_t flight;
    base_result_t result;

    start_flight(l, &flight, key, question->again);
    pthread_mutex_unlock(&l->lock);
    fly(l, &flight, question, pool);
    pthread_mutex_lock(&l->lock);
    land(l, &flight);
    *out = flight.info;
    result = flight.result;
    base_secret_wipe(&flight, sizeof(flight));
    return result;
}

static base_result_t look_up_locked(limiter_t *l, const gba_assoc_key_t *key,
                                    const gba_lookup_t *question, gba_info_t *out, apr_pool_t *pool)
{
    flight_t *flight = find_flight(l, key);

    if (flight)
        return follow(l, flight, out, pool);
    if (is_unknown(l, key))
        return base_fail(BASE_UNKNOWN_BTID, "GBA0593", "unknown, from memory");
    /* Who is known does not suffer from strangers' look-ups. */
    if (l->flying[question->again] >= l->config.in_flight)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0594", "too many look-ups are under way");
    if (!question->again && !take_token(l))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0595", "too many look-ups find nothing");
    return lead(l, key, question, out, pool);
}

static base_result_t limit(limiter_t *l, const gba_lookup_t *question, gba_info_t *out,
                           apr_pool_t *pool)
{
    gba_assoc_key_t key;
    base_result_t result;

    memset(out, 0, sizeof(*out));
    if (!gba_assoc_key(&key, l->config.source->name, question->btid, &question->naf))
        return base_fail(BASE_INTERNAL, "GBA0596", "the association's name cannot be made");
    pthread_mutex_lock(&l->lock);
    result = look_up_locked(l, &key, question, out, pool);
    pthread_mutex_unlock(&l->lock);
    return result;
}

static base_result_t look_up(void *baton, const gba_lookup_t *question, gba_info_t *out,
                             apr_pool_t *pool)
{
    limiter_t *l = baton;
    base_result_t result = limit(l, question, out, pool);

    portal_meter_looked_up(l->config.meter, result.code);
    return result;
}

gba_keysource_t *keeper_lookup_make(apr_pool_t *pool, const keeper_lookup_config_t *config)
{
    limiter_t *l = base_secret_alloc(pool, sizeof(*l));
    gba_keysource_t *source = apr_pcalloc(pool, sizeof(*source));

    l->config = *config;
    l->tokens = (apr_uint64_t)config->rate * SCALE;
    l->filled = now_ms(l);
    if (pthread_mutex_init(&l->lock, NULL) != 0 || pthread_cond_init(&l->changed, NULL) != 0)
        return NULL;
    source->baton = l;
    source->lookup = look_up;
    source->name = config->source->name;
    return source;
}
