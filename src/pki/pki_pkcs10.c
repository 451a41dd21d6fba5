/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include "pki/pki_impl.h"
#include "pki/pki_policy.h"

/* TS 24.109 E.3.1 prints its armour lines with a space inside the dashes, RFC 7468 without; the
 * word NEW is what older tools write (RFC 7468 7). Begin and end must be of one row. */
static const struct {
    const char *begin;
    const char *end;
} armours[] = {
    {"-----BEGIN CERTIFICATE REQUEST-----", "-----END CERTIFICATE REQUEST-----"},
    {"----- BEGIN CERTIFICATE REQUEST -----", "----- END CERTIFICATE REQUEST -----"},
    {"-----BEGIN NEW CERTIFICATE REQUEST-----", "-----END NEW CERTIFICATE REQUEST-----"},
    {"----- BEGIN NEW CERTIFICATE REQUEST -----", "----- END NEW CERTIFICATE REQUEST -----"},
};

#define ARMOURS (sizeof(armours) / sizeof(armours[0]))

static int is_blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void drop(base_span_t *text, apr_size_t n)
{
    text->data += n;
    text->len -= n;
}

static int take(base_span_t *text, const char *word)
{
    apr_size_t len = strlen(word);
    if (text->len < len || memcmp(text->data, word, len) != 0)
        return 0;
    drop(text, len);
    return 1;
}

/* Spaces and tabs, then LF or CRLF. */
static int take_line_end(base_span_t *text)
{
    while (text->len && (text->data[0] == ' ' || text->data[0] == '\t'))
        drop(text, 1);
    return take(text, "\n") || take(text, "\r\n");
}

/* The end line stands at the start of a line, and nothing but white space follows it: so a second
 * block is refused here, and RFC 1421 headers by the base64 decoder. */
static int take_block(base_span_t *inner, base_span_t text, const char *end)
{
    const unsigned char *dash = text.len ? memchr(text.data, '-', text.len) : NULL;
    if (!dash || dash == text.data || dash[-1] != '\n')
        return 0;
    inner->data = text.data;
    inner->len = (apr_size_t)(dash - text.data);
    drop(&text, inner->len);
    if (!take(&text, end))
        return 0;
    while (text.len && is_blank(text.data[0]))
        drop(&text, 1);
    return text.len == 0;
}

static int strip_armour(base_span_t *inner, base_span_t text)
{
    for (apr_size_t i = 0; i < ARMOURS; i++) {
        base_span_t rest = text;
        if (take(&rest, armours[i].begin) && take_line_end(&rest))
            return take_block(inner, rest, armours[i].end);
    }
    return 0;
}

/* Base64 with line breaks and blanks anywhere (RFC 7468 2 allows them to a lax parser). */
static int decode_text(base_span_t *der, base_span_t text, apr_pool_t *pool)
{
    unsigned char *dense = apr_palloc(pool, text.len + 1);
    unsigned char *out = apr_palloc(pool, text.len + 1);
    base_span_t packed = {dense, 0};
    for (apr_size_t i = 0; i < text.len; i++) {
        if (!is_blank(text.data[i]))
            dense[packed.len++] = text.data[i];
    }
    der->data = out;
    return base_base64_decode(out, text.len + 1, &der->len, packed, BASE_BASE64);
}

/* A SEQUENCE's first octet is 0x30, '0' as text; base64 of one starts with 'M', armour with '-':
 * the first octet tells the three forms apart. */
static int body_to_der(base_span_t *der, base_span_t body, apr_pool_t *pool)
{
    base_span_t text = body;
    if (body.data[0] == 0x30) {
        der->data = apr_pmemdup(pool, body.data, body.len);
        der->len = body.len;
        return 1;
    }
    if (is_blank(body.data[0]) || (body.data[0] == '-' && !strip_armour(&text, body)))
        return 0;
    return decode_text(der, text, pool);
}

int pki_der_enter(const unsigned char **p, const unsigned char *end, int tag, long *len)
{
    int got = 0;
    int class = 0;
    int form = ASN1_get_object(p, len, &got, &class, end - *p);
    return (form & 0x81) == 0 && class == V_ASN1_UNIVERSAL && got == tag;
}

/* RFC 2986 4: SEQUENCE { SEQUENCE { version INTEGER, subject Name, subjectPKInfo ... */
static int find_spki(base_span_t *spki, base_span_t der)
{
    const unsigned char *p = der.data;
    const unsigned char *end = der.data + der.len;
    long len = 0;
    if (!pki_der_enter(&p, end, V_ASN1_SEQUENCE, &len) ||
        !pki_der_enter(&p, end, V_ASN1_SEQUENCE, &len) ||
        !pki_der_enter(&p, end, V_ASN1_INTEGER, &len))
        return 0;
    p += len;
    if (!pki_der_enter(&p, end, V_ASN1_SEQUENCE, &len))
        return 0;
    p += len;
    spki->data = p;
    if (!pki_der_enter(&p, end, V_ASN1_SEQUENCE, &len))
        return 0;
    spki->len = (apr_size_t)(p + len - spki->data);
    return 1;
}

