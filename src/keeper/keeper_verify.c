/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_verify.h"

#include <string.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include "keeper/keeper_records_private.h"

/** One verification on its way. */
typedef struct verification_t {
    keeper_records_t *records;
    const keeper_verify_t *how;
    keeper_verify_report_t *report;
    unsigned char (*ca_sha256)[KEEPER_HASH_LEN]; /* one each */
    apr_pool_t *pool;
    apr_pool_t *row; /* of one row at a time */
} verification_t;

static void find(verification_t *v, const char *what, const char *which, const char *text)
{
    keeper_finding_t finding = {what, which, text};
    v->report->findings++;
    v->how->found(v->how->baton, &finding);
}

/* ---- statements whose rows are findings ---- */

/** Each row is one: which, and what is wrong with it. */
typedef struct question_t {
    const char *what;
    const char *sql;
} question_t;

static const char *column(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return text ? text : "";
}

static int ask(verification_t *v, const question_t *question)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(v->records->db, question->sql, -1, &statement, NULL);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(statement);
        if (rc == SQLITE_ROW)
            find(v, question->what, column(statement, 0), column(statement, 1));
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE;
}

static const question_t of_file[] = {
    {"file", "SELECT '', integrity_check FROM pragma_integrity_check(100)"
             " WHERE integrity_check <> 'ok'"},
    {"file", "SELECT \"table\" || ' ' || ifnull(rowid, ''), 'refers to a row of ' || parent ||"
             " ' that is not there' FROM pragma_foreign_key_check LIMIT 100"},
};

/* Inside one statement all is of one moment. */
static const question_t of_links[] = {
    {"audit", "SELECT a.id, 'speaks of certificate ' || a.serial || ', which is not there'"
              " FROM audit a LEFT JOIN certificate c ON c.serial = a.serial"
              " WHERE a.serial IS NOT NULL AND c.id IS NULL"},
    {"key", "SELECT lower(hex(k.spki_sha256)), iif(k.event = 'blocked', 'was blocked by audit row '"
            " || k.id || ', and is so no more', 'is blocked, though audit row ' || k.id ||"
            " ' let it go') FROM (SELECT spki_sha256, event, max(id) AS id FROM audit WHERE event"
            " IN ('blocked', 'unblocked') GROUP BY spki_sha256) k"
            " LEFT JOIN blocked_key b ON b.spki_sha256 = k.spki_sha256"
            " WHERE (k.event = 'blocked') <> (b.spki_sha256 IS NOT NULL)"},
    {"key", "SELECT lower(hex(spki_sha256)), 'is blocked, and no audit row says so' FROM"
            " blocked_key WHERE spki_sha256 NOT IN (SELECT spki_sha256 FROM audit WHERE event ="
            " 'blocked' AND spki_sha256 IS NOT NULL)"},
    {"certificate", "SELECT c.serial, 'has a revocation, but is ' || c.state FROM revocation r"
                    " JOIN certificate c ON c.id = r.certificate_id WHERE c.state <> 'revoked'"},
};

static base_result_t ask_all(verification_t *v, const question_t *questions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!ask(v, &questions[i]))
            return keeper_records_down(v->records, "GBA1005", "all of it");
    return base_ok();
}

/* ---- what others check ---- */

static void schema_differs(void *baton, const char *name, const char *text)
{
    find(baton, "schema", name, text);
}

static base_result_t check_schema(verification_t *v)
{
    keeper_sqlite_compare_t compare = {schema_differs, v};
    return keeper_sqlite_compare(v->records->db, &compare, v->pool)
               ? base_ok()
               : keeper_records_down(v->records, "GBA1006", "its schema");
}

static base_result_t trail_rows(void *baton, const char *writer, apr_int64_t after,
                                keeper_row_visit_t visit, void *visitor, apr_pool_t *pool)
{
    return keeper_sqlite_rows(baton, writer, after, visit, visitor, pool);
}

