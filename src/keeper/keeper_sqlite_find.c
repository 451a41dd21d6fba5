/* SPDX-License-Identifier: Apache-2.0 */
/* What is found, inside a transaction or for a guess. What is bound stays until the statement has
 * run: SQLITE_STATIC everywhere, and bindings are dropped at its end. */
#include <string.h>
#include <apr_strings.h>
#include "keeper/keeper_sqlite_private.h"

base_result_t keeper_sqlite_not_read(keeper_sqlite_conn_t *conn, const char *what, apr_pool_t *pool)
{
    return keeper_sqlite_failed(conn, "GBA0572", apr_psprintf(pool, "%s cannot be read", what),
                                pool);
}

/* ---- binding: SQLITE_OK or an error, to be collected by |= ---- */

int keeper_sqlite_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    return text ? sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC)
                : sqlite3_bind_null(statement, at);
}

int keeper_sqlite_bind_octets(sqlite3_stmt *statement, int at, const void *data, apr_size_t len)
{
    if (len > PKI_CERT_MAX)
        return SQLITE_TOOBIG;
    return sqlite3_bind_blob(statement, at, data, (int)len, SQLITE_STATIC);
}

int keeper_sqlite_bind_hash(sqlite3_stmt *statement, int at,
                            const unsigned char hash[KEEPER_HASH_LEN])
{
    return keeper_sqlite_bind_octets(statement, at, hash, KEEPER_HASH_LEN);
}

/* ---- what is held ---- */

/** Copies a text column that must have exactly or at most so many characters. */
static int take_text(char *out, apr_size_t size, sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    int len = sqlite3_column_bytes(statement, column);
    if (!text || len < 0 || (apr_size_t)len >= size || strlen((const char *)text) != (size_t)len)
        return 0;
    memcpy(out, text, (size_t)len + 1);
    return 1;
}

/** SQLITE_ROW, SQLITE_DONE or an error, and the text if there is a row that fits. */
static int step_text(char *out, apr_size_t size, sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    out[0] = '\0';
    if (rc == SQLITE_ROW && !take_text(out, size, statement, 0))
        rc = SQLITE_CORRUPT;
    return rc;
}

int keeper_sqlite_get_name(keeper_sqlite_conn_t *conn, const char *subscriber,
                           char out[PKI_PSEUDONYM_LEN + 1])
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_GET_NAME];
    int rc = keeper_sqlite_bind_text(statement, 1, subscriber);
    out[0] = '\0';
    if (rc == SQLITE_OK)
        rc = step_text(out, PKI_PSEUDONYM_LEN + 1, statement);
    if (rc == SQLITE_ROW && strlen(out) != PKI_PSEUDONYM_LEN)
        rc = SQLITE_CORRUPT;
    keeper_sqlite_end(statement);
    return rc;
}

static int get_owner(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim, keeper_holding_t *out)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_GET_OWNER];
    int rc = keeper_sqlite_bind_hash(statement, 1, claim->spki_sha256);
    rc |= keeper_sqlite_bind_text(statement, 2, claim->subscriber);
    if (rc == SQLITE_OK)
        rc = step_text(out->owner, sizeof out->owner, statement);
    keeper_sqlite_end(statement);
    return rc;
}

static int take_certificate(keeper_holding_t *out, const keeper_claim_t *claim,
                            sqlite3_stmt *statement)
{
    char serial[2 * PKI_SERIAL_LEN + 1];
    const void *der = sqlite3_column_blob(statement, 3);
    int len = sqlite3_column_bytes(statement, 3);
    if (!der || len <= 0 || len > PKI_CERT_MAX || !take_text(serial, sizeof serial, statement, 0) ||
        !base_hex_decode(out->issued.serial, PKI_SERIAL_LEN, serial, strlen(serial)))
        return SQLITE_CORRUPT;
    memcpy(out->issued.der, der, (size_t)len);
    out->issued.der_len = (apr_uint16_t)len;
    out->same_profile =
        sqlite3_column_bytes(statement, 4) == KEEPER_HASH_LEN &&
        memcmp(sqlite3_column_blob(statement, 4), claim->profile_sha256, KEEPER_HASH_LEN) == 0;
    out->not_before = apr_time_from_sec(sqlite3_column_int64(statement, 1));
    out->not_after = apr_time_from_sec(sqlite3_column_int64(statement, 2));
    return SQLITE_ROW;
}

