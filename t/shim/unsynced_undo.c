/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the files when the power goes: see unsynced.h. Without the shim, which would note
 * what is done here. */
#include "unsynced.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN 512

/* The notes: all that a file holds. */
typedef struct notes_t {
    unsigned char *data;
    size_t len;
} notes_t;

static int read_all(notes_t *notes, const char *path)
{
    struct stat about;
    FILE *file = fopen(path, "rb");
    *notes = (notes_t){NULL, 0};
    if (!file)
        return errno == ENOENT;
    if (fstat(fileno(file), &about) == 0 && about.st_size > 0) {
        notes->data = malloc((size_t)about.st_size);
        notes->len = notes->data ? fread(notes->data, 1, (size_t)about.st_size, file) : 0;
    }
    fclose(file);
    return notes->len == (size_t)about.st_size;
}

/* ---- octets ---- */

/* Where the note at @a at ends; 0 if it is not whole: its write has not been. */
static size_t end_of(const notes_t *notes, size_t at)
{
    unsynced_write_t head;
    if (notes->len - at < sizeof(head))
        return 0;
    memcpy(&head, notes->data + at, sizeof(head));
    if (head.len > notes->len - at - sizeof(head))
        return 0;
    return at + sizeof(head) + (size_t)head.len;
}

static int undo_write(int fd, ino_t inode, const unsigned char *data)
{
    unsynced_write_t head;
    memcpy(&head, data, sizeof(head));
    if (head.inode != inode)
        return 0; /* another file had this name */
    if (pwrite(fd, data + sizeof(head), (size_t)head.len, (off_t)head.at) != (ssize_t)head.len ||
        ftruncate(fd, (off_t)head.size) != 0)
        return -1;
    return 1;
}

/* From the last to the first. */
static int undo_writes(int fd, const notes_t *notes, unsigned *seed)
{
    struct stat about;
    size_t *starts = malloc(sizeof(*starts) * (notes->len / sizeof(unsynced_write_t) + 1));
    int count = 0, undone = 0;
    if (!starts || fstat(fd, &about) != 0) {
        free(starts);
        return -1;
    }
    for (size_t at = 0, end; (end = end_of(notes, at)) != 0; at = end)
        starts[count++] = at;
    while (count-- > 0 && undone >= 0) {
        int rc;
        if (*seed && rand_r(seed) % 2)
            continue;
        rc = undo_write(fd, about.st_ino, notes->data + starts[count]);
        undone = rc < 0 ? -1 : undone + rc;
    }
    free(starts);
    return undone;
}

static int undo_file(const char *path, const char *undo, unsigned *seed)
{
    notes_t notes;
    int undone = 0, fd;
    if (!read_all(&notes, undo))
        return -1;
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        undone = undo_writes(fd, &notes, seed);
        close(fd);
    }
    free(notes.data);
    unlink(undo);
    return undone;
}

/* ---- names ---- */

static void undo_name(const char *database, const char *folder, unsynced_name_t name)
{
    char path[PATH_LEN], undo[PATH_LEN], gone[PATH_LEN], notes[PATH_LEN];
    if (name.kind == UNSYNCED_NOT || name.kind >= UNSYNCED_DIRECTORY)
        return;
    snprintf(path, sizeof(path), "%s%s", database, unsynced_suffixes[name.kind]);
    snprintf(undo, sizeof(undo), "%s/undo.%u", folder, name.kind);
    snprintf(gone, sizeof(gone), "%s/gone.%u", folder, name.linked);
    snprintf(notes, sizeof(notes), "%s/gone.%u.undo", folder, name.linked);
    unlink(undo);
    if (name.linked == 0) {
        unlink(path);
    } else {
        rename(gone, path);
        rename(notes, undo);
    }
}

static int undo_names(const char *database, const char *folder)
{
    char path[PATH_LEN];
    unsynced_name_t name;
    notes_t notes;
    int count;
    snprintf(path, sizeof(path), "%s/undo.%d", folder, UNSYNCED_DIRECTORY);
    if (!read_all(&notes, path))
        return -1;
    count = (int)(notes.len / sizeof(name));
    for (int i = count - 1; i >= 0; i--) {
        memcpy(&name, notes.data + (size_t)i * sizeof(name), sizeof(name));
        undo_name(database, folder, name);
    }
    free(notes.data);
    unlink(path);
    return count;
}

int unsynced_power_cut(const char *database, const char *folder, unsigned seed)
{
    char path[PATH_LEN], undo[PATH_LEN];
    int undone = undo_names(database, folder);
    for (unsigned kind = UNSYNCED_DATABASE; kind < UNSYNCED_DIRECTORY && undone >= 0; kind++) {
        int rc;
        snprintf(path, sizeof(path), "%s%s", database, unsynced_suffixes[kind]);
        snprintf(undo, sizeof(undo), "%s/undo.%u", folder, kind);
        rc = undo_file(path, undo, &seed);
        undone = rc < 0 ? -1 : undone + rc;
    }
    snprintf(path, sizeof(path), "%s-shm", database); /* nobody's memory outlives a power cut */
    unlink(path);
    return undone;
}
