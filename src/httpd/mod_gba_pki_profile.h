/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_profile.h
 * <GBAProfile> sections, which of them a location hands out (GBAProfiles), and
 * what a location lays down for all of them (GBAQuota, GBARenewBefore).
 */
#ifndef mod_gba_pki_profile_h
#define mod_gba_pki_profile_h

#include "httpd/mod_gba_pki_config.h"

/** What a section says itself, so that the location's word does not count: bits of own. */
#define MOD_GBA_PKI_OWN_SUBJECT 1u
#define MOD_GBA_PKI_OWN_RENEWAL 2u
#define MOD_GBA_PKI_OWN_HELD    4u
#define MOD_GBA_PKI_OWN_ISSUED  8u

#define MOD_GBA_PKI_LIFETIME_MAX                                                                   \
    apr_time_from_sec(APR_INT64_C(86400) * 3653) /**< of certificates, and of what goes with it */

/** A <GBAProfile> section; in pconf. */
typedef struct mod_gba_pki_profile_t {
    pki_profile_t profile;
    unsigned own; /**< MOD_GBA_PKI_OWN_ mask */
    mod_gba_pki_origin_t origin;
} mod_gba_pki_profile_t;

/** What a GBAProfiles names; in pconf. */
typedef struct mod_gba_pki_choice_t {
    apr_array_header_t *names;             /**< of const char *, in order */
    const mod_gba_pki_profile_t *profiles; /**< the same found; NULL before the configuration was
                                                checked */
    mod_gba_pki_origin_t origin;
    const server_rec *server; /**< for messages */
} mod_gba_pki_choice_t;

/** Finds the sections that each GBAProfiles names. OK or HTTP_INTERNAL_SERVER_ERROR after an error
 *  in the log. */
int mod_gba_pki_profiles_check(apr_pool_t *pconf, server_rec *s);

/**
 * The profiles of a location, in order, with what the location lays down for them: those of its
 * GBAProfiles; without one every section, and without any section the built-in ones.
 * @param pool where the list is made if it is not there already; it lives as long as both this
 *             and the configuration
 */
const pki_profile_t *mod_gba_pki_profiles(const mod_gba_pki_dir_t *dir, int *count,
                                          apr_pool_t *pconf, apr_pool_t *pool);

/**
 * Every profile that some request of this configuration may name, whatever its location: what the
 * keeper lets children ask for. Of pki_profile_t, in @a pool.
 */
const apr_array_header_t *mod_gba_pki_profiles_all(const mod_gba_pki_parts_t *parts,
                                                   apr_pool_t *pool);

#endif