static base_result_t trail_heads(void *baton, apr_array_header_t **ends,
                                 apr_array_header_t **signed_ends, apr_pool_t *pool)
{
    return keeper_sqlite_heads(baton, ends, signed_ends, pool);
}

/** The chains, by a ledger that can do nothing but be read. It tells of the first row at fault. */
static base_result_t check_chains(verification_t *v)
{
    keeper_sqlite_conn_t model = {
        .path = v->records->path, .busy_ms = KEEPER_SQLITE_BUSY_MS, .reads = 1};
    keeper_ledger_t ledger = {.baton = &model, .rows = trail_rows, .heads = trail_heads};
    base_result_t result =
        keeper_audit_verify(&ledger, v->how->cas, v->how->ca_count, &v->report->audit, v->pool);
    if (result.code != BASE_OK)
        find(v, "audit", "", result.detail);
    return base_ok();
}

static base_result_t count_unsigned(verification_t *v)
{
    sqlite3_int64 count = 0;
    int rc =
        keeper_sqlite_int(v->records->db,
                          "SELECT count(*) FROM audit a LEFT JOIN (SELECT writer, max(last_id) AS"
                          " last FROM signed_head GROUP BY writer) h ON h.writer = a.writer"
                          " WHERE a.id > ifnull(h.last, 0)",
                          &count);
    v->report->unsigned_rows = count;
    return rc == SQLITE_ROW ? base_ok()
                            : keeper_records_down(v->records, "GBA1007", "the signed ends");
}

/* ---- certificates ---- */

static int sha256_is(base_span_t octets, base_span_t want)
{
    unsigned char hash[KEEPER_HASH_LEN];
    return want.len == sizeof hash &&
           EVP_Digest(octets.data, octets.len, hash, NULL, EVP_sha256(), NULL) == 1 &&
           memcmp(hash, want.data, sizeof hash) == 0;
}

/** A certificate's SubjectPublicKeyInfo, in @a pool; empty if it is no certificate. */
static base_span_t spki_of(base_span_t der, apr_pool_t *pool)
{
    const unsigned char *in = der.data;
    unsigned char *out = NULL;
    base_span_t spki = {NULL, 0};
    X509 *cert = der.len <= PKI_CERT_MAX ? d2i_X509(NULL, &in, (long)der.len) : NULL;
    int len = cert ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &out) : 0;
    if (len > 0)
        spki = (base_span_t){apr_pmemdup(pool, out, (apr_size_t)len), (apr_size_t)len};
    OPENSSL_free(out);
    X509_free(cert);
    ERR_clear_error();
    return spki;
}

static const pki_ca_t *ca_of(const verification_t *v, const keeper_record_t *record)
{
    for (int i = 0; i < v->how->ca_count; i++)
        if (record->issuer_sha256.len == KEEPER_HASH_LEN &&
            memcmp(v->ca_sha256[i], record->issuer_sha256.data, KEEPER_HASH_LEN) == 0)
            return v->how->cas[i];
    return NULL;
}

/** What the row says must be what the certificate says. NULL if so. */
static const char *check_certificate(const verification_t *v, const keeper_record_t *record)
{
    pki_cert_record_t said = {.usage = (unsigned)record->key_usage,
                              .not_before = apr_time_from_sec(record->not_before),
                              .not_after = apr_time_from_sec(record->not_after)};
    const pki_ca_t *ca = ca_of(v, record);
    if (!ca)
        return "is said to be of a CA that was not given";
    said.spki = spki_of(record->der, v->row);
    if (!said.spki.data)
        return "cannot be read";
    if (!sha256_is(said.spki, record->spki_sha256))
        return "is for another key than its row says";
    if (strlen(record->pseudonym) != PKI_PSEUDONYM_LEN ||
        !base_hex_decode(said.serial, PKI_SERIAL_LEN, record->serial, strlen(record->serial)))
        return "has a row without a serial or a pseudonym";
    memcpy(said.pseudonym, record->pseudonym, sizeof said.pseudonym);
    base_result_t result = pki_cert_check_record(ca, &said, record->der);
    if (result.code == BASE_STORE_DOWN)
        return "is not signed by its CA";
    return result.code == BASE_OK ? NULL : "says something else than its row";
}

