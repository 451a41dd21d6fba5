/* SPDX-License-Identifier: Apache-2.0 */
/* The issuer of the refusal: whatever a rule's text and the Accept field are, the body has exactly
 * one decision, which the UE reads as it was made, and nothing of the field. Input: one octet for
 * the reason; the Accept field up to a NUL; the public text. */
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "gba/gba_problem.h"
#include "pki/pki_media.h"
#include "portal/portal_refusal.h"

#define START "<meta name=\"gba-decision\""

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static apr_pool_t *pool;

static void must(int holds)
{
    if (!holds)
        abort();
}

static apr_time_t wall(void *baton)
{
    (void)baton;
    return 1;
}

static unsigned count(const char *text, const char *word)
{
    unsigned found = 0;
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        found++;
    return found;
}

/* Markup is the page's own: the text adds no octet that could be any. */
static void judge_page(const portal_enrol_answer_t *answer, const char *code)
{
    const char *plain = pki_page_refusal(pool, answer->decision.reason, "");
    const char *body = (const char *)answer->body.data;
    const char *found = NULL;
    must(pki_page_decision(&found, answer->body, pool) && strcmp(found, code) == 0);
    must(count(body, START) == 1);
    must(count(body, "<") == count(plain, "<") && count(body, ">") == count(plain, ">"));
    must(count(body, "\"") == count(plain, "\"") && count(body, "'") == count(plain, "'"));
}

static void judge_problem(const portal_enrol_answer_t *answer, const char *code)
{
    const char *found = NULL;
    int status = 0;
    must(gba_problem_read(&found, &status, answer->body, pool));
    must(status == 403 && strcmp(found, code) == 0);
}

static void judge(const portal_enrol_answer_t *answer, int filled, const char *accept)
{
    const char *code = pki_reason_code(answer->decision.reason);
    if (!filled) {
        must(!base_text_is_clean(answer->public_text));
        return;
    }
    must(answer->status == 403 && answer->vary_accept && answer->has_expires);
    must(answer->body.len == strlen((const char *)answer->body.data));
    if (strcmp(answer->content_type, "text/html") == 0) {
        judge_page(answer, code);
    } else {
        must(strcmp(answer->content_type, GBA_MEDIA_PROBLEM) == 0);
        must(strpbrk(accept, "aA*") != NULL); /* somebody wanted it */
        judge_problem(answer, code);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const base_clock_t clock = {NULL, wall, NULL};
    const portal_enrol_config_t config = {.refusal_expires = 1, .clock = &clock};
    portal_enrol_answer_t answer;
    const char *accept, *text;
    int filled;
    if (!pool) {
        must(apr_initialize() == APR_SUCCESS);
        must(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    }
    apr_pool_clear(pool);
    if (size < 1 || size > 4096)
        return 0;
    accept = apr_pstrmemdup(pool, (const char *)data + 1, size - 1);
    text = strlen(accept) < size - 1 ? accept + strlen(accept) + 1 : "";
    memset(&answer, 0, sizeof(answer));
    answer.decision = pki_refuse((pki_reason_t)(data[0] % PKI_REASONS));
    answer.public_text = text;
    filled = portal_refusal_fill(&answer, &config, accept, 0, pool);
    judge(&answer, filled, accept);
    return 0;
}
