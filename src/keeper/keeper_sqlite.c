/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite ledger's handle: a connection that writes, held by the thread that
 * leads the group, and one that reads, which no writer keeps waiting. After any
 * failure but a constraint's the connection is in doubt: it is closed with the
 * transaction, and the next begin opens another one, so whatever was wrong (file
 * gone, disk full, locked) needs no restart. Every connection that writes is a
 * writer of the audit trail of its own: its chain goes on from what it
 * committed itself, never from what somebody may have put into the file. */
#include <string.h>
#include <unistd.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include "keeper/keeper_sqlite_private.h"

#define READ_BUSY_MS 1000 /* readers of a write-ahead log hardly ever wait */

/** Where the writer's chain stands, and the audit trail with it. */
typedef struct chain_t {
    apr_int64_t last_row; /**< of all writers; known inside a transaction */
    apr_int64_t last_id;  /**< of this one; 0 if there is none */
    unsigned char hash[KEEPER_HASH_LEN];
} chain_t;

typedef struct keeper_sqlite_t {
    keeper_ledger_t ledger;
    keeper_group_ops_t ops;
    keeper_group_t *group;
    pid_t pid; /**< who opened it; SQLite's locks do not survive a fork */
    /* The leader's. */
    keeper_sqlite_conn_t out;
    char name[KEEPER_WRITER_LEN + 1];
    int active; /**< in a transaction */
    chain_t chain;
    chain_t at_mark;
    chain_t committed;
    /* Under the mutex. */
    apr_thread_mutex_t *mutex;
    keeper_sqlite_conn_t in;
} keeper_sqlite_t;

/* ---- a transaction ---- */

/** A connection, and a name for what it will write. */
static base_result_t open_out(keeper_sqlite_t *self, apr_pool_t *pool)
{
    unsigned char bits[KEEPER_WRITER_LEN / 2];
    const base_random_t *random = base_random_system();
    if (!random->fill(random->baton, bits, sizeof bits))
        return base_fail(BASE_STORE_DOWN, "GBA0567", "ledger: no random octets for its name");
    base_hex_encode(self->name, bits, sizeof bits);
    memset(&self->committed, 0, sizeof self->committed);
    return keeper_sqlite_open_conn(&self->out, pool);
}

static base_result_t not_begun(keeper_sqlite_conn_t *conn, apr_pool_t *pool)
{
    return keeper_sqlite_failed(conn, "GBA0565", "a transaction cannot begin", pool);
}

static base_result_t try_begin(keeper_sqlite_t *self, apr_pool_t *pool)
{
    keeper_sqlite_conn_t *out = &self->out;
    base_result_t result = base_ok();
    if (out->db && !keeper_sqlite_in_place(out))
        return keeper_sqlite_doubt(
            out, "GBA0564",
            "the file or its write-ahead log was removed or replaced; it is opened again with the "
            "next request",
            pool);
    if (!out->db)
        result = open_out(self, pool);
    if (result.code == BASE_OK && !keeper_sqlite_run(out, KEEPER_DO_BEGIN))
        result = not_begun(out, pool);
    if (result.code == BASE_OK) {
        self->chain = self->committed;
        result = keeper_sqlite_last_row(out, &self->chain.last_row, pool);
    }
    return result;
}

static base_result_t begin(void *baton, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    base_result_t result = try_begin(self, pool);
    self->active = result.code == BASE_OK;
    if (!self->active)
        keeper_sqlite_close_conn(&self->out);
    return result;
}

static base_result_t try_commit(keeper_sqlite_t *self, apr_pool_t *pool)
{
    keeper_sqlite_conn_t *out = &self->out;
    if (out->doubt)
        return keeper_sqlite_doubt(out, "GBA0568", "commit after a failure: rolled back", pool);
    if (self->chain.last_id != self->committed.last_id) {
        keeper_head_t head = {.last_id = self->chain.last_id};
        memcpy(head.writer, self->name, sizeof head.writer);
        memcpy(head.hash, self->chain.hash, sizeof head.hash);
        base_result_t result = keeper_sqlite_set_head(out, &head, pool);
        if (result.code != BASE_OK)
            return result;
    }
    if (!keeper_sqlite_run(out, KEEPER_DO_COMMIT))
        return keeper_sqlite_failed(out, "GBA0569", "commit", pool);
    if (!keeper_sqlite_in_place(out))
        return keeper_sqlite_doubt(out, "GBA0570",
                                   "the file was removed or replaced during a transaction", pool);
    return base_ok();
}

static base_result_t commit(void *baton, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    base_result_t result = try_commit(self, pool);
    self->active = 0;
    if (result.code == BASE_OK)
        self->committed = self->chain;
    else
        keeper_sqlite_close_conn(&self->out);
    return result;
}

static void rollback(void *baton)
{
    keeper_sqlite_t *self = baton;
    self->active = 0;
    if (self->out.doubt || !keeper_sqlite_run(&self->out, KEEPER_DO_ROLLBACK))
        keeper_sqlite_close_conn(&self->out);
}

