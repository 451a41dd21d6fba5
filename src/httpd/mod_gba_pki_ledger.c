/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/mod_gba_pki_ledger.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>
#include <httpd.h>
#include <unixd.h>

#include "keeper/keeper_ledger.h"

/* What the short-lived process says: one report, in one write. */
typedef struct report_t {
    int code;    /* base_code_t */
    char tag[8]; /* with its NUL */
    char detail[512];
} report_t;

static int become_child_user(void)
{
    return (!ap_unixd_config.user_name ||
            initgroups(ap_unixd_config.user_name, ap_unixd_config.group_id) == 0) &&
           setgid(ap_unixd_config.group_id) == 0 && setuid(ap_unixd_config.user_id) == 0;
}

static void prepare_and_report(int out, const char *path, apr_pool_t *pool)
{
    report_t report;
    base_result_t result = become_child_user() ? keeper_sqlite_prepare(path, pool)
                                               : base_fail(BASE_INTERNAL, "GBA0680",
                                                           "cannot take httpd's User and Group");

    memset(&report, 0, sizeof(report));
    report.code = (int)result.code;
    apr_cpystrn(report.tag, result.tag ? result.tag : "", sizeof(report.tag));
    apr_cpystrn(report.detail, result.detail ? result.detail : "", sizeof(report.detail));
    if (write(out, &report, sizeof(report)) != (ssize_t)sizeof(report))
        _exit(1);
    _exit(0);
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

static base_result_t prepare_as_child_user(const char *path, apr_pool_t *pool)
{
    report_t *report = apr_pcalloc(pool, sizeof(*report));
    int ends[2];
    int sound;
    pid_t pid;

    if (pipe(ends) != 0)
        return base_fail(BASE_INTERNAL, "GBA0681", "no pipe");
    pid = fork();
    if (pid == 0)
        prepare_and_report(ends[1], path, pool);
    close(ends[1]);
    sound = pid > 0 && read_report(ends[0], report);
    close(ends[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (!sound)
        return base_fail(BASE_INTERNAL, "GBA0682", "the process that makes the ledger died");
    return report->code == BASE_OK
               ? base_ok()
               : base_fail((base_code_t)report->code, report->tag, report->detail);
}

base_result_t mod_gba_pki_ledger_prepare(const char *path, apr_pool_t *pool)
{
    return geteuid() == 0 ? prepare_as_child_user(path, pool) : keeper_sqlite_prepare(path, pool);
}
