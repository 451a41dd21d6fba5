/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_digest_challenge.c
 * The WWW-Authenticate field (RFC 9110 11.6.1, RFC 7616 3.3) and the
 * Authentication-Info field (RFC 7616 3.5, TS 24.109 table E.4-1), printed and
 * parsed.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include "digest/digest_grammar.h"
#include "tap.h"

#define H32  "6629fae49394a05397450978507c4ef1"
#define H64  H32 H32
#define INFO "qop=auth-int, rspauth=\"" H32 "\", cnonce=\"c\", nc=00000001"

static apr_pool_t *pool;

/* A field as the name of a test point: one line. */
static const char *shown(const char *field)
{
    return base_log_safe(pool, field, 200);
}

static void test_print_challenge(void)
{
    digest_challenge_t challenge = {.realm = "3GPP-bootstrapping@pkiportal.home1.net",
                                    .nonce = "ZU4sh9eCDL6xtbVQ9DFmVJWC",
                                    .opaque = "18171a24",
                                    .alg = DIGEST_MD5,
                                    .alg_known = 1,
                                    .qop = DIGEST_QOP_AUTH_INT};

    is_str(digest_challenge_print(&challenge, pool),
           "Digest realm=\"3GPP-bootstrapping@pkiportal.home1.net\", "
           "nonce=\"ZU4sh9eCDL6xtbVQ9DFmVJWC\", algorithm=MD5, qop=\"auth-int\", "
           "opaque=\"18171a24\"",
           "a challenge, byte for byte");
    challenge.stale = 1;
    challenge.alg = DIGEST_SHA256;
    is_str(digest_challenge_print(&challenge, pool),
           "Digest realm=\"3GPP-bootstrapping@pkiportal.home1.net\", "
           "nonce=\"ZU4sh9eCDL6xtbVQ9DFmVJWC\", algorithm=SHA-256, qop=\"auth-int\", "
           "opaque=\"18171a24\", stale=true",
           "with stale, a token (RFC 7616 3.3)");
    challenge = (digest_challenge_t){"a\"b\\", "n", NULL, DIGEST_SHA512_256, 1, 3, 0, 0};
    is_str(digest_challenge_print(&challenge, pool),
           "Digest realm=\"a\\\"b\\\\\", nonce=\"n\", algorithm=SHA-512-256, "
           "qop=\"auth,auth-int\"",
           "both qop without a space, no opaque, quoted-pairs");
    challenge = (digest_challenge_t){"r", "n", NULL, DIGEST_MD5, 1, DIGEST_QOP_AUTH, 0, 0};
    is_str(digest_challenge_print(&challenge, pool),
           "Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"", "qop auth");
    challenge.qop = 0;
    is_str(digest_challenge_print(&challenge, pool),
           "Digest realm=\"r\", nonce=\"n\", algorithm=MD5", "no qop");
}

/* Writes the list as text, so that a row says in one line what it expects. */
static const char *list_text(const apr_array_header_t *list)
{
    const char *text = "";

    for (int i = 0; i < list->nelts; i++) {
        const digest_challenge_t *c = &APR_ARRAY_IDX(list, i, digest_challenge_t);
        text = apr_psprintf(
            pool, "%s[%s|%s|%s|%s|%u%s]", text, c->realm, c->nonce, c->opaque ? c->opaque : "-",
            c->alg_known ? digest_alg_name(c->alg) : "?", c->qop, c->stale ? "|stale" : "");
    }
    return text;
}

/* qop as a number: 1 auth, 2 auth-int, 3 both. */
static const struct {
    const char *field, *want, *name;
} good[] = {
    {"Digest realm=\"r\", nonce=\"n\"", "[r|n|-|MD5|0]", "the least (RFC 2069)"},
    {"Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth-int\", opaque=\"o\"",
     "[r|n|o|MD5|2]", "ours"},
    {"digest REALM=\"r\",NONCE=\"n\",QOP=auth-int,Algorithm=\"sha-256\"", "[r|n|-|SHA-256|2]",
     "any case, quoted or not"},
    {"Digest qop=\"auth,auth-int\", nonce=\"n\", realm=\"r\"", "[r|n|-|MD5|3]", "list, any order"},
    {"Digest realm=\"r\", nonce=\"n\", qop=\" auth-int ,, foo auth\"", "[r|n|-|MD5|3]",
     "list with spaces, empty and unknown ones"},
    {"Digest realm=\"r\", nonce=\"n\", qop=\"auth-integer,xauth\"", "[r|n|-|MD5|0]",
     "no known qop"},
    {"Digest realm=\"r\", nonce=\"n\", stale=true", "[r|n|-|MD5|0|stale]", "stale as a token"},
    {"Digest realm=\"r\", nonce=\"n\", stale=\"TRUE\"", "[r|n|-|MD5|0|stale]",
     "stale in quotes and capitals"},
    {"Digest realm=\"r\", nonce=\"n\", stale=false", "[r|n|-|MD5|0]", "stale=false"},
    {"Digest realm=\"r\", nonce=\"n\", stale=1", "[r|n|-|MD5|0]", "any other stale is no stale"},
    {"Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess", "[r|n|-|?|0]", "algorithm not ours"},
    {"Digest realm=\"r\", nonce=\"n\", algorithm=AKAv1-MD5", "[r|n|-|?|0]", "that of RFC 3310"},
    {"Digest realm=\"r\", domain=\"/ /x\", nonce=\"n\", charset=UTF-8, userhash=true",
     "[r|n|-|MD5|0]", "domain, charset and userhash are skipped"},
    {"Digest realm=\"a\\\"b, Basic \", nonce=\"n\"", "[a\"b, Basic |n|-|MD5|0]",
     "a quoted comma and scheme"},
    {"Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, Digest realm=\"s\", nonce=\"m\"",
     "[r|n|-|SHA-256|0][s|m|-|MD5|0]", "two in one field"},
    {"Basic realm=\"x\", Digest realm=\"r\", nonce=\"n\"", "[r|n|-|MD5|0]", "after Basic"},
    {"Digest realm=\"r\", nonce=\"n\", Basic realm=\"x\", charset=\"UTF-8\"", "[r|n|-|MD5|0]",
     "before Basic"},
    {"Negotiate, Digest realm=\"r\", nonce=\"n\"", "[r|n|-|MD5|0]", "after a scheme alone"},
    {"Negotiate oRQwEqADCgEAoQ==, Digest realm=\"r\", nonce=\"n\"", "[r|n|-|MD5|0]",
     "after a token68"},
    {"Negotiate a-._~+/9 ,Digest realm=\"r\", nonce=\"n\", Negotiate a=", "[r|n|-|MD5|0]",
     "between two token68"},
    {"Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"", "",
     "the example of RFC 9110 11.6.1: none of ours"},
    {", ,Digest , realm = \"r\" ,\tnonce\t=\t\"n\" , ,", "[r|n|-|MD5|0]",
     "white space and empty elements"},
    {"Digest realm=\"3GPP-bootstrapping-uicc@a;3GPP-bootstrapping@a\", nonce=\"n\", "
     "qop=\"auth-int\"",
     "[3GPP-bootstrapping-uicc@a;3GPP-bootstrapping@a|n|-|MD5|2]", "two realms of TS 24.109"},
    {"Digest realm=\"\", nonce=\"\", opaque=\"\"", "[|||MD5|0]", "empty strings"},
    {"", "", "an empty field"},
};

static const char *const bad[] = {
    "Digest",
    "Digest realm=\"r\"",
    "Digest nonce=\"n\"",
    "Digest realm=r, nonce=\"n\"",
    "Digest realm=\"r\", nonce=n",
    "Digest realm=\"r\", nonce=\"n\", opaque=o",
    "Digest realm=\"r\", nonce=\"n\", realm=\"r\"",
    "Digest realm=\"r\", nonce=\"n\", X=1, x=2",
    "Digest realm=\"r\", nonce=\"n\" Basic realm=\"x\"",
    "Digest realm=\"r\", nonce=\"n",
    "Digest realm=\"r\", nonce=\"n\\",
    "Digest realm=\"r\", nonce=\"n\nm\"",
    "Digest realm=\"r\", nonce=\"n\tm\"",
    "Digest realm=\"r\", nonce=\"n\", stale=",
    "Digest realm=\"r\", nonce=\"n\", Digest",
    "Digest realm=\"r\", nonce=\"n\", Digest realm=\"s\"",
    "Digest, Digest realm=\"r\", nonce=\"n\"",
    "Digest Digest realm=\"r\", nonce=\"n\"",
    "Digest dTpw==",
    "Digest dTpw==, realm=\"r\", nonce=\"n\"",
    "Digest\"r\"",
    "realm=\"r\", nonce=\"n\"",
    "=x",
    "Negotiate a=, b=1, Digest realm=\"r\", nonce=\"n\"",
    "Negotiate a b, Digest realm=\"r\", nonce=\"n\"",
    "Negotiate a==b, Digest realm=\"r\", nonce=\"n\"",
    "Negotiate/a, Digest realm=\"r\", nonce=\"n\"",
    "Negotiate ==, Digest realm=\"r\", nonce=\"n\"",
    "Basic realm=\"x\";",
    "Basic\xc3\xa4 realm=\"x\"",
    "Basic realm=\"x\"\n",
};

static void test_parse_challenge(void)
{
    for (apr_size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        apr_array_header_t *list = apr_array_make(pool, 1, sizeof(digest_challenge_t));
        is_int(digest_challenge_parse(list, good[i].field, pool).code, BASE_OK, good[i].name);
        is_str(list_text(list), good[i].want, "  and it says");
    }
    for (apr_size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        apr_array_header_t *list = apr_array_make(pool, 1, sizeof(digest_challenge_t));
        base_result_t result;
        digest_challenge_parse(list, "Digest realm=\"before\", nonce=\"n\"", pool);
        result = digest_challenge_parse(list, bad[i], pool);
        ok(result.code == BASE_MALFORMED && result.tag && result.detail, "refused: %s",
           shown(bad[i]));
        ok(list->nelts == 1, "  and nothing added");
    }
}

static void test_challenge_bounds(void)
{
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(digest_challenge_t));
    char *blank = apr_palloc(pool, DIGEST_FIELD_MAX + 2);
    const char *many = "Basic realm=\"x\"";

    memset(blank, ',', DIGEST_FIELD_MAX + 1);
    blank[DIGEST_FIELD_MAX + 1] = '\0';
    is_int(digest_challenge_parse(list, blank + 1, pool).code, BASE_OK,
           "a field of the most octets");
    is_int(digest_challenge_parse(list, blank, pool).code, BASE_MALFORMED, "one octet more");
    is_int(digest_challenge_parse(list, NULL, pool).code, BASE_MALFORMED, "no field");
    for (int i = 1; i < DIGEST_PARAMS_MAX; i++)
        many = apr_psprintf(pool, "%s, x%d=1", many, i);
    is_int(digest_challenge_parse(list, many, pool).code, BASE_OK, "as many parameters as may be");
    is_int(digest_challenge_parse(list, apr_pstrcat(pool, many, ", Basic a=1", NULL), pool).code,
           BASE_OK, "the next challenge counts anew");
    is_int(digest_challenge_parse(list, apr_pstrcat(pool, many, ", a=1", NULL), pool).code,
           BASE_MALFORMED, "one more");
}

