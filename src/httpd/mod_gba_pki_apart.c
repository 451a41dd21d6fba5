/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_keeper.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>
#include <unixd.h>

#include "httpd/mod_gba_pki_module.h"

/* What the short-lived process says: one report, in one write. */
typedef struct report_t {
    int code;    /* base_code_t */
    char tag[8]; /* with its NUL */
    char detail[512];
} report_t;

static int become(const char *name, uid_t uid, gid_t gid)
{
    int groups = name ? initgroups(name, gid) : setgroups(0, NULL);

    return groups == 0 && setgid(gid) == 0 && setuid(uid) == 0 && setuid(0) != 0;
}

int mod_gba_pki_drop_root(const mod_gba_pki_srv_t *srv)
{
    if (geteuid() != 0)
        return 1;
    if (srv->keeper_user)
        return become(srv->keeper_user, srv->keeper_uid, srv->keeper_gid);
    return become(ap_unixd_config.user_name, ap_unixd_config.user_id, ap_unixd_config.group_id);
}

static void report_and_exit(int out, base_result_t result)
{
    report_t report;

    memset(&report, 0, sizeof(report));
    report.code = (int)result.code;
    apr_cpystrn(report.tag, result.tag ? result.tag : "", sizeof(report.tag));
    apr_cpystrn(report.detail, result.detail ? result.detail : "", sizeof(report.detail));
    _exit(write(out, &report, sizeof(report)) == (ssize_t)sizeof(report) ? 0 : 1);
}

static int read_report(int in, report_t *report)
{
    apr_size_t have = 0;

    while (have < sizeof(*report)) {
        ssize_t got = read(in, (char *)report + have, sizeof(*report) - have);
        if (got == 0 || (got < 0 && errno != EINTR))
            return 0;
        have += got > 0 ? (apr_size_t)got : 0;
    }
    report->tag[sizeof(report->tag) - 1] = report->detail[sizeof(report->detail) - 1] = '\0';
    return report->code >= BASE_OK && report->code < BASE_CODES;
}

static void work_apart(int out, base_result_t (*work)(void *, apr_pool_t *), void *baton,
                       const mod_gba_pki_srv_t *as, apr_pool_t *pool)
{
    base_result_t result = base_fail(BASE_INTERNAL, "GBA0680", "cannot take the keeper's user");

    prctl(PR_SET_DUMPABLE, 0);
    if (!as || mod_gba_pki_drop_root(as))
        result = work(baton, pool);
    report_and_exit(out, result);
}

base_result_t mod_gba_pki_apart(base_result_t (*work)(void *baton, apr_pool_t *pool), void *baton,
                                const mod_gba_pki_srv_t *as, apr_pool_t *pool)
{
    report_t *report = apr_pcalloc(pool, sizeof(*report));
    int ends[2];
    int sound;
    pid_t pid;

    if (pipe(ends) != 0)
        return base_fail(BASE_INTERNAL, "GBA0681", "no pipe");
    pid = fork();
    if (pid == 0)
        work_apart(ends[1], work, baton, as, pool);
    close(ends[1]);
    sound = pid > 0 && read_report(ends[0], report);
    close(ends[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (!sound)
        return base_fail(BASE_INTERNAL, "GBA0682", "the process that was to check it died");
    return report->code == BASE_OK
               ? base_ok()
               : base_fail((base_code_t)report->code, report->tag, report->detail);
}
