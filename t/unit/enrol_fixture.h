/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file enrol_fixture.h
 * Enrolment without httpd and without a ledger: requests of one UE, and an
 * issuer that answers as it is told. Included by one test program each.
 */
#ifndef enrol_fixture_h
#define enrol_fixture_h

#include <stdlib.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>

#include <openssl/ec.h>
#include <openssl/x509.h>

#include "pki/pki_media.h"
#include "portal/portal_enrol.h"
#include "tap.h"

static apr_pool_t *pool;
static portal_issue_t asked; /* what the issuer was asked last */
static int asked_times;
static base_code_t issuer_says;
static pki_reason_t issuer_reason; /* of BASE_ENROL_REFUSED */
static apr_time_t issuer_retry_at; /* likewise */
static unsigned char some_der[PKI_CERT_MAX];
static apr_uint16_t some_der_len;

static apr_time_t wall(void *baton)
{
    (void)baton;
    return 1800000000 * (apr_time_t)1000000;
}

static apr_uint64_t monotonic(void *baton)
{
    (void)baton;
    return 1;
}

static const base_clock_t fixed_clock = {NULL, wall, monotonic};

static base_result_t issue(void *baton, const portal_issue_t *question, portal_issued_t *out,
                           apr_pool_t *p)
{
    (void)baton;
    (void)p;
    asked = *question;
    asked_times++;
    memset(out, 0, sizeof(*out));
    out->reason = issuer_says == BASE_ENROL_REFUSED ? issuer_reason : PKI_REASON_NONE;
    out->retry_at = issuer_says == BASE_ENROL_REFUSED ? issuer_retry_at : 0;
    if (issuer_says != BASE_OK)
        return base_fail(issuer_says, "TEST1", "as told");
    if (question->decision.permit) {
        memcpy(out->der, some_der, some_der_len);
        out->der_len = some_der_len;
        out->serial[0] = 0x41;
    }
    return base_ok();
}

static portal_weighed_t weighs; /* what the issuer says when it is asked to weigh */
static base_code_t weigh_says;
static int weighed_times;

static base_result_t weigh(void *baton, const portal_issue_t *question, portal_weighed_t *out,
                           apr_pool_t *p)
{
    (void)baton;
    (void)p;
    asked = *question;
    weighed_times++;
    *out = weighs;
    return weigh_says == BASE_OK ? base_ok() : base_fail(weigh_says, "TEST2", "as told");
}

static const portal_issuer_t issuer = {NULL, issue, NULL, weigh};

static inline base_span_t read_vector(const char *name)
{
    const char *top = getenv("GBA_SRCDIR");
    const char *path = apr_psprintf(pool, "%s/t/vectors/pkcs10/%s", top ? top : ".", name);
    unsigned char *data = apr_palloc(pool, 2 * PKI_PKCS10_MAX);
    apr_size_t len = 2 * PKI_PKCS10_MAX;
    base_span_t span = {data, 0};
    apr_file_t *file;

    if (apr_file_open(&file, path, APR_FOPEN_READ, 0, pool) != APR_SUCCESS)
        return span;
    if (apr_file_read_full(file, data, len, &span.len) != APR_EOF)
        span.len = 0;
    apr_file_close(file);
    return span;
}

/* Any certificate does: what is in it is tested with pki_cert. */
static inline void make_some_der(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    unsigned char *end = some_der;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 60);
    X509_set_pubkey(x, key);
    X509_sign(x, key, EVP_sha256());
    some_der_len = (apr_uint16_t)i2d_X509(x, &end);
    X509_free(x);
    EVP_PKEY_free(key);
}

static inline gba_info_t *subscriber(const char *impi, int with_uss, apr_uint32_t flag1,
                                     apr_uint32_t flag2)
{
    gba_info_t *info = gba_info_make(pool);
    gba_uss_t *uss = &info->uss[0];

    if (impi)
        info->impi = gba_info_add_text(info, impi, strlen(impi));
    if (!with_uss)
        return info;
    info->uss_count = 1;
    uss->gs_id = uss->gs_type = GBA_GS_TYPE_PKI_PORTAL;
    if (flag1)
        uss->flags[uss->flag_count++] = flag1;
    if (flag2)
        uss->flags[uss->flag_count++] = flag2;
    return info;
}

#define IMPI "001010123456789@ims.mnc001.mcc001.3gppnetwork.org"

static inline portal_enrol_request_t request_of(const gba_info_t *info, const char *file)
{
    portal_enrol_request_t request = {.method = "POST",
                                      .query = "response=single",
                                      .content_type = "application/x-pkcs10",
                                      .btid = "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net",
                                      .info = info};

    if (file)
        request.body = read_vector(file);
    return request;
}

/** What the location demands. */
static portal_enrol_config_t config = {.refusal_expires = 86401 * (apr_time_t)1000000,
                                       .clock = &fixed_clock};

/** Enrols; forgets what the issuer was asked before. */
static inline base_result_t enrol(portal_enrol_answer_t *answer,
                                  const portal_enrol_request_t *request)
{
    if (!config.profiles)
        config.profiles = pki_profiles_default(&config.profile_count);
    asked_times = 0;
    weighed_times = 0;
    memset(&asked, 0, sizeof(asked));
    return portal_enrol(answer, &config, &issuer, request, pool);
}

#endif
