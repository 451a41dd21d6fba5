/* SPDX-License-Identifier: Apache-2.0 */
/* The question, as it may have come from a child that is not itself any more, and the verdict: by
 * what the ledger holds, in one place for a guess, for the transaction that decides, and for who
 * only wants to know. */
#include <string.h>
#include <apr_strings.h>
#include "keeper/keeper_enrolment.h"

/* ---- the question ---- */

static int ends(const char *text, apr_size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

/** Nonzero if the question is one that can be asked. A permit needs an identity, a key, and exactly
 *  one usage, its profile's (policy has seen to that; here it is a bug). */
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
           decision->reason == PKI_REASON_NONE && decision->usage == question->profile.usage &&
           (decision->usage == PKI_USAGE_DIGITAL_SIGNATURE ||
            decision->usage == PKI_USAGE_NON_REPUDIATION);
}

static int fill_claim(keeper_enrolment_t *e)
{
    const portal_issue_t *question = e->question;
    const pki_profile_t *profile = &question->profile;
    keeper_claim_t *claim = &e->claim;
    claim->subscriber = question->subscriber;
    claim->btid = question->btid;
    claim->ue_ids = question->ue_ids;
    claim->ue_ids_len = question->subscriber[0] ? question->ue_ids_len : 0;
    claim->profile = profile->name;
    claim->counts = profile->held_max != 0 || profile->issued_max != 0;
    claim->issued_max = profile->issued_max;
    claim->issued_window = profile->issued_window;
    claim->usage = question->decision.usage;
    claim->has_key = question->spki_len > 0;
    claim->now = e->parts->clock->wall(e->parts->clock->baton);
    if (e->parts->ca)
        claim->issuer = pki_ca_der(e->parts->ca);
    memcpy(claim->issuer_sha256, e->issuer->ca_sha256, sizeof claim->issuer_sha256);
    return !claim->has_key || keeper_issuer_hash(e->issuer, claim->spki_sha256,
                                                 (base_span_t){question->spki, question->spki_len});
}

/* ---- the profile ---- */

/** A child says what a certificate is to say. It may be one that somebody else speaks through: what
 *  no configuration has is never signed. */
static base_result_t refuse_stranger(const keeper_enrolment_t *e)
{
    const base_log_t *log = e->parts->log;
    if (log)
        log->emit(log->baton, BASE_LOG_ERR, "GBA1201",
                  "a process of httpd asked for a certificate of a profile that is not configured");
    return base_fail(BASE_INTERNAL, "GBA1202",
                     "issuer: the profile is not one of those configured");
}

static base_result_t take_profile(keeper_enrolment_t *e, apr_pool_t *pool)
{
    const pki_profile_t *profile = &e->question->profile;
    base_result_t result = pki_profile_check(profile, pool);
    if (result.code != BASE_OK)
        return result;
    return keeper_issuer_knows(e->issuer, profile) ? base_ok() : refuse_stranger(e);
}

static void fill_spec(keeper_enrolment_t *e)
{
    e->spec.spki = (base_span_t){e->question->spki, e->question->spki_len};
    e->spec.profile = &e->question->profile;
    portal_issue_names(&e->spec.names, e->ue_ids, e->question);
    e->spec.names.pseudonym = e->pseudonym;
}

base_result_t keeper_enrolment_start(keeper_enrolment_t *e, const keeper_issuer_t *issuer,
                                     const portal_issue_t *question, apr_pool_t *pool)
{
    e->issuer = issuer;
    e->parts = &issuer->parts;
    e->question = question;
    if (!is_sound(question) || !fill_claim(e))
        return base_fail(BASE_INTERNAL, "GBA0534", "issuer: a question that cannot be asked");
    if (question->profile.name[0] && !pki_profile_hash(e->claim.profile_sha256, &question->profile))
        return base_fail(BASE_INTERNAL, "GBA1203", "issuer: no hash for a profile");
    if (!question->decision.permit)
        return base_ok();
    base_result_t result = take_profile(e, pool);
    if (result.code != BASE_OK)
        return result;
    fill_spec(e);
    if (!e->parts->ca || !pki_cert_times(&e->spec, e->parts->ca, &question->profile, e->claim.now))
        return base_fail(BASE_STORE_DOWN, "GBA0533",
                         "issuer: the CA certificate is not valid now; renew it, or set the clock");
    return result;
}

