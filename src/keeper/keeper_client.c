/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <apr_strings.h>
#include "base/base_fault.h"
#include "base/base_secret.h"
#include "keeper/keeper_frame.h"
#include "keeper/keeper_links.h"

#define NO_PLACE 65535 /* a number that no part of the keeper has */

struct keeper_client_t {
    keeper_links_t *links;
    const char *path;
    int deadline_ms;
};

/* Baton of the seams: which part of the keeper is asked. */
typedef struct seat_t {
    keeper_client_t *client;
    apr_uint16_t source, ca, ledger;
    gba_keysource_t keysource;
    portal_issuer_t issuer;
} seat_t;

/* One exchange; holds keys after a look-up, so it is wiped when freed. */
typedef struct talk_t {
    keeper_request_t request;
    keeper_reply_t reply;
    unsigned char frame[KEEPER_WIRE_MAX];
} talk_t;

/* What became of one attempt. */
typedef enum outcome_t {
    OUTCOME_DONE,
    OUTCOME_UNSOUND, /* the request cannot be asked */
    OUTCOME_NOWHERE, /* no connection; errno */
    OUTCOME_UNSENT,  /* the connection broke before the request was whole: nothing was done */
    OUTCOME_CUT,     /* it broke afterwards: nobody knows */
    OUTCOME_LATE,
    OUTCOME_NONSENSE
} outcome_t;

static apr_uint16_t place(int number)
{
    return number >= 0 && number < NO_PLACE ? (apr_uint16_t)number : NO_PLACE;
}

/* ---- failures ---- */

static base_result_t down(keeper_kind_t kind, const char *tag, const char *detail)
{
    base_result_t result = base_fail(BASE_STORE_DOWN, tag, detail);
    if (kind == KEEPER_LOOKUP)
        result.code = BASE_KEYSOURCE_DOWN;
    return result;
}

static base_result_t nowhere(const keeper_client_t *client, keeper_kind_t kind, apr_pool_t *pool)
{
    char words[128];
    apr_strerror(errno, words, sizeof(words));
    return down(kind, "GBA0520",
                apr_psprintf(pool, "the keeper at %s is not reached: %s", client->path, words));
}

static base_result_t failed(const keeper_client_t *client, outcome_t outcome, keeper_kind_t kind,
                            apr_pool_t *pool)
{
    switch (outcome) {
    case OUTCOME_DONE:
        return base_ok();
    case OUTCOME_UNSOUND:
        return down(kind, "GBA0521", "the keeper cannot be asked this: a name breaks its bound");
    case OUTCOME_NOWHERE:
        return nowhere(client, kind, pool);
    case OUTCOME_UNSENT:
    case OUTCOME_CUT:
        return down(kind, "GBA0522", "the keeper broke off without an answer");
    case OUTCOME_LATE:
        return down(kind, "GBA0523", "the keeper did not answer in time");
    case OUTCOME_NONSENSE:
        break;
    }
    return down(kind, "GBA0524", "the keeper's answer is not one of this version of the program");
}

/* ---- one exchange ---- */

static outcome_t attempt(talk_t *talk, int fd, apr_uint64_t deadline)
{
    apr_size_t len = keeper_request_encode(talk->frame, &talk->request);
    keeper_frame_t frame;
    if (len == 0)
        return OUTCOME_UNSOUND;
    BASE_FAULT("ask-before");
    frame = keeper_frame_write(fd, talk->frame, len, deadline);
    BASE_FAULT("ask-sent");
    if (frame != KEEPER_FRAME_WHOLE)
        return frame == KEEPER_FRAME_LATE ? OUTCOME_LATE : OUTCOME_UNSENT;
    frame = keeper_frame_read(fd, talk->frame, &len, deadline);
    if (frame == KEEPER_FRAME_LATE)
        return OUTCOME_LATE;
    if (frame == KEEPER_FRAME_END || frame == KEEPER_FRAME_BROKEN)
        return OUTCOME_CUT;
    if (frame == KEEPER_FRAME_NONSENSE ||
        !keeper_reply_decode(&talk->reply, talk->request.kind, (base_span_t){talk->frame, len}))
        return OUTCOME_NONSENSE;
    BASE_FAULT("ask-answered");
    return OUTCOME_DONE;
}

