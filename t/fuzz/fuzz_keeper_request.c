/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a child sends: a request that is taken is sound and is what was sent, octet for octet;
 * one that is refused leaves nothing behind. */
#include <stdlib.h>
#include <string.h>
#include "keeper/keeper_wire.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void must(int holds)
{
    if (!holds)
        abort();
}

/* What the keeper's parts rely on. */
static void check_taken(const keeper_request_t *request)
{
    const portal_issue_t *issue = &request->issue;
    if (request->kind == KEEPER_LOOKUP) {
        must(gba_btid_check(request->lookup.btid));
        must(gba_fqdn_check(request->lookup.naf.fqdn));
    } else if (request->kind == KEEPER_ISSUE) {
        must(gba_btid_check(issue->btid));
        must(memchr(issue->subscriber, 0, sizeof(issue->subscriber)) != NULL);
        must(memchr(issue->profile.name, 0, sizeof(issue->profile.name)) != NULL);
        must(issue->profile.lifetime >= 0 && issue->profile.backdate >= 0);
        must(issue->profile.renew_before >= 0 && issue->spki_len <= PKI_SPKI_MAX);
        must(portal_issue_ue_ids_end(issue));
        must((unsigned)issue->decision.reason < PKI_REASONS);
        must((issue->decision.permit != 0) == (issue->decision.reason == PKI_REASON_NONE));
        must(!issue->decision.permit || (issue->subscriber[0] && issue->spki_len));
    } else if (request->kind == KEEPER_PSEUDONYM) {
        must(request->subscriber[0] != '\0');
        must(memchr(request->subscriber, 0, sizeof(request->subscriber)) != NULL);
    } else {
        must(request->kind == KEEPER_HEALTH);
    }
}

static void try_frame(const unsigned char *data, size_t size)
{
    static const keeper_request_t empty;
    static keeper_request_t request, again;
    static unsigned char out[KEEPER_WIRE_MAX];
    memset(&request, 0xa5, sizeof(request));
    if (!keeper_request_decode(&request, (base_span_t){data, size})) {
        must(memcmp(&request, &empty, sizeof(request)) == 0);
        return;
    }
    must(keeper_frame_length(data) == size);
    check_taken(&request);
    must(keeper_request_encode(out, &request) == size && memcmp(out, data, size) == 0);
    must(keeper_request_decode(&again, (base_span_t){out, size}));
    must(memcmp(&again, &request, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    unsigned char *right;
    try_frame(data, size);
    if (size < KEEPER_WIRE_HEADER)
        return 0;
    /* With a right length in the header the payload is looked at too. */
    right = malloc(size);
    must(right != NULL);
    memcpy(right, data, size);
    for (int i = 0; i < 4; i++)
        right[8 + i] = (unsigned char)((size - KEEPER_WIRE_HEADER) >> (24 - 8 * i) & 0xff);
    try_frame(right, size);
    free(right);
    return 0;
}
