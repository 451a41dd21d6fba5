/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest_authinfo.c
 * The Authentication-Info field (RFC 7616 3.5): parser and printer.
 */
#include "digest/digest_grammar.h"

#include <apr_strings.h>
#include <string.h>
#include "digest/digest_lex.h"

/* The header does not say the algorithm: any hash length of ours will do here. */
static int get_rspauth(digest_authinfo_t *info, digest_lex_t *lex, const digest_params_t *params)
{
    const char *text;
    char *hex = apr_palloc(lex->pool, DIGEST_HEX_MAX);

    if (!digest_params_get(lex, params, "rspauth", DIGEST_NEEDED | DIGEST_QUOTED, &text))
        return 0;
    info->rspauth = hex;
    return digest_hex_lower(hex, text, 2 * digest_alg_len(DIGEST_MD5)) ||
           digest_hex_lower(hex, text, 2 * digest_alg_len(DIGEST_SHA256)) ||
           digest_lex_wrong(lex, "rspauth", "not the hex of a hash");
}

static int get_info(digest_authinfo_t *info, digest_lex_t *lex, const digest_params_t *params)
{
    const char *qop;
    apr_uint32_t nc;

    if (!digest_params_get(lex, params, "qop", DIGEST_NEEDED, &qop) ||
        !digest_params_get(lex, params, "nc", DIGEST_NEEDED, &info->nc) ||
        !digest_params_get(lex, params, "cnonce", DIGEST_NEEDED | DIGEST_QUOTED, &info->cnonce) ||
        !digest_params_get(lex, params, "nextnonce", DIGEST_QUOTED, &info->nextnonce) ||
        !get_rspauth(info, lex, params))
        return 0;
    info->qop = digest_qop_parse(base_span_str(qop));
    if (info->qop == DIGEST_QOP_NONE)
        return digest_lex_wrong(lex, "qop", "neither auth nor auth-int");
    return digest_nc_parse(&nc, info->nc) ||
           digest_lex_wrong(lex, "nc", "not eight hex digits from 1 on");
}

base_result_t digest_authinfo_parse(digest_authinfo_t **out, const char *field, apr_pool_t *pool)
{
    digest_authinfo_t *info = apr_pcalloc(pool, sizeof(*info));
    digest_params_t params;
    digest_lex_t lex;

    *out = NULL;
    if (!digest_lex_start(&lex, field, pool) || !digest_lex_params(&lex, &params) ||
        !get_info(info, &lex, &params))
        return base_fail(BASE_MALFORMED, "GBA0131", lex.why);
    *out = info;
    return base_ok();
}

const char *digest_authinfo_print(const digest_authinfo_t *info, apr_pool_t *pool)
{
    const char *next = "";

    if (info->nextnonce)
        next =
            apr_pstrcat(pool, ", nextnonce=\"", digest_escape(pool, info->nextnonce), "\"", NULL);
    return apr_pstrcat(pool, "qop=", digest_qop_name(info->qop), ", rspauth=\"", info->rspauth,
                       "\", cnonce=\"", digest_escape(pool, info->cnonce), "\", nc=", info->nc,
                       next, NULL);
}
