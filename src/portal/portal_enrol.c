/* SPDX-License-Identifier: Apache-2.0 */
#include "portal/portal_enrol.h"

#include <string.h>

#include <apr_strings.h>

#include "pki/pki_media.h"
#include "portal/portal_authn.h"

/* What one enrolment carries from check to check. */
typedef struct enrolment_t {
    const portal_enrol_config_t *config;
    const portal_issuer_t *issuer;
    const portal_enrol_request_t *request;
    const pki_response_kind_t *kind;
    pki_pkcs10_t *pkcs10;
    portal_issue_t question;
    apr_pool_t *pool;
} enrolment_t;

static base_result_t check_request(const pki_response_kind_t **kind,
                                   const portal_enrol_request_t *request)
{
    if (strcmp(request->method, "POST") != 0)
        return base_fail(BASE_BAD_METHOD, "GBA0440", "enrolment takes POST only");
    if (!pki_media_type_is(request->content_type, PKI_MEDIA_PKCS10))
        return base_fail(BASE_BAD_MEDIA_TYPE, "GBA0441", "Content-Type is not " PKI_MEDIA_PKCS10);
    return pki_response_kind(kind, request->query);
}

base_result_t portal_enrol_check(const portal_enrol_request_t *request)
{
    const pki_response_kind_t *kind;

    return check_request(&kind, request);
}

/* ---- who asks ---- */

static pki_subscriber_t subscriber_of(const portal_enrol_request_t *request)
{
    const gba_info_t *info = request->info;
    pki_subscriber_t subscriber = {.is_refused = request->is_refused};

    subscriber.has_identity = portal_identity(info) != NULL;
    subscriber.has_uss = gba_info_has_flag(info, GBA_GS_TYPE_PKI_PORTAL, 0);
    if (gba_info_has_flag(info, GBA_GS_TYPE_PKI_PORTAL, GBA_PKI_FLAG_AUTHENTICATION))
        subscriber.allowed |= PKI_USAGE_DIGITAL_SIGNATURE;
    if (gba_info_has_flag(info, GBA_GS_TYPE_PKI_PORTAL, GBA_PKI_FLAG_NON_REPUDIATION))
        subscriber.allowed |= PKI_USAGE_NON_REPUDIATION;
    return subscriber;
}

/* ---- what is asked ---- */

static base_result_t read_pkcs10(enrolment_t *enrolment, pki_reason_t *key_check)
{
    base_result_t result;

    if (enrolment->request->body.len > PKI_PKCS10_MAX)
        return base_fail(BASE_OVER_HANDLER_CAP, "GBA0442", "the PKCS#10 is over 16 KiB");
    result = pki_pkcs10_read(&enrolment->pkcs10, enrolment->request->body, enrolment->pool);
    if (result.code != BASE_OK)
        return result;
    /* The signature of a key that is refused anyway is not verified: it may be made to be dear. */
    *key_check = pki_key_check(enrolment->pkcs10);
    return *key_check == PKI_REASON_NONE ? pki_pkcs10_verify(enrolment->pkcs10) : base_ok();
}

static base_result_t fill_question(enrolment_t *enrolment, pki_reason_t key_check)
{
    portal_issue_t *question = &enrolment->question;
    pki_subscriber_t subscriber = subscriber_of(enrolment->request);
    const char *name = portal_identity(enrolment->request->info);
    base_span_t spki = pki_pkcs10_spki(enrolment->pkcs10);

    if ((name && strlen(name) > GBA_BTID_MAX) || strlen(enrolment->request->btid) > GBA_BTID_MAX)
        return base_fail(BASE_INTERNAL, "GBA0443", "an identity is longer than its bound");
    apr_cpystrn(question->subscriber, name ? name : "", sizeof(question->subscriber));
    apr_cpystrn(question->btid, enrolment->request->btid, sizeof(question->btid));
    question->profile = *enrolment->config->profile;
    question->decision =
        pki_decide(&subscriber, key_check, pki_pkcs10_usage_wish(enrolment->pkcs10));
    if (spki.len <= PKI_SPKI_MAX) {
        memcpy(question->spki, spki.data, spki.len);
        question->spki_len = (apr_uint16_t)spki.len;
    } else if (question->decision.permit) {
        return base_fail(BASE_BAD_PKCS10, "GBA0444", "the SubjectPublicKeyInfo is over its bound");
    }
    return base_ok();
}

