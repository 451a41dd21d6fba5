/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_body.h"

#include <http_protocol.h>
#include <util_filter.h>

#include "base/base_text.h"
#include "httpd/mod_gba_pki_spool.h"

#define READ_SIZE   8192        /* octets asked for at a time */
#define DRAIN_LIMIT (16 * 1024) /* an announced body up to this size is drained, not cut off */

/* The announced length, or -1 if there is none or the body is chunked. */
static apr_off_t announced_length(const request_rec *r)
{
    const char *text = apr_table_get(r->headers_in, "Content-Length");
    apr_uint64_t length;

    if (!text || apr_table_get(r->headers_in, "Transfer-Encoding"))
        return -1;
    return base_decimal_decode(&length, base_span_str(text), APR_INT64_MAX) ? (apr_off_t)length
                                                                            : -1;
}

/* What is wrong with the framing of the body, or NULL. A peer in front of httpd may see other ends
 * of the body than httpd does: RFC 9112 6.1 and 6.3 let a server refuse what leaves room for that.
 */
static const char *framing_fault(const request_rec *r)
{
    const char *coding = apr_table_get(r->headers_in, "Transfer-Encoding");

    /* HTTP/2 frames its bodies itself; mod_http2 says "chunked" where there is no length. */
    if (!coding || r->connection->master)
        return NULL;
    if (r->proto_num < HTTP_VERSION(1, 1))
        return "Transfer-Encoding in an HTTP/1.0 request";
    if (!base_equal_nocase(coding, "chunked"))
        return "a Transfer-Encoding other than chunked";
    /* httpd takes a Content-Length away where there is a Transfer-Encoding. What tells of it is
     * that the connection is to be closed before anybody has answered. */
    if (r->connection->keepalive == AP_CONN_CLOSE)
        return "Content-Length and Transfer-Encoding together";
    return NULL;
}

base_result_t mod_gba_pki_body_framing(mod_gba_pki_state_t *state, int *status)
{
    const char *fault = framing_fault(state->first);

    if (!fault)
        return base_ok();
    state->first->connection->keepalive = AP_CONN_CLOSE;
    *status = HTTP_BAD_REQUEST;
    return base_fail(BASE_BODY_BROKEN, "GBA0634", fault);
}

void mod_gba_pki_body_leave(mod_gba_pki_state_t *state)
{
    request_rec *r = state->first;
    apr_off_t length = announced_length(r);

    if (state->body)
        return;
    if (length > DRAIN_LIMIT || apr_table_get(r->headers_in, "Transfer-Encoding"))
        r->connection->keepalive = AP_CONN_CLOSE;
}

static base_result_t over_cap(mod_gba_pki_state_t *state, int *status)
{
    state->first->connection->keepalive = AP_CONN_CLOSE;
    *status = HTTP_REQUEST_ENTITY_TOO_LARGE;
    return base_fail(BASE_BODY_OVER_CAP, "GBA0630", "the request body is over GBARequestBody");
}

static base_result_t read_failed(mod_gba_pki_state_t *state, apr_status_t rv, int *status)
{
    state->first->connection->keepalive = AP_CONN_CLOSE;
    if (APR_STATUS_IS_TIMEUP(rv)) {
        *status = HTTP_REQUEST_TIME_OUT;
        return base_fail(BASE_BODY_TIMEOUT, "GBA0631", "the request body did not arrive in time");
    }
    *status = ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
    return base_fail(BASE_BODY_BROKEN, "GBA0632", "the request body is broken or too large");
}

static base_result_t spool_failed(int *status)
{
    *status = HTTP_INTERNAL_SERVER_ERROR;
    return base_fail(BASE_INTERNAL, "GBA0633", "the request body cannot be hashed or spooled");
}

/* Takes one brigade off the wire; *eos is set when the body has ended. */
static base_result_t take(mod_gba_pki_state_t *state, mod_gba_pki_spool_t *spool,
                          apr_bucket_brigade *bb, int *eos, int *status)
{
    for (apr_bucket *b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t len;
        apr_status_t rv;
        mod_gba_pki_spool_rv_t added;

        if (APR_BUCKET_IS_EOS(b)) {
            *eos = 1;
            return base_ok();
        }
        if (APR_BUCKET_IS_METADATA(b))
            continue;
        rv = apr_bucket_read(b, &data, &len, APR_BLOCK_READ);
        if (rv != APR_SUCCESS)
            return read_failed(state, rv, status);
        added = mod_gba_pki_spool_add(spool, data, len);
        if (added == MOD_GBA_PKI_SPOOL_FULL)
            return over_cap(state, status);
        if (added != MOD_GBA_PKI_SPOOL_OK || !portal_authn_body(state->authn, data, len))
            return spool_failed(status);
    }
    return base_ok();
}

