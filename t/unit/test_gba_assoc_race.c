/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes of several threads use the same nonces of one association: each number is
 * accepted exactly once, and never twice while the association is evicted again and again. */
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "gba/gba_assoc.h"

#define PROCESSES 3
#define THREADS   2
#define NONCES    3
#define NUMBERS   600
#define BTID      "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net"

/* What the processes share. */
typedef struct shared_t {
    atomic_int accepted[NONCES][NUMBERS]; /* how often each number was */
    atomic_int gone;                      /* refusals since the window had gone */
    atomic_int strange;                   /* answers that must not come */
    int per_nonce;                        /* after so many numbers a later nonce is used */
    atomic_int running;                   /* processes of users that are not done */
    alignas(8) unsigned char segment[];
} shared_t;

static shared_t *shared;
static gba_assoc_store_t *store;

static gba_assoc_key_t key_of(const char *btid)
{
    static const gba_naf_id_t naf = {"naf.home1.net", {1, 0, 0, 0, 0}};
    gba_assoc_key_t key = {{0}};
    if (!gba_assoc_key(&key, "source", btid, &naf))
        _exit(1);
    return key;
}

static void put(const char *btid)
{
    gba_assoc_key_t key = key_of(btid);
    gba_info_t info;
    memset(&info, 0, sizeof(info));
    memset(info.me_key, 0x5c, sizeof(info.me_key));
    if (store->put(store->baton, &key, &info) != BASE_OK)
        shared->strange++;
}

static void use(const gba_assoc_key_t *key, int nonce_number, int number)
{
    digest_nonce_t nonce = {{0}, 0};
    int generation = number / shared->per_nonce;
    nonce.minted_ms = (apr_uint64_t)(generation * 10 + nonce_number + 1);
    nonce.id[0] = (unsigned char)nonce_number;
    base_code_t code = store->accept(store->baton, key, &nonce, (apr_uint32_t)number + 1);
    if (code == BASE_OK)
        shared->accepted[nonce_number][number]++;
    else if (code == BASE_WINDOW_GONE)
        shared->gone++;
    else if (code != BASE_NONCE_REPLAYED)
        shared->strange++;
}

static void *user_thread(void *baton)
{
    gba_assoc_key_t key = key_of(BTID);
    (void)baton;
    for (int number = 0; number < NUMBERS; number++) {
        for (int nonce = 0; nonce < NONCES; nonce++)
            use(&key, nonce, number);
        if (number % 16 == 0)
            sched_yield();
    }
    return NULL;
}

static void user_process(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, user_thread, NULL) != 0)
            _exit(1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    shared->running--;
    _exit(0);
}

/* Drives the association out and puts it back while the users run. */
static void evictor_process(void)
{
    char btid[32];
    for (int round = 0; shared->running > 0; round++) {
        apr_snprintf(btid, sizeof(btid), "flood-%d@b", round);
        put(btid);
        if (round % BASE_SHMTABLE_WAYS == 0)
            put(BTID);
    }
    _exit(0);
}

static void start(apr_pool_t *pool, int per_nonce)
{
    apr_size_t size = gba_assoc_table_size(BASE_SHMTABLE_WAYS);
    shared = mmap(NULL, sizeof(*shared) + size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                  -1, 0);
    if (shared == MAP_FAILED ||
        gba_assoc_table_format(shared->segment, size, BASE_SHMTABLE_WAYS).code != BASE_OK)
        _exit(1);
    store = gba_assoc_table_attach(pool, shared->segment, size, base_clock_system());
    shared->per_nonce = per_nonce;
    put(BTID);
    shared->running = PROCESSES;
}

/* Nonzero if all children ended well. */
static int run(int with_evictor)
{
    int children = PROCESSES + with_evictor;
    int good = 1;
    fflush(stdout);
    for (int i = 0; i < children; i++) {
        pid_t child = fork();
        if (child == 0 && i < PROCESSES)
            user_process();
        if (child == 0)
            evictor_process();
        good &= child > 0;
    }
    for (int i = 0; i < children; i++) {
        int status = 0;
        good &= wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return good;
}

/* How many (nonce, nc) were accepted less than low or more than high times. */
static int count_outside(int low, int high)
{
    int outside = 0;
    for (int nonce = 0; nonce < NONCES; nonce++)
        for (int number = 0; number < NUMBERS; number++)
            outside +=
                shared->accepted[nonce][number] < low || shared->accepted[nonce][number] > high;
    return outside;
}

static void test_shared(apr_pool_t *pool)
{
    start(pool, NUMBERS);
    ok(run(0), "%d processes of %d threads use %d nonces", PROCESSES, THREADS, NONCES);
    is_int(shared->strange, 0, "every answer is one of those that may come");
    is_int(count_outside(1, 1), 0, "each number of each nonce was accepted exactly once");
}

static void test_shared_with_eviction(apr_pool_t *pool)
{
    start(pool, 20);
    ok(run(1), "the same while the association is evicted and put back");
    is_int(shared->strange, 0, "every answer is one of those that may come");
    is_int(count_outside(0, 1), 0, "no number of any nonce was accepted twice");
    printf("# %d of %d were accepted, %d uses refused since the window had gone\n",
           NONCES * NUMBERS - count_outside(1, 1), NONCES * NUMBERS, shared->gone);
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    test_shared(pool);
    test_shared_with_eviction(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
