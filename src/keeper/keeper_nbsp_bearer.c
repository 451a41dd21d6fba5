/* SPDX-License-Identifier: Apache-2.0 */
/* Getting a token: one exchange at a time for each BSF. */
#include <time.h>
#include <apr_strings.h>
#include "base/base_secret.h"
#include "keeper/keeper_frame.h"
#include "keeper/keeper_nbsp_private.h"

/* Takes the lock before the deadline, or not at all. */
static int lock_until(pthread_mutex_t *lock, apr_uint64_t deadline)
{
    struct timespec until;
    int left = keeper_deadline_left(deadline);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += left / 1000;
    until.tv_nsec += left % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    return pthread_mutex_timedlock(lock, &until) == 0;
}

static void prepare(keeper_nbsp_job_t *job, const keeper_nbsp_call_t *call, apr_uint64_t deadline)
{
    const keeper_nbsp_place_t *place = call->place;
    memset(job, 0, sizeof(*job));
    job->peer = &place->files.peer;
    job->url = keeper_nbsp_url_print(&place->bsf->token_url, "", call->pool);
    job->unix_path = place->bsf->token_url.unix_path;
    job->content_type = "application/x-www-form-urlencoded";
    job->accept = "application/json";
    job->body = keeper_nbsp_token_form(place->bsf->token_scope, call->pool);
    job->basic = place->basic;
    job->deadline = deadline;
}

/* With the token's lock. */
static base_result_t fetch(const keeper_nbsp_call_t *call, apr_uint64_t deadline)
{
    keeper_nbsp_place_t *place = call->place;
    const char *shown = place->bsf->token_url.shown;
    keeper_nbsp_job_t job;
    keeper_nbsp_reply_t reply;
    base_result_t result;
    int there;
    prepare(&job, call, deadline);
    there = keeper_nbsp_engine_run(place->source->engine, &job);
    if (!there && job.reused) {
        keeper_nbsp_job_free(&job);
        job.fresh = 1;
        there = keeper_nbsp_engine_run(place->source->engine, &job);
    }
    if (!there) {
        keeper_nbsp_token_failed(place->token, keeper_nbsp_now(place));
        result =
            base_fail(BASE_KEYSOURCE_DOWN, "GBA1140", keeper_nbsp_job_why(&job, shown, call->pool));
    } else {
        reply = keeper_nbsp_job_reply(&job);
        result = keeper_nbsp_token_take(place->token, &reply, keeper_nbsp_now(place), call->pool);
        if (result.code != BASE_OK)
            result.detail = apr_psprintf(call->pool, "token from %s: %s", shown, result.detail);
    }
    keeper_nbsp_job_free(&job);
    return result;
}

base_result_t keeper_nbsp_bearer(const char **text, unsigned *serial,
                                 const keeper_nbsp_call_t *call, apr_uint64_t deadline)
{
    keeper_nbsp_place_t *place = call->place;
    base_result_t result = base_ok();
    *text = NULL;
    *serial = 0;
    if (!place->token)
        return result;
    if (!lock_until(&place->token_lock, deadline))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA1141", "no token came in time");
    if (!keeper_nbsp_token_is_good(place->token, keeper_nbsp_now(place))) {
        if (keeper_nbsp_token_is_denied(place->token, keeper_nbsp_now(place)))
            result = base_fail(BASE_KEYSOURCE_DOWN, "GBA1142",
                               "there is no token: asking for one failed just now");
        else
            result = fetch(call, deadline);
    }
    if (result.code == BASE_OK) {
        *text = base_secret_copy(call->pool, place->token->text, strlen(place->token->text));
        *serial = place->token->serial;
    }
    pthread_mutex_unlock(&place->token_lock);
    return result;
}

void keeper_nbsp_bearer_drop(keeper_nbsp_place_t *place, unsigned serial)
{
    pthread_mutex_lock(&place->token_lock);
    keeper_nbsp_token_drop(place->token, serial);
    pthread_mutex_unlock(&place->token_lock);
}
