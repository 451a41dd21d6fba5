/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_ue.c
 * gba-ue(1): the UE of a GBA PKI portal. Start reading at ue_enrol.c.
 */
#include "config.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <apr_general.h>
#include <curl/curl.h>
#include "ue_bootstrap.h"
#include "ue_enrol.h"
#include "ue_report.h"

static const char *const words[] = {"enrol", "bootstrap"}; /* by ue_command_t */

static int out_of_memory(int status)
{
    (void)status;
    fputs("gba-ue: out of memory\n", stderr);
    exit(UE_LOCAL);
}

/* A core file would hold Ks_NAF. */
static void forbid_core_files(void)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        perror("gba-ue: setrlimit");
}

static int run_command(ue_command_t command, int argc, const char *const *argv, apr_pool_t *pool)
{
    ue_options_t opts;
    ue_result_t result = {.outcome = UE_USAGE};
    if (!ue_options_parse(&opts, command, argc, argv, &result.detail, pool)) {
        opts.json = tool_wants_json(argc, argv);
        if (!opts.json)
            fprintf(stderr, "gba-ue: see gba-ue %s --help\n", words[command]);
        return ue_report(&opts, &result, pool);
    }
    if (opts.help)
        return fputs(ue_options_command_help(command), stdout) == EOF ? UE_LOCAL : 0;
    if (command == UE_COMMAND_BOOTSTRAP)
        ue_bootstrap_run(&result, &opts, pool);
    else
        ue_enrol(&result, &opts, pool);
    return ue_report(&opts, &result, pool);
}

static int run(int argc, const char *const *argv, apr_pool_t *pool)
{
    const char *word = argc > 1 ? argv[1] : "";
    for (int command = UE_COMMAND_ENROL; command <= UE_COMMAND_BOOTSTRAP; command++)
        if (strcmp(word, words[command]) == 0)
            return run_command((ue_command_t)command, argc - 2, argv + 2, pool);
    if (strcmp(word, "--version") == 0)
        return puts("gba-ue " PACKAGE_VERSION) == EOF ? UE_LOCAL : 0;
    if (strcmp(word, "--help") == 0)
        return fputs(ue_options_help(), stdout) == EOF ? UE_LOCAL : 0;
    fputs(ue_options_help(), stderr);
    return UE_USAGE;
}

int main(int argc, const char *const *argv)
{
    apr_pool_t *pool;
    forbid_core_files();
    signal(SIGPIPE, SIG_IGN); /* a broken connection is an outcome, not the end */
    if (apr_app_initialize(&argc, &argv, NULL) != APR_SUCCESS ||
        apr_pool_create_ex(&pool, NULL, out_of_memory, NULL) != APR_SUCCESS ||
        curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fputs("gba-ue: cannot start\n", stderr);
        return UE_LOCAL;
    }
    digest_hash_init();
    int code = run(argc, argv, pool);
    apr_pool_destroy(pool);
    curl_global_cleanup();
    apr_terminate();
    return code;
}
