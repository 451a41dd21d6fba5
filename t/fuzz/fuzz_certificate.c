/* SPDX-License-Identifier: Apache-2.0 */
/* An issuer under profiles and names of every kind, and the reader of its own certificates. The
 * input is lines, each a letter and a value:
 *
 *   s subject   n alternative name   e EKU   p policy   c CRL   o OCSP   i caIssuers
 *   I IMPI      U UE identity        u usage (a digit)  A identities are allowed
 *   x OOVV      octet at OO (hex, from either end of the certificate) becomes VV
 *
 * A profile that can be used, with names that fill it, gives a certificate that is right and that
 * OpenSSL reads; any other gives none; one with an octet changed is never right. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "pki/pki_cert.h"

#define IDS     4
#define CHANGES 8
#define LINE    600
#define NOW     apr_time_from_sec(APR_INT64_C(1767225600)) /* 2026-01-01T00:00:00Z */
#define DAY     apr_time_from_sec(APR_INT64_C(86400))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the lines come to. */
typedef struct case_t {
    pki_profile_t profile;
    int counts[256]; /* of lines by letter */
    char impi[LINE];
    char ids[IDS][LINE];
    const char *id_list[IDS];
    unsigned char changes[CHANGES][3];
    int change_count;
} case_t;

static pki_ca_t *ca;
static base_span_t spki;

static void must(int good)
{
    if (!good)
        abort();
}

/* A file that has no place on a disk. */
static const char *file_of(const X509 *cert, const EVP_PKEY *key, apr_pool_t *pool)
{
    int fd = memfd_create("ca", MFD_CLOEXEC);
    BIO *out = BIO_new_fd(fd, BIO_NOCLOSE);
    must(fd >= 0 && fchmod(fd, 0600) == 0 && out);
    must(cert ? PEM_write_bio_X509(out, cert)
              : PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL));
    BIO_free(out);
    return apr_psprintf(pool, "/proc/self/fd/%d", fd);
}

static X509 *ca_cert(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_EXTENSION *extension =
        X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
    must(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                    (const unsigned char *)"Test CA", -1, -1, 0));
    must(X509_set_version(cert, X509_VERSION_3) &&
         X509_set_issuer_name(cert, X509_get_subject_name(cert)) &&
         ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
         ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)apr_time_sec(NOW - DAY)) &&
         ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)apr_time_sec(NOW + 3650 * DAY)) &&
         X509_set_pubkey(cert, key) && X509_add_ext(cert, extension, -1) &&
         X509_sign(cert, key, EVP_sha256()));
    X509_EXTENSION_free(extension);
    return cert;
}

static void start(void)
{
    apr_pool_t *pool = NULL;
    unsigned char *der = NULL;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key ? ca_cert(key) : NULL;
    must(apr_initialize() == APR_SUCCESS && apr_pool_create(&pool, NULL) == APR_SUCCESS && cert);
    atexit(apr_terminate); /* frees the CA */
    must(pki_ca_load(&ca, file_of(cert, NULL, pool), file_of(NULL, key, pool), NULL, NULL, pool)
             .code == BASE_OK);
    spki.len = (apr_size_t)i2d_PUBKEY(key, &der);
    spki.data = apr_pmemdup(pool, der, spki.len);
    OPENSSL_free(der);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* Texts that are too long stay without an end, as one that came over a socket might. */
static void put(char *to, size_t size, const char *value)
{
    size_t len = strlen(value);
    memset(to, 0, size);
    memcpy(to, value, len < size ? len : size);
}

static void put_change(case_t *c, const char *value)
{
    if (c->change_count < CHANGES && strlen(value) == 6 &&
        base_hex_decode(c->changes[c->change_count], 3, value, 6))
        c->change_count++;
}

#define PUT(member)                                                                                \
    if (n < (int)(sizeof(p->member) / sizeof(p->member[0])))                                       \
    put(p->member[n], sizeof(p->member[0]), value)

static void take_line(case_t *c, char letter, const char *value)
{
    pki_profile_t *p = &c->profile;
    int n = c->counts[(unsigned char)letter]++;
    switch (letter) {
    case 's':
        PUT(subject);
        break;
    case 'n':
        PUT(sans);
        break;
    case 'e':
        PUT(ekus);
        break;
    case 'p':
        PUT(policies);
        break;
    case 'c':
        PUT(crls);
        break;
    case 'o':
        put(p->ocsp, sizeof(p->ocsp), value);
        break;
    case 'i':
        put(p->ca_issuers, sizeof(p->ca_issuers), value);
        break;
    case 'I':
        put(c->impi, LINE - 1, value);
        break;
    case 'U':
        if (n < IDS)
            put(c->ids[n], LINE - 1, value);
        break;
    case 'u':
        p->usage = (unsigned)(value[0] - '0');
        break;
    case 'A':
        p->allow_identity = 1;
        break;
    case 'x':
        put_change(c, value);
        break;
    default:
        break;
    }
}

static void read_case(case_t *c, const uint8_t *data, size_t size)
{
    char line[LINE];
    memset(c, 0, sizeof(*c));
    pki_profile_init(&c->profile, "fuzz");
    c->profile.flag = 1;
    c->profile.usage = PKI_USAGE_DIGITAL_SIGNATURE;
    for (int i = 0; i < IDS; i++)
        c->id_list[i] = c->ids[i];
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end - data) : size;
        size_t kept = len < LINE - 1 ? len : LINE - 1;
        memcpy(line, data, kept);
        line[kept] = '\0';
        if (kept >= 2 && line[1] == ' ')
            take_line(c, line[0], line + 2);
        data += end ? len + 1 : len;
        size -= end ? len + 1 : len;
    }
}

