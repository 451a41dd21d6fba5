/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite ledger's transactions. One connection per handle, held by one
 * thread from begin to commit or rollback. After any failure the connection is
 * in doubt: it is closed with the transaction, and the next begin opens another
 * one, so whatever was wrong (file gone, disk full, locked) needs no restart.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include "keeper/keeper_sqlite_private.h"

/** The statements that live as long as their connection. */
typedef enum statement_t {
    DO_BEGIN,
    DO_COMMIT,
    DO_ROLLBACK,
    DO_ADD_SUBSCRIBER,
    DO_GET_PSEUDONYM,
    DO_ADD_CERTIFICATE,
    DO_ADD_DECISION,
    STATEMENTS
} statement_t;

/* A certificate goes to the subscriber whose identity and pseudonym both fit, or (NOT NULL) to
 * nobody. */
static const char *const statement_sql[STATEMENTS] = {
    [DO_BEGIN] = "BEGIN IMMEDIATE",
    [DO_COMMIT] = "COMMIT",
    [DO_ROLLBACK] = "ROLLBACK",
    [DO_ADD_SUBSCRIBER] = "INSERT INTO subscriber (identity, pseudonym, created)"
                          " VALUES (?1, ?2, unixepoch()) ON CONFLICT (identity) DO NOTHING",
    [DO_GET_PSEUDONYM] = "SELECT pseudonym FROM subscriber WHERE identity = ?1",
    [DO_ADD_CERTIFICATE] =
        "INSERT INTO certificate (serial, subscriber_id, profile, key_usage, spki_sha256,"
        " not_before, not_after, issued_at, state, btid, der) VALUES (?1,"
        " (SELECT id FROM subscriber WHERE identity = ?2 AND pseudonym = ?3),"
        " ?4, ?5, ?6, ?7, ?8, ?9, 'issued', ?10, ?11) ON CONFLICT (serial) DO NOTHING",
    [DO_ADD_DECISION] =
        "INSERT INTO decision (at, identity, btid, profile, permit, reason, spki_sha256, usage)"
        " VALUES (?1, nullif(?2, ''), ?3, ?4, ?5, ?6, ?7, ?8)",
};

/** Which file something is, whatever its name says now. */
typedef struct file_id_t {
    dev_t device;
    ino_t inode;
} file_id_t;

typedef struct keeper_sqlite_t {
    keeper_ledger_t ledger;
    const char *path;
    const char *wal_path;
    int busy_ms;
    pid_t pid;                 /**< who opened it; SQLite's locks do not survive a fork */
    apr_thread_mutex_t *mutex; /**< held from begin to commit or rollback; guards what follows */
    sqlite3 *db;               /**< NULL: to be opened by the next begin */
    sqlite3_stmt *statements[STATEMENTS];
    file_id_t file; /**< of the open connection */
    file_id_t wal;
    int active; /**< in a transaction */
    int doubt;  /**< something failed: no commit, and close with the transaction */
} keeper_sqlite_t;

static int file_id(file_id_t *id, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return 0;
    id->device = st.st_dev;
    id->inode = st.st_ino;
    return 1;
}

static int file_is(const file_id_t *id, const char *path)
{
    file_id_t now;
    return file_id(&now, path) && now.device == id->device && now.inode == id->inode;
}

/** Nonzero while the names still lead to the files that the connection writes. What goes into a
 *  removed file, or into a removed write-ahead log, is lost. */
static int in_place(const keeper_sqlite_t *self)
{
    return file_is(&self->file, self->path) && file_is(&self->wal, self->wal_path);
}

static void disconnect(keeper_sqlite_t *self)
{
    /* In a forked child, closing would write to the parent's files without its locks. */
    if (!self->db || getpid() != self->pid)
        return;
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(self->statements[i]);
        self->statements[i] = NULL;
    }
    sqlite3_close_v2(self->db);
    self->db = NULL;
}

/** Ends the caller's turn. */
static void leave(keeper_sqlite_t *self)
{
    if (self->doubt)
        disconnect(self); /* rolls back what is still open */
    self->doubt = 0;
    self->active = 0;
    apr_thread_mutex_unlock(self->mutex);
}

/** Puts the connection in doubt and says why. */
static base_result_t down(keeper_sqlite_t *self, const char *tag, const char *what,
                          apr_pool_t *pool)
{
    self->doubt = 1;
    return keeper_sqlite_down(self->db, tag, self->path, what, pool);
}

/** The same for what SQLite knows nothing of. */
static base_result_t doubt(keeper_sqlite_t *self, const char *tag, const char *what,
                           apr_pool_t *pool)
{
    self->doubt = 1;
    return base_fail(BASE_STORE_DOWN, tag, apr_psprintf(pool, "ledger %s: %s", self->path, what));
}

