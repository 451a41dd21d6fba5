/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_session.h"
#include <string.h>
#include <apr_strings.h>
#include "base/base_secret.h"
#include "gba/gba_names.h"

#define CNONCE_LEN 16

const char *ue_challenge_text(ue_challenge_t challenge)
{
    switch (challenge) {
    case UE_CHALLENGE_TAKEN:
        return "challenge taken";
    case UE_CHALLENGE_NONE:
        return "the 401 has no Digest challenge";
    case UE_CHALLENGE_MALFORMED:
        return "the 401 has a malformed challenge";
    case UE_CHALLENGE_ALGORITHM:
        return "the 401 offers no algorithm that we have";
    case UE_CHALLENGE_QOP:
        return "the 401 does not offer qop auth-int, and we do not enrol without it";
    case UE_CHALLENGE_REALM:
        return "the realm is not 3GPP-bootstrapping@ and the name that we connected to";
    }
    return "unknown";
}

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

ue_session_t *ue_session_make(const ue_identity_t *identity, const base_random_t *random,
                              apr_pool_t *pool)
{
    ue_session_t *session = apr_pcalloc(pool, sizeof(*session));
    session->identity = identity;
    session->random = random;
    session->pool = pool;
    return session;
}

/* The part of the offered realm, which may join several by ';' (TS 24.109 5.2.4), that names
 * us and our server (TS 33.222: the name must be the one connected to); NULL if there is none. */
static const char *own_realm(const ue_session_t *session, const char *offered)
{
    const char *want = gba_realm_print(session->pool, GBA_REALM_ME, session->identity->naf_fqdn);
    char *rest = apr_pstrdup(session->pool, offered);
    for (char *part = rest; part; part = rest) {
        rest = strchr(part, ';');
        if (rest)
            *rest++ = '\0';
        if (base_equal_nocase(part, want))
            return part;
    }
    return NULL;
}

static ue_challenge_t check_challenge(const ue_session_t *session,
                                      const digest_challenge_t *challenge)
{
    if (!challenge->alg_known || !digest_alg_available(challenge->alg))
        return UE_CHALLENGE_ALGORITHM;
    if (!(challenge->qop & DIGEST_QOP_AUTH_INT))
        return UE_CHALLENGE_QOP;
    return own_realm(session, challenge->realm) ? UE_CHALLENGE_TAKEN : UE_CHALLENGE_REALM;
}

static ue_challenge_t parse_challenges(apr_array_header_t *list, const apr_array_header_t *fields,
                                       apr_pool_t *pool)
{
    for (int i = 0; i < fields->nelts; i++) {
        const char *field = APR_ARRAY_IDX(fields, i, const char *);
        if (digest_challenge_parse(list, field, pool).code != BASE_OK)
            return UE_CHALLENGE_MALFORMED;
    }
    return list->nelts ? UE_CHALLENGE_TAKEN : UE_CHALLENGE_NONE;
}

static void keep_challenge(ue_session_t *session, const digest_challenge_t *challenge)
{
    session->challenge = *challenge;
    session->challenge.realm = own_realm(session, challenge->realm);
}

ue_challenge_t ue_session_take(ue_session_t *session, const apr_array_header_t *fields,
                               digest_alg_t preferred)
{
    apr_array_header_t *list = apr_array_make(session->pool, 4, sizeof(digest_challenge_t));
    const digest_challenge_t *taken = NULL;
    ue_challenge_t nearest = UE_CHALLENGE_NONE;
    ue_challenge_t parsed = parse_challenges(list, fields, session->pool);
    if (parsed != UE_CHALLENGE_TAKEN)
        return parsed;
    for (int i = 0; i < list->nelts; i++) {
        const digest_challenge_t *challenge = &APR_ARRAY_IDX(list, i, digest_challenge_t);
        ue_challenge_t check = check_challenge(session, challenge);
        if (check == UE_CHALLENGE_TAKEN) {
            if (!taken || (challenge->alg == preferred && taken->alg != preferred))
                taken = challenge;
        } else if (check > nearest) {
            nearest = check;
        }
    }
    if (!taken)
        return nearest;
    keep_challenge(session, taken);
    return UE_CHALLENGE_TAKEN;
}

