/* SPDX-License-Identifier: Apache-2.0 */
/* The "file:" key source: what it answers, whom it lets read its file, what it refuses. */
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "keeper/keeper_file.h"

#define HEX32   "5ec2e75ec2e75ec2e75ec2e75ec2e7ff"
#define HEX64   HEX32 HEX32
#define BTID    "\"btId\":\"I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net\""
#define NAF     "\"nafId\":{\"nafFqdn\":\"naf.home1.net\",\"uaSecProtId\":\"0100000000\"}"
#define KEY     "\"meKeyMaterial\":\"" HEX64 "\""
#define NAMES   BTID "," NAF
#define ENTRY   "{" NAMES "," KEY "}"
#define WALL_US 1893456000000000LL /* 2030-01-01T00:00:00Z */

static char dir[] = "/tmp/test_keeper_file.XXXXXX";

static apr_time_t fixed_wall(void *baton)
{
    (void)baton;
    return WALL_US;
}

static const base_clock_t fixed_clock = {NULL, fixed_wall, NULL};

static const char *path_of(const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, dir, "/", name, NULL);
}

/* A file of this text and mode. */
static const char *write_file(const char *text, mode_t mode, apr_pool_t *pool)
{
    const char *path = path_of("keys.json", pool);
    unlink(path);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0 || chmod(path, mode) != 0) {
        printf("Bail out! cannot write %s\n", path);
        exit(1);
    }
    return path;
}

static base_result_t lookup(gba_keysource_t *source, gba_info_t *info, const char *btid,
                            const char *fqdn, int last_octet)
{
    static apr_pool_t *pool; /* of details: cleared by apr_terminate() */
    gba_lookup_t question;
    const unsigned char ua_id[GBA_UA_ID_LEN] = {1, 0, 0, 0, (unsigned char)last_octet};
    if (!pool)
        apr_pool_create(&pool, NULL);
    memset(&question, 0, sizeof(question));
    memset(info, 0xa5, sizeof(*info));
    apr_cpystrn(question.btid, btid, sizeof(question.btid));
    gba_naf_id_set(&question.naf, fqdn, ua_id);
    return source->lookup(source->baton, &question, info, pool);
}

static int is_wiped(const gba_info_t *info)
{
    static const gba_info_t empty;
    return memcmp(info, &empty, sizeof(empty)) == 0;
}

static void test_good(apr_pool_t *pool)
{
    static const char btid[] = "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net";
    gba_keysource_t *source = NULL;
    gba_info_t info;
    const char *path = write_file(
        "[" ENTRY ",\n{" BTID ",\"nafId\":{\"nafFqdn\":\"NAF.home1.net\",\"uaSecProtId\":"
        "\"0100000002\"},\"meKeyMaterial\":\"11" HEX32 "2233445566778899aabbccddeeff00\","
        "\"impi\":\"a@home1.net\",\"keyExpiryTime\":\"2001-01-01T00:00:00Z\",\"comment\":1}]",
        0600, pool);
    base_result_t result = keeper_file_open(&source, path, &fixed_clock, pool);
    if (!ok(result.code == BASE_OK && source, "a good file is opened")) {
        printf("# %s\n", result.detail);
        return;
    }
    unlink(path);
    is_int(lookup(source, &info, btid, "naf.home1.net", 0).code, BASE_OK, "its first entry");
    is_int(info.me_key[31], 0xff, "with its key");
    is_int(info.expires, 0, "and no end");
    is_int(info.fetched, WALL_US, "answered now");
    is_int(lookup(source, &info, btid, "naf.home1.net", 2).code, BASE_OK, "its second entry");
    is_int(info.me_key[0], 0x11, "with another key");
    is_str(gba_info_text(&info, info.impi), "a@home1.net", "and an IMPI");
    is_int(info.expires, 978307200000000LL, "expired, but answered: that is for others to judge");
    result = lookup(source, &info, "x@bsf.home1.net", "naf.home1.net", 0);
    is_int(result.code, BASE_UNKNOWN_BTID, "another B-TID is unknown");
    ok(is_wiped(&info), "then nothing is answered");
    is_str(result.detail,
           apr_pstrcat(pool, "x...@bsf.home1.net is not in ", path, " for this NAF", NULL),
           "the detail has the B-TID in short");
    is_int(lookup(source, &info, btid, "naf2.home1.net", 0).code, BASE_UNKNOWN_BTID,
           "so is this one for another NAF");
    is_int(lookup(source, &info, btid, "naf.home1.net", 7).code, BASE_UNKNOWN_BTID,
           "or another Ua protocol");
    is_int(lookup(source, &info, "I1U8vpY3qJ0hiuZNrke/NQ==@BSF.home1.net", "naf.home1.net", 0).code,
           BASE_UNKNOWN_BTID, "or in another case");
    path = write_file("[]", 0600, pool);
    is_int(keeper_file_open(&source, path, &fixed_clock, pool).code, BASE_OK, "no entry at all");
    is_int(lookup(source, &info, btid, "naf.home1.net", 0).code, BASE_UNKNOWN_BTID, "knows none");
}

/* Nonzero if opening fails as it should: no source, and a detail that starts with the path, has
 * these words and no key. */
