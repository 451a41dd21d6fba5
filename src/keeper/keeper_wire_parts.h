/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_wire_parts.h
 * Structs that cross the keeper's socket and have a file of their own. Private
 * to the keeper's protocol.
 */
#ifndef keeper_wire_parts_h
#define keeper_wire_parts_h

#include "keeper/keeper_octets.h"
#include "pki/pki_profile.h"

/** Every member of a profile. Lists stand without what is empty at their end. */
void keeper_wire_profile(keeper_octets_t *walk, pki_profile_t *profile);

#endif
