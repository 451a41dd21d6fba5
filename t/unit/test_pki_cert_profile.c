/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates say what their profile says and nothing else, by their DER. */
#include <apr_general.h>
#include <openssl/err.h>
#include "pki/pki_impl.h"
#include "pki_fixture.h"

#define PSEUDONYM "0123456789abcdef0123456789abcdef"
#define SERIAL    "11111111111111111111111111111111"
#define IMPI      "ue@private.example.org"

static apr_pool_t *pool;
static EVP_PKEY *ca_key;
static pki_ca_t *ca;
static base_span_t spki;

static const char *const ids[] = {"sip:ue@ims.example.org", "ue@mail.example.org"};

static pki_profile_t plain(void)
{
    pki_profile_t profile;
    pki_profile_init(&profile, "test");
    profile.flag = 1;
    profile.usage = PKI_USAGE_DIGITAL_SIGNATURE;
    profile.allow_identity = 1;
    return profile;
}

static pki_cert_spec_t spec_of(const pki_profile_t *profile)
{
    pki_cert_spec_t spec = {.spki = spki,
                            .profile = profile,
                            .names = {PSEUDONYM, NULL, IMPI, ids, 2},
                            .not_before = PKIF_NOW,
                            .not_after = PKIF_NOW + 365 * PKIF_DAY};
    memset(spec.serial, 0x11, sizeof(spec.serial));
    return spec;
}

static base_span_t issue(const pki_cert_spec_t *spec)
{
    unsigned char *der = apr_palloc(pool, PKI_CERT_MAX);
    base_span_t made = {der, 0};
    base_result_t result = pki_cert_issue(ca, spec, der, &made.len);
    if (result.code != BASE_OK) {
        printf("# %s: %s\n", result.tag, result.detail);
        made.len = 0;
    }
    return made;
}

static X509 *parse(base_span_t der)
{
    const unsigned char *p = der.data;
    X509 *cert = d2i_X509(NULL, &p, (long)der.len);
    if (!cert)
        pkif_die("d2i_X509");
    return cert;
}

/* ---- the DER of what is expected ---- */

static base_span_t tlv(unsigned char tag, base_span_t content)
{
    return pkif_tlv(pool, tag, content);
}

static base_span_t text(unsigned char tag, const char *value)
{
    return tlv(tag, base_span_str(value));
}

static base_span_t cat(base_span_t a, base_span_t b)
{
    return pkif_cat(pool, a, b);
}

/* RFC 5280 4.1.2.4: SET { SEQUENCE { type, value } }. */
static base_span_t rdn(const char *oid, unsigned char tag, const char *value)
{
    return tlv(0x31, tlv(0x30, cat(pkif_hex(pool, oid), text(tag, value))));
}

/* RFC 5280 4.2.1.13: DistributionPoint { [0] { [0] fullName { [6] URI } } }. */
static base_span_t point(const char *url)
{
    return tlv(0x30, tlv(0xa0, tlv(0xa0, text(0x86, url))));
}

/* RFC 5280 4.2.2.1: AccessDescription. */
static base_span_t description(const char *oid, const char *url)
{
    return tlv(0x30, cat(pkif_hex(pool, oid), text(0x86, url)));
}

#define OCSP       "06082b06010505073001"
#define CA_ISSUERS "06082b06010505073002"

static void has_extension(const X509 *cert, int nid, base_span_t want, const char *what)
{
    int at = X509_get_ext_by_NID(cert, nid, -1);
    X509_EXTENSION *extension = at >= 0 ? X509_get_ext(cert, at) : NULL;
    const ASN1_OCTET_STRING *data = extension ? X509_EXTENSION_get_data(extension) : NULL;
    if (!want.data) {
        ok(!extension, "%s: it has none", what);
        return;
    }
    if (!ok(data != NULL, "%s: it has one", what))
        return;
    is_int(X509_EXTENSION_get_critical(extension), 0, "  not critical");
    ok((apr_size_t)ASN1_STRING_length(data) == want.len &&
           memcmp(ASN1_STRING_get0_data(data), want.data, want.len) == 0,
       "  its DER");
}

