/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/pki_policy.h"

static pki_decision_t refuse(pki_reason_t reason)
{
    pki_decision_t decision = {0, reason, 0};
    return decision;
}

/* What is wrong with the subscription comes before what is wrong with the request. */
pki_decision_t pki_decide(const pki_subscriber_t *subscriber, pki_reason_t key_check,
                          unsigned usage_wish)
{
    const unsigned known = PKI_USAGE_DIGITAL_SIGNATURE | PKI_USAGE_NON_REPUDIATION;
    unsigned allowed = subscriber->allowed & known;
    unsigned wish = usage_wish & known;
    unsigned possible = wish ? wish & allowed : allowed;
    pki_decision_t permit = {1, PKI_REASON_NONE, PKI_USAGE_NON_REPUDIATION};
    if (!subscriber->has_identity)
        return refuse(PKI_REASON_NO_IDENTITY);
    if (!subscriber->has_uss)
        return refuse(PKI_REASON_NO_USS);
    if (!allowed)
        return refuse(PKI_REASON_NO_FLAG);
    if (!possible)
        return refuse(PKI_REASON_USAGE_NOT_ALLOWED);
    if (key_check != PKI_REASON_NONE)
        return refuse(key_check);
    if (possible & PKI_USAGE_DIGITAL_SIGNATURE)
        permit.usage = PKI_USAGE_DIGITAL_SIGNATURE;
    return permit;
}
