/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_rules.h"

#include <string.h>

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>

#include "base/base_text.h"
#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_set.h"

APLOG_USE_MODULE(gba_pki);

/* ---- the directive ---- */

static int text_is_plain(const char *text)
{
    return *text && strlen(text) <= PORTAL_PUBLIC_MAX && base_text_is_clean(text);
}

static const char *read_rule(cmd_parms *cmd, int argc, char *const argv[], mod_gba_pki_rule_t *rule)
{
    const char *error = NULL;

    rule->is_require = strcmp(argv[0], "require") == 0;
    if (!rule->is_require && strcmp(argv[0], "deny") != 0)
        return mod_gba_pki_refuse(cmd, argv[0], "deny or require: a rule can only narrow");
    rule->is_dry_run = argc == 4;
    if (argc == 4 && strcmp(argv[3], "dryrun") != 0)
        return mod_gba_pki_refuse(cmd, argv[3], "dryrun or nothing");
    if (!text_is_plain(argv[2]))
        return mod_gba_pki_refuse(cmd, argv[2],
                                  "a reason that a user may read, UTF-8, at most 255 octets");
    rule->expr =
        ap_expr_parse_cmd_mi(cmd, argv[1], 0, &error, mod_gba_pki_rule_lookup, APLOG_MODULE_INDEX);
    return error ? apr_psprintf(cmd->pool, "%s: '%s': %s", cmd->cmd->name, argv[1], error) : NULL;
}

const char *mod_gba_pki_set_rule(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    mod_gba_pki_dir_t *conf = dir;
    mod_gba_pki_rule_t *rule = apr_pcalloc(cmd->pool, sizeof(*rule));
    const char *error = mod_gba_pki_list_fault(cmd);

    if (error)
        return error;
    if (argc < 3 || argc > 4)
        return mod_gba_pki_refuse(cmd, argc ? argv[0] : "",
                                  "deny or require, an expression, a reason, and maybe dryrun");
    error = read_rule(cmd, argc, argv, rule);
    if (error)
        return error;
    rule->text = apr_pstrdup(cmd->pool, argv[1]);
    rule->public_text = apr_pstrdup(cmd->pool, argv[2]);
    rule->wants_held = strstr(argv[1], "GBA_CERTIFICATES_HELD") != NULL;
    rule->origin = mod_gba_pki_origin(cmd);
    if (!conf->rules)
        conf->rules = apr_array_make(cmd->pool, 2, sizeof(mod_gba_pki_rule_t *));
    APR_ARRAY_PUSH(conf->rules, const mod_gba_pki_rule_t *) = rule;
    return NULL;
}

/* ---- asking ---- */

/* Who asks, and what of. */
typedef struct asker_t {
    request_rec *r;
    const apr_array_header_t *rules; /* NULL: none */
    portal_rules_t seam;
} asker_t;

static const char *name_of(request_rec *r, const mod_gba_pki_rule_t *rule)
{
    return apr_psprintf(r->pool, "rule %s:%d", rule->origin.file, rule->origin.line);
}

static void refuse(portal_verdict_t *out, const mod_gba_pki_rule_t *rule, const char *name)
{
    out->reason = PKI_REASON_RULE;
    apr_cpystrn(out->public_text, rule->public_text, sizeof(out->public_text));
    out->who = name;
}

/* An expression that cannot be computed says nothing: nobody may be let through by it. */
static base_result_t ask_rule(request_rec *r, const mod_gba_pki_rule_t *rule, portal_verdict_t *out,
                              const portal_trace_t *trace)
{
    const char *name = name_of(r, rule);
    const char *error = NULL;
    int value = ap_expr_exec(r, rule->expr, &error);
    int refuses = rule->is_require ? value == 0 : value > 0;

    if (value < 0)
        return base_fail(
            BASE_INTERNAL, "GBA1740",
            apr_psprintf(r->pool, "%s: %s", name, error ? error : "cannot be computed"));
    if (trace)
        pki_trace_step(trace,
                       apr_psprintf(r->pool, "%s%s", name, rule->is_dry_run ? " (dryrun)" : ""),
                       apr_psprintf(r->pool, "%s %s is %s", rule->is_require ? "require" : "deny",
                                    rule->text, value ? "true" : "false"),
                       refuses ? PKI_REASON_RULE : PKI_REASON_NONE);
    if (refuses && rule->is_dry_run)
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r, "GBA1741: %s would have refused: %s", name,
                      rule->public_text);
    else if (refuses)
        refuse(out, rule, name);
    return base_ok();
}

static base_result_t judge(void *baton, const portal_facts_t *facts, portal_verdict_t *out,
                           const portal_trace_t *trace, apr_pool_t *pool)
{
    const asker_t *asker = baton;
    base_result_t result = base_ok();

    (void)pool;
    mod_gba_pki_rule_facts(asker->r, facts);
    for (int i = 0; asker->rules && i < asker->rules->nelts && result.code == BASE_OK &&
                    out->reason == PKI_REASON_NONE;
         i++)
        result = ask_rule(asker->r, APR_ARRAY_IDX(asker->rules, i, const mod_gba_pki_rule_t *), out,
                          trace);
    mod_gba_pki_rule_facts(asker->r, NULL);
    if (result.code == BASE_OK && out->reason == PKI_REASON_NONE)
        result = mod_gba_pki_ask_modules(asker->r, facts, out, trace);
    return result;
}

static int wants_held(const apr_array_header_t *rules)
{
    for (int i = 0; rules && i < rules->nelts; i++)
        if (APR_ARRAY_IDX(rules, i, const mod_gba_pki_rule_t *)->wants_held)
            return 1;
    return 0;
}

const portal_rules_t *mod_gba_pki_rules(request_rec *r, const mod_gba_pki_dir_t *dir)
{
    asker_t *asker;

    if (!dir->rules && !mod_gba_pki_has_modules())
        return NULL;
    asker = apr_pcalloc(r->pool, sizeof(*asker));
    asker->r = r;
    asker->rules = dir->rules;
    asker->seam =
        (portal_rules_t){asker, wants_held(dir->rules) || mod_gba_pki_has_modules(), judge};
    return &asker->seam;
}
