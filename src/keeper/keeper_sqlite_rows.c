/* SPDX-License-Identifier: Apache-2.0 */
/* What is added inside a transaction. What is bound stays until the statement has run:
 * SQLITE_STATIC everywhere, and bindings are dropped at its end. */
#include <string.h>
#include <apr_strings.h>
#include "keeper/keeper_sqlite_private.h"

static const char *const states[KEEPER_STATES] = {"pending", "issued", "revoked", "superseded",
                                                  "abandoned"};

const char *keeper_state_text(keeper_state_t state)
{
    return (unsigned)state < KEEPER_STATES ? states[state] : NULL;
}

static base_result_t not_written(keeper_sqlite_conn_t *conn, const char *what, apr_pool_t *pool)
{
    return keeper_sqlite_failed(conn, "GBA0576", apr_psprintf(pool, "%s cannot be written", what),
                                pool);
}

/* ---- what is added ---- */

base_result_t keeper_sqlite_name(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim,
                                 const char *fresh, char out[PKI_PSEUDONYM_LEN + 1],
                                 apr_pool_t *pool)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_ADD_NAME];
    int bad = keeper_sqlite_bind_text(statement, 1, claim->subscriber);
    bad |= keeper_sqlite_bind_text(statement, 2, fresh);
    bad |= sqlite3_bind_int64(statement, 3, apr_time_sec(claim->now));
    out[0] = '\0';
    if (bad != SQLITE_OK || !keeper_sqlite_run(conn, KEEPER_DO_ADD_NAME))
        return not_written(conn, "a subscriber", pool);
    if (keeper_sqlite_get_name(conn, claim->subscriber, out) != SQLITE_ROW)
        return keeper_sqlite_not_read(conn, "a subscriber's pseudonym", pool);
    return base_ok();
}

static int add_ue_id(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim, const char *id)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_ADD_UE_ID];
    int bad = keeper_sqlite_bind_text(statement, 1, id);
    bad |= keeper_sqlite_bind_text(statement, 2, claim->subscriber);
    bad |= sqlite3_bind_int64(statement, 3, apr_time_sec(claim->now));
    return bad == SQLITE_OK && keeper_sqlite_run(conn, KEEPER_DO_ADD_UE_ID);
}

base_result_t keeper_sqlite_note_ue_ids(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim,
                                        apr_pool_t *pool)
{
    for (apr_size_t at = 0; at < claim->ue_ids_len; at += strlen(claim->ue_ids + at) + 1)
        if (!add_ue_id(conn, claim, claim->ue_ids + at))
            return not_written(conn, "a UE identity", pool);
    return base_ok();
}

static int add_issuer(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_ADD_ISSUER];
    int bad = keeper_sqlite_bind_hash(statement, 1, claim->issuer_sha256);
    bad |= sqlite3_bind_blob64(statement, 2, claim->issuer.data, claim->issuer.len, SQLITE_STATIC);
    return bad == SQLITE_OK && keeper_sqlite_run(conn, KEEPER_DO_ADD_ISSUER);
}

static int bind_certificate(sqlite3_stmt *statement, const keeper_claim_t *claim,
                            const pki_cert_spec_t *spec, base_span_t der, const char *serial)
{
    int bad = keeper_sqlite_bind_text(statement, 1, serial);
    bad |= keeper_sqlite_bind_text(statement, 2, claim->subscriber);
    bad |= keeper_sqlite_bind_text(statement, 3, spec->names.pseudonym);
    bad |= keeper_sqlite_bind_hash(statement, 4, claim->issuer_sha256);
    bad |= keeper_sqlite_bind_text(statement, 5, claim->profile);
    bad |= sqlite3_bind_int64(statement, 6, (sqlite3_int64)spec->profile->usage);
    bad |= keeper_sqlite_bind_hash(statement, 7, claim->spki_sha256);
    bad |= sqlite3_bind_int64(statement, 8, apr_time_sec(spec->not_before));
    bad |= sqlite3_bind_int64(statement, 9, apr_time_sec(spec->not_after));
    bad |= sqlite3_bind_int64(statement, 10, apr_time_sec(claim->now));
    bad |= keeper_sqlite_bind_text(statement, 11, claim->btid);
    bad |= keeper_sqlite_bind_octets(statement, 12, der.data, der.len);
    bad |= keeper_sqlite_bind_hash(statement, 13, claim->profile_sha256);
    return bad;
}

