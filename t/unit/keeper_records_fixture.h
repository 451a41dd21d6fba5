/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_records_fixture.h
 * A ledger that has seen everything, as real issuer, clock and random source
 * leave it: certificates of three subscribers, one of them superseded, one with
 * a name that wants to be a formula; refusals; two writers; signed ends.
 */
#ifndef keeper_records_fixture_h
#define keeper_records_fixture_h

#include "keeper/keeper_issuer.h"
#include "keeper_fixture.h"

#define ALICE "alice@ims.example.org"
#define BOB   "bob@ims.example.org"
#define ODD   "=cmd(\"x\"),\x1b[31m\n@ims.example.org"

static apr_pool_t *pool;
static const char *dir;
static pki_ca_t *ca;

/** What its audit trail and its certificates count. */
#define RF_ROWS         9
#define RF_CERTIFICATES 5
#define RF_WRITERS      2

static inline void rf_ask(keeper_ledger_t *ledger, const portal_issue_t *question,
                          base_code_t wanted)
{
    static portal_issued_t issued;
    keeper_issuer_parts_t parts = {ca,   ledger, base_clock_system(), base_random_system(),
                                   NULL, NULL};
    portal_issuer_t *issuer = keeper_issuer_make(pool, &parts);
    base_result_t result = issuer->issue(issuer->baton, question, &issued, pool);
    if (result.code != wanted) {
        printf("# %s\n", result.detail ? result.detail : "");
        fixture_die("issue");
    }
}

/** His names, beside his identity. */
static inline void rf_names(portal_issue_t *question, const char *one, const char *two)
{
    char *end = apr_cpystrn(question->ue_ids, one, sizeof question->ue_ids) + 1;
    end = apr_cpystrn(end, two, sizeof question->ue_ids - strlen(one) - 1) + 1;
    question->ue_ids_len = (apr_uint16_t)(end - question->ue_ids);
}

/** Refuses, and the same again within the minute: one row, counted. */
static inline void rf_refuse(keeper_ledger_t *ledger, portal_issue_t question)
{
    question.decision.permit = 0;
    question.decision.usage = 0;
    question.decision.reason = PKI_REASON_NO_FLAG;
    rf_ask(ledger, &question, BASE_OK);
    rf_ask(ledger, &question, BASE_OK);
}

static inline void rf_sign(keeper_ledger_t *ledger)
{
    if (keeper_audit_sign_heads(ledger, ca, apr_time_now(), NULL, pool).code != BASE_OK)
        fixture_die("sign");
}

/** Makes it, and closes it. Rows: issued, stored, superseded and issued (by another writer),
 *  issued, refused and conflict (Bob with Alice's key), issued, refused; then one that no signature
 *  covers yet. */
static inline const char *rf_ledger(const char *name)
{
    apr_pool_t *handles;
    portal_issue_t alice, bob, odd, other;
    const char *path = fixture_prepared(pool, dir, name);
    apr_pool_create(&handles, pool);
    keeper_ledger_t *one = fixture_opened(handles, path), *two = fixture_opened(handles, path);
    fixture_question(&alice, ALICE);
    rf_names(&alice, "sip:alice@example.org", "tel:+4912345");
    rf_ask(one, &alice, BASE_OK);
    other = alice;
    other.profile.lifetime += apr_time_from_sec(86400 * 10);
    other.profile.renew_before = other.profile.lifetime - 1; /* at once */
    rf_ask(two, &other, BASE_OK);
    fixture_question(&bob, BOB);
    rf_ask(one, &bob, BASE_OK);
    fixture_question(&other, ALICE);
    apr_cpystrn(other.profile.name, "gold", sizeof other.profile.name);
    rf_ask(two, &other, BASE_OK);
    memcpy(other.subscriber, BOB, sizeof BOB);
    rf_ask(one, &other, BASE_ENROL_REFUSED);
    rf_refuse(one, bob);
    rf_sign(one);
    fixture_question(&odd, ODD);
    rf_ask(one, &odd, BASE_OK);
    apr_pool_destroy(handles);
    return path;
}

static inline void rf_start(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = fixture_dir();
    ca = fixture_ca(pool, dir, 4000);
}

static inline int rf_end(void)
{
    apr_pool_destroy(pool);
    fixture_clean(dir);
    apr_terminate();
    return tap_done();
}

/** The test points' texts in order, joined: what was visited. */
static inline const char *rf_joined(const char *sofar, const char *more)
{
    return sofar ? apr_pstrcat(pool, sofar, " ", more, NULL) : apr_pstrdup(pool, more);
}

#endif
