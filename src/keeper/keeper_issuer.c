/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_issuer.h"

#include <string.h>
#include <openssl/err.h>
#include "keeper/keeper_issuer_private.h"

/** A name that is to be. */
typedef struct naming_t {
    const keeper_issuer_parts_t *parts;
    const keeper_claim_t *claim;
    char fresh[PKI_PSEUDONYM_LEN + 1];
    char name[PKI_PSEUDONYM_LEN + 1];
} naming_t;

static base_result_t naming_work(void *baton, apr_pool_t *pool)
{
    naming_t *naming = baton;
    keeper_ledger_t *ledger = naming->parts->ledger;
    return ledger->name(ledger->baton, naming->claim, naming->fresh, naming->name, pool);
}

static base_result_t name_anew(const keeper_issuer_parts_t *parts, const keeper_claim_t *claim,
                               char out[PKI_PSEUDONYM_LEN + 1], apr_pool_t *pool)
{
    naming_t naming = {.parts = parts, .claim = claim};
    keeper_job_t job = {.work = naming_work, .baton = &naming, .pool = pool};
    if (!pki_pseudonym_make(naming.fresh, parts->random))
        return base_fail(BASE_INTERNAL, "GBA0519", "issuer: no random octets for a pseudonym");
    base_result_t result = parts->ledger->run(parts->ledger->baton, &job);
    if (result.code == BASE_OK)
        memcpy(out, naming.name, sizeof naming.name);
    return result;
}

static base_result_t pseudonym(void *baton, const char *subscriber, char out[PKI_PSEUDONYM_LEN + 1],
                               apr_pool_t *pool)
{
    const keeper_issuer_parts_t *parts = &((const keeper_issuer_t *)baton)->parts;
    keeper_ledger_t *ledger = parts->ledger;
    keeper_holding_t held;
    keeper_claim_t claim = {.subscriber = subscriber};

    memset(out, 0, PKI_PSEUDONYM_LEN + 1);
    if (!subscriber || !*subscriber)
        return base_fail(BASE_INTERNAL, "GBA0535", "issuer: no subscriber");
    claim.now = parts->clock->wall(parts->clock->baton);
    base_result_t result = ledger->peek(ledger->baton, &claim, &held, pool);
    if (result.code != BASE_OK)
        return result;
    if (!held.pseudonym[0])
        return name_anew(parts, &claim, out, pool);
    memcpy(out, held.pseudonym, sizeof held.pseudonym); /* it never changes */
    return result;
}

int keeper_issuer_hash(const keeper_issuer_t *issuer, unsigned char out[KEEPER_HASH_LEN],
                       base_span_t octets)
{
    int made =
        issuer->sha256 && EVP_Digest(octets.data, octets.len, out, NULL, issuer->sha256, NULL) == 1;
    if (!made)
        ERR_clear_error();
    return made;
}

static apr_status_t free_digest(void *data)
{
    EVP_MD_free(data);
    return APR_SUCCESS;
}

/* Without SHA-256 every question is answered with a failure; so is one for a CA without a hash. */
portal_issuer_t *keeper_issuer_make(apr_pool_t *pool, const keeper_issuer_parts_t *parts)
{
    portal_issuer_t *issuer = apr_palloc(pool, sizeof *issuer);
    keeper_issuer_t *self = apr_pcalloc(pool, sizeof *self);
    self->parts = *parts;
    self->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (self->sha256)
        apr_pool_cleanup_register(pool, self->sha256, free_digest, apr_pool_cleanup_null);
    if (parts->ca && !keeper_issuer_hash(self, self->ca_sha256, pki_ca_der(parts->ca)))
        self->parts.ca = NULL;
    issuer->baton = self;
    issuer->issue = keeper_issue;
    issuer->pseudonym = pseudonym;
    issuer->weigh = keeper_weigh;
    return issuer;
}

/* ---- the profiles ---- */

/* A location has a renewal window of its own, which tells when to sign and not what. */
static int hash_profile(unsigned char hash[KEEPER_HASH_LEN], const pki_profile_t *profile)
{
    pki_profile_t common = *profile;
    common.renew_before = 0;
    return pki_profile_hash(hash, &common);
}

int keeper_issuer_knows(const keeper_issuer_t *issuer, const pki_profile_t *profile)
{
    unsigned char hash[KEEPER_HASH_LEN];
    if (!issuer->known)
        return 1;
    if (!hash_profile(hash, profile))
        return 0;
    for (int i = 0; i < issuer->known_count; i++)
        if (memcmp(issuer->known[i], hash, sizeof hash) == 0)
            return 1;
    return 0;
}

int keeper_issuer_limit(portal_issuer_t *issuer, const pki_profile_t *profiles, int count,
                        apr_pool_t *pool)
{
    keeper_issuer_t *self = issuer->baton;
    self->known = apr_pcalloc(pool, sizeof *self->known * ((apr_size_t)count + 1));
    self->known_count = 0;
    for (int i = 0; i < count; i++) {
        if (!hash_profile(self->known[i], &profiles[i]))
            return 0;
        self->known_count++;
    }
    return 1;
}

static base_result_t health_work(void *baton, apr_pool_t *pool)
{
    const keeper_issuer_parts_t *parts = baton;
    return parts->ledger->touch(parts->ledger->baton, parts->clock->wall(parts->clock->baton),
                                pool);
}

static int is_valid_now(const keeper_issuer_parts_t *parts)
{
    apr_time_t from = 0, to = 0, now = parts->clock->wall(parts->clock->baton);
    pki_ca_validity(parts->ca, &from, &to);
    return now >= from && now <= to;
}

base_result_t keeper_issuer_health(const keeper_issuer_parts_t *parts, apr_pool_t *pool)
{
    unsigned char signature[PKI_SIGNATURE_MAX];
    apr_size_t len = 0;
    keeper_job_t job = {.work = health_work, .baton = (void *)parts, .pool = pool};
    base_result_t result;
    if (!parts->ca || !is_valid_now(parts))
        return base_fail(BASE_STORE_DOWN, "GBA0532",
                         "issuer: no CA, or its certificate is not valid now: renew it, or set the "
                         "clock");
    result = pki_ca_sign_text(parts->ca, PKI_TEXT_LABEL "health v1\n", signature, &len);
    return result.code == BASE_OK ? parts->ledger->run(parts->ledger->baton, &job) : result;
}
