/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file base_text.h
 * Strict text codecs: hex, base64 (RFC 4648 4 and 5), decimal. Every decoder
 * takes a length, checks the size of its target first, consumes all of its
 * input or fails, and never guesses. Pure; thread-safe.
 */
#ifndef base_text_h
#define base_text_h

#include <apr_pools.h>
#include <apr_time.h>

/** Octets that belong to somebody else. */
typedef struct base_span_t {
    const unsigned char *data; /**< may be NULL if len is 0 */
    apr_size_t len;            /**< octets */
} base_span_t;

/** A span over a NUL-terminated string (without the NUL); NULL gives an empty span. */
base_span_t base_span_str(const char *text);

/** Lower-case hex of @a len octets, written with a NUL into @a out (2 * len + 1 octets). */
void base_hex_encode(char *out, const void *src, apr_size_t len);

/**
 * Decodes exactly @a out_len octets from 2 * out_len hex digits of either case.
 * @return nonzero on success; 0 if text_len differs or an octet is no hex digit
 */
int base_hex_decode(unsigned char *out, apr_size_t out_len, const char *text, apr_size_t text_len);

/** Base64 (RFC 4648 4, padded) of @a len octets; NUL-terminated, in @a pool, wiped with it. */
char *base_base64_encode(apr_pool_t *pool, const void *src, apr_size_t len);

/** Base64url (RFC 4648 5) without padding; NUL-terminated, in @a pool, wiped with it. */
char *base_base64url_encode(apr_pool_t *pool, const void *src, apr_size_t len);

/** Which base64 a text is in. */
typedef enum base_base64_kind_t {
    BASE_BASE64,   /**< RFC 4648 4, padding required */
    BASE_BASE64URL /**< RFC 4648 5, no padding */
} base_base64_kind_t;

/**
 * Strict base64: canonical (unused bits zero), no white space, no junk.
 * @param out     takes at most out_size octets
 * @param out_len set to the number of octets written
 * @return nonzero on success; 0 if anything is wrong or it does not fit (out_len is then 0)
 */
int base_base64_decode(unsigned char *out, apr_size_t out_size, apr_size_t *out_len,
                       base_span_t text, base_base64_kind_t kind);

/**
 * Strict unsigned decimal: 1 to 20 digits, no sign, no spaces, at most @a max.
 * @return nonzero and *value set, or 0
 */
int base_decimal_decode(apr_uint64_t *value, base_span_t text, apr_uint64_t max);

/**
 * RFC 3339 date-time ("2030-01-01T00:00:00Z", fractions and numeric offsets allowed).
 * @return nonzero and *when set (UTC, microseconds), or 0
 */
int base_rfc3339_decode(apr_time_t *when, base_span_t text);

/**
 * A size as directives and options write it: digits with an optional K, M or G (powers of 1024).
 * @return nonzero and *octets set, or 0
 */
int base_size_decode(apr_off_t *octets, const char *text);

/**
 * A duration as directives write it: digits and one of ms, s, m, h, d.
 * @return nonzero and *span set (microseconds), or 0 (a bare number has no unit and is refused,
 *         but "0" is taken)
 */
int base_duration_decode(apr_interval_time_t *span, const char *text);

/** A copy of at most @a max octets of untrusted text, safe for a log line: CTL, `"`, `\` and
 *  non-ASCII octets are written \xHH; "..." marks a cut. In @a pool. */
const char *base_log_safe(apr_pool_t *pool, const char *text, apr_size_t max);

/** Nonzero if a text is UTF-8 without control characters, so that it can stand in a page or in
 *  JSON. An empty one is. */
int base_text_is_clean(const char *text);

/** Nonzero if the two strings are equal but for the case of ASCII letters (no locale). */
int base_equal_nocase(const char *a, const char *b);

#endif
