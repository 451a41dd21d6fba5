/* SPDX-License-Identifier: Apache-2.0 */
/* keeper_lookup: one call per B-TID at a time, limits, memory of what is unknown. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "keeper/keeper_lookup.h"
#include "tap.h"

#define THREADS 16

static apr_pool_t *pool;
static apr_uint64_t now = 1000;
static int calls; /* of the source, under the lock below */
static int slow;  /* the source waits at the gate */
static int at_gate;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static base_code_t store_says = BASE_OK;
static int stored;
static portal_meter_t meter;

static apr_time_t wall(void *baton)
{
    (void)baton;
    return 0;
}

static apr_uint64_t monotonic(void *baton)
{
    (void)baton;
    return now;
}

static const base_clock_t fixed_clock = {NULL, wall, monotonic};

static base_result_t ask(void *baton, const gba_lookup_t *question, gba_info_t *out, apr_pool_t *p)
{
    (void)baton;
    (void)p;
    pthread_mutex_lock(&gate);
    calls++;
    at_gate++;
    pthread_cond_broadcast(&gate_moved);
    while (slow)
        pthread_cond_wait(&gate_moved, &gate);
    at_gate--;
    pthread_mutex_unlock(&gate);
    memset(out, 0, sizeof(*out));
    if (strncmp(question->btid, "u", 1) == 0)
        return base_fail(BASE_UNKNOWN_BTID, "TEST1", "unknown");
    if (strncmp(question->btid, "n", 1) == 0)
        return base_fail(BASE_NOT_AUTHORISED, "TEST3", "not for you");
    if (strncmp(question->btid, "d", 1) == 0 || strncmp(question->btid, "a", 1) == 0) {
        base_result_t down = base_fail(BASE_KEYSOURCE_DOWN, "TEST2", "down");
        down.unreached = question->btid[0] == 'a';
        return down;
    }
    memset(out->me_key, question->btid[1], GBA_KEY_LEN);
    return base_ok();
}

static base_code_t put(void *baton, const gba_assoc_key_t *key, const gba_info_t *info)
{
    (void)baton;
    (void)key;
    (void)info;
    __atomic_add_fetch(&stored, 1, __ATOMIC_SEQ_CST);
    return store_says;
}

static base_code_t find(void *baton, const gba_assoc_key_t *key, gba_info_t *out)
{
    (void)baton;
    (void)key;
    (void)out;
    return BASE_NOT_FOUND;
}

static const gba_keysource_t source = {NULL, ask, "source"};
static const gba_assoc_store_t store = {.find = find, .put = put};

static gba_keysource_t *limiter(apr_uint32_t rate, apr_uint32_t in_flight)
{
    keeper_lookup_config_t config = {.source = &source,
                                     .assocs = &store,
                                     .clock = &fixed_clock,
                                     .rate = rate,
                                     .in_flight = in_flight,
                                     .remember_ms = 10000,
                                     .meter = &meter};

    calls = stored = 0;
    memset(&meter, 0, sizeof(meter));
    return keeper_lookup_make(pool, &config);
}

static base_result_t look_up(gba_keysource_t *limited, const char *btid, gba_info_t *out)
{
    gba_lookup_t question;
    static const unsigned char ua_id[GBA_UA_ID_LEN] = {1, 0, 0, 0, 0};

    memset(&question, 0, sizeof(question));
    apr_cpystrn(question.btid, btid, sizeof(question.btid));
    gba_naf_id_set(&question.naf, "pkiportal.home1.net", ua_id);
    return limited->lookup(limited->baton, &question, out, pool);
}

static base_code_t code_of(gba_keysource_t *limited, const char *btid)
{
    gba_info_t info;

    return look_up(limited, btid, &info).code;
}

/* ---- many at once ---- */

typedef struct asker_t {
    gba_keysource_t *limited;
    const char *btid;
    base_code_t code;
    unsigned char key;
} asker_t;