/* ---- the verdict ---- */

static int is_outdated(const keeper_enrolment_t *e)
{
    return e->has_outdated && memcmp(e->outdated, e->held.issued.serial, PKI_SERIAL_LEN) == 0;
}

/** Nonzero if the certificate that is held will do. */
static int will_do(const keeper_enrolment_t *e)
{
    const keeper_holding_t *held = &e->held;
    apr_time_t now = e->claim.now;
    if (held->issued.der_len == 0 || now > held->not_after || is_outdated(e))
        return 0;
    return held->not_after - now > e->question->profile.renew_before ||
           apr_time_sec(e->spec.not_after) <= apr_time_sec(held->not_after);
}

/** Those that are held, without the one that a new one would supersede: the ledger counts in whole
 *  seconds. */
static apr_uint32_t held_beside(const keeper_enrolment_t *e)
{
    const keeper_holding_t *held = &e->held;
    int superseded =
        held->issued.der_len > 0 && apr_time_sec(e->claim.now) <= apr_time_sec(held->not_after);
    return superseded && held->held > 0 ? held->held - 1 : held->held;
}

void keeper_enrolment_judge(keeper_enrolment_t *e)
{
    pki_history_t history = {.blocked = e->held.blocked,
                             .taken = e->held.owner[0] != '\0',
                             .again = will_do(e),
                             .held = held_beside(e),
                             .issued = e->held.recent};
    e->reason = pki_history_check(&history, &e->question->profile, NULL);
    if (e->reason != PKI_REASON_NONE)
        e->verdict = KEEPER_VERDICT_REFUSE;
    else
        e->verdict = history.again ? KEEPER_VERDICT_AGAIN : KEEPER_VERDICT_ISSUE;
}

apr_time_t keeper_enrolment_retry_at(const keeper_enrolment_t *e)
{
    return e->reason == PKI_REASON_QUOTA_WINDOW ? e->held.room_at : 0;
}

base_result_t keeper_enrolment_guess(keeper_enrolment_t *e, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = e->parts->ledger;
    base_result_t result = ledger->peek(ledger->baton, &e->claim, &e->held, pool);
    if (result.code != BASE_OK)
        return result;
    keeper_enrolment_judge(e);
    if (e->verdict != KEEPER_VERDICT_AGAIN)
        return result;
    keeper_held_compare(e);
    keeper_enrolment_judge(e);
    return result;
}

/* ---- the seam ---- */

static void tell(portal_weighed_t *out, const keeper_enrolment_t *e)
{
    out->reason = e->reason;
    out->retry_at = keeper_enrolment_retry_at(e);
    out->again = e->verdict == KEEPER_VERDICT_AGAIN;
    out->held = e->held.held;
}

base_result_t keeper_weigh(void *baton, const portal_issue_t *question, portal_weighed_t *out,
                           apr_pool_t *pool)
{
    keeper_enrolment_t *e = apr_pcalloc(pool, sizeof *e);
    memset(out, 0, sizeof *out);
    if (!question->decision.permit)
        return base_fail(BASE_INTERNAL, "GBA1204", "issuer: only a permit can be weighed");
    base_result_t result = keeper_enrolment_start(e, baton, question, pool);
    e->claim.counts = 1;
    if (result.code == BASE_OK)
        result = keeper_enrolment_guess(e, pool);
    if (result.code == BASE_OK && e->verdict == KEEPER_VERDICT_AGAIN)
        result = keeper_held_check(e, pool);
    if (result.code == BASE_OK)
        tell(out, e);
    return result;
}
