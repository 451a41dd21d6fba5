/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_options.h"
#include <string.h>
#include "base/base_text.h"
#include "gba/gba_names.h"
#include "pki/pki_pkcs10.h"

#define DEFAULT_TIMEOUT_MS 30000

#define WORD(option, member)                                                                       \
    {                                                                                              \
        option, offsetof(ue_options_t, member), TOOL_WORD                                          \
    }
#define FLAG(option, member)                                                                       \
    {                                                                                              \
        option, offsetof(ue_options_t, member), TOOL_FLAG                                          \
    }

/* The first COMMON_COUNT of them are those of bootstrap too. */
static const tool_option_t rows[] = {
    WORD("usim", usim),
    WORD("bsf-realm", bsf_realm),
    WORD("out", out),
    WORD("connect-to", connect_to),
    WORD("resolve", resolve),
    WORD("cacert", cacert),
    WORD("proxy", proxy),
    WORD("timeout", timeout_word),
    FLAG("trace", trace),
    FLAG("json", json),
    FLAG("help", help),
    WORD("btid", btid),
    WORD("bsf", bsf),
    WORD("bootstrapping", bootstrapping),
    WORD("naf-fqdn", naf_fqdn),
    WORD("ua-id", ua_id_word),
    WORD("ks-naf-file", ks_naf_file),
    WORD("ks-file", ks_file),
    WORD("rand", rand_word),
    WORD("impi", impi),
    WORD("key", key),
    WORD("new-key", new_key_word),
    WORD("key-out", key_out),
    WORD("csr", csr),
    WORD("csr-form", csr_form_word),
    WORD("usage", usage_word),
    WORD("start", start_word),
    WORD("algorithm", algorithm_word),
};

#define COMMON_COUNT 11

static const char *take_url(void *out, const char *word)
{
    ue_options_t *opts = out;
    if (opts->url)
        return "more than one URL";
    opts->url = word;
    return NULL;
}

static const char *read_choices(ue_options_t *opts)
{
    static const char *const forms[] = {"pem", "spaced-pem", "base64", "der", NULL};
    static const char *const keys[] = {"ec256",   "ec384",   "ec521", "rsa2048",
                                       "rsa3072", "rsa4096", NULL};
    static const char *const usages[] = {"", "digitalSignature", "nonRepudiation", NULL};
    static const char *const starts[] = {"full", "empty", NULL};
    int form = tool_pick(opts->csr_form_word, forms), key = tool_pick(opts->new_key_word, keys);
    int usage = tool_pick(opts->usage_word, usages), start = tool_pick(opts->start_word, starts);
    if (form < 0)
        return "--csr-form is pem, spaced-pem, base64 or der";
    if (key < 0)
        return "--new-key is ec256, ec384, ec521, rsa2048, rsa3072 or rsa4096";
    if (usage < 0 || (opts->usage_word && usage == 0))
        return "--usage is digitalSignature or nonRepudiation";
    if (start < 0)
        return "--start is full or empty";
    opts->csr_form = (ue_csr_form_t)form;
    opts->new_key = (ue_key_kind_t)key;
    opts->usage = usage == 1 ? PKI_USAGE_DIGITAL_SIGNATURE : usage ? PKI_USAGE_NON_REPUDIATION : 0;
    opts->start_empty = start;
    return NULL;
}

static const char *read_values(ue_options_t *opts)
{
    apr_interval_time_t timeout = 0;
    opts->algorithm = DIGEST_ALGS;
    opts->timeout_ms = DEFAULT_TIMEOUT_MS;
    if (!gba_ua_id_parse(opts->ua_id, opts->ua_id_word ? opts->ua_id_word : "pki"))
        return "--ua-id is pki, digest, or hex: and ten hex digits";
    if (opts->algorithm_word && !digest_alg_parse(&opts->algorithm, opts->algorithm_word))
        return "--algorithm is MD5, SHA-256 or SHA-512-256";
    if (opts->timeout_word) {
        if (!base_duration_decode(&timeout, opts->timeout_word) || timeout < 1000 ||
            timeout > 3600 * APR_USEC_PER_SEC)
            return "--timeout is a duration such as 500ms or 30s, at most 1h";
        opts->timeout_ms = (long)(timeout / 1000);
    }
    return NULL;
}

static const char *check_key_options(const ue_options_t *opts)
{
    if (opts->csr && (opts->key || opts->new_key_word || opts->key_out || opts->usage_word ||
                      opts->csr_form_word))
        return "--csr is sent as it is: without --key, --new-key, --key-out, --usage, --csr-form";
    if (opts->key && (opts->new_key_word || opts->key_out))
        return "--key is an existing key: without --new-key and --key-out";
    if (!opts->csr && !opts->key && !opts->key_out)
        return "where does the new key go? --key-out FILE (or --key FILE, or --csr FILE)";
    return NULL;
}

/* Where B-TID and key come from a BSF. */
static const char *check_bootstrapping_options(const ue_options_t *opts)
{
    if (opts->btid || opts->ks_naf_file || opts->ks_file || opts->rand_word || opts->impi)
        return "the bootstrapping gives B-TID and key: without --btid, --ks-naf-file, --ks-file, "
               "--rand, --impi";
    if (opts->bsf && !opts->usim)
        return "--bsf needs a --usim";
    if (!opts->bsf && (opts->usim || opts->bsf_realm))
        return "--usim and --bsf-realm are for --bsf";
    return NULL;
}

