/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of other forms than PKCS#10, and PKCS#10 that can be read in two ways: they are none. */
#include <apr_general.h>
#include <openssl/crmf.h>
#include <openssl/err.h>
#include "pki/pki_pkcs10.h"
#include "pki_fixture.h"

#define VICTIM "victim@ims.example.org" /* another subscriber */

static apr_pool_t *pool;
static EVP_PKEY *key;

static void must(int good)
{
    if (!good)
        pkif_die("libcrypto");
}

/* ---- requests ---- */

static X509_REQ *new_request(void)
{
    X509_REQ *req = X509_REQ_new();
    must(req && X509_REQ_set_pubkey(req, key));
    return req;
}

/* Signs and frees. */
static base_span_t finish(X509_REQ *req)
{
    unsigned char *der = NULL;
    int len;
    must(X509_REQ_sign(req, key, EVP_sha256()));
    len = i2d_X509_REQ(req, &der);
    must(len > 0);
    base_span_t span = {apr_pmemdup(pool, der, (apr_size_t)len), (apr_size_t)len};
    OPENSSL_free(der);
    X509_REQ_free(req);
    return span;
}

/* ---- what can be read in two ways ---- */

static base_span_t keep(unsigned char *der, int len)
{
    must(len > 0);
    base_span_t span = {apr_pmemdup(pool, der, (apr_size_t)len), (apr_size_t)len};
    OPENSSL_free(der);
    return span;
}

static base_code_t code_of(base_span_t body)
{
    pki_pkcs10_t *req = NULL;
    return pki_pkcs10_read(&req, body, pool).code;
}

static void refused(base_span_t body, const char *what)
{
    is_int(code_of(body), BASE_BAD_PKCS10, what);
}

/* X.690 by hand, since libcrypto does not write what is wrong: a request with these attributes
 * (hex), signed by the key. */
static base_span_t with_attributes(const char *attributes)
{
    static const char ecdsa_sha256[] = "300a06082a8648ce3d040302";
    unsigned char *der = NULL, signature[257] = {0};
    size_t len = 256;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int spki_len = i2d_PUBKEY(key, &der);
    base_span_t info = pkif_cat(pool, pkif_hex(pool, "0201003000"), keep(der, spki_len));
    info = pkif_cat(pool, info, pkif_tlv(pool, 0xa0, pkif_hex(pool, attributes)));
    info = pkif_tlv(pool, 0x30, info);
    must(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSign(md, signature + 1, &len, info.data, info.len) == 1);
    EVP_MD_CTX_free(md);
    info = pkif_cat(pool, info, pkif_hex(pool, ecdsa_sha256));
    return pkif_tlv(pool, 0x30,
                    pkif_cat(pool, info, pkif_tlv(pool, 0x03, (base_span_t){signature, len + 1})));
}

#define EXT_REQ    "06092a864886f70d01090e"       /* RFC 2985 5.4.2 */
#define MS_EXT_REQ "060a2b06010401823702010e"     /* 1.3.6.1.4.1.311.2.1.14 */
#define PASSWORD   "06092a864886f70d010907"       /* RFC 2985 5.4.1 */
#define USAGE      "300b0603551d0f040403020780"   /* keyUsage digitalSignature */
#define NO_CA      "30090603551d1304023000"       /* basicConstraints CA:FALSE */
#define A_CA       "300c0603551d13040530030101ff" /* basicConstraints CA:TRUE */

