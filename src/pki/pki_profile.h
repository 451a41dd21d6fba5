/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pki_profile.h
 * One kind of certificate: what unlocks it, what it says, how long it holds,
 * how many of it. Flat, because it crosses the keeper's socket with each
 * question. Pure; thread-safe.
 *
 * Templates: text with %{pseudonym}, %{serial}, %{ueid} (the first UE identity),
 * %{ueid:N} (the N-th, from 1), %{impi}, and %% for a percent sign. What a
 * template names and the subscriber has not makes the name be left out (SAN) or
 * the enrolment refused (subject).
 */
#ifndef pki_profile_h
#define pki_profile_h

#include <apr_pools.h>
#include <apr_time.h>
#include "base/base_result.h"

#define PKI_PROFILE_NAME_MAX 63
#define PKI_TEMPLATE_MAX     191 /**< octets of a template */
#define PKI_PROFILE_RDNS     6   /**< attributes in a subject */
#define PKI_PROFILE_SANS     4   /**< subject alternative names */
#define PKI_PROFILE_EKUS     6   /**< extended key usages */
#define PKI_PROFILE_POLICIES 4   /**< certificate policies */
#define PKI_PROFILE_CRLS     2   /**< CRL distribution points */
#define PKI_OID_MAX          63  /**< octets of an object identifier in dots */
#define PKI_URL_MAX          255 /**< octets of a URL in a certificate */
#define PKI_PROFILE_HASH_LEN 32  /**< SHA-256 */

/** What kind of certificate. Flat; unused texts are "". */
typedef struct pki_profile_t {
    char name[PKI_PROFILE_NAME_MAX + 1];
    apr_uint32_t flag;                /**< USS flag that unlocks it (TS 29.109: 1 or 2); never 0 */
    unsigned usage;                   /**< one PKI_USAGE_ of the certificate, which is unlocked for
                                           it alone (TS 29.109); never both */
    apr_interval_time_t lifetime;     /**< from now to notAfter, microseconds */
    apr_interval_time_t backdate;     /**< from notBefore to now, microseconds */
    apr_interval_time_t renew_before; /**< how long before notAfter the same key gets a new
                                           certificate instead of the one it has, microseconds */
    apr_interval_time_t bootstrap_max_age; /**< since the bootstrapping; 0: any; microseconds */
    apr_uint32_t held_max;   /**< valid certificates of it per subscriber; 0: any number */
    apr_uint32_t issued_max; /**< issued per subscriber within issued_window; 0: any */
    apr_interval_time_t issued_window; /**< microseconds; 0 if issued_max is 0 */
    apr_uint32_t allow_identity;       /**< nonzero: templates may name IMPI and UE identities */
    char subject[PKI_PROFILE_RDNS][PKI_TEMPLATE_MAX + 1]; /**< "CN=%{pseudonym}", "O=Example", in
                                                             the order of the name */
    char sans[PKI_PROFILE_SANS][PKI_TEMPLATE_MAX + 1];    /**< "uri:...", "email:...", "dns:..." */
    char ekus[PKI_PROFILE_EKUS][PKI_OID_MAX + 1];         /**< dotted */
    char policies[PKI_PROFILE_POLICIES][PKI_OID_MAX + 1]; /**< dotted */
    char crls[PKI_PROFILE_CRLS][PKI_URL_MAX + 1];
    char ocsp[PKI_URL_MAX + 1];       /**< AIA id-ad-ocsp */
    char ca_issuers[PKI_URL_MAX + 1]; /**< AIA id-ad-caIssuers */
} pki_profile_t;

/** What templates may name. Texts belong to the caller; NULL if the subscriber has none. */
typedef struct pki_names_t {
    const char *pseudonym;
    const char *serial_hex;
    const char *impi;
    const char *const *ue_ids;
    int ue_id_count;
} pki_names_t;

/** The built-in profiles, in order, where none is configured: "authentication" (flag 1,
 *  digitalSignature) and "non-repudiation" (flag 2, nonRepudiation); 365 days, backdated 5
 *  minutes, renewed in the last 30 days, subject "CN=%{pseudonym}". Static. */
const pki_profile_t *pki_profiles_default(int *count);

/** An empty profile of that name with every default of the built-in ones but flag and usage. */
void pki_profile_init(pki_profile_t *profile, const char *name);

/**
 * Whether it can be used: every text ends and can be parsed, templates name only what exists,
 * nothing that reveals an identity without allow_identity, times fit each other
 * (renew_before < lifetime), flag and usage set.
 * @return BASE_OK, or BASE_INTERNAL with a detail (in @a pool) that says which member and why
 */
base_result_t pki_profile_check(const pki_profile_t *profile, apr_pool_t *pool);

/** SHA-256 over every member in one fixed form: names the profile in the ledger. Nonzero on
 *  success. */
int pki_profile_hash(unsigned char hash[PKI_PROFILE_HASH_LEN], const pki_profile_t *profile);

/**
 * Expands a template. Values are used as they are: the caller encodes them.
 * @return the text in @a pool; NULL if it names what @a names lacks or the result is over
 *         PKI_TEMPLATE_MAX * 2 octets
 */
const char *pki_template_expand(const char *text, const pki_names_t *names, apr_pool_t *pool);

#endif
