/* SPDX-License-Identifier: Apache-2.0 */
/* The decision as a table: settings, flags, key, PKCS#10, history, rules; the reason is in each
 * row, and each reason in two rows at least. */
#include "decide_fixture.h"

/* ---- columns ---- */

static const setting_t auth = {1, {1, 0}, NULL, GBA_KEY_CHOICE_UNSAID, {NULL, NULL}};
static const setting_t sign = {1, {2, 0}, NULL, GBA_KEY_CHOICE_UNSAID, {NULL, NULL}};
static const setting_t both = {1, {2, 1}, NULL, GBA_KEY_CHOICE_UNSAID, {NULL, NULL}};
static const setting_t none = {1, {0, 0}, NULL, GBA_KEY_CHOICE_UNSAID, {NULL, NULL}};
static const setting_t flag3 = {1, {3, 4}, NULL, GBA_KEY_CHOICE_UNSAID, {NULL, NULL}};
static const setting_t recent = {1, {10, 0}, NULL, GBA_KEY_CHOICE_UNSAID, {NULL, NULL}};
static const setting_t named = {1, {11, 0}, NULL, GBA_KEY_CHOICE_UNSAID, {NULL, NULL}};
static const setting_t other = {2, {1, 2}, NULL, GBA_KEY_CHOICE_UNSAID, {"sip:a@b.example", NULL}};
static const setting_t fixed = {1, {1, 0}, "fixed", GBA_KEY_CHOICE_UNSAID, {NULL, NULL}};
static const setting_t mobile = {1, {2, 0}, "mobile", GBA_KEY_CHOICE_UNSAID, {NULL, NULL}};
static const setting_t uicc = {1, {1, 0}, NULL, GBA_KEY_CHOICE_UICC, {NULL, NULL}};
static const setting_t uicc_sign = {1, {2, 0}, NULL, GBA_KEY_CHOICE_UICC, {NULL, NULL}};
static const setting_t me = {1, {1, 0}, NULL, GBA_KEY_CHOICE_ME, {NULL, NULL}};
static const setting_t either = {1, {1, 0}, NULL, GBA_KEY_CHOICE_ME_UICC, {NULL, NULL}};
static const setting_t strange = {1, {1, 0}, NULL, GBA_KEY_CHOICE_OTHER, {NULL, NULL}};
static const setting_t with_id = {1, {1, 11}, NULL, GBA_KEY_CHOICE_UNSAID, {"tel:+15551234", NULL}};
static const setting_t long_id = {
    1,
    {11, 0},
    NULL,
    GBA_KEY_CHOICE_UNSAID,
    {"sip:a-name-of-more-than-sixty-four-characters-which-no-common-name@takes.example", NULL}};

static const pki_history_t fresh = {0, 0, 0, 0, 0};
static const pki_history_t blocked = {1, 1, 1, 9, 9};
static const pki_history_t taken = {0, 1, 1, 9, 9};
static const pki_history_t again = {0, 0, 1, 9, 9};
static const pki_history_t room = {0, 0, 0, 1, 4};
static const pki_history_t held = {0, 0, 0, 2, 0};
static const pki_history_t held_over = {0, 0, 0, 3, 9};
static const pki_history_t window = {0, 0, 0, 1, 5};
static const pki_history_t window_over = {0, 0, 0, 0, 6};

enum { BUILT_IN = 0, OWN = 1 };      /* profiles */
enum { ME = 0, UICC = 1 };           /* key that authenticated */
enum { IMPI = 0, NO_IMPI, REFUSED }; /* REFUSED: the BSF knows his IMPI and refuses him */
enum { NEW = 60, OLD = 3601, EDGE = 3600, FUTURE = -60, UNTOLD = 0 }; /* age in seconds */

typedef struct row_t {
    const char *name;
    int who; /* is the subscriber, and whether the BSF lets him in */
    const setting_t *settings[3];
    int profiles;
    int key;
    const char *group; /* the location's */
    int age;
    const char *pkcs10;   /* a vector */
    pki_reason_t verdict; /* of rules and module */
    const pki_history_t *history;
    pki_reason_t want;
    const char *profile; /* that is chosen; NULL: none */
} row_t;

