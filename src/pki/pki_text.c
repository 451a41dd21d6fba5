/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <openssl/err.h>
#include "pki/pki_impl.h"

static int is_labelled(const char *text)
{
    return strncmp(text, PKI_TEXT_LABEL, sizeof(PKI_TEXT_LABEL) - 1) == 0;
}

base_result_t pki_ca_sign_text(const pki_ca_t *ca, const char *text,
                               unsigned char signature[PKI_SIGNATURE_MAX], apr_size_t *len)
{
    EVP_MD_CTX *ctx;
    size_t made = PKI_SIGNATURE_MAX;
    int good;
    *len = 0;
    if (!is_labelled(text))
        return base_fail(BASE_INTERNAL, "GBA0341", "CA: a text without our label is not signed");
    ctx = EVP_MD_CTX_new();
    good = ctx && ca->key && EVP_DigestSignInit(ctx, NULL, ca->md, NULL, ca->key) == 1 &&
           EVP_DigestSign(ctx, signature, &made, (const unsigned char *)text, strlen(text)) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    if (!good)
        return base_fail(BASE_STORE_DOWN, "GBA0342", "CA: its key does not sign");
    *len = made;
    return base_ok();
}

int pki_ca_verify_text(const pki_ca_t *ca, const char *text, base_span_t signature)
{
    EVP_MD_CTX *ctx = is_labelled(text) && signature.data ? EVP_MD_CTX_new() : NULL;
    int good = ctx &&
               EVP_DigestVerifyInit(ctx, NULL, ca->md, NULL, X509_get0_pubkey(ca->cert)) == 1 &&
               EVP_DigestVerify(ctx, signature.data, signature.len, (const unsigned char *)text,
                                strlen(text)) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good;
}
