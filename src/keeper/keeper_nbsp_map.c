/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper_nbsp_map.h"

#include <string.h>
#include "base/base_text.h"
#include "gba/gba_names.h"

#define FIT_ALL   1u
#define FIT_WHOLE 1000u /* above every length of a suffix */

int keeper_nbsp_pattern_check(const char *pattern)
{
    if (strcmp(pattern, "*") == 0)
        return 1;
    if (strncmp(pattern, "*.", 2) == 0)
        pattern += 2;
    /* A domain of two labels at least; the B-TID's may be shorter, but then nothing names it. */
    return gba_fqdn_check(pattern);
}

unsigned keeper_nbsp_pattern_fit(const char *pattern, const char *domain)
{
    apr_size_t len = strlen(domain);
    apr_size_t tail;
    if (strcmp(pattern, "*") == 0)
        return FIT_ALL;
    if (strncmp(pattern, "*.", 2) != 0)
        return base_equal_nocase(pattern, domain) ? FIT_WHOLE : 0;
    tail = strlen(pattern + 1);
    if (len <= tail || !base_equal_nocase(pattern + 1, domain + len - tail))
        return 0;
    return FIT_ALL + (unsigned)tail;
}

unsigned keeper_nbsp_patterns_fit(const apr_array_header_t *patterns, const char *domain)
{
    unsigned best = 0;
    for (int i = 0; i < patterns->nelts; i++) {
        unsigned fit = keeper_nbsp_pattern_fit(APR_ARRAY_IDX(patterns, i, const char *), domain);
        if (fit > best)
            best = fit;
    }
    return best;
}

const char *keeper_nbsp_patterns_both(const apr_array_header_t *one,
                                      const apr_array_header_t *other)
{
    for (int i = 0; i < one->nelts; i++)
        for (int j = 0; j < other->nelts; j++)
            if (base_equal_nocase(APR_ARRAY_IDX(one, i, const char *),
                                  APR_ARRAY_IDX(other, j, const char *)))
                return APR_ARRAY_IDX(one, i, const char *);
    return NULL;
}
