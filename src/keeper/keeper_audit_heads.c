/* SPDX-License-Identifier: Apache-2.0 */
/* The chains as a whole: followed row by row, their ends signed. */
#include <string.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include "keeper/keeper_ledger.h"

/** Where one is in a chain. */
typedef struct place_t {
    apr_int64_t id; /**< of the last row that was seen; 0 before the first */
    unsigned char hash[KEEPER_HASH_LEN];
} place_t;

static base_result_t broken(const char *tag, const char *detail)
{
    return base_fail(BASE_STORE_DOWN, tag, detail);
}

/** The next row of its chain. Nonzero if its hash is right. */
static int follow(place_t *place, const keeper_audit_row_t *row)
{
    unsigned char hash[KEEPER_HASH_LEN];
    if (!keeper_audit_hash(hash, place->hash, row) || memcmp(hash, row->hash, KEEPER_HASH_LEN) != 0)
        return 0;
    place->id = row->id;
    memcpy(place->hash, hash, KEEPER_HASH_LEN);
    return 1;
}

static int is_at(const place_t *place, const keeper_head_t *head)
{
    return place->id == head->last_id && memcmp(place->hash, head->hash, KEEPER_HASH_LEN) == 0;
}

/* ---- signing ---- */

/** From one signed end of a chain to the end that is to be signed. */
typedef struct stretch_t {
    place_t place;
    apr_int64_t last_id;
    apr_int64_t wrong; /**< the row whose hash is not right; 0 if there is none */
} stretch_t;

static int follow_stretch(void *visitor, const keeper_audit_row_t *row)
{
    stretch_t *stretch = visitor;
    if (row->id > stretch->last_id) /* younger than the end that was read */
        return 0;
    if (!follow(&stretch->place, row))
        stretch->wrong = row->id;
    return stretch->wrong == 0;
}

/** The last signed end of this chain; NULL if there is none. */
static const keeper_head_t *last_signed(const apr_array_header_t *signed_ends, const char *writer)
{
    for (int i = signed_ends->nelts - 1; i >= 0; i--) {
        const keeper_head_t *head = &APR_ARRAY_IDX(signed_ends, i, keeper_head_t);
        if (strcmp(head->writer, writer) == 0)
            return head;
    }
    return NULL;
}

/** Only a signature of this very key spares a look at what stands before it. */
static base_result_t check_stretch(keeper_ledger_t *ledger, const pki_ca_t *ca,
                                   const keeper_head_t *end, const keeper_head_t *from,
                                   apr_pool_t *pool)
{
    stretch_t stretch = {.last_id = end->last_id};
    if (from && keeper_audit_head_verify(from, ca, pool)) {
        stretch.place.id = from->last_id;
        memcpy(stretch.place.hash, from->hash, KEEPER_HASH_LEN);
    }
    base_result_t result =
        ledger->rows(ledger->baton, end->writer, stretch.place.id, follow_stretch, &stretch, pool);
    if (result.code != BASE_OK)
        return result;
    if (stretch.wrong)
        return broken("GBA0597", apr_psprintf(pool,
                                              "audit row %" APR_INT64_T_FMT
                                              " is not as it was written, or one before it is "
                                              "missing; its chain is not signed",
                                              stretch.wrong));
    if (!is_at(&stretch.place, end))
        return broken("GBA0598",
                      apr_psprintf(pool,
                                   "the audit chain of %s should end with row %" APR_INT64_T_FMT
                                   " and ends with %" APR_INT64_T_FMT "; it is not signed",
                                   end->writer, end->last_id, stretch.place.id));
    return base_ok();
}

/** A head on its way into the ledger. */
typedef struct addition_t {
    keeper_ledger_t *ledger;
    const keeper_head_t *head;
} addition_t;

static base_result_t add_head(void *baton, apr_pool_t *pool)
{
    const addition_t *addition = baton;
    return addition->ledger->add_head(addition->ledger->baton, addition->head, pool);
}

