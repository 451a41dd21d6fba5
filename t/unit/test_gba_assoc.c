/* SPDX-License-Identifier: Apache-2.0 */
/* Associations in shared memory: what was accepted once is never accepted again, whatever comes
 * between. */
#include "tap.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "gba/gba_assoc.h"

#define ONE_SET BASE_SHMTABLE_WAYS /* a table of one set: every association is in it */
#define BTID    "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net"

static apr_uint64_t now_ms = 1000;

static apr_uint64_t fixed_monotonic(void *baton)
{
    return *(const apr_uint64_t *)baton;
}

static const base_clock_t fixed_clock = {&now_ms, NULL, fixed_monotonic};

/* A table with its segment. */
typedef struct bench_t {
    gba_assoc_store_t *store;
    unsigned char *segment;
    apr_size_t size;
} bench_t;

static bench_t bench_make(apr_pool_t *pool, apr_size_t capacity)
{
    bench_t bench = {NULL, NULL, gba_assoc_table_size(capacity)};
    bench.segment =
        mmap(NULL, bench.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bench.segment != MAP_FAILED &&
        gba_assoc_table_format(bench.segment, bench.size, capacity).code == BASE_OK)
        bench.store = gba_assoc_table_attach(pool, bench.segment, bench.size, &fixed_clock);
    if (!bench.store) {
        printf("Bail out! no table\n");
        _exit(1);
    }
    return bench;
}

static void bench_end(bench_t *bench)
{
    munmap(bench->segment, bench->size);
}

static gba_assoc_key_t key_of(const char *btid)
{
    static const unsigned char ua_id[GBA_UA_ID_LEN] = {1, 0, 0, 0, 0};
    gba_assoc_key_t key = {{0}};
    gba_naf_id_t naf;
    if (!gba_naf_id_set(&naf, "naf.home1.net", ua_id) || !gba_assoc_key(&key, "source", btid, &naf))
        _exit(1);
    return key;
}

static base_code_t put(gba_assoc_store_t *store, const char *btid, int octet)
{
    gba_assoc_key_t key = key_of(btid);
    gba_info_t info;
    memset(&info, 0, sizeof(info));
    memset(info.me_key, octet, sizeof(info.me_key));
    return store->put(store->baton, &key, &info);
}

static base_code_t find(gba_assoc_store_t *store, const char *btid, gba_info_t *info)
{
    gba_assoc_key_t key = key_of(btid);
    return store->find(store->baton, &key, info);
}

static base_code_t use(gba_assoc_store_t *store, const char *btid, apr_uint64_t minted_ms,
                       apr_uint32_t nc)
{
    gba_assoc_key_t key = key_of(btid);
    digest_nonce_t nonce = {{0}, minted_ms};
    memcpy(nonce.id, &minted_ms, sizeof(minted_ms));
    return store->accept(store->baton, &key, &nonce, nc);
}

/* Fills the one set with others, so that what was in it has gone. */
static void flood(gba_assoc_store_t *store, int round)
{
    char btid[32];
    for (int i = 0; i < ONE_SET; i++) {
        apr_snprintf(btid, sizeof(btid), "flood-%d-%d@b", round, i);
        put(store, btid, 0xee);
    }
}

