/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of gba-pkictl's question: what it takes, what it refuses, and what it fills in;
 * and that other commands did not change by it. */
#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "ctl_ask.h"
#include "ctl_options.h"
#include "tap.h"

#define WORDS_MAX 24

static apr_pool_t *pool;

static int nothing(const ctl_t *ctl)
{
    (void)ctl;
    return CTL_OK;
}

static const ctl_command_t commands[] = {
    {"list", " subscriber ", CTL_NO_OPERAND, nothing},
    {"key block", " serial cert csr spki-sha256 reason ", CTL_NO_OPERAND, nothing},
    {"ledger verify", " ca ", CTL_LEDGER_FILE, nothing},
    {"decide", " url subscriber csr location key ca user timeout ", CTL_NO_OPERAND, nothing},
    {NULL, NULL, CTL_NO_OPERAND, NULL},
};

/* Words with single spaces between them. */
static const char *read_line(ctl_options_t *opts, const char *line)
{
    const char *words[WORDS_MAX];
    char *rest = NULL;
    int count = 0;
    for (char *word = apr_strtok(apr_pstrdup(pool, line), " ", &rest); word && count < WORDS_MAX;
         word = apr_strtok(NULL, " ", &rest))
        words[count++] = word;
    return ctl_options_read(opts, commands, count, words, pool);
}

#define WHO "decide --url https://h/d --subscriber s.json --csr c.pem"

static void test_defaults(void)
{
    ctl_options_t opts;
    is_str(read_line(&opts, WHO), NULL, "the least that it takes");
    is_str(opts.location, "/enrol", "the default location");
    is_str(opts.key, NULL, "no key is said");
    is_int((int)opts.timeout_ms, 30000, "the default timeout");
    is_str(opts.ledger, NULL, "it needs no ledger");
    is_str(read_line(&opts, WHO " --location /a/b --key UICC --timeout 500ms --ca f --user u"),
           NULL, "everything");
    is_str(opts.location, "/a/b", "the location");
    is_str(opts.key, "UICC", "the key");
    is_int((int)opts.timeout_ms, 500, "the timeout");
}

static void test_refused(void)
{
    static const struct {
        const char *line, *wrong;
    } rows[] = {
        {"decide", "which server? --url URL of a location with SetHandler gba-decide"},
        {"decide --url https://h/d --csr c",
         "about whom? --subscriber FILE (JSON) and --csr FILE (PKCS#10)"},
        {"decide --url https://h/d --subscriber s",
         "about whom? --subscriber FILE (JSON) and --csr FILE (PKCS#10)"},
        {WHO " --location enrol", "--location is a path, such as /enrol"},
        {WHO " --key SIM", "--key is ME or UICC"},
        {WHO " --key me", "--key is ME or UICC"},
        {WHO " --timeout 0s", "--timeout is a duration such as 500ms or 30s, at most 1h"},
        {WHO " --timeout 2h", "--timeout is a duration such as 500ms or 30s, at most 1h"},
        {WHO " --timeout 5", "--timeout is a duration such as 500ms or 30s, at most 1h"},
        {WHO " --ca a --ca b", "--ca comes twice"},
        {WHO " --url https://h/e", "--url comes twice"},
        {WHO " --ledger l", "--ledger means nothing to decide"},
        {WHO " --serial 00", "--serial means nothing to decide"},
        {WHO " word", "too many words"},
        {"list --url https://h/d", "--url means nothing to list"},
        {"list", "which ledger? --ledger FILE (or: env GBA_LEDGER)"},
        {"key block --ledger l", "which key? one of --serial, --cert, --csr and --spki-sha256"},
        {"ledger verify l", "whose signatures? --ca FILE, once for each CA"},
    };
    ctl_options_t opts;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        is_str(read_line(&opts, rows[i].line), rows[i].wrong, rows[i].line);
}

/** Questions hold identities: they leave the machine by TLS alone. */
static void test_urls(void)
{
    static const struct {
        const char *url;
        int good;
    } rows[] = {
        {"https://pki.home1.net/gba-decide", 1},
        {"https://10.0.0.1:8443/d?x", 1},
        {"http://127.0.0.1:8080/d", 1},
        {"http://127.9.9.9/d", 1},
        {"http://localhost/d", 1},
        {"http://LOCALHOST/d", 1},
        {"http://[::1]:8080/d", 1},
        {"http://pki.home1.net/d", 0},
        {"http://127.0.0.1.home1.net/d", 0},
        {"http://localhost.home1.net/d", 0},
        {"http://10.0.0.1/d", 0},
        {"http://127.evil/d", 0},
        {"http://[::2]/d", 0},
        {"https://user:password@h/d", 0},
        {"https://user@h/d", 0},
        {"https://h/d#f", 0},
        {"ftp://h/d", 0},
        {"file:///etc/passwd", 0},
        {"h/d", 0},
        {"https://", 0},
        {"https://h h/d", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        is_int(ctl_ask_url(rows[i].url, pool) == NULL, rows[i].good, rows[i].url);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    unsetenv("GBA_LEDGER");
    test_defaults();
    test_refused();
    test_urls();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
