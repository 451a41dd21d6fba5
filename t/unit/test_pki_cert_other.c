/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of other profiles, and with other extensions, each signed by the CA's own key:
 * pki_cert_check() lets none pass. And the extensions that are kept are those of the profile. */
#include <pthread.h>
#include <apr_general.h>
#include <openssl/err.h>
#include "pki/pki_impl.h"
#include "pki_fixture.h"

#define PSEUDONYM "0123456789abcdef0123456789abcdef"

static apr_pool_t *pool;
static EVP_PKEY *ca_key;
static pki_ca_t *ca;
static base_span_t spki;

static const char *const ids[] = {"sip:ue@ims.example.org", "ue@mail.example.org"};

/* A profile with everything. */
static pki_profile_t rich(void)
{
    pki_profile_t p;
    pki_profile_init(&p, "rich");
    p.flag = 1;
    p.usage = PKI_USAGE_DIGITAL_SIGNATURE;
    p.allow_identity = 1;
    strcpy(p.subject[1], "O=Example");
    strcpy(p.sans[0], "uri:%{ueid}");
    strcpy(p.ekus[0], "1.3.6.1.5.5.7.3.2");
    strcpy(p.policies[0], "1.2.3.4");
    strcpy(p.crls[0], "http://crl.example.org/a.crl");
    strcpy(p.ocsp, "http://ocsp.example.org/");
    strcpy(p.ca_issuers, "http://ca.example.org/");
    return p;
}

static pki_cert_spec_t spec_of(const pki_profile_t *profile)
{
    pki_cert_spec_t spec = {.spki = spki,
                            .profile = profile,
                            .names = {PSEUDONYM, NULL, "ue@private.example.org", ids, 2},
                            .not_before = PKIF_NOW,
                            .not_after = PKIF_NOW + 365 * PKIF_DAY};
    memset(spec.serial, 0x11, sizeof(spec.serial));
    return spec;
}

static base_span_t issue(const pki_cert_spec_t *spec)
{
    unsigned char *der = apr_palloc(pool, PKI_CERT_MAX);
    base_span_t made = {der, 0};
    if (pki_cert_issue(ca, spec, der, &made.len).code != BASE_OK)
        pkif_die("pki_cert_issue");
    return made;
}

/* ---- other profiles ---- */

#define PROFILES 20

/* Each differs from the first in one thing that a certificate says. */
static void make_profiles(pki_profile_t p[PROFILES])
{
    for (int i = 0; i < PROFILES; i++)
        p[i] = rich();
    p[1].usage = PKI_USAGE_NON_REPUDIATION;
    strcpy(p[2].subject[1], "L=Example");
    strcpy(p[3].subject[1], "O=Example!");
    strcpy(p[4].subject[1], "OU=Example");
    p[5].subject[1][0] = '\0';
    strcpy(p[6].subject[2], "C=NO");
    p[7].sans[0][0] = '\0';
    strcpy(p[8].sans[0], "email:%{ueid:2}");
    strcpy(p[9].sans[1], "email:%{ueid:2}");
    strcpy(p[10].ekus[0], "1.3.6.1.5.5.7.3.4");
    strcpy(p[11].ekus[1], "1.3.6.1.5.5.7.3.4");
    p[12].ekus[0][0] = '\0';
    strcpy(p[13].policies[0], "1.2.3.5");
    strcpy(p[14].policies[1], "1.2.3.5");
    strcpy(p[15].crls[0], "http://crl.example.org/b.crl");
    strcpy(p[16].crls[1], "http://crl.example.org/b.crl");
    p[17].ocsp[0] = '\0';
    p[18].ca_issuers[0] = '\0';
    strcpy(p[19].subject[0], "UID=%{pseudonym}");
}

static void other_profiles(void)
{
    pki_profile_t p[PROFILES];
    make_profiles(p);
    for (int i = 0; i < PROFILES; i++) {
        pki_cert_spec_t said = spec_of(&p[i]);
        base_span_t der = issue(&said);
        int taken = 0;
        is_int(pki_profile_check(&p[i], pool).code, BASE_OK, "a profile that can be used");
        for (int j = 0; j < PROFILES; j++) {
            pki_cert_spec_t meant = spec_of(&p[j]);
            taken += i != j && pki_cert_check(ca, &meant, der).code == BASE_OK;
        }
        is_int(pki_cert_check(ca, &said, der).code, BASE_OK, "  its certificate is right");
        is_int(taken, 0, "  and by no other profile");
    }
}

