/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl_print.h"
#include <stdio.h>
#include <string.h>
#include <apr_strings.h>
#include "pki/pki_cert.h"
#include "tool_text.h"

/* ---- fields ---- */

static void add_text(ctl_fields_t *fields, const char *name, int width, const char *text)
{
    if (fields->count < CTL_FIELDS_MAX)
        fields->field[fields->count++] =
            (ctl_field_t){.name = name, .width = width, .kind = CTL_TEXT, .text = text};
}

static void add_number(ctl_fields_t *fields, const char *name, int width, apr_int64_t number)
{
    if (fields->count < CTL_FIELDS_MAX)
        fields->field[fields->count++] =
            (ctl_field_t){.name = name, .width = width, .kind = CTL_NUMBER, .number = number};
}

static void add_flag(ctl_fields_t *fields, const char *name, int value)
{
    add_number(fields, name, 0, value);
    fields->field[fields->count - 1].kind = CTL_FLAG;
}

static const char *usage_text(apr_int64_t usage)
{
    return usage == PKI_USAGE_DIGITAL_SIGNATURE ? "digitalSignature"
           : usage == PKI_USAGE_NON_REPUDIATION ? "nonRepudiation"
                                                : NULL;
}

static const char *hex_or_none(base_span_t octets, apr_pool_t *pool)
{
    return octets.data ? tool_hex(pool, octets) : NULL;
}

void ctl_fields_of_record(ctl_fields_t *out, const keeper_record_t *record, apr_pool_t *pool)
{
    int revoked = record->revocation_reason != NULL;
    out->count = 0;
    add_text(out, "serial", 32, record->serial);
    add_text(out, "state", 10, record->state);
    add_text(out, "issued_at", 20, tool_time(pool, record->issued_at));
    add_text(out, "not_before", 0, tool_time(pool, record->not_before));
    add_text(out, "not_after", 20, tool_time(pool, record->not_after));
    add_text(out, "profile", 12, record->profile);
    add_text(out, "key_usage", 16, usage_text(record->key_usage));
    add_text(out, "subscriber", 1, record->identity);
    add_text(out, "pseudonym", 0, record->pseudonym);
    add_text(out, "btid", 0, record->btid);
    add_text(out, "spki_sha256", 0, hex_or_none(record->spki_sha256, pool));
    add_text(out, "issuer_sha256", 0, hex_or_none(record->issuer_sha256, pool));
    add_text(out, "profile_sha256", 0, hex_or_none(record->profile_sha256, pool));
    add_text(out, "revoked_at", 0, revoked ? tool_time(pool, record->revoked_at) : NULL);
    add_text(out, "revocation_reason", 0, record->revocation_reason);
    add_flag(out, "key_blocked", record->blocked);
}

void ctl_fields_of_trail(ctl_fields_t *out, const keeper_trail_row_t *trail, apr_pool_t *pool)
{
    const keeper_audit_row_t *row = &trail->row;
    out->count = 0;
    add_number(out, "id", 8, row->id);
    add_text(out, "at", 20, tool_time(pool, row->at));
    add_text(out, "event", 10, row->event);
    add_text(out, "reason", 18, row->reason);
    add_number(out, "count", 5, trail->count);
    add_text(out, "last_at", 0, tool_time(pool, trail->last_at));
    add_text(out, "serial", 32, row->serial);
    add_text(out, "subscriber", 1, row->identity);
    add_text(out, "btid", 0, row->btid);
    add_text(out, "profile", 0, row->profile);
    add_text(out, "key_usage", 0, usage_text(row->key_usage));
    add_text(out, "spki_sha256", 0, hex_or_none(row->spki_sha256, pool));
    add_text(out, "profile_sha256", 0, hex_or_none(row->profile_sha256, pool));
    add_flag(out, "alarm", row->alarm != 0);
    add_text(out, "writer", 0, row->writer);
    add_text(out, "hash", 0, tool_hex(pool, (base_span_t){row->hash, sizeof row->hash}));
}

