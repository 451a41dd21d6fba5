/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of BSFs, where redirects may lead, and which domain is whose. */
#include "tap.h"

#include <string.h>
#include <apr_general.h>
#include "keeper/keeper_nbsp_map.h"
#include "keeper/keeper_nbsp_url.h"

static apr_pool_t *pool;

static void reads_addresses(void)
{
    static const struct {
        const char *text;
        const char *printed; /* NULL: refused */
    } rows[] = {
        {"https://bsf.home1.net", "https://bsf.home1.net:443/x"},
        {"HTTPS://BSF.home1.net:8443/p/", "https://bsf.home1.net:8443/p/x"},
        {"http://127.0.0.1:80", "http://127.0.0.1:80/x"},
        {"https://[2001:db8::1]:1", "https://[2001:db8::1]:1/x"},
        {"unix:/run/zn.sock", "http://localhost:80/x"},
        {"unix:/run/zn.sock:/p", "http://localhost:80/p/x"},
        {"", NULL},
        {"bsf.home1.net", NULL},
        {"ftp://bsf.home1.net", NULL},
        {"https://", NULL},
        {"https://a@bsf.home1.net", NULL},
        {"https://a:b@bsf.home1.net", NULL},
        {"https://bsf.home1.net:0", NULL},
        {"https://bsf.home1.net:65536", NULL},
        {"https://bsf.home1.net:", NULL},
        {"https://bsf.home1.net?a", NULL},
        {"https://bsf.home1.net/p?a", NULL},
        {"https://bsf.home1.net/p#a", NULL},
        {"https://bsf.home1.net/../p", NULL},
        {"https://bsf.home1.net/p/.", NULL},
        {"https://bsf.home1.net/p q", NULL},
        {"https://bsf.home1.net\\@other.net", NULL},
        {"https://[::1", NULL},
        {"unix:run/zn.sock", NULL},
        {"unix:/", NULL},
    };
    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        keeper_nbsp_url_t url;
        int taken = keeper_nbsp_url_parse(&url, rows[i].text, pool);
        is_str(taken ? keeper_nbsp_url_print(&url, "/x", pool) : NULL, rows[i].printed,
               rows[i].text);
    }
}

static void follows_where_it_may(void)
{
    static const struct {
        const char *from;
        const char *location;
        int followed;
    } rows[] = {
        {"https://a.home1.net", "https://a.home1.net/other", 1},
        {"https://a.home1.net", "/other", 1},
        {"https://a.home1.net", "https://b.home1.net:8443/x", 1},
        {"https://a.home1.net", "http://c.home1.net/x", 1}, /* an address says so itself */
        {"http://c.home1.net", "https://d.home1.net/x", 1},
        {"https://a.home1.net", "https://d.home1.net/x", 1},
        {"https://a.home1.net", "http://d.home1.net/x", 0},
        {"http://c.home1.net", "http://d.home1.net/x", 1},
        {"https://a.home1.net", "https://d.home1.net:444/x", 0},
        {"https://a.home1.net", "https://b.home1.net/x", 0},
        {"https://a.home1.net", "//d.home1.net/x", 0},
        {"https://a.home1.net", "https://a.home1.net@other.net/x", 0},
        {"https://a.home1.net", "https://a.home1.net.other.net/x", 0},
        {"https://a.home1.net", "https://other.net/x", 0},
        {"https://a.home1.net", "unix:/run/zn.sock", 0},
        {"https://a.home1.net", "file:///etc/passwd", 0},
        {"https://a.home1.net", "", 0},
        {"https://a.home1.net", "x", 0},
    };
    static const char *const known[] = {"https://a.home1.net", "https://b.home1.net:8443",
                                        "http://c.home1.net", "unix:/run/zn.sock"};
    apr_array_header_t *addresses = apr_array_make(pool, 4, sizeof(keeper_nbsp_url_t));
    apr_array_header_t *hosts = apr_array_make(pool, 1, sizeof(keeper_nbsp_host_t));
    for (int i = 0; i < 4; i++)
        keeper_nbsp_url_parse((keeper_nbsp_url_t *)apr_array_push(addresses), known[i], pool);
    keeper_nbsp_host_parse((keeper_nbsp_host_t *)apr_array_push(hosts), "D.home1.net", pool);
    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        keeper_nbsp_url_t from, to;
        keeper_nbsp_url_parse(&from, rows[i].from, pool);
        ok(keeper_nbsp_url_follow(&to, &from, rows[i].location, addresses, hosts, pool) ==
               rows[i].followed,
           "from %s to %s", rows[i].from, rows[i].location);
    }
}

static void knows_what_stays_here(void)
{
    static const struct {
        const char *text;
        int local;
    } rows[] = {{"http://127.0.0.1", 1}, {"http://127.9.9.9:1", 1}, {"http://localhost", 1},
                {"http://[::1]", 1},     {"unix:/run/a", 1},        {"http://127.0.0.1.a.net", 0},
                {"http://128.0.0.1", 0}, {"http://a.localhost", 0}, {"http://[::2]", 0}};
    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        keeper_nbsp_url_t url;
        keeper_nbsp_url_parse(&url, rows[i].text, pool);
        ok((keeper_nbsp_url_is_local(&url) != 0) == rows[i].local, "local: %s", rows[i].text);
    }
}

static void fits_domains(void)
{
    unsigned whole = keeper_nbsp_pattern_fit("bsf.home1.net", "BSF.Home1.net");
    unsigned longer = keeper_nbsp_pattern_fit("*.a.home1.net", "bsf.a.home1.net");
    unsigned tail = keeper_nbsp_pattern_fit("*.home1.net", "bsf.a.home1.net");
    unsigned all = keeper_nbsp_pattern_fit("*", "bsf.home1.net");
    ok(whole > longer && longer > tail && tail > all && all > 0, "the closest fits best");
    is_int(keeper_nbsp_pattern_fit("*.home1.net", "home1.net"), 0, "a suffix is not the whole");
    is_int(keeper_nbsp_pattern_fit("*.home1.net", "xhome1.net"), 0, "nor a part of a label");
    is_int(keeper_nbsp_pattern_fit("bsf.home1.net", "bsf.home1.net.x"), 0, "nor a beginning");
    ok(keeper_nbsp_pattern_check("*") && keeper_nbsp_pattern_check("*.home1.net") &&
           keeper_nbsp_pattern_check("bsf.home1.net"),
       "patterns");
    ok(!keeper_nbsp_pattern_check("") && !keeper_nbsp_pattern_check("*.") &&
           !keeper_nbsp_pattern_check("*home1.net") && !keeper_nbsp_pattern_check("a.*.net"),
       "no patterns");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    reads_addresses();
    follows_where_it_may();
    knows_what_stays_here();
    fits_domains();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
