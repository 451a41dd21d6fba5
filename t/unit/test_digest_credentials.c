/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_digest_credentials.c
 * The Authorization field (RFC 7616 3.4): what is taken, what is refused and
 * why, what deployed clients write, and the printer.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include "digest/digest_grammar.h"
#include "tap.h"

#define H32  "6629fae49393a05397450978507c4ef1"
#define H64  H32 H32
#define HEAD "Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", "
#define TAIL "response=\"" H32 "\", qop=auth-int, nc=00000001, cnonce=\"c\""

static apr_pool_t *pool;

typedef struct good_t {
    const char *name, *field;
    digest_credentials_t want; /* pointers that are NULL are compared too: absent */
} good_t;

/* What HEAD TAIL gives, but for what a row changes. */
#define WANT                                                                                       \
    .username = "u", .realm = "r", .nonce = "n", .uri = "/", .cnonce = "c", .nc = "00000001",      \
    .nc_value = 1, .qop = DIGEST_QOP_AUTH_INT, .qop_known = 1, .alg = DIGEST_MD5, .alg_known = 1,  \
    .response = H32

/* clang-format off */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const good_t good[] = {
    {"RFC 2617 3.5 (on one line)",
     "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
     "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, "
     "nc=00000001, cnonce=\"0a4f113b\", response=\"" H32 "\", "
     "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
     {WANT, .username = "Mufasa", .realm = "testrealm@host.com", .uri = "/dir/index.html",
      .nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093", .qop = DIGEST_QOP_AUTH, .cnonce = "0a4f113b",
      .opaque = "5ccc069c403ebaf9f0171e9517f40e41"}},
    {"least that is needed", HEAD TAIL, {WANT}},
    {"algorithm MD5", HEAD "algorithm=MD5, " TAIL, {WANT}},
    {"scheme in any case, names in any case",
     "dIGEST UserName=\"u\", REALM=\"r\", nOnce=\"n\", URI=\"/\", Response=\"" H32 "\", "
     "QOP=auth-int, NC=00000001, CNonce=\"c\"", {WANT}},
    {"empty strings are strings",
     "Digest username=\"\", realm=\"\", nonce=\"\", uri=\"\", opaque=\"\", cnonce=\"\", "
     "response=\"" H32 "\", qop=auth-int, nc=00000001",
     {WANT, .username = "", .realm = "", .nonce = "", .uri = "", .opaque = "", .cnonce = ""}},
    {"opaque", HEAD "opaque=\"x=,y\", " TAIL, {WANT, .opaque = "x=,y"}},
    {"qop auth", HEAD "response=\"" H32 "\", qop=auth, nc=00000001, cnonce=\"c\"",
     {WANT, .qop = DIGEST_QOP_AUTH}},
    {"SHA-256", HEAD "algorithm=SHA-256, response=\"" H64 "\", qop=auth-int, nc=00000001, "
     "cnonce=\"c\"", {WANT, .alg = DIGEST_SHA256, .response = H64}},
    {"SHA-512-256 in lower case", HEAD "algorithm=sha-512-256, response=\"" H64 "\", qop=auth-int, "
     "nc=00000001, cnonce=\"c\"", {WANT, .alg = DIGEST_SHA512_256, .response = H64}},
    {"userhash=false is the default (RFC 7616 3.4.4)", HEAD "userhash=false, " TAIL, {WANT}},
    {"userhash=false in quotes", HEAD "userhash=\"False\", " TAIL, {WANT}},
    {"unknown parameters, token and quoted", HEAD "foo=bar, x-y=\"a,b=\\\"c\", " TAIL, {WANT}},
    {"quoted-pairs are undone (RFC 9110 5.6.4; RFC 2617 1.2 unq())",
     "Digest username=\"a\\\"b\\\\c\\d\", realm=\"r\", nonce=\"n\", uri=\"/\", " TAIL,
     {WANT, .username = "a\"b\\cd"}},
    {"obs-text in a quoted string", "Digest username=\"J\xc3\xa4s\xff\", realm=\"r\", nonce=\"n\", "
     "uri=\"/\", " TAIL, {WANT, .username = "J\xc3\xa4s\xff"}},
    {"commas, = and ; in strings (two realms of TS 24.109 in one)",
     "Digest username=\"u\", realm=\"3GPP-bootstrapping-uicc@a;3GPP-bootstrapping@a\", "
     "nonce=\"n\", uri=\"/a?b=c,d\", " TAIL,
     {WANT, .realm = "3GPP-bootstrapping-uicc@a;3GPP-bootstrapping@a", .uri = "/a?b=c,d"}},
    {"white space around = and commas (RFC 9110 5.6.3)",
     "Digest  \tusername = \"u\" ,realm\t=\t\"r\"\t,  nonce=\"n\",uri=\"/\"," TAIL " \t", {WANT}},
    {"empty list elements (RFC 9110 5.6.1.2)", "Digest , ,username=\"u\",, realm=\"r\", ,\t,nonce=\"n\", "
     "uri=\"/\", " TAIL, {WANT}},
    {"trailing comma", HEAD TAIL ", ,", {WANT}},
    {"unknown algorithm: said so, response not looked at",
     HEAD "algorithm=SHA-512, response=\"zz\", qop=auth-int, nc=00000001, cnonce=\"c\"",
     {WANT, .alg_known = 0, .response = ""}},
    {"MD5-sess is one we do not have", HEAD "algorithm=MD5-sess, " TAIL,
     {WANT, .alg_known = 0, .response = ""}},
    {"AKAv1-MD5 is one we do not have", HEAD "algorithm=AKAv1-MD5, " TAIL,
     {WANT, .alg_known = 0, .response = ""}},
    {"unknown qop: said so", HEAD "response=\"" H32 "\", qop=auth-conf, nc=00000001, cnonce=\"c\"",
     {WANT, .qop = DIGEST_QOP_NONE, .qop_known = 0}},
    {"client that copies the offered list into qop",
     HEAD "response=\"" H32 "\", qop=\"auth,auth-int\", nc=00000001, cnonce=\"c\"",
     {WANT, .qop = DIGEST_QOP_NONE, .qop_known = 0}},
    {"qop in another case would be hashed in that case",
     HEAD "response=\"" H32 "\", qop=AUTH-INT, nc=00000001, cnonce=\"c\"",
     {WANT, .qop = DIGEST_QOP_NONE, .qop_known = 0}},
    {"client that quotes qop",
     HEAD "response=\"" H32 "\", qop=\"auth-int\", nc=00000001, cnonce=\"c\"", {WANT}},
    {"client that quotes nc",
     HEAD "response=\"" H32 "\", qop=auth-int, nc=\"00000001\", cnonce=\"c\"", {WANT}},
    {"client that quotes algorithm", HEAD "algorithm=\"MD5\", " TAIL, {WANT}},
    {"client that writes no space after commas",
     "Digest username=\"u\",realm=\"r\",nonce=\"n\",uri=\"/\",response=\"" H32 "\",qop=auth-int,"
     "nc=00000001,cnonce=\"c\"", {WANT}},
    {"client that writes realm first and username last",
     "Digest realm=\"r\", nonce=\"n\", uri=\"/\", " TAIL ", algorithm=MD5, username=\"u\"", {WANT}},
    {"client that writes nc before qop",
     HEAD "nc=00000001, cnonce=\"c\", response=\"" H32 "\", qop=auth-int", {WANT}},
    {"client that writes nc in upper case: kept as it came",
     HEAD "response=\"" H32 "\", qop=auth-int, nc=0000000A, cnonce=\"c\"",
     {WANT, .nc = "0000000A", .nc_value = 10}},
    {"client that pads cnonce with spaces",
     HEAD "response=\"" H32 "\", qop=auth-int, nc=00000001, cnonce=\"   1a2b\"",
     {WANT, .cnonce = "   1a2b"}},
    {"client that counts nc across nonces",
     HEAD "response=\"" H32 "\", qop=auth-int, nc=ffffffff, cnonce=\"c\"",
     {WANT, .nc = "ffffffff", .nc_value = 0xffffffffu}},
    {"client that writes an absolute uri",
     "Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"http://a:80/b?c\", " TAIL,
     {WANT, .uri = "http://a:80/b?c"}},
    {"client that writes response in upper case: lower-cased",
     HEAD "response=\"6629FAE49393A05397450978507C4EF1\", qop=auth-int, nc=00000001, cnonce=\"c\"",
     {WANT}},
};

