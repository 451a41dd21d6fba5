/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_profile.h"

#include <string.h>

#include <apr_strings.h>
#include <http_core.h>

/* The built-in ones as if they were sections that say nothing themselves. */
static const apr_array_header_t *built_in(apr_pool_t *pool)
{
    int count;
    const pki_profile_t *profiles = pki_profiles_default(&count);
    apr_array_header_t *list = apr_array_make(pool, count, sizeof(mod_gba_pki_profile_t));

    for (int i = 0; i < count; i++)
        APR_ARRAY_PUSH(list, mod_gba_pki_profile_t) = (mod_gba_pki_profile_t){
            .profile = profiles[i], .own = MOD_GBA_PKI_OWN_SUBJECT, .origin = {NULL, 0}};
    return list;
}

static const mod_gba_pki_profile_t *find(const apr_array_header_t *list, const char *name)
{
    for (int i = 0; i < list->nelts; i++) {
        const mod_gba_pki_profile_t *known = &APR_ARRAY_IDX(list, i, mod_gba_pki_profile_t);
        if (strcmp(known->profile.name, name) == 0)
            return known;
    }
    return NULL;
}

/* ---- what GBAProfiles names ---- */

static int resolve(mod_gba_pki_choice_t *choice, const apr_array_header_t *sections,
                   apr_pool_t *pconf)
{
    const apr_array_header_t *defaults = built_in(pconf);
    mod_gba_pki_profile_t *found =
        apr_pcalloc(pconf, sizeof(*found) * (apr_size_t)choice->names->nelts);

    for (int i = 0; i < choice->names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(choice->names, i, const char *);
        const mod_gba_pki_profile_t *profile = find(sections, name);
        if (!profile)
            profile = find(defaults, name);
        if (!profile)
            return mod_gba_pki_complain(
                (server_rec *)choice->server, &choice->origin, "GBAProfiles",
                base_fail(BASE_INTERNAL, "GBA1730",
                          apr_psprintf(pconf, "there is no <GBAProfile %s>", name)));
        found[i] = *profile;
    }
    choice->profiles = found;
    return OK;
}

int mod_gba_pki_profiles_check(apr_pool_t *pconf, server_rec *s)
{
    const mod_gba_pki_parts_t *parts = mod_gba_pki_parts(pconf);
    int status = OK;

    (void)s;
    for (int i = 0; status == OK && i < parts->choices->nelts; i++)
        status = resolve(APR_ARRAY_IDX(parts->choices, i, mod_gba_pki_choice_t *), parts->profiles,
                         pconf);
    return status;
}

/* ---- what a location lays down ---- */

/* A renewal window that is not shorter than the lifetime would renew at every request: there the
 * profile's own stays. */
static void lay_down(pki_profile_t *profile, unsigned own, const mod_gba_pki_dir_t *dir)
{
    if (!(own & MOD_GBA_PKI_OWN_RENEWAL) && dir->renew_before != -1 &&
        dir->renew_before < profile->lifetime)
        profile->renew_before = dir->renew_before;
    if (!(own & MOD_GBA_PKI_OWN_HELD) && dir->quota.held_max != -1)
        profile->held_max = (apr_uint32_t)dir->quota.held_max;
    if (!(own & MOD_GBA_PKI_OWN_ISSUED) && dir->quota.issued_max != -1) {
        profile->issued_max = (apr_uint32_t)dir->quota.issued_max;
        profile->issued_window = dir->quota.issued_window;
    }
}

/* The location's list before it lays anything down. */
static const mod_gba_pki_profile_t *chosen(const mod_gba_pki_dir_t *dir, int *count,
                                           apr_pool_t *pconf, apr_pool_t *pool)
{
    const apr_array_header_t *list = mod_gba_pki_parts(pconf)->profiles;

    if (dir->choice && dir->choice->profiles) {
        *count = dir->choice->names->nelts;
        return dir->choice->profiles;
    }
    if (list->nelts == 0)
        list = built_in(pool);
    *count = list->nelts;
    return (const mod_gba_pki_profile_t *)list->elts;
}

const pki_profile_t *mod_gba_pki_profiles(const mod_gba_pki_dir_t *dir, int *count,
                                          apr_pool_t *pconf, apr_pool_t *pool)
{
    const mod_gba_pki_profile_t *list = chosen(dir, count, pconf, pool);
    pki_profile_t *profiles = apr_pcalloc(pool, sizeof(*profiles) * (apr_size_t)*count);

    for (int i = 0; i < *count; i++) {
        profiles[i] = list[i].profile;
        lay_down(&profiles[i], list[i].own, dir);
    }
    return profiles;
}

/* ---- what the keeper lets children ask for ---- */

static void add_variant(apr_array_header_t *out, const mod_gba_pki_profile_t *section,
                        const mod_gba_pki_dir_t *dir)
{
    pki_profile_t *profile = &APR_ARRAY_PUSH(out, pki_profile_t);

    *profile = section->profile;
    lay_down(profile, section->own, dir);
}

/* Locations merge what stands in different places, so each of the few values may meet each. What
 * they say of renewal is left out: the keeper does not compare it. */
static void add_variants(apr_array_header_t *out, const mod_gba_pki_profile_t *section,
                         const mod_gba_pki_parts_t *parts)
{
    static const mod_gba_pki_quota_t unset = {-1, -1, 0};
    mod_gba_pki_dir_t dir;

    memset(&dir, 0, sizeof(dir));
    dir.renew_before = -1;
    for (int i = -1; i < parts->held->nelts; i++)
        for (int j = -1; j < parts->issued->nelts; j++) {
            dir.quota = j < 0 ? unset : APR_ARRAY_IDX(parts->issued, j, mod_gba_pki_quota_t);
            dir.quota.held_max = i < 0 ? -1 : APR_ARRAY_IDX(parts->held, i, apr_int64_t);
            add_variant(out, section, &dir);
        }
}

const apr_array_header_t *mod_gba_pki_profiles_all(const mod_gba_pki_parts_t *parts,
                                                   apr_pool_t *pool)
{
    const apr_array_header_t *defaults = built_in(pool);
    apr_array_header_t *out = apr_array_make(pool, 8, sizeof(pki_profile_t));

    for (int i = 0; i < parts->profiles->nelts; i++)
        add_variants(out, &APR_ARRAY_IDX(parts->profiles, i, mod_gba_pki_profile_t), parts);
    for (int i = 0; i < defaults->nelts; i++) {
        const mod_gba_pki_profile_t *profile = &APR_ARRAY_IDX(defaults, i, mod_gba_pki_profile_t);
        if (!find(parts->profiles, profile->profile.name))
            add_variants(out, profile, parts);
    }
    return out;
}
