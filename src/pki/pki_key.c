/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include "pki/pki_impl.h"
#include "pki/pki_policy.h"

static pki_reason_t check_rsa(const EVP_PKEY *key)
{
    BIGNUM *exponent = NULL;
    BIGNUM *modulus = NULL;
    int bits = EVP_PKEY_get_bits(key);
    int usual;
    int odd;
    if (bits < 2048 || bits > 4096)
        return PKI_REASON_KEY_SIZE;
    usual =
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) && BN_is_word(exponent, 65537);
    BN_free(exponent);
    if (!usual)
        return PKI_REASON_KEY_EXPONENT;
    /* Here, since nothing that such a key signed can be verified. */
    odd = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) && BN_is_odd(modulus);
    BN_free(modulus);
    return odd ? PKI_REASON_NONE : PKI_REASON_KEY_FACTORS;
}

/* Reads numbers only: no EVP_PKEY_public_check(), which costs an RSA key of an attacker's choice
 * more than its certificate does. */
pki_reason_t pki_key_check(const pki_pkcs10_t *req)
{
    pki_reason_t reason = PKI_REASON_KEY_TYPE;
    const EVP_PKEY *key = X509_REQ_get0_pubkey(req->req);
    int alg = pki_pkcs10_key_alg(req);
    if (alg == NID_rsaEncryption && key)
        reason = check_rsa(key);
    else if (alg == NID_X9_62_id_ecPublicKey)
        reason =
            key && pki_pkcs10_key_curve(req) != NID_undef ? PKI_REASON_NONE : PKI_REASON_KEY_CURVE;
    ERR_clear_error();
    return reason;
}
