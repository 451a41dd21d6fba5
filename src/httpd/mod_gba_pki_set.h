/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_set.h
 * The functions behind the directives: each checks its argument and returns
 * NULL or a message that names the value and what was expected.
 */
#ifndef mod_gba_pki_set_h
#define mod_gba_pki_set_h

#include <httpd.h>
#include <http_config.h>

#include "httpd/mod_gba_pki_config.h"

const char *mod_gba_pki_set_naf_fqdn(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_ua_protocol(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_key_source(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *mod_gba_pki_set_laboratory(cmd_parms *cmd, void *dir, int on);
const char *mod_gba_pki_set_algorithms(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_qop(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_allow_type(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_remote_user(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_associations(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_request_body(cmd_parms *cmd, void *dir, const char *max,
                                         const char *spool);
const char *mod_gba_pki_set_response_body(cmd_parms *cmd, void *dir, const char *max,
                                          const char *spool);
const char *mod_gba_pki_set_issuer(cmd_parms *cmd, void *dir, const char *cert, const char *key,
                                   const char *chain);
const char *mod_gba_pki_set_passphrase(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *mod_gba_pki_set_ledger(cmd_parms *cmd, void *dir, const char *arg);

const char *mod_gba_pki_set_lookup_rate(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_keeper(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_keeper_threads(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_keeper_timeout(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_keeper_user(cmd_parms *cmd, void *dir, const char *arg);

const char *mod_gba_pki_set_uicc(cmd_parms *cmd, void *dir, int on);

/** <GBABsf NAME>, and what may stand inside it only. */
const char *mod_gba_pki_set_bsf(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_bsf_domain(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_bsf_address(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_bsf_protocol(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_bsf_ca(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_bsf_certificate(cmd_parms *cmd, void *dir, const char *cert,
                                            const char *key);
const char *mod_gba_pki_set_bsf_token(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *mod_gba_pki_set_bsf_timeout(cmd_parms *cmd, void *dir, const char *connect,
                                        const char *total);
const char *mod_gba_pki_set_bsf_redirect(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_bsf_unknown_alarm(cmd_parms *cmd, void *dir, const char *arg);

/** <GBAProfile NAME>, and what may stand inside it only. */
const char *mod_gba_pki_set_profile(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_profile_flag(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_profile_usage(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_profile_subject(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_profile_alt_name(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_profile_eku(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_profile_policy(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_profile_crl(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_profile_identity(cmd_parms *cmd, void *dir, int on);

/** One URL, and one duration, of a profile; cmd->info is the member's offset in pki_profile_t. */
const char *mod_gba_pki_set_profile_url(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_profile_span(cmd_parms *cmd, void *dir, const char *arg);

/** Of a profile inside <GBAProfile>, else of every profile of the location that says nothing
 *  itself. */
const char *mod_gba_pki_set_renew_before(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_quota(cmd_parms *cmd, void *dir, int argc, char *const argv[]);

const char *mod_gba_pki_set_profiles(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *mod_gba_pki_set_naf_group(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_rule(cmd_parms *cmd, void *dir, int argc, char *const argv[]);

/** A message as all are; httpd puts file and line before it. In cmd->pool. */
const char *mod_gba_pki_refuse(cmd_parms *cmd, const char *value, const char *expected);

/**
 * For each directive that takes a list: httpd ends one at an empty argument, or drops it, and drops
 * what is too much of it, without a word. So a variable that is empty could open what the rest of
 * the line would have closed.
 * @return NULL if httpd hands on all that stands there, else the message; in cmd->pool
 */
const char *mod_gba_pki_list_fault(cmd_parms *cmd);

/** A path as the operator means it: relative to ServerRoot, in pconf; NULL if it is empty. */
const char *mod_gba_pki_file_path(cmd_parms *cmd, const char *arg);

/** Where the directive stands that is being read. */
mod_gba_pki_origin_t mod_gba_pki_origin(const cmd_parms *cmd);

/** Any directive that takes one duration; cmd->info is the member's offset. */
const char *mod_gba_pki_set_duration(cmd_parms *cmd, void *dir, const char *arg);

#endif
