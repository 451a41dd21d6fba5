/* SPDX-License-Identifier: Apache-2.0 */
/* A UE whose window is gone is told stale once: the nonce minted for it then is young enough,
 * however short a while ago the window went. By the system's clock, in milliseconds. */
#include "tap.h"

#include <sys/mman.h>
#include <apr_general.h>
#include "gba/gba_assoc.h"

#define ROUNDS 20 /* each most likely within one millisecond, were there no wait */

static gba_assoc_key_t key_of(int number)
{
    gba_assoc_key_t key = {{0}};
    key.hash[8] = (unsigned char)number;
    return key;
}

/* A nonce as the clock would have it minted now; the number makes it another one. */
static digest_nonce_t nonce_now(const base_clock_t *clock, int number)
{
    digest_nonce_t nonce = {{0}, clock->monotonic(clock->baton)};
    nonce.id[0] = (unsigned char)(number & 0xff);
    nonce.id[1] = (unsigned char)(number >> 8);
    return nonce;
}

/* As many others as the set holds push the first one out. */
static int push_out(gba_assoc_store_t *store, const gba_info_t *info)
{
    int good = 1;
    for (int i = 1; i <= BASE_SHMTABLE_WAYS; i++) {
        gba_assoc_key_t other = key_of(i);
        good = good && store->put(store->baton, &other, info) == BASE_OK;
    }
    return good;
}

/* Nonzero if a nonce minted after "gone" is accepted at once. */
static int round_is_good(gba_assoc_store_t *store, const base_clock_t *clock,
                         const gba_info_t *info, int number)
{
    gba_assoc_key_t key = key_of(0);
    int good = store->put(store->baton, &key, info) == BASE_OK;
    apr_sleep(2000);
    digest_nonce_t old = nonce_now(clock, 2 * number);
    good = good && store->accept(store->baton, &key, &old, 1) == BASE_OK;
    good = good && push_out(store, info);
    good = good && store->put(store->baton, &key, info) == BASE_OK;
    good = good && store->accept(store->baton, &key, &old, 2) == BASE_WINDOW_GONE;
    digest_nonce_t next = nonce_now(clock, 2 * number + 1);
    return good && store->accept(store->baton, &key, &next, 1) == BASE_OK;
}

static void test_told_once(apr_pool_t *pool)
{
    const base_clock_t *clock = base_clock_system();
    apr_size_t size = gba_assoc_table_size(BASE_SHMTABLE_WAYS);
    void *segment = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    gba_assoc_store_t *store = NULL;
    if (segment != MAP_FAILED &&
        gba_assoc_table_format(segment, size, BASE_SHMTABLE_WAYS).code == BASE_OK)
        store = gba_assoc_table_attach(pool, segment, size, clock);
    ok(store != NULL, "a table of one set");
    int good = 0;
    for (int i = 0; store && i < ROUNDS; i++)
        good += round_is_good(store, clock, gba_info_make(pool), i);
    is_int(good, ROUNDS, "the nonce after a stale challenge is accepted");
    if (segment != MAP_FAILED)
        munmap(segment, size);
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    test_told_once(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
