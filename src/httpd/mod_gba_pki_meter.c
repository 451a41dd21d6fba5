/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_meter.h"

#include <apr_shm.h>
#include <http_core.h>
#include <http_log.h>

#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_state.h"

APLOG_USE_MODULE(gba_pki);

/* Survives restarts and the module's own unloading, so it holds plain data only. Not in the segment
 * of the associations: another GBAAssociations must not lose what was counted. */
typedef struct retained_t {
    portal_meter_t *meter;
    apr_uint64_t layout;
    unsigned generation;
} retained_t;

/* The gauges: CAs, ledgers, and for each CA all ledgers. */
typedef struct gauges_t {
    base_gauge_t *first;
    int cas;
    int ledgers;
} gauges_t;

static portal_meter_t *meter;
static unsigned generation;
static gauges_t gauges;

static int start_failed(server_rec *s, const char *tag, apr_status_t rv, const char *what)
{
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, rv, s, "%s: %s", tag, what);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static apr_status_t make_shared(void **out, apr_size_t size, apr_pool_t *pool)
{
    apr_shm_t *shm;
    apr_status_t rv = apr_shm_create(&shm, size, NULL, pool);

    if (rv == APR_SUCCESS) {
        *out = apr_shm_baseaddr_get(shm);
        memset(*out, 0, size);
    }
    return rv;
}

/* Old children go on with the segment that they know. */
static int find_meter(retained_t *kept, server_rec *s)
{
    void *made;
    apr_status_t rv;

    if (kept->meter && kept->layout == portal_meter_layout())
        return OK;
    if (kept->meter)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "GBA1600: the module was replaced by one that counts otherwise: all counters "
                     "start at 0");
    rv = make_shared(&made, sizeof(*kept->meter), s->process->pool);
    if (rv != APR_SUCCESS)
        return start_failed(s, "GBA1601", rv, "no shared memory for the counters");
    kept->meter = made;
    kept->layout = portal_meter_layout();
    return OK;
}

/* Of this configuration, so in its pool: an old keeper must not set what a new one is asked for. */
static int make_gauges(apr_pool_t *pconf, server_rec *s)
{
    const mod_gba_pki_parts_t *parts = mod_gba_pki_parts(pconf);
    int cas = parts->cas->nelts;
    int ledgers = parts->ledgers->nelts;
    apr_size_t number = (apr_size_t)cas + (apr_size_t)ledgers * ((apr_size_t)cas + 1) + 1;
    void *made;
    apr_status_t rv = make_shared(&made, number * sizeof(base_gauge_t), pconf);

    if (rv != APR_SUCCESS)
        return start_failed(s, "GBA1602", rv, "no shared memory for the gauges");
    gauges = (gauges_t){made, cas, ledgers};
    return OK;
}

int mod_gba_pki_meter_start(apr_pool_t *pconf, server_rec *s)
{
    static const char name[] = "mod_gba_pki meter";
    retained_t *kept = ap_retained_data_get(name);
    int status;

    if (!kept)
        kept = ap_retained_data_create(name, sizeof(*kept));
    status = find_meter(kept, s);
    if (status == OK)
        status = make_gauges(pconf, s);
    if (status != OK)
        return status;
    meter = kept->meter;
    generation = ++kept->generation;
    mod_gba_pki_pairs_find(pconf, s);
    return OK;
}

portal_meter_t *mod_gba_pki_meter(void)
{
    return meter;
}

unsigned mod_gba_pki_meter_generation(void)
{
    return generation;
}

base_gauge_t *mod_gba_pki_meter_ca(int ca)
{
    return ca >= 0 && ca < gauges.cas ? gauges.first + ca : NULL;
}

base_gauge_t *mod_gba_pki_meter_ledger(int ledger)
{
    return ledger >= 0 && ledger < gauges.ledgers ? gauges.first + gauges.cas + ledger : NULL;
}

base_gauge_t *mod_gba_pki_meter_pair(int ca, int ledger)
{
    if (!mod_gba_pki_meter_ca(ca) || !mod_gba_pki_meter_ledger(ledger))
        return NULL;
    return gauges.first + gauges.cas + gauges.ledgers * (ca + 1) + ledger;
}

void mod_gba_pki_meter_failure(request_rec *r, base_code_t code)
{
    static const char counted[] = "mod_gba_pki: counted";
    apr_table_t *notes = mod_gba_pki_first(r)->notes;

    if (apr_table_get(notes, counted))
        return;
    apr_table_setn(notes, counted, "");
    portal_meter_failed(meter, code);
}
