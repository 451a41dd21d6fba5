/* SPDX-License-Identifier: Apache-2.0 */
/* <GBAProfile>, and what stands inside it alone. */
#include <stddef.h>
#include <string.h>

#include <apr_strings.h>
#include <http_core.h>

#include "base/base_text.h"
#include "httpd/mod_gba_pki_module.h"
#include "httpd/mod_gba_pki_profile.h"
#include "httpd/mod_gba_pki_set.h"
#include "pki/pki_pkcs10.h"

static mod_gba_pki_parts_t *parts_of(const cmd_parms *cmd)
{
    return mod_gba_pki_parts(cmd->server->process->pconf);
}

/* The section that is being read; NULL, and *error set, outside of one, or if its line has a fault.
 */
static mod_gba_pki_profile_t *section(cmd_parms *cmd, const char **error)
{
    mod_gba_pki_profile_t *open = parts_of(cmd)->open_profile;

    *error = open ? mod_gba_pki_list_fault(cmd)
                  : apr_psprintf(cmd->pool, "%s: only inside <GBAProfile NAME>", cmd->cmd->name);
    return *error ? NULL : open;
}

/* ---- the section ---- */

static int name_is_taken(const mod_gba_pki_parts_t *parts, const char *name)
{
    for (int i = 0; i < parts->profiles->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(parts->profiles, i, mod_gba_pki_profile_t).profile.name, name) ==
            0)
            return 1;
    return 0;
}

/* Whether what was said so far can be, whatever is still to come. */
static int is_sound_so_far(cmd_parms *cmd, const pki_profile_t *profile)
{
    pki_profile_t whole = *profile;

    whole.flag = GBA_PKI_FLAG_AUTHENTICATION;
    whole.usage = PKI_USAGE_DIGITAL_SIGNATURE;
    whole.lifetime = MOD_GBA_PKI_LIFETIME_MAX;
    whole.allow_identity = 1;
    return pki_profile_check(&whole, cmd->pool).code == BASE_OK;
}

/* Anything else would be taken for the server's own, though it looks like the profile's. */
static const char *check_contents(cmd_parms *cmd)
{
    for (const ap_directive_t *line = cmd->directive->first_child; line; line = line->next)
        if (!ap_cstr_casecmpn(line->directive, "GBAProfiles", 12) ||
            (ap_cstr_casecmpn(line->directive, "GBAProfile", 10) &&
             ap_cstr_casecmpn(line->directive, "<GBAProfile", 11) &&
             ap_cstr_casecmp(line->directive, "GBAQuota") &&
             ap_cstr_casecmp(line->directive, "GBARenewBefore"))) {
            cmd->err_directive = line;
            return apr_psprintf(cmd->pool, "%s: not inside <GBAProfile>", line->directive);
        }
    return NULL;
}

/* What each line may be was looked at with it; here, whether they fit each other. */
static const char *find_fault(cmd_parms *cmd, const pki_profile_t *profile)
{
    base_result_t result = pki_profile_check(profile, cmd->pool);

    if (profile->flag == 0)
        return "a GBAProfileFlag in it";
    if (profile->usage == 0)
        return "a GBAProfileKeyUsage in it";
    if (profile->renew_before >= profile->lifetime)
        return "a GBARenewBefore that is shorter than the GBAProfileLifetime";
    if (result.code == BASE_OK)
        return NULL;
    return profile->allow_identity ? result.detail
                                   : "GBAProfileAllowIdentity On where a template names IMPI or UE "
                                     "identities";
}

/* A short lifetime makes the built-in renewal window too long: a third of it then. */
static const char *close_section(cmd_parms *cmd, mod_gba_pki_profile_t *open)
{
    pki_profile_t *profile = &open->profile;
    const char *fault;

    if (!(open->own & MOD_GBA_PKI_OWN_RENEWAL) && profile->renew_before > profile->lifetime / 3)
        profile->renew_before = profile->lifetime / 3;
    fault = find_fault(cmd, profile);
    if (fault) /* cmd->cmd is the last line's by now */
        return apr_psprintf(cmd->pool, "<GBAProfile: '%s' given, %s expected", profile->name,
                            fault);
    APR_ARRAY_PUSH(parts_of(cmd)->profiles, mod_gba_pki_profile_t) = *open;
    return NULL;
}