static int is_state(const keeper_record_t *record, keeper_state_t state)
{
    return strcmp(record->state, keeper_state_text(state)) == 0;
}

/** A certificate's state is where the audit trail has brought it. NULL if so. */
static const char *check_state(const keeper_record_t *record)
{
    int out = is_state(record, KEEPER_STATE_PENDING) || is_state(record, KEEPER_STATE_ABANDONED);
    if (out)
        return record->issued_rows == 0 ? NULL : "was issued, says the audit trail";
    if (record->issued_rows != 1)
        return record->issued_rows ? "was issued twice, says the audit trail"
                                   : "has no audit row of its issue that agrees with it";
    if (record->revoked_rows > 0 || record->revocation_reason)
        return record->revoked_rows == 1 && record->revocation_reason &&
                       is_state(record, KEEPER_STATE_REVOKED)
                   ? NULL
                   : "has a state, a revocation and an audit trail that do not agree";
    if (record->superseded_rows > 0)
        return is_state(record, KEEPER_STATE_SUPERSEDED) ? NULL
                                                         : "was superseded, says the audit trail";
    return is_state(record, KEEPER_STATE_ISSUED) ? NULL
                                                 : "has a state of which no audit row speaks";
}

static int check_record(void *visitor, const keeper_record_t *record)
{
    verification_t *v = visitor;
    const char *wrong = v->how->ca_count ? check_certificate(v, record) : NULL;
    if (wrong)
        find(v, "certificate", record->serial, wrong);
    wrong = check_state(record);
    if (wrong)
        find(v, "certificate", record->serial, wrong);
    v->report->certificates++;
    apr_pool_clear(v->row);
    return 1;
}

static base_result_t check_certificates(verification_t *v)
{
    keeper_filter_t all = {.with_trail = 1};
    return keeper_records_certificates(v->records, &all, check_record, v);
}

/* ---- all of it ---- */

static int hash_cas(verification_t *v)
{
    int count = v->how->ca_count;
    v->ca_sha256 = apr_pcalloc(v->pool, sizeof *v->ca_sha256 * (apr_size_t)(count ? count : 1));
    for (int i = 0; i < count; i++) {
        base_span_t der = pki_ca_der(v->how->cas[i]);
        if (EVP_Digest(der.data, der.len, v->ca_sha256[i], NULL, EVP_sha256(), NULL) != 1)
            return 0;
    }
    return 1;
}

static base_result_t check_file(verification_t *v)
{
    return ask_all(v, of_file, sizeof of_file / sizeof of_file[0]);
}

static base_result_t check_links(verification_t *v)
{
    return ask_all(v, of_links, sizeof of_links / sizeof of_links[0]);
}

base_result_t keeper_verify(keeper_records_t *records, const keeper_verify_t *how,
                            keeper_verify_report_t *report, apr_pool_t *pool)
{
    static base_result_t (*const steps[])(verification_t *) = {
        check_file, check_schema, check_chains, count_unsigned, check_certificates, check_links};
    verification_t v = {.records = records, .how = how, .report = report, .pool = pool};
    base_result_t result = base_ok();
    memset(report, 0, sizeof *report);
    apr_pool_create(&v.row, pool);
    if (!hash_cas(&v))
        return base_fail(BASE_INTERNAL, "GBA1008", "ledger: a CA cannot be hashed");
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && result.code == BASE_OK; i++)
        result = steps[i](&v);
    if (result.code != BASE_OK && report->findings > 0) {
        /* A file that is damaged cannot be read to its end, and that was found already. */
        find(&v, "file", "", result.detail);
        result = base_ok();
    }
    apr_pool_destroy(v.row);
    return result;
}
