/* SPDX-License-Identifier: Apache-2.0 */
#include "portal/portal_meter.h"

#define LAYOUT 1 /* raised where the same sizes come to mean something else */

/* Enumerators that were added in the middle move all that follow them; their numbers tell. */
apr_uint64_t portal_meter_layout(void)
{
    return (apr_uint64_t)sizeof(portal_meter_t) << 32 | (apr_uint64_t)BASE_CODES << 20 |
           (apr_uint64_t)PKI_REASONS << 8 | LAYOUT;
}

/* A number that is none of the table counts as a fault of the program, which it is. */
static base_counter_t *of_code(base_counter_t counters[BASE_CODES], base_code_t code)
{
    return &counters[(unsigned)code < BASE_CODES ? code : BASE_INTERNAL];
}

void portal_meter_authenticated(portal_meter_t *meter, base_code_t code, int challenged)
{
    if (!meter)
        return;
    base_counter_add(of_code(meter->authentications, code));
    if (challenged)
        base_counter_add(&meter->challenges[base_code_info(code)->is_stale != 0]);
}

void portal_meter_failed(portal_meter_t *meter, base_code_t code)
{
    if (meter)
        base_counter_add(of_code(meter->failures, code));
}

void portal_meter_looked_up(portal_meter_t *meter, base_code_t code)
{
    if (meter)
        base_counter_add(of_code(meter->lookups, code));
}

void portal_meter_decided(portal_meter_t *meter, const pki_decision_t *decision,
                          const char *profile)
{
    if (!meter || (unsigned)decision->reason >= PKI_REASONS)
        return;
    base_counter_add(&meter->decisions[decision->reason]);
    if (decision->permit)
        base_names_add(&meter->issued, profile);
}

void portal_meter_timed(portal_meter_t *meter, portal_timed_t what, apr_uint64_t began)
{
    if (meter)
        base_histogram_add(&meter->timed[what], BASE_SCALE_SECONDS, base_meter_now() - began);
}

void portal_meter_grouped(portal_meter_t *meter, int jobs)
{
    if (meter && jobs >= 0)
        base_histogram_add(&meter->group, BASE_SCALE_NUMBER, (apr_uint64_t)jobs);
}

void portal_meter_restarted(portal_meter_t *meter)
{
    if (meter)
        base_counter_add(&meter->restarts);
}
