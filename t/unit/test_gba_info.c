/* SPDX-License-Identifier: Apache-2.0 */
/* The flat info: its strings, its flags, and what makes one that came from elsewhere unsound. */
#include "tap.h"

#include <stdlib.h>
#include <apr_general.h>
#include "gba/gba_info.h"

/* A sound info with one of everything. */
static void fill(gba_info_t *info)
{
    memset(info, 0, sizeof(*info));
    info->impi = gba_info_add_text(info, "impi@home1.net", 14);
    info->uss[0].gs_id = 5;
    info->uss[0].gs_type = GBA_GS_TYPE_PKI_PORTAL;
    info->uss[0].ue_ids[0] = gba_info_add_text(info, "sip:ue@home1.net", 16);
    info->uss[0].ue_id_count = 1;
    info->uss[0].naf_group = gba_info_add_text(info, "A", 1);
    info->uss[0].flags[0] = GBA_PKI_FLAG_NON_REPUDIATION;
    info->uss[0].flag_count = 1;
    info->uss[1].gs_type = 4;
    info->uss[1].flags[0] = GBA_PKI_FLAG_AUTHENTICATION;
    info->uss[1].flags[1] = 77; /* not counted */
    info->uss[1].flag_count = 1;
    info->uss[2].gs_type = 3; /* not counted */
    info->uss_count = 2;
}

static void test_text(apr_pool_t *pool)
{
    gba_info_t *info = gba_info_make(pool);
    static char big[GBA_TEXT_MAX];
    memset(big, 'x', sizeof(big));
    ok(gba_info_is_sound(info), "an empty info is sound");
    is_str(gba_info_text(info, 0), NULL, "reference 0 is absent");
    is_str(gba_info_text(info, 1), NULL, "an empty info has no text");
    gba_text_ref_t first = gba_info_add_text(info, "one-and-more", 3);
    gba_text_ref_t second = gba_info_add_text(info, "two", 3);
    is_str(gba_info_text(info, first), "one", "a string of three octets is stored");
    is_str(gba_info_text(info, second), "two", "and one after it");
    is_str(gba_info_text(info, info->text_used), NULL, "nothing is behind the last one");
    is_str(gba_info_text(info, GBA_TEXT_MAX), NULL, "nor behind the end of the room");
    is_str(gba_info_text(info, 65535), NULL, "nor anywhere beyond");
    is_int(gba_info_add_text(info, "", 0), 0, "an empty string is not stored");
    is_int(gba_info_add_text(info, "a\0b", 3), 0, "nor one with a NUL in it");
    is_int(gba_info_add_text(info, big, GBA_TEXT_MAX - 9), 0, "nor one that is an octet too long");
    is_int(info->text_used, 9, "nothing of it stays behind");
    gba_text_ref_t last = gba_info_add_text(info, big, GBA_TEXT_MAX - 10);
    ok(last != 0 && strlen(gba_info_text(info, last)) == GBA_TEXT_MAX - 10, "what just fits does");
    is_int(info->text_used, GBA_TEXT_MAX, "then the room is full");
    is_int(gba_info_add_text(info, "x", 1), 0, "and takes not one octet more");
    ok(gba_info_is_sound(info), "a full info is sound");
}

static void test_has_flag(void)
{
    static const struct {
        apr_uint32_t type;
        apr_uint32_t flag;
        int has;
        const char *why;
    } rows[] = {
        {1, 2, 1, "type 1 has flag 2"},
        {1, 1, 0, "but not flag 1: the flag of another type does not count"},
        {1, 3, 0, "nor flag 3: flags are numbers, no bits (TS 29.109)"},
        {1, 0, 1, "there is a USS of type 1"},
        {4, 0, 1, "and of type 4"},
        {4, 1, 1, "which has flag 1"},
        {4, 77, 0, "a flag beyond the count is none"},
        {3, 0, 0, "a USS beyond the count is none"},
        {0, 0, 0, "there is none of type 0"},
    };
    gba_info_t info;
    fill(&info);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        is_int(!!gba_info_has_flag(&info, rows[i].type, rows[i].flag), rows[i].has, rows[i].why);
    info.uss_count = 255;
    info.uss[1].flag_count = 255;
    ok(!gba_info_has_flag(&info, 9, 9), "counts out of bounds are not followed");
}

