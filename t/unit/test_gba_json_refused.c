/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused of Nbsp_GBA's JSON (TS 29.309 V18.1.0), each time with the member's name, with
 * nothing left in the info and no key in the detail. */
#include "tap.h"

#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "gba/gba_json.h"

#define SECRET      "5ec2e75ec2e75ec2e75ec2e75ec2e7ff"
#define KEY         "\"meKeyMaterial\":\"" SECRET SECRET "\""
#define UE_IDS      "\"ueIds\":[{\"ueId\":\"a\"}]"
#define GS          "\"gsId\":1,\"gsType\":1,"
#define WITH(m)     "{" KEY "," m "}"
#define WITH_USS(m) WITH("\"ussList\":[{\"uss\":{" m "}}]")

typedef struct row_t {
    const char *text;
    const char *says; /* the detail starts with this */
} row_t;

static const row_t texts[] = {
    {"", "no JSON: it ends too early (line 1"},
    {"{" KEY, "no JSON: it ends too early (line 1"},
    {"{\n" KEY ",\n}", "no JSON: bad syntax (line 3"},
    {"{" KEY "} x", "no JSON: something follows its end"},
    {"{" KEY "}{" KEY "}", "no JSON: something follows its end"},
    {"{" KEY "} // comment", "no JSON: something follows its end"},
    {"{'meKeyMaterial':'" SECRET SECRET "'}", "no JSON: bad syntax"},
    {"\xef\xbb\xbf{" KEY "}", "no JSON: bad syntax"}, /* RFC 8259 8.1: no BOM is sent */
    {WITH("\"impi\":\"\xff\""), "no JSON: not UTF-8"},
    {WITH("\"impi\":\"\xed\xa0\x80\""), "no JSON: not UTF-8"}, /* a surrogate */
    {WITH("\"impi\":\"\xc0\xaf\""), "no JSON: not UTF-8"},     /* an overlong form */
    {WITH("\"impi\":\"a\\u0000b\""), "no JSON: a NUL in a string"},
    {WITH("\"impi\":\"a\nb\""), "no JSON: bad syntax"},
    {WITH("\"x\":18446744073709551616"), "no JSON: a number too large"},
    {WITH("\"x\":1e999"), "no JSON: a number too large"},
    {WITH("\"x\":01"), "no JSON: bad syntax"},
    {WITH("\"x\":NaN"), "no JSON: bad syntax"},
    {WITH(KEY), "meKeyMaterial: there twice (line 1)"},
    {WITH("\"meKeyMateri\\u0061l\":\"" SECRET "\""), "meKeyMateri"},
    {WITH("\"bootstrappingInfoCreationTime\":1,\n\"bootstrappingInfoCreationTime\":1"),
     "bootstrappingInfoCreationTime: there twice (line 2)"},
    {WITH("\"x\":{\"y\":1,\"y\":1}"), "y: there twice"},
    {WITH_USS(GS UE_IDS ",\"gsId\":1"), "gsId: there twice"},
    {"[{" KEY "}]", "the answer: an object expected"},
    {"\"" SECRET "\"", "no JSON: bad syntax"},
    {"null", "no JSON: bad syntax"},
};

