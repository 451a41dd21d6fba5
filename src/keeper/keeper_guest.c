/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection's thread waits for the lifeline too, so that nobody has to wake
 * it at the end. It shares nothing with the others but the hall.
 */
#include "keeper/keeper_guest.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/base_fault.h"
#include "base/base_secret.h"
#include "keeper/keeper_answer.h"
#include "keeper/keeper_frame.h"

#define STACK_LEN      (512 * 1024) /* for the parts: SQLite, OpenSSL, the resolver */
#define MESSAGES_MAX   20           /* written within MESSAGES_MS; further ones are counted */
#define MESSAGES_MS    1000
#define MESSAGE_LEN    200
#define POOL_KEEPS_MAX (256 * 1024) /* octets that a connection's pool keeps between requests */

/* One connection; its thread owns it. */
typedef struct guest_t {
    keeper_hall_t *hall;
    int fd;
    pid_t pid; /* of the peer, for the log */
    apr_pool_t *pool;
    keeper_request_t request;
    unsigned char frame[KEEPER_WIRE_MAX]; /* the request's, then the reply's: may hold keys */
} guest_t;

/* ---- the log: a child that misbehaves must not fill the disk ---- */

/* Nonzero if a message may be written now. @a missed: how many were not before it. */
static int may_say(keeper_hall_t *hall, int *missed)
{
    apr_uint64_t now = keeper_deadline(0);
    int may;
    *missed = 0;
    pthread_mutex_lock(&hall->mutex);
    if (now - hall->messages_since >= MESSAGES_MS) {
        hall->messages_since = now;
        hall->messages = 0;
        *missed = hall->unwritten;
        hall->unwritten = 0;
    }
    may = hall->messages < MESSAGES_MAX;
    hall->messages += may;
    hall->unwritten += !may;
    pthread_mutex_unlock(&hall->mutex);
    return may;
}

__attribute__((format(printf, 4, 0))) static void emit(const keeper_hall_t *hall,
                                                       base_level_t level, const char *tag,
                                                       const char *format, va_list args)
{
    const base_log_t *log = hall->server->log;
    char text[MESSAGE_LEN];
    vsnprintf(text, sizeof(text), format, args);
    log->emit(log->baton, level, tag, text);
}

__attribute__((format(printf, 4, 5))) static void
say_anyway(const keeper_hall_t *hall, base_level_t level, const char *tag, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    emit(hall, level, tag, format, args);
    va_end(args);
}

void keeper_hall_say(keeper_hall_t *hall, base_level_t level, const char *tag, const char *format,
                     ...)
{
    int missed;
    va_list args;
    if (!may_say(hall, &missed))
        return;
    if (missed > 0)
        say_anyway(hall, BASE_LOG_WARNING, "GBA0512", "%d messages before this one were too many",
                   missed);
    va_start(args, format);
    emit(hall, level, tag, format, args);
    va_end(args);
}

/* ---- places ---- */

int keeper_hall_take(keeper_hall_t *hall)
{
    int free_place;
    pthread_mutex_lock(&hall->mutex);
    free_place = hall->connections < hall->server->max_connections;
    hall->connections += free_place;
    pthread_mutex_unlock(&hall->mutex);
    return free_place;
}

static void place_leave(keeper_hall_t *hall)
{
    pthread_mutex_lock(&hall->mutex);
    hall->connections--;
    pthread_cond_signal(&hall->left);
    pthread_mutex_unlock(&hall->mutex);
}

/* The calling thread is about to end. It joins the one that ended before it, so that at most one
 * is waiting to be joined. */
static void thread_leave(keeper_hall_t *hall)
{
    pthread_t before;
    int some;
    pthread_mutex_lock(&hall->mutex);
    before = hall->gone;
    some = hall->some_gone;
    hall->gone = pthread_self();
    hall->some_gone = 1;
    pthread_mutex_unlock(&hall->mutex);
    if (some)
        pthread_join(before, NULL);
    place_leave(hall);
}

/* ---- one connection ---- */

/* Nonzero if there is something to read. @a last is set if the lifeline has ended: what came until
 * then is still answered. */
static int wait_for_request(const guest_t *guest, int *last)
{
    const keeper_server_t *server = guest->hall->server;
    struct pollfd waiting[2] = {{.fd = guest->fd, .events = POLLIN}, {.fd = server->lifeline}};
    apr_uint64_t until = keeper_deadline(server->idle_ms);
    for (;;) {
        int left = server->idle_ms > 0 ? keeper_deadline_left(until) : -1;
        int rc = poll(waiting, 2, left);
        *last = rc > 0 && waiting[1].revents != 0;
        if (rc > 0)
            return waiting[0].revents != 0;
        if (rc == 0 || errno != EINTR)
            return 0;
    }
}

