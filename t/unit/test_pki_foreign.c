/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that say who they are, or what they want to be: the certificate is the one that a
 * request with nothing but the key would get. Requests of other forms, and those that can be read
 * in two ways, are none. */
#include <apr_general.h>
#include <openssl/err.h>
#include "pki/pki_policy.h"
#include "pki_fixture.h"

#define VICTIM    "victim@ims.example.org" /* another subscriber */
#define PSEUDONYM "0123456789abcdef0123456789abcdef"

static apr_pool_t *pool;
static pki_ca_t *ca;
static EVP_PKEY *key; /* the UE's own */

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

static void name_it(X509_REQ *req, const char *type, const char *value)
{
    must(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), type, MBSTRING_UTF8,
                                    (const unsigned char *)value, -1, -1, 0));
}

static STACK_OF(X509_EXTENSION) * one_extension(const char *name, const char *value)
{
    STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
    X509V3_CTX context;
    CONF *conf = NCONF_new(NULL);
    X509V3_set_ctx(&context, NULL, NULL, NULL, NULL, 0);
    X509V3_set_nconf(&context, conf);
    X509_EXTENSION *one = X509V3_EXT_nconf(conf, &context, name, value);
    NCONF_free(conf);
    if (!one)
        pkif_die(name);
    must(sk_X509_EXTENSION_push(all, one));
    return all;
}

static base_span_t asking_for(const char *name, const char *value)
{
    X509_REQ *req = new_request();
    STACK_OF(X509_EXTENSION) *all = one_extension(name, value);
    must(X509_REQ_add_extensions(req, all));
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    return finish(req);
}

/* ---- certificates ---- */

static pki_profile_t profiles[2]; /* a plain one, and one with everything */

static void make_profiles(void)
{
    int count;
    profiles[0] = *pki_profiles_default(&count);
    pki_profile_init(&profiles[1], "all");
    profiles[1].flag = 1;
    profiles[1].usage = PKI_USAGE_DIGITAL_SIGNATURE;
    profiles[1].allow_identity = 1;
    strcpy(profiles[1].subject[1], "UID=%{impi}");
    strcpy(profiles[1].sans[0], "uri:sip:%{ueid}");
    strcpy(profiles[1].sans[1], "email:%{impi}");
    strcpy(profiles[1].ekus[0], "1.3.6.1.5.5.7.3.2");
    strcpy(profiles[1].policies[0], "2.23.140.1.2.1");
    strcpy(profiles[1].crls[0], "http://crl.example.org/ca.crl");
    strcpy(profiles[1].ocsp, "http://ocsp.example.org/");
    strcpy(profiles[1].ca_issuers, "http://ca.example.org/ca.cer");
    for (int i = 0; i < 2; i++)
        is_int(pki_profile_check(&profiles[i], pool).code, BASE_OK, "a profile that can be used");
}

/* What is signed of the certificate that the request gets; nothing if it gets none. */
static base_span_t tbs_of(base_span_t request, const pki_profile_t *profile)
{
    static const char *const ids[] = {"ue@ims.example.org"};
    pki_cert_spec_t spec = {.profile = profile,
                            .names = {PSEUDONYM, NULL, "ue@private.example.org", ids, 1},
                            .not_before = PKIF_NOW,
                            .not_after = PKIF_NOW + 365 * PKIF_DAY};
    unsigned char der[PKI_CERT_MAX], *tbs = NULL;
    const unsigned char *p = der;
    apr_size_t len = 0;
    pki_pkcs10_t *req = NULL;
    base_span_t none = {NULL, 0};
    memset(spec.serial, 0x11, sizeof(spec.serial));
    if (pki_pkcs10_read(&req, request, pool).code != BASE_OK ||
        pki_key_check(req) != PKI_REASON_NONE || pki_pkcs10_verify(req).code != BASE_OK)
        return none;
    spec.spki = pki_pkcs10_spki(req);
    if (pki_cert_issue(ca, &spec, der, &len).code != BASE_OK)
        return none;
    X509 *cert = d2i_X509(NULL, &p, (long)len);
    int tbs_len = i2d_re_X509_tbs(cert, &tbs);
    must(tbs_len > 0);
    base_span_t span = {apr_pmemdup(pool, tbs, (apr_size_t)tbs_len), (apr_size_t)tbs_len};
    OPENSSL_free(tbs);
    X509_free(cert);
    return span;
}

static void ignored(base_span_t request, const char *what)
{
    base_span_t plain = finish(new_request());
    for (int i = 0; i < 2; i++) {
        base_span_t want = tbs_of(plain, &profiles[i]);
        base_span_t got = tbs_of(request, &profiles[i]);
        ok(want.len > 0 && want.len == got.len && memcmp(want.data, got.data, want.len) == 0,
           "%s, profile %s: the certificate of a request that does not say so", what,
           profiles[i].name);
    }
}

