/* SPDX-License-Identifier: Apache-2.0 */
/* The codecs: hex, base64, safe log text, case-insensitive equality. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include "tap.h"
#include "base/base_text.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* A copy that ends where the text ends, so that a checker of memory sees any octet read beyond. */
static unsigned char *exact(const void *text, apr_size_t len)
{
    unsigned char *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    if (len)
        memcpy(copy, text, len);
    return copy;
}

static void test_span(void)
{
    base_span_t span = base_span_str("abc");
    ok(span.len == 3 && memcmp(span.data, "abc", 3) == 0, "span of a string");
    is_int((long long)base_span_str("").len, 0, "span of an empty string");
    is_int((long long)base_span_str(NULL).len, 0, "span of no string");
}

static void test_hex_encode(void)
{
    char out[9];
    base_hex_encode(out, "\x00\x9f\xa0\xff", 4);
    is_str(out, "009fa0ff", "hex is lower case");
    base_hex_encode(out, NULL, 0);
    is_str(out, "", "hex of nothing");
}

static void test_hex_decode(void)
{
    static const struct {
        const char *text;
        apr_size_t text_len;
        apr_size_t out_len;
        const char *want; /* NULL: refused */
        const char *name;
    } row[] = {
        {"009fa0ff", 8, 4, "\x00\x9f\xa0\xff", "lower case"},
        {"009FA0Ff", 8, 4, "\x00\x9f\xa0\xff", "mixed case"},
        {"", 0, 0, "", "nothing"},
        {NULL, 0, 0, "", "no text at all"},
        {"00", 2, 2, NULL, "too short"},
        {"0000", 4, 1, NULL, "too long"},
        {"000", 3, 1, NULL, "odd, one too many"},
        {"0", 1, 0, NULL, "odd, half an octet"},
        {"", 0, 1, NULL, "nothing where an octet must be"},
        {"0g", 2, 1, NULL, "g is no digit"},
        {"G0", 2, 1, NULL, "G is no digit"},
        {"0/", 2, 1, NULL, "the octet before 0"},
        {":0", 2, 1, NULL, "the octet after 9"},
        {"@0", 2, 1, NULL, "the octet before A"},
        {"0`", 2, 1, NULL, "the octet before a"},
        {" 0", 2, 1, NULL, "a space"},
        {"0x", 2, 1, NULL, "a C prefix"},
        {"+1", 2, 1, NULL, "a sign"},
        {"0\0", 2, 1, NULL, "a NUL"},
        {"\xef\xbc", 2, 1, NULL, "octets over 127"},
    };
    for (size_t i = 0; i < ROWS(row); i++) {
        char *text = (char *)exact(row[i].text, row[i].text_len);
        unsigned char *out = exact("\0\0\0\0", row[i].out_len);
        int got = base_hex_decode(out, row[i].out_len, text, row[i].text_len);
        int want = row[i].want != NULL;
        ok(!!got == want && (!want || memcmp(out, row[i].want, row[i].out_len) == 0),
           "hex decode: %s", row[i].name);
        free(text);
        free(out);
    }
    ok(!base_hex_decode(NULL, ~(apr_size_t)0, "00", 2), "hex decode: a length that would overflow");
}

/* RFC 4648 10, and octets that use the two last digits. */
static const struct {
    const char *octets;
    apr_size_t len;
    const char *base64;
    const char *base64url;
} vector[] = {
    {"", 0, "", ""},
    {"f", 1, "Zg==", "Zg"},
    {"fo", 2, "Zm8=", "Zm8"},
    {"foo", 3, "Zm9v", "Zm9v"},
    {"foob", 4, "Zm9vYg==", "Zm9vYg"},
    {"fooba", 5, "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", 6, "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbe", 3, "+/++", "-_--"},
    {"\xff\xff\xff", 3, "////", "____"},
    {"\0\0\0", 3, "AAAA", "AAAA"},
    {"\0", 1, "AA==", "AA"},
};

