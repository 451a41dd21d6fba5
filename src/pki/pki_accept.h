/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pki_accept.h
 * Which of two representations a request's Accept field wants more (RFC 9110
 * 12.5.1). Pure; thread-safe.
 */
#ifndef pki_accept_h
#define pki_accept_h

/**
 * Weighs two media types without parameters. For each the most specific range that matches
 * counts; a range with parameters of its own matches neither. A field that breaks the grammar in
 * any place wants nothing.
 * @param accept the field's value; several lines joined by commas; NULL if absent
 * @return nonzero if @a type is wanted more than @a other; 0 on ties too
 */
int pki_accept_prefers(const char *accept, const char *type, const char *other);

#endif
