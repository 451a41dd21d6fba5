/* SPDX-License-Identifier: Apache-2.0 */
/* Reading PKCS#10: every form of a good one, the wish, and the proof of possession. */
#include <apr_general.h>
#include <jansson.h>
#include "pki/pki_policy.h"
#include "pki_fixture.h"

static const struct {
    const char *begin;
    const char *end;
} armours[] = {
    {"-----BEGIN CERTIFICATE REQUEST-----", "-----END CERTIFICATE REQUEST-----"},
    {"----- BEGIN CERTIFICATE REQUEST -----", "----- END CERTIFICATE REQUEST -----"},
    {"-----BEGIN NEW CERTIFICATE REQUEST-----", "-----END NEW CERTIFICATE REQUEST-----"},
    {"----- BEGIN NEW CERTIFICATE REQUEST -----", "----- END NEW CERTIFICATE REQUEST -----"},
};

static const char *const line_ends[] = {"\n", "\r\n", " \n", "\t \r\n"};
static const char *const tails[] = {"", "\n", "\r\n", " \t\r\n\n  "};

/* Base64 in lines of @a width (0: one line), each with @a eol. */
static const char *base64_lines(apr_pool_t *pool, base_span_t der, apr_size_t width,
                                const char *eol)
{
    const char *all = base_base64_encode(pool, der.data, der.len);
    const char *out = "";
    apr_size_t len = strlen(all);
    if (width == 0)
        width = len;
    for (apr_size_t at = 0; at < len; at += width)
        out = apr_pstrcat(pool, out, apr_pstrndup(pool, all + at, width), eol, NULL);
    return out;
}

static int reads_as(apr_pool_t *pool, base_span_t body, base_span_t spki)
{
    pki_pkcs10_t *req = NULL;
    base_span_t got;
    if (pki_pkcs10_read(&req, body, pool).code != BASE_OK || !req)
        return 0;
    got = pki_pkcs10_spki(req);
    return got.len == spki.len && memcmp(got.data, spki.data, spki.len) == 0 &&
           pki_key_check(req) == PKI_REASON_NONE && pki_pkcs10_verify(req).code == BASE_OK;
}

/* Counts the armoured forms that are not read; prints the first. */
static int armoured_failures(apr_pool_t *pool, base_span_t der, base_span_t spki)
{
    int failures = 0;
    for (unsigned i = 0; i < 4 * 4 * 4; i++) {
        const char *eol = line_ends[i / 4 % 4];
        const char *text =
            apr_pstrcat(pool, armours[i / 16].begin, eol, base64_lines(pool, der, 64, eol),
                        armours[i / 16].end, tails[i % 4], NULL);
        if (!reads_as(pool, base_span_str(text), spki) && failures++ == 0)
            printf("# form %u is not read\n", i);
    }
    return failures;
}

static void all_forms(apr_pool_t *parent, const char *name, base_span_t pem)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, parent);
    base_span_t der = pkif_unpem(pool, pem);
    base_span_t spki = pkif_spki(pool, der);
    ok(reads_as(pool, pem, spki), "%s: as the file stands", name);
    ok(reads_as(pool, der, spki), "%s: DER", name);
    is_int(armoured_failures(pool, der, spki), 0,
           apr_psprintf(pool, "%s: PEM, 4 armours x 4 line ends x 4 tails (24.109 E.3.1)", name));
    ok(reads_as(pool, base_span_str(base64_lines(pool, der, 0, "")), spki),
       "%s: base64 in one line without an end", name);
    ok(reads_as(pool, base_span_str(base64_lines(pool, der, 76, "\r\n")), spki),
       "%s: base64 in lines of 76 with CRLF", name);
    ok(reads_as(pool, base_span_str(base64_lines(pool, der, 64, "\n")), spki),
       "%s: base64 in lines of 64 with LF", name);
    apr_pool_destroy(pool);
}

static void good_ones(apr_pool_t *pool)
{
    static const char *const names[] = {
        "rsa2048",      "rsa2048-sha512-new",
        "rsa2048-sha1", "rsa2048-pss-signature",
        "rsa4096",      "p256",
        "p256-sha1",    "p256-compressed",
        "p384",         "p256-greedy",
    };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        all_forms(pool, names[i], pkif_pem(pool, names[i]));
}

/* The body of the worked exchanges in vectors.json. */
static void published_one(apr_pool_t *pool)
{
    base_span_t text = pkif_file(pool, "t/vectors/vectors.json");
    json_t *all = json_loadb((const char *)text.data, text.len, 0, NULL);
    json_t *first = json_array_get(json_object_get(all, "ua_exchanges"), 0);
    const char *body =
        json_string_value(json_object_get(json_object_get(first, "request"), "body"));
    ok(body != NULL, "vectors.json holds a request body");
    if (body)
        all_forms(pool, "vectors.json enrol-403-md5", base_span_str(body));
    json_decref(all);
}

