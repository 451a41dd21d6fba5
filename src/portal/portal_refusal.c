/* SPDX-License-Identifier: Apache-2.0 */
#include "portal/portal_refusal.h"

#include "gba/gba_problem.h"
#include "pki/pki_accept.h"
#include "pki/pki_media.h"

#define MEDIA_PAGE "text/html"

/* HTML is the standard's own form: problem details only for who says that he wants them more. */
static const char *make_body(portal_enrol_answer_t *answer, const char *accept, apr_pool_t *pool)
{
    pki_reason_t reason = answer->decision.reason;

    answer->vary_accept = 1;
    answer->content_type = MEDIA_PAGE;
    if (!pki_accept_prefers(accept, GBA_MEDIA_PROBLEM, MEDIA_PAGE))
        return pki_page_refusal(pool, reason, answer->public_text);
    answer->content_type = GBA_MEDIA_PROBLEM;
    return gba_problem_print(pool, answer->status, "Forbidden", answer->public_text,
                             pki_reason_code(reason));
}

/* Expires tells whole seconds: rounded down it would be before the reason ends. */
static apr_time_t up_to_second(apr_time_t when)
{
    return apr_time_from_sec(apr_time_sec(when + APR_USEC_PER_SEC - 1));
}

int portal_refusal_fill(portal_enrol_answer_t *answer, const portal_enrol_config_t *config,
                        const char *accept, apr_time_t retry_at, apr_pool_t *pool)
{
    const base_clock_t *clock = config->clock;
    const char *body;

    answer->status = base_code_info(BASE_ENROL_REFUSED)->http_status;
    body = make_body(answer, accept, pool);
    if (!body)
        return 0;
    answer->body = base_span_str(body);
    answer->has_expires = 1;
    answer->expires =
        retry_at ? up_to_second(retry_at) : clock->wall(clock->baton) + config->refusal_expires;
    return 1;
}
