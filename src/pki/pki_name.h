/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pki_name.h
 * What may stand in a certificate as a name, an address or an object
 * identifier, and the templates that names come from. Not for other layers.
 * Pure; thread-safe.
 */
#ifndef pki_name_h
#define pki_name_h

#include "pki/pki_profile.h"

#define PKI_VALUE_MAX (2 * PKI_TEMPLATE_MAX) /**< octets of an expanded template */

/** An attribute type of a subject (RFC 5280 4.1.2.4 and A.1). */
typedef struct pki_attribute_t {
    const char *type; /**< before the '=' of a template */
    int nid;          /**< OpenSSL's number */
    int string;       /**< V_ASN1_UTF8STRING or V_ASN1_PRINTABLESTRING */
    int min;          /**< characters */
    int max;          /**< characters: the upper bound of RFC 5280 A.1 */
} pki_attribute_t;

/** The type of "CN=..."; NULL if there is none such. @a value is set to what stands behind '='. */
const pki_attribute_t *pki_attribute_find(const char *rdn, const char **value);

/** Nonzero if the expanded @a value may be one of that type: characters and their number. */
int pki_attribute_takes(const pki_attribute_t *attribute, const char *value);

/** A kind of subject alternative name (RFC 5280 4.2.1.6). */
typedef struct pki_san_t {
    const char *prefix;                 /**< "email:" and so on */
    int type;                           /**< GEN_EMAIL, GEN_DNS, GEN_URI */
    int (*is_sound)(const char *value); /**< syntax of an expanded value */
} pki_san_t;

/** The kind of "email:..."; NULL if there is none such. @a value is set to what stands behind it.
 */
const pki_san_t *pki_san_find(const char *san, const char **value);

/** Nonzero if @a oid is one in dots, without leading zeros, and short enough for DER. */
int pki_oid_is_sound(const char *oid);

/** Nonzero if @a url starts with one of @a schemes ("http" ...; ends with NULL), "://" and a host,
 *  and holds only characters of RFC 3986. */
int pki_url_is_sound(const char *url, const char *const *schemes);

/** What a template asks for. */
typedef struct pki_template_use_t {
    int names;    /**< nonzero: any name at all */
    int identity; /**< nonzero: an IMPI or a UE identity */
} pki_template_use_t;

/** Reads a template. @return NULL, or what is wrong with it; static */
const char *pki_template_read(pki_template_use_t *use, const char *text);

/** pki_template_expand() into @a out. Nonzero on success; otherwise @a out is "". */
int pki_template_write(char out[PKI_VALUE_MAX + 1], const char *text, const pki_names_t *names);

/** pki_profile_check() for who needs no words. */
int pki_profile_is_sound(const pki_profile_t *profile);

#endif
