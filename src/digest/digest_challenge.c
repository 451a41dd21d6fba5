/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest_challenge.c
 * The WWW-Authenticate field (RFC 9110 11.6.1, RFC 7616 3.3): parser and
 * printer.
 */
#include "digest/digest_grammar.h"

#include <apr_strings.h>
#include <string.h>
#include "digest/digest_aka.h"
#include "digest/digest_lex.h"

/* The challenge that is being read. */
typedef struct pending_t {
    int any;       /* a scheme has been read */
    int is_digest; /* and it is Digest */
    int closed;    /* its token68 has been read: no parameter may follow */
    digest_params_t params;
} pending_t;

/* The known ones of a list of qop values (RFC 7616 3.3: unknown ones are ignored). */
static unsigned qop_mask(const char *list)
{
    unsigned mask = 0;

    while (list && *list) {
        apr_size_t len;
        list += strspn(list, " \t,");
        len = strcspn(list, " \t,");
        mask |= digest_qop_parse((base_span_t){(const unsigned char *)list, len});
        list += len;
    }
    return mask;
}

/* Reads a Digest challenge out of its parameters. */
static int get_challenge(digest_challenge_t *challenge, digest_lex_t *lex,
                         const digest_params_t *params)
{
    const unsigned must = DIGEST_NEEDED | DIGEST_QUOTED;
    const char *algorithm, *qop, *stale;

    if (!digest_params_get(lex, params, "realm", must, &challenge->realm) ||
        !digest_params_get(lex, params, "nonce", must, &challenge->nonce) ||
        !digest_params_get(lex, params, "opaque", DIGEST_QUOTED, &challenge->opaque) ||
        !digest_params_get(lex, params, "algorithm", 0, &algorithm) ||
        !digest_params_get(lex, params, "qop", 0, &qop) ||
        !digest_params_get(lex, params, "stale", 0, &stale))
        return 0;
    challenge->alg = DIGEST_MD5;
    challenge->alg_known = !algorithm || digest_alg_parse(&challenge->alg, algorithm);
    challenge->is_aka = algorithm && base_equal_nocase(algorithm, DIGEST_AKA_NAME);
    challenge->qop = qop_mask(qop);
    challenge->stale = stale && base_equal_nocase(stale, "true");
    return 1;
}

/* Ends the challenge that is being read, if any; a Digest one goes to the list. */
static int close_challenge(pending_t *pending, digest_lex_t *lex, apr_array_header_t *list)
{
    digest_challenge_t challenge;

    if (!pending->any || !pending->is_digest)
        return 1;
    if (!get_challenge(&challenge, lex, &pending->params))
        return 0;
    *(digest_challenge_t *)apr_array_push(list) = challenge;
    return 1;
}

/* Starts a challenge after its scheme. A token68 there ends it, too: what a Digest challenge
 * must have is then found missing. */
static void open_challenge(pending_t *pending, digest_lex_t *lex, const char *scheme)
{
    int alone = lex->at == lex->end || *lex->at == ',';

    pending->any = 1;
    pending->is_digest = digest_is_digest_scheme(scheme);
    pending->params.count = 0;
    pending->closed = !alone && digest_lex_token68(lex);
}

/* One step: a parameter of the challenge that is being read, or a new scheme. A name that "="
 * follows is a parameter (RFC 9110 11.6.1 on telling the commas apart). @a apart says that a comma
 * or the start of the field is before it, which a new scheme needs. */
static int take_element(pending_t *pending, digest_lex_t *lex, apr_array_header_t *list, int apart)
{
    const char *start = lex->at;
    base_span_t token;
    int spaced;

    if (!digest_lex_token(lex, &token))
        return 0;
    spaced = lex->at == lex->end || *lex->at == ' ' || *lex->at == '\t' || *lex->at == ',';
    digest_lex_space(lex);
    if (digest_lex_octet(lex, '=')) {
        if (pending->any && !pending->closed)
            return digest_lex_value(lex, token, &pending->params);
        return digest_lex_wrong(lex, "field", "a parameter without a challenge");
    }
    if (!spaced || !apart)
        return digest_lex_wrong(lex, "field", "a scheme or parameter expected");
    if (!close_challenge(pending, lex, list))
        return 0;
    open_challenge(pending, lex, apr_pstrmemdup(lex->pool, start, token.len));
    return 1;
}

static int take_elements(pending_t *pending, digest_lex_t *lex, apr_array_header_t *list)
{
    const char *last = lex->at;

    while (digest_lex_more(lex)) {
        int apart = !pending->any || memchr(last, ',', (apr_size_t)(lex->at - last)) != NULL;
        if (!take_element(pending, lex, list, apart))
            return 0;
        last = lex->at;
    }
    return 1;
}

base_result_t digest_challenge_parse(apr_array_header_t *list, const char *field, apr_pool_t *pool)
{
    int before = list->nelts;
    digest_lex_t lex;
    pending_t pending = {0};

    if (!digest_lex_start(&lex, field, pool))
        return base_fail(BASE_MALFORMED, "GBA0121", lex.why);
    if (take_elements(&pending, &lex, list) && close_challenge(&pending, &lex, list))
        return base_ok();
    list->nelts = before;
    return base_fail(BASE_MALFORMED, "GBA0122", lex.why);
}

/* With no space in the list: some deployed clients fail on one. */
static const char *print_qop(unsigned mask)
{
    if ((mask & DIGEST_QOP_AUTH) && (mask & DIGEST_QOP_AUTH_INT))
        return ", qop=\"auth,auth-int\"";
    if (mask & DIGEST_QOP_AUTH_INT)
        return ", qop=\"auth-int\"";
    return mask & DIGEST_QOP_AUTH ? ", qop=\"auth\"" : "";
}

const char *digest_challenge_print(const digest_challenge_t *challenge, apr_pool_t *pool)
{
    const char *opaque = "";

    if (challenge->opaque)
        opaque =
            apr_pstrcat(pool, ", opaque=\"", digest_escape(pool, challenge->opaque), "\"", NULL);
    return apr_pstrcat(
        pool, "Digest realm=\"", digest_escape(pool, challenge->realm), "\", nonce=\"",
        digest_escape(pool, challenge->nonce),
        "\", algorithm=", challenge->is_aka ? DIGEST_AKA_NAME : digest_alg_name(challenge->alg),
        print_qop(challenge->qop), opaque, challenge->stale ? ", stale=true" : "", NULL);
}
