/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_run.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_shm.h>
#include <apr_strings.h>
#include <http_log.h>
#include <http_core.h>

#include "base/base_steady.h"
#include "httpd/mod_gba_pki_keeper.h"
#include "httpd/mod_gba_pki_meter.h"
#include "httpd/mod_gba_pki_module.h"
#include "keeper/keeper_ledger.h"

APLOG_USE_MODULE(gba_pki);

/* Survives restarts and the module's own unloading, so it holds plain data only.
 *
 * The segment: digest_nonce_key_t, padding, association table. Key and table are in one piece
 * because nonces must die when the windows do, and live while they live. */
typedef struct retained_t {
    void *segment;
    apr_size_t size;
    apr_size_t capacity;
} retained_t;

#define KEY_AREA 128 /* octets before the table; keeps it aligned */

/* What stands there. The latest time lives as long as the windows' horizons do. */
typedef struct front_t {
    digest_nonce_key_t key;
    base_steady_shared_t time;
} front_t;

typedef char key_area_is_large_enough[sizeof(front_t) <= KEY_AREA ? 1 : -1];

static base_steady_t steady;

static portal_world_t world;

static int start_failed(server_rec *s, const char *tag, apr_status_t rv, const char *what)
{
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, rv, s, "%s: %s", tag, what);
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* The keys of all UEs: they have no place in a child's core file. Children inherit this. */
static void keep_from_cores(void *segment, apr_size_t size, server_rec *s)
{
    apr_uintptr_t page = (apr_uintptr_t)sysconf(_SC_PAGESIZE);
    char *start = (char *)segment - (apr_uintptr_t)segment % page;

    if (madvise(start, size + (apr_size_t)((char *)segment - start), MADV_DONTDUMP) != 0)
        ap_log_error(APLOG_MARK, APLOG_WARNING, errno, s,
                     "GBA1841: a child's core file would hold the keys of UEs");
}

static int make_segment(retained_t *kept, apr_size_t capacity, server_rec *s)
{
    apr_size_t table = gba_assoc_table_size(capacity);
    apr_shm_t *shm;
    apr_status_t rv;
    base_result_t result;

    if (table == 0)
        return start_failed(s, "GBA0610", 0, "GBAAssociations is too large");
    /* In the process's pool: a pool that a restart clears would give the new generation a table of
     * its own while old children go on with the old one, and an nc could be taken twice. */
    rv = apr_shm_create(&shm, KEY_AREA + table, NULL, s->process->pool);
    if (rv != APR_SUCCESS)
        return start_failed(s, "GBA0611", rv, "no shared memory for the associations");
    kept->segment = apr_shm_baseaddr_get(shm);
    kept->size = KEY_AREA + table;
    kept->capacity = capacity;
    keep_from_cores(kept->segment, kept->size, s);
    memset(kept->segment, 0, KEY_AREA);
    if (!digest_nonce_key_make(kept->segment, 0, base_random_system()))
        return start_failed(s, "GBA0612", 0, "no random octets for the nonce key");
    result = gba_assoc_table_format((char *)kept->segment + KEY_AREA, table, capacity);
    return result.code == BASE_OK ? OK : start_failed(s, result.tag, 0, result.detail);
}

static int find_segment(retained_t *kept, server_rec *s)
{
    const mod_gba_pki_srv_t *srv = ap_get_module_config(s->module_config, &gba_pki_module);
    apr_size_t capacity =
        srv->associations == -1 ? MOD_GBA_PKI_ASSOCIATIONS : (apr_size_t)srv->associations;

    if (kept->segment && kept->capacity == capacity)
        return OK;
    if (kept->segment)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "GBA0613: GBAAssociations changed: new table and new nonces; every UE gets "
                     "one stale challenge");
    return make_segment(kept, capacity, s);
}

