/* SPDX-License-Identifier: Apache-2.0 */
/* portal_authn: one test per unprotected row of the error table, and what must hold around it. */
#include "portal_fixture.h"

static const char *name_of(base_result_t result)
{
    return base_code_info(result.code)->name;
}

static void is_outcome(base_result_t result, base_code_t want, const char *name)
{
    is_str(name_of(result), base_code_info(want)->name, name);
    if (result.code != BASE_OK)
        ok(result.tag && result.detail, "  ... and it has a tag and a detail for the operator");
}

static void accepts_a_right_request(void)
{
    portal_authn_t *authn;
    ue_t *ue = ue_make(BTID, 1);

    is_outcome(ue_try(&authn, ue), BASE_OK, "a right request is accepted");
    is_str(portal_authn_response_info(authn, ue_body_hash(ue, "hello"), pool),
           apr_psprintf(pool,
                        "qop=auth-int, rspauth=\"%s\", cnonce=\"38fb36545c979863\", nc=00000001",
                        ue_hash(ue, NULL, "hello")),
           "its answer's Authentication-Info is as in TS 24.109 table E.4-1");
    is_mem(portal_authn_info(authn)->me_key, ks_naf, sizeof(ks_naf),
           "the key is the association's");
    is_outcome(portal_authn_finish(authn), BASE_INTERNAL, "finish cannot be called twice");
}

/* Each row changes one thing that the UE then signs. */
static void row_cred(const char *name, void (*change)(ue_t *), base_code_t want)
{
    portal_authn_t *authn;
    ue_t *ue = ue_make(BTID, 1);

    change(ue);
    is_outcome(ue_try(&authn, ue), want, name);
    ok(portal_authn_response_info(authn, ue_body_hash(ue, ""), pool) == NULL,
       "  ... and no Authentication-Info can be had");
}

static void other_realm(ue_t *ue)
{
    ue->cred.realm = "3GPP-bootstrapping@other.home1.net";
}
static void realm_in_capitals(ue_t *ue)
{
    ue->cred.realm = "3GPP-BOOTSTRAPPING@" NAF_FQDN;
}
static void other_alg(ue_t *ue)
{
    ue->cred.alg = DIGEST_SHA512_256;
}
static void other_qop(ue_t *ue)
{
    ue->cred.qop = DIGEST_QOP_AUTH;
}
static void other_opaque(ue_t *ue)
{
    ue->cred.opaque = "00112234";
}
static void no_opaque(ue_t *ue)
{
    ue->cred.opaque = NULL;
}
static void unknown_btid(ue_t *ue)
{
    ue->cred.username = "unknown@bsf.home1.net";
}
static void no_btid(ue_t *ue)
{
    ue->cred.username = "alice";
}
static void expired_key(ue_t *ue)
{
    ue->cred.username = "expired@bsf.home1.net";
}
static void old_bootstrapping(ue_t *ue)
{
    ue->cred.username = "old@bsf.home1.net";
}
static void source_down(ue_t *ue)
{
    ue->cred.username = "down@bsf.home1.net";
}
static void source_says_no(ue_t *ue)
{
    ue->cred.username = "barred@bsf.home1.net";
}
static void wrong_key(ue_t *ue)
{
    ue->key[31] ^= 1;
}
static void forged_nonce(ue_t *ue)
{
    char *nonce = apr_pstrdup(pool, ue->cred.nonce);
    nonce[20] = nonce[20] == 'A' ? 'B' : 'A';
    ue->cred.nonce = nonce;
}
static void foreign_nonce(ue_t *ue)
{
    ue->cred.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
}
static void old_nonce(ue_t *ue)
{
    char *nonce = apr_palloc(pool, DIGEST_NONCE_LEN + 1);
    digest_nonce_mint(nonce, &nonce_key, config.realm, now_ms - 600001, &fixed_random);
    ue->cred.nonce = nonce;
}
static void other_uri(ue_t *ue)
{
    ue->cred.uri = "/enrol";
}

