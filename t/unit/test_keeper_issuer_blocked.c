/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper refuses whoever asks: a blocked key, and a profile that no configuration has. */
#include "keeper_faults.h"

#define ALICE "alice@ims.example.org"
#define BOB   "bob@ims.example.org"

static apr_pool_t *pool;
static const char *dir, *path;
static pki_ca_t *ca;
static portal_issuer_t *issuer;
static portal_issue_t question;
static portal_issued_t issued;

static long long count(const char *sql)
{
    return fixture_count(path, sql);
}

static void start(const char *name)
{
    faults_reset();
    path = fixture_prepared(pool, dir, name);
    issuer = faults_issuer(pool, ca, fixture_opened(pool, path), base_random_system());
    fixture_question(&question, ALICE);
}

static base_result_t ask(void)
{
    memset(&issued, 0xee, sizeof issued);
    return issuer->issue(issuer->baton, &question, &issued, pool);
}

static pki_reason_t weigh(void)
{
    portal_weighed_t weighed;
    base_result_t result = issuer->weigh(issuer->baton, &question, &weighed, pool);
    return result.code == BASE_OK ? weighed.reason : PKI_REASONS;
}

/* ---- keys ---- */

/** The key of the question, as an operator blocks it. */
static void block(void)
{
    unsigned char hash[KEEPER_HASH_LEN];
    char hex[2 * KEEPER_HASH_LEN + 1];
    if (EVP_Digest(question.spki, question.spki_len, hash, NULL, EVP_sha256(), NULL) != 1)
        fixture_die("SHA-256");
    base_hex_encode(hex, hash, sizeof hash);
    if (!fixture_exec(path,
                      apr_psprintf(pool, "INSERT INTO blocked_key VALUES (x'%s', 1, 'lost')", hex)))
        fixture_die("block");
}

static void check_blocked(const char *name)
{
    is_int(weigh(), PKI_REASON_KEY_BLOCKED, name);
    is_int(ask().code, BASE_ENROL_REFUSED, "  refused");
    is_int(issued.reason, PKI_REASON_KEY_BLOCKED, "  for the key's sake");
    ok(issued.der_len == 0 && issued.serial[0] == 0 && issued.der[0] == 0 && issued.retry_at == 0,
       "  nothing is shown");
}

static void test_blocked(void)
{
    start("blocked.db");
    block();
    check_blocked("a key that nobody has a certificate for");
    is_int(count("SELECT count(*) FROM certificate") + count("SELECT count(*) FROM subscriber"), 0,
           "  and nobody is named");
    is_int(count("SELECT count(*) FROM audit WHERE event = 'refused' AND reason = 'KEY_BLOCKED' AND"
                 " identity = '" ALICE "' AND spki_sha256 = (SELECT spki_sha256 FROM blocked_key)"),
           1, "  one row for the operator, with the key");
    ask();
    is_int(count("SELECT count FROM refusal_count"), 2, "  the same again is counted");
    fixture_question(&question, ALICE);
    is_int(ask().code, BASE_OK, "her other key is certified");
    block();
    check_blocked("until it is blocked: her certificate is not given again");
    is_int(count("SELECT count(*) FROM audit WHERE reason = 'KEY_BLOCKED'"), 2,
           "  another key is another row");
    apr_cpystrn(question.subscriber, BOB, sizeof question.subscriber);
    check_blocked("another subscriber is told of the block, and not of her");
    is_int(count("SELECT count(*) FROM audit WHERE event = 'conflict'"), 0, "  nor is she marked");
    fixture_exec(path, "DELETE FROM blocked_key");
    is_int(ask().code, BASE_ENROL_REFUSED, "unblocked, it is still hers");
    is_int(issued.reason, PKI_REASON_KEY_TAKEN, "  and not his");
    apr_cpystrn(question.subscriber, ALICE, sizeof question.subscriber);
    is_int(ask().code, BASE_OK, "and she gets her certificate again");
}

static void block_it(void)
{
    block();
}

/** Between guess and transaction: the transaction decides. */
static void test_blocked_in_between(void)
{
    start("between.db");
    before_run = block_it;
    is_int(ask().code, BASE_ENROL_REFUSED, "blocked while the certificate was signed");
    is_int(issued.reason, PKI_REASON_KEY_BLOCKED, "  is blocked");
    is_int(count("SELECT count(*) FROM certificate"), 0, "  and none is issued");
}

/* ---- profiles ---- */

static void set_expiry(pki_profile_t *p)
{
    p->lifetime *= 10;
}
static void set_san(pki_profile_t *p)
{
    memcpy(p->sans[0], "dns:www.example.org", 20);
}
static void set_subject(pki_profile_t *p)
{
    memcpy(p->subject[1], "O=Example", 10);
}
static void set_quota(pki_profile_t *p)
{
    p->held_max = 1000000;
}
static void set_name(pki_profile_t *p)
{
    memcpy(p->name, "gold", 5);
}
static void set_renewal(pki_profile_t *p)
{
    p->renew_before /= 2;
}

