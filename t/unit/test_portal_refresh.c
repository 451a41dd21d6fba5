/* SPDX-License-Identifier: Apache-2.0 */
/* Settings asked for anew before a certificate is issued, and what is kept with an association that
 * somebody else may have refreshed meanwhile. */
#include "portal_fixture.h"

#define AGE_S 300

/* A key source that says what it is told to say when it is asked again. */
static base_code_t says;
static int asked_again, other_key;

static base_result_t moody(void *baton, const gba_lookup_t *question, gba_info_t *out,
                           apr_pool_t *p)
{
    base_result_t result = lookup(baton, question, out, p);
    if (!question->again)
        return result;
    asked_again++;
    out->me_key[0] ^= (unsigned char)other_key;
    if (says != BASE_OK)
        memset(out, 0, sizeof(*out));
    return says == BASE_OK ? result : base_fail(says, "TEST5", "as told");
}

static const gba_keysource_t moody_source = {NULL, moody, "moody"};

static void is_outcome(base_result_t result, base_code_t want, const char *name)
{
    is_str(base_code_info(result.code)->name, base_code_info(want)->name, name);
}

static base_result_t try_it(portal_authn_t **authn, ue_t *ue, int fresh)
{
    const char *field = ue_authorization(ue);
    portal_request_t request = {ue->method, TARGET, &field, 1, fresh};
    base_result_t result =
        portal_authn_begin(authn, &world, &config, &moody_source, &request, pool);
    if (result.code == BASE_OK && portal_authn_wants_body(*authn) &&
        !portal_authn_body(*authn, ue->body, strlen(ue->body)))
        return base_fail(BASE_INTERNAL, "TEST6", "body not taken");
    return result.code == BASE_OK ? portal_authn_finish(*authn) : result;
}

/* A UE that is known, with settings of so many seconds. */
static ue_t *known(const char *btid, int seconds)
{
    portal_authn_t *authn;
    says = BASE_OK;
    other_key = 0;
    is_outcome(try_it(&authn, ue_make(btid, 1), 1), BASE_OK, "known");
    now_wall += apr_time_from_sec(seconds);
    asked_again = 0;
    return ue_make(btid, 1);
}

static void asks_when_they_are_old(void)
{
    portal_authn_t *authn;
    is_outcome(try_it(&authn, known("young@bsf.home1.net", AGE_S), 1), BASE_OK, "young enough");
    is_int(asked_again, 0, "nobody is asked");
    is_outcome(try_it(&authn, known("aged@bsf.home1.net", AGE_S + 1), 1), BASE_OK, "too old");
    is_int(asked_again, 1, "asked once");
    ok(portal_authn_info(authn)->fetched == now_wall, "what is used is the new answer");
    is_outcome(portal_authn_refresh(authn), BASE_OK, "and once more");
    is_int(asked_again, 1, "asked no more");
    is_outcome(try_it(&authn, ue_make("aged@bsf.home1.net", 1), 1), BASE_OK, "the next request");
    is_int(asked_again, 1, "is served from what was learned");
}

static void asks_only_for_certificates(void)
{
    portal_authn_t *authn;
    is_outcome(try_it(&authn, known("page@bsf.home1.net", AGE_S + 1), 0), BASE_OK, "a page");
    is_int(asked_again, 0, "nobody is asked");
    says = BASE_KEYSOURCE_DOWN;
    is_outcome(portal_authn_refresh(authn), BASE_KEYSOURCE_DOWN, "but who issues asks");
    is_outcome(portal_authn_refresh(authn), BASE_KEYSOURCE_DOWN, "and hears the same again");
    is_int(asked_again, 1, "of one question");
}

static void asks_only_for_who_has_the_key(void)
{
    portal_authn_t *authn;
    ue_t *ue = known("stranger@bsf.home1.net", AGE_S + 1);
    ue->key[0] ^= 1;
    is_outcome(try_it(&authn, ue, 1), BASE_WRONG_HASH, "without the key");
    is_int(asked_again, 0, "nobody is asked");
}

static void tells_what_must_bootstrap(void)
{
    portal_authn_t *authn;
    ue_t *ue = known("gone@bsf.home1.net", AGE_S + 1);
    says = BASE_UNKNOWN_BTID;
    is_outcome(try_it(&authn, ue, 1), BASE_UNKNOWN_BTID, "forgotten: a challenge");
    says = BASE_OK;
    is_outcome(try_it(&authn, ue, 1), BASE_OK, "its nc was not used up");
    ue = known("other@bsf.home1.net", AGE_S + 1);
    other_key = 1;
    is_outcome(try_it(&authn, ue, 1), BASE_EXPIRED_KEY, "another key by now: a challenge");
}

/* The UE has shown its key: what else is wrong is told under the protection of that key. */
static void leaves_the_rest_to_the_issuing(void)
{
    static const base_code_t codes[] = {BASE_KEYSOURCE_DOWN, BASE_NOT_AUTHORISED};
    for (int i = 0; i < 2; i++) {
        portal_authn_t *authn;
        ue_t *ue = known(i ? "denied@bsf.home1.net" : "away@bsf.home1.net", AGE_S + 1);
        says = codes[i];
        is_outcome(try_it(&authn, ue, 1), BASE_OK, "authenticated all the same");
        is_outcome(portal_authn_refresh(authn), codes[i], "but nothing can be issued");
        is_int(asked_again, 1, "asked once");
    }
}

static void names_what_it_knows_alone(void)
{
    portal_authn_t *authn;
    gba_assoc_key_t key;
    gba_info_t newer, held;
    is_outcome(try_it(&authn, known("named@bsf.home1.net", 1), 0), BASE_OK, "authenticated");
    newer = *portal_authn_info(authn);
    newer.fetched += apr_time_from_sec(7);
    newer.expires += apr_time_from_sec(7);
    gba_assoc_key(&key, "moody", "named@bsf.home1.net", portal_authn_naf_id(authn));
    is_int(world.assocs->put(world.assocs->baton, &key, &newer), BASE_OK, "refreshed meanwhile");
    portal_authn_keep_pseudonym(authn, "pseudonym");
    is_int(world.assocs->find(world.assocs->baton, &key, &held), BASE_OK, "still known");
    ok(held.fetched == newer.fetched && held.expires == newer.expires, "the newer answer stays");
    is_int(held.pseudonym, 0, "and has no name that was made of the older one");
    is_outcome(try_it(&authn, ue_make("named@bsf.home1.net", 1), 0), BASE_OK, "the next request");
    portal_authn_keep_pseudonym(authn, "pseudonym");
    world.assocs->find(world.assocs->baton, &key, &held);
    is_str(gba_info_text(&held, held.pseudonym), "pseudonym", "names the newer one");
}

int main(void)
{
    portal_authn_t *authn;
    portal_setup();
    config.settings_max_age = apr_time_from_sec(AGE_S);
    is_outcome(ue_try(&authn, ue_make(BTID, 1)), BASE_OK, "a request");
    asks_when_they_are_old();
    asks_only_for_certificates();
    asks_only_for_who_has_the_key();
    tells_what_must_bootstrap();
    leaves_the_rest_to_the_issuing();
    names_what_it_knows_alone();
    portal_teardown();
    return tap_done();
}