const char *mod_gba_pki_set_profile(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_parts_t *parts = parts_of(cmd);
    const char *end = strrchr(arg, '>');
    const char *rest = end ? apr_pstrmemdup(cmd->pool, arg, (apr_size_t)(end - arg)) : "";
    const char *name = ap_getword_conf(cmd->pool, &rest);
    mod_gba_pki_profile_t open = {.origin = mod_gba_pki_origin(cmd)};
    const char *error;

    (void)dir;
    if (!end || !*name || *rest || strlen(name) > PKI_PROFILE_NAME_MAX)
        return mod_gba_pki_refuse(cmd, arg, "one name of at most 63 characters and '>'");
    if (parts->open_profile)
        return mod_gba_pki_refuse(cmd, name, "no section inside another");
    if (name_is_taken(parts, name))
        return mod_gba_pki_refuse(cmd, name, "a name that no other section has");
    pki_profile_init(&open.profile, name);
    if (!is_sound_so_far(cmd, &open.profile))
        return mod_gba_pki_refuse(cmd, name, "a name of letters, digits, '.', '_' and '-'");
    error = check_contents(cmd);
    if (error)
        return error;
    parts->open_profile = &open;
    error = ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
    parts->open_profile = NULL;
    return error ? error : close_section(cmd, &open);
}

/* ---- what stands inside it ---- */

const char *mod_gba_pki_set_profile_flag(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *error;
    mod_gba_pki_profile_t *open = section(cmd, &error);
    apr_uint64_t flag = 0;

    (void)dir;
    if (!open)
        return error;
    if (strcmp(arg, "authentication") == 0)
        flag = GBA_PKI_FLAG_AUTHENTICATION;
    else if (strcmp(arg, "non-repudiation") == 0)
        flag = GBA_PKI_FLAG_NON_REPUDIATION;
    else if (!base_decimal_decode(&flag, base_span_str(arg), APR_UINT32_MAX) || flag == 0)
        return mod_gba_pki_refuse(cmd, arg, "authentication, non-repudiation, or a number above 0");
    open->profile.flag = (apr_uint32_t)flag;
    return NULL;
}

const char *mod_gba_pki_set_profile_usage(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *error;
    mod_gba_pki_profile_t *open = section(cmd, &error);

    (void)dir;
    if (!open)
        return error;
    if (strcmp(arg, "digitalSignature") == 0)
        open->profile.usage = PKI_USAGE_DIGITAL_SIGNATURE;
    else if (strcmp(arg, "nonRepudiation") == 0)
        open->profile.usage = PKI_USAGE_NON_REPUDIATION;
    else
        return mod_gba_pki_refuse(cmd, arg, "digitalSignature or nonRepudiation");
    return NULL;
}

/* A list of texts in the open section, and what each must be. */
typedef struct texts_t {
    apr_size_t offset; /* in pki_profile_t */
    int count;
    apr_size_t size; /* of the array that each stands in */
    const char *expected;
} texts_t;

/* Puts a text into the first free place. */
static const char *add_text(cmd_parms *cmd, const texts_t *list, const char *arg)
{
    const char *error;
    mod_gba_pki_profile_t *open = section(cmd, &error);
    char *text = open ? (char *)&open->profile + list->offset : NULL;
    int i = 0;

    if (!open)
        return error;
    if (!*arg || strlen(arg) >= list->size)
        return mod_gba_pki_refuse(cmd, arg,
                                  apr_psprintf(cmd->pool, "1 to %d octets", (int)list->size - 1));
    for (; i < list->count && *text; i++, text += list->size)
        if (list->count > 1 && strcmp(text, arg) == 0)
            return mod_gba_pki_refuse(cmd, arg, "each once");
    if (i == list->count)
        return mod_gba_pki_refuse(cmd, arg, apr_psprintf(cmd->pool, "at most %d of them", i));
    memcpy(text, arg, strlen(arg) + 1);
    return is_sound_so_far(cmd, &open->profile) ? NULL
                                                : mod_gba_pki_refuse(cmd, arg, list->expected);
}

