/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/bsf_store.h"

#include <httpd.h>

#include <apr_shm.h>
#include <http_config.h>
#include <http_log.h>
#include <openssl/evp.h>
#include <string.h>
#include "base/base_secret.h"
#include "base/base_shmtable.h"
#include "lab/bsf_module.h"

APLOG_USE_MODULE(gba_bsf);

#define TABLES (BSF_KINDS + 1) /* the last one holds SQNs */
#define SQNS   BSF_KINDS

/* Survives restarts and the module's own unloading: plain data only. */
typedef struct retained_t {
    void *segment[TABLES];
    apr_size_t size[TABLES];
    apr_size_t capacity;
} retained_t;

typedef struct sqn_t {
    apr_uint64_t sqn; /* 0: not yet */
} sqn_t;

static void on_fresh(void *payload, const apr_uint64_t *word)
{
    (void)payload;
    (void)word;
}

static void on_evict(const void *payload, apr_uint64_t *word)
{
    (void)payload;
    (void)word;
}

static void on_broken(apr_uint64_t now_ms, apr_uint64_t *word)
{
    (void)now_ms;
    (void)word;
}

static const base_shmtable_ops_t entry_ops = {sizeof(bsf_entry_t), on_fresh, on_evict, on_broken};
static const base_shmtable_ops_t sqn_ops = {sizeof(sqn_t), on_fresh, on_evict, on_broken};

static base_shmtable_t *tables[TABLES];

static const base_shmtable_ops_t *ops_of(int table)
{
    return table == SQNS ? &sqn_ops : &entry_ops;
}

static int failed(server_rec *s, apr_status_t rv)
{
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, rv, s,
                 "GBA0907: laboratory BSF: no shared memory for bootstrappings");
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* In the process's pool: what pconf held would be new after a graceful restart, and SQNs would go
 * back. */
static int make_segments(retained_t *kept, server_rec *s, apr_size_t capacity)
{
    for (int i = 0; i < TABLES; i++) {
        apr_size_t size = base_shmtable_size(capacity, ops_of(i));
        apr_shm_t *shm;
        apr_status_t rv = size ? apr_shm_create(&shm, size, NULL, s->process->pool) : APR_ENOMEM;
        if (rv != APR_SUCCESS)
            return failed(s, rv);
        kept->segment[i] = apr_shm_baseaddr_get(shm);
        kept->size[i] = size;
        if (base_shmtable_format(kept->segment[i], size, capacity, ops_of(i)).code != BASE_OK)
            return failed(s, 0);
    }
    kept->capacity = capacity;
    return OK;
}

int bsf_store_start(apr_pool_t *pconf, server_rec *s, apr_size_t capacity)
{
    static const char name[] = "mod_gba_bsf store";
    retained_t *kept = ap_retained_data_get(name);
    int status = OK;

    if (!kept)
        kept = ap_retained_data_create(name, sizeof(*kept));
    if (kept->capacity && kept->capacity != capacity)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "GBA0908: laboratory BSF: GBALabMaxBootstrappings changed: every "
                     "bootstrapping and SQN is forgotten");
    if (kept->capacity != capacity)
        status = make_segments(kept, s, capacity);
    for (int i = 0; status == OK && i < TABLES; i++) {
        tables[i] = base_shmtable_attach(pconf, kept->segment[i], kept->size[i], ops_of(i),
                                         base_clock_system());
        if (!tables[i])
            status = failed(s, 0);
    }
    return status;
}

static int make_key(unsigned char key[BASE_SHMTABLE_KEY_LEN], const char *first, const char *second)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned len = 0;
    /* The NUL between the two belongs to the first. */
    int made = ctx && EVP_DigestInit_ex2(ctx, EVP_sha256(), NULL) == 1 &&
               EVP_DigestUpdate(ctx, first, strlen(first) + 1) == 1 &&
               EVP_DigestUpdate(ctx, second, strlen(second)) == 1 &&
               EVP_DigestFinal_ex(ctx, key, &len) == 1 && len == BASE_SHMTABLE_KEY_LEN;

    EVP_MD_CTX_free(ctx);
    return made;
}

