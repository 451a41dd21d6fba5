/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ue_options.h
 * The command line of gba-ue(1). Options are written out in full, "--name
 * value" or "--name=value". No option takes a secret: those come from files or
 * the environment.
 */
#ifndef ue_options_h
#define ue_options_h

#include "digest/digest_hash.h"
#include "gba/gba_info.h"
#include "tool_options.h"

/** How a PKCS#10 is written (TS 24.109 E.3.1). */
typedef enum ue_csr_form_t {
    UE_CSR_PEM = 0,
    UE_CSR_SPACED_PEM, /**< a space inside the dashes, as the standard's example prints */
    UE_CSR_BASE64,     /**< no armour lines */
    UE_CSR_DER
} ue_csr_form_t;

/** Kinds of key that --new-key makes. */
typedef enum ue_key_kind_t {
    UE_KEY_EC256 = 0,
    UE_KEY_EC384,
    UE_KEY_EC521,
    UE_KEY_RSA2048,
    UE_KEY_RSA3072,
    UE_KEY_RSA4096
} ue_key_kind_t;

/** The words as given (NULL if absent), then what they mean. */
typedef struct ue_options_t {
    const char *url, *btid, *naf_fqdn, *ua_id_word;
    const char *ks_naf_file, *ks_file, *rand_word, *impi;
    const char *key, *new_key_word, *key_out, *csr, *csr_form_word, *usage_word, *out;
    const char *start_word, *algorithm_word;
    const char *bsf, *bsf_realm, *usim, *bootstrapping;
    const char *connect_to, *resolve, *cacert, *proxy, *timeout_word;
    int trace, json, help;
    int is_bootstrap; /**< nonzero: the command is "bootstrap", and bsf its URL */
    unsigned char ua_id[GBA_UA_ID_LEN];
    ue_csr_form_t csr_form;
    ue_key_kind_t new_key;
    unsigned usage;         /**< PKI_USAGE_ mask; 0: no wish */
    int start_empty;        /**< nonzero: an empty request first (TS 33.221) */
    digest_alg_t algorithm; /**< DIGEST_ALGS: no preference */
    long timeout_ms;        /**< of one exchange */
} ue_options_t;

/** A command of gba-ue. */
typedef enum ue_command_t { UE_COMMAND_ENROL = 0, UE_COMMAND_BOOTSTRAP } ue_command_t;

/**
 * Reads and checks what comes after the command's word.
 * @param error set to one line for people on failure; in @a pool
 * @return nonzero on success, also when only help was asked for
 */
int ue_options_parse(ue_options_t *opts, ue_command_t command, int argc, const char *const *argv,
                     const char **error, apr_pool_t *pool);

/** What `gba-ue --help` prints; static. */
const char *ue_options_help(void);

/** What `gba-ue COMMAND --help` prints; static. */
const char *ue_options_command_help(ue_command_t command);

#endif
