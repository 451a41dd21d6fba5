/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys that look sound and are not, each made as those who found them say that they are made;
 * where the private key is known, under a proof of possession that holds. */
#include <apr_general.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include "pki/pki_policy.h"
#include "pki_fixture.h"

static apr_pool_t *pool;
static BN_CTX *ctx;

static BIGNUM *number(unsigned long word)
{
    BIGNUM *n = BN_new();
    if (!n || !BN_set_word(n, word))
        pkif_die("BN_new");
    return n;
}

static void must(int good)
{
    if (!good)
        pkif_die("libcrypto");
}

/* ---- keys and requests ---- */

static EVP_PKEY *make_key(const BIGNUM *n, const BIGNUM *d)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params;
    BIGNUM *e = number(65537);
    must(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
         OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) &&
         OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, d));
    params = OSSL_PARAM_BLD_to_param(build);
    must(params && EVP_PKEY_fromdata_init(maker) == 1 &&
         EVP_PKEY_fromdata(maker, &key, EVP_PKEY_KEYPAIR, params) == 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(maker);
    BN_free(e);
    return key;
}

/* phi becomes phi * (prime - 1), n becomes n * prime. */
static void multiply(BIGNUM *n, BIGNUM *phi, const BIGNUM *prime)
{
    BIGNUM *less = BN_dup(prime);
    must(less && BN_sub_word(less, 1) && BN_mul(n, n, prime, ctx) && BN_mul(phi, phi, less, ctx));
    BN_free(less);
}

/* A PKCS#10 of the key whose modulus is the product of these primes, signed by it. */
static base_span_t request_of(const BIGNUM *p, const BIGNUM *q, unsigned long third)
{
    BIGNUM *n = number(1), *phi = number(1), *e = number(65537), *s = number(third);
    BIGNUM *d;
    X509_REQ *req = X509_REQ_new();
    EVP_PKEY *key;
    unsigned char *der = NULL;
    int len;
    multiply(n, phi, p);
    multiply(n, phi, q);
    if (third)
        multiply(n, phi, s);
    d = BN_mod_inverse(NULL, e, phi, ctx);
    must(d != NULL);
    key = make_key(n, d);
    must(X509_REQ_set_pubkey(req, key) && X509_REQ_sign(req, key, EVP_sha256()));
    len = i2d_X509_REQ(req, &der);
    must(len > 0);
    base_span_t span = {apr_pmemdup(pool, der, (apr_size_t)len), (apr_size_t)len};
    OPENSSL_free(der);
    X509_REQ_free(req);
    EVP_PKEY_free(key);
    BN_free(n);
    BN_free(phi);
    BN_free(e);
    BN_free(s);
    BN_free(d);
    return span;
}

/* A PKCS#10 of a modulus that nobody can sign for. */
static base_span_t request_about(const BIGNUM *n)
{
    apr_size_t len = (apr_size_t)BN_num_bytes(n);
    unsigned char *octets = apr_pcalloc(pool, len + 1);
    base_span_t all = {octets, len + 1}, key;
    BN_bn2bin(n, octets + 1);
    if (octets[1] < 0x80) {
        all.data++;
        all.len--;
    }
    key = pkif_tlv(
        pool, 0x30,
        pkif_cat(pool, pkif_tlv(pool, 0x02, all), pkif_tlv(pool, 0x02, pkif_hex(pool, "010001"))));
    key = pkif_make_spki(pool, PKIF_RSA, pkif_cat(pool, pkif_hex(pool, "00"), key));
    return pkif_request(pool, "00", key);
}

/* @param proof what becomes of the proof of possession; -1: nobody can give one */
static void row(base_span_t body, pki_reason_t want, int proof, const char *what)
{
    pki_pkcs10_t *req = NULL;
    pki_reason_t reason = PKI_REASONS;
    if (!is_int(pki_pkcs10_read(&req, body, pool).code, BASE_OK, what))
        return;
    is_str(pki_reason_code(pki_key_check(req)), "NONE", "  passes the cheap checks");
    if (proof >= 0)
        is_int(pki_pkcs10_verify(req).code, proof, "  its proof of possession");
    is_int(pki_key_examine(&reason, req).code, BASE_OK, "  can be examined");
    is_str(pki_reason_code(reason), pki_reason_code(want), "  and this comes out");
}

static void prime_of(BIGNUM *p, int bits)
{
    must(BN_generate_prime_ex2(p, bits, 0, NULL, NULL, NULL, ctx));
}

