/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_nbsp_breaker.h"

#include <string.h>

keeper_nbsp_pass_t keeper_nbsp_breaker_ask(keeper_nbsp_breaker_t *breaker, apr_uint64_t now,
                                           apr_uint64_t probe_ms)
{
    if (breaker->backoff_ms == 0)
        return KEEPER_NBSP_GO;
    if (now < breaker->until || now < breaker->tried_till)
        return KEEPER_NBSP_STOP;
    breaker->tried_till = now + probe_ms;
    return KEEPER_NBSP_PROBE;
}

void keeper_nbsp_breaker_good(keeper_nbsp_breaker_t *breaker)
{
    memset(breaker, 0, sizeof(*breaker));
}

int keeper_nbsp_breaker_bad(keeper_nbsp_breaker_t *breaker, keeper_nbsp_pass_t pass,
                            apr_uint64_t now)
{
    breaker->failures++;
    if (breaker->backoff_ms == 0) {
        if (breaker->failures < KEEPER_NBSP_FAILURES_MAX)
            return 0;
        breaker->backoff_ms = KEEPER_NBSP_BACKOFF_MS;
        breaker->until = now + breaker->backoff_ms;
        return 1;
    }
    if (pass != KEEPER_NBSP_PROBE)
        return 0;
    breaker->backoff_ms *= 2;
    if (breaker->backoff_ms > KEEPER_NBSP_BACKOFF_MAX)
        breaker->backoff_ms = KEEPER_NBSP_BACKOFF_MAX;
    breaker->until = now + breaker->backoff_ms;
    breaker->tried_till = 0;
    return 0;
}

int keeper_nbsp_alarm_count(keeper_nbsp_alarm_t *alarm, int unknown, unsigned percent,
                            apr_uint64_t now)
{
    if (alarm->since == 0 || now - alarm->since >= KEEPER_NBSP_ALARM_MS) {
        memset(alarm, 0, sizeof(*alarm));
        alarm->since = now;
    }
    alarm->asked++;
    alarm->unknown += unknown != 0;
    if (alarm->said || alarm->asked < KEEPER_NBSP_ALARM_LEAST ||
        (apr_uint64_t)alarm->unknown * 100 <= (apr_uint64_t)alarm->asked * percent)
        return 0;
    alarm->said = 1;
    return 1;
}
