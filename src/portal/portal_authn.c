/* SPDX-License-Identifier: Apache-2.0 */
#include "portal/portal_authn.h"

#include <string.h>

#include <apr_strings.h>

#include "base/base_secret.h"
#include "gba/gba_kdf.h"
#include "pki/pki_decide.h"
#include "portal/portal_offer.h"

struct portal_authn_t {
    apr_pool_t *pool;
    const portal_world_t *world;
    const portal_authn_config_t *config;
    const gba_keysource_t *source;
    const char *method;
    digest_credentials_t *cred;
    digest_nonce_t nonce;
    digest_body_t *body;   /* running hash of the request body; NULL unless auth-int */
    gba_info_t *info;      /* of the identifier tried last */
    gba_naf_id_t naf;      /* likewise */
    gba_assoc_key_t assoc; /* likewise */
    int uicc;              /* the UE answered with the realm of GBA_U: Ks_int_NAF */
    int next_ua_id;        /* which configured identifier comes after it */
    char *ha1;             /* secret; set once a response matched */
    int fresh_settings;    /* the request's */
    int refreshed;         /* the key source was asked within this authentication */
    base_result_t refresh; /* what it said when it was asked anew */
    int verified;
};

static apr_uint64_t to_ms(apr_interval_time_t span)
{
    return span < 0 ? 0 : (apr_uint64_t)(span / 1000);
}

/* ---- step 4: the association ---- */

static base_result_t check_age(const portal_authn_t *authn)
{
    const gba_info_t *info = authn->info;
    apr_time_t now = authn->world->clock->wall(authn->world->clock->baton);
    apr_time_t known = info->known_since ? info->known_since : info->fetched;
    apr_time_t since = info->bootstrapped ? info->bootstrapped : known;

    if (info->expires && now >= info->expires)
        return base_fail(BASE_EXPIRED_KEY, "GBA0408", "Key-ExpiryTime has passed");
    if (now - since > authn->config->assoc_max_age)
        return base_fail(BASE_EXPIRED_KEY, "GBA0409", "the key is older than GBAAssociationMaxAge");
    return base_ok();
}

/* The keeper has stored what it answers, and may since have stored a newer answer. */
static base_result_t store_answer(const portal_authn_t *authn, const gba_info_t *info)
{
    const gba_assoc_store_t *assocs = authn->world->assocs;
    gba_info_t held;
    base_code_t code = assocs->find(assocs->baton, &authn->assoc, &held);
    int is_there = code == BASE_OK && held.fetched >= info->fetched;

    base_secret_wipe(&held, sizeof(held));
    if (!is_there && assocs->put(assocs->baton, &authn->assoc, info) != BASE_OK)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0410", "the association cannot be stored");
    return base_ok();
}

static base_result_t ask_source(portal_authn_t *authn, gba_info_t *info, int again)
{
    gba_lookup_t question;
    base_result_t result;

    memset(&question, 0, sizeof(question));
    apr_cpystrn(question.btid, authn->cred->username, sizeof(question.btid));
    question.naf = authn->naf;
    question.uicc = authn->config->uicc_realm != NULL;
    question.again = again != 0;
    authn->refreshed = 1;
    result = authn->source->lookup(authn->source->baton, &question, info, authn->pool);
    if (result.code != BASE_OK)
        return result;
    if (again && info->known_since == 0)
        gba_info_succeed(info, authn->info);
    return store_answer(authn, info);
}

/* Finds the key for the configured identifier at next_ua_id and moves past it. */
static base_result_t fetch_next(portal_authn_t *authn)
{
    const unsigned char *ua_id = authn->config->ua_ids[authn->next_ua_id++];
    base_code_t code;

    if (!gba_naf_id_set(&authn->naf, authn->config->naf_fqdn, ua_id) ||
        !gba_assoc_key(&authn->assoc, authn->source->name, authn->cred->username, &authn->naf))
        return base_fail(BASE_INTERNAL, "GBA0411", "the NAF_Id cannot be made");
    authn->refreshed = 0;
    code = authn->world->assocs->find(authn->world->assocs->baton, &authn->assoc, authn->info);
    if (code == BASE_NOT_FOUND)
        return ask_source(authn, authn->info, 0);
    if (code != BASE_OK)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0412", "the association table is in doubt");
    return base_ok();
}

/* Tries the identifiers in order until the key source knows one; a UE may have used any. */
static base_result_t fetch_known(portal_authn_t *authn)
{
    base_result_t result = base_fail(BASE_UNKNOWN_BTID, "GBA0413", "no identifier left to try");

    while (authn->next_ua_id < authn->config->ua_id_count) {
        result = fetch_next(authn);
        if (result.code == BASE_OK)
            return check_age(authn);
        if (result.code != BASE_UNKNOWN_BTID)
            return result;
    }
    return result;
}

