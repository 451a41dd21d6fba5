/* SPDX-License-Identifier: Apache-2.0 */
/* What a location lays down for enrolment: GBAQuota and GBARenewBefore, which stand inside a
 * <GBAProfile> too, GBAProfiles and GBANafGroup. */
#include <string.h>

#include <apr_strings.h>

#include "base/base_text.h"
#include "httpd/mod_gba_pki_profile.h"
#include "httpd/mod_gba_pki_set.h"

/* A location's renewal window lies within the built-in lifetime. */
#define RENEWAL_LIMIT apr_time_from_sec(APR_INT64_C(86400) * 365)
#define QUOTA_MAX     1000000
#define NAF_GROUP_MAX 255

static mod_gba_pki_parts_t *parts_of(const cmd_parms *cmd)
{
    return mod_gba_pki_parts(cmd->server->process->pconf);
}

/* ---- inside a section, or of a location ---- */

/* Notes a value once: the keeper has a profile for each with each. */
static void note(apr_array_header_t *list, const void *value)
{
    const apr_size_t size = (apr_size_t)list->elt_size;

    for (int i = 0; i < list->nelts; i++)
        if (memcmp(list->elts + (apr_size_t)i * size, value, size) == 0)
            return;
    memcpy(apr_array_push(list), value, size);
}

const char *mod_gba_pki_set_renew_before(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_dir_t *conf = dir;
    mod_gba_pki_profile_t *open = parts_of(cmd)->open_profile;
    apr_interval_time_t span;

    if (!base_duration_decode(&span, arg) || span <= 0 ||
        span >= (open ? MOD_GBA_PKI_LIFETIME_MAX : RENEWAL_LIMIT))
        return mod_gba_pki_refuse(cmd, arg,
                                  "a number with ms, s, m, h or d, above 0 and below a "
                                  "certificate's lifetime (365d)");
    if (open) {
        open->profile.renew_before = span;
        open->own |= MOD_GBA_PKI_OWN_RENEWAL;
        return NULL;
    }
    conf->renew_before = span;
    return NULL;
}

/* "Off", "N", or "N per DURATION"; members that it does not speak of stay -1. */
static const char *read_quota(cmd_parms *cmd, int argc, char *const argv[],
                              mod_gba_pki_quota_t *quota)
{
    static const char expected[] = "Off, or a number from 1 to 1000000, alone or with 'per' and a "
                                   "time such as 1d";
    apr_uint64_t number;

    *quota = (mod_gba_pki_quota_t){-1, -1, 0};
    if (argc == 1 && base_equal_nocase(argv[0], "off")) {
        quota->held_max = quota->issued_max = 0;
        return NULL;
    }
    if ((argc != 1 && argc != 3) ||
        !base_decimal_decode(&number, base_span_str(argv[0]), QUOTA_MAX) || number == 0)
        return mod_gba_pki_refuse(cmd, argc ? argv[0] : "", expected);
    if (argc == 1) {
        quota->held_max = (apr_int64_t)number;
        return NULL;
    }
    if (!base_equal_nocase(argv[1], "per"))
        return mod_gba_pki_refuse(cmd, argv[1], expected);
    if (!base_duration_decode(&quota->issued_window, argv[2]) || quota->issued_window <= 0 ||
        quota->issued_window > MOD_GBA_PKI_LIFETIME_MAX)
        return mod_gba_pki_refuse(cmd, argv[2], expected);
    quota->issued_max = (apr_int64_t)number;
    return NULL;
}

static void quota_of_profile(mod_gba_pki_profile_t *open, const mod_gba_pki_quota_t *quota)
{
    if (quota->held_max != -1) {
        open->profile.held_max = (apr_uint32_t)quota->held_max;
        open->own |= MOD_GBA_PKI_OWN_HELD;
    }
    if (quota->issued_max != -1) {
        open->profile.issued_max = (apr_uint32_t)quota->issued_max;
        open->profile.issued_window = quota->issued_window;
        open->own |= MOD_GBA_PKI_OWN_ISSUED;
    }
}

static void quota_of_location(mod_gba_pki_dir_t *conf, const mod_gba_pki_quota_t *quota,
                              mod_gba_pki_parts_t *parts)
{
    if (quota->held_max != -1) {
        conf->quota.held_max = quota->held_max;
        note(parts->held, &quota->held_max);
    }
    if (quota->issued_max != -1) {
        conf->quota.issued_max = quota->issued_max;
        conf->quota.issued_window = quota->issued_window;
        note(parts->issued, quota);
    }
}

const char *mod_gba_pki_set_quota(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    mod_gba_pki_profile_t *open = parts_of(cmd)->open_profile;
    mod_gba_pki_quota_t quota;
    const char *error = mod_gba_pki_list_fault(cmd);

    if (!error)
        error = read_quota(cmd, argc, argv, &quota);
    if (error)
        return error;
    if (open)
        quota_of_profile(open, &quota);
    else
        quota_of_location(dir, &quota, parts_of(cmd));
    return NULL;
}

/* ---- of a location ---- */

const char *mod_gba_pki_set_profiles(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    apr_pool_t *pconf = cmd->server->process->pconf;
    mod_gba_pki_dir_t *conf = dir;
    mod_gba_pki_choice_t *choice = apr_pcalloc(pconf, sizeof(*choice));
    const char *error = mod_gba_pki_list_fault(cmd);

    if (error)
        return error;
    if (argc == 0)
        return mod_gba_pki_refuse(cmd, "", "names of <GBAProfile> sections, in order");
    choice->names = apr_array_make(pconf, argc, sizeof(const char *));
    choice->origin = mod_gba_pki_origin(cmd);
    choice->server = cmd->server;
    for (int i = 0; i < argc; i++) {
        for (int j = 0; j < i; j++)
            if (strcmp(argv[i], argv[j]) == 0)
                return mod_gba_pki_refuse(cmd, argv[i], "each profile once");
        APR_ARRAY_PUSH(choice->names, const char *) = apr_pstrdup(pconf, argv[i]);
    }
    conf->choice = choice;
    APR_ARRAY_PUSH(parts_of(cmd)->choices, mod_gba_pki_choice_t *) = choice;
    return NULL;
}

const char *mod_gba_pki_set_naf_group(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_dir_t *conf = dir;

    if (!*arg || strlen(arg) > NAF_GROUP_MAX)
        return mod_gba_pki_refuse(cmd, arg, "the name of a NAF group, at most 255 octets");
    conf->naf_group = apr_pstrdup(cmd->server->process->pconf, arg);
    return NULL;
}