static void other_names(void)
{
    static const char *const others[] = {"sip:victim@ims.example.org", "ue@mail.example.org"};
    pki_profile_t p = rich();
    pki_cert_spec_t said = spec_of(&p), meant = said;
    base_span_t der = issue(&said);
    meant.names.ue_ids = others;
    is_int(pki_cert_check(ca, &meant, der).code, BASE_INTERNAL, "another's alternative name");
    meant.names.ue_id_count = 0;
    is_int(pki_cert_check(ca, &meant, der).code, BASE_INTERNAL, "one that should not be there");
    is_int(pki_cert_check(ca, &said, issue(&meant)).code, BASE_INTERNAL,
           "none where one should be");
    meant = said;
    meant.names.impi = "victim@private.example.org";
    is_int(pki_cert_check(ca, &meant, der).code, BASE_OK, "a name that no template uses");
    p.usage = 0;
    is_str(pki_cert_check(ca, &said, der).tag, "GBA1503", "a profile that is none says nothing");
}

/* ---- other extensions ---- */

static X509 *copy_of(base_span_t der)
{
    const unsigned char *p = der.data;
    X509 *cert = d2i_X509(NULL, &p, (long)der.len);
    if (!cert)
        pkif_die("d2i_X509");
    return cert;
}

/* Signs again and frees. */
static base_code_t judge(X509 *cert, const pki_cert_spec_t *spec)
{
    unsigned char *der = NULL;
    int len = X509_sign(cert, ca_key, EVP_sha256()) > 0 ? i2d_X509(cert, &der) : 0;
    base_code_t code;
    if (len <= 0)
        pkif_die("X509_sign");
    code = pki_cert_check(ca, spec, (base_span_t){der, (apr_size_t)len}).code;
    OPENSSL_free(der);
    X509_free(cert);
    return code;
}

static const struct {
    const char *name;
    const char *value;
} foreign[] = {
    {"nameConstraints", "permitted;email:example.com"},
    {"policyConstraints", "requireExplicitPolicy:3"},
    {"inhibitAnyPolicy", "2"},
    {"issuerAltName", "DNS:example.com"},
    {"subjectAltName", "DNS:example.com"},
    {"extendedKeyUsage", "OCSPSigning"},
    {"certificatePolicies", "2.5.29.32.0"},
    {"crlDistributionPoints", "URI:http://attacker.example.net/"},
    {"freshestCRL", "URI:http://attacker.example.net/"},
    {"authorityInfoAccess", "OCSP;URI:http://attacker.example.net/"},
    {"subjectInfoAccess", "caRepository;URI:http://attacker.example.net/"},
    {"basicConstraints", "CA:FALSE"},
    {"basicConstraints", "critical,CA:TRUE"},
    {"keyUsage", "critical,keyCertSign"},
    {"noCheck", "ignored"},
    {"tlsfeature", "status_request"},
    {"nsCertType", "sslCA"},
    {"nsComment", "hello"},
    {"1.2.3.4.5", "ASN1:UTF8String:hello"},
    {"1.2.3.4.5", "critical,ASN1:UTF8String:hello"},
    {"1.3.6.1.4.1.11129.2.4.3", "critical,ASN1:NULL"}, /* RFC 6962 3.1 */
};

static X509_EXTENSION *make(const char *name, const char *value)
{
    CONF *conf = NCONF_new(NULL);
    X509V3_CTX context;
    X509_EXTENSION *extension;
    X509V3_set_ctx(&context, NULL, NULL, NULL, NULL, 0);
    X509V3_set_nconf(&context, conf);
    extension = X509V3_EXT_nconf(conf, &context, name, value);
    NCONF_free(conf);
    if (!extension)
        pkif_die(name);
    return extension;
}

/* @param at where among the others; -1: behind them */
static base_code_t with(base_span_t der, const pki_cert_spec_t *spec, X509_EXTENSION *extension,
                        int at)
{
    X509 *cert = copy_of(der);
    if (!X509_add_ext(cert, extension, at))
        pkif_die("X509_add_ext");
    return judge(cert, spec);
}

static void foreign_extensions(const pki_cert_spec_t *spec)
{
    base_span_t der = issue(spec);
    is_int(judge(copy_of(der), spec), BASE_OK, "signed again, it is right");
    for (unsigned i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        X509_EXTENSION *extension = make(foreign[i].name, foreign[i].value);
        ok(with(der, spec, extension, -1) == BASE_INTERNAL &&
               with(der, spec, extension, 0) == BASE_INTERNAL,
           "%s with %s = %s: refused", spec->profile->name, foreign[i].name, foreign[i].value);
        X509_EXTENSION_free(extension);
    }
}

