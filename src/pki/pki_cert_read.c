/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the extensions that a profile fixes, past all that built them. */
#include <string.h>
#include <openssl/x509v3.h>
#include "pki/pki_impl.h"

static int is_text(const ASN1_STRING *string, const char *text)
{
    return ASN1_STRING_length(string) >= 0 &&
           (apr_size_t)ASN1_STRING_length(string) == strlen(text) &&
           memcmp(ASN1_STRING_get0_data(string), text, strlen(text)) == 0;
}

static int is_oid(const ASN1_OBJECT *object, const char *dots)
{
    char text[PKI_OID_MAX + 2];
    int len = OBJ_obj2txt(text, sizeof(text), object, 1);
    return len > 0 && len <= PKI_OID_MAX && strcmp(text, dots) == 0;
}

static int is_uri(const GENERAL_NAME *name, const char *uri)
{
    return name && name->type == GEN_URI && is_text(name->d.uniformResourceIdentifier, uri);
}

/* How many texts stand in a list, before the first that is empty. */
#define COUNT(list) count((list)[0], (int)(sizeof(list) / sizeof((list)[0])), sizeof((list)[0]))

static int count(const char *texts, int max, apr_size_t size)
{
    int n = 0;
    while (n < max && texts[(apr_size_t)n * size])
        n++;
    return n;
}

/* The value of an extension that is there once and critical or not as it must be; else NULL. */
static void *value_of(const STACK_OF(X509_EXTENSION) * all, int nid, int critical)
{
    int is_critical = -1;
    void *value = X509V3_get_d2i(all, nid, &is_critical, NULL);
    if (!value || is_critical == critical)
        return value;
    ASN1_item_free(value, ASN1_ITEM_ptr(X509V3_EXT_get_nid(nid)->it));
    return NULL;
}

static int constraints_are_right(const STACK_OF(X509_EXTENSION) * all)
{
    BASIC_CONSTRAINTS *is = value_of(all, NID_basic_constraints, 1);
    int good = is && !is->ca && !is->pathlen;
    BASIC_CONSTRAINTS_free(is);
    return good;
}

/* RFC 5280 4.2.1.3: these bits, and none behind them. */
static int usage_is_right(const STACK_OF(X509_EXTENSION) * all, unsigned usage)
{
    ASN1_BIT_STRING *is = value_of(all, NID_key_usage, 1);
    unsigned got = 0;
    int good;
    if (is && ASN1_BIT_STRING_get_bit(is, 0))
        got |= PKI_USAGE_DIGITAL_SIGNATURE;
    if (is && ASN1_BIT_STRING_get_bit(is, 1))
        got |= PKI_USAGE_NON_REPUDIATION;
    good = is && got == usage && ASN1_STRING_length(is) == 1 &&
           (ASN1_STRING_get0_data(is)[0] & 0x3f) == 0;
    ASN1_BIT_STRING_free(is);
    return good;
}

static int authority_is_right(const STACK_OF(X509_EXTENSION) * all, base_span_t key_id)
{
    AUTHORITY_KEYID *is = value_of(all, NID_authority_key_identifier, 0);
    int good = is && !is->issuer && !is->serial && is->keyid &&
               (apr_size_t)ASN1_STRING_length(is->keyid) == key_id.len &&
               memcmp(ASN1_STRING_get0_data(is->keyid), key_id.data, key_id.len) == 0;
    AUTHORITY_KEYID_free(is);
    return good;
}

static int ekus_are_right(const STACK_OF(X509_EXTENSION) * all, const pki_profile_t *profile)
{
    EXTENDED_KEY_USAGE *is = value_of(all, NID_ext_key_usage, 0);
    int n = COUNT(profile->ekus);
    int good = is && sk_ASN1_OBJECT_num(is) == n;
    for (int i = 0; good && i < n; i++)
        good = is_oid(sk_ASN1_OBJECT_value(is, i), profile->ekus[i]);
    EXTENDED_KEY_USAGE_free(is);
    return good;
}

static int policies_are_right(const STACK_OF(X509_EXTENSION) * all, const pki_profile_t *profile)
{
    CERTIFICATEPOLICIES *is = value_of(all, NID_certificate_policies, 0);
    int n = COUNT(profile->policies);
    int good = is && sk_POLICYINFO_num(is) == n;
    for (int i = 0; good && i < n; i++) {
        const POLICYINFO *info = sk_POLICYINFO_value(is, i);
        good = is_oid(info->policyid, profile->policies[i]) && !info->qualifiers;
    }
    CERTIFICATEPOLICIES_free(is);
    return good;
}

static int point_is_right(const DIST_POINT *point, const char *url)
{
    const DIST_POINT_NAME *name = point->distpoint;
    return !point->reasons && !point->CRLissuer && name && name->type == 0 &&
           sk_GENERAL_NAME_num(name->name.fullname) == 1 &&
           is_uri(sk_GENERAL_NAME_value(name->name.fullname, 0), url);
}

static int crls_are_right(const STACK_OF(X509_EXTENSION) * all, const pki_profile_t *profile)
{
    CRL_DIST_POINTS *is = value_of(all, NID_crl_distribution_points, 0);
    int n = COUNT(profile->crls);
    int good = is && sk_DIST_POINT_num(is) == n;
    for (int i = 0; good && i < n; i++)
        good = point_is_right(sk_DIST_POINT_value(is, i), profile->crls[i]);
    CRL_DIST_POINTS_free(is);
    return good;
}

static int access_is_right(const STACK_OF(X509_EXTENSION) * all, const pki_profile_t *profile)
{
    const char *urls[2] = {profile->ocsp, profile->ca_issuers};
    const int methods[2] = {NID_ad_OCSP, NID_ad_ca_issuers};
    AUTHORITY_INFO_ACCESS *is = value_of(all, NID_info_access, 0);
    int good = is != NULL;
    int at = 0;
    for (int i = 0; good && i < 2; i++) {
        const ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(is, at);
        if (!urls[i][0])
            continue;
        good = one && OBJ_obj2nid(one->method) == methods[i] && is_uri(one->location, urls[i]);
        at++;
    }
    good = good && sk_ACCESS_DESCRIPTION_num(is) == at;
    AUTHORITY_INFO_ACCESS_free(is);
    return good;
}

/* Nonzero if an extension must be there and is right, or must not be there; counts the former. */
static int judge(int *n, int must, int right)
{
    *n += must != 0;
    return !must || right;
}

static int all_right(const STACK_OF(X509_EXTENSION) * all, const pki_ca_t *ca,
                     const pki_profile_t *profile)
{
    int n = 3;
    return constraints_are_right(all) && usage_is_right(all, profile->usage) &&
           authority_is_right(all, ca->key_id) &&
           judge(&n, profile->ekus[0][0], ekus_are_right(all, profile)) &&
           judge(&n, profile->policies[0][0], policies_are_right(all, profile)) &&
           judge(&n, profile->crls[0][0], crls_are_right(all, profile)) &&
           judge(&n, profile->ocsp[0] || profile->ca_issuers[0], access_is_right(all, profile)) &&
           sk_X509_EXTENSION_num(all) == n;
}

int pki_fixed_is_right(const pki_fixed_t *fixed, const pki_ca_t *ca, const pki_profile_t *profile)
{
    STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
    int good = all != NULL;
    for (int i = 0; good && i < fixed->count; i++)
        good = sk_X509_EXTENSION_push(all, fixed->extensions[i]) > 0;
    good = good && all_right(all, ca, profile);
    sk_X509_EXTENSION_free(all); /* the stack, not what stands in it */
    return good;
}
