/* SPDX-License-Identifier: Apache-2.0 */
/* B-TID, domain names, realm, NAF_Id, Ua security protocol identifiers. */
#include "tap.h"

#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "gba/gba_names.h"

#define LABEL63 "a23456789012345678901234567890123456789012345678901234567890123"

typedef struct name_row_t {
    const char *text;
    int valid;
    const char *why;
} name_row_t;

static const name_row_t btids[] = {
    {"I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net", 1, "base64 of RAND and a BSF (TS 33.220 B.4)"},
    {"7RpCrdvdINULErNul4jRopoq9o7tO9+M@tmpi.bsf.3gppnetwork.org", 1, "'+' in the opaque part"},
    {"a@b", 1, "the shortest"},
    {"a@b@bsf.home1.net", 1, "the last '@' counts, the part before it is opaque"},
    {"(),;:[]{}<>!#$%&'*^`|~@bsf.home1.net", 1, "any printable character but two"},
    {"x@BSF.Home1.NET", 1, "a domain in any case"},
    {"x@" LABEL63, 1, "a label of 63"},
    {"", 0, "nothing"},
    {"a@", 0, "no domain"},
    {"@bsf.home1.net", 0, "no opaque part"},
    {"@b", 0, "two octets"},
    {"a.b", 0, "no '@'"},
    {"@@b@", 0, "a last '@' at the end"},
    {"a b@bsf.home1.net", 0, "a space"},
    {"a\tb@bsf.home1.net", 0, "a tab"},
    {"a\nb@bsf.home1.net", 0, "a line feed"},
    {"a\x7f@bsf.home1.net", 0, "DEL"},
    {"a\xc3\xa9@bsf.home1.net", 0, "an octet above ASCII"},
    {"a\"b@bsf.home1.net", 0, "a quotation mark"},
    {"a\\b@bsf.home1.net", 0, "a backslash"},
    {"a@bsf..home1.net", 0, "an empty label"},
    {"a@.bsf", 0, "a leading dot"},
    {"a@bsf.home1.net.", 0, "a trailing dot"},
    {"a@-bsf.home1.net", 0, "a label that starts with a hyphen"},
    {"a@bsf-.home1.net", 0, "a label that ends with a hyphen"},
    {"a@bsf_1.home1.net", 0, "an underscore in the domain"},
    {"a@bsf.home1.net:8080", 0, "a port"},
    {"a@192.0.2.1", 0, "an IPv4 address"},
    {"a@x" LABEL63, 0, "a label of 64"},
};

static const name_row_t fqdns[] = {
    {"pkiportal.home1.net", 1, "a name"},
    {"PKIPORTAL.home1.net", 1, "a name in any case"},
    {"a.b", 1, "two labels"},
    {"1a.2b", 1, "labels that start with a digit (RFC 1123 2.1)"},
    {"xn--mnchen-3ya.example", 1, "an A-label"},
    {"xcap.ims.mnc045.mcc123.pub.3gppnetwork.org", 1, "a name of TS 23.003"},
    {"a." LABEL63 "x", 0, "a label of 64"},
    {"localhost", 0, "one label"},
    {"a.b.", 0, "a trailing dot"},
    {".a.b", 0, "a leading dot"},
    {"a..b", 0, "an empty label"},
    {"", 0, "nothing"},
    {".", 0, "the root"},
    {"a b.c", 0, "a space"},
    {"a-.b", 0, "a hyphen at a label's end"},
    {"-a.b", 0, "a hyphen at a label's start"},
    {"*.example", 0, "a wildcard"},
    {"192.0.2.1", 0, "an IPv4 address"},
    {"[2001:db8::1]", 0, "an IPv6 address"},
    {"a.b\n", 0, "a line feed at the end"},
    {"b\xc3\xbc.example", 0, "a U-label"},
};

static void test_btid_check(void)
{
    char long_btid[GBA_BTID_MAX + 2];
    for (size_t i = 0; i < sizeof(btids) / sizeof(btids[0]); i++)
        is_int(!!gba_btid_check(btids[i].text), btids[i].valid, btids[i].why);
    memset(long_btid, 'x', sizeof(long_btid));
    memcpy(long_btid + sizeof(long_btid) - 5, "@b.c", 5);
    ok(!gba_btid_check(long_btid), "a B-TID of 256 octets is refused");
    ok(gba_btid_check(long_btid + 1), "one of 255 is taken");
    ok(!gba_btid_check(NULL), "no B-TID at all is refused");
    is_str(gba_btid_domain("a@b@bsf.home1.net"), "bsf.home1.net", "domain: after the last '@'");
}

