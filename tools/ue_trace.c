/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_trace.h"
#include <stdarg.h>
#include <string.h>

/* Prints text; line ends as they are, other octets outside printable ASCII as \xHH. */
static void print_text(FILE *to, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char octet = (unsigned char)text[i];
        if (octet == '\r' && i + 1 < len && text[i + 1] == '\n')
            continue;
        if (octet == '\n' || octet == '\t' || (octet >= 0x20 && octet < 0x7f))
            fputc(octet, to);
        else
            fprintf(to, "\\x%02x", octet);
    }
}

static int is_text(base_span_t body)
{
    for (apr_size_t i = 0; i < body.len; i++)
        if (body.data[i] < 0x20 && !strchr("\t\r\n", body.data[i]))
            return 0;
    return !memchr(body.data, '\0', body.len);
}

static void print_base64(const ue_trace_t *trace, base_span_t body)
{
    const char *text = base_base64_encode(trace->pool, body.data, body.len);
    for (size_t left = strlen(text); left > 0;) {
        size_t line = left < 64 ? left : 64;
        fprintf(trace->to, "%.*s\n", (int)line, text);
        text += line;
        left -= line;
    }
}

static void print_message(const ue_trace_t *trace, const char *title, const char *head,
                          base_span_t body)
{
    fprintf(trace->to, "\n%s\n\n", title);
    print_text(trace->to, head, strlen(head));
    if (body.len == 0)
        return;
    if (!is_text(body)) {
        print_base64(trace, body);
        fputc('\n', trace->to);
        ue_trace_note(trace, "body: %lu octets, shown as base64", (unsigned long)body.len);
        return;
    }
    print_text(trace->to, (const char *)body.data, body.len);
    fputs(body.data[body.len - 1] == '\n' ? "\n" : "\n\n", trace->to);
}

void ue_trace_note(const ue_trace_t *trace, const char *fmt, ...)
{
    va_list args;
    if (!trace->to)
        return;
    fputs("    ", trace->to);
    va_start(args, fmt);
    vfprintf(trace->to, fmt, args);
    va_end(args);
    fputc('\n', trace->to);
}

static const char *safe(const ue_trace_t *trace, const char *text)
{
    return text ? base_log_safe(trace->pool, text, 256) : "(absent)";
}

static const char *request_title(const ue_exchange_t *exchange, int authorized)
{
    if (exchange->is_ub)
        return strstr(exchange->authorization, "nonce=\"\"")
                   ? "Ub: TS 24.109 clause 4: Bootstrapping request (UE to BSF)"
                   : "Ub: TS 24.109 clause 4: Answer to the AKA challenge (UE to BSF)";
    if (authorized)
        return "TS 24.109 E.3.1: Authenticated enrolment request (UE to PKI portal)";
    return exchange->body.len ? "Table E.3.1-1: Initial enrolment request (UE to PKI portal)"
                              : "TS 33.221 step 1: Empty request (UE to PKI portal)";
}

static void explain_credentials(const ue_trace_t *trace, const digest_credentials_t *sent,
                                apr_size_t body_len)
{
    ue_trace_note(trace, "username: the B-TID; the password is base64(Ks_NAF)");
    ue_trace_note(trace, "nonce: %s (the portal's)", safe(trace, sent->nonce));
    ue_trace_note(trace, "cnonce: %s (ours), nc: %s", sent->cnonce, sent->nc);
    ue_trace_note(trace, "HA1 = H(username:realm:password), algorithm %s: not shown",
                  digest_alg_name(sent->alg));
    ue_trace_note(trace, "HA2 = H(POST:%s:H(body)), body of %lu octets", safe(trace, sent->uri),
                  (unsigned long)body_len);
    ue_trace_note(trace, "response = H(HA1:nonce:nc:cnonce:%s:HA2) = %s",
                  digest_qop_name(sent->qop), sent->response);
}

void ue_trace_request(const ue_trace_t *trace, const ue_exchange_t *exchange,
                      const digest_credentials_t *sent)
{
    if (!trace->to || exchange->sent_head[0] == '\0')
        return;
    print_message(trace, request_title(exchange, sent != NULL), exchange->sent_head,
                  exchange->body);
    if (sent)
        explain_credentials(trace, sent, exchange->body.len);
}

static const char *ub_answer_title(int status)
{
    return status == 401   ? "Ub: TS 24.109 clause 4: AKA challenge (BSF to UE)"
           : status == 200 ? "Ub: TS 24.109 clause 4: Bootstrapping completed (BSF to UE)"
                           : "Ub: Answer (BSF to UE)";
}

static const char *answer_title(const ue_exchange_t *exchange)
{
    if (exchange->is_ub)
        return ub_answer_title(exchange->status);
    switch (exchange->status) {
    case 200:
        return "TS 24.109 E.3.1: Subscriber certificate (PKI portal to UE)";
    case 401:
        return "TS 24.109 E.3.1: Bootstrapping required, 401 challenge (PKI portal to UE)";
    case 403:
        return "Table E.4-1: Error notification (PKI portal to UE)";
    default:
        return "Answer (PKI portal to UE)";
    }
}

void ue_trace_answer(const ue_trace_t *trace, const ue_exchange_t *exchange)
{
    if (trace->to && exchange->head[0] != '\0')
        print_message(trace, answer_title(exchange), exchange->head, exchange->answer);
}

void ue_trace_challenge(const ue_trace_t *trace, const ue_session_t *session, ue_challenge_t taken)
{
    const digest_challenge_t *challenge = &session->challenge;
    if (!trace->to)
        return;
    ue_trace_note(trace, "%s", ue_challenge_text(taken));
    if (taken != UE_CHALLENGE_TAKEN)
        return;
    ue_trace_note(trace, "realm: %s (ends in the name that we connected to)",
                  safe(trace, challenge->realm));
    ue_trace_note(trace, "algorithm: %s, qop: auth-int", digest_alg_name(challenge->alg));
    ue_trace_note(trace, "nonce: %s", safe(trace, challenge->nonce));
    if (challenge->stale)
        ue_trace_note(trace, "stale=true: the nonce is too old, the key is not in question");
}

void ue_trace_verdict(const ue_trace_t *trace, const ue_session_t *session, ue_verdict_t verdict,
                      apr_size_t body_len)
{
    if (!trace->to)
        return;
    if (verdict != UE_VERDICT_GOOD) {
        ue_trace_note(trace, "NOT VERIFIED: %s", ue_verdict_text(verdict));
        return;
    }
    ue_trace_note(trace, "HA2 = H(:%s:H(body)): no method in it, and no status",
                  safe(trace, session->sent.uri));
    ue_trace_note(trace, "rspauth = H(HA1:nonce:nc:cnonce:%s:HA2)",
                  digest_qop_name(session->sent.qop));
    ue_trace_note(trace, "rspauth verified over %lu octets", (unsigned long)body_len);
}
