/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_file.h"

#include <string.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include "base/base_secret.h"
#include "gba/gba_assoc.h"
#include "gba/gba_json.h"

#define FILE_MAX_OCTETS (16 * 1024 * 1024)
#define OTHERS                                                                                     \
    (APR_FPROT_GREAD | APR_FPROT_GWRITE | APR_FPROT_GEXECUTE | APR_FPROT_WREAD |                   \
     APR_FPROT_WWRITE | APR_FPROT_WEXECUTE)

/* One object of the file. */
typedef struct entry_t {
    gba_assoc_key_t name; /* of (btId, nafId): the entry's key in the hash */
    gba_info_t *info;
    apr_size_t index; /* its place in the file, for a refusal */
} entry_t;

/* Never changed once it is open, so that threads need no lock. */
typedef struct file_source_t {
    gba_keysource_t seam;
    const char *path;
    const base_clock_t *clock;
    apr_hash_t *entries; /* of entry_t by name */
} file_source_t;

static const char *because(apr_pool_t *pool, const char *path, apr_status_t status)
{
    char text[128];
    return apr_psprintf(pool, "%s: %s", path, apr_strerror(status, text, sizeof(text)));
}

/* Asked of the open file, so that nobody can swap it after the check. */
static base_result_t check_file(apr_size_t *size, apr_file_t *file, const char *path,
                                apr_pool_t *pool)
{
    apr_finfo_t finfo;
    apr_status_t status =
        apr_file_info_get(&finfo, APR_FINFO_TYPE | APR_FINFO_PROT | APR_FINFO_SIZE, file);
    if (status != APR_SUCCESS)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0580", because(pool, path, status));
    if (finfo.filetype != APR_REG)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0581",
                         apr_psprintf(pool, "%s: not a regular file", path));
    if (finfo.protection & OTHERS)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0582",
                         apr_psprintf(pool,
                                      "%s: it holds keys and others than its owner may use it; "
                                      "chmod 0600 it",
                                      path));
    if (finfo.size > FILE_MAX_OCTETS)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0583",
                         apr_psprintf(pool, "%s: more than 16 MiB", path));
    *size = (apr_size_t)finfo.size;
    return base_ok();
}

/* The text of an open file, in memory that is wiped with the pool. */
static base_result_t read_file(base_span_t *text, apr_file_t *file, const char *path,
                               apr_pool_t *pool)
{
    base_result_t result = check_file(&text->len, file, path, pool);
    if (result.code != BASE_OK)
        return result;
    unsigned char *octets = base_secret_alloc(pool, text->len);
    apr_status_t status = apr_file_read_full(file, octets, text->len, NULL);
    if (status != APR_SUCCESS)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0584", because(pool, path, status));
    text->data = octets;
    return base_ok();
}

/* Not blocking: to open a FIFO would wait for its other end before it can be refused. */
static base_result_t load_file(json_t **root, const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    base_span_t text = {NULL, 0};
    apr_status_t status =
        apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY | APR_FOPEN_NONBLOCK,
                      APR_FPROT_OS_DEFAULT, pool);
    if (status != APR_SUCCESS)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0585", because(pool, path, status));
    base_result_t result = read_file(&text, file, path, pool);
    apr_file_close(file);
    if (result.code != BASE_OK)
        return result;
    result = gba_json_load(root, text, pool);
    if (result.code != BASE_OK)
        result.detail = apr_psprintf(pool, "%s: %s", path, result.detail);
    return result;
}

static base_result_t read_name(gba_assoc_key_t *name, json_t *object, apr_pool_t *pool)
{
    gba_naf_id_t naf;
    const char *btid = json_string_value(json_object_get(object, "btId"));
    if (!gba_btid_check(btid))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0586", "btId: a B-TID expected");
    base_result_t result = gba_json_read_naf_id(&naf, json_object_get(object, "nafId"), pool);
    if (result.code != BASE_OK)
        result.detail = apr_pstrcat(pool, "nafId.", result.detail, NULL);
    else if (!gba_assoc_key(name, "", btid, &naf))
        result = base_fail(BASE_INTERNAL, "GBA0587", "btId: no hash to be had");
    return result;
}

static base_result_t read_entry(file_source_t *source, json_t *object, apr_size_t index,
                                apr_pool_t *pool)
{
    entry_t *entry = apr_pcalloc(pool, sizeof(*entry));
    entry->index = index;
    entry->info = gba_info_make(pool);
    base_result_t result = read_name(&entry->name, object, pool);
    if (result.code == BASE_OK)
        result = gba_json_read_object(entry->info, object, pool);
    if (result.code != BASE_OK)
        return result;
    const entry_t *other =
        apr_hash_get(source->entries, entry->name.hash, sizeof(entry->name.hash));
    if (other)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0588",
                         apr_psprintf(pool,
                                      "btId: with this nafId in entry %" APR_SIZE_T_FMT " too",
                                      other->index));
    apr_hash_set(source->entries, entry->name.hash, sizeof(entry->name.hash), entry);
    return base_ok();
}

static base_result_t read_entries(file_source_t *source, json_t *root, apr_pool_t *pool)
{
    if (!json_is_array(root))
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0589",
                         apr_psprintf(pool, "%s: an array expected", source->path));
    for (apr_size_t i = 0; i < json_array_size(root); i++) {
        base_result_t result = read_entry(source, json_array_get(root, i), i, pool);
        if (result.code == BASE_OK)
            continue;
        result.detail =
            apr_psprintf(pool, "%s: entry %" APR_SIZE_T_FMT ": %s", source->path, i, result.detail);
        return result;
    }
    return base_ok();
}

/* A key that has expired is answered like any other: its age is the portal's business. */
static base_result_t file_lookup(void *baton, const gba_lookup_t *question, gba_info_t *out,
                                 apr_pool_t *pool)
{
    const file_source_t *source = baton;
    gba_assoc_key_t name;
    const entry_t *entry = NULL;
    if (gba_assoc_key(&name, "", question->btid, &question->naf))
        entry = apr_hash_get(source->entries, name.hash, sizeof(name.hash));
    if (!entry) {
        base_secret_wipe(out, sizeof(*out));
        return base_fail(BASE_UNKNOWN_BTID, "GBA0590",
                         apr_psprintf(pool, "%s is not in %s for this NAF",
                                      gba_btid_redact(pool, question->btid), source->path));
    }
    memcpy(out, entry->info, sizeof(*out));
    out->fetched = source->clock->wall(source->clock->baton);
    return base_ok();
}

base_result_t keeper_file_open(gba_keysource_t **out, const char *path, const base_clock_t *clock,
                               apr_pool_t *pool)
{
    json_t *root = NULL;
    apr_pool_t *scratch; /* holds the text of the file: wiped before this returns */
    file_source_t *source = apr_pcalloc(pool, sizeof(*source));
    source->seam.baton = source;
    source->seam.lookup = file_lookup;
    source->seam.name = apr_pstrdup(pool, path);
    source->path = apr_pstrdup(pool, path);
    source->clock = clock;
    source->entries = apr_hash_make(pool);
    *out = NULL;
    if (apr_pool_create(&scratch, pool) != APR_SUCCESS)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0591", "no memory for the key file");
    base_result_t result = load_file(&root, source->path, scratch);
    if (result.code == BASE_OK) {
        result = read_entries(source, root, pool);
        gba_json_free(root);
    }
    if (result.code == BASE_OK)
        *out = &source->seam;
    else
        result.detail = apr_pstrdup(pool, result.detail);
    apr_pool_destroy(scratch);
    return result;
}