static void base64_round(apr_pool_t *pool, size_t i, base_base64_kind_t kind)
{
    const char *text = kind == BASE_BASE64 ? vector[i].base64 : vector[i].base64url;
    unsigned char *octets = exact(vector[i].octets, vector[i].len);
    unsigned char *out = exact("\0\0\0\0\0\0", vector[i].len);
    apr_size_t len = 99;
    base_span_t span = {exact(text, strlen(text)), strlen(text)};
    is_str(kind == BASE_BASE64 ? base_base64_encode(pool, octets, vector[i].len)
                               : base_base64url_encode(pool, octets, vector[i].len),
           text, apr_psprintf(pool, "base64 encode to \"%s\"", text));
    ok(base_base64_decode(out, vector[i].len, &len, span, kind) && len == vector[i].len &&
           memcmp(out, octets, len) == 0,
       "base64 decode \"%s\" into a buffer that just fits", text);
    if (vector[i].len)
        ok(!base_base64_decode(out, vector[i].len - 1, &len, span, kind) && len == 0,
           "base64 decode \"%s\": one octet short is refused", text);
    free((void *)(uintptr_t)span.data);
    free(octets);
    free(out);
}

static void test_base64_refused(void)
{
    static const struct {
        base_base64_kind_t kind;
        const char *text;
        apr_size_t len;
        const char *name;
    } row[] = {
        {BASE_BASE64, "Zg", 2, "padding missing"},
        {BASE_BASE64, "Zg=", 3, "half the padding"},
        {BASE_BASE64, "Zg===", 5, "too much padding"},
        {BASE_BASE64, "Zm9v====", 8, "a group of padding"},
        {BASE_BASE64, "====", 4, "padding alone"},
        {BASE_BASE64, "Z===", 4, "one digit"},
        {BASE_BASE64, "=Zg=", 4, "padding first"},
        {BASE_BASE64, "Z=g=", 4, "padding inside a group"},
        {BASE_BASE64, "Zg==Zg==", 8, "two texts in a row"},
        {BASE_BASE64, "Zh==", 4, "stray bits, one octet (RFC 4648 3.5)"},
        {BASE_BASE64, "Zm9=", 4, "stray bits, two octets (RFC 4648 3.5)"},
        {BASE_BASE64, "Zm9v\n", 5, "a newline after it"},
        {BASE_BASE64, "Zm\n9v===", 8, "a newline inside"},
        {BASE_BASE64, " Zm9", 4, "a space"},
        {BASE_BASE64, "Zm9\0", 4, "a NUL"},
        {BASE_BASE64, "-_--", 4, "the URL alphabet"},
        {BASE_BASE64, "Zm9\xc3", 4, "an octet over 127"},
        {BASE_BASE64, "Zm9.", 4, "the octet before /"},
        {BASE_BASE64, "Zm9@", 4, "the octet before A"},
        {BASE_BASE64, "Zm9[", 4, "the octet after Z"},
        {BASE_BASE64, "Zm9{", 4, "the octet after z"},
        {BASE_BASE64URL, "Zg==", 4, "URL: padded"},
        {BASE_BASE64URL, "Zm8=", 4, "URL: padded, one"},
        {BASE_BASE64URL, "Z", 1, "URL: one digit"},
        {BASE_BASE64URL, "Zm9vZ", 5, "URL: one digit over"},
        {BASE_BASE64URL, "Zh", 2, "URL: stray bits, one octet"},
        {BASE_BASE64URL, "Zm9", 3, "URL: stray bits, two octets"},
        {BASE_BASE64URL, "+/++", 4, "URL: the plain alphabet"},
        {BASE_BASE64URL, "Zm9v\r\n", 6, "URL: a line end after it"},
    };
    for (size_t i = 0; i < ROWS(row); i++) {
        unsigned char out[16];
        apr_size_t len = 99;
        base_span_t span = {exact(row[i].text, row[i].len), row[i].len};
        ok(!base_base64_decode(out, sizeof(out), &len, span, row[i].kind) && len == 0,
           "base64 refused: %s", row[i].name);
        free((void *)(uintptr_t)span.data);
    }
}

