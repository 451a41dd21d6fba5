/* SPDX-License-Identifier: Apache-2.0 */
/* When an address is left alone, when it is tried again, and when unknown B-TIDs are an alarm. */
#include "tap.h"

#include <string.h>
#include "keeper/keeper_nbsp_breaker.h"

#define PROBE_MS 6000

static keeper_nbsp_breaker_t breaker;

static int ask(apr_uint64_t now)
{
    return (int)keeper_nbsp_breaker_ask(&breaker, now, PROBE_MS);
}

static int fail(keeper_nbsp_pass_t pass, apr_uint64_t now)
{
    return keeper_nbsp_breaker_bad(&breaker, pass, now);
}

static void open_it(apr_uint64_t now)
{
    memset(&breaker, 0, sizeof(breaker));
    for (int i = 0; i < KEEPER_NBSP_FAILURES_MAX; i++)
        fail(KEEPER_NBSP_GO, now);
}

static void opens_after_some_in_a_row(void)
{
    is_int(ask(1), KEEPER_NBSP_GO, "closed at first");
    is_int(fail(KEEPER_NBSP_GO, 1), 0, "one failure");
    is_int(fail(KEEPER_NBSP_GO, 1), 0, "two");
    keeper_nbsp_breaker_good(&breaker);
    fail(KEEPER_NBSP_GO, 2);
    is_int(fail(KEEPER_NBSP_GO, 2), 0, "an answer between them starts the count anew");
    is_int(ask(2), KEEPER_NBSP_GO, "still closed");
    is_int(fail(KEEPER_NBSP_GO, 2), 1, "the third in a row opens it, and is told");
    is_int(fail(KEEPER_NBSP_GO, 2), 0, "once");
    is_int(ask(3), KEEPER_NBSP_STOP, "nobody asks now");
    is_int(ask(2 + KEEPER_NBSP_BACKOFF_MS - 1), KEEPER_NBSP_STOP, "until the back-off ends");
}

static void tries_by_one(void)
{
    open_it(1000);
    is_int(ask(1000 + KEEPER_NBSP_BACKOFF_MS), KEEPER_NBSP_PROBE, "then one may");
    is_int(ask(1000 + KEEPER_NBSP_BACKOFF_MS), KEEPER_NBSP_STOP, "and no other");
    is_int(ask(1000 + KEEPER_NBSP_BACKOFF_MS + PROBE_MS), KEEPER_NBSP_PROBE,
           "unless the first never told");
    keeper_nbsp_breaker_good(&breaker);
    is_int(ask(9000), KEEPER_NBSP_GO, "an answer closes it");
}

static void backs_off_longer_each_time(void)
{
    apr_uint64_t now = 1000, wait = KEEPER_NBSP_BACKOFF_MS;
    open_it(now);
    for (int i = 0; i < 8; i++) {
        now += wait;
        is_int(ask(now - 1), KEEPER_NBSP_STOP, "not before");
        is_int(ask(now), KEEPER_NBSP_PROBE, "a probe");
        fail(KEEPER_NBSP_GO, now);
        fail(KEEPER_NBSP_PROBE, now);
        wait = wait * 2 > KEEPER_NBSP_BACKOFF_MAX ? KEEPER_NBSP_BACKOFF_MAX : wait * 2;
    }
    is_int((long long)breaker.backoff_ms, KEEPER_NBSP_BACKOFF_MAX, "and no longer than that");
}

static void cries_once_a_minute(void)
{
    keeper_nbsp_alarm_t alarm = {0, 0, 0, 0};
    int cries = 0;
    for (unsigned i = 0; i < KEEPER_NBSP_ALARM_LEAST - 1; i++)
        cries += keeper_nbsp_alarm_count(&alarm, 1, 50, 1000 + i);
    is_int(cries, 0, "too few to tell");
    is_int(keeper_nbsp_alarm_count(&alarm, 1, 50, 2000), 1, "enough, and too many unknown");
    for (int i = 0; i < 1000; i++)
        cries += keeper_nbsp_alarm_count(&alarm, 1, 50, 3000);
    is_int(cries, 0, "told once");
    for (unsigned i = 0; i < 2 * KEEPER_NBSP_ALARM_LEAST; i++)
        cries += keeper_nbsp_alarm_count(&alarm, 1, 50, 1000 + KEEPER_NBSP_ALARM_MS);
    is_int(cries, 1, "and again in another minute");
}

static void counts_a_share(void)
{
    keeper_nbsp_alarm_t alarm = {0, 0, 0, 0};
    int cries = 0;
    for (int i = 0; i < 1000; i++) {
        cries += keeper_nbsp_alarm_count(&alarm, 0, 50, 1);
        cries += keeper_nbsp_alarm_count(&alarm, 1, 50, 1);
    }
    is_int(cries, 0, "half of them is not more than half");
    is_int(keeper_nbsp_alarm_count(&alarm, 1, 50, 1), 1, "one more is");
    memset(&alarm, 0, sizeof(alarm));
    for (int i = 0; i < 1000; i++)
        cries += keeper_nbsp_alarm_count(&alarm, 1, 100, 1);
    is_int(cries, 0, "100 is never");
}

int main(void)
{
    opens_after_some_in_a_row();
    tries_by_one();
    backs_off_longer_each_time();
    cries_once_a_minute();
    counts_a_share();
    return tap_done();
}
