/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_server.h
 * The keeper's main loop: a Unix socket on which only httpd's user is heard, a
 * bounded number of connections, a thread for each, a deadline on each
 * exchange. Knows nothing of httpd: what it answers with is handed to it.
 */
#ifndef keeper_server_h
#define keeper_server_h

#include <sys/types.h>

#include "base/base_env.h"
#include "gba/gba_keysource.h"
#include "portal/portal_issuer.h"

/** What the keeper answers with; the arrays are indexed as in keeper_request_t. */
typedef struct keeper_parts_t {
    const gba_keysource_t *const *sources;
    int source_count;
    /** The issuer of a pair of CA and ledger; NULL if there is no such pair: the numbers are what
     *  a child sent (0 to 65535, any), here and in health(). */
    const portal_issuer_t *(*issuer)(void *baton, int ca, int ledger);
    /** Health of a pair: BASE_OK only if a fixed labelled text was signed and the ledger can be
     *  written. */
    base_result_t (*health)(void *baton, int ca, int ledger, apr_pool_t *pool);
    void *baton;
} keeper_parts_t;

/** How the server runs. Kept by reference. */
typedef struct keeper_server_t {
    int listener;   /**< a bound, listening Unix stream socket */
    int lifeline;   /**< a pipe's read end: its end of file says that all who could ask are gone;
                         the server then returns */
    uid_t peer_uid; /**< who may connect, beside root and the keeper's own user (SO_PEERCRED) */
    int max_connections; /**< more are closed at once */
    int idle_ms;         /**< how long a connection may be silent between requests; 0: for ever */
    int exchange_ms;     /**< how long one frame may take to arrive or to be taken */
    const unsigned char *word; /**< KEEPER_WORD_LEN octets that who connects has to say first; NULL:
                                    none */
    const keeper_parts_t *parts;
    const base_log_t *log;
} keeper_server_t;

/** Serves until the lifeline ends, then lets exchanges that are under way finish (at most
 *  exchange_ms). @return 0; ETIMEDOUT if one did not finish: its thread still uses @a server, the
 *  parts and @a pool, so the process must end by _exit(); or the errno of why it could not serve */
int keeper_server_run(const keeper_server_t *server, apr_pool_t *pool);

#endif