/* The value of the field in TS 24.109 table E.4-1. */
static const char *table_value(void)
{
    static const char name[] = "\nAuthentication-Info: qop";
    const char *top = getenv("GBA_SRCDIR");
    char *text = apr_pcalloc(pool, 65536);
    FILE *file =
        fopen(apr_pstrcat(pool, top ? top : ".", "/t/vectors/ts24109-E.4.txt", NULL), "rb");
    char *at;

    if (!file || fread(text, 1, 65535, file) == 0 || !(at = strstr(text, name))) {
        printf("Bail out! ts24109-E.4.txt\n");
        exit(1);
    }
    fclose(file);
    at += sizeof(name) - sizeof("qop");
    at[strcspn(at, "\r\n")] = '\0';
    return at;
}

static void test_table_e41(void)
{
    const digest_authinfo_t info = {DIGEST_QOP_AUTH_INT, H32, "6629fae49393a05397450978507c4ef1",
                                    "00000001", NULL};
    const char *table = table_value();
    digest_authinfo_t *got;

    is_str(digest_authinfo_print(&info, pool), table, "TS 24.109 table E.4-1, byte for byte");
    is_int(digest_authinfo_parse(&got, table, pool).code, BASE_OK, "and it is parsed");
    is_str(got->rspauth, info.rspauth, "  rspauth");
    is_str(got->cnonce, info.cnonce, "  cnonce");
    is_str(got->nc, info.nc, "  nc");
    is_str(got->nextnonce, NULL, "  no nextnonce");
    is_int(got->qop, DIGEST_QOP_AUTH_INT, "  qop");
}

