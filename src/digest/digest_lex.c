/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest_lex.c
 * See digest_lex.h. Works on octets and lengths only; no locale.
 */
#include "digest/digest_lex.h"

#include <apr_strings.h>
#include <string.h>

static int is_alnum(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* RFC 9110 5.6.2. A table, since this is asked of every octet of every name. */
static int is_tchar(unsigned char c)
{
    static const char tchars[256] = {
        ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['!'] = 1, ['#'] = 1, ['$'] = 1,
        ['%'] = 1,         ['&'] = 1,         ['\''] = 1,        ['*'] = 1, ['+'] = 1, ['-'] = 1,
        ['.'] = 1,         ['^'] = 1,         ['_'] = 1,         ['`'] = 1, ['|'] = 1, ['~'] = 1};

    return tchars[c];
}

/* RFC 9110 5.6.4, without HTAB: what may stand in a quoted string, escaped or not. */
static int is_quotable(unsigned char c)
{
    return c >= 0x20 && c != 0x7f;
}

int digest_lex_wrong(digest_lex_t *lex, const char *name, const char *what)
{
    lex->why = apr_psprintf(lex->pool, "%.64s: %s", name, what);
    return 0;
}

int digest_lex_start(digest_lex_t *lex, const char *field, apr_pool_t *pool)
{
    apr_size_t len = field ? strnlen(field, DIGEST_FIELD_MAX + 1) : 0;

    lex->at = field;
    lex->end = field ? field + len : NULL;
    lex->pool = pool;
    lex->why = "field: missing or too long";
    return field && len <= DIGEST_FIELD_MAX;
}

void digest_lex_space(digest_lex_t *lex)
{
    while (lex->at < lex->end && (*lex->at == ' ' || *lex->at == '\t'))
        lex->at++;
}

int digest_lex_more(digest_lex_t *lex)
{
    do
        digest_lex_space(lex);
    while (digest_lex_octet(lex, ','));
    return lex->at < lex->end;
}

int digest_lex_octet(digest_lex_t *lex, char octet)
{
    if (lex->at == lex->end || *lex->at != octet)
        return 0;
    lex->at++;
    return 1;
}

int digest_lex_token(digest_lex_t *lex, base_span_t *token)
{
    const char *start = lex->at;

    while (lex->at < lex->end && is_tchar((unsigned char)*lex->at))
        lex->at++;
    token->data = (const unsigned char *)start;
    token->len = (apr_size_t)(lex->at - start);
    if (token->len > 0)
        return 1;
    lex->why = "field: a name or value expected";
    return 0;
}

/* Passes white space up to "," or the end; 0 if something else is there. */
static int element_ends(digest_lex_t *lex)
{
    digest_lex_space(lex);
    return lex->at == lex->end || *lex->at == ',';
}

int digest_lex_token68(digest_lex_t *lex)
{
    static const char others[] = "-._~+/";
    digest_lex_t ahead = *lex;

    while (ahead.at < ahead.end &&
           (is_alnum((unsigned char)*ahead.at) || memchr(others, *ahead.at, sizeof(others) - 1)))
        ahead.at++;
    if (ahead.at == lex->at)
        return 0;
    while (digest_lex_octet(&ahead, '='))
        ;
    if (!element_ends(&ahead))
        return 0;
    lex->at = ahead.at;
    return 1;
}

/* The length of a quoted string as written, from after its opening quote to its closing one. */
static int quoted_extent(const digest_lex_t *lex, apr_size_t *extent)
{
    const char *p = lex->at;

    while (p < lex->end && *p != '"') {
        if (*p == '\\' && ++p == lex->end)
            return 0;
        if (!is_quotable((unsigned char)*p))
            return 0;
        p++;
    }
    *extent = (apr_size_t)(p - lex->at);
    return p < lex->end;
}

/* Takes a quoted string whose opening quote has been passed, and undoes quoted-pairs. */
static int take_quoted(digest_lex_t *lex, digest_param_t *param)
{
    apr_size_t extent;
    const char *stop;
    char *out;

    if (!quoted_extent(lex, &extent))
        return digest_lex_wrong(lex, param->name, "quoted string not ended, or a CTL in it");
    param->value = out = apr_palloc(lex->pool, extent + 1);
    stop = lex->at + extent;
    if (!memchr(lex->at, '\\', extent)) { /* the usual case */
        memcpy(out, lex->at, extent);
        out += extent;
        lex->at = stop;
    }
    for (; lex->at < stop; lex->at++) {
        if (*lex->at == '\\')
            lex->at++;
        *out++ = *lex->at;
    }
    *out = '\0';
    param->len = (apr_size_t)(out - param->value);
    param->quoted = 1;
    lex->at++;
    return 1;
}

static const char *name_of(digest_lex_t *lex, base_span_t token)
{
    char *name = apr_pstrmemdup(lex->pool, (const char *)token.data, token.len);

    for (char *p = name; *p; p++) {
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + ('a' - 'A'));
    }
    return name;
}

