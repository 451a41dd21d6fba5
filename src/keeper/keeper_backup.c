/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of a ledger that is in use: made under another name, checked, made durable, and only then
 * given its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <apr_strings.h>
#include "keeper/keeper_records_private.h"
#include "keeper/keeper_upkeep.h"
#include "keeper/keeper_verify.h"

#define PAGES_AT_ONCE 1024

/** A copy on its way. */
typedef struct copying_t {
    const char *path;
    const char *copy;
    char *temp; /**< the copy's name until it is whole */
    int made;   /**< nonzero: temp is there */
    sqlite3 *from;
    sqlite3 *to;
    keeper_backup_t *out;
    apr_pool_t *pool;
} copying_t;

/** About the copy, in the system's words. */
static base_result_t no_copy(const copying_t *c, const char *tag, const char *what)
{
    char words[128];
    apr_strerror(errno, words, sizeof words);
    c->out->copy_failed = 1;
    return base_fail(BASE_STORE_DOWN, tag,
                     apr_psprintf(c->pool, "copy %s: %s: %s", c->copy, what, words));
}

/** About the copy, in SQLite's or our own words. */
static base_result_t bad_copy(const copying_t *c, const char *tag, const char *what)
{
    c->out->copy_failed = 1;
    return base_fail(BASE_STORE_DOWN, tag, apr_psprintf(c->pool, "copy %s: %s", c->copy, what));
}

/* ---- the ledger ---- */

/** A transaction over the whole copy: what keepers commit meanwhile is not in it, and does not make
 *  it begin again. */
static base_result_t open_ledger(copying_t *c)
{
    sqlite3_int64 application = 0, version = 0;
    base_result_t result =
        keeper_sqlite_connect_reading(&c->from, c->path, KEEPER_SQLITE_BUSY_MS, c->pool);
    if (result.code != BASE_OK)
        return result;
    if (sqlite3_exec(c->from, "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
        keeper_sqlite_int(c->from, "PRAGMA application_id", &application) != SQLITE_ROW)
        return keeper_sqlite_down(c->from, "GBA1011", c->path, "it cannot be read", c->pool);
    if (application != KEEPER_SQLITE_APPLICATION_ID)
        return base_fail(
            BASE_STORE_DOWN, "GBA1012",
            apr_psprintf(c->pool, "ledger %s: it is not a ledger of this program", c->path));
    if (keeper_sqlite_int(c->from, "SELECT schema_version FROM meta", &version) != SQLITE_ROW)
        return keeper_sqlite_down(c->from, "GBA1013", c->path, "its version cannot be read",
                                  c->pool);
    c->out->version = (int)version;
    return base_ok();
}

/* ---- the copy ---- */

/** Beside the name that it will have: the same disk. mkstemp() gives mode 0600. */
static base_result_t make_temp(copying_t *c)
{
    struct stat st;
    c->temp = apr_pstrcat(c->pool, c->copy, ".XXXXXX", NULL);
    if (lstat(c->copy, &st) == 0) {
        errno = EEXIST;
        return no_copy(c, "GBA1014", "it is not written");
    }
    int fd = mkostemp(c->temp, O_CLOEXEC);
    if (fd < 0)
        return no_copy(c, "GBA1015", "it cannot be made");
    c->made = 1;
    close(fd);
    return base_ok();
}

static int copy_pages(copying_t *c)
{
    sqlite3_backup *backup = sqlite3_backup_init(c->to, "main", c->from, "main");
    int rc = backup ? SQLITE_OK : sqlite3_errcode(c->to);
    while (rc == SQLITE_OK)
        rc = sqlite3_backup_step(backup, PAGES_AT_ONCE);
    if (backup && sqlite3_backup_finish(backup) != SQLITE_OK && rc == SQLITE_DONE)
        rc = SQLITE_IOERR;
    return rc;
}

/** Its pages are made durable once, at the end. */
static base_result_t fill_temp(copying_t *c)
{
    base_result_t result = keeper_sqlite_connect(&c->to, c->temp, KEEPER_SQLITE_BUSY_MS, c->pool);
    if (result.code != BASE_OK)
        return result;
    if (sqlite3_exec(c->to, "PRAGMA synchronous=OFF", NULL, NULL, NULL) != SQLITE_OK)
        return bad_copy(c, "GBA1016", "it cannot be set up");
    int rc = copy_pages(c);
    if (rc != SQLITE_DONE)
        return bad_copy(c, "GBA1017", sqlite3_errstr(rc));
    if (sqlite3_close(c->to) != SQLITE_OK)
        return bad_copy(c, "GBA1018", "it cannot be closed");
    c->to = NULL;
    return base_ok();
}

/* ---- is it what it should be? ---- */

typedef struct first_t {
    const char *text;
    apr_pool_t *pool;
} first_t;

static void keep_first(void *baton, const keeper_finding_t *finding)
{
    first_t *first = baton;
    if (!first->text)
        first->text = apr_psprintf(first->pool, "it does not verify: %s %s %s", finding->what,
                                   finding->which, finding->text);
}

/** One of this version: everything but signatures. */
static base_result_t verify_copy(copying_t *c, apr_pool_t *pool)
{
    first_t first = {NULL, c->pool};
    keeper_verify_t how = {.found = keep_first, .baton = &first};
    keeper_verify_report_t report;
    keeper_records_t *records = NULL;
    base_result_t result = keeper_records_open(&records, c->temp, pool);
    if (result.code == BASE_OK)
        result = keeper_verify(records, &how, &report, pool);
    if (result.code != BASE_OK)
        return bad_copy(c, "GBA1019", apr_pstrdup(c->pool, result.detail));
    c->out->certificates = report.certificates;
    c->out->rows = report.audit.rows;
    return first.text ? bad_copy(c, "GBA1034", first.text) : base_ok();
}

/** An older one: as far as it can be read. */
static base_result_t check_older(copying_t *c)
{
    sqlite3_int64 certificates = 0, rows = 0;
    int good =
        sqlite3_open_v2(c->temp, &c->to, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        keeper_sqlite_text_is(c->to, "PRAGMA integrity_check(1)", "ok") &&
        keeper_sqlite_int(c->to, "SELECT count(*) FROM certificate", &certificates) == SQLITE_ROW &&
        keeper_sqlite_int(c->to, "SELECT count(*) FROM audit", &rows) == SQLITE_ROW;
    c->out->certificates = certificates;
    c->out->rows = rows;
    return good ? base_ok() : bad_copy(c, "GBA1035", "it cannot be read to its end");
}

static base_result_t check_copy(copying_t *c)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, c->pool);
    base_result_t result =
        c->out->version == KEEPER_LEDGER_SCHEMA ? verify_copy(c, pool) : check_older(c);
    apr_pool_destroy(pool); /* which closes what was opened */
    sqlite3_close_v2(c->to);
    c->to = NULL;
    return result;
}