static void test_log_safe(apr_pool_t *pool)
{
    static const struct {
        const char *text;
        apr_size_t max;
        const char *want;
    } row[] = {
        {"plain text ~!", 99, "plain text ~!"},
        {"", 99, ""},
        {NULL, 99, "(null)"},
        {"line\r\nforged", 99, "line\\x0d\\x0aforged"},
        {"\x1b[31m\t\x7f", 99, "\\x1b[31m\\x09\\x7f"},
        {"say \"no\\yes\"", 99, "say \\x22no\\x5cyes\\x22"},
        {"caf\xc3\xa9", 99, "caf\\xc3\\xa9"},
        {"\x80\xff", 99, "\\x80\\xff"},
        {"abcdef", 6, "abcdef"},
        {"abcdef", 5, "abcde..."},
        {"\n\n\n", 2, "\\x0a\\x0a..."},
        {"abc", 0, "..."},
        {"", 0, ""},
    };
    for (size_t i = 0; i < ROWS(row); i++)
        is_str(base_log_safe(pool, row[i].text, row[i].max), row[i].want,
               apr_psprintf(pool, "log text: %s", row[i].want));
    is_str(base_log_safe(pool, "abc", ~(apr_size_t)0), "abc", "log text: no limit");
}

static void test_equal_nocase(apr_pool_t *pool)
{
    static const struct {
        const char *a;
        const char *b;
        int want;
    } row[] = {
        {"auth-int", "AUTH-int", 1},
        {"", "", 1},
        {"md5", "md55", 0},
        {"md55", "md5", 0},
        {"", "a", 0},
        {"a", "", 0},
        {"[", "{", 0},
        {"@", "`", 0},
        {"Z", "z", 1},
        {"A", "a", 1},
        {"\xc4", "\xe4", 0},
        {"abc", "abd", 0},
        {NULL, "", 0},
        {"", NULL, 0},
        {NULL, NULL, 0},
    };
    for (size_t i = 0; i < ROWS(row); i++)
        ok(!!base_equal_nocase(row[i].a, row[i].b) == row[i].want, "\"%s\" %s \"%s\"",
           base_log_safe(pool, row[i].a, 20), row[i].want ? "equals" : "differs from",
           base_log_safe(pool, row[i].b, 20));
}

/* RFC 3629 3 and 4. */
static void test_clean(apr_pool_t *pool)
{
    static const struct {
        const char *text;
        int want;
    } row[] = {
        {"", 1},
        {"plain words, \"quoted\"", 1},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91", 1},
        {"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", 1},
        {"\xc2\xa0", 1},
        {"a\nb", 0},
        {"a\tb", 0},
        {"\x7f", 0},
        {"\xc2\x85", 0},         /* a control character of C1 */
        {"\x80", 0},             /* nothing before it */
        {"\xc3", 0},             /* nothing behind it */
        {"\xe2\x82", 0},         /* cut */
        {"\xe2\x82z", 0},        /* another behind it */
        {"\xc0\xaf", 0},         /* longer than it need be */
        {"\xe0\x80\xaf", 0},     /* likewise */
        {"\xf0\x80\x80\xaf", 0}, /* likewise */
        {"\xed\xa0\x80", 0},     /* half of a surrogate pair */
        {"\xf4\x90\x80\x80", 0}, /* past the last character */
        {"\xf8\x88\x80\x80\x80", 0},
        {"\xff", 0},
    };
    for (size_t i = 0; i < ROWS(row); i++)
        ok(base_text_is_clean(row[i].text) == row[i].want, "\"%s\" is %s",
           base_log_safe(pool, row[i].text, 40), row[i].want ? "clean" : "not clean");
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return EXIT_FAILURE;
    test_span();
    test_hex_encode();
    test_hex_decode();
    for (size_t i = 0; i < ROWS(vector); i++) {
        base64_round(pool, i, BASE_BASE64);
        base64_round(pool, i, BASE_BASE64URL);
    }
    test_base64_refused();
    test_log_safe(pool);
    test_equal_nocase(pool);
    test_clean(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
