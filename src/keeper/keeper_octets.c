/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_octets.h"

#include <string.h>

keeper_octets_t keeper_octets_writer(unsigned char *out, apr_size_t len)
{
    return (keeper_octets_t){out, NULL, len, 0};
}

keeper_octets_t keeper_octets_reader(base_span_t from)
{
    return (keeper_octets_t){NULL, from.data, from.len, 0};
}

void keeper_octets_fixed(keeper_octets_t *walk, void *data, apr_size_t len)
{
    if (walk->spoiled || len > walk->left) {
        walk->spoiled = 1;
        return;
    }
    walk->left -= len;
    if (len == 0)
        return;
    if (walk->out) {
        memcpy(walk->out, data, len);
        walk->out += len;
    } else {
        memcpy(data, walk->in, len);
        walk->in += len;
    }
}

/* The value as it is after the walk; unchanged if the walk is spoiled. */
static apr_uint64_t number(keeper_octets_t *walk, apr_uint64_t value, int octets)
{
    unsigned char raw[8] = {0};
    apr_uint64_t back = 0;
    for (int i = 0; i < octets; i++)
        raw[i] = (unsigned char)(value >> (8 * (octets - 1 - i)) & 0xff);
    keeper_octets_fixed(walk, raw, (apr_size_t)octets);
    for (int i = 0; i < octets; i++)
        back = back << 8 | raw[i];
    return back;
}

void keeper_octets_u8(keeper_octets_t *walk, unsigned char *value)
{
    *value = (unsigned char)number(walk, *value, 1);
}

void keeper_octets_u16(keeper_octets_t *walk, apr_uint16_t *value)
{
    *value = (apr_uint16_t)number(walk, *value, 2);
}

void keeper_octets_u32(keeper_octets_t *walk, apr_uint32_t *value)
{
    *value = (apr_uint32_t)number(walk, *value, 4);
}

void keeper_octets_u64(keeper_octets_t *walk, apr_uint64_t *value)
{
    *value = number(walk, *value, 8);
}

void keeper_octets_time(keeper_octets_t *walk, apr_time_t *value)
{
    apr_uint64_t raw = (apr_uint64_t)*value;
    keeper_octets_u64(walk, &raw);
    if (raw > (apr_uint64_t)APR_INT64_MAX) {
        walk->spoiled = 1;
        raw = 0;
    }
    *value = (apr_time_t)raw;
}

void keeper_octets_count(keeper_octets_t *walk, unsigned char *count, unsigned char max)
{
    keeper_octets_u8(walk, count);
    if (*count > max)
        walk->spoiled = 1;
    if (walk->spoiled)
        *count = 0;
}

void keeper_octets_block(keeper_octets_t *walk, void *data, apr_uint16_t *len, apr_size_t max)
{
    keeper_octets_u16(walk, len);
    if (*len > max)
        walk->spoiled = 1;
    if (walk->spoiled)
        *len = 0;
    keeper_octets_fixed(walk, data, *len);
}

void keeper_octets_text(keeper_octets_t *walk, char *text, apr_size_t max)
{
    apr_uint16_t len = 0;
    if (walk->out)
        len = (apr_uint16_t)strnlen(text, max + 1);
    keeper_octets_block(walk, text, &len, max);
    if (walk->out)
        return;
    /* A NUL inside would make two readers see two different names. */
    if (memchr(text, '\0', len)) {
        walk->spoiled = 1;
        len = 0;
    }
    text[len] = '\0';
}
