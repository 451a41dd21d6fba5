/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's protocol, the wrong way: what is cut, bent or made up is refused on both ends, and
 * nothing of it is left in the struct. */
#include "keeper_wire_refused.h"

/* ---- lengths ---- */

/* Every truncation, told as it is and told to be whole; and one octet more. */
static void try_lengths(int kind, wiref_frame_t whole, const char *name)
{
    int cut = 0, told = 0;
    unsigned char longer[KEEPER_WIRE_MAX + 1] = {0};
    for (apr_size_t len = 0; len < whole.len; len++) {
        wiref_frame_t frame = wiref_copy(whole.data, len);
        cut += wirer_refused(kind, wiref_span(frame));
        if (len >= KEEPER_WIRE_HEADER) {
            wirer_put_length(frame.data, len - KEEPER_WIRE_HEADER);
            told += wirer_refused(kind, wiref_span(frame));
        }
        free(frame.data);
    }
    is_int(cut, (long long)whole.len, name);
    is_int(told, (long long)whole.len - KEEPER_WIRE_HEADER, "also if the header agrees with it");
    memcpy(longer, whole.data, whole.len);
    ok(wirer_refused(kind, (base_span_t){longer, whole.len + 1}), "one octet more is refused");
    wirer_put_length(longer, whole.len + 1 - KEEPER_WIRE_HEADER);
    ok(wirer_refused(kind, (base_span_t){longer, whole.len + 1}),
       "also if the header agrees with it");
}

/* ---- the header ---- */

/* Every other value of every octet of the header. @a twins: how many give another frame that is
 * right in itself: what may be asked for may be weighed. */
static void try_header(int kind, wiref_frame_t whole, int twins, const char *name)
{
    int count = 0;
    for (int at = 0; at < KEEPER_WIRE_HEADER; at++)
        for (int delta = 1; delta < 256; delta++) {
            wiref_frame_t frame = wiref_copy(whole.data, whole.len);
            frame.data[at] = (unsigned char)(frame.data[at] + delta);
            count += wirer_refused(kind, wiref_span(frame));
            free(frame.data);
        }
    is_int(count, KEEPER_WIRE_HEADER * 255 - twins, name);
}

/* Every single bit of the frame: refused, or another frame that is right in itself. */
static void try_bits(int kind, wiref_frame_t whole, const char *name)
{
    unsigned char again[KEEPER_WIRE_MAX];
    int strange = 0;
    for (apr_size_t bit = 0; bit < whole.len * 8; bit++) {
        wiref_frame_t frame = wiref_copy(whole.data, whole.len);
        frame.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        if (!wirer_refused(kind, wiref_span(frame))) {
            apr_size_t len = kind ? keeper_reply_encode(again, (keeper_kind_t)kind, &wirer_reply)
                                  : keeper_request_encode(again, &wirer_request);
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
            try_header(0, asked, kind == KEEPER_WEIGH || (kind == KEEPER_ISSUE && full), name);
            snprintf(name, sizeof(name), "%s request, fill %d: bits", kind_name[kind], full);
            try_bits(0, asked, name);
            snprintf(name, sizeof(name), "%s reply, fill %d: truncated", kind_name[kind], full);
            try_lengths(kind, said, name);
            snprintf(name, sizeof(name), "%s reply, fill %d: header", kind_name[kind], full);
            try_header(kind, said, 0, name);
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
        ok(wirer_request_refused(wiref_span(said)), "a reply to %s is no request", kind_name[kind]);
        ok(wirer_reply_refused((keeper_kind_t)kind, wiref_span(asked)),
           "a %s is no reply to itself", kind_name[kind]);
        for (int other = 0; other <= KINDS + 1; other++)
            if (other != kind)
                ok(wirer_reply_refused((keeper_kind_t)other, wiref_span(said)),
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
        wirer_put_length(header, rows[i].payload);
        ok(keeper_frame_length(header) == rows[i].whole, "a payload of %lu octets",
           (unsigned long)rows[i].payload);
    }
    ok(wirer_request_refused((base_span_t){NULL, 0}), "nothing is no request");
    ok(wirer_reply_refused(KEEPER_HEALTH, (base_span_t){NULL, 0}), "nothing is no reply");
}

int main(void)
{
    test_every_frame();
    test_mixed_up();
    test_announced_lengths();
    return tap_done();
}
