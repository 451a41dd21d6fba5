/* SPDX-License-Identifier: Apache-2.0 */
#include "portal/portal_enrol.h"

#include <string.h>

#include <apr_strings.h>

#include "pki/pki_media.h"
#include "pki/pki_wish.h"
#include "portal/portal_question.h"
#include "portal/portal_refusal.h"

/* What one enrolment carries from check to check. */
typedef struct enrolment_t {
    const portal_enrol_config_t *config;
    const portal_issuer_t *issuer;
    const portal_enrol_request_t *request;
    portal_enrol_answer_t *answer;
    const pki_response_kind_t *kind;
    portal_pkcs10_t pkcs10;
    pki_key_facts_t key;
    pki_outcome_t outcome;
    portal_issue_t question;
    apr_time_t retry_at; /* when what refuses ends by itself; 0: not known */
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

/* ---- what is asked ---- */

/* What is wrong with a message stands in the trace under its row's name. */
static base_result_t tell(const enrolment_t *enrolment, const char *check, const char *input,
                          base_result_t result)
{
    pki_trace_say(enrolment->config->trace, check, input,
                  result.code == BASE_OK ? "ok" : base_code_info(result.code)->name);
    return result;
}

static base_result_t parse_pkcs10(pki_pkcs10_t **out, const enrolment_t *enrolment)
{
    base_span_t body = enrolment->request->body;
    const char *size = apr_psprintf(enrolment->pool, "%" APR_SIZE_T_FMT " octets", body.len);

    if (body.len > PKI_PKCS10_MAX)
        return tell(enrolment, "PKCS#10", size,
                    base_fail(BASE_OVER_HANDLER_CAP, "GBA0442", "the PKCS#10 is over 16 KiB"));
    return tell(enrolment, "PKCS#10", size, pki_pkcs10_read(out, body, enrolment->pool));
}

/* Cheap checks before dear ones: the signature of a key that is refused anyway is not verified, as
 * such a key may be made to be dear; and only who holds the key has it examined. */
static base_result_t read_key(enrolment_t *enrolment, const pki_pkcs10_t *pkcs10)
{
    portal_pkcs10_t *out = &enrolment->pkcs10;
    base_result_t result;

    out->key_text = pki_key_describe(&enrolment->key, pkcs10, enrolment->pool);
    out->key_check = pki_key_check(pkcs10);
    if (out->key_check != PKI_REASON_NONE)
        return base_ok();
    result = tell(enrolment, "proof of possession", out->key_text, pki_pkcs10_verify(pkcs10));
    return result.code == BASE_OK ? pki_key_examine(&out->key_check, pkcs10) : result;
}

static base_result_t read_pkcs10(enrolment_t *enrolment)
{
    portal_pkcs10_t *out = &enrolment->pkcs10;
    const char *ignored;
    pki_pkcs10_t *pkcs10 = NULL;
    base_result_t result = parse_pkcs10(&pkcs10, enrolment);

    if (result.code != BASE_OK)
        return result;
    ignored = pki_pkcs10_ignored(pkcs10, enrolment->pool);
    enrolment->answer->ignored = ignored;
    pki_trace_say(enrolment->config->trace, "extensions",
                  ignored ? apr_pstrcat(enrolment->pool, "not looked at: ", ignored, NULL)
                          : "none but key usage and basic constraints",
                  "ok");
    out->spki = pki_pkcs10_spki(pkcs10);
    out->usage_wish = pki_pkcs10_usage_wish(pkcs10);
    out->wants_ca = pki_pkcs10_wants_ca(pkcs10);
    return read_key(enrolment, pkcs10);
}

/* ---- what is decided ---- */

static base_result_t decide(enrolment_t *enrolment)
{
    const portal_enrol_config_t *config = enrolment->config;
    pki_case_t facts = {.info = enrolment->request->info,
                        .is_refused = enrolment->request->is_refused,
                        .uicc_key = enrolment->request->uicc_key,
                        .naf_group = config->naf_group,
                        .now = config->clock->wall(config->clock->baton),
                        .profiles = config->profiles,
                        .profile_count = config->profile_count,
                        .usage_wish = enrolment->pkcs10.usage_wish,
                        .wants_ca = enrolment->pkcs10.wants_ca,
                        .key_type = enrolment->key.type,
                        .key_text = enrolment->pkcs10.key_text,
                        .key_check = enrolment->pkcs10.key_check};

    enrolment->outcome = pki_decide(&facts, config->trace);
    if (enrolment->outcome.profile >= 0)
        enrolment->answer->profile = config->profiles[enrolment->outcome.profile].name;
    return portal_question_fill(&enrolment->question, &enrolment->outcome, config,
                                enrolment->request, &enrolment->pkcs10);
}

static void refuse(enrolment_t *enrolment, pki_reason_t reason, const char *detail)
{
    portal_question_refuse(&enrolment->question, reason);
    enrolment->answer->detail = detail;
}

/* What the ledger holds of it, without a trace there: for rules that look at it, and for who only
 * wants to know. */
static base_result_t weigh(enrolment_t *enrolment, portal_weighed_t *weighed)
{
    const portal_issuer_t *issuer = enrolment->issuer;
    base_result_t result;

    memset(weighed, 0, sizeof(*weighed));
    result = issuer->weigh(issuer->baton, &enrolment->question, weighed, enrolment->pool);
    if (result.code != BASE_OK)
        return result;
    if ((unsigned)weighed->reason >= PKI_REASONS)
        return base_fail(BASE_INTERNAL, "GBA0448", "the issuer weighs without a reason");
    enrolment->answer->held = weighed->held > APR_INT32_MAX ? APR_INT32_MAX : (int)weighed->held;
    return result;
}

static portal_facts_t facts_of(const enrolment_t *enrolment)
{
    const portal_issue_t *question = &enrolment->question;
    const gba_info_t *info = enrolment->request->info;

    return (portal_facts_t){.btid = question->btid,
                            .subscriber = question->subscriber,
                            .info = info,
                            .setting = &info->uss[enrolment->outcome.setting],
                            .naf_group = enrolment->config->naf_group,
                            .uicc_key = enrolment->request->uicc_key,
                            .profile = &question->profile,
                            .key_type = enrolment->key.type,
                            .key_bits = enrolment->key.bits,
                            .key_curve = enrolment->key.curve,
                            .usage_wish = enrolment->pkcs10.usage_wish,
                            .held = enrolment->answer->held};
}

/* Rules say no, or nothing: a verdict that is neither is a fault of theirs. */
static base_result_t judge(enrolment_t *enrolment)
{
    const portal_rules_t *rules = enrolment->config->rules;
    portal_facts_t facts = facts_of(enrolment);
    portal_verdict_t *verdict = apr_pcalloc(enrolment->pool, sizeof(*verdict));
    base_result_t result =
        rules->judge(rules->baton, &facts, verdict, enrolment->config->trace, enrolment->pool);

    if (result.code != BASE_OK || verdict->reason == PKI_REASON_NONE)
        return result;
    if ((verdict->reason != PKI_REASON_RULE && verdict->reason != PKI_REASON_MODULE) ||
        !memchr(verdict->public_text, '\0', sizeof(verdict->public_text)))
        return base_fail(BASE_INTERNAL, "GBA0449", "a rule or module refused without a reason");
    refuse(enrolment, verdict->reason, verdict->who);
    if (verdict->public_text[0] && base_text_is_clean(verdict->public_text))
        enrolment->answer->public_text = verdict->public_text;
    return result;
}

/* A window ends by itself; of nothing else it can be said when. */
static void refuse_by_ledger(enrolment_t *enrolment, pki_reason_t reason, apr_time_t retry_at)
{
    refuse(enrolment, reason, NULL);
    enrolment->retry_at = reason == PKI_REASON_QUOTA_WINDOW ? retry_at : 0;
}

static void tell_weighed(enrolment_t *enrolment, const portal_weighed_t *weighed)
{
    const char *input = apr_psprintf(enrolment->pool, "%u held%s", weighed->held,
                                     weighed->again ? ", one is given again" : "");

    if (!enrolment->issuer)
        input = "not asked";
    pki_trace_step(enrolment->config->trace, "ledger", input, weighed->reason);
}

/* Asked only about what would be permitted: none of it can widen what the settings allow. */
static base_result_t narrow(enrolment_t *enrolment)
{
    const portal_enrol_config_t *config = enrolment->config;
    const int wants_held = config->rules && config->rules->wants_held;
    portal_weighed_t weighed = {0};
    base_result_t result = base_ok();

    if (!enrolment->question.decision.permit)
        return result;
    if (enrolment->issuer && (config->dry || wants_held))
        result = weigh(enrolment, &weighed);
    if (result.code == BASE_OK && config->rules)
        result = judge(enrolment);
    if (result.code != BASE_OK || !config->dry || !enrolment->question.decision.permit)
        return result;
    tell_weighed(enrolment, &weighed);
    if (weighed.reason != PKI_REASON_NONE)
        refuse_by_ledger(enrolment, weighed.reason, weighed.retry_at);
    return result;
}

/* ---- what is answered ---- */

static base_result_t answer_certificate(enrolment_t *enrolment, const portal_issued_t *issued)
{
    portal_enrol_answer_t *answer = enrolment->answer;
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

static base_result_t answer_refusal(enrolment_t *enrolment)
{
    portal_enrol_answer_t *answer = enrolment->answer;
    pki_reason_t reason = answer->decision.reason;
    const char *by = answer->detail ? answer->detail : "";

    if (!answer->public_text)
        answer->public_text = pki_reason_public_text(reason);
    if (!answer->detail)
        answer->detail = pki_reason_detail(reason);
    if (!portal_refusal_fill(answer, enrolment->config, enrolment->request->accept,
                             enrolment->retry_at, enrolment->pool)) {
        memset(answer, 0, sizeof(*answer));
        return base_fail(BASE_INTERNAL, "GBA0450", "the refusal's text cannot be written");
    }
    return base_fail(BASE_ENROL_REFUSED, "GBA0446",
                     apr_psprintf(enrolment->pool, "refused; reason=%s%s%s%s%s",
                                  pki_reason_code(reason), answer->profile ? "; profile=" : "",
                                  answer->profile ? answer->profile : "", *by ? "; by " : "", by));
}

/* What only the issuer's records could tell. Its answer came from another process: a reason that is
 * none, or a refusal of a refusal, is a fault. */
static base_result_t take_refusal(enrolment_t *enrolment, const portal_issued_t *issued)
{
    if (!enrolment->question.decision.permit || issued->reason <= PKI_REASON_NONE ||
        issued->reason >= PKI_REASONS)
        return base_fail(BASE_INTERNAL, "GBA0447", "the issuer refused without a reason");
    refuse_by_ledger(enrolment, issued->reason, issued->retry_at);
    return base_ok();
}

static base_result_t issue(enrolment_t *enrolment, portal_issued_t *issued)
{
    const portal_issuer_t *issuer = enrolment->issuer;
    base_result_t result =
        issuer->issue(issuer->baton, &enrolment->question, issued, enrolment->pool);

    return result.code == BASE_ENROL_REFUSED ? take_refusal(enrolment, issued) : result;
}

static base_result_t conclude(enrolment_t *enrolment)
{
    const int dry = enrolment->config->dry;
    portal_issued_t *issued = apr_pcalloc(enrolment->pool, sizeof(*issued));
    portal_enrol_answer_t *answer = enrolment->answer;
    base_result_t result = dry ? base_ok() : issue(enrolment, issued);

    if (result.code != BASE_OK)
        return result;
    answer->decision = enrolment->question.decision;
    if (!dry)
        portal_meter_decided(enrolment->config->meter, &answer->decision,
                             enrolment->question.profile.name);
    if (!answer->decision.permit)
        return answer_refusal(enrolment);
    if (!dry)
        return answer_certificate(enrolment, issued);
    answer->status = 200;
    return result;
}

base_result_t portal_enrol(portal_enrol_answer_t *answer, const portal_enrol_config_t *config,
                           const portal_issuer_t *issuer, const portal_enrol_request_t *request,
                           apr_pool_t *pool)
{
    enrolment_t *enrolment = apr_pcalloc(pool, sizeof(*enrolment));
    base_result_t result;

    memset(answer, 0, sizeof(*answer));
    answer->held = -1;
    enrolment->config = config;
    enrolment->issuer = issuer;
    enrolment->request = request;
    enrolment->answer = answer;
    enrolment->pool = pool;
    result = check_request(&enrolment->kind, request);
    if (result.code == BASE_OK)
        result = read_pkcs10(enrolment);
    if (result.code == BASE_OK)
        result = decide(enrolment);
    if (result.code == BASE_OK)
        result = narrow(enrolment);
    if (result.code == BASE_OK)
        result = conclude(enrolment);
    return result;
}