static const row_t members[] = {
    {"{}", "meKeyMaterial: missing"},
    {"{\"MeKeyMaterial\":\"" SECRET SECRET "\"}", "meKeyMaterial: missing"},
    {"{\"meKeyMaterial\":null}", "meKeyMaterial: 64 hex digits expected"},
    {"{\"meKeyMaterial\":1}", "meKeyMaterial: 64 hex digits expected"},
    {"{\"meKeyMaterial\":\"\"}", "meKeyMaterial: 64 hex digits expected"},
    {"{\"meKeyMaterial\":\"" SECRET "\"}", "meKeyMaterial: 64 hex digits expected"},
    {"{\"meKeyMaterial\":\"" SECRET SECRET "0\"}", "meKeyMaterial: 64 hex digits expected"},
    {"{\"meKeyMaterial\":\"" SECRET SECRET "00\"}", "meKeyMaterial: 64 hex digits expected"},
    {"{\"meKeyMaterial\":\" " SECRET SECRET "\"}", "meKeyMaterial: 64 hex digits expected"},
    {"{\"meKeyMaterial\":\"" SECRET "5ec2e75ec2e75ec2e75ec2e75ec2e7fg\"}",
     "meKeyMaterial: 64 hex digits expected"},
    {"{\"meKeyMaterial\":\"0x" SECRET "5ec2e75ec2e75ec2e75ec2e75ec2e7\"}",
     "meKeyMaterial: 64 hex digits expected"},
    {WITH("\"uiccKeyMaterial\":null"), "uiccKeyMaterial: 64 hex digits expected"},
    {WITH("\"uiccKeyMaterial\":\"" SECRET "\""), "uiccKeyMaterial: 64 hex digits expected"},
    {WITH("\"keyExpiryTime\":null"), "keyExpiryTime: an RFC 3339 date-time expected"},
    {WITH("\"keyExpiryTime\":1893456000"), "keyExpiryTime: an RFC 3339 date-time expected"},
    {WITH("\"keyExpiryTime\":\"\""), "keyExpiryTime: an RFC 3339 date-time expected"},
    {WITH("\"keyExpiryTime\":\"2030-01-01\""), "keyExpiryTime: an RFC 3339 date-time expected"},
    {WITH("\"keyExpiryTime\":\"2030-01-01T00:00:00\""),
     "keyExpiryTime: an RFC 3339 date-time expected"},
    {WITH("\"keyExpiryTime\":\"2030-02-30T00:00:00Z\""),
     "keyExpiryTime: an RFC 3339 date-time expected"},
    /* 0 means "not told": such a key must not live for ever. */
    {WITH("\"keyExpiryTime\":\"1970-01-01T00:00:00Z\""), "keyExpiryTime: not after 1970-01-01"},
    {WITH("\"keyExpiryTime\":\"0001-01-01T00:00:00Z\""), "keyExpiryTime: not after 1970-01-01"},
    {WITH("\"bootstrappingInfoCreationTime\":\"now\""),
     "bootstrappingInfoCreationTime: an RFC 3339 date-time expected"},
    {WITH("\"gbaType\":3"), "gbaType: a string expected"},
    {WITH("\"gbaType\":null"), "gbaType: a string expected"},
    {WITH("\"impi\":null"), "impi: a string that is not empty expected"},
    {WITH("\"impi\":[\"a\"]"), "impi: a string that is not empty expected"},
    {WITH("\"impi\":\"\""), "impi: a string that is not empty expected"},
    {WITH("\"impi\":\"a\\r\\nX-3GPP-Asserted-Identity: b\""), "impi: a control character"},
    {WITH("\"impi\":\"a\\u007f\""), "impi: a control character"},
    {WITH("\"ussList\":null"), "ussList: an array that is not empty expected"},
    {WITH("\"ussList\":{}"), "ussList: an array that is not empty expected"},
    {WITH("\"ussList\":[]"), "ussList: an array that is not empty expected"}, /* minItems: 1 */
    {WITH("\"ussList\":[1]"), "ussList[0].uss: an object expected"},
    {WITH("\"ussList\":[{}]"), "ussList[0].uss: an object expected"},
    {WITH("\"ussList\":[{\"uss\":[]}]"), "ussList[0].uss: an object expected"},
    {WITH("\"ussList\":[{\"uss\":{" GS UE_IDS "}},{\"uss\":1}]"),
     "ussList[1].uss: an object expected"},
    {WITH_USS("\"gsType\":1," UE_IDS), "ussList[0].uss.gsId: an integer from 0 to 4294967295"},
    {WITH_USS("\"gsId\":1," UE_IDS), "ussList[0].uss.gsType: an integer from 0 to 4294967295"},
    {WITH_USS("\"gsId\":\"1\",\"gsType\":1," UE_IDS), "ussList[0].uss.gsId: an integer from 0"},
    {WITH_USS("\"gsId\":-1,\"gsType\":1," UE_IDS), "ussList[0].uss.gsId: an integer from 0"},
    {WITH_USS("\"gsId\":4294967296,\"gsType\":1," UE_IDS),
     "ussList[0].uss.gsId: an integer from 0"},
    {WITH_USS("\"gsId\":1.0,\"gsType\":1," UE_IDS), "ussList[0].uss.gsId: an integer from 0"},
    {WITH_USS("\"gsId\":true,\"gsType\":1," UE_IDS), "ussList[0].uss.gsId: an integer from 0"},
    {WITH_USS("\"gsId\":1,\"gsType\":1"), "ussList[0].uss.ueIds: missing"},
    {WITH_USS(GS "\"ueIds\":[]"), "ussList[0].uss.ueIds: an array that is not empty expected"},
    {WITH_USS(GS "\"ueIds\":\"a\""), "ussList[0].uss.ueIds: an array that is not empty expected"},
    {WITH_USS(GS "\"ueIds\":[{\"ueId\":\"a\"},\"b\"]"), "ussList[0].uss.ueIds[1].ueId: a string"},
    {WITH_USS(GS "\"ueIds\":[{}]"), "ussList[0].uss.ueIds[0].ueId: a string that is not empty"},
    {WITH_USS(GS "\"ueIds\":[{\"ueId\":\"\"}]"), "ussList[0].uss.ueIds[0].ueId: a string"},
    {WITH_USS(GS "\"ueIds\":[{\"ueId\":\"\\u0001\"}]"), "ussList[0].uss.ueIds[0].ueId: a control"},
    {WITH_USS(GS UE_IDS ",\"nafGroup\":1"), "ussList[0].uss.nafGroup: a string"},
    {WITH_USS(GS UE_IDS ",\"flags\":[]"), "ussList[0].uss.flags: an array that is not empty"},
    {WITH_USS(GS UE_IDS ",\"flags\":1"), "ussList[0].uss.flags: an array that is not empty"},
    {WITH_USS(GS UE_IDS ",\"flags\":[{\"flag\":1},{\"flag\":\"2\"}]"),
     "ussList[0].uss.flags[1].flag: an integer from 0"},
    {WITH_USS(GS UE_IDS ",\"flags\":[1]"), "ussList[0].uss.flags[0].flag: an integer from 0"},
    {WITH_USS(GS UE_IDS ",\"keyChoice\":1"), "ussList[0].uss.keyChoice: a string expected"},
};

