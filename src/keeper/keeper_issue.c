/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One way to a certificate, first or renewed. What the ledger held a moment ago
 * tells what will probably be needed: a signature, made before there is a
 * transaction, or none. The transaction looks again: what it finds decides. If
 * the guess was wrong, all is undone and tried anew; a signature that was made
 * in vain goes with this file's memory, and nobody has seen it.
 */
#include <string.h>
#include <apr_strings.h>
#include "base/base_fault.h"
#include "keeper/keeper_issuer_private.h"

#define SIGNATURES_MAX 2 /* random serials do not meet; the second is for the one that does */
#define TRIES_MAX      8 /* each needs somebody else to have been first in between */

/** What is to be done about a permit. */
typedef enum verdict_t { ISSUE, GIVE_AGAIN, KEY_TAKEN } verdict_t;

/** One question on its way. */
typedef struct enrolment_t {
    const keeper_issuer_t *issuer;
    const keeper_issuer_parts_t *parts; /**< the issuer's */
    const portal_issue_t *question;
    keeper_claim_t claim;
    keeper_holding_t held;
    verdict_t verdict;
    int again;       /**< the guess was wrong */
    int counted;     /**< a refusal that was only counted */
    apr_int64_t row; /**< the audit row of the decision */
    int serial_clashes;
    pki_cert_spec_t spec;
    apr_size_t der_len; /**< 0: nothing is signed */
    unsigned char der[PKI_CERT_MAX];
} enrolment_t;

/* ---- the question ---- */

