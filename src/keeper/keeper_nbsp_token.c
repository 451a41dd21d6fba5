/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_nbsp_token.h"

#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "base/base_secret.h"
#include "gba/gba_json.h"

#define EARLY_MS        30000 /* a token is not used in the last of its life */
#define ERROR_SHOWN_MAX 64

int keeper_nbsp_token_is_good(const keeper_nbsp_token_t *token, apr_uint64_t now)
{
    return token->text[0] != '\0' && now < token->good_until;
}

int keeper_nbsp_token_is_denied(const keeper_nbsp_token_t *token, apr_uint64_t now)
{
    return now < token->failed_until;
}

void keeper_nbsp_token_drop(keeper_nbsp_token_t *token, unsigned serial)
{
    if (token->serial == serial)
        base_secret_wipe(token->text, sizeof(token->text));
}

void keeper_nbsp_token_failed(keeper_nbsp_token_t *token, apr_uint64_t now)
{
    base_secret_wipe(token->text, sizeof(token->text));
    token->failed_until = now + KEEPER_NBSP_TOKEN_WAIT_MS;
}

/* ---- the answer ---- */

/* b64token (RFC 6750 2.1): nothing that could end a header field. */
static int is_token(const char *text, apr_size_t len)
{
    if (len == 0 || len > KEEPER_NBSP_TOKEN_MAX)
        return 0;
    for (apr_size_t i = 0; i < len; i++)
        if (!apr_isalnum((unsigned char)text[i]) && !memchr("-._~+/=", text[i], 7))
            return 0;
    return 1;
}

static apr_uint64_t usable_ms(apr_uint64_t life_s)
{
    apr_uint64_t life = life_s * 1000;
    return life - (life / 10 < EARLY_MS ? life / 10 : EARLY_MS);
}

/* expires_in in seconds. Nonzero on success. */
static int read_life(apr_uint64_t *life, const json_t *member)
{
    *life = KEEPER_NBSP_TOKEN_KEPT_S;
    if (!member)
        return 1;
    if (!json_is_integer(member) || json_integer_value(member) <= 0)
        return 0;
    *life = (apr_uint64_t)json_integer_value(member);
    if (*life > KEEPER_NBSP_TOKEN_LONG_S)
        *life = KEEPER_NBSP_TOKEN_LONG_S;
    return 1;
}

static base_result_t read_members(keeper_nbsp_token_t *token, const json_t *root, apr_uint64_t now)
{
    const json_t *text = json_object_get(root, "access_token");
    const json_t *type = json_object_get(root, "token_type");
    apr_uint64_t life;
    if (!json_is_string(text) || !is_token(json_string_value(text), json_string_length(text)))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA1110", "access_token: a bearer token expected");
    if (!json_is_string(type) || !base_equal_nocase(json_string_value(type), "bearer"))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA1111", "token_type: Bearer expected");
    if (!read_life(&life, json_object_get(root, "expires_in")))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA1112", "expires_in: seconds expected");
    apr_cpystrn(token->text, json_string_value(text), sizeof(token->text));
    token->good_until = now + usable_ms(life);
    token->failed_until = 0;
    token->serial++;
    return base_ok();
}

/* jansson's own copies are overwritten as gba_json_free() does with keys. */
static void free_root(json_t *root)
{
    const json_t *text = json_object_get(root, "access_token");
    if (json_is_string(text))
        base_secret_wipe((void *)(apr_uintptr_t)json_string_value(text), json_string_length(text));
    json_decref(root);
}

static base_result_t refused(const keeper_nbsp_reply_t *reply, const json_t *root, apr_pool_t *pool)
{
    const json_t *error = json_object_get(root, "error");
    const char *text = json_is_string(error) ? json_string_value(error) : "none told";
    return base_fail(BASE_KEYSOURCE_DOWN, "GBA1113",
                     apr_psprintf(pool, "status %ld, error %s", reply->status,
                                  base_log_safe(pool, text, ERROR_SHOWN_MAX)));
}

base_result_t keeper_nbsp_token_take(keeper_nbsp_token_t *token, const keeper_nbsp_reply_t *reply,
                                     apr_uint64_t now, apr_pool_t *pool)
{
    json_t *root = NULL;
    base_result_t result = base_ok();
    base_secret_wipe(token->text, sizeof(token->text));
    if (reply->over)
        result = base_fail(BASE_KEYSOURCE_DOWN, "GBA1114", "more than 64 KiB");
    else if (keeper_nbsp_is_type(reply->content_type, "application/json"))
        result = gba_json_load(&root, reply->body, pool);
    else if (reply->status == 200)
        result = base_fail(BASE_KEYSOURCE_DOWN, "GBA1115", "application/json expected");
    if (reply->status != 200)
        result = refused(reply, root, pool);
    if (result.code == BASE_OK)
        result = read_members(token, root, now);
    free_root(root);
    if (result.code != BASE_OK)
        keeper_nbsp_token_failed(token, now);
    return result;
}

/* ---- the question ---- */

/* application/x-www-form-urlencoded, into @a out with room for 3 * strlen(text) + 1 octets. */
static char *form_encode(char *out, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *text; text++) {
        unsigned char octet = (unsigned char)*text;
        if (apr_isalnum(octet) || strchr("-._*", octet)) {
            *out++ = *text;
        } else {
            *out++ = '%';
            *out++ = digits[octet >> 4];
            *out++ = digits[octet & 15];
        }
    }
    *out = '\0';
    return out;
}

const char *keeper_nbsp_token_form(const char *scope, apr_pool_t *pool)
{
    static const char grant[] = "grant_type=client_credentials&scope=";
    char *form = apr_palloc(pool, sizeof(grant) + 3 * strlen(scope));
    memcpy(form, grant, sizeof(grant));
    form_encode(form + sizeof(grant) - 1, scope);
    return form;
}

const char *keeper_nbsp_token_basic(const char *id, const char *secret, apr_pool_t *pool)
{
    char *basic = base_secret_alloc(pool, 3 * strlen(id) + 3 * strlen(secret) + 2);
    char *end = form_encode(basic, id);
    *end++ = ':';
    form_encode(end, secret);
    return basic;
}
