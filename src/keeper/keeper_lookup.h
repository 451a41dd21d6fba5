/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_lookup.h
 * What stands between the children and a key source, once for the whole
 * server: one call at a time per B-TID and NAF_Id (who asks meanwhile waits for
 * that answer), a cap on calls under way, a token bucket for look-ups that find
 * nothing, and a short memory of what was not found. A found association is
 * written to the shared table before anybody hears of it.
 */
#ifndef keeper_lookup_h
#define keeper_lookup_h

#include "base/base_env.h"
#include "gba/gba_assoc.h"
#include "gba/gba_keysource.h"
#include "portal/portal_meter.h"

#define KEEPER_UNKNOWN_MEMORY 1024 /**< unknown B-TIDs remembered; the oldest goes first */

/** How look-ups are limited. Everything is kept by reference. */
typedef struct keeper_lookup_config_t {
    const gba_keysource_t *source;
    const gba_assoc_store_t *assocs; /**< where found associations go; NULL: nowhere */
    const base_clock_t *clock;
    apr_uint32_t rate;        /**< look-ups per second that may find nothing, whatever the source
                                   says; also the burst. Those for a known key
                                   (gba_lookup_t.again) and those that reach nobody
                                   (base_result_t.unreached) do not count */
    apr_uint32_t in_flight;   /**< calls of the source under way at once; as many for known keys */
    apr_uint32_t remember_ms; /**< how long an unknown B-TID is answered from memory */
    portal_meter_t *meter;    /**< counts questions by answer, and times calls; may be NULL */
} keeper_lookup_config_t;

/**
 * A key source that limits another. Over a limit it answers BASE_KEYSOURCE_DOWN: a challenge would
 * send every UE into bootstrapping. In @a pool, which must outlive its last caller; thread-safe.
 * @return NULL if the system has no mutex for it
 */
gba_keysource_t *keeper_lookup_make(apr_pool_t *pool, const keeper_lookup_config_t *config);

#endif
