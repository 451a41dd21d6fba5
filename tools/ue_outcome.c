/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_outcome.h"
#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include "pki/pki_cert.h"
#include "pki/pki_media.h"

#define CERT_MEDIA_TYPE "application/x-x509-user-cert"
#define CERT_BEGIN      "-----BEGIN CERTIFICATE-----"

const char *ue_outcome_name(ue_outcome_t outcome)
{
    static const char *const names[UE_OUTCOMES] = {
        "enrolled",  "refused",      "usage",       "authentication-refused", "verification-failed",
        "transport", "portal-error", "local-error",
    };
    return (unsigned)outcome < UE_OUTCOMES ? names[outcome] : names[UE_LOCAL];
}

int ue_fail(ue_result_t *result, ue_outcome_t outcome, const char *detail)
{
    result->outcome = outcome;
    result->detail = detail;
    return 0;
}

static apr_status_t free_cert(void *cert)
{
    X509_free(cert);
    return APR_SUCCESS;
}

/* Without a callback OpenSSL would ask the terminal for the pass phrase of an encrypted PEM. */
static int no_passphrase(char *buf, int size, int writing, void *baton)
{
    (void)buf, (void)size, (void)writing, (void)baton;
    return 0;
}

/* Nonzero if nothing but line ends and blanks is left. */
static int only_space_left(BIO *bio)
{
    char octet;
    while (BIO_read(bio, &octet, 1) == 1)
        if (octet != '\n' && octet != '\r' && octet != ' ' && octet != '\t')
            return 0;
    return 1;
}

static int looks_like_cert(base_span_t body)
{
    apr_size_t len = sizeof(CERT_BEGIN) - 1;
    return body.len > len && memcmp(body.data, CERT_BEGIN, len) == 0;
}

/* Exactly one PEM certificate and nothing beside it; NULL otherwise. Freed with the pool. */
static X509 *read_only_cert(base_span_t body, apr_pool_t *pool)
{
    BIO *bio = body.len <= INT_MAX ? BIO_new_mem_buf(body.data, (int)body.len) : NULL;
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
    if (cert)
        apr_pool_cleanup_register(pool, cert, free_cert, apr_pool_cleanup_null);
    if (cert && !only_space_left(bio))
        cert = NULL;
    BIO_free(bio);
    ERR_clear_error();
    return cert;
}

static int is_for_key(X509 *cert, EVP_PKEY *own)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    int same = key && own && EVP_PKEY_eq(key, own) == 1;
    ERR_clear_error();
    return same;
}

static const char *serial_hex(X509 *cert, apr_pool_t *pool)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *hex = number ? BN_bn2hex(number) : NULL;
    char *copy = hex ? apr_pstrdup(pool, hex) : NULL;
    for (char *at = copy; at && *at; at++)
        *at = *at >= 'A' && *at <= 'F' ? (char)(*at + ('a' - 'A')) : *at;
    OPENSSL_free(hex);
    BN_free(number);
    return copy;
}

static const char *not_after_text(X509 *cert, apr_pool_t *pool)
{
    struct tm when;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &when) != 1)
        return NULL;
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02dZ", when.tm_year + 1900,
                        when.tm_mon + 1, when.tm_mday, when.tm_hour, when.tm_min, when.tm_sec);
}

/* The PEM is written anew from the certificate's DER: no octet of the wire reaches the file
 * unparsed. */
static const char *cert_pem(X509 *cert, apr_pool_t *pool)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    const char *pem = NULL;
    if (len > 0)
        pem = pki_cert_pem(pool, (base_span_t){der, (apr_size_t)len});
    OPENSSL_free(der);
    ERR_clear_error();
    return pem;
}

static int describe_cert(ue_result_t *result, X509 *cert, apr_pool_t *pool)
{
    result->serial = serial_hex(cert, pool);
    result->not_after = not_after_text(cert, pool);
    result->pem = cert_pem(cert, pool);
    return result->serial && result->not_after && result->pem;
}

static void judge_cert(ue_result_t *result, const ue_answer_t *answer, EVP_PKEY *own,
                       apr_pool_t *pool)
{
    X509 *cert = read_only_cert(answer->body, pool);
    const char *wrong = NULL;
    if (answer->status != 200)
        wrong = "the body is a certificate, but the status is not 200";
    else if (!answer->content_type || !pki_media_type_is(answer->content_type, CERT_MEDIA_TYPE))
        wrong = "the body is a certificate, but the Content-Type is not " CERT_MEDIA_TYPE;
    else if (!cert)
        wrong = "the body is not exactly one readable certificate";
    else if (!is_for_key(cert, own))
        wrong = "the certificate is for another key than ours";
    else if (!describe_cert(result, cert, pool))
        wrong = "the certificate cannot be read to its end";
    if (wrong) {
        result->pem = NULL;
        ue_fail(result, UE_NOT_VERIFIED, wrong);
        return;
    }
    result->verified = 1;
    ue_fail(result, UE_ENROLLED, "certificate for our key");
}

static void judge_decision(ue_result_t *result, int status, const char *code)
{
    pki_reason_t reason;
    if (status != 403) {
        ue_fail(result, UE_NOT_VERIFIED, "the body is a refusal, but the status is not 403");
        return;
    }
    result->verified = 1;
    result->reason = code;
    ue_fail(result, UE_REFUSED,
            pki_reason_parse(&reason, code, strlen(code)) ? pki_reason_public_text(reason)
                                                          : "the portal refused the enrolment");
}

void ue_outcome_judge(ue_result_t *result, const ue_answer_t *answer, EVP_PKEY *own,
                      apr_pool_t *pool)
{
    const char *code = NULL;
    result->status = answer->status;
    result->verified = 0;
    if (looks_like_cert(answer->body)) {
        judge_cert(result, answer, own, pool);
    } else if (pki_page_decision(&code, answer->body, pool)) {
        judge_decision(result, answer->status, code);
    } else if (answer->status < 300) {
        ue_fail(result, UE_NOT_VERIFIED, "the status says success, but the body is no certificate");
    } else {
        result->verified = 1;
        ue_fail(result, UE_PORTAL_ERROR,
                apr_psprintf(pool, "the portal answered %d", answer->status));
    }
}