static const struct {
    const char *field, *detail; /* detail: what it must begin with */
} bad[] = {
    {"", "field"}, {"Digest", "field"}, {"Digest ", "field"}, {"Digest ,,", "field"},
    {"Basic dTpw", "field"}, {"Digestx " TAIL, "field"}, {"Digest=\"x\"", "field"},
    {"Digest dTpw", "dtpw"}, {"Digest dTpw==", "dtpw"},
    {"Digest realm=\"r\", nonce=\"n\", uri=\"/\", " TAIL, "username: missing"},
    {"Digest username=\"u\", nonce=\"n\", uri=\"/\", " TAIL, "realm: missing"},
    {"Digest username=\"u\", realm=\"r\", uri=\"/\", " TAIL, "nonce: missing"},
    {"Digest username=\"u\", realm=\"r\", nonce=\"n\", " TAIL, "uri: missing"},
    {HEAD "qop=auth, nc=00000001, cnonce=\"c\"", "response: missing"},
    {HEAD "response=\"" H32 "\", nc=00000001, cnonce=\"c\"", "qop: missing"},
    {HEAD "response=\"" H32 "\", qop=auth, cnonce=\"c\"", "nc: missing"},
    {HEAD "response=\"" H32 "\", qop=auth, nc=00000001", "cnonce: missing"},
    {HEAD "response=\"" H32 "\"", "cnonce: missing"}, /* the form of RFC 2069 */
    {HEAD TAIL ", username=\"u\"", "username: given twice"},
    {HEAD TAIL ", USERNAME=\"u\"", "username: given twice"},
    {HEAD TAIL ", nc=00000002", "nc: given twice"},
    {HEAD TAIL ", foo=1, foo=1", "foo: given twice"},
    {HEAD TAIL ", username*=UTF-8''u", "username*"},
    {"Digest username*=UTF-8''u, realm=\"r\", nonce=\"n\", uri=\"/\", " TAIL, "username*"},
    {HEAD "userhash=true, " TAIL, "userhash"}, {HEAD "userhash=\"TRUE\", " TAIL, "userhash"},
    {HEAD "userhash=maybe, " TAIL, "userhash"},
    {"Digest username=u, realm=\"r\", nonce=\"n\", uri=\"/\", " TAIL, "username: not quoted"},
    {"Digest username=\"u\", realm=r, nonce=\"n\", uri=\"/\", " TAIL, "realm: not quoted"},
    {"Digest username=\"u\", realm=\"r\", nonce=n, uri=\"/\", " TAIL, "nonce: not quoted"},
    {"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=x, " TAIL, "uri: not quoted"},
    {"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=/x, " TAIL, "uri: no value"},
    {HEAD "response=\"" H32 "\", qop=auth, nc=00000001, cnonce=c", "cnonce: not quoted"},
    {HEAD "response=" H32 ", qop=auth, nc=00000001, cnonce=\"c\"", "response: not quoted"},
    {HEAD "opaque=x, " TAIL, "opaque: not quoted"},
    {HEAD "response=\"" H64 "\", qop=auth, nc=00000001, cnonce=\"c\"", "response: not the hex"},
    {HEAD "algorithm=SHA-256, " TAIL, "response: not the hex"},
    {HEAD "response=\"\", qop=auth, nc=00000001, cnonce=\"c\"", "response: not the hex"},
    {HEAD "response=\"6629fae49393a05397450978507c4eg1\", qop=auth, nc=00000001, cnonce=\"c\"",
     "response: not the hex"},
    {HEAD "response=\"" H32 " \", qop=auth, nc=00000001, cnonce=\"c\"", "response: not the hex"},
    {HEAD "response=\"" H32 "\", qop=auth, nc=00000000, cnonce=\"c\"", "nc: not eight"},
    {HEAD "response=\"" H32 "\", qop=auth, nc=1, cnonce=\"c\"", "nc: not eight"},
    {HEAD "response=\"" H32 "\", qop=auth, nc=000000001, cnonce=\"c\"", "nc: not eight"},
    {HEAD "response=\"" H32 "\", qop=auth, nc=0000000g, cnonce=\"c\"", "nc: not eight"},
    {HEAD "response=\"" H32 "\", qop=auth, nc=0x000001, cnonce=\"c\"", "nc: not eight"},
    {HEAD "response=\"" H32 "\", qop=auth, nc=\" 0000001\", cnonce=\"c\"", "nc: not eight"},
    {HEAD "response=\"" H32 "\", qop=auth, nc=\"\", cnonce=\"c\"", "nc: not eight"},
    {HEAD "algorithm=, " TAIL, "algorithm: no value"}, {HEAD TAIL ", foo=", "foo: no value"},
    {HEAD TAIL ", foo", "foo: no ="}, {HEAD TAIL " foo=1", "cnonce: something"},
    {HEAD TAIL "x", "cnonce: something"}, {HEAD TAIL "\"", "cnonce: something"},
    {HEAD TAIL ";", "cnonce: something"}, {HEAD TAIL ", =x", "field"},
    {HEAD TAIL ", Basic dTpw", "basic: no ="}, {HEAD TAIL ", \"x\"=1", "field"},
    {HEAD TAIL ", foo==x", "foo: no value"}, {HEAD TAIL ", foo=b\xc3\xa4", "foo: something"},
    {HEAD TAIL ", f\xc3\xa4=1", "f: no ="}, {HEAD TAIL ", foo=\"", "foo: quoted"},
    {HEAD TAIL ", foo=\"bar", "foo: quoted"}, {HEAD TAIL ", foo=\"bar\\", "foo: quoted"},
    {HEAD TAIL ", foo=\"bar\\\"", "foo: quoted"}, {HEAD TAIL ", foo=\"a\nb\"", "foo: quoted"},
    {HEAD TAIL ", foo=\"a\tb\"", "foo: quoted"}, {HEAD TAIL ", foo=\"a\\\rb\"", "foo: quoted"},
    {HEAD TAIL ", foo=\"a\x7f\"", "foo: quoted"}, {HEAD TAIL ", foo=\"\x01\"", "foo: quoted"},
    {HEAD TAIL "\n", "cnonce: something"}, {HEAD TAIL ",\r\n foo=1", "field"},
    {"Digest\n" TAIL, "field"}, {" " HEAD TAIL, "field"},
};
#pragma GCC diagnostic pop
/* clang-format on */