static base_result_t read_all(mod_gba_pki_state_t *state, mod_gba_pki_spool_t *spool, int *status)
{
    request_rec *r = state->first;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    base_result_t result = base_ok();
    int eos = 0;

    while (!eos && result.code == BASE_OK) {
        apr_status_t rv =
            ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ, READ_SIZE);
        if (rv != APR_SUCCESS)
            result = read_failed(state, rv, status);
        else if (APR_BRIGADE_EMPTY(bb))
            result = read_failed(state, APR_EGENERAL, status);
        else
            result = take(state, spool, bb, &eos, status);
        apr_brigade_cleanup(bb);
    }
    return result;
}

/* Trailers are outside the hash, and MergeTrailers would make them header fields. They are known
 * only now that the body was read. */
static base_result_t check_trailers(mod_gba_pki_state_t *state, int *status)
{
    if (apr_is_empty_table(state->first->trailers_in))
        return base_ok();
    state->first->connection->keepalive = AP_CONN_CLOSE;
    *status = HTTP_BAD_REQUEST;
    return base_fail(BASE_BODY_BROKEN, "GBA0635", "trailers behind the request body");
}

/* A body that will end up on disk goes there at once: what it would fill in memory first stays
 * with the connection's allocator, and there may be many connections. */
static mod_gba_pki_limits_t limits_of(const mod_gba_pki_state_t *state)
{
    mod_gba_pki_limits_t limits = {state->dir->request_max, state->dir->request_spool};

    if (announced_length(state->first) > limits.spool)
        limits.spool = 0;
    return limits;
}

base_result_t mod_gba_pki_body_read(mod_gba_pki_state_t *state, int *status)
{
    request_rec *r = state->first;
    mod_gba_pki_limits_t limits = limits_of(state);
    mod_gba_pki_spool_t *spool =
        mod_gba_pki_spool_make(r->pool, r->connection->bucket_alloc, limits);
    base_result_t result;

    /* Before the first read: it would send "100 Continue" and draw the body in. */
    if (announced_length(r) > limits.max)
        return over_cap(state, status);
    result = read_all(state, spool, status);
    if (result.code == BASE_OK)
        result = check_trailers(state, status);
    if (result.code != BASE_OK) {
        mod_gba_pki_spool_drop(spool);
        return result;
    }
    state->body = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    return mod_gba_pki_spool_take(spool, state->body) == APR_SUCCESS ? result
                                                                     : spool_failed(status);
}

/* ---- handing on ---- */

void mod_gba_pki_body_hand_on(request_rec *r, const mod_gba_pki_state_t *state)
{
    if (state->body && !mod_gba_pki_has_filter(r->input_filters, MOD_GBA_PKI_BODY_FILTER))
        ap_add_input_filter(MOD_GBA_PKI_BODY_FILTER, NULL, r, r->connection);
}

apr_status_t mod_gba_pki_body_filter(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
                                     apr_read_type_e block, apr_off_t readbytes)
{
    mod_gba_pki_state_t *state = mod_gba_pki_state(f->r);
    apr_bucket *after;
    apr_status_t rv;

    if (mode != AP_MODE_READBYTES || !state || !state->body)
        return ap_get_brigade(f->next, bb, mode, block, readbytes);
    rv = apr_brigade_partition(state->body, readbytes, &after);
    if (rv != APR_SUCCESS && rv != APR_INCOMPLETE)
        return rv;
    while (APR_BRIGADE_FIRST(state->body) != after && !APR_BRIGADE_EMPTY(state->body)) {
        apr_bucket *b = APR_BRIGADE_FIRST(state->body);
        APR_BUCKET_REMOVE(b);
        APR_BRIGADE_INSERT_TAIL(bb, b);
    }
    /* Said again on every later read: handlers differ in how often they ask. */
    if (APR_BRIGADE_EMPTY(state->body))
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    return APR_SUCCESS;
}
