/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_answer.h
 * One request answered by the keeper's parts. Private to the server.
 */
#ifndef keeper_answer_h
#define keeper_answer_h

#include "keeper/keeper_server.h"
#include "keeper/keeper_wire.h"

/** Answers. @a reply may hold keys afterwards: the caller wipes it.
 *  @param pool for what the parts need meanwhile */
void keeper_answer(keeper_reply_t *reply, const keeper_parts_t *parts,
                   const keeper_request_t *request, apr_pool_t *pool);

/** As keeper_answer(), straight into a frame. A part that answers what cannot be told is logged,
 *  and its asker is told that it is down. @return the frame's length, never 0 */
apr_size_t keeper_answer_frame(unsigned char frame[KEEPER_WIRE_MAX], const keeper_parts_t *parts,
                               const keeper_request_t *request, const base_log_t *log,
                               apr_pool_t *pool);

#endif
