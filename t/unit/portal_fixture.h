/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file portal_fixture.h
 * A portal in memory: fixed clock and random, the real association table on
 * the heap, a key source with one row per outcome, and a UE's own arithmetic
 * made from the digest layer's printers. Included by one test program each.
 */
#ifndef portal_fixture_h
#define portal_fixture_h

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/base_secret.h"
#include "gba/gba_kdf.h"
#include "portal/portal_authn.h"
#include "tap.h"

#define NAF_FQDN "pkiportal.home1.net"
#define BTID     "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net"
#define TARGET   "/enrol?response=single"

/* ---- fixed clock and random ---- */

static apr_time_t now_wall = 1800000000 * (apr_time_t)1000000;
static apr_uint64_t now_ms = 5000000;
static unsigned char random_next = 1;
static int random_fails;

static apr_time_t wall(void *baton)
{
    (void)baton;
    return now_wall;
}

static apr_uint64_t monotonic(void *baton)
{
    (void)baton;
    return now_ms;
}

static int fill(void *baton, void *buf, apr_size_t len)
{
    (void)baton;
    for (apr_size_t i = 0; i < len; i++)
        ((unsigned char *)buf)[i] = random_next++;
    return !random_fails;
}

static const base_clock_t fixed_clock = {NULL, wall, monotonic};
static const base_random_t fixed_random = {NULL, fill};

/* ---- a key source: what it says depends on the B-TID ---- */

static int lookups;
static const unsigned char ks_naf[GBA_KEY_LEN] = {
    0x64, 0x6c, 0x37, 0x79, 0x46, 0xdf, 0xd6, 0x01, 0x0c, 0xa7, 0x35, 0xaf, 0xe8, 0x87, 0xbf, 0xc4,
    0x4f, 0x0b, 0x40, 0x59, 0x14, 0xad, 0xd7, 0x6e, 0xa4, 0xa5, 0x75, 0x3d, 0x20, 0x87, 0x0c, 0x05};
static const unsigned char tls_ua_id[GBA_UA_ID_LEN] = {1, 0, 1, 0xc0, 0x2f};

static base_result_t lookup(void *baton, const gba_lookup_t *question, gba_info_t *out,
                            apr_pool_t *pool)
{
    const char *btid = question->btid;

    (void)baton;
    (void)pool;
    lookups++;
    memset(out, 0, sizeof(*out));
    if (strncmp(btid, "unknown@", 8) == 0)
        return base_fail(BASE_UNKNOWN_BTID, "TEST1", "unknown");
    if (strncmp(btid, "down@", 5) == 0)
        return base_fail(BASE_KEYSOURCE_DOWN, "TEST2", "down");
    if (strncmp(btid, "barred@", 7) == 0)
        return base_fail(BASE_NOT_AUTHORISED, "TEST3", "not authorised");
    memcpy(out->me_key, ks_naf, sizeof(ks_naf));
    out->fetched = now_wall;
    out->expires = now_wall + apr_time_from_sec(3600);
    if (strncmp(btid, "expired@", 8) == 0)
        out->expires = now_wall;
    if (strncmp(btid, "old@", 4) == 0)
        out->bootstrapped = now_wall - apr_time_from_sec(86401);
    /* A BSF derives a key for any NAF_Id: the other identifier gives another key. */
    if (strncmp(btid, "tls@", 4) == 0 &&
        memcmp(question->naf.ua_id, tls_ua_id, sizeof(tls_ua_id)) != 0)
        out->me_key[0] ^= 1;
    return base_ok();
}

static const gba_keysource_t source = {NULL, lookup, "source"};

/* ---- the portal ---- */

static apr_pool_t *pool;
static digest_nonce_key_t nonce_key;
static portal_world_t world;
static portal_authn_config_t config;
static void *segment;

static void portal_setup(void)
{
    apr_size_t size = gba_assoc_table_size(64);

    apr_initialize();
    apr_pool_create(&pool, NULL);
    digest_hash_init();
    segment = aligned_alloc(64, (size + 63) / 64 * 64);
    memset(segment, 0, size);
    gba_assoc_table_format(segment, size, 64);
    digest_nonce_key_make(&nonce_key, 0, &fixed_random);
    world.clock = &fixed_clock;
    world.random = &fixed_random;
    world.nonce_key = &nonce_key;
    world.assocs = gba_assoc_table_attach(pool, segment, size, &fixed_clock);
    config.naf_fqdn = NAF_FQDN;
    config.realm = gba_realm_print(pool, GBA_REALM_ME, NAF_FQDN);
    config.opaque = "00112233";
    gba_ua_id_parse(config.ua_ids[0], "pki");
    config.ua_id_count = 1;
    config.algs[0] = DIGEST_SHA256;
    config.algs[1] = DIGEST_MD5;
    config.alg_count = 2;
    config.qop = DIGEST_QOP_AUTH_INT;
    config.nonce_lifetime = apr_time_from_sec(600);
    config.assoc_max_age = apr_time_from_sec(86400);
}

