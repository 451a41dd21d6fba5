/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One way to a certificate, first or renewed: everything is made and recorded
 * in one transaction, and leaves only after its commit. A signature that was
 * made but not committed is dropped with this file's memory.
 */
#include <string.h>
#include <apr_strings.h>
#include "keeper/keeper_issuer.h"

#define SERIAL_TRIES 2 /* random serials do not meet; the second try is for the one that does */

/** A certificate that nobody has seen yet. */
typedef struct draft_t {
    pki_cert_spec_t spec;
    apr_size_t der_len;
    unsigned char der[PKI_CERT_MAX];
} draft_t;

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
        question->spki_len > PKI_SPKI_MAX)
        return 0;
    if (!decision->permit)
        return decision->reason > PKI_REASON_NONE && decision->reason < PKI_REASONS;
    return question->subscriber[0] != '\0' && question->spki_len > 0 &&
           decision->reason == PKI_REASON_NONE &&
           (decision->usage == PKI_USAGE_DIGITAL_SIGNATURE ||
            decision->usage == PKI_USAGE_NON_REPUDIATION);
}

/** The subject's name: drawn at random, so that it says nothing of the identity. */
static base_result_t name_subject(const keeper_issuer_parts_t *parts,
                                  const portal_issue_t *question, draft_t *draft, apr_pool_t *pool)
{
    char fresh[PKI_PSEUDONYM_LEN + 1];
    if (!pki_pseudonym_make(fresh, parts->random))
        return base_fail(BASE_INTERNAL, "GBA0530", "issuer: no random octets for a pseudonym");
    return parts->ledger->pseudonym(parts->ledger->baton, question->subscriber, fresh,
                                    draft->spec.pseudonym, pool);
}

static base_result_t sign(const keeper_issuer_parts_t *parts, draft_t *draft)
{
    if (!pki_serial_make(draft->spec.serial, parts->random))
        return base_fail(BASE_INTERNAL, "GBA0531", "issuer: no random octets for a serial");
    base_result_t result = pki_cert_issue(parts->ca, &draft->spec, draft->der, &draft->der_len);
    if (result.code == BASE_OK && (draft->der_len == 0 || draft->der_len > sizeof draft->der))
        return base_fail(BASE_INTERNAL, "GBA0532", "issuer: a certificate of impossible length");
    return result;
}

static base_result_t sign_and_record(const keeper_issuer_parts_t *parts,
                                     const portal_issue_t *question, draft_t *draft, apr_time_t now,
                                     apr_pool_t *pool)
{
    keeper_ledger_t *ledger = parts->ledger;
    for (int left = SERIAL_TRIES;; left--) {
        base_result_t result = sign(parts, draft);
        if (result.code != BASE_OK)
            return result;
        base_span_t der = {draft->der, draft->der_len};
        result = ledger->record_issued(ledger->baton, question, &draft->spec, der, now, pool);
        if (result.code != BASE_INTERNAL || left == 1) /* INTERNAL: the serial is taken */
            return result;
    }
}

static base_result_t make_certificate(const keeper_issuer_parts_t *parts,
                                      const portal_issue_t *question, draft_t *draft,
                                      apr_time_t now, apr_pool_t *pool)
{
    base_result_t result = name_subject(parts, question, draft, pool);
    if (result.code != BASE_OK)
        return result;
    draft->spec.spki = (base_span_t){question->spki, question->spki_len};
    draft->spec.usage = question->decision.usage;
    if (!pki_cert_times(&draft->spec, parts->ca, &question->profile, now))
        return base_fail(BASE_STORE_DOWN, "GBA0533",
                         "issuer: the CA certificate is not valid now; renew it, or set the clock");
    return sign_and_record(parts, question, draft, now, pool);
}

/** One transaction: the certificate if there is to be one, and the decision. */
static base_result_t transact(const keeper_issuer_parts_t *parts, const portal_issue_t *question,
                              draft_t *draft, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = parts->ledger;
    apr_time_t now = parts->clock->wall(parts->clock->baton);
    base_result_t result = ledger->begin(ledger->baton, pool);
    if (result.code != BASE_OK)
        return result;
    if (question->decision.permit)
        result = make_certificate(parts, question, draft, now, pool);
    if (result.code == BASE_OK)
        result = ledger->record_decision(ledger->baton, question, now, pool);
    if (result.code == BASE_OK)
        return ledger->commit(ledger->baton, pool);
    ledger->rollback(ledger->baton);
    return result;
}

static base_result_t issue(void *baton, const portal_issue_t *question, portal_issued_t *out,
                           apr_pool_t *pool)
{
    draft_t draft;
    memset(out, 0, sizeof *out);
    memset(&draft, 0, sizeof draft);
    if (!is_sound(question))
        return base_fail(BASE_INTERNAL, "GBA0534", "issuer: a question that cannot be asked");
    base_result_t result = transact(baton, question, &draft, pool);
    if (result.code != BASE_OK || !question->decision.permit)
        return result;
    memcpy(out->serial, draft.spec.serial, sizeof out->serial);
    memcpy(out->der, draft.der, draft.der_len);
    out->der_len = (apr_uint16_t)draft.der_len;
    return result;
}

static base_result_t pseudonym(void *baton, const char *subscriber, char out[PKI_PSEUDONYM_LEN + 1],
                               apr_pool_t *pool)
{
    const keeper_issuer_parts_t *parts = baton;
    keeper_ledger_t *ledger = parts->ledger;
    char fresh[PKI_PSEUDONYM_LEN + 1];
    base_result_t result;

    memset(out, 0, PKI_PSEUDONYM_LEN + 1);
    if (!subscriber || !*subscriber || !pki_pseudonym_make(fresh, parts->random))
        return base_fail(BASE_INTERNAL, "GBA0535", "issuer: no subscriber or no random octets");
    result = ledger->begin(ledger->baton, pool);
    if (result.code != BASE_OK)
        return result;
    result = ledger->pseudonym(ledger->baton, subscriber, fresh, out, pool);
    if (result.code == BASE_OK)
        result = ledger->commit(ledger->baton, pool);
    else
        ledger->rollback(ledger->baton);
    if (result.code != BASE_OK)
        memset(out, 0, PKI_PSEUDONYM_LEN + 1);
    return result;
}

portal_issuer_t *keeper_issuer_make(apr_pool_t *pool, const keeper_issuer_parts_t *parts)
{
    portal_issuer_t *issuer = apr_palloc(pool, sizeof *issuer);
    issuer->baton = apr_pmemdup(pool, parts, sizeof *parts);
    issuer->issue = issue;
    issuer->pseudonym = pseudonym;
    return issuer;
}