static void *ask_in_thread(void *baton)
{
    asker_t *asker = baton;
    gba_lookup_t question;
    static const unsigned char ua_id[GBA_UA_ID_LEN] = {1, 0, 0, 0, 0};
    gba_info_t info;
    apr_pool_t *own;

    apr_pool_create(&own, NULL);
    memset(&question, 0, sizeof(question));
    apr_cpystrn(question.btid, asker->btid, sizeof(question.btid));
    gba_naf_id_set(&question.naf, "pkiportal.home1.net", ua_id);
    asker->code = asker->limited->lookup(asker->limited->baton, &question, &info, own).code;
    asker->key = info.me_key[0];
    apr_pool_destroy(own);
    return NULL;
}

static void wait_at_gate(int how_many)
{
    pthread_mutex_lock(&gate);
    while (at_gate < how_many)
        pthread_cond_wait(&gate_moved, &gate);
    pthread_mutex_unlock(&gate);
}

static void open_gate(void)
{
    pthread_mutex_lock(&gate);
    slow = 0;
    pthread_cond_broadcast(&gate_moved);
    pthread_mutex_unlock(&gate);
}

static void asks_once_for_many(const char *btid, base_code_t want, unsigned char key)
{
    gba_keysource_t *limited = limiter(100, 8);
    pthread_t threads[THREADS];
    asker_t askers[THREADS];
    int right = 1;

    slow = 1;
    for (int i = 0; i < THREADS; i++) {
        askers[i] = (asker_t){limited, btid, BASE_INTERNAL, 0};
        pthread_create(&threads[i], NULL, ask_in_thread, &askers[i]);
    }
    wait_at_gate(1);
    usleep(50000); /* so that the others come while the first is away; if not, memory answers */
    open_gate();
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        right = right && askers[i].code == want && (want != BASE_OK || askers[i].key == key);
    }
    ok(right, "%s: %d at once get the same answer", btid, THREADS);
    ok(calls >= 1 && calls <= 2, "  ... from one call, or two for a latecomer (%d)", calls);
}

static void caps_calls_under_way(void)
{
    gba_keysource_t *limited = limiter(100, 2);
    pthread_t threads[2];
    asker_t askers[2] = {{limited, "k1@bsf.home1.net", BASE_INTERNAL, 0},
                         {limited, "k2@bsf.home1.net", BASE_INTERNAL, 0}};

    slow = 1;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, ask_in_thread, &askers[i]);
    wait_at_gate(2);
    is_int(code_of(limited, "k3@bsf.home1.net"), BASE_KEYSOURCE_DOWN,
           "a third look-up while two are under way is refused at once");
    open_gate();
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    ok(askers[0].code == BASE_OK && askers[1].code == BASE_OK, "the two are answered");
    is_int(code_of(limited, "k3@bsf.home1.net"), BASE_OK, "and then there is room again");
}

static void remembers_the_unknown(void)
{
    gba_keysource_t *limited = limiter(100, 8);

    is_int(code_of(limited, "u1@bsf.home1.net"), BASE_UNKNOWN_BTID, "unknown");
    is_int(code_of(limited, "u1@bsf.home1.net"), BASE_UNKNOWN_BTID, "unknown again");
    is_int(calls, 1, "answered from memory");
    now += 10000;
    code_of(limited, "u1@bsf.home1.net");
    is_int(calls, 2, "but not for ever: it may have bootstrapped by now");
    code_of(limited, "d1@bsf.home1.net");
    code_of(limited, "d1@bsf.home1.net");
    is_int(calls, 4, "a source that is down is asked again");
}

