/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest_aka.h
 * Credentials of HTTP Digest with the algorithm AKAv1-MD5 (RFC 3310): parser
 * and printer, for both ends. The arithmetic is digest_hash.h's with DIGEST_MD5;
 * what the password is, is the caller's business. Challenges are
 * digest_grammar.h's, with is_aka set. Pure; thread-safe.
 */
#ifndef digest_aka_h
#define digest_aka_h

#include "digest/digest_grammar.h"

#define DIGEST_AKA_NAME "AKAv1-MD5" /**< the algorithm token (RFC 3310 3.1) */

/** Credentials for AKAv1-MD5. Strings are in the parser's pool. */
typedef struct digest_aka_credentials_t {
    digest_credentials_t digest; /**< alg is DIGEST_MD5; cnonce, nc and qop only unless is_first */
    const char *auts;            /**< base64 of AUTS (RFC 3310 3.2); NULL if absent */
    int is_first;                /**< nonce and response are empty: a name that asks for a challenge
                                      (TS 24.109 4.2) */
} digest_aka_credentials_t;

/**
 * Parses the value of one Authorization field, scheme included, by the rules of
 * digest_grammar.h. With an empty nonce and response only username, realm and uri are
 * required, and the algorithm may be absent; else it must be AKAv1-MD5, and everything that
 * digest_credentials_parse() requires must be there.
 * @return BASE_OK; BASE_MALFORMED (detail names the parameter); BASE_NOT_OFFERED for another
 *         algorithm or qop
 */
base_result_t digest_aka_credentials_parse(digest_aka_credentials_t **out, const char *field,
                                           apr_pool_t *pool);

/** Prints credentials: username, realm, nonce, uri, algorithm, response, qop, nc, cnonce, opaque,
 *  auts; the first kind (is_first) up to the response. In @a pool. */
const char *digest_aka_credentials_print(const digest_aka_credentials_t *cred, apr_pool_t *pool);

#endif
