/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_audit.h
 * The audit trail: rows that are only ever added, each with a hash over its
 * fields and the hash of the row before it by the same writer. A writer is one
 * open ledger; each has a chain of its own, so that writers need not agree on
 * an order. The CA's key signs the ends of the chains from time to time: what
 * stands before a signed end cannot be changed, left out or added to unseen.
 */
#ifndef keeper_audit_h
#define keeper_audit_h

#include "base/base_env.h"
#include "pki/pki_cert.h"
#include "pki/pki_policy.h"

#define KEEPER_HASH_LEN   32 /**< octets of SHA-256 */
#define KEEPER_WRITER_LEN 32 /**< characters of a writer's name: 128 random bits in hex */

/** The ledger, keeper_ledger.h. */
typedef struct keeper_ledger_t keeper_ledger_t;

/** What a row is about. */
typedef enum keeper_event_t {
    KEEPER_EVENT_ISSUED,     /**< a new certificate was given out */
    KEEPER_EVENT_STORED,     /**< the one that the ledger held was given out again */
    KEEPER_EVENT_REFUSED,    /**< nothing was given out; reason says why */
    KEEPER_EVENT_SUPERSEDED, /**< a certificate was replaced by that of the next row */
    KEEPER_EVENT_CONFLICT,   /**< who asked in the row before asked for this subscriber's key; the
                                B-TID here is his */
    KEEPER_EVENT_REVOKED,    /**< an operator withdrew a certificate; reason is RFC 5280 5.3.1's */
    KEEPER_EVENT_BLOCKED,    /**< an operator blocked a key; reason is in his words */
    KEEPER_EVENT_UNBLOCKED,  /**< an operator let a blocked key go */
    KEEPER_EVENTS            /**< how many there are; not an event */
} keeper_event_t;

/** "issued" and so on: the column's text; static. NULL if it is none. */
const char *keeper_event_text(keeper_event_t event);

/** A row. Texts belong to somebody else and live as long as the call that gets the row. */
typedef struct keeper_audit_row_t {
    apr_int64_t id;       /**< 1, 2, 3 and so on over all writers */
    const char *writer;   /**< KEEPER_WRITER_LEN characters */
    apr_int64_t at;       /**< seconds since 1970 UTC */
    const char *event;    /**< see keeper_event_text() */
    const char *identity; /**< the subscriber; NULL if there is none */
    const char *btid;     /**< who asked: a B-TID, or "operator:" and a name; a B-TID has an '@' */
    const char *profile;  /**< "" if it is about none */
    const char *reason;   /**< pki_reason_code(), or see keeper_event_t */
    base_span_t spki_sha256; /**< data is NULL if there was no readable key */
    apr_int64_t key_usage;   /**< PKI_USAGE_ mask; 0 if nothing was permitted */
    const char *serial;      /**< lower-case hex; NULL if no certificate is meant */
    apr_int64_t alarm;       /**< 1: an operator should look at it */
    unsigned char hash[KEEPER_HASH_LEN];
    base_span_t profile_sha256; /**< pki_profile_hash() of the profile as it was then; data is NULL
                                   if it is about none, or was written by version 1 of the schema */
} keeper_audit_row_t;

/** The row's hash: SHA-256 over @a before (the hash of the writer's row before it, zeros if there
 *  is none) and every field of the row but its hash. A row with a profile's hash has an encoding,
 *  and so a label, of its own: rows without one are hashed as ever. Nonzero on success. */
int keeper_audit_hash(unsigned char out[KEEPER_HASH_LEN],
                      const unsigned char before[KEEPER_HASH_LEN], const keeper_audit_row_t *row);

/** The end of a chain, and what the CA's key has signed of it. */
typedef struct keeper_head_t {
    char writer[KEEPER_WRITER_LEN + 1];
    apr_int64_t last_id; /**< the row at which it ends */
    unsigned char hash[KEEPER_HASH_LEN];
    apr_int64_t at;           /**< when it was signed, seconds since 1970 UTC */
    apr_size_t signature_len; /**< 0: not signed */
    unsigned char signature[PKI_SIGNATURE_MAX];
} keeper_head_t;

/** The text that is signed: "mod_gba_pki ledger head v1" and a line each of writer, last id, hash
 *  and time. In @a pool. */
const char *keeper_audit_head_text(const keeper_head_t *head, apr_pool_t *pool);

/** Nonzero if the head bears the CA's signature. */
int keeper_audit_head_verify(const keeper_head_t *head, const pki_ca_t *ca, apr_pool_t *pool);

/**
 * Signs the end of every chain that has grown since its end was signed last, after it has checked
 * the rows in between. For the process that owns the CA's key, every hour and when it stops.
 * @param signed_count how many were signed; may be NULL
 * @return BASE_OK, or BASE_STORE_DOWN: a chain is broken (the detail names the row), the ledger
 *         or the signer is down; chains that are whole are signed all the same
 */
base_result_t keeper_audit_sign_heads(keeper_ledger_t *ledger, const pki_ca_t *ca, apr_time_t now,
                                      int *signed_count, apr_pool_t *pool);

/** What was looked at. */
typedef struct keeper_audit_report_t {
    apr_int64_t rows;
    apr_int64_t chains;
    apr_int64_t signed_heads;
} keeper_audit_report_t;

/**
 * Checks everything: that no row is missing, every hash, the end of every chain, and every signed
 * end by the keys of the CAs that are given (of none: signatures are not looked at).
 * @param report counts, as far as it came
 * @return BASE_OK, or BASE_STORE_DOWN with a detail that names the first row at fault
 */
base_result_t keeper_audit_verify(keeper_ledger_t *ledger, const pki_ca_t *const *cas, int ca_count,
                                  keeper_audit_report_t *report, apr_pool_t *pool);

#endif
