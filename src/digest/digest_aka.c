/* SPDX-License-Identifier: Apache-2.0 */
#include "digest/digest_aka.h"

#include <apr_strings.h>
#include <string.h>
#include "digest/digest_lex.h"

static int get_names(digest_aka_credentials_t *cred, digest_lex_t *lex,
                     const digest_params_t *params, const char **algorithm, const char **response)
{
    const unsigned must = DIGEST_NEEDED | DIGEST_QUOTED;
    digest_credentials_t *digest = &cred->digest;

    return digest_params_get(lex, params, "username", must, &digest->username) &&
           digest_params_get(lex, params, "realm", must, &digest->realm) &&
           digest_params_get(lex, params, "nonce", must, &digest->nonce) &&
           digest_params_get(lex, params, "uri", must, &digest->uri) &&
           digest_params_get(lex, params, "opaque", DIGEST_QUOTED, &digest->opaque) &&
           digest_params_get(lex, params, "auts", DIGEST_QUOTED, &cred->auts) &&
           digest_params_get(lex, params, "algorithm", 0, algorithm) &&
           digest_params_get(lex, params, "response", must, response);
}

/* What only an answer to a challenge has. */
static int get_answer(digest_credentials_t *digest, digest_lex_t *lex,
                      const digest_params_t *params, const char *response)
{
    const char *qop;

    if (!digest_params_get(lex, params, "cnonce", DIGEST_NEEDED | DIGEST_QUOTED, &digest->cnonce) ||
        !digest_params_get(lex, params, "nc", DIGEST_NEEDED, &digest->nc) ||
        !digest_params_get(lex, params, "qop", DIGEST_NEEDED, &qop))
        return 0;
    if (!digest_nc_parse(&digest->nc_value, digest->nc))
        return digest_lex_wrong(lex, "nc", "not eight hex digits from 1 on");
    digest->qop = digest_qop_parse(base_span_str(qop));
    digest->qop_known = digest->qop != DIGEST_QOP_NONE;
    return digest_hex_lower(digest->response, response, 2 * digest_alg_len(DIGEST_MD5)) ||
           digest_lex_wrong(lex, "response", "not the hex of an MD5 hash");
}

/* The list of parameters, whatever the scheme before it. */
static int get_params(digest_lex_t *lex, digest_params_t *params, const char *field,
                      apr_pool_t *pool)
{
    base_span_t scheme;

    if (!digest_lex_start(lex, field, pool))
        return 0;
    if (!digest_is_digest_scheme(field))
        return digest_lex_wrong(lex, "field", "the scheme is not Digest");
    return digest_lex_token(lex, &scheme) && digest_lex_params(lex, params);
}

base_result_t digest_aka_credentials_parse(digest_aka_credentials_t **out, const char *field,
                                           apr_pool_t *pool)
{
    digest_aka_credentials_t *cred = apr_pcalloc(pool, sizeof(*cred));
    const char *algorithm, *response;
    digest_params_t params;
    digest_lex_t lex;

    *out = NULL;
    if (!get_params(&lex, &params, field, pool) ||
        !get_names(cred, &lex, &params, &algorithm, &response))
        return base_fail(BASE_MALFORMED, "GBA0191", lex.why);
    cred->is_first = !*cred->digest.nonce && !*response;
    if (algorithm ? !base_equal_nocase(algorithm, DIGEST_AKA_NAME) : !cred->is_first)
        return base_fail(BASE_NOT_OFFERED, "GBA0192", "algorithm: not AKAv1-MD5");
    cred->digest.alg = DIGEST_MD5;
    cred->digest.alg_known = 1;
    if (!cred->is_first && !get_answer(&cred->digest, &lex, &params, response))
        return base_fail(BASE_MALFORMED, "GBA0193", lex.why);
    if (!cred->is_first && cred->digest.qop != DIGEST_QOP_AUTH_INT)
        return base_fail(BASE_NOT_OFFERED, "GBA0194", "qop: not auth-int");
    *out = cred;
    return base_ok();
}

const char *digest_aka_credentials_print(const digest_aka_credentials_t *cred, apr_pool_t *pool)
{
    const digest_credentials_t *digest = &cred->digest;
    const char *opaque = "", *auts = "", *head;

    head = apr_pstrcat(pool, "Digest username=\"", digest_escape(pool, digest->username),
                       "\", realm=\"", digest_escape(pool, digest->realm), "\", nonce=\"",
                       cred->is_first ? "" : digest_escape(pool, digest->nonce), "\", uri=\"",
                       digest_escape(pool, digest->uri), "\", algorithm=" DIGEST_AKA_NAME,
                       ", response=\"", cred->is_first ? "" : digest->response, "\"", NULL);
    if (cred->is_first)
        return head;
    if (digest->opaque)
        opaque = apr_pstrcat(pool, ", opaque=\"", digest_escape(pool, digest->opaque), "\"", NULL);
    if (cred->auts)
        auts = apr_pstrcat(pool, ", auts=\"", digest_escape(pool, cred->auts), "\"", NULL);
    return apr_pstrcat(pool, head, ", qop=", digest_qop_name(digest->qop), ", nc=", digest->nc,
                       ", cnonce=\"", digest_escape(pool, digest->cnonce), "\"", opaque, auts,
                       NULL);
}
