/* SPDX-License-Identifier: Apache-2.0 */
#include "portal/portal_report.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_tables.h>

#define NANO UINT64_C(1000000000)

/* A label with its value; a list of them ends with a NULL name. */
typedef struct label_t {
    const char *name;
    const char *value;
} label_t;

static const label_t no_label[] = {{NULL, NULL}};

/* A report on its way. */
typedef struct writer_t {
    portal_report_form_t form;
    apr_pool_t *pool;
    apr_array_header_t *parts; /* of const char *: what was written so far */
    const char *metric;        /* that is being written; NULL before the first */
    int samples;               /* of it */
} writer_t;

/* ---- texts ---- */

static void put(writer_t *w, const char *text)
{
    APR_ARRAY_PUSH(w->parts, const char *) = text;
}

static const char *number(const writer_t *w, apr_uint64_t value)
{
    return apr_psprintf(w->pool, "%" APR_UINT64_T_FMT, value);
}

/* Both forms write numbers alike. A fraction has no zeros at its end. */
static const char *scaled(const writer_t *w, base_scale_t scale, apr_uint64_t value)
{
    char *text;
    apr_size_t len;

    if (scale != BASE_SCALE_SECONDS || value % NANO == 0)
        return number(w, scale == BASE_SCALE_SECONDS ? value / NANO : value);
    text = apr_psprintf(w->pool, "%" APR_UINT64_T_FMT ".%09" APR_UINT64_T_FMT, value / NANO,
                        value % NANO);
    for (len = strlen(text); text[len - 1] == '0'; len--)
        text[len - 1] = '\0';
    return text;
}

const char *portal_report_plain(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text);

    for (char *at = copy; *at; at++)
        if (*at < 0x20 || *at > 0x7e || *at == '"' || *at == '\\')
            *at = '_';
    return copy;
}

/* ---- the two forms ---- */

static int is_json(const writer_t *w)
{
    return w->form == PORTAL_REPORT_JSON;
}

static void end_metric(writer_t *w)
{
    if (w->metric && is_json(w))
        put(w, "]}");
}

static void metric(writer_t *w, const char *name, const char *type, const char *help)
{
    end_metric(w);
    if (is_json(w))
        put(w, apr_pstrcat(w->pool, w->metric ? ",\n\"" : "\n\"", name, "\":{\"type\":\"", type,
                           "\",\"help\":\"", help, "\",\"samples\":[", NULL));
    else
        put(w, apr_pstrcat(w->pool, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n",
                           NULL));
    w->metric = name;
    w->samples = 0;
}

/* {a="b",c="d"}, or "labels":{"a":"b","c":"d"}. */
static void labels(writer_t *w, const label_t *label)
{
    const char *quote = is_json(w) ? "\"" : "";
    const char *sign = is_json(w) ? ":" : "=";

    if (is_json(w))
        put(w, w->samples++ ? ",{\"labels\":{" : "{\"labels\":{");
    else if (label->name)
        put(w, "{");
    for (int i = 0; label[i].name; i++)
        put(w, apr_pstrcat(w->pool, i ? "," : "", quote, label[i].name, quote, sign, "\"",
                           portal_report_plain(label[i].value, w->pool), "\"", NULL));
    if (is_json(w) || label->name)
        put(w, "}");
}

static void sample(writer_t *w, const label_t *label, const char *value)
{
    if (!is_json(w))
        put(w, w->metric);
    labels(w, label);
    put(w, is_json(w) ? ",\"value\":" : " ");
    put(w, value);
    put(w, is_json(w) ? "}" : "\n");
}

static void bucket(writer_t *w, int place, const char *bound, apr_uint64_t count)
{
    const char *le = bound ? bound : is_json(w) ? "\"+Inf\"" : "+Inf";

    if (is_json(w))
        put(w, apr_pstrcat(w->pool, place ? ",{\"le\":" : "{\"le\":", le,
                           ",\"count\":", number(w, count), "}", NULL));
    else
        put(w, apr_pstrcat(w->pool, w->metric, "_bucket{le=\"", le, "\"} ", number(w, count), "\n",
                           NULL));
}

