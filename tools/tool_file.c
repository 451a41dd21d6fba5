/* SPDX-License-Identifier: Apache-2.0 */
#include "tool_file.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <apr_strings.h>
#include "base/base_secret.h"

const char *tool_file_error(const char *what, const char *path, apr_pool_t *pool)
{
    const char *why = strerror(errno);
    return apr_psprintf(pool, "%s %s: %s", what, base_log_safe(pool, path, 256), why);
}

/* Reads until the end or until the buffer is full; -1 on error. */
static ssize_t read_all(int fd, unsigned char *buf, size_t size)
{
    size_t have = 0;
    while (have < size) {
        ssize_t got = read(fd, buf + have, size - have);
        if (got < 0 && errno != EINTR)
            return -1;
        if (got == 0)
            break;
        if (got > 0)
            have += (size_t)got;
    }
    return (ssize_t)have;
}

const char *tool_file_read(base_span_t *out, const char *path, apr_size_t max, apr_pool_t *pool)
{
    unsigned char *buf = base_secret_alloc(pool, max + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tool_file_error("cannot open", path, pool);
    ssize_t len = read_all(fd, buf, max + 1);
    const char *error = len < 0 ? tool_file_error("cannot read", path, pool) : NULL;
    close(fd);
    if (error)
        return error;
    if ((apr_size_t)len > max) {
        errno = EFBIG;
        return tool_file_error("cannot use", path, pool);
    }
    *out = (base_span_t){buf, (apr_size_t)len};
    return NULL;
}
