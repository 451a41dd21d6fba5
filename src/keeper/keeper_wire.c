/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_wire.h"

#include <string.h>
#include "base/base_secret.h"
#include "keeper/keeper_octets.h"

#define MAGIC     "GBAK"
#define MAGIC_LEN 4
#define REPLY_BIT 0x8000u /* of the kind: a reply is never taken for a request */
#define KIND_LAST KEEPER_HEALTH

_Static_assert(PKI_CERT_MAX + 1024 < KEEPER_WIRE_MAX, "a certificate fits into a frame");
_Static_assert(sizeof(gba_info_t) + 1024 < KEEPER_WIRE_MAX, "an info fits into a frame");

/* ---- the frame around a payload ---- */

static int is_kind(unsigned kind)
{
    return kind >= KEEPER_LOOKUP && kind <= KIND_LAST;
}

static void walk_header(keeper_octets_t *walk, unsigned char magic[MAGIC_LEN],
                        apr_uint16_t *version, apr_uint16_t *kind, apr_uint32_t *len)
{
    keeper_octets_fixed(walk, magic, MAGIC_LEN);
    keeper_octets_u16(walk, version);
    keeper_octets_u16(walk, kind);
    keeper_octets_u32(walk, len);
}

/* The frame's whole length, and its kind as it stands there; 0 if this is no frame of ours. */
static apr_size_t read_header(apr_uint16_t *kind, const unsigned char header[KEEPER_WIRE_HEADER])
{
    keeper_octets_t walk = keeper_octets_reader((base_span_t){header, KEEPER_WIRE_HEADER});
    unsigned char magic[MAGIC_LEN] = {0};
    apr_uint16_t version = 0;
    apr_uint32_t len = 0;
    *kind = 0;
    walk_header(&walk, magic, &version, kind, &len);
    if (memcmp(magic, MAGIC, MAGIC_LEN) != 0 || version != KEEPER_WIRE_VERSION ||
        !is_kind(*kind & ~REPLY_BIT) || len > KEEPER_WIRE_MAX - KEEPER_WIRE_HEADER)
        return 0;
    return KEEPER_WIRE_HEADER + (apr_size_t)len;
}

apr_size_t keeper_frame_length(const unsigned char header[KEEPER_WIRE_HEADER])
{
    apr_uint16_t kind;
    return read_header(&kind, header);
}

static keeper_octets_t payload_writer(unsigned char out[KEEPER_WIRE_MAX])
{
    return keeper_octets_writer(out + KEEPER_WIRE_HEADER, KEEPER_WIRE_MAX - KEEPER_WIRE_HEADER);
}

/* Puts the header before a payload that was walked. @return the frame's length; 0 if it was
 * spoiled, and nothing of it is left */
static apr_size_t seal(unsigned char out[KEEPER_WIRE_MAX], unsigned kind,
                       const keeper_octets_t *payload)
{
    unsigned char magic[MAGIC_LEN] = {'G', 'B', 'A', 'K'};
    apr_uint16_t version = KEEPER_WIRE_VERSION, word = (apr_uint16_t)kind;
    apr_uint32_t len = (apr_uint32_t)(KEEPER_WIRE_MAX - KEEPER_WIRE_HEADER - payload->left);
    keeper_octets_t walk = keeper_octets_writer(out, KEEPER_WIRE_HEADER);
    if (payload->spoiled) {
        base_secret_wipe(out, KEEPER_WIRE_MAX);
        return 0;
    }
    walk_header(&walk, magic, &version, &word, &len);
    return KEEPER_WIRE_HEADER + (apr_size_t)len;
}

/* The payload of a frame that is whole, no more and no less; a spoiled walk otherwise. */
static keeper_octets_t unseal(apr_uint16_t *kind, base_span_t frame)
{
    keeper_octets_t walk = keeper_octets_reader((base_span_t){NULL, 0});
    *kind = 0;
    if (frame.len < KEEPER_WIRE_HEADER || read_header(kind, frame.data) != frame.len)
        walk.spoiled = 1;
    else
        walk = keeper_octets_reader(
            (base_span_t){frame.data + KEEPER_WIRE_HEADER, frame.len - KEEPER_WIRE_HEADER});
    return walk;
}