/* Nonzero if the frame is there and sound; else the connection is to be cut off. */
static int read_request(guest_t *guest, apr_size_t *len)
{
    apr_uint64_t deadline = keeper_deadline(guest->hall->server->exchange_ms);
    keeper_frame_t outcome = keeper_frame_read(guest->fd, guest->frame, len, deadline);
    base_span_t frame = {guest->frame, *len};
    switch (outcome) {
    case KEEPER_FRAME_WHOLE:
        if (keeper_request_decode(&guest->request, frame))
            return 1;
        keeper_hall_say(guest->hall, BASE_LOG_ERR, "GBA0505",
                        "process %ld asked what cannot be asked: cut off", (long)guest->pid);
        break;
    case KEEPER_FRAME_NONSENSE:
        keeper_hall_say(guest->hall, BASE_LOG_ERR, "GBA0506",
                        "process %ld does not speak the protocol: cut off", (long)guest->pid);
        break;
    case KEEPER_FRAME_LATE:
        keeper_hall_say(guest->hall, BASE_LOG_WARNING, "GBA0507",
                        "process %ld did not end its request in time: cut off", (long)guest->pid);
        break;
    case KEEPER_FRAME_BROKEN:
        keeper_hall_say(guest->hall, BASE_LOG_INFO, "GBA0513",
                        "process %ld went within its request", (long)guest->pid);
        break;
    case KEEPER_FRAME_END:
        break;
    }
    return 0;
}

static int write_reply(guest_t *guest, apr_size_t len)
{
    apr_uint64_t deadline = keeper_deadline(guest->hall->server->exchange_ms);
    keeper_frame_t outcome = keeper_frame_write(guest->fd, guest->frame, len, deadline);
    if (outcome == KEEPER_FRAME_WHOLE)
        return 1;
    if (outcome == KEEPER_FRAME_LATE)
        keeper_hall_say(guest->hall, BASE_LOG_WARNING, "GBA0514",
                        "process %ld did not take its answer in time: cut off", (long)guest->pid);
    else
        keeper_hall_say(guest->hall, BASE_LOG_INFO, "GBA0515",
                        "process %ld went before it had its answer", (long)guest->pid);
    return 0;
}

/* One exchange, of which nothing is left behind. Nonzero if another may follow. */
static int exchange(guest_t *guest)
{
    const keeper_server_t *server = guest->hall->server;
    apr_size_t len = 0;
    int go_on = read_request(guest, &len);
    if (go_on) {
        base_secret_wipe(guest->frame, len);
        len = keeper_answer_frame(guest->frame, server->parts, &guest->request, server->log,
                                  guest->pool);
        BASE_FAULT("reply-before");
        go_on = write_reply(guest, len);
        BASE_FAULT("reply-after");
    }
    base_secret_wipe(guest->frame, len);
    base_secret_wipe(&guest->request, sizeof(guest->request));
    apr_pool_clear(guest->pool);
    return go_on;
}

static void guest_free(guest_t *guest)
{
    close(guest->fd);
    if (guest->pool)
        apr_pool_destroy(guest->pool);
    free(guest);
}

/* Nonzero if the peer knows the word: what is executed has not inherited it. It comes with the
 * connection, so that nobody who does not know it can hold a place for long. */
static int is_one_of_us(const guest_t *guest)
{
    const keeper_server_t *server = guest->hall->server;
    unsigned char word[KEEPER_WORD_LEN] = {0};
    keeper_frame_t read;
    int good;
    if (!server->word)
        return 1;
    read = keeper_frame_read_word(guest->fd, word, keeper_deadline(server->exchange_ms));
    good = read == KEEPER_FRAME_WHOLE && base_secret_equal(word, server->word, sizeof(word));
    base_secret_wipe(word, sizeof(word));
    if (!good && (read == KEEPER_FRAME_WHOLE || read == KEEPER_FRAME_LATE))
        keeper_hall_say(guest->hall, BASE_LOG_ERR, "GBA1360",
                        "process %ld runs as a user who may ask, but is none of httpd's: cut off",
                        (long)guest->pid);
    return good;
}

static void *guest_serve(void *baton)
{
    guest_t *guest = baton;
    keeper_hall_t *hall = guest->hall;
    int last = !is_one_of_us(guest);
    while (!last && wait_for_request(guest, &last) && exchange(guest))
        continue;
    guest_free(guest);
    thread_leave(hall);
    return NULL;
}

/* ---- its thread ---- */

static int no_memory(int status)
{
    (void)status;
    abort();
}

/* A pool that shares no allocator with any other, so that its thread needs no lock. */
static apr_pool_t *pool_make(void)
{
    apr_pool_t *pool = NULL;
    if (apr_pool_create_unmanaged_ex(&pool, no_memory, NULL) != APR_SUCCESS)
        return NULL;
    apr_allocator_max_free_set(apr_pool_allocator_get(pool), POOL_KEEPS_MAX);
    return pool;
}

/* Signals are for the accepting thread. */
static int thread_start(guest_t *guest)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, before;
    int rc = pthread_attr_init(&attr);
    if (rc != 0)
        return rc;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_attr_setstacksize(&attr, STACK_LEN);
    if (rc == 0)
        rc = pthread_create(&thread, &attr, guest_serve, guest);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return rc;
}

void keeper_guest_enter(keeper_hall_t *hall, int fd, pid_t pid)
{
    int rc = ENOMEM;
    guest_t *guest = calloc(1, sizeof(*guest));
    if (guest) {
        guest->hall = hall;
        guest->fd = fd;
        guest->pid = pid;
        guest->pool = pool_make();
        rc = guest->pool ? thread_start(guest) : ENOMEM;
    }
    if (rc == 0)
        return;
    keeper_hall_say(hall, BASE_LOG_ERR, "GBA0503", "no thread for a connection: error %d", rc);
    if (guest)
        guest_free(guest);
    else
        close(fd);
    place_leave(hall);
}
