/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base_text.h"

/* Octets of the character at @a at, which is not the end; 0 if it is none (RFC 3629 4). */
static int read_character(apr_uint32_t *c, const unsigned char *at)
{
    static const apr_uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    int len = at[0] < 0x80 ? 1 : at[0] < 0xc0 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (len == 0 || at[0] >= 0xf8)
        return 0;
    *c = len == 1 ? at[0] : at[0] & (0x7fu >> len);
    for (int i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (at[i] & 0x3fu);
    }
    return *c < least[len] || (*c >= 0xd800 && *c < 0xe000) || *c > 0x10ffff ? 0 : len;
}

int base_text_is_clean(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        apr_uint32_t c = 0;
        int len = read_character(&c, at);
        if (len == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0))
            return 0;
        at += len;
    }
    return 1;
}
