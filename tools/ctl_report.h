/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ctl_report.h
 * How a command of gba-pkictl(1) ends, told to people and, with --json, as one
 * object.
 */
#ifndef ctl_report_h
#define ctl_report_h

#include <jansson.h>
#include "ctl_options.h"

/** Says on standard error what went wrong, in a form that a terminal only shows. */
void ctl_complain(const ctl_t *ctl, const char *text);

/**
 * The end of a command that prints no rows. With --json @a facts (taken over; NULL: none) are
 * printed with "outcome", "exit_code" and "detail"; else @a text goes to standard output if @a code
 * is CTL_OK, or to standard error.
 * @return @a code, or CTL_LOCAL if standard output cannot be written
 */
int ctl_end(const ctl_t *ctl, ctl_exit_t code, json_t *facts, const char *text);

/** ctl_end() for what could not be done: of a ledger, unless another code is said. */
int ctl_fail(const ctl_t *ctl, ctl_exit_t code, const char *text);

/** The end of a command that printed rows: nonzero standard output errors are CTL_LOCAL. */
int ctl_flush(const ctl_t *ctl, ctl_exit_t code);

#endif
