/* SPDX-License-Identifier: Apache-2.0 */
/* What Nbsp_GBA's JSON is taken to mean: the vector with all its members, and what else is valid.
 */
#include "tap.h"

#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "gba/gba_json.h"

#define KEY16 "00112233445566778899aAbBcCdDeEfF"
#define KEY   "\"meKeyMaterial\":\"" KEY16 KEY16 "\""
#define USS   "\"gsId\":1,\"gsType\":1,\"ueIds\":[{\"ueId\":\"a\"}]"

static json_t *load_vector(apr_pool_t *pool)
{
    const char *top = getenv("GBA_SRCDIR");
    json_t *root = json_load_file(
        apr_pstrcat(pool, top ? top : ".", "/t/vectors/vectors.json", NULL), 0, NULL);
    json_t *response = json_object_get(json_object_get(root, "nbsp_gba"), "response");
    ok(json_is_object(response), "vectors.json has an answer");
    json_incref(response);
    json_decref(root);
    return response;
}

static void test_vector(apr_pool_t *pool)
{
    json_t *response = load_vector(pool);
    char *text = json_dumps(response, JSON_INDENT(1));
    gba_info_t *info = gba_info_make(pool);
    char hex[2 * GBA_KEY_LEN + 1];
    base_result_t result = gba_json_read_info(info, base_span_str(text), pool);
    is_str(result.detail, NULL, "the answer of the vectors is taken");
    base_hex_encode(hex, info->me_key, GBA_KEY_LEN);
    is_str(hex, "646c377946dfd6010ca735afe887bfc44f0b405914add76ea4a5753d20870c05",
           "meKeyMaterial");
    is_int(info->has_uicc_key, 0, "no uiccKeyMaterial");
    is_int(info->expires, 1893456000LL * 1000000, "keyExpiryTime 2030-01-01T00:00:00Z");
    is_int(info->bootstrapped, (1893456000LL - 43200) * 1000000,
           "bootstrappingInfoCreationTime 2029-12-31T12:00:00Z");
    is_int(info->fetched, 0, "fetched is for the key source to set");
    is_int(info->type, GBA_TYPE_3G, "gbaType");
    is_str(gba_info_text(info, info->impi), "001010123456789@ims.mnc001.mcc001.3gppnetwork.org",
           "impi");
    is_int(info->uss_count, 1, "one USS");
    is_int(info->uss[0].gs_id, 1, "gsId");
    is_int(info->uss[0].gs_type, 1, "gsType");
    is_int(info->uss[0].ue_id_count, 1, "one UE identity");
    is_str(gba_info_text(info, info->uss[0].ue_ids[0]),
           "001010123456789@ims.mnc001.mcc001.3gppnetwork.org", "ueId");
    is_int(info->uss[0].flag_count, 1, "one flag");
    is_int(info->uss[0].flags[0], GBA_PKI_FLAG_AUTHENTICATION, "flag");
    is_int(info->uss[0].key_choice, GBA_KEY_CHOICE_ME, "keyChoice");
    is_str(gba_info_text(info, info->uss[0].naf_group), NULL, "no nafGroup");
    ok(gba_info_is_sound(info), "what was read is sound");
    free(text);
    gba_json_free(response);
}

static int is_read(gba_info_t *info, const char *text, const char *why, apr_pool_t *pool)
{
    base_result_t result = gba_json_read_info(info, base_span_str(text), pool);
    int pass = ok(result.code == BASE_OK && gba_info_is_sound(info), "taken: %s", why);
    if (!pass)
        printf("# %s %s\n", result.tag, result.detail);
    return pass;
}

static void test_taken(apr_pool_t *pool)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {"{" KEY "}", "nothing but the key, in mixed case: the rest is optional"},
        {" \t\r\n{ " KEY " }\n", "white space around"},
        {"{" KEY ",\"supi\":{\"a\":[1,2.5,null,true]},\"x\":\"\\n\"}", "unknown members"},
        {"{\"meKeyMateria\\u006c\":\"" KEY16 KEY16 "\"}", "an escaped member name"},
        {"{" KEY ",\"gbaType\":\"4G_GBA\"}", "a gbaType of the future: the enum is open"},
        {"{" KEY ",\"gbaType\":\"\"}", "an empty gbaType"},
        {"{" KEY ",\"keyExpiryTime\":\"2030-01-01t02:00:00.5+02:00\"}", "a local time"},
        {"{" KEY ",\"ussList\":[{\"uss\":{" USS ",\"keyChoice\":\"NEW\",\"x\":1},\"y\":2}]}",
         "a keyChoice of the future and unknown members inside"},
        {"{" KEY ",\"ussList\":[{\"uss\":{" USS ",\"nafGroup\":\"\"}}]}", "an empty nafGroup"},
        {"{" KEY ",\"ussList\":[{\"uss\":{\"gsId\":4294967295,\"gsType\":0,"
         "\"ueIds\":[{\"ueId\":\"sip:\xc3\xa9@a\"}],\"flags\":[{\"flag\":4294967295}]}}]}",
         "the limits of Uint32 and a name in UTF-8"},
    };
    gba_info_t *info = gba_info_make(pool);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        is_read(info, rows[i].text, rows[i].why, pool);
    is_int(info->uss[0].gs_id, 4294967295LL, "the last one's gsId is 2^32-1");
    is_int(info->uss[0].flags[0], 4294967295LL, "and its flag too");
    is_str(gba_info_text(info, info->uss[0].ue_ids[0]), "sip:\xc3\xa9@a", "and its name is whole");
}

