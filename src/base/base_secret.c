/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base_secret.h"

#include <string.h>
#include <openssl/crypto.h>

/* What the pool's cleanup must overwrite. */
typedef struct secret_t {
    void *octets;
    apr_size_t len;
} secret_t;

static apr_status_t secret_cleanup(void *data)
{
    const secret_t *secret = data;
    base_secret_wipe(secret->octets, secret->len);
    return APR_SUCCESS;
}

void *base_secret_alloc(apr_pool_t *pool, apr_size_t len)
{
    secret_t *secret = apr_palloc(pool, sizeof(*secret));
    secret->octets = apr_pcalloc(pool, len ? len : 1);
    secret->len = len;
    apr_pool_cleanup_register(pool, secret, secret_cleanup, apr_pool_cleanup_null);
    return secret->octets;
}

void *base_secret_copy(apr_pool_t *pool, const void *src, apr_size_t len)
{
    unsigned char *copy = base_secret_alloc(pool, len + 1);
    if (len)
        memcpy(copy, src, len);
    return copy;
}

void base_secret_wipe(void *ptr, apr_size_t len)
{
    if (ptr && len)
        OPENSSL_cleanse(ptr, len);
}

int base_secret_equal(const void *a, const void *b, apr_size_t len)
{
    return a && b && CRYPTO_memcmp(a, b, len) == 0;
}