static const digest_param_t *find(const digest_params_t *params, const char *name)
{
    for (unsigned i = 0; i < params->count; i++) {
        const digest_param_t *item = &params->item[i];
        /* Most names differ in the first octet: a call less. */
        if (item->name[0] == name[0] && strcmp(item->name, name) == 0)
            return item;
    }
    return NULL;
}

int digest_lex_value(digest_lex_t *lex, base_span_t name, digest_params_t *params)
{
    digest_param_t *param = &params->item[params->count];
    base_span_t token;

    if (params->count == DIGEST_PARAMS_MAX) {
        lex->why = "field: too many parameters";
        return 0;
    }
    param->name = name_of(lex, name);
    if (find(params, param->name)) /* RFC 9110 11.2: once per challenge */
        return digest_lex_wrong(lex, param->name, "given twice");
    digest_lex_space(lex);
    if (digest_lex_octet(lex, '"')) {
        if (!take_quoted(lex, param))
            return 0;
    } else {
        if (!digest_lex_token(lex, &token))
            return digest_lex_wrong(lex, param->name, "no value");
        param->value = apr_pstrmemdup(lex->pool, (const char *)token.data, token.len);
        param->len = token.len;
        param->quoted = 0;
    }
    if (!element_ends(lex))
        return digest_lex_wrong(lex, param->name, "something else than a comma after it");
    params->count++;
    return 1;
}

int digest_lex_params(digest_lex_t *lex, digest_params_t *params)
{
    base_span_t name;

    params->count = 0;
    lex->why = "field: no parameters";
    while (digest_lex_more(lex)) {
        if (!digest_lex_token(lex, &name))
            return 0;
        digest_lex_space(lex);
        if (!digest_lex_octet(lex, '='))
            return digest_lex_wrong(lex, name_of(lex, name), "no = after it");
        if (!digest_lex_value(lex, name, params))
            return 0;
    }
    return params->count > 0;
}

int digest_params_get(digest_lex_t *lex, const digest_params_t *params, const char *name,
                      unsigned rules, const char **value)
{
    const digest_param_t *param = find(params, name);

    *value = NULL;
    if (!param)
        return rules & DIGEST_NEEDED ? digest_lex_wrong(lex, name, "missing") : 1;
    if (param->len > DIGEST_PARAM_MAX)
        return digest_lex_wrong(lex, name, "too long");
    if ((rules & DIGEST_QUOTED) && !param->quoted)
        return digest_lex_wrong(lex, name, "not quoted");
    *value = param->value;
    return 1;
}

int digest_hex_lower(char *out, const char *text, apr_size_t digits)
{
    if (strlen(text) != digits)
        return 0;
    for (apr_size_t i = 0; i < digits; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'F')
            c = (char)(c + ('a' - 'A'));
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return 0;
        out[i] = c;
    }
    out[digits] = '\0';
    return 1;
}

int digest_nc_parse(apr_uint32_t *value, const char *nc)
{
    unsigned char raw[4];

    if (!base_hex_decode(raw, sizeof(raw), nc, strlen(nc)))
        return 0;
    *value = (apr_uint32_t)raw[0] << 24 | (apr_uint32_t)raw[1] << 16 | (apr_uint32_t)raw[2] << 8 |
             raw[3];
    return *value != 0;
}

digest_qop_t digest_qop_parse(base_span_t text)
{
    static const digest_qop_t known[] = {DIGEST_QOP_AUTH, DIGEST_QOP_AUTH_INT};

    for (apr_size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const char *name = digest_qop_name(known[i]);
        if (text.len == strlen(name) && memcmp(text.data, name, text.len) == 0)
            return known[i];
    }
    return DIGEST_QOP_NONE;
}

const char *digest_escape(apr_pool_t *pool, const char *text)
{
    char *out, *start;

    if (!strpbrk(text, "\"\\"))
        return text;
    out = start = apr_palloc(pool, 2 * strlen(text) + 1);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            *out++ = '\\';
        *out++ = *text;
    }
    *out = '\0';
    return start;
}
