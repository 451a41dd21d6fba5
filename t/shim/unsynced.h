/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file unsynced.h
 * A power cut for tests. The shim (unsynced.c) stands between SQLite and libc:
 * by LD_PRELOAD, or linked into a test. It watches one database and its
 * journals, and notes in a folder how to undo every write until a sync has made
 * it durable. Processes are killed as by a power cut; what they had not synced
 * is undone then (power_cut.c), and the files are what a disk would hold.
 *
 * Environment of the shim:
 *
 *   GBA_UNSYNCED_DATABASE  the database, by the absolute path by which it is opened
 *   GBA_UNSYNCED_FOLDER    where the notes are; on the same file system, writable by who writes the
 *                          database. A file "fail" there says how watched files fail now: ENOSPC
 *                          (writing), EROFS (opening, writing, removing), EIO (syncing)
 *   GBA_UNSYNCED_DEAF      set: a sync is no sync, as on a disk that lies
 */
#ifndef unsynced_h
#define unsynced_h

#include <stdint.h>

/** What is watched. The number is also that of its notes: "FOLDER/undo.N". */
typedef enum unsynced_kind_t {
    UNSYNCED_NOT,
    UNSYNCED_DATABASE,
    UNSYNCED_WAL,
    UNSYNCED_JOURNAL,
    UNSYNCED_DIRECTORY, /**< in which they are: names that came and went */
    UNSYNCED_KINDS
} unsynced_kind_t;

/** How a file's octets were before a write: what stands behind this in a file's notes. */
typedef struct unsynced_write_t {
    uint64_t inode; /**< of the file that was written */
    uint64_t at;    /**< where; the octets behind this were there */
    uint64_t len;   /**< how many they are; fewer than were written where the file grew */
    uint64_t size;  /**< of the file */
} unsynced_write_t;

/** What happened to a name: the directory's notes are an array of this. */
typedef struct unsynced_name_t {
    uint32_t kind;   /**< whose name */
    uint32_t linked; /**< 0: it came; else it went, and "FOLDER/gone.LINKED" is the file (its notes
                          are "FOLDER/gone.LINKED.undo") */
} unsynced_name_t;

/** Behind the database's path. Indexed by unsynced_kind_t. */
static const char *const unsynced_suffixes[UNSYNCED_DIRECTORY] = {"", "", "-wal", "-journal"};

/**
 * Undoes what was not synced; the database must not be open anywhere.
 * @param seed 0: all of it is lost; else half of the writes, chosen by this number, have reached
 *             the disk all the same
 * @return how many writes were undone, or -1 with errno
 */
int unsynced_power_cut(const char *database, const char *folder, unsigned seed);

#endif