base_result_t keeper_sqlite_add(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim,
                                const pki_cert_spec_t *spec, base_span_t der, apr_pool_t *pool)
{
    char serial[2 * PKI_SERIAL_LEN + 1];
    base_hex_encode(serial, spec->serial, PKI_SERIAL_LEN);
    if (!add_issuer(conn, claim) ||
        bind_certificate(conn->statements[KEEPER_DO_ADD_CERTIFICATE], claim, spec, der, serial) !=
            SQLITE_OK ||
        !keeper_sqlite_run(conn, KEEPER_DO_ADD_CERTIFICATE))
        return not_written(conn, "a certificate", pool);
    if (sqlite3_changes(conn->db) != 1)
        return base_fail(BASE_INTERNAL, "GBA0577", "ledger: this serial is taken");
    return base_ok();
}

base_result_t keeper_sqlite_move(keeper_sqlite_conn_t *conn,
                                 const unsigned char serial[PKI_SERIAL_LEN], keeper_state_t from,
                                 keeper_state_t to, apr_pool_t *pool)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_MOVE];
    char hex[2 * PKI_SERIAL_LEN + 1];
    base_hex_encode(hex, serial, PKI_SERIAL_LEN);
    int bad = keeper_sqlite_bind_text(statement, 1, hex);
    bad |= keeper_sqlite_bind_text(statement, 2, keeper_state_text(from));
    bad |= keeper_sqlite_bind_text(statement, 3, keeper_state_text(to));
    if (bad != SQLITE_OK || !keeper_sqlite_run(conn, KEEPER_DO_MOVE))
        return not_written(conn, "a certificate's state", pool);
    if (sqlite3_changes(conn->db) != 1)
        return base_fail(BASE_STORE_DOWN, "GBA0573",
                         "ledger: a certificate is not in the state that it was to leave");
    return base_ok();
}

/* ---- the audit trail ---- */

base_result_t keeper_sqlite_last_row(keeper_sqlite_conn_t *conn, apr_int64_t *id, apr_pool_t *pool)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_LAST_ROW];
    int rc = sqlite3_step(statement);
    *id = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    keeper_sqlite_end(statement);
    return rc == SQLITE_ROW ? base_ok() : keeper_sqlite_not_read(conn, "the last audit row", pool);
}

base_result_t keeper_sqlite_add_row(keeper_sqlite_conn_t *conn, const keeper_audit_row_t *row,
                                    apr_pool_t *pool)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_ADD_ROW];
    int bad = sqlite3_bind_int64(statement, 1, row->id);
    bad |= keeper_sqlite_bind_text(statement, 2, row->writer);
    bad |= sqlite3_bind_int64(statement, 3, row->at);
    bad |= keeper_sqlite_bind_text(statement, 4, row->event);
    bad |= keeper_sqlite_bind_text(statement, 5, row->identity);
    bad |= keeper_sqlite_bind_text(statement, 6, row->btid);
    bad |= keeper_sqlite_bind_text(statement, 7, row->profile);
    bad |= keeper_sqlite_bind_text(statement, 8, row->reason);
    bad |= keeper_sqlite_bind_octets(statement, 9, row->spki_sha256.data, row->spki_sha256.len);
    bad |= sqlite3_bind_int64(statement, 10, row->key_usage);
    bad |= keeper_sqlite_bind_text(statement, 11, row->serial);
    bad |= sqlite3_bind_int64(statement, 12, row->alarm);
    bad |= keeper_sqlite_bind_hash(statement, 13, row->hash);
    bad |=
        keeper_sqlite_bind_octets(statement, 14, row->profile_sha256.data, row->profile_sha256.len);
    if (bad != SQLITE_OK || !keeper_sqlite_run(conn, KEEPER_DO_ADD_ROW))
        return not_written(conn, "an audit row", pool);
    return base_ok();
}