/* One member at a time, and what the certificate then holds. */
static void extension_row(const pki_profile_t *profile, int nid, base_span_t want, const char *what)
{
    pki_cert_spec_t spec = spec_of(profile);
    base_span_t der = issue(&spec);
    X509 *cert;
    if (!ok(der.len > 0, "%s: issued", what))
        return;
    cert = parse(der);
    has_extension(cert, nid, want, what);
    is_int(X509_get_ext_count(cert), want.data ? 5 : 4, "  and no other than the usual four");
    X509_free(cert);
}

static void extensions(void)
{
    static const char one[] = "http://crl.example.org/a.crl";
    static const char two[] = "ldap://crl.example.org/cn=ca?certificateRevocationList";
    static const char url[] = "http://ocsp.example.org/";
    pki_profile_t p = plain();
    strcpy(p.ekus[0], "1.3.6.1.5.5.7.3.2");
    extension_row(&p, NID_ext_key_usage, pkif_hex(pool, "300a06082b06010505070302"), "clientAuth");
    strcpy(p.ekus[1], "2.999.3");
    extension_row(&p, NID_ext_key_usage, pkif_hex(pool, "300f06082b060105050703020603883703"),
                  "two EKUs");
    p = plain();
    strcpy(p.policies[0], "2.5.29.32.0");
    strcpy(p.policies[1], "1.2.3.4");
    extension_row(&p, NID_certificate_policies,
                  pkif_hex(pool, "300f30060604551d2000300506032a0304"), "certificate policies");
    p = plain();
    strcpy(p.crls[0], one);
    extension_row(&p, NID_crl_distribution_points, tlv(0x30, point(one)), "a CRL");
    strcpy(p.crls[1], two);
    extension_row(&p, NID_crl_distribution_points, tlv(0x30, cat(point(one), point(two))),
                  "two CRLs");
    p = plain();
    strcpy(p.ocsp, url);
    extension_row(&p, NID_info_access, tlv(0x30, description(OCSP, url)), "OCSP");
    strcpy(p.ca_issuers, two);
    extension_row(&p, NID_info_access,
                  tlv(0x30, cat(description(OCSP, url), description(CA_ISSUERS, two))),
                  "OCSP and caIssuers");
    p.ocsp[0] = '\0';
    extension_row(&p, NID_info_access, tlv(0x30, description(CA_ISSUERS, two)), "caIssuers");
}

/* RFC 5280 4.2.1.6; what cannot be filled is left out. */
static void alternative_names(void)
{
    static const struct {
        const char *what;
        const char *sans[PKI_PROFILE_SANS];
        const char *want[PKI_PROFILE_SANS]; /* the first character is the tag's number */
    } rows[] = {
        {"none", {NULL}, {NULL}},
        {"an URI", {"uri:urn:uuid:%{pseudonym}"}, {"6urn:uuid:" PSEUDONYM}},
        {"by serial", {"uri:urn:serial:%{serial}"}, {"6urn:serial:" SERIAL}},
        {"the first UE identity", {"uri:%{ueid}"}, {"6sip:ue@ims.example.org"}},
        {"the second UE identity", {"email:%{ueid:2}"}, {"1ue@mail.example.org"}},
        {"a host of his own", {"dns:%{pseudonym}.example.org"}, {"2" PSEUDONYM ".example.org"}},
        {"three, in this order",
         {"email:%{impi}", "uri:%{ueid}", "dns:a.example.org"},
         {"1" IMPI, "6sip:ue@ims.example.org", "2a.example.org"}},
        {"there is no third", {"uri:%{ueid:3}"}, {NULL}},
        {"one of two", {"uri:%{ueid:3}", "email:%{impi}"}, {"1" IMPI}},
        {"an identity that is no host", {"dns:%{impi}"}, {NULL}},
        {"an identity that is no mailbox", {"email:%{ueid}"}, {NULL}},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pki_profile_t p = plain();
        base_span_t want = {NULL, 0};
        for (int j = 0; j < PKI_PROFILE_SANS && rows[i].sans[j]; j++)
            strcpy(p.sans[j], rows[i].sans[j]);
        for (int j = 0; j < PKI_PROFILE_SANS && rows[i].want[j]; j++)
            want = cat(want,
                       text((unsigned char)(0x80 + rows[i].want[j][0] - '0'), rows[i].want[j] + 1));
        if (want.data)
            want = tlv(0x30, want);
        extension_row(&p, NID_subject_alt_name, want, rows[i].what);
    }
}