/* Each of its own extensions: away, twice, critical or not against what it was, and spoilt. */
static void own_extensions(const pki_cert_spec_t *spec)
{
    base_span_t der = issue(spec);
    X509 *honest = copy_of(der);
    for (int i = 0; i < X509_get_ext_count(honest); i++) {
        X509_EXTENSION *own = X509_get_ext(honest, i);
        const char *name = OBJ_nid2sn(OBJ_obj2nid(X509_EXTENSION_get_object(own)));
        X509 *cert = copy_of(der);
        X509_EXTENSION_free(X509_delete_ext(cert, i));
        is_int(judge(cert, spec), BASE_INTERNAL, apr_psprintf(pool, "%s: away", name));
        is_int(with(der, spec, own, -1), BASE_INTERNAL, "  twice");
        cert = copy_of(der);
        X509_EXTENSION_set_critical(X509_get_ext(cert, i), !X509_EXTENSION_get_critical(own));
        is_int(judge(cert, spec), BASE_INTERNAL, "  critical or not");
        cert = copy_of(der);
        ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(X509_get_ext(cert, i));
        int len = ASN1_STRING_length(data);
        unsigned char *value = OPENSSL_memdup(ASN1_STRING_get0_data(data), (size_t)len);
        value[len - 1] ^= 1;
        ASN1_STRING_set(data, value, len);
        OPENSSL_free(value);
        is_int(judge(cert, spec), BASE_INTERNAL, "  one bit of it changed");
    }
    X509_free(honest);
}

/* ---- what is kept ---- */

#define MANY    40 /* more than are kept */
#define THREADS 4

static pki_profile_t many[MANY];

static int wrong_ones(int rounds)
{
    int wrong = 0;
    unsigned char der[PKI_CERT_MAX];
    for (int i = 0; i < rounds * MANY; i++) {
        pki_cert_spec_t spec = spec_of(&many[i % MANY]);
        apr_size_t len = 0;
        wrong += pki_cert_issue(ca, &spec, der, &len).code != BASE_OK ||
                 !memmem(der, len, many[i % MANY].ocsp, strlen(many[i % MANY].ocsp));
    }
    return wrong;
}

static void *run(void *wrong)
{
    *(int *)wrong = wrong_ones(3);
    OPENSSL_thread_stop();
    return NULL;
}

static void kept(void)
{
    pthread_t threads[THREADS];
    int wrong[THREADS];
    pki_profile_t changing = rich();
    pki_cert_spec_t spec = spec_of(&changing);
    base_span_t before = issue(&spec);
    for (int i = 0; i < MANY; i++) {
        many[i] = rich();
        apr_snprintf(many[i].ocsp, sizeof(many[i].ocsp), "http://ocsp%02d.example.org/", i);
    }
    is_int(wrong_ones(2), 0, "more profiles than are kept: each has its own");
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, &wrong[i]) != 0)
            pkif_die("pthread_create");
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        is_int(wrong[i], 0, "and in every thread");
    }
    strcpy(changing.crls[0], "http://crl.example.org/other.crl");
    is_int(pki_cert_check(ca, &spec, before).code, BASE_INTERNAL,
           "a profile that changed under its name is another");
    is_int(pki_cert_check(ca, &spec, issue(&spec)).code, BASE_OK, "and is used as it is now");
}

int main(void)
{
    pkif_ca_t sound = pkif_sound_ca();
    pki_profile_t all = rich();
    pki_cert_spec_t spec = spec_of(&all), built_in;
    const char *dir;
    int count;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = pkif_dir(pool);
    ca_key = EVP_EC_gen("P-256");
    ca = pkif_load(pool, dir, &sound, ca_key);
    spec.spki = spki = pkif_spki(pool, pkif_der(pool, "p256"));
    built_in = spec_of(pki_profiles_default(&count));
    other_profiles();
    other_names();
    foreign_extensions(&spec);
    foreign_extensions(&built_in);
    own_extensions(&spec);
    kept();
    is_int((long long)ERR_peek_error(), 0, "OpenSSL's error queue is empty");
    EVP_PKEY_free(ca_key);
    pkif_clean(dir);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
