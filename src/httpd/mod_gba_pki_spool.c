/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_spool.h"

#include <stdlib.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#define READ_SIZE (64 * 1024) /* octets of a spooled file that are in memory at a time */

struct mod_gba_pki_spool_t {
    apr_pool_t *pool;
    apr_bucket_brigade *held; /* what is in memory */
    apr_file_t *file;         /* NULL until the spool size is passed */
    mod_gba_pki_limits_t limits;
    apr_off_t len;
};

mod_gba_pki_spool_t *mod_gba_pki_spool_make(apr_pool_t *pool, apr_bucket_alloc_t *list,
                                            mod_gba_pki_limits_t limits)
{
    mod_gba_pki_spool_t *spool = apr_pcalloc(pool, sizeof(*spool));

    spool->pool = pool;
    spool->held = apr_brigade_create(pool, list);
    spool->limits = limits;
    return spool;
}

/* TMPDIR alone if the operator set it: APR would go on to /tmp silently where TMPDIR is unusable,
 * and bodies would land where nobody expects them. */
static apr_status_t temp_folder(const char **folder, apr_pool_t *pool)
{
    *folder = getenv("TMPDIR");
    return *folder && **folder ? APR_SUCCESS : apr_temp_dir_get(folder, pool);
}

/* Unlinked as soon as it is open: a child that is killed leaves nothing behind. */
static apr_status_t open_file(mod_gba_pki_spool_t *spool)
{
    const char *folder;
    char *name;
    apr_status_t rv = temp_folder(&folder, spool->pool);

    if (rv != APR_SUCCESS)
        return rv;
    name = apr_pstrcat(spool->pool, folder, "/gba-spool.XXXXXX", NULL);
    rv = apr_file_mktemp(&spool->file, name,
                         APR_FOPEN_CREATE | APR_FOPEN_READ | APR_FOPEN_WRITE | APR_FOPEN_EXCL |
                             APR_FOPEN_BINARY,
                         spool->pool);
    if (rv != APR_SUCCESS) {
        spool->file = NULL;
        return rv;
    }
    return apr_file_remove(name, spool->pool);
}

static apr_status_t move_to_file(mod_gba_pki_spool_t *spool)
{
    apr_status_t rv = open_file(spool);

    while (rv == APR_SUCCESS && !APR_BRIGADE_EMPTY(spool->held)) {
        apr_bucket *b = APR_BRIGADE_FIRST(spool->held);
        const char *data;
        apr_size_t len;
        rv = apr_bucket_read(b, &data, &len, APR_BLOCK_READ);
        if (rv == APR_SUCCESS)
            rv = apr_file_write_full(spool->file, data, len, NULL);
        if (rv == APR_SUCCESS)
            apr_bucket_delete(b);
    }
    return rv;
}

mod_gba_pki_spool_rv_t mod_gba_pki_spool_add(mod_gba_pki_spool_t *spool, const char *data,
                                             apr_size_t len)
{
    apr_status_t rv = APR_SUCCESS;

    if ((apr_uint64_t)len > (apr_uint64_t)(spool->limits.max - spool->len))
        return MOD_GBA_PKI_SPOOL_FULL;
    if (!spool->file && spool->len + (apr_off_t)len > spool->limits.spool)
        rv = move_to_file(spool);
    if (rv == APR_SUCCESS)
        rv = spool->file ? apr_file_write_full(spool->file, data, len, NULL)
                         : apr_brigade_write(spool->held, NULL, NULL, data, len);
    if (rv != APR_SUCCESS)
        return MOD_GBA_PKI_SPOOL_FAILED;
    spool->len += (apr_off_t)len;
    return MOD_GBA_PKI_SPOOL_OK;
}

apr_off_t mod_gba_pki_spool_len(const mod_gba_pki_spool_t *spool)
{
    return spool->len;
}

/* Read in small pieces: mapped, httpd would hold up to 8 MiB of it at a time, for each reader. */
static void hand_out(mod_gba_pki_spool_t *spool, apr_bucket_brigade *out)
{
    apr_bucket *b = apr_brigade_insert_file(out, spool->file, 0, spool->len, spool->pool);

    apr_bucket_file_enable_mmap(b, 0);
    apr_bucket_file_set_buf_size(b, READ_SIZE);
    spool->file = NULL;
}

apr_status_t mod_gba_pki_spool_take(mod_gba_pki_spool_t *spool, apr_bucket_brigade *out)
{
    if (spool->file) {
        apr_status_t rv = apr_file_flush(spool->file);
        if (rv != APR_SUCCESS)
            return rv;
        hand_out(spool, out);
    }
    APR_BRIGADE_CONCAT(out, spool->held);
    return APR_SUCCESS;
}

void mod_gba_pki_spool_drop(mod_gba_pki_spool_t *spool)
{
    apr_brigade_cleanup(spool->held);
    if (spool->file)
        apr_file_close(spool->file);
    spool->file = NULL;
    spool->len = 0;
}
