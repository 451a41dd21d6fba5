/* SPDX-License-Identifier: Apache-2.0 */
/* gba-ue: what a verified answer means, and the exit codes. */
#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include "pki/pki_media.h"
#include "tap.h"
#include "ue_outcome.h"

#define TYPE "application/x-x509-user-cert"

static apr_pool_t *pool;

/* A self-signed certificate for a key, PEM. */
static const char *cert_for(EVP_PKEY *key)
{
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    X509 *cert = X509_new();
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 0x1a2b);
    ASN1_TIME_set_string(X509_getm_notBefore(cert), "20260101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(cert), "20360203040506Z");
    X509_set_pubkey(cert, key);
    ok(X509_sign(cert, key, EVP_sha256()) > 0, "a certificate to test with");
    PEM_write_bio_X509(bio, cert);
    long len = BIO_get_mem_data(bio, &text);
    text = apr_pstrmemdup(pool, text, (apr_size_t)len);
    X509_free(cert);
    BIO_free(bio);
    return text;
}

static void check_outcome(const ue_answer_t *answer, EVP_PKEY *own, ue_outcome_t want,
                          const char *name)
{
    ue_result_t result = {.outcome = UE_LOCAL};
    ue_outcome_judge(&result, answer, own, pool);
    int verified = want == UE_ENROLLED || want == UE_REFUSED || want == UE_PORTAL_ERROR;
    is_int(result.outcome, want, name);
    is_int(result.verified, verified, "the verified flag goes with it");
    is_int(result.pem != NULL, want == UE_ENROLLED, "a certificate only if enrolled");
    if (want == UE_ENROLLED) {
        is_str(result.serial, "1a2b", "serial");
        is_str(result.not_after, "2036-02-03T04:05:06Z", "notAfter");
        is_str(result.pem, (const char *)answer->body.data, "PEM");
    }
    if (want == UE_REFUSED)
        is_str(result.reason, "NO_FLAG", "the decision's reason");
}

static void test_outcomes(void)
{
    EVP_PKEY *own = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    const char *mine = cert_for(own), *theirs = cert_for(other);
    const char *page = pki_page_refusal(pool, PKI_REASON_NO_FLAG, "No.");
    const char *twice = apr_pstrcat(pool, mine, theirs, NULL);
    const char *cut = apr_pstrmemdup(pool, mine, strlen(mine) / 2);
    const char *pages = apr_pstrcat(pool, page, page, NULL);
    const struct {
        const char *name;
        int status;
        const char *type, *body;
        EVP_PKEY *own;
        ue_outcome_t want;
    } rows[] = {
        {"certificate for our key", 200, TYPE, mine, own, UE_ENROLLED},
        {"media type with parameters", 200, TYPE "; charset=us-ascii", mine, own, UE_ENROLLED},
        {"certificate for another key", 200, TYPE, theirs, own, UE_NOT_VERIFIED},
        {"our own key is not known", 200, TYPE, mine, NULL, UE_NOT_VERIFIED},
        {"403 with a certificate", 403, TYPE, mine, own, UE_NOT_VERIFIED},
        {"500 with a certificate", 500, TYPE, mine, own, UE_NOT_VERIFIED},
        {"certificate as text/html", 200, "text/html", mine, own, UE_NOT_VERIFIED},
        {"certificate without one Content-Type", 200, NULL, mine, own, UE_NOT_VERIFIED},
        {"two certificates", 200, TYPE, twice, own, UE_NOT_VERIFIED},
        {"half a certificate", 200, TYPE, cut, own, UE_NOT_VERIFIED},
        {"refusal with 403 (TS 24.109 E.4)", 403, "text/html", page, own, UE_REFUSED},
        {"200 with a refusal page", 200, "text/html", page, own, UE_NOT_VERIFIED},
        {"503 with a refusal page", 503, "text/html", page, own, UE_NOT_VERIFIED},
        {"two decisions are none", 403, "text/html", pages, own, UE_PORTAL_ERROR},
        {"403 without a decision", 403, "text/html", "<html>no</html>", own, UE_PORTAL_ERROR},
        {"400", 400, "text/html", "bad PKCS#10", own, UE_PORTAL_ERROR},
        {"503 with an empty body", 503, NULL, "", own, UE_PORTAL_ERROR},
        {"302 is not followed", 302, "text/html", "there", own, UE_PORTAL_ERROR},
        {"200 with something else", 200, "text/html", "welcome", own, UE_NOT_VERIFIED},
        {"204", 204, NULL, "", own, UE_NOT_VERIFIED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ue_answer_t answer = {rows[i].status, rows[i].type, base_span_str(rows[i].body)};
        check_outcome(&answer, rows[i].own, rows[i].want, rows[i].name);
    }
    EVP_PKEY_free(own);
    EVP_PKEY_free(other);
}

static void test_exit_codes(void)
{
    static const char *const names[] = {
        "enrolled",  "refused",      "usage",       "authentication-refused", "verification-failed",
        "transport", "portal-error", "local-error",
    };
    for (int code = 0; code < 8; code++)
        is_str(ue_outcome_name((ue_outcome_t)code), names[code], "exit codes never change");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_outcomes();
    test_exit_codes();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
