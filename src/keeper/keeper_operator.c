/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_operator.h"

#include <string.h>
#include <apr_strings.h>
#include "keeper/keeper_sqlite_private.h"

static const char *const reasons[] = {
    "unspecified", KEEPER_KEY_COMPROMISE,  "cACompromise",       "affiliationChanged",
    "superseded",  "cessationOfOperation", "privilegeWithdrawn", "aACompromise",
};

int keeper_revocation_reason(const char *reason)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strcmp(reason, reasons[i]) == 0)
            return 1;
    return 0;
}

const char *keeper_revocation_reasons(void)
{
    return "unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, "
           "cessationOfOperation, privilegeWithdrawn or aACompromise";
}

/** An order inside its transaction. */
typedef struct ordering_t {
    const keeper_order_t *order;
    keeper_sqlite_conn_t *conn;
    unsigned char serial[PKI_SERIAL_LEN];
    int block;
    keeper_done_t done;
    keeper_revoked_t *revoked;
    sqlite3_int64 certificate_id;
    keeper_audit_row_t row; /**< about the certificate or the key */
    unsigned char spki_sha256[KEEPER_HASH_LEN];
    unsigned char profile_sha256[KEEPER_HASH_LEN]; /**< if row.profile_sha256 points here */
} ordering_t;

/* ---- statements: seldom, so none is kept ---- */

static base_result_t failed(const ordering_t *o, const char *what, apr_pool_t *pool)
{
    return keeper_sqlite_failed(o->conn, "GBA1010", what, pool);
}

static int prepare(const ordering_t *o, sqlite3_stmt **statement, const char *sql)
{
    return sqlite3_prepare_v2(o->conn->db, sql, -1, statement, NULL);
}

static int bind_key(const ordering_t *o, sqlite3_stmt *statement, int at)
{
    return sqlite3_bind_blob(statement, at, o->spki_sha256, sizeof o->spki_sha256, SQLITE_STATIC);
}

static const char *text_of(sqlite3_stmt *statement, int column, apr_pool_t *pool)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return apr_pstrdup(pool, text ? text : "");
}

