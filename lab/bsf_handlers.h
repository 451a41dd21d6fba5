/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bsf_handlers.h
 * The two handlers of the laboratory BSF, as httpd calls them.
 */
#ifndef bsf_handlers_h
#define bsf_handlers_h

#include <httpd.h>

/** `SetHandler gba-bsf-ub`: bootstrapping over Ub (TS 24.109 clause 4, RFC 3310). */
int bsf_ub_handler(request_rec *r);

/** `SetHandler gba-bsf-nbsp`: BootstrappingInfoRetrieval (TS 29.309). */
int bsf_nbsp_handler(request_rec *r);

#endif
