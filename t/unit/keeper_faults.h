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
    STEP_BEGIN,
    STEP_PSEUDONYM,
    STEP_ISSUED,
    STEP_DECISION,
    STEP_COMMIT
} step_t;

static step_t failing;                      /* the callback that fails */
static int begins, ends_seen, issued_asked; /* how often the ledger was called */

static inline base_result_t fault(step_t step)
{
    return failing == step ? base_fail(BASE_STORE_DOWN, "GBATEST", "a fault of this test")
                           : base_ok();
}

static inline base_result_t faulty_begin(void *baton, apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    base_result_t result = fault(STEP_BEGIN);
    if (result.code == BASE_OK)
        result = real->begin(real->baton, p);
    begins += result.code == BASE_OK;
    return result;
}

static inline base_result_t faulty_commit(void *baton, apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    base_result_t result = fault(STEP_COMMIT);
    ends_seen++;
    if (result.code == BASE_OK)
        return real->commit(real->baton, p);
    real->rollback(real->baton);
    return result;
}

static inline void faulty_rollback(void *baton)
{
    keeper_ledger_t *real = baton;
    ends_seen++;
    real->rollback(real->baton);
}

static inline base_result_t faulty_pseudonym(void *baton, const char *subscriber, const char *fresh,
                                             char out[PKI_PSEUDONYM_LEN + 1], apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    base_result_t result = fault(STEP_PSEUDONYM);
    return result.code == BASE_OK ? real->pseudonym(real->baton, subscriber, fresh, out, p)
                                  : result;
}

static inline base_result_t faulty_issued(void *baton, const portal_issue_t *question,
                                          const pki_cert_spec_t *spec, base_span_t der,
                                          apr_time_t now, apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    base_result_t result = fault(STEP_ISSUED);
    issued_asked++;
    return result.code == BASE_OK ? real->record_issued(real->baton, question, spec, der, now, p)
                                  : result;
}

static inline base_result_t faulty_decision(void *baton, const portal_issue_t *question,
                                            apr_time_t now, apr_pool_t *p)
{
    keeper_ledger_t *real = baton;
    base_result_t result = fault(STEP_DECISION);
    return result.code == BASE_OK ? real->record_decision(real->baton, question, now, p) : result;
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

/** No faults, and all counts at zero. */
static inline void faults_reset(void)
{
    failing = STEP_NONE;
    begins = ends_seen = issued_asked = 0;
    draws_left = -1;
    wall_offset = 0;
}

/** The issuer over @a real, with every callback wrapped. */
static inline portal_issuer_t *faults_issuer(apr_pool_t *pool, const pki_ca_t *ca,
                                             keeper_ledger_t *real, const base_random_t *random)
{
    keeper_ledger_t *ledger = apr_palloc(pool, sizeof *ledger);
    *ledger = (keeper_ledger_t){
        real,          faulty_begin,   faulty_commit, faulty_rollback, faulty_pseudonym,
        faulty_issued, faulty_decision};
    keeper_issuer_parts_t parts = {ca, ledger, &shifted_clock, random};
    return keeper_issuer_make(pool, &parts);
}

#endif
