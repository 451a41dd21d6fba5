/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_nbsp_easy.h
 * A job as a libcurl transfer: every option that is set, and what is kept of
 * the response. Private to the engine.
 */
#ifndef keeper_nbsp_easy_h
#define keeper_nbsp_easy_h

#include "keeper/keeper_nbsp_engine.h"

/** libcurl for this process, once: with memory that is wiped when it is freed, since responses and
 *  tokens pass through it, and without what its environment could add. Nonzero on success. */
int keeper_nbsp_easy_init(void);

/** Makes job->easy. Nonzero on success; else nothing is left to close. */
int keeper_nbsp_easy_open(keeper_nbsp_job_t *job);

/** The transfer is over with @a code and in no multi handle: takes what the job wants to know of
 *  it, and lets go of it. */
void keeper_nbsp_easy_close(keeper_nbsp_job_t *job, CURLcode code);

#endif
