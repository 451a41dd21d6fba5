/* SPDX-License-Identifier: Apache-2.0 */
/* See unsynced.h. Nothing is kept open between two calls, since the processes that are watched
 * close what they do not know. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "unsynced.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FD_MAX   4096
#define PATH_LEN 512
#define PIECE    65536 /* octets that are noted at once */

static atomic_uchar kinds[FD_MAX]; /* of what is open */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* The function that this one stands before. */
#define NEXT(name) ((__typeof__(&name))next_of(#name))

static void *next_of(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (!function)
        abort();
    return function;
}

/* ---- what is watched ---- */

static const char *folder(void)
{
    return getenv("GBA_UNSYNCED_FOLDER");
}

static const char *database(void)
{
    return folder() ? getenv("GBA_UNSYNCED_DATABASE") : NULL;
}

static int is_directory(const char *path, const char *base)
{
    size_t len = strlen(path);
    return strncmp(path, base, len) == 0 && base[len] == '/' && !strchr(base + len + 1, '/');
}

static unsynced_kind_t kind_of_path(const char *path)
{
    const char *base = database();
    size_t len = base ? strlen(base) : 0;
    if (!base || path[0] != '/')
        return UNSYNCED_NOT;
    if (is_directory(path, base))
        return UNSYNCED_DIRECTORY;
    for (int kind = UNSYNCED_DATABASE; kind < UNSYNCED_DIRECTORY; kind++)
        if (strncmp(path, base, len) == 0 && strcmp(path + len, unsynced_suffixes[kind]) == 0)
            return (unsynced_kind_t)kind;
    return UNSYNCED_NOT;
}

static unsynced_kind_t kind_of(int fd)
{
    return fd >= 0 && fd < FD_MAX ? (unsynced_kind_t)atomic_load(&kinds[fd]) : UNSYNCED_NOT;
}

/* ---- notes ---- */

static int open_note(const char *name, int number, const char *behind, int flags)
{
    char path[PATH_LEN];
    snprintf(path, sizeof(path), "%s/%s.%d%s", folder(), name, number, behind);
    return NEXT(open64)(path, flags | O_CLOEXEC, 0666);
}

/* One process and one thread at a time, so that notes stand in the order of the writes. */
static int lock(void)
{
    int fd;
    pthread_mutex_lock(&mutex);
    fd = open_note("lock", 0, "", O_RDWR | O_CREAT);
    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        abort();
    return fd;
}

static void unlock(int fd)
{
    NEXT(close)(fd);
    pthread_mutex_unlock(&mutex);
}

static void note(unsynced_kind_t kind, const void *data, size_t len)
{
    int fd = open_note("undo", (int)kind, "", O_WRONLY | O_APPEND | O_CREAT);
    if (fd < 0 || NEXT(write)(fd, data, len) != (ssize_t)len)
        abort();
    NEXT(close)(fd);
}

/* They are durable now. */
static void forget(unsynced_kind_t kind)
{
    int fd = open_note("undo", (int)kind, "", O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0)
        abort();
    NEXT(close)(fd);
}

/* How it was before octets from @a from up to @a to are written: piece by piece. */
static void note_write(int fd, off64_t from, off64_t to)
{
    static struct { /* the lock is held */
        unsynced_write_t head;
        unsigned char octets[PIECE];
    } before;
    struct stat64 about;
    if (fstat64(fd, &about) != 0)
        abort();
    if (to > about.st_size)
        to = about.st_size;
    do {
        off64_t len = to - from < 0 ? 0 : to - from < PIECE ? to - from : PIECE;
        if (pread64(fd, before.octets, (size_t)len, from) != (ssize_t)len)
            abort();
        before.head = (unsynced_write_t){(uint64_t)about.st_ino, (uint64_t)from, (uint64_t)len,
                                         (uint64_t)about.st_size};
        note(kind_of(fd), &before, sizeof(before.head) + (size_t)len);
        from += len;
    } while (from < to);
}

/* A name goes; the file may come back. */
static void note_gone(const char *path, unsynced_kind_t kind)
{
    static atomic_uint last;
    unsynced_name_t name = {(uint32_t)kind, 0};
    char gone[PATH_LEN], notes[PATH_LEN], undo[PATH_LEN];
    name.linked = ((uint32_t)getpid() << 8 | (atomic_fetch_add(&last, 1) & 0xff)) & 0x7fffffff;
    snprintf(gone, sizeof(gone), "%s/gone.%d", folder(), (int)name.linked);
    snprintf(notes, sizeof(notes), "%s/gone.%d.undo", folder(), (int)name.linked);
    snprintf(undo, sizeof(undo), "%s/undo.%d", folder(), (int)kind);
    if (link(path, gone) != 0)
        return; /* there is nothing to remove */
    rename(undo, notes);
    note(UNSYNCED_DIRECTORY, &name, sizeof(name));
}