static int ends(const char *text, apr_size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

/** Nonzero if the question is one that can be asked: it may have crossed a socket. A permit needs
 *  an identity, a key, and exactly one usage (policy has seen to that; here it is a bug). */
static int is_sound(const portal_issue_t *question)
{
    const pki_decision_t *decision = &question->decision;
    if (!ends(question->subscriber, sizeof question->subscriber) ||
        !ends(question->btid, sizeof question->btid) ||
        !ends(question->profile.name, sizeof question->profile.name) ||
        question->spki_len > PKI_SPKI_MAX || !portal_issue_ue_ids_end(question))
        return 0;
    if (!decision->permit)
        return decision->reason > PKI_REASON_NONE && decision->reason < PKI_REASONS;
    return question->subscriber[0] != '\0' && question->spki_len > 0 &&
           decision->reason == PKI_REASON_NONE &&
           (decision->usage == PKI_USAGE_DIGITAL_SIGNATURE ||
            decision->usage == PKI_USAGE_NON_REPUDIATION);
}

static int fill_claim(enrolment_t *e)
{
    const portal_issue_t *question = e->question;
    keeper_claim_t *claim = &e->claim;
    claim->subscriber = question->subscriber;
    claim->btid = question->btid;
    claim->ue_ids = question->ue_ids;
    claim->ue_ids_len = question->subscriber[0] ? question->ue_ids_len : 0;
    claim->profile = question->profile.name;
    claim->usage = question->decision.usage;
    claim->has_key = question->spki_len > 0;
    claim->now = e->parts->clock->wall(e->parts->clock->baton);
    if (e->parts->ca)
        claim->issuer = pki_ca_der(e->parts->ca);
    memcpy(claim->issuer_sha256, e->issuer->ca_sha256, sizeof claim->issuer_sha256);
    return !claim->has_key || keeper_issuer_hash(e->issuer, claim->spki_sha256,
                                                 (base_span_t){question->spki, question->spki_len});
}

/* ---- the verdict ---- */

/** Nonzero if the certificate that is held will do. */
static int will_do(const enrolment_t *e)
{
    const keeper_holding_t *held = &e->held;
    apr_time_t now = e->claim.now;
    if (held->issued.der_len == 0 || now > held->not_after)
        return 0;
    return held->not_after - now > e->question->profile.renew_before ||
           apr_time_sec(e->spec.not_after) <= apr_time_sec(held->not_after);
}

static verdict_t weigh(const enrolment_t *e)
{
    if (e->held.owner[0])
        return KEY_TAKEN;
    return will_do(e) ? GIVE_AGAIN : ISSUE;
}

/* ---- the signature, outside any transaction ---- */

/** The subject's name: drawn at random, so that it says nothing of the identity. */
static base_result_t name_subject(enrolment_t *e)
{
    if (e->held.pseudonym[0])
        memcpy(e->spec.pseudonym, e->held.pseudonym, sizeof e->spec.pseudonym);
    else if (!e->spec.pseudonym[0] && !pki_pseudonym_make(e->spec.pseudonym, e->parts->random))
        return base_fail(BASE_INTERNAL, "GBA0530", "issuer: no random octets for a pseudonym");
    return base_ok();
}

static base_result_t sign(enrolment_t *e)
{
    base_result_t result = name_subject(e);
    e->der_len = 0;
    if (result.code != BASE_OK)
        return result;
    if (!pki_serial_make(e->spec.serial, e->parts->random))
        return base_fail(BASE_INTERNAL, "GBA0531", "issuer: no random octets for a serial");
    apr_uint64_t began = base_meter_now();
    BASE_FAULT("sign-before");
    result = pki_cert_issue(e->parts->ca, &e->spec, e->der, &e->der_len);
    BASE_FAULT("sign-after");
    portal_meter_timed(e->parts->meter, PORTAL_TIMED_SIGN, began);
    return result;
}

/* ---- the record, inside the transaction ---- */

static keeper_audit_row_t row_of(const enrolment_t *e, keeper_event_t event, pki_reason_t reason)
{
    const keeper_claim_t *claim = &e->claim;
    keeper_audit_row_t row = {.at = apr_time_sec(claim->now),
                              .event = keeper_event_text(event),
                              .identity = claim->subscriber[0] ? claim->subscriber : NULL,
                              .btid = claim->btid,
                              .profile = claim->profile,
                              .reason = pki_reason_code(reason)};
    if (claim->has_key)
        row.spki_sha256 = (base_span_t){claim->spki_sha256, KEEPER_HASH_LEN};
    return row;
}

/** A row about a certificate. */
static base_result_t audit_serial(const enrolment_t *e, keeper_event_t event,
                                  const unsigned char serial[PKI_SERIAL_LEN], apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    keeper_audit_row_t row = row_of(e, event, PKI_REASON_NONE);
    char hex[2 * PKI_SERIAL_LEN + 1];
    base_hex_encode(hex, serial, PKI_SERIAL_LEN);
    row.key_usage = e->claim.usage;
    row.serial = hex;
    return ledger->audit(ledger->baton, &row, pool);
}

/** What was guessed is not so (any more): undone, and tried anew. */
static base_result_t try_again(enrolment_t *e, base_result_t result)
{
    e->again = 1;
    return result;
}

static base_result_t supersede(enrolment_t *e, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    base_result_t result = ledger->move(ledger->baton, e->held.issued.serial, KEEPER_STATE_ISSUED,
                                        KEEPER_STATE_SUPERSEDED, pool);
    return result.code == BASE_OK
               ? audit_serial(e, KEEPER_EVENT_SUPERSEDED, e->held.issued.serial, pool)
               : result;
}

static base_result_t add_certificate(enrolment_t *e, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    base_span_t der = {e->der, e->der_len};
    base_result_t result = ledger->add(ledger->baton, &e->claim, &e->spec, der, pool);
    if (result.code == BASE_INTERNAL) { /* the serial is taken */
        e->serial_clashes++;
        return try_again(e, result);
    }
    return result.code == BASE_OK ? audit_serial(e, KEEPER_EVENT_ISSUED, e->spec.serial, pool)
                                  : result;
}

static base_result_t record_issue(enrolment_t *e, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    base_result_t lost = base_fail(BASE_INTERNAL, "GBA0538", "issuer: others were always first");
    char name[PKI_PSEUDONYM_LEN + 1];
    if (e->der_len == 0) /* there was one to give again, and it is gone */
        return try_again(e, lost);
    base_result_t result = base_ok();
    memcpy(name, e->held.pseudonym, sizeof name);
    if (!name[0])
        result = ledger->name(ledger->baton, &e->claim, e->spec.pseudonym, name, pool);
    if (result.code != BASE_OK)
        return result;
    if (strcmp(name, e->spec.pseudonym) != 0) /* his first certificates, at the same time */
        return try_again(e, lost);
    if (e->held.issued.der_len > 0)
        result = supersede(e, pool);
    return result.code == BASE_OK ? add_certificate(e, pool) : result;
}

/** For whom the operator will look by his UE identities, whatever the answer is. */
static base_result_t note_ue_ids(const enrolment_t *e, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    return ledger->note_ue_ids(ledger->baton, &e->claim, pool);
}

/** A refusal: a row, or one more for the row that says the same. */
static base_result_t record_refusal(enrolment_t *e, pki_reason_t reason, int alarm,
                                    apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    keeper_audit_row_t row = row_of(e, KEEPER_EVENT_REFUSED, reason);
    base_result_t result = ledger->count(ledger->baton, &row, &e->counted, pool);
    if (result.code != BASE_OK || e->counted)
        return result;
    row.alarm = alarm;
    result = ledger->audit(ledger->baton, &row, pool);
    e->row = row.id;
    return result;
}

/** Both are marked for the operator: who asked, and whose key it is. */
static base_result_t record_taken(enrolment_t *e, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    base_result_t result = record_refusal(e, PKI_REASON_KEY_TAKEN, 1, pool);
    if (result.code != BASE_OK || e->counted)
        return result;
    keeper_audit_row_t row = row_of(e, KEEPER_EVENT_CONFLICT, PKI_REASON_KEY_TAKEN);
    row.identity = e->held.owner;
    row.alarm = 1;
    return ledger->audit(ledger->baton, &row, pool);
}

static base_result_t permit_work(void *baton, apr_pool_t *pool)
{
    enrolment_t *e = baton;
    keeper_ledger_t *ledger = e->parts->ledger;
    base_result_t result = ledger->find(ledger->baton, &e->claim, &e->held, pool);
    e->again = 0;
    if (result.code == BASE_OK)
        result = note_ue_ids(e, pool);
    if (result.code != BASE_OK)
        return result;
    e->verdict = weigh(e);
    if (e->verdict == KEY_TAKEN)
        return record_taken(e, pool);
    if (e->verdict == GIVE_AGAIN)
        return audit_serial(e, KEEPER_EVENT_STORED, e->held.issued.serial, pool);
    return record_issue(e, pool);
}

static base_result_t refusal_work(void *baton, apr_pool_t *pool)
{
    enrolment_t *e = baton;
    base_result_t result = note_ue_ids(e, pool);
    return result.code == BASE_OK ? record_refusal(e, e->question->decision.reason, 0, pool)
                                  : result;
}

static base_result_t run(enrolment_t *e, base_result_t (*work)(void *, apr_pool_t *),
                         apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    keeper_job_t job = {.work = work, .baton = e, .pool = pool};
    return ledger->run(ledger->baton, &job);
}

/* ---- the answer ---- */

/** Octets that lay on a disk: read as strictly as those that were just signed. */
static base_result_t check_held(enrolment_t *e, apr_pool_t *pool)
{
    const keeper_holding_t *held = &e->held;
    base_span_t der = {held->issued.der, held->issued.der_len};
    memcpy(e->spec.pseudonym, held->pseudonym, sizeof e->spec.pseudonym);
    memcpy(e->spec.serial, held->issued.serial, sizeof e->spec.serial);
    e->spec.not_before = held->not_before;
    e->spec.not_after = held->not_after;
    base_result_t result = pki_cert_check(e->parts->ca, &e->spec, der);
    if (result.code == BASE_OK)
        return result;
    return base_fail(
        BASE_STORE_DOWN, "GBA0529",
        apr_psprintf(pool, "issuer: the ledger's certificate is damaged: %s", result.detail));
}

/** An operator hears of the rows, whose numbers say nothing of anybody. */
static base_result_t refuse_taken(const enrolment_t *e, portal_issued_t *out, apr_pool_t *pool)
{
    const base_log_t *log = e->parts->log;
    if (log && !e->counted)
        log->emit(
            log->baton, BASE_LOG_WARNING, "GBA0518",
            apr_psprintf(pool,
                         "two subscribers have shown the same key: see audit rows %" APR_INT64_T_FMT
                         " and %" APR_INT64_T_FMT " of the ledger",
                         e->row, e->row + 1));
    out->reason = PKI_REASON_KEY_TAKEN;
    return base_fail(BASE_ENROL_REFUSED, "GBA0517",
                     "issuer: the key was certified for another subscriber");
}

static base_result_t answer(enrolment_t *e, portal_issued_t *out, apr_pool_t *pool)
{
    base_result_t result = base_ok();
    if (e->verdict == KEY_TAKEN)
        return refuse_taken(e, out, pool);
    if (e->verdict == GIVE_AGAIN) {
        result = check_held(e, pool);
        if (result.code == BASE_OK)
            *out = e->held.issued;
        return result;
    }
    memcpy(out->serial, e->spec.serial, sizeof out->serial);
    memcpy(out->der, e->der, e->der_len);
    out->der_len = (apr_uint16_t)e->der_len;
    return result;
}

/* ---- the seam ---- */

/** Guess, sign if need be, and record. */
static base_result_t try_permit(enrolment_t *e, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    BASE_FAULT("decide-before");
    base_result_t result = ledger->peek(ledger->baton, &e->claim, &e->held, pool);
    BASE_FAULT("decide-after");
    if (result.code == BASE_OK && weigh(e) == ISSUE)
        result = sign(e);
    return result.code == BASE_OK ? run(e, permit_work, pool) : result;
}

static base_result_t permit(enrolment_t *e, portal_issued_t *out, apr_pool_t *pool)
{
    base_result_t result;
    e->spec.spki = (base_span_t){e->question->spki, e->question->spki_len};
    e->spec.usage = e->question->decision.usage;
    if (!e->parts->ca ||
        !pki_cert_times(&e->spec, e->parts->ca, &e->question->profile, e->claim.now))
        return base_fail(BASE_STORE_DOWN, "GBA0533",
                         "issuer: the CA certificate is not valid now; renew it, or set the clock");
    for (int left = TRIES_MAX; left > 0; left--) {
        e->again = 0;
        result = try_permit(e, pool);
        if (!e->again || e->serial_clashes == SIGNATURES_MAX)
            break;
    }
    return result.code == BASE_OK ? answer(e, out, pool) : result;
}

base_result_t keeper_issue(void *baton, const portal_issue_t *question, portal_issued_t *out,
                           apr_pool_t *pool)
{
    enrolment_t e;
    memset(out, 0, sizeof *out);
    memset(&e, 0, sizeof e);
    e.issuer = baton;
    e.parts = &e.issuer->parts;
    e.question = question;
    if (!is_sound(question) || !fill_claim(&e))
        return base_fail(BASE_INTERNAL, "GBA0534", "issuer: a question that cannot be asked");
    return question->decision.permit ? permit(&e, out, pool) : run(&e, refusal_work, pool);
}
