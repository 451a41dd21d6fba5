/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_key.h
 * The key to be certified and its PKCS#10 (RFC 2986).
 */
#ifndef ue_key_h
#define ue_key_h

#include "ue_options.h"
#include "ue_outcome.h"

/** Makes a key pair; freed with the pool. NULL on failure; the result then says UE_LOCAL. */
EVP_PKEY *ue_key_make(ue_key_kind_t kind, ue_result_t *result, apr_pool_t *pool);

/** Reads a private key from PEM without a pass phrase; freed with the pool. NULL on failure. */
EVP_PKEY *ue_key_load(const char *path, ue_result_t *result, apr_pool_t *pool);

/** Writes a private key to a new file of mode 0600; never over an existing one.
 *  Nonzero on success. */
int ue_key_save(EVP_PKEY *key, const char *path, ue_result_t *result, apr_pool_t *pool);

/**
 * Makes a PKCS#10 with an empty subject: who we are is the BSF's to say.
 * @param usage PKI_USAGE_ mask asked for by an extensionRequest; 0 for none
 * @return nonzero and *out in @a pool
 */
int ue_csr_make(base_span_t *out, EVP_PKEY *key, unsigned usage, ue_csr_form_t form,
                ue_result_t *result, apr_pool_t *pool);

/** The public key of a PKCS#10 in any form that the portal reads; freed with the pool; NULL if it
 *  has none. */
EVP_PKEY *ue_csr_public_key(base_span_t csr, apr_pool_t *pool);

#endif
