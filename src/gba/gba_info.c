/* SPDX-License-Identifier: Apache-2.0 */
#include "gba/gba_info.h"

#include <string.h>
#include "base/base_secret.h"

gba_info_t *gba_info_make(apr_pool_t *pool)
{
    return base_secret_alloc(pool, sizeof(gba_info_t));
}

void gba_info_succeed(gba_info_t *info, const gba_info_t *before)
{
    if (!before || !base_secret_equal(info->me_key, before->me_key, GBA_KEY_LEN))
        return;
    info->known_since = before->known_since ? before->known_since : before->fetched;
}

/* Octets of text that may be read, whatever text_used says. */
static apr_size_t text_limit(const gba_info_t *info)
{
    return info->text_used < GBA_TEXT_MAX ? info->text_used : GBA_TEXT_MAX;
}

const char *gba_info_text(const gba_info_t *info, gba_text_ref_t ref)
{
    apr_size_t limit = text_limit(info);
    if (ref == 0 || ref >= limit || !memchr(info->text + ref, '\0', limit - ref))
        return NULL;
    return info->text + ref;
}

gba_text_ref_t gba_info_add_text(gba_info_t *info, const char *text, apr_size_t len)
{
    apr_size_t start = info->text_used ? info->text_used : 1;
    if (len == 0 || start >= GBA_TEXT_MAX || len >= GBA_TEXT_MAX - start)
        return 0;
    /* A NUL inside would make two readers see two different names. */
    if (memchr(text, '\0', len))
        return 0;
    info->text[0] = '\0';
    memcpy(info->text + start, text, len);
    info->text[start + len] = '\0';
    info->text_used = (apr_uint16_t)(start + len + 1);
    return (gba_text_ref_t)start;
}

int gba_info_has_flag(const gba_info_t *info, apr_uint32_t gs_type, apr_uint32_t flag)
{
    for (int i = 0; i < info->uss_count && i < GBA_USS_MAX; i++) {
        const gba_uss_t *uss = &info->uss[i];
        if (uss->gs_type != gs_type)
            continue;
        if (flag == 0)
            return 1;
        for (int j = 0; j < uss->flag_count && j < GBA_FLAGS_MAX; j++)
            if (uss->flags[j] == flag)
                return 1;
    }
    return 0;
}

/* A reference is absent, or the start of a string that is not empty. */
static int ref_is_sound(const gba_info_t *info, gba_text_ref_t ref)
{
    const char *text = gba_info_text(info, ref);
    return ref == 0 || (text && text[0] != '\0' && text[-1] == '\0');
}

static int uss_is_sound(const gba_info_t *info, const gba_uss_t *uss)
{
    if (uss->flag_count > GBA_FLAGS_MAX || uss->ue_id_count > GBA_UEIDS_MAX ||
        uss->key_choice > GBA_KEY_CHOICE_OTHER || !ref_is_sound(info, uss->naf_group))
        return 0;
    for (int i = 0; i < uss->ue_id_count; i++)
        if (uss->ue_ids[i] == 0 || !ref_is_sound(info, uss->ue_ids[i]))
            return 0;
    return 1;
}

int gba_info_is_sound(const gba_info_t *info)
{
    if (info->text_used > GBA_TEXT_MAX || info->text[0] != '\0' ||
        (info->text_used && info->text[info->text_used - 1] != '\0'))
        return 0;
    if (info->uss_count > GBA_USS_MAX || info->has_uicc_key > 1 || info->type > GBA_TYPE_OTHER ||
        !ref_is_sound(info, info->impi) || !ref_is_sound(info, info->pseudonym))
        return 0;
    for (int i = 0; i < info->uss_count; i++)
        if (!uss_is_sound(info, &info->uss[i]))
            return 0;
    return 1;
}
