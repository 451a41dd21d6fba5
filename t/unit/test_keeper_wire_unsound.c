/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's protocol, what cannot be told: a struct that breaks a bound or a rule goes into no
 * frame, whoever filled it (keeper_wire.h). */
#include "keeper_wire_fixture.h"

/* ---- requests ---- */

typedef void (*spoil_request_fn)(keeper_request_t *request);

static void r_kind_zero(keeper_request_t *r)
{
    r->kind = (keeper_kind_t)0;
}
static void r_kind_next(keeper_request_t *r)
{
    r->kind = (keeper_kind_t)(KINDS + 1);
}
static void r_btid_open(keeper_request_t *r)
{
    memset(r->lookup.btid, 'x', sizeof(r->lookup.btid));
}
static void r_btid_no_domain(keeper_request_t *r)
{
    memcpy(r->lookup.btid, "x@b.c\"", 7);
}
static void r_fqdn_upper(keeper_request_t *r)
{
    memcpy(r->lookup.naf.fqdn, "N.a", 4);
}
static void r_fqdn_open(keeper_request_t *r)
{
    memset(r->lookup.naf.fqdn, 'n', sizeof(r->lookup.naf.fqdn));
}
static void r_subscriber_open(keeper_request_t *r)
{
    memset(r->issue.subscriber, 's', sizeof(r->issue.subscriber));
}
static void r_issue_btid_empty(keeper_request_t *r)
{
    r->issue.btid[0] = '\0';
}
static void r_profile_open(keeper_request_t *r)
{
    memset(r->issue.profile.name, 'p', sizeof(r->issue.profile.name));
}
static void r_lifetime_negative(keeper_request_t *r)
{
    r->issue.profile.lifetime = -1;
}
static void r_backdate_negative(keeper_request_t *r)
{
    r->issue.profile.backdate = APR_INT64_MIN;
}
static void r_renew_negative(keeper_request_t *r)
{
    r->issue.profile.renew_before = -5;
}
static void r_spki_long(keeper_request_t *r)
{
    r->issue.spki_len = PKI_SPKI_MAX + 1;
}
static void r_spki_none(keeper_request_t *r)
{
    r->issue.spki_len = 0;
}
static void r_nobody(keeper_request_t *r)
{
    r->issue.subscriber[0] = '\0';
}
static void r_usage_both(keeper_request_t *r)
{
    r->issue.decision.usage = 3;
}
static void r_usage_none(keeper_request_t *r)
{
    r->issue.decision.usage = 0;
}
static void r_permit_with_reason(keeper_request_t *r)
{
    r->issue.decision.reason = PKI_REASON_NO_USS;
}
static void r_refuse_no_reason(keeper_request_t *r)
{
    r->issue.decision = (pki_decision_t){0, PKI_REASON_NONE, 0};
}
static void r_refuse_with_usage(keeper_request_t *r)
{
    r->issue.decision = (pki_decision_t){0, PKI_REASON_NO_USS, 1};
}
static void r_reason_unknown(keeper_request_t *r)
{
    r->issue.decision = (pki_decision_t){0, PKI_REASONS, 0};
}
static void r_ue_ids_long(keeper_request_t *r)
{
    r->issue.ue_ids_len = GBA_TEXT_MAX + 1;
}
static void r_ue_ids_open(keeper_request_t *r)
{
    r->issue.ue_ids_len = 7;
}
static void r_ue_id_empty(keeper_request_t *r)
{
    r->issue.ue_ids[8] = '\0';
}
static void r_ue_ids_few(keeper_request_t *r)
{
    r->issue.ue_ids_len = 8;
    r->issue.ue_id_count = 2;
}
static void r_ue_ids_many(keeper_request_t *r)
{
    r->issue.ue_id_count = GBA_UEIDS_MAX + 1;
}
static void r_refuse_with_ue_ids(keeper_request_t *r)
{
    r->issue.decision = (pki_decision_t){0, PKI_REASON_NO_USS, 0};
}
static void r_impi_twice(keeper_request_t *r)
{
    r->issue.has_impi = 2;
}
static void r_impi_of_nobody(keeper_request_t *r)
{
    r->issue.decision = (pki_decision_t){0, PKI_REASON_NO_USS, 0};
    r->issue.ue_id_count = 0;
    r->issue.subscriber[0] = '\0';
}
static void r_weigh_refusal(keeper_request_t *r)
{
    r->issue.decision = (pki_decision_t){0, PKI_REASON_NO_USS, 0};
    r->issue.ue_id_count = 0;
}
static void r_pseudonym_nobody(keeper_request_t *r)
{
    r->subscriber[0] = '\0';
}
static void r_pseudonym_open(keeper_request_t *r)
{
    memset(r->subscriber, 's', sizeof(r->subscriber));
}

