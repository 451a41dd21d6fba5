/* SPDX-License-Identifier: Apache-2.0 */
/* Media types, the response= table, and the refusal page with its decision. */
#include <apr_general.h>
#include "pki/pki_media.h"
#include "pki_fixture.h"

/* TS 24.109 E.3.1 shows response=single; NULL: refused. */
static const struct {
    const char *query;
    const char *want;
} queries[] = {
    {NULL, "single"},
    {"", "single"},
    {"response=single", "single"},
    {"a=b", "single"},
    {"a=b&response=single", "single"},
    {"response=single&a=b", "single"},
    {"&&response=single&&", "single"},
    {"responses=pointer", "single"},
    {"xresponse=pointer", "single"},
    {"Response=pointer", "single"},
    {"%72esponse=pointer", "single"},
    {"a=response=pointer", "single"},
    {"=&=x", "single"},
    {"response=pointer", NULL},
    {"response=chain", NULL},
    {"response=", NULL},
    {"response", NULL},
    {"a&response", NULL},
    {"response=Single", NULL},
    {"response=single2", NULL},
    {"response=singl", NULL},
    {"response=single%20", NULL},
    {"response=%73ingle", NULL},
    {"response=single+", NULL},
    {"response==single", NULL},
    {"response=single=", NULL},
    {"response=single&response=single", NULL},
    {"response=single&response=pointer", NULL},
    {"response=single&response", NULL},
    {"response=nonsense&response=single", NULL},
    {"response=single;a=b", NULL},
    {"response=single#x", NULL},
};

static void response_kinds(void)
{
    for (unsigned i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        const pki_response_kind_t *kind = NULL;
        base_result_t result = pki_response_kind(&kind, queries[i].query);
        const char *shown = queries[i].query ? queries[i].query : "(none)";
        is_str(kind ? kind->name : NULL, queries[i].want, shown);
        is_int(result.code, queries[i].want ? BASE_OK : BASE_BAD_RESPONSE_KIND, shown);
        if (kind) {
            is_str(kind->media_type, "application/x-x509-user-cert", "media type of the answer");
            ok(kind->supported, "the row is a supported one");
        }
    }
}

/* RFC 9110 8.3.1. */
static const struct {
    const char *value;
    int want;
} types[] = {
    {PKI_MEDIA_PKCS10, 1},
    {"Application/X-PKCS10", 1},
    {"application/x-pkcs10;charset=utf-8", 1},
    {"application/x-pkcs10 ; charset=utf-8", 1},
    {"application/x-pkcs10\t;", 1},
    {"application/x-pkcs10 ", 1},
    {NULL, 0},
    {"", 0},
    {";", 0},
    {"application/x-pkcs1", 0},
    {"application/x-pkcs100", 0},
    {"application/x-pkcs10+xml", 0},
    {"application/x-pkcs10,text/html", 0},
    {"application/x-pkcs10 text/html", 0},
    {"application/x-pkcs10/a", 0},
    {" application/x-pkcs10", 0},
    {"application/pkcs10", 0},
    {"application / x-pkcs10", 0},
    {"text/html;application/x-pkcs10", 0},
};

static void media_types(void)
{
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        is_int(pki_media_type_is(types[i].value, PKI_MEDIA_PKCS10) != 0, types[i].want,
               types[i].value ? types[i].value : "(none)");
    ok(pki_media_type_is("text/html", "TEXT/HTML"), "the expected type may be in any case");
}

#define META "<meta name=\"gba-decision\" content=\"refused; reason="
#define A16  "AAAAAAAAAAAAAAAA"

