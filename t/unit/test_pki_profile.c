/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: what makes one unusable, what a template says, and the hash that names one. */
#include <apr_general.h>
#include <stddef.h>
#include "pki/pki_name.h"
#include "pki/pki_pkcs10.h"
#include "pki_fixture.h"

static apr_pool_t *pool;

static pki_profile_t sound(void)
{
    pki_profile_t p;
    pki_profile_init(&p, "test");
    p.flag = 1;
    p.usage = PKI_USAGE_DIGITAL_SIGNATURE;
    return p;
}

static void built_in(void)
{
    static const char *const names[] = {"authentication", "non-repudiation"};
    int count = 0;
    const pki_profile_t *all = pki_profiles_default(&count);
    pki_profile_t p;
    is_int(count, 2, "two are built in");
    for (int i = 0; i < count; i++) {
        is_str(all[i].name, names[i], names[i]);
        is_int(pki_profile_check(&all[i], pool).code, BASE_OK, "  can be used");
        is_int(all[i].flag, i + 1, "  its flag (TS 29.109)");
        is_int(all[i].usage, i ? PKI_USAGE_NON_REPUDIATION : PKI_USAGE_DIGITAL_SIGNATURE,
               "  its usage");
        is_str(all[i].subject[0], "CN=%{pseudonym}", "  names nobody");
        is_int(all[i].allow_identity, 0, "  and may not");
    }
    pki_profile_init(&p, "mine");
    is_str(p.name, "mine", "a fresh one has its name");
    ok(p.flag == 0 && p.usage == 0, "and neither flag nor usage");
    ok(p.lifetime == all[0].lifetime && p.backdate == all[0].backdate &&
           p.renew_before == all[0].renew_before,
       "and the times of those built in");
    ok(pki_profile_check(&p, pool).code != BASE_OK, "so that it cannot be used yet");
}

/* ---- faults: a member, what is put there, whether it then can be used ---- */

#define MEMBER(m) offsetof(pki_profile_t, m)
#define NAMES_4   "%{serial}%{serial}%{serial}%{serial}"
#define OCTETS_24 "abcdefghijklmnopqrstuvwx"
#define OCTETS_96 OCTETS_24 OCTETS_24 OCTETS_24 OCTETS_24

