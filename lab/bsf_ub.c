/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bsf_ub.c
 * Ub (TS 24.109 clause 4): a UE names itself, is challenged, answers, and is
 * given a B-TID. One challenge takes one answer, whether it is right or wrong.
 */
#include <httpd.h>

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>

#include "base/base_env.h"
#include "base/base_secret.h"
#include "digest/digest_aka.h"
#include "lab/bsf_answer.h"
#include "lab/bsf_handlers.h"
#include "lab/bsf_module.h"
#include "lab/bsf_store.h"

APLOG_USE_MODULE(gba_bsf);

/* One request of a known subscriber. */
typedef struct ub_t {
    request_rec *r;
    const bsf_server_t *server;
    const digest_aka_credentials_t *cred;
    const bsf_subscriber_t *sub;
} ub_t;

static const char *shown(const request_rec *r, const char *impi)
{
    return base_log_safe(r->pool, impi, BSF_IMPI_MAX);
}

static int is_down(request_rec *r, const char *what)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "GBA0920: laboratory BSF: Ub: %s failed", what);
    return HTTP_SERVICE_UNAVAILABLE;
}

/* A new vector, kept until it is answered. */
static const char *make_nonce(const ub_t *ub)
{
    bsf_entry_t *entry = base_secret_alloc(ub->r->pool, sizeof(*entry));
    const base_random_t *random = base_random_system();
    const char *nonce;
    apr_uint64_t sqn;

    entry->made = apr_time_now();
    entry->expires = entry->made + BSF_CHALLENGE_LIFE;
    apr_cpystrn(entry->impi, ub->sub->impi, sizeof(entry->impi));
    if (!random->fill(random->baton, entry->vector.rand, sizeof(entry->vector.rand)) ||
        bsf_store_sqn_next(ub->server->name, ub->sub->impi, ub->sub->sqn, &sqn) != BASE_OK ||
        !gba_aka_vector_make(&entry->vector, &ub->sub->key, sqn, ub->sub->amf))
        return NULL;
    nonce = gba_aka_nonce_print(ub->r->pool, &entry->vector);
    return bsf_store_put(BSF_CHALLENGES, nonce, entry) == BASE_OK ? nonce : NULL;
}

static int challenge(const ub_t *ub)
{
    digest_challenge_t made = {.realm = ub->server->name, .is_aka = 1, .qop = DIGEST_QOP_AUTH_INT};

    made.nonce = make_nonce(ub);
    if (!made.nonce)
        return is_down(ub->r, "a new authentication vector");
    apr_table_setn(ub->r->err_headers_out, "WWW-Authenticate",
                   digest_challenge_print(&made, ub->r->pool));
    apr_table_setn(ub->r->err_headers_out, "Cache-Control", "no-store");
    return HTTP_UNAUTHORIZED;
}

static int hash_body(apr_pool_t *pool, const char *text, char hex[DIGEST_HEX_MAX])
{
    digest_body_t *body = digest_body_start(pool, DIGEST_MD5);

    return body && digest_body_add(body, text, strlen(text)) && digest_body_finish(body, hex);
}

/* response of a request without a body (method set), or rspauth (method NULL). The password is RES;
 * beside auts it is empty (RFC 3310 3.4). */
static int compute(const ub_t *ub, const bsf_entry_t *entry, const char *method, const char *body,
                   char out[DIGEST_HEX_MAX])
{
    const digest_credentials_t *cred = &ub->cred->digest;
    base_span_t password = {entry->vector.res, ub->cred->auts ? 0 : sizeof(entry->vector.res)};
    char ha1[DIGEST_HEX_MAX], hash[DIGEST_HEX_MAX];
    digest_input_t in = {DIGEST_MD5, DIGEST_QOP_AUTH_INT, ha1, method, cred->uri, cred->nonce,
                         cred->nc,   cred->cnonce,        hash};
    int good = hash_body(ub->r->pool, body, hash) &&
               digest_ha1(DIGEST_MD5, cred->username, cred->realm, password, ha1) &&
               digest_response(&in, out);

    base_secret_wipe(ha1, sizeof(ha1));
    return good;
}

static int resynchronise(const ub_t *ub, const bsf_entry_t *entry)
{
    unsigned char auts[GBA_AUTS_LEN];
    apr_uint64_t sqn_ms;

    if (!gba_aka_auts_parse(auts, ub->cred->auts) ||
        !gba_aka_auts_check(&sqn_ms, &ub->sub->key, entry->vector.rand, auts)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, ub->r,
                      "GBA0921: laboratory BSF: Ub: auts of %s is wrong",
                      shown(ub->r, ub->sub->impi));
        return challenge(ub);
    }
    if (bsf_store_sqn_resync(ub->server->name, ub->sub->impi, sqn_ms) != BASE_OK)
        return is_down(ub->r, "the store");
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, ub->r,
                  "GBA0922: laboratory BSF: Ub: %s resynchronised at SEQ %" APR_UINT64_T_FMT,
                  shown(ub->r, ub->sub->impi), sqn_ms >> GBA_SQN_IND_BITS);
    return challenge(ub);
}

/* TS 24.109 C.1. Neither a B-TID nor a time has anything that XML would want escaped. */
static const char *print_document(const ub_t *ub, const bsf_entry_t *entry, const char *btid)
{
    const char *extension = "";
    apr_pool_t *pool = ub->r->pool;

    if (ub->server->current_time)
        extension = apr_pstrcat(pool, "<Extension><currenttime>", bsf_time(pool, entry->made),
                                "</currenttime></Extension>\n", NULL);
    return apr_pstrcat(pool,
                       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                       "<BootstrappingInfo xmlns=\"uri:3gpp-gba\">\n<btid>",
                       btid, "</btid>\n<lifetime>", bsf_time(pool, entry->expires), "</lifetime>\n",
                       extension, "</BootstrappingInfo>\n", NULL);
}