/* The element counts octet for octet; NULL: no decision. */
static const struct {
    const char *page;
    const char *want;
} pages[] = {
    {META "NO_USS\">", "NO_USS"},
    {"<html><head>" META "KEY_SIZE\"></head>", "KEY_SIZE"},
    {META "SOMETHING_NEW_2\">", "SOMETHING_NEW_2"},
    {META "A\">", "A"},
    {META A16 A16 A16 A16 "\">", A16 A16 A16 A16},
    {"<<<" META "NO_USS\">>", "NO_USS"},
    {"<meta name=\"gba-" META "NO_USS\">", "NO_USS"},
    {"<meta name=\"gba-decisions\">" META "NO_USS\">", "NO_USS"},
    {"<META NAME=\"gba-decision\">" META "NO_USS\">", "NO_USS"},
    {"", NULL},
    {"<", NULL},
    {"<html></html>", NULL},
    {"<meta name=\"gba-decision\"", NULL},
    {"<meta name=\"gba-decision\">", NULL},
    {META, NULL},
    {META "\">", NULL},
    {META "NO_USS", NULL},
    {META "NO_USS\"", NULL},
    {META "NO_USS\" >", NULL},
    {META "NO_USS\"/>", NULL},
    {META "no_uss\">", NULL},
    {META "NO-USS\">", NULL},
    {META "NO_USS \">", NULL},
    {META " NO_USS\">", NULL},
    {META "NO&#95;USS\">", NULL},
    {META A16 A16 A16 A16 "A\">", NULL},
    {"<meta name=\"gba-decision\" content=\"accepted; reason=NONE\">", NULL},
    {"<meta name=\"gba-decision\" content=\"refused;reason=NO_USS\">", NULL},
    {"<meta name=\"gba-decision\"  content=\"refused; reason=NO_USS\">", NULL},
    {"<meta name='gba-decision' content='refused; reason=NO_USS'>", NULL},
    {"<META name=\"gba-decision\" content=\"refused; reason=NO_USS\">", NULL},
    {"<meta content=\"refused; reason=NO_USS\" name=\"gba-decision\">", NULL},
    {META "NO_USS\">" META "NO_USS\">", NULL},
    {META "NO_USS\">" META "NO_FLAG\">", NULL},
    {META "NO_USS\"><meta name=\"gba-decision\"", NULL},
    {META "NO_USS\"><!-- " META "NO_FLAG\"> -->", NULL},
    {"<meta name=\"gba-decision\" content=\"accepted\">" META "NO_USS\">", NULL},
};

/* Each page as the last octets of a buffer of its own, so that a sanitizer sees a read past it. */
static void read_pages(apr_pool_t *pool)
{
    for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        apr_size_t len = strlen(pages[i].page);
        unsigned char *data = malloc(len ? len : 1);
        base_span_t page = {data, len};
        const char *code = "unset";
        int got;
        memcpy(data, pages[i].page, len);
        got = pki_page_decision(&code, page, pool);
        free(data);
        is_str(code, pages[i].want, pages[i].page);
        is_int(got != 0, pages[i].want != NULL, "and says so");
    }
}

static void read_octets(apr_pool_t *pool)
{
    static const char nul_before[] = "\0\0" META "NO_USS\">\0";
    static const char nul_inside[] = META "NO\0USS\">";
    static const char nul_between[] = META "NO_USS\">\0" META "NO_USS\">";
    static const char high[] = "\xff\xfe<\x80" META "NO_USS\">\xff";
    base_span_t none = {NULL, 0};
    base_span_t page = {(const unsigned char *)nul_before, sizeof(nul_before) - 1};
    const char *code = NULL;
    ok(pki_page_decision(&code, page, pool), "NUL before and after the element");
    is_str(code, "NO_USS", "and the code is read");
    page.data = (const unsigned char *)nul_inside;
    page.len = sizeof(nul_inside) - 1;
    ok(!pki_page_decision(&code, page, pool), "NUL inside the code");
    page.data = (const unsigned char *)nul_between;
    page.len = sizeof(nul_between) - 1;
    ok(!pki_page_decision(&code, page, pool), "a second element behind a NUL");
    page.data = (const unsigned char *)high;
    page.len = sizeof(high) - 1;
    ok(pki_page_decision(&code, page, pool), "octets that are no UTF-8");
    ok(!pki_page_decision(&code, none, pool) && !code, "no page at all");
}

/* TS 24.109 table E.4-1: what the portal writes, the UE reads. */
static void round_trip(apr_pool_t *pool)
{
    for (unsigned i = 0; i < PKI_REASONS; i++) {
        pki_reason_t reason = (pki_reason_t)i;
        const char *code = NULL;
        const char *page = pki_page_refusal(pool, reason, pki_reason_public_text(reason));
        ok(pki_page_decision(&code, base_span_str(page), pool), "%s: there is one decision",
           pki_reason_code(reason));
        is_str(code, pki_reason_code(reason), "and its code is the reason's");
        ok(strstr(page, pki_reason_public_text(reason)) != NULL, "and its text stands there");
        ok(strncmp(page, "<!DOCTYPE html>\n", 16) == 0 && strstr(page, "<title>") &&
               strcmp(page + strlen(page) - 8, "</html>\n") == 0,
           "and it is a whole page");
    }
}

int main(void)
{
    apr_pool_t *pool;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    response_kinds();
    media_types();
    read_pages(pool);
    read_octets(pool);
    round_trip(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
