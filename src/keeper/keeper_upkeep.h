/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_upkeep.h
 * A ledger's file as a whole: converted from an older version, copied while it
 * is in use.
 */
#ifndef keeper_upkeep_h
#define keeper_upkeep_h

#include "keeper/keeper_records.h"

/** What an upgrade did. */
typedef struct keeper_upgrade_t {
    int from;                 /**< version that was found */
    int to;                   /**< and left; the same if there was nothing to do */
    apr_int64_t certificates; /**< how many the ledger holds */
    apr_int64_t rows;         /**< of the audit trail */
} keeper_upgrade_t;

/**
 * Converts a ledger to KEEPER_LEDGER_SCHEMA, in one transaction: it is done, or nothing is. Nobody
 * else may have the file open meanwhile. Before the commit the result is compared with what a new
 * ledger would be.
 * @return BASE_OK or BASE_STORE_DOWN: in use, newer, not a ledger, damaged, no room
 */
base_result_t keeper_ledger_upgrade(keeper_upgrade_t *out, const char *path, apr_pool_t *pool);

/** What was copied. */
typedef struct keeper_backup_t {
    apr_int64_t octets;       /**< of the copy */
    int version;              /**< of its schema */
    apr_int64_t certificates; /**< in it */
    apr_int64_t rows;         /**< of its audit trail */
    int copy_failed;          /**< nonzero: what failed is the copy, not the ledger */
} keeper_backup_t;

/**
 * Copies a ledger as it is at one moment, of this version or an older one, while keepers write it.
 * The copy has mode 0600, is checked (integrity, and of this version the audit chains) and on the
 * disk before it gets its name, which must be free.
 * @return BASE_OK or BASE_STORE_DOWN; on failure there is no file of that name
 */
base_result_t keeper_ledger_backup(keeper_backup_t *out, const char *path, const char *copy,
                                   apr_pool_t *pool);

#endif
