/* SPDX-License-Identifier: Apache-2.0 */
/* The attributes of a PKCS#10 (RFC 2986 4.1). What they ask for is a wish; but what can be read in
 * two ways is none: two readers of it could see two requests. */
#include <openssl/x509v3.h>
#include "pki/pki_impl.h"

static const ASN1_OBJECT *type_of(const X509_REQ *req, int place)
{
    return X509_ATTRIBUTE_get0_object(X509_REQ_get_attr(req, place));
}

/* RFC 2985 5.4.2, and what Microsoft's tools wrote before it. */
static int asks_for_extensions(const ASN1_OBJECT *type)
{
    int nid = OBJ_obj2nid(type);
    return nid == NID_ext_req || nid == NID_ms_ext_req;
}

static int is_again(const ASN1_OBJECT *type, const ASN1_OBJECT *other)
{
    return OBJ_cmp(type, other) == 0 || (asks_for_extensions(type) && asks_for_extensions(other));
}

/* X.501 8.2: an entry has one attribute of a type. */
static int all_differ(const X509_REQ *req)
{
    int count = X509_REQ_get_attr_count(req);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            if (is_again(type_of(req, i), type_of(req, j)))
                return 0;
    return 1;
}

/* RFC 5280 4.2: no extension stands there twice. Without a limit, to compare those that fit into a
 * PKCS#10 could take long. */
static int extensions_differ(const STACK_OF(X509_EXTENSION) * all)
{
    if (sk_X509_EXTENSION_num(all) > PKI_WISHES_MAX)
        return 0;
    for (int i = 0; i < sk_X509_EXTENSION_num(all); i++) {
        X509_EXTENSION *one = sk_X509_EXTENSION_value(all, i);
        if (X509v3_get_ext_by_OBJ(all, X509_EXTENSION_get_object(one), -1) != i)
            return 0;
    }
    return 1;
}

/* One value, which is one Extensions and nothing behind it. */
static int request_is_sound(X509_ATTRIBUTE *attribute)
{
    const ASN1_TYPE *value = X509_ATTRIBUTE_get0_type(attribute, 0);
    STACK_OF(X509_EXTENSION) *all = NULL;
    int good;
    if (X509_ATTRIBUTE_count(attribute) == 1 && value && value->type == V_ASN1_SEQUENCE)
        all = ASN1_item_unpack(value->value.sequence, ASN1_ITEM_rptr(X509_EXTENSIONS));
    good = all && extensions_differ(all);
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    return good;
}

const char *pki_attributes_wrong(const X509_REQ *req)
{
    if (X509_REQ_get_attr_count(req) > PKI_ATTRIBUTES_MAX)
        return "PKCS#10: too many attributes";
    if (!all_differ(req))
        return "PKCS#10: an attribute stands there twice";
    for (int i = 0; i < X509_REQ_get_attr_count(req); i++)
        if (asks_for_extensions(type_of(req, i)) && !request_is_sound(X509_REQ_get_attr(req, i)))
            return "PKCS#10: the extensions asked for are unreadable, too many, or one is there "
                   "twice";
    return NULL;
}
