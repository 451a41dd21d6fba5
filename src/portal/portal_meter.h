/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file portal_meter.h
 * What the portal counts, in one block of shared memory: children and keeper
 * write it, whoever shows the status reads it. A pointer to it is handed to
 * each part that counts; NULL counts nothing. Thread-safe over all processes.
 */
#ifndef portal_meter_h
#define portal_meter_h

#include "base/base_meter.h"
#include "base/base_result.h"
#include "pki/pki_decide.h"

/** What has a duration. */
typedef enum portal_timed_t {
    PORTAL_TIMED_LOOKUP, /**< one call of a key source */
    PORTAL_TIMED_SIGN,   /**< one signature of a CA over a certificate, check included */
    PORTAL_TIMED_COMMIT, /**< one commit of a ledger */
    PORTAL_TIMED         /**< how many there are */
} portal_timed_t;

/** The block. All zero at first; survives restarts, as long as the program's layout of it is the
 *  same. Members are written through the functions below only. */
typedef struct portal_meter_t {
    base_counter_t challenges[2];               /**< fresh ones; those that say stale=true */
    base_counter_t authentications[BASE_CODES]; /**< requests in a GBA location, by outcome */
    base_counter_t
        failures[BASE_CODES];           /**< requests that failed later, or without one, likewise */
    base_counter_t lookups[BASE_CODES]; /**< what the keeper was asked, by what it answered */
    base_counter_t decisions[PKI_REASONS]; /**< recorded decisions; NONE are permits */
    base_names_t issued;                   /**< certificates given to UEs, by profile */
    base_counter_t restarts;               /**< keepers that were started because one had died */
    base_histogram_t timed[PORTAL_TIMED];  /**< BASE_SCALE_SECONDS */
    base_histogram_t group;                /**< jobs in one commit; BASE_SCALE_NUMBER */
} portal_meter_t;

/** Tells one layout of the block from another: differs when anything in it was added or moved. */
apr_uint64_t portal_meter_layout(void);

/** A request in a location that authenticates was decided upon. @a challenged: it was answered by a
 *  challenge. Once for each transaction. */
void portal_meter_authenticated(portal_meter_t *meter, base_code_t code, int challenged);

/** A request failed after it authenticated, or where none can. Once for each transaction. */
void portal_meter_failed(portal_meter_t *meter, base_code_t code);

/** A question for a key was answered. */
void portal_meter_looked_up(portal_meter_t *meter, base_code_t code);

/** A decision was recorded, and is told. @a profile: of the certificate if it permits. */
void portal_meter_decided(portal_meter_t *meter, const pki_decision_t *decision,
                          const char *profile);

/** Something that began at @a began (base_meter_now()) has ended. */
void portal_meter_timed(portal_meter_t *meter, portal_timed_t what, apr_uint64_t began);

/** A commit of @a jobs jobs has succeeded. */
void portal_meter_grouped(portal_meter_t *meter, int jobs);

/** A keeper died and is started again. */
void portal_meter_restarted(portal_meter_t *meter);

#endif
