/* SPDX-License-Identifier: Apache-2.0 */
/* A child asks what would be answered: the keeper tells it, or says why it cannot. */
#include "keeper_server_fixture.h"

static apr_pool_t *pool;

static void check_weighed(portal_issuer_t *issuer, const char *name, const char *what)
{
    portal_issue_t question = srvf_permit(name);
    portal_weighed_t want, got;
    srvf_weighed(&want, &question);
    memset(&got, 0xa5, sizeof(got));
    base_result_t result = issuer->weigh(issuer->baton, &question, &got, pool);
    ok(result.code == BASE_OK && memcmp(&got, &want, sizeof(got)) == 0, "%s", what);
}

static void check_not_weighed(portal_issuer_t *issuer, const portal_issue_t *question,
                              const char *tag, const char *what)
{
    static const portal_weighed_t none;
    portal_weighed_t got;
    memset(&got, 0xa5, sizeof(got));
    base_result_t result = issuer->weigh(issuer->baton, question, &got, pool);
    ok(result.code == BASE_STORE_DOWN && strcmp(result.tag, tag) == 0 &&
           memcmp(&got, &none, sizeof(got)) == 0,
       "%s", what);
}

static void test_weigh(keeper_client_t *client)
{
    portal_issuer_t *issuer = keeper_client_issuer(client, 1, 2, pool);
    portal_issue_t question = srvf_permit("full");
    check_weighed(issuer, "alice", "what would be answered is told");
    check_weighed(issuer, "window", "a refusal too, with its time");
    check_not_weighed(issuer, &question, "GBA9008", "the issuer's failure comes along");
    question = srvf_permit("strange");
    check_not_weighed(issuer, &question, "GBA0510", "a refusal to weigh is none of the contract");
    question.decision = (pki_decision_t){0, PKI_REASON_NO_USS, 0};
    check_not_weighed(issuer, &question, "GBA0521", "a refusal cannot be weighed");
    question = srvf_permit("alice");
    issuer = keeper_client_issuer(client, 2, 1, pool);
    check_not_weighed(issuer, &question, "GBA0509", "no such pair");
}

int main(void)
{
    srvf_server_t server;
    srvf_begin();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        srvf_die("pool");
    srvf_prepare(&server);
    srvf_start(&server);
    test_weigh(keeper_client_make(srvf_path, 5000, 1, pool));
    is_int(srvf_logged("GBA0511"), 1, "an answer that cannot be told is logged");
    is_int(srvf_stop(&server), 0, "the server ends with its lifeline");
    apr_pool_destroy(pool);
    srvf_end();
    return tap_done();
}
