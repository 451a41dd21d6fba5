/* SPDX-License-Identifier: Apache-2.0 */
/* Which of page and problem details a request wants more (RFC 9110 12.5.1). */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include "pki/pki_accept.h"

#define PROBLEM "application/problem+json"
#define PAGE    "text/html"

static const struct {
    const char *accept;
    int want;
} rows[] = {
    /* nothing said, or both alike: the page, which is the standard's own form */
    {NULL, 0},
    {"", 0},
    {" , ,", 0},
    {"*/*", 0},
    {"text/html", 0},
    {"text/html, application/problem+json", 0},
    {"application/problem+json, text/html", 0},
    {"application/problem+json;q=0.5, text/html;q=0.5", 0},
    {"application/problem+json;q=0.500, text/html;q=0.5", 0},
    {"image/png", 0},
    {"application/json", 0},
    {"application/problem+xml", 0},
    {"application/*, text/*", 0},
    /* problem details wanted more */
    {"application/problem+json", 1},
    {"APPLICATION/Problem+JSON", 1},
    {"application/problem+json, text/html;q=0.9", 1},
    {"application/problem+json;q=0.001", 1},
    {"application/problem+json;Q=0.3,text/html;q=0.299", 1},
    {"application/*", 1},
    {"application/*;q=0.2, */*;q=0.1", 1},
    {"application/problem+json, */*;q=0.5", 1},
    {"text/html;q=0, */*;q=0.1", 1},
    {"\tapplication/problem+json ; q=1.000 ,, text/html ; q=0.9", 1},
    {"text/html;level=1, application/problem+json;q=0.1", 1}, /* a page of another kind */
    {"text/html;level=\"a,b;c\\\"d\", application/problem+json", 1},
    {"application/problem+json;q=1;ext=\"x\", text/html;q=0.9", 1},
    /* the more specific range counts, wherever it stands */
    {"application/problem+json;q=0.1, */*;q=0.5", 0},
    {"application/*;q=0.9, application/problem+json;q=0.1, text/html;q=0.5", 0},
    {"text/*;q=0.1, text/html;q=0.9, application/problem+json;q=0.5", 0},
    {"text/html;q=0.9, text/*;q=0.1, application/problem+json;q=0.5", 0},
    {"text/html;q=0.1, text/html;q=0.9, application/problem+json;q=0.5", 0},
    {"application/problem+json;q=0", 0},
    {"application/problem+json;q=0.0, application/*", 0},
    {"application/problem+json;profile=x", 0}, /* not what we have */
    /* no grammar, no wish */
    {"application/problem+json, text", 0},
    {"application/problem+json, text/", 0},
    {"application/problem+json, /html", 0},
    {"application/problem+json, */html", 0},
    {"application/problem+json text/html", 0},
    {"application/problem+json;", 0},
    {"application/problem+json;q", 0},
    {"application/problem+json;q=", 0},
    {"application/problem+json;q=2", 0},
    {"application/problem+json;q=1.001", 0},
    {"application/problem+json;q=0.1234", 0},
    {"application/problem+json;q=.5", 0},
    {"application/problem+json;q=-1", 0},
    {"application/problem+json;q=\"1\"", 0},
    {"application/problem+json;a=\"b", 0},
    {"application/problem+json;a=\"b\\", 0},
    {"application/problem+json;a=\"b\x01\"", 0},
    {"application/problem+json, \xc3\xa9/x", 0},
    {"application/problem+json, <script>", 0},
};

static void long_names(apr_pool_t *pool)
{
    char name[129];
    memset(name, 'x', sizeof(name));
    name[128] = '\0';
    is_int(pki_accept_prefers(apr_psprintf(pool, PROBLEM ", %s/y", name + 1), PROBLEM, PAGE), 1,
           "a type of 127 octets is read (RFC 6838 4.2)");
    is_int(pki_accept_prefers(apr_psprintf(pool, PROBLEM ", %s/y", name), PROBLEM, PAGE), 0,
           "one of 128 is not");
    is_int(pki_accept_prefers(apr_psprintf(pool, PROBLEM ", y/%s", name), PROBLEM, PAGE), 0,
           "nor such a subtype");
}

int main(void)
{
    apr_pool_t *pool;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ok(pki_accept_prefers(rows[i].accept, PROBLEM, PAGE) == rows[i].want, "%s for \"%s\"",
           rows[i].want ? "problem details" : "the page", rows[i].accept ? rows[i].accept : "-");
    long_names(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