static const struct {
    const char *field, *want;
} info_good[] = {
    {INFO, "auth-int|" H32 "|c|00000001|-"},
    {INFO ", nextnonce=\"x\\\"y\"", "auth-int|" H32 "|c|00000001|x\"y"},
    {"NC=\"0000000A\",CNONCE=\"\",RspAuth=\"6629FAE49394A05397450978507C4EF1\",QOP=\"auth\"",
     "auth|" H32 "||0000000A|-"},
    {"qop=auth, rspauth=\"" H64 "\", cnonce=\"c\", nc=ffffffff", "auth|" H64 "|c|ffffffff|-"},
    {", " INFO ", nonce=\"x\", opaque=\"y\", foo=1 ,", "auth-int|" H32 "|c|00000001|-"},
};

static const char *const info_bad[] = {
    "",
    "qop=auth-int",
    "nextnonce=\"x\"",
    "Digest " INFO,
    "rspauth=\"" H32 "\", cnonce=\"c\", nc=00000001",
    "qop=auth-int, cnonce=\"c\", nc=00000001",
    "qop=auth-int, rspauth=\"" H32 "\", nc=00000001",
    "qop=auth-int, rspauth=\"" H32 "\", cnonce=\"c\"",
    "qop=auth-conf, rspauth=\"" H32 "\", cnonce=\"c\", nc=00000001",
    "qop=\"\", rspauth=\"" H32 "\", cnonce=\"c\", nc=00000001",
    "qop=auth-int, rspauth=" H32 ", cnonce=\"c\", nc=00000001",
    "qop=auth-int, rspauth=\"\", cnonce=\"c\", nc=00000001",
    "qop=auth-int, rspauth=\"" H32 "0\", cnonce=\"c\", nc=00000001",
    "qop=auth-int, rspauth=\"" H64 "00\", cnonce=\"c\", nc=00000001",
    "qop=auth-int, rspauth=\"z629fae49394a05397450978507c4ef1\", cnonce=\"c\", nc=00000001",
    "qop=auth-int, rspauth=\"" H32 "\", cnonce=c, nc=00000001",
    "qop=auth-int, rspauth=\"" H32 "\", cnonce=\"c\", nc=1",
    "qop=auth-int, rspauth=\"" H32 "\", cnonce=\"c\", nc=00000000",
    INFO ", nextnonce=x",
    INFO ", qop=auth-int",
    INFO ", rspauth=\"" H32 "\"",
    INFO " nextnonce=\"x\"",
    INFO ", nextnonce=\"x",
    INFO "\r\n",
};