static X509_ALGOR *key_alg(const pki_pkcs10_t *req, const unsigned char **key, int *key_len)
{
    X509_ALGOR *alg = NULL;
    if (!X509_PUBKEY_get0_param(NULL, key, key_len, &alg, X509_REQ_get_X509_PUBKEY(req->req)))
        return NULL;
    return alg;
}

/* These octets go into a certificate as they are, so they must be DER and not just BER, and the
 * key must be whole octets: the first octet of the BIT STRING counts its unused bits. */
static int spki_is_der(const pki_pkcs10_t *req)
{
    const unsigned char *key = NULL;
    unsigned char *again = NULL;
    int key_len = 0;
    int len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(req->req), &again);
    int same = len > 0 && (apr_size_t)len == req->spki.len &&
               memcmp(again, req->spki.data, req->spki.len) == 0;
    OPENSSL_free(again);
    return same && key_alg(req, &key, &key_len) && key_len >= 0 && key_len < len &&
           req->spki.data[len - key_len - 1] == 0;
}

int pki_pkcs10_key_alg(const pki_pkcs10_t *req)
{
    const ASN1_OBJECT *oid = NULL;
    const X509_ALGOR *alg = key_alg(req, NULL, NULL);
    if (!alg)
        return NID_undef;
    X509_ALGOR_get0(&oid, NULL, NULL, alg);
    return OBJ_obj2nid(oid);
}

int pki_pkcs10_key_curve(const pki_pkcs10_t *req)
{
    int type = V_ASN1_UNDEF;
    const void *value = NULL;
    int nid;
    const X509_ALGOR *alg = key_alg(req, NULL, NULL);
    if (!alg || pki_pkcs10_key_alg(req) != NID_X9_62_id_ecPublicKey)
        return NID_undef;
    X509_ALGOR_get0(NULL, &type, &value, alg);
    if (type != V_ASN1_OBJECT) /* RFC 5480 2.1.1: explicit and implicit curves must not be used */
        return NID_undef;
    nid = OBJ_obj2nid(value);
    return nid == NID_X9_62_prime256v1 || nid == NID_secp384r1 ? nid : NID_undef;
}

/* One INTEGER in DER, not negative: OpenSSL's key decoder would read a negative one as positive. */
static int take_natural(const unsigned char **p, const unsigned char *end)
{
    const unsigned char *start = *p;
    ASN1_INTEGER *number = d2i_ASN1_INTEGER(NULL, p, end - *p);
    int good = number && ASN1_STRING_type(number) == V_ASN1_INTEGER &&
               i2d_ASN1_INTEGER(number, NULL) == *p - start;
    ASN1_INTEGER_free(number);
    return good;
}

/* RFC 3279 2.3.1: parameters NULL; RSAPublicKey ::= SEQUENCE { modulus, publicExponent }. */
static int rsa_is_sound(const pki_pkcs10_t *req)
{
    const unsigned char *key = NULL;
    int key_len = 0;
    int type = V_ASN1_UNDEF;
    long len = 0;
    const unsigned char *p;
    const X509_ALGOR *alg = key_alg(req, &key, &key_len);
    if (!alg || key_len <= 0 || !X509_REQ_get0_pubkey(req->req))
        return 0;
    X509_ALGOR_get0(NULL, &type, NULL, alg);
    p = key;
    return type == V_ASN1_NULL && pki_der_enter(&p, key + key_len, V_ASN1_SEQUENCE, &len) &&
           p + len == key + key_len && ASN1_object_size(1, (int)len, V_ASN1_SEQUENCE) == key_len &&
           take_natural(&p, key + key_len) && take_natural(&p, key + key_len) && p == key + key_len;
}

/* RFC 5480 2.2: a point compressed (2, 3) or not (4); no hybrid forms, and no point at infinity. */
static int ec_is_sound(const pki_pkcs10_t *req)
{
    const unsigned char *key = NULL;
    int key_len = 0;
    if (!key_alg(req, &key, &key_len) || key_len <= 0 || !X509_REQ_get0_pubkey(req->req))
        return 0;
    return key[0] >= 2 && key[0] <= 4;
}

/* A key of a kind that may be certified must be readable; what the others hold does not matter,
 * pki_key_check() names what is wrong with them. */
static int key_is_sound(const pki_pkcs10_t *req)
{
    if (pki_pkcs10_key_alg(req) == NID_rsaEncryption)
        return rsa_is_sound(req);
    if (pki_pkcs10_key_curve(req) != NID_undef)
        return ec_is_sound(req);
    return 1;
}

static apr_status_t free_req(void *req)
{
    X509_REQ_free(req);
    return APR_SUCCESS;
}

