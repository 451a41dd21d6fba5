/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base_meter.h"

#include <string.h>
#include <time.h>

/* No order between counters is promised, so none is paid for. */
#define RELAXED memory_order_relaxed

enum { FREE, WRITTEN_TO, IN_USE };

void base_counter_add(base_counter_t *counter)
{
    if (counter)
        atomic_fetch_add_explicit(&counter->value, 1, RELAXED);
}

apr_uint64_t base_counter_get(const base_counter_t *counter)
{
    return counter ? atomic_load_explicit(&counter->value, RELAXED) : 0;
}

void base_gauge_set(base_gauge_t *gauge, apr_int64_t value)
{
    if (gauge)
        atomic_store_explicit(&gauge->value, value, RELAXED);
}

apr_int64_t base_gauge_get(const base_gauge_t *gauge)
{
    return gauge ? atomic_load_explicit(&gauge->value, RELAXED) : 0;
}

/* ---- histograms ---- */

#define US(n) ((n)*UINT64_C(1000))
#define MS(n) ((n)*UINT64_C(1000000))
#define S(n)  ((n)*UINT64_C(1000000000))

#define BOUNDS (BASE_METER_BUCKETS - 1)

/* From a signature of an EC key to what a UE has given up waiting for. */
static const apr_uint64_t seconds[BOUNDS] = {US(100), US(250),  US(500), MS(1),   US(2500), MS(5),
                                             MS(10),  MS(25),   MS(50),  MS(100), MS(250),  MS(500),
                                             S(1),    MS(2500), S(5),    S(10)};

apr_uint64_t base_scale_bound(base_scale_t scale, int bucket)
{
    if (bucket < 0 || bucket >= BOUNDS)
        return 0;
    return scale == BASE_SCALE_SECONDS ? seconds[bucket] : UINT64_C(1) << bucket;
}

void base_histogram_add(base_histogram_t *histogram, base_scale_t scale, apr_uint64_t value)
{
    int bucket = 0;

    if (!histogram)
        return;
    while (bucket < BOUNDS && value > base_scale_bound(scale, bucket))
        bucket++;
    atomic_fetch_add_explicit(&histogram->sum.value, value, RELAXED);
    base_counter_add(&histogram->bucket[bucket]);
}

/* ---- names ---- */

static int is_named(const base_named_t *named, const char *name)
{
    return atomic_load_explicit(&named->state, memory_order_acquire) == IN_USE &&
           strcmp(named->name, name) == 0;
}

/* Nonzero if the place is ours now and has the name. A process that dies in between leaves a place
 * that nobody uses. */
static int claim(base_named_t *named, const char *name, size_t len)
{
    apr_uint32_t was = FREE;

    if (!atomic_compare_exchange_strong(&named->state, &was, WRITTEN_TO))
        return 0;
    memcpy(named->name, name, len + 1);
    atomic_store_explicit(&named->state, IN_USE, memory_order_release);
    return 1;
}

/* Nobody waits for a place whose name is being written: it is passed over. */
static base_counter_t *place_of(base_names_t *names, const char *name, size_t len)
{
    for (int i = 0; i < BASE_METER_NAMES; i++) {
        base_named_t *named = &names->named[i];
        if (is_named(named, name) || claim(named, name, len))
            return &named->counter;
    }
    return &names->others;
}

void base_names_add(base_names_t *names, const char *name)
{
    size_t len;

    if (!names || !name)
        return;
    len = strnlen(name, BASE_METER_NAME_MAX + 1);
    base_counter_add(len > BASE_METER_NAME_MAX ? &names->others : place_of(names, name, len));
}

apr_uint64_t base_names_get(const base_names_t *names, const char *name)
{
    apr_uint64_t sum = 0;

    if (!names)
        return 0;
    if (!name)
        return base_counter_get(&names->others);
    for (int i = 0; i < BASE_METER_NAMES; i++)
        if (is_named(&names->named[i], name))
            sum += base_counter_get(&names->named[i].counter);
    return sum;
}

const char *base_names_at(const base_names_t *names, int place)
{
    const base_named_t *named;

    if (!names || place < 0 || place >= BASE_METER_NAMES)
        return NULL;
    named = &names->named[place];
    if (atomic_load_explicit(&named->state, memory_order_acquire) != IN_USE)
        return NULL;
    for (int i = 0; i < place; i++)
        if (is_named(&names->named[i], named->name))
            return NULL;
    return named->name;
}

apr_uint64_t base_meter_now(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0;
    return (apr_uint64_t)now.tv_sec * S(1) + (apr_uint64_t)now.tv_nsec;
}
