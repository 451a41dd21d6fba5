/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest_credentials.c
 * The Authorization field (RFC 7616 3.4): parser and printer.
 */
#include "digest/digest_grammar.h"

#include <apr_strings.h>
#include <string.h>
#include "digest/digest_lex.h"

int digest_is_digest_scheme(const char *field)
{
    digest_lex_t lex = {field, field ? field + strlen(field) : NULL, NULL, NULL};
    base_span_t token;
    char scheme[sizeof("Digest")];

    if (!digest_lex_token(&lex, &token) || token.len != sizeof(scheme) - 1)
        return 0;
    apr_cpystrn(scheme, field, sizeof(scheme));
    return base_equal_nocase(scheme, "Digest") &&
           (lex.at == lex.end || *lex.at == ' ' || *lex.at == '\t');
}

/* RFC 7616 3.4: these are quoted strings, and all but opaque must be there. */
static int get_strings(digest_credentials_t *cred, digest_lex_t *lex, const digest_params_t *params)
{
    const unsigned must = DIGEST_NEEDED | DIGEST_QUOTED;

    return digest_params_get(lex, params, "username", must, &cred->username) &&
           digest_params_get(lex, params, "realm", must, &cred->realm) &&
           digest_params_get(lex, params, "nonce", must, &cred->nonce) &&
           digest_params_get(lex, params, "uri", must, &cred->uri) &&
           digest_params_get(lex, params, "cnonce", must, &cred->cnonce) &&
           digest_params_get(lex, params, "opaque", DIGEST_QUOTED, &cred->opaque);
}

static int get_nc(digest_credentials_t *cred, digest_lex_t *lex, const digest_params_t *params)
{
    if (!digest_params_get(lex, params, "nc", DIGEST_NEEDED, &cred->nc))
        return 0;
    return digest_nc_parse(&cred->nc_value, cred->nc) ||
           digest_lex_wrong(lex, "nc", "not eight hex digits from 1 on");
}

static int get_qop(digest_credentials_t *cred, digest_lex_t *lex, const digest_params_t *params)
{
    const char *qop;

    if (!digest_params_get(lex, params, "qop", DIGEST_NEEDED, &qop))
        return 0;
    cred->qop = digest_qop_parse(base_span_str(qop));
    cred->qop_known = cred->qop != DIGEST_QOP_NONE;
    return 1;
}

/* response is checked against algorithm, so the two go together. */
static int get_response(digest_credentials_t *cred, digest_lex_t *lex,
                        const digest_params_t *params)
{
    const char *algorithm, *response;

    if (!digest_params_get(lex, params, "algorithm", 0, &algorithm) ||
        !digest_params_get(lex, params, "response", DIGEST_NEEDED | DIGEST_QUOTED, &response))
        return 0;
    cred->alg = DIGEST_MD5;
    cred->alg_known = !algorithm || digest_alg_parse(&cred->alg, algorithm);
    return !cred->alg_known ||
           digest_hex_lower(cred->response, response, 2 * digest_alg_len(cred->alg)) ||
           digest_lex_wrong(lex, "response", "not the hex of this algorithm's length");
}

/* What hides the user's name (RFC 7616 3.4.4, RFC 8187) is never offered. */
static int get_no_hiding(digest_lex_t *lex, const digest_params_t *params)
{
    const char *value;

    if (!digest_params_get(lex, params, "userhash", 0, &value))
        return 0;
    if (value && !base_equal_nocase(value, "false"))
        return digest_lex_wrong(lex, "userhash", "not false");
    if (!digest_params_get(lex, params, "username*", 0, &value))
        return 0;
    return !value || digest_lex_wrong(lex, "username*", "not supported");
}

base_result_t digest_credentials_parse(digest_credentials_t **out, const char *field,
                                       apr_pool_t *pool)
{
    digest_credentials_t *cred = apr_pcalloc(pool, sizeof(*cred));
    digest_params_t params;
    digest_lex_t lex;
    base_span_t scheme;

    *out = NULL;
    if (!digest_lex_start(&lex, field, pool))
        return base_fail(BASE_MALFORMED, "GBA0111", lex.why);
    if (!digest_is_digest_scheme(field))
        return base_fail(BASE_MALFORMED, "GBA0112", "field: the scheme is not Digest");
    if (!digest_lex_token(&lex, &scheme) || !digest_lex_params(&lex, &params) ||
        !get_no_hiding(&lex, &params) || !get_strings(cred, &lex, &params) ||
        !get_nc(cred, &lex, &params) || !get_qop(cred, &lex, &params) ||
        !get_response(cred, &lex, &params))
        return base_fail(BASE_MALFORMED, "GBA0113", lex.why);
    *out = cred;
    return base_ok();
}

const char *digest_credentials_print(const digest_credentials_t *cred, apr_pool_t *pool)
{
    const char *opaque = "";

    if (cred->opaque)
        opaque = apr_pstrcat(pool, ", opaque=\"", digest_escape(pool, cred->opaque), "\"", NULL);
    return apr_pstrcat(
        pool, "Digest username=\"", digest_escape(pool, cred->username), "\", realm=\"",
        digest_escape(pool, cred->realm), "\", nonce=\"", digest_escape(pool, cred->nonce),
        "\", uri=\"", digest_escape(pool, cred->uri), "\", algorithm=", digest_alg_name(cred->alg),
        ", response=\"", cred->response, "\"", opaque, ", qop=", digest_qop_name(cred->qop),
        ", nc=", cred->nc, ", cnonce=\"", digest_escape(pool, cred->cnonce), "\"", NULL);
}
