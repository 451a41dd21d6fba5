/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tap.h
 * What a C unit test needs to speak TAP: ok(), is_str(), is_int(), is_mem(), plan at the end.
 * Each test program is one file with a main() that ends in `return tap_done();`.
 */
#ifndef tap_h
#define tap_h

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int tap_run, tap_failed;

/** One test point with a printf-style name; returns pass. */
__attribute__((format(printf, 2, 3))) static inline int ok(int pass, const char *fmt, ...)
{
    va_list ap;
    printf("%sok %d - ", pass ? "" : "not ", ++tap_run);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    tap_failed += !pass;
    return pass;
}

/** Equal strings (NULL equals only NULL); prints both when they differ. */
static inline int is_str(const char *got, const char *want, const char *name)
{
    int pass = got && want ? strcmp(got, want) == 0 : got == want;
    ok(pass, "%s", name);
    if (!pass)
        printf("#   got: %s\n#  want: %s\n", got ? got : "(null)", want ? want : "(null)");
    return pass;
}

/** Equal integers. */
static inline int is_int(long long got, long long want, const char *name)
{
    int pass = got == want;
    ok(pass, "%s", name);
    if (!pass)
        printf("#   got: %lld\n#  want: %lld\n", got, want);
    return pass;
}

/** Equal octets. */
static inline int is_mem(const void *got, const void *want, size_t len, const char *name)
{
    return ok(got && want && memcmp(got, want, len) == 0, "%s", name);
}

/** Prints the plan; the exit status of the test program. A program without a test fails. */
static inline int tap_done(void)
{
    printf("1..%d\n", tap_run);
    return tap_failed != 0 || tap_run == 0;
}

#endif
