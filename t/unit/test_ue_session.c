/* SPDX-License-Identifier: Apache-2.0 */
/* gba-ue without a network: which challenge it takes, what it sends, which answers
 * it takes for the portal's. */
#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <jansson.h>
#include "tap.h"
#include "ue_session.h"

#define REALM    "3GPP-bootstrapping@pkiportal.home1.net"
#define CNONCE   "38fb36545c9798630c59fd7939a28ea6"
#define RSPAUTH  "32c157528f5dde5c235b3f58e6ca923b"
#define INFO     "qop=auth-int, rspauth=\"" RSPAUTH "\", cnonce=\"" CNONCE "\", nc=00000001"
#define MD5_CH   "Digest realm=\"" REALM "\", nonce=\"m\", algorithm=MD5, qop=\"auth-int\""
#define SHA_CH   "Digest realm=\"" REALM "\", nonce=\"s\", algorithm=SHA-256, qop=\"auth-int\""
#define MAX_LIST 4

static apr_pool_t *pool;
static json_t *exchanges;

/* The seam that lets a vector's cnonce come out: its octets are what "random" gives. */
static int fill_from_hex(void *baton, void *buf, apr_size_t len)
{
    const char *hex = baton;
    return base_hex_decode(buf, len, hex, strlen(hex));
}

