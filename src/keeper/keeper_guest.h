/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_guest.h
 * One connection of the keeper's server, with its thread, and what all of them
 * share. Private to the server.
 */
#ifndef keeper_guest_h
#define keeper_guest_h

#include <pthread.h>
#include "keeper/keeper_server.h"

/** What all threads of a server share. */
typedef struct keeper_hall_t {
    const keeper_server_t *server;
    pthread_mutex_t mutex;       /**< guards what follows */
    pthread_cond_t left;         /**< a connection has gone */
    int connections;             /**< with those that are about to get a thread */
    pthread_t gone;              /**< a thread that has ended but for being joined */
    int some_gone;               /**< nonzero: there is one */
    apr_uint64_t messages_since; /**< monotonic ms; start of the current span of messages */
    int messages;                /**< written in that span */
    int unwritten;               /**< too many to be written */
} keeper_hall_t;

/** Logs. Bounded in time: a child that misbehaves must not fill the disk; what was left out is
 *  counted in a message of its own. */
__attribute__((format(printf, 4, 5))) void
keeper_hall_say(keeper_hall_t *hall, base_level_t level, const char *tag, const char *format, ...);

/** Takes a place for a connection. Nonzero if there was one. */
int keeper_hall_take(keeper_hall_t *hall);

/** Serves the connection @a fd, which it takes over, in a thread that owns the place taken for it;
 *  gives both back if there can be no thread.
 *  @param pid of the peer, for the log */
void keeper_guest_enter(keeper_hall_t *hall, int fd, pid_t pid);

#endif
