/* SPDX-License-Identifier: Apache-2.0 */
/* What expressions of GBAEnrolRule may name. */
#include <string.h>

#include <apr_strings.h>

#include "httpd/mod_gba_pki_identity.h"
#include "httpd/mod_gba_pki_rules.h"
#include "pki/pki_pkcs10.h"

static const char facts_key[] = "mod_gba_pki rule facts";

void mod_gba_pki_rule_facts(request_rec *r, const portal_facts_t *facts)
{
    apr_pool_userdata_setn(facts, facts_key, NULL, r->pool);
}

static const portal_facts_t *facts_of(const request_rec *r)
{
    void *found = NULL;

    return r && apr_pool_userdata_get(&found, facts_key, r->pool) == APR_SUCCESS ? found : NULL;
}

/* ---- one function for each; NULL is read as "" ---- */

static const char *key_type(const portal_facts_t *facts, apr_pool_t *pool)
{
    (void)pool;
    return facts->key_type;
}

static const char *key_bits(const portal_facts_t *facts, apr_pool_t *pool)
{
    return apr_itoa(pool, facts->key_bits);
}

static const char *key_curve(const portal_facts_t *facts, apr_pool_t *pool)
{
    (void)pool;
    return facts->key_curve;
}

static const char *key_usage(const portal_facts_t *facts, apr_pool_t *pool)
{
    const int sign = (facts->usage_wish & PKI_USAGE_DIGITAL_SIGNATURE) != 0;
    const int commit = (facts->usage_wish & PKI_USAGE_NON_REPUDIATION) != 0;

    return apr_pstrcat(pool, sign ? "digitalSignature" : "", sign && commit ? "," : "",
                       commit ? "nonRepudiation" : "", NULL);
}

static const char *profile(const portal_facts_t *facts, apr_pool_t *pool)
{
    (void)pool;
    return facts->profile->name;
}

static const char *type(const portal_facts_t *facts, apr_pool_t *pool)
{
    (void)pool;
    return mod_gba_pki_type_name(facts->info->type);
}

static const char *key_place(const portal_facts_t *facts, apr_pool_t *pool)
{
    (void)pool;
    return facts->uicc_key ? "UICC" : "ME";
}

static const char *ue_identity(const portal_facts_t *facts, apr_pool_t *pool)
{
    (void)pool;
    return facts->setting->ue_id_count ? gba_info_text(facts->info, facts->setting->ue_ids[0])
                                       : NULL;
}

static const char *ue_identities(const portal_facts_t *facts, apr_pool_t *pool)
{
    const char *text = "";

    for (int i = 0; i < facts->setting->ue_id_count; i++)
        text = apr_pstrcat(pool, text, i ? "," : "",
                           gba_info_text(facts->info, facts->setting->ue_ids[i]), NULL);
    return text;
}

static const char *impi(const portal_facts_t *facts, apr_pool_t *pool)
{
    (void)pool;
    return gba_info_text(facts->info, facts->info->impi);
}

static const char *btid(const portal_facts_t *facts, apr_pool_t *pool)
{
    (void)pool;
    return facts->btid;
}

static const char *naf_group(const portal_facts_t *facts, apr_pool_t *pool)
{
    (void)pool;
    return facts->naf_group;
}

static const char *held(const portal_facts_t *facts, apr_pool_t *pool)
{
    return apr_itoa(pool, facts->held);
}

/* ---- the table ---- */

typedef struct variable_t {
    const char *name;
    const char *(*value)(const portal_facts_t *facts, apr_pool_t *pool);
} variable_t;

/* docs/directives.md says what each is. */
static const variable_t variables[] = {
    {"GBA_KEY_TYPE", key_type},
    {"GBA_KEY_BITS", key_bits},
    {"GBA_KEY_CURVE", key_curve},
    {"GBA_KEY_USAGE", key_usage},
    {"GBA_PROFILE", profile},
    {"GBA_TYPE", type},
    {"GBA_KEY_PLACE", key_place},
    {"GBA_UE_IDENTITY", ue_identity},
    {"GBA_UE_IDENTITIES", ue_identities},
    {"GBA_IMPI", impi},
    {"GBA_BTID", btid},
    {"GBA_NAF_GROUP", naf_group},
    {"GBA_CERTIFICATES_HELD", held},
};

static const char *read_variable(ap_expr_eval_ctx_t *ctx, const void *data)
{
    const variable_t *variable = data;
    const portal_facts_t *facts = facts_of(ctx->r);
    const char *value = facts ? variable->value(facts, ctx->p) : NULL;

    return value ? value : "";
}

int mod_gba_pki_rule_lookup(ap_expr_lookup_parms *parms)
{
    for (unsigned i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        if (parms->type == AP_EXPR_FUNC_VAR && strcmp(parms->name, variables[i].name) == 0) {
            *parms->func = (const void *)read_variable;
            *parms->data = &variables[i];
            return OK;
        }
    return ap_expr_lookup_default(parms);
}
