/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base_shmtable.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include "base/base_secret.h"

#define TABLE_MAGIC   0x67626173686d7462ULL /* "gbashmtb" */
#define TABLE_VERSION 1

/* Read once, at the attach: the handle holds its own copies, so that nothing that goes wrong in
 * the segment later can move the bounds. */
typedef struct header_t {
    apr_uint64_t magic;
    apr_uint32_t version;
    apr_uint32_t ways;
    apr_uint64_t payload_len;
    apr_uint64_t set_len; /* octets of a set: tells another layout of the mutex too */
    apr_uint64_t sets;
    apr_uint64_t total; /* octets of the segment as it was formatted */
} header_t;

/* The mutex lives here and is never copied or moved. */
typedef struct set_t {
    pthread_mutex_t mutex;
    apr_uint64_t word;
    apr_uint64_t uses; /* visits to this set so far: the clock of its "last use" */
} set_t;

/* BUSY is stored before the first octet of an entry is changed and VALID after the last one, so
 * a dead process's half-written entry is told by its state alone. */
typedef enum state_t { STATE_EMPTY = 0, STATE_BUSY = 1, STATE_VALID = 2 } state_t;

typedef struct entry_t {
    apr_uint64_t state;
    apr_uint64_t last_use;
    unsigned char key[BASE_SHMTABLE_KEY_LEN];
} entry_t;

_Static_assert(sizeof(header_t) % 8 == 0, "sets are 8-aligned");
_Static_assert(sizeof(set_t) % 8 == 0, "entries are 8-aligned");
_Static_assert(sizeof(entry_t) % 8 == 0, "payloads are 8-aligned");

struct base_shmtable_t {
    unsigned char *sets; /* the first set */
    apr_size_t count;    /* sets */
    apr_size_t set_len;
    apr_size_t entry_len;
    const base_shmtable_ops_t *ops;
    const base_clock_t *clock;
};

/* Octets of an entry with its payload, rounded up to 8; 0 on overflow. */
static apr_size_t entry_len_of(const base_shmtable_ops_t *ops)
{
    if (ops->payload_len > SIZE_MAX / 2)
        return 0;
    return (sizeof(entry_t) + ops->payload_len + 7) / 8 * 8;
}

/* Octets of a set; 0 on overflow. */
static apr_size_t set_len_of(const base_shmtable_ops_t *ops)
{
    apr_size_t entry_len = entry_len_of(ops);
    if (entry_len == 0 || entry_len > (SIZE_MAX - sizeof(set_t)) / BASE_SHMTABLE_WAYS)
        return 0;
    return sizeof(set_t) + entry_len * BASE_SHMTABLE_WAYS;
}

static apr_size_t sets_of(apr_size_t capacity)
{
    return capacity / BASE_SHMTABLE_WAYS + (capacity % BASE_SHMTABLE_WAYS != 0);
}

apr_size_t base_shmtable_size(apr_size_t capacity, const base_shmtable_ops_t *ops)
{
    apr_size_t set_len = set_len_of(ops);
    apr_size_t sets = sets_of(capacity);
    if (set_len == 0 || sets == 0 || sets > (SIZE_MAX - sizeof(header_t)) / set_len)
        return 0;
    return sizeof(header_t) + sets * set_len;
}

static int is_aligned(const void *segment)
{
    return segment && (uintptr_t)segment % 8 == 0;
}

/* A mutex that outlives its owner (robust), works across processes, and answers a visitor who
 * comes back to the table with an error instead of a hang. */
static int mutex_make(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attr;
    if (pthread_mutexattr_init(&attr) != 0)
        return 0;
    int made = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0 &&
               pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0 &&
               pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK) == 0 &&
               pthread_mutex_init(mutex, &attr) == 0;
    pthread_mutexattr_destroy(&attr);
    return made;
}

