/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_nbsp_url.h"

#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "base/base_text.h"

#define HOST_MAX      253
#define UNIX_PATH_MAX 107 /* sun_path without its NUL */

/* ---- the parts of a URL ---- */

/* What RFC 3986 lets a path have, but no "." or ".." segments: two readers may differ on them. */
static int path_is_plain(const char *path)
{
    static const char marks[] = "-._~!$&'()*+,;=:@%/";
    for (const char *at = path; *at; at++)
        if (!apr_isalnum((unsigned char)*at) && !strchr(marks, *at))
            return 0;
    for (const char *at = strstr(path, "/."); at; at = strstr(at + 1, "/.")) {
        const char *end = at + 2 + (at[2] == '.');
        if (*end == '/' || *end == '\0')
            return 0;
    }
    return 1;
}

/* A path without the slashes at its end; NULL if it is none. */
static const char *read_path(const char *text, apr_pool_t *pool)
{
    apr_size_t len = strlen(text);
    if ((len > 0 && text[0] != '/') || !path_is_plain(text))
        return NULL;
    while (len > 0 && text[len - 1] == '/')
        len--;
    return apr_pstrmemdup(pool, text, len);
}

/* The length of a host name, an IPv4 address or an IPv6 address in brackets at the start. */
static apr_size_t host_span(const char *text)
{
    apr_size_t len;
    if (text[0] == '[') {
        len = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        return len > 2 && text[len] == ']' ? len + 1 : 0;
    }
    len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");
    return len <= HOST_MAX && text[0] != '.' && text[0] != '-' ? len : 0;
}

/* ":PORT" or nothing, up to @a end. */
static int read_port(int *port, const char *text, const char *end)
{
    base_span_t digits = {(const unsigned char *)text + 1, 0};
    apr_uint64_t number;
    if (text == end)
        return 1;
    if (*text != ':')
        return 0;
    digits.len = (apr_size_t)(end - text - 1);
    if (!base_decimal_decode(&number, digits, 65535) || number == 0)
        return 0;
    *port = (int)number;
    return 1;
}

/* host[:port] up to @a end; *port stays as it is without one. */
static int read_authority(const char **host, int *port, const char *text, const char *end,
                          apr_pool_t *pool)
{
    apr_size_t len = host_span(text);
    char *name;
    if (len == 0 || text + len > end || !read_port(port, text + len, end))
        return 0;
    name = apr_pstrmemdup(pool, text, len);
    for (char *at = name; *at; at++)
        *at = (char)apr_tolower((unsigned char)*at);
    *host = name;
    return 1;
}

/* ---- addresses ---- */

/* unix:/path[:/prefix] */
static int parse_unix(keeper_nbsp_url_t *url, const char *text, apr_pool_t *pool)
{
    const char *colon = strstr(text, ":/");
    apr_size_t len = colon ? (apr_size_t)(colon - text) : strlen(text);
    if (text[0] != '/' || len < 2 || len > UNIX_PATH_MAX)
        return 0;
    url->unix_path = apr_pstrmemdup(pool, text, len);
    url->host = "localhost";
    url->port = 80;
    url->path = read_path(colon ? colon + 1 : "", pool);
    return url->path != NULL;
}

static int parse_http(keeper_nbsp_url_t *url, const char *text, apr_pool_t *pool)
{
    const char *rest, *end;
    if (strncasecmp(text, "https://", 8) == 0)
        url->tls = 1;
    else if (strncasecmp(text, "http://", 7) != 0)
        return 0;
    rest = text + (url->tls ? 8 : 7);
    end = rest + strcspn(rest, "/");
    url->port = url->tls ? 443 : 80;
    url->path = read_path(end, pool);
    return url->path && read_authority(&url->host, &url->port, rest, end, pool);
}

int keeper_nbsp_url_parse(keeper_nbsp_url_t *url, const char *text, apr_pool_t *pool)
{
    memset(url, 0, sizeof(*url));
    if (strlen(text) > KEEPER_NBSP_URL_MAX)
        return 0;
    url->shown = apr_pstrdup(pool, text);
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(url, text + 5, pool);
    return parse_http(url, text, pool);
}

int keeper_nbsp_host_parse(keeper_nbsp_host_t *host, const char *text, apr_pool_t *pool)
{
    memset(host, 0, sizeof(*host));
    return read_authority(&host->host, &host->port, text, text + strlen(text), pool);
}

int keeper_nbsp_url_is_local(const keeper_nbsp_url_t *url)
{
    return url->unix_path || strcmp(url->host, "localhost") == 0 ||
           strcmp(url->host, "[::1]") == 0 ||
           (strncmp(url->host, "127.", 4) == 0 &&
            strspn(url->host, "0123456789.") == strlen(url->host));
}

const char *keeper_nbsp_url_print(const keeper_nbsp_url_t *url, const char *tail, apr_pool_t *pool)
{
    return apr_psprintf(pool, "http%s://%s:%d%s%s", url->tls ? "s" : "", url->host, url->port,
                        url->path, tail);
}

/* ---- redirects ---- */

static int is_address(const keeper_nbsp_url_t *url, const apr_array_header_t *addresses)
{
    for (int i = 0; i < addresses->nelts; i++) {
        const keeper_nbsp_url_t *known = &APR_ARRAY_IDX(addresses, i, keeper_nbsp_url_t);
        if (!known->unix_path && known->tls == url->tls && known->port == url->port &&
            strcmp(known->host, url->host) == 0)
            return 1;
    }
    return 0;
}

static int is_host(const keeper_nbsp_url_t *url, const apr_array_header_t *hosts)
{
    for (int i = 0; hosts && i < hosts->nelts; i++) {
        const keeper_nbsp_host_t *known = &APR_ARRAY_IDX(hosts, i, keeper_nbsp_host_t);
        int port = known->port ? known->port : url->tls ? 443 : 80;
        if (port == url->port && strcmp(known->host, url->host) == 0)
            return 1;
    }
    return 0;
}

int keeper_nbsp_url_follow(keeper_nbsp_url_t *out, const keeper_nbsp_url_t *from,
                           const char *location, const apr_array_header_t *addresses,
                           const apr_array_header_t *hosts, apr_pool_t *pool)
{
    if (location[0] == '/' && location[1] != '/') {
        *out = *from;
        out->path = strlen(location) <= KEEPER_NBSP_URL_MAX ? read_path(location, pool) : NULL;
        return out->path != NULL;
    }
    if (strncmp(location, "unix:", 5) == 0 || !keeper_nbsp_url_parse(out, location, pool))
        return 0;
    return is_address(out, addresses) || ((out->tls || !from->tls) && is_host(out, hosts));
}