static void subject_row(const pki_profile_t *p, base_span_t want, const char *what)
{
    pki_cert_spec_t spec = spec_of(p);
    base_span_t der = issue(&spec);
    const unsigned char *name = NULL;
    size_t len = 0;
    X509 *cert;
    if (!ok(der.len > 0, "%s: issued", what))
        return;
    cert = parse(der);
    want = tlv(0x30, want);
    ok(X509_NAME_get0_der(X509_get_subject_name(cert), &name, &len) && len == want.len &&
           memcmp(name, want.data, len) == 0,
       "%s: the DER of its subject", what);
    X509_free(cert);
}

#define CN "0603550403"

static void subjects(void)
{
    pki_profile_t p = plain();
    subject_row(&p, rdn(CN, 0x0c, PSEUDONYM), "as built in");
    strcpy(p.subject[0], "C=NO");
    strcpy(p.subject[1], "O=Example");
    strcpy(p.subject[2], "SERIALNUMBER=%{serial}");
    strcpy(p.subject[3], "UID=%{impi}");
    strcpy(p.subject[4], "CN=100%% %{pseudonym}");
    subject_row(
        &p,
        cat(cat(cat(rdn("0603550406", 0x13, "NO"), rdn("060355040a", 0x0c, "Example")),
                cat(rdn("0603550405", 0x13, SERIAL), rdn("060a0992268993f22c640101", 0x0c, IMPI))),
            rdn(CN, 0x0c, "100% " PSEUDONYM)),
        "five attributes, in this order");
}

/* What the subscriber has is a value and nothing else: it cannot write attributes. */
static void identities(void)
{
    static const struct {
        const char *impi;
        int fits;
    } rows[] = {
        {"ue@example.org,O=Bank", 1},
        {"ue@example.org/O=Bank+CN=admin", 1},
        {"%{serial}", 1},
        {"\xc3\xa6\xc3\xb8\xc3\xa5@example.org", 1},
        {"0123456789012345678901234567890123456789012345678901234567890123", 1},
        {"01234567890123456789012345678901234567890123456789012345678901234", 0},
        {"a\nb", 0},
        {"a\x7f", 0},
        {"a\xff", 0},
        {"\xed\xa0\x80", 0}, /* a surrogate */
        {"", 0},
        {NULL, 0},
    };
    pki_profile_t p = plain();
    strcpy(p.subject[0], "CN=%{impi}");
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pki_cert_spec_t spec = spec_of(&p);
        unsigned char der[PKI_CERT_MAX];
        apr_size_t len = 0;
        base_result_t result;
        spec.names.impi = rows[i].impi;
        result = pki_cert_issue(ca, &spec, der, &len);
        is_int(pki_cert_can_name(&p, &spec.names) != 0, rows[i].fits, "it is known beforehand");
        is_int(result.code, rows[i].fits ? BASE_OK : BASE_INTERNAL, "  and so it is");
        if (result.code == BASE_OK) {
            X509 *cert = parse((base_span_t){der, len});
            base_span_t want = tlv(0x30, rdn(CN, 0x0c, rows[i].impi));
            const unsigned char *name = NULL;
            X509_NAME_get0_der(X509_get_subject_name(cert), &name, &len);
            ok(len == want.len && memcmp(name, want.data, len) == 0, "  one value, as it stands");
            X509_free(cert);
        } else {
            is_str(result.tag, "GBA1501", "  and says why");
        }
    }
}

int main(void)
{
    pkif_ca_t sound = pkif_sound_ca();
    const char *dir;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dir = pkif_dir(pool);
    ca_key = EVP_EC_gen("P-256");
    ca = pkif_load(pool, dir, &sound, ca_key);
    spki = pkif_spki(pool, pkif_der(pool, "p256"));
    extensions();
    alternative_names();
    subjects();
    identities();
    is_int((long long)ERR_peek_error(), 0, "OpenSSL's error queue is empty");
    EVP_PKEY_free(ca_key);
    pkif_clean(dir);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
