/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_nbsp_url.h
 * Where a BSF is: an address as directives write it, and where a redirect of
 * his may lead. Only a few forms are taken, so that what is checked here and
 * what libcurl understands cannot differ. Pure; thread-safe.
 */
#ifndef keeper_nbsp_url_h
#define keeper_nbsp_url_h

#include <apr_pools.h>
#include <apr_tables.h>

#define KEEPER_NBSP_URL_MAX 1024 /**< octets of an address or a Location */

/** An address: https://host[:port][/prefix], http://…, or unix:/path[:/prefix]. */
typedef struct keeper_nbsp_url_t {
    const char *unix_path; /**< NULL unless unix: */
    int tls;               /**< nonzero: https */
    const char *host;      /**< lower case, IPv6 in brackets; "localhost" with unix: */
    int port;              /**< 1 to 65535; 80 with unix: */
    const char *path;      /**< "" or "/…", without a slash at its end */
    const char *shown;     /**< as it was written, for messages */
} keeper_nbsp_url_t;

/** A host to which a redirect may lead. */
typedef struct keeper_nbsp_host_t {
    const char *host; /**< lower case, IPv6 in brackets */
    int port;         /**< 0: the scheme's own */
} keeper_nbsp_host_t;

/** Reads an address. Refused: user names, queries, fragments, "..", anything but printable ASCII.
 *  Nonzero on success; strings in @a pool. */
int keeper_nbsp_url_parse(keeper_nbsp_url_t *url, const char *text, apr_pool_t *pool);

/** Reads HOST[:PORT]. Nonzero on success. */
int keeper_nbsp_host_parse(keeper_nbsp_host_t *host, const char *text, apr_pool_t *pool);

/** Nonzero if what is sent there does not leave this machine: a Unix socket, localhost, 127/8,
 *  [::1]. */
int keeper_nbsp_url_is_local(const keeper_nbsp_url_t *url);

/** The text that libcurl is given: scheme, host, port, path, then @a tail. In @a pool. */
const char *keeper_nbsp_url_print(const keeper_nbsp_url_t *url, const char *tail, apr_pool_t *pool);

/**
 * Where a 307 or 308 leads (RFC 9110 15.4.8): an absolute URL, or a path on the same address.
 * It must be the host and port of one of @a addresses (of keeper_nbsp_url_t) or of @a hosts (of
 * keeper_nbsp_host_t), and TLS must not be lost unless an address says so itself.
 * @param out the target; its path is the whole path of the Location
 * @return nonzero if it may be followed
 */
int keeper_nbsp_url_follow(keeper_nbsp_url_t *out, const keeper_nbsp_url_t *from,
                           const char *location, const apr_array_header_t *addresses,
                           const apr_array_header_t *hosts, apr_pool_t *pool);

#endif
