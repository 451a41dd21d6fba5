/* SPDX-License-Identifier: Apache-2.0 */
/* TLS suites in Ua security protocol identifiers (TS 33.220 H.3), and the question to a BSF. */
#include "tap.h"

#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "gba/gba_json_request.h"
#include "gba/gba_suite.h"

static void numbers_suites(void)
{
    /* The IANA registry "TLS Cipher Suites". */
    static const struct {
        const char *name;
        unsigned char number[2];
    } rows[] = {{"AES128-SHA", {0x00, 0x2f}},
                {"TLS_RSA_WITH_AES_128_CBC_SHA", {0x00, 0x2f}},
                {"DHE-RSA-AES256-GCM-SHA384", {0x00, 0x9f}},
                {"TLS_AES_128_GCM_SHA256", {0x13, 0x01}},
                {"TLS_AES_256_GCM_SHA384", {0x13, 0x02}},
                {"TLS_CHACHA20_POLY1305_SHA256", {0x13, 0x03}},
                {"ECDHE-RSA-AES128-GCM-SHA256", {0xc0, 0x2f}},
                {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", {0xc0, 0x2c}},
                {"ECDHE-RSA-CHACHA20-POLY1305", {0xcc, 0xa8}}};
    unsigned char id[GBA_UA_ID_LEN];
    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned char want[GBA_UA_ID_LEN] = {1, 0, 1, rows[i].number[0], rows[i].number[1]};
        ok(gba_ua_id_tls(id, rows[i].name) && memcmp(id, want, sizeof(id)) == 0, "%s",
           rows[i].name);
    }
    ok(!gba_ua_id_tls(id, "") && !gba_ua_id_tls(id, "AES128") && !gba_ua_id_tls(id, "NULL"),
       "no suites");
}

static void writes_the_question(apr_pool_t *pool)
{
    static const apr_uint32_t services[] = {1, 3};
    static const unsigned char ua_id[GBA_UA_ID_LEN] = {1, 0, 0, 0, 0};
    gba_lookup_t question;
    memset(&question, 0, sizeof(question));
    apr_cpystrn(question.btid, "a+/=@bsf.home1.net", sizeof(question.btid));
    gba_naf_id_set(&question.naf, "pkiportal.home1.net", ua_id);
    is_str(gba_json_request(&question, services, 2, pool),
           "{\"btId\":\"a+/=@bsf.home1.net\",\"nafId\":{\"nafFqdn\":\"pkiportal.home1.net\","
           "\"uaSecProtId\":\"0100000000\"},\"gsIds\":[1,3]}",
           "with services");
    question.uicc = 1;
    is_str(gba_json_request(&question, services, 0, pool),
           "{\"btId\":\"a+/=@bsf.home1.net\",\"nafId\":{\"nafFqdn\":\"pkiportal.home1.net\","
           "\"uaSecProtId\":\"0100000000\"},\"gbaUAware\":true}",
           "GBA_U, and no empty list (minItems 1)");
}

int main(void)
{
    apr_pool_t *pool;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    numbers_suites();
    writes_the_question(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
