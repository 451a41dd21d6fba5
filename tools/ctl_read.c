/* SPDX-License-Identifier: Apache-2.0 */
/* What reads a ledger: list, export, show. */
#include <stdio.h>
#include <string.h>
#include <apr_strings.h>
#include "ctl_print.h"
#include "ctl_report.h"
#include "ctl_run.h"
#include "tool_text.h"

/* Rows on their way to standard output. */
typedef struct printing_t {
    const ctl_t *ctl;
    int with_certificate;
    int failed;
    apr_pool_t *row; /* of one row at a time */
} printing_t;

static int print_row(printing_t *printing, const ctl_fields_t *fields)
{
    printing->failed = !ctl_print_row(printing->ctl, fields, printing->row);
    apr_pool_clear(printing->row);
    return !printing->failed;
}

static void fields_of_record(printing_t *printing, const keeper_record_t *record,
                             ctl_fields_t *fields)
{
    ctl_fields_of_record(fields, record, printing->row);
    if (printing->with_certificate)
        ctl_fields_add_certificate(fields, printing->ctl, record->der, printing->row);
}

static int show_record(void *visitor, const keeper_record_t *record)
{
    ctl_fields_t fields;
    fields_of_record(visitor, record, &fields);
    return print_row(visitor, &fields);
}

static int show_trail(void *visitor, const keeper_trail_row_t *trail)
{
    printing_t *printing = visitor;
    ctl_fields_t fields;
    ctl_fields_of_trail(&fields, trail, printing->row);
    return print_row(printing, &fields);
}

/* A ledger without rows has headings too. */
static void print_head(printing_t *printing)
{
    static const keeper_record_t record = {.serial = ""};
    static const keeper_trail_row_t trail = {.count = 0};
    ctl_fields_t fields;
    if (printing->ctl->opts->what == CTL_CERTIFICATES)
        fields_of_record(printing, &record, &fields);
    else
        ctl_fields_of_trail(&fields, &trail, printing->row);
    ctl_print_head(printing->ctl, &fields);
}

static int print_all(const ctl_t *ctl, int with_certificate)
{
    printing_t printing = {.ctl = ctl, .with_certificate = with_certificate};
    keeper_records_t *records = NULL;
    base_result_t result = keeper_records_open(&records, ctl->opts->ledger, ctl->pool);
    apr_pool_create(&printing.row, ctl->pool);
    if (result.code == BASE_OK) {
        print_head(&printing);
        result =
            ctl->opts->what == CTL_CERTIFICATES
                ? keeper_records_certificates(records, &ctl->opts->filter, show_record, &printing)
                : keeper_records_audit(records, &ctl->opts->filter, show_trail, &printing);
    }
    if (result.code != BASE_OK) {
        ctl_complain(ctl, result.detail);
        return ctl_flush(ctl, CTL_LEDGER);
    }
    return ctl_flush(ctl, printing.failed ? CTL_LOCAL : CTL_OK);
}

int ctl_list(const ctl_t *ctl)
{
    return print_all(ctl, 0);
}

int ctl_export(const ctl_t *ctl)
{
    return print_all(ctl, ctl->opts->format != CTL_TABLE);
}

/* ---- one certificate ---- */

/* All that is known of one certificate: the lines for people, or the object. */
typedef struct showing_t {
    const ctl_t *ctl;
    const char *identity; /* NULL: no such certificate */
    ctl_fields_t fields;
    apr_array_header_t *trail; /* of ctl_fields_t */
} showing_t;

static int take_record(void *visitor, const keeper_record_t *record)
{
    showing_t *showing = visitor;
    apr_pool_t *pool = showing->ctl->pool;
    keeper_record_t copy = *record;
    copy.serial = apr_pstrdup(pool, record->serial);
    copy.state = apr_pstrdup(pool, record->state);
    copy.identity = apr_pstrdup(pool, record->identity);
    copy.pseudonym = apr_pstrdup(pool, record->pseudonym);
    copy.profile = apr_pstrdup(pool, record->profile);
    copy.btid = apr_pstrdup(pool, record->btid);
    copy.revocation_reason = apr_pstrdup(pool, record->revocation_reason);
    showing->identity = copy.identity;
    ctl_fields_of_record(&showing->fields, &copy, pool);
    ctl_fields_add_certificate(&showing->fields, showing->ctl, record->der, pool);
    return 0; /* a serial is unique */
}

