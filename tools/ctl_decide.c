/* SPDX-License-Identifier: Apache-2.0 */
/* What an enrolment would come to: gba-decide is asked, and its answer printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>
#include "ctl_ask.h"
#include "ctl_report.h"
#include "ctl_run.h"
#include "pki/pki_pkcs10.h"
#include "tool_file.h"
#include "tool_text.h"

#define SUBSCRIBER_MAX (64 * 1024) /* octets of the subscriber's file */
#define USER_MAX       1024        /* octets of the file with user and password */
#define DER_SEQUENCE   0x30        /* how a PKCS#10 in DER starts, and no PEM */

/* ---- the question ---- */

/* Keys are not needed to decide, and go nowhere. */
static void drop_keys(json_t *subscriber)
{
    (void)json_object_del(subscriber, "meKeyMaterial");
    (void)json_object_del(subscriber, "uiccKeyMaterial");
}

/* NULL, or what is wrong. The caller owns *out in any case. */
static const char *read_subscriber(json_t **out, const ctl_t *ctl)
{
    base_span_t text;
    json_error_t error;
    const char *path = ctl->opts->subscriber;
    const char *wrong = tool_file_read(&text, path, SUBSCRIBER_MAX, ctl->pool);
    if (wrong)
        return wrong;
    *out = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(*out))
        return apr_pstrcat(ctl->pool, path, " holds no JSON object", NULL);
    drop_keys(*out);
    return NULL;
}

/* Whether it is a PKCS#10 the server says: it may be one that a UE has sent. */
static const char *read_csr(const char **out, const ctl_t *ctl)
{
    base_span_t octets;
    const char *wrong = tool_file_read(&octets, ctl->opts->csr, PKI_PKCS10_MAX, ctl->pool);
    if (wrong)
        return wrong;
    if (octets.len == 0 || octets.data[0] == DER_SEQUENCE)
        *out = base_base64_encode(ctl->pool, octets.data, octets.len);
    else
        *out = apr_pstrmemdup(ctl->pool, (const char *)octets.data, octets.len);
    return NULL;
}

static const char *make_question(char **out, const ctl_t *ctl)
{
    const ctl_options_t *opts = ctl->opts;
    json_t *subscriber = NULL;
    const char *csr = NULL;
    const char *wrong = read_subscriber(&subscriber, ctl);
    if (!wrong)
        wrong = read_csr(&csr, ctl);
    json_t *question =
        wrong ? NULL
              : json_pack("{s:s, s:O, s:s, s:s}", "location", opts->location, "subscriber",
                          subscriber, "csr", csr, "key", opts->key ? opts->key : "ME");
    *out = question ? json_dumps(question, JSON_COMPACT) : NULL;
    json_decref(question);
    json_decref(subscriber);
    if (!wrong && !*out)
        wrong = "the question cannot be written: location and PKCS#10 must be text in UTF-8";
    return wrong;
}

/* A line "USER:PASSWORD"; both are wiped with the pool. */
static const char *read_user(ctl_ask_t *ask, const ctl_t *ctl)
{
    base_span_t text;
    const char *path = ctl->opts->user;
    const char *wrong = path ? tool_file_read(&text, path, USER_MAX, ctl->pool) : NULL;
    if (wrong || !path)
        return wrong;
    char *line = (char *)text.data, *colon; /* the buffer has room for an end */
    line[text.len] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    colon = strchr(line, ':');
    if (!colon || colon == line)
        return apr_pstrcat(ctl->pool, path, " holds no USER:PASSWORD", NULL);
    *colon = '\0';
    ask->name = line;
    ask->password = colon + 1;
    return NULL;
}

/* ---- the answer as a table ---- */

typedef struct column_t {
    const char *heading, *member;
    int width;
} column_t;

#define COLUMNS   3
#define WIDTH_MAX 60 /* of a column; what is longer stands out of line */

/* A member as it may be printed; "-" if it is none. */
static const char *text_of(const json_t *object, const char *member, apr_pool_t *pool)
{
    const json_t *value = json_object_get(object, member);
    if (json_is_integer(value))
        return apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(value));
    return json_is_string(value) ? tool_plain(pool, json_string_value(value)) : "-";
}

static void measure(column_t *columns, const json_t *checks, apr_pool_t *pool)
{
    for (int i = 0; i < COLUMNS; i++) {
        columns[i].width = (int)strlen(columns[i].heading);
        for (size_t row = 0; row < json_array_size(checks); row++) {
            size_t len = strlen(text_of(json_array_get(checks, row), columns[i].member, pool));
            if (len <= WIDTH_MAX && (int)len > columns[i].width)
                columns[i].width = (int)len;
        }
    }
}

