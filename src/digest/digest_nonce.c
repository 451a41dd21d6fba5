/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest_nonce.c
 * See digest_nonce.h for the layout.
 */
#include "digest/digest_nonce.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include "base/base_secret.h"
#include "base/base_text.h"

#define NONCE_VERSION 1
#define NONCE_MAC_RAW 32 /* HMAC-SHA-256 before it is cut */

/* Offsets of the parts. */
#define AT_NODE   1
#define AT_RUN    3
#define AT_TIME   9
#define AT_RANDOM 17
#define AT_MAC    29

/* A MAC context with the hash already chosen: a copy of it needs no look-up by name, which would
 * cost more than the MAC. Its key is zeros and is replaced in every copy. */
static EVP_MAC_CTX *mac_template;
static pthread_once_t mac_once = PTHREAD_ONCE_INIT;

static void mac_template_make(void)
{
    static const unsigned char no_key[DIGEST_NONCE_KEY_LEN];
    static char hash_name[] = "SHA2-256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash_name, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

    if (ctx && EVP_MAC_init(ctx, no_key, sizeof(no_key), params) == 1) {
        mac_template = ctx;
        ctx = NULL;
    }
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

/* The MAC over the front of @a raw and the realm. The front has a fixed length, so the realm
 * needs no mark between. */
static int nonce_mac(unsigned char mac[NONCE_MAC_RAW], const digest_nonce_key_t *key,
                     const unsigned char *raw, const char *realm)
{
    EVP_MAC_CTX *ctx = NULL;
    size_t len = 0;
    int good;

    if (pthread_once(&mac_once, mac_template_make) == 0 && mac_template)
        ctx = EVP_MAC_CTX_dup(mac_template);
    good = ctx && EVP_MAC_init(ctx, key->mac_key, sizeof(key->mac_key), NULL) == 1 &&
           EVP_MAC_update(ctx, raw, AT_MAC) == 1 &&
           EVP_MAC_update(ctx, (const unsigned char *)realm, strlen(realm)) == 1 &&
           EVP_MAC_final(ctx, mac, &len, NONCE_MAC_RAW) == 1 && len == NONCE_MAC_RAW;
    EVP_MAC_CTX_free(ctx);
    return good;
}

int digest_nonce_key_make(digest_nonce_key_t *key, apr_uint16_t node, const base_random_t *random)
{
    key->node = node;
    if (random->fill(random->baton, key->mac_key, sizeof(key->mac_key)) &&
        random->fill(random->baton, key->run, sizeof(key->run)))
        return 1;
    base_secret_wipe(key, sizeof(*key));
    return 0;
}

/* The parts before the time, which say whose nonce this is. */
static void put_origin(unsigned char *raw, const digest_nonce_key_t *key)
{
    raw[0] = NONCE_VERSION;
    raw[AT_NODE] = (unsigned char)(key->node >> 8);
    raw[AT_NODE + 1] = (unsigned char)(key->node & 0xff);
    memcpy(raw + AT_RUN, key->run, DIGEST_NONCE_RUN_LEN);
}

/* Base64url. 45 octets fill 60 characters exactly, so there is neither padding nor a spare bit. */
static void nonce_encode(char out[DIGEST_NONCE_LEN + 1], const unsigned char *raw)
{
    EVP_EncodeBlock((unsigned char *)out, raw, DIGEST_NONCE_RAW_LEN);
    for (char *p = out; *p; p++) {
        if (*p == '+')
            *p = '-';
        else if (*p == '/')
            *p = '_';
    }
}

int digest_nonce_mint(char out[DIGEST_NONCE_LEN + 1], const digest_nonce_key_t *key,
                      const char *realm, apr_uint64_t now_ms, const base_random_t *random)
{
    unsigned char raw[DIGEST_NONCE_RAW_LEN];
    unsigned char mac[NONCE_MAC_RAW];

    out[0] = '\0';
    if (now_ms == 0) /* a replay window with this time would count as empty */
        return 0;
    put_origin(raw, key);
    for (unsigned i = 0; i < 8; i++)
        raw[AT_TIME + i] = (unsigned char)((now_ms >> (56 - 8 * i)) & 0xff);
    if (!random->fill(random->baton, raw + AT_RANDOM, AT_MAC - AT_RANDOM) ||
        !nonce_mac(mac, key, raw, realm))
        return 0;
    memcpy(raw + AT_MAC, mac, DIGEST_NONCE_RAW_LEN - AT_MAC);
    nonce_encode(out, raw);
    return 1;
}

/* Nonzero if the nonce names this version, node and run. */
static int is_ours(const unsigned char *raw, const digest_nonce_key_t *key)
{
    unsigned char origin[AT_TIME];

    put_origin(origin, key);
    return memcmp(raw, origin, sizeof(origin)) == 0;
}

/* Which of its parts made us refuse it. For the log only: nothing in @a raw is proven. */
static base_result_t nonce_refused(const unsigned char *raw, const digest_nonce_key_t *key)
{
    unsigned char origin[AT_TIME];

    put_origin(origin, key);
    if (memcmp(raw, origin, AT_RUN) != 0)
        return base_fail(BASE_NONCE_INVALID, "GBA0101", "nonce: names another node or version");
    if (memcmp(raw, origin, AT_TIME) != 0)
        return base_fail(BASE_NONCE_INVALID, "GBA0102", "nonce: names another run of this node");
    return base_fail(BASE_NONCE_INVALID, "GBA0103", "nonce: forged, or minted for another realm");
}

base_result_t digest_nonce_check(digest_nonce_t *out, const digest_nonce_key_t *key,
                                 const char *text, const char *realm, apr_uint64_t now_ms,
                                 apr_uint64_t lifetime_ms)
{
    unsigned char raw[DIGEST_NONCE_RAW_LEN];
    unsigned char mac[NONCE_MAC_RAW];
    apr_size_t len = 0;
    apr_uint64_t minted = 0;

    memset(out, 0, sizeof(*out));
    if (!base_base64_decode(raw, sizeof(raw), &len, base_span_str(text), BASE_BASE64URL) ||
        len != sizeof(raw))
        return base_fail(BASE_NONCE_INVALID, "GBA0104", "nonce: not of the form that we mint");
    if (!nonce_mac(mac, key, raw, realm))
        return base_fail(BASE_INTERNAL, "GBA0105", "nonce: the MAC cannot be computed");
    if (!base_secret_equal(mac, raw + AT_MAC, sizeof(raw) - AT_MAC) || !is_ours(raw, key))
        return nonce_refused(raw, key);
    for (unsigned i = 0; i < 8; i++)
        minted = minted << 8 | raw[AT_TIME + i];
    if (minted > now_ms)
        return base_fail(BASE_NONCE_INVALID, "GBA0106", "nonce: from the future");
    if (now_ms - minted > lifetime_ms)
        return base_fail(BASE_NONCE_INVALID, "GBA0107", "nonce: too old");
    memcpy(out->id, raw + AT_MAC, sizeof(out->id));
    out->minted_ms = minted;
    return base_ok();
}
