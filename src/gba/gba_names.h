/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_names.h
 * GBA's names: B-TID, realm, NAF_Id, Ua security protocol identifier. Pure; thread-safe.
 */
#ifndef gba_names_h
#define gba_names_h

#include "base/base_text.h"
#include "gba/gba_info.h"

/** Which key and challenge a realm stands for (TS 24.109 5.2.4). */
typedef enum gba_realm_kind_t {
    GBA_REALM_ME = 0, /**< "3GPP-bootstrapping@": Ks_NAF or Ks_ext_NAF */
    GBA_REALM_UICC,   /**< "3GPP-bootstrapping-uicc@": Ks_int_NAF */
    GBA_REALM_DIGEST  /**< "3GPP-bootstrapping-digest@": GBA_Digest */
} gba_realm_kind_t;

/** A NAF as the KDF and the BSF see it (TS 33.220 4.5.2: NAF_Id = FQDN || Ua id). */
typedef struct gba_naf_id_t {
    char fqdn[GBA_FQDN_MAX + 1];        /**< lower case, no trailing dot */
    unsigned char ua_id[GBA_UA_ID_LEN]; /**< Ua security protocol identifier */
} gba_naf_id_t;

/**
 * Checks a B-TID: "something@domain", 3 to GBA_BTID_MAX octets of printable ASCII without
 * spaces, `"` or `\`; the part before the last '@' is opaque to us; the domain is a host name.
 * @return nonzero if it is one
 */
int gba_btid_check(const char *btid);

/** The part after the last '@' of a checked B-TID: which BSF made it, if it is to be believed. */
const char *gba_btid_domain(const char *btid);

/** A B-TID for a log: at most the first 6 characters of the opaque part, "...", and the domain.
 *  In @a pool; safe to print whatever the UE sent. */
const char *gba_btid_redact(apr_pool_t *pool, const char *btid);

/** Nonzero if @a fqdn is a host name of at least two labels (letters, digits, '-'), at most
 *  GBA_FQDN_MAX octets, no trailing dot. Case is not looked at. */
int gba_fqdn_check(const char *fqdn);

/** The realm of @a kind for @a fqdn: "3GPP-bootstrapping@fqdn". In @a pool. */
const char *gba_realm_print(apr_pool_t *pool, gba_realm_kind_t kind, const char *fqdn);

/** Sets a NAF_Id; the name is lower-cased. Nonzero unless gba_fqdn_check() refuses the name. */
int gba_naf_id_set(gba_naf_id_t *naf, const char *fqdn, const unsigned char ua_id[GBA_UA_ID_LEN]);

/** The NAF_Id's octets (name, then the five) into @a out; returns how many. */
apr_size_t gba_naf_id_octets(const gba_naf_id_t *naf, unsigned char out[GBA_NAF_ID_MAX]);

/**
 * Nonzero if a User-Agent value has @a product as a product token (TS 24.109 5.2.1). Tokens are
 * looked for between token boundaries and the field is not parsed: the standard's own example
 * ("SCEnrolmentAgent; Release-6 3gpp-gba") is no User-Agent by RFC 9110. NULL has none.
 */
int gba_agent_has(const char *user_agent, const char *product);

/**
 * A Ua security protocol identifier as directives and options write it (TS 33.220 H.2, H.3):
 * "pki" (0100000000, TS 33.221), "digest" (0100000002, TS 24.109), or "hex:" and ten hex digits.
 * @return nonzero on success
 */
int gba_ua_id_parse(unsigned char out[GBA_UA_ID_LEN], const char *text);

#endif
