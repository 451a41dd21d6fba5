/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_verify.h
 * Is the ledger what its writers wrote? Everything in it is held against
 * everything else, and against the CAs: their signatures are what somebody who
 * can write the file cannot make.
 */
#ifndef keeper_verify_h
#define keeper_verify_h

#include "keeper/keeper_records.h"

/** Something that is not as it should be. Texts live as long as the call that gets it. */
typedef struct keeper_finding_t {
    const char *what;  /**< "file", "schema", "audit", "certificate", "key" */
    const char *which; /**< a name, a row's number, a serial, a hash; "" if none is meant */
    const char *text;  /**< what is wrong with it */
} keeper_finding_t;

/** Who is told. */
typedef struct keeper_verify_t {
    const pki_ca_t *const *cas; /**< all that have signed; they need no key */
    int ca_count;               /**< 0: no signature is looked at, and certificates are not read */
    void (*found)(void *baton, const keeper_finding_t *finding);
    void *baton; /**< of found */
} keeper_verify_t;

/** What was looked at. */
typedef struct keeper_verify_report_t {
    apr_int64_t findings;
    apr_int64_t certificates;
    keeper_audit_report_t audit;
    apr_int64_t unsigned_rows; /**< audit rows behind the last signed end of their chain: nothing
                                    vouches for them yet */
} keeper_verify_report_t;

/**
 * Checks the file and its schema, every chain of the audit trail and the signatures of their ends,
 * every certificate against its row, its issuer and the audit trail, and the blocked keys. A keeper
 * may go on writing meanwhile.
 * @return BASE_OK if all was looked at (whatever was found), or BASE_STORE_DOWN
 */
base_result_t keeper_verify(keeper_records_t *records, const keeper_verify_t *how,
                            keeper_verify_report_t *report, apr_pool_t *pool);

#endif
