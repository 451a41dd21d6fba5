/* SPDX-License-Identifier: Apache-2.0 */
#include "portal/portal_offer.h"

#include <string.h>

#include <apr_strings.h>

/* ---- step 2: what the header says, against what was offered ---- */

/* httpd joins repeated fields by a comma. Credentials of another scheme and then ours are two
 * fields, of which only one can be meant; the other way round the grammar refuses them. */
static int hides_digest(const char *field)
{
    if (digest_is_digest_scheme(field))
        return 0;
    for (const char *at = strchr(field, ','); at; at = strchr(at, ','))
        if (digest_is_digest_scheme(at += 1 + strspn(at + 1, " \t")))
            return 1;
    return 0;
}

static base_result_t one_authorization(const char **field, const portal_request_t *request)
{
    if (request->authorization_count == 0)
        return base_fail(BASE_NO_CREDENTIALS, "GBA0401", "no Authorization");
    if (request->authorization_count > 1)
        return base_fail(BASE_MALFORMED, "GBA0402", "more than one Authorization field");
    *field = request->authorization[0];
    if (hides_digest(*field))
        return base_fail(BASE_MALFORMED, "GBA0426", "Digest credentials behind another scheme's");
    if (!digest_is_digest_scheme(*field))
        return base_fail(BASE_NO_CREDENTIALS, "GBA0403", "Authorization of another scheme");
    return base_ok();
}

static int alg_is_offered(const portal_authn_config_t *config, const digest_credentials_t *cred)
{
    for (int i = 0; cred->alg_known && i < config->alg_count; i++)
        if (config->algs[i] == cred->alg)
            return 1;
    return 0;
}

static base_result_t check_offer(int *uicc, const portal_authn_config_t *config,
                                 const digest_credentials_t *cred)
{
    /* A UE answers a two-part realm with the part whose key it has chosen (TS 24.109 5.2.4). */
    *uicc = config->uicc_realm && strcmp(cred->realm, config->uicc_realm) == 0;
    if (!*uicc && strcmp(config->realm, cred->realm) != 0)
        return base_fail(BASE_NOT_OFFERED, "GBA0404", "realm is not the one that was offered");
    if (!alg_is_offered(config, cred))
        return base_fail(BASE_NOT_OFFERED, "GBA0405", "algorithm was not offered");
    if (!cred->qop_known || (config->qop & (unsigned)cred->qop) == 0)
        return base_fail(BASE_NOT_OFFERED, "GBA0406", "qop was not offered");
    if (!cred->opaque || strcmp(cred->opaque, config->opaque) != 0)
        return base_fail(BASE_NOT_OFFERED, "GBA0407", "opaque is not the one that was sent");
    return base_ok();
}

/* Deployed UEs were seen to drop the query from uri, or to put a "/" behind it; the hash is over
 * what they wrote. A dropped query is a query that nobody verifies, so this is by location. */
static int uri_fits(const char *uri, const char *target, int relaxed)
{
    apr_size_t path = strcspn(target, "?");
    apr_size_t whole = strlen(target);
    apr_size_t len = strlen(uri);

    if (strcmp(uri, target) == 0)
        return 1;
    if (!relaxed)
        return 0;
    if (len == path || len == path + 1)
        return strncmp(uri, target, path) == 0 && (len == path || uri[path] == '/');
    return len == whole + 1 && strncmp(uri, target, whole) == 0 && uri[whole] == '/';
}

base_result_t portal_offer_read(digest_credentials_t **cred, int *uicc,
                                const portal_authn_config_t *config,
                                const portal_request_t *request, apr_pool_t *pool)
{
    const char *field = NULL;
    base_result_t result = one_authorization(&field, request);

    if (result.code != BASE_OK)
        return result;
    result = digest_credentials_parse(cred, field, pool);
    if (result.code != BASE_OK)
        return result;
    if (!uri_fits((*cred)->uri, request->target, config->relaxed_uri))
        return base_fail(BASE_URI_MISMATCH, "GBA0415", "uri is not the request target");
    return check_offer(uicc, config, *cred);
}

/* ---- challenges ---- */

int portal_offer_mint(char nonce[DIGEST_NONCE_LEN + 1], const portal_world_t *world,
                      const portal_authn_config_t *config)
{
    return digest_nonce_mint(nonce, world->nonce_key, config->realm,
                             world->clock->monotonic(world->clock->baton), world->random);
}

static const char *challenge_realm(const portal_authn_config_t *config, unsigned flags,
                                   apr_pool_t *pool)
{
    if (!(flags & PORTAL_CHALLENGE_UICC) || !config->uicc_realm)
        return config->realm;
    return apr_pstrcat(pool, config->uicc_realm, ";", config->realm, NULL);
}

const apr_array_header_t *portal_challenges(const portal_world_t *world,
                                            const portal_authn_config_t *config, unsigned flags,
                                            apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, config->alg_count, sizeof(const char *));
    char *nonce = apr_palloc(pool, DIGEST_NONCE_LEN + 1);
    digest_challenge_t challenge = {.realm = challenge_realm(config, flags, pool),
                                    .nonce = nonce,
                                    .opaque = config->opaque,
                                    .alg_known = 1,
                                    .qop = config->qop,
                                    .stale = (flags & PORTAL_CHALLENGE_STALE) != 0};

    if (!portal_offer_mint(nonce, world, config))
        return NULL;
    for (int i = 0; i < config->alg_count; i++) {
        challenge.alg = config->algs[i];
        APR_ARRAY_PUSH(lines, const char *) = digest_challenge_print(&challenge, pool);
    }
    return lines;
}