/** Signed outside the transaction: a slow signer keeps nobody waiting. */
static base_result_t sign_one(keeper_ledger_t *ledger, const pki_ca_t *ca, keeper_head_t *head,
                              apr_time_t now, apr_pool_t *pool)
{
    addition_t addition = {ledger, head};
    keeper_job_t job = {.work = add_head, .baton = &addition, .pool = pool};
    head->at = apr_time_sec(now);
    base_result_t result = pki_ca_sign_text(ca, keeper_audit_head_text(head, pool), head->signature,
                                            &head->signature_len);
    return result.code == BASE_OK ? ledger->run(ledger->baton, &job) : result;
}

base_result_t keeper_audit_sign_heads(keeper_ledger_t *ledger, const pki_ca_t *ca, apr_time_t now,
                                      int *signed_count, apr_pool_t *pool)
{
    apr_array_header_t *ends = NULL, *signed_ends = NULL;
    base_result_t first = base_ok();
    int count = 0;
    base_result_t result = ledger->heads(ledger->baton, &ends, &signed_ends, pool);
    for (int i = 0; result.code == BASE_OK && i < ends->nelts; i++) {
        keeper_head_t *end = &APR_ARRAY_IDX(ends, i, keeper_head_t);
        const keeper_head_t *from = last_signed(signed_ends, end->writer);
        if (from && from->last_id == end->last_id)
            continue;
        base_result_t one = check_stretch(ledger, ca, end, from, pool);
        if (one.code == BASE_OK)
            one = sign_one(ledger, ca, end, now, pool);
        count += one.code == BASE_OK;
        if (first.code == BASE_OK)
            first = one;
    }
    if (signed_count)
        *signed_count = count;
    return result.code == BASE_OK ? first : result;
}

/* ---- checking everything ---- */

typedef struct check_t {
    keeper_ledger_t *ledger;
    const pki_ca_t *const *cas;
    int ca_count;
    keeper_audit_report_t *report;
    apr_hash_t *places;       /**< of place_t by writer */
    apr_hash_t *signed_by_id; /**< of keeper_head_t by its last_id */
    apr_int64_t last_id;
    base_result_t result;
    apr_pool_t *pool;
} check_t;

static base_result_t wrong_row(const check_t *check, apr_int64_t id, const char *what)
{
    return broken("GBA0599",
                  apr_psprintf(check->pool, "audit row %" APR_INT64_T_FMT " %s", id, what));
}

static place_t *place_of(check_t *check, const char *writer)
{
    place_t *place = apr_hash_get(check->places, writer, APR_HASH_KEY_STRING);
    if (!place) {
        place = apr_pcalloc(check->pool, sizeof *place);
        apr_hash_set(check->places, apr_pstrdup(check->pool, writer), APR_HASH_KEY_STRING, place);
    }
    return place;
}

static int check_row(void *visitor, const keeper_audit_row_t *row)
{
    check_t *check = visitor;
    place_t *place = place_of(check, row->writer);
    const keeper_head_t *head = apr_hash_get(check->signed_by_id, &row->id, sizeof row->id);
    if (row->id != check->last_id + 1)
        check->result = wrong_row(check, check->last_id + 1, "is missing");
    else if (!follow(place, row))
        check->result =
            wrong_row(check, row->id, "is not as it was written, or one before it is missing");
    else if (head && (strcmp(head->writer, row->writer) != 0 || !is_at(place, head)))
        check->result = wrong_row(check, row->id, "stands where another one was signed");
    else
        check->report->rows++;
    check->last_id = row->id;
    return check->result.code == BASE_OK;
}

static int is_by_a_ca(const check_t *check, const keeper_head_t *head)
{
    for (int i = 0; i < check->ca_count; i++)
        if (keeper_audit_head_verify(head, check->cas[i], check->pool))
            return 1;
    return check->ca_count == 0;
}

