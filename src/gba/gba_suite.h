/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_suite.h
 * TLS cipher suites in Ua security protocol identifiers. Pure; thread-safe.
 */
#ifndef gba_suite_h
#define gba_suite_h

#include "gba/gba_names.h"

/**
 * The Ua security protocol identifier of HTTP within TLS (TS 33.220 H.3: 01 00 01 yy zz, where yy
 * zz is the suite's number in the IANA registry).
 * @param suite a suite's name, as OpenSSL writes it or as the registry does
 * @return nonzero, or 0 if the suite is not known
 */
int gba_ua_id_tls(unsigned char out[GBA_UA_ID_LEN], const char *suite);

#endif
