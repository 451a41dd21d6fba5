/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_issuer_private.h
 * The issuer's answer to a question: keeper_issue.c, for keeper_issuer.c alone.
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
} keeper_issuer_t;

/** SHA-256. Nonzero on success. */
int keeper_issuer_hash(const keeper_issuer_t *issuer, unsigned char out[KEEPER_HASH_LEN],
                       base_span_t octets);

/** portal_issuer_t's issue(); @a baton is a keeper_issuer_t. */
base_result_t keeper_issue(void *baton, const portal_issue_t *question, portal_issued_t *out,
                           apr_pool_t *pool);

#endif
