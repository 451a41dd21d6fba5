/* SPDX-License-Identifier: Apache-2.0 */
/* A child and a keeper that is slow, mad, dying or not there: the child is told so in time, asks
 * for nothing twice that might have been done, and goes on as soon as there is a keeper again. */
#include "keeper_server_fixture.h"

#define SOON  apr_time_from_sec(5)
#define SHORT 300 /* ms: a deadline that is meant to pass */

static apr_pool_t *pool;

/* ---- a keeper that follows a script, one letter for each connection ---- */

typedef struct scripted_t {
    const char *script;
    int listener;
    pthread_t thread;
    atomic_int connections, requests;
    atomic_int settled; /* has closed, or spoken unasked */
} scripted_t;

static scripted_t keeper;

/* The right answer to a frame, or one that is not its answer. @return its length */
static apr_size_t make_answer(unsigned char *frame, apr_size_t len, char how)
{
    static keeper_request_t request;
    keeper_reply_t reply;
    memset(&reply, 0, sizeof(reply));
    if (!keeper_request_decode(&request, (base_span_t){frame, len}))
        srvf_die("a request that is none");
    if (request.kind == KEEPER_LOOKUP)
        srvf_info(&reply.info, &request.lookup);
    if (request.kind == KEEPER_ISSUE && how != 'E')
        srvf_issued(&reply.issued, &request.issue);
    if (request.kind == KEEPER_WEIGH)
        srvf_weighed(&reply.weighed, &request.issue);
    if (request.kind == KEEPER_PSEUDONYM)
        srvf_pseudonym(NULL, request.subscriber, reply.pseudonym, NULL);
    return keeper_reply_encode(frame, how == 'X' ? KEEPER_HEALTH : request.kind, &reply);
}

static int get_request(int fd, unsigned char *frame, apr_size_t *len)
{
    ssize_t got = recv(fd, frame, KEEPER_WIRE_HEADER, MSG_WAITALL);
    if (got != KEEPER_WIRE_HEADER)
        return 0;
    *len = keeper_frame_length(frame);
    got = recv(fd, frame + got, *len - KEEPER_WIRE_HEADER, MSG_WAITALL);
    if (got != (ssize_t)*len - KEEPER_WIRE_HEADER)
        return 0;
    atomic_fetch_add(&keeper.requests, 1);
    return 1;
}

static void put(int fd, const void *data, size_t len)
{
    ssize_t done = send(fd, data, len, MSG_NOSIGNAL);
    (void)done; /* the child may have gone */
}

static void wait_for_end(int fd)
{
    char octet;
    while (recv(fd, &octet, 1, 0) > 0)
        continue;
}

/* Until the child closes, which it does when it cannot write any more. */
static void be_deaf(int fd)
{
    struct pollfd waiting = {.fd = fd};
    shutdown(fd, SHUT_RD);
    atomic_store(&keeper.settled, 1);
    poll(&waiting, 1, 5000);
}

/* A: answers for ever. O: once, then closes. P: once, and once more unasked. C: closes. R: reads
 * and closes. S: reads and is silent. H: sends half an answer. L: answers late. N: nonsense. X: the
 * answer to another question. E: an empty one. */
static void follow(int fd, char how)
{
    unsigned char frame[KEEPER_WIRE_MAX];
    apr_size_t len;
    while (how != 'C' && get_request(fd, frame, &len)) {
        if (how == 'R')
            break;
        if (how == 'L')
            srvf_sleep(SHORT + 200);
        if (how != 'N' && how != 'S')
            put(fd, frame, make_answer(frame, len, how) / (how == 'H' ? 2 : 1));
        if (how == 'N')
            put(fd, "nonsense nonsense", 17);
        if (how == 'P')
            put(fd, frame, keeper_frame_length(frame));
        if (how == 'P')
            atomic_store(&keeper.settled, 1);
        if (how == 'D')
            be_deaf(fd);
        if (how == 'O' || how == 'D')
            break;
        if (how != 'A')
            wait_for_end(fd);
    }
    close(fd);
    atomic_store(&keeper.settled, 1);
}

