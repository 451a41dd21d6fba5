/* SPDX-License-Identifier: Apache-2.0 */
/* Questions and certificates as the columns of the ledger's rows. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include "keeper/keeper_sqlite_private.h"

#define SHA256_LEN 32

int keeper_sqlite_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    return sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static int sha256(unsigned char out[SHA256_LEN], const void *data, apr_size_t len)
{
    int done = EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1;
    if (!done)
        ERR_clear_error();
    return done;
}

int keeper_sqlite_bind_certificate(sqlite3_stmt *statement, const portal_issue_t *question,
                                   const pki_cert_spec_t *spec, base_span_t der, apr_time_t now)
{
    char serial[2 * PKI_SERIAL_LEN + 1];
    unsigned char hash[SHA256_LEN];
    base_hex_encode(serial, spec->serial, PKI_SERIAL_LEN);
    if (der.len == 0 || der.len > PKI_CERT_MAX || !sha256(hash, spec->spki.data, spec->spki.len))
        return 0;
    int bad = sqlite3_bind_text(statement, 1, serial, -1, SQLITE_TRANSIENT);
    bad |= keeper_sqlite_bind_text(statement, 2, question->subscriber);
    bad |= keeper_sqlite_bind_text(statement, 3, spec->pseudonym);
    bad |= keeper_sqlite_bind_text(statement, 4, question->profile.name);
    bad |= sqlite3_bind_int64(statement, 5, (sqlite3_int64)spec->usage);
    bad |= sqlite3_bind_blob(statement, 6, hash, SHA256_LEN, SQLITE_TRANSIENT);
    bad |= sqlite3_bind_int64(statement, 7, apr_time_sec(spec->not_before));
    bad |= sqlite3_bind_int64(statement, 8, apr_time_sec(spec->not_after));
    bad |= sqlite3_bind_int64(statement, 9, apr_time_sec(now));
    bad |= keeper_sqlite_bind_text(statement, 10, question->btid);
    bad |= sqlite3_bind_blob(statement, 11, der.data, (int)der.len, SQLITE_STATIC);
    return bad == SQLITE_OK;
}

int keeper_sqlite_bind_decision(sqlite3_stmt *statement, const portal_issue_t *question,
                                apr_time_t now)
{
    unsigned char hash[SHA256_LEN];
    const pki_decision_t *decision = &question->decision;
    int bad = sqlite3_bind_int64(statement, 1, apr_time_sec(now));
    bad |= keeper_sqlite_bind_text(statement, 2, question->subscriber);
    bad |= keeper_sqlite_bind_text(statement, 3, question->btid);
    bad |= keeper_sqlite_bind_text(statement, 4, question->profile.name);
    bad |= sqlite3_bind_int(statement, 5, decision->permit != 0);
    bad |= keeper_sqlite_bind_text(statement, 6, pki_reason_code(decision->reason));
    bad |= sqlite3_bind_int64(statement, 8, (sqlite3_int64)decision->usage);
    if (question->spki_len == 0) /* no readable key: the column stays NULL */
        return bad == SQLITE_OK;
    if (question->spki_len > PKI_SPKI_MAX || !sha256(hash, question->spki, question->spki_len))
        return 0;
    bad |= sqlite3_bind_blob(statement, 7, hash, SHA256_LEN, SQLITE_TRANSIENT);
    return bad == SQLITE_OK;
}
