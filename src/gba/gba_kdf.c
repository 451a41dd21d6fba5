/* SPDX-License-Identifier: Apache-2.0 */
#include "gba/gba_kdf.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#define KDF_FC 0x01 /* TS 33.220 B.3: the FC of GBA */

/* One parameter and the two octets of its length, which come after it (TS 33.220 B.2.1). */
static int add_parameter(EVP_MAC_CTX *mac, const void *octets, apr_size_t len)
{
    const unsigned char length[2] = {(unsigned char)(len >> 8), (unsigned char)(len & 0xff)};
    return len <= 0xffff && EVP_MAC_update(mac, octets, len) == 1 &&
           EVP_MAC_update(mac, length, sizeof(length)) == 1;
}

static EVP_MAC_CTX *hmac_start(const unsigned char ks[GBA_KS_LEN])
{
    char name[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    EVP_MAC_free(hmac);
    if (mac && EVP_MAC_init(mac, ks, GBA_KS_LEN, params) == 1)
        return mac;
    EVP_MAC_CTX_free(mac);
    return NULL;
}

int gba_kdf(unsigned char key[GBA_KEY_LEN], gba_kdf_kind_t kind, const unsigned char ks[GBA_KS_LEN],
            const unsigned char rand[GBA_RAND_LEN], base_span_t impi, const gba_naf_id_t *naf)
{
    static const unsigned char fc = KDF_FC;
    const base_span_t p0 = base_span_str(kind == GBA_KDF_ME ? "gba-me" : "gba-u");
    unsigned char naf_id[GBA_NAF_ID_MAX];
    apr_size_t naf_id_len = gba_naf_id_octets(naf, naf_id);
    apr_size_t len = 0;
    EVP_MAC_CTX *mac = hmac_start(ks);
    int made = mac && EVP_MAC_update(mac, &fc, 1) == 1 && add_parameter(mac, p0.data, p0.len) &&
               add_parameter(mac, rand, GBA_RAND_LEN) && add_parameter(mac, impi.data, impi.len) &&
               add_parameter(mac, naf_id, naf_id_len) &&
               EVP_MAC_final(mac, key, &len, GBA_KEY_LEN) == 1 && len == GBA_KEY_LEN;
    EVP_MAC_CTX_free(mac);
    if (!made)
        ERR_clear_error();
    return made;
}

const char *gba_password(apr_pool_t *pool, const unsigned char key[GBA_KEY_LEN])
{
    return base_base64_encode(pool, key, GBA_KEY_LEN);
}