static void same(const char *name, const char *what, const char *got, const char *want)
{
    if (got != want && (!got || !want || strcmp(got, want) != 0))
        is_str(got, want, apr_pstrcat(pool, name, ": ", what, NULL));
}

/* One test point for the row, and one for each field that differs. */
static void check_good(const char *name, const char *field, const digest_credentials_t *want)
{
    digest_credentials_t *got;
    base_result_t result = digest_credentials_parse(&got, field, pool);

    ok(result.code == BASE_OK && got, "taken: %s", name);
    if (!got) {
        printf("# %s\n", result.detail);
        return;
    }
    same(name, "username", got->username, want->username);
    same(name, "realm", got->realm, want->realm);
    same(name, "nonce", got->nonce, want->nonce);
    same(name, "uri", got->uri, want->uri);
    same(name, "cnonce", got->cnonce, want->cnonce);
    same(name, "opaque", got->opaque, want->opaque);
    same(name, "nc", got->nc, want->nc);
    same(name, "response", got->response, want->response);
    ok(got->nc_value == want->nc_value && got->qop == want->qop && got->alg == want->alg &&
           got->alg_known == want->alg_known && got->qop_known == want->qop_known,
       "  its numbers");
}

static void check_bad(const char *field, const char *detail)
{
    digest_credentials_t *got = (digest_credentials_t *)&pool;
    base_result_t result = digest_credentials_parse(&got, field, pool);

    ok(result.code == BASE_MALFORMED && got == NULL && result.tag && result.detail &&
           strncmp(result.detail, detail, strlen(detail)) == 0,
       "refused, %s", detail);
    if (result.code != BASE_MALFORMED || strncmp(result.detail, detail, strlen(detail)) != 0)
        printf("#  field: %s\n# detail: %s\n", field, result.detail ? result.detail : "");
}

