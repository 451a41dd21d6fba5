/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/base_secret.h"

typedef struct asker_t {
    pki_passphrase_t seam;
    const keeper_passphrase_t *source;
    apr_pool_t *pool;
} asker_t;

static int fail(asker_t *asker, const char *why)
{
    asker->seam.wrong =
        apr_psprintf(asker->pool, "GBAIssuerPassphrase: %s %s", asker->source->path, why);
    return -1;
}

static apr_int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads until the end of the file, the buffer is full, or the time is over.
 * @return octets, or -1 */
static int read_all(int fd, char *buf, int size, apr_int64_t until)
{
    int have = 0;
    while (have < size) {
        struct pollfd in = {.fd = fd, .events = POLLIN};
        apr_int64_t left = until - now_ms();
        int ready = left > 0 ? poll(&in, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t got = ready > 0 ? read(fd, buf + have, (size_t)(size - have)) : -1;
        if (got < 0 && ready > 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (int)got;
    }
    return have;
}

/* The first line; what stands behind it is wiped. */
static int first_line(asker_t *asker, char *buf, int have, int size)
{
    const char *end = have > 0 ? memchr(buf, '\n', (size_t)have) : NULL;
    int len = end ? (int)(end - buf) : have;
    if (len > 0 && buf[len - 1] == '\r')
        len--;
    base_secret_wipe(buf + len, (apr_size_t)(size - len));
    if (!end && have == size)
        return fail(asker, "gives a line that is too long");
    return len > 0 ? len : fail(asker, "gives no passphrase in its first line");
}

/* ---- a file ---- */

/* Asked of the open file, so that nobody can swap it after the check. */
static const char *check_file(int fd)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return "cannot be looked at";
    if (!S_ISREG(about.st_mode))
        return "is no regular file";
    return (about.st_mode & 077) ? "may be used by others than its owner: chmod 0600 it" : NULL;
}

static int ask_file(asker_t *asker, char *buf, int size)
{
    int fd = open(asker->source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fail(asker, errno == ENOENT   ? "does not exist"
                           : errno == EACCES ? "may not be read by this user"
                                             : "cannot be opened");
    const char *why = check_file(fd);
    int have = why ? 0 : read_all(fd, buf, size, now_ms() + asker->source->timeout_ms);
    close(fd);
    if (why)
        return fail(asker, why);
    return have < 0 ? fail(asker, "cannot be read") : first_line(asker, buf, have, size);
}

/* ---- a program ---- */

/* In the forked process. It inherits no open file but the pipe as standard output, and standard
 * error. */
static void become_program(const keeper_passphrase_t *source, const char *key_path, int out)
{
    const char *argv[18];
    int count = 0;
    int null = open("/dev/null", O_RDONLY);
    sigset_t none;
    while (source->argv[count] && count < 16) {
        argv[count] = source->argv[count];
        count++;
    }
    argv[count++] = key_path;
    argv[count] = NULL;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        close_range(STDERR_FILENO + 1, ~0u, 0) != 0)
        _exit(126);
    execv(source->path, (char *const *)(apr_uintptr_t)argv);
    _exit(127);
}

/* Waits for its end; what still runs when the time is over is killed with all that it started.
 * @return its status, or -1 if it was killed so */
static int reap(pid_t pid, apr_int64_t until)
{
    int status = 0;
    for (;;) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid)
            return status;
        if ((got < 0 && errno != EINTR) || now_ms() >= until)
            break;
        poll(NULL, 0, 10);
    }
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return -1;
}

static const char *what_became(apr_pool_t *pool, int status)
{
    if (status == -1)
        return "did not end in time";
    if (WIFSIGNALED(status))
        return apr_psprintf(pool, "was killed by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) == 127)
        return "cannot be executed";
    return apr_psprintf(pool, "ended with status %d", WEXITSTATUS(status));
}

static int ask_program(asker_t *asker, const char *key_path, char *buf, int size)
{
    apr_int64_t until = now_ms() + asker->source->timeout_ms;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail(asker, "cannot be started: no pipe");
    pid_t pid = fork();
    if (pid == 0)
        become_program(asker->source, key_path, ends[1]);
    close(ends[1]);
    int have = pid > 0 ? read_all(ends[0], buf, size, until) : -1;
    close(ends[0]);
    if (pid < 0)
        return fail(asker, "cannot be started: no process");
    int status = reap(pid, until);
    if (status != 0)
        return fail(asker, what_became(asker->pool, status));
    return have < 0 ? fail(asker, "gives nothing that can be read")
                    : first_line(asker, buf, have, size);
}

/* ---- the seam ---- */

static int ask(void *baton, const char *key_path, char *buf, int size)
{
    asker_t *asker = baton;
    int len =
        asker->source->argv ? ask_program(asker, key_path, buf, size) : ask_file(asker, buf, size);
    if (len < 0)
        base_secret_wipe(buf, (apr_size_t)size);
    return len;
}

pki_passphrase_t *keeper_passphrase_make(const keeper_passphrase_t *source, apr_pool_t *pool)
{
    asker_t *asker = apr_pcalloc(pool, sizeof(*asker));
    asker->source = source;
    asker->pool = pool;
    asker->seam.baton = asker;
    asker->seam.ask = ask;
    return &asker->seam;
}
