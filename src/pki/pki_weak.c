/* SPDX-License-Identifier: Apache-2.0 */
/* RSA moduli that can be factored by who knows how they were made. All of it together costs about
 * what a few signatures do to verify, whatever the modulus: no search for primes, no test of them.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include "pki/pki_impl.h"
#include "pki/pki_policy.h"

#define FERMAT_ROUNDS 100
#define ROCA_LAST     167 /* the 39th prime */

/* The odd ones below 752: CA/Browser Forum Baseline Requirements 6.1.6, after NIST SP 800-89 5.3.3.
 */
static const unsigned primes[] = {
    3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,  47,  53,  59,  61,  67,  71,
    73,  79,  83,  89,  97,  101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239, 241, 251, 257, 263, 269, 271,
    277, 281, 283, 293, 307, 311, 313, 317, 331, 337, 347, 349, 353, 359, 367, 373, 379, 383, 389,
    397, 401, 409, 419, 421, 431, 433, 439, 443, 449, 457, 461, 463, 467, 479, 487, 491, 499, 503,
    509, 521, 523, 541, 547, 557, 563, 569, 571, 577, 587, 593, 599, 601, 607, 613, 617, 619, 631,
    641, 643, 647, 653, 659, 661, 673, 677, 683, 691, 701, 709, 719, 727, 733, 739, 743, 751,
};

#define PRIMES (sizeof(primes) / sizeof(primes[0]))

/* What is left of a modulus, prime by prime. */
typedef struct residues_t {
    unsigned of[PRIMES];
} residues_t;

/* As many primes at a time as fit into what BN_mod_word() divides by in one step. */
static void take_residues(residues_t *out, const BIGNUM *n)
{
    for (apr_size_t i = 0; i < PRIMES;) {
        apr_size_t first = i;
        BN_ULONG product = 1;
        BN_ULONG rest;
        while (i < PRIMES && product <= 0xffffffffu / primes[i])
            product *= primes[i++];
        rest = BN_mod_word(n, product);
        for (; first < i; first++)
            out->of[first] = (unsigned)(rest % primes[first]);
    }
}

static int has_small_factor(const BIGNUM *n, const residues_t *residues)
{
    int found = !BN_is_odd(n);
    for (apr_size_t i = 0; i < PRIMES && !found; i++)
        found = residues->of[i] == 0;
    return found;
}

static int is_power_of_f4(unsigned residue, unsigned prime)
{
    unsigned power = 1;
    do {
        if (power == residue)
            return 1;
        power = power * (65537 % prime) % prime;
    } while (power != 1);
    return 0;
}

/* CVE-2017-15361 (Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, 3.2 and 4): both
 * primes are k * M + 65537^a mod M, where M is the product of the first 39 primes or of more; so
 * the modulus is a power of 65537 modulo each of these. Of other moduli one in 2^27 is. */
static int is_roca(const residues_t *residues)
{
    int all = 1;
    for (apr_size_t i = 0; all && primes[i] <= ROCA_LAST; i++)
        all = is_power_of_f4(residues->of[i], primes[i]);
    return all;
}

/* ---- close primes ---- */

/* Where Fermat's method stands; in its BN_CTX. */
typedef struct fermat_t {
    BN_CTX *ctx;
    BIGNUM *a;    /* the first at or above the root of the modulus */
    BIGNUM *b2;   /* square of the present a, less the modulus */
    BIGNUM *step; /* to the next b2 */
    BIGNUM *root; /* what else is needed */
    BIGNUM *next;
} fermat_t;

/* The whole part of the root of @a n, which is not 0: Newton's method from above. */
static int take_root(BIGNUM *root, BIGNUM *next, const BIGNUM *n, BN_CTX *ctx)
{
    BN_zero(next);
    if (!BN_set_bit(next, (BN_num_bits(n) + 1) / 2))
        return 0;
    do {
        if (!BN_copy(root, next) || !BN_div(next, NULL, n, root, ctx) ||
            !BN_add(next, next, root) || !BN_rshift1(next, next))
            return 0;
    } while (BN_cmp(next, root) < 0);
    return 1;
}

