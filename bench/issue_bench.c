/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file issue_bench.c
 * What issuing costs, in one process and one run:
 *
 *   - 32 threads that enrol new keys into an SQLite ledger, with group commit and with a commit for
 *     every enrolment, in turn; enrolments per second and the time that one takes;
 *   - a certificate, built, signed and checked by pki_cert_issue(), and built and signed by a plain
 *     use of OpenSSL's X509 functions, in turn; CPU time of one thread.
 *
 *   make bench/issue_bench && bench/issue_bench [ROUNDS [ENROLMENTS-PER-THREAD]]
 *
 * The ledgers lie in a fresh folder in TMPDIR (default /tmp), whose disk is what is measured. Keys
 * are made beforehand. The first round warms up and is not counted.
 */
#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include "keeper/keeper_issuer.h"
#include "keeper/keeper_sqlite_private.h"
#include "keeper_fixture.h"

#define THREADS      32
#define FLUSHES      20   /* in a round, to see what one takes */
#define CERTIFICATES 2000 /* of each kind in a round */

static apr_pool_t *pool;
static const char *dir;
static pki_ca_t *ca;

/* ---- enrolments ---- */

/** One kind of ledger, and what all rounds with it took. */
typedef struct kind_t {
    const char *name;
    int max_jobs;
    double seconds;
    double last; /**< of the last round */
    apr_size_t count;
    apr_interval_time_t *times; /* of every enrolment */
} kind_t;

typedef struct worker_t {
    pthread_t thread;
    portal_issuer_t *issuer;
    pthread_barrier_t *start;
    portal_issue_t *questions;
    apr_interval_time_t *times;
    int count;
    apr_pool_t *pool;
} worker_t;

static void *enrol(void *data)
{
    worker_t *worker = data;
    portal_issued_t issued;
    pthread_barrier_wait(worker->start);
    for (int i = 0; i < worker->count; i++) {
        apr_time_t begin = apr_time_now();
        base_result_t result = worker->issuer->issue(worker->issuer->baton, &worker->questions[i],
                                                     &issued, worker->pool);
        worker->times[i] = apr_time_now() - begin;
        if (result.code != BASE_OK)
            fixture_die(result.detail);
    }
    return NULL;
}

static double run_workers(worker_t *workers, portal_issuer_t *issuer)
{
    pthread_barrier_t start;
    apr_time_t begin;
    pthread_barrier_init(&start, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++) {
        workers[i].issuer = issuer;
        workers[i].start = &start;
        apr_pool_create(&workers[i].pool, NULL);
        if (pthread_create(&workers[i].thread, NULL, enrol, &workers[i]) != 0)
            fixture_die("pthread_create");
    }
    pthread_barrier_wait(&start);
    begin = apr_time_now();
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < THREADS; i++)
        apr_pool_destroy(workers[i].pool);
    pthread_barrier_destroy(&start);
    return (double)(apr_time_now() - begin) / APR_USEC_PER_SEC;
}

/** One round with a fresh ledger; every thread is a subscriber with fresh keys. */
static void run_round(kind_t *kind, worker_t *workers, int per_thread, int round)
{
    apr_pool_t *p;
    keeper_ledger_t *ledger = NULL;
    const char *path;
    apr_pool_create(&p, NULL);
    path = fixture_prepared(p, dir, apr_psprintf(p, "%s%d.db", kind->name, round));
    if (keeper_sqlite_open_with(&ledger, path, KEEPER_SQLITE_BUSY_MS, kind->max_jobs, p).code !=
        BASE_OK)
        fixture_die("open");
    keeper_issuer_parts_t parts = {ca,   ledger, base_clock_system(), base_random_system(),
                                   NULL, NULL};
    for (int i = 0; i < THREADS; i++) {
        workers[i].count = per_thread;
        workers[i].times = &kind->times[kind->count + (apr_size_t)(i * per_thread)];
        for (int j = 0; j < per_thread; j++)
            fixture_question(&workers[i].questions[j],
                             apr_psprintf(p, "bench%d@ims.example.org", i));
    }
    double seconds = run_workers(workers, keeper_issuer_make(p, &parts));
    if (round > 0) {
        kind->last = seconds;
        kind->seconds += seconds;
        kind->count += (apr_size_t)(THREADS * per_thread);
    }
    apr_pool_destroy(p);
}

