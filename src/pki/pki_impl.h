/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pki_impl.h
 * What the files of the pki layer share among themselves: the insides of its
 * opaque types. Not for other layers.
 */
#ifndef pki_impl_h
#define pki_impl_h

#include <openssl/x509.h>
#include "pki/pki_cert.h"

struct pki_pkcs10_t {
    X509_REQ *req;    /**< freed with the pool */
    base_span_t spki; /**< SubjectPublicKeyInfo, inside the request's DER; in the pool */
};

/** The extensions that are the same in many certificates of a CA. */
typedef enum pki_fixed_t {
    PKI_FIXED_CONSTRAINTS,       /**< basicConstraints CA:FALSE */
    PKI_FIXED_DIGITAL_SIGNATURE, /**< keyUsage */
    PKI_FIXED_NON_REPUDIATION,   /**< keyUsage */
    PKI_FIXED_AUTHORITY_KEY,     /**< AKI */
    PKI_FIXED                    /**< how many there are */
} pki_fixed_t;

struct pki_ca_t {
    X509 *cert;             /**< freed with the pool, as are key and chain */
    EVP_PKEY *key;          /**< fits cert; RSA or EC; NULL if it only verifies */
    STACK_OF(X509) * chain; /**< each signed by the next; NULL if there is none */
    EVP_MD *md;             /**< hash of the signatures; fetched once, freed with the pool */
    EVP_MD *sha1;           /**< for the SKI; likewise */
    X509_EXTENSION *fixed[PKI_FIXED]; /**< made once; likewise */
    base_span_t der;                  /**< of cert; in the pool */
    base_span_t key_id;               /**< what the AKI of certificates says; in the pool */
    apr_time_t not_before;            /**< of cert, microseconds */
    apr_time_t not_after;             /**< of cert, microseconds */
};

/** NID of the key's algorithm; NID_undef if OpenSSL has no name for it. */
int pki_pkcs10_key_alg(const pki_pkcs10_t *req);

/** NID of the key's named curve if it is P-256 or P-384; NID_undef for every other curve, for
 *  explicit parameters, and for keys without a curve. */
int pki_pkcs10_key_curve(const pki_pkcs10_t *req);

/** Makes ca->fixed; ca->key_id must stand. Nonzero on success. */
int pki_ca_fix_extensions(pki_ca_t *ca);

/** An ASN.1 time in microseconds since 1970. Nonzero on success. */
int pki_time_read(apr_time_t *out, const ASN1_TIME *when);

#endif
