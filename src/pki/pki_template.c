/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <apr_strings.h>
#include "base/base_text.h"
#include "pki/pki_name.h"

#define UEID_PLACE_MAX 99 /* of %{ueid:N}: more than any subscriber has */

typedef enum name_kind_t { PSEUDONYM, SERIAL, IMPI, UEID } name_kind_t;

/* One name of a template. */
typedef struct name_t {
    name_kind_t kind;
    int place; /* of a UE identity, from 1 */
} name_t;

static const struct {
    const char *word;
    name_kind_t kind;
} words[] = {
    {"pseudonym", PSEUDONYM},
    {"serial", SERIAL},
    {"impi", IMPI},
    {"ueid", UEID}, /* the first; last, since "ueid:N" is of its kind */
};

static int is_word(base_span_t text, const char *word)
{
    return strlen(word) == text.len && memcmp(text.data, word, text.len) == 0;
}

/* 1 to UEID_PLACE_MAX, written in one way only. */
static int read_place(int *place, base_span_t digits)
{
    apr_uint64_t number = 0;
    if (digits.len > 2 || !base_decimal_decode(&number, digits, UEID_PLACE_MAX) ||
        digits.data[0] == '0')
        return 0;
    *place = (int)number;
    return 1;
}

/* What stands between "%{" and "}". */
static int read_name(name_t *name, base_span_t text)
{
    static const char with_place[] = "ueid:";
    const apr_size_t len = sizeof(with_place) - 1;
    name->place = 1;
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        name->kind = words[i].kind;
        if (is_word(text, words[i].word))
            return 1;
    }
    return text.len > len && memcmp(text.data, with_place, len) == 0 &&
           read_place(&name->place, (base_span_t){text.data + len, text.len - len});
}

/* One piece of a template: a name, or octets that stand for themselves. */
typedef struct piece_t {
    int is_name;
    name_t name;
    base_span_t literal;
} piece_t;

/* Takes the next piece off @a text. @return NULL, or what is wrong; static */
static const char *take_piece(piece_t *piece, const char **text)
{
    const char *p = *text;
    const char *end;
    piece->is_name = 0;
    if (*p != '%') {
        piece->literal = (base_span_t){(const unsigned char *)p, strcspn(p, "%")};
        *text = p + piece->literal.len;
        return NULL;
    }
    if (p[1] == '%') {
        piece->literal = (base_span_t){(const unsigned char *)p, 1};
        *text = p + 2;
        return NULL;
    }
    end = p[1] == '{' ? strchr(p, '}') : NULL;
    if (!end)
        return "has a % that is neither %% nor the start of a %{name}";
    piece->is_name = 1;
    *text = end + 1;
    return read_name(&piece->name,
                     (base_span_t){(const unsigned char *)p + 2, (apr_size_t)(end - p - 2)})
               ? NULL
               : "has a %{name} that is none of pseudonym, serial, ueid, ueid:N and impi";
}

const char *pki_template_read(pki_template_use_t *use, const char *text)
{
    piece_t piece;
    const char *wrong = NULL;
    memset(use, 0, sizeof(*use));
    while (*text && !wrong) {
        wrong = take_piece(&piece, &text);
        if (wrong || !piece.is_name)
            continue;
        use->names = 1;
        use->identity |= piece.name.kind != PSEUDONYM && piece.name.kind != SERIAL;
    }
    return wrong;
}

/* NULL if the subscriber has none. */
static const char *value_of(const name_t *name, const pki_names_t *names)
{
    switch (name->kind) {
    case PSEUDONYM:
        return names->pseudonym;
    case SERIAL:
        return names->serial_hex;
    case IMPI:
        return names->impi;
    case UEID:
        return names->ue_ids && name->place <= names->ue_id_count ? names->ue_ids[name->place - 1]
                                                                  : NULL;
    }
    return NULL;
}

/* The octets that a piece stands for. Nonzero if there are any. */
static int expand_piece(base_span_t *out, const piece_t *piece, const pki_names_t *names)
{
    *out = piece->is_name ? base_span_str(value_of(&piece->name, names)) : piece->literal;
    return out->len > 0;
}

int pki_template_write(char out[PKI_VALUE_MAX + 1], const char *text, const pki_names_t *names)
{
    apr_size_t len = 0;
    base_span_t octets;
    piece_t piece;
    while (*text) {
        if (take_piece(&piece, &text) || !expand_piece(&octets, &piece, names) ||
            octets.len > PKI_VALUE_MAX - len) {
            out[0] = '\0';
            return 0;
        }
        memcpy(out + len, octets.data, octets.len);
        len += octets.len;
    }
    out[len] = '\0';
    return 1;
}

const char *pki_template_expand(const char *text, const pki_names_t *names, apr_pool_t *pool)
{
    char value[PKI_VALUE_MAX + 1];
    return pki_template_write(value, text, names) ? apr_pstrdup(pool, value) : NULL;
}
