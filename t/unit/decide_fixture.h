/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file decide_fixture.h
 * What the tests of the decision share: subscribers, locations, profiles and
 * histories by short names.
 */
#ifndef decide_fixture_h
#define decide_fixture_h

#include <apr_general.h>
#include "pki/pki_decide.h"
#include "pki/pki_wish.h"
#include "pki_fixture.h"

#define DS PKI_USAGE_DIGITAL_SIGNATURE
#define NR PKI_USAGE_NON_REPUDIATION

/** A user security setting in short. */
typedef struct setting_t {
    apr_uint32_t type;
    apr_uint32_t flags[2]; /**< 0: none */
    const char *group;
    gba_key_choice_t choice;
    const char *ue_ids[2];
} setting_t;

/** Adds it to @a info. */
static inline void dcf_add(gba_info_t *info, const setting_t *setting)
{
    gba_uss_t *uss = &info->uss[info->uss_count++];
    uss->gs_id = 7;
    uss->gs_type = setting->type;
    uss->key_choice = (unsigned char)setting->choice;
    if (setting->group)
        uss->naf_group = gba_info_add_text(info, setting->group, strlen(setting->group));
    for (int i = 0; i < 2; i++) {
        const char *id = setting->ue_ids[i];
        if (setting->flags[i])
            uss->flags[uss->flag_count++] = setting->flags[i];
        if (id)
            uss->ue_ids[uss->ue_id_count++] = gba_info_add_text(info, id, strlen(id));
    }
}

#define DCF_IMPI "001010123456789@ims.mnc001.mcc001.3gppnetwork.org"

/** Four profiles in an order of their own: one that asks for much, one of the same flag that asks
 *  for a UE identity, and the usual two the other way round. */
static inline const pki_profile_t *dcf_profiles(int *count)
{
    static pki_profile_t own[4];
    static const char *const names[] = {"recent", "named", "signing", "login"};
    for (int i = 0; i < 4; i++) {
        pki_profile_init(&own[i], names[i]);
        own[i].flag = i == 2 ? 2 : i == 3 ? 1 : (apr_uint32_t)(10 + i);
        own[i].usage = i == 2 ? NR : DS;
    }
    own[0].bootstrap_max_age = apr_time_from_sec(3600);
    own[0].held_max = 2;
    own[0].issued_max = 5;
    own[0].issued_window = apr_time_from_sec(86400);
    own[1].allow_identity = 1;
    apr_cpystrn(own[1].subject[0], "CN=%{ueid}", sizeof(own[1].subject[0]));
    own[2].allow_identity = 1;
    apr_cpystrn(own[2].subject[1], "UID=%{impi}", sizeof(own[2].subject[1]));
    *count = 4;
    return own;
}

#endif
