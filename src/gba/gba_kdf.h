/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_kdf.h
 * The GBA key derivation of TS 33.220 annex B.2 and B.3. A NAF in the field
 * never needs it (the BSF derives); the UE and the laboratory BSF do.
 */
#ifndef gba_kdf_h
#define gba_kdf_h

#include "gba/gba_names.h"

#define GBA_RAND_LEN 16 /**< octets of RAND */
#define GBA_KS_LEN   32 /**< octets of Ks = CK || IK */

/** Which key of B.3. */
typedef enum gba_kdf_kind_t {
    GBA_KDF_ME = 0, /**< P0 = "gba-me": Ks_NAF, Ks_ext_NAF */
    GBA_KDF_UICC    /**< P0 = "gba-u": Ks_int_NAF */
} gba_kdf_kind_t;

/**
 * key = HMAC-SHA-256(Ks, FC || P0 || L0 || RAND || L1 || IMPI || L2 || NAF_Id || L3).
 * @param impi in UTF-8 (NFKC is the caller's); its length in octets, at most 65535, goes into L2
 * @param key  32 octets, secret: the caller wipes them
 * @return nonzero on success
 */
int gba_kdf(unsigned char key[GBA_KEY_LEN], gba_kdf_kind_t kind, const unsigned char ks[GBA_KS_LEN],
            const unsigned char rand[GBA_RAND_LEN], base_span_t impi, const gba_naf_id_t *naf);

/** The Digest password of a NAF key: the base64 text of its 32 octets, 44 characters, in memory
 *  that is wiped with @a pool. */
const char *gba_password(apr_pool_t *pool, const unsigned char key[GBA_KEY_LEN]);

#endif
