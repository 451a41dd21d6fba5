/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_octets.h
 * Fields of a frame, written and read by the same walk over a struct, so that
 * the two cannot differ: each function writes what it is given, or fills it
 * from the frame. Numbers are big endian. A field that breaks its bound, or
 * that the frame has no room for, spoils the whole walk; after that nothing is
 * written or read. Private to the keeper's protocol.
 */
#ifndef keeper_octets_h
#define keeper_octets_h

#include "base/base_text.h"

/** A walk. Start it with one of the two functions below. */
typedef struct keeper_octets_t {
    unsigned char *out;      /**< where to write; NULL: reading */
    const unsigned char *in; /**< where to read */
    apr_size_t left;         /**< octets that may still be written or read */
    int spoiled;             /**< nonzero: what was walked is of no use */
} keeper_octets_t;

/** A walk that writes at most @a len octets. */
keeper_octets_t keeper_octets_writer(unsigned char *out, apr_size_t len);

/** A walk that reads @a from. */
keeper_octets_t keeper_octets_reader(base_span_t from);

/** Exactly @a len octets. */
void keeper_octets_fixed(keeper_octets_t *walk, void *data, apr_size_t len);

/** 1, 2, 4 or 8 octets. */
void keeper_octets_u8(keeper_octets_t *walk, unsigned char *value);
void keeper_octets_u16(keeper_octets_t *walk, apr_uint16_t *value);
void keeper_octets_u32(keeper_octets_t *walk, apr_uint32_t *value);
void keeper_octets_u64(keeper_octets_t *walk, apr_uint64_t *value);

/** A time or duration that is not negative, 8 octets. */
void keeper_octets_time(keeper_octets_t *walk, apr_time_t *value);

/** A count of at most @a max, 1 octet. 0 after a spoiled walk, so that it may be looped over. */
void keeper_octets_count(keeper_octets_t *walk, unsigned char *count, unsigned char max);

/** At most @a max octets, after their number in 2 octets. */
void keeper_octets_block(keeper_octets_t *walk, void *data, apr_uint16_t *len, apr_size_t max);

/** A string of at most @a max octets without NUL, after its length in 2 octets. @a text has
 *  max + 1 octets. */
void keeper_octets_text(keeper_octets_t *walk, char *text, apr_size_t max);

#endif
