/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_server_fixture.h
 * A keeper's server around made-up parts: in a thread of the test, or in a
 * process of its own that can be killed. With raw connections to it.
 */
#ifndef keeper_server_fixture_h
#define keeper_server_fixture_h

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <apr_general.h>
#include "keeper/keeper_client.h"
#include "keeper/keeper_wire.h"
#include "keeper_parts_fixture.h"

static char srvf_dir[256];
static char srvf_path[300]; /* of the socket */

/* ---- servers ---- */

/** A server in a thread, or in a process. */
typedef struct srvf_server_t {
    keeper_server_t conf;
    int lifeline; /* write end */
    pthread_t thread;
    pid_t pid;
    int rc; /* of keeper_server_run() */
    apr_pool_t *pool;
} srvf_server_t;

/** A fork whose child does not print again what its parent has. */
static inline pid_t srvf_fork(void)
{
    fflush(stdout);
    return fork();
}

static inline int srvf_listen(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    apr_cpystrn(at.sun_path, srvf_path, sizeof(at.sun_path));
    unlink(srvf_path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 64) != 0)
        srvf_die("listen");
    if (chmod(srvf_path, 0666) != 0)
        srvf_die("chmod");
    return fd;
}

static inline void srvf_prepare(srvf_server_t *server)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        srvf_die("pipe2");
    memset(server, 0, sizeof(*server));
    server->conf.listener = srvf_listen();
    server->conf.lifeline = ends[0];
    server->lifeline = ends[1];
    server->conf.peer_uid = geteuid();
    server->conf.max_connections = 64;
    server->conf.exchange_ms = 2000;
    server->conf.parts = &srvf_parts;
    server->conf.log = &srvf_log;
}

static inline void *srvf_thread(void *baton)
{
    srvf_server_t *server = baton;
    if (apr_pool_create_unmanaged(&server->pool) != APR_SUCCESS)
        srvf_die("pool");
    server->rc = keeper_server_run(&server->conf, server->pool);
    if (server->rc != ETIMEDOUT)
        apr_pool_destroy(server->pool); /* else threads still use it */
    return NULL;
}

static inline void srvf_start(srvf_server_t *server)
{
    if (pthread_create(&server->thread, NULL, srvf_thread, server) != 0)
        srvf_die("pthread_create");
}

static inline void srvf_start_forked(srvf_server_t *server)
{
    server->pid = srvf_fork();
    if (server->pid < 0)
        srvf_die("fork");
    if (server->pid == 0) {
        close(server->lifeline);
        srvf_thread(server);
        _exit(server->rc == 0 ? 0 : 1);
    }
    close(server->conf.listener);
    close(server->conf.lifeline);
}

/** Ends the lifeline and waits. @return what keeper_server_run() did */
static inline int srvf_stop(srvf_server_t *server)
{
    close(server->lifeline);
    pthread_join(server->thread, NULL);
    close(server->conf.listener);
    close(server->conf.lifeline);
    return server->rc;
}

static inline void srvf_kill(srvf_server_t *server)
{
    close(server->lifeline);
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
}

/* ---- raw questions ---- */

/** A raw connection to the server; @a ms bounds each read of it. */
static inline int srvf_connect(int ms)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct timeval limit = {ms / 1000, ms % 1000 * 1000};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    apr_cpystrn(to.sun_path, srvf_path, sizeof(to.sun_path));
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0)
        srvf_die("connect");
    return fd;
}

/** The frame of a look-up. @return its length */
static inline apr_size_t srvf_frame(unsigned char out[KEEPER_WIRE_MAX], const char *name)
{
    keeper_request_t request;
    memset(&request, 0, sizeof(request));
    request.kind = KEEPER_LOOKUP;
    request.lookup = srvf_question(name);
    return keeper_request_encode(out, &request);
}

/** Nonzero if the answer to the look-up of @a name comes on a raw connection. */
static inline int srvf_answer(int fd, const char *name)
{
    unsigned char frame[KEEPER_WIRE_MAX];
    apr_size_t whole, len;
    gba_lookup_t question = srvf_question(name);
    keeper_reply_t reply;
    gba_info_t want;
    srvf_info(&want, &question);
    if (recv(fd, frame, KEEPER_WIRE_HEADER, MSG_WAITALL) != KEEPER_WIRE_HEADER)
        return 0;
    whole = keeper_frame_length(frame);
    if (whole < KEEPER_WIRE_HEADER)
        return 0;
    len = whole - KEEPER_WIRE_HEADER;
    return recv(fd, frame + KEEPER_WIRE_HEADER, len, MSG_WAITALL) == (ssize_t)len &&
           keeper_reply_decode(&reply, KEEPER_LOOKUP, (base_span_t){frame, whole}) &&
           memcmp(&reply.info, &want, sizeof(want)) == 0;
}

/** A look-up on a raw connection. Nonzero if its right answer comes. */
static inline int srvf_exchange(int fd, const char *name)
{
    unsigned char frame[KEEPER_WIRE_MAX];
    apr_size_t len = srvf_frame(frame, name);
    return send(fd, frame, len, MSG_NOSIGNAL) == (ssize_t)len && srvf_answer(fd, name);
}

/** Nonzero if the peer closes @a fd, without a word, before its time is up. */
static inline int srvf_cut_off(int fd)
{
    char octet;
    ssize_t got = recv(fd, &octet, 1, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

/* ---- begin and end ---- */

static inline void srvf_begin(void)
{
    const char *base = getenv("TMPDIR");
    if (apr_initialize() != APR_SUCCESS)
        srvf_die("apr_initialize");
    snprintf(srvf_dir, sizeof(srvf_dir), "%s/gba-server-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(srvf_dir) || chmod(srvf_dir, 0755) != 0)
        srvf_die("mkdtemp");
    snprintf(srvf_path, sizeof(srvf_path), "%s/s", srvf_dir);
    srvf_shared =
        mmap(NULL, sizeof(*srvf_shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (srvf_shared == MAP_FAILED)
        srvf_die("mmap");
}

static inline void srvf_end(void)
{
    unlink(srvf_path);
    rmdir(srvf_dir);
}

#endif