static int by_value(const void *a, const void *b)
{
    apr_interval_time_t x = *(const apr_interval_time_t *)a, y = *(const apr_interval_time_t *)b;
    return (x > y) - (x < y);
}

static double report(kind_t *kind)
{
    double rate = (double)kind->count / kind->seconds;
    qsort(kind->times, kind->count, sizeof *kind->times, by_value);
    printf("%-12s %8.0f enrolments/s   p50 %7.2f ms   p99 %7.2f ms   max %7.2f ms\n", kind->name,
           rate, (double)kind->times[kind->count / 2] / 1000,
           (double)kind->times[kind->count * 99 / 100] / 1000,
           (double)kind->times[kind->count - 1] / 1000);
    return rate;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/** What the disk takes to make one page durable, as a commit does; mean of a few. */
static double flush_us(void)
{
    static const char page[4096];
    int fd = open(fixture_file(pool, dir, "flush"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    apr_time_t begin = apr_time_now();
    for (int i = 0; i < FLUSHES; i++)
        if (write(fd, page, sizeof page) != (ssize_t)sizeof page || fdatasync(fd) != 0)
            fixture_die("flush");
    close(fd);
    return (double)(apr_time_now() - begin) / FLUSHES;
}

static void bench_ledger(int rounds, int per_thread)
{
    apr_size_t most = (apr_size_t)(rounds + 1) * THREADS * (apr_size_t)per_thread;
    kind_t single = {.name = "single", .max_jobs = 1}, group = {.name = "group"};
    worker_t *workers = apr_pcalloc(pool, sizeof *workers * THREADS);
    single.times = apr_pcalloc(pool, sizeof *single.times * most);
    group.times = apr_pcalloc(pool, sizeof *group.times * most);
    for (int i = 0; i < THREADS; i++)
        workers[i].questions = apr_pcalloc(pool, sizeof(portal_issue_t) * (apr_size_t)per_thread);
    double *ratios = apr_pcalloc(pool, sizeof *ratios * (apr_size_t)(rounds + 1));
    double *flushes = apr_pcalloc(pool, sizeof *flushes * (apr_size_t)(rounds + 1));
    for (int i = 0; i <= rounds; i++) {
        flushes[i] = flush_us();
        run_round(&single, workers, per_thread, i);
        run_round(&group, workers, per_thread, i);
        ratios[i] = i > 0 ? single.last / group.last : 0;
    }
    printf("%d threads, %d rounds of %d enrolments each, synchronous=FULL\n", THREADS, rounds,
           THREADS * per_thread);
    double slow = report(&single), fast = report(&group);
    qsort(flushes, (apr_size_t)rounds + 1, sizeof *flushes, by_size);
    qsort(ratios, (apr_size_t)rounds + 1, sizeof *ratios, by_size); /* [0] is the warm-up's */
    printf("a flush of 4 KiB alone: median %.2f ms\n", flushes[(rounds + 1) / 2] / 1000);
    printf("group commit: %.2f times as many; round by round %.2f to %.2f, median %.2f\n\n",
           fast / slow, ratios[1], ratios[rounds], ratios[1 + rounds / 2]);
}

/* ---- certificates ---- */

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    int added = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

static int fill(X509 *cert, X509 *issuer, const pki_cert_spec_t *spec, EVP_PKEY *key)
{
    BIGNUM *serial = BN_bin2bn(spec->serial, PKI_SERIAL_LEN, NULL);
    X509_NAME *name = X509_NAME_new();
    int filled =
        serial && name && X509_set_version(cert, X509_VERSION_3) &&
        BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                   (const unsigned char *)spec->names.pseudonym, -1, -1, 0) &&
        X509_set_subject_name(cert, name) &&
        X509_set_issuer_name(cert, X509_get_subject_name(issuer)) &&
        ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)apr_time_sec(spec->not_before)) &&
        ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)apr_time_sec(spec->not_after)) &&
        X509_set_pubkey(cert, key) &&
        extend(cert, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
        extend(cert, issuer, NID_key_usage, "critical,digitalSignature") &&
        extend(cert, issuer, NID_subject_key_identifier, "hash") &&
        extend(cert, issuer, NID_authority_key_identifier, "keyid");
    BN_free(serial);
    X509_NAME_free(name);
    return filled;
}

