/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_ledger.h
 * The ledger: who has which pseudonym, which certificates were issued, which
 * decisions were made. The seam, and the SQLite one behind it.
 */
#ifndef keeper_ledger_h
#define keeper_ledger_h

#include <apr_tables.h>
#include "base/base_env.h"
#include "keeper/keeper_audit.h"
#include "keeper/keeper_group.h"
#include "portal/portal_issuer.h"

#define KEEPER_LEDGER_SCHEMA 2 /**< version of the schema that this program reads and writes */

/** The states of a certificate, and how it may move: pending to issued or abandoned, issued to
 *  revoked or superseded, superseded to revoked. */
typedef enum keeper_state_t {
    KEEPER_STATE_PENDING,    /**< recorded before it is signed; this program signs first */
    KEEPER_STATE_ISSUED,     /**< given out */
    KEEPER_STATE_REVOKED,    /**< withdrawn */
    KEEPER_STATE_SUPERSEDED, /**< the same key has a newer one of the same kind */
    KEEPER_STATE_ABANDONED,  /**< never given out */
    KEEPER_STATES            /**< how many there are; not a state */
} keeper_state_t;

/** What is asked for. Texts belong to the caller. */
typedef struct keeper_claim_t {
    const char *subscriber;
    const char *btid;
    const char *ue_ids; /**< his UE identities, each followed by a NUL, ue_ids_len octets in all */
    apr_size_t ue_ids_len;
    const char *profile;
    unsigned char profile_sha256[KEEPER_HASH_LEN]; /**< pki_profile_hash(), for certificates and
                                                      audit rows; zeros if profile is "" */
    int counts;                                    /**< nonzero: held and recent are asked for */
    apr_uint32_t issued_max;                       /**< as in the profile: for recent and room_at */
    apr_interval_time_t issued_window;             /**< likewise */
    unsigned usage;                                /**< one PKI_USAGE_ bit */
    int has_key;                                   /**< 0: only the pseudonym is of interest */
    unsigned char spki_sha256[KEEPER_HASH_LEN];    /**< if has_key */
    base_span_t issuer;                            /**< the CA's certificate, DER */
    unsigned char issuer_sha256[KEEPER_HASH_LEN];
    apr_time_t now;
} keeper_claim_t;

/** What the ledger holds of that. */
typedef struct keeper_holding_t {
    char pseudonym[PKI_PSEUDONYM_LEN + 1]; /**< the subscriber's; "" if he has none yet */
    char owner[GBA_BTID_MAX + 1]; /**< another subscriber for whom this key was certified; or "" */
    portal_issued_t issued; /**< the certificate in state issued of this subscriber, key, profile,
                                 usage and CA, valid or not; der_len is 0 if there is none */
    apr_time_t not_before;  /**< of that certificate, as is notAfter */
    apr_time_t not_after;
    int same_profile;    /**< nonzero: it was issued when the profile was as the claim has it */
    int blocked;         /**< nonzero: the key may not be certified any more */
    apr_uint32_t held;   /**< certificates of subscriber and profile in state issued that are valid
                              now, whatever key and CA; 0 if claim.counts is 0, as are the next */
    apr_uint32_t recent; /**< such certificates, in any state, issued within the claim's window; 0
                            if it has none */
    apr_time_t room_at;  /**< when recent will be below issued_max; 0 if it is */
} keeper_holding_t;

/** Gets a row; its texts live as long as the call. Nonzero: the next one, please. */
typedef int (*keeper_row_visit_t)(void *visitor, const keeper_audit_row_t *row);

/** A ledger. Thread-safe. Every callback returns BASE_OK or BASE_STORE_DOWN with a detail in its
 *  pool; what else may come is said. */
