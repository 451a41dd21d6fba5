/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_wire_fixture.h
 * One request and one reply of each kind, with every field filled to its bound
 * or with as little as may be.
 */
#ifndef keeper_wire_fixture_h
#define keeper_wire_fixture_h

#include <stdlib.h>
#include <string.h>
#include "keeper/keeper_wire.h"
#include "tap.h"

#define KINDS 4 /* keeper_kind_t, from 1 */

/** A frame in memory of its own size, so that a read past its end is seen. */
typedef struct wiref_frame_t {
    unsigned char *data;
    apr_size_t len;
} wiref_frame_t;

static inline wiref_frame_t wiref_copy(const unsigned char *data, apr_size_t len)
{
    wiref_frame_t frame = {malloc(len ? len : 1), len};
    if (!frame.data)
        abort();
    if (len)
        memcpy(frame.data, data, len);
    return frame;
}

static inline base_span_t wiref_span(wiref_frame_t frame)
{
    return (base_span_t){frame.data, frame.len};
}

/** A B-TID of @a len octets. */
static inline void wiref_btid(char out[GBA_BTID_MAX + 1], apr_size_t len)
{
    memset(out, 0, GBA_BTID_MAX + 1);
    memset(out, 'x', len - 4);
    memcpy(out + len - 4, "@b.c", 4);
}

/** A host name of GBA_FQDN_MAX octets. */
static inline void wiref_fqdn(char out[GBA_FQDN_MAX + 1])
{
    memset(out, 'n', GBA_FQDN_MAX);
    for (int i = 50; i < 250; i += 50)
        out[i] = '.';
    out[GBA_FQDN_MAX] = '\0';
}

static inline void wiref_issue(portal_issue_t *issue, int full)
{
    wiref_btid(issue->btid, full ? GBA_BTID_MAX : 5);
    issue->decision = (pki_decision_t){0, PKI_REASON_NO_USS, 0};
    if (!full)
        return;
    memset(issue->subscriber, 0xe9, GBA_BTID_MAX); /* any octets but NUL */
    memset(issue->profile.name, 'p', PKI_PROFILE_NAME_MAX);
    issue->profile.lifetime = APR_INT64_MAX;
    issue->profile.backdate = 300000000;
    issue->profile.renew_before = 1;
    issue->decision = (pki_decision_t){1, PKI_REASON_NONE, PKI_USAGE_NON_REPUDIATION};
    issue->spki_len = PKI_SPKI_MAX;
    memset(issue->spki, 0x30, PKI_SPKI_MAX);
    issue->ue_ids_len = GBA_TEXT_MAX;
    for (int i = 0; i < GBA_TEXT_MAX; i += 8)
        memcpy(issue->ue_ids + i, "sip:u@x", 8);
}

/** A request of @a kind, from calloc(). */
static inline keeper_request_t *wiref_request(keeper_kind_t kind, int full)
{
    keeper_request_t *request = calloc(1, sizeof(*request));
    if (!request)
        abort();
    request->kind = kind;
    if (kind == KEEPER_LOOKUP) {
        request->source = full ? 65535 : 0;
        wiref_btid(request->lookup.btid, full ? GBA_BTID_MAX : 5);
        memcpy(request->lookup.naf.fqdn, "n.a", 4);
        if (full)
            wiref_fqdn(request->lookup.naf.fqdn);
        memset(request->lookup.naf.ua_id, full ? 0xff : 0, GBA_UA_ID_LEN);
        return request;
    }
    request->ca = full ? 65535 : 0;
    request->ledger = full ? 513 : 0;
    if (kind == KEEPER_ISSUE)
        wiref_issue(&request->issue, full);
    if (kind == KEEPER_PSEUDONYM)
        memset(request->subscriber, 's', full ? GBA_BTID_MAX : 1);
    return request;
}

