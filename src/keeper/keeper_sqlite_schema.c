/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's file: how it comes to be, whose it is, which version it has. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_file_info.h>
#include <apr_strings.h>
#include "keeper/keeper_sqlite_private.h"

const char *keeper_sqlite_path(const char *path, apr_pool_t *pool)
{
    char *absolute = NULL;
    if (apr_filepath_merge(&absolute, NULL, path, APR_FILEPATH_NATIVE, pool) != APR_SUCCESS)
        return NULL;
    return absolute;
}

/** What an operator can do about it; or nothing. */
static const char *advice(int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return "; make room on its disk";
    case SQLITE_IOERR:
        return "; its disk is full, or fails";
    case SQLITE_READONLY:
        return "; file, folder and file system must be writable";
    case SQLITE_BUSY:
        return "; another program holds it";
    case SQLITE_CANTOPEN:
        return "; file and folder must be there, and be the user's that this runs as";
    case SQLITE_CORRUPT:
        return "; restore it from a backup";
    default:
        return "";
    }
}

base_result_t keeper_sqlite_down(sqlite3 *db, const char *tag, const char *path, const char *what,
                                 apr_pool_t *pool)
{
    int code = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
    const char *words = db ? sqlite3_errmsg(db) : sqlite3_errstr(SQLITE_NOMEM);
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE)
        words = "what stands there is not what was written"; /* SQLite itself is content */
    return base_fail(BASE_STORE_DOWN, tag,
                     apr_psprintf(pool, "ledger %s: %s: %s (SQLite result %d)%s", path, what, words,
                                  code, advice(code)));
}

/** BASE_STORE_DOWN with words of our own. */
static base_result_t refuse(const char *tag, const char *path, const char *what, apr_pool_t *pool)
{
    return base_fail(BASE_STORE_DOWN, tag, apr_psprintf(pool, "ledger %s: %s", path, what));
}

int keeper_sqlite_int(sqlite3 *db, const char *sql, sqlite3_int64 *value)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return rc;
}

apr_status_t keeper_sqlite_close(void *db)
{
    return sqlite3_close_v2(db) == SQLITE_OK ? APR_SUCCESS : APR_EGENERAL;
}

int keeper_sqlite_text_is(sqlite3 *db, const char *sql, const char *want)
{
    sqlite3_stmt *statement = NULL;
    int is = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(statement, 0);
        is = text && strcmp((const char *)text, want) == 0;
    }
    sqlite3_finalize(statement);
    return is;
}

/** Asks again every millisecond: SQLite's own handler waits longer and longer, and the longer one
 *  has waited the sooner somebody else is first. By the clock: where many want the processor, a
 *  sleep of a millisecond is much longer. One wait is one thread's, from times 0 on. */
static int wait_a_little(void *busy_ms, int times)
{
    static _Thread_local apr_uint64_t until;
    const base_clock_t *clock = base_clock_system();
    apr_uint64_t now = clock->monotonic(clock->baton);
    if (times == 0)
        until = now + (apr_uint64_t)(intptr_t)busy_ms;
    if (now >= until)
        return 0;
    usleep(1000);
    return 1;
}

static base_result_t connect_as(sqlite3 **db, const char *path, int flags, int busy_ms,
                                apr_pool_t *pool)
{
    base_result_t result = base_ok();
    if (sqlite3_open_v2(path, db, flags | SQLITE_OPEN_FULLMUTEX, NULL) != SQLITE_OK)
        result = keeper_sqlite_down(*db, "GBA0540", path, "it cannot be opened", pool);
    else if (sqlite3_extended_result_codes(*db, 1) != SQLITE_OK ||
             sqlite3_busy_handler(*db, wait_a_little, (void *)(intptr_t)busy_ms) != SQLITE_OK ||
             sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
             sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) != SQLITE_OK)
        result = keeper_sqlite_down(*db, "GBA0541", path, "it cannot be set up", pool);
    else if (flags == SQLITE_OPEN_READWRITE && sqlite3_db_readonly(*db, "main") != 0)
        /* SQLite's silent second choice */
        result =
            refuse("GBA0557", path, "it may not be written by the user that this runs as", pool);
    if (result.code != BASE_OK) {
        sqlite3_close_v2(*db);
        *db = NULL;
    }
    return result;
}

base_result_t keeper_sqlite_connect(sqlite3 **db, const char *path, int busy_ms, apr_pool_t *pool)
{
    return connect_as(db, path, SQLITE_OPEN_READWRITE, busy_ms, pool);
}

base_result_t keeper_sqlite_connect_reading(sqlite3 **db, const char *path, int busy_ms,
                                            apr_pool_t *pool)
{
    return connect_as(db, path, SQLITE_OPEN_READONLY, busy_ms, pool);
}