static void test_choices(apr_pool_t *pool)
{
    static const struct {
        const char *type;
        int number;
    } types[] = {{"3G_GBA", GBA_TYPE_3G},
                 {"2G_GBA", GBA_TYPE_2G},
                 {"GBA_DIGEST", GBA_TYPE_DIGEST},
                 {"3g_gba", GBA_TYPE_OTHER}};
    static const struct {
        const char *choice;
        int number;
    } choices[] = {{"ME_BASED_KEY", GBA_KEY_CHOICE_ME},
                   {"UICC_BASED_KEY", GBA_KEY_CHOICE_UICC},
                   {"ME_UICC_BASED_KEYS", GBA_KEY_CHOICE_ME_UICC},
                   {"ME", GBA_KEY_CHOICE_OTHER}};
    gba_info_t *info = gba_info_make(pool);
    for (int i = 0; i < 4; i++) {
        is_read(info, apr_psprintf(pool, "{" KEY ",\"gbaType\":\"%s\"}", types[i].type),
                types[i].type, pool);
        is_int(info->type, types[i].number, "as the gbaType it is");
        is_read(info,
                apr_psprintf(pool,
                             "{" KEY ",\"ussList\":[{\"uss\":{" USS ",\"keyChoice\":\"%s\"}}]}",
                             choices[i].choice),
                choices[i].choice, pool);
        is_int(info->uss[0].key_choice, choices[i].number, "as the keyChoice it is");
    }
}

/* count copies of item with commas between. */
static const char *list_of(const char *item, int count, apr_pool_t *pool)
{
    const char *list = item;
    while (--count > 0)
        list = apr_pstrcat(pool, list, ",", item, NULL);
    return list;
}

static void test_full(apr_pool_t *pool)
{
    gba_info_t *info = gba_info_make(pool);
    const char *uss =
        apr_psprintf(pool, "{\"uss\":{\"gsId\":2,\"gsType\":1,\"ueIds\":[%s],\"flags\":[%s]}}",
                     list_of("{\"ueId\":\"a\"}", GBA_UEIDS_MAX, pool),
                     list_of("{\"flag\":2}", GBA_FLAGS_MAX, pool));
    is_read(info,
            apr_psprintf(pool, "{" KEY ",\"uiccKeyMaterial\":\"" KEY16 KEY16 "\",\"ussList\":[%s]}",
                         list_of(uss, GBA_USS_MAX, pool)),
            "as many of everything as there is room for", pool);
    is_int(info->uss_count, GBA_USS_MAX, "all USS");
    is_int(info->uss[7].ue_id_count, GBA_UEIDS_MAX, "all UE identities of the last one");
    is_int(info->uss[7].flag_count, GBA_FLAGS_MAX, "and its flags");
    is_int(info->has_uicc_key, 1, "uiccKeyMaterial");
    is_mem(info->uicc_key, info->me_key, GBA_KEY_LEN, "which is what was sent");
    is_read(info, "{" KEY "}", "a small answer into the same info", pool);
    is_int(info->uss_count + info->has_uicc_key + info->uicc_key[31], 0, "leaves nothing behind");
    is_read(info, apr_psprintf(pool, "{" KEY ",\"impi\":\"%s\"}", list_of("x", 128, pool)),
            "an IMPI of 255 octets", pool);
}

static void test_free(apr_pool_t *pool)
{
    static const char zeros[2 * GBA_KEY_LEN];
    json_t *root;
    base_result_t result = gba_json_load(
        &root, base_span_str("[{" KEY "},{" KEY ",\"uiccKeyMaterial\":\"" KEY16 KEY16 "\"}]"),
        pool);
    ok(result.code == BASE_OK && json_array_size(root) == 2, "an array of answers is loaded");
    json_t *me_key = json_incref(json_object_get(json_array_get(root, 0), "meKeyMaterial"));
    json_t *uicc_key = json_incref(json_object_get(json_array_get(root, 1), "uiccKeyMaterial"));
    gba_json_free(root);
    is_mem(json_string_value(me_key), zeros, sizeof(zeros), "a key is overwritten when it goes");
    is_mem(json_string_value(uicc_key), zeros, sizeof(zeros), "so is the other one");
    json_decref(me_key);
    json_decref(uicc_key);
    gba_json_free(NULL);
    gba_json_free(json_integer(1));
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    test_vector(pool);
    test_taken(pool);
    test_choices(pool);
    test_full(pool);
    test_free(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
