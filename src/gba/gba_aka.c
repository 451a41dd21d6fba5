/* SPDX-License-Identifier: Apache-2.0 */
#include "gba/gba_aka.h"

#include <apr_strings.h>
#include <string.h>
#include "base/base_secret.h"

#define NONCE_MAX 1536 /* octets behind a nonce: DIGEST_PARAM_MAX characters of base64 */
#define SQN_LEN   GBA_MILENAGE_SQN_LEN
#define MAC_LEN   GBA_MILENAGE_MAC_LEN
#define AMF_LEN   GBA_MILENAGE_AMF_LEN

static const unsigned char amf_resync[AMF_LEN]; /* AMF* of TS 33.102 6.3.3 */

static void sqn_write(unsigned char out[SQN_LEN], apr_uint64_t sqn)
{
    for (unsigned i = 0; i < SQN_LEN; i++)
        out[i] = (unsigned char)(sqn >> (8 * (SQN_LEN - 1 - i)) & 0xff);
}

static apr_uint64_t sqn_read(const unsigned char in[SQN_LEN])
{
    apr_uint64_t sqn = 0;

    for (unsigned i = 0; i < SQN_LEN; i++)
        sqn = sqn << 8 | in[i];
    return sqn;
}

/* Hides an SQN under an anonymity key, or finds it again. */
static void sqn_xor(unsigned char out[SQN_LEN], const unsigned char sqn[SQN_LEN],
                    const unsigned char ak[SQN_LEN])
{
    for (unsigned i = 0; i < SQN_LEN; i++)
        out[i] = (unsigned char)(sqn[i] ^ ak[i]);
}

static void take_keys(gba_aka_vector_t *vector, const gba_milenage_out_t *out)
{
    memcpy(vector->res, out->res, sizeof(vector->res));
    memcpy(vector->ks, out->ck, sizeof(out->ck));
    memcpy(vector->ks + sizeof(out->ck), out->ik, sizeof(out->ik));
}

static void drop_keys(gba_aka_vector_t *vector)
{
    base_secret_wipe(vector->res, sizeof(vector->res));
    base_secret_wipe(vector->ks, sizeof(vector->ks));
}

int gba_aka_vector_make(gba_aka_vector_t *vector, const gba_milenage_key_t *key, apr_uint64_t sqn,
                        const unsigned char amf[AMF_LEN])
{
    gba_milenage_out_t out;
    gba_milenage_mac_t mac;
    unsigned char octets[SQN_LEN];
    int made;

    sqn_write(octets, sqn);
    made = sqn <= GBA_SQN_MAX && gba_milenage_f1(&mac, key, vector->rand, octets, amf) &&
           gba_milenage_f2345(&out, key, vector->rand);
    if (made) {
        sqn_xor(vector->autn, octets, out.ak);
        memcpy(vector->autn + SQN_LEN, amf, AMF_LEN);
        memcpy(vector->autn + SQN_LEN + AMF_LEN, mac.a, MAC_LEN);
        take_keys(vector, &out);
    } else {
        drop_keys(vector);
    }
    base_secret_wipe(&out, sizeof(out));
    base_secret_wipe(&mac, sizeof(mac));
    return made;
}

/* What the AUTN is worth, once f2 to f5 are there. */
static gba_aka_verdict_t judge(const gba_aka_vector_t *vector, const gba_milenage_key_t *key,
                               const gba_milenage_out_t *out, apr_uint64_t *sqn_ms)
{
    gba_milenage_mac_t mac;
    unsigned char octets[SQN_LEN];
    apr_uint64_t sqn;
    int made, equal;

    sqn_xor(octets, vector->autn, out->ak);
    sqn = sqn_read(octets);
    made = gba_milenage_f1(&mac, key, vector->rand, octets, vector->autn + SQN_LEN);
    equal = made && base_secret_equal(mac.a, vector->autn + SQN_LEN + AMF_LEN, MAC_LEN);
    base_secret_wipe(&mac, sizeof(mac));
    if (!made)
        return GBA_AKA_FAILED;
    if (!equal)
        return GBA_AKA_BAD_MAC;
    if (!gba_aka_sqn_is_fresh(sqn, *sqn_ms))
        return GBA_AKA_SQN_RANGE;
    *sqn_ms = sqn;
    return GBA_AKA_ACCEPTED;
}

gba_aka_verdict_t gba_aka_vector_check(gba_aka_vector_t *vector, const gba_milenage_key_t *key,
                                       apr_uint64_t *sqn_ms)
{
    gba_milenage_out_t out;
    gba_aka_verdict_t verdict = GBA_AKA_FAILED;

    drop_keys(vector);
    if (!gba_milenage_f2345(&out, key, vector->rand))
        return verdict;
    verdict = judge(vector, key, &out, sqn_ms);
    if (verdict == GBA_AKA_ACCEPTED)
        take_keys(vector, &out);
    base_secret_wipe(&out, sizeof(out));
    return verdict;
}

