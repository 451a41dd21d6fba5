/* SPDX-License-Identifier: Apache-2.0 */
/* AKA on Ub: vectors, AUTN, AUTS, sequence numbers, and Digest AKAv1-MD5 over them, against
 * t/vectors/vectors.json ("ub", from test set 1 of TS 35.208). */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <jansson.h>
#include <stdlib.h>
#include "digest/digest_hash.h"
#include "gba/gba_aka.h"

#define SET1_SQN APR_UINT64_C(0xff9bb4d0b607)

static apr_pool_t *pool;
static json_t *ub;
static const unsigned char amf[2] = {0xb9, 0xb9};
static const gba_milenage_key_t key = {
    .k = {0x46, 0x5b, 0x5c, 0xe8, 0xb1, 0x99, 0xb4, 0x9f, 0xaa, 0x5f, 0x0a, 0x2e, 0xe2, 0x38, 0xa6,
          0xbc},
    .opc = {0xcd, 0x63, 0xcb, 0x71, 0x95, 0x4a, 0x9f, 0x4e, 0x48, 0xa5, 0x99, 0x4e, 0x37, 0xa0,
            0x2b, 0xaf},
};

static const char *text_of(const char *member)
{
    const char *text = json_string_value(json_object_get(ub, member));
    return text ? text : "";
}

static void is_hex(const void *got, apr_size_t len, const char *want, const char *name)
{
    char hex[129];
    base_hex_encode(hex, got, len);
    is_str(hex, want, name);
}

static gba_aka_vector_t made(apr_uint64_t sqn)
{
    gba_aka_vector_t vector = {{0}, {0}, {0}, {0}};
    ok(base_hex_decode(vector.rand, sizeof(vector.rand), text_of("rand"), strlen(text_of("rand"))),
       "a RAND");
    ok(gba_aka_vector_make(&vector, &key, sqn, amf), "a vector is made");
    return vector;
}

static void test_vector(void)
{
    gba_aka_vector_t vector = made(SET1_SQN), other;
    const char *nonce = gba_aka_nonce_print(pool, &vector);
    is_hex(vector.autn, sizeof(vector.autn), text_of("autn"), "AUTN");
    is_hex(vector.res, sizeof(vector.res), text_of("res"), "RES");
    is_hex(vector.ks, 16, text_of("ck"), "Ks starts with CK (TS 33.220 4.5.2)");
    is_hex(vector.ks + 16, 16, text_of("ik"), "and ends with IK");
    is_str(nonce, text_of("nonce_base64_rand_autn"), "the nonce (RFC 3310 3.2)");
    is_str(gba_aka_btid(pool, vector.rand, "bsf.home1.net"), text_of("btid"), "the B-TID");
    ok(gba_aka_nonce_parse(&other, nonce) && !memcmp(other.rand, vector.rand, 16) &&
           !memcmp(other.autn, vector.autn, 16),
       "the nonce is read again");
    ok(gba_aka_nonce_parse(&other,
                           base_base64_encode(pool, "0123456789abcdef0123456789abcdef+", 33)),
       "server data after AUTN is let pass (RFC 3310 3.2)");
    ok(!gba_aka_nonce_parse(&other,
                            base_base64_encode(pool, "0123456789abcdef0123456789abcde", 31)),
       "a nonce of 31 octets is none");
    ok(!gba_aka_nonce_parse(&other, "%%%%"), "nor is what is no base64");
    ok(!gba_aka_nonce_parse(&other, ""), "nor is an empty one");
    ok(!gba_aka_vector_make(&vector, &key, GBA_SQN_MAX + 1, amf), "an SQN has 48 bits");
}

/* RFC 3310 3.3: the password is RES, octets as they are. */
static void test_digest(void)
{
    gba_aka_vector_t vector = made(SET1_SQN);
    base_span_t res = {vector.res, sizeof(vector.res)}, none = {NULL, 0};
    char ha1[DIGEST_HEX_MAX], hash[DIGEST_HEX_MAX], got[DIGEST_HEX_MAX];
    digest_body_t *body = digest_body_start(pool, DIGEST_MD5);
    digest_input_t in = {DIGEST_MD5,    DIGEST_QOP_AUTH_INT, ha1,
                         "GET",         text_of("uri"),      text_of("nonce_base64_rand_autn"),
                         text_of("nc"), text_of("cnonce"),   hash};
    ok(digest_body_finish(body, hash) &&
           digest_ha1(DIGEST_MD5, text_of("impi"), text_of("realm"), res, ha1) &&
           digest_response(&in, got),
       "a response is computed");
    is_str(got, text_of("response"), "it is the right one");
    body = digest_body_start(pool, DIGEST_MD5);
    in.method = NULL;
    ok(digest_body_add(body, text_of("reply_body"), strlen(text_of("reply_body"))) &&
           digest_body_finish(body, hash) && digest_response(&in, got),
       "rspauth is computed");
    is_str(got, text_of("rspauth"), "it is the right one");
    body = digest_body_start(pool, DIGEST_MD5);
    in.method = "GET";
    ok(digest_body_finish(body, hash) &&
           digest_ha1(DIGEST_MD5, text_of("impi"), text_of("realm"), none, ha1) &&
           digest_response(&in, got),
       "and a response beside auts, with the empty password (RFC 3310 3.4)");
    is_str(got, text_of("resync_response_empty_password"), "it is the right one");
}

