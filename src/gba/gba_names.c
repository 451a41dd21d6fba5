/* SPDX-License-Identifier: Apache-2.0 */
#include "gba/gba_names.h"

#include <string.h>
#include <apr_strings.h>

#define LABEL_MAX        63 /* octets of a label (RFC 1035 2.3.4) */
#define REDACTED_TO      6  /* characters of a B-TID's opaque part that a log may show */
#define BTID_MIN         3  /* "a@b" */
#define HEX_PREFIX       "hex:"
#define FQDN_MIN_LABELS  2
#define REALM_ME_PREFIX  "3GPP-bootstrapping@"
#define REALM_UICC       "3GPP-bootstrapping-uicc@"
#define REALM_GBA_DIGEST "3GPP-bootstrapping-digest@"

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A label of RFC 1123 2.1: letters, digits and inner hyphens. */
static int label_check(const char *label, apr_size_t len)
{
    if (len == 0 || len > LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
        return 0;
    for (apr_size_t i = 0; i < len; i++)
        if (!is_letter(label[i]) && !is_digit(label[i]) && label[i] != '-')
            return 0;
    return 1;
}

/* The last label of a name is no number, so that an IPv4 address is no name (RFC 1123 2.1). */
static int host_check(const char *name, int min_labels)
{
    int labels = 0;
    apr_size_t len = 0;
    if (strnlen(name, GBA_FQDN_MAX + 1) > GBA_FQDN_MAX)
        return 0;
    for (const char *label = name;; label += len + 1) {
        len = strcspn(label, ".");
        if (!label_check(label, len))
            return 0;
        labels++;
        if (label[len] == '\0')
            return labels >= min_labels && strspn(label, "0123456789") < len;
    }
}

int gba_btid_check(const char *btid)
{
    if (!btid)
        return 0;
    apr_size_t len = strnlen(btid, GBA_BTID_MAX + 1);
    if (len < BTID_MIN || len > GBA_BTID_MAX)
        return 0;
    for (apr_size_t i = 0; i < len; i++)
        if (btid[i] <= ' ' || btid[i] > '~' || btid[i] == '"' || btid[i] == '\\')
            return 0;
    const char *at = strrchr(btid, '@');
    return at && at > btid && host_check(at + 1, 1);
}

const char *gba_btid_domain(const char *btid)
{
    const char *at = strrchr(btid, '@');
    return at ? at + 1 : "";
}

const char *gba_btid_redact(apr_pool_t *pool, const char *btid)
{
    if (!btid)
        return "(none)";
    const char *at = strrchr(btid, '@');
    apr_size_t len = at ? (apr_size_t)(at - btid) : strlen(btid);
    const char *head = apr_pstrndup(pool, btid, len < REDACTED_TO ? len : REDACTED_TO);
    return apr_pstrcat(pool, base_log_safe(pool, head, REDACTED_TO), "...",
                       at ? base_log_safe(pool, at, GBA_FQDN_MAX + 1) : "", NULL);
}

int gba_fqdn_check(const char *fqdn)
{
    return fqdn && host_check(fqdn, FQDN_MIN_LABELS);
}

const char *gba_realm_print(apr_pool_t *pool, gba_realm_kind_t kind, const char *fqdn)
{
    static const char *const prefix[] = {
        [GBA_REALM_ME] = REALM_ME_PREFIX,
        [GBA_REALM_UICC] = REALM_UICC,
        [GBA_REALM_DIGEST] = REALM_GBA_DIGEST,
    };
    return apr_pstrcat(pool, prefix[kind], fqdn, NULL);
}

int gba_naf_id_set(gba_naf_id_t *naf, const char *fqdn, const unsigned char ua_id[GBA_UA_ID_LEN])
{
    if (!gba_fqdn_check(fqdn))
        return 0;
    memset(naf, 0, sizeof(*naf));
    for (apr_size_t i = 0; fqdn[i]; i++)
        naf->fqdn[i] = (char)(fqdn[i] >= 'A' && fqdn[i] <= 'Z' ? fqdn[i] - 'A' + 'a' : fqdn[i]);
    memcpy(naf->ua_id, ua_id, GBA_UA_ID_LEN);
    return 1;
}

apr_size_t gba_naf_id_octets(const gba_naf_id_t *naf, unsigned char out[GBA_NAF_ID_MAX])
{
    apr_size_t len = strnlen(naf->fqdn, GBA_FQDN_MAX);
    memcpy(out, naf->fqdn, len);
    memcpy(out + len, naf->ua_id, GBA_UA_ID_LEN);
    return len + GBA_UA_ID_LEN;
}

int gba_ua_id_parse(unsigned char out[GBA_UA_ID_LEN], const char *text)
{
    static const unsigned char pki[GBA_UA_ID_LEN] = {1, 0, 0, 0, 0};    /* TS 33.220 H.3 */
    static const unsigned char digest[GBA_UA_ID_LEN] = {1, 0, 0, 0, 2}; /* TS 33.220 H.3 */
    const apr_size_t prefix_len = sizeof(HEX_PREFIX) - 1;
    if (!text)
        return 0;
    if (strcmp(text, "pki") == 0)
        memcpy(out, pki, GBA_UA_ID_LEN);
    else if (strcmp(text, "digest") == 0)
        memcpy(out, digest, GBA_UA_ID_LEN);
    else if (strncmp(text, HEX_PREFIX, prefix_len) == 0)
        return base_hex_decode(out, GBA_UA_ID_LEN, text + prefix_len, strlen(text + prefix_len));
    else
        return 0;
    return 1;
}

/* What may stand inside a token (RFC 9110 5.6.2), so that "3gpp-gba" is not found in
 * "3gpp-gba-uicc". */
static int is_tchar(char c)
{
    return is_letter(c) || is_digit(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

int gba_agent_has(const char *user_agent, const char *product)
{
    apr_size_t len = strlen(product);

    for (const char *at = user_agent; at && (at = strstr(at, product)) != NULL; at++)
        if ((at == user_agent || !is_tchar(at[-1])) && !is_tchar(at[len]))
            return 1;
    return 0;
}
