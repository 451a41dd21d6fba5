/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/bsf_subscribers.h"

#include <httpd.h>

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <http_log.h>
#include <string.h>
#include "base/base_secret.h"
#include "lab/bsf_module.h"
#include "lab/bsf_read.h"

APLOG_USE_MODULE(gba_bsf);

#define FILE_MAX (1024 * 1024) /* octets of a file that is read */

/* Which version of a file it is. */
typedef struct version_t {
    apr_time_t mtime, ctime;
    apr_off_t size;
    apr_ino_t inode;
} version_t;

struct bsf_subscribers_t {
    const char *path;
    apr_pool_t *pool; /* above those of later versions; NULL in the parent */
    apr_thread_mutex_t *mutex;
    apr_pool_t *own;          /* the pool of list; NULL if that was inherited */
    apr_array_header_t *list; /* of bsf_subscriber_t *; NULL before the first load */
    version_t tried;          /* the version that was read last, good or not */
};

static base_result_t wrong(const char *detail)
{
    return base_fail(BASE_KEYSOURCE_DOWN, "GBA0902", detail);
}

bsf_subscribers_t *bsf_subscribers_make(apr_pool_t *pool, const char *path)
{
    bsf_subscribers_t *file = apr_pcalloc(pool, sizeof(*file));

    file->path = apr_pstrdup(pool, path);
    return file;
}

static int look(version_t *version, const apr_finfo_t *info)
{
    version_t now = {info->mtime, info->ctime, info->size, info->inode};
    int same = now.mtime == version->mtime && now.ctime == version->ctime &&
               now.size == version->size && now.inode == version->inode;

    *version = now;
    return !same;
}

/* Reads an open file of which @a info is known. */
static base_result_t read_file(apr_array_header_t **list, apr_file_t *file, const apr_finfo_t *info,
                               apr_pool_t *pool)
{
    apr_size_t len = 0;
    unsigned char *text;

    if (info->filetype != APR_REG)
        return wrong("not a plain file");
    if (info->protection & (APR_FPROT_WREAD | APR_FPROT_WWRITE))
        return wrong("it holds keys, and everybody may read or write it: chmod o-rw");
    if (info->size > FILE_MAX)
        return wrong("more than 1 MiB");
    text = base_secret_alloc(pool, (apr_size_t)info->size + 1);
    if (apr_file_read_full(file, text, (apr_size_t)info->size, &len) != APR_SUCCESS ||
        len != (apr_size_t)info->size)
        return wrong("it cannot be read to its end");
    return bsf_read_subscribers(list, (base_span_t){text, len}, pool);
}

static base_result_t read_path(apr_array_header_t **list, bsf_subscribers_t *file, apr_pool_t *pool)
{
    const apr_int32_t wanted = APR_FINFO_NORM;
    apr_finfo_t info;
    apr_file_t *opened;
    base_result_t result;

    if (apr_file_open(&opened, file->path, APR_FOPEN_READ | APR_FOPEN_BINARY, APR_FPROT_OS_DEFAULT,
                      pool) != APR_SUCCESS)
        return wrong("it cannot be opened");
    if (apr_file_info_get(&info, wanted, opened) == APR_SUCCESS) {
        look(&file->tried, &info);
        result = read_file(list, opened, &info, pool);
    } else {
        result = wrong("it cannot be looked at");
    }
    apr_file_close(opened);
    return result;
}

base_result_t bsf_subscribers_load(bsf_subscribers_t *file, apr_pool_t *pool)
{
    base_result_t result = read_path(&file->list, file, pool);

    if (result.code != BASE_OK)
        result.detail = apr_pstrcat(pool, file->path, ": ", result.detail, NULL);
    return result;
}

void bsf_subscribers_child(bsf_subscribers_t *file, apr_pool_t *pchild)
{
    if (file->pool)
        return;
    /* Without its mutex a child keeps to what it inherited. */
    if (apr_thread_mutex_create(&file->mutex, APR_THREAD_MUTEX_DEFAULT, pchild) == APR_SUCCESS)
        file->pool = pchild;
}

/* Takes what the file holds now, or keeps what there is. With the mutex held. */
static void read_again(bsf_subscribers_t *file, request_rec *r)
{
    apr_array_header_t *list = NULL;
    apr_pool_t *pool;
    base_result_t result;

    if (apr_pool_create(&pool, file->pool) != APR_SUCCESS)
        return;
    result = read_path(&list, file, pool);
    if (result.code != BASE_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "GBA0903: laboratory BSF: %s has changed and is refused; the subscribers "
                      "stay as they were: %s",
                      file->path, result.detail);
        apr_pool_destroy(pool);
        return;
    }
    if (file->own)
        apr_pool_destroy(file->own);
    file->own = pool;
    file->list = list;
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "GBA0904: laboratory BSF: %s read again: %d",
                  file->path, list->nelts);
}

static void refresh(bsf_subscribers_t *file, request_rec *r)
{
    version_t version = file->tried;
    apr_finfo_t info;

    if (apr_stat(&info, file->path, APR_FINFO_NORM, r->pool) != APR_SUCCESS)
        memset(&info, 0, sizeof(info)); /* gone: a version of its own, told once */
    if (!look(&version, &info))
        return;
    file->tried = version;
    read_again(file, r);
}

static const bsf_subscriber_t *copy_of(const bsf_subscriber_t *sub, apr_pool_t *pool)
{
    bsf_subscriber_t *copy = base_secret_copy(pool, sub, sizeof(*sub));

    copy->impi = apr_pstrdup(pool, sub->impi);
    copy->uss = apr_array_copy(pool, sub->uss);
    for (int i = 0; i < copy->uss->nelts; i++) {
        bsf_uss_t *uss = &APR_ARRAY_IDX(copy->uss, i, bsf_uss_t);
        uss->json = apr_pstrdup(pool, uss->json);
    }
    return copy;
}

const bsf_subscriber_t *bsf_subscribers_find(bsf_subscribers_t *file, request_rec *r,
                                             const char *impi)
{
    const bsf_subscriber_t *found = NULL;

    if (file->pool) {
        if (apr_thread_mutex_lock(file->mutex) != APR_SUCCESS)
            return NULL;
        refresh(file, r);
    }
    for (int i = 0; !found && i < file->list->nelts; i++) {
        const bsf_subscriber_t *sub = APR_ARRAY_IDX(file->list, i, bsf_subscriber_t *);
        if (strcmp(sub->impi, impi) == 0)
            found = copy_of(sub, r->pool);
    }
    if (file->pool)
        apr_thread_mutex_unlock(file->mutex);
    return found;
}
