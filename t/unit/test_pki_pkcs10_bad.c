/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#10 that must be refused: wrong text around it, and DER that is not quite right. */
#include <apr_general.h>
#include "pki/pki_pkcs10.h"
#include "pki_fixture.h"

#define BEGIN "-----BEGIN CERTIFICATE REQUEST-----\n"
#define END   "-----END CERTIFICATE REQUEST-----\n"

static base_code_t read_code(apr_pool_t *pool, base_span_t body)
{
    pki_pkcs10_t *req = (pki_pkcs10_t *)pool;
    base_code_t code = pki_pkcs10_read(&req, body, pool).code;
    if ((code == BASE_OK) != (req != NULL))
        pkif_die("code and object disagree");
    return code;
}

static void refused(apr_pool_t *pool, base_span_t body, const char *why)
{
    is_int(read_code(pool, body), BASE_BAD_PKCS10, why);
}

/* "@" in a row stands for the base64 lines of a good PKCS#10. */
static base_span_t expand(apr_pool_t *pool, const char *row, const char *lines)
{
    const char *out = "";
    for (; *row; row++)
        out = apr_pstrcat(pool, out, *row == '@' ? lines : apr_pstrndup(pool, row, 1), NULL);
    return base_span_str(out);
}

static const struct {
    const char *why;
    const char *text;
} texts[] = {
    {"one space", " "},
    {"text before the armour", "hello\n" BEGIN "@" END},
    {"a line end before the armour", "\n" BEGIN "@" END},
    {"a space before the armour", " " BEGIN "@" END},
    {"text after the armour", BEGIN "@" END "hello"},
    {"two blocks", BEGIN "@" END BEGIN "@" END},
    {"no end line", BEGIN "@"},
    {"no begin line", "@" END},
    {"end line not on a line of its own", BEGIN "@ " END},
    {"begin line not on a line of its own", "-----BEGIN CERTIFICATE REQUEST----- @" END},
    {"empty block", BEGIN END},
    {"blank block", BEGIN "\n\n" END},
    {"another label", "-----BEGIN CERTIFICATE-----\n@-----END CERTIFICATE-----\n"},
    {"labels differ", "-----BEGIN NEW CERTIFICATE REQUEST-----\n@" END},
    {"spaces differ", "----- BEGIN CERTIFICATE REQUEST -----\n@" END},
    {"lower case", "-----begin certificate request-----\n@-----end certificate request-----\n"},
    {"four dashes", "----BEGIN CERTIFICATE REQUEST----\n@----END CERTIFICATE REQUEST----\n"},
    {"two spaces", "-----  BEGIN CERTIFICATE REQUEST  -----\n@" END},
    {"RFC 1421 header", BEGIN "Proc-Type: 4,ENCRYPTED\n\n@" END},
    {"CR alone as line end", "-----BEGIN CERTIFICATE REQUEST-----\r@" END},
    {"a dash in the base64", BEGIN "-@" END},
    {"base64url", BEGIN "_@" END},
    {"padding first", BEGIN "=@" END},
    {"twice in one block", BEGIN "@@" END},
    {"base64 with a space before it", " @"},
    {"base64 with text after it", "@."},
    {"base64 with one character more", "@A"},
    {"base64 of something else", "aGVsbG8="},
    {"PEM of something else", BEGIN "aGVsbG8=\n" END},
    {"text that starts like DER", "0123456789"},
    {"form field", "pkcs10=@"},
};

static void bad_texts(apr_pool_t *pool)
{
    base_span_t der = pkif_der(pool, "p256");
    const char *lines = apr_pstrcat(pool, base_base64_encode(pool, der.data, der.len), "\n", NULL);
    is_int(read_code(pool, expand(pool, BEGIN "@" END, lines)), BASE_OK,
           "what the rows vary is good");
    is_int(read_code(pool, expand(pool, "@", lines)), BASE_OK, "and so are its bare lines");
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        refused(pool, expand(pool, texts[i].text, lines), texts[i].why);
}

/* @a len octets of a good PEM with blanks after it. */
static base_span_t padded(apr_pool_t *pool, apr_size_t len)
{
    base_span_t pem = pkif_pem(pool, "p256");
    unsigned char *data = apr_palloc(pool, len);
    base_span_t body = {data, len};
    memset(data, '\n', len);
    memcpy(data, pem.data, pem.len);
    return body;
}

