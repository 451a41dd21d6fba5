/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "ue_http.h"
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <curl/curl.h>
#include "pki/pki_media.h"

/* Octets that grow up to a cap. */
typedef struct buffer_t {
    char *data;
    size_t len, size, cap;
    apr_pool_t *pool;
} buffer_t;

struct ue_http_t {
    CURL *curl;
    struct curl_slist *connect_to, *resolve, *headers;
    const char *problem; /* why a callback stopped the transfer */
    char error[CURL_ERROR_SIZE];
    buffer_t sent_head, head, body;
    apr_array_header_t *fields;
    apr_pool_t *pool;
};

static int buffer_add(buffer_t *buffer, const void *data, size_t len)
{
    if (len > buffer->cap - buffer->len)
        return 0;
    if (buffer->len + len >= buffer->size) {
        size_t size = 2 * (buffer->len + len) + 1024;
        char *grown = apr_palloc(buffer->pool, size);
        if (buffer->len)
            memcpy(grown, buffer->data, buffer->len);
        buffer->data = grown;
        buffer->size = size;
    }
    if (len)
        memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
    buffer->data[buffer->len] = '\0';
    return 1;
}

static buffer_t buffer_make(size_t cap, apr_pool_t *pool)
{
    buffer_t buffer = {NULL, 0, 0, cap, pool};
    buffer_add(&buffer, "", 0);
    return buffer;
}

/* Stops the transfer: libcurl takes any other count than the one it gave as an error. */
static size_t stop(ue_http_t *http, const char *problem)
{
    http->problem = problem;
    return 0;
}

static size_t on_body(char *data, size_t unit, size_t count, void *baton)
{
    ue_http_t *http = baton;
    if (!buffer_add(&http->body, data, unit * count))
        return stop(http, "the answer's body is over 1 MiB");
    return unit * count;
}

static void add_field(ue_http_t *http, const char *line, const char *colon, const char *end)
{
    ue_field_t *field = apr_array_push(http->fields);
    const char *value = colon + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    field->name = apr_pstrmemdup(http->pool, line, (apr_size_t)(colon - line));
    field->value = apr_pstrmemdup(http->pool, value, (apr_size_t)(end - value));
}

/* One line of the head or of the trailers. A folded line is refused (RFC 9112 5.2): half a field
 * must not be taken for a whole one. An interim answer's fields go when the next one starts. */
static size_t on_head(char *data, size_t unit, size_t count, void *baton)
{
    ue_http_t *http = baton;
    size_t len = unit * count;
    const char *end = data + len;
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        apr_array_clear(http->fields);
        http->head = buffer_make(UE_HEAD_MAX, http->pool);
    }
    if (!buffer_add(&http->head, data, len))
        return stop(http, "the answer's head is over 64 KiB");
    if (len > 0 && (*data == ' ' || *data == '\t'))
        return stop(http, "the answer has a folded header line");
    while (end > data && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    const char *colon = memchr(data, ':', (size_t)(end - data));
    if (colon && memcmp(data, "HTTP/", 5) != 0)
        add_field(http, data, colon, end);
    return len;
}

/* Keeps what libcurl really sent as the head of the last request. */
static int on_debug(CURL *curl, curl_infotype type, char *data, size_t len, void *baton)
{
    ue_http_t *http = baton;
    buffer_t *sent = &http->sent_head;
    (void)curl;
    if (type != CURLINFO_HEADER_OUT)
        return 0;
    if (sent->len >= 4 && memcmp(sent->data + sent->len - 4, "\r\n\r\n", 4) == 0)
        *sent = buffer_make(UE_HEAD_MAX, http->pool);
    buffer_add(sent, data, len);
    return 0;
}

static int url_failure(ue_result_t *result, const char *why)
{
    return ue_fail(result, UE_USAGE, why);
}

/* A copy of one part in the pool; NULL if it is absent. */
static char *url_part(CURLU *parsed, CURLUPart part, apr_pool_t *pool)
{
    char *text = NULL;
    char *copy = NULL;
    if (curl_url_get(parsed, part, &text, 0) == CURLUE_OK)
        copy = apr_pstrdup(pool, text);
    curl_free(text);
    return copy;
}

