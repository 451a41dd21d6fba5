/* SPDX-License-Identifier: Apache-2.0 */
/* portal_authn where deployed UEs differ from the text: spellings, relaxed uri, GBA_U's realm,
 * nextnonce, and every set of algorithms. */
#include "portal_fixture.h"

static const char *name_of(base_result_t result)
{
    return base_code_info(result.code)->name;
}

/* The answer's Authentication-Info; "" if there is none. */
static const char *answer_info(portal_authn_t *authn, const ue_t *ue)
{
    const char *info = portal_authn_response_info(authn, ue_body_hash(ue, ""), pool);

    return info ? info : "";
}

static void is_outcome(base_result_t result, base_code_t want, const char *name)
{
    is_str(name_of(result), base_code_info(want)->name, name);
}

/* Nonces of one instant are stale together once more were used than there are windows. */
static ue_t *fresh_ue(const char *btid, apr_uint32_t nc)
{
    now_ms++;
    return ue_make(btid, nc);
}

/* ---- spellings: what is done to a right field ---- */

/* The field with its first @a from replaced; NULL if it is not there. */
static const char *replaced(const char *field, const char *from, const char *to)
{
    const char *at = strstr(field, from);

    return at ? apr_pstrcat(pool, apr_pstrndup(pool, field, (apr_size_t)(at - field)), to,
                            at + strlen(from), NULL)
              : NULL;
}

typedef struct spelling_t {
    const char *name;
    const char *from;
    const char *to;
    base_code_t want;
} spelling_t;

static const spelling_t spellings[] = {
    {"qop quoted", "qop=auth-int", "qop=\"auth-int\"", BASE_OK},
    {"nc quoted", "nc=0000000a", "nc=\"0000000a\"", BASE_OK},
    {"algorithm quoted", "algorithm=MD5", "algorithm=\"MD5\"", BASE_OK},
    {"algorithm in small letters", "algorithm=MD5", "algorithm=md5", BASE_OK},
    {"algorithm missing", ", algorithm=MD5", "", BASE_OK},
    {"a space before =", "qop=auth-int", "qop = auth-int", BASE_OK},
    {"names in capitals", "cnonce=", "CNONCE=", BASE_OK},
    {"an empty element", ", opaque=", ", , opaque=", BASE_OK},
    {"nc rewritten on the way: the hash is over what is there", "nc=0000000a", "nc=0000000A",
     BASE_WRONG_HASH},
    {"qop in capitals is another", "qop=auth-int", "qop=AUTH-INT", BASE_NOT_OFFERED},
    {"algorithm of a session", "algorithm=MD5", "algorithm=MD5-sess", BASE_NOT_OFFERED},
    {"no nc", ", nc=0000000a", "", BASE_MALFORMED},
    {"no qop", ", qop=auth-int", "", BASE_MALFORMED},
    {"nc of 0", "nc=0000000a", "nc=00000000", BASE_MALFORMED},
    {"semicolon for comma", "\", opaque=", "\"; opaque=", BASE_MALFORMED},
};

static ue_t *md5_ue(const char *nc)
{
    ue_t *ue = fresh_ue(BTID, 10);

    ue->cred.alg = DIGEST_MD5;
    ue->cred.nc = nc;
    return ue;
}

static void reads_spellings(void)
{
    for (apr_size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        const spelling_t *row = &spellings[i];
        portal_authn_t *authn;
        ue_t *ue = md5_ue("0000000a");
        const char *field = replaced(ue_authorization(ue), row->from, row->to);

        ok(field != NULL, "%s: can be written", row->name);
        is_outcome(portal_try(&authn, field, ue->method, TARGET, ue->body), row->want, row->name);
    }
}

static void reads_capital_hex(void)
{
    portal_authn_t *authn;
    ue_t *ue = md5_ue("0000ABCD");
    char *field = apr_pstrdup(pool, ue_authorization(ue));
    char *hex = strstr(field, "response=\"") + strlen("response=\"");

    for (; *hex != '"'; hex++)
        if (*hex >= 'a' && *hex <= 'f')
            *hex = (char)(*hex - 'a' + 'A');
    is_outcome(portal_try(&authn, field, ue->method, TARGET, ue->body), BASE_OK,
               "response and nc in capitals");
    ok(strstr(answer_info(authn, ue), ", nc=0000ABCD") != NULL, "the answer repeats nc as it came");
    is_str(answer_info(authn, ue),
           apr_psprintf(pool,
                        "qop=auth-int, rspauth=\"%s\", cnonce=\"38fb36545c979863\", nc=0000ABCD",
                        ue_hash(ue, NULL, "")),
           "and its hash is over that");
    ue->cred.nc = "0000abcd";
    is_outcome(ue_try(&authn, ue), BASE_NONCE_REPLAYED, "the same number in small letters is used");
}

/* ---- uri ---- */

typedef struct uri_row_t {
    const char *target;
    const char *uri;
    int relaxed_takes;
} uri_row_t;

