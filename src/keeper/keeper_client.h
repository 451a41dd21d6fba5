/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_client.h
 * A child's side of the keeper: the seams of key source and issuer, answered
 * over the socket. Connections are kept and shared by the child's threads; one
 * exchange has one deadline, from connecting to the last octet.
 */
#ifndef keeper_client_h
#define keeper_client_h

#include "gba/gba_keysource.h"
#include "portal/portal_issuer.h"

/** A client. Thread-safe. Never carry it over a fork. */
typedef struct keeper_client_t keeper_client_t;

/**
 * A client for the socket at @a path; connects when first asked.
 * @param deadline_ms bound on one exchange
 * @param max_busy    exchanges under way at once from this child; more are answered "down" at once,
 *                    so that a slow keeper never takes all of a child's threads
 */
keeper_client_t *keeper_client_make(const char *path, int deadline_ms, int max_busy,
                                    apr_pool_t *pool);

/** The client says @a word (KEEPER_WORD_LEN octets kept by reference) first on
 *  each connection. Before it is asked anything. */
void keeper_client_word(keeper_client_t *client, const unsigned char *word);

/** A key source that asks for source number @a source. Down, slow or nonsense is
 *  BASE_KEYSOURCE_DOWN. In @a pool; as thread-safe as the client. */
gba_keysource_t *keeper_client_source(keeper_client_t *client, int source, apr_pool_t *pool);

/** An issuer that asks for CA @a ca and ledger @a ledger. Down, slow or nonsense is
 *  BASE_STORE_DOWN; an exchange that broke off after the request was sent is not repeated. */
portal_issuer_t *keeper_client_issuer(keeper_client_t *client, int ca, int ledger,
                                      apr_pool_t *pool);

/** Asks for the health of a pair: BASE_OK or BASE_STORE_DOWN. */
base_result_t keeper_client_health(keeper_client_t *client, int ca, int ledger, apr_pool_t *pool);

#endif