static void sound_keys(void)
{
    static const char *const names[] = {"rsa2048", "rsa4096", "p256", "p384", "p256-compressed"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        row(pkif_pem(pool, names[i]), PKI_REASON_NONE, BASE_OK, names[i]);
}

/* Made once, by a program of its own, as the functions below do it. */
static void stored_keys(void)
{
    static const struct {
        const char *name;
        pki_reason_t want;
    } rows[] = {
        {"rsa2058-factor-751", PKI_REASON_KEY_FACTORS},
        {"rsa2048-roca", PKI_REASON_KEY_ROCA},
        {"rsa2048-close-primes", PKI_REASON_KEY_CLOSE_PRIMES},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        row(pkif_pem(pool, rows[i].name), rows[i].want, BASE_OK, rows[i].name);
}

/* CA/Browser Forum Baseline Requirements 6.1.6: no factors smaller than 752. */
static void small_factors(const BIGNUM *p, const BIGNUM *q)
{
    static const struct {
        unsigned long factor;
        pki_reason_t want;
    } rows[] = {
        {3, PKI_REASON_KEY_FACTORS},   {5, PKI_REASON_KEY_FACTORS},   {7, PKI_REASON_KEY_FACTORS},
        {167, PKI_REASON_KEY_FACTORS}, {173, PKI_REASON_KEY_FACTORS}, {743, PKI_REASON_KEY_FACTORS},
        {751, PKI_REASON_KEY_FACTORS}, {757, PKI_REASON_NONE},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        row(request_of(p, q, rows[i].factor), rows[i].want, BASE_OK,
            apr_psprintf(pool, "a factor of %lu", rows[i].factor));
}

static int is_prime(unsigned n)
{
    for (unsigned d = 2; d * d <= n; d++)
        if (n % d == 0)
            return 0;
    return n > 1;
}

static void all_small_factors(const BIGNUM *p, const BIGNUM *q)
{
    BIGNUM *n = BN_new();
    int missed = 0;
    for (unsigned prime = 3; prime < 752; prime += 2) {
        pki_pkcs10_t *req = NULL;
        pki_reason_t reason = PKI_REASON_NONE;
        if (!is_prime(prime))
            continue;
        must(BN_mul(n, p, q, ctx) && BN_mul_word(n, prime) &&
             pki_pkcs10_read(&req, request_about(n), pool).code == BASE_OK &&
             pki_key_examine(&reason, req).code == BASE_OK);
        missed += reason != PKI_REASON_KEY_FACTORS;
    }
    is_int(missed, 0, "every odd prime below 752 is found");
    BN_free(n);
}

/* Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, 2.3: p = k * M + 65537^a mod M; for
 * a modulus of @a bits, M is the product of the first @a count primes (table 1). */
static void roca_prime(BIGNUM *p, int bits, int count)
{
    BIGNUM *m = number(1), *k = BN_new(), *a = BN_new(), *f4 = number(65537), *top = BN_new();
    int found = 0;
    for (unsigned prime = 2; found < count; prime++)
        if (is_prime(prime)) {
            must(BN_mul_word(m, prime));
            found++;
        }
    do {
        must(BN_rand(top, bits / 2, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY) &&
             BN_div(k, NULL, top, m, ctx) && BN_rand(a, 64, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
             BN_mod_exp(p, f4, a, m, ctx) && BN_mul(k, k, m, ctx) && BN_add(p, p, k));
        found = BN_check_prime(p, ctx, NULL);
        must(found >= 0);
    } while (!found);
    BN_free(m);
    BN_free(k);
    BN_free(a);
    BN_free(f4);
    BN_free(top);
}

static void roca(const BIGNUM *sound)
{
    BIGNUM *p = BN_new(), *q = BN_new(), *n = BN_new();
    roca_prime(p, 2048, 126);
    roca_prime(q, 2048, 126);
    row(request_of(p, q, 0), PKI_REASON_KEY_ROCA, BASE_OK, "2048 bits as CVE-2017-15361 has them");
    row(request_of(p, sound, 0), PKI_REASON_NONE, BASE_OK, "one such prime, and one that is sound");
    /* The fingerprint is one of residues: these need not be prime. */
    must(BN_mul(n, p, q, ctx) && BN_mul(n, n, p, ctx));
    row(request_about(n), PKI_REASON_KEY_ROCA, -1, "3072 bits of such primes");
    must(BN_mul(n, n, q, ctx));
    row(request_about(n), PKI_REASON_KEY_ROCA, -1, "4096 bits of such primes");
    BN_free(p);
    BN_free(q);
    BN_free(n);
}

/* ---- close primes ---- */

static void next_prime(BIGNUM *q, const BIGNUM *p)
{
    must(BN_copy(q, p) != NULL);
    do {
        must(BN_add_word(q, 2));
    } while (BN_check_prime(q, ctx, NULL) == 0);
}

/* The whole part of a root, bit by bit: another way than the one that is tested. */
static void root_of(BIGNUM *root, const BIGNUM *n)
{
    BIGNUM *square = BN_new();
    BN_zero(root);
    for (int bit = BN_num_bits(n) / 2; bit >= 0; bit--) {
        must(BN_set_bit(root, bit) && BN_sqr(square, root, ctx));
        if (BN_cmp(square, n) > 0)
            must(BN_clear_bit(root, bit));
    }
    BN_free(square);
}

static int has_small_factor(const BIGNUM *n)
{
    for (unsigned prime = 2; prime < 752; prime++)
        if (is_prime(prime) && BN_mod_word(n, prime) == 0)
            return 1;
    return 0;
}

/* How many rounds Fermat's method (of 1643; Böck, "Fermat Factorization in the Wild", 2023) needs
 * for (a + b)(a - b). */
static int rounds_of(const BIGNUM *n, const BIGNUM *a)
{
    BIGNUM *root = BN_new(), *square = BN_new();
    int rounds;
    root_of(root, n);
    must(BN_sqr(square, root, ctx));
    if (BN_cmp(square, n) < 0)
        must(BN_add_word(root, 1));
    must(BN_sub(square, a, root));
    rounds = (int)BN_get_word(square) + 1;
    BN_free(root);
    BN_free(square);
    return rounds;
}

/* A modulus that needs just so many rounds: b^2 = 2 * a * (rounds - 1/2). */
static void rounds_row(int bits, int rounds, pki_reason_t want)
{
    BIGNUM *a = BN_new(), *b = BN_new(), *n = BN_new(), *p = BN_new(), *q = BN_new();
    must(BN_rand(a, bits / 2, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD));
    do {
        must(BN_add_word(a, 2) && BN_copy(n, a) && BN_mul_word(n, (BN_ULONG)(2 * rounds - 1)));
        root_of(b, n);
        if (BN_is_odd(b))
            must(BN_sub_word(b, 1));
        must(BN_add(p, a, b) && BN_sub(q, a, b));
    } while (has_small_factor(p) || has_small_factor(q));
    must(BN_mul(n, p, q, ctx));
    is_int(rounds_of(n, a), rounds, "a modulus as it is wanted");
    row(request_about(n), want, -1,
        apr_psprintf(pool, "%d bits that need %d rounds", BN_num_bits(n), rounds));
    BN_free(a);
    BN_free(b);
    BN_free(n);
    BN_free(p);
    BN_free(q);
}

static void close_primes(const BIGNUM *p)
{
    static const int sizes[] = {2048, 3072, 4096};
    BIGNUM *q = BN_new();
    BIGNUM *n = BN_new();
    next_prime(q, p);
    row(request_of(p, q, 0), PKI_REASON_KEY_CLOSE_PRIMES, BASE_OK, "a prime and the next");
    must(BN_sqr(n, p, ctx));
    row(request_about(n), PKI_REASON_KEY_CLOSE_PRIMES, -1, "the square of a prime");
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        rounds_row(sizes[i], 1, PKI_REASON_KEY_CLOSE_PRIMES);
        rounds_row(sizes[i], 2, PKI_REASON_KEY_CLOSE_PRIMES);
        rounds_row(sizes[i], 99, PKI_REASON_KEY_CLOSE_PRIMES);
        rounds_row(sizes[i], 100, PKI_REASON_KEY_CLOSE_PRIMES);
        rounds_row(sizes[i], 101, PKI_REASON_NONE);
    }
    BN_free(q);
    BN_free(n);
}

/* What may be made to be dear is not used, whoever asks. */
static void never_verified(void)
{
    static const struct {
        unsigned bits;
        const char *exponent;
        pki_reason_t want;
    } rows[] = {
        {7680, "010001", PKI_REASON_KEY_SIZE},
        {1024, "010001", PKI_REASON_KEY_SIZE},
        {2048, "7fffffffffffffffffffffffffffffffffffffffffffffff", PKI_REASON_KEY_EXPONENT},
        {4096, "03", PKI_REASON_KEY_EXPONENT},
    };
    BIGNUM *even = BN_new();
    pki_reason_t reason;
    pki_pkcs10_t *req = NULL;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        base_span_t spki = pkif_rsa_spki(pool, rows[i].bits, rows[i].exponent);
        must(pki_pkcs10_read(&req, pkif_request(pool, "00", spki), pool).code == BASE_OK);
        is_int(pki_pkcs10_verify(req).code, BASE_INTERNAL,
               apr_psprintf(pool, "%u bits and exponent %s: not used", rows[i].bits,
                            rows[i].exponent));
        is_int(pki_key_examine(&reason, req).code, BASE_OK, "  nor examined");
        is_str(pki_reason_code(reason), pki_reason_code(rows[i].want), "  but refused");
    }
    must(BN_rand(even, 2048, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) && BN_sub_word(even, 1));
    must(pki_pkcs10_read(&req, request_about(even), pool).code == BASE_OK);
    is_str(pki_reason_code(pki_key_check(req)), "KEY_FACTORS", "an even modulus");
    is_int(pki_pkcs10_verify(req).code, BASE_INTERNAL, "  is not used");
    BN_free(even);
}

int main(void)
{
    BIGNUM *p = BN_new(), *q = BN_new();
    apr_initialize();
    apr_pool_create(&pool, NULL);
    ctx = BN_CTX_new();
    prime_of(p, 1024);
    prime_of(q, 1024);
    sound_keys();
    stored_keys();
    small_factors(p, q);
    all_small_factors(p, q);
    roca(p);
    close_primes(p);
    never_verified();
    is_int((long long)ERR_peek_error(), 0, "OpenSSL's error queue is empty");
    BN_free(p);
    BN_free(q);
    BN_CTX_free(ctx);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
