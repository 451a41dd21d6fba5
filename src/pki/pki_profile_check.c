/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <apr_strings.h>
#include "pki/pki_name.h"
#include "pki/pki_pkcs10.h"

#define KNOWN_USAGES (PKI_USAGE_DIGITAL_SIGNATURE | PKI_USAGE_NON_REPUDIATION)
#define PSEUDONYM_32 "00000000000000000000000000000000" /* as long as each pseudonym and serial */

/* What is wrong, and with which member. */
typedef struct fault_t {
    const char *member;
    const char *why; /* NULL: nothing */
} fault_t;

/* The first fault stays. */
static void must(fault_t *fault, int good, const char *member, const char *why)
{
    if (!good && !fault->why) {
        fault->member = member;
        fault->why = why;
    }
}

/* ---- texts ---- */

static int ends(const char *text, apr_size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

/* Judges one text of a list. @return NULL, or what is wrong; static */
typedef const char *(*judge_t)(const pki_profile_t *profile, const char *text);

/* A list of texts, each in an array of @a size octets. */
typedef struct list_t {
    const char *member;
    const char *texts;
    int count;
    apr_size_t size;
    judge_t judge;
    int is_set; /* no text may stand there twice */
} list_t;

static int stands_before(const list_t *list, int place)
{
    const char *text = list->texts + (apr_size_t)place * list->size;
    for (int i = 0; i < place; i++)
        if (strcmp(list->texts + (apr_size_t)i * list->size, text) == 0)
            return 1;
    return 0;
}

static void check_list(fault_t *fault, const pki_profile_t *profile, const list_t *list)
{
    int gap = 0;
    for (int i = 0; i < list->count && !fault->why; i++) {
        const char *text = list->texts + (apr_size_t)i * list->size;
        if (!ends(text, list->size)) {
            must(fault, 0, list->member, "is longer than it may be");
        } else if (text[0] == '\0') {
            gap = 1;
        } else {
            const char *wrong = list->judge(profile, text);
            must(fault, !gap, list->member, "has an entry after an empty one");
            must(fault, !wrong, list->member, wrong);
            must(fault, !list->is_set || !stands_before(list, i), list->member,
                 "names the same twice");
        }
    }
}

static const char *judge_template(pki_template_use_t *use, const pki_profile_t *profile,
                                  const char *text)
{
    const char *wrong = pki_template_read(use, text);
    if (wrong)
        return wrong;
    return use->identity && !profile->allow_identity
               ? "names an IMPI or a UE identity, which must be allowed first"
               : NULL;
}

/* What can be known of a value before there is a subscriber: all, if it names none of his
 * identities. */
static int write_sample(char out[PKI_VALUE_MAX + 1], const char *text)
{
    static const pki_names_t sample = {.pseudonym = PSEUDONYM_32, .serial_hex = PSEUDONYM_32};
    return pki_template_write(out, text, &sample);
}

static const char *judge_rdn(const pki_profile_t *profile, const char *text)
{
    pki_template_use_t use;
    char value[PKI_VALUE_MAX + 1];
    const char *template = NULL;
    const pki_attribute_t *attribute = pki_attribute_find(text, &template);
    const char *wrong;
    if (!attribute)
        return "has an attribute that is none of CN, O, OU, C, L, ST, SERIALNUMBER and UID";
    wrong = judge_template(&use, profile, template);
    if (wrong || use.identity)
        return wrong;
    return write_sample(value, template) && pki_attribute_takes(attribute, value)
               ? NULL
               : "has a value that its attribute cannot have (RFC 5280 A.1)";
}

static const char *judge_san(const pki_profile_t *profile, const char *text)
{
    pki_template_use_t use;
    char value[PKI_VALUE_MAX + 1];
    const char *template = NULL;
    const pki_san_t *kind = pki_san_find(text, &template);
    const char *wrong;
    if (!kind)
        return "has a name that does not start with email:, uri: or dns:";
    wrong = judge_template(&use, profile, template);
    if (wrong || use.identity)
        return wrong;
    return write_sample(value, template) && kind->is_sound(value)
               ? NULL
               : "has a name that is not one of its kind (RFC 5280 4.2.1.6)";
}

static const char *judge_oid(const pki_profile_t *profile, const char *text)
{
    (void)profile;
    return pki_oid_is_sound(text) ? NULL : "has an object identifier that is none";
}

/* RFC 6960 4.2.2.2: who has id-kp-OCSPSigning speaks for the CA about revocation. */
static const char *judge_eku(const pki_profile_t *profile, const char *text)
{
    if (strcmp(text, "1.3.6.1.5.5.7.3.9") == 0)
        return "has OCSPSigning, with which a subscriber could answer for the CA";
    return judge_oid(profile, text);
}

/* RFC 5280 4.2.1.13 and 4.2.2.1. */
static const char *judge_place(const pki_profile_t *profile, const char *text)
{
    static const char *const schemes[] = {"http", "https", "ldap", "ldaps", NULL};
    (void)profile;
    return pki_url_is_sound(text, schemes) ? NULL : "has an address that is no http or ldap URL";
}

/* RFC 6960 A.1: OCSP goes over HTTP. */
static const char *judge_responder(const pki_profile_t *profile, const char *text)
{
    static const char *const schemes[] = {"http", "https", NULL};
    (void)profile;
    return pki_url_is_sound(text, schemes) ? NULL : "is no http URL";
}

static const char *judge_name(const pki_profile_t *profile, const char *text)
{
    (void)profile;
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
                   strlen(text)
               ? NULL
               : "has characters other than letters, digits, '.', '_' and '-'";
}

#define LIST(member, judge, is_set)                                                                \
    {                                                                                              \
#member, profile->member[0], (int)(sizeof(profile->member) / sizeof(profile->member[0])),  \
                                 sizeof(profile->member[0]), judge, is_set                         \
    }
#define TEXT(member, judge)                                                                        \
    {                                                                                              \
#member, profile->member, 1, sizeof(profile->member), judge, 0                             \
    }

static void check_texts(fault_t *fault, const pki_profile_t *profile)
{
    const list_t lists[] = {
        TEXT(name, judge_name),      LIST(subject, judge_rdn, 0),   LIST(sans, judge_san, 1),
        LIST(ekus, judge_eku, 1),    LIST(policies, judge_oid, 1),  LIST(crls, judge_place, 1),
        TEXT(ocsp, judge_responder), TEXT(ca_issuers, judge_place),
    };
    for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        check_list(fault, profile, &lists[i]);
    must(fault, profile->name[0] != '\0', "name", "is missing or too long");
    must(fault, profile->subject[0][0] != '\0', "subject", "is empty");
}

/* ---- numbers ---- */

static void check_numbers(fault_t *fault, const pki_profile_t *profile)
{
    must(fault, profile->flag != 0, "flag", "is not set");
    must(fault, profile->usage != 0, "usage", "is not set");
    must(fault, (profile->usage & ~KNOWN_USAGES) == 0, "usage",
         "is other than digitalSignature and nonRepudiation");
    must(fault, profile->usage != KNOWN_USAGES, "usage",
         "is both: what answers a challenge must not commit to a contract");
    must(fault, profile->lifetime >= APR_USEC_PER_SEC, "lifetime", "is under a second");
    must(fault, profile->backdate >= 0, "backdate", "is negative");
    must(fault, profile->renew_before >= 0, "renew_before", "is negative");
    must(fault, profile->renew_before < profile->lifetime, "renew_before",
         "is not shorter than the lifetime");
    must(fault, profile->bootstrap_max_age >= 0, "bootstrap_max_age", "is negative");
    must(fault, profile->issued_window >= 0, "issued_window", "is negative");
    must(fault, (profile->issued_max != 0) == (profile->issued_window != 0), "issued_window",
         "and issued_max are not set together");
}

static fault_t find_fault(const pki_profile_t *profile)
{
    fault_t fault = {NULL, NULL};
    check_texts(&fault, profile);
    check_numbers(&fault, profile);
    return fault;
}

int pki_profile_is_sound(const pki_profile_t *profile)
{
    return !find_fault(profile).why;
}

base_result_t pki_profile_check(const pki_profile_t *profile, apr_pool_t *pool)
{
    fault_t fault = find_fault(profile);
    if (!fault.why)
        return base_ok();
    return base_fail(BASE_INTERNAL, "GBA1500",
                     apr_psprintf(pool, "profile: its %s %s", fault.member, fault.why));
}