static void refuses_by_row(void)
{
    row_cred("realm not offered", other_realm, BASE_NOT_OFFERED);
    row_cred("realm in capitals: realms are compared exactly", realm_in_capitals, BASE_NOT_OFFERED);
    row_cred("algorithm not offered", other_alg, BASE_NOT_OFFERED);
    row_cred("qop not offered", other_qop, BASE_NOT_OFFERED);
    row_cred("opaque not the one sent", other_opaque, BASE_NOT_OFFERED);
    row_cred("opaque missing", no_opaque, BASE_NOT_OFFERED);
    row_cred("B-TID unknown", unknown_btid, BASE_UNKNOWN_BTID);
    row_cred("username is no B-TID", no_btid, BASE_UNKNOWN_BTID);
    row_cred("Key-ExpiryTime is now", expired_key, BASE_EXPIRED_KEY);
    row_cred("bootstrapping older than the local limit", old_bootstrapping, BASE_EXPIRED_KEY);
    row_cred("key source down", source_down, BASE_KEYSOURCE_DOWN);
    row_cred("key source says not authorised", source_says_no, BASE_NOT_AUTHORISED);
    row_cred("hash made with another key", wrong_key, BASE_WRONG_HASH);
    row_cred("nonce forged", forged_nonce, BASE_NONCE_INVALID);
    row_cred("nonce of somebody else", foreign_nonce, BASE_NONCE_INVALID);
    row_cred("nonce too old", old_nonce, BASE_NONCE_INVALID);
    row_cred("uri without the query", other_uri, BASE_URI_MISMATCH);
}

static void refuses_what_was_changed_on_the_way(void)
{
    portal_authn_t *authn;
    const char *field = ue_authorization(ue_make(BTID, 1));

    is_outcome(portal_try(&authn, field, "POST", TARGET, "A body"), BASE_WRONG_HASH,
               "body changed on the way");
    is_outcome(portal_try(&authn, field, "PUT", TARGET, "a body"), BASE_WRONG_HASH,
               "method changed on the way");
    is_outcome(portal_try(&authn, field, "POST", "/enrol?response=chain", "a body"),
               BASE_URI_MISMATCH, "target changed on the way");
    is_outcome(portal_try(&authn, field, "POST", TARGET, "a body"), BASE_OK,
               "none of these used up the nc");
}