/* Sets realm, nonce, nc, cnonce and the rest that needs no hash. Nonzero on success. */
static int fill_credentials(ue_session_t *session, const char *uri)
{
    const digest_challenge_t *challenge = &session->challenge;
    digest_credentials_t *sent = &session->sent;
    unsigned char octets[CNONCE_LEN];
    char *cnonce = apr_palloc(session->pool, 2 * CNONCE_LEN + 1);
    if (!challenge->nonce || !session->random->fill(session->random->baton, octets, CNONCE_LEN))
        return 0;
    base_hex_encode(cnonce, octets, CNONCE_LEN);
    int same_nonce = sent->nonce && strcmp(sent->nonce, challenge->nonce) == 0;
    sent->nc_value = same_nonce ? sent->nc_value + 1 : 1;
    sent->nc = apr_psprintf(session->pool, "%08x", (unsigned)sent->nc_value);
    sent->username = session->identity->btid;
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
static int compute(const ue_session_t *session, const char *method, base_span_t body,
                   char out[DIGEST_HEX_MAX])
{
    const digest_credentials_t *sent = &session->sent;
    char body_hash[DIGEST_HEX_MAX];
    digest_input_t in = {sent->alg,   sent->qop, session->ha1, method,   sent->uri,
                         sent->nonce, sent->nc,  sent->cnonce, body_hash};
    return hash_body(sent->alg, body, body_hash, session->pool) && digest_response(&in, out);
}

const char *ue_session_authorize(ue_session_t *session, const char *method, const char *uri,
                                 base_span_t body)
{
    digest_credentials_t *sent = &session->sent;
    char *ha1 = base_secret_alloc(session->pool, DIGEST_HEX_MAX);
    session->ha1 = NULL;
    if (!fill_credentials(session, uri) ||
        !digest_ha1(sent->alg, sent->username, sent->realm, session->identity->password, ha1))
        return NULL;
    session->ha1 = ha1;
    if (!compute(session, method, body, sent->response)) {
        session->ha1 = NULL;
        return NULL;
    }
    return digest_credentials_print(sent, session->pool);
}

static ue_verdict_t check_rspauth(const ue_session_t *session, const char *rspauth,
                                  base_span_t body)
{
    char want[DIGEST_HEX_MAX];
    ue_verdict_t verdict = UE_VERDICT_LIBRARY;
    if (compute(session, NULL, body, want)) {
        apr_size_t len = strlen(want);
        int same = strlen(rspauth) == len && base_secret_equal(rspauth, want, len);
        verdict = same ? UE_VERDICT_GOOD : UE_VERDICT_RSPAUTH;
    }
    base_secret_wipe(want, sizeof(want));
    return verdict;
}

ue_verdict_t ue_session_verify(const ue_session_t *session, const apr_array_header_t *fields,
                               base_span_t body)
{
    digest_authinfo_t *info;
    if (!session->ha1)
        return UE_VERDICT_UNASKED;
    if (fields->nelts != 1)
        return fields->nelts ? UE_VERDICT_DOUBLED : UE_VERDICT_MISSING;
    const char *field = APR_ARRAY_IDX(fields, 0, const char *);
    if (digest_authinfo_parse(&info, field, session->pool).code != BASE_OK)
        return UE_VERDICT_MALFORMED;
    if (info->qop != session->sent.qop)
        return UE_VERDICT_QOP;
    if (strcmp(info->cnonce, session->sent.cnonce) != 0)
        return UE_VERDICT_CNONCE;
    if (strcmp(info->nc, session->sent.nc) != 0)
        return UE_VERDICT_NC;
    return check_rspauth(session, info->rspauth, body);
}
