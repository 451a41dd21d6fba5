/* SPDX-License-Identifier: Apache-2.0 */
/* A bootstrapping kept in a file: it holds Ks. */
#include <string.h>
#include <sys/stat.h>
#include <apr_strings.h>
#include <jansson.h>
#include "base/base_secret.h"
#include "gba/gba_names.h"
#include "ue_bootstrap.h"
#include "ue_files.h"
#include "ue_report.h"

#define FILE_MAX 4096

static json_t *to_json(const ue_bootstrapping_t *boot)
{
    char ks[2 * GBA_KS_LEN + 1], rand[2 * GBA_RAND_LEN + 1];
    base_hex_encode(ks, boot->ks, GBA_KS_LEN);
    base_hex_encode(rand, boot->rand, GBA_RAND_LEN);
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s}", "btid", boot->btid, "impi", boot->impi,
                             "ks", ks, "rand", rand, "expires", boot->until);
    base_secret_wipe(ks, sizeof(ks));
    return root;
}

static void forget(json_t *root, char *text)
{
    const char *ks = json_string_value(json_object_get(root, "ks"));
    if (ks)
        base_secret_wipe((void *)(apr_uintptr_t)ks, strlen(ks));
    if (text)
        base_secret_wipe(text, strlen(text));
    free(text);
    json_decref(root);
}

static int save(const ue_bootstrapping_t *boot, ue_pending_t *pending, ue_result_t *result)
{
    json_t *root = to_json(boot);
    char *text = root ? json_dumps(root, JSON_INDENT(4) | JSON_PRESERVE_ORDER) : NULL;
    int saved = text ? ue_pending_commit(pending, text, 0600, result)
                     : ue_fail(result, UE_LOCAL, "the bootstrapping cannot be written: no memory");
    forget(root, text);
    return saved;
}

int ue_bootstrapping_save(const ue_bootstrapping_t *boot, const char *path, ue_result_t *result,
                          apr_pool_t *pool)
{
    ue_pending_t *pending = ue_pending_open(path, result, pool);
    return pending && save(boot, pending, result);
}

static const char *read_members(ue_bootstrapping_t *boot, const json_t *root, apr_pool_t *pool)
{
    const char *btid = NULL, *impi = NULL, *ks = NULL, *rand = NULL, *until = NULL;
    if (json_unpack((json_t *)(apr_uintptr_t)root, "{s:s, s:s, s:s, s:s, s:s}", "btid", &btid,
                    "impi", &impi, "ks", &ks, "rand", &rand, "expires", &until) != 0)
        return "btid, impi, ks, rand and expires are not all there";
    boot->ks = base_secret_alloc(pool, GBA_KS_LEN);
    if (!gba_btid_check(btid) || !*impi)
        return "no B-TID or no IMPI";
    if (!base_hex_decode(boot->ks, GBA_KS_LEN, ks, strlen(ks)) ||
        !base_hex_decode(boot->rand, GBA_RAND_LEN, rand, strlen(rand)))
        return "ks or rand is no hex of the right length";
    if (!base_rfc3339_decode(&boot->expires, base_span_str(until)))
        return "expires is no time";
    boot->btid = apr_pstrdup(pool, btid);
    boot->impi = apr_pstrdup(pool, impi);
    boot->until = apr_pstrdup(pool, until);
    return NULL;
}

int ue_bootstrapping_load(ue_bootstrapping_t *out, const char *path, ue_result_t *result,
                          apr_pool_t *pool)
{
    base_span_t text;
    json_error_t error;
    struct stat about;
    const char *why = "no JSON";
    memset(out, 0, sizeof(*out));
    if (stat(path, &about) == 0 && (about.st_mode & 077) != 0)
        return ue_fail(result, UE_LOCAL,
                       "the bootstrapping's file holds a key: nobody but its owner may use it");
    if (!ue_file_read(&text, path, FILE_MAX, result, pool))
        return 0;
    json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (root)
        why = read_members(out, root, pool);
    forget(root, NULL);
    if (why)
        return ue_fail(result, UE_LOCAL, apr_psprintf(pool, "the bootstrapping's file: %s", why));
    return out->expires > apr_time_now() ||
           ue_fail(result, UE_AUTH_REFUSED, "the bootstrapping is over: bootstrap again");
}

void ue_bootstrap_run(ue_result_t *result, const ue_options_t *opts, apr_pool_t *pool)
{
    ue_bootstrapping_t boot;
    ue_trace_t trace = {opts->trace ? ue_report_people(opts) : NULL, pool};
    ue_pending_t *pending = opts->out ? ue_pending_open(opts->out, result, pool) : NULL;
    if ((opts->out && !pending) || !ue_bootstrap(&boot, opts, &trace, result, pool) ||
        (pending && !save(&boot, pending, result)))
        return;
    result->outcome = UE_ENROLLED;
    result->verified = 1;
    result->btid = boot.btid;
    result->expires = boot.until;
    result->detail = "bootstrapped";
}
