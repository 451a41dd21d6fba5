/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_bootstrap.h"
#include <string.h>
#include <apr_strings.h>
#include "base/base_secret.h"
#include "gba/gba_names.h"
#include "ue_http.h"
#include "ue_report.h"
#include "ue_ub.h"
#include "ue_ub_document.h"
#include "ue_usim.h"

/* One bootstrapping. */
typedef struct boot_t {
    ue_bootstrapping_t *out;
    const ue_trace_t *trace;
    ue_result_t *result;
    apr_pool_t *pool;
    ue_url_t url;
    ue_http_t *http;
    ue_usim_t *usim;
    ue_ub_t *ub;
    gba_aka_vector_t *vector; /* secret */
} boot_t;

static int prepare(boot_t *boot, const ue_options_t *opts)
{
    ue_options_t *mine = apr_pmemdup(boot->pool, opts, sizeof(*opts));
    mine->url = opts->bsf;
    if (!ue_http_url(&boot->url, opts->bsf, boot->result, boot->pool) ||
        !ue_usim_load(&boot->usim, opts->usim, boot->result, boot->pool))
        return 0;
    boot->ub = ue_ub_make(boot->usim->impi, opts->bsf_realm ? opts->bsf_realm : boot->url.host,
                          base_random_system(), boot->pool);
    boot->vector = base_secret_alloc(boot->pool, sizeof(*boot->vector));
    boot->http = ue_http_make(mine, &boot->url, boot->result, boot->pool);
    return boot->http != NULL;
}

/* A GET with these credentials. Nonzero on a complete answer. */
static int exchange_once(boot_t *boot, ue_exchange_t *exchange, const char *authorization)
{
    memset(exchange, 0, sizeof(*exchange));
    exchange->is_ub = 1;
    exchange->authorization = authorization;
    if (!authorization)
        return ue_fail(boot->result, UE_LOCAL, "the credentials cannot be computed");
    int done = ue_http_exchange(boot->http, exchange, boot->result);
    ue_trace_request(boot->trace, exchange, NULL);
    ue_trace_answer(boot->trace, exchange);
    boot->result->status = exchange->status;
    return done;
}

static int take_challenge(boot_t *boot, const ue_exchange_t *exchange)
{
    if (exchange->status != 401)
        return ue_fail(boot->result, UE_AUTH_REFUSED,
                       apr_psprintf(boot->pool, "the BSF answers %d instead of a challenge",
                                    exchange->status));
    const char *why = ue_ub_take(boot->ub, ue_http_fields(exchange, "WWW-Authenticate", boot->pool),
                                 boot->vector);
    return !why || ue_fail(boot->result, UE_AUTH_REFUSED, why);
}

/* Tells the BSF where our sequence number stands; its answer is another challenge. */
static int resynchronise(boot_t *boot, ue_exchange_t *exchange)
{
    unsigned char auts[GBA_AUTS_LEN];
    const base_span_t none = {NULL, 0};
    ue_trace_note(boot->trace, "MAC right, but SQN is behind: resynchronising (TS 33.102 6.3.5)");
    if (!gba_aka_auts_make(auts, &boot->usim->key, boot->vector->rand, boot->usim->sqn_ms))
        return ue_fail(boot->result, UE_LOCAL, "Milenage cannot be computed here");
    return exchange_once(
        boot, exchange,
        ue_ub_answer(boot->ub, boot->url.target, none, gba_aka_auts_print(boot->pool, auts)));
}

/* From the challenge to an accepted vector. */
static int authenticate_network(boot_t *boot, ue_exchange_t *exchange)
{
    for (int resynchronised = 0;; resynchronised = 1) {
        if (!take_challenge(boot, exchange))
            return 0;
        switch (ue_usim_answer(boot->usim, boot->vector, boot->result, boot->pool)) {
        case GBA_AKA_ACCEPTED:
            ue_trace_note(boot->trace, "AUTN verified: the network knows our key, and SQN is new");
            return 1;
        case GBA_AKA_BAD_MAC:
            return ue_fail(boot->result, UE_NOT_VERIFIED,
                           "AUTN is not from a network that knows our key");
        case GBA_AKA_SQN_RANGE:
            if (resynchronised)
                return ue_fail(boot->result, UE_NOT_VERIFIED,
                               "SQN is behind even after a resynchronisation");
            if (!resynchronise(boot, exchange))
                return 0;
            break;
        case GBA_AKA_FAILED:
            return 0;
        }
    }
}

