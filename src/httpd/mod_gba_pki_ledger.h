/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_ledger.h
 * Making the ledger at start, as the user that will write it.
 */
#ifndef mod_gba_pki_ledger_h
#define mod_gba_pki_ledger_h

#include <apr_pools.h>

#include "base/base_result.h"

/**
 * keeper_sqlite_prepare(), never as root: where httpd starts as root, in a short-lived process that
 * has taken httpd's User and Group. The ledger's folder belongs to that user, and what stands in a
 * folder of somebody else's is nothing that root should open or give away.
 * @param pool for the detail
 * @return as keeper_sqlite_prepare(), or BASE_INTERNAL
 */
base_result_t mod_gba_pki_ledger_prepare(const char *path, apr_pool_t *pool);

#endif
