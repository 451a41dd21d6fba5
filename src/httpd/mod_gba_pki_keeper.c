/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>
#include <ap_mpm.h>
#include <http_log.h>
#include <unixd.h>

#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_warden.h"
#include "keeper/keeper_wire.h"

APLOG_USE_MODULE(gba_pki);

#define READY_WITHIN_MS 30000 /* how long the keeper may take to listen */
#define MAX_BUSY        64 /* exchanges under way at once from one child, where nothing else is said */

/* Survives restarts: each generation has its own socket. */
typedef struct counted_t {
    unsigned generation;
} counted_t;

static const char *socket_path; /* of this generation; in pconf */
static keeper_client_t *client; /* in a child */

/* Of this generation: known to keeper and children, who inherit it, and to nothing that is
 * executed, though it may run as the same user (CGI programs do). */
static unsigned char word[KEEPER_WORD_LEN];

static int failed(server_rec *s, const char *tag, int error, const char *what)
{
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, error, s, "%s: %s", tag, what);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static const mod_gba_pki_srv_t *srv_of(server_rec *s)
{
    return ap_get_module_config(s->module_config, &gba_pki_module);
}

/* The folder is the lock on the door: only httpd's user may enter. */
static int make_folder(const char *folder, apr_pool_t *pool, server_rec *s)
{
    struct stat about;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return failed(s, "GBA0700", errno, apr_psprintf(pool, "cannot make %s", folder));
    if (lstat(folder, &about) != 0 || !S_ISDIR(about.st_mode))
        return failed(s, "GBA0701", 0, apr_psprintf(pool, "%s is no folder", folder));
    if ((about.st_mode & 077) != 0)
        return failed(s, "GBA0703", 0,
                      apr_psprintf(pool, "%s may be entered by others: chmod 0700", folder));
    if (geteuid() == 0 && lchown(folder, ap_unixd_config.user_id, ap_unixd_config.group_id) != 0)
        return failed(s, "GBA0702", errno,
                      apr_psprintf(pool, "cannot give %s to httpd's User", folder));
    return OK;
}

static const char *choose_folder(apr_pool_t *pconf, server_rec *s)
{
    const char *folder = srv_of(s)->keeper_folder;

    return folder ? folder : ap_runtime_dir_relative(pconf, MOD_GBA_PKI_KEEPER_FOLDER);
}

/* A name that no other generation of this or another httpd has. */
static const char *choose_path(const char *folder, apr_pool_t *pconf)
{
    static const char name[] = "mod_gba_pki keeper";
    counted_t *counted = ap_retained_data_get(name);

    if (!counted)
        counted = ap_retained_data_create(name, sizeof(*counted));
    return apr_psprintf(pconf, "%s/sock.%d.%u", folder, (int)getpid(),
                        ++counted->generation % 100000);
}

static apr_status_t close_fd(void *fd)
{
    close((int)(apr_uintptr_t)fd);
    return APR_SUCCESS;
}

/* Not inherited by what children execute: a CGI program must not keep a keeper alive. */
static int make_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC) == 0;
}

static int wait_ready(int ready, server_rec *s)
{
    struct pollfd waiting = {.fd = ready, .events = POLLIN};
    char said = 0;
    int rc;

    do {
        rc = poll(&waiting, 1, READY_WITHIN_MS);
    } while (rc < 0 && errno == EINTR);
    if (rc > 0 && read(ready, &said, 1) == 1 && said == 'r')
        return OK;
    return failed(s, "GBA0704", 0, "the keeper did not start; the reason is above, or in the log");
}

/* Forks twice and waits for the first, so that the warden is init's child: httpd would otherwise
 * find a process that it does not know among its own after a restart. */