static void test_scheme(void)
{
    ok(digest_is_digest_scheme("Digest username=\"u\""), "Digest");
    ok(digest_is_digest_scheme("dIGEST\tx"), "any case, a tab");
    ok(digest_is_digest_scheme("Digest"), "alone");
    ok(!digest_is_digest_scheme("Digest,"), "not with a comma");
    ok(!digest_is_digest_scheme("Digest=x"), "nor with =");
    ok(!digest_is_digest_scheme("DigestX y"), "nor longer");
    ok(!digest_is_digest_scheme("Diges y"), "nor shorter");
    ok(!digest_is_digest_scheme(" Digest x"), "nor after a space");
    ok(!digest_is_digest_scheme("Basic eA=="), "Basic");
    ok(!digest_is_digest_scheme(""), "empty");
    ok(!digest_is_digest_scheme(NULL), "none");
}

/* HEAD TAIL with a parameter of @a octets before TAIL. */
static const char *with_long(const char *name, apr_size_t octets)
{
    char *value = apr_palloc(pool, octets + 1);

    memset(value, 'x', octets);
    value[octets] = '\0';
    return apr_pstrcat(pool, HEAD, name, "=\"", value, "\", ", TAIL, NULL);
}

static void test_bounds(void)
{
    digest_credentials_t *cred;
    apr_size_t rest = strlen(with_long("foo", 0));
    char *many = apr_pstrdup(pool, HEAD TAIL);

    ok(digest_credentials_parse(&cred, with_long("opaque", DIGEST_PARAM_MAX), pool).code == BASE_OK,
       "a parameter of DIGEST_PARAM_MAX");
    check_bad(with_long("opaque", DIGEST_PARAM_MAX + 1), "opaque: too long");
    ok(digest_credentials_parse(&cred, with_long("foo", DIGEST_FIELD_MAX - rest), pool).code ==
           BASE_OK,
       "a field of DIGEST_FIELD_MAX, its unknown parameter longer than known ones may be");
    check_bad(with_long("foo", DIGEST_FIELD_MAX - rest + 1), "field: missing or too long");
    check_bad(NULL, "field: missing or too long");
    for (int i = 8; i < DIGEST_PARAMS_MAX; i++)
        many = apr_psprintf(pool, "%s, x%d=1", many, i);
    ok(digest_credentials_parse(&cred, many, pool).code == BASE_OK, "DIGEST_PARAMS_MAX of them");
    check_bad(apr_pstrcat(pool, many, ", y=1", NULL), "field: too many");
}