static base_result_t start_body(portal_authn_t *authn)
{
    if (authn->cred->qop != DIGEST_QOP_AUTH_INT)
        return base_ok();
    authn->body = digest_body_start(authn->pool, authn->cred->alg);
    if (!authn->body)
        return base_fail(BASE_INTERNAL, "GBA0414", "the body hash cannot be started");
    return base_ok();
}

static base_result_t check_nonce(portal_authn_t *authn)
{
    const portal_world_t *world = authn->world;

    return digest_nonce_check(&authn->nonce, world->nonce_key, authn->cred->nonce,
                              authn->config->realm, world->clock->monotonic(world->clock->baton),
                              to_ms(authn->config->nonce_lifetime));
}

base_result_t portal_authn_begin(portal_authn_t **out, const portal_world_t *world,
                                 const portal_authn_config_t *config, const gba_keysource_t *source,
                                 const portal_request_t *request, apr_pool_t *pool)
{
    portal_authn_t *authn = apr_pcalloc(pool, sizeof(*authn));
    base_result_t result;

    authn->pool = pool;
    authn->world = world;
    authn->config = config;
    authn->source = source;
    authn->method = request->method;
    authn->fresh_settings = request->fresh_settings;
    authn->info = gba_info_make(pool);
    authn->refresh = base_ok();
    *out = authn;
    result = portal_offer_read(&authn->cred, &authn->uicc, config, request, pool);
    if (result.code == BASE_OK)
        result = check_nonce(authn);
    if (result.code == BASE_OK && !gba_btid_check(authn->cred->username))
        result = base_fail(BASE_UNKNOWN_BTID, "GBA0416", "username is no B-TID");
    if (result.code == BASE_OK)
        result = fetch_known(authn);
    if (result.code == BASE_OK)
        result = start_body(authn);
    return result;
}

/* ---- steps 5 to 7 ---- */

int portal_authn_wants_body(const portal_authn_t *authn)
{
    return authn->body != NULL;
}

int portal_authn_body(portal_authn_t *authn, const void *data, apr_size_t len)
{
    return authn->body && digest_body_add(authn->body, data, len);
}

static int make_ha1(portal_authn_t *authn, char ha1[DIGEST_HEX_MAX])
{
    const gba_info_t *info = authn->info;
    const char *password = gba_password(authn->pool, authn->uicc ? info->uicc_key : info->me_key);

    return password && digest_ha1(authn->cred->alg, authn->cred->username, authn->cred->realm,
                                  base_span_str(password), ha1);
}

static void fill_input(digest_input_t *in, const portal_authn_t *authn, const char *ha1)
{
    memset(in, 0, sizeof(*in));
    in->alg = authn->cred->alg;
    in->qop = authn->cred->qop;
    in->ha1 = ha1;
    in->uri = authn->cred->uri;
    in->nonce = authn->cred->nonce;
    in->nc = authn->cred->nc;
    in->cnonce = authn->cred->cnonce;
}

/* Compares the response under the present key. Keeps HA1 if it matches: rspauth needs it. */
static base_result_t compare(portal_authn_t *authn, const char *body_hash)
{
    char *ha1 = base_secret_alloc(authn->pool, DIGEST_HEX_MAX);
    char expected[DIGEST_HEX_MAX];
    digest_input_t in;
    int equal;

    /* All-zero octets are no key. */
    if (authn->uicc && !authn->info->has_uicc_key)
        return base_fail(BASE_WRONG_HASH, "GBA0425", "realm of GBA_U, but no Ks_int_NAF is known");
    if (!make_ha1(authn, ha1))
        return base_fail(BASE_INTERNAL, "GBA0417", "HA1 cannot be computed");
    fill_input(&in, authn, ha1);
    in.method = authn->method;
    in.body_hash = body_hash;
    if (!digest_response(&in, expected))
        return base_fail(BASE_INTERNAL, "GBA0418", "the response cannot be computed");
    equal =
        base_secret_equal(expected, authn->cred->response, 2 * digest_alg_len(authn->cred->alg));
    base_secret_wipe(expected, sizeof(expected));
    if (!equal)
        return base_fail(BASE_WRONG_HASH, "GBA0419", "response is not the one that the key gives");
    authn->ha1 = ha1;
    return base_ok();
}

static base_result_t compare_any(portal_authn_t *authn, const char *body_hash)
{
    base_result_t result = compare(authn, body_hash);

    while (result.code == BASE_WRONG_HASH && authn->next_ua_id < authn->config->ua_id_count) {
        base_result_t known = fetch_known(authn);
        if (known.code == BASE_UNKNOWN_BTID)
            break;
        if (known.code != BASE_OK)
            return known;
        result = compare(authn, body_hash);
    }
    return result;
}

/* A clock that was set back makes an answer look as if it came from the future. */
static int settings_are_old(const portal_authn_t *authn)
{
    apr_time_t now = authn->world->clock->wall(authn->world->clock->baton);
    apr_time_t age = now - authn->info->fetched;

    return authn->config->settings_max_age > 0 &&
           (age < 0 || age > authn->config->settings_max_age);
}

