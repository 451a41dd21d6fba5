/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_enrol.h"
#include <string.h>
#include <unistd.h>
#include <apr_strings.h>
#include "gba/gba_names.h"
#include "pki/pki_pkcs10.h"
#include "ue_bootstrap.h"
#include "ue_files.h"
#include "ue_http.h"
#include "ue_key.h"
#include "ue_report.h"
#include "ue_secret.h"
#include "ue_session.h"
#include "ue_trace.h"

/* One enrolment. */
typedef struct enrol_t {
    const ue_options_t *opts;
    ue_result_t *result;
    apr_pool_t *pool;
    ue_trace_t trace;
    ue_url_t url;
    ue_identity_t identity;
    ue_session_t *session;
    ue_http_t *http;
    base_span_t csr;
    EVP_PKEY *own;       /* NULL if an unreadable --csr hides it: no certificate fits then */
    const char *new_key; /* path of the key file that we made */
    ue_pending_t *out;   /* NULL: certificate to standard output */
    int authorized;      /* nonzero: credentials were sent */
    int bootstrapped_again;
} enrol_t;

/* What was bootstrapped earlier, if there is a file of it that is still good and the portal has not
 * refused it; else, where there is a BSF, a new one, kept in that file. */
static int prepare_bootstrapping(enrol_t *enrol, ue_bootstrapping_t *boot)
{
    const ue_options_t *opts = enrol->opts;
    const char *file = opts->bootstrapping;
    int is_there = file && (!opts->bsf || access(file, F_OK) == 0);
    if (is_there && !enrol->bootstrapped_again) {
        if (ue_bootstrapping_load(boot, file, enrol->result, enrol->pool))
            return 1;
        if (!opts->bsf || enrol->result->outcome != UE_AUTH_REFUSED)
            return 0;
        ue_trace_note(&enrol->trace, "%s", enrol->result->detail);
    }
    return ue_bootstrap(boot, opts, &enrol->trace, enrol->result, enrol->pool) &&
           (!file || ue_bootstrapping_save(boot, file, enrol->result, enrol->pool));
}

/* B-TID and password: from a BSF, from a file of an earlier bootstrapping, or as given. */
static int prepare_credentials(enrol_t *enrol)
{
    const ue_options_t *opts = enrol->opts;
    ue_identity_t *identity = &enrol->identity;
    ue_bootstrapping_t boot;
    if (!opts->bsf && !opts->bootstrapping) {
        identity->btid = opts->btid;
        return ue_secret_password(&identity->password, opts, identity->naf_fqdn, enrol->result,
                                  enrol->pool);
    }
    if (!prepare_bootstrapping(enrol, &boot))
        return 0;
    identity->btid = enrol->result->btid = boot.btid;
    enrol->result->expires = boot.until;
    return ue_bootstrapping_password(&identity->password, &boot, identity->naf_fqdn, opts->ua_id,
                                     enrol->result, enrol->pool);
}

static int prepare_identity(enrol_t *enrol)
{
    const ue_options_t *opts = enrol->opts;
    if (!ue_http_url(&enrol->url, opts->url, enrol->result, enrol->pool))
        return 0;
    enrol->identity.naf_fqdn = opts->naf_fqdn ? opts->naf_fqdn : enrol->url.host;
    if (!gba_fqdn_check(enrol->identity.naf_fqdn))
        return ue_fail(enrol->result, UE_USAGE,
                       "the URL's host cannot be a NAF's name: use --naf-fqdn");
    if (!prepare_credentials(enrol))
        return 0;
    enrol->session = ue_session_make(&enrol->identity, base_random_system(), enrol->pool);
    enrol->http = ue_http_make(opts, &enrol->url, enrol->result, enrol->pool);
    return enrol->http != NULL;
}