static int used_up(const keeper_octets_t *walk)
{
    return !walk->spoiled && walk->left == 0;
}

/* ---- requests ---- */

static void walk_reason(keeper_octets_t *walk, pki_reason_t *reason)
{
    unsigned char number = (unsigned char)*reason;
    keeper_octets_count(walk, &number, PKI_REASONS - 1);
    *reason = (pki_reason_t)number;
}

static void walk_decision(keeper_octets_t *walk, pki_decision_t *decision)
{
    unsigned char permit = decision->permit != 0;
    apr_uint32_t usage = decision->usage;
    keeper_octets_count(walk, &permit, 1);
    walk_reason(walk, &decision->reason);
    keeper_octets_u32(walk, &usage);
    decision->permit = permit;
    decision->usage = usage;
}

static void walk_issue(keeper_octets_t *walk, portal_issue_t *issue)
{
    keeper_octets_text(walk, issue->subscriber, GBA_BTID_MAX);
    keeper_octets_text(walk, issue->btid, GBA_BTID_MAX);
    keeper_octets_text(walk, issue->profile.name, PKI_PROFILE_NAME_MAX);
    keeper_octets_time(walk, &issue->profile.lifetime);
    keeper_octets_time(walk, &issue->profile.backdate);
    keeper_octets_time(walk, &issue->profile.renew_before);
    walk_decision(walk, &issue->decision);
    keeper_octets_block(walk, issue->spki, &issue->spki_len, PKI_SPKI_MAX);
}

static void walk_request(keeper_octets_t *walk, keeper_request_t *request)
{
    if (request->kind == KEEPER_LOOKUP) {
        keeper_octets_u16(walk, &request->source);
        keeper_octets_text(walk, request->lookup.btid, GBA_BTID_MAX);
        keeper_octets_text(walk, request->lookup.naf.fqdn, GBA_FQDN_MAX);
        keeper_octets_fixed(walk, request->lookup.naf.ua_id, GBA_UA_ID_LEN);
        keeper_octets_count(walk, &request->lookup.uicc, 1);
        keeper_octets_count(walk, &request->lookup.again, 1);
        return;
    }
    keeper_octets_u16(walk, &request->ca);
    keeper_octets_u16(walk, &request->ledger);
    if (request->kind == KEEPER_ISSUE)
        walk_issue(walk, &request->issue);
    else if (request->kind == KEEPER_PSEUDONYM)
        keeper_octets_text(walk, request->subscriber, GBA_BTID_MAX);
}

static int lookup_is_sound(const gba_lookup_t *lookup)
{
    gba_naf_id_t naf;
    return gba_btid_check(lookup->btid) &&
           gba_naf_id_set(&naf, lookup->naf.fqdn, lookup->naf.ua_id) &&
           strcmp(naf.fqdn, lookup->naf.fqdn) == 0; /* lower case: it goes into the NAF_Id */
}

/* What a decision must look like for an issuer to take it (pki_decision_t). */
static int issue_is_sound(const portal_issue_t *issue)
{
    const pki_decision_t *decision = &issue->decision;
    if (!gba_btid_check(issue->btid) || (unsigned)decision->reason >= PKI_REASONS)
        return 0;
    if (!decision->permit)
        return decision->reason != PKI_REASON_NONE && decision->usage == 0;
    return decision->reason == PKI_REASON_NONE && issue->subscriber[0] != '\0' &&
           issue->spki_len > 0 &&
           (decision->usage == PKI_USAGE_DIGITAL_SIGNATURE ||
            decision->usage == PKI_USAGE_NON_REPUDIATION);
}