#define R(reason) PKI_REASON_##reason
#define NO_RULE   PKI_REASON_NONE

#define NR_WISH "p256-wish-nonrepudiation"
#define DS_WISH "p256-wish-digitalsignature"
#define DN_WISH "p256-wish-digitalsignature-nonrepudiation"
#define KE_WISH "p256-wish-keyencipherment"
#define GREEDY  "p256-greedy"

/* Columns: who | settings | profiles | key | group | age | PKCS#10 | rules | history */
static const row_t rows[] = {
    /* clang-format off */
    /* permits: the first profile that a flag unlocks and that the wish fits */
    {"flag 1", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NONE), "authentication"},
    {"flag 2", IMPI, {&sign}, BUILT_IN, ME, NULL, NEW, "rsa2048", NO_RULE, &fresh, R(NONE), "non-repudiation"},
    {"both: the first configured", IMPI, {&both}, BUILT_IN, ME, NULL, NEW, "p384", NO_RULE, &fresh, R(NONE), "authentication"},
    {"both, in the operator's order", IMPI, {&both}, OWN, ME, NULL, NEW, "p384", NO_RULE, &fresh, R(NONE), "signing"},
    {"both in two settings", IMPI, {&sign, &auth}, BUILT_IN, ME, NULL, NEW, "rsa4096", NO_RULE, NULL, R(NONE), "authentication"},
    {"both, nonRepudiation asked for", IMPI, {&both}, BUILT_IN, ME, NULL, NEW, NR_WISH, NO_RULE, &fresh, R(NONE), "non-repudiation"},
    {"both, digitalSignature asked for", IMPI, {&both}, OWN, ME, NULL, NEW, DS_WISH, NO_RULE, &fresh, R(NONE), "login"},
    {"flag 2, both usages asked for", IMPI, {&sign}, BUILT_IN, ME, NULL, NEW, DN_WISH, NO_RULE, &fresh, R(NONE), "non-repudiation"},
    {"keyEncipherment asked for", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, KE_WISH, NO_RULE, &fresh, R(NONE), "authentication"},
    {"flag 1 beside unknown ones", IMPI, {&flag3, &auth}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NONE), "authentication"},
    {"no IMPI, a UE identity", NO_IMPI, {&with_id}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NONE), "authentication"},
    {"a UE identity as name", IMPI, {&with_id}, OWN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NONE), "named"},
    {"the location's group", IMPI, {&fixed}, BUILT_IN, ME, "fixed", NEW, "p256", NO_RULE, &fresh, R(NONE), "authentication"},
    {"a setting for any group", IMPI, {&mobile, &auth}, BUILT_IN, ME, "fixed", NEW, "p256", NO_RULE, &fresh, R(NONE), "authentication"},
    {"a location in no group", IMPI, {&mobile}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NONE), "non-repudiation"},
    {"the UICC's key demanded and used", IMPI, {&uicc}, BUILT_IN, UICC, NULL, NEW, "p256", NO_RULE, &fresh, R(NONE), "authentication"},
    {"the ME's key demanded, the better used", IMPI, {&me}, BUILT_IN, UICC, NULL, NEW, "p256", NO_RULE, &fresh, R(NONE), "authentication"},
    {"the ME's key demanded and used", IMPI, {&me}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NONE), "authentication"},
    {"either key", IMPI, {&either}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NONE), "authentication"},
    {"an unknown demand, the UICC's key", IMPI, {&strange}, BUILT_IN, UICC, NULL, NEW, "p256", NO_RULE, &fresh, R(NONE), "authentication"},
    {"the UICC's key for one of two", IMPI, {&uicc_sign, &auth}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NONE), "authentication"},
    {"bootstrapped an hour ago", IMPI, {&recent}, OWN, ME, NULL, EDGE, "p256", NO_RULE, &room, R(NONE), "recent"},
    {"bootstrapped by a clock ahead", IMPI, {&recent}, OWN, ME, NULL, FUTURE, "p256", NO_RULE, &room, R(NONE), "recent"},
    {"no limit of age", IMPI, {&auth}, BUILT_IN, ME, NULL, UNTOLD, "p256", NO_RULE, &fresh, R(NONE), "authentication"},
    {"the one it has, over every quota", IMPI, {&recent}, OWN, ME, NULL, NEW, "p256", NO_RULE, &again, R(NONE), "recent"},
    {"no quota", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &window_over, R(NONE), "authentication"},

    {"refused by the BSF", REFUSED, {&both}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NOT_AUTHORISED), NULL},
    {"refused by the BSF, and all else wrong", REFUSED, {NULL}, OWN, ME, "fixed", OLD, "rsa1024", R(RULE), &blocked, R(NOT_AUTHORISED), NULL},
    {"nobody", NO_IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NO_IDENTITY), NULL},
    {"nobody, without settings", NO_IMPI, {NULL}, BUILT_IN, ME, NULL, NEW, "p521", NO_RULE, &blocked, R(NO_IDENTITY), NULL},
    {"a name from another service", NO_IMPI, {&other, &auth}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NO_IDENTITY), NULL},
    {"no setting", IMPI, {NULL}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NO_USS), NULL},
    {"a setting of another service", IMPI, {&other}, BUILT_IN, ME, "fixed", NEW, GREEDY, NO_RULE, &taken, R(NO_USS), NULL},
    {"another group", IMPI, {&mobile}, BUILT_IN, ME, "fixed", NEW, "p256", NO_RULE, &fresh, R(NAF_GROUP), NULL},
    {"a group in other letters", IMPI, {&fixed}, BUILT_IN, UICC, "Fixed", NEW, "rsa1024", NO_RULE, &fresh, R(NAF_GROUP), NULL},
    {"the UICC's key demanded, the ME's used", IMPI, {&uicc}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(KEY_CHOICE), NULL},
    {"an unknown demand, the ME's key", IMPI, {&strange}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(KEY_CHOICE), NULL},
    {"asked for what the UICC's key gives", IMPI, {&uicc_sign, &auth}, BUILT_IN, ME, NULL, NEW, NR_WISH, NO_RULE, &fresh, R(KEY_CHOICE), NULL},
    {"flags for the UICC's key only", IMPI, {&uicc, &none}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(KEY_CHOICE), NULL},
    {"no flag", IMPI, {&none}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NO_FLAG), NULL},
    {"flags of no profile", IMPI, {&flag3}, BUILT_IN, ME, NULL, NEW, NR_WISH, NO_RULE, &fresh, R(NO_FLAG), NULL},
    {"flags of another service", IMPI, {&other, &none}, BUILT_IN, UICC, NULL, NEW, "p256", NO_RULE, &fresh, R(NO_FLAG), NULL},
    {"flags of another group", IMPI, {&mobile, &none}, BUILT_IN, ME, "fixed", NEW, "p256", NO_RULE, &fresh, R(NO_FLAG), NULL},
    {"a flag of the other profiles", IMPI, {&recent}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(NO_FLAG), NULL},
    {"nonRepudiation with flag 1", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, NR_WISH, NO_RULE, &fresh, R(USAGE_NOT_ALLOWED), NULL},
    {"digitalSignature with flag 2", IMPI, {&sign}, OWN, UICC, NULL, NEW, DS_WISH, R(RULE), &fresh, R(USAGE_NOT_ALLOWED), NULL},
    {"critical nonRepudiation with flag 1", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "p256-wish-critical-nonrepudiation", NO_RULE, &fresh, R(USAGE_NOT_ALLOWED), NULL},
    {"bootstrapped too long ago", IMPI, {&recent}, OWN, ME, NULL, OLD, "p256", NO_RULE, &fresh, R(BOOTSTRAP_AGE), "recent"},
    {"bootstrapped nobody knows when", IMPI, {&recent}, OWN, ME, NULL, UNTOLD, GREEDY, R(MODULE), &held, R(BOOTSTRAP_AGE), "recent"},
    {"no UE identity for the name", IMPI, {&named}, OWN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(IDENTITY_MISSING), "named"},
    {"a UE identity that is too long", IMPI, {&long_id}, OWN, ME, NULL, NEW, GREEDY, NO_RULE, &fresh, R(IDENTITY_MISSING), "named"},
    {"one of another setting", IMPI, {&named, &with_id}, OWN, ME, NULL, NEW, "p256", NO_RULE, &fresh, R(IDENTITY_MISSING), "named"},
    {"no IMPI for the name", NO_IMPI, {&sign, &with_id}, OWN, ME, NULL, NEW, NR_WISH, NO_RULE, &fresh, R(IDENTITY_MISSING), "signing"},
    {"CA:TRUE", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, GREEDY, NO_RULE, &fresh, R(CA_REQUESTED), "authentication"},
    {"CA:TRUE, a rule, and blocked", IMPI, {&both}, OWN, UICC, NULL, NEW, GREEDY, R(RULE), &blocked, R(CA_REQUESTED), "login"},
    {"Ed25519", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "ed25519", NO_RULE, &fresh, R(KEY_TYPE), "authentication"},
    {"DSA", IMPI, {&sign}, BUILT_IN, ME, NULL, NEW, "dsa1024", NO_RULE, &fresh, R(KEY_TYPE), "non-repudiation"},
    {"RSA of 1024 bits", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "rsa1024", NO_RULE, &fresh, R(KEY_SIZE), "authentication"},
    {"RSA of 1024 bits, and a rule", IMPI, {&sign}, BUILT_IN, UICC, NULL, NEW, "rsa1024", R(RULE), &blocked, R(KEY_SIZE), "non-repudiation"},
    {"exponent 3", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "rsa2048-e3", NO_RULE, &fresh, R(KEY_EXPONENT), "authentication"},
    {"exponent 3, and a module", IMPI, {&sign}, BUILT_IN, ME, NULL, NEW, "rsa2048-e3", R(MODULE), &taken, R(KEY_EXPONENT), "non-repudiation"},
    {"P-521", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "p521", NO_RULE, &fresh, R(KEY_CURVE), "authentication"},
    {"explicit parameters", IMPI, {&sign}, BUILT_IN, ME, NULL, NEW, "p256-explicit", NO_RULE, &fresh, R(KEY_CURVE), "non-repudiation"},
    {"a small factor", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "rsa2058-factor-751", NO_RULE, &fresh, R(KEY_FACTORS), "authentication"},
    {"a small factor, and a rule", IMPI, {&both}, OWN, ME, NULL, NEW, "rsa2058-factor-751", R(RULE), NULL, R(KEY_FACTORS), "signing"},
    {"ROCA", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "rsa2048-roca", NO_RULE, &fresh, R(KEY_ROCA), "authentication"},
    {"ROCA, and blocked", IMPI, {&sign}, BUILT_IN, ME, NULL, NEW, "rsa2048-roca", NO_RULE, &blocked, R(KEY_ROCA), "non-repudiation"},
    {"close primes", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "rsa2048-close-primes", NO_RULE, &fresh, R(KEY_CLOSE_PRIMES), "authentication"},
    {"close primes, and a module", IMPI, {&recent}, OWN, ME, NULL, NEW, "rsa2048-close-primes", R(MODULE), &held, R(KEY_CLOSE_PRIMES), "recent"},
    {"a rule", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "p256", R(RULE), &fresh, R(RULE), "authentication"},
    {"a rule, and blocked", IMPI, {&recent}, OWN, UICC, NULL, NEW, "rsa2048", R(RULE), &blocked, R(RULE), "recent"},
    {"a module", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "p256", R(MODULE), &fresh, R(MODULE), "authentication"},
    {"a module, and no room", IMPI, {&recent}, OWN, ME, NULL, NEW, "p256", R(MODULE), &held, R(MODULE), "recent"},
    {"a blocked key", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &blocked, R(KEY_BLOCKED), "authentication"},
    {"a blocked key, of two settings", IMPI, {&recent, &auth}, OWN, UICC, NULL, NEW, "rsa2048", NO_RULE, &blocked, R(KEY_BLOCKED), "recent"},
    {"another's key", IMPI, {&auth}, BUILT_IN, ME, NULL, NEW, "p256", NO_RULE, &taken, R(KEY_TAKEN), "authentication"},
    {"another's key, and no room", IMPI, {&recent}, OWN, ME, NULL, NEW, "rsa2048", NO_RULE, &taken, R(KEY_TAKEN), "recent"},
    {"as many as may be", IMPI, {&recent}, OWN, ME, NULL, NEW, "p256", NO_RULE, &held, R(QUOTA_HELD), "recent"},
    {"more than may be, in both ways", IMPI, {&recent}, OWN, UICC, NULL, NEW, "rsa2048", NO_RULE, &held_over, R(QUOTA_HELD), "recent"},
    {"as many as may be in the window", IMPI, {&recent}, OWN, ME, NULL, NEW, "p256", NO_RULE, &window, R(QUOTA_WINDOW), "recent"},
    {"more than may be in the window", IMPI, {&recent}, OWN, ME, NULL, NEW, "p384", NO_RULE, &window_over, R(QUOTA_WINDOW), "recent"},
    /* clang-format on */
};

