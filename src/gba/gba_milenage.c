/* SPDX-License-Identifier: Apache-2.0 */
#include "gba/gba_milenage.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>
#include "base/base_secret.h"

#define BLOCK 16

/* r1 to r5 of TS 35.206 4.1, in octets; the last octet of c1 to c5, whose others are 0. */
static const unsigned char rotation[5] = {8, 0, 4, 8, 12};
static const unsigned char constant[5] = {0, 1, 2, 4, 8};

/* A started AES-128 under @a k, the caller's to free (which wipes its key); NULL if it fails. */
static EVP_CIPHER_CTX *aes_start(const unsigned char k[BLOCK])
{
    EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();

    if (aes && EVP_EncryptInit_ex2(aes, EVP_aes_128_ecb(), k, NULL, NULL) == 1 &&
        EVP_CIPHER_CTX_set_padding(aes, 0) == 1)
        return aes;
    EVP_CIPHER_CTX_free(aes);
    return NULL;
}

static int aes_block(EVP_CIPHER_CTX *aes, unsigned char out[BLOCK], const unsigned char in[BLOCK])
{
    int len = 0;

    return EVP_EncryptUpdate(aes, out, &len, in, BLOCK) == 1 && len == BLOCK;
}

static void xor_block(unsigned char out[BLOCK], const unsigned char a[BLOCK],
                      const unsigned char b[BLOCK])
{
    for (unsigned i = 0; i < BLOCK; i++)
        out[i] = (unsigned char)(a[i] ^ b[i]);
}

static int end(EVP_CIPHER_CTX *aes, int made)
{
    EVP_CIPHER_CTX_free(aes);
    if (!made)
        ERR_clear_error();
    return made;
}

int gba_milenage_opc(unsigned char opc[GBA_MILENAGE_KEY_LEN],
                     const unsigned char k[GBA_MILENAGE_KEY_LEN],
                     const unsigned char op[GBA_MILENAGE_KEY_LEN])
{
    EVP_CIPHER_CTX *aes = aes_start(k);
    unsigned char out[BLOCK] = {0};
    int made = aes && aes_block(aes, out, op);

    xor_block(opc, out, op);
    base_secret_wipe(out, sizeof(out));
    return end(aes, made);
}

/* TEMP = AES_K(RAND xor OPc). */
static int make_temp(EVP_CIPHER_CTX *aes, unsigned char temp[BLOCK], const unsigned char *opc,
                     const unsigned char *rand)
{
    unsigned char in[BLOCK];
    int made;

    xor_block(in, rand, opc);
    made = aes_block(aes, temp, in);
    base_secret_wipe(in, sizeof(in));
    return made;
}

/* OUTn = AES_K(rot(in xor OPc, rn) xor cn xor add) xor OPc; add is TEMP for OUT1, else NULL. */
static int make_out(EVP_CIPHER_CTX *aes, unsigned char out[BLOCK], unsigned n,
                    const unsigned char *opc, const unsigned char *in, const unsigned char *add)
{
    unsigned char block[BLOCK];
    int made;

    for (unsigned i = 0; i < BLOCK; i++) {
        unsigned from = (i + rotation[n - 1]) % BLOCK;
        block[i] = (unsigned char)(in[from] ^ opc[from] ^ (add ? add[i] : 0));
    }
    block[BLOCK - 1] ^= constant[n - 1];
    made = aes_block(aes, out, block);
    xor_block(out, out, opc);
    base_secret_wipe(block, sizeof(block));
    return made;
}

int gba_milenage_f1(gba_milenage_mac_t *mac, const gba_milenage_key_t *key,
                    const unsigned char rand[GBA_RAND_LEN],
                    const unsigned char sqn[GBA_MILENAGE_SQN_LEN],
                    const unsigned char amf[GBA_MILENAGE_AMF_LEN])
{
    EVP_CIPHER_CTX *aes = aes_start(key->k);
    unsigned char temp[BLOCK] = {0}, out[BLOCK] = {0}, in1[BLOCK];
    int made;

    /* IN1 = SQN || AMF || SQN || AMF */
    memcpy(in1, sqn, GBA_MILENAGE_SQN_LEN);
    memcpy(in1 + GBA_MILENAGE_SQN_LEN, amf, GBA_MILENAGE_AMF_LEN);
    memcpy(in1 + BLOCK / 2, in1, BLOCK / 2);
    made =
        aes && make_temp(aes, temp, key->opc, rand) && make_out(aes, out, 1, key->opc, in1, temp);
    memcpy(mac->a, out, GBA_MILENAGE_MAC_LEN);
    memcpy(mac->s, out + GBA_MILENAGE_MAC_LEN, GBA_MILENAGE_MAC_LEN);
    base_secret_wipe(temp, sizeof(temp));
    base_secret_wipe(out, sizeof(out));
    base_secret_wipe(in1, sizeof(in1));
    return end(aes, made);
}

int gba_milenage_f2345(gba_milenage_out_t *out, const gba_milenage_key_t *key,
                       const unsigned char rand[GBA_RAND_LEN])
{
    EVP_CIPHER_CTX *aes = aes_start(key->k);
    unsigned char temp[BLOCK] = {0}, out2[BLOCK] = {0}, out5[BLOCK] = {0};
    int made = aes && make_temp(aes, temp, key->opc, rand) &&
               make_out(aes, out2, 2, key->opc, temp, NULL) &&
               make_out(aes, out->ck, 3, key->opc, temp, NULL) &&
               make_out(aes, out->ik, 4, key->opc, temp, NULL) &&
               make_out(aes, out5, 5, key->opc, temp, NULL);

    memcpy(out->ak, out2, GBA_MILENAGE_SQN_LEN);
    memcpy(out->res, out2 + BLOCK / 2, GBA_MILENAGE_RES_LEN);
    memcpy(out->ak_s, out5, GBA_MILENAGE_SQN_LEN);
    base_secret_wipe(temp, sizeof(temp));
    base_secret_wipe(out2, sizeof(out2));
    base_secret_wipe(out5, sizeof(out5));
    if (!made)
        base_secret_wipe(out, sizeof(*out));
    return end(aes, made);
}
