/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's own modules: the optional hook pki_enrolment of mod_gba_pki.h. */
#include <string.h>

#include <apr_strings.h>

#include "mod_gba_pki.h"
#include "base/base_text.h"
#include "httpd/mod_gba_pki_identity.h"
#include "httpd/mod_gba_pki_rules.h"

#define GBA_DECLARE(type) static type

/* How APR lays out an entry of every hook (apr_hooks.h makes the type together with functions that
 * an optional hook has not). */
typedef struct gba_LINK_pki_enrolment_t {
    gba_HOOK_pki_enrolment_t *pFunc;
    const char *szName;
    const char *const *aszPredecessors;
    const char *const *aszSuccessors;
    int nOrder;
} gba_LINK_pki_enrolment_t;

APR_IMPLEMENT_OPTIONAL_HOOK_RUN_ALL(gba, GBA, int, pki_enrolment,
                                    (request_rec * r, const gba_pki_enrolment_t *enrolment,
                                     gba_pki_refusal_t *refusal),
                                    (r, enrolment, refusal), OK, DECLINED)

int mod_gba_pki_has_modules(void)
{
    const apr_array_header_t *hooks = apr_optional_hook_get("pki_enrolment");

    return hooks && hooks->nelts > 0;
}

static const char *const *ue_ids(const portal_facts_t *facts, apr_pool_t *pool)
{
    const char **list = apr_pcalloc(pool, sizeof(*list) * (GBA_UEIDS_MAX + 1));
    int count = 0;

    for (int i = 0; i < facts->setting->ue_id_count && i < GBA_UEIDS_MAX; i++) {
        list[count] = gba_info_text(facts->info, facts->setting->ue_ids[i]);
        if (list[count])
            count++;
    }
    return list;
}

static gba_pki_enrolment_t *tell(const portal_facts_t *facts, apr_pool_t *pool)
{
    gba_pki_enrolment_t *known = apr_pcalloc(pool, sizeof(*known));

    known->size = sizeof(*known);
    known->btid = facts->btid;
    known->impi = gba_info_text(facts->info, facts->info->impi);
    known->ue_ids = ue_ids(facts, pool);
    known->gba_type = mod_gba_pki_type_name(facts->info->type);
    known->key_place = facts->uicc_key ? "UICC" : "ME";
    known->bootstrapped = facts->info->bootstrapped;
    known->key_expires = facts->info->expires;
    known->naf_group = facts->naf_group;
    known->profile = facts->profile->name;
    known->key_type = facts->key_type;
    known->key_bits = facts->key_bits;
    known->key_curve = facts->key_curve;
    known->held = facts->held;
    return known;
}

/* What a module writes is shown to a UE: only what a page can carry. */
static base_result_t take(const gba_pki_refusal_t *refusal, portal_verdict_t *out, apr_pool_t *pool)
{
    const char *text = refusal->public_text ? refusal->public_text : "";

    if (strlen(text) > PORTAL_PUBLIC_MAX || !base_text_is_clean(text))
        return base_fail(BASE_INTERNAL, "GBA1743",
                         "a module refused with a public text that no page can carry");
    out->reason = PKI_REASON_MODULE;
    apr_cpystrn(out->public_text, text, sizeof(out->public_text));
    out->who = refusal->detail ? apr_pstrcat(pool, "module: ", refusal->detail, NULL) : "module";
    return base_ok();
}

base_result_t mod_gba_pki_ask_modules(request_rec *r, const portal_facts_t *facts,
                                      portal_verdict_t *out, const portal_trace_t *trace)
{
    gba_pki_refusal_t refusal = {.size = sizeof(refusal)};
    base_result_t result = base_ok();
    int answer;

    if (!mod_gba_pki_has_modules())
        return result;
    answer = gba_run_pki_enrolment(r, tell(facts, r->pool), &refusal);
    if (answer == HTTP_FORBIDDEN)
        result = take(&refusal, out, r->pool);
    else if (answer != OK && answer != DECLINED)
        result =
            base_fail(BASE_INTERNAL, "GBA1742",
                      apr_psprintf(r->pool, "a module answered %d about an enrolment", answer));
    if (result.code == BASE_OK)
        pki_trace_step(trace, "modules", out->who ? out->who : "no objection", out->reason);
    return result;
}
