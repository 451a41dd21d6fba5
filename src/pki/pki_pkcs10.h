/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pki_pkcs10.h
 * The enrolment request's body (TS 24.109 E.3.1): one PKCS#10 (RFC 2986), as
 * PEM with or without the space after the dashes that the standard's example
 * prints, as bare base64, or as DER; nothing before it, nothing after it.
 */
#ifndef pki_pkcs10_h
#define pki_pkcs10_h

#include <apr_pools.h>
#include "base/base_result.h"
#include "base/base_text.h"

#define PKI_PKCS10_MAX (16 * 1024) /**< octets of a PKCS#10 in any form that we read */
#define PKI_SPKI_MAX   1024        /**< octets of a SubjectPublicKeyInfo that we take */

/** Key usages of RFC 5280 4.2.1.3 that matter here, as a mask. */
#define PKI_USAGE_DIGITAL_SIGNATURE 1u
#define PKI_USAGE_NON_REPUDIATION   2u

/** A parsed PKCS#10; OpenSSL's object inside is freed with its pool. */
typedef struct pki_pkcs10_t pki_pkcs10_t;

/**
 * Reads a PKCS#10. Says nothing about its key or its signature yet. One that can be read in two
 * ways is none: an attribute or an extension twice, extensions in two lists.
 * @return BASE_OK, BASE_BAD_PKCS10, or BASE_INTERNAL
 */
base_result_t pki_pkcs10_read(pki_pkcs10_t **out, base_span_t body, apr_pool_t *pool);

/** The SubjectPublicKeyInfo's DER as it stood in the request, at most PKI_SPKI_MAX octets (longer
 *  ones are not read); lives with @a req. */
base_span_t pki_pkcs10_spki(const pki_pkcs10_t *req);

/** The key usages that an extensionRequest asks for, as a PKI_USAGE_ mask; 0 if none. A wish. */
unsigned pki_pkcs10_usage_wish(const pki_pkcs10_t *req);

/** Verifies the PKCS#10's signature by its own key. A key that pki_key_check() refuses is not used,
 *  since it may be made to be dear. BASE_OK, BASE_BAD_POP, or BASE_INTERNAL (such a key). */
base_result_t pki_pkcs10_verify(const pki_pkcs10_t *req);

#endif
