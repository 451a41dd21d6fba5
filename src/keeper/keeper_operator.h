/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_operator.h
 * What an operator changes in a ledger: certificates are revoked, keys blocked.
 * Each order is one transaction with its audit rows, in the audit chain of the
 * ledger's handle.
 */
#ifndef keeper_operator_h
#define keeper_operator_h

#include "keeper/keeper_ledger.h"

#define KEEPER_KEY_COMPROMISE "keyCompromise" /**< the reason that blocks the key too */

/** Nonzero if @a reason is one for which a certificate may be revoked: RFC 5280 5.3.1 without
 *  certificateHold and removeFromCRL, since what is revoked stays so. */
int keeper_revocation_reason(const char *reason);

/** Their names, for people; static. */
const char *keeper_revocation_reasons(void);

/** An order. Texts belong to the caller. */
typedef struct keeper_order_t {
    keeper_ledger_t *ledger; /**< opened by keeper_sqlite_open() */
    const char *by;          /**< who: "operator:" and a name, no '@' */
    const char *reason;      /**< a keeper_revocation_reason(); of a key in the operator's words */
    apr_time_t now;
} keeper_order_t;

/** What became of it. */
typedef enum keeper_done_t {
    KEEPER_DONE,
    KEEPER_DONE_BEFORE, /**< it was so already: nothing is changed, no row added */
    KEEPER_NO_SUCH,     /**< the ledger does not have it */
    KEEPER_NOT_POSSIBLE /**< its state does not let it */
} keeper_done_t;

/** What was revoked. Texts in the call's pool. */
typedef struct keeper_revoked_t {
    keeper_done_t done;
    const char *serial;
    const char *state;          /**< as it was before; NULL: no such certificate */
    const char *identity;       /**< the subscriber */
    int key_blocked;            /**< nonzero: the key was blocked with it */
    apr_array_header_t *others; /**< const char *: serials of the key's other certificates that are
                                     neither revoked nor out of date */
} keeper_revoked_t;

/** Revokes a certificate that is issued or superseded. BASE_OK or BASE_STORE_DOWN. */
base_result_t keeper_operator_revoke(const keeper_order_t *order,
                                     const unsigned char serial[PKI_SERIAL_LEN],
                                     keeper_revoked_t *out, apr_pool_t *pool);

/** Blocks a key, known or not, or (@a block is 0) lets it go. BASE_OK or BASE_STORE_DOWN. */
base_result_t keeper_operator_key(const keeper_order_t *order,
                                  const unsigned char spki_sha256[KEEPER_HASH_LEN], int block,
                                  keeper_done_t *done, apr_pool_t *pool);

#endif
