/* SPDX-License-Identifier: Apache-2.0 */
#include "gba/gba_assoc.h"

#include <string.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include "base/base_fault.h"

/* What an entry of the table holds. */
typedef struct assoc_t {
    gba_info_t info;
    digest_windows_t windows;
} assoc_t;

/* Each part ends in a NUL, which none of them has, so no two run together to the same octets. */
static int add_part(unsigned char *name, apr_size_t *len, const char *part, apr_size_t max)
{
    apr_size_t part_len = strnlen(part, max + 1);

    if (part_len > max)
        return 0;
    memcpy(name + *len, part, part_len);
    *len += part_len;
    name[(*len)++] = '\0';
    return 1;
}

int gba_assoc_key(gba_assoc_key_t *key, const char *source, const char *btid,
                  const gba_naf_id_t *naf)
{
    unsigned char name[GBA_SOURCE_NAME_MAX + 1 + GBA_BTID_MAX + 1 + GBA_NAF_ID_MAX];
    apr_size_t len = 0;
    unsigned int hash_len = 0;

    if (!add_part(name, &len, source ? source : "", GBA_SOURCE_NAME_MAX) ||
        !add_part(name, &len, btid, GBA_BTID_MAX))
        return 0;
    len += gba_naf_id_octets(naf, name + len);
    if (EVP_Digest(name, len, key->hash, &hash_len, EVP_sha256(), NULL) == 1 &&
        hash_len == sizeof(key->hash))
        return 1;
    ERR_clear_error();
    return 0;
}

static void word_raise(apr_uint64_t *word, apr_uint64_t to_ms)
{
    if (*word < to_ms)
        *word = to_ms;
}

/* What the set forgot may have been an earlier life of this association. */
static void assoc_fresh(void *payload, const apr_uint64_t *word)
{
    assoc_t *assoc = payload;
    assoc->windows.horizon_ms = *word;
}

static void assoc_evict(const void *payload, apr_uint64_t *word)
{
    const assoc_t *assoc = payload;
    word_raise(word, digest_windows_latest(&assoc->windows));
}

/* Any nonce minted until now may have been used under what was lost. */
static void assoc_broken(apr_uint64_t now_ms, apr_uint64_t *word)
{
    word_raise(word, now_ms);
}

static const base_shmtable_ops_t assoc_ops = {sizeof(assoc_t), assoc_fresh, assoc_evict,
                                              assoc_broken};

static void visit_find(void *baton, void *payload)
{
    const assoc_t *assoc = payload;
    memcpy(baton, &assoc->info, sizeof(assoc->info));
}

static base_code_t table_find(void *baton, const gba_assoc_key_t *key, gba_info_t *out)
{
    return base_shmtable_visit(baton, key->hash, BASE_SHMTABLE_READ, visit_find, out);
}

/* An info on its way in. */
typedef struct put_t {
    const gba_info_t *info;
} put_t;

static void visit_put(void *baton, void *payload)
{
    const put_t *put = baton;
    assoc_t *assoc = payload;
    BASE_FAULT("put-before");
    memcpy(&assoc->info, put->info, sizeof(assoc->info));
    BASE_FAULT("put-after");
}

static base_code_t table_put(void *baton, const gba_assoc_key_t *key, const gba_info_t *info)
{
    put_t put = {info};
    return base_shmtable_visit(baton, key->hash, BASE_SHMTABLE_MAKE, visit_put, &put);
}

/* A pseudonym on its way in. */
typedef struct naming_t {
    apr_time_t fetched;
    const char *pseudonym;
    base_code_t code;
} naming_t;

static void visit_name(void *baton, void *payload)
{
    naming_t *naming = baton;
    assoc_t *assoc = payload;
    gba_text_ref_t ref;
    naming->code = BASE_NOT_FOUND;
    if (assoc->info.fetched != naming->fetched || !gba_info_is_sound(&assoc->info))
        return;
    naming->code = BASE_OK;
    if (assoc->info.pseudonym != 0)
        return;
    BASE_FAULT("name-before");
    ref = gba_info_add_text(&assoc->info, naming->pseudonym, strlen(naming->pseudonym));
    assoc->info.pseudonym = ref;
    BASE_FAULT("name-after");
}

static base_code_t table_name(void *baton, const gba_assoc_key_t *key, apr_time_t fetched,
                              const char *pseudonym)
{
    naming_t naming = {fetched, pseudonym, BASE_STORE_DOWN};
    base_code_t code =
        base_shmtable_visit(baton, key->hash, BASE_SHMTABLE_WRITE, visit_name, &naming);
    return code == BASE_OK ? naming.code : code;
}

/* A use of a nonce, and what came of it. */
typedef struct use_t {
    const digest_nonce_t *nonce;
    apr_uint32_t nc;
    base_code_t code;
} use_t;

static void visit_accept(void *baton, void *payload)
{
    use_t *use = baton;
    assoc_t *assoc = payload;
    BASE_FAULT("accept-before");
    use->code = digest_windows_accept(&assoc->windows, use->nonce, use->nc);
    BASE_FAULT("accept-after");
}

/* Waits until the clock, which counts milliseconds, has moved on. A horizon may be of this very
 * millisecond; the nonce of the challenge that follows must be younger, or the UE would be told
 * stale twice. Only who has shown that it has the key comes here. */
static base_code_t window_gone(void)
{
    apr_sleep(1000);
    return BASE_WINDOW_GONE;
}

static base_code_t table_accept(void *baton, const gba_assoc_key_t *key,
                                const digest_nonce_t *nonce, apr_uint32_t nc)
{
    use_t use = {nonce, nc, BASE_STORE_DOWN};
    base_code_t code =
        base_shmtable_visit(baton, key->hash, BASE_SHMTABLE_WRITE, visit_accept, &use);
    if (code == BASE_NOT_FOUND || (code == BASE_OK && use.code == BASE_WINDOW_GONE))
        return window_gone();
    return code == BASE_OK ? use.code : BASE_STORE_DOWN;
}

apr_size_t gba_assoc_table_size(apr_size_t capacity)
{
    return base_shmtable_size(capacity, &assoc_ops);
}

base_result_t gba_assoc_table_format(void *segment, apr_size_t size, apr_size_t capacity)
{
    return base_shmtable_format(segment, size, capacity, &assoc_ops);
}

gba_assoc_store_t *gba_assoc_table_attach(apr_pool_t *pool, void *segment, apr_size_t size,
                                          const base_clock_t *clock)
{
    base_shmtable_t *table = base_shmtable_attach(pool, segment, size, &assoc_ops, clock);
    if (!table)
        return NULL;
    gba_assoc_store_t *store = apr_pcalloc(pool, sizeof(*store));
    store->baton = table;
    store->find = table_find;
    store->put = table_put;
    store->name = table_name;
    store->accept = table_accept;
    return store;
}

apr_size_t gba_assoc_table_used(const gba_assoc_store_t *store)
{
    return base_shmtable_used(store->baton);
}

apr_size_t gba_assoc_table_capacity(const gba_assoc_store_t *store)
{
    return base_shmtable_capacity(store->baton);
}