static void sizes(apr_pool_t *pool)
{
    base_span_t none = {NULL, 0};
    base_span_t der = pkif_der(pool, "p256");
    base_span_t nul = {(const unsigned char *)"", 1};
    int accepted = 0;
    refused(pool, none, "no body");
    refused(pool, base_span_str(""), "empty body");
    is_int(read_code(pool, padded(pool, PKI_PKCS10_MAX)), BASE_OK, "as long as may be");
    refused(pool, padded(pool, PKI_PKCS10_MAX + 1), "one octet longer");
    refused(pool, pkif_cat(pool, der, nul), "DER with an octet after it");
    refused(pool, pkif_cat(pool, der, base_span_str("\n")), "DER with a line end after it");
    refused(pool, pkif_cat(pool, der, der), "DER twice");
    refused(pool, pkif_cat(pool, pkif_pem(pool, "p256"), nul), "PEM with a NUL after it");
    for (apr_size_t len = 1; len < der.len; len++) {
        base_span_t cut = {apr_pmemdup(pool, der.data, len), len};
        accepted += read_code(pool, cut) == BASE_OK;
    }
    is_int(accepted, 0, "DER cut anywhere");
}

static base_span_t bits(apr_pool_t *pool, const char *unused, base_span_t key)
{
    return pkif_cat(pool, pkif_hex(pool, unused), key);
}

static void wrapped(apr_pool_t *pool, const char *algorithm, const char *unused, base_span_t key,
                    const char *why)
{
    base_span_t spki = pkif_make_spki(pool, algorithm, bits(pool, unused, key));
    refused(pool, pkif_request(pool, "00", spki), why);
}

static base_span_t rsa_numbers(apr_pool_t *pool, base_span_t n, base_span_t e)
{
    return pkif_tlv(pool, 0x30, pkif_cat(pool, n, e));
}

/* RSAPublicKey that OpenSSL's own decoder may pass (RFC 8017 A.1.1). */
static void bad_rsa(apr_pool_t *pool)
{
    base_span_t key = pkif_rsa_key(pool, 2048, "010001");
    base_span_t e = pkif_hex(pool, "0203010001");
    base_span_t n = {key.data + 4, key.len - 4 - e.len};
    base_span_t raw = {n.data + 5, n.len - 5}; /* without tag, length, and the leading zero */
    base_span_t zero = pkif_hex(pool, "00");
    is_int(read_code(pool, pkif_request(pool, "00", pkif_rsa_spki(pool, 2048, "010001"))), BASE_OK,
           "RSA: what the rows vary is good");
    wrapped(pool, PKIF_RSA_NO, "00", key, "RSA: parameters absent (RFC 3279 2.3.1)");
    wrapped(pool, PKIF_RSA "0500", "00", key, "RSA: parameters twice");
    wrapped(pool, PKIF_RSA, "00", pkif_cat(pool, key, zero), "RSA: octet after the key");
    wrapped(pool, PKIF_RSA, "01", key, "RSA: a bit of the key unused");
    wrapped(pool, PKIF_RSA, "00", pkif_hex(pool, ""), "RSA: no key");
    wrapped(pool, PKIF_RSA, "00", rsa_numbers(pool, pkif_tlv(pool, 0x02, raw), e),
            "RSA: negative modulus");
    wrapped(pool, PKIF_RSA, "00", rsa_numbers(pool, n, pkif_hex(pool, "0203810001")),
            "RSA: negative exponent");
    wrapped(pool, PKIF_RSA, "00", rsa_numbers(pool, n, pkif_hex(pool, "020400010001")),
            "RSA: exponent with a zero too many");
    wrapped(pool, PKIF_RSA, "00", rsa_numbers(pool, n, pkif_hex(pool, "028103010001")),
            "RSA: exponent with a long length (BER)");
    wrapped(pool, PKIF_RSA, "00", rsa_numbers(pool, n, pkif_cat(pool, e, e)), "RSA: three numbers");
    wrapped(pool, PKIF_RSA, "00", rsa_numbers(pool, n, zero), "RSA: no exponent");
}

/* P-256's base point (SEC 2, 2.4.2), of which anybody knows the private key. */
#define GX "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
#define GY "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"