/* The B-TID is known before anybody hears of it. */
static int bootstrap(const ub_t *ub, bsf_entry_t *entry)
{
    apr_pool_t *pool = ub->r->pool;
    const char *btid = gba_aka_btid(pool, entry->vector.rand, ub->server->name);
    const digest_credentials_t *cred = &ub->cred->digest;
    char rspauth[DIGEST_HEX_MAX];
    digest_authinfo_t info = {DIGEST_QOP_AUTH_INT, rspauth, cred->cnonce, cred->nc, NULL};
    const char *document;

    /* Whole seconds, so that the key ends when the document says. */
    entry->made = apr_time_from_sec(apr_time_sec(apr_time_now()));
    entry->expires = entry->made + ub->server->lifetime;
    document = print_document(ub, entry, btid);
    if (!compute(ub, entry, NULL, document, rspauth))
        return is_down(ub->r, "rspauth");
    if (bsf_store_put(BSF_BOOTSTRAPPINGS_KEPT, btid, entry) != BASE_OK)
        return is_down(ub->r, "the store");
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, ub->r,
                  "GBA0923: laboratory BSF: Ub: %s bootstrapped: B-TID %s",
                  shown(ub->r, ub->sub->impi), gba_btid_redact(pool, btid));
    apr_table_setn(ub->r->headers_out, "Authentication-Info", digest_authinfo_print(&info, pool));
    return bsf_answer(ub->r, ub->server->media_type, document);
}

/* An answer to a challenge that was ours and for him. */
static int answer(const ub_t *ub, bsf_entry_t *entry)
{
    char expected[DIGEST_HEX_MAX];

    if (!compute(ub, entry, "GET", "", expected))
        return is_down(ub->r, "the response");
    if (!base_secret_equal(expected, ub->cred->digest.response, 2 * digest_alg_len(DIGEST_MD5))) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, ub->r,
                      "GBA0924: laboratory BSF: Ub: wrong response of %s",
                      shown(ub->r, ub->sub->impi));
        return challenge(ub);
    }
    return ub->cred->auts ? resynchronise(ub, entry) : bootstrap(ub, entry);
}

static int answer_or_challenge(const ub_t *ub)
{
    const digest_credentials_t *cred = &ub->cred->digest;
    bsf_entry_t *entry = base_secret_alloc(ub->r->pool, sizeof(*entry));
    base_code_t code;

    if (ub->cred->is_first)
        return challenge(ub);
    code = bsf_store_take(BSF_CHALLENGES, cred->nonce, entry);
    if (code == BASE_STORE_DOWN)
        return is_down(ub->r, "the store");
    if (code == BASE_OK && strcmp(entry->impi, ub->sub->impi) == 0 &&
        strcmp(cred->realm, ub->server->name) == 0)
        return answer(ub, entry);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, ub->r,
                  "GBA0925: laboratory BSF: Ub: %s answers no challenge that waits for him",
                  shown(ub->r, ub->sub->impi));
    return challenge(ub);
}

static int refuse_name(const ub_t *ub)
{
    const char *impi = shown(ub->r, ub->cred->digest.username);

    if (ub->sub) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, ub->r,
                      "GBA0926: laboratory BSF: Ub: %s is blocked", impi);
        return HTTP_FORBIDDEN;
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, ub->r, "GBA0927: laboratory BSF: Ub: %s is unknown",
                  impi);
    return ub->server->unknown_status;
}

/* Reads the credentials; OK or a status. */
static int read_credentials(ub_t *ub)
{
    request_rec *r = ub->r;
    digest_aka_credentials_t *cred;
    base_result_t result =
        digest_aka_credentials_parse(&cred, apr_table_get(r->headers_in, "Authorization"), r->pool);

    if (result.code != BASE_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "%s: laboratory BSF: Ub: %s", result.tag,
                      result.detail);
        return HTTP_BAD_REQUEST;
    }
    /* What names only a user is not hashed: UEs are known to write "/" there. */
    if (!cred->is_first && strcmp(cred->digest.uri, r->unparsed_uri) != 0) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "GBA0928: laboratory BSF: Ub: uri is not the request target");
        return HTTP_BAD_REQUEST;
    }
    ub->cred = cred;
    return OK;
}

int bsf_ub_handler(request_rec *r)
{
    ub_t ub = {r, NULL, NULL, NULL};
    int status;

    if (strcmp(r->handler, "gba-bsf-ub") != 0)
        return DECLINED;
    ub.server = bsf_server_ready(r);
    if (!ub.server)
        return HTTP_INTERNAL_SERVER_ERROR;
    if (r->header_only || strcmp(r->method, "GET") != 0) {
        /* httpd's own 405 would name methods that nothing here takes. */
        apr_table_setn(r->err_headers_out, "Allow", "GET");
        r->status = HTTP_METHOD_NOT_ALLOWED;
        return bsf_answer(r, "text/plain", "GET expected\n");
    }
    if (bsf_has_body(r)) {
        r->connection->keepalive = AP_CONN_CLOSE;
        return HTTP_BAD_REQUEST;
    }
    status = read_credentials(&ub);
    if (status != OK)
        return status;
    ub.sub = bsf_subscribers_find(ub.server->subscribers, r, ub.cred->digest.username);
    return ub.sub && !ub.sub->blocked ? answer_or_challenge(&ub) : refuse_name(&ub);
}
