/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction of the issuer writes: it looks again, and what it finds decides. */
#include <string.h>
#include "base/base_text.h"
#include "keeper/keeper_enrolment.h"

static keeper_audit_row_t row_of(const keeper_enrolment_t *e, keeper_event_t event,
                                 pki_reason_t reason)
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
    if (claim->profile[0])
        row.profile_sha256 = (base_span_t){claim->profile_sha256, KEEPER_HASH_LEN};
    return row;
}

/** A row about a certificate. */
static base_result_t audit_serial(const keeper_enrolment_t *e, keeper_event_t event,
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
static base_result_t try_again(keeper_enrolment_t *e, base_result_t result)
{
    e->again = 1;
    return result;
}

static base_result_t supersede(keeper_enrolment_t *e, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    base_result_t result = ledger->move(ledger->baton, e->held.issued.serial, KEEPER_STATE_ISSUED,
                                        KEEPER_STATE_SUPERSEDED, pool);
    return result.code == BASE_OK
               ? audit_serial(e, KEEPER_EVENT_SUPERSEDED, e->held.issued.serial, pool)
               : result;
}

static base_result_t add_certificate(keeper_enrolment_t *e, apr_pool_t *pool)
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

static base_result_t record_issue(keeper_enrolment_t *e, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    base_result_t lost = base_fail(BASE_INTERNAL, "GBA0538", "issuer: others were always first");
    char name[PKI_PSEUDONYM_LEN + 1];
    if (e->der_len == 0) /* there was one to give again, and it is gone */
        return try_again(e, lost);
    base_result_t result = base_ok();
    memcpy(name, e->held.pseudonym, sizeof name);
    if (!name[0])
        result = ledger->name(ledger->baton, &e->claim, e->pseudonym, name, pool);
    if (result.code != BASE_OK)
        return result;
    if (strcmp(name, e->pseudonym) != 0) /* his first certificates, at the same time */
        return try_again(e, lost);
    if (e->held.issued.der_len > 0)
        result = supersede(e, pool);
    return result.code == BASE_OK ? add_certificate(e, pool) : result;
}

/** For whom the operator will look by his UE identities, whatever the answer is. */
static base_result_t note_ue_ids(const keeper_enrolment_t *e, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    return ledger->note_ue_ids(ledger->baton, &e->claim, pool);
}

/** A refusal: a row, or one more for the row that says the same. */
static base_result_t add_refusal(keeper_enrolment_t *e, pki_reason_t reason, int alarm,
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
static base_result_t record_taken(keeper_enrolment_t *e, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    base_result_t result = add_refusal(e, PKI_REASON_KEY_TAKEN, 1, pool);
    if (result.code != BASE_OK || e->counted)
        return result;
    keeper_audit_row_t row = row_of(e, KEEPER_EVENT_CONFLICT, PKI_REASON_KEY_TAKEN);
    row.identity = e->held.owner;
    row.alarm = 1;
    return ledger->audit(ledger->baton, &row, pool);
}

/** What only the ledger could tell. */
static base_result_t record_no(keeper_enrolment_t *e, apr_pool_t *pool)
{
    return e->reason == PKI_REASON_KEY_TAKEN ? record_taken(e, pool)
                                             : add_refusal(e, e->reason, 0, pool);
}

base_result_t keeper_record_permit(void *enrolment, apr_pool_t *pool)
{
    keeper_enrolment_t *e = enrolment;
    keeper_ledger_t *ledger = e->parts->ledger;
    base_result_t result = ledger->find(ledger->baton, &e->claim, &e->held, pool);
    e->again = 0;
    if (result.code == BASE_OK)
        result = note_ue_ids(e, pool);
    if (result.code != BASE_OK)
        return result;
    keeper_enrolment_judge(e);
    if (e->verdict == KEEPER_VERDICT_REFUSE)
        return record_no(e, pool);
    if (e->verdict == KEEPER_VERDICT_AGAIN)
        return audit_serial(e, KEEPER_EVENT_STORED, e->held.issued.serial, pool);
    return record_issue(e, pool);
}

base_result_t keeper_record_refusal(void *enrolment, apr_pool_t *pool)
{
    keeper_enrolment_t *e = enrolment;
    base_result_t result = note_ue_ids(e, pool);
    return result.code == BASE_OK ? add_refusal(e, e->question->decision.reason, 0, pool) : result;
}
