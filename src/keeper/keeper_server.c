/* SPDX-License-Identifier: Apache-2.0 */
/* The accepting thread: who comes in, and when it ends. */
#include "keeper/keeper_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "keeper/keeper_guest.h"

#define PAUSE_MS 100 /* when descriptors have run out */

/* Nonzero if the peer, as it was when it connected, may ask. */
static int may_enter(keeper_hall_t *hall, int fd, pid_t *pid)
{
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || len != sizeof(peer)) {
        keeper_hall_say(hall, BASE_LOG_ERR, "GBA0501", "a peer cannot be told: cut off");
        return 0;
    }
    *pid = peer.pid;
    if (peer.uid == 0 || peer.uid == geteuid() || peer.uid == hall->server->peer_uid)
        return 1;
    keeper_hall_say(hall, BASE_LOG_ERR, "GBA0500", "process %ld of user %lu may not ask: cut off",
                    (long)peer.pid, (unsigned long)peer.uid);
    return 0;
}

static void receive(keeper_hall_t *hall, int fd)
{
    pid_t pid = 0;
    if (!may_enter(hall, fd, &pid)) {
        close(fd);
    } else if (!keeper_hall_take(hall)) {
        keeper_hall_say(hall, BASE_LOG_WARNING, "GBA0502",
                        "all %d connections are in use: process %ld is turned away",
                        hall->server->max_connections, (long)pid);
        close(fd);
    } else {
        keeper_guest_enter(hall, fd, pid);
    }
}

/* Nonzero if the lifeline has ended within @a ms. */
static int ended_within(const keeper_hall_t *hall, int ms)
{
    struct pollfd lifeline = {.fd = hall->server->lifeline};
    return poll(&lifeline, 1, ms) > 0;
}

/* After accept4() failed. 0 if the next may do better, else the errno. */
static int accept_failed(keeper_hall_t *hall, int error)
{
    switch (error) {
    case EINTR:
    case EAGAIN:
    case ECONNABORTED:
        return 0;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        keeper_hall_say(hall, BASE_LOG_ERR, "GBA0504", "no connection can be accepted: error %d",
                        error);
        ended_within(hall, PAUSE_MS);
        return 0;
    default:
        return error;
    }
}

/* Until the lifeline ends. The lifeline is not read: its end is told by POLLHUP. */
static int receive_all(keeper_hall_t *hall)
{
    const keeper_server_t *server = hall->server;
    struct pollfd waiting[2] = {{.fd = server->listener, .events = POLLIN},
                                {.fd = server->lifeline}};
    for (int rc = 0; rc == 0;) {
        int ready = poll(waiting, 2, -1);
        if (ready < 0 && errno != EINTR)
            return errno;
        if (ready <= 0)
            continue;
        if (waiting[1].revents)
            return 0;
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            receive(hall, fd);
        else if ((rc = accept_failed(hall, errno)) != 0)
            return rc;
    }
    return 0;
}

/* Waits for exchanges under way. 0, or ETIMEDOUT. */
static int see_off(keeper_hall_t *hall)
{
    struct timespec until;
    int ms = hall->server->exchange_ms > 0 ? hall->server->exchange_ms : 0;
    int rc = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&hall->mutex);
    while (hall->connections > 0 && rc == 0)
        rc = pthread_cond_timedwait(&hall->left, &hall->mutex, &until);
    rc = hall->connections > 0 ? ETIMEDOUT : 0;
    pthread_mutex_unlock(&hall->mutex);
    return rc;
}

static int hall_open(keeper_hall_t *hall)
{
    pthread_condattr_t attr;
    int flags = fcntl(hall->server->listener, F_GETFL);
    int rc;
    /* poll() may say "ready" for a connection that another process of the same socket takes. */
    if (flags < 0 || fcntl(hall->server->listener, F_SETFL, flags | O_NONBLOCK) != 0)
        return errno;
    rc = pthread_condattr_init(&attr);
    if (rc != 0)
        return rc;
    rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (rc == 0)
        rc = pthread_cond_init(&hall->left, &attr);
    pthread_condattr_destroy(&attr);
    return rc == 0 ? pthread_mutex_init(&hall->mutex, NULL) : rc;
}

int keeper_server_run(const keeper_server_t *server, apr_pool_t *pool)
{
    keeper_hall_t *hall = apr_pcalloc(pool, sizeof(*hall));
    int rc, late;
    hall->server = server;
    rc = hall_open(hall);
    if (rc != 0)
        return rc;
    rc = receive_all(hall);
    late = see_off(hall);
    if (late != 0) {
        keeper_hall_say(hall, BASE_LOG_WARNING, "GBA0516",
                        "exchanges under way did not end in time and are given up");
        return rc != 0 ? rc : late;
    }
    if (hall->some_gone)
        pthread_join(hall->gone, NULL);
    pthread_mutex_destroy(&hall->mutex);
    pthread_cond_destroy(&hall->left);
    return rc;
}
