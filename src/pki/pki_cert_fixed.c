/* SPDX-License-Identifier: Apache-2.0 */
/* The extensions that all certificates of a profile share. To make them costs as much as a
 * signature; so they are made once, and kept. A profile comes with each question and may be any:
 * what is kept is bounded, and who is not there is made anew. */
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/x509v3.h>
#include "pki/pki_impl.h"

#define CACHE_SIZE 32 /* more than a server has profiles */

struct pki_cache_t {
    CRYPTO_RWLOCK *lock;
    pki_fixed_t *kept[CACHE_SIZE];
    unsigned next; /* who goes next */
};

/* ---- one extension each ---- */

static X509_EXTENSION *make_constraints(void)
{
    BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new(); /* CA:FALSE, no path length */
    X509_EXTENSION *extension =
        constraints ? X509V3_EXT_i2d(NID_basic_constraints, 1, constraints) : NULL;
    BASIC_CONSTRAINTS_free(constraints);
    return extension;
}

/* RFC 5280 4.2.1.3: bit 0 is digitalSignature, bit 1 nonRepudiation. */
static X509_EXTENSION *make_usage(unsigned usage)
{
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    X509_EXTENSION *extension = NULL;
    if (bits && ASN1_BIT_STRING_set_bit(bits, 0, (usage & PKI_USAGE_DIGITAL_SIGNATURE) != 0) &&
        ASN1_BIT_STRING_set_bit(bits, 1, (usage & PKI_USAGE_NON_REPUDIATION) != 0))
        extension = X509V3_EXT_i2d(NID_key_usage, 1, bits);
    ASN1_BIT_STRING_free(bits);
    return extension;
}

static X509_EXTENSION *make_authority_key(base_span_t key_id)
{
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    X509_EXTENSION *extension = NULL;
    if (authority && (authority->keyid = ASN1_OCTET_STRING_new()) &&
        ASN1_OCTET_STRING_set(authority->keyid, key_id.data, (int)key_id.len))
        extension = X509V3_EXT_i2d(NID_authority_key_identifier, 0, authority);
    AUTHORITY_KEYID_free(authority);
    return extension;
}

static X509_EXTENSION *make_ekus(const pki_profile_t *profile)
{
    EXTENDED_KEY_USAGE *ekus = EXTENDED_KEY_USAGE_new();
    X509_EXTENSION *extension = NULL;
    int good = ekus != NULL;
    for (int i = 0; good && i < PKI_PROFILE_EKUS && profile->ekus[i][0]; i++) {
        ASN1_OBJECT *oid = OBJ_txt2obj(profile->ekus[i], 1);
        good = oid && sk_ASN1_OBJECT_push(ekus, oid) > 0;
        if (!good)
            ASN1_OBJECT_free(oid);
    }
    if (good)
        extension = X509V3_EXT_i2d(NID_ext_key_usage, 0, ekus);
    EXTENDED_KEY_USAGE_free(ekus);
    return extension;
}

static X509_EXTENSION *make_policies(const pki_profile_t *profile)
{
    CERTIFICATEPOLICIES *policies = CERTIFICATEPOLICIES_new();
    X509_EXTENSION *extension = NULL;
    int good = policies != NULL;
    for (int i = 0; good && i < PKI_PROFILE_POLICIES && profile->policies[i][0]; i++) {
        POLICYINFO *info = POLICYINFO_new();
        ASN1_OBJECT *oid = info ? OBJ_txt2obj(profile->policies[i], 1) : NULL;
        if (oid) {
            ASN1_OBJECT_free(info->policyid);
            info->policyid = oid;
        }
        good = oid && sk_POLICYINFO_push(policies, info) > 0;
        if (!good)
            POLICYINFO_free(info);
    }
    if (good)
        extension = X509V3_EXT_i2d(NID_certificate_policies, 0, policies);
    CERTIFICATEPOLICIES_free(policies);
    return extension;
}

/* Makes @a name, which is fresh, a URI. */
static int set_uri(GENERAL_NAME *name, const char *uri)
{
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    if (!text || !ASN1_STRING_set(text, uri, -1)) {
        ASN1_IA5STRING_free(text);
        return 0;
    }
    GENERAL_NAME_set0_value(name, GEN_URI, text);
    return 1;
}

static DIST_POINT *make_point(const char *url)
{
    DIST_POINT *point = DIST_POINT_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    int good = point && name && set_uri(name, url) && (point->distpoint = DIST_POINT_NAME_new()) &&
               (point->distpoint->name.fullname = GENERAL_NAMES_new()) &&
               sk_GENERAL_NAME_push(point->distpoint->name.fullname, name) > 0;
    if (good) {
        point->distpoint->type = 0; /* fullName */
        return point;
    }
    GENERAL_NAME_free(name);
    DIST_POINT_free(point);
    return NULL;
}

static X509_EXTENSION *make_crls(const pki_profile_t *profile)
{
    CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
    X509_EXTENSION *extension = NULL;
    int good = points != NULL;
    for (int i = 0; good && i < PKI_PROFILE_CRLS && profile->crls[i][0]; i++) {
        DIST_POINT *point = make_point(profile->crls[i]);
        good = point && sk_DIST_POINT_push(points, point) > 0;
        if (!good)
            DIST_POINT_free(point);
    }
    if (good)
        extension = X509V3_EXT_i2d(NID_crl_distribution_points, 0, points);
    CRL_DIST_POINTS_free(points);
    return extension;
}

