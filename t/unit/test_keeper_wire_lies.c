/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's protocol, fields that lie: lengths, numbers and codes that a frame of the right size
 * must not hold. */
#include "keeper_wire_refused.h"
#include "gba/gba_info.h"

/* Where the fields of the least issue request and of the fullest info stand in the payload. */
enum {
    ISSUE_SUBSCRIBER = 4,
    ISSUE_BTID = ISSUE_SUBSCRIBER + 2,
    ISSUE_HAS_IMPI = ISSUE_BTID + 2 + 5,
    ISSUE_PROFILE = ISSUE_HAS_IMPI + 1,
    ISSUE_LIFETIME = ISSUE_PROFILE + 2 + 4 + 4,
    ISSUE_WINDOW = ISSUE_LIFETIME + 32 + 4 + 4,
    ISSUE_SUBJECT = ISSUE_WINDOW + 8 + 4, /* numbers of texts, from here to ISSUE_OCSP */
    ISSUE_OCSP = ISSUE_SUBJECT + 5,
    ISSUE_PERMIT = ISSUE_OCSP + 2 + 2,
    ISSUE_REASON = ISSUE_PERMIT + 1,
    ISSUE_USAGE = ISSUE_REASON + 1,
    ISSUE_SPKI = ISSUE_USAGE + 4,
    ISSUE_UE_ID_COUNT = ISSUE_SPKI + 2,
    INFO = 1 + 2 + 2, /* after the outcome, no tag, no detail */
    INFO_HAS_UICC = INFO + GBA_KEY_LEN,
    INFO_EXPIRES = INFO_HAS_UICC + 1 + GBA_KEY_LEN,
    INFO_TYPE = INFO_EXPIRES + 32,
    INFO_USS = INFO_TYPE + 1,
    INFO_FLAGS = INFO_USS + 1 + 8,
    INFO_UE_IDS = INFO_FLAGS + 1 + 4 * GBA_FLAGS_MAX,
    INFO_UE_ID = INFO_UE_IDS + 1,
    INFO_GROUP = INFO_UE_ID + 2 * GBA_UEIDS_MAX,
    INFO_CHOICE = INFO_GROUP + 2,
    INFO_IMPI = INFO_USS + 1 + GBA_USS_MAX * (INFO_CHOICE + 1 - INFO_USS - 1),
    INFO_TEXT_USED = INFO_IMPI + 4
};

typedef struct lie_t {
    const char *name;
    int at;
    apr_uint64_t value;
    int octets;
} lie_t;