static void copy_in(void *baton, void *payload)
{
    memcpy(payload, baton, sizeof(bsf_entry_t));
}

static void copy_out(void *baton, void *payload)
{
    memcpy(baton, payload, sizeof(bsf_entry_t));
}

/* Zeroes have expired: so nobody finds it between this and its removal. */
static void move_out(void *baton, void *payload)
{
    memcpy(baton, payload, sizeof(bsf_entry_t));
    base_secret_wipe(payload, sizeof(bsf_entry_t));
}

base_code_t bsf_store_put(bsf_kind_t kind, const char *id, const bsf_entry_t *entry)
{
    unsigned char key[BASE_SHMTABLE_KEY_LEN];

    if (!make_key(key, "", id))
        return BASE_STORE_DOWN;
    return base_shmtable_visit(tables[kind], key, BASE_SHMTABLE_MAKE, copy_in, (void *)entry);
}

static base_code_t not_expired(base_code_t code, bsf_entry_t *entry)
{
    if (code == BASE_OK && apr_time_now() < entry->expires)
        return BASE_OK;
    base_secret_wipe(entry, sizeof(*entry));
    return code == BASE_OK ? BASE_NOT_FOUND : code;
}

base_code_t bsf_store_get(bsf_kind_t kind, const char *id, bsf_entry_t *entry)
{
    unsigned char key[BASE_SHMTABLE_KEY_LEN];

    if (!make_key(key, "", id))
        return BASE_STORE_DOWN;
    return not_expired(base_shmtable_visit(tables[kind], key, BASE_SHMTABLE_READ, copy_out, entry),
                       entry);
}

base_code_t bsf_store_take(bsf_kind_t kind, const char *id, bsf_entry_t *entry)
{
    unsigned char key[BASE_SHMTABLE_KEY_LEN];
    base_code_t code;

    if (!make_key(key, "", id))
        return BASE_STORE_DOWN;
    code = base_shmtable_visit(tables[kind], key, BASE_SHMTABLE_WRITE, move_out, entry);
    if (code == BASE_OK)
        base_shmtable_remove(tables[kind], key);
    return not_expired(code, entry);
}

typedef struct count_t {
    apr_uint64_t in;
    apr_uint64_t out;
} count_t;

static void count_up(void *baton, void *payload)
{
    count_t *count = baton;
    sqn_t *kept = payload;

    count->out = gba_aka_sqn_next(kept->sqn ? kept->sqn : count->in);
    if (count->out)
        kept->sqn = count->out;
}

static void resync(void *baton, void *payload)
{
    const count_t *count = baton;
    sqn_t *kept = payload;

    kept->sqn = gba_aka_sqn_resync(kept->sqn, count->in);
}

base_code_t bsf_store_sqn_next(const char *bsf, const char *impi, apr_uint64_t start,
                               apr_uint64_t *sqn)
{
    unsigned char key[BASE_SHMTABLE_KEY_LEN];
    count_t count = {start, 0};
    base_code_t code = BASE_STORE_DOWN;

    if (make_key(key, bsf, impi))
        code = base_shmtable_visit(tables[SQNS], key, BASE_SHMTABLE_MAKE, count_up, &count);
    *sqn = count.out;
    return code == BASE_OK && !count.out ? BASE_STORE_DOWN : code;
}

base_code_t bsf_store_sqn_resync(const char *bsf, const char *impi, apr_uint64_t sqn_ms)
{
    unsigned char key[BASE_SHMTABLE_KEY_LEN];
    count_t count = {sqn_ms, 0};

    if (!make_key(key, bsf, impi))
        return BASE_STORE_DOWN;
    return base_shmtable_visit(tables[SQNS], key, BASE_SHMTABLE_MAKE, resync, &count);
}
