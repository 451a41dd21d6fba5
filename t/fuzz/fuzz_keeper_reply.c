/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever stands where the keeper should: a reply that is taken, by whatever question, is sound
 * and is what was sent, octet for octet; one that is refused leaves nothing behind. */
#include <stdlib.h>
#include <string.h>
#include "keeper/keeper_wire.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void must(int holds)
{
    if (!holds)
        abort();
}

/* None, or one that only the ledger can tell; a time with a window, and with nothing else. */
static void check_reason(pki_reason_t reason, apr_time_t retry_at)
{
    must(reason == PKI_REASON_NONE || reason == PKI_REASON_KEY_BLOCKED ||
         reason == PKI_REASON_KEY_TAKEN || reason == PKI_REASON_QUOTA_HELD ||
         reason == PKI_REASON_QUOTA_WINDOW);
    must(reason == PKI_REASON_QUOTA_WINDOW ? retry_at > 0 : retry_at == 0);
}

static void check_failure(const keeper_reply_t *reply)
{
    static const gba_info_t no_info;
    must(reply->code < BASE_CODES && reply->code != BASE_NOT_FOUND);
    must(strnlen(reply->tag, sizeof(reply->tag)) == 7 && strncmp(reply->tag, "GBA", 3) == 0);
    must(memchr(reply->detail, 0, sizeof(reply->detail)) != NULL);
    must(memcmp(&reply->info, &no_info, sizeof(no_info)) == 0);
    must(reply->issued.der_len == 0 && reply->pseudonym[0] == '\0');
    must((reply->code == BASE_ENROL_REFUSED) == (reply->issued.reason != PKI_REASON_NONE));
    check_reason(reply->issued.reason, reply->issued.retry_at);
    must(reply->weighed.reason == PKI_REASON_NONE && reply->weighed.held == 0);
}

static void check_weighed(const portal_weighed_t *weighed)
{
    check_reason(weighed->reason, weighed->retry_at);
    must(weighed->again <= 1);
    must(!weighed->again || (weighed->reason == PKI_REASON_NONE && weighed->held > 0));
}

/* What a child relies on. */
static void check_taken(const keeper_reply_t *reply, keeper_kind_t kind)
{
    if (reply->code != BASE_OK) {
        check_failure(reply);
        return;
    }
    must(reply->tag[0] == '\0' && reply->detail[0] == '\0');
    must(gba_info_is_sound(&reply->info));
    must(reply->info.expires >= 0 && reply->info.bootstrapped >= 0 && reply->info.fetched >= 0);
    check_weighed(&reply->weighed);
    must(reply->issued.retry_at == 0 && reply->issued.der_len <= PKI_CERT_MAX &&
         reply->issued.reason == PKI_REASON_NONE);
    must(strnlen(reply->pseudonym, PKI_PSEUDONYM_LEN + 1) ==
         (kind == KEEPER_PSEUDONYM ? PKI_PSEUDONYM_LEN : 0));
}

/* Nonzero if it was taken. */
static int try_kind(keeper_kind_t kind, base_span_t frame)
{
    static const keeper_reply_t empty;
    static keeper_reply_t reply;
    static unsigned char out[KEEPER_WIRE_MAX];
    memset(&reply, 0xa5, sizeof(reply));
    if (!keeper_reply_decode(&reply, kind, frame)) {
        must(memcmp(&reply, &empty, sizeof(reply)) == 0);
        return 0;
    }
    must(keeper_frame_length(frame.data) == frame.len);
    check_taken(&reply, kind);
    must(keeper_reply_encode(out, kind, &reply) == frame.len);
    must(memcmp(out, frame.data, frame.len) == 0);
    return 1;
}

static void try_frame(base_span_t frame)
{
    int taken = 0;
    for (int kind = KEEPER_LOOKUP; kind <= KEEPER_WEIGH; kind++)
        taken += try_kind((keeper_kind_t)kind, frame);
    must(taken <= 1);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    unsigned char *right;
    try_frame((base_span_t){data, size});
    if (size < KEEPER_WIRE_HEADER)
        return 0;
    /* With a right length in the header the payload is looked at too. */
    right = malloc(size);
    must(right != NULL);
    memcpy(right, data, size);
    for (int i = 0; i < 4; i++)
        right[8 + i] = (unsigned char)((size - KEEPER_WIRE_HEADER) >> (24 - 8 * i) & 0xff);
    try_frame((base_span_t){right, size});
    free(right);
    return 0;
}
