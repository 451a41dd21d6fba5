/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_answer.h"

#include <string.h>
#include <apr_strings.h>
#include "base/base_secret.h"

static base_result_t look_up(keeper_reply_t *reply, const keeper_parts_t *parts,
                             const keeper_request_t *request, apr_pool_t *pool)
{
    const gba_keysource_t *source;
    if (request->source >= parts->source_count || !parts->sources[request->source])
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0508", "keeper: asked for no key source it has");
    source = parts->sources[request->source];
    return source->lookup(source->baton, &request->lookup, &reply->info, pool);
}

static base_result_t issue(keeper_reply_t *reply, const keeper_parts_t *parts,
                           const keeper_request_t *request, apr_pool_t *pool)
{
    const portal_issuer_t *issuer = parts->issuer(parts->baton, request->ca, request->ledger);
    if (!issuer)
        return base_fail(BASE_STORE_DOWN, "GBA0509", "keeper: asked for no CA and ledger it has");
    if (request->kind == KEEPER_ISSUE)
        return issuer->issue(issuer->baton, &request->issue, &reply->issued, pool);
    return issuer->pseudonym(issuer->baton, request->subscriber, reply->pseudonym, pool);
}

static base_result_t ask(keeper_reply_t *reply, const keeper_parts_t *parts,
                         const keeper_request_t *request, apr_pool_t *pool)
{
    if (request->kind == KEEPER_LOOKUP)
        return look_up(reply, parts, request, pool);
    if (request->kind == KEEPER_HEALTH)
        return parts->health(parts->baton, request->ca, request->ledger, pool);
    return issue(reply, parts, request, pool);
}

/* Nothing but the outcome of a failure leaves, and why a certificate was refused. */
static void set_result(keeper_reply_t *reply, base_result_t result)
{
    pki_reason_t reason = reply->issued.reason;
    if (result.code == BASE_OK)
        return;
    base_secret_wipe(reply, sizeof(*reply));
    if (result.code == BASE_ENROL_REFUSED)
        reply->issued.reason = reason;
    reply->code = result.code;
    reply->retry_after = result.retry_after;
    apr_cpystrn(reply->tag, result.tag ? result.tag : "", sizeof(reply->tag));
    apr_cpystrn(reply->detail, result.detail ? result.detail : "", sizeof(reply->detail));
}

void keeper_answer(keeper_reply_t *reply, const keeper_parts_t *parts,
                   const keeper_request_t *request, apr_pool_t *pool)
{
    memset(reply, 0, sizeof(*reply));
    set_result(reply, ask(reply, parts, request, pool));
}

/* The outcome of a request that cannot be answered as it should be. */
static base_result_t untold(keeper_kind_t kind)
{
    base_result_t result = base_fail(BASE_STORE_DOWN, "GBA0510",
                                     "keeper: a part's answer breaks its contract; see its log");
    if (kind == KEEPER_LOOKUP)
        result.code = BASE_KEYSOURCE_DOWN;
    return result;
}

apr_size_t keeper_answer_frame(unsigned char frame[KEEPER_WIRE_MAX], const keeper_parts_t *parts,
                               const keeper_request_t *request, const base_log_t *log,
                               apr_pool_t *pool)
{
    keeper_reply_t reply;
    apr_size_t len;
    keeper_answer(&reply, parts, request, pool);
    len = keeper_reply_encode(frame, request->kind, &reply);
    if (len == 0) {
        log->emit(log->baton, BASE_LOG_ERR, "GBA0511",
                  apr_psprintf(pool, "an answer to question %d cannot be told: code %d, %s %s",
                               (int)request->kind, (int)reply.code, reply.tag, reply.detail));
        set_result(&reply, untold(request->kind));
        len = keeper_reply_encode(frame, request->kind, &reply);
    }
    base_secret_wipe(&reply, sizeof(reply));
    return len;
}