int gba_aka_auts_make(unsigned char auts[GBA_AUTS_LEN], const gba_milenage_key_t *key,
                      const unsigned char rand[GBA_RAND_LEN], apr_uint64_t sqn_ms)
{
    gba_milenage_out_t out;
    gba_milenage_mac_t mac;
    unsigned char octets[SQN_LEN];
    int made;

    sqn_write(octets, sqn_ms);
    made = sqn_ms <= GBA_SQN_MAX && gba_milenage_f1(&mac, key, rand, octets, amf_resync) &&
           gba_milenage_f2345(&out, key, rand);
    if (made) {
        sqn_xor(auts, octets, out.ak_s);
        memcpy(auts + SQN_LEN, mac.s, MAC_LEN);
    }
    base_secret_wipe(&out, sizeof(out));
    base_secret_wipe(&mac, sizeof(mac));
    return made;
}

int gba_aka_auts_check(apr_uint64_t *sqn_ms, const gba_milenage_key_t *key,
                       const unsigned char rand[GBA_RAND_LEN],
                       const unsigned char auts[GBA_AUTS_LEN])
{
    gba_milenage_out_t out;
    gba_milenage_mac_t mac;
    unsigned char octets[SQN_LEN];
    int right = 0;

    if (gba_milenage_f2345(&out, key, rand)) {
        sqn_xor(octets, auts, out.ak_s);
        right = gba_milenage_f1(&mac, key, rand, octets, amf_resync) &&
                base_secret_equal(mac.s, auts + SQN_LEN, MAC_LEN);
        if (right)
            *sqn_ms = sqn_read(octets);
        base_secret_wipe(&mac, sizeof(mac));
    }
    base_secret_wipe(&out, sizeof(out));
    return right;
}

int gba_aka_sqn_is_fresh(apr_uint64_t sqn, apr_uint64_t sqn_ms)
{
    apr_uint64_t seq = sqn >> GBA_SQN_IND_BITS, seq_ms = sqn_ms >> GBA_SQN_IND_BITS;

    return sqn <= GBA_SQN_MAX && seq > seq_ms && seq - seq_ms <= GBA_SQN_DELTA;
}

apr_uint64_t gba_aka_sqn_next(apr_uint64_t sqn)
{
    const apr_uint64_t ind_mask = (1U << GBA_SQN_IND_BITS) - 1;
    apr_uint64_t seq = (sqn >> GBA_SQN_IND_BITS) + 1;

    if (seq > GBA_SQN_MAX >> GBA_SQN_IND_BITS)
        return 0;
    return seq << GBA_SQN_IND_BITS | ((sqn + 1) & ind_mask);
}

apr_uint64_t gba_aka_sqn_resync(apr_uint64_t sqn_he, apr_uint64_t sqn_ms)
{
    return gba_aka_sqn_is_fresh(gba_aka_sqn_next(sqn_he), sqn_ms) ? sqn_he : sqn_ms;
}

const char *gba_aka_nonce_print(apr_pool_t *pool, const gba_aka_vector_t *vector)
{
    unsigned char octets[GBA_RAND_LEN + GBA_AUTN_LEN];

    memcpy(octets, vector->rand, GBA_RAND_LEN);
    memcpy(octets + GBA_RAND_LEN, vector->autn, GBA_AUTN_LEN);
    return base_base64_encode(pool, octets, sizeof(octets));
}

int gba_aka_nonce_parse(gba_aka_vector_t *vector, const char *nonce)
{
    unsigned char octets[NONCE_MAX];
    apr_size_t len;

    if (!base_base64_decode(octets, sizeof(octets), &len, base_span_str(nonce), BASE_BASE64) ||
        len < GBA_RAND_LEN + GBA_AUTN_LEN)
        return 0;
    memcpy(vector->rand, octets, GBA_RAND_LEN);
    memcpy(vector->autn, octets + GBA_RAND_LEN, GBA_AUTN_LEN);
    return 1;
}

const char *gba_aka_auts_print(apr_pool_t *pool, const unsigned char auts[GBA_AUTS_LEN])
{
    return base_base64_encode(pool, auts, GBA_AUTS_LEN);
}

int gba_aka_auts_parse(unsigned char auts[GBA_AUTS_LEN], const char *text)
{
    apr_size_t len;

    return base_base64_decode(auts, GBA_AUTS_LEN, &len, base_span_str(text), BASE_BASE64) &&
           len == GBA_AUTS_LEN;
}

const char *gba_aka_btid(apr_pool_t *pool, const unsigned char rand[GBA_RAND_LEN],
                         const char *bsf_fqdn)
{
    return apr_pstrcat(pool, base_base64_encode(pool, rand, GBA_RAND_LEN), "@", bsf_fqdn, NULL);
}
