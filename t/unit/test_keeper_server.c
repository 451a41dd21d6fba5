/* SPDX-License-Identifier: Apache-2.0 */
/* Children and keeper, as they should be: what is asked over the socket is answered as the part
 * itself would, to many at once; and the keeper goes when its lifeline ends, but not before those
 * that it is answering have their answer. */
#include "keeper_server_fixture.h"

#define THREADS 8
#define ROUNDS  200
#define GUESTS  200

static apr_pool_t *pool;

/* ---- each question ---- */

static void test_lookup(keeper_client_t *client)
{
    gba_keysource_t *source = keeper_client_source(client, 2, pool);
    gba_lookup_t question = srvf_question("one");
    gba_info_t want, got;
    base_result_t result;
    srvf_info(&want, &question);
    memset(&got, 0xa5, sizeof(got));
    result = source->lookup(source->baton, &question, &got, pool);
    ok(result.code == BASE_OK && !result.tag, "a look-up is answered");
    is_mem(&got, &want, sizeof(got), "with the whole info that the source gave");
}

static void test_lookup_failures(keeper_client_t *client)
{
    static const struct {
        const char *name;
        int source;
        base_code_t code;
        const char *tag, *says;
    } rows[] = {
        {"unknown", 0, BASE_UNKNOWN_BTID, "GBA9001", "no unknown@bsf.home1.net"},
        {"forbidden", 0, BASE_NOT_AUTHORISED, "GBA9002", ""},
        {"unsound", 0, BASE_KEYSOURCE_DOWN, "GBA0510", "contract"},
        {"strange", 0, BASE_KEYSOURCE_DOWN, "GBA0510", "contract"},
        {"a", 1, BASE_KEYSOURCE_DOWN, "GBA0508", "no key source"}, /* a gap among the parts */
        {"a", 3, BASE_KEYSOURCE_DOWN, "GBA0508", "no key source"},
        {"a", 65535, BASE_KEYSOURCE_DOWN, "GBA0508", "no key source"},
        {"a", 65536, BASE_KEYSOURCE_DOWN, "GBA0508", "no key source"},
        {"a", -1, BASE_KEYSOURCE_DOWN, "GBA0508", "no key source"},
    };
    static const gba_info_t empty;
    gba_info_t got;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        gba_keysource_t *source = keeper_client_source(client, rows[i].source, pool);
        gba_lookup_t question = srvf_question(rows[i].name);
        memset(&got, 0xa5, sizeof(got));
        base_result_t result = source->lookup(source->baton, &question, &got, pool);
        ok(result.code == rows[i].code && result.tag && strcmp(result.tag, rows[i].tag) == 0,
           "source %d, %s: %s", rows[i].source, rows[i].name, rows[i].tag);
        ok(result.detail && strstr(result.detail, rows[i].says), "the detail comes along");
        ok(memcmp(&got, &empty, sizeof(got)) == 0, "no key does");
    }
    ok(srvf_logged("GBA0511") == 2, "a part that breaks its contract is logged");
}

static void test_detail_cut(keeper_client_t *client)
{
    gba_keysource_t *source = keeper_client_source(client, 0, pool);
    gba_lookup_t question = srvf_question("wordy");
    gba_info_t got;
    base_result_t result = source->lookup(source->baton, &question, &got, pool);
    is_int((long long)strlen(result.detail), 255, "a long detail is cut to its bound");
}