static void subjects(void)
{
    static const char *const types[] = {"CN",    "UID", "SN", "serialNumber", "emailAddress",
                                        "title", "O",   "DC", "pseudonym",    "unstructuredName"};
    X509_REQ *req;
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        req = new_request();
        name_it(req, types[i], "victim");
        ignored(finish(req), apr_pstrcat(pool, "another subscriber's ", types[i], NULL));
    }
    req = new_request();
    name_it(req, "CN", PSEUDONYM);
    name_it(req, "CN", VICTIM);
    ignored(finish(req), "his own pseudonym, and then another's name");
}

static const struct {
    const char *name;
    const char *value;
} wishes[] = {
    {"subjectAltName", "email:" VICTIM},
    {"subjectAltName", "URI:sip:" VICTIM},
    {"subjectAltName", "URI:sip:ue@ims.example.org,URI:tel:+15550100"},
    {"subjectAltName", "DNS:bank.example.com"},
    {"subjectAltName", "DNS:bank.example.com\\0.attacker.example.net"},
    {"subjectAltName", "IP:192.0.2.1"},
    {"subjectAltName", "RID:1.2.3.4"},
    {"subjectAltName", "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:" VICTIM},
    {"subjectAltName", "critical,email:" VICTIM},
    {"issuerAltName", "DNS:bank.example.com"},
    {"keyUsage", "critical,keyCertSign,cRLSign"},
    {"keyUsage", "digitalSignature,keyCertSign,decipherOnly"},
    {"extendedKeyUsage", "serverAuth,codeSigning"},
    {"extendedKeyUsage", "critical,OCSPSigning"},
    {"extendedKeyUsage", "anyExtendedKeyUsage"},
    {"basicConstraints", "CA:FALSE"},
    {"basicConstraints", "CA:FALSE,pathlen:3"},
    {"nameConstraints", "permitted;email:example.com"},
    {"policyConstraints", "requireExplicitPolicy:3"},
    {"inhibitAnyPolicy", "2"},
    {"certificatePolicies", "2.5.29.32.0,1.2.3.4"},
    {"crlDistributionPoints", "URI:http://attacker.example.net/crl"},
    {"freshestCRL", "URI:http://attacker.example.net/crl"},
    {"authorityInfoAccess", "OCSP;URI:http://attacker.example.net/ocsp"},
    {"subjectInfoAccess", "caRepository;URI:http://attacker.example.net/"},
    {"subjectKeyIdentifier", "000102030405060708090a0b0c0d0e0f10111213"},
    {"noCheck", "ignored"},
    {"tlsfeature", "status_request"},
    {"nsCertType", "sslCA,emailCA"},
    {"nsComment", VICTIM},
    {"1.2.3.4.5", "critical,ASN1:UTF8String:" VICTIM},
    {"2.5.29.9", "ASN1:UTF8String:" VICTIM},
};

static void extensions(void)
{
    for (unsigned i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
        ignored(asking_for(wishes[i].name, wishes[i].value),
                apr_psprintf(pool, "%s = %s", wishes[i].name, wishes[i].value));
}

static void add_text(X509_REQ *req, int nid, const char *text)
{
    must(X509_REQ_add1_attr_by_NID(req, nid, MBSTRING_ASC, (const unsigned char *)text, -1));
}

static void attributes(void)
{
    X509_REQ *req = new_request();
    add_text(req, NID_pkcs9_challengePassword, "victim");
    add_text(req, NID_pkcs9_unstructuredName, VICTIM);
    add_text(req, NID_friendlyName, "victim");
    ignored(finish(req), "attributes (RFC 2985 5.4)");
    req = new_request();
    STACK_OF(X509_EXTENSION) *all = one_extension("subjectAltName", "email:" VICTIM);
    must(X509_REQ_add_extensions_nid(req, all, NID_ms_ext_req));
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    ignored(finish(req), "extensions as older tools ask for them");
}

int main(void)
{
    pkif_ca_t sound = pkif_sound_ca();
    EVP_PKEY *ca_key;
    const char *dir;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = pkif_dir(pool);
    ca_key = EVP_EC_gen("P-256");
    key = EVP_EC_gen("P-256");
    ca = pkif_load(pool, dir, &sound, ca_key);
    make_profiles();
    subjects();
    extensions();
    attributes();
    is_int((long long)ERR_peek_error(), 0, "OpenSSL's error queue is empty");
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    pkif_clean(dir);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