base_result_t base_shmtable_format(void *segment, apr_size_t size, apr_size_t capacity,
                                   const base_shmtable_ops_t *ops)
{
    apr_size_t need = base_shmtable_size(capacity, ops);
    header_t *header = segment;
    if (!is_aligned(segment) || need == 0 || size < need)
        return base_fail(BASE_INTERNAL, "GBA0001", "shared table: segment too small or unaligned");
    memset(segment, 0, need);
    header->version = TABLE_VERSION;
    header->ways = BASE_SHMTABLE_WAYS;
    header->payload_len = ops->payload_len;
    header->set_len = set_len_of(ops);
    header->sets = sets_of(capacity);
    header->total = size;
    unsigned char *at = (unsigned char *)segment + sizeof(header_t);
    for (apr_size_t i = 0; i < header->sets; i++, at += header->set_len)
        if (!mutex_make(&((set_t *)(void *)at)->mutex))
            return base_fail(BASE_INTERNAL, "GBA0002", "shared table: no robust shared mutex");
    header->magic = TABLE_MAGIC;
    return base_ok();
}

static int header_fits(const header_t *header, apr_size_t size, const base_shmtable_ops_t *ops)
{
    return header->magic == TABLE_MAGIC && header->version == TABLE_VERSION &&
           header->ways == BASE_SHMTABLE_WAYS && header->payload_len == ops->payload_len &&
           header->set_len == set_len_of(ops) && header->set_len != 0 && header->total == size &&
           header->sets != 0 && header->sets <= (size - sizeof(*header)) / header->set_len;
}

base_shmtable_t *base_shmtable_attach(apr_pool_t *pool, void *segment, apr_size_t size,
                                      const base_shmtable_ops_t *ops, const base_clock_t *clock)
{
    const header_t *header = segment;
    if (!is_aligned(segment) || size < sizeof(*header) || !header_fits(header, size, ops))
        return NULL;
    base_shmtable_t *table = apr_pcalloc(pool, sizeof(*table));
    table->sets = (unsigned char *)segment + sizeof(*header);
    table->count = header->sets;
    table->set_len = header->set_len;
    table->entry_len = entry_len_of(ops);
    table->ops = ops;
    table->clock = clock;
    return table;
}

static set_t *set_at(const base_shmtable_t *table, apr_size_t index)
{
    return (set_t *)(void *)(table->sets + index * table->set_len);
}

/* Keys are hashes, so that their first octets spread well as they are. */
static set_t *set_of_key(const base_shmtable_t *table, const unsigned char *key)
{
    apr_uint64_t mix = 0;
    for (int i = 0; i < 8; i++)
        mix = mix << 8 | key[i];
    return set_at(table, mix % table->count);
}

static entry_t *entry_at(const base_shmtable_t *table, set_t *set, int way)
{
    unsigned char *first = (unsigned char *)(set + 1);
    return (entry_t *)(void *)(first + (apr_size_t)way * table->entry_len);
}

static void *payload_of(entry_t *entry)
{
    return entry + 1;
}

/* What was stored before comes first in the segment, also when the process is killed in between:
 * a kill falls between two instructions, so only the compiler must be kept from reordering. */
static void entry_state(entry_t *entry, state_t state)
{
    atomic_signal_fence(memory_order_seq_cst);
    entry->state = state;
    atomic_signal_fence(memory_order_seq_cst);
}

/* Payloads hold keys, so an entry that goes is wiped. */
static void entry_empty(const base_shmtable_t *table, entry_t *entry)
{
    entry_state(entry, STATE_BUSY);
    base_secret_wipe(payload_of(entry), table->ops->payload_len);
    entry_state(entry, STATE_EMPTY);
}

/* After a death in this set. A process that dies in here leaves it to the next one to do again. */
static void set_repair(const base_shmtable_t *table, set_t *set)
{
    apr_uint64_t now_ms = table->clock->monotonic(table->clock->baton);
    for (int way = 0; way < BASE_SHMTABLE_WAYS; way++) {
        entry_t *entry = entry_at(table, set, way);
        if (entry->state == STATE_EMPTY || entry->state == STATE_VALID)
            continue;
        table->ops->broken(now_ms, &set->word);
        entry_empty(table, entry);
    }
}