static const struct {
    size_t member;
    const char *text;
    int good;
    const char *named; /* in the detail */
} texts[] = {
    {MEMBER(name), "a.B_c-9", 1, NULL},
    {MEMBER(name), "", 0, "name"},
    {MEMBER(name), "two words", 0, "name"},
    {MEMBER(name), "a/b", 0, "name"},
    {MEMBER(name), "\xc3\xa6", 0, "name"},
    {MEMBER(subject), "CN=%{serial}", 1, NULL},
    {MEMBER(subject), "CN=100%%", 1, NULL},
    {MEMBER(subject), "", 0, "subject"},
    {MEMBER(subject), "CN=", 0, "subject"},
    {MEMBER(subject), "CN", 0, "subject"},
    {MEMBER(subject), "cn=x", 0, "subject"},
    {MEMBER(subject), "EMAIL=x", 0, "subject"},
    {MEMBER(subject), "CN =x", 0, "subject"},
    {MEMBER(subject), "CN=%", 0, "subject"},
    {MEMBER(subject), "CN=%x", 0, "subject"},
    {MEMBER(subject), "CN=%{", 0, "subject"},
    {MEMBER(subject), "CN=%{pseudonym", 0, "subject"},
    {MEMBER(subject), "CN=%{}", 0, "subject"},
    {MEMBER(subject), "CN=%{msisdn}", 0, "subject"},
    {MEMBER(subject), "CN=%{Pseudonym}", 0, "subject"},
    {MEMBER(subject), "CN=%{pseudonym}%{pseudonym}", 1, NULL},
    {MEMBER(subject), "CN=%{pseudonym}%{pseudonym}x", 0, "subject"}, /* 65 characters: A.1 */
    {MEMBER(subject), "CN=a\tb", 0, "subject"},
    {MEMBER(subject), "CN=\xff", 0, "subject"},
    {MEMBER(subject), "CN=\xc3\xa6", 1, NULL},
    {MEMBER(subject), "C=NO", 1, NULL},
    {MEMBER(subject), "C=no", 0, "subject"},
    {MEMBER(subject), "C=NOR", 0, "subject"},
    {MEMBER(subject), "SERIALNUMBER=a*b", 0, "subject"}, /* X.680 41.4 */
    {MEMBER(subject), "CN=%{impi}", 0, "allowed"},
    {MEMBER(subject), "CN=%{ueid}", 0, "allowed"},
    {MEMBER(subject), "CN=%{ueid:2}", 0, "allowed"},
    {MEMBER(sans), "uri:urn:x:%{pseudonym}", 1, NULL},
    {MEMBER(sans), "email:%{pseudonym}@example.org", 1, NULL},
    {MEMBER(sans), "dns:%{serial}.example.org", 1, NULL},
    {MEMBER(sans), "ip:192.0.2.1", 0, "sans"},
    {MEMBER(sans), "URI:urn:x:y", 0, "sans"},
    {MEMBER(sans), "uri:relative", 0, "sans"},
    {MEMBER(sans), "uri:http://", 0, "sans"},
    {MEMBER(sans), "uri:http://a b", 0, "sans"},
    {MEMBER(sans), "uri:http://a/%%zz", 0, "sans"},
    {MEMBER(sans), "uri:http://a/%%41", 1, NULL},
    /* 382 octets when it is filled in, and one more */
    {MEMBER(sans), "uri:urn:x:" NAMES_4 NAMES_4 "%{serial}%{serial}%{serial}" OCTETS_24, 1, NULL},
    {MEMBER(sans), "uri:urn:x:" NAMES_4 NAMES_4 "%{serial}%{serial}%{serial}" OCTETS_24 "y", 0,
     "sans"},
    {MEMBER(sans), "uri:urn:x:" OCTETS_96 OCTETS_24 OCTETS_24 OCTETS_24 "1234567890123", 1,
     NULL}, /* 191 */
    {MEMBER(sans), "email:nobody", 0, "sans"},
    {MEMBER(sans), "email:a@b@c", 0, "sans"},
    {MEMBER(sans), "email:\"a b\"@example.org", 0, "sans"},
    {MEMBER(sans), "email:.a@example.org", 0, "sans"},
    {MEMBER(sans), "dns:192.0.2.1", 0, "sans"},
    {MEMBER(sans), "dns:*.example.org", 0, "sans"},
    {MEMBER(sans), "dns:-a.example.org", 0, "sans"},
    {MEMBER(sans), "dns:a..org", 0, "sans"},
    {MEMBER(sans), "dns:a.org.", 0, "sans"},
    {MEMBER(sans), "email:%{impi}", 0, "allowed"},
    {MEMBER(ekus), "1.3.6.1.5.5.7.3.2", 1, NULL},
    {MEMBER(ekus), "1.3.6.1.5.5.7.3.9", 0, "OCSPSigning"},
    {MEMBER(ekus), "clientAuth", 0, "ekus"},
    {MEMBER(ekus), "1", 0, "ekus"},
    {MEMBER(ekus), "1.", 0, "ekus"},
    {MEMBER(ekus), "1..2", 0, "ekus"},
    {MEMBER(ekus), "1.40", 0, "ekus"},
    {MEMBER(ekus), "2.999", 1, NULL},
    {MEMBER(ekus), "3.1", 0, "ekus"},
    {MEMBER(ekus), "1.02", 0, "ekus"},
    {MEMBER(ekus), "1.2.2147483647", 1, NULL},
    {MEMBER(ekus), "1.2.2147483648", 0, "ekus"},
    {MEMBER(policies), "2.5.29.32.0", 1, NULL},
    {MEMBER(policies), "2.5.29.32.-1", 0, "policies"},
    {MEMBER(crls), "http://a.example.org/x.crl", 1, NULL},
    {MEMBER(crls), "ldap://a.example.org/cn=x?y", 1, NULL},
    {MEMBER(crls), "ftp://a.example.org/", 0, "crls"},
    {MEMBER(crls), "http:a", 0, "crls"},
    {MEMBER(crls), "http:///x", 0, "crls"},
    {MEMBER(ocsp), "https://a.example.org/", 1, NULL},
    {MEMBER(ocsp), "ldap://a.example.org/", 0, "ocsp"},
    {MEMBER(ca_issuers), "ldap://a.example.org/", 1, NULL},
    {MEMBER(ca_issuers), "file:///etc/passwd", 0, "ca_issuers"},
};

