/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <apr_strings.h>
#include "pki/pki_media.h"

/* TS 24.109 E.3.1 shows "single". The names "pointer" and "chain" and every media type here are
 * not confirmed from the standard's text: correct them in this table. The first row is the answer
 * to a request that names none. */
static const pki_response_kind_t kinds[] = {
    {"single", "application/x-x509-user-cert", 1},
    {"pointer", "application/vnd.wap.cert-response", 0},
    {"chain", "application/x-x509-user-cert", 0},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* If the parameter at @a item is response=, sets value and its length. Names and values are
 * compared as they are: a value that was percent-encoded is not in the table. */
static int is_response(const char *item, apr_size_t len, const char **value, apr_size_t *value_len)
{
    static const char name[] = "response";
    const apr_size_t name_len = sizeof(name) - 1;
    if (len < name_len || memcmp(item, name, name_len) != 0)
        return 0;
    if (len > name_len && item[name_len] != '=')
        return 0;
    *value = len > name_len ? item + name_len + 1 : "";
    *value_len = len > name_len ? len - name_len - 1 : 0;
    return 1;
}

static const pki_response_kind_t *find_kind(const char *name, apr_size_t len)
{
    for (apr_size_t i = 0; i < KINDS; i++) {
        if (strlen(kinds[i].name) == len && memcmp(kinds[i].name, name, len) == 0)
            return &kinds[i];
    }
    return NULL;
}

base_result_t pki_response_kind(const pki_response_kind_t **out, const char *query)
{
    const pki_response_kind_t *kind = &kinds[0];
    int seen = 0;
    const char *item = query ? query : "";
    *out = NULL;
    for (;;) {
        apr_size_t len = strcspn(item, "&");
        const char *value = NULL;
        apr_size_t value_len = 0;
        if (is_response(item, len, &value, &value_len)) {
            if (seen++)
                return base_fail(BASE_BAD_RESPONSE_KIND, "GBA0360", "response= stands twice");
            kind = find_kind(value, value_len);
        }
        if (item[len] == '\0')
            break;
        item += len + 1;
    }
    if (!kind)
        return base_fail(BASE_BAD_RESPONSE_KIND, "GBA0361", "response= has an unknown value");
    if (!kind->supported)
        return base_fail(BASE_BAD_RESPONSE_KIND, "GBA0362", "response= asks for what we lack");
    *out = kind;
    return base_ok();
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* RFC 9110 8.3.1: type "/" subtype *( OWS ";" OWS parameter ), type and subtype in any case. */
int pki_media_type_is(const char *content_type, const char *media_type)
{
    apr_size_t i = 0;
    if (!content_type)
        return 0;
    for (; media_type[i]; i++) {
        if (lower(content_type[i]) != lower(media_type[i]))
            return 0;
    }
    while (content_type[i] == ' ' || content_type[i] == '\t')
        i++;
    return content_type[i] == '\0' || content_type[i] == ';';
}

#define DECISION_NAME    "<meta name=\"gba-decision\""
#define DECISION_REFUSED " content=\"refused; reason="
#define DECISION_END     "\">"
#define CODE_MAX         64

/* What stands for an octet in HTML's text; NULL for itself. */
static const char *reference(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static const char *escape(apr_pool_t *pool, const char *text)
{
    char *out = apr_palloc(pool, 6 * strlen(text) + 1);
    char *end = out;
    for (; *text; text++) {
        const char *word = reference(*text);
        if (word)
            end = apr_cpystrn(end, word, strlen(word) + 1);
        else
            *end++ = *text;
    }
    *end = '\0';
    return out;
}

const char *pki_page_refusal(apr_pool_t *pool, pki_reason_t reason, const char *text)
{
    return apr_psprintf(
        pool,
        "<!DOCTYPE html>\n"
        "<html lang=\"en\">\n"
        "<head>\n"
        "<meta charset=\"utf-8\">\n" DECISION_NAME DECISION_REFUSED "%s" DECISION_END "\n"
        "<title>403 Forbidden</title>\n"
        "</head>\n"
        "<body>\n"
        "<h1>Enrolment refused</h1>\n"
        "<p>%s</p>\n"
        "</body>\n"
        "</html>\n",
        pki_reason_code(reason), escape(pool, text ? text : pki_reason_public_text(reason)));
}

static int take(base_span_t *text, const char *word)
{
    apr_size_t len = strlen(word);
    if (text->len < len || memcmp(text->data, word, len) != 0)
        return 0;
    text->data += len;
    text->len -= len;
    return 1;
}

/* Moves @a text behind the next start of a decision element. */
static int find_decision(base_span_t *text)
{
    while (text->len) {
        const unsigned char *at = memchr(text->data, '<', text->len);
        if (!at)
            return 0;
        text->len -= (apr_size_t)(at - text->data);
        text->data = at;
        if (take(text, DECISION_NAME))
            return 1;
        text->data++;
        text->len--;
    }
    return 0;
}

static int is_code_char(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

int pki_page_decision(const char **code, base_span_t page, apr_pool_t *pool)
{
    base_span_t text = page;
    const char *start;
    apr_size_t len = 0;
    *code = NULL;
    if (!page.data || !find_decision(&text) || !take(&text, DECISION_REFUSED))
        return 0;
    start = (const char *)text.data;
    while (len < text.len && is_code_char(text.data[len]))
        len++;
    text.data += len;
    text.len -= len;
    if (len == 0 || len > CODE_MAX || !take(&text, DECISION_END) || find_decision(&text))
        return 0;
    *code = apr_pstrmemdup(pool, start, len);
    return 1;
}
