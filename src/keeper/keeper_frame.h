/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_frame.h
 * Whole frames over a connected Unix socket, each with a deadline: what both
 * ends of the keeper's protocol do with their socket. Private to them.
 */
#ifndef keeper_frame_h
#define keeper_frame_h

#include "keeper/keeper_wire.h"

/** What became of a frame. */
typedef enum keeper_frame_t {
    KEEPER_FRAME_WHOLE,   /**< read or written to its end */
    KEEPER_FRAME_END,     /**< reading: the peer closed, and no octet of a frame had come */
    KEEPER_FRAME_BROKEN,  /**< the peer closed, or the socket failed, within the frame */
    KEEPER_FRAME_LATE,    /**< the deadline passed first */
    KEEPER_FRAME_NONSENSE /**< reading: the header is none of this version */
} keeper_frame_t;

/** The time @a ms milliseconds from now, on the monotonic clock. */
apr_uint64_t keeper_deadline(int ms);

/** Milliseconds until @a deadline; 0 if it has passed. */
int keeper_deadline_left(apr_uint64_t deadline);

/** Reads one frame and nothing beyond it. @a len: octets that @a frame holds then, whatever came
 *  of it: the caller wipes so many. */
keeper_frame_t keeper_frame_read(int fd, unsigned char frame[KEEPER_WIRE_MAX], apr_size_t *len,
                                 apr_uint64_t deadline);

/** Reads the word that a client says first: it tells those who were forked from the keeper's httpd
 *  from programs that run as the same user. */
keeper_frame_t keeper_frame_read_word(int fd, unsigned char word[KEEPER_WORD_LEN],
                                      apr_uint64_t deadline);

/** Writes one frame. If it is not WHOLE, the peer has not got all of it. Raises no SIGPIPE. */
keeper_frame_t keeper_frame_write(int fd, const unsigned char *frame, apr_size_t len,
                                  apr_uint64_t deadline);

#endif
