/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_pkictl.c
 * gba-pkictl(1): the operator's view of the ledger, and of what would be decided. The
 * commands are in ctl_read.c, ctl_ledger.c, ctl_order.c and ctl_decide.c.
 */
#include "config.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <apr_general.h>
#include "ctl_report.h"
#include "ctl_run.h"

#define KEYS    " serial cert csr spki-sha256 reason "
#define ASKED   " url subscriber csr location key ca user timeout "
#define FILTERS " subscriber state from to profile what format "

static const ctl_command_t commands[] = {
    {"list", FILTERS, CTL_NO_OPERAND, ctl_list},
    {"export", FILTERS "certificate ", CTL_NO_OPERAND, ctl_export},
    {"show", " certificate ", CTL_SERIAL, ctl_show},
    {"revoke", " reason ", CTL_SERIAL, ctl_revoke},
    {"key block", KEYS, CTL_NO_OPERAND, ctl_key_block},
    {"key unblock", KEYS, CTL_NO_OPERAND, ctl_key_unblock},
    {"ledger verify", " ca ", CTL_LEDGER_FILE, ctl_ledger_verify},
    {"ledger upgrade", " ", CTL_LEDGER_FILE, ctl_ledger_upgrade},
    {"ledger backup", " ", CTL_FILE, ctl_ledger_backup},
    {"decide", ASKED, CTL_NO_OPERAND, ctl_decide},
    {NULL, NULL, CTL_NO_OPERAND, NULL},
};

static int out_of_memory(int status)
{
    (void)status;
    fputs("gba-pkictl: out of memory\n", stderr);
    exit(CTL_LOCAL);
}

static int run(int argc, const char *const *argv, apr_pool_t *pool)
{
    ctl_options_t opts;
    ctl_t ctl = {&opts, pool};
    if (argc == 1 && strcmp(argv[0], "--version") == 0)
        return puts("gba-pkictl " PACKAGE_VERSION) == EOF ? CTL_LOCAL : CTL_OK;
    const char *error = ctl_options_read(&opts, commands, argc, argv, pool);
    if (error) {
        opts.json = tool_wants_json(argc, argv);
        if (!opts.json)
            fputs("gba-pkictl: see gba-pkictl --help\n", stderr);
        return ctl_fail(&ctl, CTL_USAGE, error);
    }
    if (opts.help)
        return fputs(ctl_options_help(), stdout) == EOF ? CTL_LOCAL : CTL_OK;
    return opts.command->run(&ctl);
}

int main(int argc, const char *const *argv)
{
    apr_pool_t *pool;
    signal(SIGPIPE, SIG_IGN); /* a reader who goes early is told by the exit code */
    umask(077);               /* all that is made here holds subscribers' identities */
    if (apr_app_initialize(&argc, &argv, NULL) != APR_SUCCESS ||
        apr_pool_create_ex(&pool, NULL, out_of_memory, NULL) != APR_SUCCESS) {
        fputs("gba-pkictl: cannot start\n", stderr);
        return CTL_LOCAL;
    }
    int code = run(argc > 0 ? argc - 1 : 0, argv + 1, pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return code;
}
