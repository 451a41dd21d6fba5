/* SPDX-License-Identifier: Apache-2.0 */
/* Serials, pseudonyms, and the times of a certificate. */
#include <apr_general.h>
#include "pki_fixture.h"

/* A generator that is not random: its octets are zero, or have the top bit set, far too often. */
typedef struct biased_t {
    apr_uint32_t state;
    unsigned fills; /* how often it was asked */
    int fail_after; /* fills until it fails; negative: never */
} biased_t;

static int fill_biased(void *baton, void *buf, apr_size_t len)
{
    biased_t *biased = baton;
    unsigned char *out = buf;
    if (biased->fail_after >= 0 && biased->fills >= (unsigned)biased->fail_after)
        return 0;
    biased->fills++;
    for (apr_size_t i = 0; i < len; i++) {
        biased->state = biased->state * 1664525u + 1013904223u;
        out[i] = (unsigned char)(biased->state >> 24);
        if ((out[i] & 0x30) == 0x30)
            out[i] = out[i] & 0x08 ? 0x00 : 0x80;
    }
    return 1;
}

static int fill_zero(void *baton, void *buf, apr_size_t len)
{
    (void)baton;
    memset(buf, 0, len);
    return 1;
}

static int fill_ones(void *baton, void *buf, apr_size_t len)
{
    (void)baton;
    memset(buf, 0xff, len);
    return 1;
}

/* RFC 5280 4.1.2.2: positive, not zero, at most 20 octets; ours are always 16. */
static void serials(void)
{
    biased_t biased = {1, 0, -1};
    base_random_t random = {&biased, fill_biased};
    unsigned char serial[PKI_SERIAL_LEN];
    unsigned sound = 0;
    unsigned made = 0;
    unsigned char any = 0;
    for (unsigned i = 0; i < 10000; i++) {
        made += pki_serial_make(serial, &random) != 0;
        sound += serial[0] >= 0x01 && serial[0] <= 0x7f;
        any |= serial[0];
    }
    is_int(made, 10000, "10 000 serials from a biased source");
    is_int(sound, 10000, "each with its top bit clear and its first octet not zero");
    is_int(any, 0x7f, "and any of the other bits");
    ok(biased.fills > 11000, "draws that would not do are drawn again");
}

static void serials_that_fail(void)
{
    biased_t broken = {1, 0, 0};
    base_random_t failing = {&broken, fill_biased};
    base_random_t zero = {NULL, fill_zero};
    base_random_t ones = {NULL, fill_ones};
    unsigned char none[PKI_SERIAL_LEN] = {0};
    unsigned char serial[PKI_SERIAL_LEN];
    memset(serial, 0x55, sizeof(serial));
    ok(!pki_serial_make(serial, &failing), "no serial from a source that fails");
    is_mem(serial, none, sizeof(serial), "and nothing that looks like one");
    memset(serial, 0x55, sizeof(serial));
    ok(!pki_serial_make(serial, &zero), "no serial, and no endless loop, from a source of zeros");
    is_mem(serial, none, sizeof(serial), "and nothing that looks like one");
    ok(pki_serial_make(serial, &ones), "a serial from a source of ones");
    is_int(serial[0], 0x7f, "its top bit is cleared");
}

static void pseudonyms(void)
{
    biased_t biased = {1, 0, -1};
    base_random_t random = {&biased, fill_biased};
    base_random_t ones = {NULL, fill_ones};
    char first[PKI_PSEUDONYM_LEN + 1];
    char second[PKI_PSEUDONYM_LEN + 1];
    ok(pki_pseudonym_make(first, &random) && pki_pseudonym_make(second, &random), "two pseudonyms");
    ok(strcmp(first, second) != 0, "they differ");
    is_int((long long)strspn(first, "0123456789abcdef"), PKI_PSEUDONYM_LEN,
           "32 digits of lower-case hex");
    is_int((long long)strlen(first), PKI_PSEUDONYM_LEN, "and a NUL");
    ok(pki_pseudonym_make(first, &ones), "one from a known source");
    is_str(first, "ffffffffffffffffffffffffffffffff", "has all of its 128 bits");
    biased.fail_after = 0;
    ok(!pki_pseudonym_make(first, &random), "none from a source that fails");
    is_str(first, "", "and nothing that looks like one");
}

