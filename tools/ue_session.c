/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_session.h"
#include <string.h>
#include <apr_strings.h>
#include "base/base_secret.h"
#include "gba/gba_names.h"

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

const char *ue_session_authorize(ue_session_t *session, const char *method, const char *uri,
                                 base_span_t body)
{
    digest_credentials_t *sent = &session->sent;
    char *ha1 = base_secret_alloc(session->pool, DIGEST_HEX_MAX);
    session->ha1 = NULL;
    sent->username = session->identity->btid;
    if (!session->challenge.nonce ||
        !ue_digest_fill(sent, &session->challenge, uri, session->random, session->pool) ||
        !digest_ha1(sent->alg, sent->username, sent->realm, session->identity->password, ha1) ||
        !ue_digest_respond(sent, ha1, method, body, session->pool))
        return NULL;
    session->ha1 = ha1;
    return digest_credentials_print(sent, session->pool);
}

ue_verdict_t ue_session_verify(const ue_session_t *session, const apr_array_header_t *fields,
                               base_span_t body)
{
    return ue_digest_verify(&session->sent, session->ha1, fields, body, session->pool);
}
