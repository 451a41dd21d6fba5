/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base_text.h"

#include <string.h>
#include "base/base_secret.h"

static const char hex_digits[] = "0123456789abcdef";
/* RFC 4648 tables 1 and 2. */
static const char *const base64_digits[] = {
    [BASE_BASE64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE_BASE64URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

base_span_t base_span_str(const char *text)
{
    base_span_t span = {(const unsigned char *)text, text ? strlen(text) : 0};
    return span;
}

static int is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* 0 to 15, or -1. */
static int hex_value(int c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

void base_hex_encode(char *out, const void *src, apr_size_t len)
{
    const unsigned char *octets = src;
    for (apr_size_t i = 0; i < len; i++) {
        *out++ = hex_digits[octets[i] >> 4];
        *out++ = hex_digits[octets[i] & 15];
    }
    *out = '\0';
}

int base_hex_decode(unsigned char *out, apr_size_t out_len, const char *text, apr_size_t text_len)
{
    if (text_len % 2 != 0 || text_len / 2 != out_len)
        return 0;
    for (apr_size_t i = 0; i < out_len; i++) {
        int high = hex_value((unsigned char)text[2 * i]);
        int low = hex_value((unsigned char)text[2 * i + 1]);
        if (high < 0 || low < 0)
            return 0;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return 1;
}

/* One to three octets to two to four digits; returns how many. */
static apr_size_t base64_group(char *out, const unsigned char *src, apr_size_t len,
                               const char *digits)
{
    unsigned int bits = (unsigned int)src[0] << 16;
    if (len > 1)
        bits |= (unsigned int)src[1] << 8;
    if (len > 2)
        bits |= src[2];
    for (apr_size_t i = 0; i <= len; i++)
        out[i] = digits[bits >> (18 - 6 * i) & 63];
    return len + 1;
}

static char *base64_encode(apr_pool_t *pool, const unsigned char *src, apr_size_t len,
                           base_base64_kind_t kind)
{
    const char *digits = base64_digits[kind];
    /* The octets may be a key: Ks_NAF in base64 is the password. */
    char *text = base_secret_alloc(pool, (len / 3 + 1) * 4 + 1);
    char *end = text;
    for (; len >= 3; src += 3, len -= 3)
        end += base64_group(end, src, 3, digits);
    if (len) {
        end += base64_group(end, src, len, digits);
        for (apr_size_t i = len; kind == BASE_BASE64 && i < 3; i++)
            *end++ = '=';
    }
    *end = '\0';
    return text;
}

char *base_base64_encode(apr_pool_t *pool, const void *src, apr_size_t len)
{
    return base64_encode(pool, src, len, BASE_BASE64);
}

char *base_base64url_encode(apr_pool_t *pool, const void *src, apr_size_t len)
{
    return base64_encode(pool, src, len, BASE_BASE64URL);
}

/* 0 to 63, or -1. */
static int base64_value(int c, base_base64_kind_t kind)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (is_digit(c))
        return c - '0' + 52;
    if (c == base64_digits[kind][62])
        return 62;
    return c == base64_digits[kind][63] ? 63 : -1;
}

/* How many of the characters are digits, if length and padding are right; sets *right. */
static apr_size_t base64_digit_count(base_span_t text, base_base64_kind_t kind, int *right)
{
    apr_size_t count = text.len;
    *right = kind == BASE_BASE64 ? count % 4 == 0 : count % 4 != 1;
    if (kind == BASE_BASE64 && *right)
        for (int pad = 0; pad < 2 && count && text.data[count - 1] == '='; pad++)
            count--;
    return count;
}

/* Fills out[] from the digits; nonzero if all are digits and no stray bit is left (RFC 4648 3.5).
 */
static int base64_digits_decode(unsigned char *out, const unsigned char *digits, apr_size_t count,
                                base_base64_kind_t kind)
{
    unsigned int bits = 0;
    unsigned int have = 0;
    for (apr_size_t i = 0; i < count; i++) {
        int value = base64_value(digits[i], kind);
        if (value < 0)
            return 0;
        bits = bits << 6 | (unsigned int)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *out++ = (unsigned char)(bits >> have);
            bits &= (1U << have) - 1;
        }
    }
    return bits == 0;
}

int base_base64_decode(unsigned char *out, apr_size_t out_size, apr_size_t *out_len,
                       base_span_t text, base_base64_kind_t kind)
{
    int right;
    apr_size_t count = base64_digit_count(text, kind, &right);
    apr_size_t need = count / 4 * 3 + count % 4 * 3 / 4;
    *out_len = 0;
    if (!right || need > out_size || !base64_digits_decode(out, text.data, count, kind))
        return 0;
    *out_len = need;
    return 1;
}

int base_decimal_decode(apr_uint64_t *value, base_span_t text, apr_uint64_t max)
{
    apr_uint64_t number = 0;
    if (text.len < 1 || text.len > 20)
        return 0;
    for (apr_size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return 0;
        apr_uint64_t digit = (apr_uint64_t)text.data[i] - '0';
        if (digit > max || number > (max - digit) / 10)
            return 0;
        number = number * 10 + digit;
    }
    *value = number;
    return 1;
}

/* The next `count` octets as a number from low to high; moves on. Nonzero if they are one. */
static int take_number(base_span_t *text, apr_size_t count, int low, int high, int *value)
{
    int number = 0;
    if (text->len < count)
        return 0;
    for (apr_size_t i = 0; i < count; i++) {
        if (!is_digit(text->data[i]))
            return 0;
        number = number * 10 + (text->data[i] - '0');
    }
    text->data += count;
    text->len -= count;
    *value = number;
    return number >= low && number <= high;
}

/* The next octet if it is one of two; moves on. */
static int take_either(base_span_t *text, int this, int that)
{
    if (text->len == 0 || (text->data[0] != this && text->data[0] != that))
        return 0;
    text->data++;
    text->len--;
    return 1;
}

static int take_char(base_span_t *text, int c)
{
    return take_either(text, c, c);
}

/* full-date (RFC 3339 5.6) as days from 1970-01-01. */
static int take_date(base_span_t *text, apr_int64_t *days)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int year;
    int month;
    int day;
    if (!take_number(text, 4, 0, 9999, &year) || !take_char(text, '-') ||
        !take_number(text, 2, 1, 12, &month) || !take_char(text, '-') ||
        !take_number(text, 2, 1, 31, &day))
        return 0;
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > before[month] - before[month - 1] + (month == 2 && leap))
        return 0;
    /* Counted from 400 years before year 1, so that year 0 needs no case of its own. */
    apr_int64_t past = year + 399;
    *days = past * 365 + past / 4 - past / 100 + past / 400 - (719162 + 146097);
    *days += before[month - 1] + (month > 2 && leap) + day - 1;
    return 1;
}

