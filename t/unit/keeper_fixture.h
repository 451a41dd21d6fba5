/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_fixture.h
 * What the tests of the keeper's ledger and issuer share: a scratch directory,
 * a look into the ledger past its own code, questions, and a test CA.
 */
#ifndef keeper_fixture_h
#define keeper_fixture_h

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sqlite3.h>
#include "keeper/keeper_ledger.h"
#include "tap.h"

__attribute__((noreturn)) static inline void fixture_die(const char *what)
{
    printf("Bail out! %s\n", what);
    exit(1);
}

/** A fresh directory of this test's own; static. */
static inline const char *fixture_dir(void)
{
    static char dir[256];
    const char *base = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/gba-keeper-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(dir))
        fixture_die("mkdtemp");
    return dir;
}

static inline int fixture_remove_one(const char *path, const struct stat *st, int flag,
                                     struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void fixture_clean(const char *dir)
{
    if (nftw(dir, fixture_remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
        printf("# %s stays\n", dir);
}

static inline const char *fixture_file(apr_pool_t *pool, const char *dir, const char *name)
{
    return apr_pstrcat(pool, dir, "/", name, NULL);
}

/** A prepared ledger in @a dir; its path in @a pool. */
static inline const char *fixture_prepared(apr_pool_t *pool, const char *dir, const char *name)
{
    const char *path = fixture_file(pool, dir, name);
    base_result_t result = keeper_sqlite_prepare(path, pool);
    if (result.code != BASE_OK) {
        printf("# %s\n", result.detail);
        fixture_die("keeper_sqlite_prepare");
    }
    return path;
}

static inline keeper_ledger_t *fixture_opened(apr_pool_t *pool, const char *path)
{
    keeper_ledger_t *ledger = NULL;
    base_result_t result = keeper_sqlite_open(&ledger, path, pool);
    if (result.code != BASE_OK) {
        printf("# %s\n", result.detail);
        fixture_die("keeper_sqlite_open");
    }
    return ledger;
}

/** A test point: the ledger is down, and the operator is told @a says. */
static inline void fixture_is_down(base_result_t result, const char *says, const char *name)
{
    int pass = result.code == BASE_STORE_DOWN && result.tag && result.detail &&
               strstr(result.detail, says);
    ok(pass, "%s", name);
    if (!pass)
        printf("# code %d, detail %s\n", (int)result.code, result.detail);
}

/** An audit row on its way. */
typedef struct fixture_row_t {
    keeper_ledger_t *ledger;
    keeper_audit_row_t row;
} fixture_row_t;

static inline base_result_t fixture_row_work(void *baton, apr_pool_t *pool)
{
    fixture_row_t *adding = baton;
    return adding->ledger->audit(adding->ledger->baton, &adding->row, pool);
}

/** A job in a transaction. */
static inline base_result_t fixture_run(keeper_ledger_t *ledger,
                                        base_result_t (*work)(void *baton, apr_pool_t *pool),
                                        void *baton, apr_pool_t *pool)
{
    keeper_job_t job = {.work = work, .baton = baton, .pool = pool};
    return ledger->run(ledger->baton, &job);
}

/** One decision about @a question in a job of its own. */
static inline base_result_t fixture_decide(keeper_ledger_t *ledger, const portal_issue_t *question,
                                           apr_time_t now, apr_pool_t *pool)
{
    const pki_decision_t *decision = &question->decision;
    fixture_row_t adding = {
        ledger,
        {.at = apr_time_sec(now),
         .event = keeper_event_text(decision->permit ? KEEPER_EVENT_ISSUED : KEEPER_EVENT_REFUSED),
         .identity = question->subscriber[0] ? question->subscriber : NULL,
         .btid = question->btid,
         .profile = question->profile.name,
         .reason = pki_reason_code(decision->reason),
         .key_usage = decision->usage}};
    return fixture_run(ledger, fixture_row_work, &adding, pool);
}

/** Runs statements on a database file through a connection of its own. Nonzero on success. */
static inline int fixture_exec(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    int done = sqlite3_open(path, &db) == SQLITE_OK &&
               sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(db);
    return done;
}

/** The first column of the first row as a number; -1 if there is none. */
static inline long long fixture_count(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    long long value = -1;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

/** The first column of the first row as text, in @a pool; NULL if there is none. */
static inline const char *fixture_text(apr_pool_t *pool, const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    const char *value = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        value = apr_pstrdup(pool, (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

/** A new EC key on P-256; the caller frees it. */
static inline EVP_PKEY *fixture_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key)
        fixture_die("EVP_EC_gen");
    return key;
}

/** A question that permits a signature certificate for @a subscriber, with a fresh key. */
static inline void fixture_question(portal_issue_t *question, const char *subscriber)
{
    EVP_PKEY *key = fixture_key();
    unsigned char *end = question->spki;
    memset(question, 0, sizeof *question);
    int len = i2d_PUBKEY(key, NULL);
    if (len <= 0 || len > PKI_SPKI_MAX || i2d_PUBKEY(key, &end) != len)
        fixture_die("i2d_PUBKEY");
    EVP_PKEY_free(key);
    question->spki_len = (apr_uint16_t)len;
    apr_cpystrn(question->subscriber, subscriber, sizeof question->subscriber);
    apr_cpystrn(question->btid, "MDEyMzQ1Njc4OTAxMjM0NQ==@bsf.example.org", sizeof question->btid);
    question->profile = *pki_profile_default();
    question->decision.permit = 1;
    question->decision.usage = PKI_USAGE_DIGITAL_SIGNATURE;
}

static inline void fixture_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (!extension || !X509_add_ext(cert, extension, -1))
        fixture_die("X509_add_ext");
    X509_EXTENSION_free(extension);
}

static inline void fixture_write_pem(const char *path, X509 *cert, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");
    if (!file || (cert && !PEM_write_X509(file, cert)) ||
        (key && !PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL)) || fclose(file) != 0)
        fixture_die("PEM");
    if (chmod(path, S_IRUSR | S_IWUSR) != 0)
        fixture_die("chmod");
}

/** A self-signed CA on P-256, valid from a day ago for @a days, loaded from PEM files in @a dir. */
static inline pki_ca_t *fixture_ca(apr_pool_t *pool, const char *dir, int days)
{
    pki_ca_t *ca = NULL;
    EVP_PKEY *key = fixture_key();
    X509 *cert = X509_new();
    X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
    const char *cert_path = apr_pstrcat(pool, dir, "/ca.pem", NULL);
    const char *key_path = apr_pstrcat(pool, dir, "/ca.key", NULL);
    if (!name || !X509_set_version(cert, X509_VERSION_3) ||
        !ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) ||
        !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"Test CA", -1,
                                    -1, 0) ||
        !X509_set_issuer_name(cert, name) || !X509_gmtime_adj(X509_getm_notBefore(cert), -86400) ||
        !X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * days - 86400) ||
        !X509_set_pubkey(cert, key))
        fixture_die("test CA");
    fixture_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    fixture_extension(cert, NID_key_usage, "critical,keyCertSign,cRLSign");
    fixture_extension(cert, NID_subject_key_identifier, "hash");
    if (!X509_sign(cert, key, EVP_sha256()))
        fixture_die("X509_sign");
    fixture_write_pem(cert_path, cert, NULL);
    fixture_write_pem(key_path, NULL, key);
    X509_free(cert);
    EVP_PKEY_free(key);
    base_result_t result = pki_ca_load(&ca, cert_path, key_path, NULL, NULL, pool);
    if (result.code != BASE_OK) {
        printf("# %s\n", result.detail);
        fixture_die("pki_ca_load");
    }
    return ca;
}

#endif
