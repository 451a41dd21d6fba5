/* SPDX-License-Identifier: Apache-2.0 */
#include "portal/portal_question.h"

#include <string.h>

#include <apr_strings.h>

/* ---- UE identities ---- */

/* The bound is that of all texts of an info: they fit. */
static int add_ue_id(portal_issue_t *question, const char *id)
{
    apr_size_t size = strlen(id) + 1;
    apr_size_t at = question->ue_ids_len;

    if (size == 1 || size > sizeof(question->ue_ids) - at)
        return 0;
    memcpy(question->ue_ids + at, id, size);
    question->ue_ids_len = (apr_uint16_t)(at + size);
    return 1;
}

static int has_ue_id(const portal_issue_t *question, const char *id)
{
    for (apr_size_t at = 0; at < question->ue_ids_len; at += strlen(question->ue_ids + at) + 1)
        if (strcmp(question->ue_ids + at, id) == 0)
            return 1;
    return 0;
}

/* Those of every setting, once each; what is left out only cannot be searched for. */
static void add_others(portal_issue_t *question, const gba_info_t *info)
{
    const char *ids[GBA_UEIDS_MAX];

    for (int i = 0; i < info->uss_count; i++) {
        int count = pki_setting_ue_ids(ids, info, &info->uss[i]);
        for (int j = 0; j < count; j++)
            if (!has_ue_id(question, ids[j]))
                (void)add_ue_id(question, ids[j]);
    }
}

/* Those that the certificate may name come first. Nonzero if they fit. */
static int fill_ue_ids(portal_issue_t *question, const gba_info_t *info, int setting)
{
    const char *ids[GBA_UEIDS_MAX];
    int count = setting >= 0 ? pki_setting_ue_ids(ids, info, &info->uss[setting]) : 0;

    for (int i = 0; i < count; i++)
        if (!add_ue_id(question, ids[i]))
            return 0;
    question->ue_id_count = (unsigned char)count;
    add_others(question, info);
    return 1;
}

int portal_issue_ue_ids_end(const portal_issue_t *question)
{
    apr_size_t len = question->ue_ids_len;
    int count = 0;

    if (len == 0)
        return question->ue_id_count == 0;
    if (len > sizeof(question->ue_ids) || question->ue_ids[len - 1])
        return 0;
    for (apr_size_t at = 0; at < len; at += strlen(question->ue_ids + at) + 1, count++)
        if (!question->ue_ids[at])
            return 0;
    return question->ue_id_count <= GBA_UEIDS_MAX && question->ue_id_count <= count;
}

void portal_issue_names(pki_names_t *names, const char *ue_ids[GBA_UEIDS_MAX],
                        const portal_issue_t *question)
{
    const char *at = question->ue_ids;

    memset(names, 0, sizeof(*names));
    for (int i = 0; i < question->ue_id_count; i++, at += strlen(at) + 1)
        ue_ids[i] = at;
    names->impi = question->has_impi ? question->subscriber : NULL;
    names->ue_ids = ue_ids;
    names->ue_id_count = question->ue_id_count;
}

/* ---- the rest ---- */

static base_result_t fill_names(portal_issue_t *question, const portal_enrol_request_t *request,
                                int setting)
{
    const gba_info_t *info = request->info;
    const char *name = pki_identity(info);

    if ((name && strlen(name) > GBA_BTID_MAX) || strlen(request->btid) > GBA_BTID_MAX ||
        !fill_ue_ids(question, info, setting))
        return base_fail(BASE_INTERNAL, "GBA0443", "an identity is longer than its bound");
    apr_cpystrn(question->subscriber, name ? name : "", sizeof(question->subscriber));
    apr_cpystrn(question->btid, request->btid, sizeof(question->btid));
    question->has_impi = name && gba_info_text(info, info->impi) == name;
    return base_ok();
}

void portal_question_refuse(portal_issue_t *question, pki_reason_t reason)
{
    question->decision = pki_refuse(reason);
    question->ue_id_count = 0;
}

base_result_t portal_question_fill(portal_issue_t *question, const pki_outcome_t *outcome,
                                   const portal_enrol_config_t *config,
                                   const portal_enrol_request_t *request,
                                   const portal_pkcs10_t *pkcs10)
{
    base_result_t result = fill_names(question, request, outcome->setting);

    if (result.code != BASE_OK)
        return result;
    question->decision = outcome->decision;
    if (outcome->profile >= 0)
        question->profile = config->profiles[outcome->profile];
    if (pkcs10->spki.len <= PKI_SPKI_MAX) {
        memcpy(question->spki, pkcs10->spki.data, pkcs10->spki.len);
        question->spki_len = (apr_uint16_t)pkcs10->spki.len;
    } else if (question->decision.permit) {
        return base_fail(BASE_BAD_PKCS10, "GBA0444", "the SubjectPublicKeyInfo is over its bound");
    }
    if (!question->decision.permit)
        portal_question_refuse(question, question->decision.reason);
    return base_ok();
}
