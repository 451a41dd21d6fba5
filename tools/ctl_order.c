/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator orders: certificates are revoked, keys blocked and let go. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include "ctl_report.h"
#include "ctl_run.h"
#include "keeper/keeper_operator.h"
#include "pki/pki_pkcs10.h"
#include "tool_file.h"
#include "tool_text.h"

#define CERT_FILE_MAX (64 * 1024) /* octets of a file with a certificate */

/* "operator:" and the user's name; his number if the name could be taken for a B-TID or is none
 * that a log should hold. */
static const char *who(apr_pool_t *pool)
{
    const struct passwd *user = getpwuid(getuid());
    if (user && user->pw_name[0] && strlen(user->pw_name) <= 64 && !strchr(user->pw_name, '@') &&
        strcmp(tool_plain(pool, user->pw_name), user->pw_name) == 0)
        return apr_pstrcat(pool, "operator:", user->pw_name, NULL);
    return apr_psprintf(pool, "operator:%lu", (unsigned long)getuid());
}

/* Opening for writing makes no ledger, and takes none of another version. */
static base_result_t open_order(keeper_order_t *order, const ctl_t *ctl, const char *reason)
{
    order->by = who(ctl->pool);
    order->reason = reason;
    order->now = apr_time_now();
    return keeper_sqlite_open(&order->ledger, ctl->opts->ledger, ctl->pool);
}

/* ---- revoke ---- */

static json_t *facts_of(const ctl_t *ctl, const keeper_revoked_t *revoked)
{
    json_t *facts = json_object(), *others = json_array();
    for (int i = 0; revoked->others && i < revoked->others->nelts; i++)
        json_array_append_new(
            others, tool_json(APR_ARRAY_IDX(revoked->others, i, const char *), ctl->pool));
    json_object_set_new(facts, "serial", tool_json(revoked->serial, ctl->pool));
    json_object_set_new(facts, "state_before", tool_json(revoked->state, ctl->pool));
    json_object_set_new(facts, "subscriber", tool_json(revoked->identity, ctl->pool));
    json_object_set_new(facts, "key_blocked", json_boolean(revoked->key_blocked));
    json_object_set_new(facts, "other_certificates", others);
    return facts;
}

static const char *revoked_text(const ctl_t *ctl, const keeper_revoked_t *revoked)
{
    const char *text =
        apr_pstrcat(ctl->pool, "revoked: certificate ", revoked->serial, " of ", revoked->identity,
                    revoked->key_blocked ? "; its key is blocked" : "", NULL);
    for (int i = 0; i < revoked->others->nelts; i++)
        text = apr_pstrcat(ctl->pool, text, i ? ", " : "; not revoked, for the same key: ",
                           APR_ARRAY_IDX(revoked->others, i, const char *), NULL);
    return text;
}

int ctl_revoke(const ctl_t *ctl)
{
    keeper_order_t order;
    keeper_revoked_t revoked;
    base_result_t result = open_order(&order, ctl, ctl->opts->reason);
    if (result.code == BASE_OK)
        result = keeper_operator_revoke(&order, ctl->opts->serial, &revoked, ctl->pool);
    if (result.code != BASE_OK)
        return ctl_fail(ctl, CTL_LEDGER, result.detail);
    switch (revoked.done) {
    case KEEPER_NO_SUCH:
        return ctl_fail(ctl, CTL_FOUND, "the ledger has no certificate of this serial");
    case KEEPER_NOT_POSSIBLE:
        return ctl_end(ctl, CTL_FOUND, facts_of(ctl, &revoked),
                       apr_pstrcat(ctl->pool, "it cannot be revoked: it is ", revoked.state, NULL));
    case KEEPER_DONE_BEFORE:
        return ctl_end(ctl, CTL_OK, facts_of(ctl, &revoked), "was revoked before; nothing changed");
    case KEEPER_DONE:
        break;
    }
    return ctl_end(ctl, CTL_OK, facts_of(ctl, &revoked), revoked_text(ctl, &revoked));
}

/* ---- keys ---- */

static int take_key(void *visitor, const keeper_record_t *record)
{
    if (record->spki_sha256.len == KEEPER_HASH_LEN)
        memcpy(visitor, record->spki_sha256.data, KEEPER_HASH_LEN);
    return 0;
}

static int key_of_serial(const ctl_t *ctl, unsigned char hash[KEEPER_HASH_LEN])
{
    static const unsigned char none[KEEPER_HASH_LEN];
    keeper_filter_t filter = {.serial = ctl->opts->serial_hex};
    keeper_records_t *records = NULL;
    base_result_t result = keeper_records_open(&records, ctl->opts->ledger, ctl->pool);
    memset(hash, 0, KEEPER_HASH_LEN);
    if (result.code == BASE_OK)
        result = keeper_records_certificates(records, &filter, take_key, hash);
    if (result.code != BASE_OK)
        return ctl_fail(ctl, CTL_LEDGER, result.detail);
    if (memcmp(hash, none, KEEPER_HASH_LEN) == 0)
        return ctl_fail(ctl, CTL_FOUND, "the ledger has no certificate of this serial");
    return CTL_OK;
}

