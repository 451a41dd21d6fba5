/* SPDX-License-Identifier: Apache-2.0 */
/* What a PKCS#10 asks for beside its key: which wishes count, and which are named and left. */
#include <apr_general.h>
#include "pki/pki_wish.h"
#include "pki_fixture.h"

#define OID_CONSTRAINTS "0603551d13"
#define OID_SAN         "0603551d11"
#define CA_TRUE         "30030101ff"
#define CA_FALSE        "3000"

/* One extension: its type and its value in hex. */
typedef struct extension_t {
    const char *oid;
    int critical;
    const char *value;
} extension_t;

static base_span_t make_extension(apr_pool_t *pool, const extension_t *extension)
{
    base_span_t span = pkif_hex(pool, extension->oid);
    if (extension->critical)
        span = pkif_cat(pool, span, pkif_hex(pool, "0101ff"));
    span = pkif_cat(pool, span, pkif_tlv(pool, 0x04, pkif_hex(pool, extension->value)));
    return pkif_tlv(pool, 0x30, span);
}

/* A PKCS#10 with an extensionRequest (RFC 2985 5.4.2) of @a count extensions. */
static pki_pkcs10_t *make(apr_pool_t *pool, const extension_t *extensions, int count)
{
    pki_pkcs10_t *req = NULL;
    base_span_t list = {NULL, 0}, info, attribute;
    base_span_t tail = pkif_hex(pool, "300a06082a8648ce3d040302"
                                      "0309003006020101020101");
    for (int i = 0; i < count; i++)
        list = pkif_cat(pool, list, make_extension(pool, &extensions[i]));
    attribute = pkif_tlv(pool, 0x31, pkif_tlv(pool, 0x30, list));
    attribute = pkif_cat(pool, pkif_hex(pool, "06092a864886f70d01090e"), attribute);
    info = pkif_cat(pool, pkif_hex(pool, "0201003000"), pkif_spki(pool, pkif_der(pool, "p256")));
    info = pkif_cat(pool, info, pkif_tlv(pool, 0xa0, pkif_tlv(pool, 0x30, attribute)));
    info = pkif_tlv(pool, 0x30, info);
    if (pki_pkcs10_read(&req, pkif_tlv(pool, 0x30, pkif_cat(pool, info, tail)), pool).code !=
        BASE_OK)
        pkif_die("the test's PKCS#10 is not read");
    return req;
}

static const struct {
    const char *what;
    extension_t extensions[3];
    int count;
    int wants_ca;
    const char *ignored;
} rows[] = {
    {"no extension", {{NULL, 0, NULL}}, 0, 0, NULL},
    {"CA:FALSE", {{OID_CONSTRAINTS, 0, CA_FALSE}}, 1, 0, NULL},
    {"CA:FALSE, critical", {{OID_CONSTRAINTS, 1, CA_FALSE}}, 1, 0, NULL},
    {"CA:TRUE", {{OID_CONSTRAINTS, 0, CA_TRUE}}, 1, 1, NULL},
    {"CA:TRUE, critical", {{OID_CONSTRAINTS, 1, CA_TRUE}}, 1, 1, NULL},
    {"CA:TRUE, pathlen 0", {{OID_CONSTRAINTS, 1, "30060101ff020100"}}, 1, 1, NULL},
    {"constraints that are none", {{OID_CONSTRAINTS, 0, "0500"}}, 1, 1, NULL},
    {"empty constraints", {{OID_CONSTRAINTS, 0, ""}}, 1, 1, NULL},
    {"CA:TRUE behind another",
     {{OID_SAN, 0, "3003820161"}, {OID_CONSTRAINTS, 1, CA_TRUE}},
     2,
     1,
     "subjectAltName"},
    {"a name", {{OID_SAN, 0, "3003820161"}}, 1, 0, "subjectAltName"},
    {"a name, unreadable and critical", {{OID_SAN, 1, "ff"}}, 1, 0, "subjectAltName"},
    {"key usage", {{"0603551d0f", 1, "03020780"}}, 1, 0, NULL},
    {"what nobody knows", {{"06032a0304", 1, "0500"}}, 1, 0, "1.2.3.4"},
    {"policies, names and what nobody knows",
     {{"0603551d20", 0, "3000"}, {OID_SAN, 0, "3003820161"}, {"06032a0304", 0, "0500"}},
     3,
     0,
     "certificatePolicies, subjectAltName, 1.2.3.4"},
};

static void many(apr_pool_t *pool)
{
    extension_t extensions[40];
    char number[2 * 129 + 1];
    const char *names;
    for (int i = 0; i < 40; i++)
        extensions[i] = (extension_t){apr_psprintf(pool, "06032a03%02x", i), 0, "0500"};
    names = pki_pkcs10_ignored(make(pool, extensions, 40), pool);
    ok(names && strlen(names) <= PKI_IGNORED_MAX, "40 are not all named");
    ok(names && strcmp(names + strlen(names) - 5, ", ...") == 0, "  ... and it is told");
    memcpy(number, "067f2a", 6);
    for (int i = 6; i < 2 * 129; i += 2)
        memcpy(number + i, i == 2 * 128 ? "01" : "81", 3);
    extensions[0].oid = number;
    is_str(pki_pkcs10_ignored(make(pool, extensions, 1), pool), "...",
           "a number that is too long is not named");
}

int main(void)
{
    apr_pool_t *pool;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pki_pkcs10_t *req = make(pool, rows[i].extensions, rows[i].count);
        is_int(pki_pkcs10_wants_ca(req), rows[i].wants_ca, rows[i].what);
        is_str(pki_pkcs10_ignored(req, pool), rows[i].ignored, "  ... and what is left");
    }
    many(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
