/* SPDX-License-Identifier: Apache-2.0 */
/* Key checks, and the table of reasons. */
#include <apr_general.h>
#include "pki/pki_policy.h"
#include "pki_fixture.h"

/* Codes stand in ledgers, pages and scripts: they never change. */
static const char *const codes[] = {
    "NONE",        "NO_IDENTITY", "NO_USS",           "NO_FLAG",          "USAGE_NOT_ALLOWED",
    "KEY_TYPE",    "KEY_SIZE",    "KEY_EXPONENT",     "KEY_CURVE",        "KEY_TAKEN",
    "KEY_FACTORS", "KEY_ROCA",    "KEY_CLOSE_PRIMES", "KEY_BLOCKED",      "CA_REQUESTED",
    "KEY_CHOICE",  "NAF_GROUP",   "BOOTSTRAP_AGE",    "IDENTITY_MISSING", "RULE",
    "MODULE",      "QUOTA_HELD",  "QUOTA_WINDOW",     "NOT_AUTHORISED",
};

static void reason_table(void)
{
    pki_reason_t reason = PKI_REASONS;
    is_int(sizeof(codes) / sizeof(codes[0]), PKI_REASONS, "all reasons are listed here");
    for (unsigned i = 0; i < PKI_REASONS; i++) {
        const char *text = pki_reason_public_text((pki_reason_t)i);
        is_str(pki_reason_code((pki_reason_t)i), codes[i], codes[i]);
        ok(pki_reason_parse(&reason, codes[i], strlen(codes[i])) && (unsigned)reason == i,
           "%s is found by its code", codes[i]);
        ok(strlen(text) > 10 && !strpbrk(text, "<>&\"'%"), "%s has a text without markup",
           codes[i]);
        ok(pki_reason_detail((pki_reason_t)i)[0] &&
               !strpbrk(pki_reason_detail((pki_reason_t)i), "|\n"),
           "%s has a detail for a table", codes[i]);
        for (unsigned j = 0; j < i; j++)
            if (strcmp(text, pki_reason_public_text((pki_reason_t)j)) == 0 ||
                strcmp(pki_reason_detail((pki_reason_t)i), pki_reason_detail((pki_reason_t)j)) == 0)
                ok(0, "%s has texts of its own", codes[i]);
    }
    ok(!pki_reason_parse(&reason, "NO_US", 5), "half a code is not found");
    ok(!pki_reason_parse(&reason, "NO_USSR", 7), "a longer code is not found");
    ok(pki_reason_parse(&reason, "NO_USSR", 6), "only len characters are looked at");
    ok(!pki_reason_parse(&reason, "no_uss", 6), "case counts");
    ok(!pki_reason_parse(&reason, "", 0), "an empty code is not found");
    is_str(pki_reason_code(PKI_REASONS), "UNKNOWN", "a number out of range has a code");
    is_str(pki_reason_code((pki_reason_t)-1), "UNKNOWN", "and so has a negative one");
    ok(pki_reason_public_text((pki_reason_t)-1) != NULL, "and a text");
    ok(pki_reason_detail((pki_reason_t)-1) != NULL && pki_reason_detail(PKI_REASONS) != NULL,
       "and a detail");
}

static void key_row(apr_pool_t *pool, base_span_t body, pki_reason_t want, const char *what)
{
    pki_pkcs10_t *req = NULL;
    if (pki_pkcs10_read(&req, body, pool).code == BASE_OK)
        is_str(pki_reason_code(pki_key_check(req)), pki_reason_code(want),
               apr_psprintf(pool, "%s: %s", what, pki_reason_code(want)));
    else
        ok(0, "%s is read", what);
}