#define SEC apr_time_from_sec(1)

/* The test CA is valid from 30 days before now to 3650 days after; all in microseconds. */
static const struct {
    const char *what;
    apr_interval_time_t now; /* from PKIF_NOW */
    apr_interval_time_t lifetime;
    apr_interval_time_t backdate;
    int want;
    apr_interval_time_t from; /* from PKIF_NOW */
    apr_interval_time_t to;
} times[] = {
    {"plain", 0, 365 * PKIF_DAY, 300 * SEC, 1, -300 * SEC, 365 * PKIF_DAY},
    {"no backdating", 0, PKIF_DAY, 0, 1, 0, PKIF_DAY},
    {"cut to the second", 999999, PKIF_DAY, 60 * SEC, 1, -60 * SEC, PKIF_DAY},
    {"lifetime to the CA's end", 0, 3650 * PKIF_DAY, 0, 1, 0, 3650 * PKIF_DAY},
    {"lifetime past the CA's end", 0, 3650 * PKIF_DAY + 1, 0, 1, 0, 3650 * PKIF_DAY},
    {"lifetime without end", 0, APR_INT64_MAX, 0, 1, 0, 3650 * PKIF_DAY},
    {"backdated to the CA's start", 0, PKIF_DAY, 30 * PKIF_DAY, 1, -30 * PKIF_DAY, PKIF_DAY},
    {"backdated past it", 0, PKIF_DAY, 30 * PKIF_DAY + 1, 1, -30 * PKIF_DAY, PKIF_DAY},
    {"backdated without end", 0, PKIF_DAY, APR_INT64_MAX, 1, -30 * PKIF_DAY, PKIF_DAY},
    {"the CA's first second", -30 * PKIF_DAY, PKIF_DAY, SEC, 1, -30 * PKIF_DAY, -29 * PKIF_DAY},
    {"the second before it", -30 * PKIF_DAY - 1, PKIF_DAY, SEC, 0, 0, 0},
    {"the CA's last second", 3650 * PKIF_DAY + SEC - 1, PKIF_DAY, SEC, 1, 3650 * PKIF_DAY - SEC,
     3650 * PKIF_DAY},
    {"the second after it", 3650 * PKIF_DAY + SEC, PKIF_DAY, SEC, 0, 0, 0},
    {"an expired CA", 4000 * PKIF_DAY, PKIF_DAY, SEC, 0, 0, 0},
    {"no lifetime", 0, 0, SEC, 0, 0, 0},
    {"a negative lifetime", 0, -SEC, SEC, 0, 0, 0},
    {"backdated into the future", 0, PKIF_DAY, -SEC, 0, 0, 0},
};

static void cert_times(const pki_ca_t *ca)
{
    for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        pki_cert_spec_t spec;
        pki_profile_t profile;
        pki_profile_init(&profile, "x");
        profile.lifetime = times[i].lifetime;
        profile.backdate = times[i].backdate;
        memset(&spec, 0, sizeof(spec));
        is_int(pki_cert_times(&spec, ca, &profile, PKIF_NOW + times[i].now) != 0, times[i].want,
               times[i].what);
        if (times[i].want) {
            is_int(spec.not_before - PKIF_NOW, times[i].from, "notBefore");
            is_int(spec.not_after - PKIF_NOW, times[i].to, "notAfter");
        }
    }
}

int main(void)
{
    apr_pool_t *pool;
    pkif_ca_t what = pkif_sound_ca();
    apr_initialize();
    apr_pool_create(&pool, NULL);
    const char *dir = pkif_dir(pool);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    serials();
    serials_that_fail();
    pseudonyms();
    cert_times(pkif_load(pool, dir, &what, key));
    EVP_PKEY_free(key);
    pkif_clean(dir);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