static void test_lying_requests(void)
{
    static const lie_t rows[] = {
        {"subscriber beyond the frame", ISSUE_SUBSCRIBER, 200, 2},
        {"subscriber beyond its bound", ISSUE_SUBSCRIBER, 256, 2},
        {"subscriber of 65535", ISSUE_SUBSCRIBER, 65535, 2},
        {"B-TID with a NUL", ISSUE_BTID + 2, 0, 1},
        {"B-TID with a space", ISSUE_BTID + 2, ' ', 1},
        {"profile beyond its bound", ISSUE_PROFILE, 64, 2},
        {"negative lifetime", ISSUE_LIFETIME, 0x8000000000000000u, 8},
        {"negative time to renew", ISSUE_LIFETIME + 16, 0xff, 1},
        {"negative age of the bootstrapping", ISSUE_LIFETIME + 24, 0xff, 1},
        {"negative window", ISSUE_WINDOW, 0xff, 1},
        {"more attributes than a subject has", ISSUE_SUBJECT, PKI_PROFILE_RDNS + 1, 1},
        {"more names than there are", ISSUE_SUBJECT + 1, PKI_PROFILE_SANS + 1, 1},
        {"more extended usages than there are", ISSUE_SUBJECT + 2, PKI_PROFILE_EKUS + 1, 1},
        {"more policies than there are", ISSUE_SUBJECT + 3, PKI_PROFILE_POLICIES + 1, 1},
        {"more distribution points than there are", ISSUE_SUBJECT + 4, PKI_PROFILE_CRLS + 1, 1},
        {"attributes that are not there", ISSUE_SUBJECT, 1, 1},
        {"a responder beyond its bound", ISSUE_OCSP, PKI_URL_MAX + 1, 2},
        {"permit that is neither yes nor no", ISSUE_PERMIT, 2, 1},
        {"permit without key or subscriber", ISSUE_PERMIT, 1, 1},
        {"unknown reason", ISSUE_REASON, PKI_REASONS, 1},
        {"no reason", ISSUE_REASON, PKI_REASON_NONE, 1},
        {"refusal with a usage", ISSUE_USAGE, 1, 4},
        {"key beyond the frame", ISSUE_SPKI, 1, 2},
        {"key beyond its bound", ISSUE_SPKI, PKI_SPKI_MAX + 1, 2},
        {"IMPI that is neither there nor not", ISSUE_HAS_IMPI, 2, 1},
        {"IMPI of nobody", ISSUE_HAS_IMPI, 1, 1},
        {"UE identities that are not there", ISSUE_UE_ID_COUNT, 1, 1},
        {"more UE identities than there may be", ISSUE_UE_ID_COUNT, GBA_UEIDS_MAX + 1, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wiref_frame_t frame = wiref_encoded(wiref_request(KEEPER_ISSUE, 0));
        wirer_poke(frame, (apr_size_t)rows[i].at, rows[i].value, rows[i].octets);
        ok(wirer_request_refused(wiref_span(frame)), "issue: %s", rows[i].name);
        free(frame.data);
    }
}

/* A list is told without what is empty at its end: two frames that say the same would be two
 * questions to whoever compares them. */
static void test_empty_ends(void)
{
    static unsigned char longer[KEEPER_WIRE_MAX];
    for (int list = 0; list < ISSUE_OCSP - ISSUE_SUBJECT; list++) {
        wiref_frame_t frame = wiref_encoded(wiref_request(KEEPER_ISSUE, 0));
        apr_size_t at = KEEPER_WIRE_HEADER + (apr_size_t)(ISSUE_SUBJECT + list);
        memcpy(longer, frame.data, at);
        longer[at] = 1;
        memset(longer + at + 1, 0, 2); /* the length of its text */
        memcpy(longer + at + 3, frame.data + at + 1, frame.len - at - 1);
        wirer_put_length(longer, frame.len + 2 - KEEPER_WIRE_HEADER);
        ok(wirer_request_refused((base_span_t){longer, frame.len + 2}),
           "list %d of a profile with an empty text at its end", list);
        free(frame.data);
    }
}

static void test_lying_replies(void)
{
    static const lie_t rows[] = {
        {"an outcome beyond the last", 0, BASE_CODES, 1},
        {"an outcome that is never sent", 0, BASE_NOT_FOUND, 1},
        {"a failure without a tag", 0, BASE_KEYSOURCE_DOWN, 1},
        {"a tag beyond its bound", 1, 8, 2},
        {"a detail beyond its bound", 3, 256, 2},
        {"a UICC key that is neither there nor not", INFO_HAS_UICC, 2, 1},
        {"a negative time", INFO_EXPIRES, 0xffffffffffffffffu, 8},
        {"an unknown type", INFO_TYPE, GBA_TYPE_OTHER + 1, 1},
        {"9 settings", INFO_USS, 9, 1},
        {"255 settings", INFO_USS, 255, 1},
        {"fewer settings than there are", INFO_USS, 7, 1},
        {"9 flags", INFO_FLAGS, 9, 1},
        {"255 flags", INFO_FLAGS, 255, 1},
        {"9 identities", INFO_UE_IDS, 9, 1},
        {"255 identities", INFO_UE_IDS, 255, 1},
        {"an identity that is absent", INFO_UE_ID, 0, 2},
        {"an identity beyond the text", INFO_UE_ID, 65535, 2},
        {"an identity within another", INFO_UE_ID, 2, 2},
        {"a group beyond the text", INFO_GROUP, GBA_TEXT_MAX, 2},
        {"an unknown choice of key", INFO_CHOICE, GBA_KEY_CHOICE_OTHER + 1, 1},
        {"an IMPI beyond the text", INFO_IMPI, GBA_TEXT_MAX, 2},
        {"more text than there is", INFO_TEXT_USED, GBA_TEXT_MAX + 1, 2},
        {"text that does not start with NUL", INFO_TEXT_USED + 2, 'x', 1},
        {"text that does not end with NUL", INFO_TEXT_USED + 2 + GBA_TEXT_MAX - 1, 'x', 1},
    };
    wiref_frame_t sample = wiref_replied(KEEPER_LOOKUP, wiref_reply(KEEPER_LOOKUP, 1));
    is_int((long long)sample.len, KEEPER_WIRE_HEADER + INFO_TEXT_USED + 2 + GBA_TEXT_MAX,
           "the fields of an info stand where this test thinks");
    free(sample.data);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wiref_frame_t frame = wiref_replied(KEEPER_LOOKUP, wiref_reply(KEEPER_LOOKUP, 1));
        wirer_poke(frame, (apr_size_t)rows[i].at, rows[i].value, rows[i].octets);
        ok(wirer_reply_refused(KEEPER_LOOKUP, wiref_span(frame)), "info: %s", rows[i].name);
        free(frame.data);
    }
}