static void load_vectors(void)
{
    const char *top = getenv("GBA_SRCDIR");
    char *path = apr_pstrcat(pool, top ? top : ".", "/t/vectors/vectors.json", NULL);
    json_t *root = json_load_file(path, 0, NULL);
    exchanges = json_incref(json_object_get(root, "ua_exchanges"));
    json_decref(root);
    ok(json_array_size(exchanges) > 0, "vectors.json has exchanges");
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static const json_t *find_vector(const char *name)
{
    size_t i;
    json_t *vector;
    json_array_foreach(exchanges, i,
                       vector) if (strcmp(text_of(vector, "name"), name) == 0) return vector;
    return NULL;
}

static apr_array_header_t *list_of(const char *const *fields)
{
    apr_array_header_t *list = apr_array_make(pool, MAX_LIST, sizeof(const char *));
    for (int i = 0; i < MAX_LIST && fields[i]; i++)
        APR_ARRAY_PUSH(list, const char *) = fields[i];
    return list;
}

static apr_array_header_t *list_of_one(const char *field)
{
    const char *const fields[MAX_LIST] = {field};
    return list_of(fields);
}

static ue_session_t *session_for(const char *btid, const char *fqdn, const char *password,
                                 const char *cnonce)
{
    ue_identity_t *identity = apr_pcalloc(pool, sizeof(*identity));
    base_random_t *random = apr_pcalloc(pool, sizeof(*random));
    identity->btid = btid;
    identity->naf_fqdn = fqdn;
    identity->password = base_span_str(password);
    random->baton = apr_pstrdup(pool, cnonce);
    random->fill = fill_from_hex;
    return ue_session_make(identity, random, pool);
}

static const struct {
    const char *name;
    const char *fields[MAX_LIST];
    digest_alg_t preferred;
    ue_challenge_t taken;
    const char *nonce; /* of the one taken */
} challenge_rows[] = {
    {"the server's order decides", {SHA_CH, MD5_CH}, DIGEST_ALGS, UE_CHALLENGE_TAKEN, "s"},
    {"also the other way round", {MD5_CH, SHA_CH}, DIGEST_ALGS, UE_CHALLENGE_TAKEN, "m"},
    {"a preferred one goes first", {SHA_CH, MD5_CH}, DIGEST_MD5, UE_CHALLENGE_TAKEN, "m"},
    {"a preferred one that is not offered is done without",
     {MD5_CH},
     DIGEST_SHA256,
     UE_CHALLENGE_TAKEN,
     "m"},
    {"two challenges in one field", {SHA_CH ", " MD5_CH}, DIGEST_ALGS, UE_CHALLENGE_TAKEN, "s"},
    {"unknown algorithms are skipped (RFC 7616 3.3)",
     {"Digest realm=\"" REALM "\", nonce=\"x\", algorithm=SHA-999, qop=\"auth-int\"", MD5_CH},
     DIGEST_ALGS,
     UE_CHALLENGE_TAKEN,
     "m"},
    {"-sess is none of ours",
     {"Digest realm=\"" REALM "\", nonce=\"x\", algorithm=MD5-sess, qop=\"auth-int\""},
     DIGEST_ALGS,
     UE_CHALLENGE_ALGORITHM,
     NULL},
    {"auth-int among others will do",
     {"Digest realm=\"" REALM "\", nonce=\"q\", algorithm=MD5, qop=\"auth,auth-int\""},
     DIGEST_ALGS,
     UE_CHALLENGE_TAKEN,
     "q"},
    {"qop auth only: no enrolment",
     {"Digest realm=\"" REALM "\", nonce=\"x\", algorithm=MD5, qop=\"auth\""},
     DIGEST_ALGS,
     UE_CHALLENGE_QOP,
     NULL},
    {"no qop: no enrolment",
     {"Digest realm=\"" REALM "\", nonce=\"x\", algorithm=MD5"},
     DIGEST_ALGS,
     UE_CHALLENGE_QOP,
     NULL},
    {"another NAF's realm (TS 33.222)",
     {"Digest realm=\"3GPP-bootstrapping@naf.home2.net\", nonce=\"x\", qop=\"auth-int\""},
     DIGEST_ALGS,
     UE_CHALLENGE_REALM,
     NULL},
    {"a realm that only ends in ours",
     {"Digest realm=\"3GPP-bootstrapping@evil.pkiportal.home1.net\", nonce=\"x\", "
      "qop=\"auth-int\""},
     DIGEST_ALGS,
     UE_CHALLENGE_REALM,
     NULL},
    {"a realm without the prefix",
     {"Digest realm=\"pkiportal.home1.net\", nonce=\"x\", qop=\"auth-int\""},
     DIGEST_ALGS,
     UE_CHALLENGE_REALM,
     NULL},
    {"GBA_U only: not our key",
     {"Digest realm=\"3GPP-bootstrapping-uicc@pkiportal.home1.net\", nonce=\"x\", "
      "qop=\"auth-int\""},
     DIGEST_ALGS,
     UE_CHALLENGE_REALM,
     NULL},
    {"two realm parts, ours second (TS 24.109 5.2.4)",
     {"Digest realm=\"3GPP-bootstrapping-uicc@pkiportal.home1.net;" REALM "\", nonce=\"u\", "
      "qop=\"auth-int\""},
     DIGEST_ALGS,
     UE_CHALLENGE_TAKEN,
     "u"},
    {"a realm with a ';' at its end",
     {"Digest realm=\"" REALM ";\", nonce=\"u\", qop=\"auth-int\""},
     DIGEST_ALGS,
     UE_CHALLENGE_TAKEN,
     "u"},
    {"no Digest", {"Basic realm=\"x\""}, DIGEST_ALGS, UE_CHALLENGE_NONE, NULL},
    {"no field at all", {NULL}, DIGEST_ALGS, UE_CHALLENGE_NONE, NULL},
    {"a malformed one spoils the answer",
     {MD5_CH, "Digest realm=\"x"},
     DIGEST_ALGS,
     UE_CHALLENGE_MALFORMED,
     NULL},
};

static void test_challenges(void)
{
    for (size_t i = 0; i < sizeof(challenge_rows) / sizeof(challenge_rows[0]); i++) {
        ue_session_t *session = session_for("b@c.d", "pkiportal.home1.net", "p", CNONCE);
        apr_array_header_t *fields = list_of(challenge_rows[i].fields);
        is_int(ue_session_take(session, fields, challenge_rows[i].preferred),
               challenge_rows[i].taken, challenge_rows[i].name);
        is_str(session->challenge.nonce, challenge_rows[i].nonce, challenge_rows[i].name);
        if (challenge_rows[i].nonce)
            is_str(session->challenge.realm, REALM, "the one part that fits is the realm");
    }
}

/* A session that has sent a vector's request: nc times under its nonce. */
static ue_session_t *session_of(const json_t *vector)
{
    const json_t *request = json_object_get(vector, "request");
    const char *challenge = text_of(json_object_get(vector, "headers"), "WWW-Authenticate");
    const char *fqdn = strchr(text_of(vector, "realm"), '@');
    ue_session_t *session = session_for(text_of(vector, "username_btid"), fqdn ? fqdn + 1 : "",
                                        text_of(vector, "password"), text_of(vector, "cnonce"));
    const char *nc = text_of(vector, "nc");
    int uses = strlen(nc) == 8 ? nc[7] - '0' : 0;
    if (ue_session_take(session, list_of_one(challenge), DIGEST_ALGS) != UE_CHALLENGE_TAKEN)
        return NULL;
    for (int i = 0; i < uses; i++)
        if (!ue_session_authorize(session, text_of(request, "method"), text_of(request, "uri"),
                                  base_span_str(text_of(request, "body"))))
            return NULL;
    return session;
}

static void test_vectors(void)
{
    size_t i;
    json_t *vector;
    json_array_foreach(exchanges, i, vector)
    {
        const char *name = text_of(vector, "name");
        if (strcmp(text_of(vector, "qop"), "auth-int") != 0)
            continue;
        ue_session_t *session = session_of(vector);
        if (!ok(session != NULL, "%s: can be sent", name))
            continue;
        const char *info = text_of(json_object_get(vector, "headers"), "Authentication-Info");
        const char *body = text_of(json_object_get(vector, "reply"), "body");
        is_str(session->sent.response, text_of(vector, "response"), name);
        is_str(session->sent.nc, text_of(vector, "nc"), name);
        is_int(ue_session_verify(session, list_of_one(info), base_span_str(body)), UE_VERDICT_GOOD,
               name);
    }
}

static const struct {
    const char *name;
    const char *fields[MAX_LIST];
    const char *more; /* appended to the body */
    ue_verdict_t verdict;
} info_rows[] = {
    {"as the portal sent it", {INFO}, "", UE_VERDICT_GOOD},
    {"another order and case of names",
     {"nc=00000001, CNONCE=\"" CNONCE "\", rspauth=\"" RSPAUTH "\", Qop=\"auth-int\""},
     "",
     UE_VERDICT_GOOD},
    {"one octet more in the body", {INFO}, " ", UE_VERDICT_RSPAUTH},
    {"changed cnonce",
     {"qop=auth-int, rspauth=\"" RSPAUTH "\", cnonce=\"38fb\", nc=00000001"},
     "",
     UE_VERDICT_CNONCE},
    {"changed nc",
     {"qop=auth-int, rspauth=\"" RSPAUTH "\", cnonce=\"" CNONCE "\", nc=00000002"},
     "",
     UE_VERDICT_NC},
    {"changed qop",
     {"qop=auth, rspauth=\"" RSPAUTH "\", cnonce=\"" CNONCE "\", nc=00000001"},
     "",
     UE_VERDICT_QOP},
    {"one digit of rspauth changed",
     {"qop=auth-int, rspauth=\"32c157528f5dde5c235b3f58e6ca923c\", cnonce=\"" CNONCE
      "\", nc=00000001"},
     "",
     UE_VERDICT_RSPAUTH},
    {"rspauth of a length that no hash has",
     {"qop=auth-int, rspauth=\"32c157528f5dde5c235b3f58e6ca92\", cnonce=\"" CNONCE
      "\", nc=00000001"},
     "",
     UE_VERDICT_MALFORMED},
    {"rspauth of another algorithm's length",
     {"qop=auth-int, rspauth=\"" RSPAUTH RSPAUTH "\", cnonce=\"" CNONCE "\", nc=00000001"},
     "",
     UE_VERDICT_RSPAUTH},
    {"no rspauth", {"qop=auth-int, cnonce=\"" CNONCE "\", nc=00000001"}, "", UE_VERDICT_MALFORMED},
    {"nextnonce alone", {"nextnonce=\"n\""}, "", UE_VERDICT_MALFORMED},
    {"missing", {NULL}, "", UE_VERDICT_MISSING},
    {"doubled, both right", {INFO, INFO}, "", UE_VERDICT_DOUBLED},
    {"doubled in one field", {INFO ", " INFO}, "", UE_VERDICT_MALFORMED},
    {"empty", {""}, "", UE_VERDICT_MALFORMED},
};

static void test_verification(void)
{
    const json_t *vector = find_vector("enrol-403-md5");
    ue_session_t *session = session_of(vector);
    const char *body = text_of(json_object_get(vector, "reply"), "body");
    for (size_t i = 0; i < sizeof(info_rows) / sizeof(info_rows[0]); i++) {
        base_span_t received = base_span_str(apr_pstrcat(pool, body, info_rows[i].more, NULL));
        is_int(ue_session_verify(session, list_of(info_rows[i].fields), received),
               info_rows[i].verdict, info_rows[i].name);
    }
    session = session_for("b@c.d", "pkiportal.home1.net", "p", CNONCE);
    is_int(ue_session_verify(session, list_of_one(INFO), base_span_str(body)), UE_VERDICT_UNASKED,
           "nothing is verified before credentials were sent");
}

static void test_renewal(void)
{
    ue_session_t *session = session_for("b@c.d", "pkiportal.home1.net", "p", CNONCE);
    base_span_t body = base_span_str("x");
    ok(!ue_session_authorize(session, "POST", "/", body), "no credentials without a challenge");
    ue_session_take(session, list_of_one(MD5_CH), DIGEST_ALGS);
    ue_session_authorize(session, "POST", "/", body);
    is_int(session->challenge.stale, 0, "not stale");
    ue_session_take(session, list_of_one(SHA_CH ", stale=true"), DIGEST_ALGS);
    is_int(session->challenge.stale, 1, "stale");
    ue_session_authorize(session, "POST", "/", body);
    is_str(session->sent.nonce, "s", "the new nonce is used");
    is_str(session->sent.nc, "00000001", "and counted from 1 (RFC 7616 3.4)");
    session = session_for("b@c.d", "pkiportal.home1.net", "p", "not hex");
    ue_session_take(session, list_of_one(MD5_CH), DIGEST_ALGS);
    ok(!ue_session_authorize(session, "POST", "/", body), "no credentials without randomness");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    digest_hash_init();
    load_vectors();
    test_challenges();
    test_vectors();
    test_verification();
    test_renewal();
    json_decref(exchanges);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
