/* SPDX-License-Identifier: Apache-2.0 */
/* portal_enrol: one test per protected row of the error table that enrolment can reach, what the
 * issuer is asked, and what the answer says. The issuer here answers with a fixed certificate. */
#include "enrol_fixture.h"

/* ---- rows that are answered by status alone ---- */

static void row(const char *name, portal_enrol_request_t request, base_code_t want, int status)
{
    portal_enrol_answer_t answer;
    base_result_t result = enrol(&answer, &request);

    is_str(base_code_info(result.code)->name, base_code_info(want)->name, name);
    is_int(base_code_info(result.code)->http_status, status, "  ... its status");
    ok(base_code_info(result.code)->is_protected, "  ... which is protected");
    is_int(asked_times, want == BASE_STORE_DOWN ? 1 : 0, "  ... and the issuer is not bothered");
    is_int(answer.status, 0, "  ... and there is nothing to reveal");
}

static void answers_by_row(void)
{
    const gba_info_t *info = subscriber(IMPI, 1, 1, 0);
    portal_enrol_request_t request = request_of(info, "p256.pem");
    unsigned char *big = apr_pcalloc(pool, PKI_PKCS10_MAX + 1);
    base_span_t over = {big, PKI_PKCS10_MAX + 1};
    portal_enrol_request_t changed = request;

    ok(request.body.len > 0, "the test vector is there");
    changed.method = "GET";
    row("GET", changed, BASE_BAD_METHOD, 405);
    changed = request;
    changed.content_type = "application/pkcs10";
    row("another media type", changed, BASE_BAD_MEDIA_TYPE, 415);
    changed.content_type = NULL;
    row("no media type", changed, BASE_BAD_MEDIA_TYPE, 415);
    changed = request;
    changed.query = "response=hologram";
    row("unknown response=", changed, BASE_BAD_RESPONSE_KIND, 400);
    changed = request;
    changed.body = over;
    row("over 16 KiB", changed, BASE_OVER_HANDLER_CAP, 413);
    changed = request;
    changed.body = base_span_str("not a PKCS#10");
    row("unreadable PKCS#10", changed, BASE_BAD_PKCS10, 400);
    changed.body.len = 0;
    row("empty body", changed, BASE_BAD_PKCS10, 400);
    row("signature that cannot prove possession", request_of(info, "rsa2048-md5.pem"), BASE_BAD_POP,
        400);
    issuer_says = BASE_STORE_DOWN;
    row("ledger or signer down", request, BASE_STORE_DOWN, 503);
    issuer_says = BASE_OK;
}

/* ---- refusals ---- */

typedef struct refusal_t {
    const char *name;
    const char *impi;
    int with_uss;
    apr_uint32_t flag;
    const char *file;
    const char *reason;
} refusal_t;

static void refuses(const refusal_t *c)
{
    portal_enrol_request_t request =
        request_of(subscriber(c->impi, c->with_uss, c->flag, 0), c->file);
    portal_enrol_answer_t answer;
    const char *code = NULL;

    is_int(enrol(&answer, &request).code, BASE_ENROL_REFUSED, c->name);
    is_int(answer.status, 403, "  ... 403 (TS 24.109 E.4)");
    is_str(answer.content_type, "text/html", "  ... html");
    ok(pki_page_decision(&code, answer.body, pool), "  ... with one decision element");
    is_str(code, c->reason, "  ... that names the reason");
    ok(answer.has_expires && answer.expires == wall(NULL) + apr_time_from_sec(86401),
       "  ... and Expires a day and a second later, as in table E.4-1");
    is_int(asked_times, 1, "  ... recorded once");
    ok(!asked.decision.permit, "  ... as a refusal");
}