/** What a connection must be before it is trusted; read back, not assumed. */
static int is_durable(sqlite3 *db)
{
    sqlite3_int64 synchronous = 0, foreign_keys = 0;
    const char *set = "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON";
    return sqlite3_exec(db, set, NULL, NULL, NULL) == SQLITE_OK &&
           keeper_sqlite_int(db, "PRAGMA synchronous", &synchronous) == SQLITE_ROW &&
           synchronous == 2 &&
           keeper_sqlite_int(db, "PRAGMA foreign_keys", &foreign_keys) == SQLITE_ROW &&
           foreign_keys == 1 && keeper_sqlite_text_is(db, "PRAGMA journal_mode", "wal");
}

static int prepare_statements(keeper_sqlite_t *self)
{
    for (int i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(self->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &self->statements[i], NULL) != SQLITE_OK)
            return 0;
    return 1;
}

static base_result_t set_up(keeper_sqlite_t *self, apr_pool_t *pool)
{
    base_result_t result = keeper_sqlite_check(self->db, self->path, NULL, pool);
    if (result.code != BASE_OK)
        return result;
    if (!is_durable(self->db))
        return down(self, "GBA0560", "it is not durable (write-ahead log, synchronous=FULL)", pool);
    if (!prepare_statements(self))
        return down(self, "GBA0561", "its statements cannot be prepared", pool);
    /* The file that was there before SQLite opened it and after is the one that it opened. The
     * check above has read from it, so the write-ahead log is open too. */
    if (!file_id(&self->wal, self->wal_path) || !in_place(self))
        return doubt(self, "GBA0562", "the file was replaced while it was opened", pool);
    return base_ok();
}

static base_result_t connect_now(keeper_sqlite_t *self, apr_pool_t *pool)
{
    if (!file_id(&self->file, self->path))
        return doubt(self, "GBA0563", "there is no such file; restore or prepare it", pool);
    base_result_t result = keeper_sqlite_connect(&self->db, self->path, self->busy_ms, pool);
    if (result.code == BASE_OK)
        result = set_up(self, pool);
    if (result.code != BASE_OK)
        disconnect(self);
    return result;
}

/** Runs a statement that gives no row; its bindings are dropped. SQLite's message stays. */
static int run(keeper_sqlite_t *self, statement_t which)
{
    sqlite3_stmt *statement = self->statements[which];
    int done = sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return done;
}

static base_result_t begin_locked(keeper_sqlite_t *self, apr_pool_t *pool)
{
    if (self->db && !in_place(self))
        return doubt(self, "GBA0564",
                     "the file or its write-ahead log was removed or replaced; it is opened again "
                     "with the next request",
                     pool);
    if (!self->db) {
        base_result_t result = connect_now(self, pool);
        if (result.code != BASE_OK)
            return result;
    }
    if (!run(self, DO_BEGIN))
        return down(self, "GBA0565", "a transaction cannot begin", pool);
    return base_ok();
}

static base_result_t ledger_begin(void *baton, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    if (getpid() != self->pid)
        return base_fail(BASE_STORE_DOWN, "GBA0566", "ledger: opened before a fork");
    if (apr_thread_mutex_timedlock(self->mutex, apr_time_from_msec(self->busy_ms)) != APR_SUCCESS)
        return base_fail(BASE_STORE_DOWN, "GBA0567", "ledger: other threads hold it for too long");
    base_result_t result = begin_locked(self, pool);
    if (result.code == BASE_OK)
        self->active = 1;
    else
        leave(self);
    return result;
}

static void ledger_rollback(void *baton)
{
    keeper_sqlite_t *self = baton;
    if (!self->active)
        return;
    if (!self->doubt && !run(self, DO_ROLLBACK))
        self->doubt = 1;
    leave(self);
}

static base_result_t commit_locked(keeper_sqlite_t *self, apr_pool_t *pool)
{
    if (self->doubt)
        return doubt(self, "GBA0568", "commit after a failure: rolled back", pool);
    if (!run(self, DO_COMMIT))
        return down(self, "GBA0569", "commit", pool);
    if (!in_place(self))
        return doubt(self, "GBA0570", "the file was removed or replaced during a transaction",
                     pool);
    return base_ok();
}

static base_result_t ledger_commit(void *baton, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    if (!self->active)
        return base_fail(BASE_STORE_DOWN, "GBA0571", "ledger: commit outside a transaction");
    base_result_t result = commit_locked(self, pool);
    leave(self);
    return result;
}

