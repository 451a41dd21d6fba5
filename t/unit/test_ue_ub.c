/* SPDX-License-Identifier: Apache-2.0 */
/* Ub from the UE's side, without a network: the exchange of vectors.json, which challenges are
 * taken, which answers believed, what the document and the USIM's file must be. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <jansson.h>
#include "tap.h"
#include "ue_ub.h"
#include "ue_ub_document.h"
#include "ue_usim.h"

#define MAX_LIST 3

static apr_pool_t *pool;
static json_t *vectors;

static const char *vector_text(const char *group, const char *name)
{
    const char *text = json_string_value(json_object_get(json_object_get(vectors, group), name));
    if (!text) {
        printf("Bail out! vectors.json has no %s.%s\n", group, name);
        exit(1);
    }
    return text;
}

static const char *ub(const char *name)
{
    return vector_text("ub", name);
}

static int fill_from_vector(void *baton, void *buf, apr_size_t len)
{
    const char *hex = ub("cnonce");
    (void)baton;
    return base_hex_decode(buf, len, hex, strlen(hex));
}

static const base_random_t from_vector = {NULL, fill_from_vector};

static apr_array_header_t *list_of(const char *const *fields)
{
    apr_array_header_t *list = apr_array_make(pool, MAX_LIST, sizeof(const char *));
    for (int i = 0; i < MAX_LIST && fields[i]; i++)
        APR_ARRAY_PUSH(list, const char *) = fields[i];
    return list;
}

static const char *challenge(const char *realm, const char *algorithm, const char *qop)
{
    return apr_psprintf(pool, "Digest realm=\"%s\", nonce=\"%s\", algorithm=%s, qop=\"%s\"", realm,
                        ub("nonce_base64_rand_autn"), algorithm, qop);
}

static ue_ub_t *taken(gba_aka_vector_t *vector)
{
    ue_ub_t *made = ue_ub_make(ub("impi"), ub("realm"), &from_vector, pool);
    const char *fields[] = {challenge(ub("realm"), "AKAv1-MD5", "auth-int"), NULL};
    is_str(ue_ub_take(made, list_of(fields), vector), NULL, "the challenge is taken");
    return made;
}

/* ---- the exchange ---- */

static void exchange_of_the_vectors(void)
{
    gba_aka_vector_t vector;
    unsigned char res[GBA_MILENAGE_RES_LEN], rand[GBA_RAND_LEN], autn[GBA_AUTN_LEN];
    ue_ub_t *made = taken(&vector);
    base_hex_decode(res, sizeof(res), ub("res"), 2 * sizeof(res));
    base_hex_decode(rand, sizeof(rand), ub("rand"), 2 * sizeof(rand));
    base_hex_decode(autn, sizeof(autn), ub("autn"), 2 * sizeof(autn));
    is_mem(vector.rand, rand, sizeof(rand), "RAND from the nonce");
    is_mem(vector.autn, autn, sizeof(autn), "AUTN from the nonce");
    const char *value = ue_ub_answer(made, ub("uri"), (base_span_t){res, sizeof(res)}, NULL);
    ok(value && strstr(value, ub("response")) != NULL, "response over RES");
    ok(value && !strstr(value, "auts"), "without auts");
    const char *info = apr_psprintf(pool, "qop=auth-int, rspauth=\"%s\", cnonce=\"%s\", nc=%s",
                                    ub("rspauth"), ub("cnonce"), ub("nc"));
    const char *fields[] = {info, NULL}, *none[] = {NULL}, *twice[] = {info, info, NULL};
    base_span_t body = base_span_str(ub("reply_body"));
    base_span_t shorter = {body.data, body.len - 1};
    is_int(ue_ub_verify(made, list_of(fields), body), UE_VERDICT_GOOD, "rspauth over the document");
    is_int(ue_ub_verify(made, list_of(fields), shorter), UE_VERDICT_RSPAUTH, "an octet less");
    is_int(ue_ub_verify(made, list_of(none), body), UE_VERDICT_MISSING, "no Authentication-Info");
    is_int(ue_ub_verify(made, list_of(twice), body), UE_VERDICT_DOUBLED, "two of them");
}

static void resynchronisation_of_the_vectors(void)
{
    gba_aka_vector_t vector;
    ue_ub_t *made = taken(&vector);
    const char *value = ue_ub_answer(made, ub("uri"), base_span_str("ignored"), ub("auts_base64"));
    ok(value && strstr(value, ub("resync_response_empty_password")) != NULL,
       "the password beside auts is empty (RFC 3310 3.4)");
    ok(value && strstr(value, ub("auts_base64")) != NULL, "auts is sent");
    const char *asked = ue_ub_ask(made, "/");
    ok(strstr(asked, "nonce=\"\"") && strstr(asked, "response=\"\"") && strstr(asked, ub("impi")),
       "the first request has a name, and no nonce and response yet");
}