static void test_issue(keeper_client_t *client)
{
    portal_issuer_t *issuer = keeper_client_issuer(client, 1, 2, pool);
    portal_issue_t question = srvf_permit("alice");
    portal_issued_t want, got;
    base_result_t result;
    srvf_issued(&want, &question);
    memset(&got, 0xa5, sizeof(got));
    result = issuer->issue(issuer->baton, &question, &got, pool);
    is_int(result.code, BASE_OK, "a certificate is issued");
    is_mem(&got, &want, sizeof(got), "the very one");
    question.decision = (pki_decision_t){0, PKI_REASON_NO_USS, 0};
    memset(&want, 0, sizeof(want));
    result = issuer->issue(issuer->baton, &question, &got, pool);
    ok(result.code == BASE_OK && memcmp(&got, &want, sizeof(got)) == 0, "a refusal is recorded");
    question = srvf_permit("full");
    memset(&got, 0xa5, sizeof(got));
    result = issuer->issue(issuer->baton, &question, &got, pool);
    ok(result.code == BASE_STORE_DOWN && strcmp(result.tag, "GBA9005") == 0 &&
           strcmp(result.detail, "disk full") == 0,
       "what the issuer says of its failure comes along");
    ok(memcmp(&got, &want, sizeof(got)) == 0, "nothing is revealed then");
    question = srvf_permit("taken");
    want.reason = PKI_REASON_KEY_TAKEN;
    result = issuer->issue(issuer->baton, &question, &got, pool);
    ok(result.code == BASE_ENROL_REFUSED && memcmp(&got, &want, sizeof(got)) == 0,
       "a permit that the issuer refuses has the reason, and nothing else");
    question = srvf_permit("window");
    want.reason = PKI_REASON_QUOTA_WINDOW;
    want.retry_at = 1800000000000000;
    result = issuer->issue(issuer->baton, &question, &got, pool);
    ok(result.code == BASE_ENROL_REFUSED && memcmp(&got, &want, sizeof(got)) == 0,
       "and the time to come again, if there is one");
    issuer = keeper_client_issuer(client, 2, 1, pool);
    result = issuer->issue(issuer->baton, &question, &got, pool);
    ok(result.code == BASE_STORE_DOWN && strcmp(result.tag, "GBA0509") == 0, "no such pair");
}

static void test_pseudonym(keeper_client_t *client)
{
    portal_issuer_t *issuer = keeper_client_issuer(client, 1, 2, pool);
    char want[PKI_PSEUDONYM_LEN + 1], got[PKI_PSEUDONYM_LEN + 1];
    base_result_t result = issuer->pseudonym(issuer->baton, "bob@home1.net", got, pool);
    srvf_pseudonym(NULL, "bob@home1.net", want, pool);
    is_int(result.code, BASE_OK, "a pseudonym is told");
    is_str(got, want, "the subscriber's own");
    issuer = keeper_client_issuer(client, 1, 3, pool);
    memset(got, 'x', sizeof(got));
    result = issuer->pseudonym(issuer->baton, "bob@home1.net", got, pool);
    ok(result.code == BASE_STORE_DOWN && got[0] == '\0', "no such ledger");
}

static void test_health(keeper_client_t *client)
{
    base_result_t result = keeper_client_health(client, 1, 2, pool);
    is_int(result.code, BASE_OK, "the keeper is well");
    result = keeper_client_health(client, 0, 0, pool);
    ok(result.code == BASE_STORE_DOWN && strcmp(result.tag, "GBA9006") == 0 &&
           strcmp(result.detail, "ill") == 0,
       "the keeper is ill, and says why");
}

static void test_questions(void)
{
    srvf_server_t server;
    srvf_prepare(&server);
    srvf_start(&server);
    keeper_client_t *client = keeper_client_make(srvf_path, 5000, 1, pool);
    test_lookup(client);
    test_lookup_failures(client);
    test_detail_cut(client);
    test_issue(client);
    test_pseudonym(client);
    test_health(client);
    is_int(srvf_stop(&server), 0, "the server ends with its lifeline, though a child is connected");
}

/* ---- many at once ---- */

typedef struct crowd_t {
    keeper_client_t *client;
    int number;
    int wrong;
} crowd_t;

static int lookup_is_right(gba_keysource_t *source, const char *name, apr_pool_t *own)
{
    gba_lookup_t question = srvf_question(name);
    gba_info_t want, got;
    srvf_info(&want, &question);
    return source->lookup(source->baton, &question, &got, own).code == BASE_OK &&
           memcmp(&got, &want, sizeof(got)) == 0;
}

