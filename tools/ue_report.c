/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_report.h"
#include <stdlib.h>
#include "tool_text.h"

FILE *ue_report_people(const ue_options_t *opts)
{
    return opts->json || (!opts->out && !opts->is_bootstrap) ? stderr : stdout;
}

/* A bootstrapping that went well has an outcome of its own name. */
static const char *name_of(const ue_result_t *result)
{
    return result->outcome == UE_ENROLLED && !result->pem ? "bootstrapped"
                                                          : ue_outcome_name(result->outcome);
}

static int add_texts(json_t *object, const ue_result_t *result, apr_pool_t *pool)
{
    const struct {
        const char *name, *text;
    } members[] = {
        {"outcome", name_of(result)},     {"detail", result->detail},
        {"reason", result->reason},       {"serial", result->serial},
        {"not_after", result->not_after}, {"certificate_file", result->cert_file},
        {"key_file", result->key_file},   {"certificate", result->cert_file ? NULL : result->pem},
        {"algorithm", result->algorithm}, {"btid", result->btid},
        {"expires", result->expires},
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        failed |= json_object_set_new(object, members[i].name, tool_json(members[i].text, pool));
    return !failed;
}

static int print_json(const ue_result_t *result, apr_pool_t *pool)
{
    json_t *object = json_object();
    json_t *status = result->status ? json_integer(result->status) : json_null();
    int done = object && add_texts(object, result, pool);
    done = done && json_object_set(object, "status", status) == 0;
    done = done && json_object_set_new(object, "exit_code", json_integer(result->outcome)) == 0;
    done = done && json_object_set_new(object, "verified", json_boolean(result->verified)) == 0;
    done = done && json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0;
    json_decref(status);
    json_decref(object);
    return done && fputc('\n', stdout) != EOF;
}

static void print_enrolled(FILE *to, const ue_result_t *result)
{
    fprintf(to, "enrolled: certificate %s, valid until %s\n", result->serial, result->not_after);
    fprintf(to, "answer verified with Ks_NAF (%s, auth-int)\n", result->algorithm);
    if (result->cert_file)
        fprintf(to, "certificate: %s\n", result->cert_file);
    if (result->key_file)
        fprintf(to, "key: %s\n", result->key_file);
}

static void print_failure(const ue_result_t *result)
{
    const char *detail = result->detail ? result->detail : "";
    fflush(stdout); /* the trace comes first also where both go into one pipe */
    switch (result->outcome) {
    case UE_AUTH_REFUSED:
        fprintf(stderr, "gba-ue: authentication refused: %s\n", detail);
        break;
    case UE_NOT_VERIFIED:
        fprintf(stderr,
                "gba-ue: VERIFICATION FAILED: %s\n"
                "gba-ue: the answer (status %d) is not believed and nothing of it is kept\n",
                detail, result->status);
        break;
    case UE_PORTAL_ERROR:
        fprintf(stderr, "gba-ue: portal error, verified: %s\n", detail);
        break;
    default:
        fprintf(stderr, "gba-ue: %s: %s\n", ue_outcome_name(result->outcome), detail);
    }
    if (result->key_file)
        fprintf(stderr, "gba-ue: the key stays in %s: try again with --key\n", result->key_file);
    if (result->outcome == UE_LOCAL && result->pem)
        fprintf(stderr, "gba-ue: the certificate was issued; here it is:\n%s", result->pem);
}

static void print_lines(const ue_options_t *opts, const ue_result_t *result)
{
    FILE *to = ue_report_people(opts);
    if (opts->trace)
        fputc('\n', to);
    if (result->outcome == UE_ENROLLED && opts->is_bootstrap)
        fprintf(to,
                "bootstrapped: B-TID %s, until %s\nBSF verified with RES (AKAv1-MD5, auth-int)\n",
                result->btid, result->expires);
    else if (result->outcome == UE_ENROLLED)
        print_enrolled(to, result);
    else if (result->outcome == UE_REFUSED)
        fprintf(to, "refused: %s (%s)\nanswer verified with Ks_NAF (%s, auth-int)\n",
                result->detail, result->reason, result->algorithm);
    else
        print_failure(result);
    if (result->outcome == UE_ENROLLED && !opts->is_bootstrap && !result->cert_file)
        fputs(result->pem, stdout);
}

int ue_report(const ue_options_t *opts, const ue_result_t *result, apr_pool_t *pool)
{
    int done = 1;
    if (opts->json)
        done = print_json(result, pool);
    else
        print_lines(opts, result);
    if (fflush(stdout) != 0 || ferror(stdout) || !done) {
        fputs("gba-ue: cannot write to standard output\n", stderr);
        return UE_LOCAL;
    }
    return (int)result->outcome;
}
