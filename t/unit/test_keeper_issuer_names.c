/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates say what the question's profile says, of whom the question is about; one that would
 * say something else today is not given again. */
#include "keeper_faults.h"

#define ALICE "alice@ims.example.org"

static apr_pool_t *pool;
static const char *dir, *path;
static pki_ca_t *ca;
static portal_issuer_t *issuer;
static portal_issue_t question;
static portal_issued_t issued, earlier;

static long long count(const char *sql)
{
    return fixture_count(path, sql);
}

static void set_ue_ids(const char *ids, apr_size_t len, int named)
{
    memset(question.ue_ids, 0, sizeof question.ue_ids);
    memcpy(question.ue_ids, ids, len);
    question.ue_ids_len = (apr_uint16_t)len;
    question.ue_id_count = (unsigned char)named;
}

#define SET_UE_IDS(ids, named) set_ue_ids(ids, sizeof(ids), named)

/** A question whose certificate tells who she is. */
static void start(const char *name)
{
    faults_reset();
    path = fixture_prepared(pool, dir, name);
    issuer = faults_issuer(pool, ca, fixture_opened(pool, path), base_random_system());
    fixture_question(&question, ALICE);
    question.has_impi = 1;
    question.profile.allow_identity = 1;
    memcpy(question.profile.sans[0], "email:%{impi}", 14);
    memcpy(question.profile.sans[1], "uri:%{ueid:2}", 14);
    SET_UE_IDS("sip:a@ims.example.org\0sip:b@ims.example.org\0sip:c@ims.example.org", 2);
}

static base_code_t ask(void)
{
    earlier = issued;
    memset(&issued, 0xee, sizeof issued);
    return issuer->issue(issuer->baton, &question, &issued, pool).code;
}

static int is_same(void)
{
    return issued.der_len > 0 && issued.der_len == earlier.der_len &&
           memcmp(issued.der, earlier.der, issued.der_len) == 0;
}

/** "email:x uri:y", in the pool. */
static const char *sans(void)
{
    const unsigned char *p = issued.der;
    const char *text = "";
    X509 *cert = d2i_X509(NULL, &p, issued.der_len);
    GENERAL_NAMES *names = cert ? X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL) : NULL;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        text = apr_psprintf(
            pool, "%s%s%s:%.*s", text, i ? " " : "", name->type == GEN_EMAIL ? "email" : "uri",
            ASN1_STRING_length(name->d.ia5), (const char *)ASN1_STRING_get0_data(name->d.ia5));
    }
    GENERAL_NAMES_free(names);
    X509_free(cert);
    return text;
}

/* ---- names ---- */

static void test_names(void)
{
    start("names.db");
    is_int(ask(), BASE_OK, "a certificate with names");
    is_str(sans(), "email:" ALICE " uri:sip:b@ims.example.org",
           "tells the IMPI, and a UE identity");
    fixture_question(&question, ALICE);
    question.profile.allow_identity = 1;
    memcpy(question.profile.sans[0], "email:%{impi}", 14);
    memcpy(question.profile.sans[1], "uri:%{ueid:3}", 14);
    SET_UE_IDS("sip:a@ims.example.org\0sip:b@ims.example.org\0sip:c@ims.example.org", 2);
    is_int(ask(), BASE_OK, "without an IMPI");
    is_str(sans(), "", "no IMPI is told, nor an identity that is only for the record");
}

/* ---- what is outdated ---- */

static void longer_quota(void)
{
    question.profile.held_max = 9;
}
static void other_record(void)
{
    SET_UE_IDS("sip:a@ims.example.org\0sip:b@ims.example.org\0sip:d@ims.example.org", 2);
}
static void other_ue_id(void)
{
    SET_UE_IDS("sip:a@ims.example.org\0sip:x@ims.example.org", 2);
}
static void fewer_ue_ids(void)
{
    SET_UE_IDS("sip:a@ims.example.org", 1);
}
static void other_subject(void)
{
    memcpy(question.profile.subject[1], "O=Example", 10);
}
static void other_san(void)
{
    memcpy(question.profile.sans[1], "uri:%{ueid:1}", 14);
}
static void other_eku(void)
{
    memcpy(question.profile.ekus[0], "1.3.6.1.5.5.7.3.2", 18);
}

