/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_records.h
 * The ledger as an operator reads it: beside the keeper, through a connection
 * that cannot write, and in pieces. Each piece is read in one moment and then
 * handed over, so that neither much memory is used nor a writer or the
 * write-ahead log kept waiting, however long whoever gets the rows takes.
 * One thread at a time.
 */
#ifndef keeper_records_h
#define keeper_records_h

#include "keeper/keeper_ledger.h"

/** A ledger that is being read. Closed with its pool. */
typedef struct keeper_records_t keeper_records_t;

/** Which rows of the audit trail. */
typedef enum keeper_trail_t {
    KEEPER_TRAIL_ALL,
    KEEPER_TRAIL_DECISIONS, /**< issued, stored, refused */
    KEEPER_TRAIL_ALARMS     /**< what an operator should look at */
} keeper_trail_t;

/** What is asked for. NULL: anything. Texts belong to the caller. */
typedef struct keeper_filter_t {
    const char *subscriber; /**< his identity in the ledger, one of the UE identities under which he
                                 asked, or his pseudonym */
    const char *state;      /**< of certificates */
    const char *profile;
    const char *serial;   /**< lower-case hex */
    int has_from;         /**< nonzero: issued, or decided, at or after from */
    int has_to;           /**< nonzero: and before to */
    apr_int64_t from;     /**< seconds since 1970 UTC */
    apr_int64_t to;       /**< likewise */
    keeper_trail_t trail; /**< of audit rows */
    int with_trail;       /**< nonzero: certificates come with what the audit trail says of them */
} keeper_filter_t;

/** A certificate. Texts and octets live as long as the call that gets it. */
typedef struct keeper_record_t {
    apr_int64_t id;
    const char *serial;    /**< lower-case hex */
    const char *state;     /**< keeper_state_text() */
    const char *identity;  /**< the subscriber */
    const char *pseudonym; /**< the subject's common name */
    const char *profile;
    const char *btid;
    apr_int64_t key_usage; /**< PKI_USAGE_ mask */
    apr_int64_t not_before;
    apr_int64_t not_after;
    apr_int64_t issued_at;
    base_span_t spki_sha256;
    base_span_t profile_sha256; /**< data is NULL if it was not recorded */
    base_span_t issuer_sha256;  /**< of the CA's certificate */
    base_span_t der;
    apr_int64_t revoked_at;        /**< if there is a revocation_reason */
    const char *revocation_reason; /**< NULL: not revoked */
    int blocked;                   /**< nonzero: its key is blocked */
    apr_int64_t issued_rows;       /**< with_trail: audit rows that agree with this one */
    apr_int64_t superseded_rows;   /**< with_trail: that say so of it */
    apr_int64_t revoked_rows;      /**< likewise */
} keeper_record_t;

/** An audit row, and how often a refusal came again. */
typedef struct keeper_trail_row_t {
    keeper_audit_row_t row;
    apr_int64_t count;   /**< 1, or how often in all */
    apr_int64_t last_at; /**< when last; row.at if count is 1 */
} keeper_trail_row_t;

/** A key that is certified no more. */
typedef struct keeper_blocked_t {
    base_span_t spki_sha256;
    apr_int64_t at;
    const char *reason;
} keeper_blocked_t;

/** Get a row each. Nonzero: the next one, please. */
typedef int (*keeper_record_visit_t)(void *visitor, const keeper_record_t *record);
typedef int (*keeper_trail_visit_t)(void *visitor, const keeper_trail_row_t *row);
typedef int (*keeper_blocked_visit_t)(void *visitor, const keeper_blocked_t *key);

/**
 * Opens a ledger for reading. Makes no file, and converts nothing.
 * @return BASE_OK or BASE_STORE_DOWN with what to do about it
 */
base_result_t keeper_records_open(keeper_records_t **out, const char *path, apr_pool_t *pool);

/** Every certificate that the filter lets through, in the order in which they were recorded, up to
 *  the last one that was there at the call. */
base_result_t keeper_records_certificates(keeper_records_t *records, const keeper_filter_t *filter,
                                          keeper_record_visit_t visit, void *visitor);

/** Audit rows likewise. */
base_result_t keeper_records_audit(keeper_records_t *records, const keeper_filter_t *filter,
                                   keeper_trail_visit_t visit, void *visitor);

/** The UE identities of a subscriber, texts in @a pool, in alphabetical order. */
base_result_t keeper_records_ue_ids(keeper_records_t *records, const char *identity,
                                    apr_array_header_t **ue_ids, apr_pool_t *pool);

/** Every blocked key, in the order of their hashes. */
base_result_t keeper_records_blocked(keeper_records_t *records, keeper_blocked_visit_t visit,
                                     void *visitor);

#endif
