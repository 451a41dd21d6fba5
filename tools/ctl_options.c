/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl_options.h"
#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>
#include "base/base_text.h"
#include "keeper/keeper_operator.h"
#include "tool_text.h"

#define WORDS_MAX  3   /* two of the command and its operand */
#define REASON_MAX 200 /* octets of a reason in the operator's words */

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_LOCATION   "/enrol"

/* The options and the words between them. */
typedef struct words_t {
    ctl_options_t *opts;
    const char *words[WORDS_MAX];
    int count;
} words_t;

#define WORD(option, member)                                                                       \
    {                                                                                              \
        option, offsetof(ctl_options_t, member), TOOL_WORD                                         \
    }
#define FLAG(option, member)                                                                       \
    {                                                                                              \
        option, offsetof(ctl_options_t, member), TOOL_FLAG                                         \
    }

static const tool_option_t rows[] = {
    WORD("ledger", ledger),
    WORD("subscriber", subscriber),
    WORD("state", state),
    WORD("from", from),
    WORD("to", to),
    WORD("profile", profile),
    WORD("what", what_word),
    WORD("format", format_word),
    WORD("certificate", form_word),
    WORD("reason", reason),
    WORD("serial", serial_word),
    WORD("cert", cert),
    WORD("csr", csr),
    WORD("spki-sha256", spki_word),
    WORD("url", url),
    WORD("location", location),
    WORD("key", key),
    WORD("user", user),
    WORD("timeout", timeout_word),
    {"ca", offsetof(ctl_options_t, cas), TOOL_LIST},
    FLAG("json", json),
    FLAG("help", help),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

const char *ctl_exit_name(ctl_exit_t code)
{
    static const char *const names[CTL_EXITS] = {"ok", "found", "usage", "ledger-unusable",
                                                 "local-error"};
    return (unsigned)code < CTL_EXITS ? names[code] : names[CTL_LOCAL];
}

/* ---- which command ---- */

/* The options are the struct's first member, for the table's offsets. */
static const char *take_word(void *out, const char *word)
{
    words_t *words = (words_t *)(void *)((char *)out + sizeof(ctl_options_t));
    if (words->count == WORDS_MAX)
        return "too many words";
    words->words[words->count++] = word;
    return NULL;
}

/* How many of the words name the command: 0, 1 or 2. */
static int names(const ctl_command_t *command, const words_t *words, apr_pool_t *pool)
{
    if (words->count > 0 && strcmp(command->name, words->words[0]) == 0)
        return 1;
    return words->count > 1 && strcmp(command->name, apr_pstrcat(pool, words->words[0], " ",
                                                                 words->words[1], NULL)) == 0
               ? 2
               : 0;
}

static const char *find_command(ctl_options_t *opts, const ctl_command_t *commands,
                                const words_t *words, apr_pool_t *pool)
{
    int used = 0;
    for (; commands->name && !used; commands++) {
        used = names(commands, words, pool);
        if (used)
            opts->command = commands;
    }
    if (words->count == 0)
        return opts->help ? NULL : "which command?";
    if (!used)
        return "no such command";
    if (words->count > used + 1)
        return "too many words";
    opts->operand = words->count > used ? words->words[used] : NULL;
    return NULL;
}

/* ---- what it takes ---- */

static int is_given(const ctl_options_t *opts, const tool_option_t *row)
{
    const char *member = (const char *)opts + row->at;
    return row->kind == TOOL_FLAG ? *(const int *)(const void *)member
                                  : *(void *const *)(const void *)member != NULL;
}

static int takes(const ctl_options_t *opts, const char *option)
{
    return strstr(opts->command->options, option) != NULL;
}

static const char *check_options(const ctl_options_t *opts, apr_pool_t *pool)
{
    const char *taken =
        apr_pstrcat(pool, opts->command->options,
                    takes(opts, " url ") ? " json help " : " ledger json help ", NULL);
    for (size_t i = 0; i < ROWS; i++)
        if (is_given(opts, &rows[i]) &&
            !strstr(taken, apr_pstrcat(pool, " ", rows[i].name, " ", NULL)))
            return apr_psprintf(pool, "--%s means nothing to %s", rows[i].name,
                                opts->command->name);
    return NULL;
}

/* Hex of either case, with colons or without, as openssl prints it. */
static const char *read_serial(ctl_options_t *opts, const char *word, apr_pool_t *pool)
{
    char hex[2 * PKI_SERIAL_LEN + 1], *copy;
    apr_size_t len = 0;
    for (; *word; word++)
        if (*word != ':' && len < sizeof(hex))
            hex[len++] = *word;
    if (len != sizeof(hex) - 1 || !base_hex_decode(opts->serial, PKI_SERIAL_LEN, hex, len))
        return "a serial has 32 hex digits";
    copy = apr_palloc(pool, sizeof(hex));
    base_hex_encode(copy, opts->serial, PKI_SERIAL_LEN);
    opts->serial_hex = copy;
    return NULL;
}

static const char *read_operand(ctl_options_t *opts, apr_pool_t *pool)
{
    ctl_operand_t kind = opts->command->operand;
    if (kind == CTL_NO_OPERAND)
        return opts->operand ? "too many words" : NULL;
    if (kind == CTL_LEDGER_FILE) {
        if (opts->operand && opts->ledger)
            return "the ledger comes twice";
        opts->ledger = opts->operand ? opts->operand : opts->ledger;
        return NULL;
    }
    if (!opts->operand)
        return kind == CTL_SERIAL ? "the certificate's serial is missing" : "a file is missing";
    return kind == CTL_SERIAL ? read_serial(opts, opts->operand, pool) : NULL;
}

/* ---- values ---- */

static const char *read_choices(ctl_options_t *opts)
{
    static const char *const whats[] = {"certificates", "decisions", "alarms", "audit", NULL};
    static const char *const formats[] = {"table", "csv", "json", NULL};
    static const char *const forms[] = {"pem", "der", "none", NULL};
    int what = tool_pick(opts->what_word, whats), format = tool_pick(opts->format_word, formats);
    int form = tool_pick(opts->form_word, forms);
    if (what < 0)
        return "--what is certificates, decisions, alarms or audit";
    if (format < 0)
        return "--format is table, csv or json";
    if (form < 0)
        return "--certificate is pem, der or none";
    if (opts->json && opts->format_word && format != CTL_JSON)
        return "--json and --format exclude each other";
    opts->what = (ctl_what_t)what;
    opts->format = opts->json ? CTL_JSON : (ctl_format_t)format;
    opts->form = opts->form_word || opts->format != CTL_CSV ? (ctl_cert_form_t)form : CTL_DER;
    if (opts->format == CTL_CSV && opts->form == CTL_PEM)
        return "CSV has certificates as base64 of their DER: --certificate der";
    if (opts->form_word && opts->what != CTL_CERTIFICATES)
        return "--certificate goes with --what certificates";
    return NULL;
}

/* The first whole second that is not before it: so both ends of a range are read. */
static int read_time(apr_int64_t *out, const char *word)
{
    apr_time_t when = 0;
    if (!base_rfc3339_decode(&when, base_span_str(word)))
        return 0;
    *out = apr_time_sec(when) + (apr_time_usec(when) > 0);
    return 1;
}

static const char *read_filter(ctl_options_t *opts)
{
    keeper_filter_t *filter = &opts->filter;
    static const keeper_trail_t trails[] = {
        [CTL_CERTIFICATES] = KEEPER_TRAIL_ALL,
        [CTL_DECISIONS] = KEEPER_TRAIL_DECISIONS,
        [CTL_ALARMS] = KEEPER_TRAIL_ALARMS,
        [CTL_AUDIT] = KEEPER_TRAIL_ALL,
    };
    int known = 0;
    filter->subscriber = opts->subscriber;
    filter->profile = opts->profile;
    filter->state = opts->state;
    filter->trail = trails[opts->what];
    for (int i = 0; opts->state && i < KEEPER_STATES; i++)
        known |= strcmp(opts->state, keeper_state_text((keeper_state_t)i)) == 0;
    if (opts->state && !known)
        return "--state is issued, superseded, revoked, pending or abandoned";
    if (opts->state && opts->what != CTL_CERTIFICATES)
        return "--state goes with --what certificates";
    filter->has_from = opts->from != NULL;
    filter->has_to = opts->to != NULL;
    if ((opts->from && !read_time(&filter->from, opts->from)) ||
        (opts->to && !read_time(&filter->to, opts->to)))
        return "--from and --to are times as 2030-01-31T00:00:00Z";
    return NULL;
}

static const char *read_key(ctl_options_t *opts, apr_pool_t *pool)
{
    int count = (opts->serial_word != NULL) + (opts->cert != NULL) + (opts->csr != NULL) +
                (opts->spki_word != NULL);
    if (!takes(opts, " serial "))
        return NULL;
    if (count != 1)
        return "which key? one of --serial, --cert, --csr and --spki-sha256";
    if (opts->spki_word && !base_hex_decode(opts->spki_sha256, KEEPER_HASH_LEN, opts->spki_word,
                                            strlen(opts->spki_word)))
        return "--spki-sha256 has 64 hex digits";
    return opts->serial_word ? read_serial(opts, opts->serial_word, pool) : NULL;
}

/* RFC 5280's of a certificate; of a key a line in the operator's words. */
static const char *check_reason(const ctl_options_t *opts, apr_pool_t *pool)
{
    if (strcmp(opts->command->name, "revoke") == 0) {
        if (!opts->reason || !keeper_revocation_reason(opts->reason))
            return apr_pstrcat(pool, "--reason is ", keeper_revocation_reasons(), NULL);
        return NULL;
    }
    if (opts->reason && (strlen(opts->reason) > REASON_MAX ||
                         strcmp(tool_plain(pool, opts->reason), opts->reason) != 0))
        return "--reason is one line of text, at most 200 octets";
    return NULL;
}

/* ---- which ledger, or which server ---- */

static const char *read_ledger(ctl_options_t *opts)
{
    if (!opts->ledger)
        opts->ledger = getenv("GBA_LEDGER");
    if (!opts->ledger || !*opts->ledger)
        return "which ledger? --ledger FILE (or: env GBA_LEDGER)";
    if (takes(opts, " ca ") && !opts->cas)
        return "whose signatures? --ca FILE, once for each CA";
    return NULL;
}

static const char *read_timeout(ctl_options_t *opts)
{
    apr_interval_time_t timeout = 0;
    opts->timeout_ms = DEFAULT_TIMEOUT_MS;
    if (!opts->timeout_word)
        return NULL;
    if (!base_duration_decode(&timeout, opts->timeout_word) || timeout < 1000 ||
        timeout > apr_time_from_sec(3600))
        return "--timeout is a duration such as 500ms or 30s, at most 1h";
    opts->timeout_ms = (long)(timeout / 1000);
    return NULL;
}

static const char *read_question(ctl_options_t *opts)
{
    static const char *const keys[] = {"ME", "UICC", NULL};
    if (!opts->url)
        return "which server? --url URL of a location with SetHandler gba-decide";
    if (!opts->subscriber || !opts->csr)
        return "about whom? --subscriber FILE (JSON) and --csr FILE (PKCS#10)";
    if (!opts->location)
        opts->location = DEFAULT_LOCATION;
    if (*opts->location != '/')
        return "--location is a path, such as /enrol";
    if (tool_pick(opts->key, keys) < 0)
        return "--key is ME or UICC";
    if (opts->cas && opts->cas->nelts > 1)
        return "--ca comes twice";
    return read_timeout(opts);
}

static const char *check_all(ctl_options_t *opts, apr_pool_t *pool)
{
    const char *error = check_options(opts, pool);
    if (!error)
        error = read_operand(opts, pool);
    if (!error)
        error = read_choices(opts);
    if (!error)
        error = read_filter(opts);
    if (!error)
        error = read_key(opts, pool);
    if (!error)
        error = check_reason(opts, pool);
    if (!error)
        error = takes(opts, " url ") ? read_question(opts) : read_ledger(opts);
    return error;
}

const char *ctl_options_read(ctl_options_t *opts, const ctl_command_t *commands, int argc,
                             const char *const *argv, apr_pool_t *pool)
{
    struct {
        ctl_options_t opts;
        words_t words;
    } both;
    tool_line_t line = {rows, ROWS, argc, argv, take_word};
    memset(&both, 0, sizeof(both));
    const char *error = tool_options_read(&both, &line, pool);
    *opts = both.opts;
    if (!error)
        error = find_command(opts, commands, &both.words, pool);
    return error || opts->help ? error : check_all(opts, pool);
}

const char *ctl_options_help(void)
{
    return "usage: gba-pkictl list [filters] [--what ROWS] [--format FORMAT]\n"
           "       gba-pkictl export [filters] [--what ROWS] [--format FORMAT]\n"
           "                         [--certificate FORM]\n"
           "       gba-pkictl show SERIAL [--certificate FORM]\n"
           "       gba-pkictl revoke SERIAL --reason REASON\n"
           "       gba-pkictl key block | unblock KEY [--reason TEXT]\n"
           "       gba-pkictl ledger verify [FILE] --ca FILE\n"
           "       gba-pkictl ledger upgrade [FILE]\n"
           "       gba-pkictl ledger backup COPY\n"
           "       gba-pkictl decide --url URL --subscriber FILE --csr FILE\n"
           "                         [--location PATH] [--key ME|UICC]\n"
           "       gba-pkictl --help | --version\n"
           "\n"
           "The ledger of a GBA PKI portal, and what it would decide, for its operator.\n"
           "\n"
           "  --ledger FILE        the ledger (or: env GBA_LEDGER)\n"
           "  --json               one JSON object; list and export: one a line\n"
           "filters\n"
           "  --subscriber NAME    his identity (IMPI), a UE identity, or his pseudonym\n"
           "  --state STATE        issued, superseded, revoked, pending, abandoned\n"
           "  --profile NAME       of this profile\n"
           "  --from TIME          issued or decided then or later: 2030-01-31T00:00:00Z\n"
           "  --to TIME            and before then\n"
           "rows\n"
           "  --what ROWS          certificates (default), decisions, alarms, audit\n"
           "  --format FORMAT      table (default), csv, json\n"
           "  --certificate FORM   pem, der (base64), none\n"
           "keys\n"
           "  --serial SERIAL      that of a certificate in the ledger\n"
           "  --cert FILE          that of a certificate, PEM\n"
           "  --csr FILE           that of a PKCS#10\n"
           "  --spki-sha256 HEX    by the SHA-256 of its SubjectPublicKeyInfo\n"
           "verification\n"
           "  --ca FILE            a CA's certificate; once for each CA that has signed\n"
           "decide\n"
           "  --url URL            of a location with SetHandler gba-decide\n"
           "  --subscriber FILE    settings as in the key file, one JSON object\n"
           "  --csr FILE           the PKCS#10, PEM or DER\n"
           "  --location PATH      where it would be enrolled; default /enrol\n"
           "  --key ME|UICC        with which key the UE would authenticate; default ME\n"
           "  --ca FILE            CAs that the server's certificate is verified by\n"
           "  --user FILE          holds USER:PASSWORD for HTTP Basic\n"
           "  --timeout DURATION   of the exchange; default 30s\n"
           "\n"
           "exit codes: 0 ok   1 found, not found, not possible, or refused   2 usage\n"
           "            3 the ledger or the server cannot be used   4 local error\n";
}