/** A statement that moves the savepoint. */
static base_result_t move_mark(keeper_sqlite_t *self, keeper_sqlite_do_t which, apr_pool_t *pool)
{
    if (self->out.doubt || !keeper_sqlite_run(&self->out, which))
        return keeper_sqlite_failed(&self->out, "GBA0574", "a transaction cannot go on", pool);
    return base_ok();
}

static base_result_t mark(void *baton, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    self->at_mark = self->chain;
    return move_mark(self, KEEPER_DO_MARK, pool);
}

static base_result_t keep(void *baton, apr_pool_t *pool)
{
    return move_mark(baton, KEEPER_DO_KEEP, pool);
}

static base_result_t undo(void *baton, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    base_result_t result = move_mark(self, KEEPER_DO_UNDO, pool);
    if (result.code == BASE_OK)
        result = move_mark(self, KEEPER_DO_KEEP, pool);
    self->chain = self->at_mark;
    return result;
}

/* ---- the ledger's callbacks ---- */

static base_result_t forked(void)
{
    return base_fail(BASE_STORE_DOWN, "GBA0566", "ledger: opened before a fork");
}

static base_result_t ledger_run(void *baton, keeper_job_t *job)
{
    keeper_sqlite_t *self = baton;
    return getpid() == self->pid ? keeper_group_run(self->group, job) : forked();
}

/** One transaction for all that is read: one moment's view, and the locks taken once. */
static base_result_t look(keeper_sqlite_conn_t *in, const keeper_claim_t *claim,
                          keeper_holding_t *out, apr_pool_t *pool)
{
    if (!keeper_sqlite_run(in, KEEPER_DO_LOOK))
        return not_begun(in, pool);
    base_result_t result = keeper_sqlite_find(in, claim, out, pool);
    if (!keeper_sqlite_run(in, KEEPER_DO_COMMIT))
        in->doubt = 1;
    return result;
}

static base_result_t peek_locked(keeper_sqlite_t *self, const keeper_claim_t *claim,
                                 keeper_holding_t *out, apr_pool_t *pool)
{
    keeper_sqlite_conn_t *in = &self->in;
    base_result_t result = base_ok();
    if (in->db && !keeper_sqlite_in_place(in))
        keeper_sqlite_close_conn(in);
    if (!in->db)
        result = keeper_sqlite_open_conn(in, pool);
    if (result.code == BASE_OK)
        result = look(in, claim, out, pool);
    if (in->doubt)
        keeper_sqlite_close_conn(in);
    return result;
}

static base_result_t ledger_peek(void *baton, const keeper_claim_t *claim, keeper_holding_t *out,
                                 apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    memset(out, 0, sizeof *out);
    if (getpid() != self->pid)
        return forked();
    if (apr_thread_mutex_timedlock(self->mutex, apr_time_from_msec(self->out.busy_ms)) !=
        APR_SUCCESS)
        return base_fail(BASE_STORE_DOWN, "GBA0575", "ledger: other threads read for too long");
    base_result_t result = peek_locked(self, claim, out, pool);
    apr_thread_mutex_unlock(self->mutex);
    return result;
}

static base_result_t ledger_rows(void *baton, const char *writer, apr_int64_t after,
                                 keeper_row_visit_t visit, void *visitor, apr_pool_t *pool)
{
    const keeper_sqlite_t *self = baton;
    return keeper_sqlite_rows(&self->in, writer, after, visit, visitor, pool);
}

static base_result_t ledger_heads(void *baton, apr_array_header_t **ends,
                                  apr_array_header_t **signed_ends, apr_pool_t *pool)
{
    const keeper_sqlite_t *self = baton;
    return keeper_sqlite_heads(&self->in, ends, signed_ends, pool);
}

/** What a job may do, it may do in a transaction in which nothing failed. */
static base_result_t usable(const keeper_sqlite_t *self)
{
    return self->active && !self->out.doubt
               ? base_ok()
               : base_fail(BASE_STORE_DOWN, "GBA0571", "ledger: outside a transaction");
}

/* In the leader's thread only: nothing here is locked. */
#define IN_TRANSACTION(self)                                                                       \
    do {                                                                                           \
        base_result_t usable_result = usable(self);                                                \
        if (usable_result.code != BASE_OK)                                                         \
            return usable_result;                                                                  \
    } while (0)

static base_result_t ledger_find(void *baton, const keeper_claim_t *claim, keeper_holding_t *out,
                                 apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    IN_TRANSACTION(self);
    return keeper_sqlite_find(&self->out, claim, out, pool);
}

static base_result_t ledger_name(void *baton, const keeper_claim_t *claim, const char *fresh,
                                 char out[PKI_PSEUDONYM_LEN + 1], apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    IN_TRANSACTION(self);
    return keeper_sqlite_name(&self->out, claim, fresh, out, pool);
}

static base_result_t ledger_note_ue_ids(void *baton, const keeper_claim_t *claim, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    IN_TRANSACTION(self);
    return keeper_sqlite_note_ue_ids(&self->out, claim, pool);
}