struct keeper_ledger_t {
    void *baton; /**< the callbacks' first argument */
    /** Runs a job in a transaction, which it may share with other threads' jobs; see
     *  keeper_group_run(). */
    base_result_t (*run)(void *baton, keeper_job_t *job);
    /** What the ledger held a moment ago, without a transaction: for a guess, which a job must
     *  check by find(). Waits for no writer. */
    base_result_t (*peek)(void *baton, const keeper_claim_t *claim, keeper_holding_t *out,
                          apr_pool_t *pool);
    /** Every row of @a writer (NULL: of all) with an id greater than @a after, in order. */
    base_result_t (*rows)(void *baton, const char *writer, apr_int64_t after,
                          keeper_row_visit_t visit, void *visitor, apr_pool_t *pool);
    /** The ends of all chains, and those that were signed, as arrays of keeper_head_t in @a pool,
     *  the latter by ascending id; either may be NULL. */
    base_result_t (*heads)(void *baton, apr_array_header_t **ends, apr_array_header_t **signed_ends,
                           apr_pool_t *pool);

    /* Inside a job of run() only. */

    /** What the ledger holds now. */
    base_result_t (*find)(void *baton, const keeper_claim_t *claim, keeper_holding_t *out,
                          apr_pool_t *pool);
    /** The subscriber's pseudonym; if there is none yet, @a fresh becomes it. */
    base_result_t (*name)(void *baton, const keeper_claim_t *claim, const char *fresh,
                          char out[PKI_PSEUDONYM_LEN + 1], apr_pool_t *pool);
    /** Keeps the claim's UE identities, so that the subscriber can be found by each of them. */
    base_result_t (*note_ue_ids)(void *baton, const keeper_claim_t *claim, apr_pool_t *pool);
    /** Adds a certificate in state issued. BASE_INTERNAL: its serial is taken. */
    base_result_t (*add)(void *baton, const keeper_claim_t *claim, const pki_cert_spec_t *spec,
                         base_span_t der, apr_pool_t *pool);
    /** Moves a certificate from one state to another; down if it is not in the former. */
    base_result_t (*move)(void *baton, const unsigned char serial[PKI_SERIAL_LEN],
                          keeper_state_t from, keeper_state_t to, apr_pool_t *pool);
    /** Adds a row to the audit trail; sets its id, writer and hash. */
    base_result_t (*audit)(void *baton, keeper_audit_row_t *row, apr_pool_t *pool);
    /** If a refusal like @a row was added within the last minute (same subscriber, profile, its
     *  hash, and reason; same key if the reason is KEY_TAKEN or KEY_BLOCKED; without an identity
     * the B-TID says who), counts it there and sets *counted. */
    base_result_t (*count)(void *baton, const keeper_audit_row_t *row, int *counted,
                           apr_pool_t *pool);
    /** Adds a signed head. */
    base_result_t (*add_head)(void *baton, const keeper_head_t *head, apr_pool_t *pool);
    /** Writes something that means nothing: can it be written? */
    base_result_t (*touch)(void *baton, apr_time_t now, apr_pool_t *pool);
};

/** "issued" and so on: the column's text; static. NULL if it is none. */
const char *keeper_state_text(keeper_state_t state);

/**
 * Makes the SQLite file and its schema if it is not there, and checks the schema's version.
 * Run once at start, before children fork; leaves nothing open.
 * @return BASE_OK or BASE_STORE_DOWN; the detail says what to do (newer schema, not a database,
 *         no permission)
 */
base_result_t keeper_sqlite_prepare(const char *path, apr_pool_t *pool);

/**
 * What keeper_sqlite_prepare() would find wrong: folder or file may not be written; a file that is
 * there is no database, not a ledger, or of an older or newer version. Makes and locks nothing, so
 * it may be asked while others use the file. A file that is not there, and one with a write-ahead
 * log (somebody uses it, or did when it was killed), is passed if it may be written. As the user
 * that will write it.
 * @return BASE_OK, or BASE_STORE_DOWN with a detail in @a pool
 */
base_result_t keeper_sqlite_examine(const char *path, apr_pool_t *pool);

/**
 * Opens a prepared SQLite ledger: WAL, synchronous=FULL (read back and checked), busy timeout,
 * group commit over all threads that use the handle. Never carry the handle over a fork.
 * @param pool owns the handle
 */
base_result_t keeper_sqlite_open(keeper_ledger_t **out, const char *path, apr_pool_t *pool);

/** keeper_group_meter() for the ledger's group: right after it was opened. */
void keeper_sqlite_meter(keeper_ledger_t *ledger, portal_meter_t *meter, base_gauge_t *up);

#endif