static inline gba_text_ref_t wiref_text(gba_info_t *info, char c, apr_size_t len)
{
    char text[GBA_TEXT_MAX];
    memset(text, c, sizeof(text));
    return gba_info_add_text(info, text, len);
}

static inline void wiref_info(gba_info_t *info, int full)
{
    memset(info->me_key, 0x5a, GBA_KEY_LEN);
    if (!full)
        return;
    memset(info->uicc_key, 0xa5, GBA_KEY_LEN);
    info->has_uicc_key = 1;
    info->expires = APR_INT64_MAX;
    info->bootstrapped = 1;
    info->fetched = 1800000000000000;
    info->type = GBA_TYPE_OTHER;
    info->uss_count = GBA_USS_MAX;
    for (int i = 0; i < GBA_USS_MAX; i++) {
        gba_uss_t *uss = &info->uss[i];
        uss->gs_id = 0xfffffff0u + (unsigned)i;
        uss->gs_type = (apr_uint32_t)i;
        uss->flag_count = GBA_FLAGS_MAX;
        uss->ue_id_count = GBA_UEIDS_MAX;
        for (int j = 0; j < GBA_FLAGS_MAX; j++)
            uss->flags[j] = 0x80000000u + (unsigned)j;
        for (int j = 0; j < GBA_UEIDS_MAX; j++)
            uss->ue_ids[j] = wiref_text(info, 'u', 9);
        uss->naf_group = wiref_text(info, 'g', 9);
        uss->key_choice = GBA_KEY_CHOICE_OTHER;
    }
    info->impi = wiref_text(info, 'i', 1000);
    info->pseudonym = wiref_text(info, 'p', (apr_size_t)(GBA_TEXT_MAX - info->text_used - 1));
}

/** A reply of BASE_OK to a request of @a kind, from calloc(). */
static inline keeper_reply_t *wiref_reply(keeper_kind_t kind, int full)
{
    keeper_reply_t *reply = calloc(1, sizeof(*reply));
    if (!reply)
        abort();
    if (kind == KEEPER_LOOKUP)
        wiref_info(&reply->info, full);
    if (kind == KEEPER_ISSUE && full) {
        memset(reply->issued.serial, 0x7f, PKI_SERIAL_LEN);
        reply->issued.der_len = PKI_CERT_MAX;
        memset(reply->issued.der, 0x30, PKI_CERT_MAX);
    }
    if (kind == KEEPER_PSEUDONYM)
        memset(reply->pseudonym, 'a', PKI_PSEUDONYM_LEN);
    return reply;
}

/** A reply that says @a code, with a detail of @a detail_len octets. */
static inline keeper_reply_t *wiref_failure(base_code_t code, apr_size_t detail_len)
{
    keeper_reply_t *reply = calloc(1, sizeof(*reply));
    if (!reply)
        abort();
    reply->code = code;
    memcpy(reply->tag, "GBA9999", 8);
    memset(reply->detail, 'd', detail_len);
    if (code == BASE_ENROL_REFUSED)
        reply->issued.reason = (pki_reason_t)(PKI_REASONS - 1);
    return reply;
}

/** The frame of a request or reply, which it frees; ends the test if it cannot be made. */
static inline wiref_frame_t wiref_encoded(keeper_request_t *request)
{
    static unsigned char out[KEEPER_WIRE_MAX];
    apr_size_t len = keeper_request_encode(out, request);
    free(request);
    if (len == 0) {
        printf("Bail out! a sample request cannot be encoded\n");
        exit(1);
    }
    return wiref_copy(out, len);
}

static inline wiref_frame_t wiref_replied(keeper_kind_t kind, keeper_reply_t *reply)
{
    static unsigned char out[KEEPER_WIRE_MAX];
    apr_size_t len = keeper_reply_encode(out, kind, reply);
    free(reply);
    if (len == 0) {
        printf("Bail out! a sample reply cannot be encoded\n");
        exit(1);
    }
    return wiref_copy(out, len);
}

#endif