static base_result_t ledger_add(void *baton, const keeper_claim_t *claim,
                                const pki_cert_spec_t *spec, base_span_t der, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    IN_TRANSACTION(self);
    return keeper_sqlite_add(&self->out, claim, spec, der, pool);
}

static base_result_t ledger_move(void *baton, const unsigned char serial[PKI_SERIAL_LEN],
                                 keeper_state_t from, keeper_state_t to, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    IN_TRANSACTION(self);
    return keeper_sqlite_move(&self->out, serial, from, to, pool);
}

static base_result_t ledger_audit(void *baton, keeper_audit_row_t *row, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    chain_t next = {.last_row = self->chain.last_row + 1};
    IN_TRANSACTION(self);
    next.last_id = next.last_row;
    row->id = next.last_row;
    row->writer = self->name;
    if (!keeper_audit_hash(row->hash, self->chain.hash, row))
        return base_fail(BASE_STORE_DOWN, "GBA0578", "ledger: no hash for an audit row");
    memcpy(next.hash, row->hash, sizeof next.hash);
    base_result_t result = keeper_sqlite_add_row(&self->out, row, pool);
    if (result.code == BASE_OK)
        self->chain = next;
    return result;
}

static base_result_t ledger_count(void *baton, const keeper_audit_row_t *row, int *counted,
                                  apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    IN_TRANSACTION(self);
    return keeper_sqlite_count(&self->out, row, counted, pool);
}

static base_result_t ledger_add_head(void *baton, const keeper_head_t *head, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    IN_TRANSACTION(self);
    return keeper_sqlite_add_head(&self->out, head, pool);
}

static base_result_t ledger_touch(void *baton, apr_time_t now, apr_pool_t *pool)
{
    keeper_sqlite_t *self = baton;
    IN_TRANSACTION(self);
    return keeper_sqlite_touch(&self->out, now, pool);
}

/* ---- opening ---- */

static apr_status_t close_handle(void *data)
{
    keeper_sqlite_t *self = data;
    if (getpid() != self->pid) /* closing would write to the parent's files without its locks */
        return APR_SUCCESS;
    keeper_sqlite_close_conn(&self->out);
    keeper_sqlite_close_conn(&self->in);
    return APR_SUCCESS;
}

static void set_callbacks(keeper_sqlite_t *self)
{
    self->ledger = (keeper_ledger_t){.baton = self,
                                     .run = ledger_run,
                                     .peek = ledger_peek,
                                     .rows = ledger_rows,
                                     .heads = ledger_heads,
                                     .find = ledger_find,
                                     .name = ledger_name,
                                     .note_ue_ids = ledger_note_ue_ids,
                                     .add = ledger_add,
                                     .move = ledger_move,
                                     .audit = ledger_audit,
                                     .count = ledger_count,
                                     .add_head = ledger_add_head,
                                     .touch = ledger_touch};
    self->ops = (keeper_group_ops_t){self, begin, commit, rollback, mark, keep, undo};
}

base_result_t keeper_sqlite_open_with(keeper_ledger_t **out, const char *path, int busy_ms,
                                      int max_jobs, apr_pool_t *pool)
{
    keeper_sqlite_t *self = apr_pcalloc(pool, sizeof *self);
    *out = NULL;
    self->out.path = keeper_sqlite_path(path, pool);
    if (!self->out.path)
        return base_fail(BASE_STORE_DOWN, "GBA0559", "ledger: its path cannot be made absolute");
    self->out.wal_path = apr_pstrcat(pool, self->out.path, "-wal", NULL);
    self->out.busy_ms = busy_ms;
    self->in = self->out;
    self->in.busy_ms = busy_ms < READ_BUSY_MS ? busy_ms : READ_BUSY_MS;
    self->in.reads = 1;
    self->pid = getpid();
    set_callbacks(self);
    self->group = keeper_group_make(pool, &self->ops, max_jobs, busy_ms);
    if (!self->group ||
        apr_thread_mutex_create(&self->mutex, APR_THREAD_MUTEX_DEFAULT | APR_THREAD_MUTEX_TIMED,
                                pool) != APR_SUCCESS)
        return base_fail(BASE_STORE_DOWN, "GBA0539", "ledger: no mutex");
    apr_pool_cleanup_register(pool, self, close_handle, apr_pool_cleanup_null);
    base_result_t result = open_out(self, pool);
    if (result.code == BASE_OK)
        *out = &self->ledger;
    return result;
}

base_result_t keeper_sqlite_open(keeper_ledger_t **out, const char *path, apr_pool_t *pool)
{
    return keeper_sqlite_open_with(out, path, KEEPER_SQLITE_BUSY_MS, 0, pool);
}

void keeper_sqlite_meter(keeper_ledger_t *ledger, portal_meter_t *meter, base_gauge_t *up)
{
    const keeper_sqlite_t *self = ledger->baton;
    keeper_group_meter(self->group, meter, up);
}

keeper_sqlite_conn_t *keeper_sqlite_out(keeper_ledger_t *ledger)
{
    keeper_sqlite_t *self = ledger->baton;
    return &self->out;
}