static void judge(const pki_profile_t *p, int good, const char *named, const char *what)
{
    base_result_t result = pki_profile_check(p, pool);
    is_int(result.code, good ? BASE_OK : BASE_INTERNAL, what);
    is_int(pki_profile_is_sound(p) != 0, good, "  and without words");
    if (!good)
        ok(result.detail && strstr(result.detail, named), "  the detail names it: %s",
           result.detail ? result.detail : "");
}

static void bad_texts(void)
{
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        pki_profile_t p = sound();
        strcpy((char *)&p + texts[i].member, texts[i].text);
        judge(&p, texts[i].good, texts[i].named,
              texts[i].text[0] ? texts[i].text : "an empty text");
    }
}

/* A text that does not end within its member must not be read on. */
static void endless_texts(void)
{
    pki_profile_t p;
#define ROW(member, text)                                                                          \
    p = sound();                                                                                   \
    memset(text, 'x', sizeof(text));                                                               \
    judge(&p, 0, #member, #member " without an end")
    ROW(name, p.name);
    ROW(subject, p.subject[0]);
    ROW(sans, p.sans[PKI_PROFILE_SANS - 1]);
    ROW(ekus, p.ekus[0]);
    ROW(policies, p.policies[0]);
    ROW(crls, p.crls[0]);
    ROW(ocsp, p.ocsp);
    ROW(ca_issuers, p.ca_issuers);
#undef ROW
}

static void bad_members(void)
{
    pki_profile_t p;
#define ROW(change, good, named)                                                                   \
    p = sound();                                                                                   \
    change;                                                                                        \
    judge(&p, good, named, #change)
    ROW(p.flag = 0, 0, "flag");
    ROW(p.flag = 0xffffffffu, 1, "");
    ROW(p.usage = 0, 0, "usage");
    ROW(p.usage = 3, 0, "usage");
    ROW(p.usage = 4, 0, "usage");
    ROW(p.lifetime = 0, 0, "lifetime");
    ROW(p.lifetime = -1, 0, "lifetime");
    ROW(p.lifetime = p.renew_before, 0, "renew_before");
    ROW(p.lifetime = p.renew_before + 1, 1, "");
    ROW(p.renew_before = -1, 0, "renew_before");
    ROW(p.renew_before = 0, 1, "");
    ROW(p.backdate = -1, 0, "backdate");
    ROW(p.bootstrap_max_age = -1, 0, "bootstrap_max_age");
    ROW(p.issued_max = 1, 0, "issued_window");
    ROW(p.issued_window = 1, 0, "issued_window");
    ROW(p.issued_window = -1, 0, "issued_window");
    ROW((p.issued_max = 1, p.issued_window = 1), 1, "");
    ROW(strcpy(p.subject[2], "O=x"), 0, "subject");
    ROW(strcpy(p.sans[1], "uri:urn:x:y"), 0, "sans");
    ROW((strcpy(p.ekus[0], "1.2.3"), strcpy(p.ekus[1], "1.2.3")), 0, "twice");
    ROW((strcpy(p.crls[0], "http://a/"), strcpy(p.crls[1], "http://a/")), 0, "twice");
    ROW((strcpy(p.policies[0], "1.2.3"), strcpy(p.policies[1], "1.2.4")), 1, "");
    ROW((p.allow_identity = 1, strcpy(p.subject[0], "CN=%{impi}")), 1, "");
    ROW((p.allow_identity = 1, strcpy(p.sans[0], "email:%{ueid:99}")), 1, "");
    ROW((p.allow_identity = 1, strcpy(p.sans[0], "email:%{ueid:100}")), 0, "sans");
    ROW((p.allow_identity = 1, strcpy(p.sans[0], "email:%{ueid:0}")), 0, "sans");
    ROW((p.allow_identity = 1, strcpy(p.sans[0], "email:%{ueid:01}")), 0, "sans");
#undef ROW
}

/* ---- templates ---- */

static void templates(void)
{
    static const char *const ids[] = {"first", "", NULL};
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"%%", "%"},
        {"%%{serial}", "%{serial}"},
        {"a%{pseudonym}b%{serial}c", "aPbSc"},
        {"%{impi}", "%{serial}"}, /* what stands in a name is not expanded again */
        {"%{ueid}", "first"},
        {"%{ueid:1}", "first"},
        {"%{ueid:2}", NULL},
        {"%{ueid:3}", NULL},
        {"%{ueid:4}", NULL},
        {"%{ueid:1x}", NULL},
        {"%{ueid:-1}", NULL},
        {"%{ueid:}", NULL},
        {"%{nobody}", NULL},
        {"%", NULL},
    };
    pki_names_t names = {"P", "S", "%{serial}", ids, 3}, none = {NULL, NULL, NULL, NULL, 0};
    char *long_one = apr_pcalloc(pool, PKI_VALUE_MAX + 2);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        is_str(pki_template_expand(rows[i].text, &names, pool), rows[i].want, rows[i].text);
    ok(!pki_template_expand("%{impi}", &none, pool), "nothing of nobody");
    ok(!pki_template_expand("%{ueid}", &none, pool), "nor an identity");
    memset(long_one, 'x', PKI_VALUE_MAX);
    names.impi = long_one;
    is_str(pki_template_expand("%{impi}", &names, pool), long_one, "as long as may be");
    ok(!pki_template_expand("%{impi}.", &names, pool), "and one octet longer");
    long_one[PKI_VALUE_MAX] = 'x';
    ok(!pki_template_expand("%{impi}", &names, pool), "one octet longer in a name");
}