static void test_unsound_requests(void)
{
    static const struct {
        const char *name;
        keeper_kind_t kind;
        spoil_request_fn spoil;
    } rows[] = {
        {"no kind", KEEPER_HEALTH, r_kind_zero},
        {"a kind beyond the last", KEEPER_HEALTH, r_kind_next},
        {"a B-TID without an end", KEEPER_LOOKUP, r_btid_open},
        {"what is no B-TID", KEEPER_LOOKUP, r_btid_no_domain},
        {"a NAF in capitals", KEEPER_LOOKUP, r_fqdn_upper},
        {"a NAF without an end", KEEPER_LOOKUP, r_fqdn_open},
        {"a subscriber without an end", KEEPER_ISSUE, r_subscriber_open},
        {"no B-TID", KEEPER_ISSUE, r_issue_btid_empty},
        {"a profile without an end", KEEPER_ISSUE, r_profile_open},
        {"a negative lifetime", KEEPER_ISSUE, r_lifetime_negative},
        {"a negative backdating", KEEPER_ISSUE, r_backdate_negative},
        {"a negative time to renew", KEEPER_ISSUE, r_renew_negative},
        {"a key over its bound", KEEPER_ISSUE, r_spki_long},
        {"a permit without a key", KEEPER_ISSUE, r_spki_none},
        {"a permit for nobody", KEEPER_ISSUE, r_nobody},
        {"a permit with two usages", KEEPER_ISSUE, r_usage_both},
        {"a permit without usage", KEEPER_ISSUE, r_usage_none},
        {"a permit with a reason", KEEPER_ISSUE, r_permit_with_reason},
        {"a refusal without a reason", KEEPER_ISSUE, r_refuse_no_reason},
        {"a refusal with a usage", KEEPER_ISSUE, r_refuse_with_usage},
        {"an unknown reason", KEEPER_ISSUE, r_reason_unknown},
        {"UE identities over their bound", KEEPER_ISSUE, r_ue_ids_long},
        {"a UE identity without an end", KEEPER_ISSUE, r_ue_ids_open},
        {"an empty UE identity", KEEPER_ISSUE, r_ue_id_empty},
        {"more UE identities than there are", KEEPER_ISSUE, r_ue_ids_few},
        {"more UE identities than there may be", KEEPER_ISSUE, r_ue_ids_many},
        {"a refusal whose certificate names", KEEPER_ISSUE, r_refuse_with_ue_ids},
        {"an IMPI that is neither there nor not", KEEPER_ISSUE, r_impi_twice},
        {"the IMPI of nobody", KEEPER_ISSUE, r_impi_of_nobody},
        {"a refusal to be weighed", KEEPER_WEIGH, r_weigh_refusal},
        {"a key over its bound to be weighed", KEEPER_WEIGH, r_spki_long},
        {"a pseudonym of nobody", KEEPER_PSEUDONYM, r_pseudonym_nobody},
        {"a pseudonym without an end", KEEPER_PSEUDONYM, r_pseudonym_open},
    };
    unsigned char out[KEEPER_WIRE_MAX];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        keeper_request_t *request = wiref_request(rows[i].kind, 1);
        rows[i].spoil(request);
        ok(keeper_request_encode(out, request) == 0, "not asked: %s", rows[i].name);
        free(request);
    }
}

/* ---- replies ---- */

typedef void (*spoil_reply_fn)(keeper_reply_t *reply);

