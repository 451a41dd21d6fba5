/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_parts_fixture.h
 * What a keeper answers with, made up: what the parts answer follows from what
 * they are asked, so that a mixed-up answer is seen. With the log, and the
 * questions.
 */
#ifndef keeper_parts_fixture_h
#define keeper_parts_fixture_h

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>
#include "keeper/keeper_server.h"
#include "tap.h"

#define SRVF_LOGS 64

/** What a message of the server was. */
typedef struct srvf_message_t {
    char tag[8];
    char text[200];
} srvf_message_t;

/** What the test and its servers share, over fork too. */
typedef struct srvf_shared_t {
    atomic_int calls;   /* of the parts */
    atomic_int held;    /* parts that wait now because they were asked to */
    atomic_int release; /* nonzero: they wait no longer */
    atomic_int verdict; /* of a process that cannot tell it by its status */
    atomic_int messages;
    srvf_message_t message[SRVF_LOGS];
} srvf_shared_t;

static srvf_shared_t *srvf_shared;

__attribute__((noreturn)) static inline void srvf_die(const char *what)
{
    printf("Bail out! %s: %s\n", what, strerror(errno));
    exit(1);
}

static inline void srvf_sleep(int ms)
{
    poll(NULL, 0, ms);
}

/** Waits until *@a value is at least @a least; 5 seconds at most. Nonzero if it is. */
static inline int srvf_await(atomic_int *value, int least)
{
    for (int i = 0; i < 500 && atomic_load(value) < least; i++)
        srvf_sleep(10);
    return atomic_load(value) >= least;
}

/* ---- the log ---- */

static inline void srvf_emit(void *baton, base_level_t level, const char *tag, const char *text)
{
    int at = atomic_load(&srvf_shared->messages);
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    (void)baton;
    (void)level;
    pthread_mutex_lock(&mutex);
    at = atomic_load(&srvf_shared->messages);
    if (at < SRVF_LOGS) {
        apr_cpystrn(srvf_shared->message[at].tag, tag, sizeof(srvf_shared->message[at].tag));
        apr_cpystrn(srvf_shared->message[at].text, text, sizeof(srvf_shared->message[at].text));
    }
    atomic_store(&srvf_shared->messages, at + 1);
    pthread_mutex_unlock(&mutex);
}

static const base_log_t srvf_log = {NULL, srvf_emit};

/** How many messages had @a tag so far. */
static inline int srvf_logged(const char *tag)
{
    int count = 0, all = atomic_load(&srvf_shared->messages);
    for (int i = 0; i < all && i < SRVF_LOGS; i++)
        count += strcmp(srvf_shared->message[i].tag, tag) == 0;
    return count;
}

/** Waits for a message of @a tag; 5 seconds at most. */
static inline int srvf_await_log(const char *tag)
{
    for (int i = 0; i < 500 && !srvf_logged(tag); i++)
        srvf_sleep(10);
    return srvf_logged(tag) > 0;
}

/* ---- the parts ---- */

/* A name says what is to happen: "held…" waits for release, "slow…" takes 400 ms. */
static inline void srvf_behave(const char *name)
{
    atomic_fetch_add(&srvf_shared->calls, 1);
    if (strncmp(name, "slow", 4) == 0)
        srvf_sleep(400);
    if (strncmp(name, "held", 4) != 0)
        return;
    atomic_fetch_add(&srvf_shared->held, 1);
    while (!atomic_load(&srvf_shared->release))
        srvf_sleep(5);
    atomic_fetch_sub(&srvf_shared->held, 1);
}

/** What a source says of @a question: a key made from it, and its B-TID as the IMPI. */
static inline void srvf_info(gba_info_t *info, const gba_lookup_t *question)
{
    apr_uint32_t mix = 2166136261u;
    memset(info, 0, sizeof(*info));
    for (size_t i = 0; question->btid[i]; i++)
        mix = (mix ^ (unsigned char)question->btid[i]) * 16777619u;
    for (size_t i = 0; i < GBA_KEY_LEN; i++, mix = mix * 1664525u + 1013904223u)
        info->me_key[i] = (unsigned char)(mix >> 24);
    info->fetched = 1800000000000000;
    info->impi = gba_info_add_text(info, question->btid, strlen(question->btid));
}

static inline base_result_t srvf_lookup(void *baton, const gba_lookup_t *question, gba_info_t *out,
                                        apr_pool_t *pool)
{
    (void)baton;
    srvf_behave(question->btid);
    srvf_info(out, question); /* also where it must not be told */
    if (strncmp(question->btid, "unknown", 7) == 0)
        return base_fail(BASE_UNKNOWN_BTID, "GBA9001",
                         apr_pstrcat(pool, "no ", question->btid, NULL));
    if (strncmp(question->btid, "forbidden", 9) == 0)
        return base_fail(BASE_NOT_AUTHORISED, "GBA9002", NULL);
    if (strncmp(question->btid, "wordy", 5) == 0) {
        char *words = apr_pcalloc(pool, 1001);
        memset(words, 'w', 1000);
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA9003", words);
    }
    if (strncmp(question->btid, "unsound", 7) == 0)
        out->uss_count = GBA_USS_MAX + 1;
    if (strncmp(question->btid, "strange", 7) == 0)
        return base_fail(BASE_INTERNAL, "GBA9004", "not in the contract");
    return base_ok();
}

