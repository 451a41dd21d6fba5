/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_protect.h"

#include <string.h>

#include <apr_lib.h>
#include <http_connection.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "httpd/mod_gba_pki_body.h"
#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_spool.h"

APLOG_USE_MODULE(gba_pki);

#define FAILURES_MAX 3 /* the response, the operator's page for that, httpd's own */

/* One response being held. httpd may start another for the same transaction (an error page), so
 * this belongs to the filter's instance, and "complete" to the transaction. */
typedef struct holding_t {
    mod_gba_pki_spool_t *spool;
    digest_body_t *hash;
    apr_bucket_brigade *meta; /* metadata that came with the data, in order */
    int dead;                 /* answered, or answered otherwise: swallow whatever else comes */
    int failed;               /* dead, and who still writes should hear of it */
} holding_t;

/* What would go past the filter. A back end's 1xx are sent at once, with the back end's fields;
 * after a change of protocol nobody hashes anything, and over h2c the same nc would come again. And
 * what would keep it: mod_cache takes what it has seen no Authorization with for everybody's. */
static void keep_to_filters(request_rec *r)
{
    apr_table_setn(r->subprocess_env, "proxy-interim-response", "Suppress");
    apr_table_setn(r->subprocess_env, "no-cache", "1");
    apr_table_unset(r->headers_in, "Upgrade");
}

void mod_gba_pki_insert_filters(request_rec *r)
{
    const mod_gba_pki_state_t *state = mod_gba_pki_state(r);

    if (!state || !state->verified) {
        if (!r->main)
            mod_gba_pki_mark_open(r);
        return;
    }
    /* A subrequest's output flows through the main request's filter. */
    if (!r->main && !mod_gba_pki_has_filter(r->output_filters, MOD_GBA_PKI_PROTECT_FILTER))
        ap_add_output_filter(MOD_GBA_PKI_PROTECT_FILTER, NULL, r, r->connection);
    keep_to_filters(r);
    /* An internal redirect drops the input filter. */
    mod_gba_pki_body_hand_on(r, state);
}

/* httpd asked nobody who he is: "Satisfy Any" of mod_access_compat, or a module that answers for
 * all others. What AuthType GBA closes stays closed. */
static int refuse_open(request_rec *r)
{
    mod_gba_pki_log_result(r, base_fail(BASE_NO_CONTEXT, "GBA1840",
                                        "AuthType GBA, but httpd let the request in without "
                                        "authentication (Satisfy Any?)"));
    return base_code_info(BASE_NO_CONTEXT)->http_status;
}