/* Nothing but what a profile can ask for, and no CA. */
static void judge_made(base_span_t der)
{
    static const int known[] = {
        NID_basic_constraints,       NID_key_usage,     NID_authority_key_identifier,
        NID_subject_key_identifier,  NID_ext_key_usage, NID_certificate_policies,
        NID_crl_distribution_points, NID_info_access,   NID_subject_alt_name};
    const unsigned char *p = der.data;
    X509 *cert = d2i_X509(NULL, &p, (long)der.len);
    int found = 0;
    if (!cert || p != der.data + der.len || X509_check_ca(cert) != 0 ||
        (X509_get_extension_flags(cert) & EXFLAG_INVALID))
        abort();
    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        found += X509_get_ext_by_NID(cert, known[i], -1) >= 0;
    if (found != X509_get_ext_count(cert))
        abort();
    X509_free(cert);
}

/* Each change by itself. Behind what is signed and its algorithm stands the signature, which may be
 * right in more ways than one (X9.62: r, -s), but not with one octet changed. */
static void judge_changes(const case_t *c, const pki_cert_spec_t *spec, base_span_t der)
{
    unsigned char copy[PKI_CERT_MAX];
    for (int i = 0; i < c->change_count; i++) {
        const unsigned char *change = c->changes[i];
        size_t at = (size_t)change[0] << 8 | change[1];
        at = at & 0x8000 ? der.len - 1 - (at & 0x7fff) % der.len : at % der.len;
        memcpy(copy, der.data, der.len);
        copy[at] = change[2];
        if (copy[at] != der.data[at] &&
            pki_cert_check(ca, spec, (base_span_t){copy, der.len}).code == BASE_OK)
            abort();
    }
}

static void judge(const case_t *c, apr_pool_t *pool)
{
    int ids = c->counts['U'] < IDS ? c->counts['U'] : IDS;
    pki_cert_spec_t spec = {.spki = spki,
                            .profile = &c->profile,
                            .names = {"0123456789abcdef0123456789abcdef", NULL,
                                      c->counts['I'] ? c->impi : NULL, c->id_list, ids},
                            .not_before = NOW,
                            .not_after = NOW + DAY};
    int can = pki_profile_check(&c->profile, pool).code == BASE_OK;
    unsigned char der[PKI_CERT_MAX];
    base_span_t made = {der, 0};
    base_code_t code;
    memset(spec.serial, 0x11, sizeof(spec.serial));
    can = can && pki_cert_can_name(&c->profile, &spec.names);
    code = pki_cert_issue(ca, &spec, der, &made.len).code;
    if (code != (can ? BASE_OK : BASE_INTERNAL) || (made.len > 0) != can)
        abort();
    if (!can)
        return;
    if (pki_cert_check(ca, &spec, made).code != BASE_OK)
        abort();
    judge_made(made);
    judge_changes(c, &spec, made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static case_t c;
    apr_pool_t *pool = NULL;
    if (!ca)
        start();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        abort();
    read_case(&c, data, size);
    judge(&c, pool);
    apr_pool_destroy(pool);
    return 0;
}
