/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ctl_print.h
 * Rows of the ledger as a table, CSV or JSON.
 */
#ifndef ctl_print_h
#define ctl_print_h

#include <jansson.h>
#include "ctl_options.h"

/** One field of a row. */
typedef struct ctl_field_t {
    const char *name; /**< heading of a column, name of a member */
    int width;        /**< of the column in a table; 0: the table does not have it */
    enum { CTL_TEXT, CTL_NUMBER, CTL_FLAG } kind;
    const char *text;   /**< NULL: there is none */
    apr_int64_t number; /**< of a number or a flag */
} ctl_field_t;

#define CTL_FIELDS_MAX 20

/** A row. */
typedef struct ctl_fields_t {
    ctl_field_t field[CTL_FIELDS_MAX];
    int count;
} ctl_fields_t;

/** A certificate's row; texts in @a pool. */
void ctl_fields_of_record(ctl_fields_t *out, const keeper_record_t *record, apr_pool_t *pool);

/** An audit row's. */
void ctl_fields_of_trail(ctl_fields_t *out, const keeper_trail_row_t *trail, apr_pool_t *pool);

/** Adds the certificate itself in the form that was asked for. */
void ctl_fields_add_certificate(ctl_fields_t *out, const ctl_t *ctl, base_span_t der,
                                apr_pool_t *pool);

/** Prints the headings, if the format has any; of the fields only names and widths matter. */
void ctl_print_head(const ctl_t *ctl, const ctl_fields_t *fields);

/** Prints a row in the command's format. Nonzero if standard output still takes it. */
int ctl_print_row(const ctl_t *ctl, const ctl_fields_t *fields, apr_pool_t *pool);

/** The row as an object, which the caller owns; NULL: out of memory. */
json_t *ctl_object(const ctl_fields_t *fields, apr_pool_t *pool);

#endif
