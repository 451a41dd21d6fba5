/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_faults.h
 * An issuer whose ledger, clock and random source go wrong when a test says so.
 */
#ifndef keeper_faults_h
#define keeper_faults_h

#include "keeper/keeper_issuer.h"
#include "keeper_fixture.h"

typedef enum step_t {
    STEP_NONE,
    STEP_PEEK,
    STEP_BEGIN,
    STEP_FIND,
    STEP_NAME,
    STEP_NOTE,
    STEP_ADD,
    STEP_AUDIT,
    STEP_COUNT,
    STEP_COMMIT
} step_t;

static step_t failing;                      /* the callback that fails */
static int begins, ends_seen, issued_asked; /* how often the ledger was called */
static void (*before_run)(void);            /* happens between guess and transaction, once */

static inline base_result_t fault(step_t step)
{
    return failing == step ? base_fail(BASE_STORE_DOWN, "GBATEST", "a fault of this test")
                           : base_ok();
}

/** The job, and then perhaps a commit that fails. */
static inline base_result_t faulty_work(void *baton, apr_pool_t *p)
{
    keeper_job_t *inner = baton;
    base_result_t result = inner->work(inner->baton, p);
    return result.code == BASE_OK ? fault(STEP_COMMIT) : result;
}

static inline base_result_t faulty_run(void *baton, keeper_job_t *job)
{
    keeper_ledger_t *real = baton;
    keeper_job_t outer = {.work = faulty_work, .baton = job, .pool = job->pool};
    base_result_t result = fault(STEP_BEGIN);
    void (*happens)(void) = before_run;
    before_run = NULL;
    if (happens)
        happens();
    if (result.code != BASE_OK)
        return result;
    begins++;
    result = real->run(real->baton, &outer);
    ends_seen++;
    return result;
}

static inline base_result_t faulty_peek(void *baton, const keeper_claim_t *claim,
                                        keeper_holding_t *out, apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    base_result_t result = fault(STEP_PEEK);
    return result.code == BASE_OK ? real->peek(real->baton, claim, out, p) : result;
}

static inline base_result_t faulty_find(void *baton, const keeper_claim_t *claim,
                                        keeper_holding_t *out, apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    base_result_t result = fault(STEP_FIND);
    return result.code == BASE_OK ? real->find(real->baton, claim, out, p) : result;
}

static inline base_result_t faulty_name(void *baton, const keeper_claim_t *claim, const char *fresh,
                                        char out[PKI_PSEUDONYM_LEN + 1], apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    base_result_t result = fault(STEP_NAME);
    return result.code == BASE_OK ? real->name(real->baton, claim, fresh, out, p) : result;
}

static inline base_result_t faulty_note_ue_ids(void *baton, const keeper_claim_t *claim,
                                               apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    base_result_t result = fault(STEP_NOTE);
    return result.code == BASE_OK ? real->note_ue_ids(real->baton, claim, p) : result;
}

static inline base_result_t faulty_add(void *baton, const keeper_claim_t *claim,
                                       const pki_cert_spec_t *spec, base_span_t der, apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    base_result_t result = fault(STEP_ADD);
    issued_asked++;
    return result.code == BASE_OK ? real->add(real->baton, claim, spec, der, p) : result;
}

static inline base_result_t faulty_move(void *baton, const unsigned char serial[PKI_SERIAL_LEN],
                                        keeper_state_t from, keeper_state_t to, apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    return real->move(real->baton, serial, from, to, p);
}

static inline base_result_t faulty_audit(void *baton, keeper_audit_row_t *row, apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    base_result_t result = fault(STEP_AUDIT);
    return result.code == BASE_OK ? real->audit(real->baton, row, p) : result;
}

static inline base_result_t faulty_count(void *baton, const keeper_audit_row_t *row, int *counted,
                                         apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    base_result_t result = fault(STEP_COUNT);
    return result.code == BASE_OK ? real->count(real->baton, row, counted, p) : result;
}

static inline base_result_t faulty_touch(void *baton, apr_time_t now, apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    return real->touch(real->baton, now, p);
}

static apr_time_t wall_offset; /* what is added to the time of day */

static inline apr_time_t shifted_wall(void *baton)
{
    (void)baton;
    return apr_time_now() + wall_offset;
}

static inline apr_uint64_t some_monotonic(void *baton)
{
    (void)baton;
    return 1;
}

static const base_clock_t shifted_clock = {NULL, shifted_wall, some_monotonic};

static int draws_left; /* the random source fails after as many; -1: never */

static inline int scarce_fill(void *baton, void *buf, apr_size_t len)
{
    (void)baton;
    if (draws_left == 0)
        return 0;
    draws_left -= draws_left > 0;
    return base_random_system()->fill(base_random_system()->baton, buf, len);
}

static const base_random_t scarce_random = {NULL, scarce_fill};

/** Serials of a few values only: every draw of 16 octets, after the pseudonym's, is one octet
 *  repeated, from a list. */
static unsigned char serial_octets[4];
static int draws_made;

static inline int listed_fill(void *baton, void *buf, apr_size_t len)
{
    (void)baton;
    memset(buf, serial_octets[draws_made++ % 4], len);
    return 1;
}

static const base_random_t listed_random = {NULL, listed_fill};

/* ---- the log ---- */

static char logged[512]; /* the last message; "" if there was none */
static base_level_t logged_level;

static inline void keep_message(void *baton, base_level_t level, const char *tag, const char *text)
{
    (void)baton;
    logged_level = level;
    snprintf(logged, sizeof logged, "%s: %s", tag, text);
}

static const base_log_t kept_log = {NULL, keep_message};
static portal_meter_t kept_meter; /* what the issuer counted */

/** How many signatures it made. */
static inline int faults_signatures(void)
{
    apr_uint64_t sum = 0;
    for (int i = 0; i < BASE_METER_BUCKETS; i++)
        sum += base_counter_get(&kept_meter.timed[PORTAL_TIMED_SIGN].bucket[i]);
    return (int)sum;
}

/** No faults, and all counts at zero. */
static inline void faults_reset(void)
{
    failing = STEP_NONE;
    before_run = NULL;
    logged[0] = '\0';
    begins = ends_seen = issued_asked = 0;
    draws_left = -1;
    wall_offset = 0;
    memset(&kept_meter, 0, sizeof kept_meter);
}

/** The issuer over @a real, with every callback wrapped. */
static inline portal_issuer_t *faults_issuer(apr_pool_t *pool, const pki_ca_t *ca,
                                             keeper_ledger_t *real, const base_random_t *random)
{
    keeper_ledger_t *ledger = apr_palloc(pool, sizeof *ledger);
    *ledger = *real;
    ledger->baton = real;
    ledger->run = faulty_run;
    ledger->peek = faulty_peek;
    ledger->find = faulty_find;
    ledger->name = faulty_name;
    ledger->note_ue_ids = faulty_note_ue_ids;
    ledger->add = faulty_add;
    ledger->move = faulty_move;
    ledger->audit = faulty_audit;
    ledger->count = faulty_count;
    ledger->touch = faulty_touch;
    ledger->rows = NULL; /* an issuer reads no audit trail, and signs no heads */
    ledger->heads = NULL;
    ledger->add_head = NULL;
    keeper_issuer_parts_t parts = {ca, ledger, &shifted_clock, random, &kept_log, &kept_meter};
    return keeper_issuer_make(pool, &parts);
}

#endif
