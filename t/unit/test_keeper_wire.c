/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's protocol, the right way: every kind there and back, every bound reached and none
 * passed (keeper_wire.h). */
#include "keeper_wire_fixture.h"

static const char *const kind_name[] = {"", "lookup", "issue", "pseudonym", "health", "weigh"};
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

/* Each reason that only the ledger knows, as a refusal and as what would be refused; no other. */
static void test_reasons(void)
{
    for (int reason = PKI_REASON_NONE + 1; reason < PKI_REASONS; reason++) {
        unsigned char out[KEEPER_WIRE_MAX];
        keeper_reply_t *refused = wiref_failure(BASE_ENROL_REFUSED, 0);
        keeper_reply_t *weighed = wiref_reply(KEEPER_WEIGH, 0);
        apr_time_t retry_at = reason == PKI_REASON_QUOTA_WINDOW ? 1800000000000000 : 0;
        int told = reason == PKI_REASON_KEY_BLOCKED || reason == PKI_REASON_KEY_TAKEN ||
                   reason == PKI_REASON_QUOTA_HELD || reason == PKI_REASON_QUOTA_WINDOW;
        refused->issued.reason = weighed->weighed.reason = (pki_reason_t)reason;
        refused->issued.retry_at = weighed->weighed.retry_at = retry_at;
        weighed->weighed.held = 7;
        if (told) {
            reply_round_trip(KEEPER_ISSUE, refused, pki_reason_code((pki_reason_t)reason));
            reply_round_trip(KEEPER_WEIGH, weighed, pki_reason_code((pki_reason_t)reason));
            continue;
        }
        ok(!keeper_reply_encode(out, KEEPER_ISSUE, refused) &&
               !keeper_reply_encode(out, KEEPER_WEIGH, weighed),
           "%s is not the ledger's to tell", pki_reason_code((pki_reason_t)reason));
        free(refused);
        free(weighed);
    }
}

/* A version that differs, or a field that moves, is another protocol: these octets are pinned. */
static void test_layout(void)
{
    static const unsigned char health[] = {'G', 'B', 'A', 'K', 0, 3, 0, 4, 0, 0, 0, 4, 0, 2, 0, 3};
    static const unsigned char down[] = {'G', 'B', 'A', 'K', 0,   3,   0x80, 4,   0,   0,
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

/* ---- outcomes ---- */

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
    test_reasons();
    test_layout();
    test_outcomes();
    return tap_done();
}
