/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include "pki/pki_impl.h"
#include "pki/pki_policy.h"

/* In the order of pki_reason_t. Texts go into HTML as they are: no markup characters. */
static const struct {
    const char *code;
    const char *text;
} reasons[PKI_REASONS] = {
    {"NONE", "The enrolment was not refused."},
    {"NO_IDENTITY", "The network operator gave no identity for this subscription."},
    {"NO_USS", "This subscription has no settings for certificate enrolment."},
    {"NO_FLAG", "This subscription does not include certificates."},
    {"USAGE_NOT_ALLOWED", "This subscription does not include the key usage asked for."},
    {"KEY_TYPE", "The key is neither an RSA nor an EC key."},
    {"KEY_SIZE", "The RSA key is not between 2048 and 4096 bits long."},
    {"KEY_EXPONENT", "The RSA key has a public exponent other than 65537."},
    {"KEY_CURVE", "The EC key is on a curve other than P-256 and P-384."},
    {"KEY_TAKEN", "This key cannot be certified for this subscription; make a new key."},
    {"NOT_AUTHORISED", "The network operator does not let this subscription use this service."},
};

static int in_table(pki_reason_t reason)
{
    return (unsigned)reason < PKI_REASONS;
}

const char *pki_reason_code(pki_reason_t reason)
{
    return in_table(reason) ? reasons[reason].code : "UNKNOWN";
}

int pki_reason_parse(pki_reason_t *reason, const char *code, apr_size_t len)
{
    for (unsigned i = 0; i < PKI_REASONS; i++) {
        if (strlen(reasons[i].code) == len && memcmp(reasons[i].code, code, len) == 0) {
            *reason = (pki_reason_t)i;
            return 1;
        }
    }
    return 0;
}

const char *pki_reason_public_text(pki_reason_t reason)
{
    return in_table(reason) ? reasons[reason].text : "The enrolment was refused.";
}

static pki_reason_t check_rsa(const EVP_PKEY *key)
{
    BIGNUM *exponent = NULL;
    int bits = EVP_PKEY_get_bits(key);
    int usual;
    if (bits < 2048 || bits > 4096)
        return PKI_REASON_KEY_SIZE;
    usual =
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) && BN_is_word(exponent, 65537);
    BN_free(exponent);
    return usual ? PKI_REASON_NONE : PKI_REASON_KEY_EXPONENT;
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

static pki_decision_t refuse(pki_reason_t reason)
{
    pki_decision_t decision = {0, reason, 0};
    return decision;
}

/* What is wrong with the subscription comes before what is wrong with the request. */
pki_decision_t pki_decide(const pki_subscriber_t *subscriber, pki_reason_t key_check,
                          unsigned usage_wish)
{
    const unsigned known = PKI_USAGE_DIGITAL_SIGNATURE | PKI_USAGE_NON_REPUDIATION;
    unsigned allowed = subscriber->allowed & known;
    unsigned wish = usage_wish & known;
    unsigned possible = wish ? wish & allowed : allowed;
    pki_decision_t permit = {1, PKI_REASON_NONE, PKI_USAGE_NON_REPUDIATION};
    if (subscriber->is_refused)
        return refuse(PKI_REASON_NOT_AUTHORISED);
    if (!subscriber->has_identity)
        return refuse(PKI_REASON_NO_IDENTITY);
    if (!subscriber->has_uss)
        return refuse(PKI_REASON_NO_USS);
    if (!allowed)
        return refuse(PKI_REASON_NO_FLAG);
    if (!possible)
        return refuse(PKI_REASON_USAGE_NOT_ALLOWED);
    if (key_check != PKI_REASON_NONE)
        return refuse(key_check);
    if (possible & PKI_USAGE_DIGITAL_SIGNATURE)
        permit.usage = PKI_USAGE_DIGITAL_SIGNATURE;
    return permit;
}
