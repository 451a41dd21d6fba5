/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_rules.h
 * GBAEnrolRule, and the operator's own modules (mod_gba_pki.h): what may say no
 * to an enrolment that settings, PKCS#10 and key permit. Nothing here can
 * permit what was refused: it is not asked then.
 */
#ifndef mod_gba_pki_rules_h
#define mod_gba_pki_rules_h

#include <httpd.h>

#include <ap_expr.h>

#include "httpd/mod_gba_pki_config.h"
#include "portal/portal_policy.h"

/** One GBAEnrolRule; in the configuration's pool. */
typedef struct mod_gba_pki_rule_t {
    int is_require; /**< nonzero: refuses where the expression is false; else where it is true */
    int is_dry_run; /**< nonzero: only the log says what it would have done */
    int wants_held; /**< nonzero: the expression names GBA_CERTIFICATES_HELD */
    const ap_expr_info_t *expr;
    const char *text;        /**< the expression as it was written */
    const char *public_text; /**< what the UE's user may read */
    mod_gba_pki_origin_t origin;
} mod_gba_pki_rule_t;

/** A location's rules and the modules, for portal_enrol(); in r->pool. NULL if there are none. */
const portal_rules_t *mod_gba_pki_rules(request_rec *r, const mod_gba_pki_dir_t *dir);

/**
 * The variables of rules: GBA_KEY_TYPE and so on; every other is httpd's. For ap_expr's parser.
 */
int mod_gba_pki_rule_lookup(ap_expr_lookup_parms *parms);

/** Lets the variables speak of these facts in expressions about @a r; NULL: of none. */
void mod_gba_pki_rule_facts(request_rec *r, const portal_facts_t *facts);

/** Asks the modules. As portal_rules_t.judge; OK with NONE if there is no module. */
base_result_t mod_gba_pki_ask_modules(request_rec *r, const portal_facts_t *facts,
                                      portal_verdict_t *out, const portal_trace_t *trace);

/** Nonzero if some module asked to be asked. */
int mod_gba_pki_has_modules(void);

#endif