/* Beyond the bounds that the walk itself sees to. */
static int request_is_sound(const keeper_request_t *request)
{
    switch (request->kind) {
    case KEEPER_LOOKUP:
        return lookup_is_sound(&request->lookup);
    case KEEPER_ISSUE:
        return issue_is_sound(&request->issue);
    case KEEPER_PSEUDONYM:
        return request->subscriber[0] != '\0';
    case KEEPER_HEALTH:
        return 1;
    }
    return 0;
}

apr_size_t keeper_request_encode(unsigned char out[KEEPER_WIRE_MAX],
                                 const keeper_request_t *request)
{
    keeper_request_t copy;
    keeper_octets_t walk = payload_writer(out);
    if (!request_is_sound(request))
        return 0;
    memcpy(&copy, request, sizeof(copy));
    walk_request(&walk, &copy);
    return seal(out, (unsigned)request->kind, &walk);
}

int keeper_request_decode(keeper_request_t *request, base_span_t frame)
{
    apr_uint16_t kind;
    keeper_octets_t walk = unseal(&kind, frame);
    memset(request, 0, sizeof(*request));
    if (walk.spoiled || (kind & REPLY_BIT))
        return 0;
    request->kind = (keeper_kind_t)kind;
    walk_request(&walk, request);
    if (used_up(&walk) && request_is_sound(request))
        return 1;
    memset(request, 0, sizeof(*request));
    return 0;
}

/* ---- replies ---- */

static void walk_uss(keeper_octets_t *walk, gba_uss_t *uss)
{
    keeper_octets_u32(walk, &uss->gs_id);
    keeper_octets_u32(walk, &uss->gs_type);
    keeper_octets_count(walk, &uss->flag_count, GBA_FLAGS_MAX);
    for (int i = 0; i < uss->flag_count; i++)
        keeper_octets_u32(walk, &uss->flags[i]);
    keeper_octets_count(walk, &uss->ue_id_count, GBA_UEIDS_MAX);
    for (int i = 0; i < uss->ue_id_count; i++)
        keeper_octets_u16(walk, &uss->ue_ids[i]);
    keeper_octets_u16(walk, &uss->naf_group);
    keeper_octets_count(walk, &uss->key_choice, GBA_KEY_CHOICE_OTHER);
}

static void walk_info(keeper_octets_t *walk, gba_info_t *info)
{
    keeper_octets_fixed(walk, info->me_key, GBA_KEY_LEN);
    keeper_octets_count(walk, &info->has_uicc_key, 1);
    keeper_octets_fixed(walk, info->uicc_key, GBA_KEY_LEN);
    keeper_octets_time(walk, &info->expires);
    keeper_octets_time(walk, &info->bootstrapped);
    keeper_octets_time(walk, &info->fetched);
    keeper_octets_time(walk, &info->known_since);
    keeper_octets_count(walk, &info->type, GBA_TYPE_OTHER);
    keeper_octets_count(walk, &info->uss_count, GBA_USS_MAX);
    for (int i = 0; i < info->uss_count; i++)
        walk_uss(walk, &info->uss[i]);
    keeper_octets_u16(walk, &info->impi);
    keeper_octets_u16(walk, &info->pseudonym);
    keeper_octets_block(walk, info->text, &info->text_used, GBA_TEXT_MAX);
}

static void walk_reply(keeper_octets_t *walk, keeper_kind_t kind, keeper_reply_t *reply)
{
    unsigned char code = (unsigned char)reply->code;
    keeper_octets_count(walk, &code, BASE_CODES - 1);
    reply->code = (base_code_t)code;
    keeper_octets_text(walk, reply->tag, sizeof(reply->tag) - 1);
    keeper_octets_text(walk, reply->detail, sizeof(reply->detail) - 1);
    if (reply->code == BASE_ENROL_REFUSED)
        walk_reason(walk, &reply->issued.reason);
    if (reply->code != BASE_OK) {
        keeper_octets_u32(walk, &reply->retry_after);
        return;
    }
    if (kind == KEEPER_LOOKUP)
        walk_info(walk, &reply->info);
    if (kind == KEEPER_ISSUE) {
        keeper_octets_fixed(walk, reply->issued.serial, PKI_SERIAL_LEN);
        keeper_octets_block(walk, reply->issued.der, &reply->issued.der_len, PKI_CERT_MAX);
    }
    if (kind == KEEPER_PSEUDONYM)
        keeper_octets_text(walk, reply->pseudonym, PKI_PSEUDONYM_LEN);
}

