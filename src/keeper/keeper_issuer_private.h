/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_issuer_private.h
 * What an issuer keeps, and its callbacks. Private to the issuer.
 */
#ifndef keeper_issuer_private_h
#define keeper_issuer_private_h

#include <openssl/evp.h>
#include "keeper/keeper_issuer.h"

/** What an issuer keeps. */
typedef struct keeper_issuer_t {
    keeper_issuer_parts_t parts;
    unsigned char ca_sha256[KEEPER_HASH_LEN]; /**< of the CA's certificate; if there is a CA */
    EVP_MD *sha256;                           /**< fetched once; freed with the pool */
    unsigned char (*known)[KEEPER_HASH_LEN];  /**< the profiles that may be asked for, as
                                                   keeper_issuer_knows() hashes them; NULL: any */
    int known_count;
} keeper_issuer_t;

/** SHA-256. Nonzero on success. */
int keeper_issuer_hash(const keeper_issuer_t *issuer, unsigned char out[KEEPER_HASH_LEN],
                       base_span_t octets);

/** Nonzero if a sound profile may be asked for. */
int keeper_issuer_knows(const keeper_issuer_t *issuer, const pki_profile_t *profile);

/** portal_issuer_t's weigh(); @a baton is a keeper_issuer_t. */
base_result_t keeper_weigh(void *baton, const portal_issue_t *question, portal_weighed_t *out,
                           apr_pool_t *pool);

/** portal_issuer_t's issue(); @a baton is a keeper_issuer_t. */
base_result_t keeper_issue(void *baton, const portal_issue_t *question, portal_issued_t *out,
                           apr_pool_t *pool);

#endif
