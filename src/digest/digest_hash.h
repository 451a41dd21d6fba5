/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest_hash.h
 * The arithmetic of HTTP Digest (RFC 7616 3.4, 3.5; RFC 2617 3.2.2): hash
 * algorithms, streaming body hashes, HA1, response and rspauth. Knows nothing
 * of HTTP messages or of 3GPP. Thread-safe once digest_hash_init() has run.
 */
#ifndef digest_hash_h
#define digest_hash_h

#include <apr_pools.h>
#include "base/base_result.h"
#include "base/base_text.h"

/** Hash algorithms of RFC 7616 3.7 (never the -sess forms). */
typedef enum digest_alg_t {
    DIGEST_MD5 = 0,
    DIGEST_SHA256,
    DIGEST_SHA512_256, /**< FIPS 180-4 SHA-512/256 (RFC 7616 erratum 4897) */
    DIGEST_ALGS        /**< how many there are; not an algorithm */
} digest_alg_t;

#define DIGEST_HASH_MAX 32                        /**< octets of the longest hash */
#define DIGEST_HEX_MAX  (2 * DIGEST_HASH_MAX + 1) /**< its hex with the NUL */

/** Quality of protection; bits, so that a location's offer is a mask. */
typedef enum digest_qop_t {
    DIGEST_QOP_NONE = 0,
    DIGEST_QOP_AUTH = 1,
    DIGEST_QOP_AUTH_INT = 2
} digest_qop_t;

/**
 * Fetches the hash functions once per process. Call before the first thread starts.
 * Calling again is harmless. An algorithm that the library lacks (MD5 under FIPS) is not an
 * error here: digest_alg_available() tells.
 */
void digest_hash_init(void);

/**
 * Gives back what digest_hash_init() fetched, after which nothing here works until it has run
 * again. Call when no other thread uses this any more: before the code is unloaded, which loses the
 * pointers. Calling again is harmless.
 */
void digest_hash_done(void);

/**
 * digest_hash_init(), and digest_hash_done() when @a pool ends in this process. A process forked
 * from it ends with what it has: by the time that its pools go OpenSSL has cleaned up after itself.
 */
void digest_hash_hold(apr_pool_t *pool);

/** Nonzero if this process can compute @a alg. */
int digest_alg_available(digest_alg_t alg);

/** "MD5", "SHA-256", "SHA-512-256"; static. */
const char *digest_alg_name(digest_alg_t alg);

/** Finds an algorithm by its name, any case. Nonzero if found. */
int digest_alg_parse(digest_alg_t *alg, const char *name);

/** Octets of a hash: 16 or 32. */
apr_size_t digest_alg_len(digest_alg_t alg);

/** "auth" or "auth-int"; "" for none; static. */
const char *digest_qop_name(digest_qop_t qop);

/** A running hash of a message body. */
typedef struct digest_body_t digest_body_t;

/** Starts a body hash in @a pool (freed by its cleanup); NULL if the library fails. */
digest_body_t *digest_body_start(apr_pool_t *pool, digest_alg_t alg);

/** Adds octets; nonzero on success. After a failure finish() fails too. */
int digest_body_add(digest_body_t *body, const void *data, apr_size_t len);

/** Ends the hash: lower-case hex in @a hex. Once only. Nonzero on success. */
int digest_body_finish(digest_body_t *body, char hex[DIGEST_HEX_MAX]);

/**
 * HA1 = H(username ":" realm ":" password), all as received on the wire (RFC 7616 3.4.2).
 * The password of GBA is the base64 text of Ks_NAF; that is the caller's business.
 * @param ha1 lower-case hex; a secret: its memory is the caller's to wipe
 * @return nonzero on success
 */
int digest_ha1(digest_alg_t alg, const char *username, const char *realm, base_span_t password,
               char ha1[DIGEST_HEX_MAX]);

/** What response and rspauth are computed from. All strings are the caller's. */
typedef struct digest_input_t {
    digest_alg_t alg;
    digest_qop_t qop;      /**< AUTH or AUTH_INT */
    const char *ha1;       /**< hex from digest_ha1() */
    const char *method;    /**< request method; NULL for rspauth (RFC 7616 3.5: A2 starts ":") */
    const char *uri;       /**< the uri parameter as the client wrote it */
    const char *nonce;     /**< as on the wire */
    const char *nc;        /**< eight hex digits as on the wire (case as received) */
    const char *cnonce;    /**< as on the wire, unquoted */
    const char *body_hash; /**< hex of H(entity-body) for AUTH_INT; else ignored */
} digest_input_t;

/** response (method set) or rspauth (method NULL) as lower-case hex. Nonzero on success. */
int digest_response(const digest_input_t *in, char out[DIGEST_HEX_MAX]);

#endif
