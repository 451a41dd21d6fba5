/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's protocol, the right way: every kind there and back, every bound reached and none
 * passed (keeper_wire.h). */
#include "keeper_wire_fixture.h"

static const char *const kind_name[] = {"", "lookup", "issue", "pseudonym", "health"};
static const char *const fill_name[] = {"least", "most"};

/* ---- there and back ---- */

static void request_round_trip(keeper_kind_t kind, int full)
{
    keeper_request_t *sent = wiref_request(kind, full);
    keeper_request_t *got = malloc(sizeof(*got));
    unsigned char out[KEEPER_WIRE_MAX];
    apr_size_t len = keeper_request_encode(out, sent);
    wiref_frame_t frame = wiref_copy(out, len);
    memset(got, 0xa5, sizeof(*got));
    ok(len >= KEEPER_WIRE_HEADER && len <= KEEPER_WIRE_MAX && keeper_frame_length(out) == len,
       "%s, %s: the frame tells its length", kind_name[kind], fill_name[full]);
    ok(keeper_request_decode(got, wiref_span(frame)) && memcmp(got, sent, sizeof(*got)) == 0,
       "%s, %s: comes back as it went", kind_name[kind], fill_name[full]);
    free(frame.data);
    free(got);
    free(sent);
}

static void reply_round_trip(keeper_kind_t kind, keeper_reply_t *sent, const char *name)
{
    keeper_reply_t *got = malloc(sizeof(*got));
    unsigned char out[KEEPER_WIRE_MAX];
    apr_size_t len = keeper_reply_encode(out, kind, sent);
    wiref_frame_t frame = wiref_copy(out, len);
    memset(got, 0xa5, sizeof(*got));
    ok(len >= KEEPER_WIRE_HEADER && len <= KEEPER_WIRE_MAX && keeper_frame_length(out) == len,
       "reply to %s, %s: the frame tells its length", kind_name[kind], name);
    ok(keeper_reply_decode(got, kind, wiref_span(frame)) && memcmp(got, sent, sizeof(*got)) == 0,
       "reply to %s, %s: comes back as it went", kind_name[kind], name);
    free(frame.data);
    free(got);
    free(sent);
}

static void test_round_trips(void)
{
    for (int kind = 1; kind <= KINDS; kind++) {
        base_code_t down = kind == KEEPER_LOOKUP ? BASE_KEYSOURCE_DOWN : BASE_STORE_DOWN;
        for (int full = 0; full < 2; full++) {
            request_round_trip((keeper_kind_t)kind, full);
            reply_round_trip((keeper_kind_t)kind, wiref_reply((keeper_kind_t)kind, full),
                             fill_name[full]);
        }
        reply_round_trip((keeper_kind_t)kind, wiref_failure(down, 255), "longest detail");
        reply_round_trip((keeper_kind_t)kind, wiref_failure(down, 0), "no detail");
    }
    reply_round_trip(KEEPER_ISSUE, wiref_failure(BASE_ENROL_REFUSED, 7), "refused");
}

/* A version that differs, or a field that moves, is another protocol: these octets are pinned. */
static void test_layout(void)
{
    static const unsigned char health[] = {'G', 'B', 'A', 'K', 0, 2, 0, 4, 0, 0, 0, 4, 0, 2, 0, 3};
    static const unsigned char down[] = {'G', 'B', 'A', 'K', 0,   2,   0x80, 4,   0,   0,
                                         0,   18,  25,  0,   7,   'G', 'B',  'A', '0', '5',
                                         '0', '9', 0,   2,   'n', 'o', 0,    0,   1,   44};
    keeper_request_t request = {.kind = KEEPER_HEALTH, .ca = 2, .ledger = 3};
    keeper_reply_t reply = {
        .code = BASE_STORE_DOWN, .tag = "GBA0509", .detail = "no", .retry_after = 300};
    unsigned char out[KEEPER_WIRE_MAX];
    is_int(BASE_STORE_DOWN, down[12], "the number of an outcome is that of base_code_t");
    is_int((long long)keeper_request_encode(out, &request), sizeof(health), "length of a request");
    is_mem(out, health, sizeof(health), "the octets of a request");
    is_int((long long)keeper_reply_encode(out, KEEPER_HEALTH, &reply), sizeof(down),
           "length of a reply");
    is_mem(out, down, sizeof(down), "the octets of a reply");
}

/* ---- what cannot be told ---- */

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

/* The outcomes that the seams promise (gba_keysource.h, portal_issuer.h), and no others. */
static void test_outcomes(void)
{
    unsigned char out[KEEPER_WIRE_MAX];
    for (int kind = 1; kind <= KINDS; kind++)
        for (int code = BASE_OK + 1; code < BASE_CODES; code++) {
            keeper_reply_t *reply = wiref_failure((base_code_t)code, 1);
            int lookup = code == BASE_UNKNOWN_BTID || code == BASE_NOT_AUTHORISED ||
                         code == BASE_KEYSOURCE_DOWN;
            int issue = code == BASE_STORE_DOWN || code == BASE_INTERNAL ||
                        (code == BASE_ENROL_REFUSED && kind == KEEPER_ISSUE);
            int may = kind == KEEPER_LOOKUP ? lookup : issue;
            ok((keeper_reply_encode(out, (keeper_kind_t)kind, reply) != 0) == may,
               "%s %s be answered by %s", kind_name[kind], may ? "may" : "may not",
               base_code_info((base_code_t)code)->name);
            free(reply);
        }
}

int main(void)
{
    test_round_trips();
    test_layout();
    test_unsound_requests();
    test_unsound_replies();
    test_outcomes();
    return tap_done();
}
