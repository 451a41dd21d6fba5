/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_wire_refused.h
 * Frames that are refused: tried on either end, and made by bending a sample.
 */
#ifndef keeper_wire_refused_h
#define keeper_wire_refused_h

#include "keeper_wire_fixture.h"

static const char *const kind_name[] = {"", "lookup", "issue", "pseudonym", "health", "weigh"};

static keeper_request_t wirer_request;
static keeper_reply_t wirer_reply;

static inline int wirer_is_zero(const void *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((const unsigned char *)data)[i])
            return 0;
    return 1;
}

/** Nonzero if the frame is refused and leaves nothing. */
static inline int wirer_request_refused(base_span_t frame)
{
    memset(&wirer_request, 0xa5, sizeof(wirer_request));
    return !keeper_request_decode(&wirer_request, frame) &&
           wirer_is_zero(&wirer_request, sizeof(wirer_request));
}

static inline int wirer_reply_refused(keeper_kind_t kind, base_span_t frame)
{
    memset(&wirer_reply, 0xa5, sizeof(wirer_reply));
    return !keeper_reply_decode(&wirer_reply, kind, frame) &&
           wirer_is_zero(&wirer_reply, sizeof(wirer_reply));
}

/** @a kind 0: a request; else a reply to that kind. */
static inline int wirer_refused(int kind, base_span_t frame)
{
    return kind ? wirer_reply_refused((keeper_kind_t)kind, frame) : wirer_request_refused(frame);
}

static inline void wirer_put_length(unsigned char *frame, apr_size_t payload)
{
    for (int i = 0; i < 4; i++)
        frame[8 + i] = (unsigned char)(payload >> (24 - 8 * i) & 0xff);
}

/** Writes @a value big endian into @a octets octets at @a at of the payload. */
static inline void wirer_poke(wiref_frame_t frame, apr_size_t at, apr_uint64_t value, int octets)
{
    for (int i = 0; i < octets; i++)
        frame.data[KEEPER_WIRE_HEADER + at + (apr_size_t)i] =
            (unsigned char)(value >> 8 * (octets - 1 - i) & 0xff);
}

#endif