static int read_url(ue_url_t *out, CURLU *parsed, ue_result_t *result, apr_pool_t *pool)
{
    const char *scheme = url_part(parsed, CURLUPART_SCHEME, pool);
    const char *query = url_part(parsed, CURLUPART_QUERY, pool);
    char *host = url_part(parsed, CURLUPART_HOST, pool);
    if (!scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return url_failure(result, "the URL is neither http nor https");
    if (url_part(parsed, CURLUPART_USER, pool) || url_part(parsed, CURLUPART_PASSWORD, pool))
        return url_failure(result, "the URL has user information");
    if (url_part(parsed, CURLUPART_FRAGMENT, pool))
        return url_failure(result, "the URL has a fragment");
    if (!host)
        return url_failure(result, "the URL has no host");
    for (char *at = host; *at; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + ('a' - 'A')) : *at;
    out->host = host;
    out->target = apr_pstrcat(pool, url_part(parsed, CURLUPART_PATH, pool), query ? "?" : "",
                              query ? query : "", NULL);
    return 1;
}

int ue_http_url(ue_url_t *out, const char *url, ue_result_t *result, apr_pool_t *pool)
{
    for (const char *at = url; *at; at++)
        if (*at <= 0x20 || *at >= 0x7f || *at == '"' || *at == '\\')
            return url_failure(result, "the URL has an octet that no URL has");
    CURLU *parsed = curl_url();
    if (!parsed || curl_url_set(parsed, CURLUPART_URL, url, CURLU_PATH_AS_IS) != CURLUE_OK) {
        curl_url_cleanup(parsed);
        return url_failure(result, "the URL cannot be read");
    }
    int done = read_url(out, parsed, result, pool);
    curl_url_cleanup(parsed);
    return done;
}

static apr_status_t close_http(void *baton)
{
    ue_http_t *http = baton;
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->connect_to);
    curl_slist_free_all(http->resolve);
    curl_slist_free_all(http->headers);
    return APR_SUCCESS;
}

/* Sets an option and remembers the first failure. */
#define SET(option, value)                                                                         \
    (status = status == CURLE_OK ? curl_easy_setopt(http->curl, option, value) : status)

static CURLcode set_callbacks(ue_http_t *http)
{
    CURLcode status = CURLE_OK;
    SET(CURLOPT_ERRORBUFFER, http->error);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, http);
    SET(CURLOPT_HEADERFUNCTION, on_head);
    SET(CURLOPT_HEADERDATA, http);
    SET(CURLOPT_DEBUGFUNCTION, on_debug);
    SET(CURLOPT_DEBUGDATA, http);
    SET(CURLOPT_VERBOSE, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return status;
}

static CURLcode set_target(ue_http_t *http, const ue_options_t *opts, const ue_url_t *url)
{
    CURLcode status = CURLE_OK;
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_URL, opts->url);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_USERAGENT, "gba-ue/" PACKAGE_VERSION " 3gpp-gba");
    /* Authorization is for the portal, never for a proxy's CONNECT. */
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    SET(CURLOPT_PROXY, opts->proxy ? opts->proxy : "");
    SET(CURLOPT_NOPROXY, "");
    if (!opts->proxy)
        SET(CURLOPT_REQUEST_TARGET, url->target);
    return status;
}

static CURLcode set_connection(ue_http_t *http, const ue_options_t *opts)
{
    CURLcode status = CURLE_OK;
    SET(CURLOPT_TIMEOUT_MS, opts->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, opts->timeout_ms);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (opts->cacert) {
        SET(CURLOPT_CAINFO, opts->cacert);
        SET(CURLOPT_CAPATH, NULL); /* the host's own CAs, which libcurl would trust beside them */
    }
    if (opts->connect_to) {
        http->connect_to = curl_slist_append(NULL, opts->connect_to);
        SET(CURLOPT_CONNECT_TO, http->connect_to);
    }
    if (opts->resolve) {
        http->resolve = curl_slist_append(NULL, opts->resolve);
        SET(CURLOPT_RESOLVE, http->resolve);
    }
    if ((opts->connect_to && !http->connect_to) || (opts->resolve && !http->resolve))
        return CURLE_OUT_OF_MEMORY;
    return status;
}