static void *scripted_run(void *baton)
{
    (void)baton;
    for (const char *how = keeper.script; *how; how++) {
        int fd = accept(keeper.listener, NULL, NULL);
        if (fd < 0)
            break;
        atomic_fetch_add(&keeper.connections, 1);
        follow(fd, *how);
    }
    return NULL;
}

static keeper_client_t *scripted_start(const char *script, int deadline_ms, apr_pool_t *own)
{
    keeper.script = script;
    keeper.listener = srvf_listen();
    atomic_store(&keeper.connections, 0);
    atomic_store(&keeper.requests, 0);
    atomic_store(&keeper.settled, 0);
    if (pthread_create(&keeper.thread, NULL, scripted_run, NULL) != 0)
        srvf_die("pthread_create");
    return keeper_client_make(srvf_path, deadline_ms, 4, own);
}

/* Closes the client, which the last connection waits for. */
static void scripted_stop(apr_pool_t *own)
{
    apr_pool_destroy(own);
    shutdown(keeper.listener, SHUT_RDWR);
    pthread_join(keeper.thread, NULL);
    close(keeper.listener);
}

/* ---- one exchange of each kind ---- */

/* NULL if the answer is right; else the tag of the failure, or what is wrong. */
static const char *ask(keeper_client_t *client, keeper_kind_t kind, const char *name)
{
    gba_keysource_t *source = keeper_client_source(client, 0, pool);
    portal_issuer_t *issuer = keeper_client_issuer(client, 1, 2, pool);
    base_code_t down = kind == KEEPER_LOOKUP ? BASE_KEYSOURCE_DOWN : BASE_STORE_DOWN;
    gba_lookup_t lookup = srvf_question(name);
    portal_issue_t permit = srvf_permit(name);
    static gba_info_t info, want_info;
    static portal_issued_t issued, want_issued;
    static portal_weighed_t weighed, want_weighed;
    char got[PKI_PSEUDONYM_LEN + 1], want[PKI_PSEUDONYM_LEN + 1];
    base_result_t result = base_ok();
    int right = 1;
    memset(&want_info, 0, sizeof(want_info));
    memset(&want_issued, 0, sizeof(want_issued));
    memset(&want_weighed, 0, sizeof(want_weighed));
    memset(want, 0, sizeof(want));
    if (kind == KEEPER_LOOKUP) {
        result = source->lookup(source->baton, &lookup, &info, pool);
        if (result.code == BASE_OK)
            srvf_info(&want_info, &lookup);
        right = memcmp(&info, &want_info, sizeof(info)) == 0;
    } else if (kind == KEEPER_ISSUE) {
        result = issuer->issue(issuer->baton, &permit, &issued, pool);
        if (result.code == BASE_OK)
            srvf_issued(&want_issued, &permit);
        right = memcmp(&issued, &want_issued, sizeof(issued)) == 0;
    } else if (kind == KEEPER_PSEUDONYM) {
        result = issuer->pseudonym(issuer->baton, name, got, pool);
        if (result.code == BASE_OK)
            srvf_pseudonym(NULL, name, want, pool);
        right = memcmp(got, want, sizeof(got)) == 0;
    } else if (kind == KEEPER_WEIGH) {
        result = issuer->weigh(issuer->baton, &permit, &weighed, pool);
        if (result.code == BASE_OK)
            srvf_weighed(&want_weighed, &permit);
        right = memcmp(&weighed, &want_weighed, sizeof(weighed)) == 0;
    } else {
        result = keeper_client_health(client, 1, 2, pool);
    }
    if (!right || (result.code != BASE_OK && result.code != down))
        return "wrong";
    return result.code == BASE_OK ? NULL : result.tag;
}

