/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's protocol, the wrong way: what is cut, bent or made up is refused on both ends, and
 * nothing of it is left in the struct. */
#include "keeper_wire_fixture.h"
#include "gba/gba_info.h"

static const char *const kind_name[] = {"", "lookup", "issue", "pseudonym", "health"};

static keeper_request_t request_out;
static keeper_reply_t reply_out;

static int is_zero(const void *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((const unsigned char *)data)[i])
            return 0;
    return 1;
}

/* Nonzero if the frame is refused and leaves nothing. */
static int request_refused(base_span_t frame)
{
    memset(&request_out, 0xa5, sizeof(request_out));
    return !keeper_request_decode(&request_out, frame) &&
           is_zero(&request_out, sizeof(request_out));
}

static int reply_refused(keeper_kind_t kind, base_span_t frame)
{
    memset(&reply_out, 0xa5, sizeof(reply_out));
    return !keeper_reply_decode(&reply_out, kind, frame) && is_zero(&reply_out, sizeof(reply_out));
}

/* kind 0: a request; else a reply to that kind. */
static int refused(int kind, base_span_t frame)
{
    return kind ? reply_refused((keeper_kind_t)kind, frame) : request_refused(frame);
}

/* ---- lengths ---- */

static void put_length(unsigned char *frame, apr_size_t payload)
{
    for (int i = 0; i < 4; i++)
        frame[8 + i] = (unsigned char)(payload >> (24 - 8 * i) & 0xff);
}

/* Every truncation, told as it is and told to be whole; and one octet more. */
static void try_lengths(int kind, wiref_frame_t whole, const char *name)
{
    int cut = 0, told = 0;
    unsigned char longer[KEEPER_WIRE_MAX + 1] = {0};
    for (apr_size_t len = 0; len < whole.len; len++) {
        wiref_frame_t frame = wiref_copy(whole.data, len);
        cut += refused(kind, wiref_span(frame));
        if (len >= KEEPER_WIRE_HEADER) {
            put_length(frame.data, len - KEEPER_WIRE_HEADER);
            told += refused(kind, wiref_span(frame));
        }
        free(frame.data);
    }
    is_int(cut, (long long)whole.len, name);
    is_int(told, (long long)whole.len - KEEPER_WIRE_HEADER, "also if the header agrees with it");
    memcpy(longer, whole.data, whole.len);
    ok(refused(kind, (base_span_t){longer, whole.len + 1}), "one octet more is refused");
    put_length(longer, whole.len + 1 - KEEPER_WIRE_HEADER);
    ok(refused(kind, (base_span_t){longer, whole.len + 1}), "also if the header agrees with it");
}

/* ---- the header ---- */

/* Every other value of every octet of the header. */
static void try_header(int kind, wiref_frame_t whole, const char *name)
{
    int count = 0;
    for (int at = 0; at < KEEPER_WIRE_HEADER; at++)
        for (int delta = 1; delta < 256; delta++) {
            wiref_frame_t frame = wiref_copy(whole.data, whole.len);
            frame.data[at] = (unsigned char)(frame.data[at] + delta);
            count += refused(kind, wiref_span(frame));
            free(frame.data);
        }
    is_int(count, KEEPER_WIRE_HEADER * 255, name);
}

/* Every single bit of the frame: refused, or another frame that is right in itself. */
static void try_bits(int kind, wiref_frame_t whole, const char *name)
{
    unsigned char again[KEEPER_WIRE_MAX];
    int strange = 0;
    for (apr_size_t bit = 0; bit < whole.len * 8; bit++) {
        wiref_frame_t frame = wiref_copy(whole.data, whole.len);
        frame.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        if (!refused(kind, wiref_span(frame))) {
            apr_size_t len = kind ? keeper_reply_encode(again, (keeper_kind_t)kind, &reply_out)
                                  : keeper_request_encode(again, &request_out);
            strange += len != frame.len || memcmp(again, frame.data, len) != 0;
        }
        free(frame.data);
    }
    is_int(strange, 0, name);
}