/* ---- the test ---- */

static unsigned reached[PKI_REASONS];

static void fill_subscriber(gba_info_t *info, const row_t *row)
{
    if (row->who != NO_IMPI)
        info->impi = gba_info_add_text(info, DCF_IMPI, strlen(DCF_IMPI));
    for (int i = 0; i < 3 && row->settings[i]; i++)
        dcf_add(info, row->settings[i]);
    if (row->age != UNTOLD)
        info->bootstrapped = PKIF_NOW - apr_time_from_sec(row->age);
}

static void fill_key(pki_case_t *facts, const row_t *row, apr_pool_t *pool)
{
    pki_key_facts_t key;
    pki_pkcs10_t *req = NULL;
    if (pki_pkcs10_read(&req, pkif_pem(pool, row->pkcs10), pool).code != BASE_OK)
        pkif_die(row->pkcs10);
    facts->usage_wish = pki_pkcs10_usage_wish(req);
    facts->wants_ca = pki_pkcs10_wants_ca(req);
    facts->key_text = pki_key_describe(&key, req, pool);
    if (pki_key_examine(&facts->key_check, req).code != BASE_OK)
        pkif_die(row->pkcs10);
}

static void check_row(const row_t *row, const pki_case_t *facts)
{
    pki_outcome_t got = pki_decide(facts, NULL);
    const pki_profile_t *profile = got.profile >= 0 ? &facts->profiles[got.profile] : NULL;
    const int permit = row->want == PKI_REASON_NONE;
    if (ok(got.decision.reason == row->want, "%s: %s (%s)", row->name, pki_reason_code(row->want),
           pki_reason_code(got.decision.reason)))
        reached[row->want]++;
    is_str(profile ? profile->name : NULL, row->profile, "  ... by its profile");
    ok(got.decision.permit == permit &&
           got.decision.usage == (permit && profile ? profile->usage : 0) &&
           (got.profile < 0) == (got.setting < 0),
       "  ... and the certificate has its key usage, a refusal none");
}

