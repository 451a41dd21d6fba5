/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file portal_report.h
 * What was counted, as texts: for Prometheus (text exposition format 0.0.4) and
 * as JSON. Both say the same, metric by metric: one walk, two ways to write.
 * Pure; nothing but the meter is read twice.
 *
 * JSON: an object with a member for each metric: {"type": "counter", "help":
 * "...", "samples": [{"labels": {"result": "OK"}, "value": 1}, ...]}; a sample of a
 * histogram has "count", "sum" and "buckets": [{"le": 0.001, "count": 1}, ...]
 * instead of "value". Buckets are cumulative in both; the last one has no bound
 * (le is "+Inf").
 */
#ifndef portal_report_h
#define portal_report_h

#include <apr_pools.h>
#include "portal/portal_meter.h"

/** A CA or a ledger, as the configuration has it. */
typedef struct portal_report_part_t {
    const char *file; /**< its file's name, without folders */
    /** Of a CA: notAfter, seconds since 1970; 0: not known. Of a ledger: 1 if its last transaction
     *  went well, else 0. */
    apr_int64_t value;
} portal_report_part_t;

/** What a report says. */
typedef struct portal_report_t {
    const portal_meter_t *meter;
    const char *version;             /**< of the program */
    apr_size_t associations;         /**< in the table now */
    apr_size_t capacity;             /**< of the table */
    unsigned generation;             /**< of the keeper: 1 at the start of httpd */
    const portal_report_part_t *cas; /**< in the order of the configuration */
    int ca_count;                    /**< of cas */
    const portal_report_part_t *ledgers;
    int ledger_count; /**< of ledgers */
} portal_report_t;

/** How a report is written. */
typedef enum portal_report_form_t {
    PORTAL_REPORT_PROMETHEUS,
    PORTAL_REPORT_JSON
} portal_report_form_t;

/** The media type of a form; static. */
const char *portal_report_media_type(portal_report_form_t form);

/** A copy in @a pool that needs no escaping in either form: whatever is not printable ASCII, `"`
 * and
 *  `\` are written as `_`. */
const char *portal_report_plain(const char *text, apr_pool_t *pool);

/** The report in @a pool, ended by a new-line. Labels are as portal_report_plain() makes them. */
const char *portal_report(const portal_report_t *report, portal_report_form_t form,
                          apr_pool_t *pool);

#endif