/* Attributes of a request, and whether they are read. */
static const struct {
    const char *what;
    const char *attributes;
    int want;
} readings[] = {
    {"no attributes", "", BASE_OK},
    {"extensionRequest", "301c" EXT_REQ "310f300d" USAGE, BASE_OK},
    {"extensionRequest of older tools", "301d" MS_EXT_REQ "310f300d" USAGE, BASE_OK},
    {"two extensions", "3027" EXT_REQ "311a3018" USAGE NO_CA, BASE_OK},
    {"extensionRequest twice", "301c" EXT_REQ "310f300d" USAGE "301d" EXT_REQ "3110300e" A_CA,
     BASE_BAD_PKCS10},
    {"extensionRequest under both names",
     "301c" EXT_REQ "310f300d" USAGE "301e" MS_EXT_REQ "3110300e" A_CA, BASE_BAD_PKCS10},
    {"and the other way round", "301e" MS_EXT_REQ "3110300e" A_CA "301c" EXT_REQ "310f300d" USAGE,
     BASE_BAD_PKCS10},
    {"extensionRequest with two values", "302c" EXT_REQ "311f300d" USAGE "300e" A_CA,
     BASE_BAD_PKCS10},
    {"extensionRequest without a value", "300d" EXT_REQ "3100", BASE_BAD_PKCS10},
    {"extensionRequest that is none", "3011" EXT_REQ "310430020500", BASE_BAD_PKCS10},
    {"extensionRequest that is a text", "3010" EXT_REQ "31030c0178", BASE_BAD_PKCS10},
    {"an extension twice", "3028" EXT_REQ "311b3019" NO_CA A_CA, BASE_BAD_PKCS10},
    {"an extension twice, and the same", "302b" EXT_REQ "311e301c" A_CA A_CA, BASE_BAD_PKCS10},
    {"challengePassword", "3010" PASSWORD "31030c0178", BASE_OK},
    {"challengePassword twice",
     "3010" PASSWORD "31030c0178"
     "3010" PASSWORD "31030c0179",
     BASE_BAD_PKCS10},
    {"challengePassword with two values", "3013" PASSWORD "31060c01780c0179", BASE_OK},
};

static void two_readings(void)
{
    for (unsigned i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        base_span_t body = with_attributes(readings[i].attributes);
        const unsigned char *p = body.data;
        X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)body.len);
        ok(req && X509_REQ_verify(req, key) == 1, "%s: libcrypto takes it", readings[i].what);
        X509_REQ_free(req);
        is_int(code_of(body), readings[i].want, readings[i].what);
    }
    ERR_clear_error();
}

static void many_attributes(int count, base_code_t want)
{
    X509_REQ *req = new_request();
    char oid[32];
    for (int i = 0; i < count; i++) {
        apr_snprintf(oid, sizeof(oid), "1.2.3.%d", i);
        must(X509_REQ_add1_attr_by_txt(req, oid, V_ASN1_UTF8STRING, (const unsigned char *)"x", 1));
    }
    is_int(code_of(finish(req)), want, apr_psprintf(pool, "%d attributes", count));
}

static void many_extensions(int count, base_code_t want)
{
    STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_REQ *req = new_request();
    for (int i = 0; i < count; i++) {
        ASN1_OBJECT *oid = OBJ_txt2obj(apr_psprintf(pool, "1.2.3.%d", i), 1);
        must(sk_X509_EXTENSION_push(all, X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value)));
        ASN1_OBJECT_free(oid);
    }
    must(X509_REQ_add_extensions(req, all));
    is_int(code_of(finish(req)), want, apr_psprintf(pool, "%d extensions", count));
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    ASN1_OCTET_STRING_free(value);
}

/* ---- other forms ---- */

/* HTML 4's keygen: SignedPublicKeyAndChallenge. */
static base_span_t spkac(void)
{
    NETSCAPE_SPKI *form = NETSCAPE_SPKI_new();
    unsigned char *der = NULL;
    int len;
    must(NETSCAPE_SPKI_set_pubkey(form, key) &&
         ASN1_STRING_set(form->spkac->challenge, "victim", -1) &&
         NETSCAPE_SPKI_sign(form, key, EVP_sha256()));
    len = i2d_NETSCAPE_SPKI(form, &der);
    NETSCAPE_SPKI_free(form);
    return keep(der, len);
}