/* Fills @a req; returns what is wrong, or NULL. */
static const char *parse(pki_pkcs10_t *req, base_span_t der, apr_pool_t *pool)
{
    const unsigned char *p = der.data;
    req->req = d2i_X509_REQ(NULL, &p, (long)der.len);
    if (!req->req)
        return "PKCS#10: not a certification request";
    apr_pool_cleanup_register(pool, req->req, free_req, apr_pool_cleanup_null);
    if (p != der.data + der.len)
        return "PKCS#10: octets after the certification request";
    if (X509_REQ_get_version(req->req) != X509_REQ_VERSION_1)
        return "PKCS#10: version is not 0";
    if (!find_spki(&req->spki, der) || !spki_is_der(req))
        return "PKCS#10: SubjectPublicKeyInfo is not in DER";
    if (req->spki.len > PKI_SPKI_MAX)
        return "PKCS#10: SubjectPublicKeyInfo is too long";
    if (!key_is_sound(req))
        return "PKCS#10: the public key cannot be read";
    return pki_attributes_wrong(req->req);
}

base_result_t pki_pkcs10_read(pki_pkcs10_t **out, base_span_t body, apr_pool_t *pool)
{
    pki_pkcs10_t *req = apr_pcalloc(pool, sizeof(*req));
    base_span_t der = {NULL, 0};
    const char *wrong;
    *out = NULL;
    if (!body.data || body.len == 0)
        return base_fail(BASE_BAD_PKCS10, "GBA0300", "PKCS#10: empty body");
    if (body.len > PKI_PKCS10_MAX)
        return base_fail(BASE_BAD_PKCS10, "GBA0301", "PKCS#10: body too long");
    if (!body_to_der(&der, body, pool))
        return base_fail(BASE_BAD_PKCS10, "GBA0302", "PKCS#10: neither DER, PEM nor base64");
    wrong = parse(req, der, pool);
    ERR_clear_error();
    if (wrong)
        return base_fail(BASE_BAD_PKCS10, "GBA0303", wrong);
    *out = req;
    return base_ok();
}

base_span_t pki_pkcs10_spki(const pki_pkcs10_t *req)
{
    return req->spki;
}

unsigned pki_pkcs10_usage_wish(const pki_pkcs10_t *req)
{
    STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(req->req);
    ASN1_BIT_STRING *usage = X509V3_get_d2i(exts, NID_key_usage, NULL, NULL);
    unsigned wish = 0;
    if (usage && ASN1_BIT_STRING_get_bit(usage, 0))
        wish |= PKI_USAGE_DIGITAL_SIGNATURE;
    if (usage && ASN1_BIT_STRING_get_bit(usage, 1))
        wish |= PKI_USAGE_NON_REPUDIATION;
    ASN1_BIT_STRING_free(usage);
    sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
    ERR_clear_error();
    return wish;
}

/* The hash that RSASSA-PSS parameters name; SHA-1 if they name none (RFC 4055 3.1). */
static int pss_hash(int type, const void *params)
{
    RSA_PSS_PARAMS *pss;
    int nid = NID_sha1;
    if (type != V_ASN1_SEQUENCE)
        return NID_undef;
    pss = ASN1_item_unpack(params, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
    if (!pss)
        return NID_undef;
    if (pss->hashAlgorithm)
        nid = OBJ_obj2nid(pss->hashAlgorithm->algorithm);
    RSA_PSS_PARAMS_free(pss);
    return nid;
}

/* The hash under the PKCS#10's signature; NID_undef if it cannot be told. */
static int signature_hash(const pki_pkcs10_t *req)
{
    const X509_ALGOR *alg = NULL;
    const ASN1_OBJECT *oid = NULL;
    const void *params = NULL;
    int type = V_ASN1_UNDEF;
    int hash = NID_undef;
    X509_REQ_get0_signature(req->req, NULL, &alg);
    X509_ALGOR_get0(&oid, &type, &params, alg);
    if (OBJ_obj2nid(oid) == NID_rsassaPss)
        return pss_hash(type, params);
    return OBJ_find_sigid_algs(OBJ_obj2nid(oid), &hash, NULL) ? hash : NID_undef;
}

/* SHA-1 only shows here that somebody who holds the key signed now: a collision gains nothing, and
 * old UEs have nothing better. */
static int hash_is_taken(int nid)
{
    return nid == NID_sha1 || nid == NID_sha224 || nid == NID_sha256 || nid == NID_sha384 ||
           nid == NID_sha512;
}

base_result_t pki_pkcs10_verify(const pki_pkcs10_t *req)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(req->req);
    int taken = hash_is_taken(signature_hash(req));
    int good;
    if (pki_key_check(req) != PKI_REASON_NONE)
        return base_fail(BASE_INTERNAL, "GBA1505", "PKCS#10: verified by a key that is refused");
    good = taken && key && X509_REQ_verify(req->req, key) == 1;
    ERR_clear_error();
    if (!taken)
        return base_fail(BASE_BAD_POP, "GBA0304", "PKCS#10: signature algorithm not taken");
    if (!good)
        return base_fail(BASE_BAD_POP, "GBA0305", "PKCS#10: its own key does not verify it");
    return base_ok();
}
