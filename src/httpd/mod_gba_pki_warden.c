/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_warden.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_portable.h>
#include <http_log.h>

#include "httpd/mod_gba_pki_meter.h"
#include "httpd/mod_gba_pki_module.h"

APLOG_USE_MODULE(gba_pki);

#define BACKOFF_MAX_S 30 /* longest wait before a keeper that keeps dying is started again */
#define LIVED_LONG_S  60 /* a keeper that lived so long starts the back-off anew */
#define START_FAILED  3  /* exit code of a keeper that could not start; it has said why */

static volatile sig_atomic_t told_to_go;

static void go(int sig)
{
    (void)sig;
    told_to_go = 1;
}

static void wake(int sig)
{
    (void)sig;
}

/* httpd's own handlers were inherited. Terminals and httpd's restarts are not for us: the lifeline
 * says when to go, and SIGTERM from an operator. That one and SIGCHLD come in only while the warden
 * waits, so that none is lost between two waits. */
static void set_signals(void)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGPIPE};
    static const int defaults[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM};
    struct sigaction going = {.sa_handler = go};
    struct sigaction waking = {.sa_handler = wake};
    sigset_t held;

    for (apr_size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
    for (apr_size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
        signal(defaults[i], SIG_DFL);
    signal(SIGWINCH, SIG_IGN);
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGCHLD);
    sigprocmask(SIG_SETMASK, &held, NULL);
    sigaction(SIGTERM, &going, NULL);
    sigaction(SIGCHLD, &waking, NULL);
}

static int is_kept(const mod_gba_pki_warden_t *warden, int fd)
{
    apr_os_file_t log = -1;

    if (warden->server->error_log)
        apr_os_file_get(&log, warden->server->error_log);
    return fd <= STDERR_FILENO || fd == log || fd == warden->lifeline || fd == warden->ready;
}

/* httpd's listening sockets above all: kept open here, they would keep its ports taken after it has
 * gone. What stays is standard error, the error log, the lifeline and the ready pipe. */
static void close_others(const mod_gba_pki_warden_t *warden)
{
    DIR *open_ones = opendir("/proc/self/fd");
    const struct dirent *entry;
    long limit = sysconf(_SC_OPEN_MAX);

    while (open_ones && (entry = readdir(open_ones)) != NULL) {
        apr_uint64_t fd;
        if (base_decimal_decode(&fd, base_span_str(entry->d_name), INT_MAX) &&
            (int)fd != dirfd(open_ones) && !is_kept(warden, (int)fd))
            close((int)fd);
    }
    if (open_ones) {
        closedir(open_ones);
        return;
    }
    /* Without /proc: one by one. */
    for (int fd = 0; fd < (limit > 0 && limit < 65536 ? limit : 65536); fd++)
        if (!is_kept(warden, fd))
            close(fd);
}

/* Ends early when a signal comes. */
static int lifeline_ended(int lifeline, int wait_s)
{
    struct pollfd end = {.fd = lifeline, .events = POLLIN};
    struct timespec wait = {.tv_sec = wait_s};
    sigset_t none;

    sigemptyset(&none);
    return ppoll(&end, 1, &wait, &none) > 0 && (end.revents & (POLLHUP | POLLIN | POLLERR)) != 0;
}

static pid_t fork_keeper(const mod_gba_pki_warden_t *warden)
{
    sigset_t none;
    pid_t pid = fork();

    if (pid < 0)
        ap_log_error(APLOG_MARK, APLOG_ERR, errno, warden->server,
                     "GBA1802: the keeper cannot be forked; trying it again");
    if (pid != 0)
        return pid;
    signal(SIGTERM, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Not exit(): what httpd, its modules and libraries have registered for an exit is theirs. */
    _exit(mod_gba_pki_keeper_main(warden));
}

/* What it died of, for the operator. Nonzero if it should be started again. */
static int log_end(const mod_gba_pki_warden_t *warden, pid_t pid, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, warden->server,
                     "GBA0720: the keeper (pid %d) was killed by signal %d; starting it again",
                     (int)pid, WTERMSIG(status));
    else
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, warden->server,
                     "GBA0721: the keeper (pid %d) ended with status %d; starting it again",
                     (int)pid, WEXITSTATUS(status));
    return 1;
}

/* 0 (at once), 1, 2, 4 ... seconds; cut short when the lifeline ends. */
static int wait_back_off(const mod_gba_pki_warden_t *warden, unsigned *tries, time_t lived)
{
    int seconds;

    if (lived >= LIVED_LONG_S)
        *tries = 0;
    seconds = *tries == 0 ? 0 : *tries > 5 ? BACKOFF_MAX_S : 1 << (*tries - 1);
    (*tries)++;
    return !lifeline_ended(warden->lifeline, seconds) && !told_to_go;
}

static time_t now(void)
{
    struct timespec when;

    clock_gettime(CLOCK_MONOTONIC, &when);
    return when.tv_sec;
}

/* Waits for the keeper's end; passes on an operator's SIGTERM. */
static int wait_for(pid_t pid)
{
    int status = 0;
    sigset_t none;

    sigemptyset(&none);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (told_to_go)
            kill(pid, SIGTERM);
        sigsuspend(&none);
    }
    return status;
}

/* Nobody can write them until there is a keeper again. */
static void say_ledgers_down(const mod_gba_pki_warden_t *warden)
{
    for (int i = 0; i < warden->parts->ledgers->nelts; i++)
        base_gauge_set(mod_gba_pki_meter_ledger(i), 0);
}

void mod_gba_pki_warden_run(const mod_gba_pki_warden_t *warden)
{
    mod_gba_pki_warden_t mine = *warden;
    unsigned tries = 0;
    int again = 1;

    setsid();
    prctl(PR_SET_NAME, "gba-warden");
    set_signals();
    close_others(warden);
    while (again) {
        time_t born = now();
        pid_t pid = fork_keeper(&mine);
        int status = pid < 0 ? 0 : wait_for(pid);
        int first = mine.ready >= 0;

        say_ledgers_down(&mine);
        /* A keeper that could not start at httpd's own start is httpd's failure to start. */
        if (first)
            close(mine.ready);
        mine.ready = -1;
        if (first && WIFEXITED(status) && WEXITSTATUS(status) == START_FAILED)
            break;
        again = !told_to_go && (pid < 0 || log_end(&mine, pid, status));
        again = again && wait_back_off(&mine, &tries, now() - born);
        if (again)
            portal_meter_restarted(mod_gba_pki_meter());
    }
    unlink(mine.path);
    _exit(0);
}
