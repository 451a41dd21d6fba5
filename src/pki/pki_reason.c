/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "pki/pki_policy.h"

/* In the order of pki_reason_t. Public texts go into HTML as they are: no markup characters. The
 * operator's are cells of docs/reasons.md, which docs/mkreasons.sh makes from these rows. */
static const struct {
    const char *code;
    const char *text;
    const char *detail;
} reasons[PKI_REASONS] = {
    {"NONE", "The enrolment was not refused.", "not refused"},
    {"NO_IDENTITY", "The network operator gave no identity for this subscription.",
     "neither IMPI nor UE identity is known"},
    {"NO_USS", "This subscription has no settings for certificate enrolment.",
     "no user security setting of type 1"},
    {"NO_FLAG", "This subscription does not include certificates.",
     "the setting has no flag that unlocks a profile"},
    {"USAGE_NOT_ALLOWED", "This subscription does not include the key usage asked for.",
     "the PKCS#10 asks for a key usage that no flag unlocks"},
    {"KEY_TYPE", "The key is neither an RSA nor an EC key.", "neither RSA nor EC"},
    {"KEY_SIZE", "The RSA key is not between 2048 and 4096 bits long.",
     "RSA modulus not between 2048 and 4096 bits"},
    {"KEY_EXPONENT", "The RSA key has a public exponent other than 65537.",
     "RSA exponent other than 65537"},
    {"KEY_CURVE", "The EC key is on a curve other than P-256 and P-384.",
     "EC curve other than P-256 and P-384, or explicit parameters"},
    {"KEY_TAKEN", "This key cannot be certified for this subscription; make a new key.",
     "the key was certified for another subscriber: a warning (GBA0518) goes with the first"},
    {"KEY_FACTORS", "The RSA key is damaged or was not made as RSA keys are; make a new key.",
     "the RSA modulus is even or has a small prime factor"},
    {"KEY_ROCA", "The RSA key was made by a device with a known weakness; make it elsewhere.",
     "the RSA modulus has the fingerprint of CVE-2017-15361"},
    {"KEY_CLOSE_PRIMES", "The RSA key can be broken since its primes are alike; make a new key.",
     "Fermat's method factors the RSA modulus within 100 rounds"},
    {"KEY_BLOCKED", "This key is known to be compromised; make a new key.",
     "the ledger lists the key as blocked"},
    {"CA_REQUESTED", "The request asks for the certificate of a certification authority.",
     "the PKCS#10 asks for basicConstraints CA:TRUE"},
    {"KEY_CHOICE", "This subscription demands authentication by the card itself.",
     "keyChoice of the setting demands Ks_int_NAF, and the UE used Ks_ext_NAF"},
    {"NAF_GROUP", "This subscription does not include certificates from this portal.",
     "nafGroup of the setting is not that of the location"},
    {"BOOTSTRAP_AGE", "The last authentication with the network is too long ago; try again.",
     "the bootstrapping is older than the profile's limit"},
    {"IDENTITY_MISSING", "The network operator gave no name that this certificate needs.",
     "the profile's subject names what the subscriber has not, or it does not fit there"},
    {"RULE", "The rules of the network operator do not allow this enrolment.",
     "a rule of the location; the log says which"},
    {"MODULE", "The network operator does not allow this enrolment.",
     "a module of the operator; the log says which"},
    {"QUOTA_HELD", "This subscription has as many certificates as it may hold.",
     "as many valid certificates as the quota allows"},
    {"QUOTA_WINDOW", "This subscription has had as many certificates as it may for now.",
     "as many issued within the window as the quota allows; Expires is its end"},
    {"NOT_AUTHORISED", "The network operator does not let this subscription use this service.",
     "the BSF refuses the subscriber since, although the key is good"},
};

static int in_table(pki_reason_t reason)
{
    return (unsigned)reason < PKI_REASONS;
}

const char *pki_reason_code(pki_reason_t reason)
{
    return in_table(reason) ? reasons[reason].code : "UNKNOWN";
}

int pki_reason_parse(pki_reason_t *reason, const char *code, apr_size_t len)
{
    for (unsigned i = 0; i < PKI_REASONS; i++) {
        if (strlen(reasons[i].code) == len && memcmp(reasons[i].code, code, len) == 0) {
            *reason = (pki_reason_t)i;
            return 1;
        }
    }
    return 0;
}

const char *pki_reason_public_text(pki_reason_t reason)
{
    return in_table(reason) ? reasons[reason].text : "The enrolment was refused.";
}

const char *pki_reason_detail(pki_reason_t reason)
{
    return in_table(reason) ? reasons[reason].detail : "a reason that this version does not know";
}
