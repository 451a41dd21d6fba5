/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki.h
 * What another httpd module may ask of mod_gba_pki, and what it may say to it.
 * Optional functions are found with APR_RETRIEVE_OPTIONAL_FN() in post_config or
 * later; optional hooks are added with APR_OPTIONAL_HOOK() in register_hooks: so
 * the other module loads without this one too, in either order.
 */
#ifndef mod_gba_pki_h
#define mod_gba_pki_h

#include <stddef.h>

#include <apu.h> /* before apr_optional_hooks.h, which does not ask for it itself */

#include <apr_hooks.h>
#include <apr_optional.h>
#include <apr_optional_hooks.h>
#include <apr_time.h>
#include <httpd.h>

/** Raised when a function changes its meaning; functions are only ever added. */
#define GBA_PKI_API_VERSION 1

/** Answers of gba_pki_verified(). */
#define GBA_PKI_NOT_VERIFIED  0 /**< not authenticated by AuthType GBA */
#define GBA_PKI_VERIFIED_AUTH 1 /**< authenticated with qop=auth: the body is not covered */
#define GBA_PKI_VERIFIED_AUTH_INT                                                                  \
    2 /**< authenticated with qop=auth-int: method, uri and body are */

/**
 * Whether the transaction that @a r belongs to was authenticated by this module, and how: what a
 * handler that must not run unprotected asks before it acts. Any request of a transaction may be
 * given (subrequest, internal redirect). Call in the request's own thread.
 */
APR_DECLARE_OPTIONAL_FN(int, gba_pki_verified, (request_rec * r));

/**
 * What is known of an enrolment that would be permitted. Members are only ever added, at the end:
 * one is there if it lies within size octets (GBA_PKI_HAS()). Texts are UTF-8 and live as long as
 * the request; NULL if not known.
 */
typedef struct gba_pki_enrolment_t {
    apr_size_t size;           /**< octets of the struct that was filled in */
    const char *btid;          /**< under which the UE authenticated */
    const char *impi;          /**< NULL if the BSF does not tell it */
    const char *const *ue_ids; /**< UE identities of the setting that unlocks the profile; ends with
                                    NULL */
    const char *gba_type;      /**< "3G", "2G", "Digest" or "other" */
    const char *key_place;     /**< "UICC" if authenticated with Ks_int_NAF, else "ME" */
    apr_time_t bootstrapped;   /**< microseconds; 0 if not told */
    apr_time_t key_expires;    /**< microseconds; 0 if not told */
    const char *naf_group;     /**< the location's GBANafGroup */
    const char *profile;       /**< name of the profile that was chosen */
    const char *key_type;      /**< "RSA" or "EC" */
    int key_bits;
    const char *key_curve; /**< "P-256" or "P-384"; NULL for RSA */
    int held;              /**< valid certificates of this profile that the subscriber holds; -1 if
                                not known */
} gba_pki_enrolment_t;

/** Nonzero if this httpd's mod_gba_pki fills in the member. */
#define GBA_PKI_HAS(enrolment, member)                                                             \
    (offsetof(gba_pki_enrolment_t, member) + sizeof((enrolment)->member) <= (enrolment)->size)

/** Why a module refuses. The hook's function sets it; texts must live as long as the request. */
typedef struct gba_pki_refusal_t {
    apr_size_t size;         /**< as in gba_pki_enrolment_t */
    const char *public_text; /**< what the UE's user may read: UTF-8 without control characters, at
                                  most 255 octets; NULL: a sentence that fits every module */
    const char *detail;      /**< for the operator's log; NULL: none */
} gba_pki_refusal_t;

/**
 * The hook: called in the request's own thread about every enrolment that settings, PKCS#10, key
 * and rules permit, before a quota counts it; for `gba-decide` too, so it must not act on it, only
 * judge. Add a function with
 *
 *     APR_OPTIONAL_HOOK(gba, pki_enrolment, fn, NULL, NULL, APR_HOOK_MIDDLE);
 *
 * It can refuse, never permit what was refused: it is not asked about that.
 * @return OK or DECLINED: nothing against it; HTTP_FORBIDDEN: refused, for the reason in
 *         @a refusal (the UE gets the protected 403); anything else: a failure, nobody is let
 *         through (500)
 */
typedef int gba_HOOK_pki_enrolment_t(request_rec *r, const gba_pki_enrolment_t *enrolment,
                                     gba_pki_refusal_t *refusal);

#endif
