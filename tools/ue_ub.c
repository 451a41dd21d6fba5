/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_ub.h"
#include <string.h>
#include <apr_strings.h>
#include "base/base_secret.h"

ue_ub_t *ue_ub_make(const char *impi, const char *realm, const base_random_t *random,
                    apr_pool_t *pool)
{
    ue_ub_t *ub = base_secret_alloc(pool, sizeof(*ub));
    ub->impi = impi;
    ub->realm = realm;
    ub->random = random;
    ub->pool = pool;
    return ub;
}

const char *ue_ub_ask(ue_ub_t *ub, const char *uri)
{
    memset(&ub->sent, 0, sizeof(ub->sent));
    ub->sent.is_first = 1;
    ub->sent.digest.username = ub->impi;
    ub->sent.digest.realm = ub->realm;
    ub->sent.digest.uri = uri;
    return digest_aka_credentials_print(&ub->sent, ub->pool);
}

static const char *check(const ue_ub_t *ub, const digest_challenge_t *challenge,
                         gba_aka_vector_t *vector)
{
    if (!challenge->is_aka)
        return "the BSF offers no AKAv1-MD5";
    if (!(challenge->qop & DIGEST_QOP_AUTH_INT))
        return "the BSF does not offer qop auth-int";
    if (!base_equal_nocase(challenge->realm, ub->realm))
        return "the realm is not the name of the BSF that we connected to (--bsf-realm)";
    return gba_aka_nonce_parse(vector, challenge->nonce) ? NULL
                                                         : "the nonce holds no RAND and AUTN";
}

const char *ue_ub_take(ue_ub_t *ub, const apr_array_header_t *fields, gba_aka_vector_t *vector)
{
    apr_array_header_t *list = apr_array_make(ub->pool, 2, sizeof(digest_challenge_t));
    const char *why = "the BSF's 401 has no Digest challenge";
    for (int i = 0; i < fields->nelts; i++)
        if (digest_challenge_parse(list, APR_ARRAY_IDX(fields, i, const char *), ub->pool).code !=
            BASE_OK)
            return "the BSF's 401 has a malformed challenge";
    for (int i = 0; i < list->nelts && why; i++) {
        ub->challenge = APR_ARRAY_IDX(list, i, digest_challenge_t);
        why = check(ub, &ub->challenge, vector);
    }
    return why;
}

const char *ue_ub_answer(ue_ub_t *ub, const char *uri, base_span_t res, const char *auts)
{
    const base_span_t empty = {NULL, 0};
    digest_credentials_t *sent = &ub->sent.digest;
    memset(&ub->sent, 0, sizeof(ub->sent));
    ub->sent.auts = auts;
    sent->username = ub->impi;
    if (!ue_digest_fill(sent, &ub->challenge, uri, ub->random, ub->pool) ||
        !digest_ha1(DIGEST_MD5, ub->impi, ub->challenge.realm, auts ? empty : res, ub->ha1) ||
        !ue_digest_respond(sent, ub->ha1, "GET", empty, ub->pool))
        return NULL;
    return digest_aka_credentials_print(&ub->sent, ub->pool);
}

ue_verdict_t ue_ub_verify(const ue_ub_t *ub, const apr_array_header_t *fields, base_span_t body)
{
    return ue_digest_verify(&ub->sent.digest, ub->ha1, fields, body, ub->pool);
}
