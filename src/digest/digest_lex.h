/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest_lex.h
 * Private to src/digest: the scanner under digest_grammar.h (RFC 9110 5.6 and
 * 11.2) and the value checks that its parsers share. Functions that return int
 * return nonzero on success; on 0 the scanner's why says what was wrong.
 */
#ifndef digest_lex_h
#define digest_lex_h

#include "digest/digest_grammar.h"

/** Where a parser stands in a field value. */
typedef struct digest_lex_t {
    const char *at;   /**< next octet */
    const char *end;  /**< one past the last octet */
    apr_pool_t *pool; /**< takes names, values and reasons */
    const char *why;  /**< what was wrong, for the operator's log */
} digest_lex_t;

/** One parameter, its quoting undone. */
typedef struct digest_param_t {
    const char *name;  /**< lower-cased */
    const char *value; /**< never NULL */
    apr_size_t len;    /**< octets of the value */
    int quoted;        /**< it was written as a quoted string */
} digest_param_t;

/** The parameters of one challenge or field. */
typedef struct digest_params_t {
    unsigned count;
    digest_param_t item[DIGEST_PARAMS_MAX];
} digest_params_t;

/** What digest_params_get() demands; bits. */
typedef enum digest_rule_t {
    DIGEST_NEEDED = 1, /**< absent is wrong */
    DIGEST_QUOTED = 2  /**< a token is wrong */
} digest_rule_t;

/** Starts at the front of @a field; 0 if it is NULL or over DIGEST_FIELD_MAX. */
int digest_lex_start(digest_lex_t *lex, const char *field, apr_pool_t *pool);

/** Skips SP and HTAB (OWS and BWS of RFC 9110 5.6.3). */
void digest_lex_space(digest_lex_t *lex);

/** Skips white space and commas; nonzero if octets are left. */
int digest_lex_more(digest_lex_t *lex);

/** Nonzero if the next octet is @a octet, which is then passed. */
int digest_lex_octet(digest_lex_t *lex, char octet);

/** Takes a token (RFC 9110 5.6.2) of at least one octet. */
int digest_lex_token(digest_lex_t *lex, base_span_t *token);

/** Nonzero, and past it, if a whole token68 list element is next (RFC 9110 11.2). */
int digest_lex_token68(digest_lex_t *lex);

/** Takes the value after "=" and what ends a list element after it, and adds the parameter. */
int digest_lex_value(digest_lex_t *lex, base_span_t name, digest_params_t *params);

/** Takes parameters up to the end of the field: at least one. */
int digest_lex_params(digest_lex_t *lex, digest_params_t *params);

/**
 * Looks a parameter up.
 * @param name  lower case
 * @param rules digest_rule_t bits
 * @param value set to the value, in the scanner's pool; NULL if absent
 * @return nonzero if the rules and DIGEST_PARAM_MAX are kept
 */
int digest_params_get(digest_lex_t *lex, const digest_params_t *params, const char *name,
                      unsigned rules, const char **value);

/** Sets the reason to "NAME: WHAT" and returns 0. */
int digest_lex_wrong(digest_lex_t *lex, const char *name, const char *what);

/** Lower-cases exactly @a digits hex digits into @a out; 0 if the text is anything else. */
int digest_hex_lower(char *out, const char *text, apr_size_t digits);

/** The value of nc: exactly eight hex digits, not all 0 (RFC 7616 3.4: it counts from 1). */
int digest_nc_parse(apr_uint32_t *value, const char *nc);

/** "auth" or "auth-int", as written; DIGEST_QOP_NONE for anything else. */
digest_qop_t digest_qop_parse(base_span_t text);

/** @a text with quoted-pairs where a quoted string needs them, without the quotes. */
const char *digest_escape(apr_pool_t *pool, const char *text);

#endif
