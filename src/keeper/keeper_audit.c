/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes and texts of the audit trail. Pure. */
#include "keeper/keeper_audit.h"

#include <string.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/evp.h>

/* Changes with the encoding, so that no row of one encoding can be read as one of another: a
 * profile's hash can neither be taken from a row nor given to one. */
static const char row_label_1[] = "mod_gba_pki audit row v1";
static const char row_label_2[] = "mod_gba_pki audit row v2"; /* with a profile's hash at its end */

static const char *const events[KEEPER_EVENTS] = {"issued",   "stored",  "refused", "superseded",
                                                  "conflict", "revoked", "blocked", "unblocked"};

const char *keeper_event_text(keeper_event_t event)
{
    return (unsigned)event < KEEPER_EVENTS ? events[event] : NULL;
}

/* ---- the row's encoding: fields in a fixed order; a number is 8 octets, big endian; octets are 1
 * and their number before them, what is missing is 0 ---- */

static int add_number(EVP_MD_CTX *ctx, apr_int64_t number)
{
    unsigned char octets[8];
    apr_uint64_t left = (apr_uint64_t)number;
    for (int i = 7; i >= 0; i--) {
        octets[i] = (unsigned char)(left & 0xff);
        left >>= 8;
    }
    return EVP_DigestUpdate(ctx, octets, sizeof octets) == 1;
}

static int add_octets(EVP_MD_CTX *ctx, const void *data, apr_size_t len)
{
    if (!data)
        return add_number(ctx, 0);
    return add_number(ctx, 1) && add_number(ctx, (apr_int64_t)len) &&
           EVP_DigestUpdate(ctx, data, len) == 1;
}

static int add_text(EVP_MD_CTX *ctx, const char *text)
{
    return add_octets(ctx, text, text ? strlen(text) : 0);
}

static int add_label(EVP_MD_CTX *ctx, const keeper_audit_row_t *row)
{
    const char *label = row->profile_sha256.data ? row_label_2 : row_label_1;
    return EVP_DigestUpdate(ctx, label, sizeof row_label_1) == 1;
}

static int add_row(EVP_MD_CTX *ctx, const keeper_audit_row_t *row)
{
    return add_number(ctx, row->id) && add_text(ctx, row->writer) && add_number(ctx, row->at) &&
           add_text(ctx, row->event) && add_text(ctx, row->identity) && add_text(ctx, row->btid) &&
           add_text(ctx, row->profile) && add_text(ctx, row->reason) &&
           add_octets(ctx, row->spki_sha256.data, row->spki_sha256.len) &&
           add_number(ctx, row->key_usage) && add_text(ctx, row->serial) &&
           add_number(ctx, row->alarm) &&
           (!row->profile_sha256.data ||
            add_octets(ctx, row->profile_sha256.data, row->profile_sha256.len));
}

int keeper_audit_hash(unsigned char out[KEEPER_HASH_LEN],
                      const unsigned char before[KEEPER_HASH_LEN], const keeper_audit_row_t *row)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int made = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 && add_label(ctx, row) &&
               EVP_DigestUpdate(ctx, before, KEEPER_HASH_LEN) == 1 && add_row(ctx, row) &&
               EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    if (!made) {
        memset(out, 0, KEEPER_HASH_LEN);
        ERR_clear_error();
    }
    return made;
}

const char *keeper_audit_head_text(const keeper_head_t *head, apr_pool_t *pool)
{
    char hash[2 * KEEPER_HASH_LEN + 1];
    base_hex_encode(hash, head->hash, KEEPER_HASH_LEN);
    return apr_psprintf(pool,
                        PKI_TEXT_LABEL "ledger head v1\n"
                                       "writer %s\n"
                                       "last %" APR_INT64_T_FMT "\n"
                                       "hash %s\n"
                                       "time %" APR_INT64_T_FMT "\n",
                        head->writer, head->last_id, hash, head->at);
}

int keeper_audit_head_verify(const keeper_head_t *head, const pki_ca_t *ca, apr_pool_t *pool)
{
    base_span_t signature = {head->signature, head->signature_len};
    return head->signature_len > 0 && head->signature_len <= sizeof head->signature &&
           pki_ca_verify_text(ca, keeper_audit_head_text(head, pool), signature);
}