static int add_access(AUTHORITY_INFO_ACCESS *access, int method, const char *url)
{
    ACCESS_DESCRIPTION *one;
    if (url[0] == '\0')
        return 1;
    one = ACCESS_DESCRIPTION_new();
    if (one)
        one->method = OBJ_nid2obj(method);
    if (one && set_uri(one->location, url) && sk_ACCESS_DESCRIPTION_push(access, one) > 0)
        return 1;
    ACCESS_DESCRIPTION_free(one);
    return 0;
}

static X509_EXTENSION *make_access(const pki_profile_t *profile)
{
    AUTHORITY_INFO_ACCESS *access = AUTHORITY_INFO_ACCESS_new();
    X509_EXTENSION *extension = NULL;
    if (access && add_access(access, NID_ad_OCSP, profile->ocsp) &&
        add_access(access, NID_ad_ca_issuers, profile->ca_issuers))
        extension = X509V3_EXT_i2d(NID_info_access, 0, access);
    AUTHORITY_INFO_ACCESS_free(access);
    return extension;
}

/* ---- all of a profile ---- */

static void free_fixed(pki_fixed_t *fixed)
{
    for (int i = 0; fixed && i < fixed->count; i++)
        X509_EXTENSION_free(fixed->extensions[i]);
    OPENSSL_free(fixed);
}

/* Nonzero if it is one, which then is @a fixed's. */
static int add(pki_fixed_t *fixed, X509_EXTENSION *extension)
{
    if (extension)
        fixed->extensions[fixed->count++] = extension;
    return extension != NULL;
}

static int add_all(pki_fixed_t *fixed, const pki_ca_t *ca, const pki_profile_t *profile)
{
    return add(fixed, make_constraints()) && add(fixed, make_usage(profile->usage)) &&
           add(fixed, make_authority_key(ca->key_id)) &&
           (!profile->ekus[0][0] || add(fixed, make_ekus(profile))) &&
           (!profile->policies[0][0] || add(fixed, make_policies(profile))) &&
           (!profile->crls[0][0] || add(fixed, make_crls(profile))) &&
           ((!profile->ocsp[0] && !profile->ca_issuers[0]) || add(fixed, make_access(profile)));
}

static pki_fixed_t *make_fixed(const pki_ca_t *ca, const pki_profile_t *profile)
{
    pki_fixed_t *fixed = pki_profile_is_sound(profile) ? OPENSSL_zalloc(sizeof(*fixed)) : NULL;
    if (fixed && add_all(fixed, ca, profile) && pki_fixed_is_right(fixed, ca, profile))
        return fixed;
    free_fixed(fixed);
    return NULL;
}

/* ---- the cache ---- */

pki_cache_t *pki_cache_make(void)
{
    pki_cache_t *cache = OPENSSL_zalloc(sizeof(*cache));
    if (cache && (cache->lock = CRYPTO_THREAD_lock_new()))
        return cache;
    OPENSSL_free(cache);
    return NULL;
}

void pki_cache_free(pki_cache_t *cache)
{
    if (!cache)
        return;
    for (int i = 0; i < CACHE_SIZE; i++)
        free_fixed(cache->kept[i]);
    CRYPTO_THREAD_lock_free(cache->lock);
    OPENSSL_free(cache);
}

static pki_fixed_t *find(pki_cache_t *cache, const unsigned char hash[PKI_PROFILE_HASH_LEN])
{
    pki_fixed_t *found = NULL;
    if (!CRYPTO_THREAD_write_lock(cache->lock))
        return NULL;
    for (int i = 0; !found && i < CACHE_SIZE && cache->kept[i]; i++)
        if (memcmp(cache->kept[i]->profile, hash, PKI_PROFILE_HASH_LEN) == 0)
            found = cache->kept[i];
    if (found)
        found->users++;
    CRYPTO_THREAD_unlock(cache->lock);
    return found;
}

/* Under the lock. @return @a fixed if nobody needs it any more */
static pki_fixed_t *leave(pki_fixed_t *fixed)
{
    return fixed && --fixed->users == 0 ? fixed : NULL;
}

/* Two threads may keep the same: then it stands there twice, until it goes. */
static void keep(pki_cache_t *cache, pki_fixed_t *fixed)
{
    pki_fixed_t *gone;
    fixed->users = 1; /* the caller */
    if (!CRYPTO_THREAD_write_lock(cache->lock))
        return;
    fixed->users++; /* the cache */
    gone = leave(cache->kept[cache->next % CACHE_SIZE]);
    cache->kept[cache->next++ % CACHE_SIZE] = fixed;
    CRYPTO_THREAD_unlock(cache->lock);
    free_fixed(gone);
}

pki_fixed_t *pki_fixed_get(const pki_ca_t *ca, const pki_profile_t *profile)
{
    unsigned char hash[PKI_PROFILE_HASH_LEN];
    pki_fixed_t *fixed;
    if (!profile || !pki_profile_hash(hash, profile))
        return NULL;
    fixed = find(ca->cache, hash);
    if (fixed)
        return fixed;
    fixed = make_fixed(ca, profile);
    if (!fixed)
        return NULL;
    memcpy(fixed->profile, hash, sizeof(hash));
    keep(ca->cache, fixed);
    return fixed;
}

void pki_fixed_put(const pki_ca_t *ca, pki_fixed_t *fixed)
{
    pki_fixed_t *gone;
    if (!fixed || !CRYPTO_THREAD_write_lock(ca->cache->lock))
        return;
    gone = leave(fixed);
    CRYPTO_THREAD_unlock(ca->cache->lock);
    free_fixed(gone);
}
