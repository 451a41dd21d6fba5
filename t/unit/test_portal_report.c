/* SPDX-License-Identifier: Apache-2.0 */
/* portal_report: what is counted is told, the same in both forms, each form in its grammar
 * (Prometheus text exposition format 0.0.4; RFC 8259). */
#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <jansson.h>

#include "portal/portal_report.h"
#include "tap.h"

static apr_pool_t *pool;
static portal_meter_t meter;

static const portal_report_part_t cas[] = {{"ca.pem", 2000000000}, {"ca.pem", 0}};
static const portal_report_part_t ledgers[] = {{"odd\"name\\\n\xff.db", 1}};

static portal_report_t report_of(void)
{
    return (portal_report_t){.meter = &meter,
                             .version = "1.2.3",
                             .associations = 7,
                             .capacity = 16,
                             .generation = 2,
                             .cas = cas,
                             .ca_count = 2,
                             .ledgers = ledgers,
                             .ledger_count = 1};
}

static void times(int n, void (*what)(portal_meter_t *, base_code_t), base_code_t code)
{
    for (int i = 0; i < n; i++)
        what(&meter, code);
}

static void fill_histograms(void)
{
    base_histogram_t *sign = &meter.timed[PORTAL_TIMED_SIGN];

    base_histogram_add(sign, BASE_SCALE_SECONDS, 100000);      /* the first bound: 100 us */
    base_histogram_add(sign, BASE_SCALE_SECONDS, 100001);      /* just above */
    base_histogram_add(sign, BASE_SCALE_SECONDS, 11000000000); /* 11 s: above the last */
    portal_meter_grouped(&meter, 1);
    portal_meter_grouped(&meter, 3);
}

static void fill(void)
{
    const pki_decision_t permit = {1, PKI_REASON_NONE, 1};
    const pki_decision_t refuse = {0, PKI_REASON_KEY_TAKEN, 0};

    portal_meter_authenticated(&meter, BASE_OK, 0);
    portal_meter_authenticated(&meter, BASE_NO_CREDENTIALS, 1);
    portal_meter_authenticated(&meter, BASE_NO_CREDENTIALS, 1);
    portal_meter_authenticated(&meter, BASE_NONCE_REPLAYED, 1);
    portal_meter_authenticated(&meter, (base_code_t)-1, 0); /* no outcome: INTERNAL */
    times(3, portal_meter_failed, BASE_BAD_POP);
    times(4, portal_meter_looked_up, BASE_UNKNOWN_BTID);
    times(1, portal_meter_looked_up, BASE_WRONG_HASH); /* should not come: told if it does */
    portal_meter_decided(&meter, &permit, "subscriber");
    portal_meter_decided(&meter, &permit, "gate\"way\n");
    portal_meter_decided(&meter, &refuse, "subscriber");
    portal_meter_restarted(&meter);
    fill_histograms();
}

/* ---- Prometheus ---- */

static void has_line(const char *text, const char *line)
{
    const char *at = strstr(text, apr_pstrcat(pool, "\n", line, "\n", NULL));

    ok(at != NULL, "%s", line);
    ok(at && !strstr(at + 1, apr_pstrcat(pool, "\n", line, "\n", NULL)), "once");
}

static void tells_prometheus(void)
{
    static const char *const lines[] = {
        "# TYPE gba_authentications_total counter",
        "gba_authentications_total{result=\"OK\"} 1",
        "gba_authentications_total{result=\"NO_CREDENTIALS\"} 2",
        "gba_authentications_total{result=\"NONCE_REPLAYED\"} 1",
        "gba_authentications_total{result=\"INTERNAL\"} 1",
        "gba_authentications_total{result=\"EXPIRED_KEY\"} 0",
        "gba_challenges_total{stale=\"false\"} 2",
        "gba_challenges_total{stale=\"true\"} 1",
        "gba_replays_total 1",
        "gba_failures_total{result=\"BAD_POP\"} 3",
        "gba_failures_total{result=\"STORE_DOWN\"} 0",
        "gba_lookups_total{result=\"UNKNOWN_BTID\"} 4",
        "gba_lookups_total{result=\"WRONG_HASH\"} 1",
        "gba_decisions_total{reason=\"NONE\"} 2",
        "gba_decisions_total{reason=\"KEY_TAKEN\"} 1",
        "gba_issued_total{profile=\"subscriber\"} 1",
        "gba_issued_total{profile=\"gate_way_\"} 1",
        "# TYPE gba_sign_duration_seconds histogram",
        "gba_sign_duration_seconds_bucket{le=\"0.0001\"} 1",
        "gba_sign_duration_seconds_bucket{le=\"0.00025\"} 2",
        "gba_sign_duration_seconds_bucket{le=\"2.5\"} 2",
        "gba_sign_duration_seconds_bucket{le=\"10\"} 2",
        "gba_sign_duration_seconds_bucket{le=\"+Inf\"} 3",
        "gba_sign_duration_seconds_sum 11.000200001",
        "gba_sign_duration_seconds_count 3",
        "gba_lookup_duration_seconds_sum 0",
        "gba_commit_jobs_bucket{le=\"1\"} 1",
        "gba_commit_jobs_bucket{le=\"2\"} 1",
        "gba_commit_jobs_bucket{le=\"4\"} 2",
        "gba_commit_jobs_sum 4",
        "gba_associations 7",
        "gba_associations_capacity 16",
        "gba_ledger_up{ledger=\"1\",file=\"odd_name___.db\"} 1",
        "gba_ca_not_after_timestamp_seconds{ca=\"1\",file=\"ca.pem\"} 2000000000",
        "gba_ca_not_after_timestamp_seconds{ca=\"2\",file=\"ca.pem\"} 0",
        "gba_keeper_restarts_total 1",
        "gba_generation 2",
        "gba_build_info{version=\"1.2.3\"} 1",
    };
    portal_report_t report = report_of();
    const char *text = portal_report(&report, PORTAL_REPORT_PROMETHEUS, pool);

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        has_line(text, lines[i]);
    ok(strncmp(text, "# HELP ", 7) == 0, "it starts with a HELP");
    ok(text[strlen(text) - 1] == '\n', "and ends with a new-line");
    ok(!strstr(text, "\n\n"), "without empty lines");
    is_str(portal_report_media_type(PORTAL_REPORT_PROMETHEUS),
           "text/plain; version=0.0.4; charset=utf-8", "its media type");
}