/* The key is on disk before a certificate for it can exist. */
static int prepare_key(enrol_t *enrol)
{
    const ue_options_t *opts = enrol->opts;
    if (opts->key) {
        enrol->own = ue_key_load(opts->key, enrol->result, enrol->pool);
        return enrol->own != NULL;
    }
    enrol->own = ue_key_make(opts->new_key, enrol->result, enrol->pool);
    if (!enrol->own || !ue_key_save(enrol->own, opts->key_out, enrol->result, enrol->pool))
        return 0;
    enrol->new_key = opts->key_out;
    return 1;
}

static int prepare_csr(enrol_t *enrol)
{
    const ue_options_t *opts = enrol->opts;
    if (!opts->csr)
        return prepare_key(enrol) && ue_csr_make(&enrol->csr, enrol->own, opts->usage,
                                                 opts->csr_form, enrol->result, enrol->pool);
    if (!ue_file_read(&enrol->csr, opts->csr, PKI_PKCS10_MAX, enrol->result, enrol->pool))
        return 0;
    enrol->own = ue_csr_public_key(enrol->csr, enrol->pool);
    if (!enrol->own)
        fprintf(stderr, "gba-ue: --csr is no PKCS#10 that we can read; sent as it is\n");
    return 1;
}

static int prepare_out(enrol_t *enrol)
{
    if (!enrol->opts->out)
        return 1;
    enrol->out = ue_pending_open(enrol->opts->out, enrol->result, enrol->pool);
    return enrol->out != NULL;
}

/* One request and its answer. Nonzero on a complete answer. */
static int exchange_once(enrol_t *enrol, ue_exchange_t *exchange, int authorize, base_span_t body)
{
    const digest_credentials_t *sent = authorize ? &enrol->session->sent : NULL;
    memset(exchange, 0, sizeof(*exchange));
    exchange->body = body;
    if (authorize) {
        exchange->authorization =
            ue_session_authorize(enrol->session, "POST", enrol->url.target, body);
        if (!exchange->authorization)
            return ue_fail(enrol->result, UE_LOCAL, "the credentials cannot be computed");
        enrol->result->algorithm = digest_alg_name(sent->alg);
        enrol->authorized = 1;
    }
    int done = ue_http_exchange(enrol->http, exchange, enrol->result);
    ue_trace_request(&enrol->trace, exchange, sent);
    ue_trace_answer(&enrol->trace, exchange);
    enrol->result->status = exchange->status;
    return done;
}

/* Takes the challenge of a 401. Nonzero if one was taken. */
static int take_challenge(enrol_t *enrol, const ue_exchange_t *exchange)
{
    const apr_array_header_t *fields = ue_http_fields(exchange, "WWW-Authenticate", enrol->pool);
    ue_challenge_t taken = ue_session_take(enrol->session, fields, enrol->opts->algorithm);
    ue_trace_challenge(&enrol->trace, enrol->session, taken);
    return taken == UE_CHALLENGE_TAKEN ||
           ue_fail(enrol->result, UE_AUTH_REFUSED, ue_challenge_text(taken));
}

/* The renegotiation indication (TS 24.109 5.2.5): a new key, once, if we can get one. */
static int bootstrap_again(enrol_t *enrol, const ue_exchange_t *exchange)
{
    enrol->bootstrapped_again = 1;
    ue_trace_note(&enrol->trace, "the portal asks for a new bootstrapping");
    if (!prepare_credentials(enrol))
        return 0;
    enrol->session = ue_session_make(&enrol->identity, base_random_system(), enrol->pool);
    return take_challenge(enrol, exchange);
}

/* A 401 to credentials: a new nonce, if that is all the portal asks for and it was not asked
 * for before; else the key is refused (TS 24.109 5.2.5). */