static void test_known_profiles(void)
{
    static const struct {
        const char *name;
        void (*set)(pki_profile_t *profile);
        base_code_t want;
    } rows[] = {
        {"another renewal window, which a location may have", set_renewal, BASE_OK},
        {"a longer life", set_expiry, BASE_INTERNAL},
        {"a name in it", set_san, BASE_INTERNAL},
        {"another subject", set_subject, BASE_INTERNAL},
        {"another quota", set_quota, BASE_INTERNAL},
        {"another name for it", set_name, BASE_INTERNAL},
    };
    int profiles;
    const pki_profile_t *known = pki_profiles_default(&profiles);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start(apr_psprintf(pool, "known%d.db", (int)i));
        ok(keeper_issuer_limit(issuer, known, profiles, pool), "profiles are known");
        is_int(weigh(), PKI_REASON_NONE, "one of them is weighed");
        rows[i].set(&question.profile);
        is_int(ask().code, rows[i].want, rows[i].name);
        is_int(weigh(), rows[i].want ? PKI_REASONS : PKI_REASON_NONE, "  likewise weighed");
        is_int(count("SELECT count(*) FROM certificate"), rows[i].want ? 0 : 1, "  certificates");
        ok((strncmp(logged, "GBA1201", 7) == 0) == (rows[i].want != BASE_OK),
           "  of a stranger the operator hears");
    }
    start("none.db");
    ok(keeper_issuer_limit(issuer, known, 0, pool), "no profile is known");
    is_int(ask().code, BASE_INTERNAL, "  and none is issued");
}

/** Sound enough to cross the socket. */
static void test_unsound_profiles(void)
{
    start("unsound.db");
    question.profile.subject[0][0] = '\0';
    is_int(ask().code, BASE_INTERNAL, "a profile without a subject");
    fixture_question(&question, ALICE);
    memcpy(question.profile.sans[0], "email:%{impi}", 14);
    is_int(ask().code, BASE_INTERNAL, "one that tells the IMPI, and may not");
    fixture_question(&question, ALICE);
    question.profile.flag = 0;
    is_int(ask().code, BASE_INTERNAL, "one that no flag unlocks");
    fixture_question(&question, ALICE);
    memset(question.profile.crls[1], 'x', sizeof question.profile.crls[1]);
    is_int(ask().code, BASE_INTERNAL, "one whose text does not end");
    fixture_question(&question, ALICE);
    question.profile.issued_max = 1;
    is_int(ask().code, BASE_INTERNAL, "a quota without a window");
    is_int(count("SELECT count(*) FROM certificate"), 0, "nothing is issued");
    question.decision = (pki_decision_t){0, PKI_REASON_NO_FLAG, 0};
    memset(&question.profile, 0, sizeof question.profile);
    is_int(ask().code, BASE_OK, "a refusal needs no profile");
}

static void test_profile_hash(void)
{
    unsigned char hash[PKI_PROFILE_HASH_LEN];
    char hex[2 * PKI_PROFILE_HASH_LEN + 1];
    start("hash.db");
    is_int(ask().code, BASE_OK, "a certificate");
    pki_profile_hash(hash, &question.profile);
    base_hex_encode(hex, hash, sizeof hash);
    is_str(fixture_text(pool, path, "SELECT lower(hex(profile_sha256)) FROM certificate"), hex,
           "names its profile by hash");
    fixture_question(&question, ALICE);
    question.profile.held_max = 7;
    ask();
    is_int(count("SELECT count(DISTINCT profile_sha256) FROM certificate"), 2,
           "which changes with it");
    is_int(
        count("SELECT count(*) FROM audit WHERE event = 'issued' AND profile = 'authentication'"),
        2, "the audit trail has its name");
    is_int(count("SELECT count(*) FROM audit JOIN certificate USING (serial, profile_sha256)"), 2,
           "and its hash");
}

/** Rows of one reason, by the hash of their profile. */
static long long refusals(const char *reason, const char *hex)
{
    return count(apr_psprintf(pool,
                              "SELECT count(*) FROM decision WHERE permit = 0 AND reason = '%s'"
                              " AND lower(ifnull(hex(profile_sha256), '')) = '%s'",
                              reason, hex));
}

static const char *hash_of(const pki_profile_t *profile)
{
    static char hex[2 * PKI_PROFILE_HASH_LEN + 1];
    unsigned char hash[PKI_PROFILE_HASH_LEN];
    pki_profile_hash(hash, profile);
    base_hex_encode(hex, hash, sizeof hash);
    return hex;
}

/** Whoever refuses, child or ledger: the row tells by which version of the profile. */
static void test_profile_hash_of_refusals(void)
{
    start("refused.db");
    question.decision = (pki_decision_t){0, PKI_REASON_RULE, 0};
    is_int(ask().code, BASE_OK, "a refusal");
    is_int(refusals("RULE", hash_of(&question.profile)), 1, "names its profile by hash");
    question.profile.lifetime += apr_time_from_sec(86400);
    is_int(ask().code, BASE_OK, "the same, after the profile has changed");
    is_int(refusals("RULE", hash_of(&question.profile)), 1, "is another row");
    ask();
    is_int(count("SELECT count FROM refusal_count WHERE audit_id = 2"), 2, "and counted there");
    memset(&question.profile, 0, sizeof question.profile);
    question.decision.reason = PKI_REASON_NO_FLAG;
    ask();
    is_int(refusals("NO_FLAG", ""), 1, "without a profile there is no hash");
    fixture_question(&question, ALICE);
    block();
    is_int(ask().code, BASE_ENROL_REFUSED, "one that the ledger makes");
    is_int(refusals("KEY_BLOCKED", hash_of(&question.profile)), 1, "has it too");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    ca = fixture_ca(pool, dir, 3000);
    test_blocked();
    test_blocked_in_between();
    test_known_profiles();
    test_unsound_profiles();
    test_profile_hash();
    test_profile_hash_of_refusals();
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
