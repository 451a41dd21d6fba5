/* SPDX-License-Identifier: Apache-2.0 */
/* A dry run takes the same way to the same decision, tells every check with its input and result,
 * and leaves nothing behind. */
#include "enrol_fixture.h"

static char heard[4096];

static void hear(void *baton, const char *check, const char *input, const char *result)
{
    apr_size_t used = strlen(heard);

    (void)baton;
    apr_snprintf(heard + used, sizeof(heard) - used, "%s | %s | %s\n", check, input, result);
}

static const portal_trace_t trace = {NULL, hear};

static pki_reason_t rule_says;

static base_result_t judge(void *baton, const portal_facts_t *facts, portal_verdict_t *out,
                           const portal_trace_t *listener, apr_pool_t *p)
{
    (void)baton;
    (void)facts;
    (void)p;
    pki_trace_step(listener, "rule 1", "true", rule_says);
    out->reason = rule_says;
    return base_ok();
}

static const portal_rules_t rules = {NULL, 0, judge};

static base_code_t run(portal_enrol_answer_t *answer, const gba_info_t *info, const char *file)
{
    portal_enrol_request_t request = request_of(info, file);

    heard[0] = '\0';
    return enrol(answer, &request).code;
}

static void ends(const char *want)
{
    apr_size_t len = strlen(want), have = strlen(heard);

    if (!ok(have >= len && strcmp(heard + have - len, want) == 0, "  ... the last check: %s", want))
        printf("# %s\n", heard);
}

static void permit(void)
{
    gba_info_t *info = subscriber(IMPI, 1, 1, 0);
    portal_enrol_answer_t answer;

    info->bootstrapped = wall(NULL) - apr_time_from_sec(9);
    weighs.held = 2;
    weighs.again = 1;
    is_int(run(&answer, info, "p256.pem"), BASE_OK, "a permit");
    ok(answer.status == 200 && answer.body.len == 0 && answer.decision.permit,
       "  ... says so, without a certificate");
    is_str(answer.profile, "authentication", "  ... by its profile");
    is_int(asked_times, 0, "  ... and is not recorded");
    is_int(weighed_times, 1, "  ... but the ledger is asked what it would say");
    is_str(heard,
           "PKCS#10 | 347 octets | ok\n"
           "extensions | none but key usage and basic constraints | ok\n"
           "proof of possession | EC P-256 | ok\n"
           "BSF | knows the subscriber | ok\n"
           "identity | IMPI | ok\n"
           "user security settings | 1 of 1 for the PKI portal | ok\n"
           "NAF group | 1 of them; the location is in no group | ok\n"
           "key choice | key of the ME, 1 that allow it | ok\n"
           "flags | flags 1 | ok\n"
           "key usage | asked for: none | ok\n"
           "profile | authentication | ok\n"
           "age of the bootstrapping | 9 s | ok\n"
           "names | IMPI, 0 UE identities | ok\n"
           "basic constraints | no CA asked for | ok\n"
           "key type | EC P-256 | ok\n"
           "key curve | EC P-256 | ok\n"
           "key as a whole | EC P-256 | ok\n"
           "rule 1 | true | ok\n"
           "ledger | 2 held, one is given again | ok\n",
           "  ... every check with its input and result");
    memset(&weighs, 0, sizeof(weighs));
}

static void refused(const char *name, const gba_info_t *info, const char *file, const char *reason,
                    const char *last)
{
    portal_enrol_answer_t answer;

    is_int(run(&answer, info, file), BASE_ENROL_REFUSED, name);
    is_str(pki_reason_code(answer.decision.reason), reason, "  ... its reason");
    is_int(asked_times, 0, "  ... and nothing is recorded");
    ends(last);
}