static int is_document(boot_t *boot, const ue_exchange_t *exchange)
{
    const apr_array_header_t *types = ue_http_fields(exchange, "Content-Type", boot->pool);
    const char *type = types->nelts == 1 ? APR_ARRAY_IDX(types, 0, const char *) : "";
    char *name = apr_pstrndup(boot->pool, type, strcspn(type, "; \t"));
    return exchange->status == 200 && base_equal_nocase(name, UE_UB_MEDIA);
}

static int take_document(boot_t *boot, const ue_exchange_t *exchange)
{
    ue_ub_document_t document;
    if (!is_document(boot, exchange))
        return ue_fail(boot->result, UE_PORTAL_ERROR,
                       apr_psprintf(boot->pool,
                                    "the BSF's verified answer (status %d) is no " UE_UB_MEDIA,
                                    exchange->status));
    const char *why = ue_ub_document_read(&document, exchange->answer, boot->pool);
    if (why)
        return ue_fail(boot->result, UE_PORTAL_ERROR, why);
    boot->out->btid = document.btid;
    boot->out->until = document.until;
    boot->out->expires = document.expires;
    return 1;
}

/* Sends RES, and believes the answer only if it proves that the BSF has it too. */
static int finish(boot_t *boot, ue_exchange_t *exchange)
{
    base_span_t res = {boot->vector->res, sizeof(boot->vector->res)};
    if (!exchange_once(boot, exchange, ue_ub_answer(boot->ub, boot->url.target, res, NULL)))
        return 0;
    if (exchange->status == 401)
        return ue_fail(boot->result, UE_AUTH_REFUSED, "the BSF does not accept our answer");
    const apr_array_header_t *infos = ue_http_fields(exchange, "Authentication-Info", boot->pool);
    ue_verdict_t verdict = ue_ub_verify(boot->ub, infos, exchange->answer);
    ue_trace_note(boot->trace, "%s: %s", verdict == UE_VERDICT_GOOD ? "BSF" : "NOT VERIFIED",
                  ue_verdict_text(verdict));
    if (verdict != UE_VERDICT_GOOD)
        return ue_fail(boot->result, UE_NOT_VERIFIED, ue_verdict_text(verdict));
    return take_document(boot, exchange);
}

int ue_bootstrap(ue_bootstrapping_t *out, const ue_options_t *opts, const ue_trace_t *trace,
                 ue_result_t *result, apr_pool_t *pool)
{
    boot_t boot = {.out = out, .trace = trace, .result = result, .pool = pool};
    ue_exchange_t exchange;
    memset(out, 0, sizeof(*out));
    if (!prepare(&boot, opts) ||
        !exchange_once(&boot, &exchange, ue_ub_ask(boot.ub, boot.url.target)) ||
        !authenticate_network(&boot, &exchange) || !finish(&boot, &exchange))
        return 0;
    out->impi = boot.usim->impi;
    out->ks = base_secret_copy(pool, boot.vector->ks, GBA_KS_LEN);
    memcpy(out->rand, boot.vector->rand, sizeof(out->rand));
    ue_trace_note(trace, "Ks = CK || IK is ours now; B-TID: %s, until %s",
                  base_log_safe(pool, out->btid, 256), base_log_safe(pool, out->until, 64));
    return 1;
}

int ue_bootstrapping_password(base_span_t *password, const ue_bootstrapping_t *boot,
                              const char *naf_fqdn, const unsigned char ua_id[GBA_UA_ID_LEN],
                              ue_result_t *result, apr_pool_t *pool)
{
    unsigned char *key = base_secret_alloc(pool, GBA_KEY_LEN);
    gba_naf_id_t naf;
    if (!gba_naf_id_set(&naf, naf_fqdn, ua_id))
        return ue_fail(result, UE_USAGE, "the NAF's name is no host name: use --naf-fqdn");
    if (!gba_kdf(key, GBA_KDF_ME, boot->ks, boot->rand, base_span_str(boot->impi), &naf))
        return ue_fail(result, UE_LOCAL, "the key derivation failed");
    *password = base_span_str(gba_password(pool, key));
    return 1;
}
