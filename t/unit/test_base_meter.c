/* SPDX-License-Identifier: Apache-2.0 */
/* base_meter: the edges of buckets, names that are too many or too long, and that nothing is lost
 * over threads of several processes. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base_meter.h"
#include "tap.h"

#define PROCESSES 4
#define THREADS   4
#define ROUNDS    20000
#define NAMES     6

/* What the processes share. */
typedef struct shared_t {
    base_counter_t counter;
    base_histogram_t histogram;
    base_names_t names;
} shared_t;

/* ---- buckets ---- */

static int bucket_of(const base_histogram_t *h)
{
    for (int i = 0; i < BASE_METER_BUCKETS; i++)
        if (base_counter_get(&h->bucket[i]))
            return i;
    return -1;
}

static int falls_into(base_scale_t scale, apr_uint64_t value)
{
    base_histogram_t h;
    memset(&h, 0, sizeof(h));
    base_histogram_add(&h, scale, value);
    return base_counter_get(&h.sum) == value ? bucket_of(&h) : -2;
}

static void a_bound_belongs_to_its_bucket(base_scale_t scale, const char *name)
{
    int last = BASE_METER_BUCKETS - 1;

    is_int(falls_into(scale, 0), 0, "nothing is in the first bucket");
    for (int i = 0; i < last; i++) {
        apr_uint64_t bound = base_scale_bound(scale, i);
        ok(i == 0 || bound > base_scale_bound(scale, i - 1), "%s: bound %d rises", name, i);
        ok(falls_into(scale, bound) == i, "%s: bound %d is in its bucket", name, i);
        ok(falls_into(scale, bound + 1) == i + 1, "%s: and one more is in the next", name);
    }
    is_int(falls_into(scale, UINT64_MAX), last, "the largest is in the last");
    is_int((long long)base_scale_bound(scale, last), 0, "which has no bound");
    is_int((long long)base_scale_bound(scale, -1), 0, "nor has what is no bucket");
}

/* ---- names ---- */

static void counts_by_name(void)
{
    static base_names_t names;
    char name[BASE_METER_NAME_MAX + 2];

    base_names_add(&names, "subscriber");
    base_names_add(&names, "subscribe");
    base_names_add(&names, "subscriber");
    is_int((long long)base_names_get(&names, "subscriber"), 2, "a name is counted");
    is_int((long long)base_names_get(&names, "subscribe"), 1, "apart from one that starts alike");
    is_str(base_names_at(&names, 0), "subscriber", "the first that came");
    is_str(base_names_at(&names, 1), "subscribe", "the second");
    is_str(base_names_at(&names, 2), NULL, "and no other");
    memset(name, 'n', sizeof(name));
    name[BASE_METER_NAME_MAX] = '\0';
    base_names_add(&names, name);
    is_int((long long)base_names_get(&names, name), 1, "the longest name");
    name[BASE_METER_NAME_MAX] = 'n';
    name[BASE_METER_NAME_MAX + 1] = '\0';
    base_names_add(&names, name);
    is_int((long long)base_names_get(&names, NULL), 1, "one that is too long is one of the others");
    for (int i = 0; i < BASE_METER_NAMES; i++) {
        snprintf(name, sizeof(name), "%d", i);
        base_names_add(&names, name);
    }
    is_int((long long)base_names_get(&names, NULL), 4, "so are those that find no room");
    base_names_add(&names, "subscriber");
    is_int((long long)base_names_get(&names, "subscriber"), 3, "those that have room keep it");
}

/* A process may have been killed while it wrote a name. */
static void a_place_that_was_left_is_passed_over(void)
{
    static base_names_t names;

    atomic_store(&names.named[0].state, 1);
    base_names_add(&names, "a");
    base_names_add(&names, "a");
    is_int((long long)base_names_get(&names, "a"), 2, "counted beside a place that was left");
    is_str(base_names_at(&names, 0), NULL, "which has no name");
    is_str(base_names_at(&names, 1), "a", "the next one has");
}

/* Two that come at once may take a place each. */
static void a_name_that_stands_twice_is_added_up(void)
{
    static base_names_t names;

    base_names_add(&names, "a");
    base_names_add(&names, "b");
    strcpy(names.named[1].name, "a");
    is_int((long long)base_names_get(&names, "a"), 2, "both places together");
    is_str(base_names_at(&names, 1), NULL, "and told once");
}

static void nothing_counts_nothing(void)
{
    base_counter_add(NULL);
    base_gauge_set(NULL, 1);
    base_histogram_add(NULL, BASE_SCALE_NUMBER, 1);
    base_names_add(NULL, "a");
    is_int((long long)base_counter_get(NULL), 0, "no counter");
    is_int((long long)base_gauge_get(NULL), 0, "no gauge");
    is_int((long long)base_names_get(NULL, "a"), 0, "no names");
    is_str(base_names_at(NULL, 0), NULL, "none at all");
}

/* ---- many at once ---- */

static void *count(void *baton)
{
    shared_t *shared = baton;
    char name[8];

    for (int i = 0; i < ROUNDS; i++) {
        base_counter_add(&shared->counter);
        base_histogram_add(&shared->histogram, BASE_SCALE_NUMBER, (apr_uint64_t)(i % 5));
        snprintf(name, sizeof(name), "p%d", i % NAMES);
        base_names_add(&shared->names, name);
    }
    return NULL;
}

static void count_in_threads(shared_t *shared)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, count, shared) != 0)
            _exit(1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static int all_exited(void)
{
    int status, good = 1;

    for (int i = 0; i < PROCESSES; i++)
        good &= wait(&status) > 0 && status == 0;
    return good;
}

static apr_uint64_t counted_in_buckets(const base_histogram_t *h)
{
    apr_uint64_t sum = 0;

    for (int i = 0; i < BASE_METER_BUCKETS; i++)
        sum += base_counter_get(&h->bucket[i]);
    return sum;
}

static apr_uint64_t counted_by_name(const base_names_t *names)
{
    apr_uint64_t sum = base_names_get(names, NULL);
    const char *name;

    for (int i = 0; i < BASE_METER_NAMES; i++)
        if ((name = base_names_at(names, i)) != NULL)
            sum += base_names_get(names, name);
    return sum;
}

static void nothing_is_lost(void)
{
    const long long all = (long long)PROCESSES * THREADS * ROUNDS;
    shared_t *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (!ok(shared != MAP_FAILED, "shared memory"))
        return;
    fflush(stdout);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            count_in_threads(shared);
            _exit(0);
        }
    }
    ok(all_exited(), "%d processes of %d threads", PROCESSES, THREADS);
    is_int((long long)base_counter_get(&shared->counter), all, "a counter: every one");
    is_int((long long)counted_in_buckets(&shared->histogram), all, "a histogram: every value");
    is_int((long long)base_counter_get(&shared->histogram.sum), 2 * all, "and their sum");
    is_int((long long)base_counter_get(&shared->histogram.bucket[0]), 2 * all / 5,
           "zeros and ones are in the first bucket");
    is_int((long long)counted_by_name(&shared->names), all, "names: every one");
    is_int((long long)base_names_get(&shared->names, NULL), 0, "and all of them found room");
    munmap(shared, sizeof(*shared));
}

int main(void)
{
    a_bound_belongs_to_its_bucket(BASE_SCALE_SECONDS, "seconds");
    a_bound_belongs_to_its_bucket(BASE_SCALE_NUMBER, "number");
    counts_by_name();
    a_place_that_was_left_is_passed_over();
    a_name_that_stands_twice_is_added_up();
    nothing_counts_nothing();
    nothing_is_lost();
    return tap_done();
}
