/* SPDX-License-Identifier: Apache-2.0 */
/* The issuer: what it gives out is in the ledger; what fails anywhere gives nothing. */
#include <openssl/err.h>
#include "keeper_faults.h"

#define IMPI "001010123456789@ims.mnc001.mcc001.3gppnetwork.org"

static apr_pool_t *pool;
static const char *dir, *path;
static pki_ca_t *ca;
static keeper_ledger_t *sqlite_ledger;

static portal_issuer_t *issuer_of(const base_random_t *random)
{
    return faults_issuer(pool, ca, sqlite_ledger, random);
}

static base_result_t ask(portal_issuer_t *issuer, const portal_issue_t *question,
                         portal_issued_t *out)
{
    memset(out, 0xee, sizeof *out); /* so that zeroing is seen */
    return issuer->issue(issuer->baton, question, out, pool);
}

static int is_zero(const portal_issued_t *out)
{
    static const portal_issued_t zero;
    return memcmp(out, &zero, sizeof zero) == 0;
}

static long long rows(const char *table)
{
    return fixture_count(path, apr_pstrcat(pool, "SELECT count(*) FROM ", table, NULL));
}

/* ---- what is given out ---- */

/** The subject's common name; in the pool. */
static const char *name_in(const portal_issued_t *issued)
{
    const unsigned char *p = issued->der;
    char name[128] = "";
    X509 *cert = d2i_X509(NULL, &p, issued->der_len);
    if (cert)
        X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof name);
    X509_free(cert);
    return apr_pstrdup(pool, name);
}

static int holds_key_and_serial(const portal_issued_t *issued, const portal_issue_t *question)
{
    const unsigned char *p = issued->der;
    unsigned char *spki = NULL;
    X509 *cert = d2i_X509(NULL, &p, issued->der_len);
    int len = cert ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki) : -1;
    const ASN1_INTEGER *serial = cert ? X509_get0_serialNumber(cert) : NULL;
    int good = p == issued->der + issued->der_len && len == question->spki_len &&
               memcmp(spki, question->spki, question->spki_len) == 0 &&
               ASN1_STRING_length(serial) == PKI_SERIAL_LEN &&
               memcmp(ASN1_STRING_get0_data(serial), issued->serial, PKI_SERIAL_LEN) == 0;
    OPENSSL_free(spki);
    X509_free(cert);
    return good;
}

/** Nonzero if the ledger has this serial with just this DER, for this subscriber and name. */
static int in_ledger(const portal_issued_t *issued, const char *subscriber)
{
    char serial[2 * PKI_SERIAL_LEN + 1], der[2 * PKI_CERT_MAX + 1];
    base_hex_encode(serial, issued->serial, PKI_SERIAL_LEN);
    base_hex_encode(der, issued->der, issued->der_len);
    return fixture_count(path, apr_psprintf(pool,
                                            "SELECT count(*) FROM certificate JOIN subscriber"
                                            " ON subscriber.id = subscriber_id WHERE serial = '%s'"
                                            " AND lower(hex(der)) = '%s' AND identity = '%s'"
                                            " AND pseudonym = '%s' AND state = 'issued'",
                                            serial, der, subscriber, name_in(issued))) == 1;
}

static void test_permit(void)
{
    portal_issue_t question;
    portal_issued_t issued;
    faults_reset();
    portal_issuer_t *issuer = issuer_of(base_random_system());
    fixture_question(&question, IMPI);
    is_int(ask(issuer, &question, &issued).code, BASE_OK, "a permit is answered");
    ok(issued.der_len > 0 && holds_key_and_serial(&issued, &question),
       "by a certificate of this key and serial");
    ok(in_ledger(&issued, IMPI), "that is in the ledger, octet by octet");
    is_int(fixture_count(path,
                         "SELECT count(*) FROM audit WHERE event = 'issued' AND reason = 'NONE'"
                         " AND key_usage = 1 AND identity = '" IMPI "'"),
           1, "beside its decision");
    ok(begins == 1 && ends_seen == 1, "in one transaction");
    is_int(faults_signatures(), 1, "with one signature that is timed");
    is_int(ask(issuer, &question, &issued).code, BASE_OK, "the same again");
    is_int(faults_signatures(), 1, "needs no other");
}

static void test_pseudonym(void)
{
    portal_issue_t question;
    portal_issued_t first, second, other;
    faults_reset();
    portal_issuer_t *issuer = issuer_of(base_random_system());
    fixture_question(&question, IMPI);
    ask(issuer, &question, &first);
    fixture_question(&question, IMPI);
    ask(issuer, &question, &second);
    fixture_question(&question, "001010123456780@ims.mnc001.mcc001.3gppnetwork.org");
    ask(issuer, &question, &other);
    is_int((int)strlen(name_in(&first)), PKI_PSEUDONYM_LEN, "a name of 128 bits in hex");
    is_str(name_in(&second), name_in(&first), "a subscriber keeps it over two certificates");
    ok(strcmp(name_in(&other), name_in(&first)) != 0, "another subscriber has another");
    ok(memcmp(first.serial, second.serial, PKI_SERIAL_LEN) != 0, "serials differ");
    ok(!strstr(IMPI, name_in(&first)) && !strstr(name_in(&first), "001010123456789"),
       "it holds nothing of the identity");
}