void ctl_fields_add_certificate(ctl_fields_t *out, const ctl_t *ctl, base_span_t der,
                                apr_pool_t *pool)
{
    const char *text = NULL;
    if (ctl->opts->form == CTL_NONE)
        return;
    if (ctl->opts->form == CTL_PEM)
        text = pki_cert_pem(pool, der);
    else if (der.len > 0)
        text = base_base64_encode(pool, der.data, der.len);
    add_text(out, "certificate", 0, text);
}

/* ---- a table ---- */

/* Text is padded by octets: what is not ASCII may stand a little out of line. The last column is as
 * long as it is. */
static void print_cell(const ctl_field_t *field, const char *text)
{
    printf(field->kind == CTL_NUMBER ? "%*s  " : "%-*s  ", field->width, text);
}

static int is_last(const ctl_fields_t *fields, int at)
{
    for (at++; at < fields->count; at++)
        if (fields->field[at].width)
            return 0;
    return 1;
}

static void print_table(const ctl_fields_t *fields, apr_pool_t *pool)
{
    for (int i = 0; i < fields->count; i++) {
        const ctl_field_t *field = &fields->field[i];
        const char *text = field->kind == CTL_TEXT
                               ? tool_plain(pool, field->text ? field->text : "-")
                               : apr_psprintf(pool, "%" APR_INT64_T_FMT, field->number);
        if (!field->width)
            continue;
        if (is_last(fields, i))
            printf("%s\n", text);
        else
            print_cell(field, text);
    }
}

/* ---- CSV: RFC 4180, lines end with CR LF ---- */

static void print_csv(const ctl_fields_t *fields, apr_pool_t *pool)
{
    for (int i = 0; i < fields->count; i++) {
        const ctl_field_t *field = &fields->field[i];
        if (i > 0)
            fputc(',', stdout);
        if (field->kind == CTL_TEXT)
            fputs(tool_csv(pool, field->text), stdout);
        else
            printf("%" APR_INT64_T_FMT, field->number);
    }
    fputs("\r\n", stdout);
}

/* ---- JSON: one object a line ---- */

static json_t *value_of(const ctl_field_t *field, apr_pool_t *pool)
{
    if (field->kind == CTL_TEXT)
        return tool_json(field->text, pool);
    return field->kind == CTL_FLAG ? json_boolean(field->number != 0)
                                   : json_integer((json_int_t)field->number);
}

json_t *ctl_object(const ctl_fields_t *fields, apr_pool_t *pool)
{
    json_t *object = json_object();
    int bad = object == NULL;
    for (int i = 0; i < fields->count && !bad; i++)
        bad = json_object_set_new(object, fields->field[i].name, value_of(&fields->field[i], pool));
    if (!bad)
        return object;
    json_decref(object);
    return NULL;
}

static int print_json(const ctl_fields_t *fields, apr_pool_t *pool)
{
    json_t *object = ctl_object(fields, pool);
    int done = object && json_dumpf(object, stdout,
                                    JSON_ENSURE_ASCII | JSON_COMPACT | JSON_PRESERVE_ORDER) == 0;
    json_decref(object);
    return done && fputc('\n', stdout) != EOF;
}

/* ---- any ---- */

void ctl_print_head(const ctl_t *ctl, const ctl_fields_t *fields)
{
    for (int i = 0; i < fields->count && ctl->opts->format != CTL_JSON; i++) {
        const ctl_field_t *field = &fields->field[i];
        if (ctl->opts->format == CTL_CSV)
            printf("%s%s", i ? "," : "", field->name);
        else if (field->width && is_last(fields, i))
            printf("%s\n", field->name);
        else if (field->width)
            print_cell(field, field->name);
    }
    if (ctl->opts->format == CTL_CSV)
        fputs("\r\n", stdout);
}

int ctl_print_row(const ctl_t *ctl, const ctl_fields_t *fields, apr_pool_t *pool)
{
    int done = 1;
    if (ctl->opts->format == CTL_JSON)
        done = print_json(fields, pool);
    else if (ctl->opts->format == CTL_CSV)
        print_csv(fields, pool);
    else
        print_table(fields, pool);
    return done && !ferror(stdout);
}