/* What a broken or hostile peer might have put into an info. */
static void no_break(gba_info_t *info)
{
    info->expires = -1;
}

static void break_text_used(gba_info_t *info)
{
    info->text_used = GBA_TEXT_MAX + 1;
}

static void break_text_end(gba_info_t *info)
{
    memset(info->text + info->text_used, 'x', GBA_TEXT_MAX - info->text_used);
    info->text_used = GBA_TEXT_MAX;
}

static void break_text_start(gba_info_t *info)
{
    info->text[0] = 'x';
}

static void break_impi_far(gba_info_t *info)
{
    info->impi = 65535;
}

static void break_impi_unused(gba_info_t *info)
{
    info->impi = info->text_used;
}

static void break_impi_inside(gba_info_t *info)
{
    info->impi++;
}

static void break_impi_empty(gba_info_t *info)
{
    info->impi = info->text_used++;
}

static void break_uss_count(gba_info_t *info)
{
    info->uss_count = GBA_USS_MAX + 1;
}

static void break_flag_count(gba_info_t *info)
{
    info->uss[1].flag_count = GBA_FLAGS_MAX + 1;
}

static void break_ue_id_count(gba_info_t *info)
{
    info->uss[0].ue_id_count = GBA_UEIDS_MAX + 1;
}

static void break_ue_id_absent(gba_info_t *info)
{
    info->uss[0].ue_id_count = 2;
}

static void break_ue_id_far(gba_info_t *info)
{
    info->uss[0].ue_ids[0] = GBA_TEXT_MAX;
}

static void break_naf_group(gba_info_t *info)
{
    info->uss[1].naf_group = 2000;
}

static void break_key_choice(gba_info_t *info)
{
    info->uss[0].key_choice = GBA_KEY_CHOICE_OTHER + 1;
}

static void break_type(gba_info_t *info)
{
    info->type = GBA_TYPE_OTHER + 1;
}

static void break_has_uicc_key(gba_info_t *info)
{
    info->has_uicc_key = 2;
}

static void break_beyond_count(gba_info_t *info)
{
    info->uss[0].ue_ids[7] = 65535;
    info->uss[7].naf_group = 65535;
}

static void test_is_sound(void)
{
    static const struct {
        void (*change)(gba_info_t *info);
        int sound;
        const char *why;
    } rows[] = {
        {no_break, 1, "an info with one of everything"},
        {break_beyond_count, 1, "what is beyond a count does not matter"},
        {break_text_used, 0, "more text in use than there is"},
        {break_text_end, 0, "a last string without end"},
        {break_text_start, 0, "a first octet that is no NUL"},
        {break_impi_far, 0, "an IMPI far out"},
        {break_impi_unused, 0, "an IMPI in unused text"},
        {break_impi_inside, 0, "an IMPI that starts within a string"},
        {break_impi_empty, 0, "an IMPI that is there but empty"},
        {break_uss_count, 0, "too many USS"},
        {break_flag_count, 0, "too many flags"},
        {break_ue_id_count, 0, "too many UE identities"},
        {break_ue_id_absent, 0, "a UE identity counted but absent"},
        {break_ue_id_far, 0, "a UE identity out of bounds"},
        {break_naf_group, 0, "a NAF group out of bounds"},
        {break_key_choice, 0, "a keyChoice that is none"},
        {break_type, 0, "a gbaType that is none"},
        {break_has_uicc_key, 0, "a truth value that is neither"},
    };
    gba_info_t info;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fill(&info);
        rows[i].change(&info);
        is_int(!!gba_info_is_sound(&info), rows[i].sound, rows[i].why);
    }
    memset(&info, 0, sizeof(info));
    info.text[0] = 'x';
    ok(!gba_info_is_sound(&info), "nor without any string may the first octet be one");
    memset(&info, 0xff, sizeof(info));
    ok(!gba_info_is_sound(&info), "all ones is unsound");
    is_str(gba_info_text(&info, 5), NULL, "and a text without end is not handed out");
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    test_text(pool);
    test_has_flag();
    test_is_sound();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
