/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of numbers: decimal, RFC 3339 instants, sizes, durations. */
#include <apr_general.h>
#include <stdlib.h>
#include "tap.h"
#include "base/base_text.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define REFUSED     (-1)
#define UNTOUCHED   4711 /* what a refused value must still be */

/* A span that ends where its memory ends, so that a checker of memory sees any octet read beyond.
 */
static base_span_t exact(const char *text, apr_size_t len)
{
    unsigned char *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    memcpy(copy, text, len);
    return (base_span_t){copy, len};
}

/* Text as a test's name can carry it. */
static const char *shown(apr_pool_t *pool, const char *text)
{
    return base_log_safe(pool, text, 40);
}

static void release(base_span_t span)
{
    free((void *)(uintptr_t)span.data);
}

static void test_decimal(apr_pool_t *pool)
{
    static const struct {
        const char *text;
        apr_uint64_t max;
        int want; /* nonzero: taken */
        apr_uint64_t value;
    } row[] = {
        {"0", 0, 1, 0},
        {"1", 0, 0, 0},
        {"9", 9, 1, 9},
        {"10", 9, 0, 0},
        {"9", 8, 0, 0},
        {"100", 99, 0, 0},
        {"00000000000000000007", 9, 1, 7},
        {"000000000000000000007", 9, 0, 0},
        {"4294967295", 4294967295U, 1, 4294967295U},
        {"4294967296", 4294967295U, 0, 0},
        {"18446744073709551615", APR_UINT64_MAX, 1, APR_UINT64_MAX},
        {"18446744073709551616", APR_UINT64_MAX, 0, 0},
        {"18446744073709551620", APR_UINT64_MAX, 0, 0},
        {"99999999999999999999", APR_UINT64_MAX, 0, 0},
        {"", 9, 0, 0},
        {"+1", 99, 0, 0},
        {"-1", 99, 0, 0},
        {" 1", 99, 0, 0},
        {"1 ", 99, 0, 0},
        {"1\n", 99, 0, 0},
        {"0x1", 99, 0, 0},
        {"1e1", 99, 0, 0},
        {"1.0", 99, 0, 0},
        {"/", 99, 0, 0},
        {":", 99, 0, 0},
        {"\xd9\xa1", 99, 0, 0},
    };
    for (size_t i = 0; i < ROWS(row); i++) {
        apr_uint64_t value = UNTOUCHED;
        base_span_t text = exact(row[i].text, strlen(row[i].text));
        int got = base_decimal_decode(&value, text, row[i].max);
        ok(!!got == row[i].want && value == (row[i].want ? row[i].value : UNTOUCHED),
           "decimal \"%s\" up to %llu", shown(pool, row[i].text), (unsigned long long)row[i].max);
        release(text);
    }
    apr_uint64_t value;
    ok(!base_decimal_decode(&value, (base_span_t){NULL, 0}, 9), "decimal of no text");
    ok(!base_decimal_decode(&value, (base_span_t){(const unsigned char *)"1\0", 2}, 9),
       "decimal with a NUL behind it");
}

/* Seconds since 1970 as `date -u +%s` tells them. */
static void test_rfc3339_taken(void)
{
    static const struct {
        const char *text;
        apr_int64_t seconds;
        int micros;
    } row[] = {
        {"1970-01-01T00:00:00Z", 0, 0},
        {"2030-01-01T00:00:00Z", 1893456000, 0},
        {"2030-01-01t00:00:00z", 1893456000, 0},
        {"1985-04-12T23:20:50.52Z", 482196050, 520000},        /* RFC 3339 5.8 */
        {"1996-12-19T16:39:57-08:00", 851042397, 0},           /* RFC 3339 5.8 */
        {"1990-12-31T23:59:60Z", 662688000, 0},                /* RFC 3339 5.8, leap second */
        {"1990-12-31T15:59:60-08:00", 662688000, 0},           /* RFC 3339 5.8, the same one */
        {"1937-01-01T12:00:27.87+00:20", -1041337173, 870000}, /* RFC 3339 5.8 */
        {"2000-02-29T12:00:00Z", 951825600, 0},
        {"2024-02-29T00:00:00+00:00", 1709164800, 0},
        {"2024-03-01T00:00:00-00:00", 1709251200, 0},
        {"2038-01-19T03:14:08Z", 2147483648, 0},
        {"1969-12-31T23:59:59.999999Z", -1, 999999},
        {"2030-01-01T00:00:00.1234567891Z", 1893456000, 123456},
        {"2030-01-01T00:00:00.000001Z", 1893456000, 1},
        {"2029-12-31T23:59:59+23:59", 1893369659, 0},
        {"0001-01-01T00:00:00Z", -62135596800, 0},
        {"0000-01-01T00:00:00Z", -62167219200, 0},
        {"0000-02-29T00:00:00Z", -62162121600, 0},
        {"9999-12-31T23:59:59Z", 253402300799, 0},
    };
    for (size_t i = 0; i < ROWS(row); i++) {
        apr_time_t when = UNTOUCHED;
        base_span_t text = exact(row[i].text, strlen(row[i].text));
        apr_time_t want = row[i].seconds * APR_USEC_PER_SEC + row[i].micros;
        int got = base_rfc3339_decode(&when, text);
        ok(got && when == want, "instant %s (got %lld)", row[i].text, (long long)when);
        release(text);
    }
}

