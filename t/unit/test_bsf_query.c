/* SPDX-License-Identifier: Apache-2.0 */
/* BootstrappingInfoRequest (TS 29.309 6.1.6.2.2) as the laboratory BSF reads it. What it refuses,
 * t/lab/nbsp.t asks of a running httpd; here are the edges of what it takes. */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include "lab/bsf_query.h"

#define NAF  "\"nafId\":{\"nafFqdn\":\"NAF.Home1.net\",\"uaSecProtId\":\"0100000002\"}"
#define BOTH "{\"btId\":\"x\"," NAF

static void test_taken(apr_pool_t *pool)
{
    const char *text =
        "{\"new\":{},\"btId\":\"no @ needed\"," NAF ",\"gbaUAware\":true,\"gsIds\":[0,4294967295]}";
    bsf_query_t query;
    bsf_problem_t problem = {0};

    is_int(bsf_query_read(&query, &problem, base_span_str(text), pool), 1, "a whole request");
    is_str(query.btid, "no @ needed", "btId is any string");
    is_str(query.naf.fqdn, "naf.home1.net", "nafFqdn in lower case");
    is_mem(query.naf.ua_id, "\1\0\0\0\2", 5, "uaSecProtId");
    is_int(query.gba_u_aware, 1, "gbaUAware");
    is_int(query.gs_id_count, 2, "two gsIds");
    is_int(query.gs_ids[0], 0, "from 0");
    is_int(query.gs_ids[1], 4294967295, "to 4294967295");
    is_int(bsf_query_read(&query, &problem, base_span_str(BOTH "}"), pool), 1, "the least");
    is_int(query.gba_u_aware, 0, "gbaUAware is false unless it is there");
    is_int(query.gs_id_count, 0, "no gsIds");
}

static const char *many(unsigned count, apr_pool_t *pool)
{
    const char *list = "1";

    while (--count)
        list = apr_pstrcat(pool, list, ",1", NULL);
    return apr_pstrcat(pool, BOTH ",\"gsIds\":[", list, "]}", NULL);
}

static void test_gs_ids_are_bounded(apr_pool_t *pool)
{
    bsf_query_t query;
    bsf_problem_t problem = {0};

    is_int(bsf_query_read(&query, &problem, base_span_str(many(BSF_GS_IDS_MAX, pool)), pool), 1,
           "as many gsIds as there may be");
    is_int(query.gs_id_count, BSF_GS_IDS_MAX, "all of them");
    is_int(bsf_query_read(&query, &problem, base_span_str(many(BSF_GS_IDS_MAX + 1, pool)), pool), 0,
           "one more");
    is_str(problem.param, "/gsIds", "is named");
    is_str(problem.cause, "OPTIONAL_IE_INCORRECT", "as an optional member");
}

/* TS 29.500 table 5.2.7.2-1: causes. */
static void test_refused(apr_pool_t *pool)
{
    static const struct {
        const char *text, *cause, *param;
    } rows[] = {
        {"{", "INVALID_MSG_FORMAT", ""},
        {"null", "INVALID_MSG_FORMAT", ""},
        {"{\"btId\":null," NAF "}", "MANDATORY_IE_INCORRECT", "/btId"},
        {"{" NAF "}", "MANDATORY_IE_MISSING", "/btId"},
        {"{\"btId\":\"x\",\"nafId\":null}", "MANDATORY_IE_INCORRECT", "/nafId"},
        {BOTH ",\"gbaUAware\":null}", "OPTIONAL_IE_INCORRECT", "/gbaUAware"},
        {BOTH ",\"gsIds\":null}", "OPTIONAL_IE_INCORRECT", "/gsIds"},
        {BOTH ",\"gsIds\":[-1]}", "OPTIONAL_IE_INCORRECT", "/gsIds"},
        {BOTH ",\"gsIds\":[1.0]}", "OPTIONAL_IE_INCORRECT", "/gsIds"},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bsf_query_t query;
        bsf_problem_t problem = {0};
        is_int(bsf_query_read(&query, &problem, base_span_str(rows[i].text), pool), 0,
               rows[i].text);
        is_int(problem.status, 400, "400");
        is_str(problem.cause, rows[i].cause, "its cause");
        is_str(problem.param, rows[i].param, "what it is about");
        ok(problem.detail && *problem.detail, "and in words");
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_taken(pool);
    test_gs_ids_are_bounded(pool);
    test_refused(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