static int issue_is_right(portal_issuer_t *issuer, const char *name, apr_pool_t *own)
{
    portal_issue_t question = srvf_permit(name);
    portal_issued_t want, got;
    srvf_issued(&want, &question);
    return issuer->issue(issuer->baton, &question, &got, own).code == BASE_OK &&
           memcmp(&got, &want, sizeof(got)) == 0;
}

static void *crowd_ask(void *baton)
{
    crowd_t *crowd = baton;
    apr_pool_t *own;
    char name[32];
    if (apr_pool_create_unmanaged(&own) != APR_SUCCESS)
        return NULL;
    gba_keysource_t *source = keeper_client_source(crowd->client, 0, own);
    portal_issuer_t *issuer = keeper_client_issuer(crowd->client, 1, 2, own);
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(name, sizeof(name), "u%d-%d", crowd->number, i);
        crowd->wrong +=
            i % 2 ? !issue_is_right(issuer, name, own) : !lookup_is_right(source, name, own);
    }
    apr_pool_destroy(own);
    return NULL;
}

static void test_many(void)
{
    srvf_server_t server;
    pthread_t threads[THREADS];
    crowd_t crowd[THREADS];
    int wrong = 0, before = atomic_load(&srvf_shared->calls);
    srvf_prepare(&server);
    server.conf.max_connections = THREADS; /* a client never has more than max_busy */
    srvf_start(&server);
    keeper_client_t *client = keeper_client_make(srvf_path, 20000, THREADS, pool);
    for (int i = 0; i < THREADS; i++) {
        crowd[i] = (crowd_t){client, i, 0};
        if (pthread_create(&threads[i], NULL, crowd_ask, &crowd[i]) != 0)
            srvf_die("pthread_create");
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        wrong += crowd[i].wrong;
    }
    is_int(wrong, 0, "8 threads: every answer is that to its own question");
    is_int(atomic_load(&srvf_shared->calls) - before, THREADS * ROUNDS, "each was asked once");
    is_int(srvf_stop(&server), 0, "and the server ends");
    ok(srvf_logged("GBA0502") == 0, "never more connections than the client may have");
}

/* Memory maps of this process: each thread that was not joined keeps its stack. */
static int count_maps(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    int count = 0, c;
    if (!maps)
        srvf_die("/proc/self/maps");
    while ((c = getc(maps)) != EOF)
        count += c == '\n';
    fclose(maps);
    return count;
}

static void test_come_and_go(void)
{
    srvf_server_t server;
    int served = 0;
    srvf_prepare(&server);
    srvf_start(&server);
    int before = count_maps();
    for (int i = 0; i < GUESTS; i++) {
        int fd = srvf_connect(5000);
        served += srvf_exchange(fd, "one");
        close(fd);
    }
    is_int(served, GUESTS, "many connections, one after the other, are served");
    ok(count_maps() - before < GUESTS / 2, "and leave nothing (%d maps)", count_maps() - before);
    is_int(srvf_stop(&server), 0, "the server ends");
}

/* ---- the end ---- */

static void *ask_held(void *baton)
{
    apr_pool_t *own;
    if (apr_pool_create_unmanaged(&own) != APR_SUCCESS)
        return NULL;
    gba_keysource_t *source = keeper_client_source(baton, 0, own);
    int right = lookup_is_right(source, "held", own);
    apr_pool_destroy(own);
    return right ? baton : NULL;
}

static void hold(srvf_server_t *server, pthread_t *asker, int exchange_ms)
{
    keeper_client_t *client = keeper_client_make(srvf_path, 10000, 1, pool);
    atomic_store(&srvf_shared->release, 0);
    srvf_prepare(server);
    server->conf.exchange_ms = exchange_ms;
    srvf_start(server);
    if (pthread_create(asker, NULL, ask_held, client) != 0)
        srvf_die("pthread_create");
    if (!srvf_await(&srvf_shared->held, 1))
        srvf_die("no exchange is under way");
}