static void challenges_that_are_not_taken(void)
{
    const char *realm = ub("realm");
    const struct {
        const char *what;
        const char *fields[MAX_LIST];
        const char *want;
    } rows[] = {
        {"none", {NULL}, "no Digest challenge"},
        {"Basic", {"Basic realm=\"x\""}, "no Digest challenge"},
        {"malformed", {"Digest realm=\"x"}, "malformed"},
        {"MD5", {challenge(realm, "MD5", "auth-int")}, "no AKAv1-MD5"},
        {"AKAv2-MD5", {challenge(realm, "AKAv2-MD5", "auth-int")}, "no AKAv1-MD5"},
        {"auth only", {challenge(realm, "AKAv1-MD5", "auth")}, "auth-int"},
        {"another BSF", {challenge("bsf.other.net", "AKAv1-MD5", "auth-int")}, "realm"},
        {"a nonce that is none",
         {apr_psprintf(pool,
                       "Digest realm=\"%s\", nonce=\"AAAA\", algorithm=AKAv1-MD5, "
                       "qop=\"auth-int\"",
                       realm)},
         "RAND and AUTN"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        gba_aka_vector_t vector;
        ue_ub_t *made = ue_ub_make(ub("impi"), realm, &from_vector, pool);
        const char *why = ue_ub_take(made, list_of(rows[i].fields), &vector);
        ok(why && strstr(why, rows[i].want), "%s: not taken (%s)", rows[i].what,
           why ? why : "taken");
    }
    const char *both[] = {challenge(realm, "MD5", "auth-int"),
                          challenge(realm, "AKAv1-MD5", "auth,auth-int"), NULL};
    gba_aka_vector_t vector;
    is_str(ue_ub_take(ue_ub_make(ub("impi"), realm, &from_vector, pool), list_of(both), &vector),
           NULL, "the one of two that is AKA is taken");
}

/* ---- the document ---- */

#define OPEN  "<BootstrappingInfo xmlns=\"uri:3gpp-gba\">"
#define BTID  "<btid>x@bsf.home1.net</btid>"
#define LIFE  "<lifetime>2030-01-01T00:00:00Z</lifetime>"
#define CLOSE "</BootstrappingInfo>"

static void documents(void)
{
    const struct {
        const char *what, *text, *want;
    } rows[] = {
        {"TS 24.109 C.1", OPEN BTID LIFE CLOSE, NULL},
        {"with an extension", OPEN BTID LIFE "<Extension><currenttime/></Extension>" CLOSE, NULL},
        {"in white space", OPEN "\n <btid> x@bsf.home1.net\n</btid>" LIFE CLOSE "\n", NULL},
        {"with a prefix",
         "<g:BootstrappingInfo xmlns:g=\"uri:3gpp-gba\"><g:btid>x@bsf.home1.net</g:btid>"
         "<g:lifetime>2030-01-01T00:00:00Z</g:lifetime></g:BootstrappingInfo>",
         NULL},
        {"a comment", "<!-- x -->" OPEN BTID LIFE CLOSE, NULL},
        {"empty", "", "empty"},
        {"no XML", "x@bsf.home1.net", "no XML"},
        {"cut", OPEN BTID LIFE, "no XML"},
        {"another root", "<Info xmlns=\"uri:3gpp-gba\">" BTID LIFE "</Info>", "BootstrappingInfo"},
        {"another namespace", "<BootstrappingInfo xmlns=\"uri:x\">" BTID LIFE CLOSE, "Bootstr"},
        {"no namespace", "<BootstrappingInfo>" BTID LIFE CLOSE, "BootstrappingInfo"},
        {"no B-TID", OPEN LIFE CLOSE, "no B-TID"},
        {"two B-TIDs", OPEN BTID BTID LIFE CLOSE, "no B-TID"},
        {"no name in it", OPEN "<btid>x</btid>" LIFE CLOSE, "no B-TID"},
        {"elements in it", OPEN "<btid><b/>x@bsf.home1.net</btid>" LIFE CLOSE, "no B-TID"},
        {"no lifetime", OPEN BTID CLOSE, "no lifetime"},
        {"a lifetime that is none", OPEN BTID "<lifetime>soon</lifetime>" CLOSE, "no lifetime"},
        {"a DTD", "<!DOCTYPE x []>" OPEN BTID LIFE CLOSE, "DTD"},
        {"an entity", "<!DOCTYPE x [<!ENTITY e \"x\">]>" OPEN BTID LIFE CLOSE, "DTD"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ue_ub_document_t out;
        const char *why = ue_ub_document_read(&out, base_span_str(rows[i].text), pool);
        if (rows[i].want)
            ok(why && strstr(why, rows[i].want), "document, %s: %s", rows[i].what,
               why ? why : "taken");
        else
            is_str(why ? why : out.btid, "x@bsf.home1.net", rows[i].what);
    }
    ue_ub_document_t out;
    is_str(ue_ub_document_read(&out, base_span_str(ub("reply_body")), pool), NULL, "the vector's");
    is_str(out.btid, ub("btid"), "its B-TID");
}

/* ---- the USIM ---- */

static const char *write_usim(const char *dir, const char *text, mode_t mode)
{
    const char *path = apr_pstrcat(pool, dir, "/usim.json", NULL);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0 || chmod(path, mode) != 0) {
        printf("Bail out! %s cannot be written\n", path);
        exit(1);
    }
    return path;
}

static const char *usim_text(const char *sqn)
{
    return apr_psprintf(pool, "{\"impi\":\"%s\",\"k\":\"%s\",\"op\":\"%s\",\"sqn\":\"%s\",\"x\":1}",
                        ub("impi"), vector_text("milenage_ts35208_set1", "k"),
                        vector_text("milenage_ts35208_set1", "op"), sqn);
}

static gba_aka_verdict_t answer(const char *path, ue_result_t *result, gba_aka_vector_t *vector)
{
    ue_usim_t *usim;
    memset(result, 0, sizeof(*result));
    if (!ue_usim_load(&usim, path, result, pool))
        return GBA_AKA_FAILED;
    gba_aka_nonce_parse(vector, ub("nonce_base64_rand_autn"));
    return ue_usim_answer(usim, vector, result, pool);
}

static void usim_answers(const char *dir)
{
    gba_aka_vector_t vector;
    ue_result_t result;
    struct stat about;
    unsigned char res[GBA_MILENAGE_RES_LEN];
    const char *path = write_usim(dir, usim_text("ff9bb4d0b5e7"), 0600);
    base_hex_decode(res, sizeof(res), ub("res"), 2 * sizeof(res));
    is_int(answer(path, &result, &vector), GBA_AKA_ACCEPTED, "a new SQN is accepted");
    is_mem(vector.res, res, sizeof(res), "with the RES of the vectors");
    ok(stat(path, &about) == 0 && (about.st_mode & 0777) == 0600, "the file keeps its mode");
    is_int(answer(path, &result, &vector), GBA_AKA_SQN_RANGE, "the same SQN again is not");
    json_t *kept = json_load_file(path, 0, NULL);
    is_str(json_string_value(json_object_get(kept, "sqn")),
           vector_text("milenage_ts35208_set1", "sqn"), "since the file holds it");
    is_int(json_integer_value(json_object_get(kept, "x")), 1, "beside what else was in it");
    json_decref(kept);
    path = write_usim(
        dir, apr_psprintf(pool, "{\"impi\":\"i\",\"k\":\"%032d\",\"opc\":\"%032d\"}", 0, 0), 0600);
    is_int(answer(path, &result, &vector), GBA_AKA_BAD_MAC, "another K: the MAC is wrong");
}

static void usim_files(const char *dir)
{
    const char *zeros = "00000000000000000000000000000000";
    const struct {
        const char *what, *text;
        mode_t mode;
        const char *want;
    } rows[] = {
        {"for others to read", usim_text("000000000000"), 0644, "chmod 0600"},
        {"no JSON", "{", 0600, "no JSON object"},
        {"an array", "[]", 0600, "no JSON object"},
        {"a member twice", "{\"k\":\"0\",\"k\":\"0\"}", 0600, "no JSON object"},
        {"no IMPI", apr_psprintf(pool, "{\"k\":\"%s\",\"opc\":\"%s\"}", zeros, zeros), 0600,
         "impi"},
        {"no K", apr_psprintf(pool, "{\"impi\":\"i\",\"opc\":\"%s\"}", zeros), 0600, "\"k\""},
        {"a short K", apr_psprintf(pool, "{\"impi\":\"i\",\"k\":\"00\",\"opc\":\"%s\"}", zeros),
         0600, "\"k\""},
        {"neither OP nor OPc", apr_psprintf(pool, "{\"impi\":\"i\",\"k\":\"%s\"}", zeros), 0600,
         "opc"},
        {"both",
         apr_psprintf(pool, "{\"impi\":\"i\",\"k\":\"%s\",\"op\":\"%s\",\"opc\":\"%s\"}", zeros,
                      zeros, zeros),
         0600, "opc"},
        {"a SQN of five octets", usim_text("0000000000"), 0600, "sqn"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        gba_aka_vector_t vector;
        ue_result_t result;
        answer(write_usim(dir, rows[i].text, rows[i].mode), &result, &vector);
        ok(result.outcome == UE_LOCAL && result.detail && strstr(result.detail, rows[i].want),
           "USIM file, %s: %s", rows[i].what, result.detail ? result.detail : "taken");
    }
}

int main(void)
{
    char dir[] = "/tmp/test_ue_ub.XXXXXX";
    const char *top = getenv("GBA_SRCDIR");
    apr_initialize();
    apr_pool_create(&pool, NULL);
    digest_hash_init();
    vectors = json_load_file(apr_pstrcat(pool, top ? top : ".", "/t/vectors/vectors.json", NULL), 0,
                             NULL);
    exchange_of_the_vectors();
    resynchronisation_of_the_vectors();
    challenges_that_are_not_taken();
    documents();
    if (mkdtemp(dir)) {
        usim_answers(dir);
        usim_files(dir);
        unlink(apr_pstrcat(pool, dir, "/usim.json", NULL));
        rmdir(dir);
    }
    json_decref(vectors);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