/* The keeper may close a connection at any moment: then another is taken. What may have been done
 * is not asked for again, unless asking twice does the same as asking once. */
static int may_repeat(outcome_t outcome, keeper_kind_t kind)
{
    return outcome == OUTCOME_UNSENT ||
           (outcome == OUTCOME_CUT &&
            (kind == KEEPER_LOOKUP || kind == KEEPER_PSEUDONYM || kind == KEEPER_WEIGH));
}

/* At most two attempts. *fd: a kept connection or -1; afterwards one to keep, or -1. */
static outcome_t converse(const keeper_client_t *client, talk_t *talk, int *fd)
{
    apr_uint64_t deadline = keeper_deadline(client->deadline_ms);
    for (int first = 1;; first = 0) {
        outcome_t outcome;
        if (*fd < 0)
            *fd = keeper_links_connect(client->links, deadline);
        if (*fd < 0)
            return errno == ETIMEDOUT ? OUTCOME_LATE : OUTCOME_NOWHERE;
        outcome = attempt(talk, *fd, deadline);
        if (outcome == OUTCOME_DONE)
            return outcome;
        /* A late answer must not become the next question's. */
        close(*fd);
        *fd = -1;
        if (!first || !may_repeat(outcome, talk->request.kind))
            return outcome;
    }
}

static base_result_t reply_result(const keeper_reply_t *reply, apr_pool_t *pool)
{
    base_result_t result;
    if (reply->code == BASE_OK)
        return base_ok();
    result =
        base_fail(reply->code, apr_pstrdup(pool, reply->tag), apr_pstrdup(pool, reply->detail));
    result.retry_after = reply->retry_after;
    return result;
}

/* Asks talk->request; the answer is in talk->reply if the result is BASE_OK. */
static base_result_t ask(keeper_client_t *client, talk_t *talk, apr_pool_t *pool)
{
    keeper_kind_t kind = talk->request.kind;
    outcome_t outcome;
    int fd;
    switch (keeper_links_take(client->links, &fd)) {
    case KEEPER_TAKE_NO_MEMORY:
        return down(kind, "GBA0525", "no memory for connections to the keeper");
    case KEEPER_TAKE_BUSY:
        return down(kind, "GBA0526",
                    "as many questions to the keeper are under way as this process may have");
    case KEEPER_TAKE_OK:
        break;
    }
    outcome = converse(client, talk, &fd);
    base_result_t result = outcome == OUTCOME_DONE ? reply_result(&talk->reply, pool)
                                                   : failed(client, outcome, kind, pool);
    keeper_links_give(client->links, fd);
    return result;
}

static talk_t *talk_make(keeper_kind_t kind, const seat_t *seat)
{
    talk_t *talk = calloc(1, sizeof(*talk));
    if (!talk)
        return NULL;
    talk->request.kind = kind;
    talk->request.source = seat->source;
    talk->request.ca = seat->ca;
    talk->request.ledger = seat->ledger;
    return talk;
}

static void talk_free(talk_t *talk)
{
    base_secret_wipe(talk, sizeof(*talk));
    free(talk);
}

static base_result_t no_talk(keeper_kind_t kind)
{
    return down(kind, "GBA0527", "no memory to ask the keeper");
}

/* ---- the seams ---- */

static base_result_t ask_lookup(void *baton, const gba_lookup_t *question, gba_info_t *out,
                                apr_pool_t *pool)
{
    const seat_t *seat = baton;
    talk_t *talk = talk_make(KEEPER_LOOKUP, seat);
    base_secret_wipe(out, sizeof(*out));
    if (!talk)
        return no_talk(KEEPER_LOOKUP);
    memcpy(&talk->request.lookup, question, sizeof(*question));
    base_result_t result = ask(seat->client, talk, pool);
    if (result.code == BASE_OK)
        memcpy(out, &talk->reply.info, sizeof(*out));
    talk_free(talk);
    return result;
}

/* A certificate for a permit, and none for a refusal; only a permit can be refused. */
static int fits(const portal_issue_t *question, const keeper_reply_t *reply)
{
    if (reply->code == BASE_ENROL_REFUSED)
        return question->decision.permit != 0;
    return (question->decision.permit != 0) == (reply->issued.der_len > 0);
}