/* Nonzero if it was refused as it should be. */
static int is_refused(const char *text, apr_size_t len, const char *says, apr_pool_t *pool)
{
    static const gba_info_t empty;
    static gba_info_t info;
    base_span_t span = {(const unsigned char *)text, len};
    memset(&info, 0xa5, sizeof(info));
    base_result_t result = gba_json_read_info(&info, span, pool);
    if (result.code != BASE_KEYSOURCE_DOWN || !result.tag || !result.detail) {
        printf("# not refused\n");
        return 0;
    }
    if (strncmp(result.detail, says, strlen(says)) == 0 && !strstr(result.detail, "5ec2e7") &&
        memcmp(&info, &empty, sizeof(info)) == 0)
        return 1;
    printf("# %s\n", result.detail);
    return 0;
}

static void test_rows(const row_t *rows, size_t count, apr_pool_t *pool)
{
    for (size_t i = 0; i < count; i++)
        ok(is_refused(rows[i].text, strlen(rows[i].text), rows[i].says, pool),
           "row %d is refused: %s", (int)i, rows[i].says);
}

/* count copies of item with commas between. */
static const char *list_of(const char *item, int count, apr_pool_t *pool)
{
    const char *list = item;
    while (--count > 0)
        list = apr_pstrcat(pool, list, ",", item, NULL);
    return list;
}

