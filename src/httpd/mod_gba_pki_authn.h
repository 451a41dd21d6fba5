/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_authn.h
 * The authentication and authorization phases, as httpd's hooks call them.
 */
#ifndef mod_gba_pki_authn_h
#define mod_gba_pki_authn_h

#include "httpd/mod_gba_pki_state.h"

/** check_authn: steps 1 to 8 of docs/architecture.md, once per transaction. */
int mod_gba_pki_check_authn(request_rec *r);

/** force_authn: AuthType GBA alone closes a location, whatever Require it inherits. */
int mod_gba_pki_force_authn(request_rec *r);

/** check_authz, before mod_authz_core: turns a refusal of an authenticated UE from httpd's default
 *  401 (at which the UE would bootstrap again, in a loop) into 403. */
int mod_gba_pki_check_authz(request_rec *r);

/** note_auth_failure: nobody may add a challenge to an answer of an authenticated transaction. */
int mod_gba_pki_note_auth_failure(request_rec *r, const char *type);

#endif
