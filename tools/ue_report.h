/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_report.h
 * How a run is told: to people, or with --json as one object.
 */
#ifndef ue_report_h
#define ue_report_h

#include <stdio.h>
#include "ue_options.h"
#include "ue_outcome.h"

/** Where text for people goes: standard output, unless that carries data (the JSON object, or
 *  the certificate because there is no --out); then standard error. */
FILE *ue_report_people(const ue_options_t *opts);

/**
 * Reports: JSON object or lines, and the certificate if it has no file.
 * @return the exit code: the outcome, or UE_LOCAL if standard output cannot be written
 */
int ue_report(const ue_options_t *opts, const ue_result_t *result, apr_pool_t *pool);

#endif