/* The outcomes that the seams promise: gba_keysource_t, portal_issuer_t. */
static int may_answer(keeper_kind_t kind, base_code_t code)
{
    if (code == BASE_OK)
        return 1;
    if (kind == KEEPER_LOOKUP)
        return code == BASE_UNKNOWN_BTID || code == BASE_NOT_AUTHORISED ||
               code == BASE_KEYSOURCE_DOWN;
    return code == BASE_STORE_DOWN || code == BASE_INTERNAL ||
           (code == BASE_ENROL_REFUSED && kind == KEEPER_ISSUE);
}

/* "GBA" and four digits. */
static int is_tag(const char tag[8])
{
    return strnlen(tag, 8) == 7 && memcmp(tag, "GBA", 3) == 0 && strspn(tag + 3, "0123456789") == 4;
}

/* No certificate and no serial, or both (pki_serial_make()). */
static int issued_is_sound(const portal_issued_t *issued)
{
    static const unsigned char none[PKI_SERIAL_LEN];
    if (issued->reason != PKI_REASON_NONE)
        return 0;
    if (issued->der_len == 0)
        return memcmp(issued->serial, none, sizeof(none)) == 0;
    return issued->serial[0] > 0 && issued->serial[0] < 0x80;
}

static int failure_is_sound(const keeper_reply_t *reply)
{
    if (!is_tag(reply->tag))
        return 0;
    return reply->code != BASE_ENROL_REFUSED || (reply->issued.reason != PKI_REASON_NONE &&
                                                 (unsigned)reply->issued.reason < PKI_REASONS);
}

static int reply_is_sound(keeper_kind_t kind, const keeper_reply_t *reply)
{
    if (!may_answer(kind, reply->code))
        return 0;
    if (reply->code != BASE_OK)
        return failure_is_sound(reply);
    if (reply->tag[0] != '\0' || reply->detail[0] != '\0')
        return 0;
    if (kind == KEEPER_LOOKUP)
        return gba_info_is_sound(&reply->info);
    if (kind == KEEPER_ISSUE)
        return issued_is_sound(&reply->issued);
    return kind != KEEPER_PSEUDONYM ||
           (strnlen(reply->pseudonym, sizeof(reply->pseudonym)) == PKI_PSEUDONYM_LEN &&
            strspn(reply->pseudonym, "0123456789abcdef") == PKI_PSEUDONYM_LEN);
}

apr_size_t keeper_reply_encode(unsigned char out[KEEPER_WIRE_MAX], keeper_kind_t kind,
                               const keeper_reply_t *reply)
{
    keeper_reply_t copy;
    keeper_octets_t walk = payload_writer(out);
    if (!is_kind((unsigned)kind) || !reply_is_sound(kind, reply))
        return 0;
    memcpy(&copy, reply, sizeof(copy));
    walk_reply(&walk, kind, &copy);
    base_secret_wipe(&copy, sizeof(copy));
    return seal(out, (unsigned)kind | REPLY_BIT, &walk);
}

int keeper_reply_decode(keeper_reply_t *reply, keeper_kind_t kind, base_span_t frame)
{
    apr_uint16_t word;
    keeper_octets_t walk = unseal(&word, frame);
    memset(reply, 0, sizeof(*reply));
    if (walk.spoiled || !is_kind((unsigned)kind) || word != ((unsigned)kind | REPLY_BIT))
        return 0;
    walk_reply(&walk, kind, reply);
    if (used_up(&walk) && reply_is_sound(kind, reply))
        return 1;
    base_secret_wipe(reply, sizeof(*reply));
    return 0;
}
