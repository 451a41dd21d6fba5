/* SPDX-License-Identifier: Apache-2.0 */
/* A child whose keeper is killed and comes back, which forks, whose threads are many, and which
 * gets signals: each question has its own answer, or is told to be unanswered. */
#include "keeper_server_fixture.h"

#include <sys/time.h>

#define SOON  apr_time_from_sec(5)
#define MAX   2   /* exchanges at once, of the child whose keeper is slow */
#define TURNS 300 /* of each process after a fork */

static apr_pool_t *pool;

static base_result_t look_up(keeper_client_t *client, const char *name, apr_pool_t *own)
{
    gba_keysource_t *source = keeper_client_source(client, 0, own);
    gba_lookup_t question = srvf_question(name);
    gba_info_t info, want;
    base_result_t result = source->lookup(source->baton, &question, &info, own);
    srvf_info(&want, &question);
    if (result.code == BASE_OK && memcmp(&info, &want, sizeof(info)) != 0)
        return base_fail(BASE_INTERNAL, "wrong", "another's answer");
    return result;
}

static base_result_t issue(keeper_client_t *client, const char *name, apr_pool_t *own)
{
    portal_issuer_t *issuer = keeper_client_issuer(client, 1, 2, own);
    portal_issue_t question = srvf_permit(name);
    static const portal_issued_t none;
    portal_issued_t issued, want;
    base_result_t result = issuer->issue(issuer->baton, &question, &issued, own);
    srvf_issued(&want, &question);
    if (memcmp(&issued, result.code == BASE_OK ? &want : &none, sizeof(issued)) != 0)
        return base_fail(BASE_INTERNAL, "wrong", "another's answer");
    return result;
}

/* ---- killed ---- */

static void start_forked(srvf_server_t *server)
{
    srvf_prepare(server);
    srvf_start_forked(server);
}

static void test_killed_when_idle(void)
{
    srvf_server_t server;
    keeper_client_t *client = keeper_client_make(srvf_path, 10000, 8, pool);
    apr_time_t from;
    start_forked(&server);
    is_int(issue(client, "one", pool).code, BASE_OK, "an exchange, whose connection is kept");
    srvf_kill(&server);
    from = apr_time_now();
    is_str(issue(client, "two", pool).tag, "GBA0520", "killed: issuing is down");
    is_str(look_up(client, "two", pool).tag, "GBA0520", "and so are look-ups");
    ok(apr_time_now() - from < SOON, "which is told at once");
    start_forked(&server);
    is_int(issue(client, "three", pool).code, BASE_OK, "there again: the next exchange works");
    srvf_kill(&server);
    start_forked(&server);
    is_int(issue(client, "four", pool).code, BASE_OK, "not even noticed by who was idle meanwhile");
    srvf_kill(&server);
}

/* What a thread asks, and what it is told. */
typedef struct asker_t {
    keeper_client_t *client;
    const char *name;
    int issues;
    pthread_t thread;
    base_code_t code;
    char tag[8];
} asker_t;

static void *asker_run(void *baton)
{
    asker_t *asker = baton;
    apr_pool_t *own;
    if (apr_pool_create_unmanaged(&own) != APR_SUCCESS)
        srvf_die("pool");
    base_result_t result = asker->issues ? issue(asker->client, asker->name, own)
                                         : look_up(asker->client, asker->name, own);
    asker->code = result.code;
    apr_cpystrn(asker->tag, result.tag ? result.tag : "", sizeof(asker->tag));
    apr_pool_destroy(own);
    return NULL;
}

static void asker_start(asker_t *asker)
{
    if (pthread_create(&asker->thread, NULL, asker_run, asker) != 0)
        srvf_die("pthread_create");
}

/* It may have been issued: asking again could issue twice. */
static void test_killed_when_asked(void)
{
    srvf_server_t server;
    keeper_client_t *client = keeper_client_make(srvf_path, 10000, 8, pool);
    asker_t asker = {.client = client, .name = "held", .issues = 1};
    int calls;
    atomic_store(&srvf_shared->release, 0);
    atomic_store(&srvf_shared->held, 0);
    start_forked(&server);
    calls = atomic_load(&srvf_shared->calls);
    asker_start(&asker);
    ok(srvf_await(&srvf_shared->held, 1), "a certificate is being issued");
    srvf_kill(&server);
    atomic_store(&srvf_shared->release, 1);
    pthread_join(asker.thread, NULL);
    ok(asker.code == BASE_STORE_DOWN && strcmp(asker.tag, "GBA0522") == 0, "killed: down");
    start_forked(&server);
    is_int(issue(client, "one", pool).code, BASE_OK, "the next exchange works");
    is_int(atomic_load(&srvf_shared->calls) - calls, 2, "the first was asked once");
    srvf_kill(&server);
    atomic_store(&srvf_shared->held, 0);
}

