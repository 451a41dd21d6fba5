/* SPDX-License-Identifier: Apache-2.0 */
/* A keeper among children that were taken over, are stuck, or are somebody else's: each is cut off,
 * each is logged, and the others are served meanwhile. */
#include "keeper_server_fixture.h"

#define SOON_MS 5000 /* what comes at once comes before this */

static srvf_server_t server;

/* Somebody is being served throughout. */
static void others_go_on(int other)
{
    ok(srvf_exchange(other, "other"), "another child is served as before");
}

static void start(int exchange_ms, int max_connections)
{
    atomic_store(&srvf_shared->messages, 0);
    atomic_store(&srvf_shared->calls, 0);
    srvf_prepare(&server);
    server.conf.exchange_ms = exchange_ms;
    server.conf.max_connections = max_connections;
    srvf_start(&server);
}

/* ---- nonsense ---- */

typedef struct nonsense_t {
    const char *name;
    const char *tag;
    const char *head; /* in place of the first octets of a sound frame */
    size_t head_len;
} nonsense_t;

/* Sent with no end, so that only what is refused at its header is cut off before the deadline. */
static void try_nonsense(const nonsense_t *row, int other)
{
    unsigned char frame[KEEPER_WIRE_MAX];
    apr_size_t len = srvf_frame(frame, "nonsense");
    int before = srvf_logged(row->tag), calls = atomic_load(&srvf_shared->calls);
    int fd = srvf_connect(SOON_MS);
    memcpy(frame, row->head, row->head_len);
    if (send(fd, frame, len, MSG_NOSIGNAL) != (ssize_t)len)
        srvf_die("send");
    ok(srvf_cut_off(fd), "%s: cut off", row->name);
    ok(srvf_logged(row->tag) == before + 1, "and logged");
    is_int(atomic_load(&srvf_shared->calls), calls, "no part was asked");
    others_go_on(other);
    close(fd);
}

static void test_nonsense(void)
{
    static const nonsense_t rows[] = {
        {"HTTP", "GBA0506", "GET / HTTP/1.1\r\n\r\n", 18},
        {"the last version", "GBA0506", "GBAK\0\2", 6},
        {"the next version", "GBA0506", "GBAK\0\4", 6},
        {"a frame over its bound", "GBA0506", "GBAK\0\3\0\1\0\0\100\0", 12},
        {"a frame of 4 GiB", "GBA0506", "GBAK\0\3\0\1\377\377\377\377", 12},
        {"an unknown kind", "GBA0506", "GBAK\0\3\0\6", 8},
        {"a frame that is too short for its field", "GBA0505", "GBAK\0\3\0\1\0\0\0\5", 12},
        {"a frame of another kind", "GBA0505", "GBAK\0\3\0\3", 8},
        {"a reply", "GBA0505", "GBAK\0\3\200\1", 8},
        {"an empty frame", "GBA0505", "GBAK\0\3\0\1\0\0\0\0", 12},
    };
    start(60000, 8);
    int other = srvf_connect(SOON_MS);
    others_go_on(other);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        try_nonsense(&rows[i], other);
    close(other);
    is_int(srvf_stop(&server), 0, "the server ends");
}

/* Two frames in one write are two questions; nonsense behind a question does not undo it. */
static void test_pipelined(void)
{
    unsigned char frames[2 * KEEPER_WIRE_MAX];
    start(60000, 8);
    int fd = srvf_connect(SOON_MS);
    apr_size_t len = srvf_frame(frames, "one");
    memcpy(frames + len, "nonsense nonsense", 17);
    if (send(fd, frames, len + 17, MSG_NOSIGNAL) != (ssize_t)len + 17)
        srvf_die("send");
    ok(recv(fd, frames, KEEPER_WIRE_HEADER, MSG_WAITALL) == KEEPER_WIRE_HEADER, "an answer comes");
    len = keeper_frame_length(frames) - KEEPER_WIRE_HEADER;
    ok(recv(fd, frames, len, MSG_WAITALL) == (ssize_t)len, "all of it");
    ok(srvf_cut_off(fd) && srvf_logged("GBA0506") == 1, "and then the end");
    close(fd);
    is_int(srvf_stop(&server), 0, "the server ends");
}

