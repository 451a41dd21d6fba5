/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_digest.h"
#include <string.h>
#include <apr_strings.h>
#include "base/base_secret.h"

#define CNONCE_LEN 16

const char *ue_verdict_text(ue_verdict_t verdict)
{
    static const char *const text[] = {
        [UE_VERDICT_GOOD] = "rspauth verified",
        [UE_VERDICT_UNASKED] = "an answer other than 401 to a request without credentials: "
                               "nothing proves who sent it",
        [UE_VERDICT_MISSING] = "no Authentication-Info: nothing proves who sent this answer",
        [UE_VERDICT_DOUBLED] = "more than one Authentication-Info",
        [UE_VERDICT_MALFORMED] = "malformed Authentication-Info",
        [UE_VERDICT_QOP] = "Authentication-Info has another qop than we used",
        [UE_VERDICT_CNONCE] = "Authentication-Info has another cnonce than ours",
        [UE_VERDICT_NC] = "Authentication-Info has another nc than ours",
        [UE_VERDICT_RSPAUTH] = "rspauth does not fit the body received: "
                               "changed on the way, or sent by somebody without Ks_NAF",
        [UE_VERDICT_LIBRARY] = "rspauth cannot be computed here",
    };
    return (unsigned)verdict <= UE_VERDICT_LIBRARY ? text[verdict] : "unknown";
}

int ue_digest_fill(digest_credentials_t *sent, const digest_challenge_t *challenge, const char *uri,
                   const base_random_t *random, apr_pool_t *pool)
{
    unsigned char octets[CNONCE_LEN];
    char *cnonce = apr_palloc(pool, 2 * CNONCE_LEN + 1);
    if (!random->fill(random->baton, octets, CNONCE_LEN))
        return 0;
    base_hex_encode(cnonce, octets, CNONCE_LEN);
    int same_nonce = sent->nonce && strcmp(sent->nonce, challenge->nonce) == 0;
    sent->nc_value = same_nonce ? sent->nc_value + 1 : 1;
    sent->nc = apr_psprintf(pool, "%08x", (unsigned)sent->nc_value);
    sent->realm = challenge->realm;
    sent->nonce = challenge->nonce;
    sent->opaque = challenge->opaque;
    sent->uri = uri;
    sent->cnonce = cnonce;
    sent->qop = DIGEST_QOP_AUTH_INT;
    sent->alg = challenge->alg;
    sent->alg_known = sent->qop_known = 1;
    return 1;
}

static int hash_body(digest_alg_t alg, base_span_t body, char hex[DIGEST_HEX_MAX], apr_pool_t *pool)
{
    digest_body_t *running = digest_body_start(pool, alg);
    return running && (body.len == 0 || digest_body_add(running, body.data, body.len)) &&
           digest_body_finish(running, hex);
}

/* response if method is set, else rspauth. Nonzero on success. */
static int compute(const digest_credentials_t *sent, const char *ha1, const char *method,
                   base_span_t body, char out[DIGEST_HEX_MAX], apr_pool_t *pool)
{
    char body_hash[DIGEST_HEX_MAX];
    digest_input_t in = {sent->alg,   sent->qop, ha1,          method,   sent->uri,
                         sent->nonce, sent->nc,  sent->cnonce, body_hash};
    return hash_body(sent->alg, body, body_hash, pool) && digest_response(&in, out);
}

int ue_digest_respond(digest_credentials_t *sent, const char *ha1, const char *method,
                      base_span_t body, apr_pool_t *pool)
{
    return compute(sent, ha1, method, body, sent->response, pool);
}

static ue_verdict_t check_rspauth(const digest_credentials_t *sent, const char *ha1,
                                  const char *rspauth, base_span_t body, apr_pool_t *pool)
{
    char want[DIGEST_HEX_MAX];
    ue_verdict_t verdict = UE_VERDICT_LIBRARY;
    if (compute(sent, ha1, NULL, body, want, pool)) {
        apr_size_t len = strlen(want);
        int same = strlen(rspauth) == len && base_secret_equal(rspauth, want, len);
        verdict = same ? UE_VERDICT_GOOD : UE_VERDICT_RSPAUTH;
    }
    base_secret_wipe(want, sizeof(want));
    return verdict;
}

ue_verdict_t ue_digest_verify(const digest_credentials_t *sent, const char *ha1,
                              const apr_array_header_t *fields, base_span_t body, apr_pool_t *pool)
{
    digest_authinfo_t *info;
    if (!ha1)
        return UE_VERDICT_UNASKED;
    if (fields->nelts != 1)
        return fields->nelts ? UE_VERDICT_DOUBLED : UE_VERDICT_MISSING;
    if (digest_authinfo_parse(&info, APR_ARRAY_IDX(fields, 0, const char *), pool).code != BASE_OK)
        return UE_VERDICT_MALFORMED;
    if (info->qop != sent->qop)
        return UE_VERDICT_QOP;
    if (strcmp(info->cnonce, sent->cnonce) != 0)
        return UE_VERDICT_CNONCE;
    if (strcmp(info->nc, sent->nc) != 0)
        return UE_VERDICT_NC;
    return check_rspauth(sent, ha1, info->rspauth, body, pool);
}