static int fork_warden(const mod_gba_pki_warden_t *warden, server_rec *s)
{
    int status;
    pid_t pid = fork();

    if (pid < 0)
        return failed(s, "GBA0705", errno, "cannot fork the keeper's warden");
    if (pid == 0) {
        pid = fork();
        if (pid == 0)
            mod_gba_pki_warden_run(warden);
        _exit(pid < 0);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return OK; /* httpd's SIGCHLD handling took it: nothing is lost */
    return status == 0 ? OK : failed(s, "GBA0706", 0, "cannot fork the keeper's warden");
}

static int start(apr_pool_t *pconf, server_rec *s)
{
    int lifeline[2], ready[2];
    mod_gba_pki_warden_t warden = {
        .path = socket_path, .srv = srv_of(s), .word = word, .server = s};
    const base_random_t *random = base_random_system();
    int status;

    if (!random->fill(random->baton, word, sizeof(word)))
        return failed(s, "GBA1842", 0, "no random octets for the keeper's word");
    if (!make_pipe(lifeline) || !make_pipe(ready))
        return failed(s, "GBA0707", errno, "no pipe for the keeper");
    warden.parts = mod_gba_pki_parts(pconf);
    warden.lifeline = lifeline[0];
    warden.ready = ready[1];
    status = fork_warden(&warden, s);
    close(lifeline[0]);
    close(ready[1]);
    /* The parent's end: closed at a restart; children of this generation keep theirs. */
    apr_pool_cleanup_register(pconf, (void *)(apr_uintptr_t)lifeline[1], close_fd,
                              apr_pool_cleanup_null);
    if (status == OK)
        status = wait_ready(ready[0], s);
    close(ready[0]);
    return status;
}

static int has_work(const mod_gba_pki_parts_t *parts)
{
    return parts->sources->nelts + parts->cas->nelts + parts->ledgers->nelts > 0;
}

/* The folder that will hold the keeper's own must be there. If it is httpd's own runtime folder, it
 * may be its start script that makes it. */
static int check_parent(const char *folder, apr_pool_t *pool, server_rec *s)
{
    const char *slash = strrchr(folder, '/');
    const char *parent =
        slash ? apr_pstrmemdup(pool, folder, (apr_size_t)(slash - folder) + 1) : ".";
    struct stat about;

    if ((stat(parent, &about) == 0 && S_ISDIR(about.st_mode)) ||
        strcmp(folder, ap_runtime_dir_relative(pool, MOD_GBA_PKI_KEEPER_FOLDER)) == 0)
        return OK;
    return failed(s, "GBA1650", 0,
                  apr_psprintf(pool, "GBAKeeper: the folder %s, which is to hold %s, is not there",
                               parent, folder));
}

int mod_gba_pki_keeper_check(apr_pool_t *pconf, server_rec *s)
{
    const char *folder = choose_folder(pconf, s);
    struct stat about;

    if (!has_work(mod_gba_pki_parts(pconf)))
        return OK;
    if (strlen(folder) + MOD_GBA_PKI_SOCKET_ROOM > sizeof(((struct sockaddr_un *)0)->sun_path))
        return failed(s, "GBA1651", 0,
                      apr_psprintf(pconf,
                                   "the keeper's folder %s has too long a path: set GBAKeeper",
                                   folder));
    if (lstat(folder, &about) != 0)
        return check_parent(folder, pconf, s);
    if (!S_ISDIR(about.st_mode) || (about.st_mode & 077) != 0)
        return failed(s, "GBA1652", 0,
                      apr_psprintf(pconf, "GBAKeeper: %s is no folder with mode 0700", folder));
    return OK;
}

int mod_gba_pki_keeper_start(apr_pool_t *pconf, server_rec *s)
{
    const char *folder = choose_folder(pconf, s);
    int status;

    if (!has_work(mod_gba_pki_parts(pconf)))
        return OK;
    socket_path = choose_path(folder, pconf);
    status = make_folder(folder, pconf, s);
    return status == OK ? start(pconf, s) : status;
}

/* Some threads are left for what needs no keeper, where a child has more than one. */
int mod_gba_pki_keeper_share(const mod_gba_pki_srv_t *srv)
{
    int threads = 0;

    if (srv->keeper_threads != -1)
        return (int)srv->keeper_threads;
    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads) != APR_SUCCESS || threads < 2)
        return 1;
    return threads / 2 < MAX_BUSY ? threads / 2 : MAX_BUSY;
}

static int deadline_ms(const mod_gba_pki_srv_t *srv)
{
    apr_interval_time_t span = srv->keeper_timeout;

    if (span == -1)
        span = MOD_GBA_PKI_KEEPER_TIMEOUT;
    return apr_time_as_msec(span) < INT_MAX / 2 ? (int)apr_time_as_msec(span) : INT_MAX / 2;
}

void mod_gba_pki_keeper_child(apr_pool_t *pchild, server_rec *s)
{
    const mod_gba_pki_parts_t *parts = mod_gba_pki_parts(s->process->pconf);

    if (!socket_path)
        return;
    client = keeper_client_make(socket_path, deadline_ms(srv_of(s)),
                                mod_gba_pki_keeper_share(srv_of(s)), pchild);
    keeper_client_word(client, word);
    for (int i = 0; i < parts->sources->nelts; i++) {
        mod_gba_pki_source_t *source = APR_ARRAY_IDX(parts->sources, i, mod_gba_pki_source_t *);
        gba_keysource_t *asked = keeper_client_source(client, source->index, pchild);
        /* As the keeper's own source is named: both write the same association. */
        asked->name = source->name;
        source->source = asked;
    }
}

keeper_client_t *mod_gba_pki_keeper_client(void)
{
    return client;
}