ue_http_t *ue_http_make(const ue_options_t *opts, const ue_url_t *url, ue_result_t *result,
                        apr_pool_t *pool)
{
    ue_http_t *http = apr_pcalloc(pool, sizeof(*http));
    http->pool = pool;
    http->curl = curl_easy_init();
    apr_pool_cleanup_register(pool, http, close_http, apr_pool_cleanup_null);
    CURLcode status = http->curl ? set_callbacks(http) : CURLE_FAILED_INIT;
    if (status == CURLE_OK)
        status = set_target(http, opts, url);
    if (status == CURLE_OK)
        status = set_connection(http, opts);
    if (status == CURLE_OK)
        return http;
    ue_fail(result, UE_LOCAL, apr_psprintf(pool, "libcurl: %s", curl_easy_strerror(status)));
    return NULL;
}

static int add_header(ue_http_t *http, const char *line)
{
    struct curl_slist *longer = curl_slist_append(http->headers, line);
    if (longer)
        http->headers = longer;
    return longer != NULL;
}

/* "Content-Type:" alone keeps libcurl from naming a type for an empty body; "Expect:" keeps it
 * from waiting for a 100 that the portal does not owe before it knows us. */
static CURLcode set_request(ue_http_t *http, const ue_exchange_t *exchange)
{
    CURLcode status = CURLE_OK;
    curl_slist_free_all(http->headers);
    http->headers = NULL;
    const char *type = exchange->body.len ? "Content-Type: " PKI_MEDIA_PKCS10 : "Content-Type:";
    const char *authorization =
        apr_pstrcat(http->pool, "Authorization: ", exchange->authorization, NULL);
    if (!add_header(http, type) || !add_header(http, "Expect:") ||
        (exchange->authorization && !add_header(http, authorization)))
        return CURLE_OUT_OF_MEMORY;
    SET(CURLOPT_HTTPHEADER, http->headers);
    if (exchange->is_ub) {
        SET(CURLOPT_HTTPGET, 1L);
        return status;
    }
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body.len);
    SET(CURLOPT_POSTFIELDS, exchange->body.len ? (const char *)exchange->body.data : "");
    return status;
}

static CURLcode perform(ue_http_t *http, const ue_exchange_t *exchange, long *answered)
{
    http->problem = NULL;
    http->error[0] = '\0';
    http->sent_head = buffer_make(UE_HEAD_MAX, http->pool);
    http->head = buffer_make(UE_HEAD_MAX, http->pool);
    http->body = buffer_make(UE_ANSWER_MAX, http->pool);
    http->fields = apr_array_make(http->pool, 16, sizeof(ue_field_t));
    CURLcode status = set_request(http, exchange);
    if (status == CURLE_OK)
        status = curl_easy_perform(http->curl);
    if (status == CURLE_OK)
        status = curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, answered);
    return status;
}

int ue_http_exchange(ue_http_t *http, ue_exchange_t *exchange, ue_result_t *result)
{
    long answered = 0;
    CURLcode status = perform(http, exchange, &answered);
    exchange->sent_head = http->sent_head.data;
    exchange->head = http->head.data;
    exchange->fields = http->fields;
    exchange->answer = (base_span_t){(unsigned char *)http->body.data, http->body.len};
    exchange->status = (int)answered;
    if (status == CURLE_OK)
        return 1;
    const char *why = http->problem ? http->problem : http->error;
    if (*why == '\0')
        why = curl_easy_strerror(status);
    return ue_fail(result, UE_TRANSPORT, base_log_safe(http->pool, why, CURL_ERROR_SIZE));
}

apr_array_header_t *ue_http_fields(const ue_exchange_t *exchange, const char *name,
                                   apr_pool_t *pool)
{
    apr_array_header_t *values = apr_array_make(pool, 2, sizeof(const char *));
    for (int i = 0; i < exchange->fields->nelts; i++) {
        const ue_field_t *field = &APR_ARRAY_IDX(exchange->fields, i, ue_field_t);
        if (base_equal_nocase(field->name, name))
            APR_ARRAY_PUSH(values, const char *) = field->value;
    }
    return values;
}