static void test_key(void)
{
    static const unsigned char ua_ids[2][GBA_UA_ID_LEN] = {{1, 0, 0, 0, 0}, {1, 0, 0, 0, 2}};
    gba_assoc_key_t keys[4];
    gba_naf_id_t naf[3];
    char long_btid[GBA_BTID_MAX + 2];
    gba_naf_id_set(&naf[0], "naf.home1.net", ua_ids[0]);
    gba_naf_id_set(&naf[1], "naf.home1.net", ua_ids[1]);
    gba_naf_id_set(&naf[2], "naf2.home1.net", ua_ids[0]);
    ok(gba_assoc_key(&keys[0], "source", BTID, &naf[0]) &&
           gba_assoc_key(&keys[1], "source", BTID, &naf[1]) &&
           gba_assoc_key(&keys[2], "source", BTID, &naf[2]) &&
           gba_assoc_key(&keys[3], "source", "a@b", &naf[0]),
       "names are made");
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            ok(memcmp(&keys[i], &keys[j], sizeof(keys[i])) != 0, "names %d and %d differ", i, j);
    gba_naf_id_set(&naf[1], "c.dd", ua_ids[0]);
    gba_naf_id_set(&naf[2], "cc.dd", ua_ids[0]);
    ok(gba_assoc_key(&keys[2], "source", "a@bc", &naf[1]) &&
           gba_assoc_key(&keys[3], "source", "a@b", &naf[2]) &&
           memcmp(&keys[2], &keys[3], sizeof(keys[2])) != 0,
       "where a B-TID ends and a NAF_Id starts counts");
    ok(gba_assoc_key(&keys[1], "source", BTID, &naf[0]) &&
           memcmp(&keys[0], &keys[1], sizeof(keys[0])) == 0,
       "the same pair has the same name");
    ok(gba_assoc_key(&keys[1], "another", BTID, &naf[0]) &&
           memcmp(&keys[0], &keys[1], sizeof(keys[0])) != 0,
       "another key source is another name");
    memset(long_btid, 'x', sizeof(long_btid) - 1);
    long_btid[sizeof(long_btid) - 1] = '\0';
    ok(!gba_assoc_key(&keys[0], "source", long_btid, &naf[0]), "a B-TID of 256 octets has no name");
}

static void test_find_and_put(apr_pool_t *pool)
{
    bench_t bench = bench_make(pool, ONE_SET);
    gba_info_t info;
    is_int(find(bench.store, BTID, &info), BASE_NOT_FOUND, "what was not put is not found");
    is_int(use(bench.store, BTID, 100, 1), BASE_WINDOW_GONE, "nor is a nonce accepted under it");
    is_int(put(bench.store, BTID, 0x11), BASE_OK, "it is put");
    is_int(find(bench.store, BTID, &info), BASE_OK, "then it is found");
    is_int(info.me_key[GBA_KEY_LEN - 1], 0x11, "with its key");
    is_int(put(bench.store, "other@b", 0x22), BASE_OK, "another one is put");
    is_int((long long)gba_assoc_table_used(bench.store), 2, "two are held");
    is_int(use(bench.store, BTID, 100, 1), BASE_OK, "a nonce is accepted");
    is_int(use(bench.store, BTID, 100, 1), BASE_NONCE_REPLAYED, "once");
    is_int(use(bench.store, "other@b", 100, 1), BASE_OK, "another association has its own windows");
    is_int(put(bench.store, BTID, 0x33), BASE_OK, "a new key is put");
    is_int(find(bench.store, BTID, &info), BASE_OK, "it is found");
    is_int(info.me_key[0], 0x33, "the new one");
    is_int(use(bench.store, BTID, 100, 1), BASE_NONCE_REPLAYED, "the windows stayed");
    is_int(use(bench.store, BTID, 100, 2), BASE_OK, "and go on");
    is_int((long long)gba_assoc_table_used(bench.store), 2, "two are held still");
    bench_end(&bench);
}