static void print_checks(const json_t *checks, apr_pool_t *pool)
{
    column_t columns[COLUMNS] = {
        {"CHECK", "check", 0}, {"INPUT", "input", 0}, {"RESULT", "result", 0}};
    measure(columns, checks, pool);
    printf("%-*s  %-*s  %s\n", columns[0].width, columns[0].heading, columns[1].width,
           columns[1].heading, columns[2].heading);
    for (size_t row = 0; row < json_array_size(checks); row++) {
        const json_t *check = json_array_get(checks, row);
        printf("%-*s  %-*s  %s\n", columns[0].width, text_of(check, "check", pool),
               columns[1].width, text_of(check, "input", pool), text_of(check, "result", pool));
    }
}

/* The decision comes last: it is what one looks for. */
static void print_table(const json_t *answer, apr_pool_t *pool)
{
    static const struct {
        const char *label, *member;
    } lines[] = {{"profile", "profile"},
                 {"held", "held"},
                 {"detail", "detail"},
                 {"public text", "publicText"},
                 {"status", "status"}};
    const char *reason = text_of(answer, "reason", pool);
    print_checks(json_object_get(answer, "checks"), pool);
    fputc('\n', stdout);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        printf("%-11s  %s\n", lines[i].label, text_of(answer, lines[i].member, pool));
    printf("%-11s  %s%s%s\n", "decision", text_of(answer, "decision", pool),
           strcmp(reason, "-") != 0 ? " " : "", strcmp(reason, "-") != 0 ? reason : "");
}

/* ---- the end ---- */

/* Nonzero if the answer says which, in the words of docs/gba-decide.md. */
static int read_decision(ctl_exit_t *code, const json_t *answer)
{
    static const char *const words[] = {"permitted", "refused", "failed", NULL};
    static const ctl_exit_t codes[] = {CTL_OK, CTL_FOUND, CTL_LEDGER};
    const char *word = json_string_value(json_object_get(answer, "decision"));
    int which = word ? tool_pick(word, words) : -1;
    if (which < 0 || !json_is_array(json_object_get(answer, "checks")))
        return 0;
    *code = codes[which];
    return 1;
}

static int fail(const ctl_t *ctl, const char *text)
{
    return ctl_end(ctl, CTL_LEDGER, json_pack("{s:s}", "outcome", "server-unusable"), text);
}

/* The answer as it came, with our own two members before it. */
static int print_json(const ctl_t *ctl, json_t *answer, ctl_exit_t code)
{
    json_t *object = json_pack("{s:O, s:i}", "outcome", json_object_get(answer, "decision"),
                               "exit_code", (int)code);
    int bad = !object || json_object_update(object, answer) != 0 ||
              json_dumpf(object, stdout, JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER) != 0;
    json_decref(object);
    if (bad)
        return ctl_fail(ctl, CTL_LOCAL, "cannot print the answer as JSON");
    fputc('\n', stdout);
    return ctl_flush(ctl, code);
}

static int print_answer(const ctl_t *ctl, const ctl_told_t *told)
{
    ctl_exit_t code = CTL_LEDGER;
    json_t *answer =
        json_loadb((const char *)told->body.data, told->body.len, JSON_REJECT_DUPLICATES, NULL);
    int end;
    if ((told->status != 200 && told->status != 400) || !read_decision(&code, answer))
        end = fail(
            ctl, apr_psprintf(ctl->pool, "no gba-decide answers there: status %ld", told->status));
    else if (ctl->opts->json)
        end = print_json(ctl, answer, code);
    else {
        print_table(answer, ctl->pool);
        end = ctl_flush(ctl, code);
    }
    json_decref(answer);
    return end;
}

int ctl_decide(const ctl_t *ctl)
{
    const ctl_options_t *opts = ctl->opts;
    ctl_ask_t ask = {.url = opts->url, .timeout_ms = opts->timeout_ms};
    ctl_told_t told = {0};
    char *question = NULL;
    const char *wrong = ctl_ask_url(opts->url, ctl->pool);
    if (wrong)
        return ctl_fail(ctl, CTL_USAGE, wrong);
    wrong = make_question(&question, ctl);
    if (!wrong)
        wrong = read_user(&ask, ctl);
    if (wrong)
        return ctl_fail(ctl, CTL_LOCAL, wrong);
    ask.body = question;
    ask.ca = opts->cas ? APR_ARRAY_IDX(opts->cas, 0, const char *) : NULL;
    wrong = ctl_ask(&told, &ask, ctl->pool);
    free(question);
    return wrong ? fail(ctl, wrong) : print_answer(ctl, &told);
}