/* ---- its name ---- */

static int sync_path(const char *path, int flags)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    int done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

static const char *folder_of(const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/'); /* the path is absolute */
    return slash == path ? "/" : apr_pstrmemdup(pool, path, (apr_size_t)(slash - path));
}

/** What reading has left beside the file: nothing that is not in it. */
static void remove_sides(const copying_t *c)
{
    unlink(apr_pstrcat(c->pool, c->temp, "-wal", NULL));
    unlink(apr_pstrcat(c->pool, c->temp, "-shm", NULL));
    unlink(apr_pstrcat(c->pool, c->temp, "-journal", NULL));
}

/** link() does not replace a file that came meanwhile. */
static base_result_t give_name(copying_t *c)
{
    struct stat st;
    remove_sides(c);
    if (!sync_path(c->temp, 0) || stat(c->temp, &st) != 0)
        return no_copy(c, "GBA1036", "it cannot be made durable");
    if (link(c->temp, c->copy) != 0)
        return no_copy(c, "GBA1037", "it cannot be given its name");
    if (!sync_path(folder_of(c->copy, c->pool), O_DIRECTORY))
        return no_copy(c, "GBA1038", "its folder cannot be made durable");
    c->out->octets = (apr_int64_t)st.st_size;
    return base_ok();
}

static void clean(copying_t *c)
{
    sqlite3_close_v2(c->to);
    sqlite3_close_v2(c->from);
    if (!c->made)
        return;
    remove_sides(c);
    unlink(c->temp);
}

base_result_t keeper_ledger_backup(keeper_backup_t *out, const char *path, const char *copy,
                                   apr_pool_t *pool)
{
    copying_t c = {.path = keeper_sqlite_path(path, pool),
                   .copy = keeper_sqlite_path(copy, pool),
                   .out = out,
                   .pool = pool};
    memset(out, 0, sizeof *out);
    if (!c.path || !c.copy)
        return base_fail(BASE_STORE_DOWN, "GBA1039", "ledger: a path cannot be made absolute");
    base_result_t result = open_ledger(&c);
    if (result.code == BASE_OK)
        result = make_temp(&c);
    if (result.code == BASE_OK)
        result = fill_temp(&c);
    if (result.code == BASE_OK)
        result = check_copy(&c);
    if (result.code == BASE_OK)
        result = give_name(&c);
    clean(&c);
    return result;
}
