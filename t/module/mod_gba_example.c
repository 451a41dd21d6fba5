/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_example.c
 * An operator's own module, as small as it can be: with `GBAExampleKeys EC` it
 * refuses every key of another type. It needs nothing of mod_gba_pki but the
 * installed header:
 *
 *     apxs -c -i mod_gba_example.c
 *
 * Its handler `gba-example` says whether a request was verified.
 */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>

#include <mod_gba_pki.h>

module AP_MODULE_DECLARE_DATA gba_example_module;

/* Per location: the type of key that is taken, or what the test wants to see go wrong. */
typedef struct example_t {
    const char *keys;
} example_t;

static void *create(apr_pool_t *pool, char *dir)
{
    (void)dir;
    return apr_pcalloc(pool, sizeof(example_t));
}

static const char *set_keys(cmd_parms *cmd, void *dir, const char *arg)
{
    example_t *conf = dir;

    (void)cmd;
    conf->keys = arg;
    return NULL;
}

/* What no module should do: answer with something else, or with a text that no page can carry. */
static int misbehave(const example_t *conf, gba_pki_refusal_t *refusal, int *answer)
{
    if (strcmp(conf->keys, "fail") == 0) {
        *answer = HTTP_BAD_GATEWAY;
        return 1;
    }
    if (strcmp(conf->keys, "garbage") == 0) {
        refusal->public_text = "\x1b[2J";
        *answer = HTTP_FORBIDDEN;
        return 1;
    }
    return 0;
}

static int judge(request_rec *r, const gba_pki_enrolment_t *enrolment, gba_pki_refusal_t *refusal)
{
    const example_t *conf = ap_get_module_config(r->per_dir_config, &gba_example_module);
    int answer;

    if (!conf->keys || !GBA_PKI_HAS(enrolment, key_type))
        return DECLINED;
    if (misbehave(conf, refusal, &answer))
        return answer;
    if (!enrolment->key_type || strcmp(enrolment->key_type, conf->keys) == 0)
        return OK;
    refusal->public_text = "This service takes <other> keys.";
    refusal->detail = apr_psprintf(r->pool, "%s key for profile %s, %d held", enrolment->key_type,
                                   enrolment->profile, enrolment->held);
    return HTTP_FORBIDDEN;
}

static int handler(request_rec *r)
{
    APR_OPTIONAL_FN_TYPE(gba_pki_verified) * verified;

    if (!r->handler || strcmp(r->handler, "gba-example") != 0)
        return DECLINED;
    verified = APR_RETRIEVE_OPTIONAL_FN(gba_pki_verified);
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r, "verified %d\n", verified ? verified(r) : -1);
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    APR_OPTIONAL_HOOK(gba, pki_enrolment, judge, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
}

static const command_rec commands[] = {AP_INIT_TAKE1("GBAExampleKeys", set_keys, NULL,
                                                     RSRC_CONF | ACCESS_CONF,
                                                     "RSA or EC: the type of key that is taken"),
                                       {NULL, {NULL}, NULL, 0, NO_ARGS, NULL}};

AP_DECLARE_MODULE(gba_example) = {STANDARD20_MODULE_STUFF, create, NULL, NULL, NULL, commands,
                                  register_hooks,
#if defined(AP_MODULE_FLAG_NONE)
                                  AP_MODULE_FLAG_NONE
#endif
};