/* A child that does nothing but misbehave cannot fill the disk. */
static void test_bounded_log(void)
{
    int said;
    start(60000, 8);
    for (int i = 0; i < 60; i++) {
        int fd = srvf_connect(SOON_MS);
        if (send(fd, "nonsense nonsense", 17, MSG_NOSIGNAL) != 17 || !srvf_cut_off(fd))
            srvf_die("not cut off");
        close(fd);
    }
    said = srvf_logged("GBA0506");
    ok(said >= 20 && said < 60, "of 60 equal messages a part is written (%d)", said);
    srvf_sleep(1100);
    int fd = srvf_connect(SOON_MS);
    ok(send(fd, "nonsense nonsense", 17, MSG_NOSIGNAL) == 17 && srvf_cut_off(fd), "later again");
    ok(srvf_logged("GBA0512") >= 1, "the others are counted in one");
    close(fd);
    is_int(srvf_stop(&server), 0, "the server ends");
}

/* ---- slow ---- */

static void test_slow_sender(void)
{
    unsigned char frame[KEEPER_WIRE_MAX];
    char answer;
    int sent = 0;
    apr_size_t len = srvf_frame(frame, "slow-to-ask");
    start(300, 8);
    int other = srvf_connect(SOON_MS), fd = srvf_connect(SOON_MS);
    apr_time_t from = apr_time_now();
    /* An octet now and then keeps no deadline away. */
    while (sent < (int)len && recv(fd, &answer, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN) {
        if (send(fd, frame + sent, 1, MSG_NOSIGNAL) == 1)
            sent++;
        srvf_sleep(20);
    }
    ok(sent < (int)len, "a request that trickles in is cut off (after %d of %d octets)", sent,
       (int)len);
    ok(apr_time_now() - from < apr_time_from_sec(SOON_MS / 1000), "in time");
    ok(srvf_logged("GBA0507") == 1, "and logged");
    others_go_on(other);
    close(fd);
    fd = srvf_connect(SOON_MS);
    ok(send(fd, frame, 5, MSG_NOSIGNAL) == 5 && srvf_cut_off(fd) && srvf_logged("GBA0507") == 2,
       "as is one that stops within its header");
    close(fd);
    close(other);
    is_int(srvf_stop(&server), 0, "the server ends");
}

/* Asks and asks, and takes no answer: when both directions are full, the keeper lets go. */
static void test_slow_taker(void)
{
    unsigned char frame[KEEPER_WIRE_MAX];
    apr_size_t len = srvf_frame(frame, "greedy");
    struct pollfd waiting;
    int asked = 0;
    start(300, 8);
    int other = srvf_connect(SOON_MS), fd = srvf_connect(SOON_MS);
    waiting = (struct pollfd){.fd = fd, .events = POLLOUT};
    while (asked < 100000 && poll(&waiting, 1, SOON_MS) == 1 &&
           send(fd, frame, len, MSG_NOSIGNAL) == (ssize_t)len)
        asked++;
    ok(asked > 0 && asked < 100000, "who takes no answer is cut off");
    ok(srvf_await_log("GBA0514"), "and logged");
    others_go_on(other);
    close(fd);
    close(other);
    is_int(srvf_stop(&server), 0, "the server ends");
}

/* ---- gone ---- */

static void test_gone(void)
{
    unsigned char frame[KEEPER_WIRE_MAX];
    apr_size_t len = srvf_frame(frame, "held");
    start(60000, 8);
    atomic_store(&srvf_shared->release, 0);
    int fd = srvf_connect(SOON_MS);
    ok(send(fd, frame, len - 1, MSG_NOSIGNAL) == (ssize_t)len - 1, "half a request");
    close(fd);
    ok(srvf_await_log("GBA0513"), "a child that dies within its request is told of");
    fd = srvf_connect(SOON_MS);
    ok(send(fd, frame, len, MSG_NOSIGNAL) == (ssize_t)len && srvf_await(&srvf_shared->held, 1),
       "a request");
    close(fd);
    atomic_store(&srvf_shared->release, 1);
    ok(srvf_await_log("GBA0515"), "as is one that dies before its answer");
    is_int(atomic_load(&srvf_shared->calls), 1, "only the whole request was answered");
    is_int(srvf_stop(&server), 0, "the server ends");
}

/* ---- who may not, and too many ---- */

/* 0: cut off without an answer. As another user if @a uid is not ours. */
static int ask_as(uid_t uid)
{
    int status = -1;
    pid_t pid = srvf_fork();
    if (pid == 0) {
        if (uid != geteuid() && setuid(uid) != 0)
            _exit(2);
        int fd = srvf_connect(SOON_MS);
        unsigned char frame[KEEPER_WIRE_MAX];
        apr_size_t len = srvf_frame(frame, "one");
        /* The connection may be closed before the request is sent. */
        if (send(fd, frame, len, MSG_NOSIGNAL) != (ssize_t)len)
            _exit(0);
        _exit(srvf_cut_off(fd) ? 0 : 1);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static void test_users(void)
{
    if (geteuid() != 0) {
        ok(1, "another user is cut off # SKIP only root can be another user");
        return;
    }
    start(60000, 8);
    is_int(ask_as(65534), 0, "a user who may not ask is cut off");
    ok(srvf_await_log("GBA0500"), "and logged");
    is_int(atomic_load(&srvf_shared->calls), 0, "no part was asked");
    is_int(ask_as(0), 1, "root may ask");
    is_int(srvf_stop(&server), 0, "the server ends");
    srvf_prepare(&server);
    server.conf.peer_uid = 65534;
    srvf_start(&server);
    is_int(ask_as(65534), 1, "the user who is named may ask");
    is_int(srvf_stop(&server), 0, "the server ends");
}

static void test_too_many(void)
{
    int fd[3], more;
    start(60000, 3);
    for (int i = 0; i < 3; i++) {
        fd[i] = srvf_connect(SOON_MS);
        ok(srvf_exchange(fd[i], "one"), "connection %d of 3", i + 1);
    }
    more = srvf_connect(SOON_MS);
    ok(srvf_cut_off(more) && srvf_logged("GBA0502") == 1, "a fourth is closed at once, and logged");
    close(more);
    others_go_on(fd[0]);
    close(fd[1]);
    for (int i = 0, served = 0; i < 100 && !served; i++) {
        srvf_sleep(10);
        more = srvf_connect(SOON_MS);
        served = srvf_exchange(more, "one");
        if (i == 99 || served)
            ok(served, "when one has gone, another may come");
        close(more);
    }
    close(fd[0]);
    close(fd[2]);
    is_int(srvf_stop(&server), 0, "the server ends");
}

/* ---- programs of the same user ---- */

static void test_word(void)
{
    static const unsigned char word[KEEPER_WORD_LEN] = "the word of this generation 0001";
    static const unsigned char other[KEEPER_WORD_LEN] = "the word of this generation 0002";
    atomic_store(&srvf_shared->messages, 0);
    atomic_store(&srvf_shared->calls, 0);
    srvf_prepare(&server);
    server.conf.exchange_ms = 500;
    server.conf.word = word;
    srvf_start(&server);
    int fd = srvf_connect(SOON_MS);
    ok(!srvf_exchange(fd, "silent"), "who says no word is told nothing");
    ok(srvf_cut_off(fd), "and cut off");
    close(fd);
    fd = srvf_connect(SOON_MS);
    ok(send(fd, other, sizeof(other), MSG_NOSIGNAL) == sizeof(other) && srvf_cut_off(fd),
       "who says another word is cut off");
    close(fd);
    fd = srvf_connect(SOON_MS);
    ok(send(fd, word, sizeof(word) - 1, MSG_NOSIGNAL) == sizeof(word) - 1 && srvf_cut_off(fd),
       "who does not end the word is cut off");
    close(fd);
    fd = srvf_connect(SOON_MS);
    ok(srvf_cut_off(fd), "who says nothing holds no place for long");
    close(fd);
    is_int(srvf_logged("GBA1360"), 4, "each is logged");
    is_int(atomic_load(&srvf_shared->calls), 0, "no part was asked");
    fd = srvf_connect(SOON_MS);
    close(fd);
    fd = srvf_connect(SOON_MS);
    ok(send(fd, word, sizeof(word), MSG_NOSIGNAL) == sizeof(word), "the word");
    ok(srvf_exchange(fd, "one-of-us"), "who says it is answered");
    ok(srvf_exchange(fd, "again"), "and need not say it again");
    close(fd);
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    keeper_client_t *client = keeper_client_make(srvf_path, 20000, 1, pool);
    keeper_client_word(client, word);
    is_int((int)keeper_client_health(client, 1, 2, pool).code, BASE_OK, "as a client does");
    apr_pool_destroy(pool);
    is_int(srvf_logged("GBA1360"), 4, "who only comes and goes is not logged");
    is_int(srvf_stop(&server), 0, "the server ends");
}

int main(void)
{
    srvf_begin();
    test_users();
    test_word();
    test_nonsense();
    test_pipelined();
    test_bounded_log();
    test_slow_sender();
    test_slow_taker();
    test_gone();
    test_too_many();
    srvf_end();
    return tap_done();
}
