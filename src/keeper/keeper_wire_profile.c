/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_wire_parts.h"

/* @param max octets of each text, which stand in arrays of max + 1 */
static void walk_texts(keeper_octets_t *walk, char *texts, unsigned char places, apr_size_t max)
{
    unsigned char count = places;
    while (count > 0 && texts[(apr_size_t)(count - 1) * (max + 1)] == '\0')
        count--;
    keeper_octets_count(walk, &count, places);
    for (unsigned char i = 0; i < count; i++)
        keeper_octets_text(walk, texts + (apr_size_t)i * (max + 1), max);
    /* Each profile has one form. */
    if (count > 0 && texts[(apr_size_t)(count - 1) * (max + 1)] == '\0')
        walk->spoiled = 1;
}

static void walk_numbers(keeper_octets_t *walk, pki_profile_t *profile)
{
    apr_uint32_t usage = profile->usage;
    keeper_octets_u32(walk, &profile->flag);
    keeper_octets_u32(walk, &usage);
    keeper_octets_time(walk, &profile->lifetime);
    keeper_octets_time(walk, &profile->backdate);
    keeper_octets_time(walk, &profile->renew_before);
    keeper_octets_time(walk, &profile->bootstrap_max_age);
    keeper_octets_u32(walk, &profile->held_max);
    keeper_octets_u32(walk, &profile->issued_max);
    keeper_octets_time(walk, &profile->issued_window);
    keeper_octets_u32(walk, &profile->allow_identity);
    profile->usage = usage;
}

void keeper_wire_profile(keeper_octets_t *walk, pki_profile_t *profile)
{
    keeper_octets_text(walk, profile->name, PKI_PROFILE_NAME_MAX);
    walk_numbers(walk, profile);
    walk_texts(walk, profile->subject[0], PKI_PROFILE_RDNS, PKI_TEMPLATE_MAX);
    walk_texts(walk, profile->sans[0], PKI_PROFILE_SANS, PKI_TEMPLATE_MAX);
    walk_texts(walk, profile->ekus[0], PKI_PROFILE_EKUS, PKI_OID_MAX);
    walk_texts(walk, profile->policies[0], PKI_PROFILE_POLICIES, PKI_OID_MAX);
    walk_texts(walk, profile->crls[0], PKI_PROFILE_CRLS, PKI_URL_MAX);
    keeper_octets_text(walk, profile->ocsp, PKI_URL_MAX);
    keeper_octets_text(walk, profile->ca_issuers, PKI_URL_MAX);
}
