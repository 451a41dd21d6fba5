/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/pki_name.h"

#include <string.h>
#include <openssl/x509v3.h>

/* No locale: what is a letter does not depend on where the server stands. */
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"
#define ALNUM UPPER LOWER DIGIT

/* ---- subjects ---- */

/* Lengths: RFC 5280 A.1; of UID, which stands in RFC 4519 without one, RFC 4524 2.17's 256. */
static const pki_attribute_t attributes[] = {
    {"CN", NID_commonName, V_ASN1_UTF8STRING, 1, 64},
    {"O", NID_organizationName, V_ASN1_UTF8STRING, 1, 64},
    {"OU", NID_organizationalUnitName, V_ASN1_UTF8STRING, 1, 64},
    {"C", NID_countryName, V_ASN1_PRINTABLESTRING, 2, 2},
    {"L", NID_localityName, V_ASN1_UTF8STRING, 1, 128},
    {"ST", NID_stateOrProvinceName, V_ASN1_UTF8STRING, 1, 128},
    {"SERIALNUMBER", NID_serialNumber, V_ASN1_PRINTABLESTRING, 1, 64},
    {"UID", NID_userId, V_ASN1_UTF8STRING, 1, 256},
};

const pki_attribute_t *pki_attribute_find(const char *rdn, const char **value)
{
    for (unsigned i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        apr_size_t len = strlen(attributes[i].type);
        if (strncmp(rdn, attributes[i].type, len) == 0 && rdn[len] == '=') {
            *value = rdn + len + 1;
            return &attributes[i];
        }
    }
    return NULL;
}

static int in_range(apr_size_t count, const pki_attribute_t *attribute)
{
    return count >= (apr_size_t)attribute->min && count <= (apr_size_t)attribute->max;
}

/* Characters of UTF-8, none of them a control character; 0 if it is not so. */
static apr_size_t count_characters(const char *text)
{
    apr_size_t count = 0;
    int left = (int)strnlen(text, PKI_VALUE_MAX);
    while (left > 0) {
        unsigned long c = 0;
        int len = UTF8_getc((const unsigned char *)text, left, &c);
        if (len <= 0 || c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000) ||
            c > 0x10ffff)
            return 0;
        text += len;
        left -= len;
        count++;
    }
    return count;
}

int pki_attribute_takes(const pki_attribute_t *attribute, const char *value)
{
    apr_size_t len = strlen(value);
    if (len > PKI_VALUE_MAX)
        return 0;
    if (attribute->nid == NID_countryName) /* ISO 3166-1 alpha-2 */
        return in_range(len, attribute) && strspn(value, UPPER) == len;
    if (attribute->string == V_ASN1_PRINTABLESTRING) /* X.680 41.4 */
        return in_range(len, attribute) && strspn(value, ALNUM " '()+,-./:=?") == len;
    return in_range(count_characters(value), attribute);
}

/* ---- alternative names ---- */

/* One label of a host name, up to its dot or the end (RFC 1123 2.1); 0 if it is none. */
static apr_size_t label_len(const char *text)
{
    apr_size_t len = strcspn(text, ".");
    if (len == 0 || len > 63 || strspn(text, ALNUM "-") < len || text[0] == '-' ||
        text[len - 1] == '-')
        return 0;
    return len;
}

/* Not an IPv4 address: the last label of a host name is not all digits. */
static int host_is_sound(const char *host)
{
    apr_size_t len;
    if (strlen(host) > 253)
        return 0;
    for (;; host += len + 1) {
        len = label_len(host);
        if (len == 0)
            return 0;
        if (host[len] == '\0')
            return strspn(host, DIGIT) < len;
    }
}

/* RFC 5280 4.2.1.6: a Mailbox; quoted local parts are not taken (RFC 5321 4.1.2 advises so). */
static int email_is_sound(const char *value)
{
    static const char atext[] = ALNUM "!#$%&'*+-/=?^_`{|}~";
    const char *p = value;
    for (;; p++) {
        apr_size_t len = strspn(p, atext);
        if (len == 0)
            return 0;
        p += len;
        if (*p != '.')
            break;
    }
    return *p == '@' && p - value <= 64 && strlen(value) <= 254 && host_is_sound(p + 1);
}

/* Characters of RFC 3986 2, each % before two hex digits. */
static int is_uri_text(const char *text)
{
    for (; *text; text++) {
        if (!strchr(ALNUM "-._~:/?#[]@!$&'()*+,;=%", *text))
            return 0;
        if (*text == '%' && strspn(text + 1, DIGIT "ABCDEFabcdef") < 2)
            return 0;
    }
    return 1;
}

/* RFC 5280 4.2.1.6: absolute, and not a scheme alone; an authority is not empty. */
static int uri_is_sound(const char *value)
{
    apr_size_t len = strspn(value, ALNUM "+-.");
    const char *rest = value + len + 1;
    if (len == 0 || strchr(DIGIT "+-.", value[0]) || value[len] != ':' || *rest == '\0')
        return 0;
    if (strncmp(rest, "//", 2) == 0 && strcspn(rest + 2, "/?#") == 0)
        return 0;
    return is_uri_text(rest);
}

static const pki_san_t sans[] = {
    {"email:", GEN_EMAIL, email_is_sound},
    {"uri:", GEN_URI, uri_is_sound},
    {"dns:", GEN_DNS, host_is_sound},
};

const pki_san_t *pki_san_find(const char *san, const char **value)
{
    for (unsigned i = 0; i < sizeof(sans) / sizeof(sans[0]); i++) {
        apr_size_t len = strlen(sans[i].prefix);
        if (strncmp(san, sans[i].prefix, len) == 0) {
            *value = san + len;
            return &sans[i];
        }
    }
    return NULL;
}

/* ---- addresses and object identifiers ---- */

int pki_url_is_sound(const char *url, const char *const *schemes)
{
    for (; *schemes; schemes++) {
        apr_size_t len = strlen(*schemes);
        if (strncmp(url, *schemes, len) == 0 && strncmp(url + len, "://", 3) == 0)
            return uri_is_sound(url);
    }
    return 0;
}

/* One arc, up to its dot or the end: a number below 2^31 in its shortest form. 0 if it is none. */
static apr_size_t arc_len(const char *text, unsigned long *number)
{
    apr_size_t len = strspn(text, DIGIT);
    *number = 0;
    if (len == 0 || len > 10 || (len > 1 && text[0] == '0') || (text[len] && text[len] != '.'))
        return 0;
    for (apr_size_t i = 0; i < len; i++)
        *number = 10 * *number + (unsigned long)(text[i] - '0');
    return *number <= 0x7fffffff ? len : 0;
}

/* X.660 7.6: the first arc is 0, 1 or 2, and below 0 and 1 the second is at most 39. */
int pki_oid_is_sound(const char *oid)
{
    unsigned long first = 3;
    unsigned long number = 0;
    for (int place = 0;; place++) {
        apr_size_t len = arc_len(oid, &number);
        if (len == 0 || (place == 0 && number > 2) || (place == 1 && first < 2 && number > 39))
            return 0;
        first = place == 0 ? number : first;
        if (oid[len] == '\0')
            return place > 0;
        oid += len + 1;
    }
}
