/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest_grammar.h
 * The one grammar of Digest header fields (RFC 9110 11.4, RFC 7616 3.3 to 3.5)
 * and its one parser, strict, for both ends: credentials (server), challenges
 * and Authentication-Info (UE). And the printers. Pure; thread-safe.
 *
 * Common rules: at most DIGEST_FIELD_MAX octets; no CTL (a tab only as white
 * space between parts); octets above 0x7e only inside quoted strings; a
 * parameter may come once, and at most DIGEST_PARAMS_MAX of them; names in any
 * case; unknown parameters are skipped; quoted-pairs are undone in values;
 * nothing may follow the last parameter but white space and empty list elements
 * (RFC 9110 5.6.1). Known parameters are bounded by DIGEST_PARAM_MAX octets.
 * qop, nc, algorithm and stale are taken quoted or not, since deployed clients
 * write either; the others must be quoted. qop is compared as written, since
 * the hash covers it. Values given to the printers hold no CTL; parsed ones
 * never do.
 */
#ifndef digest_grammar_h
#define digest_grammar_h

#include <apr_pools.h>
#include <apr_tables.h>
#include "digest/digest_hash.h"

#define DIGEST_FIELD_MAX  8192 /**< octets of a whole field value */
#define DIGEST_PARAM_MAX  2048 /**< octets of one parameter's value */
#define DIGEST_PARAMS_MAX 32   /**< parameters of one challenge or field */

/** Credentials from an Authorization field (RFC 7616 3.4). Strings are in the parser's pool. */
typedef struct digest_credentials_t {
    const char *username; /**< for GBA the B-TID (TS 33.221) */
    const char *realm;
    const char *nonce;
    const char *uri; /**< as received, after undoing quoted-pairs */
    const char *cnonce;
    const char *opaque;    /**< NULL if absent */
    const char *nc;        /**< eight hex digits as received */
    apr_uint32_t nc_value; /**< their value; never 0 */
    digest_qop_t qop;      /**< AUTH or AUTH_INT */
    digest_alg_t alg;      /**< MD5 if the parameter is absent (RFC 7616 3.4) */
    int alg_known; /**< 0: an algorithm that this project does not have (-sess among them) */
    int qop_known; /**< 0: a qop that this project does not have */
    char response[DIGEST_HEX_MAX]; /**< lower-cased hex of alg's length; "" unless alg_known */
} digest_credentials_t;

/** Nonzero if the field value starts with the scheme "Digest" (any case) and white space or its
 *  end; other schemes are "no credentials", not malformed. */
int digest_is_digest_scheme(const char *field);

/**
 * Parses the value of one Authorization field, scheme included.
 * Required: username, realm, nonce, uri, response, qop, nc, cnonce (the RFC 2069 form without
 * qop is refused). userhash=true, username* and the like are refused as malformed.
 * @return BASE_OK; BASE_MALFORMED (detail names the parameter); BASE_NOT_OFFERED never: unknown
 *         algorithm or qop is reported by alg_known / qop_known
 */
base_result_t digest_credentials_parse(digest_credentials_t **out, const char *field,
                                       apr_pool_t *pool);

/** Prints credentials in the order known servers survive: username, realm, nonce, uri,
 *  algorithm, response, opaque, qop, nc, cnonce (RFC 7616 3.4 quoting). In @a pool. */
const char *digest_credentials_print(const digest_credentials_t *cred, apr_pool_t *pool);

/** A challenge (RFC 7616 3.3). */
typedef struct digest_challenge_t {
    const char *realm;
    const char *nonce;
    const char *opaque; /**< NULL if absent */
    digest_alg_t alg;   /**< MD5 if the parameter is absent */
    int alg_known;      /**< 0: the UE must skip this challenge */
    unsigned qop;       /**< mask of digest_qop_t; 0 if absent or none known */
    int stale;          /**< nonzero: stale=true */
    int is_aka; /**< nonzero: AKAv1-MD5 (RFC 3310). Then alg is DIGEST_MD5, which AKA is made
                     with, and the parser leaves alg_known 0: who knows no AKA skips it */
} digest_challenge_t;

/** Prints `Digest realm="…", nonce="…", algorithm=MD5, qop="auth-int", opaque="…"` and, if set,
 *  `, stale=true`, in this order: what known clients survive. In @a pool. */
const char *digest_challenge_print(const digest_challenge_t *challenge, apr_pool_t *pool);

/**
 * Parses one WWW-Authenticate field value that may hold several challenges (RFC 9110 11.6.1),
 * and appends each Digest one to @a list (of digest_challenge_t). Other schemes are skipped.
 * @return BASE_OK or BASE_MALFORMED
 */
base_result_t digest_challenge_parse(apr_array_header_t *list, const char *field, apr_pool_t *pool);

/** Authentication-Info (RFC 7616 3.5). */
typedef struct digest_authinfo_t {
    digest_qop_t qop;    /**< NONE if absent */
    const char *rspauth; /**< lower-cased hex */
    const char *cnonce;
    const char *nc;        /**< eight hex digits as received */
    const char *nextnonce; /**< NULL if absent */
} digest_authinfo_t;

/** Prints `qop=auth-int, rspauth="…", cnonce="…", nc=00000001`: the order and quoting of TS 24.109
 *  table E.4-1, byte for byte; nextnonce, if set, comes after them. In @a pool. */
const char *digest_authinfo_print(const digest_authinfo_t *info, apr_pool_t *pool);

/** Parses an Authentication-Info field value; qop, rspauth, cnonce and nc are required.
 *  @return BASE_OK or BASE_MALFORMED */
base_result_t digest_authinfo_parse(digest_authinfo_t **out, const char *field, apr_pool_t *pool);

#endif
