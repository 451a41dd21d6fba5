/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_links.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <apr_strings.h>
#include "keeper/keeper_frame.h"

#define WAIT_MS 250 /* for a place, as long as the keeper answers others */

/* The connections of one process. Two processes on one connection would read each other's
 * answers, and a mutex held by another thread at the fork is never released in the child: so the
 * child starts anew, and this one stays behind untouched but for its descriptors. */
typedef struct own_t {
    struct own_t *former; /* of the process that forked this one; for freeing only */
    pid_t pid;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t left;   /* a place may be free */
    apr_uint64_t answered; /* when a whole exchange ended last, or the first of several began;
                              keeper_deadline() */
    int busy;
    int max;
    int kept[]; /* max of them; -1: none. A slot is never anything but -1 or an open connection, so
                   that it can be read after a fork at any moment. */
} own_t;

struct keeper_links_t {
    const char *path;
    const unsigned char *word; /* NULL: none is said */
    int max;
    _Atomic(own_t *) own;
};

static own_t *own_make(int max)
{
    own_t *own = calloc(1, sizeof(*own) + (size_t)max * sizeof(own->kept[0]));
    if (!own)
        return NULL;
    if (pthread_mutex_init(&own->mutex, NULL) != 0 || pthread_cond_init(&own->left, NULL) != 0) {
        free(own);
        return NULL;
    }
    own->pid = getpid();
    own->max = max;
    for (int i = 0; i < max; i++)
        own->kept[i] = -1;
    return own;
}

/* No shutdown(): another process may be using the other end of what was inherited. */
static void own_close(own_t *own)
{
    for (int i = 0; i < own->max; i++) {
        if (own->kept[i] >= 0)
            close(own->kept[i]);
        own->kept[i] = -1;
    }
}

/* Those of this process, made when first asked for; NULL without memory. */
static own_t *own_of(keeper_links_t *links)
{
    own_t *now = atomic_load(&links->own);
    own_t *fresh;
    if (now && now->pid == getpid())
        return now;
    fresh = own_make(links->max);
    if (!fresh)
        return NULL;
    fresh->former = now;
    if (atomic_compare_exchange_strong(&links->own, &now, fresh)) {
        if (fresh->former)
            own_close(fresh->former);
        return fresh;
    }
    free(fresh); /* another thread of this process was first */
    return now;
}

static apr_status_t links_cleanup(void *data)
{
    keeper_links_t *links = data;
    own_t *own = atomic_exchange(&links->own, NULL);
    while (own) {
        own_t *former = own->former;
        own_close(own);
        free(own);
        own = former;
    }
    return APR_SUCCESS;
}

keeper_links_t *keeper_links_make(const char *path, int max, apr_pool_t *pool)
{
    keeper_links_t *links = apr_pcalloc(pool, sizeof(*links));
    links->path = apr_pstrdup(pool, path);
    links->max = max > 0 ? max : 1;
    atomic_init(&links->own, NULL);
    apr_pool_cleanup_register(pool, links, links_cleanup, apr_pool_cleanup_null);
    return links;
}

void keeper_links_word(keeper_links_t *links, const unsigned char *word)
{
    links->word = word;
}

/* The keeper speaks only when asked: anything to read is its end, or nothing to trust. */
static int is_stale(int fd)
{
    struct pollfd link = {.fd = fd, .events = POLLIN};
    return poll(&link, 1, 0) != 0;
}

/* Nonzero if there is a place. Where all are taken it is waited for, briefly, if the keeper is at
 * work: then it is a moment's crowd. Behind a keeper that stands still nobody waits. */
static int wait_for_place(own_t *own)
{
    apr_uint64_t now = keeper_deadline(0);
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (own->busy >= own->max && rc == 0 && own->answered + WAIT_MS > now)
        rc = pthread_cond_clockwait(&own->left, &own->mutex, CLOCK_MONOTONIC, &until);
    return own->busy < own->max;
}

static keeper_take_t own_take(own_t *own, int *fd)
{
    keeper_take_t taken = KEEPER_TAKE_BUSY;
    pthread_mutex_lock(&own->mutex);
    if (wait_for_place(own)) {
        taken = KEEPER_TAKE_OK;
        if (own->busy == 0) /* it stood idle: nobody can say yet that it is slow */
            own->answered = keeper_deadline(0);
        own->busy++;
        for (int i = 0; i < own->max && *fd < 0; i++) {
            *fd = own->kept[i];
            own->kept[i] = -1;
        }
    }
    pthread_mutex_unlock(&own->mutex);
    return taken;
}

keeper_take_t keeper_links_take(keeper_links_t *links, int *fd)
{
    own_t *own = own_of(links);
    keeper_take_t taken;
    *fd = -1;
    if (!own)
        return KEEPER_TAKE_NO_MEMORY;
    taken = own_take(own, fd);
    if (*fd >= 0 && is_stale(*fd)) {
        close(*fd);
        *fd = -1;
    }
    return taken;
}

void keeper_links_give(keeper_links_t *links, int fd)
{
    own_t *own = atomic_load(&links->own);
    int slot = 0;
    pthread_mutex_lock(&own->mutex);
    own->busy--;
    if (fd >= 0)
        own->answered = keeper_deadline(0);
    pthread_cond_signal(&own->left);
    while (slot < own->max && own->kept[slot] >= 0)
        slot++;
    if (slot < own->max && fd >= 0) {
        own->kept[slot] = fd;
        fd = -1;
    }
    pthread_mutex_unlock(&own->mutex);
    if (fd >= 0)
        close(fd);
}

/* A queue of the listener that is full makes connect() wait; so long as the send timeout says. */
static int limit_connect(int fd, apr_uint64_t deadline)
{
    int left = keeper_deadline_left(deadline);
    struct timeval limit = {left / 1000, left % 1000 * 1000};
    if (left == 0) {
        errno = ETIMEDOUT;
        return 0;
    }
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0;
}

static int connect_until(int fd, const struct sockaddr_un *to, apr_uint64_t deadline)
{
    while (limit_connect(fd, deadline)) {
        if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0)
            return 1;
        if (errno != EINTR && errno != EAGAIN)
            return 0;
    }
    return 0;
}

/* Nonzero if there is none to be said, or it is. */
static int say_word(int fd, const unsigned char *word, apr_uint64_t deadline)
{
    keeper_frame_t said =
        word ? keeper_frame_write(fd, word, KEEPER_WORD_LEN, deadline) : KEEPER_FRAME_WHOLE;
    if (said == KEEPER_FRAME_LATE)
        errno = ETIMEDOUT;
    return said == KEEPER_FRAME_WHOLE;
}

int keeper_links_connect(const keeper_links_t *links, apr_uint64_t deadline)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    apr_size_t len = strlen(links->path);
    int fd, why;
    if (len == 0 || len >= sizeof(to.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to.sun_path, links->path, len);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || (connect_until(fd, &to, deadline) && say_word(fd, links->word, deadline)))
        return fd;
    why = errno;
    close(fd);
    errno = why;
    return -1;
}