int mod_gba_pki_protect_handler(request_rec *r)
{
    static const char *const scripts[] = {"cgi-script", "application/x-httpd-cgi"};
    const mod_gba_pki_state_t *state = mod_gba_pki_state(r);

    if (!state || !state->verified)
        return mod_gba_pki_applies(r) ? refuse_open(r) : DECLINED;
    if (!r->handler || !r->filename || strncmp(apr_filepath_name_get(r->filename), "nph-", 4) != 0)
        return DECLINED;
    for (apr_size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
        if (strcmp(r->handler, scripts[i]) == 0) {
            mod_gba_pki_log_result(
                r, base_fail(BASE_INTERNAL, "GBA0657", "an nph- script cannot be protected"));
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    return DECLINED;
}

static holding_t *hold(ap_filter_t *f, const mod_gba_pki_state_t *state)
{
    holding_t *h = f->ctx;
    mod_gba_pki_limits_t limits = {state->dir->response_max, state->dir->response_spool};

    if (h)
        return h;
    h = f->ctx = apr_pcalloc(f->r->pool, sizeof(*h));
    h->spool = mod_gba_pki_spool_make(f->r->pool, f->c->bucket_alloc, limits);
    h->meta = apr_brigade_create(f->r->pool, f->c->bucket_alloc);
    h->hash = portal_authn_response_start(state->authn, f->r->pool);
    return h;
}

static void let_go(holding_t *h)
{
    mod_gba_pki_spool_drop(h->spool);
    apr_brigade_cleanup(h->meta);
    h->dead = 1;
}

/* Nobody behind the location may speak for the portal, in trailers neither (HTTP/2 has them). */
static void set_info(request_rec *r, const char *info)
{
    static const char *const foreign[] = {"Authentication-Info", "WWW-Authenticate"};

    for (apr_size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        apr_table_unset(r->err_headers_out, foreign[i]);
        apr_table_unset(r->headers_out, foreign[i]);
        apr_table_unset(r->trailers_out, foreign[i]);
    }
    apr_table_setn(r->headers_out, "Authentication-Info", info);
}

/* The Authentication-Info of what is held, or NULL. A response without a body on the wire (HEAD,
 * 204, 304) is hashed as empty. */
static const char *protection(const ap_filter_t *f, holding_t *h, const mod_gba_pki_state_t *state)
{
    request_rec *r = f->r;
    char hex[DIGEST_HEX_MAX];

    if (r->header_only || AP_STATUS_IS_HEADER_ONLY(r->status))
        h->hash = portal_authn_response_start(state->authn, r->pool);
    if (!h->hash || !digest_body_finish(h->hash, hex))
        return NULL;
    return portal_authn_response_info(state->authn, hex, r->pool);
}

/* What is made to be shown instead fails in turn: an answer of no octets, or, if that cannot be
 * protected either, none and the connection's end. */
static apr_status_t answer_empty(ap_filter_t *f, holding_t *h, mod_gba_pki_state_t *state)
{
    apr_bucket_brigade *bb = apr_brigade_create(f->r->pool, f->c->bucket_alloc);
    const char *info;

    h->hash = portal_authn_response_start(state->authn, f->r->pool);
    info = protection(f, h, state);
    state->complete = 1;
    if (!info) {
        f->c->keepalive = AP_CONN_CLOSE;
        return AP_FILTER_ERROR;
    }
    f->r->status = HTTP_INTERNAL_SERVER_ERROR;
    f->r->status_line = NULL;
    set_info(f->r, info);
    apr_table_unset(f->r->headers_out, "Content-Length");
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    ap_pass_brigade(f->next, bb);
    return AP_FILTER_ERROR;
}

/* Replaces what is held by an error page, which a new instance of this filter will protect: the
 * error bucket makes httpd start it inside ap_pass_brigade(). */
static apr_status_t fail(ap_filter_t *f, holding_t *h, base_result_t result, int status)
{
    mod_gba_pki_state_t *state = mod_gba_pki_state(f->r);
    apr_bucket_brigade *bb = apr_brigade_create(f->r->pool, f->c->bucket_alloc);

    mod_gba_pki_log_result(f->r, result);
    let_go(h);
    h->failed = 1;
    if (++state->failures > FAILURES_MAX)
        return answer_empty(f, h, state);
    APR_BRIGADE_INSERT_TAIL(bb,
                            ap_bucket_error_create(status, NULL, f->r->pool, f->c->bucket_alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    ap_pass_brigade(f->next, bb);
    return AP_FILTER_ERROR;
}

static apr_status_t release(ap_filter_t *f, holding_t *h, mod_gba_pki_state_t *state)
{
    apr_bucket_brigade *out = apr_brigade_create(f->r->pool, f->c->bucket_alloc);
    const char *info = protection(f, h, state);
    apr_status_t rv;

    if (!info || mod_gba_pki_spool_take(h->spool, out) != APR_SUCCESS)
        return fail(f, h, base_fail(BASE_INTERNAL, "GBA0650", "the response cannot be protected"),
                    HTTP_INTERNAL_SERVER_ERROR);
    set_info(f->r, info);
    APR_BRIGADE_CONCAT(out, h->meta);
    APR_BRIGADE_INSERT_TAIL(out, apr_bucket_eos_create(f->c->bucket_alloc));
    h->dead = 1;
    rv = ap_pass_brigade(f->next, out);
    state->complete = 1;
    return rv;
}

/* Adds one data bucket; a base_result_t other than BASE_OK ends the response. */
static base_result_t add_data(holding_t *h, apr_bucket *b)
{
    const char *data;
    apr_size_t len;
    mod_gba_pki_spool_rv_t added;

    /* For a small file a mapping and its page fault cost more than the hash; and a mapped file that
     * somebody cuts short kills the child. */
    if (APR_BUCKET_IS_FILE(b))
        apr_bucket_file_enable_mmap(b, 0);
    if (apr_bucket_read(b, &data, &len, APR_BLOCK_READ) != APR_SUCCESS)
        return base_fail(BASE_INTERNAL, "GBA0651", "the response cannot be read");
    added = mod_gba_pki_spool_add(h->spool, data, len);
    if (added == MOD_GBA_PKI_SPOOL_FULL)
        return base_fail(BASE_RESPONSE_OVER_CAP, "GBA0652", "the response is over GBAResponseBody");
    if (added != MOD_GBA_PKI_SPOOL_OK)
        return base_fail(BASE_INTERNAL, "GBA0653", "the response cannot be spooled");
    if (!h->hash || !digest_body_add(h->hash, data, len))
        return base_fail(BASE_INTERNAL, "GBA0654", "the response cannot be hashed");
    return base_ok();
}

/* An error or the connection's end in the stream: what is held is void, httpd acts on the rest. */
static apr_status_t give_way(ap_filter_t *f, holding_t *h, apr_bucket_brigade *bb)
{
    let_go(h);
    return ap_pass_brigade(f->next, bb);
}

/* Nobody gets this any more. A handler that goes on for ever learns that it should not. */
static apr_status_t swallow(const holding_t *h, apr_bucket_brigade *bb)
{
    apr_brigade_cleanup(bb);
    return h->failed ? AP_FILTER_ERROR : APR_SUCCESS;
}

static apr_status_t abandon(holding_t *h, apr_bucket_brigade *bb)
{
    let_go(h);
    h->failed = 1;
    return swallow(h, bb);
}

static apr_status_t take(ap_filter_t *f, holding_t *h, mod_gba_pki_state_t *state,
                         apr_bucket_brigade *bb)
{
    while (!APR_BRIGADE_EMPTY(bb)) {
        apr_bucket *b = APR_BRIGADE_FIRST(bb);
        base_result_t result;

        if (AP_BUCKET_IS_ERROR(b) || AP_BUCKET_IS_EOC(b))
            return give_way(f, h, bb);
        /* HTTP/2 tells at once when nobody waits for the rest any more. */
        if (f->c->aborted)
            return abandon(h, bb);
        if (APR_BUCKET_IS_EOS(b)) {
            apr_brigade_cleanup(bb);
            return release(f, h, state);
        }
        if (APR_BUCKET_IS_METADATA(b)) {
            APR_BUCKET_REMOVE(b);
            /* A flush would send the headers before the hash is known. */
            if (APR_BUCKET_IS_FLUSH(b))
                apr_bucket_destroy(b);
            else
                APR_BRIGADE_INSERT_TAIL(h->meta, b);
            continue;
        }
        result = add_data(h, b);
        if (result.code != BASE_OK) {
            apr_brigade_cleanup(bb);
            return fail(f, h, result, base_code_info(result.code)->http_status);
        }
        apr_bucket_delete(b);
    }
    return APR_SUCCESS;
}

/* BASE_OK, or why nobody may see this status. */
static base_result_t check_status(int status)
{
    /* A back end that asks for other credentials is misconfigured; a UE that saw its 401 would
     * bootstrap again, in a loop. */
    if (status == HTTP_UNAUTHORIZED)
        return base_fail(BASE_INTERNAL, "GBA0655", "401 from behind an authenticated location");
    /* RFC 9110 15.2: a 1xx ends no response; the UE would take what follows for the response. */
    if (status < HTTP_OK)
        return base_fail(BASE_INTERNAL, "GBA0656", "a script or back end ends with a 1xx");
    return base_ok();
}

apr_status_t mod_gba_pki_protect_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    mod_gba_pki_state_t *state = mod_gba_pki_state(f->r);
    base_result_t result;
    holding_t *h;

    if (!state || !state->verified) {
        apr_brigade_cleanup(bb);
        return AP_FILTER_ERROR;
    }
    h = hold(f, state);
    if (h->dead || state->complete)
        return swallow(h, bb);
    result = check_status(f->r->status);
    if (result.code != BASE_OK) {
        apr_brigade_cleanup(bb);
        return fail(f, h, result, HTTP_BAD_GATEWAY);
    }
    return take(f, h, state, bb);
}