/** Runs a statement of (key, time, text) that gives no row. Nonzero on success. */
static int run(const ordering_t *o, const char *sql, const char *text)
{
    sqlite3_stmt *statement = NULL;
    int rc = prepare(o, &statement, sql);
    if (rc == SQLITE_OK)
        rc = bind_key(o, statement, 1);
    if (rc == SQLITE_OK && sqlite3_bind_parameter_count(statement) > 1)
        rc = sqlite3_bind_int64(statement, 2, apr_time_sec(o->order->now)) |
             sqlite3_bind_text(statement, 3, text, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE;
}

/* ---- rows ---- */

static base_result_t audit(ordering_t *o, keeper_event_t event, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = o->order->ledger;
    o->row.at = apr_time_sec(o->order->now);
    o->row.event = keeper_event_text(event);
    o->row.btid = o->order->by;
    o->row.reason = o->order->reason;
    o->row.spki_sha256 = (base_span_t){o->spki_sha256, sizeof o->spki_sha256};
    return ledger->audit(ledger->baton, &o->row, pool);
}

/* ---- keys ---- */

/** Whose key it is, if the ledger knows: SQLITE_ROW, SQLITE_DONE or an error. */
static int find_owner(ordering_t *o, apr_pool_t *pool)
{
    sqlite3_stmt *statement = NULL;
    int rc = prepare(o, &statement,
                     "SELECT identity FROM certificate JOIN subscriber ON subscriber.id ="
                     " subscriber_id WHERE spki_sha256 = ?1 AND state <> 'abandoned' LIMIT 1");
    if (rc == SQLITE_OK)
        rc = bind_key(o, statement, 1);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        o->row.identity = text_of(statement, 0, pool);
    sqlite3_finalize(statement);
    return rc;
}

static base_result_t change_key(ordering_t *o, apr_pool_t *pool)
{
    const char *sql = o->block ? "INSERT INTO blocked_key (spki_sha256, at, reason)"
                                 " VALUES (?1, ?2, ?3) ON CONFLICT (spki_sha256) DO NOTHING"
                               : "DELETE FROM blocked_key WHERE spki_sha256 = ?1";
    if (!run(o, sql, o->order->reason))
        return failed(o, "a blocked key cannot be written", pool);
    o->done = sqlite3_changes(o->conn->db) == 1 ? KEEPER_DONE
              : o->block                        ? KEEPER_DONE_BEFORE
                                                : KEEPER_NO_SUCH;
    return o->done == KEEPER_DONE
               ? audit(o, o->block ? KEEPER_EVENT_BLOCKED : KEEPER_EVENT_UNBLOCKED, pool)
               : base_ok();
}

static base_result_t key_work(void *baton, apr_pool_t *pool)
{
    ordering_t *o = baton;
    int rc = find_owner(o, pool);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return failed(o, "whose key it is cannot be read", pool);
    o->row.profile = "";
    return change_key(o, pool);
}

base_result_t keeper_operator_key(const keeper_order_t *order,
                                  const unsigned char spki_sha256[KEEPER_HASH_LEN], int block,
                                  keeper_done_t *done, apr_pool_t *pool)
{
    ordering_t o = {.order = order, .conn = keeper_sqlite_out(order->ledger), .block = block};
    keeper_job_t job = {.work = key_work, .baton = &o, .pool = pool};
    memcpy(o.spki_sha256, spki_sha256, sizeof o.spki_sha256);
    base_result_t result = order->ledger->run(order->ledger->baton, &job);
    *done = o.done;
    return result;
}

/* ---- certificates ---- */

static int take_certificate(ordering_t *o, sqlite3_stmt *statement, apr_pool_t *pool)
{
    const void *hash = sqlite3_column_blob(statement, 6);
    o->certificate_id = sqlite3_column_int64(statement, 0);
    o->revoked->state = text_of(statement, 1, pool);
    o->row.identity = o->revoked->identity = text_of(statement, 2, pool);
    o->row.profile = text_of(statement, 3, pool);
    o->row.key_usage = sqlite3_column_int64(statement, 4);
    o->row.serial = o->revoked->serial = text_of(statement, 5, pool);
    if (!hash || sqlite3_column_bytes(statement, 6) != sizeof o->spki_sha256)
        return SQLITE_CORRUPT;
    memcpy(o->spki_sha256, hash, sizeof o->spki_sha256);
    hash = sqlite3_column_blob(statement, 7);
    if (hash && sqlite3_column_bytes(statement, 7) == sizeof o->profile_sha256) {
        memcpy(o->profile_sha256, hash, sizeof o->profile_sha256);
        o->row.profile_sha256 = (base_span_t){o->profile_sha256, sizeof o->profile_sha256};
    }
    return SQLITE_ROW;
}

static int find_certificate(ordering_t *o, apr_pool_t *pool)
{
    char hex[2 * PKI_SERIAL_LEN + 1];
    sqlite3_stmt *statement = NULL;
    int rc = prepare(o, &statement,
                     "SELECT c.id, state, identity, profile, key_usage, serial, spki_sha256,"
                     " profile_sha256"
                     " FROM certificate c JOIN subscriber s ON s.id = subscriber_id"
                     " WHERE serial = ?1");
    base_hex_encode(hex, o->serial, sizeof o->serial);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 1, hex, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        rc = take_certificate(o, statement, pool);
    sqlite3_finalize(statement);
    return rc;
}

/** Other certificates that say that this key is somebody's. */
static int list_others(ordering_t *o, apr_pool_t *pool)
{
    sqlite3_stmt *statement = NULL;
    apr_array_header_t *others = apr_array_make(pool, 2, sizeof(const char *));
    int rc = prepare(o, &statement,
                     "SELECT serial FROM certificate WHERE spki_sha256 = ?1 AND not_after >= ?2"
                     " AND state IN ('issued', 'superseded') AND serial <> ?3 ORDER BY id");
    o->revoked->others = others;
    if (rc == SQLITE_OK)
        rc = bind_key(o, statement, 1) |
             sqlite3_bind_int64(statement, 2, apr_time_sec(o->order->now)) |
             sqlite3_bind_text(statement, 3, o->row.serial, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
            APR_ARRAY_PUSH(others, const char *) = text_of(statement, 0, pool);
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE;
}

static int add_revocation(const ordering_t *o)
{
    sqlite3_stmt *statement = NULL;
    int rc = prepare(o, &statement,
                     "INSERT INTO revocation (certificate_id, at, reason) VALUES (?1, ?2, ?3)");
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 1, o->certificate_id) |
             sqlite3_bind_int64(statement, 2, apr_time_sec(o->order->now)) |
             sqlite3_bind_text(statement, 3, o->order->reason, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE;
}

/** A key that others know is blocked with its certificate. */
static base_result_t block_too(ordering_t *o, apr_pool_t *pool)
{
    o->block = 1;
    base_result_t result = change_key(o, pool);
    o->revoked->key_blocked = o->done == KEEPER_DONE;
    o->done = KEEPER_DONE;
    return result;
}

static base_result_t withdraw(ordering_t *o, keeper_state_t from, apr_pool_t *pool)
{
    keeper_ledger_t *ledger = o->order->ledger;
    if (!add_revocation(o))
        return failed(o, "a revocation cannot be written", pool);
    base_result_t result = ledger->move(ledger->baton, o->serial, from, KEEPER_STATE_REVOKED, pool);
    if (result.code == BASE_OK)
        result = audit(o, KEEPER_EVENT_REVOKED, pool);
    if (result.code == BASE_OK && strcmp(o->order->reason, KEEPER_KEY_COMPROMISE) == 0)
        result = block_too(o, pool);
    return result;
}

static int was(const ordering_t *o, keeper_state_t state)
{
    return strcmp(o->revoked->state, keeper_state_text(state)) == 0;
}

static base_result_t revoke_work(void *baton, apr_pool_t *pool)
{
    ordering_t *o = baton;
    int rc = find_certificate(o, pool);
    o->done = rc == SQLITE_DONE ? KEEPER_NO_SUCH : KEEPER_DONE;
    if (rc == SQLITE_DONE)
        return base_ok();
    if (rc != SQLITE_ROW || !list_others(o, pool))
        return failed(o, "a certificate cannot be read", pool);
    if (was(o, KEEPER_STATE_ISSUED))
        return withdraw(o, KEEPER_STATE_ISSUED, pool);
    if (was(o, KEEPER_STATE_SUPERSEDED))
        return withdraw(o, KEEPER_STATE_SUPERSEDED, pool);
    o->done = was(o, KEEPER_STATE_REVOKED) ? KEEPER_DONE_BEFORE : KEEPER_NOT_POSSIBLE;
    return base_ok();
}

base_result_t keeper_operator_revoke(const keeper_order_t *order,
                                     const unsigned char serial[PKI_SERIAL_LEN],
                                     keeper_revoked_t *out, apr_pool_t *pool)
{
    ordering_t o = {.order = order, .conn = keeper_sqlite_out(order->ledger), .revoked = out};
    keeper_job_t job = {.work = revoke_work, .baton = &o, .pool = pool};
    memset(out, 0, sizeof *out);
    memcpy(o.serial, serial, sizeof o.serial);
    base_result_t result = order->ledger->run(order->ledger->baton, &job);
    out->done = o.done;
    return result;
}
