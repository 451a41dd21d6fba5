/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/pki_accept.h"

#include <string.h>
#include "base/base_text.h"

#define NAME_MAX_LEN 127 /* RFC 6838 4.2: octets of a type or subtype */
#define Q_ONE        1000

/* One media range. */
typedef struct range_t {
    char type[NAME_MAX_LEN + 1];
    char subtype[NAME_MAX_LEN + 1];
    int has_parameters;
    int q; /* thousandths */
} range_t;

/* How much a media type is wanted. */
typedef struct weight_t {
    const char *name;
    int specific; /* of the range that said so: 0 none, 1 any, 2 of the type, 3 exact */
    int q;
} weight_t;

static int is_token(char c)
{
    return c != '\0' && strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                               c) != NULL;
}

static void skip_space(const char **at)
{
    *at += strspn(*at, " \t");
}

/* Nonzero if a token of at most NAME_MAX_LEN octets was read. */
static int read_token(const char **at, char out[NAME_MAX_LEN + 1])
{
    apr_size_t len = 0;
    while (is_token((*at)[len]))
        len++;
    if (len == 0 || len > NAME_MAX_LEN)
        return 0;
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len;
    return 1;
}

/* Nonzero if a quoted string was read; what it says is of no interest. */
static int skip_quoted(const char **at)
{
    const char *p = *at + 1;
    for (; *p != '"'; p++) {
        if (*p == '\\')
            p++;
        if ((unsigned char)*p < 0x20 ? *p != '\t' : *p == 0x7f)
            return 0;
    }
    *at = p + 1;
    return 1;
}

/* RFC 9110 12.4.2: "0" or "1", and up to three decimals, of 1 all zeros. */
static int read_q(int *q, const char *text)
{
    apr_size_t len = strlen(text);
    int scale = Q_ONE;
    *q = 0;
    if (len > 5 || (text[0] != '0' && text[0] != '1') || (len > 1 && text[1] != '.'))
        return 0;
    for (apr_size_t i = 0; i < len; i++) {
        if (i == 1)
            continue;
        if (text[i] < '0' || text[i] > '9')
            return 0;
        *q += (text[i] - '0') * scale;
        scale /= 10;
    }
    return *q <= Q_ONE;
}

/* What stands behind the weight is an extension of an older form; it means nothing here. */
static int read_parameter(const char **at, range_t *range, int *weighed)
{
    char name[NAME_MAX_LEN + 1], value[NAME_MAX_LEN + 1] = "";
    int is_q;
    if (!read_token(at, name))
        return 0;
    is_q = !*weighed && base_equal_nocase(name, "q");
    if (**at != '=')
        return *weighed;
    (*at)++;
    if (**at == '"' ? is_q || !skip_quoted(at) : !read_token(at, value))
        return 0;
    if (is_q && !read_q(&range->q, value))
        return 0;
    if (!is_q && !*weighed)
        range->has_parameters = 1;
    *weighed |= is_q;
    return 1;
}

static int read_range(const char **at, range_t *range)
{
    int weighed = 0;
    memset(range, 0, sizeof(*range));
    range->q = Q_ONE;
    if (!read_token(at, range->type) || *(*at)++ != '/' || !read_token(at, range->subtype))
        return 0;
    if (strcmp(range->type, "*") == 0 && strcmp(range->subtype, "*") != 0)
        return 0;
    for (skip_space(at); **at == ';'; skip_space(at)) {
        (*at)++;
        skip_space(at);
        if (!read_parameter(at, range, &weighed))
            return 0;
    }
    return **at == ',' || **at == '\0';
}

static int match(const range_t *range, const char *name)
{
    const char *slash = strchr(name, '/');
    char type[NAME_MAX_LEN + 1] = "";
    if (range->has_parameters || !slash || (apr_size_t)(slash - name) > NAME_MAX_LEN)
        return 0;
    if (strcmp(range->type, "*") == 0)
        return 1;
    memcpy(type, name, (apr_size_t)(slash - name));
    if (!base_equal_nocase(range->type, type))
        return 0;
    if (strcmp(range->subtype, "*") == 0)
        return 2;
    return base_equal_nocase(range->subtype, slash + 1) ? 3 : 0;
}

/* Of two ranges that are as specific the one that wants more counts. */
static void weigh(weight_t *weight, const range_t *range)
{
    int specific = match(range, weight->name);
    if (specific == 0 || specific < weight->specific ||
        (specific == weight->specific && range->q <= weight->q))
        return;
    weight->specific = specific;
    weight->q = range->q;
}

int pki_accept_prefers(const char *accept, const char *type, const char *other)
{
    weight_t first = {type, 0, 0}, second = {other, 0, 0};
    range_t range;
    const char *at = accept ? accept : "";
    for (;;) {
        skip_space(&at);
        if (*at == ',') {
            at++;
            continue;
        }
        if (*at == '\0')
            return first.q > second.q;
        if (!read_range(&at, &range))
            return 0;
        weigh(&first, &range);
        weigh(&second, &range);
    }
}
