/* SPDX-License-Identifier: Apache-2.0 */
/* The enrolment body, from a stranger's octets to the judgement of its key and signature. */
#include <stdint.h>
#include <stdlib.h>
#include <apr_general.h>
#include <openssl/x509.h>
#include "pki/pki_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read holds one SubjectPublicKeyInfo in DER, and a key that may be certified is there. */
static void judge(const pki_pkcs10_t *req)
{
    base_span_t spki = pki_pkcs10_spki(req);
    const unsigned char *p = spki.data;
    X509_PUBKEY *pub = d2i_X509_PUBKEY(NULL, &p, (long)spki.len);
    pki_reason_t reason = pki_key_check(req);
    pki_reason_t examined = PKI_REASONS;
    if (!pub || p != spki.data + spki.len || spki.len > PKI_SPKI_MAX)
        abort();
    if (pki_pkcs10_usage_wish(req) & ~(PKI_USAGE_DIGITAL_SIGNATURE | PKI_USAGE_NON_REPUDIATION))
        abort();
    if (reason == PKI_REASON_NONE) {
        if (!X509_PUBKEY_get0(pub))
            abort();
        (void)pki_pkcs10_verify(req);
    } else if (pki_pkcs10_verify(req).code == BASE_OK) {
        abort();
    }
    if (pki_key_examine(&examined, req).code != BASE_OK ||
        (reason != PKI_REASON_NONE && examined != reason))
        abort();
    X509_PUBKEY_free(pub);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int started;
    base_span_t body = {data, size};
    pki_pkcs10_t *req = NULL;
    apr_pool_t *pool = NULL;
    if (!started++ && apr_initialize() != APR_SUCCESS)
        abort();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        abort();
    if (pki_pkcs10_read(&req, body, pool).code == BASE_OK)
        judge(req);
    else if (req)
        abort();
    apr_pool_destroy(pool);
    return 0;
}