/* partial-time without its fraction, as seconds; 60 is the leap second. */
static int take_time(base_span_t *text, int *seconds, int *is_leap)
{
    int hour;
    int minute;
    int second;
    if (!take_number(text, 2, 0, 23, &hour) || !take_char(text, ':') ||
        !take_number(text, 2, 0, 59, &minute) || !take_char(text, ':') ||
        !take_number(text, 2, 0, 60, &second))
        return 0;
    *seconds = (hour * 60 + minute) * 60 + second;
    *is_leap = second == 60;
    return 1;
}

/* time-secfrac, if there is one, as microseconds; what is finer is cut. */
static int take_fraction(base_span_t *text, int *micros)
{
    int digit;
    int weight = 100000;
    *micros = 0;
    if (!take_char(text, '.'))
        return 1;
    if (text->len == 0 || !is_digit(text->data[0]))
        return 0;
    while (text->len && is_digit(text->data[0]) && take_number(text, 1, 0, 9, &digit)) {
        *micros += digit * weight;
        weight /= 10;
    }
    return 1;
}

/* time-offset as seconds east of UTC. */
static int take_offset(base_span_t *text, int *seconds)
{
    int hour;
    int minute;
    int sign = text->len && text->data[0] == '-' ? -1 : 1;
    *seconds = 0;
    if (take_either(text, 'Z', 'z'))
        return 1;
    if (!take_either(text, '+', '-') || !take_number(text, 2, 0, 23, &hour) ||
        !take_char(text, ':') || !take_number(text, 2, 0, 59, &minute))
        return 0;
    *seconds = sign * (hour * 60 + minute) * 60;
    return 1;
}

