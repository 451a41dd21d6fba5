/* SPDX-License-Identifier: Apache-2.0 */
/* Two keepers on one ledger file, 32 clients at the boundary of a quota: never one over, and none
 * refused for whom there was room. GBA_QUOTA_ROUNDS says how often; GBA_TORTURE=1: 100 times. */
#include <pthread.h>
#include <sys/wait.h>
#include "keeper/keeper_issuer.h"
#include "keeper_fixture.h"

#define KEEPERS      2
#define CLIENTS      16 /* of each */
#define ALLOWED      5
#define ROUNDS_SHORT 3
#define ROUNDS_FULL  100

static apr_pool_t *pool;
static const char *dir, *path;
static pki_ca_t *ca;

typedef struct client_t {
    pthread_t thread;
    portal_issuer_t *issuer;
    pthread_barrier_t *start;
    int go;
    portal_issue_t question;
    portal_issued_t issued;
    base_code_t code;
    apr_pool_t *pool;
} client_t;

/** What became of a keeper's clients. */
typedef struct tally_t {
    int issued, refused, strange;
} tally_t;

static client_t clients[CLIENTS];

static void *run_client(void *data)
{
    client_t *client = data;
    pthread_barrier_wait(client->start);
    client->code =
        client->issuer
            ->issue(client->issuer->baton, &client->question, &client->issued, client->pool)
            .code;
    return NULL;
}

/** Every client has a key of its own, and all are one subscriber. */
static void prepare(client_t *client, int round)
{
    fixture_question(&client->question, apr_psprintf(pool, "round%d@ims.example.org", round));
    if (round % 2)
        client->question.profile.held_max = ALLOWED;
    else
        client->question.profile.issued_max = ALLOWED;
    if (client->question.profile.issued_max)
        client->question.profile.issued_window = apr_time_from_sec(86400);
    memset(&client->issued, 0, sizeof client->issued);
    apr_pool_create(&client->pool, NULL);
}

static int is_full(const client_t *client, int round)
{
    pki_reason_t want = round % 2 ? PKI_REASON_QUOTA_HELD : PKI_REASON_QUOTA_WINDOW;
    return client->code == BASE_ENROL_REFUSED && client->issued.reason == want &&
           client->issued.der_len == 0 && (client->issued.retry_at != 0) == (round % 2 == 0);
}

static tally_t count_clients(int round)
{
    tally_t tally = {0, 0, 0};
    for (int i = 0; i < CLIENTS; i++) {
        if (clients[i].code == BASE_OK && clients[i].issued.der_len > 0)
            tally.issued++;
        else if (is_full(&clients[i], round))
            tally.refused++;
        else
            tally.strange++;
        apr_pool_destroy(clients[i].pool);
    }
    return tally;
}

/** One round of this keeper; it begins when @a go can be read, as does the other's. */
static tally_t run_round(portal_issuer_t *issuer, int round, int go)
{
    pthread_barrier_t start;
    char octet;
    for (int i = 0; i < CLIENTS; i++)
        prepare(&clients[i], round);
    pthread_barrier_init(&start, NULL, CLIENTS + 1);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].issuer = issuer;
        clients[i].start = &start;
        if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) != 0)
            _exit(1);
    }
    if (read(go, &octet, 1) != 1)
        _exit(1);
    pthread_barrier_wait(&start);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i].thread, NULL);
    pthread_barrier_destroy(&start);
    return count_clients(round);
}

__attribute__((noreturn)) static void be_keeper(int go, int out, int rounds)
{
    keeper_issuer_parts_t parts = {.ca = ca,
                                   .ledger = fixture_opened(pool, path),
                                   .clock = base_clock_system(),
                                   .random = base_random_system()};
    portal_issuer_t *issuer = keeper_issuer_make(pool, &parts);
    for (int round = 0; round < rounds; round++) {
        tally_t tally = run_round(issuer, round, go);
        if (write(out, &tally, sizeof tally) != sizeof tally)
            _exit(1);
    }
    _exit(0);
}

/** The parent's ends of a keeper's pipes. */
typedef struct ends_t {
    int go, out;
} ends_t;

static ends_t start_keeper(int rounds)
{
    int go[2], out[2];
    if (pipe(go) != 0 || pipe(out) != 0)
        fixture_die("pipe");
    fflush(stdout);
    if (fork() == 0)
        be_keeper(go[0], out[1], rounds);
    close(go[0]);
    close(out[1]);
    return (ends_t){go[1], out[0]};
}

static tally_t collect(const ends_t keepers[KEEPERS])
{
    tally_t sum = {0, 0, 0}, one;
    for (int i = 0; i < KEEPERS; i++)
        if (write(keepers[i].go, "g", 1) != 1)
            fixture_die("write");
    for (int i = 0; i < KEEPERS; i++) {
        if (read(keepers[i].out, &one, sizeof one) != sizeof one)
            fixture_die("a keeper is gone");
        sum.issued += one.issued;
        sum.refused += one.refused;
        sum.strange += one.strange;
    }
    return sum;
}

static long long in_ledger(int round)
{
    return fixture_count(path, apr_psprintf(pool,
                                            "SELECT count(*) FROM certificate JOIN subscriber ON"
                                            " subscriber.id = subscriber_id WHERE identity ="
                                            " 'round%d@ims.example.org'",
                                            round));
}

static void check_round(const ends_t keepers[KEEPERS], int round)
{
    tally_t sum = collect(keepers);
    is_int(sum.issued, ALLOWED,
           round % 2 ? "held: as many as may be" : "window: as many as may be");
    is_int(sum.refused, KEEPERS * CLIENTS - ALLOWED, "  the others are told why");
    is_int(sum.strange, 0, "  and nobody else");
    is_int(in_ledger(round), ALLOWED, "  nor does the ledger hold more");
}

static int rounds_wanted(void)
{
    const char *torture = getenv("GBA_TORTURE"), *rounds = getenv("GBA_QUOTA_ROUNDS");
    apr_uint64_t number = 0;
    if (rounds && base_decimal_decode(&number, base_span_str(rounds), 100000) && number > 0)
        return (int)number;
    return torture && strcmp(torture, "1") == 0 ? ROUNDS_FULL : ROUNDS_SHORT;
}

int main(void)
{
    int rounds = rounds_wanted(), status, bad = 0;
    ends_t keepers[KEEPERS];
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    ca = fixture_ca(pool, dir, 800);
    path = fixture_prepared(pool, dir, "boundary.db");
    for (int i = 0; i < KEEPERS; i++)
        keepers[i] = start_keeper(rounds);
    for (int round = 0; round < rounds; round++)
        check_round(keepers, round);
    for (int i = 0; i < KEEPERS; i++)
        bad += wait(&status) < 0 || status != 0;
    is_int(bad, 0, "the keepers end well");
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