static void test_every_frame(void)
{
    char name[128];
    for (int kind = 1; kind <= KINDS; kind++)
        for (int full = 0; full < 2; full++) {
            wiref_frame_t asked = wiref_encoded(wiref_request((keeper_kind_t)kind, full));
            wiref_frame_t said =
                wiref_replied((keeper_kind_t)kind, wiref_reply((keeper_kind_t)kind, full));
            snprintf(name, sizeof(name), "%s request, fill %d: truncated", kind_name[kind], full);
            try_lengths(0, asked, name);
            snprintf(name, sizeof(name), "%s request, fill %d: header", kind_name[kind], full);
            try_header(0, asked, name);
            snprintf(name, sizeof(name), "%s request, fill %d: bits", kind_name[kind], full);
            try_bits(0, asked, name);
            snprintf(name, sizeof(name), "%s reply, fill %d: truncated", kind_name[kind], full);
            try_lengths(kind, said, name);
            snprintf(name, sizeof(name), "%s reply, fill %d: header", kind_name[kind], full);
            try_header(kind, said, name);
            snprintf(name, sizeof(name), "%s reply, fill %d: bits", kind_name[kind], full);
            try_bits(kind, said, name);
            free(asked.data);
            free(said.data);
        }
}

/* A reply is none to another question, and no request; nor the other way round. */
static void test_mixed_up(void)
{
    for (int kind = 1; kind <= KINDS; kind++) {
        wiref_frame_t asked = wiref_encoded(wiref_request((keeper_kind_t)kind, 1));
        wiref_frame_t said = wiref_replied(
            (keeper_kind_t)kind,
            wiref_failure(kind == KEEPER_LOOKUP ? BASE_KEYSOURCE_DOWN : BASE_STORE_DOWN, 3));
        ok(request_refused(wiref_span(said)), "a reply to %s is no request", kind_name[kind]);
        ok(reply_refused((keeper_kind_t)kind, wiref_span(asked)), "a %s is no reply to itself",
           kind_name[kind]);
        for (int other = 0; other <= KINDS + 1; other++)
            if (other != kind)
                ok(reply_refused((keeper_kind_t)other, wiref_span(said)),
                   "a reply to %s is none to kind %d", kind_name[kind], other);
        free(asked.data);
        free(said.data);
    }
}

static void test_announced_lengths(void)
{
    static const struct {
        apr_size_t payload;
        apr_size_t whole;
    } rows[] = {
        {0, KEEPER_WIRE_HEADER},
        {KEEPER_WIRE_MAX - KEEPER_WIRE_HEADER, KEEPER_WIRE_MAX},
        {KEEPER_WIRE_MAX - KEEPER_WIRE_HEADER + 1, 0},
        {KEEPER_WIRE_MAX, 0},
        {0x7fffffff, 0},
        {0xffffffff, 0},
        {0xfffffff4, 0}, /* with the header 0 in 32 bits */
    };
    unsigned char header[KEEPER_WIRE_HEADER] = {'G', 'B', 'A', 'K', 0, KEEPER_WIRE_VERSION, 0, 1};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put_length(header, rows[i].payload);
        ok(keeper_frame_length(header) == rows[i].whole, "a payload of %lu octets",
           (unsigned long)rows[i].payload);
    }
    ok(request_refused((base_span_t){NULL, 0}), "nothing is no request");
    ok(reply_refused(KEEPER_HEALTH, (base_span_t){NULL, 0}), "nothing is no reply");
}

/* ---- fields that lie ---- */

/* Writes @a value big endian into @a octets octets at @a at of the payload. */
static void poke(wiref_frame_t frame, apr_size_t at, apr_uint64_t value, int octets)
{
    for (int i = 0; i < octets; i++)
        frame.data[KEEPER_WIRE_HEADER + at + (apr_size_t)i] =
            (unsigned char)(value >> 8 * (octets - 1 - i) & 0xff);
}

