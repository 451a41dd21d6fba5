/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file portal_offer.h
 * What a location offers a UE, and whether its credentials take up the offer:
 * challenges out, the Authorization field in. Private to portal_authn; the
 * challenges themselves are portal_challenges() there. Pure; thread-safe.
 */
#ifndef portal_offer_h
#define portal_offer_h

#include "portal/portal_authn.h"

/**
 * Reads the one Authorization field and holds it against what was offered.
 * @param cred set once the field can be parsed, also where the offer is not met; in @a pool
 * @param uicc nonzero if the UE answered with the realm of GBA_U
 * @return BASE_OK, or the row of the error table
 */
base_result_t portal_offer_read(digest_credentials_t **cred, int *uicc,
                                const portal_authn_config_t *config,
                                const portal_request_t *request, apr_pool_t *pool);

/** Mints a nonce. It is bound to the usual realm, whichever part of a two-part realm the UE answers
 *  with. Nonzero on success. */
int portal_offer_mint(char nonce[DIGEST_NONCE_LEN + 1], const portal_world_t *world,
                      const portal_authn_config_t *config);

#endif