/* Counted by the buckets alone, so that the last one is what all are, whatever comes in meanwhile.
 */
static void histogram(writer_t *w, const base_histogram_t *h, base_scale_t scale)
{
    apr_uint64_t count = 0;
    const char *sum;

    if (is_json(w)) {
        labels(w, no_label);
        put(w, ",\"buckets\":[");
    }
    for (int i = 0; i < BASE_METER_BUCKETS; i++) {
        apr_uint64_t bound = base_scale_bound(scale, i);
        count += base_counter_get(&h->bucket[i]);
        bucket(w, i, bound ? scaled(w, scale, bound) : NULL, count);
    }
    sum = scaled(w, scale, base_counter_get(&h->sum));
    if (is_json(w))
        put(w, apr_pstrcat(w->pool, "],\"sum\":", sum, ",\"count\":", number(w, count), "}", NULL));
    else
        put(w, apr_pstrcat(w->pool, w->metric, "_sum ", sum, "\n", w->metric, "_count ",
                           number(w, count), "\n", NULL));
}

/* ---- what is told ---- */

static void one(writer_t *w, apr_uint64_t value)
{
    sample(w, no_label, number(w, value));
}

static void labelled(writer_t *w, const char *label, const char *name, apr_uint64_t value)
{
    const label_t list[] = {{label, name}, {NULL, NULL}};

    sample(w, list, number(w, value));
}

/* Outcomes that can come here are told from the start, so that a rate can be computed from the
 * first one on; what should not come is told once it has. */
static void by_code(writer_t *w, const base_counter_t counters[BASE_CODES], int (*usual)(int code))
{
    for (int code = 0; code < BASE_CODES; code++) {
        apr_uint64_t count = base_counter_get(&counters[code]);
        if (count || usual(code))
            labelled(w, "result", base_code_info((base_code_t)code)->name, count);
    }
}

static int can_authentication(int code)
{
    return code <= BASE_KEYSOURCE_DOWN || code == BASE_INTERNAL;
}

static int can_failure(int code)
{
    return code > BASE_KEYSOURCE_DOWN && code < BASE_NOT_FOUND;
}

static int can_lookup(int code)
{
    return code == BASE_OK || code == BASE_UNKNOWN_BTID || code == BASE_NOT_AUTHORISED ||
           code == BASE_KEYSOURCE_DOWN;
}

static void tell_authentication(writer_t *w, const portal_meter_t *m)
{
    metric(w, "gba_challenges_total", "counter",
           "401 with a challenge, by whether it says stale=true.");
    labelled(w, "stale", "false", base_counter_get(&m->challenges[0]));
    labelled(w, "stale", "true", base_counter_get(&m->challenges[1]));
    metric(w, "gba_authentications_total", "counter",
           "Requests to locations with AuthType GBA, by outcome of the authentication.");
    by_code(w, m->authentications, can_authentication);
    metric(w, "gba_replays_total", "counter",
           "Requests with a right response whose nonce count was used before.");
    one(w, base_counter_get(&m->authentications[BASE_NONCE_REPLAYED]));
    metric(w, "gba_failures_total", "counter",
           "Requests refused or failed after their authentication, or without one, by outcome.");
    by_code(w, m->failures, can_failure);
}

static void tell_lookups(writer_t *w, const portal_meter_t *m)
{
    metric(w, "gba_lookups_total", "counter", "Keys that the keeper was asked for, by outcome.");
    by_code(w, m->lookups, can_lookup);
    metric(w, "gba_lookup_duration_seconds", "histogram", "Calls of the key source.");
    histogram(w, &m->timed[PORTAL_TIMED_LOOKUP], BASE_SCALE_SECONDS);
}

