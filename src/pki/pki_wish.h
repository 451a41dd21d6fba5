/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pki_wish.h
 * What a PKCS#10 says beside its key: wishes that narrow a decision, and words
 * for its key. Pure; thread-safe.
 */
#ifndef pki_wish_h
#define pki_wish_h

#include "pki/pki_pkcs10.h"

/** Nonzero if an extensionRequest asks for basicConstraints with CA:TRUE, or for basicConstraints
 *  that cannot be read. */
int pki_pkcs10_wants_ca(const pki_pkcs10_t *req);

/** Octets that pki_pkcs10_ignored() gives at most. */
#define PKI_IGNORED_MAX 127

/**
 * The extensions that are asked for and that nothing here looks at: all but keyUsage and
 * basicConstraints.
 * @return OpenSSL's short names, or numbers in dots, with ", " between, in @a pool, fit to be
 *         logged; ends with "..." if there are more than fit; NULL if there are none
 */
const char *pki_pkcs10_ignored(const pki_pkcs10_t *req, apr_pool_t *pool);

/** What is known of a key without a look at its strength. Texts are static. */
typedef struct pki_key_facts_t {
    const char *type;  /**< "RSA", "EC", or "other" */
    int bits;          /**< 0 if OpenSSL cannot tell */
    const char *curve; /**< "P-256", "P-384"; NULL for every other key */
} pki_key_facts_t;

/** Describes the request's key. @return "EC P-256", "RSA 2048 bits" and so on, in @a pool */
const char *pki_key_describe(pki_key_facts_t *facts, const pki_pkcs10_t *req, apr_pool_t *pool);

#endif