/** Nonzero if a statement may run: in a transaction in which nothing failed. */
static int is_usable(const keeper_sqlite_t *self)
{
    return self->active && !self->doubt;
}

/** Reads the pseudonym that stands in the ledger; nonzero if it has the form of one. */
static int read_pseudonym(keeper_sqlite_t *self, const char *subscriber, char *out)
{
    sqlite3_stmt *statement = self->statements[DO_GET_PSEUDONYM];
    int found = 0;
    if (keeper_sqlite_bind_text(statement, 1, subscriber) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(statement, 0);
        if (text && sqlite3_column_bytes(statement, 0) == PKI_PSEUDONYM_LEN) {
            memcpy(out, text, PKI_PSEUDONYM_LEN);
            out[PKI_PSEUDONYM_LEN] = '\0';
            found = 1;
        }
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return found;
}

static base_result_t ledger_pseudonym(void *baton, const char *subscriber, const char *fresh,
                                      char out[PKI_PSEUDONYM_LEN + 1], apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    sqlite3_stmt *statement = self->statements[DO_ADD_SUBSCRIBER];
    out[0] = '\0';
    if (!is_usable(self))
        return base_fail(BASE_STORE_DOWN, "GBA0572", "ledger: pseudonym outside a transaction");
    if (keeper_sqlite_bind_text(statement, 1, subscriber) != SQLITE_OK ||
        keeper_sqlite_bind_text(statement, 2, fresh) != SQLITE_OK || !run(self, DO_ADD_SUBSCRIBER))
        return down(self, "GBA0573", "a subscriber cannot be added", pool);
    if (!read_pseudonym(self, subscriber, out))
        return down(self, "GBA0574", "a pseudonym cannot be read", pool);
    return base_ok();
}

static base_result_t ledger_record_issued(void *baton, const portal_issue_t *question,
                                          const pki_cert_spec_t *spec, base_span_t der,
                                          apr_time_t now, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    if (!is_usable(self))
        return base_fail(BASE_STORE_DOWN, "GBA0575", "ledger: record outside a transaction");
    if (!keeper_sqlite_bind_certificate(self->statements[DO_ADD_CERTIFICATE], question, spec, der,
                                        now) ||
        !run(self, DO_ADD_CERTIFICATE))
        return down(self, "GBA0576", "a certificate cannot be recorded", pool);
    if (sqlite3_changes(self->db) != 1)
        return base_fail(BASE_INTERNAL, "GBA0577", "ledger: this serial is taken");
    return base_ok();
}

static base_result_t ledger_record_decision(void *baton, const portal_issue_t *question,
                                            apr_time_t now, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    if (!is_usable(self))
        return base_fail(BASE_STORE_DOWN, "GBA0578", "ledger: decision outside a transaction");
    if (!keeper_sqlite_bind_decision(self->statements[DO_ADD_DECISION], question, now) ||
        !run(self, DO_ADD_DECISION))
        return down(self, "GBA0579", "a decision cannot be recorded", pool);
    return base_ok();
}

static apr_status_t close_handle(void *data)
{
    disconnect(data);
    return APR_SUCCESS;
}

base_result_t keeper_sqlite_open_with(keeper_ledger_t **out, const char *path, int busy_ms,
                                      apr_pool_t *pool)
{
    keeper_sqlite_t *self = apr_pcalloc(pool, sizeof *self);
    *out = NULL;
    self->path = keeper_sqlite_path(path, pool);
    if (!self->path)
        return base_fail(BASE_STORE_DOWN, "GBA0559", "ledger: its path cannot be made absolute");
    self->wal_path = apr_pstrcat(pool, self->path, "-wal", NULL);
    self->busy_ms = busy_ms;
    self->pid = getpid();
    self->ledger = (keeper_ledger_t){self,
                                     ledger_begin,
                                     ledger_commit,
                                     ledger_rollback,
                                     ledger_pseudonym,
                                     ledger_record_issued,
                                     ledger_record_decision};
    if (apr_thread_mutex_create(&self->mutex, APR_THREAD_MUTEX_DEFAULT | APR_THREAD_MUTEX_TIMED,
                                pool) != APR_SUCCESS)
        return base_fail(BASE_STORE_DOWN, "GBA0539", "ledger: no mutex");
    apr_pool_cleanup_register(pool, self, close_handle, apr_pool_cleanup_null);
    base_result_t result = connect_now(self, pool);
    self->doubt = 0;
    if (result.code == BASE_OK)
        *out = &self->ledger;
    return result;
}

base_result_t keeper_sqlite_open(keeper_ledger_t **out, const char *path, apr_pool_t *pool)
{
    return keeper_sqlite_open_with(out, path, KEEPER_SQLITE_BUSY_MS, pool);
}
