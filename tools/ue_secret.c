/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_secret.h"
#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>
#include "base/base_secret.h"
#include "gba/gba_kdf.h"
#include "ue_files.h"

#define SECRET_FILE_MAX 256
#define IMPI_MAX        2048

/* A wiped-with-the-pool copy of a variable, which is then wiped where the process' environment
 * holds it (readable in /proc) and unset. */
static base_span_t take_env(const char *name, apr_pool_t *pool)
{
    base_span_t taken = {NULL, 0};
    char *value = getenv(name);
    if (value) {
        size_t len = strlen(value);
        taken.data = base_secret_copy(pool, value, len);
        taken.len = len;
        base_secret_wipe(value, len);
        unsetenv(name);
    }
    return taken;
}

/* Editors end a file with a line end. */
static base_span_t without_line_end(base_span_t text)
{
    if (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    if (text.len > 0 && text.data[text.len - 1] == '\r')
        text.len--;
    return text;
}

static int decode_key(unsigned char key[GBA_KEY_LEN], base_span_t text)
{
    apr_size_t len = 0;
    text = without_line_end(text);
    if (text.len == 2 * GBA_KEY_LEN)
        return base_hex_decode(key, GBA_KEY_LEN, (const char *)text.data, text.len);
    return base_base64_decode(key, GBA_KEY_LEN, &len, text, BASE_BASE64) && len == GBA_KEY_LEN;
}

static int derive(unsigned char key[GBA_KEY_LEN], const unsigned char ks[GBA_KS_LEN],
                  const ue_options_t *opts, const char *naf_fqdn, ue_result_t *result)
{
    unsigned char rand[GBA_RAND_LEN];
    gba_naf_id_t naf;
    if (!opts->rand_word || !opts->impi)
        return ue_fail(result, UE_USAGE, "Ks needs --rand and --impi with it");
    if (!base_hex_decode(rand, sizeof(rand), opts->rand_word, strlen(opts->rand_word)))
        return ue_fail(result, UE_USAGE, "--rand is 32 hex digits");
    if (opts->impi[0] == '\0' || strlen(opts->impi) > IMPI_MAX)
        return ue_fail(result, UE_USAGE, "--impi is empty or too long");
    if (!gba_naf_id_set(&naf, naf_fqdn, opts->ua_id))
        return ue_fail(result, UE_USAGE, "the NAF's name is no host name: use --naf-fqdn");
    if (!gba_kdf(key, GBA_KDF_ME, ks, rand, base_span_str(opts->impi), &naf))
        return ue_fail(result, UE_LOCAL, "the key derivation failed");
    return 1;
}

/* Which text holds the key, and whether it is Ks. Files go before the environment. */
static int choose(base_span_t *text, int *is_ks, const ue_options_t *opts, ue_result_t *result,
                  apr_pool_t *pool)
{
    base_span_t env_naf = take_env("GBA_KS_NAF", pool);
    base_span_t env_ks = take_env("GBA_KS", pool);
    const char *path = opts->ks_naf_file ? opts->ks_naf_file : opts->ks_file;
    *is_ks = path ? !opts->ks_naf_file : !env_naf.data;
    if (path)
        return ue_file_read(text, path, SECRET_FILE_MAX, result, pool);
    if (env_naf.data && env_ks.data)
        return ue_fail(result, UE_USAGE, "both GBA_KS_NAF and GBA_KS are set");
    *text = env_naf.data ? env_naf : env_ks;
    if (!text->data)
        return ue_fail(result, UE_USAGE, "no key: --ks-naf-file, GBA_KS_NAF, or --ks-file, GBA_KS");
    return 1;
}

int ue_secret_password(base_span_t *password, const ue_options_t *opts, const char *naf_fqdn,
                       ue_result_t *result, apr_pool_t *pool)
{
    base_span_t text;
    int is_ks = 0;
    unsigned char *given = base_secret_alloc(pool, GBA_KS_LEN);
    unsigned char *key = base_secret_alloc(pool, GBA_KEY_LEN);
    if (!choose(&text, &is_ks, opts, result, pool))
        return 0;
    if (!decode_key(given, text))
        return ue_fail(result, UE_LOCAL,
                       "the key is neither 64 hex digits nor base64 of 32 octets");
    if (!is_ks)
        memcpy(key, given, GBA_KEY_LEN);
    else if (!derive(key, given, opts, naf_fqdn, result))
        return 0;
    *password = base_span_str(gba_password(pool, key));
    return 1;
}