static void portal_teardown(void)
{
    apr_pool_destroy(pool);
    free(segment);
    apr_terminate();
}

/* ---- a UE that signs what it is told to sign ---- */

typedef struct ue_t {
    digest_credentials_t cred;
    const char *method;
    const char *body;
    unsigned char key[GBA_KEY_LEN];
} ue_t;

/* A UE with everything right: a fresh nonce, the first algorithm, auth-int. */
static ue_t *ue_make(const char *btid, apr_uint32_t nc)
{
    ue_t *ue = apr_pcalloc(pool, sizeof(*ue));
    char *nonce = apr_palloc(pool, DIGEST_NONCE_LEN + 1);

    digest_nonce_mint(nonce, &nonce_key, config.realm, now_ms, &fixed_random);
    ue->cred.username = btid;
    ue->cred.realm = config.realm;
    ue->cred.nonce = nonce;
    ue->cred.uri = TARGET;
    ue->cred.cnonce = "38fb36545c979863";
    ue->cred.opaque = config.opaque;
    ue->cred.nc = apr_psprintf(pool, "%08x", nc);
    ue->cred.nc_value = nc;
    ue->cred.qop = DIGEST_QOP_AUTH_INT;
    ue->cred.alg = DIGEST_SHA256;
    ue->cred.alg_known = ue->cred.qop_known = 1;
    ue->method = "POST";
    ue->body = "a body";
    memcpy(ue->key, ks_naf, sizeof(ks_naf));
    return ue;
}

static const char *ue_body_hash(const ue_t *ue, const char *body)
{
    digest_body_t *hash = digest_body_start(pool, ue->cred.alg);
    char *hex = apr_palloc(pool, DIGEST_HEX_MAX);

    digest_body_add(hash, body, strlen(body));
    digest_body_finish(hash, hex);
    return hex;
}

/* response (method set) or rspauth (method NULL) over a body. */
static const char *ue_hash(const ue_t *ue, const char *method, const char *body)
{
    char *out = apr_palloc(pool, DIGEST_HEX_MAX);
    char ha1[DIGEST_HEX_MAX];
    digest_input_t in = {.alg = ue->cred.alg,
                         .qop = ue->cred.qop,
                         .ha1 = ha1,
                         .method = method,
                         .uri = ue->cred.uri,
                         .nonce = ue->cred.nonce,
                         .nc = ue->cred.nc,
                         .cnonce = ue->cred.cnonce,
                         .body_hash = ue_body_hash(ue, body)};

    digest_ha1(ue->cred.alg, ue->cred.username, ue->cred.realm,
               base_span_str(gba_password(pool, ue->key)), ha1);
    digest_response(&in, out);
    return out;
}

static const char *ue_authorization(ue_t *ue)
{
    apr_cpystrn(ue->cred.response, ue_hash(ue, ue->method, ue->body), DIGEST_HEX_MAX);
    return digest_credentials_print(&ue->cred, pool);
}

/* Sends one Authorization field with a body through the portal. */
static base_result_t portal_try(portal_authn_t **authn, const char *field, const char *method,
                                const char *target, const char *body)
{
    portal_request_t request = {method, target, &field, field ? 1 : 0, 0};
    base_result_t result = portal_authn_begin(authn, &world, &config, &source, &request, pool);

    if (result.code != BASE_OK)
        return result;
    if (portal_authn_wants_body(*authn) && !portal_authn_body(*authn, body, strlen(body)))
        return base_fail(BASE_INTERNAL, "TEST4", "body not taken");
    return portal_authn_finish(*authn);
}

/* The same for a UE that sends what it signed. */
static base_result_t ue_try(portal_authn_t **authn, ue_t *ue)
{
    return portal_try(authn, ue_authorization(ue), ue->method, TARGET, ue->body);
}

#endif
