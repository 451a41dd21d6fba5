/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads and processes ask at once: one certificate for one claim, one subscriber for one
 * key, one name for one subscriber; and a slow signer keeps nobody else waiting. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>
#include "keeper/keeper_issuer.h"
#include "keeper_fixture.h"

#define THREADS   32
#define PROCESSES 4

static apr_pool_t *pool;
static const char *dir;
static pki_ca_t *ca;

/* ---- a crowd ---- */

typedef struct asker_t {
    pthread_t thread;
    portal_issuer_t *issuer;
    pthread_barrier_t *start;
    portal_issue_t question;
    portal_issued_t issued;
    base_code_t code;
    apr_pool_t *pool;
} asker_t;

static void *ask(void *data)
{
    asker_t *asker = data;
    pthread_barrier_wait(asker->start);
    base_result_t result =
        asker->issuer->issue(asker->issuer->baton, &asker->question, &asker->issued, asker->pool);
    asker->code = result.code;
    if (result.code != BASE_OK && result.code != BASE_ENROL_REFUSED)
        printf("# %s %s\n", result.tag, result.detail);
    return NULL;
}

static asker_t askers[THREADS];

/** All at once; each asks what stands in askers[i].question. */
static void ask_all(const char *path, int threads)
{
    pthread_barrier_t start;
    keeper_issuer_parts_t parts = {
        ca, fixture_opened(pool, path), base_clock_system(), base_random_system(), NULL, NULL};
    portal_issuer_t *issuer = keeper_issuer_make(pool, &parts);
    pthread_barrier_init(&start, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++) {
        askers[i].issuer = issuer;
        askers[i].start = &start;
        apr_pool_create(&askers[i].pool, NULL);
        if (pthread_create(&askers[i].thread, NULL, ask, &askers[i]) != 0)
            fixture_die("pthread_create");
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(askers[i].thread, NULL);
        apr_pool_destroy(askers[i].pool);
    }
    pthread_barrier_destroy(&start);
}

static int count_codes(base_code_t code)
{
    int count = 0;
    for (int i = 0; i < THREADS; i++)
        count += askers[i].code == code;
    return count;
}

static int count_same(void)
{
    int count = 0;
    for (int i = 0; i < THREADS; i++)
        count += askers[i].issued.der_len > 0 &&
                 memcmp(&askers[i].issued, &askers[0].issued, sizeof askers[0].issued) == 0;
    return count;
}

static void check_chain(const char *path, const char *name)
{
    keeper_audit_report_t report;
    base_result_t result = keeper_audit_verify(fixture_opened(pool, path), NULL, 0, &report, pool);
    is_int(result.code, BASE_OK, name);
}

static void test_one_claim(void)
{
    const char *path = fixture_prepared(pool, dir, "claim.db");
    fixture_question(&askers[0].question, "crowd@ims.example.org");
    for (int i = 1; i < THREADS; i++)
        askers[i].question = askers[0].question;
    ask_all(path, THREADS);
    is_int(count_codes(BASE_OK), THREADS, "32 with one PKCS#10: all are answered");
    is_int(count_same(), THREADS, "by the same octets");
    is_int(fixture_count(path, "SELECT count(*) FROM certificate"), 1, "of one certificate");
    is_int(fixture_count(path, "SELECT count(*) FROM subscriber"), 1, "for one subscriber");
    is_int(fixture_count(path, "SELECT count(*) FROM audit WHERE event = 'issued'"), 1,
           "issued once");
    is_int(fixture_count(path, "SELECT count(*) FROM audit WHERE event = 'stored'"), THREADS - 1,
           "given again to the others");
    check_chain(path, "the audit trail is whole");
}

static void test_one_key(void)
{
    const char *path = fixture_prepared(pool, dir, "key.db");
    fixture_question(&askers[0].question, "crowd@ims.example.org");
    for (int i = 1; i < THREADS; i++) {
        askers[i].question = askers[0].question;
        apr_snprintf(askers[i].question.subscriber, sizeof askers[i].question.subscriber,
                     "crowd%d@ims.example.org", i);
    }
    ask_all(path, THREADS);
    is_int(count_codes(BASE_OK), 1, "32 subscribers with one key: one gets a certificate");
    is_int(count_codes(BASE_ENROL_REFUSED), THREADS - 1, "the others are refused");
    is_int(fixture_count(path, "SELECT count(*) FROM certificate"), 1, "there is one certificate");
    is_int(fixture_count(path, "SELECT count(*) FROM audit WHERE alarm = 1"), 2 * (THREADS - 1),
           "both sides of every conflict are marked");
    check_chain(path, "the audit trail is whole");
}

static void test_one_name(void)
{
    const char *path = fixture_prepared(pool, dir, "name.db");
    for (int i = 0; i < THREADS; i++)
        fixture_question(&askers[i].question, "crowd@ims.example.org");
    ask_all(path, THREADS);
    is_int(count_codes(BASE_OK), THREADS, "32 keys of one new subscriber: all are certified");
    is_int(fixture_count(path, "SELECT count(*) FROM certificate"), THREADS, "each its own");
    is_int(fixture_count(path, "SELECT count(*) FROM subscriber"), 1, "in one name");
    check_chain(path, "the audit trail is whole");
}