int base_rfc3339_decode(apr_time_t *when, base_span_t text)
{
    apr_int64_t days;
    int seconds;
    int micros;
    int offset;
    int is_leap;
    if (!take_date(&text, &days) || !take_either(&text, 'T', 't') ||
        !take_time(&text, &seconds, &is_leap) || !take_fraction(&text, &micros) ||
        !take_offset(&text, &offset) || text.len != 0)
        return 0;
    apr_int64_t utc = days * 86400 + seconds - offset;
    /* A leap second ends a UTC day (RFC 3339 5.7); it is told as the first second of the next. */
    if (is_leap && utc % 86400 != 0)
        return 0;
    *when = utc * APR_USEC_PER_SEC + micros;
    return 1;
}

/* Splits "10m" into 10 and "m". Nonzero if there is at least one digit and the number fits. */
static int split_number(apr_uint64_t *number, const char **unit, const char *text)
{
    base_span_t digits = base_span_str(text);
    if (!text)
        return 0;
    digits.len = strspn(text, "0123456789");
    *unit = text + digits.len;
    return base_decimal_decode(number, digits, APR_INT64_MAX);
}

/* One unit that a quantity may carry. */
typedef struct unit_t {
    const char *name;
    apr_int64_t factor;
} unit_t;

/* number times the factor of the unit of that name; 0 if unknown or too large. */
static int scale(apr_int64_t *out, apr_uint64_t number, const char *name, const unit_t *units)
{
    for (; units->name; units++) {
        if (strcmp(units->name, name) == 0) {
            if (number > (apr_uint64_t)(APR_INT64_MAX / units->factor))
                return 0;
            *out = (apr_int64_t)number * units->factor;
            return 1;
        }
    }
    return 0;
}

int base_size_decode(apr_off_t *octets, const char *text)
{
    static const unit_t units[] = {
        {"", 1}, {"K", 1024}, {"M", 1024 * 1024}, {"G", 1024 * 1024 * 1024}, {NULL, 0}};
    apr_uint64_t number;
    apr_int64_t product;
    const char *unit;
    if (!split_number(&number, &unit, text) || !scale(&product, number, unit, units))
        return 0;
    *octets = product;
    return 1;
}

int base_duration_decode(apr_interval_time_t *span, const char *text)
{
    static const unit_t units[] = {{"ms", 1000},
                                   {"s", APR_USEC_PER_SEC},
                                   {"m", 60 * APR_USEC_PER_SEC},
                                   {"h", 3600 * APR_USEC_PER_SEC},
                                   {"d", 86400 * APR_USEC_PER_SEC},
                                   {NULL, 0}};
    apr_uint64_t number;
    apr_int64_t product;
    const char *unit;
    if (text && strcmp(text, "0") == 0)
        text = "0s";
    if (!split_number(&number, &unit, text) || !scale(&product, number, unit, units))
        return 0;
    *span = product;
    return 1;
}

const char *base_log_safe(apr_pool_t *pool, const char *text, apr_size_t max)
{
    if (!text)
        return "(null)";
    apr_size_t len = strnlen(text, max);
    char *copy = apr_palloc(pool, len * 4 + sizeof("..."));
    char *end = copy;
    for (apr_size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
            *end++ = '\\';
            *end++ = 'x';
            base_hex_encode(end, &c, 1);
            end += 2;
        } else {
            *end++ = (char)c;
        }
    }
    strcpy(end, text[len] ? "..." : "");
    return copy;
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int base_equal_nocase(const char *a, const char *b)
{
    if (!a || !b)
        return 0;
    while (*a && lower((unsigned char)*a) == lower((unsigned char)*b)) {
        a++;
        b++;
    }
    return *a == *b;
}
