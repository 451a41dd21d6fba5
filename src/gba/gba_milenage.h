/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_milenage.h
 * Milenage (TS 35.206): the functions f1 to f5* of 3G authentication, over
 * OpenSSL's AES-128. A NAF in the field never needs it; the UE's software USIM
 * and the laboratory BSF do. Pure; thread-safe. What comes out is secret: the
 * caller wipes it.
 */
#ifndef gba_milenage_h
#define gba_milenage_h

#include "gba/gba_kdf.h"

#define GBA_MILENAGE_KEY_LEN 16 /**< octets of K, OP, OPc, CK and IK */
#define GBA_MILENAGE_MAC_LEN 8  /**< octets of MAC-A, MAC-S */
#define GBA_MILENAGE_RES_LEN 8  /**< octets of RES */
#define GBA_MILENAGE_SQN_LEN 6  /**< octets of SQN and AK */
#define GBA_MILENAGE_AMF_LEN 2  /**< octets of AMF */

/** What a USIM holds. Secret. */
typedef struct gba_milenage_key_t {
    unsigned char k[GBA_MILENAGE_KEY_LEN];   /**< the subscriber's key */
    unsigned char opc[GBA_MILENAGE_KEY_LEN]; /**< the operator's constant, made with K */
} gba_milenage_key_t;

/** What follows from K, OPc and RAND alone (f2 to f5*). Secret. */
typedef struct gba_milenage_out_t {
    unsigned char res[GBA_MILENAGE_RES_LEN];  /**< f2 */
    unsigned char ck[GBA_MILENAGE_KEY_LEN];   /**< f3 */
    unsigned char ik[GBA_MILENAGE_KEY_LEN];   /**< f4 */
    unsigned char ak[GBA_MILENAGE_SQN_LEN];   /**< f5: hides SQN in AUTN */
    unsigned char ak_s[GBA_MILENAGE_SQN_LEN]; /**< f5*: hides SQN in AUTS */
} gba_milenage_out_t;

/** Both codes over SQN and AMF. Secret until one of them is sent. */
typedef struct gba_milenage_mac_t {
    unsigned char a[GBA_MILENAGE_MAC_LEN]; /**< f1: MAC-A, of AUTN */
    unsigned char s[GBA_MILENAGE_MAC_LEN]; /**< f1*: MAC-S, of AUTS */
} gba_milenage_mac_t;

/** OPc = AES_K(OP) xor OP (TS 35.206 4.1). Nonzero on success. */
int gba_milenage_opc(unsigned char opc[GBA_MILENAGE_KEY_LEN],
                     const unsigned char k[GBA_MILENAGE_KEY_LEN],
                     const unsigned char op[GBA_MILENAGE_KEY_LEN]);

/** f1 and f1* (TS 35.206 4.1: OUT1). Nonzero on success. */
int gba_milenage_f1(gba_milenage_mac_t *mac, const gba_milenage_key_t *key,
                    const unsigned char rand[GBA_RAND_LEN],
                    const unsigned char sqn[GBA_MILENAGE_SQN_LEN],
                    const unsigned char amf[GBA_MILENAGE_AMF_LEN]);

/** f2, f3, f4, f5 and f5* (TS 35.206 4.1: OUT2 to OUT5). Nonzero on success. */
int gba_milenage_f2345(gba_milenage_out_t *out, const gba_milenage_key_t *key,
                       const unsigned char rand[GBA_RAND_LEN]);

#endif