static void run_row(const row_t *row, apr_pool_t *pool)
{
    gba_info_t *info = gba_info_make(pool);
    pki_case_t facts = {.info = info,
                        .is_refused = row->who == REFUSED,
                        .uicc_key = row->key,
                        .naf_group = row->group,
                        .now = PKIF_NOW,
                        .verdict = row->verdict,
                        .history = row->history};
    fill_subscriber(info, row);
    fill_key(&facts, row, pool);
    facts.profiles = row->profiles == OWN ? dcf_profiles(&facts.profile_count)
                                          : pki_profiles_default(&facts.profile_count);
    check_row(row, &facts);
}

static void own_profiles_are_sound(apr_pool_t *pool)
{
    int count;
    const pki_profile_t *profiles = dcf_profiles(&count);
    for (int i = 0; i < count; i++) {
        base_result_t result = pki_profile_check(&profiles[i], pool);
        is_str(result.code == BASE_OK ? "" : result.detail, "", "a profile of these tests");
    }
}

int main(void)
{
    apr_pool_t *pool;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    own_profiles_are_sound(pool);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        run_row(&rows[i], pool);
    for (unsigned i = 0; i < PKI_REASONS; i++)
        ok(reached[i] >= 2, "%s is reached by %u rows", pki_reason_code((pki_reason_t)i),
           reached[i]);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
