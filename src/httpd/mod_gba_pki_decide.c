/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_decide.h"

#include <string.h>

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include "httpd/mod_gba_pki_enrol.h"
#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_profile.h"
#include "httpd/mod_gba_pki_rules.h"
#include "httpd/mod_gba_pki_run.h"
#include "pki/pki_media.h"
#include "portal/portal_inquiry.h"

APLOG_USE_MODULE(gba_pki);

/* A B-TID that no BSF hands out (RFC 6761): the records know nobody by it. */
#define NOBODY "ZGVjaWRl@decide.invalid"

#define MEDIA_JSON "application/json"

/* ---- the question ---- */

/* At most the cap and one octet, so that it is seen that there is more. */
static apr_status_t read_octets(request_rec *r, char *data, apr_size_t *len)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_status_t rv = APR_SUCCESS;
    int eos = 0;

    *len = 0;
    while (rv == APR_SUCCESS && !eos && *len <= PORTAL_INQUIRY_MAX) {
        apr_size_t room = PORTAL_INQUIRY_MAX + 1 - *len;
        rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ,
                            (apr_off_t)room);
        if (rv == APR_SUCCESS && APR_BRIGADE_EMPTY(bb))
            rv = APR_EGENERAL;
        if (rv != APR_SUCCESS)
            break;
        rv = apr_brigade_flatten(bb, data + *len, &room);
        *len += room;
        eos = APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));
        apr_brigade_cleanup(bb);
    }
    return rv;
}

/* OK, or the status to answer with. */
static int read_question(portal_inquiry_t *question, request_rec *r, base_result_t *result)
{
    char *data = apr_palloc(r->pool, PORTAL_INQUIRY_MAX + 1);
    apr_size_t len;
    base_span_t text;
    apr_status_t rv = read_octets(r, data, &len);

    if (rv != APR_SUCCESS)
        return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
    if (len > PORTAL_INQUIRY_MAX)
        return HTTP_REQUEST_ENTITY_TOO_LARGE;
    text.data = (unsigned char *)data;
    text.len = len;
    *result = portal_inquiry_read(question, text, r->pool);
    return OK;
}

/* ---- the decision ---- */

/* Marks a request that looks for a location. */
static const char looking[] = "gba-decide looks for a location";

int mod_gba_pki_decide_found(request_rec *r)
{
    return r->main && apr_table_get(r->main->notes, looking) ? HTTP_FORBIDDEN : DECLINED;
}

/* The location with the configuration that a request to it would have; NULL if nothing is enrolled
 * there. */
static request_rec *find_location(request_rec *r, const char *location)
{
    request_rec *found;

    apr_table_setn(r->notes, looking, "1");
    found = ap_sub_req_lookup_uri(location, r, NULL);
    apr_table_unset(r->notes, looking);
    return found && mod_gba_pki_enrols(found) ? found : NULL;
}

static base_result_t decide(portal_enrol_answer_t *answer, request_rec *place,
                            const portal_inquiry_t *question, portal_inquiry_trace_t *trace)
{
    const mod_gba_pki_dir_t *dir = mod_gba_pki_dir_effective(place, place->pool);
    portal_enrol_config_t config = {.dry = 1,
                                    .trace = &trace->trace,
                                    .naf_group = dir->naf_group,
                                    .refusal_expires = dir->refusal_expires,
                                    .rules = mod_gba_pki_rules(place, dir),
                                    .clock = mod_gba_pki_world()->clock};
    portal_enrol_request_t request = {.method = "POST",
                                      .content_type = PKI_MEDIA_PKCS10,
                                      .body = question->csr,
                                      .btid = NOBODY,
                                      .info = question->info,
                                      .uicc_key = question->uicc_key};
    portal_issuer_t *issuer = NULL;
    base_result_t result = mod_gba_pki_issuer(&issuer, place, dir);

    config.profiles = mod_gba_pki_profiles(dir, &config.profile_count,
                                           place->server->process->pconf, place->pool);
    return result.code == BASE_OK ? portal_enrol(answer, &config, issuer, &request, place->pool)
                                  : result;
}

/* ---- the answer ---- */

static int send_json(request_rec *r, int status, const char *text)
{
    if (!text)
        return HTTP_INTERNAL_SERVER_ERROR;
    r->status = status;
    ap_set_content_type(r, MEDIA_JSON);
    ap_set_content_length(r, (apr_off_t)strlen(text));
    ap_rputs(text, r);
    return OK;
}

static int refuse(request_rec *r, base_result_t result)
{
    portal_enrol_answer_t nothing;
    portal_inquiry_trace_t *trace = portal_inquiry_trace(r->pool);

    memset(&nothing, 0, sizeof(nothing));
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "%s: gba-decide: %s", result.tag, result.detail);
    return send_json(r, HTTP_BAD_REQUEST,
                     trace ? portal_inquiry_print(result, &nothing, trace, r->pool) : NULL);
}

static int answer_question(request_rec *r)
{
    portal_inquiry_t question;
    portal_inquiry_trace_t *trace = portal_inquiry_trace(r->pool);
    portal_enrol_answer_t answer;
    base_result_t result;
    request_rec *place;
    int status = read_question(&question, r, &result);

    memset(&answer, 0, sizeof(answer));
    if (status != OK)
        return status;
    if (!trace)
        return HTTP_INTERNAL_SERVER_ERROR;
    if (result.code != BASE_OK)
        return refuse(r, result);
    place = find_location(r, question.location);
    if (!place)
        return refuse(r, base_fail(BASE_MALFORMED, "GBA1751", "location: there is no gba-enrol"));
    result = decide(&answer, place, &question, trace);
    return send_json(r, HTTP_OK, portal_inquiry_print(result, &answer, trace, r->pool));
}

/* Nonzero if the media type is JSON, with whatever parameters. */
static int is_json(request_rec *r)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    const apr_size_t len = sizeof(MEDIA_JSON) - 1;

    return type && ap_cstr_casecmpn(type, MEDIA_JSON, len) == 0 &&
           (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

int mod_gba_pki_decide_handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "gba-decide") != 0)
        return DECLINED;
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (r->method_number != M_POST) {
        ap_allow_standard_methods(r, REPLACE_ALLOW, M_POST, -1);
        return HTTP_METHOD_NOT_ALLOWED;
    }
    if (!is_json(r))
        return HTTP_UNSUPPORTED_MEDIA_TYPE;
    if (!mod_gba_pki_world())
        return HTTP_INTERNAL_SERVER_ERROR;
    return answer_question(r);
}
