/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_identity.h
 * Who the authenticated UE is, said to whatever runs behind the location:
 * REMOTE_USER, environment, the headers of TS 24.109 clause 7, and the
 * authorization provider `Require gba-uss`.
 */
#ifndef mod_gba_pki_identity_h
#define mod_gba_pki_identity_h

#include "httpd/mod_gba_pki_state.h"

/**
 * Sets r->user as GBARemoteUser says.
 * @return OK, or the protected refusal (logged): 403 if the BSF gave no such name, 503 if the
 *         ledger that holds pseudonyms is down
 */
int mod_gba_pki_set_user(request_rec *r, mod_gba_pki_state_t *state, const mod_gba_pki_dir_t *dir);

/** Takes out of the request what only this module may say to those behind it. */
void mod_gba_pki_clean_request(request_rec *r);

/**
 * Checks X-3GPP-Intended-Identity against the UE identities of the user security settings.
 * @return OK, or 403 (logged) if the UE intends to be somebody that it is not
 */
int mod_gba_pki_check_intended(request_rec *r, const mod_gba_pki_state_t *state);

/** A gba_type_t as the environment says it: "3G", "2G", "Digest", "other"; static. */
const char *mod_gba_pki_type_name(int type);

/** fixups: environment GBA_*, X-3GPP-Asserted-Identity, X-3GPP-Authorization-Flags. */
int mod_gba_pki_fixups(request_rec *r);

/** Registers `Require gba-uss TYPE [FLAG...]`. */
void mod_gba_pki_register_require(apr_pool_t *pool);

#endif