static void test_too_many(apr_pool_t *pool)
{
    const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {apr_psprintf(pool, WITH("\"ussList\":[%s]"),
                      list_of("{\"uss\":{" GS UE_IDS "}}", GBA_USS_MAX + 1, pool)),
         "ussList: more than 8 elements"},
        {apr_psprintf(pool, WITH_USS(GS "\"ueIds\":[%s]"),
                      list_of("{\"ueId\":\"a\"}", GBA_UEIDS_MAX + 1, pool)),
         "ussList[0].uss.ueIds: more than 8 elements"},
        {apr_psprintf(pool, WITH_USS(GS UE_IDS ",\"flags\":[%s]"),
                      list_of("{\"flag\":1}", GBA_FLAGS_MAX + 1, pool)),
         "ussList[0].uss.flags: more than 8 elements"},
        {apr_psprintf(pool, WITH("\"impi\":\"x%s\""), list_of("x", 128, pool)),
         "impi: more than 255 octets"},
        {apr_psprintf(pool, WITH_USS(GS "\"ueIds\":[{\"ueId\":\"%s\"},{\"ueId\":\"%s\"}]"),
                      list_of("x", 512, pool), list_of("x", 512, pool)),
         "ussList[0].uss.ueIds[1].ueId: too long"},
        {apr_psprintf(pool, WITH_USS(GS UE_IDS ",\"nafGroup\":\"%s\""), list_of("x", 1024, pool)),
         "ussList[0].uss.nafGroup: too long"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ok(is_refused(rows[i].text, strlen(rows[i].text), rows[i].says, pool), "refused: %s",
           rows[i].says);
}

static void test_size_and_depth(apr_pool_t *pool)
{
    const apr_size_t size = GBA_JSON_MAX + 1;
    char *text = apr_palloc(pool, size);
    memset(text, ' ', size);
    memcpy(text, "{" KEY "}", strlen("{" KEY "}"));
    gba_info_t info;
    base_span_t span = {(const unsigned char *)text, GBA_JSON_MAX};
    is_int(gba_json_read_info(&info, span, pool).code, BASE_OK, "64 KiB are read");
    ok(is_refused(text, size, "the answer: more than 64 KiB", pool), "an octet more is not");
    memset(text, '[', GBA_JSON_MAX);
    ok(is_refused(text, GBA_JSON_MAX, "no JSON: nested too deeply", pool), "65536 arrays deep");
    ok(is_refused("{" KEY "}\0", strlen("{" KEY "}") + 1, "no JSON: ", pool), "a NUL after it");
    ok(is_refused(NULL, 0, "no JSON: ", pool), "no text at all");
    ok(gba_json_read_object(&info, NULL, pool).code == BASE_KEYSOURCE_DOWN, "no object at all");
}

static void test_naf_id(apr_pool_t *pool)
{
    static const row_t rows[] = {
        {"{\"nafFqdn\":\"NAF.home1.net\",\"uaSecProtId\":\"010001C02f\"}", NULL},
        {"{\"nafFqdn\":\"naf.home1.net.\",\"uaSecProtId\":\"010001c02f\",\"x\":1}", NULL},
        {"{\"nafFqdn\":\"naf.home1.net..\",\"uaSecProtId\":\"010001c02f\"}", "nafFqdn: "},
        {"{\"nafFqdn\":\"localhost\",\"uaSecProtId\":\"0100000000\"}", "nafFqdn: "},
        {"{\"nafFqdn\":\".\",\"uaSecProtId\":\"0100000000\"}", "nafFqdn: "},
        {"{\"nafFqdn\":\"\",\"uaSecProtId\":\"0100000000\"}", "nafFqdn: "},
        {"{\"nafFqdn\":7,\"uaSecProtId\":\"0100000000\"}", "nafFqdn: "},
        {"{\"uaSecProtId\":\"0100000000\"}", "nafFqdn: "},
        {"{\"nafFqdn\":\"naf.home1.net\"}", "uaSecProtId: "},
        {"{\"nafFqdn\":\"naf.home1.net\",\"uaSecProtId\":\"010000000\"}", "uaSecProtId: "},
        {"{\"nafFqdn\":\"naf.home1.net\",\"uaSecProtId\":\"010000000000\"}", "uaSecProtId: "},
        {"{\"nafFqdn\":\"naf.home1.net\",\"uaSecProtId\":100000000}", "uaSecProtId: "},
        {"[]", "uaSecProtId: "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        gba_naf_id_t naf;
        json_t *object = json_loads(rows[i].text, 0, NULL);
        base_result_t result = gba_json_read_naf_id(&naf, object, pool);
        if (!rows[i].says)
            ok(result.code == BASE_OK && strcmp(naf.fqdn, "naf.home1.net") == 0 &&
                   memcmp(naf.ua_id, "\x01\x00\x01\xc0\x2f", GBA_UA_ID_LEN) == 0,
               "nafId %s is taken", rows[i].text);
        else
            ok(result.code == BASE_KEYSOURCE_DOWN &&
                   strncmp(result.detail, rows[i].says, strlen(rows[i].says)) == 0,
               "nafId %s is refused", rows[i].text);
        json_decref(object);
    }
    ok(gba_json_read_naf_id(&(gba_naf_id_t){{0}, {0}}, NULL, pool).code == BASE_KEYSOURCE_DOWN,
       "no nafId is refused");
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    test_rows(texts, sizeof(texts) / sizeof(texts[0]), pool);
    test_rows(members, sizeof(members) / sizeof(members[0]), pool);
    test_too_many(pool);
    test_size_and_depth(pool);
    test_naf_id(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