/* Where the fields of the least issue request and of the fullest info stand in the payload. */
enum {
    ISSUE_SUBSCRIBER = 4,
    ISSUE_BTID = ISSUE_SUBSCRIBER + 2,
    ISSUE_PROFILE = ISSUE_BTID + 2 + 5,
    ISSUE_LIFETIME = ISSUE_PROFILE + 2,
    ISSUE_PERMIT = ISSUE_LIFETIME + 24,
    ISSUE_REASON = ISSUE_PERMIT + 1,
    ISSUE_USAGE = ISSUE_REASON + 1,
    ISSUE_SPKI = ISSUE_USAGE + 4,
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
        {"permit that is neither yes nor no", ISSUE_PERMIT, 2, 1},
        {"permit without key or subscriber", ISSUE_PERMIT, 1, 1},
        {"unknown reason", ISSUE_REASON, PKI_REASONS, 1},
        {"no reason", ISSUE_REASON, PKI_REASON_NONE, 1},
        {"refusal with a usage", ISSUE_USAGE, 1, 4},
        {"key beyond the frame", ISSUE_SPKI, 1, 2},
        {"key beyond its bound", ISSUE_SPKI, PKI_SPKI_MAX + 1, 2},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wiref_frame_t frame = wiref_encoded(wiref_request(KEEPER_ISSUE, 0));
        poke(frame, (apr_size_t)rows[i].at, rows[i].value, rows[i].octets);
        ok(request_refused(wiref_span(frame)), "issue: %s", rows[i].name);
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
        poke(frame, (apr_size_t)rows[i].at, rows[i].value, rows[i].octets);
        ok(reply_refused(KEEPER_LOOKUP, wiref_span(frame)), "info: %s", rows[i].name);
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
    put_length(longer, whole.len + 1 - KEEPER_WIRE_HEADER);
    field[0] = (unsigned char)((len + 1) >> 8);
    field[1] = (unsigned char)((len + 1) & 0xff);
    ok(refused(kind, (base_span_t){longer, whole.len + 1}), "%s over its bound, and there", name);
    memcpy(longer, whole.data, whole.len);
    field[2] = '\0';
    ok(refused(kind, (base_span_t){longer, whole.len}), "%s that starts with NUL", name);
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
        int kind; /* as for refused() */
        keeper_kind_t of;
        apr_size_t len;
    } rows[] = {
        {"a key", 0, KEEPER_ISSUE, PKI_SPKI_MAX},
        {"a certificate", KEEPER_ISSUE, KEEPER_ISSUE, PKI_CERT_MAX},
        {"an info's text", KEEPER_LOOKUP, KEEPER_LOOKUP, GBA_TEXT_MAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wiref_frame_t whole = rows[i].kind ? wiref_replied(rows[i].of, wiref_reply(rows[i].of, 1))
                                           : wiref_encoded(wiref_request(rows[i].of, 1));
        unsigned char *field = longer + whole.len - rows[i].len - 2;
        memcpy(longer, whole.data, whole.len);
        longer[whole.len] = '\0';
        put_length(longer, whole.len + 1 - KEEPER_WIRE_HEADER);
        field[0] = (unsigned char)((rows[i].len + 1) >> 8);
        field[1] = (unsigned char)((rows[i].len + 1) & 0xff);
        ok(refused(rows[i].kind, (base_span_t){longer, whole.len + 1}),
           "%s over its bound, and there", rows[i].name);
        free(whole.data);
    }
}

static void test_lying_refusals(void)
{
    static const apr_uint64_t rows[] = {PKI_REASON_NONE, PKI_REASONS, 255};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wiref_frame_t frame = wiref_replied(KEEPER_ISSUE, wiref_failure(BASE_ENROL_REFUSED, 0));
        poke(frame, frame.len - KEEPER_WIRE_HEADER - 1 - 4, rows[i], 1);
        ok(reply_refused(KEEPER_ISSUE, wiref_span(frame)), "a refusal with reason %d",
           (int)rows[i]);
        free(frame.data);
    }
}

int main(void)
{
    test_every_frame();
    test_mixed_up();
    test_announced_lengths();
    test_lying_requests();
    test_lying_replies();
    test_lying_refusals();
    test_overlong_fields();
    test_overlong_blocks();
    return tap_done();
}