/* A field that is one octet longer than it may be, and that the frame does hold; and one with a NUL
 * inside. @a at: where its length stands. */
static void try_field(int kind, wiref_frame_t whole, int at, const char *name)
{
    unsigned char longer[KEEPER_WIRE_MAX];
    unsigned char *field = longer + KEEPER_WIRE_HEADER + at;
    apr_size_t before = KEEPER_WIRE_HEADER + (apr_size_t)at + 2;
    apr_size_t len = (apr_size_t)whole.data[before - 2] << 8 | whole.data[before - 1];
    memcpy(longer, whole.data, before + len);
    longer[before + len] = longer[before + len - 1];
    memcpy(longer + before + len + 1, whole.data + before + len, whole.len - before - len);
    wirer_put_length(longer, whole.len + 1 - KEEPER_WIRE_HEADER);
    field[0] = (unsigned char)((len + 1) >> 8);
    field[1] = (unsigned char)((len + 1) & 0xff);
    ok(wirer_refused(kind, (base_span_t){longer, whole.len + 1}), "%s over its bound, and there",
       name);
    memcpy(longer, whole.data, whole.len);
    field[2] = '\0';
    ok(wirer_refused(kind, (base_span_t){longer, whole.len}), "%s that starts with NUL", name);
}

static void test_overlong_fields(void)
{
    enum { NAME = 2 + GBA_BTID_MAX }; /* a name of the longest, with its length */
    static const struct {
        const char *name;
        keeper_kind_t kind;
        int is_reply, at;
    } rows[] = {
        {"a B-TID", KEEPER_LOOKUP, 0, 2},
        {"a NAF", KEEPER_LOOKUP, 0, 2 + NAME},
        {"a subscriber", KEEPER_ISSUE, 0, ISSUE_SUBSCRIBER},
        {"a B-TID", KEEPER_ISSUE, 0, ISSUE_SUBSCRIBER + NAME},
        {"a profile", KEEPER_ISSUE, 0, ISSUE_SUBSCRIBER + 2 * NAME},
        {"a subscriber", KEEPER_PSEUDONYM, 0, 4},
        {"a pseudonym", KEEPER_PSEUDONYM, 1, INFO},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wiref_frame_t whole = rows[i].is_reply
                                  ? wiref_replied(rows[i].kind, wiref_reply(rows[i].kind, 1))
                                  : wiref_encoded(wiref_request(rows[i].kind, 1));
        try_field(rows[i].is_reply ? (int)rows[i].kind : 0, whole, rows[i].at, rows[i].name);
        free(whole.data);
    }
}

