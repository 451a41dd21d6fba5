/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets are gone when their pool goes, and a missing one matches nothing. */
#include <apr_general.h>
#include <stdlib.h>
#include "tap.h"
#include "base/base_secret.h"
#include "base/base_text.h"

/* Looks at a secret from a cleanup. Cleanups run last in, first out, before the pool gives its
 * memory back: one that was registered before the secret was made runs after the secret's own and
 * may still read it. */
typedef struct probe_t {
    const unsigned char *octets;
    apr_size_t len;
    int ran;
    int left; /* octets that are not zero */
} probe_t;

static apr_status_t probe_run(void *data)
{
    probe_t *probe = data;
    probe->ran++;
    probe->left = 0;
    for (apr_size_t i = 0; i < probe->len; i++)
        probe->left += probe->octets[i] != 0;
    return APR_SUCCESS;
}

static void probe_check(const probe_t *probe, const char *name)
{
    ok(probe->ran == 1 && probe->left == 0, "%s (%d octets left)", name, probe->left);
}

static void test_wiped_on_clear(apr_pool_t *parent)
{
    apr_pool_t *pool;
    probe_t probe = {NULL, 48, 0, 0};
    apr_pool_create(&pool, parent);
    apr_pool_cleanup_register(pool, &probe, probe_run, apr_pool_cleanup_null);
    unsigned char *secret = base_secret_alloc(pool, 48);
    probe.octets = secret;
    probe_run(&probe);
    is_int(probe.left, 0, "new memory is zeroed");
    memset(secret, 0xa5, 48);
    probe_run(&probe);
    is_int(probe.left, 48, "the probe sees a secret that is there");
    probe.ran = 0;
    apr_pool_clear(pool);
    probe_check(&probe, "a secret is wiped when its pool is cleared");
    apr_pool_destroy(pool);
}

static void test_wiped_on_destroy(apr_pool_t *parent)
{
    apr_pool_t *pool;
    probe_t probe = {NULL, 33, 0, 0};
    apr_pool_create(&pool, parent);
    apr_pool_cleanup_register(pool, &probe, probe_run, apr_pool_cleanup_null);
    char *copy = base_secret_copy(pool, "0123456789abcdef0123456789abcdef", 32);
    probe.octets = (const unsigned char *)copy;
    is_str(copy, "0123456789abcdef0123456789abcdef", "a copy is equal and has a NUL after it");
    apr_pool_destroy(pool);
    probe_check(&probe, "a copy is wiped when its pool is destroyed");
}

static void test_wiped_with_parent(apr_pool_t *parent)
{
    apr_pool_t *outer;
    apr_pool_t *inner;
    probe_t probe = {NULL, 45, 0, 0};
    apr_pool_create(&outer, parent);
    apr_pool_create(&inner, outer);
    apr_pool_cleanup_register(inner, &probe, probe_run, apr_pool_cleanup_null);
    probe.octets =
        (unsigned char *)base_base64_encode(inner, "a key of thirty-two octets, about", 33);
    probe.len = strlen((const char *)probe.octets);
    is_int((long long)probe.len, 44, "33 octets are 44 characters of base64");
    apr_pool_destroy(outer);
    probe_check(&probe, "a key in base64 is wiped when the parent of its pool goes");
}

static void test_edges(apr_pool_t *pool)
{
    unsigned char buf[5] = {1, 2, 3, 4, 5};
    base_secret_wipe(buf + 1, 3);
    is_mem(buf, "\1\0\0\0\5", 5, "wipe overwrites what it was given and nothing beside it");
    base_secret_wipe(NULL, 0);
    base_secret_wipe(NULL, 3);
    ok(base_secret_alloc(pool, 0) != NULL, "an empty secret has an address");
    is_str(base_secret_copy(pool, NULL, 0), "", "a copy of nothing is an empty string");
    is_mem(base_secret_copy(pool, "a\0b", 3), "a\0b", 4, "a NUL inside does not end a copy");
}

static void test_equal(void)
{
    static const struct {
        const char *a;
        const char *b;
        apr_size_t len;
        int want;
        const char *name;
    } row[] = {
        {"secret", "secret", 6, 1, "equal octets"},
        {"secret", "Secret", 6, 0, "first octet differs"},
        {"secret", "secreT", 6, 0, "last octet differs"},
        {"secret", "secreT", 5, 1, "what lies behind the length does not count"},
        {"a\0b", "a\0c", 3, 0, "octets after a NUL count"},
        {NULL, "secret", 6, 0, "NULL on the left"},
        {"secret", NULL, 6, 0, "NULL on the right"},
        {NULL, NULL, 6, 0, "two missing secrets do not match"},
        {NULL, NULL, 0, 0, "not even with no octets"},
        {"", "", 0, 1, "no octets of something are equal"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        ok(!!base_secret_equal(row[i].a, row[i].b, row[i].len) == row[i].want, "equal: %s",
           row[i].name);
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return EXIT_FAILURE;
    test_wiped_on_clear(pool);
    test_wiped_on_destroy(pool);
    test_wiped_with_parent(pool);
    test_edges(pool);
    test_equal();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
