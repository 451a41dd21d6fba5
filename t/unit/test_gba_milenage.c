/* SPDX-License-Identifier: Apache-2.0 */
/* Milenage (TS 35.206) against test sets of TS 35.208. */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include "gba/gba_milenage.h"

typedef struct set_t {
    const char *name;
    const char *k, *rand, *sqn, *amf, *op;
    const char *opc, *f1, *f1_s, *f2, *f3, *f4, *f5, *f5_s;
} set_t;

/* TS 35.208 4.3, sets 1, 3, 4, 5 and 6: set 2 is set 1 again. */
static const set_t sets[] = {
    {"set 1", "465b5ce8b199b49faa5f0a2ee238a6bc", "23553cbe9637a89d218ae64dae47bf35",
     "ff9bb4d0b607", "b9b9", "cdc202d5123e20f62b6d676ac72cb318", "cd63cb71954a9f4e48a5994e37a02baf",
     "4a9ffac354dfafb3", "01cfaf9ec4e871e9", "a54211d5e3ba50bf", "b40ba9a3c58b2a05bbf0d987b21bf8cb",
     "f769bcd751044604127672711c6d3441", "aa689c648370", "451e8beca43b"},
    {"set 3", "fec86ba6eb707ed08905757b1bb44b8f", "9f7c8d021accf4db213ccff0c7f71a6a",
     "9d0277595ffc", "725c", "dbc59adcb6f9a0ef735477b7fadf8374", "1006020f0a478bf6b699f15c062e42b3",
     "9cabc3e99baf7281", "95814ba2b3044324", "8011c48c0c214ed2", "5dbdbb2954e8f3cde665b046179a5098",
     "59a92d3b476a0443487055cf88b2307b", "33484dc2136b", "deacdd848cc6"},
    {"set 4", "9e5944aea94b81165c82fbf9f32db751", "ce83dbc54ac0274a157c17f80d017bd6",
     "0b604a81eca8", "9e09", "223014c5806694c007ca1eeef57f004f", "a64a507ae1a2a98bb88eb4210135dc87",
     "74a58220cba84c49", "ac2cc74a96871837", "f365cd683cd92e96", "e203edb3971574f5a94b0d61b816345d",
     "0c4524adeac041c4dd830d20854fc46b", "f0b9c08ad02e", "6085a86c6f63"},
    {"set 5", "4ab1deb05ca6ceb051fc98e77d026a84", "74b0cd6031a1c8339b2b6ce2b8c4a186",
     "e880a1b580b6", "9f07", "2d16c5cd1fdf6b22383584e3bef2a8d8", "dcf07cbd51855290b92a07a9891e523e",
     "49e785dd12626ef2", "9e85790336bb3fa2", "5860fc1bce351e7e", "7657766b373d1c2138f307e3de9242f9",
     "1c42e960d89b8fa99f2744e0708ccb53", "31e11a609118", "fe2555e54aa9"},
    {"set 6", "6c38a116ac280c454f59332ee35c8c4f", "ee6466bc96202c5a557abbeff8babf63",
     "414b98222181", "4464", "1ba00a1a7c6700ac8c3ff3e96ad08725", "3803ef5363b947c6aaa225e58fae3934",
     "078adfb488241a57", "80246b8d0186bcf1", "16c8233f05a0ac28", "3f8c7587fe8e4b233af676aede30ba3b",
     "a7466cc1e6b2a1337d49d3b66e95d7b4", "45b0f69ab06c", "1f53cd2b1113"},
};

static apr_pool_t *pool;

static const unsigned char *octets(const char *hex)
{
    apr_size_t len = strlen(hex) / 2;
    unsigned char *out = apr_palloc(pool, len);
    return base_hex_decode(out, len, hex, strlen(hex)) ? out : NULL;
}

static void is_hex(const void *got, const char *want, const char *set, const char *name)
{
    char hex[65];
    base_hex_encode(hex, got, strlen(want) / 2);
    is_str(hex, want, apr_pstrcat(pool, set, ": ", name, NULL));
}

static void test_set(const set_t *set)
{
    gba_milenage_key_t key;
    gba_milenage_mac_t mac;
    gba_milenage_out_t out;
    memcpy(key.k, octets(set->k), sizeof(key.k));
    ok(gba_milenage_opc(key.opc, key.k, octets(set->op)), "%s: OPc is made", set->name);
    is_hex(key.opc, set->opc, set->name, "it is the right one");
    ok(gba_milenage_f1(&mac, &key, octets(set->rand), octets(set->sqn), octets(set->amf)),
       "%s: f1 and f1* run", set->name);
    is_hex(mac.a, set->f1, set->name, "f1");
    is_hex(mac.s, set->f1_s, set->name, "f1*");
    ok(gba_milenage_f2345(&out, &key, octets(set->rand)), "%s: f2 to f5* run", set->name);
    is_hex(out.res, set->f2, set->name, "f2");
    is_hex(out.ck, set->f3, set->name, "f3");
    is_hex(out.ik, set->f4, set->name, "f4");
    is_hex(out.ak, set->f5, set->name, "f5");
    is_hex(out.ak_s, set->f5_s, set->name, "f5*");
}

int main(void)
{
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        test_set(&sets[i]);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