static int attach_world(const retained_t *kept, apr_pool_t *pconf, server_rec *s)
{
    front_t *front = kept->segment;

    base_steady_make(&steady, base_clock_system(), &front->time);
    world.clock = &steady.clock;
    world.random = base_random_system();
    world.nonce_key = &front->key;
    world.assocs = gba_assoc_table_attach(pconf, (char *)kept->segment + KEY_AREA,
                                          kept->size - KEY_AREA, world.clock);
    if (!world.assocs)
        return start_failed(s, "GBA0614", 0,
                            "the association table is of another version: stop and start httpd");
    return OK;
}

static base_result_t prepare(void *baton, apr_pool_t *pool)
{
    return keeper_sqlite_prepare(baton, pool);
}

/* As the user that will write it: the folder is his, and what stands in somebody else's folder is
 * nothing that root should open. */
static int prepare_ledgers(apr_pool_t *pconf, server_rec *s)
{
    const apr_array_header_t *ledgers = mod_gba_pki_parts(pconf)->ledgers;

    for (int i = 0; i < ledgers->nelts; i++) {
        const mod_gba_pki_ledger_t *ledger = APR_ARRAY_IDX(ledgers, i, mod_gba_pki_ledger_t *);
        base_result_t result =
            mod_gba_pki_apart(prepare, (void *)ledger->path,
                              ap_get_module_config(s->module_config, &gba_pki_module), pconf);
        if (result.code != BASE_OK)
            return start_failed(
                s, result.tag, 0,
                apr_psprintf(pconf, "GBALedger %s: %s", ledger->path, result.detail));
    }
    return OK;
}

static void warn_laboratory(apr_pool_t *pconf, server_rec *s)
{
    const apr_array_header_t *sources = mod_gba_pki_parts(pconf)->sources;

    for (int i = 0; i < sources->nelts; i++) {
        const char *path = APR_ARRAY_IDX(sources, i, mod_gba_pki_source_t *)->path;
        if (path)
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                         "GBA0616: laboratory: keys are read from %s; never use this in the field",
                         path);
    }
}

int mod_gba_pki_run_start(apr_pool_t *pconf, server_rec *s)
{
    static const char name[] = "mod_gba_pki run";
    retained_t *kept;
    /* In both passes at start: the first still has the operator's terminal to complain to. */
    int status = prepare_ledgers(pconf, s);

    /* The first pass is in a process that goes away. */
    if (status != OK || ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return status;
    kept = ap_retained_data_get(name);
    if (!kept)
        kept = ap_retained_data_create(name, sizeof(*kept));
    digest_hash_init();
    status = find_segment(kept, s);
    if (status == OK)
        status = attach_world(kept, pconf, s);
    if (status == OK)
        status = mod_gba_pki_meter_start(pconf, s);
    if (status == OK)
        status = mod_gba_pki_keeper_start(pconf, s);
    if (status == OK) {
        warn_laboratory(pconf, s);
        mod_gba_pki_parts_warn(pconf, s);
    }
    return status;
}

const portal_world_t *mod_gba_pki_world(void)
{
    return world.assocs ? &world : NULL;
}

base_result_t mod_gba_pki_namer(portal_issuer_t **out, request_rec *r, const mod_gba_pki_dir_t *dir)
{
    keeper_client_t *client = mod_gba_pki_keeper_client();

    if (!dir->ledger)
        return base_fail(BASE_STORE_DOWN, "GBA0620", "no GBALedger is configured here");
    if (!client)
        return base_fail(BASE_STORE_DOWN, "GBA0618", "this process has no way to the keeper");
    if (dir->ca)
        base_gauge_set(mod_gba_pki_meter_pair(dir->ca->index, dir->ledger->index), 1);
    *out = keeper_client_issuer(client, dir->ca ? dir->ca->index : 0, dir->ledger->index, r->pool);
    return base_ok();
}

base_result_t mod_gba_pki_issuer(portal_issuer_t **out, request_rec *r,
                                 const mod_gba_pki_dir_t *dir)
{
    if (!dir->ca)
        return base_fail(BASE_STORE_DOWN, "GBA0619", "gba-enrol without a GBAIssuer");
    return mod_gba_pki_namer(out, r, dir);
}