static const char *const kind_name[] = {"", "lookup", "issue", "pseudonym", "health", "weigh"};

/* ---- scripts ---- */

static void test_scripts(void)
{
    static const struct {
        const char *name, *script;
        keeper_kind_t kind;
        const char *first, *second; /* tags of two exchanges; NULL: right */
        int requests;               /* that the keeper has read in all */
    } rows[] = {
        {"one connection for all", "A", KEEPER_LOOKUP, NULL, NULL, 2},
        {"closed when idle", "OA", KEEPER_LOOKUP, NULL, NULL, 2},
        {"closed when idle", "OA", KEEPER_ISSUE, NULL, NULL, 2},
        {"deaf when asked again", "DA", KEEPER_LOOKUP, NULL, NULL, 2},
        {"deaf when asked again", "DA", KEEPER_ISSUE, NULL, NULL, 2},
        {"speaks unasked", "PA", KEEPER_ISSUE, NULL, NULL, 2},
        {"closed after the request", "RA", KEEPER_ISSUE, "GBA0522", NULL, 2},
        {"closed after the request", "RA", KEEPER_HEALTH, "GBA0522", NULL, 2},
        {"closed after the request", "RA", KEEPER_LOOKUP, NULL, NULL, 3},
        {"closed after the request", "RA", KEEPER_PSEUDONYM, NULL, NULL, 3},
        {"closed after the request", "RA", KEEPER_WEIGH, NULL, NULL, 3},
        {"nonsense", "NA", KEEPER_WEIGH, "GBA0524", NULL, 2},
        {"another answer", "XA", KEEPER_WEIGH, "GBA0524", NULL, 2},
        {"silent", "SA", KEEPER_WEIGH, "GBA0523", NULL, 2},
        {"closed twice after the request", "RRA", KEEPER_LOOKUP, "GBA0522", NULL, 3},
        {"closed before the request", "CA", KEEPER_LOOKUP, NULL, NULL, 2},
        {"silent", "SA", KEEPER_LOOKUP, "GBA0523", NULL, 2},
        {"silent", "SA", KEEPER_ISSUE, "GBA0523", NULL, 2},
        {"half an answer", "HA", KEEPER_LOOKUP, "GBA0523", NULL, 2},
        {"late", "LA", KEEPER_LOOKUP, "GBA0523", NULL, 2},
        {"late", "LA", KEEPER_ISSUE, "GBA0523", NULL, 2},
        {"nonsense", "NA", KEEPER_LOOKUP, "GBA0524", NULL, 2},
        {"nonsense", "NA", KEEPER_ISSUE, "GBA0524", NULL, 2},
        {"another answer", "XA", KEEPER_LOOKUP, "GBA0524", NULL, 2},
        {"no certificate for a permit", "E", KEEPER_ISSUE, "GBA0528", "GBA0523", 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_pool_t *own;
        if (apr_pool_create(&own, NULL) != APR_SUCCESS)
            srvf_die("pool");
        keeper_client_t *client = scripted_start(rows[i].script, SHORT, own);
        printf("# %s, %s\n", rows[i].name, kind_name[rows[i].kind]);
        is_str(ask(client, rows[i].kind, "one"), rows[i].first, "the first exchange");
        if (strchr("DOPL", rows[i].script[0]))
            srvf_await(&keeper.settled, 1);
        is_str(ask(client, rows[i].kind, "two"), rows[i].second, "the next one");
        is_int(atomic_load(&keeper.requests), rows[i].requests, "so many requests were read");
        is_int(atomic_load(&keeper.connections), (int)strlen(rows[i].script),
               "on so many connections");
        scripted_stop(own);
    }
}

/* ---- nobody there ---- */

static void test_nobody(void)
{
    char long_path[200];
    apr_time_t from = apr_time_now();
    keeper_client_t *client = keeper_client_make(srvf_path, 60000, 4, pool);
    unlink(srvf_path);
    for (int kind = 1; kind <= 4; kind++)
        is_str(ask(client, (keeper_kind_t)kind, "one"), "GBA0520", kind_name[kind]);
    ok(apr_time_now() - from < SOON, "no socket: told at once");
    memset(long_path, 'p', sizeof(long_path));
    long_path[0] = '/';
    long_path[sizeof(long_path) - 1] = '\0';
    client = keeper_client_make(long_path, 60000, 4, pool);
    is_str(ask(client, KEEPER_LOOKUP, "one"), "GBA0520", "a path that fits into no address");
}

/* The listener's queue is full and nobody accepts: connecting itself takes too long. */
static void test_full_queue(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int listener = srvf_listen(), fds[8], count = 0;
    apr_time_t from, took;
    if (listen(listener, 1) != 0)
        srvf_die("listen");
    apr_cpystrn(to.sun_path, srvf_path, sizeof(to.sun_path));
    for (int full = 0; !full && count < 8; count++) {
        fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        full = connect(fds[count], (struct sockaddr *)&to, sizeof(to)) != 0;
    }
    ok(count < 8, "the queue is full");
    keeper_client_t *client = keeper_client_make(srvf_path, SHORT, 4, pool);
    from = apr_time_now();
    is_str(ask(client, KEEPER_ISSUE, "one"), "GBA0523", "not even connected in time");
    took = apr_time_now() - from;
    ok(took >= SHORT * 900 && took < SOON, "and told at the deadline");
    while (count > 0)
        close(fds[--count]);
    close(listener);
}

/* ---- what cannot be asked ---- */

static void test_unsound(void)
{
    srvf_server_t server;
    gba_lookup_t lookup = srvf_question("a b");
    portal_issue_t permit = srvf_permit("one");
    portal_issued_t issued;
    char long_name[GBA_BTID_MAX + 2], out[PKI_PSEUDONYM_LEN + 1];
    gba_info_t info;
    srvf_prepare(&server);
    srvf_start(&server);
    keeper_client_t *client = keeper_client_make(srvf_path, 5000, 4, pool);
    gba_keysource_t *source = keeper_client_source(client, 0, pool);
    portal_issuer_t *issuer = keeper_client_issuer(client, 1, 2, pool);
    base_result_t result = source->lookup(source->baton, &lookup, &info, pool);
    ok(result.code == BASE_KEYSOURCE_DOWN && strcmp(result.tag, "GBA0521") == 0, "no B-TID");
    permit.profile.lifetime = -1;
    result = issuer->issue(issuer->baton, &permit, &issued, pool);
    ok(result.code == BASE_STORE_DOWN && strcmp(result.tag, "GBA0521") == 0, "no profile");
    memset(long_name, 's', sizeof(long_name));
    long_name[GBA_BTID_MAX + 1] = '\0';
    result = issuer->pseudonym(issuer->baton, long_name, out, pool);
    ok(result.code == BASE_STORE_DOWN && strcmp(result.tag, "GBA0521") == 0, "too long a name");
    long_name[GBA_BTID_MAX] = '\0';
    result = issuer->pseudonym(issuer->baton, long_name, out, pool);
    is_int(result.code, BASE_OK, "the longest name");
    result = issuer->pseudonym(issuer->baton, NULL, out, pool);
    ok(result.code == BASE_STORE_DOWN && strcmp(result.tag, "GBA0521") == 0, "no name");
    is_str(ask(client, KEEPER_LOOKUP, "one"), NULL, "and then as before");
    is_int(srvf_logged("GBA0505") + srvf_logged("GBA0506"), 0, "the keeper has not seen any of it");
    srvf_stop(&server);
}

int main(void)
{
    srvf_begin();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        srvf_die("pool");
    test_scripts();
    test_nobody();
    test_full_queue();
    test_unsound();
    apr_pool_destroy(pool);
    srvf_end();
    return tap_done();
}
