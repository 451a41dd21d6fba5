/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_strings.h>
#include "tool_file.h"

struct ue_pending_t {
    const char *path;
    char *temp; /* NULL once committed */
    int fd;
    apr_pool_t *pool;
};

static int local_failure(ue_result_t *result, const char *what, const char *path, apr_pool_t *pool)
{
    return ue_fail(result, UE_LOCAL, tool_file_error(what, path, pool));
}

int ue_file_read(base_span_t *out, const char *path, apr_size_t max, ue_result_t *result,
                 apr_pool_t *pool)
{
    const char *error = tool_file_read(out, path, max, pool);
    return error ? ue_fail(result, UE_LOCAL, error) : 1;
}

static apr_status_t discard(void *baton)
{
    ue_pending_t *pending = baton;
    if (pending->fd >= 0)
        close(pending->fd);
    if (pending->temp)
        unlink(pending->temp);
    return APR_SUCCESS;
}

/* A rename would put a plain file in the place of a device or a directory. */
static int is_replaceable(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT;
    errno = EINVAL;
    return S_ISREG(st.st_mode);
}

ue_pending_t *ue_pending_open(const char *path, ue_result_t *result, apr_pool_t *pool)
{
    ue_pending_t *pending = apr_pcalloc(pool, sizeof(*pending));
    char *temp = apr_pstrcat(pool, path, ".XXXXXX", NULL);
    pending->path = path;
    pending->pool = pool;
    pending->fd = is_replaceable(path) ? mkostemp(temp, O_CLOEXEC) : -1;
    if (pending->fd < 0) {
        local_failure(result, "cannot write", path, pool);
        return NULL;
    }
    pending->temp = temp;
    apr_pool_cleanup_register(pool, pending, discard, apr_pool_cleanup_null);
    return pending;
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, text, len);
        if (done < 0 && errno != EINTR)
            return 0;
        if (done > 0) {
            text += done;
            len -= (size_t)done;
        }
    }
    return 1;
}

int ue_pending_commit(ue_pending_t *pending, const char *text, mode_t mode, ue_result_t *result)
{
    int fd = pending->fd;
    int written = write_all(fd, text, strlen(text)) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    if (!written || rename(pending->temp, pending->path) != 0)
        return local_failure(result, "cannot write", pending->path, pending->pool);
    pending->temp = NULL;
    return 1;
}