static const uri_row_t uri_rows[] = {
    {"/a?q", "/a?q", 1},  {"/a?q", "/a", 1},    {"/a", "/a/", 1},     {"/a?q", "/a/", 1},
    {"/a?q", "/a?q/", 1}, {"/a?", "/a", 1},     {"/", "/", 1},        {"/", "//", 1},
    {"/a?q", "/a?", 0},   {"/a?qr", "/a?q", 0}, {"/a", "/a?q", 0},    {"/a", "/a//", 0},
    {"/ab", "/a", 0},     {"/a", "/ab", 0},     {"/a/", "/a", 0},     {"/a", "/b", 0},
    {"/a", "/A", 0},      {"/a", "a", 0},       {"/a?q", "/a/?q", 0}, {"/a?q", "/b", 0},
    {"/a?q", "/a?qr", 0}, {"/a?q", "/ar", 0},
};

static base_result_t try_uri(const uri_row_t *row)
{
    portal_authn_t *authn;
    ue_t *ue = fresh_ue(BTID, 1);

    ue->cred.uri = row->uri;
    return portal_try(&authn, ue_authorization(ue), ue->method, row->target, ue->body);
}

static void relaxes_uri_where_told(void)
{
    for (apr_size_t i = 0; i < sizeof(uri_rows) / sizeof(uri_rows[0]); i++) {
        const uri_row_t *row = &uri_rows[i];
        int equal = strcmp(row->uri, row->target) == 0;

        is_outcome(try_uri(row), equal ? BASE_OK : BASE_URI_MISMATCH,
                   apr_psprintf(pool, "strict: %s for %s", row->uri, row->target));
        config.relaxed_uri = 1;
        is_outcome(try_uri(row), row->relaxed_takes ? BASE_OK : BASE_URI_MISMATCH,
                   apr_psprintf(pool, "relaxed: %s for %s", row->uri, row->target));
        config.relaxed_uri = 0;
    }
}

/* ---- GBA_U ---- */

static const unsigned char ks_int_naf[GBA_KEY_LEN] = {0x55, 0xaa, 1, 2, 3};

/* As the fixture's source, and with a Ks_int_NAF for B-TIDs that begin with "card". */
static base_result_t lookup_card(void *baton, const gba_lookup_t *question, gba_info_t *out,
                                 apr_pool_t *p)
{
    base_result_t result = lookup(baton, question, out, p);

    if (result.code == BASE_OK && strncmp(question->btid, "card", 4) == 0) {
        memcpy(out->uicc_key, ks_int_naf, sizeof(ks_int_naf));
        out->has_uicc_key = 1;
    }
    return result;
}

static base_result_t try_card(const char *btid, const char *realm, const unsigned char *key)
{
    static const gba_keysource_t cards = {NULL, lookup_card, "cards"};
    portal_authn_t *authn;
    ue_t *ue = fresh_ue(btid, 1);
    const char *field;
    portal_request_t request = {"POST", TARGET, &field, 1, 0};
    base_result_t result;

    ue->cred.realm = realm;
    memcpy(ue->key, key, GBA_KEY_LEN);
    field = ue_authorization(ue);
    result = portal_authn_begin(&authn, &world, &config, &cards, &request, pool);
    if (result.code == BASE_OK && portal_authn_body(authn, ue->body, strlen(ue->body)))
        result = portal_authn_finish(authn);
    if (result.code == BASE_OK)
        is_str(portal_authn_response_info(authn, ue_body_hash(ue, "x"), pool),
               apr_psprintf(
                   pool, "qop=auth-int, rspauth=\"%s\", cnonce=\"38fb36545c979863\", nc=00000001",
                   ue_hash(ue, NULL, "x")),
               "  the answer is under the same key and realm");
    return result;
}

static void chooses_the_key_by_the_realm(void)
{
    static const char card[] = "card@bsf.home1.net", plain[] = "plain@bsf.home1.net";
    static const unsigned char zeros[GBA_KEY_LEN];
    const char *me = config.realm;
    const char *uicc = gba_realm_print(pool, GBA_REALM_UICC, NAF_FQDN);

    is_outcome(try_card(card, uicc, ks_int_naf), BASE_NOT_OFFERED, "GBA_U's realm where it is off");
    config.uicc_realm = uicc;
    is_outcome(try_card(card, uicc, ks_int_naf), BASE_OK, "GBA_U's realm, Ks_int_NAF");
    is_outcome(try_card(card, me, ks_naf), BASE_OK, "the usual realm, Ks_ext_NAF");
    is_outcome(try_card(card, uicc, ks_naf), BASE_WRONG_HASH, "GBA_U's realm, Ks_ext_NAF");
    is_outcome(try_card(card, me, ks_int_naf), BASE_WRONG_HASH, "the usual realm, Ks_int_NAF");
    is_outcome(try_card(plain, me, ks_naf), BASE_OK, "a subscriber without Ks_int_NAF");
    is_outcome(try_card(plain, uicc, ks_naf), BASE_WRONG_HASH, "... under GBA_U's realm");
    is_outcome(try_card(plain, uicc, zeros), BASE_WRONG_HASH, "... with zeros for a key");
    is_outcome(try_card(card, apr_pstrcat(pool, uicc, ";", me, NULL), ks_int_naf), BASE_NOT_OFFERED,
               "both parts in one answer");
    config.uicc_realm = NULL;
}

