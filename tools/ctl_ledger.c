/* SPDX-License-Identifier: Apache-2.0 */
/* What looks after a ledger's file: verify, upgrade, backup. */
#include <stdio.h>
#include <apr_strings.h>
#include "ctl_report.h"
#include "ctl_run.h"
#include "keeper/keeper_upkeep.h"
#include "keeper/keeper_verify.h"
#include "tool_text.h"

/* ---- verify ---- */

/* Findings on their way out. */
typedef struct verifying_t {
    const ctl_t *ctl;
    json_t *findings;
    apr_pool_t *row; /* of one finding at a time */
} verifying_t;

static void found(void *baton, const keeper_finding_t *finding)
{
    verifying_t *v = baton;
    json_t *object = json_object();
    json_object_set_new(object, "what", tool_json(finding->what, v->row));
    json_object_set_new(object, "which", tool_json(finding->which, v->row));
    json_object_set_new(object, "text", tool_json(finding->text, v->row));
    json_array_append_new(v->findings, object);
    if (!v->ctl->opts->json)
        printf("%s%s%s: %s\n", finding->what, *finding->which ? " " : "",
               tool_plain(v->row, finding->which), tool_plain(v->row, finding->text));
    apr_pool_clear(v->row);
}

static const pki_ca_t **load_cas(const ctl_t *ctl, base_result_t *result)
{
    const apr_array_header_t *paths = ctl->opts->cas;
    const pki_ca_t **cas = apr_pcalloc(ctl->pool, sizeof *cas * (apr_size_t)paths->nelts);
    *result = base_ok();
    for (int i = 0; i < paths->nelts && result->code == BASE_OK; i++) {
        pki_ca_t *ca = NULL;
        *result =
            pki_ca_load(&ca, APR_ARRAY_IDX(paths, i, const char *), NULL, NULL, NULL, ctl->pool);
        cas[i] = ca;
    }
    return cas;
}

static int end_verify(const verifying_t *v, const keeper_verify_report_t *report)
{
    const keeper_audit_report_t *audit = &report->audit;
    json_t *facts = json_object();
    json_object_set(facts, "findings", v->findings);
    json_object_set_new(facts, "certificates", json_integer(report->certificates));
    json_object_set_new(facts, "audit_rows", json_integer(audit->rows));
    json_object_set_new(facts, "chains", json_integer(audit->chains));
    json_object_set_new(facts, "signed_heads", json_integer(audit->signed_heads));
    json_object_set_new(facts, "unsigned_rows", json_integer(report->unsigned_rows));
    if (report->findings > 0)
        return ctl_end(v->ctl, CTL_FOUND, facts,
                       apr_psprintf(v->ctl->pool,
                                    "the ledger does not verify: %" APR_INT64_T_FMT " findings",
                                    report->findings));
    return ctl_end(v->ctl, CTL_OK, facts,
                   apr_psprintf(v->ctl->pool,
                                "verified: %" APR_INT64_T_FMT " certificates, %" APR_INT64_T_FMT
                                " audit rows in %" APR_INT64_T_FMT " chains, %" APR_INT64_T_FMT
                                " signed heads; %" APR_INT64_T_FMT " rows not signed yet",
                                report->certificates, audit->rows, audit->chains,
                                audit->signed_heads, report->unsigned_rows));
}

int ctl_ledger_verify(const ctl_t *ctl)
{
    verifying_t v = {.ctl = ctl, .findings = json_array()};
    keeper_records_t *records = NULL;
    keeper_verify_report_t report;
    base_result_t result;
    keeper_verify_t how = {.cas = load_cas(ctl, &result),
                           .ca_count = ctl->opts->cas->nelts,
                           .found = found,
                           .baton = &v};
    int code;
    apr_pool_create(&v.row, ctl->pool);
    if (result.code != BASE_OK)
        code = ctl_fail(ctl, CTL_LOCAL, result.detail);
    else {
        result = keeper_records_open(&records, ctl->opts->ledger, ctl->pool);
        if (result.code == BASE_OK)
            result = keeper_verify(records, &how, &report, ctl->pool);
        code = result.code == BASE_OK ? end_verify(&v, &report)
                                      : ctl_fail(ctl, CTL_LEDGER, result.detail);
    }
    json_decref(v.findings);
    return code;
}

/* ---- upgrade ---- */

int ctl_ledger_upgrade(const ctl_t *ctl)
{
    keeper_upgrade_t did;
    base_result_t result = keeper_ledger_upgrade(&did, ctl->opts->ledger, ctl->pool);
    if (result.code != BASE_OK)
        return ctl_fail(ctl, CTL_LEDGER, result.detail);
    json_t *facts = json_object();
    json_object_set_new(facts, "from", json_integer(did.from));
    json_object_set_new(facts, "to", json_integer(did.to));
    json_object_set_new(facts, "certificates", json_integer(did.certificates));
    json_object_set_new(facts, "audit_rows", json_integer(did.rows));
    const char *text =
        did.from == did.to
            ? apr_psprintf(ctl->pool, "is of version %d already", did.to)
            : apr_psprintf(ctl->pool, "upgraded from version %d to %d", did.from, did.to);
    return ctl_end(ctl, CTL_OK, facts,
                   apr_psprintf(ctl->pool,
                                "%s: %" APR_INT64_T_FMT " certificates, %" APR_INT64_T_FMT
                                " audit rows",
                                text, did.certificates, did.rows));
}

/* ---- backup ---- */

int ctl_ledger_backup(const ctl_t *ctl)
{
    keeper_backup_t did;
    base_result_t result =
        keeper_ledger_backup(&did, ctl->opts->ledger, ctl->opts->operand, ctl->pool);
    if (result.code != BASE_OK)
        return ctl_fail(ctl, did.copy_failed ? CTL_LOCAL : CTL_LEDGER, result.detail);
    json_t *facts = json_object();
    json_object_set_new(facts, "file", tool_json(ctl->opts->operand, ctl->pool));
    json_object_set_new(facts, "octets", json_integer(did.octets));
    json_object_set_new(facts, "version", json_integer(did.version));
    json_object_set_new(facts, "certificates", json_integer(did.certificates));
    json_object_set_new(facts, "audit_rows", json_integer(did.rows));
    return ctl_end(ctl, CTL_OK, facts,
                   apr_psprintf(ctl->pool,
                                "%s: %" APR_INT64_T_FMT " octets, %" APR_INT64_T_FMT
                                " certificates, %" APR_INT64_T_FMT " audit rows",
                                ctl->opts->operand, did.octets, did.certificates, did.rows));
}