static void test_outdated(void)
{
    static const struct {
        const char *name;
        void (*set)(void);
        int same;
    } rows[] = {
        {"a quota, which a certificate does not tell", longer_quota, 1},
        {"a UE identity that it does not name", other_record, 1},
        {"a UE identity that it names", other_ue_id, 0},
        {"a UE identity that is gone", fewer_ue_ids, 0},
        {"the subject of the profile", other_subject, 0},
        {"another alternative name", other_san, 0},
        {"an extended key usage", other_eku, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        portal_weighed_t weighed;
        start(apr_psprintf(pool, "outdated%d.db", (int)i));
        is_int(ask(), BASE_OK, rows[i].name);
        rows[i].set();
        is_int(issuer->weigh(issuer->baton, &question, &weighed, pool).code, BASE_OK, "  weighed");
        is_int(weighed.again, rows[i].same, "  for what it is");
        is_int(ask(), BASE_OK, "  changes");
        is_int(is_same(), rows[i].same, rows[i].same ? "  it is given again" : "  a new one");
        is_int(count("SELECT count(*) FROM certificate WHERE state = 'superseded'"), !rows[i].same,
               "  which supersedes it, if it is new");
        ask();
        ok(is_same(), "  and then stays");
    }
}

/** A profile that tells no identity changes only with the configuration. */
static void test_outdated_without_names(void)
{
    start("plain.db");
    fixture_question(&question, ALICE);
    ask();
    longer_quota();
    ok(ask() == BASE_OK && is_same(), "a pseudonym alone: a quota changes nothing");
    other_subject();
    ok(ask() == BASE_OK && !is_same(), "a subject does");
    ok(ask() == BASE_OK && is_same(), "once");
}

/** What is new costs as much as the first one. */
static void test_outdated_quota(void)
{
    start("quota.db");
    question.profile.held_max = question.profile.issued_max = 1;
    question.profile.issued_window = apr_time_from_sec(86400);
    ask();
    other_ue_id();
    is_int(ask(), BASE_ENROL_REFUSED, "a new name within the window");
    is_int(issued.reason, PKI_REASON_QUOTA_WINDOW, "  has to wait");
    wall_offset = apr_time_from_sec(86401);
    is_int(ask(), BASE_OK, "  until there is room; the one that it supersedes is not held");
}

/** Nobody gets a new one while the operator does not know of the damage. */
static void test_damaged_is_not_outdated(void)
{
    static const char *const damages[] = {
        "not_after = not_after + 86400",
        "serial = '22222222222222222222222222222222'",
        "der = (SELECT der FROM issuer)",
        "der = zeroblob(length(der))",
        ("der = CAST(substr(der, 1, length(der) - 1) || CASE substr(der, length(der)) WHEN x'00'"
         " THEN x'01' ELSE x'00' END AS BLOB)"), /* the signature's last octet */
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        start(apr_psprintf(pool, "damaged%d.db", (int)i));
        ask();
        fixture_exec(path, apr_pstrcat(pool, "DROP TRIGGER certificate_fixed;",
                                       "UPDATE certificate SET ", damages[i], NULL));
        other_ue_id();
        is_int(ask(), BASE_STORE_DOWN, damages[i]);
        is_int(count("SELECT count(*) FROM certificate"), 1, "  nothing is issued");
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    ca = fixture_ca(pool, dir, 3000);
    test_names();
    test_outdated();
    test_outdated_without_names();
    test_outdated_quota();
    test_damaged_is_not_outdated();
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
