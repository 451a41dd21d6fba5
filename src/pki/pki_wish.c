/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/pki_wish.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include "pki/pki_impl.h"

/* One that says it twice, or in what is no DER, has no good use. */
static int asks_for_ca(const STACK_OF(X509_EXTENSION) * extensions)
{
    int where = -1, critical = -1;
    int asks;
    BASIC_CONSTRAINTS *constraints =
        X509V3_get_d2i(extensions, NID_basic_constraints, &critical, &where);
    if (!constraints)
        return critical != -1;
    asks = constraints->ca != 0;
    BASIC_CONSTRAINTS_free(constraints);
    return asks || X509v3_get_ext_by_NID(extensions, NID_basic_constraints, where) >= 0;
}

int pki_pkcs10_wants_ca(const pki_pkcs10_t *req)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(req->req);
    int asks = extensions && asks_for_ca(extensions);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    ERR_clear_error();
    return asks;
}

static const char *curve_name(int curve)
{
    if (curve == NID_X9_62_prime256v1)
        return "P-256";
    return curve == NID_secp384r1 ? "P-384" : NULL;
}

const char *pki_key_describe(pki_key_facts_t *facts, const pki_pkcs10_t *req, apr_pool_t *pool)
{
    int alg = pki_pkcs10_key_alg(req);
    const EVP_PKEY *key = X509_REQ_get0_pubkey(req->req);
    facts->type = alg == NID_rsaEncryption          ? "RSA"
                  : alg == NID_X9_62_id_ecPublicKey ? "EC"
                                                    : "other";
    facts->bits = key ? EVP_PKEY_get_bits(key) : 0;
    facts->curve = curve_name(pki_pkcs10_key_curve(req));
    ERR_clear_error();
    if (facts->curve)
        return apr_psprintf(pool, "%s %s", facts->type, facts->curve);
    return apr_psprintf(pool, "%s %d bits", facts->type, facts->bits);
}
