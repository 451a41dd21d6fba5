/* SPDX-License-Identifier: Apache-2.0 */
/* User security settings as XML (TS 29.109 annex A): what is read, and what is refused. */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include "gba/gba_json.h"
#include "gba/gba_uss_xml.h"

#define UIDS      "<uids><uid>sip:a@home1.net</uid></uids>"
#define USS(more) "<uss id=\"1\" type=\"1\">" UIDS more "</uss>"
#define LIST(uss) "<ussList>" uss "</ussList>"

static apr_pool_t *pool;
static gba_info_t info;

static base_result_t read_text(const char *text, apr_size_t len)
{
    return gba_uss_xml_read(&info, (base_span_t){(const unsigned char *)text, len}, pool);
}

static int is_read(const char *text)
{
    memset(&info, 0, sizeof(info));
    base_result_t result = read_text(text, strlen(text));
    if (result.code != BASE_OK)
        printf("# %s %s\n", result.tag, result.detail);
    return result.code == BASE_OK && gba_info_is_sound(&info);
}

/* ---- what is read ---- */

static const char whole[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<!-- as an HSS writes it -->\n"
    "<guss id=\"001010123456789@ims.mnc001.mcc001.3gppnetwork.org\">\n"
    "  <bsfInfo><uiccType>GBA_U</uiccType><lifeTime>86400</lifeTime></bsfInfo>\n"
    "  <ussList>\n"
    "    <uss id=\"1\" type=\"1\" nafGroup=\"fixed &amp; mobile\">\n"
    "      <uids><uid>sip:a@home1.net</uid><uid> tel:+15551234 </uid></uids>\n"
    "      <flags><flag>1</flag><flag>2</flag></flags>\n"
    "      <keyChoice>UICC_BASED_KEY</keyChoice>\n"
    "    </uss>\n"
    "    <uss id=\"4294967295\" type=\"4\"><uids/></uss>\n"
    "  </ussList>\n"
    "</guss>\n";

static void test_whole(void)
{
    const gba_uss_t *uss = info.uss;
    ok(is_read(whole), "a guss with two settings is read");
    is_int(info.uss_count, 2, "both of them");
    ok(uss->gs_id == 1 && uss->gs_type == 1, "id and type are GAA service identifier and type");
    is_str(gba_info_text(&info, uss->naf_group), "fixed & mobile", "nafGroup, unescaped");
    is_int(uss->ue_id_count, 2, "two UE identities");
    is_str(gba_info_text(&info, uss->ue_ids[0]), "sip:a@home1.net", "the first");
    is_str(gba_info_text(&info, uss->ue_ids[1]), "tel:+15551234",
           "the second, without the space around it");
    ok(uss->flag_count == 2 && uss->flags[0] == 1 && uss->flags[1] == 2, "two flags");
    is_int(uss->key_choice, GBA_KEY_CHOICE_UICC, "keyChoice");
    ok(uss[1].gs_id == APR_UINT32_MAX && uss[1].gs_type == 4 && uss[1].ue_id_count == 0 &&
           uss[1].flag_count == 0 && uss[1].naf_group == 0 && uss[1].key_choice == 0,
       "a setting that says no more than it must");
    is_str(gba_info_text(&info, info.impi), NULL, "the id of guss does not become the IMPI");
}

static void test_forms(void)
{
    static const char *const taken[] = {
        LIST(""),
        "<ussList/>",
        "<guss/>",
        "<guss id=\"\"/>",
        LIST(USS("")),
        "<?xml version='1.0'?>" LIST(USS("")),
        "<?xml version='1.0' encoding = 'utf-8' standalone='yes'?>" LIST(USS("")),
        "<ussList xmlns=\"uri:3gpp-gba\">" USS("") "</ussList>",
        "<g:ussList xmlns:g=\"uri:g\"><g:uss id=\"1\" type=\"1\"><g:uids/></g:uss></g:ussList>",
        LIST(USS("") "<other><x/></other>"),
        LIST("<uss id=\"1\" type=\"1\" color=\"red\">" UIDS "<color>red</color></uss>"),
        LIST("<uss id=\"1\" type=\"1\"><uids>text<uid>a<!-- b -->c</uid></uids></uss>"),
        LIST("<uss id=\"1\" type=\"1\" nafGroup=\"\">" UIDS "</uss>"),
        LIST(USS("<flags/>")),
        LIST(USS("<extension/>")),
    };
    for (unsigned i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        ok(is_read(taken[i]), "taken: %s", taken[i]);
    is_read(taken[11]);
    is_str(gba_info_text(&info, info.uss[0].ue_ids[0]), "ac", "a comment does not end a text");
}

static void test_key_choice(void)
{
    static const struct {
        const char *text;
        gba_key_choice_t want;
    } rows[] = {
        {USS(""), GBA_KEY_CHOICE_UNSAID},
        {USS("<keyChoice>ME_BASED_KEY</keyChoice>"), GBA_KEY_CHOICE_ME},
        {USS("<keyChoice> UICC_BASED_KEY\n</keyChoice>"), GBA_KEY_CHOICE_UICC},
        {USS("<keyChoice>ME_UICC_BASED_KEYS</keyChoice>"), GBA_KEY_CHOICE_ME_UICC},
        {USS("<extension><keyChoice>UICC_BASED_KEY</keyChoice></extension>"), GBA_KEY_CHOICE_UICC},
        {USS("<keyChoice>uicc_based_key</keyChoice>"), GBA_KEY_CHOICE_OTHER},
        {USS("<keyChoice/>"), GBA_KEY_CHOICE_OTHER},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ok(is_read(apr_pstrcat(pool, "<ussList>", rows[i].text, "</ussList>", NULL)), "read: %s",
           rows[i].text);
        is_int(info.uss[0].key_choice, rows[i].want, "and its keyChoice is right");
    }
}

/* ---- what is refused ---- */

#define DEEP "<a><b><c><d><e><f><g/></f></e></d></c></b></a>"

static const struct {
    const char *text;
    const char *says;
} refused[] = {
    {"", "no XML in UTF-8"},
    {"ussList", "no XML in UTF-8"},
    {" <ussList/>", "no XML in UTF-8"},
    {"\xef\xbb\xbf<ussList/>", "no XML in UTF-8"},
    {"<", "no XML"},
    {"<ussList>", "no XML"},
    {"<ussList/><ussList/>", "no XML"},
    {LIST("<uss>"), "no XML"},
    {"<ussList>\xff</ussList>", "no XML"},
    {"<x:ussList/>", "no XML"},
    {"<ussList>&a;</ussList>", "no XML"},
    {"<other/>", "neither guss nor ussList"},
    {"<USSLIST/>", "neither guss nor ussList"},
    /* What XML could do to a reader: XXE, billion laughs, another encoding to hide them in. */
    {"<!DOCTYPE ussList><ussList/>", "a document type declaration"},
    {"<!DOCTYPE ussList SYSTEM \"file:///etc/passwd\"><ussList/>", "a document type declaration"},
    {"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b \"c\">]><ussList>&b;</ussList>",
     "a document type declaration"},
    {"<!doctype ussList><ussList/>", "a document type declaration"},
    {"<ussList><![CDATA[a]]></ussList>", "a document type declaration or CDATA"},
    {"<ussList><!-- <!DOCTYPE a> --></ussList>", "a document type declaration"},
    {"<?xml version='1.0' encoding='UTF-7'?><ussList/>", "an XML declaration without UTF-8"},
    {"<?xml version='1.0' encoding='ISO-8859-1'?><ussList/>", "an XML declaration without UTF-8"},
    {"<?xml version='1.0' encoding=UTF-8?><ussList/>", "an XML declaration without UTF-8"},
    {"<?xml version='1.0'", "an XML declaration without UTF-8"},
    {"<?xml version='1.0'?><?php a?><ussList/>", "a processing instruction"},
    {"<?php a?><ussList/>", "a processing instruction"},
    {LIST(USS(DEEP)), "nested too deeply"},
    /* Known names that are not as they must be. */
    {"<guss><ussList/><ussList/></guss>", "ussList: there twice"},
    {LIST("<uss type=\"1\">" UIDS "</uss>"), "a number from 0"},
    {LIST("<uss id=\"1\">" UIDS "</uss>"), "a number from 0"},
    {LIST("<uss id=\"\" type=\"1\">" UIDS "</uss>"), "a number from 0"},
    {LIST("<uss id=\"-1\" type=\"1\">" UIDS "</uss>"), "a number from 0"},
    {LIST("<uss id=\"1\" type=\" 1\">" UIDS "</uss>"), "a number from 0"},
    {LIST("<uss id=\"1\" type=\"4294967296\">" UIDS "</uss>"), "a number from 0"},
    {LIST("<uss id=\"1\" type=\"1\"/>"), "uss without uids"},
    {LIST("<uss id=\"1\" type=\"1\">" UIDS UIDS "</uss>"), "uids: there twice"},
    {LIST(USS("<flags/><flags/>")), "flags: there twice"},
    {LIST(USS("<flags><flag>1 2</flag></flags>")), "a number from 0"},
    {LIST(USS("<flags><flag/></flags>")), "a number from 0"},
    {LIST(USS("<flags><flag><x/>1</flag></flags>")), "an element where a text is expected"},
    {LIST(USS("<keyChoice/><keyChoice/>")), "keyChoice: there twice"},
    {LIST(USS("<keyChoice/><extension><keyChoice/></extension>")), "keyChoice: there twice"},
    {LIST(USS("<extension/><extension/>")), "extension: there twice"},
    {LIST("<uss id=\"1\" type=\"1\"><uids><uid/></uids></uss>"), "a text that is empty"},
    {LIST("<uss id=\"1\" type=\"1\"><uids><uid>a&#10;b</uid></uids></uss>"), "a control character"},
    {LIST("<uss id=\"1\" type=\"1\"><uids><uid>a&#127;b</uid></uids></uss>"),
     "a control character"},
    {LIST("<uss id=\"1\" type=\"1\" nafGroup=\"a&#9;b\">" UIDS "</uss>"), "a control character"},
    {"<ussList xmlns:a=\"u:a\"><uss id=\"1\" a:id=\"2\" type=\"1\">" UIDS "</uss></ussList>",
     "id: there twice"},
};

static int is_refused(const char *text, apr_size_t len, const char *says)
{
    memset(&info, 0, sizeof(info));
    base_result_t result = read_text(text, len);
    int pass = result.code == BASE_KEYSOURCE_DOWN && result.tag && result.detail &&
               strncmp(result.detail, "userSecSettings: ", 17) == 0 &&
               strncmp(result.detail + 17, says, strlen(says)) == 0 && info.uss_count == 0;
    if (!pass)
        printf("# code %d, %s\n", (int)result.code, result.detail ? result.detail : "-");
    return pass;
}

static void test_refused(void)
{
    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        ok(is_refused(refused[i].text, strlen(refused[i].text), refused[i].says),
           "row %u is refused: %s", i, refused[i].says);
    ok(is_refused("<\0u\0s\0s\0", 8, "no XML in UTF-8"), "UTF-16 is refused");
    ok(is_refused("\xff\xfe<\0", 4, "no XML in UTF-8"), "and so with its mark");
    ok(is_refused(LIST("") "\0", sizeof(LIST("")), "no XML in UTF-8"), "a NUL behind the end");
}

static const char *times(const char *item, int count)
{
    const char *all = "";
    while (count-- > 0)
        all = apr_pstrcat(pool, all, item, NULL);
    return all;
}

static void test_bounds(void)
{
    const char *list =
        apr_pstrcat(pool, "<ussList>", times(USS(""), GBA_USS_MAX), "</ussList>", NULL);
    char *big;
    ok(is_read(list), "8 settings are read");
    list = apr_pstrcat(pool, "<ussList>", times(USS(""), GBA_USS_MAX + 1), "</ussList>", NULL);
    ok(is_refused(list, strlen(list), "more than 8 uss"), "9 are not");
    list = apr_psprintf(pool, LIST("<uss id='1' type='1'><uids>%s</uids></uss>"),
                        times("<uid>a</uid>", GBA_UEIDS_MAX + 1));
    ok(is_refused(list, strlen(list), "more than 8 uid"), "9 UE identities are not");
    list = apr_psprintf(pool, LIST(USS("<flags>%s</flags>")),
                        times("<flag>1</flag>", GBA_FLAGS_MAX + 1));
    ok(is_refused(list, strlen(list), "more than 8 flag"), "9 flags are not");
    list = apr_psprintf(pool, LIST("<uss id='1' type='1'><uids><uid>%s</uid></uids></uss>"),
                        times("0123456789abcdef", 64));
    ok(is_refused(list, strlen(list), "a text of more than 1023"), "1024 octets in one text");
    list =
        apr_psprintf(pool, LIST("<uss id='1' type='1'><uids>%s</uids></uss>"),
                     times(apr_psprintf(pool, "<uid>%s</uid>", times("0123456789abcdef", 63)), 3));
    ok(is_refused(list, strlen(list), "a text that is empty, or too long"), "too long together");
    big = apr_palloc(pool, GBA_USS_XML_MAX + 1);
    memset(big, ' ', GBA_USS_XML_MAX + 1);
    memcpy(big, LIST(""), sizeof(LIST("")) - 1);
    memset(&info, 0, sizeof(info));
    is_int(read_text(big, GBA_USS_XML_MAX).code, BASE_OK, "16 KiB are read");
    ok(is_refused(big, GBA_USS_XML_MAX + 1, "more than 16 KiB"), "one octet more is not");
}

/* Settings of another subscriber are nobody's here. */
static void test_identity(void)
{
    static const char own[] = "<guss id=\"a@home1.net\">" LIST(USS("")) "</guss>";
    memset(&info, 0, sizeof(info));
    info.impi = gba_info_add_text(&info, "a@home1.net", 11);
    is_int(read_text(own, strlen(own)).code, BASE_OK, "a guss of this IMPI is taken");
    is_int(read_text(own, strlen(own)).code, BASE_KEYSOURCE_DOWN, "but none beside other settings");
    memset(&info, 0, sizeof(info));
    info.impi = gba_info_add_text(&info, "b@home1.net", 11);
    is_int(read_text(own, strlen(own)).code, BASE_KEYSOURCE_DOWN, "a guss of another IMPI is not");
    is_int(info.uss_count, 0, "and gives no settings");
}

/* ---- the same struct as the JSON form ---- */

#define KEY "\"meKeyMaterial\":\"5ec2e75ec2e75ec2e75ec2e75ec2e7ff5ec2e75ec2e75ec2e75ec2e75ec2e7ff\""

static base_code_t read_json(gba_info_t *out, const char *text)
{
    base_result_t result = gba_json_read_info(out, base_span_str(text), pool);
    if (result.code != BASE_OK)
        printf("# %s\n", result.detail);
    return result.code;
}

static int same_text(const gba_info_t *a, gba_text_ref_t in_a, const gba_info_t *b,
                     gba_text_ref_t in_b)
{
    const char *one = gba_info_text(a, in_a), *other = gba_info_text(b, in_b);
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static int same_uss(const gba_info_t *a, const gba_info_t *b, int i)
{
    const gba_uss_t *one = &a->uss[i], *other = &b->uss[i];
    int same = one->gs_id == other->gs_id && one->gs_type == other->gs_type &&
               one->key_choice == other->key_choice && one->flag_count == other->flag_count &&
               one->ue_id_count == other->ue_id_count &&
               memcmp(one->flags, other->flags, sizeof(one->flags)) == 0 &&
               same_text(a, one->naf_group, b, other->naf_group);
    for (int j = 0; j < GBA_UEIDS_MAX; j++)
        same = same && same_text(a, one->ue_ids[j], b, other->ue_ids[j]);
    return same;
}

/* The same settings in both forms. */
static const struct {
    const char *xml;
    const char *json;
    int count;
} pairs[] = {
    {"", "", 0},
    {"<uss id='1' type='1' nafGroup=''><uids><uid>a</uid></uids><flags/></uss>",
     "{\"uss\":{\"gsId\":1,\"gsType\":1,\"ueIds\":[{\"ueId\":\"a\"}],\"nafGroup\":\"\"}}", 1},
    {"<uss id='0' type='4294967295' nafGroup='\xc3\xa9 &lt;'><uids><uid>sip:a@b.c</uid>"
     "<uid>tel:+1</uid></uids><flags><flag>2</flag><flag>4294967295</flag><flag>0</flag></flags>"
     "<keyChoice>UICC_BASED_KEY</keyChoice></uss>",
     "{\"uss\":{\"gsId\":0,\"gsType\":4294967295,\"nafGroup\":\"\xc3\xa9 <\",\"ueIds\":"
     "[{\"ueId\":\"sip:a@b.c\"},{\"ueId\":\"tel:+1\"}],\"flags\":[{\"flag\":2},"
     "{\"flag\":4294967295},{\"flag\":0}],\"keyChoice\":\"UICC_BASED_KEY\"}}",
     1},
    {"<uss id='2' type='1'><uids><uid>a</uid></uids><extension>"
     "<keyChoice>ME_UICC_BASED_KEYS</keyChoice></extension></uss>"
     "<uss id='3' type='1'><uids><uid>a</uid></uids><keyChoice>LATER</keyChoice></uss>",
     "{\"uss\":{\"gsId\":2,\"gsType\":1,\"ueIds\":[{\"ueId\":\"a\"}],"
     "\"keyChoice\":\"ME_UICC_BASED_KEYS\"}},"
     "{\"uss\":{\"gsId\":3,\"gsType\":1,\"ueIds\":[{\"ueId\":\"a\"}],\"keyChoice\":\"LATER\"}}",
     2},
};

static void test_pairs(void)
{
    for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        gba_info_t xml, json;
        int same;
        base_code_t read =
            read_json(&xml, apr_psprintf(pool, "{" KEY ",\"userSecSettings\":\"%s\"}",
                                         apr_psprintf(pool, LIST("%s"), pairs[i].xml)));
        is_int(read, BASE_OK, pairs[i].xml);
        is_int(read_json(&json,
                         apr_psprintf(pool,
                                      pairs[i].count ? "{" KEY ",\"ussList\":[%s]}" : "{" KEY "%s}",
                                      pairs[i].json)),
               BASE_OK, pairs[i].json);
        same = xml.uss_count == pairs[i].count && json.uss_count == pairs[i].count;
        for (int j = 0; j < GBA_USS_MAX; j++)
            same = same && same_uss(&xml, &json, j);
        ok(same, "  ... are the same %d settings", pairs[i].count);
    }
}

static void test_json_member(void)
{
    gba_info_t xml, json;
    is_int(read_json(&xml, "{" KEY ",\"userSecSettings\":\"" LIST(
                               "<uss id='1' type='1' nafGroup='g'><uids><uid>a</uid></uids>"
                               "<flags><flag>2</flag></flags><keyChoice>ME_BASED_KEY</keyChoice>"
                               "</uss>") "\"}"),
           BASE_OK, "an answer with userSecSettings is read");
    is_int(read_json(&json, "{" KEY ",\"ussList\":[{\"uss\":{\"gsId\":1,\"gsType\":1,"
                            "\"ueIds\":[{\"ueId\":\"a\"}],\"nafGroup\":\"g\","
                            "\"flags\":[{\"flag\":2}],\"keyChoice\":\"ME_BASED_KEY\"}}]}"),
           BASE_OK, "one with the same as ussList too");
    ok(xml.uss_count == 1 && xml.uss[0].flags[0] == 2 && xml.uss[0].key_choice == 1,
       "the settings are there");
    ok(strcmp(gba_info_text(&xml, xml.uss[0].naf_group), "g") == 0 &&
           strcmp(gba_info_text(&json, json.uss[0].naf_group), "g") == 0 &&
           xml.uss[0].gs_id == json.uss[0].gs_id && xml.uss[0].gs_type == json.uss[0].gs_type &&
           xml.uss[0].flag_count == json.uss[0].flag_count &&
           xml.uss[0].key_choice == json.uss[0].key_choice,
       "and are the same");
    is_int(read_json(&xml, "{" KEY ",\"userSecSettings\":\"<ussList/>\",\"ussList\":[]}"),
           BASE_KEYSOURCE_DOWN, "both forms at once are refused");
    is_int(read_json(&xml, "{" KEY ",\"userSecSettings\":1}"), BASE_KEYSOURCE_DOWN,
           "so is what is no string");
    is_int(read_json(&xml, "{" KEY ",\"userSecSettings\":\"<!DOCTYPE a><ussList/>\"}"),
           BASE_KEYSOURCE_DOWN, "and what is no XML that we read");
    is_int(read_json(&xml, "{" KEY ",\"impi\":\"b\",\"userSecSettings\":\"<guss id='a'/>\"}"),
           BASE_KEYSOURCE_DOWN, "and a guss of another IMPI");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_whole();
    test_forms();
    test_key_choice();
    test_refused();
    test_bounds();
    test_identity();
    test_pairs();
    test_json_member();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