static void a_info_count(keeper_reply_t *a)
{
    a->info.uss_count = GBA_USS_MAX + 1;
}
static void a_info_text(keeper_reply_t *a)
{
    a->info.text_used = GBA_TEXT_MAX + 1;
}
static void a_info_time(keeper_reply_t *a)
{
    a->info.expires = -1;
}
static void a_tag_with_ok(keeper_reply_t *a)
{
    memcpy(a->tag, "GBA0001", 8);
}
static void a_detail_with_ok(keeper_reply_t *a)
{
    a->detail[0] = 'x';
}
static void a_cert_long(keeper_reply_t *a)
{
    a->issued.der_len = PKI_CERT_MAX + 1;
}
static void a_serial_alone(keeper_reply_t *a)
{
    a->issued.der_len = 0;
}
static void a_serial_negative(keeper_reply_t *a)
{
    a->issued.serial[0] = 0x80;
}
static void a_serial_zero(keeper_reply_t *a)
{
    a->issued.serial[0] = 0;
}
static void a_reason_with_cert(keeper_reply_t *a)
{
    a->issued.reason = PKI_REASON_KEY_TAKEN;
}
static void a_refused_no_reason(keeper_reply_t *a)
{
    a->code = BASE_ENROL_REFUSED;
    memcpy(a->tag, "GBA0509", 8);
}
static void a_refused_unknown(keeper_reply_t *a)
{
    a_refused_no_reason(a);
    a->issued.reason = PKI_REASONS;
}
static void a_retry_with_cert(keeper_reply_t *a)
{
    a->issued.retry_at = 1;
}
static void a_refused_for_ever(keeper_reply_t *a)
{
    a_refused_no_reason(a);
    a->issued.reason = PKI_REASON_QUOTA_WINDOW;
}
static void a_refused_till_then(keeper_reply_t *a)
{
    a_refused_no_reason(a);
    a->issued.reason = PKI_REASON_QUOTA_HELD;
    a->issued.retry_at = 1;
}
static void a_refused_before(keeper_reply_t *a)
{
    a_refused_no_reason(a);
    a->issued.reason = PKI_REASON_QUOTA_WINDOW;
    a->issued.retry_at = -1;
}
static void a_weighed_again_refused(keeper_reply_t *a)
{
    a->weighed.reason = PKI_REASON_KEY_TAKEN;
}
static void a_weighed_again_none(keeper_reply_t *a)
{
    a->weighed.held = 0;
}
static void a_weighed_again_twice(keeper_reply_t *a)
{
    a->weighed.again = 2;
}
static void a_weighed_till_then(keeper_reply_t *a)
{
    a->weighed.retry_at = 1;
}
static void a_weighed_for_ever(keeper_reply_t *a)
{
    a->weighed = (portal_weighed_t){.reason = PKI_REASON_QUOTA_WINDOW};
}
static void a_name_short(keeper_reply_t *a)
{
    a->pseudonym[PKI_PSEUDONYM_LEN - 1] = '\0';
}
static void a_name_capital(keeper_reply_t *a)
{
    a->pseudonym[3] = 'A';
}
static void a_name_open(keeper_reply_t *a)
{
    a->pseudonym[PKI_PSEUDONYM_LEN] = 'a';
}
static void a_no_tag(keeper_reply_t *a)
{
    a->code = BASE_STORE_DOWN;
}
static void a_tag_letters(keeper_reply_t *a)
{
    a->code = BASE_STORE_DOWN;
    memcpy(a->tag, "GBA05x9", 8);
}
static void a_tag_open(keeper_reply_t *a)
{
    a->code = BASE_STORE_DOWN;
    memcpy(a->tag, "GBA05099", 8);
}
static void a_detail_open(keeper_reply_t *a)
{
    a->code = BASE_STORE_DOWN;
    memcpy(a->tag, "GBA0509", 8);
    memset(a->detail, 'd', sizeof(a->detail));
}
static void a_code_beyond(keeper_reply_t *a)
{
    a->code = BASE_CODES;
    memcpy(a->tag, "GBA0509", 8);
}

static void test_unsound_replies(void)
{
    static const struct {
        const char *name;
        keeper_kind_t kind;
        spoil_reply_fn spoil;
    } rows[] = {
        {"an info of too many settings", KEEPER_LOOKUP, a_info_count},
        {"an info of too much text", KEEPER_LOOKUP, a_info_text},
        {"a negative time", KEEPER_LOOKUP, a_info_time},
        {"success with a tag", KEEPER_HEALTH, a_tag_with_ok},
        {"success with a detail", KEEPER_HEALTH, a_detail_with_ok},
        {"a certificate over its bound", KEEPER_ISSUE, a_cert_long},
        {"a serial without a certificate", KEEPER_ISSUE, a_serial_alone},
        {"a negative serial", KEEPER_ISSUE, a_serial_negative},
        {"a serial that starts with zero", KEEPER_ISSUE, a_serial_zero},
        {"a certificate with a reason", KEEPER_ISSUE, a_reason_with_cert},
        {"a refusal without a reason", KEEPER_ISSUE, a_refused_no_reason},
        {"a refusal for an unknown reason", KEEPER_ISSUE, a_refused_unknown},
        {"a certificate with a time to retry", KEEPER_ISSUE, a_retry_with_cert},
        {"a full window without an end", KEEPER_ISSUE, a_refused_for_ever},
        {"a time to retry without a window", KEEPER_ISSUE, a_refused_till_then},
        {"a time to retry before 1970", KEEPER_ISSUE, a_refused_before},
        {"given again and refused", KEEPER_WEIGH, a_weighed_again_refused},
        {"given again and not held", KEEPER_WEIGH, a_weighed_again_none},
        {"given again, neither yes nor no", KEEPER_WEIGH, a_weighed_again_twice},
        {"no refusal, with a time to retry", KEEPER_WEIGH, a_weighed_till_then},
        {"a full window without an end, weighed", KEEPER_WEIGH, a_weighed_for_ever},
        {"a short pseudonym", KEEPER_PSEUDONYM, a_name_short},
        {"a pseudonym in capitals", KEEPER_PSEUDONYM, a_name_capital},
        {"a pseudonym without an end", KEEPER_PSEUDONYM, a_name_open},
        {"a failure without a tag", KEEPER_HEALTH, a_no_tag},
        {"a tag that is none", KEEPER_HEALTH, a_tag_letters},
        {"a tag without an end", KEEPER_HEALTH, a_tag_open},
        {"a detail without an end", KEEPER_HEALTH, a_detail_open},
        {"an outcome beyond the last", KEEPER_HEALTH, a_code_beyond},
    };
    unsigned char out[KEEPER_WIRE_MAX];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        keeper_reply_t *reply = wiref_reply(rows[i].kind, 1);
        rows[i].spoil(reply);
        ok(keeper_reply_encode(out, rows[i].kind, reply) == 0, "not answered: %s", rows[i].name);
        free(reply);
    }
}

int main(void)
{
    test_unsound_requests();
    test_unsound_replies();
    return tap_done();
}