static void wishes(apr_pool_t *pool)
{
    static const struct {
        const char *name;
        unsigned want;
    } rows[] = {
        {"p256", 0},
        {"rsa2048", 0},
        {"p256-wish-digitalsignature", PKI_USAGE_DIGITAL_SIGNATURE},
        {"p256-wish-nonrepudiation", PKI_USAGE_NON_REPUDIATION},
        {"p256-wish-critical-nonrepudiation", PKI_USAGE_NON_REPUDIATION},
        {"p256-wish-digitalsignature-nonrepudiation",
         PKI_USAGE_DIGITAL_SIGNATURE | PKI_USAGE_NON_REPUDIATION},
        {"p256-wish-keyencipherment", 0},
        {"p256-greedy", PKI_USAGE_DIGITAL_SIGNATURE},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pki_pkcs10_t *req = NULL;
        base_result_t result = pki_pkcs10_read(&req, pkif_pem(pool, rows[i].name), pool);
        is_int(result.code, BASE_OK, rows[i].name);
        is_int(req ? pki_pkcs10_usage_wish(req) : 99u, rows[i].want,
               apr_psprintf(pool, "%s: key usage wished (RFC 5280 4.2.1.3)", rows[i].name));
    }
}

static base_result_t verify(apr_pool_t *pool, base_span_t body)
{
    pki_pkcs10_t *req = NULL;
    base_result_t result = pki_pkcs10_read(&req, body, pool);
    return result.code == BASE_OK ? pki_pkcs10_verify(req) : result;
}

/* A copy of @a der in which octet @a at, counted from the end, is another. */
static base_span_t spoil(apr_pool_t *pool, base_span_t der, apr_size_t from_end)
{
    unsigned char *copy = apr_pmemdup(pool, der.data, der.len);
    base_span_t spoilt = {copy, der.len};
    copy[der.len - from_end] ^= 0x01;
    return spoilt;
}

static void replace(unsigned char *data, apr_size_t len, base_span_t from, base_span_t to)
{
    for (apr_size_t i = 0; i + from.len <= len; i++) {
        if (memcmp(data + i, from.data, from.len) == 0)
            memcpy(data + i, to.data, to.len);
    }
}

/* A signature with another hash inside the PSS parameters (RFC 4055 3.1): id-sha3-256. */
static base_span_t other_pss_hash(apr_pool_t *pool)
{
    base_span_t der = pkif_der(pool, "rsa2048-pss-signature");
    unsigned char *copy = apr_pmemdup(pool, der.data, der.len);
    base_span_t other = {copy, der.len};
    replace(copy, der.len, pkif_hex(pool, "0609608648016503040201"),
            pkif_hex(pool, "0609608648016503040208"));
    return other;
}

static void proofs(apr_pool_t *pool)
{
    const char *detail;
    is_int(verify(pool, pkif_pem(pool, "rsa2048-sha1")).code, BASE_OK, "SHA-1 will do for PoP");
    is_int(verify(pool, pkif_pem(pool, "rsa2048-md5")).code, BASE_BAD_POP, "MD5 will not");
    detail = verify(pool, pkif_pem(pool, "rsa2048-md5")).detail;
    ok(detail && strstr(detail, "algorithm"), "and the detail says that it is the algorithm");
    is_int(verify(pool, spoil(pool, pkif_der(pool, "rsa2048"), 1)).code, BASE_BAD_POP,
           "RSA signature with one bit changed");
    is_int(verify(pool, spoil(pool, pkif_der(pool, "p256"), 1)).code, BASE_BAD_POP,
           "EC signature with one bit changed");
    is_int(verify(pool, pkif_request(pool, "00", pkif_spki(pool, pkif_der(pool, "p256")))).code,
           BASE_BAD_POP, "somebody else's key under a made-up signature");
    is_int(verify(pool, pkif_request(pool, "00", pkif_spki(pool, pkif_der(pool, "rsa2048")))).code,
           BASE_BAD_POP, "an RSA key under an ECDSA signature");
    is_int(verify(pool, other_pss_hash(pool)).code, BASE_BAD_POP, "PSS with a hash not taken");
    detail = verify(pool, other_pss_hash(pool)).detail;
    ok(detail && strstr(detail, "algorithm"), "and the detail says that it is the algorithm");
}

/* RFC 2986 4.2: the signature covers all; so no octet may change unnoticed. */
static void every_octet_counts(apr_pool_t *parent, const char *name)
{
    base_span_t der = pkif_der(parent, name);
    int accepted = 0;
    apr_pool_t *pool;
    apr_pool_create(&pool, parent);
    for (apr_size_t i = 0; i < der.len; i++) {
        for (unsigned bit = 1; bit < 0x100; bit <<= 3) {
            unsigned char *copy = apr_pmemdup(pool, der.data, der.len);
            base_span_t body = {copy, der.len};
            copy[i] = (unsigned char)(copy[i] ^ bit);
            accepted += verify(pool, body).code == BASE_OK;
            apr_pool_clear(pool);
        }
    }
    apr_pool_destroy(pool);
    is_int(accepted, 0, apr_psprintf(parent, "%s: no octet changes unnoticed", name));
}

int main(void)
{
    apr_pool_t *pool;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    good_ones(pool);
    published_one(pool);
    wishes(pool);
    proofs(pool);
    every_octet_counts(pool, "p256");
    every_octet_counts(pool, "p256-wish-nonrepudiation");
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