/* ---- what is answered ---- */

static base_result_t answer_certificate(portal_enrol_answer_t *answer, const enrolment_t *enrolment,
                                        const portal_issued_t *issued)
{
    base_span_t der = {issued->der, issued->der_len};
    const char *pem = pki_cert_pem(enrolment->pool, der);

    if (!pem)
        return base_fail(BASE_INTERNAL, "GBA0445", "the issued certificate is unreadable");
    answer->status = 200;
    answer->content_type = enrolment->kind->media_type;
    answer->body = base_span_str(pem);
    memcpy(answer->serial, issued->serial, sizeof(answer->serial));
    return base_ok();
}

static base_result_t answer_refusal(portal_enrol_answer_t *answer, const enrolment_t *enrolment)
{
    const base_clock_t *clock = enrolment->config->clock;
    pki_reason_t reason = enrolment->question.decision.reason;

    answer->status = base_code_info(BASE_ENROL_REFUSED)->http_status;
    answer->content_type = "text/html";
    answer->body = base_span_str(pki_page_refusal(enrolment->pool, reason));
    answer->has_expires = 1;
    answer->expires = clock->wall(clock->baton) + enrolment->config->refusal_expires;
    return base_fail(BASE_ENROL_REFUSED, "GBA0446",
                     apr_psprintf(enrolment->pool, "refused; reason=%s", pki_reason_code(reason)));
}

/* What only the issuer's records could tell. Its answer came from another process: a reason that is
 * none, or a refusal of a refusal, is a fault. */
static base_result_t take_refusal(enrolment_t *enrolment, const portal_issued_t *issued)
{
    pki_decision_t *decision = &enrolment->question.decision;

    if (!decision->permit || issued->reason <= PKI_REASON_NONE || issued->reason >= PKI_REASONS)
        return base_fail(BASE_INTERNAL, "GBA0447", "the issuer refused without a reason");
    decision->permit = 0;
    decision->reason = issued->reason;
    decision->usage = 0;
    return base_ok();
}

static base_result_t decide_and_issue(portal_enrol_answer_t *answer, enrolment_t *enrolment)
{
    portal_issued_t *issued = apr_pcalloc(enrolment->pool, sizeof(*issued));
    base_result_t result;

    result = enrolment->issuer->issue(enrolment->issuer->baton, &enrolment->question, issued,
                                      enrolment->pool);
    if (result.code == BASE_ENROL_REFUSED)
        result = take_refusal(enrolment, issued);
    if (result.code != BASE_OK)
        return result;
    answer->decision = enrolment->question.decision;
    return answer->decision.permit ? answer_certificate(answer, enrolment, issued)
                                   : answer_refusal(answer, enrolment);
}

base_result_t portal_enrol(portal_enrol_answer_t *answer, const portal_enrol_config_t *config,
                           const portal_issuer_t *issuer, const portal_enrol_request_t *request,
                           apr_pool_t *pool)
{
    enrolment_t *enrolment = apr_pcalloc(pool, sizeof(*enrolment));
    pki_reason_t key_check = PKI_REASON_NONE;
    base_result_t result;

    memset(answer, 0, sizeof(*answer));
    enrolment->config = config;
    enrolment->issuer = issuer;
    enrolment->request = request;
    enrolment->pool = pool;
    result = check_request(&enrolment->kind, request);
    if (result.code == BASE_OK)
        result = read_pkcs10(enrolment, &key_check);
    if (result.code == BASE_OK)
        result = fill_question(enrolment, key_check);
    if (result.code == BASE_OK)
        result = decide_and_issue(answer, enrolment);
    return result;
}
