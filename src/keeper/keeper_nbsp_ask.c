/* SPDX-License-Identifier: Apache-2.0 */
/* One address of a BSF: exchanges until there is an answer. */
#include <string.h>
#include <apr_strings.h>
#include "base/base_secret.h"
#include "keeper/keeper_nbsp_answer.h"
#include "keeper/keeper_nbsp_private.h"

#define API_PATH           "/nbsp-gba/v1/bootstrapping-info-retrieval"
#define HOPS_MAX           2
#define WHY_MAX            160
#define LOCATION_SHOWN_MAX 80

/* The state of asking one address. */
typedef struct asking_t {
    const keeper_nbsp_call_t *call;
    const keeper_nbsp_url_t *address;
    keeper_nbsp_url_t target; /* the address, or where it led */
    const char *url;
    int hops;
    const char *bearer;
    unsigned serial; /* of the token in bearer */
    int renewed;     /* a 401 was met once: a second one is an answer */
    int answered;    /* the address itself has answered something */
    keeper_nbsp_job_t job;
} asking_t;

apr_uint64_t keeper_nbsp_now(const keeper_nbsp_place_t *place)
{
    const base_clock_t *clock = place->source->clock;
    return clock->monotonic(clock->baton);
}

keeper_nbsp_reply_t keeper_nbsp_job_reply(const keeper_nbsp_job_t *job)
{
    keeper_nbsp_reply_t reply = {.status = job->status,
                                 .content_type = job->content_type_got,
                                 .retry_after = job->retry_after,
                                 .body = {job->answer, job->answer_len},
                                 .over = job->over};
    return reply;
}

const char *keeper_nbsp_job_why(const keeper_nbsp_job_t *job, const char *shown, apr_pool_t *pool)
{
    const char *words = job->error[0] ? job->error : curl_easy_strerror(job->code);
    if (job->code == CURLE_OPERATION_TIMEDOUT)
        words = "no answer in time";
    return apr_psprintf(pool, "%s: %s", shown, base_log_safe(pool, words, WHY_MAX));
}

/* The same exchange again over a new connection if a kept one broke under it: the BSF may have
 * been started anew since. */
static int exchange(asking_t *a)
{
    keeper_nbsp_engine_t *engine = a->call->place->source->engine;
    int there = keeper_nbsp_engine_run(engine, &a->job);
    if (there || !a->job.reused || a->job.code == CURLE_OPERATION_TIMEDOUT)
        return there;
    a->job.fresh = 1;
    there = keeper_nbsp_engine_run(engine, &a->job);
    a->job.fresh = 0;
    return there;
}

static void prepare(asking_t *a, apr_uint64_t deadline)
{
    keeper_nbsp_job_t *job = &a->job;
    keeper_nbsp_job_free(job);
    memset(job, 0, sizeof(*job));
    job->peer = &a->call->place->files.peer;
    job->url = a->url;
    job->unix_path = a->target.unix_path;
    job->content_type = "application/json";
    job->accept = "application/json, application/problem+json";
    job->body = a->call->body;
    job->bearer = a->bearer;
    job->deadline = deadline;
}

static base_result_t at_address(const asking_t *a, base_result_t result)
{
    if (result.code != BASE_OK)
        result.detail = apr_psprintf(a->call->pool, "BSF %s at %s: %s", a->call->place->bsf->name,
                                     a->hops ? a->url : a->address->shown, result.detail);
    return result;
}

static base_result_t judge(const asking_t *a)
{
    const base_clock_t *clock = a->call->place->source->clock;
    keeper_nbsp_reply_t reply = keeper_nbsp_job_reply(&a->job);
    return at_address(
        a, keeper_nbsp_answer(a->call->out, &reply, clock->wall(clock->baton), a->call->pool));
}

/* After a 307 or 308. Nonzero if the target is set for another exchange. */
static int follow(asking_t *a, base_result_t *result)
{
    const keeper_nbsp_bsf_t *bsf = a->call->place->bsf;
    apr_pool_t *pool = a->call->pool;
    keeper_nbsp_url_t next;
    if (a->hops == HOPS_MAX) {
        *result = at_address(a, base_fail(BASE_KEYSOURCE_DOWN, "GBA1150", "too many redirects"));
        return 0;
    }
    if (!keeper_nbsp_url_follow(&next, &a->target, a->job.location, bsf->addresses, bsf->redirects,
                                pool)) {
        *result = at_address(
            a, base_fail(BASE_KEYSOURCE_DOWN, "GBA1151",
                         apr_psprintf(pool,
                                      "status %ld, a redirect that may not be followed, to \"%s\"",
                                      a->job.status,
                                      base_log_safe(pool, a->job.location, LOCATION_SHOWN_MAX))));
        return 0;
    }
    a->target = next;
    a->url = keeper_nbsp_url_print(&next, "", pool);
    a->hops++;
    return 1;
}

/* Nonzero if a token was refused that can be replaced by another. */
static int renew(asking_t *a)
{
    if (a->job.status != 401 || !a->bearer || a->renewed)
        return 0;
    a->renewed = 1;
    keeper_nbsp_bearer_drop(a->call->place, a->serial);
    return 1;
}

static int is_redirect(long status)
{
    return status == 307 || status == 308;
}

/* One exchange and what follows from it. Nonzero if there is to be another. */
static int step(asking_t *a, base_result_t *result, keeper_nbsp_end_t *end, apr_uint64_t deadline)
{
    *end = KEEPER_NBSP_SICK;
    *result = keeper_nbsp_bearer(&a->bearer, &a->serial, a->call, deadline);
    if (result->code != BASE_OK) {
        *end = KEEPER_NBSP_ANSWERED; /* the next address would need the same token */
        *result = at_address(a, *result);
        return 0;
    }
    prepare(a, deadline);
    if (!exchange(a)) {
        *end = a->answered ? KEEPER_NBSP_SICK : KEEPER_NBSP_SILENT;
        *result = base_fail(
            BASE_KEYSOURCE_DOWN, "GBA1152",
            keeper_nbsp_job_why(&a->job, a->hops ? a->url : a->address->shown, a->call->pool));
        return 0;
    }
    a->answered = 1;
    if (renew(a))
        return 1;
    if (is_redirect(a->job.status))
        return follow(a, result);
    *result = judge(a);
    *end = a->job.status >= 500 ? KEEPER_NBSP_SICK : KEEPER_NBSP_ANSWERED;
    return 0;
}

keeper_nbsp_end_t keeper_nbsp_ask(base_result_t *result, const keeper_nbsp_call_t *call,
                                  const keeper_nbsp_url_t *address, apr_uint64_t deadline)
{
    asking_t a;
    keeper_nbsp_end_t end;
    memset(&a, 0, sizeof(a));
    a.call = call;
    a.address = address;
    a.target = *address;
    a.url = keeper_nbsp_url_print(address, API_PATH, call->pool);
    while (step(&a, result, &end, deadline))
        continue;
    keeper_nbsp_job_free(&a.job);
    return end;
}