/* ---- the hash ---- */

static int same_hash(const pki_profile_t *a, const pki_profile_t *b)
{
    unsigned char x[PKI_PROFILE_HASH_LEN], y[PKI_PROFILE_HASH_LEN];
    if (!pki_profile_hash(x, a) || !pki_profile_hash(y, b))
        pkif_die("pki_profile_hash");
    return memcmp(x, y, sizeof(x)) == 0;
}

/* It stands in ledgers: these never change. */
static void hash_of_built_in(void)
{
    static const char *const want[] = {
        "2902a066beee49c655560ecf44e6e2675d41d50137950b70f6c89382bbfd1136",
        "e931003d50c85e8c602da1049b1a7c7cd2c18b1b8fab75a977f757bffd72b4c3",
    };
    int count;
    const pki_profile_t *all = pki_profiles_default(&count);
    for (int i = 0; i < count; i++) {
        unsigned char hash[PKI_PROFILE_HASH_LEN];
        char hex[2 * PKI_PROFILE_HASH_LEN + 1];
        pki_profile_hash(hash, &all[i]);
        base_hex_encode(hex, hash, sizeof(hash));
        is_str(hex, want[i], "the hash of one built in");
    }
}

static void hashes(void)
{
    pki_profile_t a = sound(), b;
#define ROW(change, same)                                                                          \
    b = a;                                                                                         \
    change;                                                                                        \
    is_int(same_hash(&a, &b), same, #change)
    ROW(b.name[63] = 'x', 1); /* behind the end */
    ROW(strcpy(b.subject[0] + 100, "x"), 1);
    ROW(strcpy(b.name, "Test"), 0);
    ROW(b.flag++, 0);
    ROW(b.usage++, 0);
    ROW(b.lifetime++, 0);
    ROW(b.backdate++, 0);
    ROW(b.renew_before++, 0);
    ROW(b.bootstrap_max_age++, 0);
    ROW(b.held_max++, 0);
    ROW(b.issued_max++, 0);
    ROW(b.issued_window++, 0);
    ROW(b.allow_identity = 1, 0);
    ROW(strcpy(b.subject[0], "CN=x"), 0);
    ROW(strcpy(b.subject[1], "CN=%{pseudonym}"), 0);
    ROW(strcpy(b.sans[0], "uri:a:b"), 0);
    ROW(strcpy(b.ekus[0], "1.2.3"), 0);
    ROW(strcpy(b.policies[0], "1.2.3"), 0);
    ROW(strcpy(b.crls[0], "http://a/"), 0);
    ROW(strcpy(b.ocsp, "http://a/"), 0);
    ROW(strcpy(b.ca_issuers, "http://a/"), 0);
#undef ROW
    b = a;
    strcpy(a.ocsp, "http://a/");
    strcpy(b.ca_issuers, "http://a/");
    ok(!same_hash(&a, &b), "a text in one place is not the text in another");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    built_in();
    bad_texts();
    endless_texts();
    bad_members();
    templates();
    hash_of_built_in();
    hashes();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