base_result_t keeper_sqlite_set_head(keeper_sqlite_conn_t *conn, const keeper_head_t *head,
                                     apr_pool_t *pool)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_SET_HEAD];
    int bad = keeper_sqlite_bind_text(statement, 1, head->writer);
    bad |= sqlite3_bind_int64(statement, 2, head->last_id);
    bad |= keeper_sqlite_bind_hash(statement, 3, head->hash);
    if (bad != SQLITE_OK || !keeper_sqlite_run(conn, KEEPER_DO_SET_HEAD))
        return not_written(conn, "the end of an audit chain", pool);
    return base_ok();
}

/** The number of the refusal that this one repeats: SQLITE_ROW, SQLITE_DONE or an error. */
static int get_refusal(keeper_sqlite_conn_t *conn, const keeper_audit_row_t *row, apr_int64_t *id)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_GET_REFUSAL];
    int rc = keeper_sqlite_bind_text(statement, 1, row->identity);
    rc |= sqlite3_bind_int64(statement, 2, row->at);
    rc |= keeper_sqlite_bind_text(statement, 3, row->btid);
    rc |= keeper_sqlite_bind_text(statement, 4, row->profile);
    rc |= keeper_sqlite_bind_text(statement, 5, row->reason);
    if (strcmp(row->reason, pki_reason_code(PKI_REASON_KEY_TAKEN)) == 0 ||
        strcmp(row->reason, pki_reason_code(PKI_REASON_KEY_BLOCKED)) == 0)
        rc |= keeper_sqlite_bind_octets(statement, 6, row->spki_sha256.data, row->spki_sha256.len);
    rc |=
        keeper_sqlite_bind_octets(statement, 7, row->profile_sha256.data, row->profile_sha256.len);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    *id = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    keeper_sqlite_end(statement);
    return rc;
}

base_result_t keeper_sqlite_count(keeper_sqlite_conn_t *conn, const keeper_audit_row_t *row,
                                  int *counted, apr_pool_t *pool)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_COUNT_REFUSAL];
    apr_int64_t id;
    int rc = get_refusal(conn, row, &id);
    *counted = 0;
    if (!keeper_sqlite_is_answer(rc))
        return keeper_sqlite_not_read(conn, "an earlier refusal", pool);
    if (rc == SQLITE_DONE)
        return base_ok();
    rc = sqlite3_bind_int64(statement, 1, id);
    rc |= sqlite3_bind_int64(statement, 2, row->at);
    if (rc != SQLITE_OK || !keeper_sqlite_run(conn, KEEPER_DO_COUNT_REFUSAL))
        return not_written(conn, "the count of a refusal", pool);
    *counted = 1;
    return base_ok();
}

base_result_t keeper_sqlite_add_head(keeper_sqlite_conn_t *conn, const keeper_head_t *head,
                                     apr_pool_t *pool)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_ADD_HEAD];
    int bad = keeper_sqlite_bind_text(statement, 1, head->writer);
    bad |= sqlite3_bind_int64(statement, 2, head->last_id);
    bad |= keeper_sqlite_bind_hash(statement, 3, head->hash);
    bad |= sqlite3_bind_int64(statement, 4, head->at);
    bad |= keeper_sqlite_bind_octets(statement, 5, head->signature, head->signature_len);
    if (bad != SQLITE_OK || !keeper_sqlite_run(conn, KEEPER_DO_ADD_HEAD))
        return not_written(conn, "a signed head", pool);
    return base_ok();
}

base_result_t keeper_sqlite_touch(keeper_sqlite_conn_t *conn, apr_time_t now, apr_pool_t *pool)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_TOUCH];
    if (sqlite3_bind_int64(statement, 1, apr_time_sec(now)) != SQLITE_OK ||
        !keeper_sqlite_run(conn, KEEPER_DO_TOUCH))
        return not_written(conn, "a mark of health", pool);
    return base_ok();
}
