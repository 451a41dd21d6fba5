/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_links.h
 * A child's connections to the keeper: at most so many, kept between
 * exchanges, shared by the child's threads. Private to the client.
 */
#ifndef keeper_links_h
#define keeper_links_h

#include <apr_pools.h>

/** The connections of one process and of those that it forks: each has its own. Thread-safe. */
typedef struct keeper_links_t keeper_links_t;

/** What keeper_links_take() says. */
typedef enum keeper_take_t {
    KEEPER_TAKE_OK,
    KEEPER_TAKE_BUSY,     /**< all are in use */
    KEEPER_TAKE_NO_MEMORY /**< nothing was taken */
} keeper_take_t;

/** Room for @a max connections to the socket at @a path; closed with @a pool. */
keeper_links_t *keeper_links_make(const char *path, int max, apr_pool_t *pool);

/** Each new connection says @a word (KEEPER_WORD_LEN octets, kept by reference) first. Before the
 *  first connection. */
void keeper_links_word(keeper_links_t *links, const unsigned char *word);

/** Takes one place, to be given back. @a fd: a kept connection that its peer has neither closed
 *  nor written to, or -1. */
keeper_take_t keeper_links_take(keeper_links_t *links, int *fd);

/** Gives the place back, with a connection to keep or -1. By the process that took it. */
void keeper_links_give(keeper_links_t *links, int fd);

/** A new connection. @return it, or -1 with errno: ETIMEDOUT if it took until @a deadline
 *  (keeper_deadline()) */
int keeper_links_connect(const keeper_links_t *links, apr_uint64_t deadline);

#endif
