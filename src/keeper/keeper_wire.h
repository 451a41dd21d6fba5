/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_wire.h
 * What children and keeper say to each other: one request struct, one reply
 * struct, and their encoding on the socket. Private to one build: both ends are
 * the same program, and a version that differs is refused. Pure; thread-safe.
 *
 *   frame:   "GBAK" | version 2 | kind 2 | length 4 | payload (big endian)
 *   payload: fields in a fixed order; strings and octets with a 2-octet length
 *   kind:    that of the request (keeper_kind_t); in a reply with the top bit set
 *
 * Every length is checked against its field's bound and against the frame
 * before anything is copied; the payload must be used up exactly.
 */
#ifndef keeper_wire_h
#define keeper_wire_h

#include "gba/gba_keysource.h"
#include "portal/portal_issuer.h"

#define KEEPER_WIRE_VERSION 3
#define KEEPER_WIRE_HEADER  12          /**< octets before the payload */
#define KEEPER_WORD_LEN     32          /**< octets of what a client says before all frames */
#define KEEPER_WIRE_MAX     (16 * 1024) /**< octets of a whole frame */

/** What is asked. */
typedef enum keeper_kind_t {
    KEEPER_LOOKUP = 1, /**< look up this B-TID */
    KEEPER_ISSUE,      /**< issue this certificate, or record this refusal */
    KEEPER_PSEUDONYM,  /**< the subscriber's pseudonym */
    KEEPER_HEALTH,     /**< sign a fixed labelled text and write the ledger: can you issue? */
    KEEPER_WEIGH       /**< what would be answered to this ISSUE, a permit? */
} keeper_kind_t;

/** A request. Flat. */
typedef struct keeper_request_t {
    keeper_kind_t kind;
    apr_uint16_t source;  /**< LOOKUP: which key source, by its place in the configuration */
    apr_uint16_t ca;      /**< all but LOOKUP: which CA, likewise */
    apr_uint16_t ledger;  /**< all but LOOKUP: which ledger, likewise */
    gba_lookup_t lookup;  /**< LOOKUP */
    portal_issue_t issue; /**< ISSUE, WEIGH */
    char subscriber[GBA_BTID_MAX + 1]; /**< PSEUDONYM */
} keeper_request_t;

/** A reply. Flat. Holds keys after a LOOKUP: the caller wipes it. */
typedef struct keeper_reply_t {
    base_code_t code;
    char tag[8];                           /**< "GBA0123"; "" if BASE_OK */
    char detail[256];                      /**< for the operator's log */
    apr_uint32_t retry_after;              /**< base_result_t's, of a failure; seconds */
    gba_info_t info;                       /**< LOOKUP and BASE_OK */
    portal_issued_t issued;                /**< ISSUE and BASE_OK; BASE_ENROL_REFUSED: its reason
                                                and retry_at */
    portal_weighed_t weighed;              /**< WEIGH and BASE_OK */
    char pseudonym[PKI_PSEUDONYM_LEN + 1]; /**< PSEUDONYM and BASE_OK */
} keeper_reply_t;

/** Writes a whole frame into @a out. @return its octets, or 0 if the request is not sound */
apr_size_t keeper_request_encode(unsigned char out[KEEPER_WIRE_MAX],
                                 const keeper_request_t *request);

/** Reads a whole frame. Nonzero if every octet of it is as it must be. */
int keeper_request_decode(keeper_request_t *request, base_span_t frame);

/** Writes the reply to a request of @a kind. @return its octets, or 0 */
apr_size_t keeper_reply_encode(unsigned char out[KEEPER_WIRE_MAX], keeper_kind_t kind,
                               const keeper_reply_t *reply);

/** Reads the reply to a request of @a kind; an info in it is checked by gba_info_is_sound(). */
int keeper_reply_decode(keeper_reply_t *reply, keeper_kind_t kind, base_span_t frame);

/** The length of the whole frame that @a header announces: KEEPER_WIRE_HEADER to KEEPER_WIRE_MAX,
 *  or 0 if this is no frame of this version. */
apr_size_t keeper_frame_length(const unsigned char header[KEEPER_WIRE_HEADER]);

#endif
