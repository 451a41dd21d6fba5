/* SPDX-License-Identifier: Apache-2.0 */
/* What can be known of BSFs only when all of the configuration was read. */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>
#include <http_config.h>

#include "httpd/mod_gba_pki_config.h"
#include "httpd/mod_gba_pki_keeper.h"
#include "httpd/mod_gba_pki_module.h"
#include "keeper/keeper_nbsp_map.h"

static base_result_t misconfigured(const char *tag, const char *detail)
{
    return base_fail(BASE_INTERNAL, tag, detail);
}

/* In a process of its own: keys never stand in the parent's memory, which children inherit. */
static base_result_t try_bsf(void *baton, apr_pool_t *pool)
{
    return keeper_nbsp_check(baton, pool);
}

/* An address at which keys would cross a network in clear text; NULL if there is none. */
static const char *open_address(const keeper_nbsp_bsf_t *bsf)
{
    for (int i = 0; i < bsf->addresses->nelts; i++) {
        const keeper_nbsp_url_t *url = &APR_ARRAY_IDX(bsf->addresses, i, keeper_nbsp_url_t);
        if (!url->tls && !keeper_nbsp_url_is_local(url))
            return url->shown;
    }
    if (bsf->token_client && !bsf->token_url.tls && !keeper_nbsp_url_is_local(&bsf->token_url))
        return bsf->token_url.shown;
    return NULL;
}

static int check_bsf(const mod_gba_pki_bsf_t *bsf, apr_pool_t *pconf, server_rec *s)
{
    const mod_gba_pki_srv_t *srv =
        ap_get_module_config(bsf->server->module_config, &gba_pki_module);
    const char *open = open_address(bsf->bsf);
    base_result_t result = base_ok();

    if (open && srv->laboratory != 1)
        result =
            misconfigured("GBA1710", apr_psprintf(pconf,
                                                  "%s: keys would cross a network in clear text: "
                                                  "https, or GBALaboratory On in the same server",
                                                  open));
    if (result.code == BASE_OK &&
        (bsf->bsf->ca_path || bsf->bsf->cert_path || bsf->bsf->secret_path))
        result = mod_gba_pki_apart(try_bsf, bsf->bsf, NULL, pconf);
    if (result.code == BASE_OK)
        return OK;
    return mod_gba_pki_complain(s, &bsf->origin, apr_psprintf(pconf, "BSF %s", bsf->bsf->name),
                                result);
}

static keeper_nbsp_bsf_t *find_bsf(const mod_gba_pki_parts_t *parts, const char *name)
{
    for (int i = 0; i < parts->bsfs->nelts; i++) {
        const mod_gba_pki_bsf_t *known = APR_ARRAY_IDX(parts->bsfs, i, mod_gba_pki_bsf_t *);
        if (strcmp(known->bsf->name, name) == 0)
            return known->bsf;
    }
    return NULL;
}

/* Which of two would be asked must not hang on their order. */
static base_result_t add_bsf(mod_gba_pki_source_t *source, keeper_nbsp_bsf_t *bsf,
                             apr_pool_t *pconf)
{
    if (bsf->domains->nelts == 0)
        APR_ARRAY_PUSH(bsf->domains, const char *) = "*";
    for (int i = 0; i < source->bsfs->nelts; i++) {
        const keeper_nbsp_bsf_t *other = APR_ARRAY_IDX(source->bsfs, i, keeper_nbsp_bsf_t *);
        const char *both = keeper_nbsp_patterns_both(bsf->domains, other->domains);
        if (both)
            return misconfigured("GBA1711",
                                 apr_psprintf(pconf, "domain %s belongs to both %s and %s", both,
                                              other->name, bsf->name));
    }
    APR_ARRAY_PUSH(source->bsfs, keeper_nbsp_bsf_t *) = bsf;
    return base_ok();
}

static int resolve(mod_gba_pki_source_t *source, const mod_gba_pki_parts_t *parts,
                   apr_pool_t *pconf, server_rec *s)
{
    if (source->names->nelts > 0)
        apr_array_clear(source->bsfs);
    for (int i = 0; i < source->names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(source->names, i, const char *);
        keeper_nbsp_bsf_t *bsf = find_bsf(parts, name);
        base_result_t result =
            bsf ? add_bsf(source, bsf, pconf)
                : misconfigured("GBA1712", apr_psprintf(pconf, "there is no <GBABsf %s>", name));
        if (result.code != BASE_OK)
            return mod_gba_pki_complain(s, &source->origin, "GBAKeySource", result);
    }
    return OK;
}

int mod_gba_pki_bsf_check(apr_pool_t *pconf, server_rec *s)
{
    const mod_gba_pki_parts_t *parts = mod_gba_pki_parts(pconf);
    int status = OK;

    for (int i = 0; status == OK && i < parts->bsfs->nelts; i++)
        status = check_bsf(APR_ARRAY_IDX(parts->bsfs, i, mod_gba_pki_bsf_t *), pconf, s);
    for (int i = 0; status == OK && i < parts->sources->nelts; i++)
        status = resolve(APR_ARRAY_IDX(parts->sources, i, mod_gba_pki_source_t *), parts, pconf, s);
    return status;
}
