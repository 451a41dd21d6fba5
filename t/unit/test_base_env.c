/* SPDX-License-Identifier: Apache-2.0 */
/* The system's clocks and randomness behind their seams. */
#include <apr_general.h>
#include <limits.h>
#include <stdlib.h>
#include "tap.h"
#include "base/base_env.h"

static void test_clock(void)
{
    const base_clock_t *system = base_clock_system();
    apr_time_t before = apr_time_now();
    apr_time_t wall = system->wall(system->baton);
    apr_uint64_t first = system->monotonic(system->baton);
    apr_sleep(20000);
    apr_uint64_t second = system->monotonic(system->baton);
    ok(wall >= before && wall <= apr_time_now(), "wall time is the system's");
    ok(first != 0, "monotonic time is never 0");
    ok(second >= first + 19, "20 ms later it is at least 19 ms more");
    apr_uint64_t elapsed = (apr_uint64_t)(apr_time_now() - before) / 1000;
    ok(second - first <= elapsed + 5, "and no more than passed: it counts milliseconds");
}

static void test_random(void)
{
    const base_random_t *system = base_random_system();
    unsigned char a[32] = {0};
    unsigned char b[32] = {0};
    unsigned char beside[4] = {1, 2, 3, 4};
    ok(system->fill(system->baton, a, sizeof(a)), "32 octets");
    ok(system->fill(system->baton, b, sizeof(b)), "32 more");
    ok(memcmp(a, b, sizeof(a)) != 0, "two draws differ");
    ok(system->fill(system->baton, beside + 1, 2), "two octets");
    ok(beside[0] == 1 && beside[3] == 4, "nothing beside the buffer is touched");
    ok(!system->fill(system->baton, a, (apr_size_t)INT_MAX + 1),
       "more than an int counts: refused");
    ok(!system->fill(system->baton, a, ((apr_size_t)1 << 32) + 4),
       "not cut to its low bits either");
}

int main(void)
{
    if (apr_initialize() != APR_SUCCESS)
        return EXIT_FAILURE;
    test_clock();
    test_random();
    apr_terminate();
    return tap_done();
}