static void tell_profiles(writer_t *w, const base_names_t *names)
{
    const char *name;
    apr_uint64_t others = base_names_get(names, NULL);

    for (int i = 0; i < BASE_METER_NAMES; i++)
        if ((name = base_names_at(names, i)) != NULL)
            labelled(w, "profile", name, base_names_get(names, name));
    if (others)
        labelled(w, "profile", "(others)", others);
}

static void tell_enrolment(writer_t *w, const portal_meter_t *m)
{
    metric(w, "gba_decisions_total", "counter",
           "Recorded decisions about enrolments, by reason; NONE is a permit.");
    for (int i = 0; i < PKI_REASONS; i++)
        labelled(w, "reason", pki_reason_code((pki_reason_t)i), base_counter_get(&m->decisions[i]));
    metric(w, "gba_issued_total", "counter",
           "Certificates given, new or the same again, by profile.");
    tell_profiles(w, &m->issued);
    metric(w, "gba_sign_duration_seconds", "histogram",
           "Signatures of certificates, with their check.");
    histogram(w, &m->timed[PORTAL_TIMED_SIGN], BASE_SCALE_SECONDS);
    metric(w, "gba_commit_duration_seconds", "histogram", "Commits of a ledger.");
    histogram(w, &m->timed[PORTAL_TIMED_COMMIT], BASE_SCALE_SECONDS);
    metric(w, "gba_commit_jobs", "histogram", "What one commit made durable: jobs.");
    histogram(w, &m->group, BASE_SCALE_NUMBER);
}

/* Two files may have one name: their number in the configuration tells them apart. */
static void tell_parts(writer_t *w, const char *label, const portal_report_part_t *parts, int count)
{
    for (int i = 0; i < count; i++) {
        const label_t list[] = {
            {label, apr_itoa(w->pool, i + 1)}, {"file", parts[i].file}, {NULL, NULL}};
        sample(w, list, apr_psprintf(w->pool, "%" APR_INT64_T_FMT, parts[i].value));
    }
}

static void tell_state(writer_t *w, const portal_report_t *report)
{
    metric(w, "gba_associations", "gauge", "Associations in the table.");
    one(w, report->associations);
    metric(w, "gba_associations_capacity", "gauge", "Associations that the table has room for.");
    one(w, report->capacity);
    metric(w, "gba_ledger_up", "gauge",
           "1 if there is a keeper and the ledger's last transaction went well, else 0.");
    tell_parts(w, "ledger", report->ledgers, report->ledger_count);
    metric(w, "gba_ca_not_after_timestamp_seconds", "gauge",
           "End of the CA certificate's validity, seconds since 1970; 0 before it is known.");
    tell_parts(w, "ca", report->cas, report->ca_count);
    metric(w, "gba_keeper_restarts_total", "counter", "Keepers started because one had died.");
    one(w, base_counter_get(&report->meter->restarts));
    metric(w, "gba_generation", "gauge", "How often httpd was started or restarted.");
    one(w, report->generation);
    metric(w, "gba_build_info", "gauge", "Always 1; says which version this is.");
    labelled(w, "version", report->version, 1);
}

const char *portal_report_media_type(portal_report_form_t form)
{
    return form == PORTAL_REPORT_JSON ? "application/json"
                                      : "text/plain; version=0.0.4; charset=utf-8";
}

const char *portal_report(const portal_report_t *report, portal_report_form_t form,
                          apr_pool_t *pool)
{
    writer_t w = {.form = form, .pool = pool};

    w.parts = apr_array_make(pool, 512, sizeof(const char *));
    if (is_json(&w))
        put(&w, "{");
    tell_authentication(&w, report->meter);
    tell_lookups(&w, report->meter);
    tell_enrolment(&w, report->meter);
    tell_state(&w, report);
    end_metric(&w);
    if (is_json(&w))
        put(&w, "\n}\n");
    return apr_array_pstrcat(pool, w.parts, 0);
}
