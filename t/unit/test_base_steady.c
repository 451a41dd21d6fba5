/* SPDX-License-Identifier: Apache-2.0 */
/* The steady clock over one that is set back and forward, from two processes' handles. */
#include "tap.h"

#include "base/base_steady.h"

static apr_uint64_t below_ms;

static apr_time_t fixed_wall(void *baton)
{
    (void)baton;
    return 42;
}

static apr_uint64_t fixed_monotonic(void *baton)
{
    return *(const apr_uint64_t *)baton;
}

static const base_clock_t below = {&below_ms, fixed_wall, fixed_monotonic};

/* What the clock below says, and what the steady one must say to the process that asks. */
static const struct {
    apr_uint64_t below_ms;
    int process;
    apr_uint64_t steady_ms;
    const char *name;
} rows[] = {
    {4000000, 0, 4000000, "at first it says what the clock below says"},
    {4000500, 1, 4000500, "to the other process too"},
    {4000499, 0, 4000499, "a reading that is a little late is taken as it is"},
    {3999500, 0, 3999500, "up to a second"},
    {3999499, 0, 4000500, "more than that is a clock set back: it goes on from the latest"},
    {400499, 1, 4000500, "set back by an hour, seen by the other process"},
    {400500, 0, 4000501, "and both count on from there"},
    {400600, 1, 4000601, "both"},
    {4000600, 0, 7600601, "set forward again it follows"},
    {400600, 1, 7600601, "and back once more"},
    {1, 0, 7600601, "back to its very beginning"},
    {2, 1, 7600602, "and on"},
};

int main(void)
{
    base_steady_shared_t shared = {0, 0};
    base_steady_t steady[2];

    for (int i = 0; i < 2; i++)
        base_steady_make(&steady[i], &below, &shared);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const base_clock_t *clock = &steady[rows[i].process].clock;
        below_ms = rows[i].below_ms;
        is_int((long long)clock->monotonic(clock->baton), (long long)rows[i].steady_ms,
               rows[i].name);
    }
    is_int(steady[0].clock.wall(steady[0].clock.baton), 42, "the wall clock is the one below");
    return tap_done();
}
