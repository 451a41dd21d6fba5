/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_config.h
 * Directives, what they set, how they merge, and the parts (key sources, CAs,
 * ledgers) that they name. docs/directives.md is the operator's page of it.
 */
#ifndef mod_gba_pki_config_h
#define mod_gba_pki_config_h

#include <httpd.h>
#include <http_config.h>

#include "keeper/keeper_file.h"
#include "keeper/keeper_nbsp.h"
#include "keeper/keeper_ledger.h"
#include "keeper/keeper_passphrase.h"
#include "portal/portal_authn.h"

/** Where in the configuration something was written, for messages. */
typedef struct mod_gba_pki_origin_t {
    const char *file;
    int line;
} mod_gba_pki_origin_t;

/** A <GBABsf> section, or the addresses that a GBAKeySource names itself; in pconf. */
typedef struct mod_gba_pki_bsf_t {
    keeper_nbsp_bsf_t *bsf;
    mod_gba_pki_origin_t origin;
    const server_rec *server; /**< the server whose GBALaboratory lets it be without TLS */
} mod_gba_pki_bsf_t;

/** A key source that some GBAKeySource names; one per text and server, in pconf. */
typedef struct mod_gba_pki_source_t {
    const char *name;          /**< gba_keysource_t.name: the path, or "nbsp:" and what it names */
    const char *path;          /**< of a "file:" source; else NULL */
    apr_array_header_t *names; /**< of a "nbsp:" source: of const char *, the sections that it
                                    names; empty if it has addresses */
    apr_array_header_t *bsfs;  /**< of keeper_nbsp_bsf_t *; those of names once the configuration
                                    was checked */
    int index;                 /**< its place among the parts: the keeper's number for it */
    gba_keysource_t *source;   /**< in the keeper the source itself, in a child one that asks the
                                    keeper, elsewhere NULL */
    mod_gba_pki_origin_t origin;
    const server_rec *server; /**< the server whose GBALaboratory must be On */
} mod_gba_pki_source_t;

/** A CA that some GBAIssuer names; one per triple of paths, in pconf. */
typedef struct mod_gba_pki_ca_t {
    const char *cert_path;
    const char *key_path;
    const char *chain_path; /**< NULL if none */
    int index;              /**< its place among the parts: the keeper's number for it */
    pki_ca_t *ca;           /**< in the keeper only */
    mod_gba_pki_origin_t origin;
} mod_gba_pki_ca_t;

/** A ledger that some GBALedger names; one per path, in pconf. */
typedef struct mod_gba_pki_ledger_t {
    const char *path;
    int index;               /**< its place among the parts: the keeper's number for it */
    keeper_ledger_t *handle; /**< in the keeper only */
    mod_gba_pki_origin_t origin;
} mod_gba_pki_ledger_t;

/** What GBAQuota says. -1: nothing; 0: any number. */
typedef struct mod_gba_pki_quota_t {
    apr_int64_t held_max;              /**< valid certificates per subscriber and profile */
    apr_int64_t issued_max;            /**< issued within issued_window */
    apr_interval_time_t issued_window; /**< microseconds; goes with issued_max */
} mod_gba_pki_quota_t;

struct mod_gba_pki_profile_t;
struct mod_gba_pki_choice_t;

/** Everything of that kind in one configuration. */
typedef struct mod_gba_pki_parts_t {
    apr_array_header_t *sources; /**< of mod_gba_pki_source_t * */
    apr_array_header_t *cas;     /**< of mod_gba_pki_ca_t * */
    apr_array_header_t *ledgers; /**< of mod_gba_pki_ledger_t * */
    apr_array_header_t *bsfs;    /**< of mod_gba_pki_bsf_t * */
    mod_gba_pki_bsf_t *section;  /**< the <GBABsf> that is being read; NULL outside */
    apr_array_header_t *gs_ids;  /**< of apr_uint32_t: services whose settings BSFs are asked for */
    int uicc;                    /**< nonzero: some location has GBAUicc On */
    apr_array_header_t *profiles; /**< of mod_gba_pki_profile_t, in the order of the sections */
    struct mod_gba_pki_profile_t *open_profile; /**< the <GBAProfile> that is being read */
    apr_array_header_t *choices; /**< of mod_gba_pki_choice_t *: of every GBAProfiles */
    apr_array_header_t *held;    /**< of apr_int64_t: of every location's GBAQuota N */
    apr_array_header_t *issued;  /**< of mod_gba_pki_quota_t: of every GBAQuota N per DURATION */
    const keeper_passphrase_t *passphrase; /**< of every encrypted CA key; NULL: none is named */
} mod_gba_pki_parts_t;

/** Who r->user is (GBARemoteUser). */
typedef enum mod_gba_pki_user_t {
    MOD_GBA_PKI_USER_UNSET = 0,
    MOD_GBA_PKI_USER_BTID,
    MOD_GBA_PKI_USER_IMPI,
    MOD_GBA_PKI_USER_UEID,
    MOD_GBA_PKI_USER_PSEUDONYM
} mod_gba_pki_user_t;

/** Per directory (server, virtual host, location, .htaccess). Unset members are NULL, 0 or -1 as
 *  noted; readers go through mod_gba_pki_dir_effective(). */