/* Nonzero if the lock is ours and the set is whole. */
static int set_lock(const base_shmtable_t *table, set_t *set)
{
    int rc = pthread_mutex_lock(&set->mutex);
    if (rc != EOWNERDEAD)
        return rc == 0;
    set_repair(table, set);
    if (pthread_mutex_consistent(&set->mutex) == 0)
        return 1;
    pthread_mutex_unlock(&set->mutex);
    return 0;
}

static entry_t *set_find(const base_shmtable_t *table, set_t *set, const unsigned char *key)
{
    for (int way = 0; way < BASE_SHMTABLE_WAYS; way++) {
        entry_t *entry = entry_at(table, set, way);
        if (entry->state == STATE_VALID && memcmp(entry->key, key, BASE_SHMTABLE_KEY_LEN) == 0)
            return entry;
    }
    return NULL;
}

/* An empty entry, or the least recently used one after it had its say. */
static entry_t *set_room(const base_shmtable_t *table, set_t *set)
{
    entry_t *oldest = entry_at(table, set, 0);
    for (int way = 0; way < BASE_SHMTABLE_WAYS; way++) {
        entry_t *entry = entry_at(table, set, way);
        if (entry->state == STATE_EMPTY)
            return entry;
        if (entry->last_use < oldest->last_use)
            oldest = entry;
    }
    table->ops->evict(payload_of(oldest), &set->word);
    return oldest;
}

/* A new entry, still busy. What it replaces is in the word before the first octet changes. */
static entry_t *set_make(const base_shmtable_t *table, set_t *set, const unsigned char *key)
{
    entry_t *entry = set_room(table, set);
    entry_state(entry, STATE_BUSY);
    memset(payload_of(entry), 0, table->ops->payload_len);
    memcpy(entry->key, key, BASE_SHMTABLE_KEY_LEN);
    table->ops->fresh(payload_of(entry), &set->word);
    return entry;
}

base_code_t base_shmtable_visit(base_shmtable_t *table,
                                const unsigned char key[BASE_SHMTABLE_KEY_LEN],
                                base_shmtable_mode_t mode, base_shmtable_visit_fn visit,
                                void *baton)
{
    set_t *set = set_of_key(table, key);
    if (!set_lock(table, set))
        return BASE_STORE_DOWN;
    entry_t *entry = set_find(table, set, key);
    if (!entry && mode == BASE_SHMTABLE_MAKE)
        entry = set_make(table, set, key);
    if (entry) {
        entry->last_use = ++set->uses;
        if (mode != BASE_SHMTABLE_READ)
            entry_state(entry, STATE_BUSY);
        visit(baton, payload_of(entry));
        if (mode != BASE_SHMTABLE_READ)
            entry_state(entry, STATE_VALID);
    }
    if (pthread_mutex_unlock(&set->mutex) != 0)
        return BASE_STORE_DOWN;
    return entry ? BASE_OK : BASE_NOT_FOUND;
}

base_code_t base_shmtable_remove(base_shmtable_t *table,
                                 const unsigned char key[BASE_SHMTABLE_KEY_LEN])
{
    set_t *set = set_of_key(table, key);
    if (!set_lock(table, set))
        return BASE_STORE_DOWN;
    entry_t *entry = set_find(table, set, key);
    if (entry) {
        table->ops->evict(payload_of(entry), &set->word);
        entry_empty(table, entry);
    }
    if (pthread_mutex_unlock(&set->mutex) != 0)
        return BASE_STORE_DOWN;
    return entry ? BASE_OK : BASE_NOT_FOUND;
}

apr_size_t base_shmtable_used(base_shmtable_t *table)
{
    apr_size_t used = 0;
    for (apr_size_t i = 0; i < table->count; i++) {
        set_t *set = set_at(table, i);
        if (!set_lock(table, set))
            continue;
        for (int way = 0; way < BASE_SHMTABLE_WAYS; way++)
            used += entry_at(table, set, way)->state == STATE_VALID;
        pthread_mutex_unlock(&set->mutex);
    }
    return used;
}

apr_size_t base_shmtable_capacity(const base_shmtable_t *table)
{
    return table->count * BASE_SHMTABLE_WAYS;
}
