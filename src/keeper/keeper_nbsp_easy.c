/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_nbsp_easy.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/base_secret.h"
#include "base/base_text.h"
#include "gba/gba_json.h"
#include "keeper/keeper_frame.h"

/* ---- memory for libcurl: how much there is stands before it, so that all of it can be wiped ----
 */

typedef union block_t {
    size_t len;
    max_align_t align;
} block_t;

static void *block_malloc(size_t len)
{
    block_t *block = len <= SIZE_MAX - sizeof(*block) ? malloc(sizeof(*block) + len) : NULL;
    if (!block)
        return NULL;
    block->len = len;
    return block + 1;
}

static void block_free(void *ptr)
{
    block_t *block = ptr;
    if (!block)
        return;
    block--;
    base_secret_wipe(block, sizeof(*block) + block->len);
    free(block);
}

static void *block_realloc(void *ptr, size_t len)
{
    void *copy = block_malloc(len);
    size_t had = ptr ? ((block_t *)ptr - 1)->len : 0;
    if (!copy)
        return NULL;
    if (had > 0)
        memcpy(copy, ptr, had < len ? had : len);
    block_free(ptr);
    return copy;
}

static char *block_strdup(const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = block_malloc(len);
    if (copy)
        memcpy(copy, text, len);
    return copy;
}

static void *block_calloc(size_t count, size_t size)
{
    size_t len;
    void *ptr = __builtin_mul_overflow(count, size, &len) ? NULL : block_malloc(len);
    if (ptr)
        memset(ptr, 0, len);
    return ptr;
}

int keeper_nbsp_easy_init(void)
{
    /* It would have the keys of every connection written to a file. */
    unsetenv("SSLKEYLOGFILE");
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, block_malloc, block_free, block_realloc,
                                block_strdup, block_calloc) == CURLE_OK;
}

/* ---- what comes back ---- */

static size_t on_body(char *data, size_t size, size_t count, void *baton)
{
    keeper_nbsp_job_t *job = baton;
    size_t len = size * count;
    if (len > GBA_JSON_MAX - job->answer_len) {
        job->over = 1;
        return CURL_WRITEFUNC_ERROR;
    }
    memcpy(job->answer + job->answer_len, data, len);
    job->answer_len += len;
    return len;
}

/* The value of the field if it is the one of that name; of several the last. */
static void take_field(char *out, size_t room, const char *name, const char *line, size_t len)
{
    size_t name_len = strlen(name);
    if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0)
        return;
    line += name_len + 1;
    len -= name_len + 1;
    while (len > 0 && (line[0] == ' ' || line[0] == '\t')) {
        line++;
        len--;
    }
    while (len > 0 && strchr(" \t\r\n", line[len - 1]))
        len--;
    out[0] = '\0';
    if (len >= room || memchr(line, '\0', len))
        return;
    memcpy(out, line, len);
    out[len] = '\0';
}

static size_t on_header(char *line, size_t size, size_t count, void *baton)
{
    keeper_nbsp_job_t *job = baton;
    size_t len = size * count;
    /* A status line: what an interim response said is not the answer's. */
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        job->content_type_got[0] = job->retry_after[0] = job->location[0] = '\0';
        return len;
    }
    take_field(job->content_type_got, sizeof(job->content_type_got), "Content-Type", line, len);
    take_field(job->retry_after, sizeof(job->retry_after), "Retry-After", line, len);
    take_field(job->location, sizeof(job->location), "Location", line, len);
    return len;
}

/* ---- what goes out ---- */

#define SET(option, value) (curl_easy_setopt(job->easy, option, value) == CURLE_OK)

static long version_of(const keeper_nbsp_job_t *job)
{
    if (job->peer->http1 || job->unix_path)
        return CURL_HTTP_VERSION_1_1;
    if (strncasecmp(job->url, "https:", 6) == 0)
        return CURL_HTTP_VERSION_2TLS;
    return CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
}

/* libcurl 7.88 breaks an h2c connection by the second request on it (8.0 does not). TLS is not
 * concerned. */
static int may_reuse(const keeper_nbsp_job_t *job)
{
    return version_of(job) != CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE ||
           curl_version_info(CURLVERSION_NOW)->version_num >= 0x080000;
}

static int set_reuse(keeper_nbsp_job_t *job)
{
    int reuse = may_reuse(job);
    return SET(CURLOPT_PIPEWAIT, reuse ? 1L : 0L) &&
           SET(CURLOPT_FRESH_CONNECT, job->fresh || !reuse ? 1L : 0L) &&
           SET(CURLOPT_FORBID_REUSE, reuse ? 0L : 1L);
}

static int set_blob(keeper_nbsp_job_t *job, CURLoption option, const struct curl_blob *blob)
{
    return !blob->data || curl_easy_setopt(job->easy, option, blob) == CURLE_OK;
}