static void test_end_waits(void)
{
    srvf_server_t server;
    pthread_t asker;
    void *right = NULL;
    hold(&server, &asker, 10000);
    int idle = srvf_connect(5000);
    ok(srvf_exchange(idle, "one"), "another child has had its answer");
    close(server.lifeline);
    ok(srvf_cut_off(idle), "the lifeline ends: who does not ask is let go at once");
    close(idle);
    ok(atomic_load(&srvf_shared->held) == 1, "the exchange goes on");
    atomic_store(&srvf_shared->release, 1);
    pthread_join(asker, &right);
    ok(right != NULL, "it has its right answer");
    pthread_join(server.thread, NULL);
    is_int(server.rc, 0, "only then the server ends");
    close(server.conf.listener);
    close(server.conf.lifeline);
}

/* What had come is answered, but nobody keeps a keeper alive by asking on. */
static void test_end_despite_questions(void)
{
    srvf_server_t server;
    unsigned char frames[4 * KEEPER_WIRE_MAX];
    apr_size_t len = srvf_frame(frames, "held");
    int answers = 0;
    atomic_store(&srvf_shared->release, 0);
    srvf_prepare(&server);
    srvf_start(&server);
    int fd = srvf_connect(5000);
    for (int i = 0; i < 3; i++)
        len += srvf_frame(frames + len, "one");
    if (send(fd, frames, len, MSG_NOSIGNAL) != (ssize_t)len)
        srvf_die("send");
    ok(srvf_await(&srvf_shared->held, 1), "four questions at once");
    close(server.lifeline);
    srvf_sleep(20);
    atomic_store(&srvf_shared->release, 1);
    while (srvf_answer(fd, answers ? "one" : "held"))
        answers++;
    is_int(answers, 2, "the one under way is answered, and the next");
    close(fd);
    pthread_join(server.thread, NULL);
    is_int(server.rc, 0, "then the server ends");
    close(server.conf.listener);
    close(server.conf.lifeline);
}

/* In a process of its own, which ends at once, as keeper_server.h says that it must then. */
static void test_end_bounded(void)
{
    pid_t pid = srvf_fork();
    if (pid == 0) {
        srvf_server_t server;
        pthread_t asker;
        hold(&server, &asker, 200);
        atomic_store(&srvf_shared->verdict, srvf_stop(&server));
        kill(getpid(), SIGKILL);
    }
    waitpid(pid, NULL, 0);
    is_int(atomic_load(&srvf_shared->verdict), ETIMEDOUT,
           "the end waits no longer than it may, and says so");
    ok(srvf_logged("GBA0516") == 1, "and it is logged");
}

static void test_not_a_listener(void)
{
    srvf_server_t server;
    srvf_prepare(&server);
    close(server.conf.listener);
    server.conf.listener = open("/dev/null", O_RDONLY | O_CLOEXEC);
    srvf_start(&server);
    pthread_join(server.thread, NULL);
    is_int(server.rc, ENOTSOCK, "what is no socket cannot be served");
    close(server.conf.listener);
    close(server.conf.lifeline);
    close(server.lifeline);
}

static void test_idle(void)
{
    srvf_server_t server;
    srvf_prepare(&server);
    server.conf.idle_ms = 100;
    srvf_start(&server);
    int fd = srvf_connect(5000);
    ok(srvf_cut_off(fd), "a connection that is silent too long is closed");
    ok(srvf_logged("GBA0505") + srvf_logged("GBA0506") + srvf_logged("GBA0507") == 0,
       "which is no fault");
    close(fd);
    is_int(srvf_stop(&server), 0, "the server ends");
}

int main(void)
{
    srvf_begin();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        srvf_die("pool");
    test_questions();
    test_many();
    test_come_and_go();
    test_end_waits();
    test_end_despite_questions();
    test_idle();
    test_not_a_listener();
    test_end_bounded();
    apr_pool_destroy(pool);
    srvf_end();
    return tap_done();
}
