/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include "pki/pki_pkcs10.h"
#include "pki/pki_profile.h"

#define DAYS(n) (apr_time_from_sec(APR_INT64_C(86400)) * (n))

/* A C array's initializer, since static storage cannot call pki_profile_init(). */
#define BUILT_IN(profile_name, unlocked_by, key_usage)                                             \
    {                                                                                              \
        .name = (profile_name), .flag = (unlocked_by), .usage = (key_usage),                       \
        .lifetime = DAYS(365), .backdate = apr_time_from_sec(300), .renew_before = DAYS(30),       \
        .subject = {                                                                               \
            "CN=%{pseudonym}"                                                                      \
        }                                                                                          \
    }

/* TS 24.109 and TS 29.109: flag 1 is for authentication, 2 for non-repudiation. */
static const pki_profile_t built_in[] = {
    BUILT_IN("authentication", 1, PKI_USAGE_DIGITAL_SIGNATURE),
    BUILT_IN("non-repudiation", 2, PKI_USAGE_NON_REPUDIATION),
};

const pki_profile_t *pki_profiles_default(int *count)
{
    *count = (int)(sizeof(built_in) / sizeof(built_in[0]));
    return built_in;
}

void pki_profile_init(pki_profile_t *profile, const char *name)
{
    *profile = built_in[0];
    memset(profile->name, 0, sizeof(profile->name));
    if (strlen(name) <= PKI_PROFILE_NAME_MAX) /* a longer one is none: pki_profile_check() */
        memcpy(profile->name, name, strlen(name));
    profile->flag = 0;
    profile->usage = 0;
}

/* ---- the hash ---- */

/* Holds every form of a profile: each text takes its length in 2 octets instead of its NUL, each
 * list a number of entries. */
typedef struct form_t {
    unsigned char octets[sizeof(pki_profile_t) + 512];
    apr_size_t len;
} form_t;

static void put(form_t *form, const void *data, apr_size_t len)
{
    if (len > sizeof(form->octets) - form->len)
        len = 0; /* cannot be: see form_t */
    memcpy(form->octets + form->len, data, len);
    form->len += len;
}

static void put_number(form_t *form, apr_int64_t number)
{
    unsigned char raw[8];
    for (int i = 0; i < 8; i++)
        raw[i] = (unsigned char)((apr_uint64_t)number >> (56 - 8 * i) & 0xff);
    put(form, raw, sizeof(raw));
}

/* @param size of the array that @a text stands in */
static void put_text(form_t *form, const char *text, apr_size_t size)
{
    apr_size_t len = strnlen(text, size);
    unsigned char raw[2] = {(unsigned char)(len >> 8), (unsigned char)(len & 0xff)};
    put(form, raw, sizeof(raw));
    put(form, text, len);
}

/* Up to the last that is not empty: a longer array in a later version changes no hash. */
static void put_list(form_t *form, const char *texts, int count, apr_size_t size)
{
    while (count > 0 && texts[(apr_size_t)(count - 1) * size] == '\0')
        count--;
    put_number(form, count);
    for (int i = 0; i < count; i++)
        put_text(form, texts + (apr_size_t)i * size, size);
}

static void put_profile(form_t *form, const pki_profile_t *profile)
{
    static const char label[] = "mod_gba_pki profile v1\n";
    put(form, label, sizeof(label) - 1);
    put_text(form, profile->name, sizeof(profile->name));
    put_number(form, profile->flag);
    put_number(form, profile->usage);
    put_number(form, profile->lifetime);
    put_number(form, profile->backdate);
    put_number(form, profile->renew_before);
    put_number(form, profile->bootstrap_max_age);
    put_number(form, profile->held_max);
    put_number(form, profile->issued_max);
    put_number(form, profile->issued_window);
    put_number(form, profile->allow_identity != 0);
#define PUT_LIST(member)                                                                           \
    put_list(form, profile->member[0],                                                             \
             (int)(sizeof(profile->member) / sizeof(profile->member[0])),                          \
             sizeof(profile->member[0]))
    PUT_LIST(subject);
    PUT_LIST(sans);
    PUT_LIST(ekus);
    PUT_LIST(policies);
    PUT_LIST(crls);
#undef PUT_LIST
    put_text(form, profile->ocsp, sizeof(profile->ocsp));
    put_text(form, profile->ca_issuers, sizeof(profile->ca_issuers));
}

int pki_profile_hash(unsigned char hash[PKI_PROFILE_HASH_LEN], const pki_profile_t *profile)
{
    form_t form;
    unsigned len = 0;
    form.len = 0;
    put_profile(&form, profile);
    if (EVP_Digest(form.octets, form.len, hash, &len, EVP_sha256(), NULL) == 1 &&
        len == PKI_PROFILE_HASH_LEN)
        return 1;
    memset(hash, 0, PKI_PROFILE_HASH_LEN);
    ERR_clear_error();
    return 0;
}