static void refusals(void)
{
    const gba_info_t *info = subscriber(IMPI, 1, 1, 0);
    portal_enrol_answer_t answer;

    refused("no setting", subscriber(IMPI, 0, 0, 0), "p256.pem", "NO_USS",
            "user security settings | 0 of 0 for the PKI portal | NO_USS\n");
    refused("CA:TRUE", info, "p256-greedy.pem", "CA_REQUESTED",
            "basic constraints | asked for: CA:TRUE | CA_REQUESTED\n");
    ok(strstr(heard, "extensions | not looked at: subjectAltName, extendedKeyUsage | ok\n") != NULL,
       "  ... and what else it asks for is told");
    refused("RSA of 1024 bits", info, "rsa1024.pem", "KEY_SIZE",
            "key as a whole | RSA 1024 bits | KEY_SIZE\n");
    ok(!strstr(heard, "possession"), "  ... whose signature is not verified");
    refused("close primes", info, "rsa2048-close-primes.pem", "KEY_CLOSE_PRIMES",
            "ROCA fingerprint | RSA 2048 bits | ok\n"
            "key as a whole | RSA 2048 bits | KEY_CLOSE_PRIMES\n");
    rule_says = PKI_REASON_RULE;
    refused("a rule", info, "p256.pem", "RULE", "rule 1 | true | RULE\n");
    is_int(weighed_times, 1, "  ... the ledger is asked once");
    rule_says = PKI_REASON_NONE;
    weighs.reason = PKI_REASON_QUOTA_WINDOW;
    weighs.retry_at = wall(NULL) + apr_time_from_sec(5);
    weighs.held = 1;
    refused("a full window", info, "p256.pem", "QUOTA_WINDOW", "ledger | 1 held | QUOTA_WINDOW\n");
    run(&answer, info, "p256.pem");
    ok(answer.expires == wall(NULL) + apr_time_from_sec(5), "  ... and its end");
    weighs.reason = PKI_REASONS;
    is_int(run(&answer, info, "p256.pem"), BASE_INTERNAL,
           "a ledger's reason that is none: a fault");
    weighs.reason = PKI_REASON_NONE;
    weigh_says = BASE_STORE_DOWN;
    is_int(run(&answer, info, "p256.pem"), BASE_STORE_DOWN, "a ledger that is down");
    weigh_says = BASE_OK;
}

static void bad_messages(void)
{
    portal_enrol_answer_t answer;

    is_int(run(&answer, subscriber(IMPI, 1, 1, 0), "rsa2048-md5.pem"), BASE_BAD_POP,
           "no proof of possession");
    ends("proof of possession | RSA 2048 bits | BAD_POP\n");
    is_int(run(&answer, subscriber(IMPI, 1, 1, 0), NULL), BASE_BAD_PKCS10, "no PKCS#10");
    is_str(heard, "PKCS#10 | 0 octets | BAD_PKCS10\n", "  ... and nothing else is checked");
}

static void without_a_ledger(void)
{
    portal_enrol_request_t request = request_of(subscriber(IMPI, 1, 1, 0), "p256.pem");
    portal_enrol_answer_t answer;

    heard[0] = '\0';
    is_int(portal_enrol(&answer, &config, NULL, &request, pool).code, BASE_OK,
           "a dry run without a ledger");
    ends("ledger | not asked | ok\n");
    is_int(answer.held, -1, "  ... nor is it told what is held");
}

/* The decision is the same in earnest. */
static void same_in_earnest(void)
{
    static const char *const files[] = {"p256.pem", "rsa1024.pem", "p256-greedy.pem",
                                        "p256-wish-nonrepudiation.pem", "ed25519.pem"};
    portal_enrol_answer_t dry, earnest;

    for (apr_uint32_t i = 0; i < 4 * sizeof(files) / sizeof(files[0]); i++) {
        const char *file = files[i / 4];
        const gba_info_t *info = subscriber(IMPI, (i & 3) != 0, i & 1, i & 2);
        config.dry = 1;
        run(&dry, info, file);
        config.dry = 0;
        run(&earnest, info, file);
        ok(dry.decision.reason == earnest.decision.reason &&
               dry.decision.permit == earnest.decision.permit && dry.profile == earnest.profile &&
               asked_times == 1,
           "%s, flags %u: %s in both", file, i & 3, pki_reason_code(earnest.decision.reason));
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    make_some_der();
    config.dry = 1;
    config.trace = &trace;
    config.rules = &rules;
    permit();
    refusals();
    bad_messages();
    without_a_ledger();
    same_in_earnest();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
