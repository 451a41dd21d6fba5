/* SPDX-License-Identifier: Apache-2.0 */
/* What a refused UE is sent: page or problem details, when to come again, and nothing of its own;
 * and what location and key mean for who is refused. */
#include "enrol_fixture.h"
#include "gba/gba_problem.h"

static base_code_t run(portal_enrol_answer_t *answer, const gba_info_t *info, const char *file,
                       const char *accept)
{
    portal_enrol_request_t request = request_of(info, file);

    request.accept = accept;
    return enrol(answer, &request).code;
}

/* ---- which form ---- */

static void both_forms_say_the_same(void)
{
    portal_enrol_answer_t page, problem, granted;
    const char *code = NULL, *reason = NULL;
    int status = 0;

    is_int(run(&page, subscriber(IMPI, 0, 0, 0), "p256.pem", "text/html"), BASE_ENROL_REFUSED,
           "who wants the page");
    is_str(page.content_type, "text/html", "  ... gets it");
    is_int(run(&problem, subscriber(IMPI, 0, 0, 0), "p256.pem", GBA_MEDIA_PROBLEM),
           BASE_ENROL_REFUSED, "who wants problem details");
    is_str(problem.content_type, GBA_MEDIA_PROBLEM, "  ... gets them (RFC 9457)");
    ok(page.vary_accept && problem.vary_accept, "both vary by Accept");
    ok(page.status == 403 && problem.status == 403 && page.has_expires && problem.has_expires &&
           page.expires == problem.expires,
       "both are 403 with Expires");
    ok(pki_page_decision(&code, page.body, pool) &&
           gba_problem_read(&reason, &status, problem.body, pool),
       "both can be read");
    ok(code && reason && strcmp(code, reason) == 0 && status == 403, "and say the same");
    run(&granted, subscriber(IMPI, 1, 1, 0), "p256.pem", GBA_MEDIA_PROBLEM);
    ok(granted.status == 200 && !granted.vary_accept, "a certificate does not vary");
    is_str(granted.content_type, "application/x-x509-user-cert", "  ... whatever is accepted");
}

/* The identities, the PKCS#10's subject and extensions, the header fields. */
static void nothing_of_the_ue_is_in_it(void)
{
    static const char *const sent[] = {"I1U8vpY3",  "home1",  "001010123456789", "3gpp", "wish",
                                       "tel:+1555", "greedy", "level",           "BEGIN"};
    static const char *const accepts[] = {"text/html;level=greedy,text/html",
                                          "application/problem+json, text/html;level=greedy"};
    gba_info_t *info = subscriber(IMPI, 1, 1, 0);
    portal_enrol_answer_t answer;

    info->uss[0].ue_ids[info->uss[0].ue_id_count++] = gba_info_add_text(info, "tel:+1555", 9);
    for (int i = 0; i < 2; i++) {
        int found = 0, code = (int)run(&answer, info, "p256-greedy.pem", accepts[i]);
        is_int(code, BASE_ENROL_REFUSED, answer.content_type);
        for (apr_size_t j = 0; j < sizeof(sent) / sizeof(sent[0]); j++)
            found += strstr((const char *)answer.body.data, sent[j]) != NULL;
        is_int(found, 0, "  ... holds nothing that the UE sent, or that names it");
    }
    is_str(answer.ignored, "subjectAltName, extendedKeyUsage",
           "what is not looked at is told to the operator");
}

/* ---- when to come again ---- */

static void ledger_refuses(const char *name, pki_reason_t reason, apr_time_t retry_at,
                           apr_time_t want)
{
    portal_enrol_answer_t answer;

    issuer_says = BASE_ENROL_REFUSED;
    issuer_reason = reason;
    issuer_retry_at = retry_at;
    is_int(run(&answer, subscriber(IMPI, 1, 1, 0), "p256.pem", NULL), BASE_ENROL_REFUSED, name);
    ok(answer.has_expires && answer.expires == want, "  ... Expires is %" APR_TIME_T_FMT, want);
    issuer_says = BASE_OK;
    issuer_retry_at = 0;
}

static void expires_is_the_end_of_a_window(void)
{
    const apr_time_t usual = wall(NULL) + apr_time_from_sec(86401);
    const apr_time_t end = wall(NULL) + apr_time_from_sec(7);

    ledger_refuses("a full window", PKI_REASON_QUOTA_WINDOW, end, end);
    ledger_refuses("a full window that ends within a second", PKI_REASON_QUOTA_WINDOW,
                   end - APR_USEC_PER_SEC + 1, end);
    ledger_refuses("a full window whose end is not told", PKI_REASON_QUOTA_WINDOW, 0, usual);
    ledger_refuses("as many as may be held", PKI_REASON_QUOTA_HELD, 0, usual);
    ledger_refuses("an end of what has none", PKI_REASON_KEY_BLOCKED, end, usual);
}

/* ---- location and key ---- */

static pki_reason_t reason_of(const gba_info_t *info, int uicc_key, const char *group)
{
    portal_enrol_request_t request = request_of(info, "p256.pem");
    portal_enrol_answer_t answer;

    request.uicc_key = uicc_key;
    config.naf_group = group;
    enrol(&answer, &request);
    config.naf_group = NULL;
    return answer.decision.reason;
}

static void location_and_key_count(void)
{
    gba_info_t *info = subscriber(IMPI, 1, 1, 0);

    info->uss[0].key_choice = GBA_KEY_CHOICE_UICC;
    is_int(reason_of(info, 0, NULL), PKI_REASON_KEY_CHOICE, "the UICC's key demanded");
    is_int(reason_of(info, 1, NULL), PKI_REASON_NONE, "  ... and used");
    info->uss[0].naf_group = gba_info_add_text(info, "fixed", 5);
    is_int(reason_of(info, 1, "mobile"), PKI_REASON_NAF_GROUP, "another group's setting");
    is_int(reason_of(info, 1, "fixed"), PKI_REASON_NONE, "  ... and this group's");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    make_some_der();
    both_forms_say_the_same();
    nothing_of_the_ue_is_in_it();
    expires_is_the_end_of_a_window();
    location_and_key_count();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