/* ---- failures that a test asks for ---- */

/* Nonzero, with errno, if the file "fail" says @a word. */
static int fails(const char *word, int error)
{
    char path[PATH_LEN], text[16] = "";
    int fd;
    snprintf(path, sizeof(path), "%s/fail", folder());
    fd = NEXT(open64)(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    NEXT(close)(fd);
    text[strcspn(text, "\n")] = '\0';
    errno = error;
    return strcmp(text, word) == 0;
}

static int write_fails(void)
{
    return fails("ENOSPC", ENOSPC) || fails("EROFS", EROFS);
}

/* ---- what SQLite calls ---- */

static int open_watched(const char *path, int flags, mode_t mode)
{
    unsynced_kind_t kind = path ? kind_of_path(path) : UNSYNCED_NOT;
    unsynced_name_t came = {(uint32_t)kind, 0};
    int fd, is_new, held;
    if (kind == UNSYNCED_NOT)
        return NEXT(open64)(path, flags, mode);
    if ((flags & O_ACCMODE) != O_RDONLY && fails("EROFS", EROFS))
        return -1;
    held = lock();
    is_new = (flags & O_CREAT) && access(path, F_OK) != 0;
    fd = NEXT(open64)(path, flags, mode);
    if (fd >= 0 && is_new)
        note(UNSYNCED_DIRECTORY, &came, sizeof(came));
    if (fd >= 0 && fd < FD_MAX)
        atomic_store(&kinds[fd], (unsigned char)kind);
    unlock(held);
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? (mode_t)va_arg(args, int) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_watched(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_watched(path, flags | O_LARGEFILE, mode);
}

int close(int fd)
{
    if (fd >= 0 && fd < FD_MAX)
        atomic_store(&kinds[fd], UNSYNCED_NOT);
    return NEXT(close)(fd);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    ssize_t written;
    int held;
    if (kind_of(fd) == UNSYNCED_NOT)
        return NEXT(pwrite64)(fd, data, len, at);
    if (write_fails())
        return -1;
    held = lock();
    note_write(fd, at, at + (off64_t)len);
    written = NEXT(pwrite64)(fd, data, len, at);
    unlock(held);
    return written;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    return pwrite64(fd, data, len, at);
}

ssize_t write(int fd, const void *data, size_t len)
{
    off64_t at = kind_of(fd) == UNSYNCED_NOT ? -1 : lseek64(fd, 0, SEEK_CUR);
    ssize_t written;
    if (at < 0)
        return NEXT(write)(fd, data, len);
    written = pwrite64(fd, data, len, at);
    if (written > 0)
        lseek64(fd, at + written, SEEK_SET);
    return written;
}

int ftruncate64(int fd, off64_t size)
{
    struct stat64 about;
    int held, rc;
    if (kind_of(fd) == UNSYNCED_NOT)
        return NEXT(ftruncate64)(fd, size);
    if (write_fails() || fstat64(fd, &about) != 0)
        return -1;
    held = lock();
    note_write(fd, size, about.st_size);
    rc = NEXT(ftruncate64)(fd, size);
    unlock(held);
    return rc;
}

int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

static int sync_watched(int fd, int (*sync)(int))
{
    int held, rc;
    if (kind_of(fd) == UNSYNCED_NOT)
        return sync(fd);
    if (fails("EIO", EIO))
        return -1;
    held = lock();
    rc = sync(fd);
    if (rc == 0 && !getenv("GBA_UNSYNCED_DEAF"))
        forget(kind_of(fd));
    unlock(held);
    return rc;
}

int fsync(int fd)
{
    return sync_watched(fd, NEXT(fsync));
}

int fdatasync(int fd)
{
    return sync_watched(fd, NEXT(fdatasync));
}

int unlink(const char *path)
{
    unsynced_kind_t kind = kind_of_path(path);
    int held, rc;
    if (kind == UNSYNCED_NOT)
        return NEXT(unlink)(path);
    if (fails("EROFS", EROFS))
        return -1;
    held = lock();
    note_gone(path, kind);
    rc = NEXT(unlink)(path);
    unlock(held);
    return rc;
}