static void reads_the_header_strictly(void)
{
    static const char *const fields[] = {"Digest username=\"x\"", "Digest", "Digest ="};
    const char *both[2];
    portal_request_t two = {"POST", TARGET, both, 2, 0};
    portal_authn_t *authn;

    both[0] = both[1] = ue_authorization(ue_make(BTID, 1));
    is_outcome(portal_try(&authn, NULL, "GET", "/", ""), BASE_NO_CREDENTIALS, "no Authorization");
    is_outcome(portal_try(&authn, "Basic dGVzdDp0ZXN0", "GET", "/", ""), BASE_NO_CREDENTIALS,
               "Authorization of another scheme");
    is_outcome(portal_authn_begin(&authn, &world, &config, &source, &two, pool), BASE_MALFORMED,
               "two Authorization fields, even equal ones");
    is_outcome(portal_try(&authn, "Basic dGVzdA==, Digest x=\"y\"", "GET", "/", ""), BASE_MALFORMED,
               "another scheme's field and ours, as httpd joins them");
    is_outcome(portal_try(&authn, "Other a=\"b, c\",d=e", "GET", "/", ""), BASE_NO_CREDENTIALS,
               "a comma of another scheme's own");
    for (apr_size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        is_outcome(portal_try(&authn, fields[i], "GET", "/", ""), BASE_MALFORMED, fields[i]);
}

static void accepts_once(void)
{
    portal_authn_t *authn;
    ue_t *ue = ue_make(BTID, 7);

    is_outcome(ue_try(&authn, ue), BASE_OK, "a first nc above 1 is accepted");
    is_outcome(ue_try(&authn, ue), BASE_NONCE_REPLAYED, "the same request again is a replay");
    ok(portal_authn_response_info(authn, ue_body_hash(ue, ""), pool) == NULL,
       "  ... and its answer is not vouched for, though the key is known");
    ue->cred.nc = "00000005";
    is_outcome(ue_try(&authn, ue), BASE_OK, "a lower nc inside the window is accepted");
    is_outcome(ue_try(&authn, ue), BASE_NONCE_REPLAYED, "and only once");
}

static void lets_windows_go_safely(void)
{
    portal_authn_t *authn;
    ue_t *first = ue_make("many@bsf.home1.net", 1);
    base_result_t result = ue_try(&authn, first);

    for (int i = 0; i < DIGEST_WINDOWS; i++) {
        now_ms++;
        result = ue_try(&authn, ue_make("many@bsf.home1.net", 1));
    }
    is_outcome(result, BASE_OK, "a UE may use more nonces than windows");
    is_outcome(ue_try(&authn, first), BASE_WINDOW_GONE,
               "what its forgotten nonce accepted is not accepted again");
    ok(base_code_info(BASE_WINDOW_GONE)->is_stale, "and the UE is told stale=true");
}

static void asks_the_source_once(void)
{
    portal_authn_t *authn;
    int before = lookups;

    ue_try(&authn, ue_make("once@bsf.home1.net", 1));
    ue_try(&authn, ue_make("once@bsf.home1.net", 2));
    is_int(lookups - before, 1, "a known association is not looked up again");
    before = lookups;
    row_cred("forged nonce again", forged_nonce, BASE_NONCE_INVALID);
    is_int(lookups - before, 0, "nothing is looked up for a nonce that is not ours");
}

static void keys_end_in_the_store_too(void)
{
    portal_authn_t *authn;
    apr_time_t kept = now_wall;

    ue_try(&authn, ue_make("ends@bsf.home1.net", 1));
    now_wall += apr_time_from_sec(3600);
    is_outcome(ue_try(&authn, ue_make("ends@bsf.home1.net", 1)), BASE_EXPIRED_KEY,
               "a key held since before its end is refused at its end");
    now_wall = kept;
}

static void tries_identifiers_in_order(void)
{
    portal_authn_t *authn;
    int before = lookups;

    memcpy(config.ua_ids[1], tls_ua_id, sizeof(tls_ua_id));
    config.ua_id_count = 2;
    is_outcome(ue_try(&authn, ue_make("tls@bsf.home1.net", 1)), BASE_OK,
               "a UE that derived its key for the second identifier is accepted");
    is_mem(portal_authn_naf_id(authn)->ua_id, tls_ua_id, sizeof(tls_ua_id),
           "and the NAF_Id says so");
    is_int(lookups - before, 2, "with one look-up per identifier");
    is_outcome(ue_try(&authn, ue_make("tls@bsf.home1.net", 2)), BASE_OK, "and again");
    is_int(lookups - before, 2, "without any further look-up");
    config.ua_id_count = 1;
}

static void honours_qop_auth_where_offered(void)
{
    portal_authn_t *authn;
    ue_t *ue = ue_make(BTID, 1);
    const char *field;

    config.qop = DIGEST_QOP_AUTH | DIGEST_QOP_AUTH_INT;
    ue->cred.qop = DIGEST_QOP_AUTH;
    field = ue_authorization(ue);
    is_outcome(portal_try(&authn, field, "POST", TARGET, "another body"), BASE_OK,
               "qop=auth does not cover the body");
    ok(!portal_authn_wants_body(authn), "and does not ask for it");
    config.qop = DIGEST_QOP_AUTH_INT;
}

static void challenges(void)
{
    const apr_array_header_t *lines = portal_challenges(&world, &config, 0, pool);
    const char *first = lines ? APR_ARRAY_IDX(lines, 0, const char *) : "";
    const char *prefix = "Digest realm=\"3GPP-bootstrapping@" NAF_FQDN "\", nonce=\"";
    const char *suffix = "\", algorithm=SHA-256, qop=\"auth-int\", opaque=\"00112233\"";

    is_int(lines ? lines->nelts : 0, 2, "one line per algorithm");
    ok(strncmp(first, prefix, strlen(prefix)) == 0, "realm first, then nonce");
    is_str(first + strlen(prefix) + DIGEST_NONCE_LEN, suffix, "then algorithm, qop, opaque");
    lines = portal_challenges(&world, &config, 1, pool);
    ok(strstr(APR_ARRAY_IDX(lines, 1, const char *), "algorithm=MD5") &&
           strstr(APR_ARRAY_IDX(lines, 1, const char *), ", stale=true"),
       "the second is MD5's, stale if asked");
    random_fails = 1;
    ok(portal_challenges(&world, &config, 0, pool) == NULL, "no random octets, no challenge");
    random_fails = 0;
}

int main(void)
{
    portal_setup();
    accepts_a_right_request();
    refuses_by_row();
    refuses_what_was_changed_on_the_way();
    reads_the_header_strictly();
    accepts_once();
    lets_windows_go_safely();
    asks_the_source_once();
    keys_end_in_the_store_too();
    tries_identifiers_in_order();
    honours_qop_auth_where_offered();
    challenges();
    portal_teardown();
    return tap_done();
}