/** The certificate to @a question: its subscriber, again and again, then its key. */
static inline void srvf_issued(portal_issued_t *out, const portal_issue_t *question)
{
    size_t len = strlen(question->subscriber);
    memset(out, 0, sizeof(*out));
    if (!question->decision.permit)
        return;
    out->der_len = PKI_CERT_MAX;
    for (size_t i = 0; i < PKI_CERT_MAX; i++)
        out->der[i] = (unsigned char)question->subscriber[i % len];
    memcpy(out->der, question->spki, question->spki_len);
    out->serial[0] = 1;
    memcpy(out->serial + 1, question->spki, PKI_SERIAL_LEN - 1);
}

static inline base_result_t srvf_issue(void *baton, const portal_issue_t *question,
                                       portal_issued_t *out, apr_pool_t *pool)
{
    (void)baton;
    srvf_behave(question->subscriber);
    if (strncmp(question->subscriber, "full", 4) == 0)
        return base_fail(BASE_STORE_DOWN, "GBA9005", apr_pstrdup(pool, "disk full"));
    srvf_issued(out, question);
    if (strncmp(question->subscriber, "taken", 5) == 0) {
        out->reason = PKI_REASON_KEY_TAKEN;
        return base_fail(BASE_ENROL_REFUSED, "GBA9007", "taken");
    }
    if (strncmp(question->subscriber, "window", 6) == 0) {
        out->reason = PKI_REASON_QUOTA_WINDOW;
        out->retry_at = 1800000000000000;
        return base_fail(BASE_ENROL_REFUSED, "GBA9010", "full");
    }
    return base_ok();
}

/** What the issuer would answer to @a question: its key tells how many are held. */
static inline void srvf_weighed(portal_weighed_t *out, const portal_issue_t *question)
{
    memset(out, 0, sizeof(*out));
    out->held = question->spki[1];
    if (strncmp(question->subscriber, "window", 6) != 0)
        return;
    out->reason = PKI_REASON_QUOTA_WINDOW;
    out->retry_at = 1800000000000000 + question->spki[0];
}

static inline base_result_t srvf_weigh(void *baton, const portal_issue_t *question,
                                       portal_weighed_t *out, apr_pool_t *pool)
{
    (void)baton;
    (void)pool;
    srvf_behave(question->subscriber);
    srvf_weighed(out, question); /* also where it must not be told */
    if (strncmp(question->subscriber, "full", 4) == 0)
        return base_fail(BASE_STORE_DOWN, "GBA9008", "disk full");
    if (strncmp(question->subscriber, "strange", 7) == 0)
        return base_fail(BASE_ENROL_REFUSED, "GBA9009", "not in the contract");
    return base_ok();
}

static inline base_result_t srvf_pseudonym(void *baton, const char *subscriber,
                                           char out[PKI_PSEUDONYM_LEN + 1], apr_pool_t *pool)
{
    (void)baton;
    (void)pool;
    srvf_behave(subscriber);
    for (int i = 0; i < PKI_PSEUDONYM_LEN; i++)
        out[i] = "0123456789abcdef"[(strlen(subscriber) + (size_t)i) % 16];
    out[PKI_PSEUDONYM_LEN] = '\0';
    return base_ok();
}

static inline const portal_issuer_t *srvf_issuer(void *baton, int ca, int ledger)
{
    static const portal_issuer_t issuer = {NULL, srvf_issue, srvf_pseudonym, srvf_weigh};
    (void)baton;
    return ca == 1 && ledger == 2 ? &issuer : NULL;
}

static inline base_result_t srvf_health(void *baton, int ca, int ledger, apr_pool_t *pool)
{
    (void)baton;
    (void)pool;
    if (ca == 1 && ledger == 2)
        return base_ok();
    return base_fail(BASE_INTERNAL, "GBA9006", "ill");
}

static const gba_keysource_t srvf_source = {NULL, srvf_lookup, NULL};
static const gba_keysource_t *const srvf_sources[] = {&srvf_source, NULL, &srvf_source};
static const keeper_parts_t srvf_parts = {srvf_sources, 3, srvf_issuer, srvf_health, NULL};

/* ---- questions ---- */

static inline gba_lookup_t srvf_question(const char *name)
{
    gba_lookup_t question;
    memset(&question, 0, sizeof(question));
    snprintf(question.btid, sizeof(question.btid), "%s@bsf.home1.net", name);
    memcpy(question.naf.fqdn, "naf.home1.net", 14);
    question.naf.ua_id[0] = 1;
    return question;
}

static inline portal_issue_t srvf_permit(const char *name)
{
    portal_issue_t question;
    memset(&question, 0, sizeof(question));
    snprintf(question.subscriber, sizeof(question.subscriber), "%s", name);
    memcpy(question.btid, "a@bsf.home1.net", 16);
    pki_profile_init(&question.profile, "authentication");
    question.profile.flag = 1;
    question.profile.usage = PKI_USAGE_DIGITAL_SIGNATURE;
    question.decision = (pki_decision_t){1, PKI_REASON_NONE, PKI_USAGE_DIGITAL_SIGNATURE};
    question.spki_len = 91;
    for (int i = 0; i < 91; i++)
        question.spki[i] = (unsigned char)(name[(size_t)i % strlen(name)] + i);
    return question;
}

#endif