/* RFC 4211: CertReqMessages with a proof of possession that holds. */
static base_span_t crmf(void)
{
    OSSL_CRMF_MSG *msg = OSSL_CRMF_MSG_new();
    OSSL_CRMF_MSGS *msgs = sk_OSSL_CRMF_MSG_new_null();
    X509_NAME *name = X509_NAME_new();
    unsigned char *der = NULL;
    int len;
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)VICTIM, -1,
                                    -1, 0) &&
         OSSL_CRMF_MSG_set_certReqId(msg, 0) &&
         OSSL_CRMF_CERTTEMPLATE_fill(OSSL_CRMF_MSG_get0_tmpl(msg), key, name, NULL, NULL) &&
         OSSL_CRMF_MSG_create_popo(OSSL_CRMF_POPO_SIGNATURE, msg, key, EVP_sha256(), NULL, NULL) &&
         sk_OSSL_CRMF_MSG_push(msgs, msg));
    len = i2d_OSSL_CRMF_MSGS(msgs, &der);
    sk_OSSL_CRMF_MSG_pop_free(msgs, OSSL_CRMF_MSG_free);
    X509_NAME_free(name);
    return keep(der, len);
}

/* RFC 5272 (CMC) and old tools wrap requests in one of these. */
static base_span_t pkcs7_of(base_span_t content)
{
    return pkif_tlv(pool, 0x30,
                    pkif_cat(pool, pkif_hex(pool, "06092a864886f70d010701"),
                             pkif_tlv(pool, 0xa0, pkif_tlv(pool, 0x04, content))));
}

static base_span_t certificate(void)
{
    pkif_ca_t sound = pkif_sound_ca();
    X509 *cert = pkif_ca_cert(&sound, key, NULL, NULL);
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    X509_free(cert);
    return keep(der, len);
}

static base_span_t armoured(const char *label, base_span_t der)
{
    return base_span_str(apr_psprintf(pool, "-----BEGIN %s-----\n%s\n-----END %s-----\n", label,
                                      base_base64_encode(pool, der.data, der.len), label));
}

static void other_form(base_span_t der, const char *what)
{
    refused(der, what);
    refused(armoured("CERTIFICATE REQUEST", der), "  nor as PEM of a request");
    refused(base_span_str(base_base64_encode(pool, der.data, der.len)), "  nor as base64");
}

static void other_forms(void)
{
    unsigned char *der = NULL;
    base_span_t good = finish(new_request());
    base_span_t pem = armoured("CERTIFICATE REQUEST", good);
    base_span_t cert = certificate();
    int len = i2d_PUBKEY(key, &der);
    base_span_t spki = keep(der, len), form = spkac();
    is_int(code_of(pem), BASE_OK, "a PKCS#10: what the rows vary is good");
    other_form(form, "SPKAC");
    refused(base_span_str(apr_pstrcat(pool, "SPKAC=", base_base64_encode(pool, form.data, form.len),
                                      "\nCN=victim\n", NULL)),
            "SPKAC with a name beside it");
    other_form(crmf(), "CRMF (RFC 4211)");
    other_form(pkcs7_of(good), "PKCS#7 around a PKCS#10 (RFC 5272)");
    other_form(cert, "a certificate");
    other_form(spki, "a public key alone");
    other_form(pkif_tlv(pool, 0x30, good), "a PKCS#10 in a SEQUENCE");
    refused(armoured("PUBLIC KEY", spki), "PEM of a public key");
    refused(armoured("PKCS7", pkcs7_of(good)), "PEM of a PKCS#7");
    refused(armoured("CERTIFICATE", good), "a PKCS#10 under a certificate's label");
    refused(pkif_cat(pool, pem, pem), "two PKCS#10");
    refused(pkif_cat(pool, pem, armoured("CERTIFICATE", cert)), "a PKCS#10 and a certificate");
    refused(pkif_cat(pool, armoured("CERTIFICATE", cert), pem), "a certificate and a PKCS#10");
    refused(pkif_cat(pool, armoured("PUBLIC KEY", spki), pem), "a key and a PKCS#10");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    key = EVP_EC_gen("P-256");
    two_readings();
    many_attributes(32, BASE_OK);
    many_attributes(33, BASE_BAD_PKCS10);
    many_extensions(64, BASE_OK);
    many_extensions(65, BASE_BAD_PKCS10);
    other_forms();
    is_int((long long)ERR_peek_error(), 0, "OpenSSL's error queue is empty");
    EVP_PKEY_free(key);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