/* Every prefix of a good field but the whole is malformed; nothing is read past its end. */
static void test_prefixes(void)
{
    static const char whole[] = HEAD "opaque=\"a\\\"b\", algorithm=MD5, " TAIL;
    int wrong = 0;

    for (apr_size_t len = 0; len < sizeof(whole) - 1; len++) {
        digest_credentials_t *cred;
        char *part = strndup(whole, len); /* of its own, for the address sanitizer */
        wrong += digest_credentials_parse(&cred, part, pool).code != BASE_MALFORMED;
        free(part);
    }
    is_int(wrong, 0, "every prefix of a good field is malformed");
}

static void test_print(void)
{
    digest_credentials_t cred = {WANT};
    digest_credentials_t *back;

    cred.username = "a\"b\\c";
    cred.opaque = "o";
    cred.nc = "0000000A";
    cred.nc_value = 10;
    is_str(digest_credentials_print(&cred, pool),
           "Digest username=\"a\\\"b\\\\c\", realm=\"r\", nonce=\"n\", uri=\"/\", algorithm=MD5, "
           "response=\"" H32 "\", opaque=\"o\", qop=auth-int, nc=0000000A, cnonce=\"c\"",
           "printed in the order and quoting of RFC 7616 3.4");
    check_good("what was printed", digest_credentials_print(&cred, pool), &cred);
    cred.opaque = NULL;
    cred.alg = DIGEST_SHA256;
    apr_cpystrn(cred.response, H64, sizeof(cred.response));
    ok(digest_credentials_parse(&back, digest_credentials_print(&cred, pool), pool).code ==
               BASE_OK &&
           back->opaque == NULL && back->alg == DIGEST_SHA256,
       "no opaque, SHA-256: there and back");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_scheme();
    for (apr_size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        check_good(good[i].name, good[i].field, &good[i].want);
    for (apr_size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_bad(bad[i].field, bad[i].detail);
    test_bounds();
    test_prefixes();
    test_print();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
