/* SPDX-License-Identifier: Apache-2.0 */
/* After a look-up, neither child nor keeper has the key in its memory any more, but for what the
 * asker was given: not in a frame, a struct, or a stack (design: secrets are wiped where they are
 * used). */
#include "base/base_secret.h"
#include "keeper_server_fixture.h"

#define MASK       0x5a
#define REGION_MAX (64u << 20) /* a sanitizer's own maps are larger, and hold nothing of ours */
#define CHUNK      65536

static apr_pool_t *pool;
static unsigned char masked[GBA_KEY_LEN];            /* the key, so that this is not a find */
static volatile unsigned char keepsake[GBA_KEY_LEN]; /* what a leaky source keeps */

static void mask_key(const char *name)
{
    gba_lookup_t question = srvf_question(name);
    gba_info_t info;
    srvf_info(&info, &question);
    for (int i = 0; i < GBA_KEY_LEN; i++)
        masked[i] = info.me_key[i] ^ MASK;
    base_secret_wipe(&info, sizeof(info));
}

static int is_key(const unsigned char *at)
{
    for (int i = 0; i < GBA_KEY_LEN; i++)
        if ((at[i] ^ MASK) != masked[i])
            return 0;
    return 1;
}

/* How often the key stands in a region. */
static int search_region(int mem, unsigned long from, unsigned long to)
{
    static unsigned char chunk[CHUNK + GBA_KEY_LEN];
    int finds = 0;
    for (unsigned long at = from; at < to; at += CHUNK) {
        unsigned long want = to - at < sizeof(chunk) ? to - at : sizeof(chunk);
        ssize_t got = pread(mem, chunk, want, (off_t)at);
        for (ssize_t i = 0; i + GBA_KEY_LEN <= got && i < CHUNK; i++)
            finds += is_key(chunk + i);
    }
    base_secret_wipe(chunk, sizeof(chunk));
    return finds;
}

/* How often the key stands in what a process may write to; -1 if it cannot be looked at. */
static int search(pid_t pid)
{
    char path[64], line[512], rights[8];
    unsigned long from, to;
    int finds = 0;
    snprintf(path, sizeof(path), "/proc/%ld/mem", (long)pid);
    int mem = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/%ld/maps", (long)pid);
    FILE *maps = fopen(path, "re");
    if (mem < 0 || !maps)
        return -1;
    while (fgets(line, sizeof(line), maps))
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[0] == 'r' &&
            rights[1] == 'w' && to - from <= REGION_MAX)
            finds += search_region(mem, from, to);
    fclose(maps);
    close(mem);
    return finds;
}

/* The same for the keeper, which wipes after its answer has left. */
static int search_keeper(const srvf_server_t *server)
{
    int finds = search(server->pid);
    for (int i = 0; i < 50 && finds > 0; i++) {
        srvf_sleep(20);
        finds = search(server->pid);
    }
    return finds;
}

static base_result_t source_lookup(void *baton, const gba_lookup_t *question, gba_info_t *out,
                                   apr_pool_t *own)
{
    base_result_t result = srvf_lookup(baton, question, out, own);
    if (strncmp(question->btid, "leaky", 5) == 0)
        for (int i = 0; i < GBA_KEY_LEN; i++)
            keepsake[i] = out->me_key[i];
    return result;
}

/* The code and tag of a look-up, whose info is wiped; also what is found before that. */
static base_code_t ask(keeper_client_t *client, const char *name, int *held)
{
    gba_keysource_t *source = keeper_client_source(client, 0, pool);
    gba_lookup_t question = srvf_question(name);
    gba_info_t info;
    mask_key(name);
    base_result_t result = source->lookup(source->baton, &question, &info, pool);
    if (held)
        *held = search(getpid());
    base_secret_wipe(&info, sizeof(info));
    return result.code;
}

static void test_no_key_stays(srvf_server_t *server, keeper_client_t *client)
{
    int held = 0;
    is_int(ask(client, "secret-one", &held), BASE_OK, "a look-up");
    if (held < 0) {
        ok(1, "keys in memory # SKIP a process cannot be looked at here");
        return;
    }
    ok(held >= 1, "the child has the key while it holds the info: the search works");
    is_int(search(getpid()), 0, "and nowhere after");
    is_int(search_keeper(server), 0, "the keeper has it nowhere");
    is_int(ask(client, "unknown-one", NULL), BASE_UNKNOWN_BTID, "a look-up that fails");
    is_int(search(getpid()), 0, "what the source had put there is not in the child");
    is_int(search_keeper(server), 0, "nor in the keeper");
    is_int(ask(client, "unsound-one", NULL), BASE_KEYSOURCE_DOWN, "an answer that cannot be told");
    is_int(search(getpid()), 0, "is not in the child");
    is_int(search_keeper(server), 0, "nor in the keeper");
    is_int(ask(client, "leaky-one", NULL), BASE_OK, "a source that keeps a key");
    ok(search(server->pid) >= 1, "is found out: the search works there too");
}

/* When the dynamic linker binds a function at its first call, it stores the vector registers on the
 * stack, and so what memcpy() has just moved. This program binds everything at its start. */
static void bind_now(char **argv)
{
    if (getenv("LD_BIND_NOW") || setenv("LD_BIND_NOW", "1", 1) != 0)
        return;
    execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    static const gba_keysource_t source = {NULL, source_lookup, NULL};
    static const gba_keysource_t *const sources[] = {&source};
    static const keeper_parts_t parts = {sources, 1, srvf_issuer, srvf_health, NULL};
    srvf_server_t server;
    (void)argc;
    bind_now(argv);
    srvf_begin();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        srvf_die("pool");
    srvf_prepare(&server);
    server.conf.parts = &parts;
    srvf_start_forked(&server);
    test_no_key_stays(&server, keeper_client_make(srvf_path, 20000, 2, pool));
    srvf_kill(&server);
    apr_pool_destroy(pool);
    srvf_end();
    return tap_done();
}
