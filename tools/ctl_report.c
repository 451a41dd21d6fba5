/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl_report.h"
#include <stdio.h>
#include "tool_text.h"

void ctl_complain(const ctl_t *ctl, const char *text)
{
    fflush(stdout); /* what was found before comes first also where both go into one pipe */
    fprintf(stderr, "gba-pkictl: %s\n", tool_plain(ctl->pool, text));
}

int ctl_flush(const ctl_t *ctl, ctl_exit_t code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return (int)code;
    ctl_complain(ctl, "cannot write to standard output");
    return CTL_LOCAL;
}

static void print_object(const ctl_t *ctl, ctl_exit_t code, json_t *facts, const char *text)
{
    json_t *object = json_object();
    int bad = json_object_set_new(object, "outcome", json_string(ctl_exit_name(code)));
    bad |= json_object_set_new(object, "exit_code", json_integer((json_int_t)code));
    bad |= json_object_set_new(object, "detail", tool_json(text, ctl->pool));
    if (facts)
        bad |= json_object_update(object, facts);
    if (bad || json_dumpf(object, stdout, JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER) != 0)
        ctl_complain(ctl, "cannot print the outcome as JSON");
    fputc('\n', stdout);
    json_decref(object);
}

int ctl_end(const ctl_t *ctl, ctl_exit_t code, json_t *facts, const char *text)
{
    if (ctl->opts->json)
        print_object(ctl, code, facts, text);
    json_decref(facts);
    if (code != CTL_OK)
        ctl_complain(ctl, text);
    else if (!ctl->opts->json)
        printf("%s\n", tool_plain(ctl->pool, text));
    return ctl_flush(ctl, code);
}

int ctl_fail(const ctl_t *ctl, ctl_exit_t code, const char *text)
{
    return ctl_end(ctl, code, NULL, text);
}