#define ONE(list) ((pki_profile_t *)NULL)->list[0]
#define ADD_TEXT(list, what)                                                                       \
    add_text(cmd,                                                                                  \
             &(const texts_t){offsetof(pki_profile_t, list),                                       \
                              (int)(sizeof(((pki_profile_t *)NULL)->list) / sizeof(ONE(list))),    \
                              sizeof(ONE(list)), what},                                            \
             arg)

const char *mod_gba_pki_set_profile_subject(cmd_parms *cmd, void *dir, const char *arg)
{
    mod_gba_pki_profile_t *open = parts_of(cmd)->open_profile;

    (void)dir;
    if (open && !(open->own & MOD_GBA_PKI_OWN_SUBJECT)) {
        memset(open->profile.subject, 0, sizeof(open->profile.subject));
        open->own |= MOD_GBA_PKI_OWN_SUBJECT;
    }
    return ADD_TEXT(subject,
                    "CN, O, OU, C, L, ST, SERIALNUMBER or UID, '=', and a value that it may "
                    "have, perhaps with %{pseudonym}, %{serial}, %{ueid}, %{ueid:N}, "
                    "%{impi}");
}

const char *mod_gba_pki_set_profile_alt_name(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    return ADD_TEXT(sans, "'uri:', 'email:' or 'dns:', and a name of that kind, perhaps with "
                          "%{pseudonym}, %{serial}, %{ueid}, %{ueid:N}, %{impi}");
}

/* RFC 5280 4.2.1.12 and RFC 4945 5.1.3.12. */
static const char *usage_oid(const char *arg)
{
    static const struct {
        const char *name;
        const char *oid;
    } known[] = {{"clientAuth", "1.3.6.1.5.5.7.3.2"},
                 {"codeSigning", "1.3.6.1.5.5.7.3.3"},
                 {"emailProtection", "1.3.6.1.5.5.7.3.4"},
                 {"ipsecIKE", "1.3.6.1.5.5.7.3.17"}};

    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i].name, arg) == 0)
            return known[i].oid;
    return arg;
}

const char *mod_gba_pki_set_profile_eku(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    arg = usage_oid(arg);
    return ADD_TEXT(ekus, "clientAuth, emailProtection, codeSigning, ipsecIKE, or an object "
                          "identifier other than OCSPSigning's");
}

const char *mod_gba_pki_set_profile_policy(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    return ADD_TEXT(policies, "an object identifier such as 1.3.6.1.4.1.99999.1");
}

const char *mod_gba_pki_set_profile_crl(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    return ADD_TEXT(crls, "a URL with http:, https:, ldap: or ldaps:");
}

const char *mod_gba_pki_set_profile_url(cmd_parms *cmd, void *dir, const char *arg)
{
    const texts_t one = {(apr_size_t)cmd->info, 1, PKI_URL_MAX + 1,
                         "a URL with http: or https: (of the CA's certificate also ldap:)"};

    (void)dir;
    return add_text(cmd, &one, arg);
}

const char *mod_gba_pki_set_profile_span(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *error;
    mod_gba_pki_profile_t *open = section(cmd, &error);
    const int is_lifetime = (apr_size_t)cmd->info == offsetof(pki_profile_t, lifetime);
    apr_interval_time_t span;

    (void)dir;
    if (!open)
        return error;
    if (!base_duration_decode(&span, arg) || span > MOD_GBA_PKI_LIFETIME_MAX ||
        (is_lifetime && span < APR_USEC_PER_SEC))
        return mod_gba_pki_refuse(cmd, arg,
                                  is_lifetime ? "a number with s, m, h or d, from 1s to 3653d"
                                              : "a number with ms, s, m, h or d, at most 3653d");
    memcpy((char *)&open->profile + (apr_size_t)cmd->info, &span, sizeof(span));
    return NULL;
}

const char *mod_gba_pki_set_profile_identity(cmd_parms *cmd, void *dir, int on)
{
    const char *error;
    mod_gba_pki_profile_t *open = section(cmd, &error);

    (void)dir;
    if (open)
        open->profile.allow_identity = on != 0;
    return error;
}