static int key_of_csr(const ctl_t *ctl, unsigned char hash[KEEPER_HASH_LEN])
{
    base_span_t body;
    pki_pkcs10_t *request = NULL;
    const char *error = tool_file_read(&body, ctl->opts->csr, PKI_PKCS10_MAX, ctl->pool);
    if (error)
        return ctl_fail(ctl, CTL_LOCAL, error);
    if (pki_pkcs10_read(&request, body, ctl->pool).code != BASE_OK)
        return ctl_fail(ctl, CTL_LOCAL,
                        apr_pstrcat(ctl->pool, ctl->opts->csr, " holds no PKCS#10", NULL));
    base_span_t spki = pki_pkcs10_spki(request);
    if (EVP_Digest(spki.data, spki.len, hash, NULL, EVP_sha256(), NULL) != 1)
        return ctl_fail(ctl, CTL_LOCAL, "the key cannot be hashed");
    return CTL_OK;
}

static int hash_key_of(X509 *cert, unsigned char hash[KEEPER_HASH_LEN])
{
    unsigned char *spki = NULL;
    int len = cert ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki) : 0;
    int done = len > 0 && EVP_Digest(spki, (size_t)len, hash, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(spki);
    return done;
}

static int key_of_cert(const ctl_t *ctl, unsigned char hash[KEEPER_HASH_LEN])
{
    static char nothing[] = ""; /* PEM that is encrypted fails, and asks nobody */
    base_span_t body;
    const char *error = tool_file_read(&body, ctl->opts->cert, CERT_FILE_MAX, ctl->pool);
    if (error)
        return ctl_fail(ctl, CTL_LOCAL, error);
    BIO *file = BIO_new_mem_buf(body.data, (int)body.len);
    X509 *cert = file ? PEM_read_bio_X509(file, NULL, NULL, nothing) : NULL;
    int done = hash_key_of(cert, hash);
    X509_free(cert);
    BIO_free(file);
    ERR_clear_error();
    return done ? CTL_OK
                : ctl_fail(
                      ctl, CTL_LOCAL,
                      apr_pstrcat(ctl->pool, ctl->opts->cert, " holds no PEM certificate", NULL));
}

/* CTL_OK, or how the command has ended. */
static int find_key(const ctl_t *ctl, unsigned char hash[KEEPER_HASH_LEN])
{
    if (ctl->opts->serial_word)
        return key_of_serial(ctl, hash);
    if (ctl->opts->cert)
        return key_of_cert(ctl, hash);
    if (ctl->opts->csr)
        return key_of_csr(ctl, hash);
    memcpy(hash, ctl->opts->spki_sha256, KEEPER_HASH_LEN);
    return CTL_OK;
}

static int end_key(const ctl_t *ctl, const unsigned char hash[KEEPER_HASH_LEN], int block,
                   keeper_done_t done)
{
    json_t *facts = json_object();
    const char *hex = tool_hex(ctl->pool, (base_span_t){hash, KEEPER_HASH_LEN});
    json_object_set_new(facts, "spki_sha256", json_string(hex));
    json_object_set_new(facts, "blocked", json_boolean(block));
    json_object_set_new(facts, "changed", json_boolean(done == KEEPER_DONE));
    if (done == KEEPER_NO_SUCH)
        return ctl_end(ctl, CTL_FOUND, facts, "this key is not blocked");
    if (done == KEEPER_DONE_BEFORE)
        return ctl_end(ctl, CTL_OK, facts, "was blocked before; nothing changed");
    return ctl_end(ctl, CTL_OK, facts,
                   apr_pstrcat(ctl->pool, block ? "blocked: key " : "unblocked: key ", hex, NULL));
}

static int change_key(const ctl_t *ctl, int block)
{
    unsigned char hash[KEEPER_HASH_LEN];
    keeper_order_t order;
    keeper_done_t done = KEEPER_DONE;
    int code = find_key(ctl, hash);
    if (code != CTL_OK)
        return code;
    base_result_t result = open_order(&order, ctl, ctl->opts->reason ? ctl->opts->reason : "");
    if (result.code == BASE_OK)
        result = keeper_operator_key(&order, hash, block, &done, ctl->pool);
    if (result.code != BASE_OK)
        return ctl_fail(ctl, CTL_LEDGER, result.detail);
    return end_key(ctl, hash, block, done);
}

int ctl_key_block(const ctl_t *ctl)
{
    return change_key(ctl, 1);
}

int ctl_key_unblock(const ctl_t *ctl)
{
    return change_key(ctl, 0);
}