typedef struct mod_gba_pki_dir_t {
    const char *naf_fqdn;                                   /**< NULL: ServerName */
    unsigned char ua_ids[PORTAL_UA_IDS_MAX][GBA_UA_ID_LEN]; /**< mod_gba_pki_ua_tls: "tls" */
    int ua_id_count;                                        /**< 0: unset */
    digest_alg_t algs[DIGEST_ALGS];
    int alg_count;                        /**< 0: unset */
    unsigned qop;                         /**< 0: unset */
    apr_interval_time_t nonce_lifetime;   /**< -1: unset */
    apr_interval_time_t assoc_max_age;    /**< -1: unset */
    apr_interval_time_t settings_max_age; /**< -1: unset */
    apr_off_t request_max;                /**< -1: unset; octets */
    apr_off_t request_spool;              /**< -1: unset; octets */
    apr_off_t response_max;               /**< -1: unset; octets */
    apr_off_t response_spool;             /**< -1: unset; octets */
    apr_interval_time_t refusal_expires;  /**< -1: unset */
    apr_interval_time_t renew_before;     /**< -1: unset; then the profile's own */
    int relaxed_uri;                      /**< -1: unset */
    int next_nonce;                       /**< -1: unset */
    int uicc;                             /**< -1: unset */
    unsigned types;                       /**< mask of 1 << gba_type_t; 0: unset */
    mod_gba_pki_user_t remote_user;
    struct mod_gba_pki_choice_t *choice; /**< what GBAProfiles names; NULL: unset */
    const char *naf_group;               /**< NULL: unset */
    mod_gba_pki_quota_t quota;
    apr_array_header_t *rules;    /**< of const mod_gba_pki_rule_t *, in order; NULL: none */
    mod_gba_pki_source_t *source; /**< NULL: unset */
    mod_gba_pki_ca_t *ca;         /**< NULL: unset */
    mod_gba_pki_ledger_t *ledger; /**< NULL: unset */
} mod_gba_pki_dir_t;

/** Per server. */
typedef struct mod_gba_pki_srv_t {
    int laboratory;                     /**< -1: unset (Off) */
    apr_int64_t associations;           /**< -1: unset; of the main server only */
    apr_int64_t lookup_rate;            /**< -1: unset; of the main server only; per second */
    apr_int64_t keeper_threads;         /**< -1: unset; of the main server only; of one child's */
    apr_interval_time_t keeper_timeout; /**< -1: unset; of the main server only */
    const char *keeper_folder;          /**< NULL: unset; absolute; of the main server only */
    const char *keeper_user;            /**< NULL: httpd's User; of the main server only */
    uid_t keeper_uid;                   /**< of keeper_user */
    gid_t keeper_gid;                   /**< of keeper_user */
} mod_gba_pki_srv_t;

#define MOD_GBA_PKI_ASSOCIATIONS   16384                 /**< default of GBAAssociations */
#define MOD_GBA_PKI_LOOKUP_RATE    100                   /**< default of GBALookupRate */
#define MOD_GBA_PKI_KEEPER_TIMEOUT apr_time_from_sec(10) /**< default of GBAKeeperTimeout */
#define MOD_GBA_PKI_KEEPER_FOLDER  "gba-keeper" /**< default of GBAKeeper, in DefaultRuntimeDir */

extern const command_rec mod_gba_pki_commands[];

/** Stands for "tls" in ua_ids: TS 33.220 annex H.3's identifier for a suite that is none. */
extern const unsigned char mod_gba_pki_ua_tls[GBA_UA_ID_LEN];

void *mod_gba_pki_dir_create(apr_pool_t *pool, char *dir);
void *mod_gba_pki_dir_merge(apr_pool_t *pool, void *base, void *add);
void *mod_gba_pki_srv_create(apr_pool_t *pool, server_rec *s);
void *mod_gba_pki_srv_merge(apr_pool_t *pool, void *base, void *add);

/** The request's own configuration with every default filled in; in @a pool. Its rules, and what a
 *  .htaccess file says, live as long as the request. */
const mod_gba_pki_dir_t *mod_gba_pki_dir_effective(request_rec *r, apr_pool_t *pool);

/** The same as the portal layer wants it; all of it in @a pool. NULL (logged) if no usable NAF name
 *  or no key source is configured. */
const portal_authn_config_t *mod_gba_pki_authn_config(request_rec *r, const mod_gba_pki_dir_t *dir,
                                                      apr_pool_t *pool);

/** The parts of the configuration now being read or in force; made on first use; in @a pconf. */
mod_gba_pki_parts_t *mod_gba_pki_parts(apr_pool_t *pconf);

/** Loads a CA and its key into ca->ca, in @a pool. Never in the parent or a child: what calls this
 *  holds the key. @return as pki_ca_load() */
base_result_t mod_gba_pki_ca_load(mod_gba_pki_ca_t *ca, const keeper_passphrase_t *source,
                                  apr_pool_t *pool);
/** Notes a GAA service whose settings locations require. Only while the configuration is read;
 *  NULL, or why it cannot be. */
const char *mod_gba_pki_parts_service(apr_pool_t *pconf, apr_uint32_t gs_id);

/** Finds the sections that "nbsp:" sources name, and what is wrong with them. OK or
 *  HTTP_INTERNAL_SERVER_ERROR after an error in the log. */
int mod_gba_pki_bsf_check(apr_pool_t *pconf, server_rec *s);

/** One error about the configuration. HTTP_INTERNAL_SERVER_ERROR. */
int mod_gba_pki_complain(server_rec *s, const mod_gba_pki_origin_t *origin, const char *directive,
                         base_result_t result);

/** check_config: checks CAs, key sources and ledgers apart from the parent, so that `httpd -t`
 * finds what is wrong with them. OK or HTTP_INTERNAL_SERVER_ERROR after an error in the log. */
int mod_gba_pki_parts_check(apr_pool_t *pconf, server_rec *s);

/** Tells what httpd starts with all the same: a CA that is not valid now, and parts that cannot do
 *  anything. By mod_gba_pki_parts_check() to the terminal, and in post_config to the log. */
void mod_gba_pki_parts_warn(apr_pool_t *pconf, server_rec *s);

#endif
