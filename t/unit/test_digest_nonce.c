/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_digest_nonce.c
 * Nonces: what we minted is taken within its life, for its realm, by its run
 * of its node; nothing else is.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "base/base_text.h"
#include "digest/digest_nonce.h"
#include "tap.h"

#define REALM "3GPP-bootstrapping@pkiportal.home1.net"
#define NOW   1000000u
#define LIFE  600000u

/* Counts up from *baton; -1 means that there is no randomness to be had. */
static int fill_counting(void *baton, void *buf, apr_size_t len)
{
    int *next = baton;

    if (*next < 0)
        return 0;
    for (apr_size_t i = 0; i < len; i++)
        ((unsigned char *)buf)[i] = (unsigned char)((*next)++ & 0xff);
    return 1;
}

static int counter;
static const base_random_t counting = {&counter, fill_counting};

static base_code_t check(const digest_nonce_key_t *key, const char *text)
{
    digest_nonce_t nonce;

    return digest_nonce_check(&nonce, key, text, REALM, NOW, LIFE).code;
}

/* A nonce made with OpenSSL alone from the layout in digest_nonce.h. */
static void build(char out[DIGEST_NONCE_LEN + 1], const digest_nonce_key_t *key,
                  unsigned char version, apr_uint64_t minted_ms)
{
    unsigned char raw[29 + sizeof(REALM)] = {version, (unsigned char)(key->node >> 8),
                                             (unsigned char)(key->node & 255)};
    unsigned char mac[EVP_MAX_MD_SIZE];

    memcpy(raw + 3, key->run, 6);
    for (int i = 0; i < 8; i++)
        raw[9 + i] = (unsigned char)(minted_ms >> (56 - 8 * i) & 255);
    memset(raw + 17, 0xfe, 12);
    memcpy(raw + 29, REALM, sizeof(REALM) - 1);
    HMAC(EVP_sha256(), key->mac_key, sizeof(key->mac_key), raw, 29 + sizeof(REALM) - 1, mac, NULL);
    memcpy(raw + 29, mac, 16);
    EVP_EncodeBlock((unsigned char *)out, raw, 45);
    for (; *out; out++)
        *out = *out == '+' ? '-' : *out == '/' ? '_' : *out;
}

static void test_layout(const digest_nonce_key_t *key)
{
    char text[DIGEST_NONCE_LEN + 1], same[DIGEST_NONCE_LEN + 1];
    unsigned char raw[DIGEST_NONCE_RAW_LEN];
    apr_size_t len;
    digest_nonce_t nonce;
    static const base_random_t fixed = {&counter, fill_counting};

    counter = 7;
    ok(digest_nonce_mint(text, key, REALM, NOW, &fixed), "mint");
    is_int((long long)strlen(text), DIGEST_NONCE_LEN, "60 characters");
    ok(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == 60,
       "all of them base64url");
    ok(base_base64_decode(raw, sizeof(raw), &len, base_span_str(text), BASE_BASE64URL),
       "they decode");
    is_mem(raw, "\x01\x12\x34", 3, "version and node are in front");
    is_mem(text, "ARI0", 4, "so a balancer finds them in the first four characters");
    is_mem(raw + 3, key->run, 6, "then the run");
    is_mem(raw + 9, "\0\0\0\0\0\x0f\x42\x40", 8, "then the time");
    is_mem(raw + 17, "\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12", 12,
           "then the random part");
    is_int(digest_nonce_check(&nonce, key, text, REALM, NOW, LIFE).code, BASE_OK, "it checks");
    is_int((long long)nonce.minted_ms, NOW, "and says when it was minted");
    is_mem(nonce.id, raw + 29, 16, "its id is its MAC");
    counter = 7;
    digest_nonce_mint(same, key, REALM, NOW, &fixed);
    is_str(same, text, "same random octets, same nonce");
    digest_nonce_mint(same, key, REALM, NOW, &fixed);
    ok(strcmp(same, text) != 0, "other random octets, other nonce");
    build(text, key, 1, NOW);
    is_int(check(key, text), BASE_OK, "one made independently from the layout checks");
    ok(strpbrk(text, "-_") != NULL, "(it uses the url alphabet)");
    build(text, key, 2, NOW);
    is_int(check(key, text), BASE_NONCE_INVALID,
           "with a right MAC but another version it does not");
}

static void test_time(const digest_nonce_key_t *key)
{
    static const struct {
        apr_uint64_t minted, now, life;
        base_code_t want;
        const char *name;
    } row[] = {
        {1000, 1000, 500, BASE_OK, "just minted"},
        {1000, 1500, 500, BASE_OK, "at the end of its life"},
        {1000, 1501, 500, BASE_NONCE_INVALID, "just after it"},
        {1000, 999, 500, BASE_NONCE_INVALID, "from the future"},
        {1000, 1000, 0, BASE_OK, "no life left, same millisecond"},
        {1000, 1001, 0, BASE_NONCE_INVALID, "no life left, next millisecond"},
        {1, APR_UINT64_MAX, APR_UINT64_MAX, BASE_OK, "no limit"},
        {APR_UINT64_MAX, 5, APR_UINT64_MAX, BASE_NONCE_INVALID, "the far future does not wrap"},
        {APR_UINT64_MAX, APR_UINT64_MAX, 1, BASE_OK, "the last millisecond"},
    };
    char text[DIGEST_NONCE_LEN + 1] = "x";
    digest_nonce_t nonce;

    for (apr_size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        digest_nonce_mint(text, key, REALM, row[i].minted, &counting);
        is_int(digest_nonce_check(&nonce, key, text, REALM, row[i].now, row[i].life).code,
               row[i].want, row[i].name);
        ok(nonce.minted_ms == (row[i].want == BASE_OK ? row[i].minted : 0),
           "  minted_ms is set only then");
    }
    ok(!digest_nonce_mint(text, key, REALM, 0, &counting) && text[0] == '\0',
       "time 0, which would mean an empty window, is not minted");
}

