/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pki_impl.h
 * What the files of the pki layer share among themselves: the insides of its
 * opaque types. Not for other layers.
 */
#ifndef pki_impl_h
#define pki_impl_h

#include <openssl/sha.h>
#include <openssl/x509.h>
#include "pki/pki_cert.h"
#include "pki/pki_name.h"

struct pki_pkcs10_t {
    X509_REQ *req;    /**< freed with the pool */
    base_span_t spki; /**< SubjectPublicKeyInfo, inside the request's DER; in the pool */
};

#define PKI_FIXED_MAX 7 /**< basicConstraints, keyUsage, AKI, EKU, policies, CRLs, AIA */

/** The extensions that are the same in all certificates of a CA and a profile, made and read back
 *  once. Read-only; counted: see pki_fixed_get(). */
typedef struct pki_fixed_t {
    unsigned char profile[PKI_PROFILE_HASH_LEN]; /**< whose they are: pki_profile_hash() */
    X509_EXTENSION *extensions[PKI_FIXED_MAX];   /**< in the order of the certificate */
    int count;                                   /**< of extensions */
    int users;                                   /**< under the cache's lock */
} pki_fixed_t;

/** The last few that were needed. */
typedef struct pki_cache_t pki_cache_t;

struct pki_ca_t {
    X509 *cert;             /**< freed with the pool, as are key and chain */
    EVP_PKEY *key;          /**< fits cert; RSA or EC; NULL if it only verifies */
    STACK_OF(X509) * chain; /**< each signed by the next; NULL if there is none */
    EVP_MD *md;             /**< hash of the signatures; fetched once, freed with the pool */
    EVP_MD *sha1;           /**< for the SKI; likewise */
    pki_cache_t *cache;     /**< of fixed extensions; has a lock of its own; likewise */
    base_span_t der;        /**< of cert; in the pool */
    base_span_t key_id;     /**< what the AKI of certificates says; in the pool */
    apr_time_t not_before;  /**< of cert, microseconds */
    apr_time_t not_after;   /**< of cert, microseconds */
};

#define PKI_ATTRIBUTES_MAX 32 /**< attributes of a PKCS#10 that we read; tools write up to four */
#define PKI_WISHES_MAX     64 /**< extensions that a PKCS#10 may ask for; tools write up to ten */

/** Why the attributes of a PKCS#10 are ambiguous: a type twice, or an extensionRequest that is not
 *  one list of different extensions, or too many. NULL: they are not. Static. */
const char *pki_attributes_wrong(const X509_REQ *req);

/** NID of the key's algorithm; NID_undef if OpenSSL has no name for it. */
int pki_pkcs10_key_alg(const pki_pkcs10_t *req);

/** NID of the key's named curve if it is P-256 or P-384; NID_undef for every other curve, for
 *  explicit parameters, and for keys without a curve. */
int pki_pkcs10_key_curve(const pki_pkcs10_t *req);

/** An empty cache; NULL if there is no memory. */
pki_cache_t *pki_cache_make(void);

/** Frees a cache, which nobody may be using. NULL is taken. */
void pki_cache_free(pki_cache_t *cache);

/** The fixed extensions of a profile; the caller gives them back. Thread-safe.
 *  @return NULL if the profile is unsound, or they cannot be made */
pki_fixed_t *pki_fixed_get(const pki_ca_t *ca, const pki_profile_t *profile);

/** Gives back; NULL is taken. Thread-safe. */
void pki_fixed_put(const pki_ca_t *ca, pki_fixed_t *fixed);

/** Reads extensions: nonzero if they say what a profile of that CA says, and nothing else. */
int pki_fixed_is_right(const pki_fixed_t *fixed, const pki_ca_t *ca, const pki_profile_t *profile);

/** The names that a spec's templates may use, with its serial in @a hex. */
pki_names_t pki_spec_names(const pki_cert_spec_t *spec, char hex[2 * PKI_SERIAL_LEN + 1]);

/** The value of one attribute of a profile's subject. Nonzero on success; 0 if the names lack
 *  something, or the value cannot be one of that attribute. */
int pki_subject_value(const pki_attribute_t **attribute, char out[PKI_VALUE_MAX + 1],
                      const char *rdn, const pki_names_t *names);

/** Likewise, an alternative name. One that comes to nothing is left out of the certificate. */
int pki_san_value(const pki_san_t **kind, char out[PKI_VALUE_MAX + 1], const char *san,
                  const pki_names_t *names);

/** pki_cert_check(), with @a fixed of the spec's profile. */
base_result_t pki_cert_check_with(const pki_ca_t *ca, const pki_fixed_t *fixed,
                                  const pki_cert_spec_t *spec, base_span_t der);

/** RFC 5280 4.2.1.2 method 1: SHA-1 over the key's octets in a SubjectPublicKeyInfo. Nonzero on
 *  success. */
int pki_key_id(unsigned char hash[SHA_DIGEST_LENGTH], base_span_t spki, const EVP_MD *sha1);

/** Moves *p behind the tag and length of the universal DER element that must be there; *len is its
 *  content's. Nonzero on success. */
int pki_der_enter(const unsigned char **p, const unsigned char *end, int tag, long *len);

/** An ASN.1 time in microseconds since 1970. Nonzero on success. */
int pki_time_read(apr_time_t *out, const ASN1_TIME *when);

#endif
