/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pki_cert.h
 * The CA and the certificates it signs (RFC 5280). A certificate holds nothing
 * of the PKCS#10 but its SubjectPublicKeyInfo.
 */
#ifndef pki_cert_h
#define pki_cert_h

#include <apr_time.h>
#include "base/base_env.h"
#include "pki/pki_pkcs10.h"
#include "pki/pki_profile.h"

#define PKI_SERIAL_LEN    16   /**< octets of a serial: random, top bit clear, first octet not 0 */
#define PKI_CERT_MAX      8192 /**< octets of a certificate's DER */
#define PKI_PSEUDONYM_LEN 32   /**< characters of a pseudonym: 128 random bits in hex */
#define PKI_SIGNATURE_MAX 1024 /**< octets of a CA's signature over a text */
#define PKI_TEXT_LABEL    "mod_gba_pki " /**< how every text starts that a CA's key signs */

/** What a certificate is made of. */
typedef struct pki_cert_spec_t {
    base_span_t spki;             /**< SubjectPublicKeyInfo DER, copied as it is */
    const pki_profile_t *profile; /**< what it says; the caller's */
    pki_names_t names; /**< whom it is for: a pseudonym of PKI_PSEUDONYM_LEN characters, and what
                            identities he has; its serial is not looked at */
    unsigned char serial[PKI_SERIAL_LEN];
    apr_time_t not_before; /**< microseconds; cut to the second */
    apr_time_t not_after;  /**< at most the CA's; see pki_cert_times() */
} pki_cert_spec_t;

/** A CA: certificate, private key, chain. Freed with its pool. Signing is thread-safe. */
typedef struct pki_ca_t pki_ca_t;

/** The seam to who knows the passphrase of an encrypted key. */
typedef struct pki_passphrase_t {
    void *baton; /**< the callback's first argument */
    /** Writes the passphrase of the key in @a key_path, without an end, to @a buf.
     *  @return its octets, at most @a size; or -1, with @a wrong set */
    int (*ask)(void *baton, const char *key_path, char *buf, int size);
    const char *wrong; /**< why the last question had no answer; NULL: it had one, or there was
                            none */
} pki_passphrase_t;

/**
 * Loads a CA from PEM files. Checks that the key fits the certificate, that it is a CA
 * (basicConstraints, keyCertSign if key usage is there), and that it is an RSA or EC key in a
 * regular file that nobody but its owner may read or write.
 * @param key_path   NULL for a CA that only verifies
 * @param chain_path further certificates up to the root, or NULL
 * @param passphrase asked if the key is encrypted; NULL: such a key is refused
 * @param pool       for the CA and the detail
 * @return BASE_OK or BASE_STORE_DOWN with a detail that names the file and what is wrong
 */
base_result_t pki_ca_load(pki_ca_t **out, const char *cert_path, const char *key_path,
                          const char *chain_path, pki_passphrase_t *passphrase, apr_pool_t *pool);

/** The CA certificate's DER; lives with the CA. */
base_span_t pki_ca_der(const pki_ca_t *ca);

/** notBefore and notAfter of the CA certificate, microseconds. */
void pki_ca_validity(const pki_ca_t *ca, apr_time_t *not_before, apr_time_t *not_after);

/**
 * Signs a text for the operator's own records, with the hash of the CA's certificates. The text
 * must start with PKI_TEXT_LABEL: its first octet is 'm', and that of any DER which a CA signs is
 * 0x30, so that no such signature can be one over a certificate or a revocation list.
 * @param len set on BASE_OK
 * @return BASE_OK, BASE_STORE_DOWN (signer), or BASE_INTERNAL (another text)
 */
base_result_t pki_ca_sign_text(const pki_ca_t *ca, const char *text,
                               unsigned char signature[PKI_SIGNATURE_MAX], apr_size_t *len);

/** Nonzero if the signature is the CA's over this text. */
int pki_ca_verify_text(const pki_ca_t *ca, const char *text, base_span_t signature);

