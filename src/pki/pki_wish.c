/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/pki_wish.h"

#include <string.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include "pki/pki_impl.h"

/* One that says it twice, or in what is no DER, has no good use. */
static int asks_for_ca(const STACK_OF(X509_EXTENSION) * extensions)
{
    int where = -1, critical = -1;
    int asks;
    BASIC_CONSTRAINTS *constraints =
        X509V3_get_d2i(extensions, NID_basic_constraints, &critical, &where);
    if (!constraints)
        return critical != -1;
    asks = constraints->ca != 0;
    BASIC_CONSTRAINTS_free(constraints);
    return asks || X509v3_get_ext_by_NID(extensions, NID_basic_constraints, where) >= 0;
}

int pki_pkcs10_wants_ca(const pki_pkcs10_t *req)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(req->req);
    int asks = extensions && asks_for_ca(extensions);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    ERR_clear_error();
    return asks;
}

/* Nonzero if the name fits. */
static int add_name(char out[PKI_IGNORED_MAX + 1], const ASN1_OBJECT *object)
{
    const apr_size_t room = PKI_IGNORED_MAX - sizeof(", ...") + 1;
    char number[PKI_IGNORED_MAX + 1] = "";
    int nid = OBJ_obj2nid(object);
    const char *name = nid != NID_undef ? OBJ_nid2sn(nid) : number;
    apr_size_t used = strlen(out);
    if (nid == NID_undef && OBJ_obj2txt(number, sizeof(number), object, 1) <= 0)
        return 0;
    if (used + strlen(name) + 2 > room)
        return 0;
    apr_snprintf(out + used, PKI_IGNORED_MAX + 1 - used, "%s%s", used ? ", " : "", name);
    return 1;
}

static void list_ignored(char out[PKI_IGNORED_MAX + 1], const STACK_OF(X509_EXTENSION) * extensions)
{
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++) {
        const ASN1_OBJECT *object =
            X509_EXTENSION_get_object(sk_X509_EXTENSION_value(extensions, i));
        int nid = OBJ_obj2nid(object);
        if (nid == NID_key_usage || nid == NID_basic_constraints || add_name(out, object))
            continue;
        apr_cpystrn(out + strlen(out), *out ? ", ..." : "...", sizeof(", ..."));
        return;
    }
}

const char *pki_pkcs10_ignored(const pki_pkcs10_t *req, apr_pool_t *pool)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(req->req);
    char *names = apr_pcalloc(pool, PKI_IGNORED_MAX + 1);
    if (extensions)
        list_ignored(names, extensions);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    ERR_clear_error();
    return *names ? names : NULL;
}

static const char *curve_name(int curve)
{
    if (curve == NID_X9_62_prime256v1)
        return "P-256";
    return curve == NID_secp384r1 ? "P-384" : NULL;
}

const char *pki_key_describe(pki_key_facts_t *facts, const pki_pkcs10_t *req, apr_pool_t *pool)
{
    int alg = pki_pkcs10_key_alg(req);
    const EVP_PKEY *key = X509_REQ_get0_pubkey(req->req);
    facts->type = alg == NID_rsaEncryption          ? "RSA"
                  : alg == NID_X9_62_id_ecPublicKey ? "EC"
                                                    : "other";
    facts->bits = key ? EVP_PKEY_get_bits(key) : 0;
    facts->curve = curve_name(pki_pkcs10_key_curve(req));
    ERR_clear_error();
    if (facts->curve)
        return apr_psprintf(pool, "%s %s", facts->type, facts->curve);
    return apr_psprintf(pool, "%s %d bits", facts->type, facts->bits);
}