static const char *check_identity_options(const ue_options_t *opts)
{
    if (!opts->url)
        return "the portal's URL is missing";
    if (opts->naf_fqdn && !gba_fqdn_check(opts->naf_fqdn))
        return "--naf-fqdn is no host name of at least two labels";
    if (opts->bsf || opts->bootstrapping)
        return check_bootstrapping_options(opts);
    if (opts->usim || opts->bsf_realm)
        return "--usim and --bsf-realm are for a bootstrapping: with --bsf";
    if (!opts->btid || !gba_btid_check(opts->btid))
        return opts->btid ? "--btid is no B-TID" : "--btid is missing (or --bsf, --bootstrapping)";
    if (opts->ks_naf_file && opts->ks_file)
        return "--ks-naf-file and --ks-file exclude each other";
    return NULL;
}

static const char *check_all(ue_options_t *opts)
{
    const char *error = read_choices(opts);
    if (opts->is_bootstrap) {
        opts->bsf = opts->url;
        if (!opts->bsf || !opts->usim)
            return opts->bsf ? "--usim is missing" : "the BSF's URL is missing";
        return read_values(opts);
    }
    if (!error)
        error = read_values(opts);
    if (!error)
        error = check_identity_options(opts);
    return error ? error : check_key_options(opts);
}

int ue_options_parse(ue_options_t *opts, ue_command_t command, int argc, const char *const *argv,
                     const char **error, apr_pool_t *pool)
{
    const int is_bootstrap = command == UE_COMMAND_BOOTSTRAP;
    tool_line_t line = {rows, is_bootstrap ? COMMON_COUNT : sizeof(rows) / sizeof(rows[0]), argc,
                        argv, take_url};
    memset(opts, 0, sizeof(*opts));
    opts->is_bootstrap = is_bootstrap;
    *error = tool_options_read(opts, &line, pool);
    if (!*error && !opts->help)
        *error = check_all(opts);
    return *error == NULL;
}

const char *ue_options_help(void)
{
    return "usage: gba-ue enrol URL [options]\n"
           "       gba-ue bootstrap BSF-URL [options]\n"
           "       gba-ue enrol --help | bootstrap --help | --help | --version\n"
           "\n"
           "The UE of a GBA PKI portal (3GPP TS 33.221, TS 24.109): gets a subscriber\n"
           "certificate by HTTP Digest with Ks_NAF and believes only answers that\n"
           "Ks_NAF vouches for.\n"
           "\n"
           "exit codes: 0 enrolled, or bootstrapped   1 refused, verified   2 usage\n"
           "            3 authentication refused: bootstrap again\n"
           "            4 verification failed   5 transport\n"
           "            6 portal error, verified   7 local error\n";
}

#define HOW                                                                                        \
    "  --cacert FILE        trusted certificates for https\n"                                      \
    "  --proxy URL          HTTP proxy; none by default\n"                                         \
    "  --timeout DURATION   of one exchange; default 30s\n"                                        \
    "  --connect-to H:P:H2:P2   connect to H2:P2 instead of H:P\n"                                 \
    "  --resolve HOST:PORT:ADDR  ADDR is HOST's address\n"                                         \
    "  --trace              print every message and what it means\n"                               \
    "  --json               print the outcome as one JSON object\n"

static const char *bootstrap_help(void)
{
    return "usage: gba-ue bootstrap BSF-URL --usim FILE [options]\n"
           "\n"
           "Laboratories only: the USIM is a file.\n"
           "  --usim FILE          JSON: impi, k, opc or op, sqn; its sqn is kept up to date\n"
           "  --bsf-realm NAME     the BSF's name in its realm; default: the URL's host\n"
           "  --out FILE           where B-TID and Ks go, for enrol --bootstrapping\n" HOW;
}

static const char *enrol_help(void)
{
    return "usage: gba-ue enrol URL --btid B-TID [options]\n"
           "       gba-ue enrol URL --bsf BSF-URL --usim FILE [options]\n"
           "\n"
           "who we are\n"
           "  --btid B-TID         bootstrapping transaction identifier\n"
           "  --ks-naf-file FILE   Ks_NAF, 64 hex digits or base64 (or: env GBA_KS_NAF)\n"
           "  --ks-file FILE       Ks instead (or: env GBA_KS), with --rand and --impi\n"
           "  --rand HEX           RAND of the bootstrapping\n"
           "  --impi IMPI          private identity\n"
           "  --bsf BSF-URL        bootstrap there first, with --usim FILE (see bootstrap --help)\n"
           "  --bootstrapping FILE what gba-ue bootstrap --out kept; with --bsf: used while it is\n"
           "                       good, and replaced by what is bootstrapped anew\n"
           "  --naf-fqdn NAME      the NAF's name; default: the URL's host\n"
           "  --ua-id ID           pki (default), digest, or hex:0123456789\n"
           "what we ask for\n"
           "  --new-key KIND       ec256 (default), ec384, ec521, rsa2048, rsa3072, rsa4096\n"
           "  --key-out FILE       where the new key goes (must not exist)\n"
           "  --key FILE           an existing private key, PEM\n"
           "  --csr FILE           an existing PKCS#10, sent as it is\n"
           "  --csr-form FORM      pem (default), spaced-pem, base64, der\n"
           "  --usage USAGE        digitalSignature or nonRepudiation: a wish\n"
           "  --out FILE           the certificate; default: standard output\n"
           "how\n"
           "  --start full|empty   first request with (TS 24.109) or without (TS 33.221)\n"
           "                       the PKCS#10\n"
           "  --algorithm ALG      preferred: MD5, SHA-256, SHA-512-256\n" HOW;
}

const char *ue_options_command_help(ue_command_t command)
{
    return command == UE_COMMAND_BOOTSTRAP ? bootstrap_help() : enrol_help();
}