static void test_usim(void)
{
    gba_aka_vector_t vector = made(SET1_SQN), network = vector;
    gba_milenage_key_t wrong = key;
    apr_uint64_t sqn_ms = SET1_SQN - 32;
    unsigned char zero[32] = {0};
    is_int(gba_aka_vector_check(&vector, &key, &sqn_ms), GBA_AKA_ACCEPTED, "a vector is accepted");
    ok(sqn_ms == SET1_SQN, "SQN_MS is now its SQN");
    is_mem(vector.res, network.res, 8, "both have RES");
    is_mem(vector.ks, network.ks, 32, "and Ks");
    is_int(gba_aka_vector_check(&vector, &key, &sqn_ms), GBA_AKA_SQN_RANGE,
           "the same again is not fresh (TS 33.102 C.2.2)");
    is_mem(vector.ks, zero, 32, "and leaves no Ks");
    for (unsigned i = 0; i < GBA_AUTN_LEN; i++) {
        vector = network;
        vector.autn[i] ^= 1;
        sqn_ms = 0;
        is_int(gba_aka_vector_check(&vector, &key, &sqn_ms), GBA_AKA_BAD_MAC,
               "an AUTN with one bit changed is nobody's");
    }
    ok(sqn_ms == 0, "SQN_MS has not moved");
    wrong.k[15] ^= 1;
    vector = network;
    is_int(gba_aka_vector_check(&vector, &wrong, &sqn_ms), GBA_AKA_BAD_MAC, "another K");
    is_mem(vector.res, zero, 8, "gets no RES");
}

static void test_auts(void)
{
    gba_aka_vector_t vector = made(SET1_SQN);
    gba_milenage_key_t wrong = key;
    unsigned char auts[GBA_AUTS_LEN], read[GBA_AUTS_LEN];
    apr_uint64_t sqn_ms = 1;
    ok(gba_aka_auts_make(auts, &key, vector.rand, SET1_SQN), "AUTS is made");
    is_hex(auts, sizeof(auts), text_of("auts"), "it is the right one");
    is_str(gba_aka_auts_print(pool, auts), text_of("auts_base64"), "and so in base64");
    ok(gba_aka_auts_parse(read, text_of("auts_base64")) && !memcmp(read, auts, sizeof(auts)),
       "it is read again");
    ok(!gba_aka_auts_parse(read, "uoU/PBI8z0TpNZbjVQ=="), "13 octets are no AUTS");
    ok(!gba_aka_auts_parse(read, text_of("nonce_base64_rand_autn")), "nor are 32");
    ok(gba_aka_auts_check(&sqn_ms, &key, vector.rand, auts), "the network takes it");
    ok(sqn_ms == SET1_SQN, "and learns SQN_MS");
    sqn_ms = 1;
    wrong.opc[0] ^= 1;
    ok(!gba_aka_auts_check(&sqn_ms, &wrong, vector.rand, auts), "not with another OPc");
    vector.rand[0] ^= 1;
    ok(!gba_aka_auts_check(&sqn_ms, &key, vector.rand, auts), "not for another RAND");
    vector.rand[0] ^= 1;
    for (unsigned i = 0; i < GBA_AUTS_LEN; i++) {
        auts[i] ^= 0x80;
        ok(!gba_aka_auts_check(&sqn_ms, &key, vector.rand, auts), "not with octet %u changed", i);
        auts[i] ^= 0x80;
    }
    ok(sqn_ms == 1, "a wrong one tells nothing");
}

static void test_sqn(void)
{
    const apr_uint64_t one = 32; /* SEQ 1, IND 0 */
    ok(gba_aka_sqn_next(0) == one + 1, "SEQ and IND count up together (TS 33.102 C.1.2)");
    ok(gba_aka_sqn_next(one + 31) == 2 * one, "IND starts again after 31 (C.3.1)");
    ok(gba_aka_sqn_next(GBA_SQN_MAX) == 0, "there is none after the last");
    ok(!gba_aka_sqn_is_fresh(one + 31, one), "another IND alone is not fresh");
    ok(gba_aka_sqn_is_fresh(2 * one, one + 31), "the next SEQ is");
    ok(gba_aka_sqn_is_fresh(GBA_SQN_DELTA << 5, 0), "a jump by delta is (C.2.1)");
    ok(!gba_aka_sqn_is_fresh((GBA_SQN_DELTA + 1) << 5, 0), "one more is not");
    ok(!gba_aka_sqn_is_fresh(GBA_SQN_MAX + 33, GBA_SQN_MAX - 31), "49 bits are none");
    ok(gba_aka_sqn_resync(10 * one, 20 * one) == 20 * one, "behind the USIM: its SQN is taken");
    ok(gba_aka_sqn_resync(20 * one, 10 * one) == 20 * one,
       "ahead of it within delta: nothing goes back (TS 33.102 6.3.5)");
    ok(gba_aka_sqn_resync(GBA_SQN_MAX, 10 * one) == 10 * one, "too far ahead: its SQN is taken");
}

int main(void)
{
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    const char *top = getenv("GBA_SRCDIR");
    json_t *root = json_load_file(
        apr_pstrcat(pool, top ? top : ".", "/t/vectors/vectors.json", NULL), 0, NULL);
    ub = json_object_get(root, "ub");
    if (!ok(ub != NULL, "vectors.json is read"))
        return tap_done();
    digest_hash_init();
    test_vector();
    test_digest();
    test_usim();
    test_auts();
    test_sqn();
    json_decref(root);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
