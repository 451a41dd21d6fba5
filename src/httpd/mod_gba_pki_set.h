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

const char *mod_gba_pki_set_naf_fqdn(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_ua_protocol(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_key_source(cmd_parms *cmd, void *dir, const char *arg);
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
const char *mod_gba_pki_set_renew_before(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_ledger(cmd_parms *cmd, void *dir, const char *arg);

const char *mod_gba_pki_set_lookup_rate(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_keeper(cmd_parms *cmd, void *dir, const char *arg);
const char *mod_gba_pki_set_keeper_user(cmd_parms *cmd, void *dir, const char *arg);

/** Any directive that takes one duration; cmd->info is the member's offset. */
const char *mod_gba_pki_set_duration(cmd_parms *cmd, void *dir, const char *arg);

#endif