/* The same for what may hold any octets: they are the last field of their frame. */
static void test_overlong_blocks(void)
{
    static unsigned char longer[KEEPER_WIRE_MAX];
    static const struct {
        const char *name;
        int kind; /* as for wirer_refused() */
        keeper_kind_t of;
        apr_size_t len;
    } rows[] = {
        {"UE identities", 0, KEEPER_ISSUE, GBA_TEXT_MAX},
        {"a certificate", KEEPER_ISSUE, KEEPER_ISSUE, PKI_CERT_MAX},
        {"an info's text", KEEPER_LOOKUP, KEEPER_LOOKUP, GBA_TEXT_MAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wiref_frame_t whole = rows[i].kind ? wiref_replied(rows[i].of, wiref_reply(rows[i].of, 1))
                                           : wiref_encoded(wiref_request(rows[i].of, 1));
        unsigned char *field = longer + whole.len - rows[i].len - 2;
        memcpy(longer, whole.data, whole.len);
        longer[whole.len] = '\0';
        wirer_put_length(longer, whole.len + 1 - KEEPER_WIRE_HEADER);
        field[0] = (unsigned char)((rows[i].len + 1) >> 8);
        field[1] = (unsigned char)((rows[i].len + 1) & 0xff);
        ok(wirer_refused(rows[i].kind, (base_span_t){longer, whole.len + 1}),
           "%s over its bound, and there", rows[i].name);
        free(whole.data);
    }
}

/* The least frame of a refusal or of a weighing, whose numbers stand last. */
static void test_lying_refusals(void)
{
    enum { REASON = 13, RETRY_AT = 12, W_REASON = 14, W_RETRY_AT = 13, W_AGAIN = 5 };
    static const struct {
        const char *name;
        keeper_kind_t kind;
        apr_size_t before_end;
        apr_uint64_t value;
        int octets;
    } rows[] = {
        {"no reason", KEEPER_ISSUE, REASON, PKI_REASON_NONE, 1},
        {"an unknown reason", KEEPER_ISSUE, REASON, PKI_REASONS, 1},
        {"reason 255", KEEPER_ISSUE, REASON, 255, 1},
        {"a reason that no ledger has", KEEPER_ISSUE, REASON, PKI_REASON_RULE, 1},
        {"a time that does not belong there", KEEPER_ISSUE, REASON, PKI_REASON_QUOTA_HELD, 1},
        {"no time", KEEPER_ISSUE, RETRY_AT, 0, 8},
        {"a negative time", KEEPER_ISSUE, RETRY_AT, 0xffffffffffffffffu, 8},
        {"an unknown reason", KEEPER_WEIGH, W_REASON, PKI_REASONS, 1},
        {"a reason that no ledger has", KEEPER_WEIGH, W_REASON, PKI_REASON_NO_USS, 1},
        {"a window without an end", KEEPER_WEIGH, W_REASON, PKI_REASON_QUOTA_WINDOW, 1},
        {"a time without a reason", KEEPER_WEIGH, W_RETRY_AT, 1, 8},
        {"a negative time", KEEPER_WEIGH, W_RETRY_AT, 0xff, 1},
        {"given again, and none is held", KEEPER_WEIGH, W_AGAIN, 1, 1},
        {"given again, neither yes nor no", KEEPER_WEIGH, W_AGAIN, 2, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wiref_frame_t frame = wiref_replied(rows[i].kind, rows[i].kind == KEEPER_ISSUE
                                                              ? wiref_failure(BASE_ENROL_REFUSED, 0)
                                                              : wiref_reply(KEEPER_WEIGH, 0));
        wirer_poke(frame, frame.len - KEEPER_WIRE_HEADER - rows[i].before_end, rows[i].value,
                   rows[i].octets);
        ok(wirer_reply_refused(rows[i].kind, wiref_span(frame)), "a reply to %s with %s",
           kind_name[rows[i].kind], rows[i].name);
        free(frame.data);
    }
}

/* A permit cannot be turned into a refusal that is weighed. */
static void test_lying_weighing(void)
{
    wiref_frame_t issue = wiref_encoded(wiref_request(KEEPER_ISSUE, 0));
    wiref_frame_t weigh = wiref_encoded(wiref_request(KEEPER_WEIGH, 0));
    issue.data[7] = KEEPER_WEIGH;
    ok(wirer_request_refused(wiref_span(issue)), "a refusal is not weighed");
    weigh.data[7] = KEEPER_ISSUE;
    ok(keeper_request_decode(&wirer_request, wiref_span(weigh)),
       "what is weighed can be asked for");
    free(issue.data);
    free(weigh.data);
}

int main(void)
{
    test_lying_requests();
    test_empty_ends();
    test_lying_replies();
    test_lying_refusals();
    test_lying_weighing();
    test_overlong_fields();
    test_overlong_blocks();
    return tap_done();
}
