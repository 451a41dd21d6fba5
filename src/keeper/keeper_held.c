/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate that lay in the ledger: is it whole, and is it what would be issued today? */
#include <string.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include "keeper/keeper_enrolment.h"

/** The spec as it was when the certificate that is held was signed, with the profile and the names
 *  of today. */
static base_result_t check(const keeper_enrolment_t *e)
{
    const keeper_holding_t *held = &e->held;
    pki_cert_spec_t spec = e->spec;
    memcpy(spec.serial, held->issued.serial, sizeof spec.serial);
    spec.names.pseudonym = held->pseudonym;
    spec.not_before = held->not_before;
    spec.not_after = held->not_after;
    return pki_cert_check(e->parts->ca, &spec,
                          (base_span_t){held->issued.der, held->issued.der_len});
}

base_result_t keeper_held_check(const keeper_enrolment_t *e, apr_pool_t *pool)
{
    base_result_t result = check(e);
    if (result.code == BASE_OK)
        return result;
    return base_fail(
        BASE_STORE_DOWN, "GBA0529",
        apr_psprintf(pool, "issuer: the ledger's certificate is damaged: %s", result.detail));
}

/* ---- sound, but of another day ---- */

static X509 *read_cert(base_span_t der)
{
    const unsigned char *p = der.data;
    X509 *cert = d2i_X509(NULL, &p, (long)der.len);
    if (cert && p == der.data + der.len)
        return cert;
    X509_free(cert);
    return NULL;
}

static int has_serial(const X509 *cert, const unsigned char serial[PKI_SERIAL_LEN])
{
    const ASN1_INTEGER *number = X509_get0_serialNumber(cert);
    return ASN1_STRING_length(number) == PKI_SERIAL_LEN &&
           memcmp(ASN1_STRING_get0_data(number), serial, PKI_SERIAL_LEN) == 0;
}

static int has_key(const X509 *cert, base_span_t spki)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    int same = len > 0 && (apr_size_t)len == spki.len && memcmp(der, spki.data, spki.len) == 0;
    OPENSSL_free(der);
    return same;
}

static int has_times(const X509 *cert, const keeper_holding_t *held)
{
    return ASN1_TIME_cmp_time_t(X509_get0_notBefore(cert),
                                (time_t)apr_time_sec(held->not_before)) == 0 &&
           ASN1_TIME_cmp_time_t(X509_get0_notAfter(cert), (time_t)apr_time_sec(held->not_after)) ==
               0;
}

/** Nonzero if it is what its row says, and this CA's. */
static int is_whole(const keeper_enrolment_t *e)
{
    const keeper_holding_t *held = &e->held;
    X509 *ca = read_cert(pki_ca_der(e->parts->ca));
    X509 *cert = read_cert((base_span_t){held->issued.der, held->issued.der_len});
    int whole = ca && cert && has_serial(cert, held->issued.serial) &&
                has_key(cert, e->spec.spki) && has_times(cert, held) &&
                X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(ca)) == 0 &&
                X509_verify(cert, X509_get0_pubkey(ca)) == 1;
    X509_free(cert);
    X509_free(ca);
    ERR_clear_error();
    return whole;
}

/* A pseudonym never changes: names do only where a profile lets a certificate tell who somebody is.
 * One that is damaged is not outdated: nobody should get a new one before the operator has looked.
 */
void keeper_held_compare(keeper_enrolment_t *e)
{
    if (e->held.same_profile && !e->question->profile.allow_identity)
        return;
    if (check(e).code == BASE_OK || !is_whole(e))
        return;
    e->has_outdated = 1;
    memcpy(e->outdated, e->held.issued.serial, sizeof e->outdated);
}