/** Whatever the answer: the operator looks for him by any of them. */
static void test_ue_identities(void)
{
    static const char ids[] = "sip:ue@ims.example.org\0tel:+15550100";
    static const char held[] = "SELECT group_concat(ue_identity || '=' || identity, ' ') FROM"
                               " (SELECT * FROM ue_identity ORDER BY ue_identity)";
    portal_issue_t question;
    portal_issued_t issued;
    faults_reset();
    portal_issuer_t *issuer = issuer_of(base_random_system());
    fixture_question(&question, "seen@x");
    question.ue_ids_len = sizeof ids;
    memcpy(question.ue_ids, ids, sizeof ids);
    question.decision = (pki_decision_t){0, PKI_REASON_NO_FLAG, 0};
    ask(issuer, &question, &issued);
    is_str(fixture_text(pool, path, held), "sip:ue@ims.example.org=seen@x tel:+15550100=seen@x",
           "UE identities are noted with a refusal");
    question.ue_ids_len = 23;
    question.decision = (pki_decision_t){1, PKI_REASON_NONE, PKI_USAGE_DIGITAL_SIGNATURE};
    is_int(ask(issuer, &question, &issued).code, BASE_OK, "a permit");
    is_int(rows("ue_identity"), 2, "notes none twice, and none goes");
    apr_cpystrn(question.subscriber, "later@x", sizeof question.subscriber);
    ask(issuer, &question, &issued);
    is_int(fixture_count(path, "SELECT count(*) FROM ue_identity WHERE identity = 'later@x'"), 1,
           "one that changed hands is both subscribers', also if his key is refused");
    question.ue_ids[22] = 'x';
    is_int(ask(issuer, &question, &issued).code, BASE_INTERNAL, "one that does not end is a bug");
}

/** Drawn, not derived: two fresh ledgers name one subscriber differently. */
static void test_pseudonym_is_random(void)
{
    portal_issue_t question;
    portal_issued_t here, there;
    faults_reset();
    fixture_question(&question, IMPI);
    ask(issuer_of(base_random_system()), &question, &here);
    const char *other_path = fixture_prepared(pool, dir, "other.db");
    keeper_issuer_parts_t parts = {
        ca,  fixture_opened(pool, other_path), base_clock_system(), base_random_system(), NULL,
        NULL};
    ask(keeper_issuer_make(pool, &parts), &question, &there);
    ok(there.der_len > 0 && strcmp(name_in(&here), name_in(&there)) != 0,
       "another ledger gives the same subscriber another name");
}

static void test_refusal(void)
{
    portal_issue_t question;
    portal_issued_t issued;
    faults_reset();
    portal_issuer_t *issuer = issuer_of(base_random_system());
    long long certificates = rows("certificate"), subscribers = rows("subscriber");
    fixture_question(&question, "refused@ims.example.org");
    question.decision = (pki_decision_t){0, PKI_REASON_NO_FLAG, 0};
    is_int(ask(issuer, &question, &issued).code, BASE_OK, "a refusal is recorded");
    ok(is_zero(&issued), "and answered by zeros");
    is_int(fixture_count(path, "SELECT count(*) FROM decision WHERE permit = 0 AND reason ="
                               " 'NO_FLAG' AND identity = 'refused@ims.example.org'"),
           1, "with its reason");
    is_int(rows("certificate"), certificates, "nothing is issued");
    is_int(rows("subscriber"), subscribers, "and nobody named");
    failing = STEP_AUDIT;
    question.decision.reason = PKI_REASON_NO_USS; /* not one that is only counted */
    is_int(ask(issuer, &question, &issued).code, BASE_STORE_DOWN, "if it cannot be recorded: down");
    failing = STEP_COMMIT;
    is_int(ask(issuer, &question, &issued).code, BASE_STORE_DOWN, "nor committed: down");
    ok(is_zero(&issued), "zeros again");
}

/* ---- what fails ---- */

/** Nothing came out, nothing stayed behind, and the issuer works when the fault is gone. */
static void check_nothing(portal_issuer_t *issuer, const portal_issue_t *question, base_code_t want,
                          const char *name)
{
    portal_issued_t issued;
    long long certificates = rows("certificate"), decisions = rows("audit"),
              subscribers = rows("subscriber");
    is_int(ask(issuer, question, &issued).code, want, name);
    ok(is_zero(&issued), "%s: zeros", name);
    ok(rows("certificate") == certificates && rows("audit") == decisions &&
           rows("subscriber") == subscribers,
       "%s: nothing in the ledger", name);
    is_int(ends_seen, begins, "what began has ended");
}