static base_result_t ask_issue(void *baton, const portal_issue_t *question, portal_issued_t *out,
                               apr_pool_t *pool)
{
    const seat_t *seat = baton;
    talk_t *talk = talk_make(KEEPER_ISSUE, seat);
    memset(out, 0, sizeof(*out));
    if (!talk)
        return no_talk(KEEPER_ISSUE);
    memcpy(&talk->request.issue, question, sizeof(*question));
    base_result_t result = ask(seat->client, talk, pool);
    if ((result.code == BASE_OK || result.code == BASE_ENROL_REFUSED) &&
        !fits(question, &talk->reply))
        result = down(KEEPER_ISSUE, "GBA0528", "the keeper's answer is not one to the question");
    if (result.code == BASE_OK || result.code == BASE_ENROL_REFUSED)
        memcpy(out, &talk->reply.issued, sizeof(*out));
    talk_free(talk);
    return result;
}

static base_result_t ask_pseudonym(void *baton, const char *subscriber,
                                   char out[PKI_PSEUDONYM_LEN + 1], apr_pool_t *pool)
{
    const seat_t *seat = baton;
    talk_t *talk = talk_make(KEEPER_PSEUDONYM, seat);
    memset(out, 0, PKI_PSEUDONYM_LEN + 1);
    if (!talk)
        return no_talk(KEEPER_PSEUDONYM);
    /* One that is too long is left out, and an empty one cannot be asked for. */
    if (subscriber && strlen(subscriber) <= GBA_BTID_MAX)
        apr_cpystrn(talk->request.subscriber, subscriber, sizeof(talk->request.subscriber));
    base_result_t result = ask(seat->client, talk, pool);
    if (result.code == BASE_OK)
        memcpy(out, talk->reply.pseudonym, PKI_PSEUDONYM_LEN + 1);
    talk_free(talk);
    return result;
}

static base_result_t ask_weigh(void *baton, const portal_issue_t *question, portal_weighed_t *out,
                               apr_pool_t *pool)
{
    const seat_t *seat = baton;
    talk_t *talk = talk_make(KEEPER_WEIGH, seat);
    memset(out, 0, sizeof(*out));
    if (!talk)
        return no_talk(KEEPER_WEIGH);
    memcpy(&talk->request.issue, question, sizeof(*question));
    base_result_t result = ask(seat->client, talk, pool);
    if (result.code == BASE_OK)
        memcpy(out, &talk->reply.weighed, sizeof(*out));
    talk_free(talk);
    return result;
}

/* ---- what is made ---- */

keeper_client_t *keeper_client_make(const char *path, int deadline_ms, int max_busy,
                                    apr_pool_t *pool)
{
    keeper_client_t *client = apr_pcalloc(pool, sizeof(*client));
    client->links = keeper_links_make(path, max_busy, pool);
    client->path = apr_pstrdup(pool, path);
    client->deadline_ms = deadline_ms;
    return client;
}

void keeper_client_word(keeper_client_t *client, const unsigned char *word)
{
    keeper_links_word(client->links, word);
}

gba_keysource_t *keeper_client_source(keeper_client_t *client, int source, apr_pool_t *pool)
{
    seat_t *seat = apr_pcalloc(pool, sizeof(*seat));
    seat->client = client;
    seat->source = place(source);
    seat->keysource = (gba_keysource_t){seat, ask_lookup, NULL};
    return &seat->keysource;
}

portal_issuer_t *keeper_client_issuer(keeper_client_t *client, int ca, int ledger, apr_pool_t *pool)
{
    seat_t *seat = apr_pcalloc(pool, sizeof(*seat));
    seat->client = client;
    seat->ca = place(ca);
    seat->ledger = place(ledger);
    seat->issuer = (portal_issuer_t){seat, ask_issue, ask_pseudonym, ask_weigh};
    return &seat->issuer;
}

base_result_t keeper_client_health(keeper_client_t *client, int ca, int ledger, apr_pool_t *pool)
{
    seat_t seat = {.client = client, .ca = place(ca), .ledger = place(ledger)};
    talk_t *talk = talk_make(KEEPER_HEALTH, &seat);
    if (!talk)
        return no_talk(KEEPER_HEALTH);
    base_result_t result = ask(client, talk, pool);
    if (result.code != BASE_OK)
        result.code = BASE_STORE_DOWN;
    talk_free(talk);
    return result;
}
