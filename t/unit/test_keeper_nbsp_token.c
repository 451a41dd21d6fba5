/* SPDX-License-Identifier: Apache-2.0 */
/* OAuth2 client credentials (RFC 6749 4.4, 5.1, 5.2): what is asked, taken, kept and let go. */
#include "tap.h"

#include <string.h>
#include <apr_general.h>
#include "keeper/keeper_nbsp_token.h"

static apr_pool_t *pool;
static keeper_nbsp_token_t token;

static base_result_t take(long status, const char *type, const char *body, apr_uint64_t now)
{
    keeper_nbsp_reply_t reply = {status, type, "", {(const unsigned char *)body, strlen(body)}, 0};
    return keeper_nbsp_token_take(&token, &reply, now, pool);
}

static void refuses(void)
{
    static const struct {
        const char *name;
        long status;
        const char *type;
        const char *body;
        const char *says;
    } rows[] = {
        {"no JSON", 200, "application/json", "<p>", "no JSON"},
        {"another type", 200, "text/html", "{}", "application/json expected"},
        {"no token", 200, "application/json", "{\"token_type\":\"Bearer\"}", "access_token"},
        {"an empty token", 200, "application/json",
         "{\"access_token\":\"\",\"token_type\":\"Bearer\"}", "access_token"},
        {"a token with a space", 200, "application/json",
         "{\"access_token\":\"a b\",\"token_type\":\"Bearer\"}", "access_token"},
        {"a token with a line end", 200, "application/json",
         "{\"access_token\":\"a\\r\\nb\",\"token_type\":\"Bearer\"}", "access_token"},
        {"no type of token", 200, "application/json", "{\"access_token\":\"a\"}", "token_type"},
        {"a type other than Bearer", 200, "application/json",
         "{\"access_token\":\"a\",\"token_type\":\"mac\"}", "token_type"},
        {"a life of 0", 200, "application/json",
         "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":0}", "expires_in"},
        {"a life that is a text", 200, "application/json",
         "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":\"1\"}", "expires_in"},
        {"400", 400, "application/json", "{\"error\":\"invalid_client\"}", "error invalid_client"},
        {"400 with a token in it", 400, "application/json",
         "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}", "status 400"},
        {"500", 500, "text/html", "<p>", "status 500"},
    };
    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(&token, 0, sizeof(token));
        base_result_t result = take(rows[i].status, rows[i].type, rows[i].body, 1000);
        is_int(result.code, BASE_KEYSOURCE_DOWN, rows[i].name);
        ok(result.detail && strstr(result.detail, rows[i].says) != NULL, "%s: says why",
           rows[i].name);
        ok(!keeper_nbsp_token_is_good(&token, 1000), "%s: no token", rows[i].name);
        ok(keeper_nbsp_token_is_denied(&token, 1000), "%s: is not asked again at once",
           rows[i].name);
        ok(!keeper_nbsp_token_is_denied(&token, 1000 + KEEPER_NBSP_TOKEN_WAIT_MS), "%s: but soon",
           rows[i].name);
    }
}

static const char good[] = "{\"access_token\":\"a.B-1\",\"token_type\":\"bearer\",\"expires_in\":";

/* Good for so long, in milliseconds from the time it was taken. */
static void lives(const char *life, apr_uint64_t ms)
{
    char body[128];
    snprintf(body, sizeof(body), "%s%s}", good, life);
    memset(&token, 0, sizeof(token));
    is_int(take(200, "application/json", body, 1000).code, BASE_OK, life);
    ok(keeper_nbsp_token_is_good(&token, 1000 + ms - 1), "%s s: until its end is near", life);
    ok(!keeper_nbsp_token_is_good(&token, 1000 + ms), "%s s: and no longer", life);
}

static void keeps(void)
{
    lives("10", 9000);
    lives("3600", 3570000);
    lives("999999999", KEEPER_NBSP_TOKEN_LONG_S * 1000 - 30000);
    memset(&token, 0, sizeof(token));
    is_int(take(200, "application/json", "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}", 1000)
               .code,
           BASE_OK, "no life told");
    ok(keeper_nbsp_token_is_good(&token, 1000 + 269999), "kept for a while");
    ok(!keeper_nbsp_token_is_good(&token, 1000 + 300000), "and not for ever");
}

static void lets_go_of_the_one_that_was_refused(void)
{
    unsigned first;
    memset(&token, 0, sizeof(token));
    take(200, "application/json", "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}", 1);
    first = token.serial;
    take(200, "application/json", "{\"access_token\":\"b\",\"token_type\":\"Bearer\"}", 1);
    keeper_nbsp_token_drop(&token, first);
    ok(keeper_nbsp_token_is_good(&token, 2), "another one, fetched meanwhile, stays");
    keeper_nbsp_token_drop(&token, token.serial);
    ok(!keeper_nbsp_token_is_good(&token, 2), "the one that was refused goes");
    is_str(token.text, "", "from memory too");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    refuses();
    keeps();
    lets_go_of_the_one_that_was_refused();
    is_str(keeper_nbsp_token_form("nbsp-gba a&b", pool),
           "grant_type=client_credentials&scope=nbsp-gba%20a%26b", "the form");
    is_str(keeper_nbsp_token_basic("naf:1", "p w%", pool), "naf%3A1:p%20w%25",
           "id and secret, each encoded (RFC 6749 2.3.1)");
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
