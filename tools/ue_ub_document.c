/* SPDX-License-Identifier: Apache-2.0 */
#include "ue_ub_document.h"
#include <string.h>
#include <apr_strings.h>
#include <apr_xml.h>
#include "gba/gba_names.h"

#define DOCUMENT_MAX 8192
#define NAMESPACE    "uri:3gpp-gba"

/* The text of an element that has no children; NULL if it has some, or none of it. */
static const char *text_of(const apr_xml_elem *element, apr_pool_t *pool)
{
    const char *text = "";
    if (element->first_child)
        return NULL;
    for (const apr_text *part = element->first_cdata.first; part; part = part->next)
        text = apr_pstrcat(pool, text, part->text, NULL);
    text += strspn(text, " \t\r\n");
    apr_size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]))
        len--;
    return len ? apr_pstrmemdup(pool, text, len) : NULL;
}

/* The only child of that name in the document's own namespace; NULL if there is not exactly one. */
static const char *value_of(const apr_xml_elem *root, const char *name, apr_pool_t *pool)
{
    const apr_xml_elem *found = NULL;
    for (const apr_xml_elem *child = root->first_child; child; child = child->next) {
        if (child->ns != root->ns || strcmp(child->name, name) != 0)
            continue;
        if (found)
            return NULL;
        found = child;
    }
    return found ? text_of(found, pool) : NULL;
}

static const char *read_root(ue_ub_document_t *out, const apr_xml_doc *doc, apr_pool_t *pool)
{
    const apr_xml_elem *root = doc->root;
    if (!root || strcmp(root->name, "BootstrappingInfo") != 0 || root->ns < 0 ||
        root->ns >= doc->namespaces->nelts ||
        strcmp(APR_XML_GET_URI_ITEM(doc->namespaces, root->ns), NAMESPACE) != 0)
        return "the BSF's document is no BootstrappingInfo of " NAMESPACE;
    out->btid = value_of(root, "btid", pool);
    out->until = value_of(root, "lifetime", pool);
    if (!gba_btid_check(out->btid))
        return "the BSF's document has no B-TID";
    if (!out->until || !base_rfc3339_decode(&out->expires, base_span_str(out->until)))
        return "the BSF's document has no lifetime";
    return NULL;
}

/* Looked for in the text: expat would take a DTD, and entities with it. */
static int has_dtd(const char *text)
{
    for (const char *at = strstr(text, "<!"); at; at = strstr(at + 2, "<!"))
        if (strncmp(at, "<!--", 4) != 0)
            return 1;
    return 0;
}

const char *ue_ub_document_read(ue_ub_document_t *out, base_span_t body, apr_pool_t *pool)
{
    apr_xml_doc *doc = NULL;
    apr_xml_parser *parser;
    if (body.len == 0 || body.len > DOCUMENT_MAX || memchr(body.data, '\0', body.len))
        return "the BSF's document is empty, too long, or no text";
    if (has_dtd(apr_pstrmemdup(pool, (const char *)body.data, body.len)))
        return "the BSF's document has a DTD";
    parser = apr_xml_parser_create(pool);
    if (!parser || apr_xml_parser_feed(parser, (const char *)body.data, body.len) != APR_SUCCESS ||
        apr_xml_parser_done(parser, &doc) != APR_SUCCESS)
        return "the BSF's document is no XML";
    return read_root(out, doc, pool);
}
