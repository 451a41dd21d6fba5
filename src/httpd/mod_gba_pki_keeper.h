/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_keeper.h
 * Starting and watching the keeper. At start, and at each restart, the parent
 * forks a warden, which belongs to nobody's process table but init's; the
 * warden forks the keeper, logs its end and starts it again, ever later if it
 * keeps dying. The parent and all children of one configuration hold one end
 * of a pipe, the lifeline; when the last of them is gone, keeper and warden go.
 * So a graceful restart has two keepers for as long as old children serve.
 *
 *   parent ── fork ─► warden ── fork ─► keeper: CA key, ledger, key sources
 *     │ lifeline (inherited)              ▲
 *     └── fork ─► children ── socket ─────┘
 */
#ifndef mod_gba_pki_keeper_h
#define mod_gba_pki_keeper_h

#include "httpd/mod_gba_pki_config.h"
#include "keeper/keeper_client.h"

#define MOD_GBA_PKI_SOCKET_ROOM 24 /**< octets that a socket's own name adds to its folder's */

/** check_config: what would keep the keeper from starting, as far as it can be told without making
 *  anything. OK, or HTTP_INTERNAL_SERVER_ERROR after the reason was logged. */
int mod_gba_pki_keeper_check(apr_pool_t *pconf, server_rec *s);

/** post_config, second pass: starts warden and keeper and waits until the keeper listens.
 *  @return OK, or HTTP_INTERNAL_SERVER_ERROR after the reason was logged */
int mod_gba_pki_keeper_start(apr_pool_t *pconf, server_rec *s);

/** child_init: the child's client. Static afterwards. */
void mod_gba_pki_keeper_child(apr_pool_t *pchild, server_rec *s);

/** This child's client; NULL before child_init. */
keeper_client_t *mod_gba_pki_keeper_client(void);

/** How many exchanges a child may have under way at once, and how many connections it may keep:
 *  GBAKeeperThreads, or a share of its threads. */
int mod_gba_pki_keeper_share(const mod_gba_pki_srv_t *srv);

/**
 * check_config and post_config: runs @a work in a short-lived process, so that what it reads (keys)
 * was never in the parent's memory, and takes over its result.
 * @param as   take this configuration's keeper's user first, where httpd starts as root; NULL: stay
 * @param pool for the detail
 */
base_result_t mod_gba_pki_apart(base_result_t (*work)(void *baton, apr_pool_t *pool), void *baton,
                                const mod_gba_pki_srv_t *as, apr_pool_t *pool);

/** Takes the keeper's user and group (GBAKeeperUser, else httpd's User and Group). Nonzero if this
 *  process then has no way back. Does nothing, successfully, if not root. */
int mod_gba_pki_drop_root(const mod_gba_pki_srv_t *srv);

#endif