static void test_parse_info(void)
{
    digest_authinfo_t *got;

    for (apr_size_t i = 0; i < sizeof(info_good) / sizeof(info_good[0]); i++) {
        base_result_t result = digest_authinfo_parse(&got, info_good[i].field, pool);
        const char *text =
            got ? apr_psprintf(pool, "%s|%s|%s|%s|%s", digest_qop_name(got->qop), got->rspauth,
                               got->cnonce, got->nc, got->nextnonce ? got->nextnonce : "-")
                : result.detail;
        is_str(text, info_good[i].want, info_good[i].field);
    }
    for (apr_size_t i = 0; i < sizeof(info_bad) / sizeof(info_bad[0]); i++) {
        base_result_t result = digest_authinfo_parse(&got, info_bad[i], pool);
        ok(result.code == BASE_MALFORMED && !got && result.detail, "refused: %s",
           shown(info_bad[i]));
    }
    is_int(digest_authinfo_parse(&got, NULL, pool).code, BASE_MALFORMED, "refused: none");
}

static void test_print_info(void)
{
    const digest_authinfo_t info = {DIGEST_QOP_AUTH, H32, "a\"b", "0000000A", "n\\x"};

    is_str(digest_authinfo_print(&info, pool),
           "qop=auth, rspauth=\"" H32 "\", cnonce=\"a\\\"b\", nc=0000000A, nextnonce=\"n\\\\x\"",
           "nextnonce comes last, nc in the case it came in");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_print_challenge();
    test_parse_challenge();
    test_challenge_bounds();
    test_table_e41();
    test_parse_info();
    test_print_info();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
