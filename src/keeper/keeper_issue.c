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
#include "keeper/keeper_enrolment.h"

#define SIGNATURES_MAX 2 /* random serials do not meet; the second is for the one that does */
#define TRIES_MAX      8 /* each needs somebody else to have been first in between */

/* ---- the signature, outside any transaction ---- */

/** The subject's name: drawn at random, so that it says nothing of the identity. */
static base_result_t name_subject(keeper_enrolment_t *e)
{
    if (e->held.pseudonym[0])
        memcpy(e->pseudonym, e->held.pseudonym, sizeof e->pseudonym);
    else if (!e->pseudonym[0] && !pki_pseudonym_make(e->pseudonym, e->parts->random))
        return base_fail(BASE_INTERNAL, "GBA0530", "issuer: no random octets for a pseudonym");
    return base_ok();
}

static base_result_t sign(keeper_enrolment_t *e)
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

static base_result_t run(keeper_enrolment_t *e, base_result_t (*work)(void *, apr_pool_t *),
                         apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    keeper_job_t job = {.work = work, .baton = e, .pool = pool};
    return ledger->run(ledger->baton, &job);
}

/* ---- the answer ---- */

/** An operator hears of the rows, whose numbers say nothing of anybody. */
static void warn_of_taken(const keeper_enrolment_t *e, apr_pool_t *pool)
{
    const base_log_t *log = e->parts->log;
    if (log && !e->counted)
        log->emit(
            log->baton, BASE_LOG_WARNING, "GBA0518",
            apr_psprintf(pool,
                         "two subscribers have shown the same key: see audit rows %" APR_INT64_T_FMT
                         " and %" APR_INT64_T_FMT " of the ledger",
                         e->row, e->row + 1));
}

static base_result_t refuse(const keeper_enrolment_t *e, portal_issued_t *out, apr_pool_t *pool)
{
    if (e->reason == PKI_REASON_KEY_TAKEN)
        warn_of_taken(e, pool);
    out->reason = e->reason;
    out->retry_at = keeper_enrolment_retry_at(e);
    return base_fail(BASE_ENROL_REFUSED, "GBA0517",
                     apr_psprintf(pool, "issuer: refused: %s", pki_reason_detail(e->reason)));
}

static base_result_t answer(keeper_enrolment_t *e, portal_issued_t *out, apr_pool_t *pool)
{
    base_result_t result = base_ok();
    if (e->verdict == KEEPER_VERDICT_REFUSE)
        return refuse(e, out, pool);
    if (e->verdict == KEEPER_VERDICT_AGAIN) {
        result = keeper_held_check(e, pool);
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
static base_result_t try_permit(keeper_enrolment_t *e, apr_pool_t *pool)
{
    BASE_FAULT("decide-before");
    base_result_t result = keeper_enrolment_guess(e, pool);
    BASE_FAULT("decide-after");
    if (result.code == BASE_OK && e->verdict == KEEPER_VERDICT_ISSUE)
        result = sign(e);
    return result.code == BASE_OK ? run(e, keeper_record_permit, pool) : result;
}

static base_result_t permit(keeper_enrolment_t *e, portal_issued_t *out, apr_pool_t *pool)
{
    base_result_t result = base_ok();
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
    keeper_enrolment_t e;
    memset(out, 0, sizeof *out);
    memset(&e, 0, sizeof e);
    base_result_t result = keeper_enrolment_start(&e, baton, question, pool);
    if (result.code != BASE_OK)
        return result;
    return question->decision.permit ? permit(&e, out, pool) : run(&e, keeper_record_refusal, pool);
}
