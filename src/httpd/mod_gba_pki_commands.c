/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include <apr_strings.h>

#include "httpd/mod_gba_pki_config.h"
#include "httpd/mod_gba_pki_set.h"

#define HANDED_ON 64 /* AP_MAX_ARGC, which httpd keeps to itself */

const char *mod_gba_pki_list_fault(cmd_parms *cmd)
{
    const char *rest = cmd->directive->args;
    int count = 0;

    while (*rest) {
        const char *word = ap_getword_conf(cmd->temp_pool, &rest);
        if (!*word)
            return mod_gba_pki_refuse(cmd, word, "no empty argument");
        if (++count > HANDED_ON && cmd->cmd->args_how == TAKE_ARGV)
            return mod_gba_pki_refuse(cmd, word,
                                      apr_psprintf(cmd->pool, "at most %d arguments", HANDED_ON));
    }
    return NULL;
}

/* ---- the table of directives ---- */

#define ANYWHERE (RSRC_CONF | ACCESS_CONF)

const command_rec mod_gba_pki_commands[] = {
    AP_INIT_TAKE1("GBANafFqdn", mod_gba_pki_set_naf_fqdn, NULL, OR_AUTHCFG | RSRC_CONF,
                  "the NAF's fully qualified name in realm and NAF_Id (default: ServerName)"),
    AP_INIT_ITERATE("GBAUaProtocol", mod_gba_pki_set_ua_protocol, NULL, OR_AUTHCFG | RSRC_CONF,
                    "Ua security protocol identifiers tried in order: pki, digest, tls, "
                    "hex:XXXXXXXXXX"),
    AP_INIT_TAKE_ARGV("GBAKeySource", mod_gba_pki_set_key_source, NULL, ANYWHERE,
                      "where keys come from: nbsp:NAME..., nbsp:URL..., file:PATH (laboratories)"),
    AP_INIT_RAW_ARGS("<GBABsf", mod_gba_pki_set_bsf, NULL, RSRC_CONF,
                     "a BSF, and how it is reached over Nbsp_GBA"),
    AP_INIT_ITERATE("GBABsfDomain", mod_gba_pki_set_bsf_domain, NULL, RSRC_CONF,
                    "domains of B-TIDs that this BSF is asked for: DOMAIN, *.SUFFIX or *"),
    AP_INIT_ITERATE("GBABsfAddress", mod_gba_pki_set_bsf_address, NULL, RSRC_CONF,
                    "where it is, in order: https://..., http://..., unix:/PATH[:/PREFIX]"),
    AP_INIT_TAKE1("GBABsfProtocol", mod_gba_pki_set_bsf_protocol, NULL, RSRC_CONF,
                  "h2 or http/1.1"),
    AP_INIT_TAKE1("GBABsfCA", mod_gba_pki_set_bsf_ca, NULL, RSRC_CONF,
                  "file of the CAs that its certificate may be from"),
    AP_INIT_TAKE2("GBABsfCertificate", mod_gba_pki_set_bsf_certificate, NULL, RSRC_CONF,
                  "files of the client certificate and of its key"),
    AP_INIT_TAKE_ARGV("GBABsfToken", mod_gba_pki_set_bsf_token, NULL, RSRC_CONF,
                      "OAuth2: token URL, client id, file of the client secret, and scope"),
    AP_INIT_TAKE2("GBABsfTimeout", mod_gba_pki_set_bsf_timeout, NULL, RSRC_CONF,
                  "how long connecting and a whole look-up may take, such as 2s 5s"),
    AP_INIT_ITERATE("GBABsfRedirect", mod_gba_pki_set_bsf_redirect, NULL, RSRC_CONF,
                    "hosts beside its addresses to which it may redirect: HOST[:PORT]"),
    AP_INIT_TAKE1("GBABsfUnknownAlarm", mod_gba_pki_set_bsf_unknown_alarm, NULL, RSRC_CONF,
                  "percentage of unknown B-TIDs within a minute from which on it is an error"),
    AP_INIT_FLAG("GBALaboratory", mod_gba_pki_set_laboratory, NULL, RSRC_CONF,
                 "On: this server is a laboratory and may use a file: key source"),
    AP_INIT_ITERATE("GBAAlgorithms", mod_gba_pki_set_algorithms, NULL, OR_AUTHCFG | RSRC_CONF,
                    "Digest algorithms offered, in order: SHA-256, SHA-512-256, MD5"),
    AP_INIT_ITERATE("GBAQop", mod_gba_pki_set_qop, NULL, OR_AUTHCFG | RSRC_CONF,
                    "quality of protection offered: auth-int, auth"),
    AP_INIT_TAKE1("GBANonceLifetime", mod_gba_pki_set_duration,
                  (void *)offsetof(mod_gba_pki_dir_t, nonce_lifetime), OR_AUTHCFG | RSRC_CONF,
                  "how long a nonce may be used, such as 10m"),
    AP_INIT_TAKE1("GBAAssociations", mod_gba_pki_set_associations, NULL, RSRC_CONF,
                  "how many associations (UEs) the shared table holds"),
    AP_INIT_TAKE1("GBAAssociationMaxAge", mod_gba_pki_set_duration,
                  (void *)offsetof(mod_gba_pki_dir_t, assoc_max_age), OR_AUTHCFG | RSRC_CONF,
                  "local limit on the age of a key, such as 24h"),
    AP_INIT_TAKE1("GBASettingsMaxAge", mod_gba_pki_set_duration,
                  (void *)offsetof(mod_gba_pki_dir_t, settings_max_age), OR_AUTHCFG | RSRC_CONF,
                  "age from which on user security settings are asked for anew before a "
                  "certificate is issued, such as 5m"),
    AP_INIT_FLAG("GBARelaxedUri", ap_set_flag_slot,
                 (void *)offsetof(mod_gba_pki_dir_t, relaxed_uri), OR_AUTHCFG | RSRC_CONF,
                 "On: a uri without the query, or with a slash behind, is taken too"),
    AP_INIT_FLAG("GBANextNonce", ap_set_flag_slot, (void *)offsetof(mod_gba_pki_dir_t, next_nonce),
                 OR_AUTHCFG | RSRC_CONF, "On: Authentication-Info carries nextnonce"),
    AP_INIT_FLAG("GBAUicc", mod_gba_pki_set_uicc, NULL, OR_AUTHCFG | RSRC_CONF,
                 "On: UEs that say 3gpp-gba-uicc are offered GBA_U's realm too"),
    AP_INIT_ITERATE("GBAAllowType", mod_gba_pki_set_allow_type, NULL, OR_AUTHCFG | RSRC_CONF,
                    "kinds of bootstrapping that are let in: 3G, 2G, Digest"),
    AP_INIT_TAKE1("GBARemoteUser", mod_gba_pki_set_remote_user, NULL, OR_AUTHCFG | RSRC_CONF,
                  "who REMOTE_USER is: btid, impi, ueid, pseudonym"),
    AP_INIT_TAKE12("GBARequestBody", mod_gba_pki_set_request_body, NULL, ANYWHERE,
                   "largest request body, and from what size on it is spooled to disk"),
    AP_INIT_TAKE12("GBAResponseBody", mod_gba_pki_set_response_body, NULL, ANYWHERE,
                   "largest response body, and from what size on it is spooled to disk"),
    AP_INIT_TAKE23("GBAIssuer", mod_gba_pki_set_issuer, NULL, ANYWHERE,
                   "the CA: certificate file, key file, and optionally a chain file"),
    AP_INIT_TAKE1("GBALedger", mod_gba_pki_set_ledger, NULL, ANYWHERE, "the ledger: sqlite:PATH"),
    AP_INIT_TAKE1("GBALookupRate", mod_gba_pki_set_lookup_rate, NULL, RSRC_CONF,
                  "look-ups per second that may find nothing, for each key source"),
    AP_INIT_TAKE1("GBAKeeper", mod_gba_pki_set_keeper, NULL, RSRC_CONF,
                  "the folder of the keeper's socket; only httpd's User may enter it"),
    AP_INIT_TAKE1("GBAKeeperThreads", mod_gba_pki_set_keeper_threads, NULL, RSRC_CONF,
                  "how many of a child's threads may wait for the keeper at once"),
    AP_INIT_TAKE1("GBAKeeperTimeout", mod_gba_pki_set_keeper_timeout,
                  (void *)offsetof(mod_gba_pki_srv_t, keeper_timeout), RSRC_CONF,
                  "how long a child waits for an answer of the keeper, such as 10s"),
    AP_INIT_TAKE1("GBAKeeperUser", mod_gba_pki_set_keeper_user, NULL, RSRC_CONF,
                  "the user that the keeper runs as where httpd starts as root"),
    AP_INIT_TAKE1("GBARefusalExpires", mod_gba_pki_set_duration,
                  (void *)offsetof(mod_gba_pki_dir_t, refusal_expires), ANYWHERE,
                  "Expires of a refusal, from now, such as 1d"),
    AP_INIT_TAKE1("GBARenewBefore", mod_gba_pki_set_renew_before, NULL, ANYWHERE,
                  "how long before its end a certificate is renewed for the same key, such as 30d"),
    AP_INIT_RAW_ARGS("<GBAProfile", mod_gba_pki_set_profile, NULL, RSRC_CONF,
                     "a kind of certificate: what unlocks it, and what it says"),
    AP_INIT_TAKE1("GBAProfileFlag", mod_gba_pki_set_profile_flag, NULL, RSRC_CONF,
                  "the flag of the user security setting that unlocks it: authentication, "
                  "non-repudiation, or a number"),
    AP_INIT_TAKE1("GBAProfileKeyUsage", mod_gba_pki_set_profile_usage, NULL, RSRC_CONF,
                  "digitalSignature or nonRepudiation"),
    AP_INIT_ITERATE("GBAProfileSubject", mod_gba_pki_set_profile_subject, NULL, RSRC_CONF,
                    "attributes of the subject, in order, such as CN=%{pseudonym}"),
    AP_INIT_ITERATE("GBAProfileAltName", mod_gba_pki_set_profile_alt_name, NULL, RSRC_CONF,
                    "subject alternative names, such as uri:%{ueid}"),
    AP_INIT_ITERATE("GBAProfileExtendedKeyUsage", mod_gba_pki_set_profile_eku, NULL, RSRC_CONF,
                    "clientAuth, emailProtection, codeSigning, ipsecIKE, or object identifiers"),
    AP_INIT_ITERATE("GBAProfilePolicy", mod_gba_pki_set_profile_policy, NULL, RSRC_CONF,
                    "object identifiers of certificate policies"),
    AP_INIT_ITERATE("GBAProfileCRL", mod_gba_pki_set_profile_crl, NULL, RSRC_CONF,
                    "URLs of CRL distribution points"),
    AP_INIT_TAKE1("GBAProfileOCSP", mod_gba_pki_set_profile_url,
                  (void *)offsetof(pki_profile_t, ocsp), RSRC_CONF, "URL of the OCSP responder"),
    AP_INIT_TAKE1("GBAProfileCAIssuers", mod_gba_pki_set_profile_url,
                  (void *)offsetof(pki_profile_t, ca_issuers), RSRC_CONF,
                  "URL of the CA's certificate"),
    AP_INIT_TAKE1("GBAProfileLifetime", mod_gba_pki_set_profile_span,
                  (void *)offsetof(pki_profile_t, lifetime), RSRC_CONF,
                  "how long its certificates hold, such as 365d"),
    AP_INIT_TAKE1("GBAProfileBackdate", mod_gba_pki_set_profile_span,
                  (void *)offsetof(pki_profile_t, backdate), RSRC_CONF,
                  "how long before now they begin, such as 5m"),
    AP_INIT_TAKE1("GBAProfileMaxAge", mod_gba_pki_set_profile_span,
                  (void *)offsetof(pki_profile_t, bootstrap_max_age), RSRC_CONF,
                  "how long ago the UE may have bootstrapped, such as 1h; 0s: any time"),
    AP_INIT_FLAG("GBAProfileAllowIdentity", mod_gba_pki_set_profile_identity, NULL, RSRC_CONF,
                 "On: its certificates may name IMPI and UE identities"),
    AP_INIT_TAKE_ARGV("GBAProfiles", mod_gba_pki_set_profiles, NULL, ANYWHERE,
                      "the profiles that this location hands out, in order"),
    AP_INIT_TAKE1("GBANafGroup", mod_gba_pki_set_naf_group, NULL, ANYWHERE,
                  "the group of NAFs that this location belongs to"),
    AP_INIT_TAKE_ARGV("GBAQuota", mod_gba_pki_set_quota, NULL, ANYWHERE,
                      "per subscriber and profile: N certificates held, or N per DURATION issued, "
                      "or Off"),
    AP_INIT_TAKE_ARGV("GBAEnrolRule", mod_gba_pki_set_rule, NULL, ANYWHERE,
                      "deny or require, an expression, a reason for the user, and maybe dryrun"),
    AP_INIT_TAKE_ARGV(
        "GBAIssuerPassphrase", mod_gba_pki_set_passphrase, NULL, RSRC_CONF,
        "where the passphrase of CA keys is: file:PATH, or exec:PROGRAM and arguments"),
    {NULL, {NULL}, NULL, 0, NO_ARGS, NULL}};
