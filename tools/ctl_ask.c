/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "ctl_ask.h"
#include <string.h>
#include <apr_strings.h>
#include <curl/curl.h>

/* ---- the URL ---- */

/* A part of it in the pool; NULL if it is absent. */
static const char *part_of(CURLU *parsed, CURLUPart part, apr_pool_t *pool)
{
    char *text = NULL;
    const char *copy =
        curl_url_get(parsed, part, &text, 0) == CURLUE_OK ? apr_pstrdup(pool, text) : NULL;
    curl_free(text);
    return copy;
}

/* The names and addresses that lead nowhere else (RFC 6761 6.3, RFC 5735, RFC 4291 2.5.3). */
static int is_loopback(const char *host)
{
    int dots = 0;
    if (base_equal_nocase(host, "localhost") || strcmp(host, "[::1]") == 0)
        return 1;
    if (strncmp(host, "127.", 4) != 0 || strspn(host, "0123456789.") != strlen(host))
        return 0;
    for (; *host; host++)
        dots += *host == '.';
    return dots == 3;
}

static const char *check_url(CURLU *parsed, apr_pool_t *pool)
{
    const char *scheme = part_of(parsed, CURLUPART_SCHEME, pool);
    const char *host = part_of(parsed, CURLUPART_HOST, pool);
    if (!scheme || !host || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return "--url is neither http nor https";
    if (strcmp(scheme, "http") == 0 && !is_loopback(host))
        return "--url with http is for this machine alone; use https, the question holds "
               "identities";
    if (part_of(parsed, CURLUPART_USER, pool) || part_of(parsed, CURLUPART_PASSWORD, pool))
        return "--url has user information; use --user FILE";
    return part_of(parsed, CURLUPART_FRAGMENT, pool) ? "--url has a fragment" : NULL;
}

const char *ctl_ask_url(const char *url, apr_pool_t *pool)
{
    CURLU *parsed = curl_url();
    const char *wrong = "--url cannot be read";
    if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK)
        wrong = check_url(parsed, pool);
    curl_url_cleanup(parsed);
    return wrong;
}

/* ---- the exchange ---- */

typedef struct exchange_t {
    CURL *curl;
    struct curl_slist *headers;
    char *answer; /* CTL_ANSWER_MAX octets */
    size_t len;
    int is_long; /* there was no room for all of it */
    char error[CURL_ERROR_SIZE];
} exchange_t;

/* libcurl takes any other count than the one it gave as an error. */
static size_t on_body(char *data, size_t unit, size_t count, void *baton)
{
    exchange_t *x = baton;
    size_t len = unit * count;
    if (len > CTL_ANSWER_MAX - x->len) {
        x->is_long = 1;
        return 0;
    }
    memcpy(x->answer + x->len, data, len);
    x->len += len;
    return len;
}

/* Sets an option and remembers the first failure. */
#define SET(option, value)                                                                         \
    (status = status == CURLE_OK ? curl_easy_setopt(x->curl, option, value) : status)

static CURLcode set_connection(exchange_t *x, const ctl_ask_t *ask)
{
    CURLcode status = CURLE_OK;
    SET(CURLOPT_ERRORBUFFER, x->error);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_URL, ask->url);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_TIMEOUT_MS, ask->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, ask->timeout_ms);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ask->ca) {
        SET(CURLOPT_CAINFO, ask->ca);
        SET(CURLOPT_CAPATH, NULL); /* the host's own CAs, which libcurl would trust beside them */
    }
    return status;
}

static CURLcode set_message(exchange_t *x, const ctl_ask_t *ask)
{
    CURLcode status = CURLE_OK;
    x->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (!x->headers)
        return CURLE_OUT_OF_MEMORY;
    SET(CURLOPT_HTTPHEADER, x->headers);
    SET(CURLOPT_USERAGENT, "gba-pkictl/" PACKAGE_VERSION);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(ask->body));
    SET(CURLOPT_POSTFIELDS, ask->body);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, x);
    if (ask->name) {
        SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        SET(CURLOPT_USERNAME, ask->name);
        SET(CURLOPT_PASSWORD, ask->password);
    }
    return status;
}

static CURLcode perform(exchange_t *x, const ctl_ask_t *ask, long *http_status)
{
    CURLcode status = x->curl ? set_connection(x, ask) : CURLE_FAILED_INIT;
    if (status == CURLE_OK)
        status = set_message(x, ask);
    if (status == CURLE_OK)
        status = curl_easy_perform(x->curl);
    if (status == CURLE_OK)
        status = curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, http_status);
    return status;
}

const char *ctl_ask(ctl_told_t *out, const ctl_ask_t *ask, apr_pool_t *pool)
{
    exchange_t x = {.curl = curl_easy_init(), .answer = apr_palloc(pool, CTL_ANSWER_MAX)};
    CURLcode status = perform(&x, ask, &out->status);
    out->body = (base_span_t){(unsigned char *)x.answer, x.len};
    curl_easy_cleanup(x.curl);
    curl_slist_free_all(x.headers);
    if (status == CURLE_OK)
        return NULL;
    if (x.is_long)
        return "the server's answer is over 1 MiB";
    return apr_pstrcat(pool, "the server cannot be asked: ",
                       x.error[0] ? x.error : curl_easy_strerror(status), NULL);
}