static void test_fqdn_check(void)
{
    char name[GBA_FQDN_MAX + 2];
    for (size_t i = 0; i < sizeof(fqdns) / sizeof(fqdns[0]); i++)
        is_int(!!gba_fqdn_check(fqdns[i].text), fqdns[i].valid, fqdns[i].why);
    for (size_t i = 0; i < sizeof(name); i++)
        name[i] = i % 2 ? '.' : 'a';
    name[GBA_FQDN_MAX] = '\0';
    ok(gba_fqdn_check(name), "a name of 253 octets is taken");
    memcpy(name + GBA_FQDN_MAX - 1, "aa", 3);
    ok(!gba_fqdn_check(name), "one of 254 is refused");
    ok(!gba_fqdn_check(NULL), "no name at all is refused");
}

static void test_redact(apr_pool_t *pool)
{
    static const struct {
        const char *btid;
        const char *shown;
        const char *why;
    } rows[] = {
        {"I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net", "I1U8vp...@bsf.home1.net", "a B-TID"},
        {"abc@bsf.home1.net", "abc...@bsf.home1.net", "a short opaque part"},
        {"a@b@c@d.e", "a@b@c...@d.e", "'@' in the opaque part"},
        {"no-at-sign-at-all", "no-at-...", "no domain"},
        {"", "...", "nothing"},
        {"a\nb\"\\\x7f\xff@x\ny", "a\\x0ab\\x22\\x5c\\x7f...@x\\x0ay", "what a log must not get"},
        {NULL, "(none)", "no B-TID"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        is_str(gba_btid_redact(pool, rows[i].btid), rows[i].shown, rows[i].why);
    char *huge = apr_pcalloc(pool, 100001);
    memset(huge, '@', 1);
    memset(huge + 1, 'd', 99999);
    ok(strlen(gba_btid_redact(pool, huge)) < 300, "a domain without end is cut");
}

static void test_realm(apr_pool_t *pool)
{
    is_str(gba_realm_print(pool, GBA_REALM_ME, "pkiportal.home1.net"),
           "3GPP-bootstrapping@pkiportal.home1.net", "realm of Ks_NAF (TS 24.109 E.4)");
    is_str(gba_realm_print(pool, GBA_REALM_UICC, "pkiportal.home1.net"),
           "3GPP-bootstrapping-uicc@pkiportal.home1.net", "realm of Ks_int_NAF");
    is_str(gba_realm_print(pool, GBA_REALM_DIGEST, "pkiportal.home1.net"),
           "3GPP-bootstrapping-digest@pkiportal.home1.net", "realm of GBA_Digest");
}

static void test_naf_id(void)
{
    static const unsigned char ua_id[GBA_UA_ID_LEN] = {1, 0, 1, 0xc0, 0x2f};
    unsigned char out[GBA_NAF_ID_MAX];
    gba_naf_id_t naf;
    ok(gba_naf_id_set(&naf, "PkiPortal.HOME1.net", ua_id), "a NAF_Id is set");
    is_str(naf.fqdn, "pkiportal.home1.net", "its name is in lower case (TS 33.220: octets count)");
    is_int((long long)gba_naf_id_octets(&naf, out), 24, "19 octets of name and 5 of the Ua id");
    is_mem(out, "pkiportal.home1.net\x01\x00\x01\xc0\x2f", 24, "name, then the raw octets");
    ok(!gba_naf_id_set(&naf, "localhost", ua_id), "a name of one label is refused");
    memset(naf.fqdn, 'x', sizeof(naf.fqdn));
    is_int((long long)gba_naf_id_octets(&naf, out), GBA_NAF_ID_MAX,
           "a name that never ends is not read past its room");
}

static void test_ua_id(void)
{
    static const struct {
        const char *text;
        const char *octets; /* NULL: refused */
    } rows[] = {
        {"pki", "\x01\x00\x00\x00\x00"},            /* TS 33.220 H.3: TS 33.221 */
        {"digest", "\x01\x00\x00\x00\x02"},         /* TS 33.220 H.3: TS 24.109 */
        {"hex:010001c02f", "\x01\x00\x01\xc0\x2f"}, /* TS 33.220 H.3: TLS suite C02F */
        {"hex:010001C02F", "\x01\x00\x01\xc0\x2f"},
        {"", NULL},
        {"PKI", NULL},
        {"tls", NULL},
        {"hex:", NULL},
        {"hex:010001c02", NULL},
        {"hex:010001c02f0", NULL},
        {"hex:010001c02f00", NULL},
        {"hex:010001c02g", NULL},
        {"hex:0x01000000", NULL},
        {"hex: 010001c02f", NULL},
        {"010001c02f", NULL},
        {NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned char out[GBA_UA_ID_LEN] = {0};
        const char *text = rows[i].text ? rows[i].text : "(null)";
        if (!rows[i].octets)
            ok(!gba_ua_id_parse(out, rows[i].text), "\"%s\" is no Ua id", text);
        else
            ok(gba_ua_id_parse(out, rows[i].text) && memcmp(out, rows[i].octets, sizeof(out)) == 0,
               "\"%s\" is the Ua id it should be", text);
    }
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    test_btid_check();
    test_fqdn_check();
    test_redact(pool);
    test_realm(pool);
    test_naf_id();
    test_ua_id();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