static int set_tls(keeper_nbsp_job_t *job)
{
    const keeper_nbsp_peer_t *peer = job->peer;
    return SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           set_blob(job, CURLOPT_CAINFO_BLOB, &peer->ca) &&
           (!peer->ca.data || SET(CURLOPT_CAPATH, NULL)) && /* the host's own, trusted beside it */
           set_blob(job, CURLOPT_SSLCERT_BLOB, &peer->cert) &&
           set_blob(job, CURLOPT_SSLKEY_BLOB, &peer->key);
}

/* Nothing that the environment or the response could add: no proxy, no other protocol, no
 * redirect, no cookies (which are off by default, like .netrc and alt-svc). */
static int set_way(keeper_nbsp_job_t *job)
{
    long left = keeper_deadline_left(job->deadline);
    long connect = job->peer->connect_ms < left ? job->peer->connect_ms : left;
    return left > 0 && SET(CURLOPT_URL, job->url) && SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
           SET(CURLOPT_PROXY, "") && SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
           SET(CURLOPT_PATH_AS_IS, 1L) && SET(CURLOPT_HTTP_VERSION, version_of(job)) &&
           set_reuse(job) && SET(CURLOPT_CONNECTTIMEOUT_MS, connect) &&
           SET(CURLOPT_TCP_KEEPALIVE, 1L) &&
           (!job->unix_path || SET(CURLOPT_UNIX_SOCKET_PATH, job->unix_path));
}

static int add_header(keeper_nbsp_job_t *job, const char *name, const char *value)
{
    char line[KEEPER_NBSP_FIELD_MAX];
    struct curl_slist *longer;
    int len = snprintf(line, sizeof(line), "%s%s", name, value);
    if (len < 0 || (size_t)len >= sizeof(line))
        return 0;
    longer = curl_slist_append(job->headers, line);
    if (longer)
        job->headers = longer;
    return longer != NULL;
}

static int set_authorization(keeper_nbsp_job_t *job)
{
    if (job->bearer)
        return SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) &&
               SET(CURLOPT_XOAUTH2_BEARER, job->bearer);
    return !job->basic ||
           (SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) && SET(CURLOPT_USERPWD, job->basic));
}

/* "Expect:" alone: libcurl must not wait for a 100 (Continue). */
static int set_message(keeper_nbsp_job_t *job)
{
    return add_header(job, "Content-Type: ", job->content_type) &&
           add_header(job, "Accept: ", job->accept) && add_header(job, "Expect:", "") &&
           SET(CURLOPT_HTTPHEADER, job->headers) && SET(CURLOPT_USERAGENT, "mod_gba_pki") &&
           SET(CURLOPT_POSTFIELDSIZE, (long)strlen(job->body)) &&
           SET(CURLOPT_POSTFIELDS, job->body) && set_authorization(job);
}

static int set_results(keeper_nbsp_job_t *job)
{
    return SET(CURLOPT_PRIVATE, (void *)job) && SET(CURLOPT_ERRORBUFFER, job->error) &&
           SET(CURLOPT_WRITEFUNCTION, on_body) && SET(CURLOPT_WRITEDATA, (void *)job) &&
           SET(CURLOPT_HEADERFUNCTION, on_header) && SET(CURLOPT_HEADERDATA, (void *)job);
}

int keeper_nbsp_easy_open(keeper_nbsp_job_t *job)
{
    keeper_nbsp_job_free(job);
    job->answer = malloc(GBA_JSON_MAX);
    job->easy = job->answer ? curl_easy_init() : NULL;
    if (job->easy && set_way(job) && set_tls(job) && set_message(job) && set_results(job))
        return 1;
    keeper_nbsp_easy_close(job, CURLE_FAILED_INIT);
    return 0;
}

void keeper_nbsp_easy_close(keeper_nbsp_job_t *job, CURLcode code)
{
    long connects = 1;
    /* The header of the answer is there, and what is wrong with the rest is known. */
    job->code = job->over && code == CURLE_WRITE_ERROR ? CURLE_OK : code;
    if (job->easy) {
        curl_easy_getinfo(job->easy, CURLINFO_NUM_CONNECTS, &connects);
        curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &job->status);
        curl_easy_cleanup(job->easy);
    }
    job->reused = connects == 0;
    job->easy = NULL;
    curl_slist_free_all(job->headers);
    job->headers = NULL;
}

void keeper_nbsp_job_free(keeper_nbsp_job_t *job)
{
    if (job->answer)
        base_secret_wipe(job->answer, GBA_JSON_MAX);
    free(job->answer);
    job->answer = NULL;
    job->answer_len = 0;
    job->over = 0;
}
