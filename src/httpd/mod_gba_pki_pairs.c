/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CA is used with which ledger. What holds for a request is merged from all sections that it
 * meets, so for certain it is known only then; but a section with what its server says beside it is
 * what nearly every request meets. A pair that only two sections together make is noted by the
 * first request that uses it.
 */
#include <http_core.h>

#include "httpd/mod_gba_pki_config.h"
#include "httpd/mod_gba_pki_meter.h"
#include "httpd/mod_gba_pki_module.h"

static void note(const mod_gba_pki_dir_t *dir)
{
    if (dir->ca && dir->ledger)
        base_gauge_set(mod_gba_pki_meter_pair(dir->ca->index, dir->ledger->index), 1);
}

static void walk(apr_pool_t *pool, const apr_array_header_t *sections, mod_gba_pki_dir_t *outer);

static void visit(apr_pool_t *pool, ap_conf_vector_t *section, mod_gba_pki_dir_t *outer)
{
    const core_dir_config *core = ap_get_core_module_config(section);
    mod_gba_pki_dir_t *own = ap_get_module_config(section, &gba_pki_module);
    mod_gba_pki_dir_t *dir = own ? mod_gba_pki_dir_merge(pool, outer, own) : outer;

    note(dir);
    if (core) {
        walk(pool, core->sec_file, dir);
        walk(pool, core->sec_if, dir);
    }
}

static void walk(apr_pool_t *pool, const apr_array_header_t *sections, mod_gba_pki_dir_t *outer)
{
    for (int i = 0; sections && i < sections->nelts; i++)
        visit(pool, APR_ARRAY_IDX(sections, i, ap_conf_vector_t *), outer);
}

void mod_gba_pki_pairs_find(apr_pool_t *pconf, server_rec *s)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, pconf);
    for (; s; s = s->next) {
        const core_server_config *core = ap_get_core_module_config(s->module_config);
        mod_gba_pki_dir_t *dir = ap_get_module_config(s->lookup_defaults, &gba_pki_module);
        if (!dir)
            dir = mod_gba_pki_dir_create(pool, NULL);
        visit(pool, s->lookup_defaults, dir);
        walk(pool, core->sec_dir, dir);
        walk(pool, core->sec_url, dir);
    }
    apr_pool_destroy(pool);
}