static void refuses_by_policy(void)
{
    static const refusal_t cases[] = {
        {"no user security setting", IMPI, 0, 0, "p256.pem", "NO_USS"},
        {"a setting without a flag", IMPI, 1, 0, "p256.pem", "NO_FLAG"},
        {"a setting with an unknown flag", IMPI, 1, 9, "p256.pem", "NO_FLAG"},
        {"no identity", NULL, 1, 1, "p256.pem", "NO_IDENTITY"},
        {"RSA of 1024 bits", IMPI, 1, 1, "rsa1024.pem", "KEY_SIZE"},
        {"RSA with e=3", IMPI, 1, 1, "rsa2048-e3.pem", "KEY_EXPONENT"},
        {"P-521", IMPI, 1, 1, "p521.pem", "KEY_CURVE"},
        {"Ed25519", IMPI, 1, 1, "ed25519.pem", "KEY_TYPE"},
        {"RSA with a small factor", IMPI, 1, 1, "rsa2058-factor-751.pem", "KEY_FACTORS"},
        {"RSA with the fingerprint of ROCA", IMPI, 1, 1, "rsa2048-roca.pem", "KEY_ROCA"},
        {"RSA with close primes", IMPI, 1, 1, "rsa2048-close-primes.pem", "KEY_CLOSE_PRIMES"},
        {"CA:TRUE", IMPI, 1, 1, "p256-greedy.pem", "CA_REQUESTED"},
        {"nonRepudiation asked for, flag 1 held", IMPI, 1, 1, "p256-wish-nonrepudiation.pem",
         "USAGE_NOT_ALLOWED"},
    };

    for (apr_size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refuses(&cases[i]);
}

static void refuses_whom_the_bsf_refuses_by_now(void)
{
    portal_enrol_request_t request = request_of(subscriber(IMPI, 1, 1, 0), "p256.pem");
    portal_enrol_answer_t answer;
    const char *code = NULL;

    request.is_refused = 1;
    is_int(enrol(&answer, &request).code, BASE_ENROL_REFUSED, "refused by the BSF by now");
    ok(pki_page_decision(&code, answer.body, pool), "  ... with a decision element");
    is_str(code, "NOT_AUTHORISED", "  ... and its reason");
    is_int(asked_times, 1, "  ... recorded");
    is_str(asked.subscriber, IMPI, "  ... of him whose key it was");
}

static void refusal_is_not_told_unless_recorded(void)
{
    portal_enrol_request_t request = request_of(subscriber(IMPI, 0, 0, 0), "p256.pem");
    portal_enrol_answer_t answer;

    issuer_says = BASE_STORE_DOWN;
    is_int(enrol(&answer, &request).code, BASE_STORE_DOWN,
           "a refusal that cannot be recorded is a 503");
    issuer_says = BASE_OK;
}

/* What the portal permits, the issuer may refuse for what its records alone can tell. */
static void refuses_by_the_issuers_records(void)
{
    portal_enrol_request_t request = request_of(subscriber(IMPI, 1, 1, 0), "p256.pem");
    portal_enrol_answer_t answer;
    const char *code = NULL;

    issuer_says = BASE_ENROL_REFUSED;
    issuer_reason = PKI_REASON_KEY_TAKEN;
    is_int(enrol(&answer, &request).code, BASE_ENROL_REFUSED, "a key of another subscriber");
    ok(asked.decision.permit, "  ... that the portal had permitted");
    is_int(answer.status, 403, "  ... 403 (TS 24.109 E.4)");
    is_str(answer.content_type, "text/html", "  ... html");
    ok(pki_page_decision(&code, answer.body, pool), "  ... with one decision element");
    is_str(code, "KEY_TAKEN", "  ... that names the reason");
    ok(answer.has_expires, "  ... and Expires");
    ok(!answer.decision.permit && answer.decision.reason == PKI_REASON_KEY_TAKEN &&
           answer.decision.usage == 0,
       "  ... and log and environment are told the same");
    issuer_reason = PKI_REASON_NONE;
    is_int(enrol(&answer, &request).code, BASE_INTERNAL, "a refusal without a reason is a fault");
    is_int(answer.status, 0, "  ... that reveals nothing");
    issuer_reason = PKI_REASONS;
    is_int(enrol(&answer, &request).code, BASE_INTERNAL, "so is a reason that is none");
    issuer_reason = PKI_REASON_KEY_TAKEN;
    request = request_of(subscriber(IMPI, 1, 0, 0), "p256.pem");
    is_int(enrol(&answer, &request).code, BASE_INTERNAL, "and a refusal of a refusal");
    issuer_says = BASE_OK;
}

/* ---- certificates ---- */

static void permits(const char *name, apr_uint32_t flag1, apr_uint32_t flag2, const char *file,
                    unsigned usage)
{
    portal_enrol_request_t request = request_of(subscriber(IMPI, 1, flag1, flag2), file);
    portal_enrol_answer_t answer;

    enrol(&answer, &request);
    ok(asked.decision.permit, "%s", name);
    is_int(asked.decision.usage, usage, "  ... with the key usage of the flag");
    is_str(asked.profile.name,
           usage == PKI_USAGE_DIGITAL_SIGNATURE ? "authentication" : "non-repudiation",
           "  ... and its profile");
}

static void asks_the_issuer(void)
{
    portal_enrol_request_t request = request_of(subscriber(IMPI, 1, 1, 0), "p256.pem");
    portal_enrol_answer_t answer;
    pki_pkcs10_t *req;
    base_span_t spki;

    permits("flag 1", 1, 0, "p256.pem", PKI_USAGE_DIGITAL_SIGNATURE);
    permits("flag 2", 2, 0, "p256.pem", PKI_USAGE_NON_REPUDIATION);
    permits("both flags", 1, 2, "p256.pem", PKI_USAGE_DIGITAL_SIGNATURE);
    permits("both flags, nonRepudiation asked for", 2, 1, "p256-wish-nonrepudiation.pem",
            PKI_USAGE_NON_REPUDIATION);
    permits("RSA of 2048 bits", 1, 0, "rsa2048.pem", PKI_USAGE_DIGITAL_SIGNATURE);
    permits("RSA of 4096 bits", 1, 0, "rsa4096.pem", PKI_USAGE_DIGITAL_SIGNATURE);
    permits("P-384", 1, 0, "p384.pem", PKI_USAGE_DIGITAL_SIGNATURE);
    enrol(&answer, &request);
    pki_pkcs10_read(&req, request.body, pool);
    spki = pki_pkcs10_spki(req);
    is_str(asked.subscriber, IMPI, "the subscriber is the BSF's IMPI");
    is_str(asked.btid, request.btid, "under the B-TID that authenticated");
    ok(asked.spki_len == spki.len && memcmp(asked.spki, spki.data, spki.len) == 0,
       "the key is the PKCS#10's, octet for octet");
}

static void names_by_ue_identity(void)
{
    gba_info_t *info = subscriber(NULL, 1, 1, 0);
    portal_enrol_request_t request = request_of(info, "p256.pem");
    portal_enrol_answer_t answer;

    info->uss[0].ue_ids[info->uss[0].ue_id_count++] = gba_info_add_text(info, "tel:+1555", 9);
    enrol(&answer, &request);
    info->uss_count = 2;
    info->uss[1].ue_id_count = 3;
    info->uss[1].ue_ids[0] = info->uss[0].ue_ids[0];
    info->uss[1].ue_ids[1] = gba_info_add_text(info, "sip:one@home1.net", 17);
    info->uss[1].ue_ids[2] = gba_info_add_text(info, "sip:one", 7);
    enrol(&answer, &request);
    is_str(asked.subscriber, "tel:+1555", "without an IMPI the first UE identity names him");
    ok(asked.decision.permit, "and that is enough");
    ok(asked.ue_ids_len == 36 &&
           memcmp(asked.ue_ids, "tel:+1555\0sip:one@home1.net\0sip:one", 36) == 0,
       "every setting's UE identities are told, each once");
    info->uss[0].gs_type = 2;
    enrol(&answer, &request);
    is_int(asked.decision.reason, PKI_REASON_NO_IDENTITY,
           "a UE identity of another service's setting is not his name here");
}

static void answers_with_the_certificate(void)
{
    portal_enrol_request_t request = request_of(subscriber(IMPI, 1, 1, 0), "p256.pem");
    portal_enrol_answer_t answer;
    base_span_t der = {some_der, some_der_len};

    is_int(enrol(&answer, &request).code, BASE_OK, "a permitted enrolment succeeds");
    is_int(answer.status, 200, "  ... 200");
    is_str(answer.content_type, "application/x-x509-user-cert", "  ... response=single's type");
    ok(answer.body.len > 0 &&
           strncmp((const char *)answer.body.data, pki_cert_pem(pool, der), answer.body.len) == 0,
       "  ... the issuer's certificate in PEM");
    is_int(answer.serial[0], 0x41, "  ... its serial for the log");
    ok(!answer.has_expires, "  ... and no Expires");
    request.query = NULL;
    is_int(enrol(&answer, &request).code, BASE_OK, "response=single is the default");
}

static void unreadable_certificate_is_not_sent(void)
{
    portal_enrol_request_t request = request_of(subscriber(IMPI, 1, 1, 0), "p256.pem");
    portal_enrol_answer_t answer;

    some_der_len = 4;
    is_int(enrol(&answer, &request).code, BASE_INTERNAL, "what is no certificate does not leave");
    is_int(answer.status, 0, "not even in part");
}

static void is_counted(pki_reason_t reason, int want, const char *name)
{
    is_int((long long)base_counter_get(&meter.decisions[reason]), want, name);
}

/* What was recorded counts, by the reason that the UE is told. */
static void counts_decisions(void)
{
    portal_enrol_request_t good = request_of(subscriber(IMPI, 1, 1, 0), "p256.pem");
    portal_enrol_request_t bad = request_of(subscriber(IMPI, 0, 0, 0), "p256.pem");
    portal_enrol_answer_t answer;

    memset(&meter, 0, sizeof(meter));
    enrol(&answer, &good);
    enrol(&answer, &bad);
    issuer_says = BASE_ENROL_REFUSED;
    issuer_reason = PKI_REASON_KEY_TAKEN;
    enrol(&answer, &good);
    issuer_says = BASE_STORE_DOWN;
    enrol(&answer, &good);
    enrol(&answer, &bad);
    issuer_says = BASE_OK;
    is_counted(PKI_REASON_NONE, 1, "a permit is counted");
    is_counted(PKI_REASON_NO_USS, 1, "so is a refusal");
    is_counted(PKI_REASON_KEY_TAKEN, 1, "and one by the issuer");
    is_int((long long)base_names_get(&meter.issued, "authentication"), 1,
           "one certificate of the profile");
    is_str(base_names_at(&meter.issued, 1), NULL, "and of no other");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    make_some_der();
    answers_by_row();
    refuses_by_policy();
    refuses_whom_the_bsf_refuses_by_now();
    refusal_is_not_told_unless_recorded();
    refuses_by_the_issuers_records();
    asks_the_issuer();
    names_by_ue_identity();
    answers_with_the_certificate();
    unreadable_certificate_is_not_sent();
    counts_decisions();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
