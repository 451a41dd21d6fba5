/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_nbsp_map.h
 * Which BSF a B-TID is asked of. The domain in a B-TID is the UE's word: it
 * chooses among the configured BSFs and is never a host to connect to. Pure;
 * thread-safe.
 */
#ifndef keeper_nbsp_map_h
#define keeper_nbsp_map_h

#include <apr_tables.h>

/** Nonzero if @a pattern is a domain, "*.suffix" or "*". */
int keeper_nbsp_pattern_check(const char *pattern);

/**
 * How well @a pattern fits @a domain: 0 not at all; more is better. A whole domain fits best, then
 * the longest suffix ("*.home1.net" fits below home1.net, not home1.net itself), then "*". Letters'
 * case is not looked at.
 */
unsigned keeper_nbsp_pattern_fit(const char *pattern, const char *domain);

/** The best fit among @a patterns (of const char *). */
unsigned keeper_nbsp_patterns_fit(const apr_array_header_t *patterns, const char *domain);

/** A pattern that stands in both lists; NULL if none does. */
const char *keeper_nbsp_patterns_both(const apr_array_header_t *one,
                                      const apr_array_header_t *other);

#endif
