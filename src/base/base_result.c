/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base_result.h"

#include <stddef.h>

/* Columns: status, level, protected, stale, what the peer may read. A row that is protected is so
 * where authentication had succeeded; the protection filter knows, this table does not. */
#define ROW(code, status, level, prot, stale, text)                                                \
    [BASE_##code] = {#code, status, BASE_LOG_##level, prot, stale, text}

static const base_code_info_t rows[BASE_CODES] = {
    ROW(OK, 200, DEBUG, 1, 0, "The request was served."),

    ROW(NO_CREDENTIALS, 401, INFO, 0, 0, "Authentication with a bootstrapped key is required."),
    ROW(NOT_OFFERED, 401, INFO, 0, 0, "The credentials use a realm or method that is not offered."),
    ROW(UNKNOWN_BTID, 401, INFO, 0, 0, "The key is not known; a new bootstrapping is required."),
    ROW(EXPIRED_KEY, 401, INFO, 0, 0, "The key has expired; a new bootstrapping is required."),
    ROW(WRONG_HASH, 401, INFO, 0, 0, "The credentials are not right."),
    ROW(NONCE_INVALID, 401, INFO, 0, 1, "The nonce is no longer valid."),
    ROW(NONCE_REPLAYED, 401, NOTICE, 0, 1, "The nonce count was used before."),
    ROW(WINDOW_GONE, 401, NOTICE, 0, 1, "The nonce is no longer remembered."),

    ROW(MALFORMED, 400, INFO, 0, 0, "The request is malformed."),
    ROW(URI_MISMATCH, 400, INFO, 0, 0, "The credentials are for another URI than the request."),
    ROW(BODY_OVER_CAP, 413, INFO, 0, 0, "The request body is too large."),
    ROW(BODY_TIMEOUT, 408, INFO, 0, 0, "The request body did not arrive in time."),
    ROW(BODY_BROKEN, 400, INFO, 0, 0, "The request body is incomplete or broken."),
    ROW(NOT_AUTHORISED, 403, INFO, 0, 0, "The subscriber may not use this service."),
    ROW(KEYSOURCE_DOWN, 503, ERR, 0, 0, "The service cannot check keys now; try again later."),

    ROW(REQUIRE_REFUSED, 403, INFO, 1, 0, "The subscriber may not use this resource."),
    ROW(ENROL_REFUSED, 403, INFO, 1, 0, "The certificate enrolment was refused."),
    ROW(BAD_PKCS10, 400, INFO, 1, 0, "The certificate request cannot be read."),
    ROW(BAD_POP, 400, INFO, 1, 0, "The certificate request does not prove possession of its key."),
    ROW(BAD_RESPONSE_KIND, 400, INFO, 1, 0, "The kind of response asked for is not known."),
    ROW(BAD_MEDIA_TYPE, 415, INFO, 1, 0, "The media type must be application/x-pkcs10."),
    ROW(OVER_HANDLER_CAP, 413, INFO, 1, 0, "The certificate request is too large."),
    ROW(BAD_METHOD, 405, INFO, 1, 0, "The method must be POST."),
    ROW(CA_NOT_HELD, 404, INFO, 1, 0, "The CA certificate is not held here."),
    ROW(STORE_DOWN, 503, ERR, 1, 0, "The service is not available now; try again later."),
    ROW(RESPONSE_OVER_CAP, 500, WARNING, 1, 0, "The response is too large to be protected."),
    ROW(INHERIT_REFUSED, 500, ERR, 1, 0, "The request led to a place that it may not enter."),
    ROW(NO_CONTEXT, 500, ERR, 0, 0, "The resource is not protected as it must be."),
    ROW(INTERNAL, 500, ERR, 0, 0, "The server met an internal error."),
    ROW(NOT_FOUND, 500, ERR, 0, 0, "The server met an internal error."),
};

const base_code_info_t *base_code_info(base_code_t code)
{
    size_t index = (size_t)code;
    return &rows[index < BASE_CODES ? index : BASE_INTERNAL];
}

base_result_t base_ok(void)
{
    return (base_result_t){.code = BASE_OK};
}

base_result_t base_fail(base_code_t code, const char *tag, const char *detail)
{
    return (base_result_t){.code = code, .tag = tag, .detail = detail};
}