static int get_certificate(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim,
                           keeper_holding_t *out)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_GET_CERTIFICATE];
    int rc = keeper_sqlite_bind_hash(statement, 1, claim->spki_sha256);
    rc |= keeper_sqlite_bind_text(statement, 2, claim->subscriber);
    rc |= keeper_sqlite_bind_text(statement, 3, claim->profile);
    rc |= sqlite3_bind_int64(statement, 4, (sqlite3_int64)claim->usage);
    rc |= keeper_sqlite_bind_hash(statement, 5, claim->issuer_sha256);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        rc = take_certificate(out, claim, statement);
    keeper_sqlite_end(statement);
    return rc;
}

/* ---- how many ---- */

static int get_blocked(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim,
                       keeper_holding_t *out)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_GET_BLOCKED];
    int rc = keeper_sqlite_bind_hash(statement, 1, claim->spki_sha256);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    out->blocked = rc == SQLITE_ROW;
    keeper_sqlite_end(statement);
    return rc;
}

/* The window in whole seconds, as the ledger counts: a part of one is one. */
static apr_int64_t window_of(const keeper_claim_t *claim)
{
    return apr_time_sec(claim->issued_window) + (claim->issued_window % APR_USEC_PER_SEC > 0);
}

static apr_uint32_t take_count(sqlite3_stmt *statement, int column)
{
    sqlite3_int64 count = sqlite3_column_int64(statement, column);
    return count > APR_UINT32_MAX ? APR_UINT32_MAX : (apr_uint32_t)count;
}

static int get_counts(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim,
                      keeper_holding_t *out)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_GET_COUNTS];
    apr_int64_t now = apr_time_sec(claim->now);
    int rc = keeper_sqlite_bind_text(statement, 1, claim->subscriber);
    rc |= keeper_sqlite_bind_text(statement, 2, claim->profile);
    rc |= sqlite3_bind_int64(statement, 3, now);
    rc |= sqlite3_bind_int64(statement, 4, now - window_of(claim));
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        out->held = take_count(statement, 0);
        out->recent = claim->issued_max ? take_count(statement, 1) : 0;
    }
    keeper_sqlite_end(statement);
    return rc;
}

/* The end of a window that starts at a time which may be anything that a file can hold. */
static apr_time_t window_end(const keeper_claim_t *claim, sqlite3_int64 issued_at)
{
    apr_int64_t window = window_of(claim), last = APR_INT64_MAX / APR_USEC_PER_SEC;
    if (issued_at < 0)
        issued_at = 0;
    return issued_at > last - window ? APR_INT64_MAX : apr_time_from_sec(issued_at + window);
}

/* With the issued_max-th last certificate the window has room: SQLITE_ROW, or what went wrong. */
static int get_room(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim, keeper_holding_t *out)
{
    sqlite3_stmt *statement = conn->statements[KEEPER_DO_GET_ROOM];
    int rc = keeper_sqlite_bind_text(statement, 1, claim->subscriber);
    rc |= keeper_sqlite_bind_text(statement, 2, claim->profile);
    rc |= sqlite3_bind_int64(statement, 3, claim->issued_max);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        out->room_at = window_end(claim, sqlite3_column_int64(statement, 0));
    keeper_sqlite_end(statement);
    return rc;
}

static int count_all(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim, keeper_holding_t *out)
{
    int rc = claim->counts ? get_counts(conn, claim, out) : SQLITE_ROW;
    if (rc == SQLITE_ROW && claim->issued_max && out->recent >= claim->issued_max)
        rc = get_room(conn, claim, out);
    return rc == SQLITE_ROW;
}

int keeper_sqlite_is_answer(int rc)
{
    return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

base_result_t keeper_sqlite_find(keeper_sqlite_conn_t *conn, const keeper_claim_t *claim,
                                 keeper_holding_t *out, apr_pool_t *pool)
{
    memset(out, 0, sizeof *out);
    if (!keeper_sqlite_is_answer(keeper_sqlite_get_name(conn, claim->subscriber, out->pseudonym)))
        return keeper_sqlite_not_read(conn, "a pseudonym", pool);
    if (!claim->has_key)
        return base_ok();
    if (!keeper_sqlite_is_answer(get_blocked(conn, claim, out)))
        return keeper_sqlite_not_read(conn, "whether a key is blocked", pool);
    if (!keeper_sqlite_is_answer(get_owner(conn, claim, out)))
        return keeper_sqlite_not_read(conn, "whose key it is", pool);
    if (!out->pseudonym[0]) /* whom it does not know has no certificates */
        return base_ok();
    if (!keeper_sqlite_is_answer(get_certificate(conn, claim, out)))
        return keeper_sqlite_not_read(conn, "a certificate", pool);
    if (!count_all(conn, claim, out))
        return keeper_sqlite_not_read(conn, "the number of certificates", pool);
    return base_ok();
}