/* ---- no more than its share ---- */

static void test_busy(void)
{
    srvf_server_t server;
    asker_t held[MAX];
    apr_time_t from;
    srvf_prepare(&server);
    srvf_start(&server);
    keeper_client_t *client = keeper_client_make(srvf_path, 10000, MAX, pool);
    keeper_client_t *other = keeper_client_make(srvf_path, 10000, MAX, pool);
    atomic_store(&srvf_shared->release, 0);
    for (int i = 0; i < MAX; i++) {
        held[i] = (asker_t){.client = client, .name = "held", .issues = i % 2};
        asker_start(&held[i]);
    }
    ok(srvf_await(&srvf_shared->held, MAX), "as many exchanges as may be are under way");
    from = apr_time_now();
    base_result_t result = look_up(client, "one", pool);
    ok(result.code == BASE_KEYSOURCE_DOWN && strcmp(result.tag, "GBA0526") == 0, "a look-up more");
    result = issue(client, "one", pool);
    ok(result.code == BASE_STORE_DOWN && strcmp(result.tag, "GBA0526") == 0, "a certificate more");
    ok(apr_time_now() - from < SOON, "are told at once");
    is_int(look_up(other, "one", pool).code, BASE_OK, "another child is served");
    atomic_store(&srvf_shared->release, 1);
    for (int i = 0; i < MAX; i++) {
        pthread_join(held[i].thread, NULL);
        is_int(held[i].code, BASE_OK, "those under way have their answers");
    }
    is_int(look_up(client, "one", pool).code, BASE_OK, "and there is room again");
    is_int(srvf_stop(&server), 0, "the server ends");
}

/* A keeper that answers nobody in time blocks nobody for longer. */
static void test_slow_keeper(void)
{
    srvf_server_t server;
    asker_t slow[MAX];
    apr_time_t from;
    srvf_prepare(&server);
    srvf_start(&server);
    keeper_client_t *client = keeper_client_make(srvf_path, 150, MAX, pool);
    from = apr_time_now();
    for (int i = 0; i < MAX; i++) {
        slow[i] = (asker_t){.client = client, .name = "slow", .issues = i % 2};
        asker_start(&slow[i]);
    }
    for (int i = 0; i < MAX; i++) {
        pthread_join(slow[i].thread, NULL);
        is_str(slow[i].tag, "GBA0523", "a slow keeper is down at the deadline");
    }
    ok(apr_time_now() - from >= apr_time_from_msec(140) && apr_time_now() - from < SOON,
       "and not before or long after");
    is_int(look_up(client, "one", pool).code, BASE_OK, "the next answer is the next question's");
    is_int(srvf_stop(&server), 0, "the server ends");
}

/* ---- forked ---- */

static int turns(keeper_client_t *client, const char *who)
{
    char name[32];
    int wrong = 0;
    for (int i = 0; i < TURNS; i++) {
        snprintf(name, sizeof(name), "%s%d", who, i);
        wrong += (i % 2 ? issue(client, name, pool) : look_up(client, name, pool)).code != BASE_OK;
    }
    return wrong;
}

static void test_fork(void)
{
    srvf_server_t server;
    keeper_client_t *client = keeper_client_make(srvf_path, 10000, 8, pool);
    int status = -1;
    start_forked(&server);
    is_int(look_up(client, "one", pool).code, BASE_OK, "a connection is kept");
    pid_t pid = srvf_fork();
    if (pid == 0)
        _exit(turns(client, "child") == 0 ? 0 : 1);
    is_int(turns(client, "parent"), 0, "after a fork the parent has its own answers");
    waitpid(pid, &status, 0);
    is_int(status, 0, "and the child its own");
    srvf_kill(&server);
}

/* ---- signals ---- */

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
    (void)signal;
    alarms++;
}

static void test_signals(void)
{
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */
    struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    srvf_server_t server;
    int wrong = 0;
    start_forked(&server);
    keeper_client_t *client = keeper_client_make(srvf_path, 10000, 8, pool);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 3; i++)
        wrong += look_up(client, "slow", pool).code != BASE_OK;
    wrong += turns(client, "s");
    setitimer(ITIMER_REAL, &never, NULL);
    ok(alarms > 100, "signals come (%d)", (int)alarms);
    is_int(wrong, 0, "and are no reason to fail");
    srvf_kill(&server);
}

int main(void)
{
    srvf_begin();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        srvf_die("pool");
    test_killed_when_idle();
    test_killed_when_asked();
    test_fork();
    test_signals();
    test_busy();
    test_slow_keeper();
    apr_pool_destroy(pool);
    srvf_end();
    return tap_done();
}
