/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file shm_hammer.c
 * Several processes of several threads each on one association table that is too small for what
 * they do. hammer.sh builds it with ThreadSanitizer. What must hold: no (association, nonce, nc)
 * is accepted twice, whoever evicts whom meanwhile; what is read is whole; and each kind of
 * outcome has come, or nothing was tried.
 *
 *   shm_hammer PROCESSES THREADS TICKS   the hammer; prints TAP
 *   shm_hammer race                      two threads race: ThreadSanitizer must say so
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>

#include "gba/gba_assoc.h"

#define CAPACITY    32 /* two sets */
#define ASSOCS      40 /* more than there is room for */
#define NCS         48 /* numbers used per nonce */
#define RECENT      11 /* nonces in use at a time; an association remembers 8 */
#define USES        40 /* of the table between two ticks of the clock, by each thread */
#define TICKS_MAX   20000
#define THREADS_MAX 16
#define FIRST_MS    1000

/* What all processes share beside the table. */
typedef struct shared_t {
    atomic_ulong now_ms;
    atomic_ulong accepted, replayed, gone, not_found, found;
    atomic_ulong twice, torn, doubtful; /* failures */
    atomic_uchar uses[];                /* by association, nonce, nc */
} shared_t;

static shared_t *shared;
static gba_assoc_store_t *store;
static unsigned long ticks;

static void stop(const char *what)
{
    fprintf(stderr, "shm_hammer: %s\n", what);
    exit(1);
}

static apr_uint64_t monotonic(void *baton)
{
    (void)baton;
    return atomic_load(&shared->now_ms);
}

static apr_time_t wall(void *baton)
{
    (void)baton;
    return 0;
}

static const base_clock_t shared_clock = {NULL, wall, monotonic};

/* xorshift: each thread has its own. */
static unsigned draw(apr_uint64_t *seed, unsigned below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (unsigned)(*seed >> 33) % below;
}

/* Every octet of the info says whose it is, so that a mixture of two is seen. */
static int is_whole(const gba_info_t *info, unsigned assoc)
{
    for (int i = 0; i < GBA_KEY_LEN; i++)
        if (info->me_key[i] != assoc + 1 || info->uicc_key[i] != assoc + 1)
            return 0;
    for (int i = 0; i < GBA_TEXT_MAX; i++)
        if ((unsigned char)info->text[i] != assoc + 1)
            return 0;
    return 1;
}

static void look_up(const gba_assoc_key_t *key, unsigned assoc)
{
    gba_info_t info;

    switch (store->find(store->baton, key, &info)) {
    case BASE_OK:
        atomic_fetch_add(&shared->found, 1);
        if (!is_whole(&info, assoc))
            atomic_fetch_add(&shared->torn, 1);
        return;
    case BASE_NOT_FOUND:
        atomic_fetch_add(&shared->not_found, 1);
        memset(&info, (int)assoc + 1, sizeof(info));
        if (store->put(store->baton, key, &info) == BASE_OK)
            return;
        /* fall through */
    default:
        atomic_fetch_add(&shared->doubtful, 1);
    }
}

static void use_nonce(const gba_assoc_key_t *key, unsigned assoc, apr_uint64_t minted_ms,
                      unsigned nc)
{
    size_t index = ((size_t)assoc * (ticks + RECENT) + (minted_ms - FIRST_MS)) * NCS + nc;
    digest_nonce_t nonce = {.minted_ms = minted_ms};

    memset(nonce.id, (int)assoc + 1, sizeof(nonce.id));
    switch (store->accept(store->baton, key, &nonce, nc + 1)) {
    case BASE_OK:
        atomic_fetch_add(&shared->accepted, 1);
        if (atomic_fetch_add(&shared->uses[index], 1) != 0)
            atomic_fetch_add(&shared->twice, 1);
        break;
    case BASE_NONCE_REPLAYED:
        atomic_fetch_add(&shared->replayed, 1);
        break;
    case BASE_WINDOW_GONE:
        atomic_fetch_add(&shared->gone, 1);
        break;
    default:
        atomic_fetch_add(&shared->doubtful, 1);
    }
}