static base_result_t check_version(sqlite3 *db, const char *path, apr_pool_t *pool)
{
    sqlite3_int64 version = 0;
    int rc = keeper_sqlite_int(db, "SELECT schema_version FROM meta", &version);
    if (rc == SQLITE_DONE || rc == SQLITE_ERROR)
        return refuse("GBA0542", path, "its schema is damaged; restore it from a backup", pool);
    if (rc != SQLITE_ROW)
        return keeper_sqlite_down(db, "GBA0543", path, "its version cannot be read", pool);
    if (version > KEEPER_LEDGER_SCHEMA)
        return refuse("GBA0544", path,
                      apr_psprintf(pool,
                                   "its schema is version %" APR_INT64_T_FMT
                                   ", newer than version %d of this program; run the newer program "
                                   "that wrote it, or name another file",
                                   (apr_int64_t)version, KEEPER_LEDGER_SCHEMA),
                      pool);
    if (version < KEEPER_LEDGER_SCHEMA)
        return refuse("GBA0545", path,
                      apr_psprintf(pool,
                                   "its schema is version %" APR_INT64_T_FMT
                                   ", older than version %d of this program; convert it by: "
                                   "gba-pkictl ledger upgrade %s",
                                   (apr_int64_t)version, KEEPER_LEDGER_SCHEMA, path),
                      pool);
    return base_ok();
}

base_result_t keeper_sqlite_check(sqlite3 *db, const char *path, int *empty, apr_pool_t *pool)
{
    sqlite3_int64 application = 0, objects = 0;
    int rc = keeper_sqlite_int(db, "PRAGMA application_id", &application);
    if (rc == SQLITE_ROW)
        rc = keeper_sqlite_int(db, "SELECT count(*) FROM sqlite_schema", &objects);
    if (rc == SQLITE_NOTADB)
        return refuse("GBA0546", path,
                      "it is not an SQLite database; move it away, or name another file", pool);
    if (rc != SQLITE_ROW)
        return keeper_sqlite_down(db, "GBA0547", path, "it cannot be read", pool);
    if (empty)
        *empty = application == 0 && objects == 0;
    if (empty && *empty)
        return base_ok();
    if (application != KEEPER_SQLITE_APPLICATION_ID)
        return refuse("GBA0548", path, "it is not a ledger of this program; name another file",
                      pool);
    return check_version(db, path, pool);
}

/** An empty file that only its owner may read (SQLite gives -wal and -shm the same mode), or the
 *  file that is there already. */
static base_result_t make_file(const char *path, apr_pool_t *pool)
{
    struct stat st;
    char words[128];
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    int bad = fd < 0 && errno != EEXIST;
    /* The umask may have taken the owner's own bits away. */
    if (fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) != 0)
        bad = 1;
    if (!bad && stat(path, &st) != 0)
        bad = 1;
    if (bad)
        apr_strerror(errno, words, sizeof words);
    if (fd >= 0)
        close(fd);
    if (bad)
        return refuse("GBA0549", path,
                      apr_psprintf(pool,
                                   "it cannot be made: %s; its directory must exist and be "
                                   "writable by the user that this runs as",
                                   words),
                      pool);
    if (!S_ISREG(st.st_mode))
        return refuse("GBA0550", path, "it is not a regular file; name another file", pool);
    return base_ok();
}

/** All or nothing. Another process may have been first: then its schema is checked. */
static base_result_t make_schema(sqlite3 *db, const char *path, apr_pool_t *pool)
{
    int empty = 0;
    const char *fill =
        apr_psprintf(pool,
                     "%s PRAGMA application_id=%d;"
                     "INSERT INTO meta (id, schema_version, created) VALUES (1, %d, unixepoch());",
                     keeper_sqlite_schema, KEEPER_SQLITE_APPLICATION_ID, KEEPER_LEDGER_SCHEMA);
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return keeper_sqlite_down(db, "GBA0551", path, "it cannot be written", pool);
    base_result_t result = keeper_sqlite_check(db, path, &empty, pool);
    if (result.code == BASE_OK && empty && sqlite3_exec(db, fill, NULL, NULL, NULL) != SQLITE_OK)
        result = keeper_sqlite_down(db, "GBA0552", path, "its schema cannot be made", pool);
    if (result.code == BASE_OK && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        result = keeper_sqlite_down(db, "GBA0553", path, "its schema cannot be committed", pool);
    return result; /* the caller closes, which rolls back what was not committed */
}

static base_result_t prepare_database(sqlite3 *db, const char *path, apr_pool_t *pool)
{
    int empty = 0;
    /* Before anything is written: a database of somebody else stays as it is. */
    base_result_t result = keeper_sqlite_check(db, path, &empty, pool);
    if (result.code != BASE_OK)
        return result;
    if (sqlite3_exec(db, "PRAGMA synchronous=FULL", NULL, NULL, NULL) != SQLITE_OK)
        return keeper_sqlite_down(db, "GBA0558", path, "it cannot be made durable", pool);
    if (!keeper_sqlite_text_is(db, "PRAGMA journal_mode=WAL", "wal"))
        return keeper_sqlite_down(db, "GBA0554", path,
                                  "write-ahead logging cannot be had; the file and its directory "
                                  "must be writable and on a local file system",
                                  pool);
    return make_schema(db, path, pool);
}

base_result_t keeper_sqlite_prepare(const char *path, apr_pool_t *pool)
{
    sqlite3 *db = NULL;
    const char *absolute = keeper_sqlite_path(path, pool);
    if (!absolute)
        return refuse("GBA0555", path, "its path cannot be made absolute", pool);
    base_result_t result = make_file(absolute, pool);
    if (result.code == BASE_OK)
        result = keeper_sqlite_connect(&db, absolute, KEEPER_SQLITE_BUSY_MS, pool);
    if (result.code != BASE_OK)
        return result;
    result = prepare_database(db, absolute, pool);
    if (sqlite3_close(db) != SQLITE_OK && result.code == BASE_OK)
        result = refuse("GBA0556", absolute, "it cannot be closed", pool);
    return result;
}