/** Draws a serial: 16 random octets, top bit clear, first octet not zero. Nonzero on success. */
int pki_serial_make(unsigned char serial[PKI_SERIAL_LEN], const base_random_t *random);

/** Draws a pseudonym: 128 random bits as lower-case hex. Nonzero on success. */
int pki_pseudonym_make(char pseudonym[PKI_PSEUDONYM_LEN + 1], const base_random_t *random);

/**
 * Sets the spec's times from a profile: backdated, never before the CA's notBefore and never past
 * its notAfter.
 * @return nonzero; 0 if the CA is not valid at @a now, or the profile's lifetime is not positive
 *         or its backdating negative
 */
int pki_cert_times(pki_cert_spec_t *spec, const pki_ca_t *ca, const pki_profile_t *profile,
                   apr_time_t now);

/** Nonzero if the profile's subject can be filled with these names; pseudonym and serial are taken
 *  to be there. If not: PKI_REASON_IDENTITY_MISSING. Pure; thread-safe. */
int pki_cert_can_name(const pki_profile_t *profile, const pki_names_t *names);

/**
 * Builds and signs: version 3; issuer = the CA's subject; subject by the profile's templates;
 * extensions basicConstraints CA:FALSE (critical), keyUsage (critical), SKI (RFC 5280 4.2.1.2
 * method 1), AKI (key identifier of the CA), and extended key usage, certificate policies, CRL
 * distribution points, AIA and subject alternative names if the profile has them. An alternative
 * name that the names cannot fill, or that would be none of its kind, is left out; so is the
 * extension if none is left. Signed with SHA-256 (SHA-384 for a P-384 CA). What was made is read
 * by pki_cert_check() before it is given out.
 * @param der     at least PKI_CERT_MAX octets
 * @param der_len set on BASE_OK
 * @return BASE_OK, BASE_STORE_DOWN (signer), or BASE_INTERNAL
 */
base_result_t pki_cert_issue(const pki_ca_t *ca, const pki_cert_spec_t *spec, unsigned char *der,
                             apr_size_t *der_len);

/**
 * Reads a certificate that @a spec is said to describe, and compares: signature, issuer, subject,
 * SPKI, serial, times, and every extension that pki_cert_issue() would put there, with no other.
 * @return BASE_OK, BASE_STORE_DOWN (the signature is not this CA's), or BASE_INTERNAL (it says
 *         something else)
 */
base_result_t pki_cert_check(const pki_ca_t *ca, const pki_cert_spec_t *spec, base_span_t der);

/** What a ledger says of a certificate whose profile is not at hand. */
typedef struct pki_cert_record_t {
    base_span_t spki; /**< SubjectPublicKeyInfo DER */
    unsigned char serial[PKI_SERIAL_LEN];
    char pseudonym[PKI_PSEUDONYM_LEN + 1]; /**< the subscriber's */
    unsigned usage;                        /**< PKI_USAGE_ mask */
    apr_time_t not_before;                 /**< microseconds, whole seconds */
    apr_time_t not_after;                  /**< likewise */
} pki_cert_record_t;

/**
 * Reads a certificate that a ledger has, and compares: signature, issuer, serial, key, times, key
 * usage, that it is none of a CA, that it has no extension which pki_cert_issue() cannot write, and
 * that what looks like a pseudonym in its subject is the subscriber's.
 * @return BASE_OK, BASE_STORE_DOWN (the signature is not this CA's), or BASE_INTERNAL (it says
 *         something else, or cannot be read)
 */
base_result_t pki_cert_check_record(const pki_ca_t *ca, const pki_cert_record_t *record,
                                    base_span_t der);

/** PEM of a certificate's DER, NUL-terminated, in @a pool; NULL if it is no certificate. */
const char *pki_cert_pem(apr_pool_t *pool, base_span_t der);

#endif