/** As one would write it from the manual pages. It does not look at what it made. */
static void plain_one(const pki_cert_spec_t *spec, EVP_PKEY *key, X509 *issuer, EVP_PKEY *signer)
{
    unsigned char *der = NULL;
    X509 *cert = X509_new();
    if (!cert || !fill(cert, issuer, spec, key) || !X509_sign(cert, signer, EVP_sha256()) ||
        i2d_X509(cert, &der) <= 0)
        fixture_die("a plain certificate");
    OPENSSL_free(der);
    X509_free(cert);
}

static EVP_PKEY *load_key(void)
{
    FILE *file = fopen(fixture_file(pool, dir, "ca.key"), "r");
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (!key || fclose(file) != 0)
        fixture_die("ca.key");
    return key;
}

static void bench_certificates(int rounds)
{
    portal_issue_t question;
    int profiles;
    pki_cert_spec_t spec = {.profile = pki_profiles_default(&profiles),
                            .names.pseudonym = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    unsigned char der[PKI_CERT_MAX];
    apr_size_t len;
    double ours = 0, plain = 0;
    fixture_question(&question, "bench@ims.example.org");
    spec.spki = (base_span_t){question.spki, question.spki_len};
    memset(spec.serial, 0x11, sizeof spec.serial);
    if (!pki_cert_times(&spec, ca, spec.profile, apr_time_now()))
        fixture_die("times");
    const unsigned char *p = question.spki, *q = pki_ca_der(ca).data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, question.spki_len), *signer = load_key();
    X509 *issuer = d2i_X509(NULL, &q, (long)pki_ca_der(ca).len);
    for (int i = 0; i <= rounds; i++) {
        double begin = cpu_us();
        for (int j = 0; j < CERTIFICATES; j++)
            if (pki_cert_issue(ca, &spec, der, &len).code != BASE_OK)
                fixture_die("pki_cert_issue");
        double middle = cpu_us();
        for (int j = 0; j < CERTIFICATES; j++)
            plain_one(&spec, key, issuer, signer);
        ours += i > 0 ? middle - begin : 0;
        plain += i > 0 ? cpu_us() - middle : 0;
    }
    printf("P-256 key, P-256 CA, %d rounds of %d certificates each\n", rounds, CERTIFICATES);
    printf("pki_cert_issue %7.1f us (built, signed, read back, verified)\n",
           ours / (rounds * CERTIFICATES));
    printf("plain X509     %7.1f us (built, signed)\n", plain / (rounds * CERTIFICATES));
    printf("pki_cert_issue: %.2f times as fast\n", plain / ours);
    EVP_PKEY_free(key);
    EVP_PKEY_free(signer);
    X509_free(issuer);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 5, per_thread = argc > 2 ? atoi(argv[2]) : 50;
    if (rounds < 1 || per_thread < 1 || argc > 3) {
        fprintf(stderr, "usage: issue_bench [ROUNDS [ENROLMENTS-PER-THREAD]]\n");
        return 2;
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    ca = fixture_ca(pool, dir, 800);
    bench_ledger(rounds, per_thread);
    bench_certificates(rounds);
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return 0;
}