/* ---- JSON: the same, sample by sample ---- */

static const char *number_of(const json_t *value)
{
    char *text;
    const char *copy;

    if (json_is_integer(value))
        return apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(value));
    if (json_is_string(value))
        return json_string_value(value);
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
    copy = apr_pstrdup(pool, text ? text : "no number");
    free(text);
    return copy;
}

static const char *labels_of(const json_t *labels)
{
    const char *text = "", *name;
    json_t *value;

    json_object_foreach((json_t *)labels, name, value) text = apr_pstrcat(
        pool, text, *text ? "," : "", name, "=\"", json_string_value(value), "\"", NULL);
    return *text ? apr_pstrcat(pool, "{", text, "}", NULL) : "";
}

static const char *histogram_lines(const char *name, const json_t *sample)
{
    const char *text = "";
    size_t i;
    json_t *bucket;

    json_array_foreach(json_object_get(sample, "buckets"), i, bucket) text =
        apr_pstrcat(pool, text, name, "_bucket{le=\"", number_of(json_object_get(bucket, "le")),
                    "\"} ", number_of(json_object_get(bucket, "count")), "\n", NULL);
    return apr_pstrcat(pool, text, name, "_sum ", number_of(json_object_get(sample, "sum")), "\n",
                       name, "_count ", number_of(json_object_get(sample, "count")), "\n", NULL);
}

/* What the Prometheus text would be. */
static const char *metric_lines(const char *name, const json_t *metric)
{
    const char *type = json_string_value(json_object_get(metric, "type"));
    const char *text =
        apr_pstrcat(pool, "# HELP ", name, " ", json_string_value(json_object_get(metric, "help")),
                    "\n# TYPE ", name, " ", type, "\n", NULL);
    size_t i;
    json_t *sample;

    json_array_foreach(json_object_get(metric, "samples"), i, sample) text =
        apr_pstrcat(pool, text,
                    strcmp(type, "histogram") == 0
                        ? histogram_lines(name, sample)
                        : apr_pstrcat(pool, name, labels_of(json_object_get(sample, "labels")), " ",
                                      number_of(json_object_get(sample, "value")), "\n", NULL),
                    NULL);
    return text;
}

static void tells_the_same_as_json(void)
{
    portal_report_t report = report_of();
    const char *json = portal_report(&report, PORTAL_REPORT_JSON, pool);
    json_error_t error;
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &error);
    const char *text = "", *name;
    json_t *metric;

    if (!ok(root != NULL, "it is JSON without duplicates"))
        printf("# line %d: %s\n", error.line, error.text);
    json_object_foreach(root, name, metric) text =
        apr_pstrcat(pool, text, metric_lines(name, metric), NULL);
    is_str(text, portal_report(&report, PORTAL_REPORT_PROMETHEUS, pool), "and says the same");
    json_decref(root);
    is_str(portal_report_media_type(PORTAL_REPORT_JSON), "application/json", "its media type");
}

static void nothing_counts_nothing(void)
{
    const pki_decision_t none = {0, PKI_REASONS, 0};

    portal_meter_authenticated(NULL, BASE_OK, 1);
    portal_meter_failed(NULL, BASE_OK);
    portal_meter_looked_up(NULL, BASE_OK);
    portal_meter_decided(NULL, &none, "a");
    portal_meter_timed(NULL, PORTAL_TIMED_SIGN, 0);
    portal_meter_grouped(NULL, 1);
    portal_meter_restarted(NULL);
    portal_meter_decided(&meter, &none, "a");
    is_int((long long)base_names_get(&meter.issued, "a"), 0, "a reason that is none");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    nothing_counts_nothing();
    tells_the_same_as_json(); /* while nothing is counted */
    fill();
    tells_prometheus();
    tells_the_same_as_json();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