static base_result_t load_signed(check_t *check, const apr_array_header_t *signed_ends)
{
    for (int i = 0; i < signed_ends->nelts; i++) {
        const keeper_head_t *head = &APR_ARRAY_IDX(signed_ends, i, keeper_head_t);
        const keeper_head_t *other =
            apr_hash_get(check->signed_by_id, &head->last_id, sizeof head->last_id);
        if (!is_by_a_ca(check, head))
            return wrong_row(check, head->last_id, "was signed by none of the CAs that were given");
        if (other && (strcmp(other->writer, head->writer) != 0 ||
                      memcmp(other->hash, head->hash, KEEPER_HASH_LEN) != 0))
            return wrong_row(check, head->last_id, "was signed twice, with different hashes");
        apr_hash_set(check->signed_by_id, &head->last_id, sizeof head->last_id, head);
        check->report->signed_heads++;
    }
    return base_ok();
}

/** Nothing that was signed lies behind the last row, and no chain fell short of the end that it had
 *  before the rows were read. */
static base_result_t check_reached(check_t *check, const apr_array_header_t *ends,
                                   const apr_array_header_t *signed_ends)
{
    for (int i = 0; i < ends->nelts; i++) {
        const keeper_head_t *end = &APR_ARRAY_IDX(ends, i, keeper_head_t);
        if (place_of(check, end->writer)->id < end->last_id)
            return wrong_row(check, end->last_id, "is missing: a chain should end there");
    }
    for (int i = 0; i < signed_ends->nelts; i++) {
        const keeper_head_t *end = &APR_ARRAY_IDX(signed_ends, i, keeper_head_t);
        if (end->last_id > check->last_id)
            return wrong_row(check, end->last_id, "is missing: it was signed");
    }
    return base_ok();
}

/** No row is behind the end of its chain. The ledger may be in use: the ends are read once more,
 *  and may have moved on. */
static base_result_t check_ends(check_t *check)
{
    apr_array_header_t *ends = NULL;
    apr_hash_t *left = apr_hash_copy(check->pool, check->places);
    keeper_ledger_t *ledger = check->ledger;
    base_result_t result = ledger->heads(ledger->baton, &ends, NULL, check->pool);
    for (int i = 0; result.code == BASE_OK && i < ends->nelts; i++) {
        const keeper_head_t *end = &APR_ARRAY_IDX(ends, i, keeper_head_t);
        const place_t *place = apr_hash_get(left, end->writer, APR_HASH_KEY_STRING);
        if (place &&
            (place->id > end->last_id || (place->id == end->last_id && !is_at(place, end))))
            result = wrong_row(check, place->id, "is not the one with which its chain should end");
        apr_hash_set(left, end->writer, APR_HASH_KEY_STRING, NULL);
        check->report->chains++;
    }
    if (result.code == BASE_OK && apr_hash_count(left) > 0) {
        void *place;
        apr_hash_this(apr_hash_first(check->pool, left), NULL, NULL, &place);
        result =
            wrong_row(check, ((const place_t *)place)->id, "belongs to a chain without an end");
    }
    return result;
}

static base_result_t check_all(check_t *check)
{
    keeper_ledger_t *ledger = check->ledger;
    apr_array_header_t *ends = NULL, *signed_ends = NULL;
    base_result_t result = ledger->heads(ledger->baton, &ends, &signed_ends, check->pool);
    if (result.code == BASE_OK)
        result = load_signed(check, signed_ends);
    if (result.code == BASE_OK)
        result = ledger->rows(ledger->baton, NULL, 0, check_row, check, check->pool);
    if (result.code == BASE_OK)
        result = check->result;
    if (result.code == BASE_OK)
        result = check_reached(check, ends, signed_ends);
    return result.code == BASE_OK ? check_ends(check) : result;
}

base_result_t keeper_audit_verify(keeper_ledger_t *ledger, const pki_ca_t *const *cas, int ca_count,
                                  keeper_audit_report_t *report, apr_pool_t *pool)
{
    check_t check = {.ledger = ledger,
                     .cas = cas,
                     .ca_count = ca_count,
                     .report = report,
                     .places = apr_hash_make(pool),
                     .signed_by_id = apr_hash_make(pool),
                     .result = base_ok(),
                     .pool = pool};
    memset(report, 0, sizeof *report);
    return check_all(&check);
}