static int take_renewal(enrol_t *enrol, const ue_exchange_t *exchange, int retried)
{
    if (!take_challenge(enrol, exchange))
        return 0;
    if (!enrol->session->challenge.stale && enrol->opts->bsf && !enrol->bootstrapped_again)
        return bootstrap_again(enrol, exchange);
    if (!enrol->session->challenge.stale)
        return ue_fail(enrol->result, UE_AUTH_REFUSED,
                       "the portal does not accept B-TID and Ks_NAF: bootstrap again");
    return !retried || ue_fail(enrol->result, UE_AUTH_REFUSED,
                               "the portal calls the nonce that it just gave stale");
}

/* From the first request to the final answer. Nonzero if there is one, of a status other than
 * 401. At most four requests: after the first, with a stale nonce, with a new key. */
static int converse(enrol_t *enrol, ue_exchange_t *exchange)
{
    base_span_t first = enrol->opts->start_empty ? (base_span_t){NULL, 0} : enrol->csr;
    if (!exchange_once(enrol, exchange, 0, first))
        return 0;
    if (exchange->status != 401)
        return 1;
    if (!take_challenge(enrol, exchange))
        return 0;
    for (int retried = 0;; retried = 1) {
        if (!exchange_once(enrol, exchange, 1, enrol->csr))
            return 0;
        if (exchange->status != 401)
            return 1;
        if (!take_renewal(enrol, exchange, retried))
            return 0;
    }
}

/* Believes the final answer or not. */
static void judge(enrol_t *enrol, const ue_exchange_t *exchange)
{
    const apr_array_header_t *infos = ue_http_fields(exchange, "Authentication-Info", enrol->pool);
    const apr_array_header_t *types = ue_http_fields(exchange, "Content-Type", enrol->pool);
    ue_answer_t answer = {exchange->status, NULL, exchange->answer};
    ue_verdict_t verdict = ue_session_verify(enrol->session, infos, exchange->answer);
    ue_trace_verdict(&enrol->trace, enrol->session, verdict, exchange->answer.len);
    if (verdict != UE_VERDICT_GOOD) {
        ue_fail(enrol->result, UE_NOT_VERIFIED, ue_verdict_text(verdict));
        return;
    }
    if (types->nelts == 1)
        answer.content_type = APR_ARRAY_IDX(types, 0, const char *);
    ue_outcome_judge(enrol->result, &answer, enrol->own, enrol->pool);
    ue_trace_note(&enrol->trace, "outcome, from the verified body: %s",
                  ue_outcome_name(enrol->result->outcome));
}

static void keep_or_remove_key(enrol_t *enrol)
{
    ue_result_t *result = enrol->result;
    int maybe_certified = result->outcome == UE_TRANSPORT && enrol->authorized;
    int keep = result->outcome == UE_ENROLLED || result->pem || maybe_certified;
    if (enrol->new_key && keep)
        result->key_file = enrol->new_key;
    else if (enrol->new_key && unlink(enrol->new_key) != 0)
        fprintf(stderr, "gba-ue: the key file could not be removed\n");
    if (!enrol->new_key && result->outcome == UE_ENROLLED)
        result->key_file = enrol->opts->key;
}

static void finish(enrol_t *enrol)
{
    if (enrol->result->outcome == UE_ENROLLED && enrol->out &&
        ue_pending_commit(enrol->out, enrol->result->pem, 0644, enrol->result))
        enrol->result->cert_file = enrol->opts->out;
    keep_or_remove_key(enrol);
}

void ue_enrol(ue_result_t *result, const ue_options_t *opts, apr_pool_t *pool)
{
    enrol_t enrol = {.opts = opts, .result = result, .pool = pool};
    ue_exchange_t exchange;
    enrol.trace.to = opts->trace ? ue_report_people(opts) : NULL;
    enrol.trace.pool = pool;
    ue_fail(result, UE_LOCAL, "not run");
    if (prepare_identity(&enrol) && prepare_out(&enrol) && prepare_csr(&enrol) &&
        converse(&enrol, &exchange))
        judge(&enrol, &exchange);
    finish(&enrol);
}