static const char *realm_of(unsigned flags)
{
    const apr_array_header_t *lines = portal_challenges(&world, &config, flags, pool);
    const char *line = APR_ARRAY_IDX(lines, 0, const char *) + strlen("Digest realm=\"");

    return apr_pstrndup(pool, line, strcspn(line, "\""));
}

static void offers_both_realms(void)
{
    const char *both =
        "3GPP-bootstrapping-uicc@" NAF_FQDN ";3GPP-bootstrapping@" NAF_FQDN; /* TS 24.109 5.2.4 */

    is_str(realm_of(PORTAL_CHALLENGE_UICC), config.realm, "GBA_U off: one realm for every UE");
    config.uicc_realm = gba_realm_print(pool, GBA_REALM_UICC, NAF_FQDN);
    is_str(realm_of(PORTAL_CHALLENGE_UICC), both, "on, for a UE that says so: both, GBA_U's first");
    is_str(realm_of(PORTAL_CHALLENGE_UICC | PORTAL_CHALLENGE_STALE), both, "stale likewise");
    is_str(realm_of(0), config.realm, "on, for other UEs: one realm");
    config.uicc_realm = NULL;
}

/* ---- nextnonce ---- */

static void gives_a_next_nonce(void)
{
    portal_authn_t *authn;
    ue_t *ue = fresh_ue(BTID, 1);
    static const char last[] = ", nc=00000001, nextnonce=\"";
    const char *info, *next;

    config.next_nonce = 1;
    is_outcome(ue_try(&authn, ue), BASE_OK, "a request where nextnonce is on");
    info = answer_info(authn, ue);
    next = strstr(info, last);
    ok(next != NULL, "nextnonce comes last");
    next = next ? next + strlen(last) : "";
    ok(strlen(next) == DIGEST_NONCE_LEN + 1 && next[DIGEST_NONCE_LEN] == '"', "it is a nonce");
    ok(strncmp(next, ue->cred.nonce, DIGEST_NONCE_LEN) != 0, "and another one");
    ue->cred.nc = "00000002";
    is_outcome(ue_try(&authn, ue), BASE_OK, "the old nonce goes on");
    ue->cred.nonce = apr_pstrndup(pool, next, DIGEST_NONCE_LEN);
    ue->cred.nc = "00000001";
    is_outcome(ue_try(&authn, ue), BASE_OK, "the next one is good from 1 on");
    random_fails = 1;
    ok(!strstr(answer_info(authn, ue), "nextnonce"),
       "no random octets: protected all the same, without nextnonce");
    random_fails = 0;
    config.next_nonce = 0;
}

/* ---- algorithms ---- */

static void offer(const digest_alg_t *algs, int count)
{
    memcpy(config.algs, algs, (apr_size_t)count * sizeof(*algs));
    config.alg_count = count;
}

static void check_offer_of(const digest_alg_t *algs, int count)
{
    const apr_array_header_t *lines;
    const char *name = "";

    for (int i = 0; i < count; i++)
        name = apr_pstrcat(pool, name, " ", digest_alg_name(algs[i]), NULL);
    offer(algs, count);
    lines = portal_challenges(&world, &config, 0, pool);
    is_int(lines->nelts, count, apr_psprintf(pool, "offer%s: one line each", name));
    for (int i = 0; i < count; i++)
        ok(strstr(APR_ARRAY_IDX(lines, i, const char *),
                  apr_psprintf(pool, ", algorithm=%s,", digest_alg_name(algs[i]))) != NULL,
           "offer%s: line %d", name, i + 1);
    for (int alg = 0; alg < DIGEST_ALGS; alg++) {
        portal_authn_t *authn;
        ue_t *ue = fresh_ue(BTID, 1);
        int offered = 0;

        for (int i = 0; i < count; i++)
            offered |= algs[i] == (digest_alg_t)alg;
        ue->cred.alg = (digest_alg_t)alg;
        is_outcome(
            ue_try(&authn, ue), offered ? BASE_OK : BASE_NOT_OFFERED,
            apr_psprintf(pool, "offer%s, answer %s", name, digest_alg_name((digest_alg_t)alg)));
    }
}

static void offers_any_set_in_any_order(void)
{
    digest_alg_t algs[DIGEST_ALGS];

    for (int a = 0; a < DIGEST_ALGS; a++) {
        algs[0] = (digest_alg_t)a;
        check_offer_of(algs, 1);
        for (int b = 0; b < DIGEST_ALGS; b++) {
            if (b == a)
                continue;
            algs[1] = (digest_alg_t)b;
            check_offer_of(algs, 2);
            algs[2] = (digest_alg_t)(DIGEST_ALGS - a - b); /* 0 + 1 + 2 is DIGEST_ALGS */
            check_offer_of(algs, 3);
        }
    }
}

int main(void)
{
    portal_setup();
    reads_spellings();
    reads_capital_hex();
    relaxes_uri_where_told();
    chooses_the_key_by_the_realm();
    offers_both_realms();
    gives_a_next_nonce();
    offers_any_set_in_any_order();
    portal_teardown();
    return tap_done();
}