/** Threads of a process; what they got goes to the parent. */
static void ask_in_child(const char *path, int out)
{
    ask_all(path, THREADS / PROCESSES);
    for (int i = 0; i < THREADS / PROCESSES; i++) {
        const portal_issued_t *issued = &askers[i].issued;
        if (askers[i].code != BASE_OK || write(out, issued, sizeof *issued) != sizeof *issued)
            _exit(1);
    }
    _exit(0);
}

static int read_whole(int in, void *to, size_t len)
{
    size_t have = 0;
    while (have < len) {
        ssize_t got = read(in, (char *)to + have, len - have);
        if (got <= 0)
            return 0;
        have += (size_t)got;
    }
    return 1;
}

static void test_processes(void)
{
    int ends[PROCESSES][2], status = 0, failed = 0, got = 0;
    const char *path = fixture_prepared(pool, dir, "processes.db");
    fixture_question(&askers[0].question, "crowd@ims.example.org");
    for (int i = 1; i < THREADS; i++)
        askers[i].question = askers[0].question;
    fflush(stdout);
    for (int i = 0; i < PROCESSES; i++) {
        if (pipe(ends[i]) != 0)
            fixture_die("pipe");
        if (fork() == 0)
            ask_in_child(path, ends[i][1]);
        close(ends[i][1]);
    }
    memset(askers, 0, sizeof askers);
    for (int i = 0; i < PROCESSES; i++)
        while (got < THREADS &&
               read_whole(ends[i][0], &askers[got].issued, sizeof askers[got].issued))
            got++;
    for (int i = 0; i < PROCESSES; i++)
        failed += wait(&status) < 0 || status != 0;
    is_int(failed, 0, "4 processes of 8 threads with one PKCS#10: none fails");
    is_int(got, THREADS, "all are answered");
    is_int(count_same(), THREADS, "by the same octets");
    is_int(fixture_count(path, "SELECT count(*) FROM certificate"), 1, "of one certificate");
    check_chain(path, "the audit trails are whole");
}

/* ---- a slow signer ---- */

static sem_t signing, go_on;

/** Who signs stands still until he is told to go on. */
static int slow_fill(void *baton, void *buf, apr_size_t len)
{
    (void)baton;
    if (len == PKI_SERIAL_LEN) { /* the serial's, just before the signature */
        sem_post(&signing);
        while (sem_wait(&go_on) != 0 && errno == EINTR)
            continue;
    }
    return base_random_system()->fill(base_random_system()->baton, buf, len);
}

static const base_random_t slow_random = {NULL, slow_fill};

static void test_slow_signer(void)
{
    pthread_barrier_t start;
    const char *path = fixture_prepared(pool, dir, "slow.db");
    keeper_issuer_parts_t parts = {
        ca, fixture_opened(pool, path), base_clock_system(), &slow_random, NULL, NULL};
    asker_t *slow = &askers[0], *quick = &askers[1];
    sem_init(&signing, 0, 0);
    sem_init(&go_on, 0, 0);
    pthread_barrier_init(&start, NULL, 2);
    slow->issuer = keeper_issuer_make(pool, &parts);
    slow->start = &start;
    apr_pool_create(&slow->pool, NULL);
    fixture_question(&slow->question, "slow@ims.example.org");
    parts.random = base_random_system();
    quick->issuer = keeper_issuer_make(pool, &parts);
    if (pthread_create(&slow->thread, NULL, ask, slow) != 0)
        fixture_die("pthread_create");
    pthread_barrier_wait(&start);
    while (sem_wait(&signing) != 0 && errno == EINTR)
        continue;
    for (int i = 0; i < 5; i++) {
        fixture_question(&quick->question, "quick@ims.example.org");
        quick->code =
            quick->issuer->issue(quick->issuer->baton, &quick->question, &quick->issued, pool).code;
        is_int(quick->code, BASE_OK, "a certificate while another one is being signed");
    }
    is_int(fixture_count(path, "SELECT count(*) FROM certificate"), 5,
           "is there before that signature");
    for (int i = 0; i < 8; i++) /* one for each try that it may need */
        sem_post(&go_on);
    pthread_join(slow->thread, NULL);
    is_int(slow->code, BASE_OK, "which is done in its time");
    is_int(fixture_count(path, "SELECT count(*) FROM certificate"), 6, "and recorded");
    sem_destroy(&signing);
    sem_destroy(&go_on);
    apr_pool_destroy(slow->pool);
    pthread_barrier_destroy(&start);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    ca = fixture_ca(pool, dir, 800);
    test_processes(); /* before there are threads */
    test_one_claim();
    test_one_key();
    test_one_name();
    test_slow_signer();
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