/* Squares leave few remainders: of a hundred other numbers, this lets one through. */
static int may_be_square(const BIGNUM *n)
{
    static const unsigned moduli[] = {64, 63, 65, 11};
    BN_ULONG rest = BN_mod_word(n, 64 * 63 * 65 * 11);
    for (unsigned i = 0; i < sizeof(moduli) / sizeof(moduli[0]); i++) {
        unsigned modulus = moduli[i];
        unsigned root = 0;
        while (root <= modulus / 2 && root * root % modulus != rest % modulus)
            root++;
        if (root > modulus / 2)
            return 0;
    }
    return 1;
}

/* 1, 0, or -1 on failure. */
static int is_square(fermat_t *f, const BIGNUM *n)
{
    if (BN_is_zero(n))
        return 1;
    if (!may_be_square(n))
        return 0;
    if (!take_root(f->root, f->next, n, f->ctx) || !BN_sqr(f->next, f->root, f->ctx))
        return -1;
    return BN_cmp(f->next, n) == 0;
}

static int start_fermat(fermat_t *f, const BIGNUM *n)
{
    if (!take_root(f->a, f->next, n, f->ctx) || !BN_sqr(f->b2, f->a, f->ctx))
        return 0;
    if (BN_cmp(f->b2, n) < 0 && (!BN_add_word(f->a, 1) || !BN_sqr(f->b2, f->a, f->ctx)))
        return 0;
    return BN_sub(f->b2, f->b2, n) && BN_lshift1(f->step, f->a) && BN_add_word(f->step, 1);
}

/* n = a^2 - b^2 = (a + b)(a - b): a whole b is a pair of factors. 1, 0, or -1 on failure. */
static int run_fermat(fermat_t *f, const BIGNUM *n)
{
    int found = start_fermat(f, n) ? 0 : -1;
    for (int i = 0; i < FERMAT_ROUNDS && found == 0; i++) {
        found = is_square(f, f->b2);
        if (found == 0 && (!BN_add(f->b2, f->b2, f->step) || !BN_add_word(f->step, 2)))
            found = -1;
    }
    return found;
}

static int has_close_primes(const BIGNUM *n)
{
    fermat_t f = {.ctx = BN_CTX_new()};
    int found = -1;
    if (!f.ctx)
        return -1;
    BN_CTX_start(f.ctx);
    f.a = BN_CTX_get(f.ctx);
    f.b2 = BN_CTX_get(f.ctx);
    f.step = BN_CTX_get(f.ctx);
    f.root = BN_CTX_get(f.ctx);
    f.next = BN_CTX_get(f.ctx); /* NULL if any before it was */
    if (f.next)
        found = run_fermat(&f, n);
    BN_CTX_end(f.ctx);
    BN_CTX_free(f.ctx);
    return found;
}

/* ---- the checks in order ---- */

/* Nonzero on success. */
static int examine(pki_reason_t *reason, const BIGNUM *n)
{
    residues_t residues;
    int close;
    take_residues(&residues, n);
    if (has_small_factor(n, &residues)) {
        *reason = PKI_REASON_KEY_FACTORS;
        return 1;
    }
    if (is_roca(&residues)) {
        *reason = PKI_REASON_KEY_ROCA;
        return 1;
    }
    close = has_close_primes(n);
    *reason = close > 0 ? PKI_REASON_KEY_CLOSE_PRIMES : PKI_REASON_NONE;
    return close >= 0;
}

base_result_t pki_key_examine(pki_reason_t *reason, const pki_pkcs10_t *req)
{
    BIGNUM *n = NULL;
    int good;
    *reason = pki_key_check(req);
    if (*reason != PKI_REASON_NONE || pki_pkcs10_key_alg(req) != NID_rsaEncryption)
        return base_ok();
    good = EVP_PKEY_get_bn_param(X509_REQ_get0_pubkey(req->req), OSSL_PKEY_PARAM_RSA_N, &n) &&
           examine(reason, n);
    BN_free(n);
    ERR_clear_error();
    return good ? base_ok() : base_fail(BASE_INTERNAL, "GBA1504", "key: cannot be examined");
}
