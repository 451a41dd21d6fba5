/* SPDX-License-Identifier: Apache-2.0 */
/* The key derivation of TS 33.220 B.2 and B.3 against t/vectors/vectors.json. */
#include "tap.h"

#include <stdlib.h>
#include <jansson.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "gba/gba_kdf.h"

static json_t *load_vectors(apr_pool_t *pool)
{
    const char *top = getenv("GBA_SRCDIR");
    json_error_t error;
    json_t *root = json_load_file(
        apr_pstrcat(pool, top ? top : ".", "/t/vectors/vectors.json", NULL), 0, &error);
    if (!ok(root != NULL, "vectors.json is read"))
        printf("# %s\n", error.text);
    return root;
}

static const char *text_of(const json_t *row, const char *member)
{
    const char *text = json_string_value(json_object_get(row, member));
    return text ? text : "";
}

static int hex_of(unsigned char *out, size_t len, const json_t *row, const char *member)
{
    const char *text = text_of(row, member);
    return base_hex_decode(out, len, text, strlen(text));
}

static void test_row(const json_t *row, apr_pool_t *pool)
{
    unsigned char ks[GBA_KS_LEN];
    unsigned char rand[GBA_RAND_LEN];
    unsigned char want[GBA_KEY_LEN];
    unsigned char key[GBA_KEY_LEN] = {0};
    gba_naf_id_t naf = {{0}, {0}};
    const char *name = text_of(row, "name");
    int is_me = strcmp(text_of(row, "p0"), "gba-me") == 0;
    base_span_t impi = base_span_str(text_of(row, "impi"));
    ok(hex_of(ks, sizeof(ks), row, "ks") && hex_of(rand, sizeof(rand), row, "rand") &&
           hex_of(want, sizeof(want), row, "key") &&
           hex_of(naf.ua_id, sizeof(naf.ua_id), row, "ua_security_protocol_id") && impi.len &&
           (is_me || strcmp(text_of(row, "p0"), "gba-u") == 0),
       "%s: the row is whole", name);
    /* Past gba_naf_id_set(): one row shows what a name in upper case does. */
    apr_cpystrn(naf.fqdn, text_of(row, "naf_fqdn"), sizeof(naf.fqdn));
    ok(gba_kdf(key, is_me ? GBA_KDF_ME : GBA_KDF_UICC, ks, rand, impi, &naf),
       "%s: a key is derived", name);
    is_mem(key, want, sizeof(want), apr_pstrcat(pool, name, ": it is the right one", NULL));
    is_str(gba_password(pool, key), text_of(row, "key_base64_digest_password"),
           apr_pstrcat(pool, name, ": so is its Digest password", NULL));
}

static void test_limits(apr_pool_t *pool)
{
    static const unsigned char ks[GBA_KS_LEN];
    static const unsigned char rand[GBA_RAND_LEN];
    static const unsigned char ua_id[GBA_UA_ID_LEN];
    unsigned char key[GBA_KEY_LEN];
    unsigned char other[GBA_KEY_LEN];
    gba_naf_id_t naf;
    base_span_t impi = {memset(apr_palloc(pool, 65536), 'x', 65536), 65535};
    ok(gba_naf_id_set(&naf, "pkiportal.home1.net", ua_id), "a NAF_Id");
    ok(gba_kdf(key, GBA_KDF_ME, ks, rand, impi, &naf), "an IMPI of 65535 octets has a length");
    impi.len = 65536;
    ok(!gba_kdf(key, GBA_KDF_ME, ks, rand, impi, &naf), "one of 65536 has none (B.2.1)");
    impi.len = 0;
    ok(gba_kdf(key, GBA_KDF_ME, ks, rand, impi, &naf), "an empty IMPI is a parameter too");
    ok(gba_kdf(other, GBA_KDF_UICC, ks, rand, impi, &naf) && memcmp(key, other, sizeof(key)) != 0,
       "Ks_NAF and Ks_int_NAF differ");
    is_int((long long)strlen(gba_password(pool, key)), 44, "a password has 44 characters");
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    json_t *root = load_vectors(pool);
    const json_t *rows = json_object_get(root, "gba_kdf");
    ok(json_array_size(rows) >= 11, "there are at least 11 rows");
    for (size_t i = 0; i < json_array_size(rows); i++)
        test_row(json_array_get(rows, i), pool);
    json_decref(root);
    test_limits(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