static void test_eviction(apr_pool_t *pool)
{
    unsigned char key[GBA_KEY_LEN];
    bench_t bench = bench_make(pool, ONE_SET);
    gba_info_t info;
    memset(key, 0x5c, sizeof(key));
    put(bench.store, BTID, 0x5c);
    is_int(use(bench.store, BTID, 100, 7), BASE_OK, "a nonce of ms 100 is used");
    is_int(use(bench.store, BTID, 300, 1), BASE_OK, "and one of ms 300");
    ok(memmem(bench.segment, bench.size, key, sizeof(key)) != NULL, "the key is in the segment");
    flood(bench.store, 0);
    ok(memmem(bench.segment, bench.size, key, sizeof(key)) == NULL, "after a flood it is not");
    is_int(find(bench.store, BTID, &info), BASE_NOT_FOUND, "the association has gone");
    is_int(use(bench.store, BTID, 100, 7), BASE_WINDOW_GONE, "so no nonce is accepted");
    put(bench.store, BTID, 0x5c);
    is_int(use(bench.store, BTID, 100, 7), BASE_WINDOW_GONE, "nor when it was put again");
    is_int(use(bench.store, BTID, 100, 8), BASE_WINDOW_GONE, "nor with an nc that was not used");
    is_int(use(bench.store, BTID, 300, 1), BASE_WINDOW_GONE, "nor the later one");
    is_int(use(bench.store, BTID, 301, 1), BASE_OK, "only one that was minted after it");
    flood(bench.store, 1);
    flood(bench.store, 2);
    put(bench.store, BTID, 0x5c);
    is_int(use(bench.store, BTID, 300, 1), BASE_WINDOW_GONE, "two floods later the same holds");
    is_int(use(bench.store, BTID, 301, 1), BASE_WINDOW_GONE, "for the newer one too");
    is_int(use(bench.store, BTID, 302, 1), BASE_OK, "and a newer one works");
    bench_end(&bench);
}

/* Dies with the lock held, halfway through writing the association. */
static void die_in_put(gba_assoc_store_t *store)
{
    gba_assoc_key_t key = key_of(BTID);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *pages =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0)
        _exit(1);
    signal(SIGSEGV, SIG_DFL);
    store->put(store->baton, &key, (const gba_info_t *)(const void *)(pages + page - 1024));
    _exit(2);
}

static void test_death(apr_pool_t *pool)
{
    bench_t bench = bench_make(pool, ONE_SET);
    gba_info_t info;
    int status = 0;
    now_ms = 500;
    put(bench.store, BTID, 0x5c);
    put(bench.store, "other@b", 0x11);
    is_int(use(bench.store, BTID, 100, 1), BASE_OK, "a nonce of ms 100 is used");
    is_int(use(bench.store, "other@b", 100, 1), BASE_OK, "under another association too");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        die_in_put(bench.store);
    waitpid(child, &status, 0);
    ok(WIFSIGNALED(status), "a process is killed while it puts the association");
    is_int(find(bench.store, BTID, &info), BASE_NOT_FOUND, "the half-written one is gone");
    is_int(use(bench.store, BTID, 100, 1), BASE_WINDOW_GONE, "and its windows");
    is_int(find(bench.store, "other@b", &info), BASE_OK, "the other one is there");
    is_int(use(bench.store, "other@b", 100, 1), BASE_NONCE_REPLAYED, "with its windows");
    put(bench.store, BTID, 0x5c);
    is_int(use(bench.store, BTID, 100, 1), BASE_WINDOW_GONE, "put again, it accepts no used nonce");
    is_int(use(bench.store, BTID, 500, 1), BASE_WINDOW_GONE, "nor any minted until the death");
    is_int(use(bench.store, BTID, 501, 1), BASE_OK, "but one minted after it");
    bench_end(&bench);
}

static void test_segment(apr_pool_t *pool)
{
    apr_size_t size = gba_assoc_table_size(100);
    unsigned char *segment = apr_pcalloc(pool, size);
    ok(size > 100 * sizeof(gba_info_t), "a table of 100 needs room for 100");
    is_int((long long)gba_assoc_table_size((apr_size_t)-1), 0, "one without end needs too much");
    ok(!gba_assoc_table_attach(pool, segment, size, &fixed_clock), "zeros are no table");
    is_int(gba_assoc_table_format(segment, size - 1, 100).code, BASE_INTERNAL, "too little room");
    is_int(gba_assoc_table_format(segment, size, 100).code, BASE_OK, "the right room");
    ok(!gba_assoc_table_attach(pool, segment, size - 1, &fixed_clock), "another size is refused");
    ok(gba_assoc_table_attach(pool, segment, size, &fixed_clock) != NULL, "this one is a table");
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    test_key();
    test_find_and_put(pool);
    test_eviction(pool);
    test_death(pool);
    test_segment(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