static int is_refused(const char *path, const char *words, apr_pool_t *pool)
{
    gba_keysource_t *source = (gba_keysource_t *)&pool;
    base_result_t result = keeper_file_open(&source, path, &fixed_clock, pool);
    if (result.code == BASE_KEYSOURCE_DOWN && !source && result.tag &&
        strncmp(result.detail, path, strlen(path)) == 0 && strstr(result.detail, words) &&
        !strstr(result.detail, "5ec2e7"))
        return 1;
    printf("# %d %s\n", result.code, result.detail ? result.detail : "");
    return 0;
}

static void test_modes(apr_pool_t *pool)
{
    static const mode_t open_to_others[] = {0644, 0640, 0620, 0610, 0604, 0602, 0601, 0666, 0777};
    gba_keysource_t *source = NULL;
    for (size_t i = 0; i < sizeof(open_to_others) / sizeof(open_to_others[0]); i++)
        ok(is_refused(write_file("[" ENTRY "]", open_to_others[i], pool), "chmod 0600", pool),
           "mode %04o is refused", (unsigned)open_to_others[i]);
    const char *path = write_file("[" ENTRY "]", 0400, pool);
    is_int(keeper_file_open(&source, path, &fixed_clock, pool).code, BASE_OK, "mode 0400 is taken");
}

static void test_kinds(apr_pool_t *pool)
{
    const char *path = path_of("fifo", pool);
    ok(is_refused(path_of("missing", pool), ": ", pool), "no file");
    ok(is_refused(dir, "not a regular file", pool), "a directory");
    ok(mkfifo(path, 0600) == 0 && is_refused(path, "not a regular file", pool),
       "a FIFO, without waiting for its other end");
    unlink(path);
    path = write_file("", 0600, pool);
    ok(is_refused(path, "no JSON", pool), "an empty file");
    ok(truncate(path, 16 * 1024 * 1024 + 1) == 0 && is_refused(path, "more than 16 MiB", pool),
       "an octet more than 16 MiB");
    ok(truncate(path, 16 * 1024 * 1024) == 0 && is_refused(path, "no JSON", pool),
       "16 MiB are read (and are no JSON)");
}

static void test_entries(apr_pool_t *pool)
{
    static const struct {
        const char *text;
        const char *words;
    } rows[] = {
        {"{}", ": an array expected"},
        {ENTRY, ": an array expected"},
        {"[" ENTRY, "no JSON: it ends too early"},
        {"[" ENTRY "]x", "no JSON: something follows"},
        {"[" ENTRY ",{" NAMES "," KEY "," KEY "}]", ": meKeyMaterial: there twice"},
        {"[1]", ": entry 0: btId: "},
        {"[null]", ": entry 0: btId: "},
        {"[{}]", ": entry 0: btId: "},
        {"[{" NAF "," KEY "}]", ": entry 0: btId: "},
        {"[{\"btId\":1," NAF "," KEY "}]", ": entry 0: btId: "},
        {"[{\"btId\":\"no-domain\"," NAF "," KEY "}]", ": entry 0: btId: "},
        {"[{" BTID "," KEY "}]", ": entry 0: nafId.uaSecProtId: "},
        {"[{" BTID ",\"nafId\":\"naf.home1.net\"," KEY "}]", ": entry 0: nafId.uaSecProtId: "},
        {"[{" BTID ",\"nafId\":{\"uaSecProtId\":\"0100000000\"}," KEY "}]",
         ": entry 0: nafId.nafFqdn: "},
        {"[{" NAMES "}]", ": entry 0: meKeyMaterial: missing"},
        {"[" ENTRY ",{\"btId\":\"a@b\"," NAF ",\"meKeyMaterial\":\"" HEX32 "\"}]",
         ": entry 1: meKeyMaterial: 64 hex digits"},
        {"[" ENTRY ",{\"btId\":\"a@b\"," NAF "," KEY ",\"keyExpiryTime\":\"tomorrow\"}]",
         ": entry 1: keyExpiryTime: "},
        {"[{" NAMES "," KEY ",\"ussList\":[{\"uss\":{\"gsId\":1,\"gsType\":1,\"ueIds\":[{}]}}]}]",
         ": entry 0: ussList[0].uss.ueIds[0].ueId: "},
        {"[" ENTRY ",{\"btId\":\"a@b\"," NAF "," KEY "}," ENTRY "]",
         ": entry 2: btId: with this nafId in entry 0 too"},
        {"[" ENTRY ",{" BTID ",\"nafId\":{\"nafFqdn\":\"NAF.HOME1.NET.\",\"uaSecProtId\":"
         "\"0100000000\"}," KEY "}]",
         ": entry 1: btId: with this nafId in entry 0 too"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ok(is_refused(write_file(rows[i].text, 0600, pool), rows[i].words, pool),
           "row %d is refused%s", (int)i, rows[i].words);
}

int main(void)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        !mkdtemp(dir))
        return 1;
    test_good(pool);
    test_modes(pool);
    test_kinds(pool);
    test_entries(pool);
    unlink(path_of("keys.json", pool));
    ok(rmdir(dir) == 0, "the test leaves nothing behind");
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
