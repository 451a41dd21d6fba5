/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_usim.h"
#include <string.h>
#include <sys/stat.h>
#include <apr_strings.h>
#include <jansson.h>
#include "base/base_secret.h"
#include "ue_files.h"

#define FILE_MAX 4096
#define IMPI_MAX 255
#define SQN_LEN  GBA_MILENAGE_SQN_LEN

static int unfit(ue_result_t *result, const ue_usim_t *usim, const char *why, apr_pool_t *pool)
{
    return ue_fail(
        result, UE_LOCAL,
        apr_psprintf(pool, "the USIM file %s: %s", base_log_safe(pool, usim->path, 256), why));
}

static json_t *parse(const ue_usim_t *usim, ue_result_t *result, apr_pool_t *pool)
{
    base_span_t text;
    json_error_t error;
    struct stat about;
    if (stat(usim->path, &about) == 0 && (about.st_mode & 077) != 0) {
        unfit(result, usim, "it holds a key: nobody but its owner may use it (chmod 0600)", pool);
        return NULL;
    }
    if (!ue_file_read(&text, usim->path, FILE_MAX, result, pool))
        return NULL;
    json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(root)) {
        json_decref(root);
        unfit(result, usim, "no JSON object", pool);
        return NULL;
    }
    return root;
}

/* Hex digits of a member. 1: read, 0: absent, -1: something else. */
static int read_hex(const json_t *root, const char *name, unsigned char *out, apr_size_t len)
{
    const json_t *value = json_object_get(root, name);
    const char *text = json_string_value(value);
    if (!value)
        return 0;
    return text && base_hex_decode(out, len, text, strlen(text)) ? 1 : -1;
}

static const char *read_key(ue_usim_t *usim, const json_t *root)
{
    unsigned char op[GBA_MILENAGE_KEY_LEN];
    int has_op = read_hex(root, "op", op, sizeof(op));
    int has_opc = read_hex(root, "opc", usim->key.opc, sizeof(usim->key.opc));
    const char *wrong = NULL;
    if (read_hex(root, "k", usim->key.k, sizeof(usim->key.k)) != 1)
        wrong = "\"k\" is 32 hex digits";
    else if (has_op < 0 || has_opc < 0 || has_op == has_opc)
        wrong = "either \"opc\" or \"op\" is 32 hex digits";
    else if (has_op && !gba_milenage_opc(usim->key.opc, usim->key.k, op))
        wrong = "OPc cannot be computed here";
    base_secret_wipe(op, sizeof(op));
    return wrong;
}

static const char *read_members(ue_usim_t *usim, const json_t *root, apr_pool_t *pool)
{
    unsigned char sqn[SQN_LEN] = {0};
    const char *impi = json_string_value(json_object_get(root, "impi"));
    if (!impi || !*impi || strlen(impi) > IMPI_MAX)
        return "\"impi\" is missing, empty or too long";
    if (read_hex(root, "sqn", sqn, sizeof(sqn)) < 0)
        return "\"sqn\" is 12 hex digits";
    usim->impi = apr_pstrdup(pool, impi);
    for (int i = 0; i < SQN_LEN; i++)
        usim->sqn_ms = usim->sqn_ms << 8 | sqn[i];
    return read_key(usim, root);
}

/* jansson's own copies of the key. */
static void forget(json_t *root)
{
    static const char *const secrets[] = {"k", "op", "opc"};
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        const char *text = json_string_value(json_object_get(root, secrets[i]));
        if (text)
            base_secret_wipe((void *)(apr_uintptr_t)text, strlen(text));
    }
    json_decref(root);
}

int ue_usim_load(ue_usim_t **out, const char *path, ue_result_t *result, apr_pool_t *pool)
{
    ue_usim_t *usim = base_secret_alloc(pool, sizeof(*usim));
    usim->path = path;
    json_t *root = parse(usim, result, pool);
    if (!root)
        return 0;
    const char *wrong = read_members(usim, root, pool);
    forget(root);
    if (wrong)
        return unfit(result, usim, wrong, pool);
    *out = usim;
    return 1;
}

/* The file with another "sqn"; nonzero if it is on disk. */
static int keep_sqn(const ue_usim_t *usim, ue_result_t *result, apr_pool_t *pool)
{
    json_t *root = parse(usim, result, pool);
    const char *hex = apr_psprintf(pool, "%012" APR_UINT64_T_HEX_FMT, usim->sqn_ms);
    if (!root)
        return 0;
    ue_pending_t *pending = ue_pending_open(usim->path, result, pool);
    char *text = json_object_set_new(root, "sqn", json_string(hex)) == 0
                     ? json_dumps(root, JSON_INDENT(4) | JSON_PRESERVE_ORDER)
                     : NULL;
    int kept = pending && text && ue_pending_commit(pending, text, 0600, result);
    if (!text && pending)
        unfit(result, usim, "out of memory", pool);
    if (text) {
        base_secret_wipe(text, strlen(text));
        free(text);
    }
    forget(root);
    return kept;
}

gba_aka_verdict_t ue_usim_answer(ue_usim_t *usim, gba_aka_vector_t *vector, ue_result_t *result,
                                 apr_pool_t *pool)
{
    gba_aka_verdict_t verdict = gba_aka_vector_check(vector, &usim->key, &usim->sqn_ms);
    if (verdict == GBA_AKA_ACCEPTED && !keep_sqn(usim, result, pool)) {
        base_secret_wipe(vector, sizeof(*vector));
        return GBA_AKA_FAILED;
    }
    if (verdict == GBA_AKA_FAILED)
        ue_fail(result, UE_LOCAL, "Milenage cannot be computed here");
    return verdict;
}