static void *hammer(void *baton)
{
    apr_uint64_t seed = 88172645463325252ULL + (apr_uint64_t)(size_t)baton * 2654435761u;
    gba_assoc_key_t key;

    while (atomic_load(&shared->now_ms) < FIRST_MS + RECENT + ticks) {
        for (int i = 0; i < USES; i++) {
            /* Half of the work is on few associations, so that windows fill. */
            unsigned assoc = draw(&seed, draw(&seed, 2) ? ASSOCS : 4);
            apr_uint64_t now = atomic_load(&shared->now_ms);
            if (now >= FIRST_MS + RECENT + ticks)
                return NULL;
            memset(key.hash, (int)assoc + 1, sizeof(key.hash));
            look_up(&key, assoc);
            use_nonce(&key, assoc, now - draw(&seed, RECENT), draw(&seed, NCS));
        }
        atomic_fetch_add(&shared->now_ms, 1);
    }
    return NULL;
}

static int run_threads(unsigned process, unsigned threads)
{
    pthread_t thread[THREADS_MAX];
    unsigned started = 0;

    while (started < threads &&
           pthread_create(&thread[started], NULL, hammer,
                          (void *)((size_t)process * THREADS_MAX + started + 1)) == 0)
        started++;
    for (unsigned i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    return started == threads ? 0 : 1;
}

static void *map(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        stop("no shared memory");
    return at;
}

static void set_up(void)
{
    apr_size_t size = gba_assoc_table_size(CAPACITY);
    void *segment = map(size);
    apr_pool_t *pool;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        stop("no APR");
    shared = map(sizeof(*shared) + ASSOCS * (ticks + RECENT) * NCS);
    atomic_store(&shared->now_ms, FIRST_MS + RECENT);
    if (gba_assoc_table_format(segment, size, CAPACITY).code != BASE_OK)
        stop("no table");
    store = gba_assoc_table_attach(pool, segment, size, &shared_clock);
    if (!store)
        stop("no table");
}

static int run_processes(unsigned processes, unsigned threads)
{
    int failed = 0;

    for (unsigned i = 0; i < processes; i++) {
        pid_t pid = fork();
        if (pid < 0)
            stop("no process");
        if (pid == 0)
            exit(run_threads(i, threads));
    }
    for (unsigned i = 0; i < processes; i++) {
        int status = 0;
        if (wait(&status) < 0 || status != 0)
            failed++;
    }
    return failed;
}

static int number;

static int point(int pass, const char *name, unsigned long value)
{
    printf("%sok %d - %s (%lu)\n", pass ? "" : "not ", ++number, name, value);
    return !pass;
}

static int report(int failed_processes)
{
    const unsigned long accepted = shared->accepted, gone = shared->gone;
    int failed = point(failed_processes == 0, "every process ended well: failures",
                       (unsigned long)failed_processes);

    failed +=
        point(shared->twice == 0, "no (nonce, nc) was accepted twice: failures", shared->twice);
    failed += point(shared->torn == 0, "every association was read whole: failures", shared->torn);
    failed += point(shared->doubtful == 0, "no lock failed: failures", shared->doubtful);
    failed += point(accepted > ticks, "requests were accepted", accepted);
    failed += point(shared->replayed > 0, "requests were found to be replays", shared->replayed);
    failed += point(gone > 0, "windows were let go", gone);
    failed += point(shared->not_found > ASSOCS, "associations were evicted", shared->not_found);
    failed += point(shared->found > 0, "associations were found", shared->found);
    printf("1..%d\n", number);
    return failed != 0;
}

/* ---- what ThreadSanitizer must see ---- */

static int unguarded;

static void *race(void *baton)
{
    for (int i = 0; i < 1000; i++)
        unguarded++;
    return baton;
}

static int run_race(void)
{
    pthread_t thread[2];

    for (int i = 0; i < 2; i++)
        if (pthread_create(&thread[i], NULL, race, NULL) != 0)
            return 1;
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    return 0;
}

int main(int argc, char **argv)
{
    apr_uint64_t n[3];

    if (argc == 2 && strcmp(argv[1], "race") == 0)
        return run_race();
    for (int i = 0; i < 3; i++)
        if (argc != 4 || !base_decimal_decode(&n[i], base_span_str(argv[i + 1]), TICKS_MAX) ||
            n[i] == 0)
            stop("usage: shm_hammer PROCESSES THREADS TICKS, or shm_hammer race");
    if (n[1] > THREADS_MAX)
        stop("too many threads");
    ticks = (unsigned long)n[2];
    set_up();
    return report(run_processes((unsigned)n[0], (unsigned)n[1]));
}