static void limits_what_finds_nothing(void)
{
    gba_keysource_t *limited = limiter(5, 8);
    int refused = 0;

    for (int i = 0; i < 20; i++)
        refused +=
            code_of(limited, apr_psprintf(pool, "u%d@bsf.home1.net", i)) == BASE_KEYSOURCE_DOWN;
    is_int(calls, 5, "5 per second reach the source");
    is_int(refused, 15, "the others are told that it is busy, not to bootstrap");
    now += 1000;
    code_of(limited, "u100@bsf.home1.net");
    is_int(calls, 6, "a second later there is room again");
    limited = limiter(5, 8);
    for (int i = 0; i < 50; i++)
        code_of(limited, apr_psprintf(pool, "k%d@bsf.home1.net", i));
    is_int(calls, 50, "what is found costs nothing");
    for (int i = 0; i < 50; i++)
        code_of(limited, apr_psprintf(pool, "a%d@bsf.home1.net", i));
    is_int(calls, 100, "nor does what reaches nobody");
    code_of(limited, "n1@bsf.home1.net");
    code_of(limited, "d1@bsf.home1.net");
    for (int i = 0; i < 20; i++)
        code_of(limited, apr_psprintf(pool, "%c%d@bsf.home1.net", i & 1 ? 'n' : 'd', i));
    is_int(calls, 105, "a refusal and a failure cost as much as a B-TID that is not known");
    now += 1;
    limited = limiter(1000, 8);
    for (int i = 0; i < 1000; i++)
        code_of(limited, apr_psprintf(pool, "u%d@bsf.home1.net", i));
    now += 2;
    for (int i = 2000; i < 2010; i++)
        code_of(limited, apr_psprintf(pool, "u%d@bsf.home1.net", i));
    is_int(calls, 1002, "milliseconds fill it by parts");
}

static void stores_what_it_finds(void)
{
    gba_keysource_t *limited = limiter(5, 8);
    gba_info_t info;

    is_int(look_up(limited, "k1@bsf.home1.net", &info).code, BASE_OK, "found");
    is_int(stored, 1, "and stored before it is told");
    store_says = BASE_STORE_DOWN;
    is_int(look_up(limited, "k2@bsf.home1.net", &info).code, BASE_KEYSOURCE_DOWN,
           "what cannot be stored was not found");
    is_int(info.me_key[0], 0, "and its key is not told");
    store_says = BASE_OK;
    code_of(limited, "u1@bsf.home1.net");
    is_int(stored, 2, "what is unknown is not stored");
}

static void counted(base_code_t code, int want, const char *name)
{
    is_int((long long)base_counter_get(&meter.lookups[code]), want, name);
}

static void counts_questions_and_times_calls(void)
{
    gba_keysource_t *limited = limiter(2, 8);
    apr_uint64_t timed = 0;

    code_of(limited, "k1@bsf.home1.net");
    code_of(limited, "k2@bsf.home1.net");
    code_of(limited, "u1@bsf.home1.net");
    code_of(limited, "u1@bsf.home1.net");
    code_of(limited, "u2@bsf.home1.net");
    code_of(limited, "u3@bsf.home1.net");
    counted(BASE_OK, 2, "those that were found");
    counted(BASE_UNKNOWN_BTID, 3, "those that were not, from memory too");
    counted(BASE_KEYSOURCE_DOWN, 1, "one over the limit");
    for (int i = 0; i < BASE_METER_BUCKETS; i++)
        timed += base_counter_get(&meter.timed[PORTAL_TIMED_LOOKUP].bucket[i]);
    is_int((long long)timed, calls, "each call of the source was timed");
    is_int((long long)timed, 4, "and nothing else");
}

/* Those who wait for another's answer have asked too. */
static void counts_each_of_many(void)
{
    asks_once_for_many("k1@bsf.home1.net", BASE_OK, '1');
    counted(BASE_OK, THREADS, "each that waited was counted");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    asks_once_for_many("k1@bsf.home1.net", BASE_OK, '1');
    asks_once_for_many("u1@bsf.home1.net", BASE_UNKNOWN_BTID, 0);
    caps_calls_under_way();
    remembers_the_unknown();
    limits_what_finds_nothing();
    stores_what_it_finds();
    counts_questions_and_times_calls();
    counts_each_of_many();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
