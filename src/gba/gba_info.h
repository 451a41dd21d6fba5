/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_info.h
 * What a BSF tells a NAF about one B-TID (TS 29.109 BIA, TS 29.309
 * BootstrappingInfoResponse): keys, times, identity, user security settings.
 * Flat and without pointers, so that it can cross a socket or lie in shared
 * memory. Holds keys: allocate with gba_info_make() or wipe it yourself.
 */
#ifndef gba_info_h
#define gba_info_h

#include <apr_pools.h>
#include <apr_time.h>

#define GBA_KEY_LEN         32   /**< octets of Ks_NAF and its kin (TS 33.220 B.3) */
#define GBA_SOURCE_NAME_MAX 1023 /**< octets of a key source's name: a path or a URL */
#define GBA_BTID_MAX        255  /**< octets of a B-TID that we take */
#define GBA_FQDN_MAX        253  /**< octets of a domain name (RFC 1035) */
#define GBA_UA_ID_LEN       5    /**< octets of a Ua security protocol identifier (TS 33.220 H.1) */
#define GBA_NAF_ID_MAX      (GBA_FQDN_MAX + GBA_UA_ID_LEN)
#define GBA_USS_MAX         8    /**< USS entries kept per B-TID */
#define GBA_UEIDS_MAX       8    /**< UE identities kept per USS */
#define GBA_FLAGS_MAX       8    /**< flags kept per USS */
#define GBA_TEXT_MAX        2048 /**< octets for all strings of one info */

/** GAA service types (TS 29.109 annex, as HSSs write them). */
#define GBA_GS_TYPE_PKI_PORTAL 1
/** Authorization flags of service type 1. Each is its own flag element, not a bit. */
#define GBA_PKI_FLAG_AUTHENTICATION  1
#define GBA_PKI_FLAG_NON_REPUDIATION 2

/** How the UE bootstrapped (gbaType). */
typedef enum gba_type_t {
    GBA_TYPE_UNSAID = 0, /**< not told; 3G GBA by TS 29.109 */
    GBA_TYPE_3G,
    GBA_TYPE_2G,
    GBA_TYPE_DIGEST,
    GBA_TYPE_OTHER /**< a value this version does not know */
} gba_type_t;

/** keyChoice of a USS (TS 29.309). */
typedef enum gba_key_choice_t {
    GBA_KEY_CHOICE_UNSAID = 0,
    GBA_KEY_CHOICE_ME,      /**< ME_BASED_KEY */
    GBA_KEY_CHOICE_UICC,    /**< UICC_BASED_KEY */
    GBA_KEY_CHOICE_ME_UICC, /**< ME_UICC_BASED_KEYS */
    GBA_KEY_CHOICE_OTHER
} gba_key_choice_t;

/** Offset of a NUL-terminated string in gba_info_t.text; 0 is "absent". */
typedef apr_uint16_t gba_text_ref_t;

/** One user security setting. */
typedef struct gba_uss_t {
    apr_uint32_t gs_id;                   /**< GAA service identifier */
    apr_uint32_t gs_type;                 /**< GAA service type; 1 is the PKI portal */
    apr_uint32_t flags[GBA_FLAGS_MAX];    /**< the first flag_count are set */
    gba_text_ref_t ue_ids[GBA_UEIDS_MAX]; /**< the first ue_id_count are set */
    gba_text_ref_t naf_group;             /**< 0 if absent */
    unsigned char flag_count;
    unsigned char ue_id_count;
    unsigned char key_choice; /**< gba_key_choice_t */
    unsigned char pad[3];     /**< 0 */
} gba_uss_t;

/** The BSF's answer. Zero is a valid empty one. */
typedef struct gba_info_t {
    unsigned char me_key[GBA_KEY_LEN];   /**< Ks_NAF or Ks_ext_NAF; secret */
    unsigned char uicc_key[GBA_KEY_LEN]; /**< Ks_int_NAF if has_uicc_key; secret */
    apr_time_t expires;                  /**< keyExpiryTime; 0 if not told */
    apr_time_t bootstrapped;             /**< bootstrappingInfoCreationTime; 0 if not told */
    apr_time_t fetched;                  /**< when the key source answered; wall clock */
    apr_time_t known_since;              /**< when it first answered with this key; 0: with this
                                              answer */
    gba_uss_t uss[GBA_USS_MAX];          /**< the first uss_count are set */
    gba_text_ref_t impi;                 /**< 0 if the BSF does not tell it to this NAF */
    gba_text_ref_t pseudonym; /**< not the BSF's: this NAF's name for the subscriber, kept
                                   here once its ledger was asked; 0 before */
    apr_uint16_t text_used;   /**< octets of text in use */
    unsigned char uss_count;
    unsigned char has_uicc_key;
    unsigned char type;      /**< gba_type_t */
    unsigned char pad[7];    /**< 0 */
    char text[GBA_TEXT_MAX]; /**< the strings; text[0] is always NUL */
} gba_info_t;

/** What an answer takes over from the one that it replaces, NULL if none: since when the key is
 *  known. Another key starts anew. */
void gba_info_succeed(gba_info_t *info, const gba_info_t *before);

/** An empty info in memory that is wiped with @a pool. */
gba_info_t *gba_info_make(apr_pool_t *pool);

/** The string behind a reference; NULL for 0 or a reference out of bounds. Lives with the info. */
const char *gba_info_text(const gba_info_t *info, gba_text_ref_t ref);

/** Stores a string. @return its reference, or 0 if it does not fit or is empty */
gba_text_ref_t gba_info_add_text(gba_info_t *info, const char *text, apr_size_t len);

/** Nonzero if some USS of @a gs_type has @a flag; with flag 0: if there is any of that type. */
int gba_info_has_flag(const gba_info_t *info, apr_uint32_t gs_type, apr_uint32_t flag);

/** Nonzero if every reference and count in @a info is in bounds and every string ends: what must
 *  hold before an info that crossed a process boundary is used. */
int gba_info_is_sound(const gba_info_t *info);

#endif