static void test_faults_of_the_ledger(void)
{
    static const struct {
        step_t step;
        const char *name;
    } steps[] = {
        {STEP_PEEK, "peek fails"},
        {STEP_BEGIN, "begin fails"},
        {STEP_FIND, "find fails"},
        {STEP_NAME, "name fails"},
        {STEP_ADD, "add fails"},
        {STEP_AUDIT, "audit fails"},
        {STEP_NOTE, "a UE identity is not noted"},
        {STEP_COMMIT, "commit fails"},
    };
    portal_issue_t question;
    portal_issued_t issued;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        faults_reset();
        portal_issuer_t *issuer = issuer_of(base_random_system());
        fixture_question(&question, apr_psprintf(pool, "fault%d@ims.example.org", (int)i));
        failing = steps[i].step;
        check_nothing(issuer, &question, BASE_STORE_DOWN, steps[i].name);
        ok(issued_asked <= 1, "no second try for a fault");
        failing = STEP_NONE;
        ok(ask(issuer, &question, &issued).code == BASE_OK &&
               in_ledger(&issued, question.subscriber),
           "%s: well again when it is over", steps[i].name);
    }
}

static void test_faults_of_the_random_source(void)
{
    portal_issue_t question;
    for (int draws = 0; draws < 2; draws++) {
        faults_reset();
        fixture_question(&question, "random@ims.example.org");
        draws_left = draws;
        check_nothing(issuer_of(&scarce_random), &question, BASE_INTERNAL,
                      draws ? "no octets for a serial" : "no octets for a pseudonym");
    }
}

static void test_times_of_the_ca(void)
{
    static const struct {
        int days;
        const char *name;
    } times[] = {{-3, "before the CA's notBefore"}, {40, "after the CA's notAfter"}};
    portal_issue_t question;
    for (size_t i = 0; i < 2; i++) {
        faults_reset();
        fixture_question(&question, "times@ims.example.org");
        wall_offset = apr_time_from_sec(86400) * times[i].days;
        check_nothing(issuer_of(base_random_system()), &question, BASE_STORE_DOWN, times[i].name);
    }
}

/** The draws are pseudonym, serial, serial, ...; the pseudonym's octet must be fresh too. */
static void test_serial_clash(void)
{
    portal_issue_t question;
    portal_issued_t first, second;
    faults_reset();
    portal_issuer_t *issuer = issuer_of(&listed_random);
    memcpy(serial_octets, "\x11\x21\x21\x21", 4);
    draws_made = 0;
    fixture_question(&question, "clash1@ims.example.org");
    is_int(ask(issuer, &question, &first).code, BASE_OK, "serial 21...");
    memcpy(serial_octets, "\x12\x21\x22\x22", 4);
    draws_made = 0;
    fixture_question(&question, "clash2@ims.example.org");
    is_int(ask(issuer, &question, &second).code, BASE_OK, "a serial that is taken is drawn again");
    ok(second.serial[0] == 0x22 && in_ledger(&second, question.subscriber), "and is another one");
    ok(in_ledger(&first, "clash1@ims.example.org"), "the first certificate stays as it was");
    memcpy(serial_octets, "\x13\x21\x22\x23", 4);
    draws_made = 0;
    begins = ends_seen = 0;
    fixture_question(&question, "clash3@ims.example.org");
    check_nothing(issuer, &question, BASE_INTERNAL, "taken twice: the source is broken");
}

static void test_questions_that_cannot_be_asked(void)
{
    portal_issue_t good, bad;
    faults_reset();
    portal_issuer_t *issuer = issuer_of(base_random_system());
    fixture_question(&good, "sound@ims.example.org");
    bad = good;
    bad.subscriber[0] = '\0';
    check_nothing(issuer, &bad, BASE_INTERNAL, "permit without identity");
    bad = good;
    memset(bad.subscriber, 'x', sizeof bad.subscriber);
    check_nothing(issuer, &bad, BASE_INTERNAL, "identity without an end");
    bad = good;
    bad.spki_len = 0;
    check_nothing(issuer, &bad, BASE_INTERNAL, "permit without a key");
    bad = good;
    bad.spki_len = PKI_SPKI_MAX + 1;
    check_nothing(issuer, &bad, BASE_INTERNAL, "key over its limit");
    bad = good;
    bad.decision.usage = PKI_USAGE_DIGITAL_SIGNATURE | PKI_USAGE_NON_REPUDIATION;
    check_nothing(issuer, &bad, BASE_INTERNAL, "two usages");
    bad = good;
    bad.decision.reason = PKI_REASON_NO_USS;
    check_nothing(issuer, &bad, BASE_INTERNAL, "permit with a reason against it");
    bad = good;
    bad.decision.permit = 0;
    check_nothing(issuer, &bad, BASE_INTERNAL, "refusal without a reason");
    bad = good;
    memset(bad.spki, 0xff, sizeof bad.spki);
    check_nothing(issuer, &bad, BASE_INTERNAL, "a key that is none");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    path = fixture_prepared(pool, dir, "ledger.db");
    ca = fixture_ca(pool, dir, 30);
    sqlite_ledger = fixture_opened(pool, path);
    test_permit();
    test_pseudonym();
    test_ue_identities();
    test_pseudonym_is_random();
    test_refusal();
    test_faults_of_the_ledger();
    test_faults_of_the_random_source();
    test_times_of_the_ca();
    test_serial_clash();
    test_questions_that_cannot_be_asked();
    is_int((long long)ERR_peek_error(), 0, "OpenSSL's error queue is empty");
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}