static void test_rfc3339_refused(apr_pool_t *pool)
{
    static const char *const row[] = {
        "",
        "2030",
        "2030-01-01",
        "2030-01-01T00:00:00",  /* no zone: which instant? */
        "2030-01-01 00:00:00Z", /* 5.6 wants T; a space is an application's choice */
        "2030-01-01T00:00Z",
        "2030-01-01T00:00:00.Z",
        "2030-01-01T00:00:00,5Z",
        "2030-01-01T00:00:00ZZ",
        "2030-01-01T00:00:00Z ",
        " 2030-01-01T00:00:00Z",
        "2030-01-01T00:00:00Z\n",
        "2030-1-1T00:00:00Z",
        "30-01-01T00:00:00Z",
        "12030-01-01T00:00:00Z",
        "-2030-01-01T00:00:00Z",
        "+203-01-01T00:00:00Z",
        "2030-00-01T00:00:00Z",
        "2030-13-01T00:00:00Z",
        "2030-01-00T00:00:00Z",
        "2030-01-32T00:00:00Z",
        "2030-04-31T00:00:00Z",
        "2030-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z", /* a century is no leap year */
        "2024-02-30T00:00:00Z",
        "2030-01-01T24:00:00Z",
        "2030-01-01T00:60:00Z",
        "2030-01-01T00:00:61Z",
        "2030-01-01T00:00:60Z", /* a leap second not at the end of a day */
        "2030-01-01T23:58:60Z",
        "2030-01-01T23:59:60+01:00",
        "2030-01-01T00:00:00+0100",
        "2030-01-01T00:00:00+01",
        "2030-01-01T00:00:00+24:00",
        "2030-01-01T00:00:00+01:60",
        "2030-01-01T00:00:00 +01:00",
        "2030/01/01T00:00:00Z",
        "2030-01-01T00:00:0xZ",
        "2030-W01-1T00:00:00Z",
        "Tue, 01 Jan 2030 00:00:00 GMT",
    };
    for (size_t i = 0; i < ROWS(row); i++) {
        apr_time_t when = UNTOUCHED;
        base_span_t text = exact(row[i], strlen(row[i]));
        ok(!base_rfc3339_decode(&when, text) && when == UNTOUCHED, "no instant: \"%s\"",
           shown(pool, row[i]));
        release(text);
    }
}

/* Every prefix of a good text is refused, whatever it is cut in. */
static void test_rfc3339_cut(void)
{
    static const char full[] = "2030-01-01T00:00:00.5+01:00";
    int taken = 0;
    for (apr_size_t len = 0; len < sizeof(full) - 1; len++) {
        apr_time_t when;
        base_span_t text = exact(full, len);
        taken += !!base_rfc3339_decode(&when, text);
        release(text);
    }
    is_int(taken, 0, "no instant: any prefix of a good text");
}

static void test_size(apr_pool_t *pool)
{
    static const struct {
        const char *text;
        apr_off_t want;
    } row[] = {
        {"0", 0},
        {"1", 1},
        {"64K", 65536},
        {"1M", 1048576},
        {"3G", 3221225472},
        {"9223372036854775807", APR_INT64_MAX},
        {"8589934591G", 9223372035781033984},
        {"8589934592G", REFUSED},
        {"9223372036854775808", REFUSED},
        {"99999999999999999999999", REFUSED},
        {"", REFUSED},
        {"K", REFUSED},
        {"64k", REFUSED},
        {"64KB", REFUSED},
        {"64 K", REFUSED},
        {" 64K", REFUSED},
        {"64K ", REFUSED},
        {"-1", REFUSED},
        {"+1", REFUSED},
        {"1.5M", REFUSED},
        {"0x10", REFUSED},
        {"1T", REFUSED},
        {NULL, REFUSED},
    };
    for (size_t i = 0; i < ROWS(row); i++) {
        apr_off_t octets = UNTOUCHED;
        int got = base_size_decode(&octets, row[i].text);
        int want = row[i].want != REFUSED;
        ok(!!got == want && octets == (want ? row[i].want : UNTOUCHED), "size \"%s\"",
           shown(pool, row[i].text));
    }
}

static void test_duration(apr_pool_t *pool)
{
    static const struct {
        const char *text;
        apr_interval_time_t want;
    } row[] = {
        {"0", 0},
        {"0s", 0},
        {"0ms", 0},
        {"250ms", 250000},
        {"30s", 30000000},
        {"10m", 600000000},
        {"24h", 86400000000},
        {"365d", 31536000000000},
        {"106751991d", 9223372022400000000},
        {"106751992d", REFUSED},
        {"9223372036854775807ms", REFUSED},
        {"99999999999999999999s", REFUSED},
        {"", REFUSED},
        {"30", REFUSED},
        {"00", REFUSED},
        {"s", REFUSED},
        {"30S", REFUSED},
        {"30sec", REFUSED},
        {"1us", REFUSED},
        {"1w", REFUSED},
        {"1h30m", REFUSED},
        {"1.5h", REFUSED},
        {"-1s", REFUSED},
        {"+1s", REFUSED},
        {" 1s", REFUSED},
        {"1 s", REFUSED},
        {"1s ", REFUSED},
        {NULL, REFUSED},
    };
    for (size_t i = 0; i < ROWS(row); i++) {
        apr_interval_time_t span = UNTOUCHED;
        int got = base_duration_decode(&span, row[i].text);
        int want = row[i].want != REFUSED;
        ok(!!got == want && span == (want ? row[i].want : UNTOUCHED), "duration \"%s\"",
           shown(pool, row[i].text));
    }
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return EXIT_FAILURE;
    test_decimal(pool);
    test_rfc3339_taken();
    test_rfc3339_refused(pool);
    test_rfc3339_cut();
    test_size(pool);
    test_duration(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
