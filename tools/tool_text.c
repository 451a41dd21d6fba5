/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_text.h"
#include <string.h>
#include <apr_strings.h>

/* ---- UTF-8 (RFC 3629) ---- */

static int is_more(unsigned char octet)
{
    return (octet & 0xc0) == 0x80;
}

/* Octets of the well-formed character at @a at, and the character; 0 if there is none. What follows
 * is looked at only as far as it fits: the NUL at the end fits nowhere. */
static size_t read_char(const unsigned char *at, unsigned *out)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    unsigned value = len == 1 ? at[0] : at[0] & (0x7fu >> len);
    if (at[0] >= 0x80 && (at[0] < 0xc2 || at[0] > 0xf4))
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (!is_more(at[i]))
            return 0;
        value = value << 6 | (at[i] & 0x3fu);
    }
    *out = value;
    return value < least[len] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000) ? 0 : len;
}

static int is_shown(unsigned c)
{
    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == '\\')
        return 0;
    return c != 0x61c && c != 0x200e && c != 0x200f && !(c >= 0x2028 && c <= 0x202e) &&
           !(c >= 0x2066 && c <= 0x2069) && c != 0xfeff;
}

const char *tool_plain(apr_pool_t *pool, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    char *out = apr_palloc(pool, 4 * strlen(text) + 1), *end = out;
    unsigned c = 0;
    while (*at) {
        size_t len = read_char(at, &c);
        int shown = len && is_shown(c);
        if (!len)
            len = 1;
        for (size_t i = 0; i < len; i++, at++) {
            if (shown) {
                *end++ = (char)*at;
                continue;
            }
            *end++ = '\\';
            *end++ = 'x';
            base_hex_encode(end, at, 1);
            end += 2;
        }
    }
    *end = '\0';
    return out;
}

/* ---- forms ---- */

const char *tool_csv(apr_pool_t *pool, const char *text)
{
    const char *plain = tool_plain(pool, text ? text : "");
    char *out = apr_palloc(pool, 2 * strlen(plain) + 4), *end = out;
    int formula = plain[0] && strchr("=+-@", plain[0]) != NULL;
    int quoted = strpbrk(plain, "\",") != NULL;
    if (quoted)
        *end++ = '"';
    if (formula)
        *end++ = '\'';
    for (; *plain; plain++) {
        if (*plain == '"')
            *end++ = '"';
        *end++ = *plain;
    }
    if (quoted)
        *end++ = '"';
    *end = '\0';
    return out;
}

json_t *tool_json(const char *text, apr_pool_t *pool)
{
    json_t *value = text ? json_string(text) : json_null();
    return value ? value : json_string(tool_plain(pool, text));
}

const char *tool_time(apr_pool_t *pool, apr_int64_t seconds)
{
    apr_time_exp_t t;
    if (seconds < -62167219200 || seconds > 253402300799 ||
        apr_time_exp_gmt(&t, apr_time_from_sec(seconds)) != APR_SUCCESS)
        return apr_psprintf(pool, "%" APR_INT64_T_FMT, seconds);
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900, t.tm_mon + 1,
                        t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

const char *tool_hex(apr_pool_t *pool, base_span_t octets)
{
    char *hex = apr_palloc(pool, 2 * octets.len + 1);
    base_hex_encode(hex, octets.data, octets.len);
    return hex;
}