/* Each bit of each character: other text, same length. */
static void test_bits(const digest_nonce_key_t *key)
{
    char text[DIGEST_NONCE_LEN + 1];
    int wrong = 0;

    digest_nonce_mint(text, key, REALM, NOW, &counting);
    for (int bit = 0; bit < DIGEST_NONCE_LEN * 8; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        wrong += check(key, text) != BASE_NONCE_INVALID;
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
    }
    is_int(wrong, 0, "with any bit of the text flipped it is invalid");
    is_int(check(key, text), BASE_OK, "flipped back it is not");
}

static void test_form(const digest_nonce_key_t *key)
{
    char text[DIGEST_NONCE_LEN + 1], other[DIGEST_NONCE_LEN + 8];
    int wrong = 0;

    build(text, key, 1, NOW);
    for (apr_size_t len = 0; len < DIGEST_NONCE_LEN; len++) {
        memcpy(other, text, len);
        other[len] = '\0';
        wrong += check(key, other) != BASE_NONCE_INVALID;
    }
    is_int(wrong, 0, "every shorter text");
    snprintf(other, sizeof(other), "%sA", text);
    is_int(check(key, other), BASE_NONCE_INVALID, "one character more");
    snprintf(other, sizeof(other), "%sAAAA", text);
    is_int(check(key, other), BASE_NONCE_INVALID, "one group more");
    snprintf(other, sizeof(other), "%s=", text);
    is_int(check(key, other), BASE_NONCE_INVALID, "padding");
    snprintf(other, sizeof(other), " %s", text);
    is_int(check(key, other), BASE_NONCE_INVALID, "a space before");
    snprintf(other, sizeof(other), "%s\n", text);
    is_int(check(key, other), BASE_NONCE_INVALID, "a line feed after");
    memcpy(other, text, sizeof(text));
    for (char *p = other; *p; p++)
        *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
    ok(strcmp(other, text) != 0 && check(key, other) == BASE_NONCE_INVALID,
       "the same octets in the other base64 alphabet");
    is_int(check(key, ""), BASE_NONCE_INVALID, "the empty text");
    is_int(check(key, NULL), BASE_NONCE_INVALID, "none at all");
}

static const char *detail_of(const digest_nonce_key_t *key, const char *text, const char *realm)
{
    digest_nonce_t nonce;
    base_result_t result = digest_nonce_check(&nonce, key, text, realm, NOW, LIFE);

    return result.code == BASE_NONCE_INVALID ? result.detail : "not refused";
}

static void test_origin(const digest_nonce_key_t *key)
{
    digest_nonce_key_t other = *key, next;
    char text[DIGEST_NONCE_LEN + 1];

    digest_nonce_mint(text, key, REALM, NOW, &counting);
    is_str(detail_of(key, text, "3GPP-bootstrapping@other.home1.net"),
           "nonce: forged, or minted for another realm", "another realm");
    is_str(detail_of(key, text, ""), "nonce: forged, or minted for another realm", "no realm");
    is_str(detail_of(key, text, REALM "x"), "nonce: forged, or minted for another realm",
           "a longer realm");
    digest_nonce_key_make(&next, key->node, &counting);
    is_str(detail_of(&next, text, REALM), "nonce: names another run of this node", "another run");
    digest_nonce_key_make(&next, (apr_uint16_t)(key->node + 1), &counting);
    is_str(detail_of(&next, text, REALM), "nonce: names another node or version", "another node");
    other.mac_key[31] ^= 1;
    is_str(detail_of(&other, text, REALM), "nonce: forged, or minted for another realm",
           "one bit of the key");
    other = *key;
    other.run[0] ^= 1;
    digest_nonce_mint(text, &other, REALM, NOW, &counting);
    is_str(detail_of(key, text, REALM), "nonce: names another run of this node",
           "another run, even under the same key");
}

static void test_random(void)
{
    digest_nonce_key_t key, zero = {{0}, {0}, 0};
    char text[DIGEST_NONCE_LEN + 1] = "x";
    digest_nonce_key_t a, b;

    ok(digest_nonce_key_make(&a, 1, base_random_system()) &&
           digest_nonce_key_make(&b, 1, base_random_system()) && memcmp(&a, &b, sizeof(a)) != 0,
       "two keys differ");
    counter = -1;
    ok(!digest_nonce_key_make(&key, 1, &counting), "no randomness, no key");
    is_mem(key.mac_key, zero.mac_key, sizeof(key.mac_key), "and nothing of one is left");
    ok(!digest_nonce_mint(text, &a, REALM, NOW, &counting) && text[0] == '\0',
       "no randomness, no nonce");
    counter = 0;
}

int main(void)
{
    digest_nonce_key_t key;

    ok(digest_nonce_key_make(&key, 0x1234, &counting), "a key");
    is_int(key.node, 0x1234, "of the node");
    test_layout(&key);
    test_time(&key);
    test_bits(&key);
    test_form(&key);
    test_origin(&key);
    test_random();
    return tap_done();
}
