/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_ledger.h
 * The ledger: who has which pseudonym, which certificates were issued, which
 * decisions were made. The seam, and the SQLite one behind it.
 */
#ifndef keeper_ledger_h
#define keeper_ledger_h

#include "base/base_env.h"
#include "portal/portal_issuer.h"

#define KEEPER_LEDGER_SCHEMA 1 /**< version of the schema that this program reads and writes */

/** A ledger. A handle may be used by several threads: its callbacks serialize themselves. Every
 *  callback returns BASE_OK or BASE_STORE_DOWN with a detail in its pool; after a failure inside
 *  a transaction only rollback() may follow. */
typedef struct keeper_ledger_t {
    void *baton; /**< the callbacks' first argument */
    /** Starts a write transaction and keeps other threads out of the handle until its end. If it
     *  fails there is no transaction, and nothing to roll back. */
    base_result_t (*begin)(void *baton, apr_pool_t *pool);
    /** Durable when it returns BASE_OK. Ends the transaction in any case. */
    base_result_t (*commit)(void *baton, apr_pool_t *pool);
    /** Undoes; cannot fail in a way that matters. Ends the transaction. */
    void (*rollback)(void *baton);
    /** The subscriber's pseudonym; if there is none yet, @a fresh becomes it. */
    base_result_t (*pseudonym)(void *baton, const char *subscriber, const char *fresh,
                               char out[PKI_PSEUDONYM_LEN + 1], apr_pool_t *pool);
    /** Records an issued certificate. BASE_INTERNAL: its serial is taken; nothing was written and
     *  the transaction goes on, another serial may be tried. */
    base_result_t (*record_issued)(void *baton, const portal_issue_t *question,
                                   const pki_cert_spec_t *spec, base_span_t der, apr_time_t now,
                                   apr_pool_t *pool);
    /** Records a decision (permitted or refused) in the audit table. */
    base_result_t (*record_decision)(void *baton, const portal_issue_t *question, apr_time_t now,
                                     apr_pool_t *pool);
} keeper_ledger_t;

/**
 * Makes the SQLite file and its schema if it is not there, and checks the schema's version.
 * Run once at start, before children fork; leaves nothing open.
 * @return BASE_OK or BASE_STORE_DOWN; the detail says what to do (newer schema, not a database,
 *         no permission)
 */
base_result_t keeper_sqlite_prepare(const char *path, apr_pool_t *pool);

/**
 * Opens a prepared SQLite ledger: WAL, synchronous=FULL (read back and checked), busy timeout.
 * Never carry the handle over a fork.
 * @param pool owns the handle
 */
base_result_t keeper_sqlite_open(keeper_ledger_t **out, const char *path, apr_pool_t *pool);

#endif