static int take_trail(void *visitor, const keeper_trail_row_t *trail)
{
    showing_t *showing = visitor;
    apr_pool_t *pool = showing->ctl->pool;
    keeper_trail_row_t copy = *trail;
    copy.row.event = apr_pstrdup(pool, trail->row.event);
    copy.row.reason = apr_pstrdup(pool, trail->row.reason);
    copy.row.serial = apr_pstrdup(pool, trail->row.serial);
    copy.row.identity = apr_pstrdup(pool, trail->row.identity);
    copy.row.btid = apr_pstrdup(pool, trail->row.btid);
    copy.row.profile = apr_pstrdup(pool, trail->row.profile);
    copy.row.writer = apr_pstrdup(pool, trail->row.writer);
    ctl_fields_of_trail(apr_array_push(showing->trail), &copy, pool);
    return 1;
}

static int show_json(const showing_t *showing, const apr_array_header_t *ue_ids)
{
    apr_pool_t *pool = showing->ctl->pool;
    json_t *object = ctl_object(&showing->fields, pool), *ids = json_array(), *rows = json_array();
    int bad = !object || !ids || !rows;
    for (int i = 0; i < ue_ids->nelts && !bad; i++)
        bad = json_array_append_new(ids, tool_json(APR_ARRAY_IDX(ue_ids, i, const char *), pool));
    for (int i = 0; i < showing->trail->nelts && !bad; i++)
        bad = json_array_append_new(
            rows, ctl_object(&APR_ARRAY_IDX(showing->trail, i, ctl_fields_t), pool));
    bad = bad || json_object_set(object, "ue_identities", ids) ||
          json_object_set(object, "audit", rows) ||
          json_dumpf(object, stdout, JSON_ENSURE_ASCII | JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    fputc('\n', stdout);
    json_decref(rows);
    json_decref(ids);
    json_decref(object);
    return !bad;
}

static void show_line(const char *name, const char *text, apr_pool_t *pool)
{
    printf("%-18s %s\n", name, tool_plain(pool, text));
}

static void show_lines(const showing_t *showing, const apr_array_header_t *ue_ids)
{
    ctl_t as_table = *showing->ctl;
    apr_pool_t *pool = showing->ctl->pool;
    const char *pem = NULL;
    for (int i = 0; i < showing->fields.count; i++) {
        const ctl_field_t *field = &showing->fields.field[i];
        if (strcmp(field->name, "certificate") == 0)
            pem = field->text;
        else if (field->kind == CTL_FLAG)
            show_line(field->name, field->number ? "yes" : "no", pool);
        else if (field->text)
            show_line(field->name, field->text, pool);
    }
    for (int i = 0; i < ue_ids->nelts; i++)
        show_line("ue_identity", APR_ARRAY_IDX(ue_ids, i, const char *), pool);
    if (showing->trail->nelts > 0) {
        fputc('\n', stdout);
        ctl_print_head(&as_table, &APR_ARRAY_IDX(showing->trail, 0, ctl_fields_t));
    }
    for (int i = 0; i < showing->trail->nelts; i++)
        ctl_print_row(&as_table, &APR_ARRAY_IDX(showing->trail, i, ctl_fields_t), pool);
    if (pem)
        printf("\n%s%s", pem, showing->ctl->opts->form == CTL_DER ? "\n" : "");
}

int ctl_show(const ctl_t *ctl)
{
    showing_t showing = {.ctl = ctl, .trail = apr_array_make(ctl->pool, 4, sizeof(ctl_fields_t))};
    keeper_filter_t filter = {.serial = ctl->opts->serial_hex};
    keeper_records_t *records = NULL;
    apr_array_header_t *ue_ids = NULL;
    base_result_t result = keeper_records_open(&records, ctl->opts->ledger, ctl->pool);
    if (result.code == BASE_OK)
        result = keeper_records_certificates(records, &filter, take_record, &showing);
    if (result.code == BASE_OK && !showing.identity)
        return ctl_fail(ctl, CTL_FOUND, "the ledger has no certificate of this serial");
    if (result.code == BASE_OK)
        result = keeper_records_audit(records, &filter, take_trail, &showing);
    if (result.code == BASE_OK)
        result = keeper_records_ue_ids(records, showing.identity, &ue_ids, ctl->pool);
    if (result.code != BASE_OK)
        return ctl_fail(ctl, CTL_LEDGER, result.detail);
    int done = 1;
    if (ctl->opts->json)
        done = show_json(&showing, ue_ids);
    else
        show_lines(&showing, ue_ids);
    return ctl_flush(ctl, done ? CTL_OK : CTL_LOCAL);
}