static void bad_ec(apr_pool_t *pool)
{
    base_span_t good =
        pkif_make_spki(pool, PKIF_P256, bits(pool, "00", pkif_hex(pool, "04" GX GY)));
    is_int(read_code(pool, pkif_request(pool, "00", good)), BASE_OK,
           "EC: what the rows vary is good");
    wrapped(pool, PKIF_P256, "00", pkif_hex(pool, "04" GX GX), "EC: point not on the curve");
    wrapped(pool, PKIF_P256, "00", pkif_hex(pool, "04" GX), "EC: half a point");
    wrapped(pool, PKIF_P256, "00", pkif_hex(pool, "04" GX GY "00"), "EC: octet after the point");
    wrapped(pool, PKIF_P256, "00", pkif_hex(pool, "07" GX GY), "EC: hybrid form (RFC 5480 2.2)");
    wrapped(pool, PKIF_P256, "00", pkif_hex(pool, "00"), "EC: point at infinity");
    wrapped(pool, PKIF_P256, "00", pkif_hex(pool, ""), "EC: no point");
    wrapped(pool, PKIF_P256, "04", pkif_hex(pool, "04" GX GY), "EC: bits of the point unused");
    wrapped(pool, PKIF_P256, "01", pkif_hex(pool, "03" GX), "EC: a zero bit of the point unused");
    refused(pool, pkif_pem(pool, "p256-hybrid"), "EC: hybrid form as OpenSSL makes it");
}

/* A BIT STRING of 512 octets with a length of three octets where two will do: a key that may be
 * certified, in BER. */
static base_span_t ber_bits(apr_pool_t *pool)
{
    base_span_t bit_string = bits(pool, "00", pkif_rsa_key(pool, 3976, "010001"));
    base_span_t alg = pkif_tlv(pool, 0x30, pkif_hex(pool, PKIF_RSA));
    if (bit_string.len != 512)
        pkif_die("BIT STRING");
    bit_string = pkif_cat(pool, pkif_hex(pool, "0383000200"), bit_string);
    return pkif_tlv(pool, 0x30, pkif_cat(pool, alg, bit_string));
}

/* Around the key: RFC 2986 4.1 and the rules of DER (X.690 10.1). */
static void bad_frames(apr_pool_t *pool)
{
    base_span_t good = pkif_rsa_spki(pool, 2048, "010001");
    base_span_t inside = {good.data + 4, good.len - 4};
    base_span_t longer = pkif_cat(pool, pkif_hex(pool, "308300"), pkif_cat(pool, good, good));
    unsigned char *data = apr_pmemdup(pool, longer.data, 5 + inside.len);
    base_span_t ber = {data, 5 + inside.len};
    base_span_t open =
        pkif_cat(pool, pkif_hex(pool, "3080"), pkif_cat(pool, inside, pkif_hex(pool, "0000")));
    memcpy(data + 3, good.data + 2, 2);
    memcpy(data + 5, inside.data, inside.len);
    refused(pool, pkif_request(pool, "00", ber), "SPKI with a length longer than needed");
    refused(pool, pkif_request(pool, "00", open), "SPKI of indefinite length");
    is_int(read_code(pool, pkif_request(pool, "00", pkif_rsa_spki(pool, 3976, "010001"))), BASE_OK,
           "a key of 3976 bits in DER");
    refused(pool, pkif_request(pool, "00", ber_bits(pool)), "the same key in BER");
    refused(pool, pkif_request(pool, "01", good), "version 2");
    refused(pool, pkif_request(pool, "ff", good), "version 0 less one");
    refused(pool, pkif_request(pool, "00", pkif_hex(pool, "3000")), "SPKI empty");
    refused(pool, pkif_request(pool, "00", pkif_cat(pool, good, good)), "SPKI twice");
    is_int(read_code(pool, pkif_request(pool, "00", pkif_rsa_spki(pool, 7680, "010001"))), BASE_OK,
           "SPKI of 1000 octets");
    refused(pool, pkif_request(pool, "00", pkif_rsa_spki(pool, 8192, "010001")),
            "SPKI over PKI_SPKI_MAX");
}

int main(void)
{
    apr_pool_t *pool;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    bad_texts(pool);
    sizes(pool);
    bad_rsa(pool);
    bad_ec(pool);
    bad_frames(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