static int same_key(const portal_authn_t *authn, const gba_info_t *now)
{
    if (authn->uicc)
        return now->has_uicc_key &&
               base_secret_equal(authn->info->uicc_key, now->uicc_key, GBA_KEY_LEN);
    return base_secret_equal(authn->info->me_key, now->me_key, GBA_KEY_LEN);
}

static base_result_t ask_anew(portal_authn_t *authn)
{
    gba_info_t *now = gba_info_make(authn->pool);
    base_result_t result = ask_source(authn, now, 1);

    if (result.code != BASE_OK)
        return result;
    if (!same_key(authn, now))
        return base_fail(BASE_EXPIRED_KEY, "GBA0480", "the key source has another key by now");
    memcpy(authn->info, now, sizeof(*now));
    return check_age(authn);
}

base_result_t portal_authn_refresh(portal_authn_t *authn)
{
    if (!authn->refreshed && settings_are_old(authn))
        authn->refresh = ask_anew(authn);
    return authn->refresh;
}

/* Whose key is none any more has to bootstrap: a challenge, so the request must not count as
 * authenticated. What else may be wrong is for who refreshes next: that answer can be protected. */
static base_result_t refresh_early(portal_authn_t *authn)
{
    base_result_t result = portal_authn_refresh(authn);

    return result.code == BASE_UNKNOWN_BTID || result.code == BASE_EXPIRED_KEY ? result : base_ok();
}

static base_result_t accept_nc(portal_authn_t *authn)
{
    const gba_assoc_store_t *assocs = authn->world->assocs;

    switch (assocs->accept(assocs->baton, &authn->assoc, &authn->nonce, authn->cred->nc_value)) {
    case BASE_OK:
        return base_ok();
    case BASE_NONCE_REPLAYED:
        return base_fail(BASE_NONCE_REPLAYED, "GBA0420",
                         "right response, but nc was used before: a replay, or a lost answer");
    case BASE_WINDOW_GONE:
        return base_fail(BASE_WINDOW_GONE, "GBA0421",
                         "right response, but this nonce's replay window was let go");
    default:
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0422", "the replay windows are in doubt");
    }
}

base_result_t portal_authn_finish(portal_authn_t *authn)
{
    char body_hash[DIGEST_HEX_MAX] = "";
    base_result_t result;

    if (authn->ha1 || !authn->cred)
        return base_fail(BASE_INTERNAL, "GBA0423", "finish called twice or too early");
    if (authn->body && !digest_body_finish(authn->body, body_hash))
        return base_fail(BASE_INTERNAL, "GBA0424", "the body hash failed");
    result = compare_any(authn, body_hash);
    if (result.code == BASE_OK && authn->fresh_settings)
        result = refresh_early(authn);
    if (result.code == BASE_OK)
        result = accept_nc(authn);
    authn->verified = result.code == BASE_OK;
    return result;
}

/* ---- what others may know of it ---- */

const digest_credentials_t *portal_authn_credentials(const portal_authn_t *authn)
{
    return authn->cred;
}

const gba_info_t *portal_authn_info(const portal_authn_t *authn)
{
    return authn->info;
}

int portal_authn_is_uicc(const portal_authn_t *authn)
{
    return authn->uicc;
}

const char *portal_identity(const gba_info_t *info)
{
    return pki_identity(info);
}

void portal_authn_keep_pseudonym(portal_authn_t *authn, const char *pseudonym)
{
    const gba_assoc_store_t *assocs = authn->world->assocs;

    authn->info->pseudonym = gba_info_add_text(authn->info, pseudonym, strlen(pseudonym));
    if (authn->info->pseudonym)
        (void)assocs->name(assocs->baton, &authn->assoc, authn->info->fetched, pseudonym);
}

const gba_naf_id_t *portal_authn_naf_id(const portal_authn_t *authn)
{
    return &authn->naf;
}

/* ---- step 11 ---- */

digest_body_t *portal_authn_response_start(const portal_authn_t *authn, apr_pool_t *pool)
{
    return authn->cred ? digest_body_start(pool, authn->cred->alg) : NULL;
}

const char *portal_authn_response_info(const portal_authn_t *authn, const char *body_hash,
                                       apr_pool_t *pool)
{
    char rspauth[DIGEST_HEX_MAX];
    char next[DIGEST_NONCE_LEN + 1];
    digest_input_t in;
    digest_authinfo_t info;

    if (!authn->verified)
        return NULL;
    fill_input(&in, authn, authn->ha1);
    in.body_hash = body_hash;
    if (!digest_response(&in, rspauth))
        return NULL;
    memset(&info, 0, sizeof(info));
    info.qop = authn->cred->qop;
    info.rspauth = rspauth;
    info.cnonce = authn->cred->cnonce;
    info.nc = authn->cred->nc;
    if (authn->config->next_nonce && portal_offer_mint(next, authn->world, authn->config))
        info.nextnonce = next;
    return digest_authinfo_print(&info, pool);
}