static const struct {
    const char *name;
    pki_reason_t want;
} files[] = {
    {"rsa2048", PKI_REASON_NONE},
    {"rsa4096", PKI_REASON_NONE},
    {"p256", PKI_REASON_NONE},
    {"p256-compressed", PKI_REASON_NONE},
    {"p384", PKI_REASON_NONE},
    {"rsa1024", PKI_REASON_KEY_SIZE},
    {"rsa2048-e3", PKI_REASON_KEY_EXPONENT},
    {"p521", PKI_REASON_KEY_CURVE},
    {"secp256k1", PKI_REASON_KEY_CURVE},
    {"p256-explicit", PKI_REASON_KEY_CURVE},
    {"ed25519", PKI_REASON_KEY_TYPE},
    {"rsa-pss-key", PKI_REASON_KEY_TYPE},
    {"dsa1024", PKI_REASON_KEY_TYPE},
};

static const struct {
    unsigned bits;
    const char *exponent;
    pki_reason_t want;
} rsa_keys[] = {
    {2047, "010001", PKI_REASON_KEY_SIZE},
    {2048, "010001", PKI_REASON_NONE},
    {3072, "010001", PKI_REASON_NONE},
    {4096, "010001", PKI_REASON_NONE},
    {4097, "010001", PKI_REASON_KEY_SIZE},
    {512, "010001", PKI_REASON_KEY_SIZE},
    {7680, "03", PKI_REASON_KEY_SIZE},
    {2048, "01", PKI_REASON_KEY_EXPONENT},
    {2048, "00", PKI_REASON_KEY_EXPONENT},
    {2048, "010000", PKI_REASON_KEY_EXPONENT},
    {2048, "010003", PKI_REASON_KEY_EXPONENT},
    {2048, "0100000001", PKI_REASON_KEY_EXPONENT},
    {2048, "010000000000010001", PKI_REASON_KEY_EXPONENT},
    {2048, "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     PKI_REASON_KEY_EXPONENT},
};

/* Algorithms of which OpenSSL may know the name, the name only, or nothing. */
static const struct {
    const char *what;
    const char *algorithm;
    const char *key;
    pki_reason_t want;
} others[] = {
    {"unknown OID", "06032a0304", "00010203", PKI_REASON_KEY_TYPE},
    {"id-ecDH (RFC 5480 2.1.2)", "06052b8104010c06082a8648ce3d030107", "00010203",
     PKI_REASON_KEY_TYPE},
    {"X25519", "06032b656e", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
     PKI_REASON_KEY_TYPE},
    {"EC, implicit curve", "06072a8648ce3d02010500", "0004", PKI_REASON_KEY_CURVE},
    {"EC, no curve", "06072a8648ce3d0201", "0004", PKI_REASON_KEY_CURVE},
    {"EC, unknown curve", "06072a8648ce3d020106032a0304", "0004", PKI_REASON_KEY_CURVE},
    {"EC, P-224", "06072a8648ce3d020106052b81040021", "0004", PKI_REASON_KEY_CURVE},
    {"EC, a curve that is an RSA OID", "06072a8648ce3d020106092a864886f70d010101", "0004",
     PKI_REASON_KEY_CURVE},
};

static void key_checks(apr_pool_t *pool)
{
    for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        key_row(pool, pkif_pem(pool, files[i].name), files[i].want, files[i].name);
    for (unsigned i = 0; i < sizeof(rsa_keys) / sizeof(rsa_keys[0]); i++) {
        base_span_t spki = pkif_rsa_spki(pool, rsa_keys[i].bits, rsa_keys[i].exponent);
        key_row(
            pool, pkif_request(pool, "00", spki), rsa_keys[i].want,
            apr_psprintf(pool, "RSA, %u bits, e = 0x%s", rsa_keys[i].bits, rsa_keys[i].exponent));
    }
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        base_span_t spki = pkif_make_spki(pool, others[i].algorithm, pkif_hex(pool, others[i].key));
        key_row(pool, pkif_request(pool, "00", spki), others[i].want, others[i].what);
    }
}

int main(void)
{
    apr_pool_t *pool;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    reason_table();
    key_checks(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
