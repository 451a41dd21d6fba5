/* SPDX-License-Identifier: Apache-2.0 */
#include "gba/gba_uss_xml.h"

#include <string.h>
#include <apr_strings.h>
#include <apr_xml.h>

#define VALUE_MAX 1023 /* octets of an element's or attribute's text */

/* What the reading of one document carries along. Functions return nonzero if all is well. */
typedef struct reading_t {
    gba_info_t *info;
    apr_pool_t *scratch; /* the document's */
    const char *wrong;   /* the first thing that is wrong: static, or in scratch */
} reading_t;

static int wrong(reading_t *reading, const char *what)
{
    if (!reading->wrong)
        reading->wrong = what;
    return 0;
}

gba_key_choice_t gba_key_choice_parse(const char *text)
{
    if (strcmp(text, "ME_BASED_KEY") == 0)
        return GBA_KEY_CHOICE_ME;
    if (strcmp(text, "UICC_BASED_KEY") == 0)
        return GBA_KEY_CHOICE_UICC;
    if (strcmp(text, "ME_UICC_BASED_KEYS") == 0)
        return GBA_KEY_CHOICE_ME_UICC;
    return GBA_KEY_CHOICE_OTHER;
}

/* ---- before it is parsed ---- */

/* The name in quotes behind "encoding", or NULL. */
static const char *encoding_of(const char *declaration, apr_pool_t *pool)
{
    const char *at = strstr(declaration, "encoding");
    const char *end;
    if (!at)
        return "UTF-8";
    at += strlen("encoding");
    at += strspn(at, " \t\r\n=");
    end = *at == '"' || *at == '\'' ? strchr(at + 1, *at) : NULL;
    return end ? apr_pstrmemdup(pool, at + 1, (apr_size_t)(end - at - 1)) : NULL;
}

/* What is behind the XML declaration, if there is one; NULL if it names another encoding than
 * UTF-8: in that, what is looked for below could hide. */
static const char *skip_declaration(const char *text, apr_pool_t *pool)
{
    const char *end, *encoding;
    if (strncmp(text, "<?xml", 5) != 0)
        return text;
    end = strstr(text, "?>");
    if (!end)
        return NULL;
    encoding = encoding_of(apr_pstrmemdup(pool, text, (apr_size_t)(end - text)), pool);
    return encoding && base_equal_nocase(encoding, "UTF-8") ? end + 2 : NULL;
}

/* No DTD, so no entities and no default attributes; no other markup that has no place here. Looked
 * for in comments too: nothing is lost by that. */
static int check_text(reading_t *reading, const char *text, apr_size_t len)
{
    const char *at;
    if (strlen(text) != len || text[0] != '<')
        return wrong(reading, "no XML in UTF-8");
    text = skip_declaration(text, reading->scratch);
    if (!text)
        return wrong(reading, "an XML declaration without UTF-8");
    for (at = strchr(text, '<'); at; at = strchr(at + 1, '<')) {
        if (at[1] == '?')
            return wrong(reading, "a processing instruction");
        if (at[1] == '!' && strncmp(at, "<!--", 4) != 0)
            return wrong(reading, "a document type declaration or CDATA");
    }
    return 1;
}

/* ---- elements ---- */

static int is_named(const apr_xml_elem *element, const char *name)
{
    return strcmp(element->name, name) == 0;
}

/* The child of that name; NULL if there is none. Two are wrong. */
static const apr_xml_elem *only_child(reading_t *reading, const apr_xml_elem *parent,
                                      const char *name)
{
    const apr_xml_elem *found = NULL;
    for (const apr_xml_elem *child = parent->first_child; child; child = child->next) {
        if (!is_named(child, name))
            continue;
        if (found)
            wrong(reading, apr_pstrcat(reading->scratch, name, ": there twice", NULL));
        found = child;
    }
    return found;
}

/* Names are compared without their namespace, so two attributes may have the same. */
static const char *attribute(reading_t *reading, const apr_xml_elem *element, const char *name)
{
    const char *found = NULL;
    for (const apr_xml_attr *attr = element->attr; attr; attr = attr->next) {
        if (strcmp(attr->name, name) != 0)
            continue;
        if (found)
            wrong(reading, apr_pstrcat(reading->scratch, name, ": there twice", NULL));
        found = attr->value;
    }
    return found;
}

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The text of an element that holds nothing else, without the space around it, into @a out. */
static int leaf_text(reading_t *reading, const apr_xml_elem *element, char out[VALUE_MAX + 1])
{
    apr_size_t len = 0, start = 0;
    out[0] = '\0';
    if (element->first_child)
        return wrong(reading, "an element where a text is expected");
    for (const apr_text *part = element->first_cdata.first; part; part = part->next) {
        apr_size_t more = strlen(part->text);
        if (more > VALUE_MAX - len)
            return wrong(reading, "a text of more than 1023 octets");
        memcpy(out + len, part->text, more + 1);
        len += more;
    }
    while (len > 0 && is_space(out[len - 1]))
        out[--len] = '\0';
    while (is_space(out[start]))
        start++;
    memmove(out, out + start, len - start + 1);
    return 1;
}

/* Names end up in certificates, header fields and logs: none may carry a control character. */
static int add_text(reading_t *reading, gba_text_ref_t *ref, const char *text)
{
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return wrong(reading, "a control character");
    *ref = gba_info_add_text(reading->info, text, strlen(text));
    return *ref ? 1 : wrong(reading, "a text that is empty, or too long with those before it");
}

static int add_number(reading_t *reading, apr_uint32_t *number, const char *text)
{
    apr_uint64_t value;
    if (!text || !base_decimal_decode(&value, base_span_str(text), APR_UINT32_MAX))
        return wrong(reading, "a number from 0 to 4294967295 expected");
    *number = (apr_uint32_t)value;
    return 1;
}

/* ---- one uss ---- */

static int read_ue_id(reading_t *reading, gba_uss_t *uss, const char *text)
{
    if (uss->ue_id_count == GBA_UEIDS_MAX)
        return wrong(reading, "more than 8 uid");
    if (!add_text(reading, &uss->ue_ids[uss->ue_id_count], text))
        return 0;
    uss->ue_id_count++;
    return 1;
}

static int read_flag(reading_t *reading, gba_uss_t *uss, const char *text)
{
    if (uss->flag_count == GBA_FLAGS_MAX)
        return wrong(reading, "more than 8 flag");
    return add_number(reading, &uss->flags[uss->flag_count], text) && ++uss->flag_count;
}

/* Each child named @a name of @a list (NULL: none). */
static int read_each(reading_t *reading, gba_uss_t *uss, const apr_xml_elem *list, const char *name,
                     int (*read)(reading_t *, gba_uss_t *, const char *))
{
    char text[VALUE_MAX + 1];
    for (const apr_xml_elem *child = list ? list->first_child : NULL; child; child = child->next)
        if (is_named(child, name) &&
            (!leaf_text(reading, child, text) || !read(reading, uss, text)))
            return 0;
    return 1;
}

static int read_key_choice(reading_t *reading, gba_uss_t *uss, const apr_xml_elem *element)
{
    char text[VALUE_MAX + 1];
    const apr_xml_elem *extension = only_child(reading, element, "extension");
    const apr_xml_elem *choice = only_child(reading, element, "keyChoice");
    const apr_xml_elem *other = extension ? only_child(reading, extension, "keyChoice") : NULL;
    if (choice && other)
        return wrong(reading, "keyChoice: there twice");
    if (!choice)
        choice = other;
    if (!choice)
        return !reading->wrong;
    if (!leaf_text(reading, choice, text))
        return 0;
    uss->key_choice = (unsigned char)gba_key_choice_parse(text);
    return 1;
}

static int read_uss(reading_t *reading, gba_uss_t *uss, const apr_xml_elem *element)
{
    const char *group = attribute(reading, element, "nafGroup");
    const apr_xml_elem *ue_ids = only_child(reading, element, "uids");
    const apr_xml_elem *flags = only_child(reading, element, "flags");
    if (!ue_ids)
        return wrong(reading, "uss without uids");
    /* An empty group is no group, as in the JSON form. */
    return add_number(reading, &uss->gs_id, attribute(reading, element, "id")) &&
           add_number(reading, &uss->gs_type, attribute(reading, element, "type")) &&
           (!group || !*group || add_text(reading, &uss->naf_group, group)) &&
           read_each(reading, uss, ue_ids, "uid", read_ue_id) &&
           read_each(reading, uss, flags, "flag", read_flag) &&
           read_key_choice(reading, uss, element) && !reading->wrong;
}

/* ---- the document ---- */

static int check_depth(reading_t *reading, const apr_xml_elem *root)
{
    const apr_xml_elem *at = root;
    int depth = 1;
    for (;;) {
        if (at->first_child) {
            at = at->first_child;
            if (++depth > GBA_USS_XML_DEPTH)
                return wrong(reading, "nested too deeply");
            continue;
        }
        while (at != root && !at->next) {
            at = at->parent;
            depth--;
        }
        if (at == root)
            return 1;
        at = at->next;
    }
}

static int read_list(reading_t *reading, const apr_xml_elem *list)
{
    gba_info_t *info = reading->info;
    for (const apr_xml_elem *child = list->first_child; child; child = child->next) {
        if (!is_named(child, "uss"))
            continue;
        if (info->uss_count == GBA_USS_MAX)
            return wrong(reading, "more than 8 uss");
        if (!read_uss(reading, &info->uss[info->uss_count], child))
            return 0;
        info->uss_count++;
    }
    return 1;
}

/* Settings of another subscriber than the one the key is of are nobody's here. */
static int read_guss(reading_t *reading, const apr_xml_elem *guss)
{
    const char *impi = gba_info_text(reading->info, reading->info->impi);
    const char *id = attribute(reading, guss, "id");
    const apr_xml_elem *list = only_child(reading, guss, "ussList");
    if (impi && id && strcmp(impi, id) != 0)
        return wrong(reading, "guss: its id is not the IMPI of the answer");
    if (reading->wrong)
        return 0;
    return !list || read_list(reading, list);
}

static int read_root(reading_t *reading, const apr_xml_elem *root)
{
    if (!check_depth(reading, root))
        return 0;
    if (is_named(root, "ussList"))
        return read_list(reading, root);
    if (is_named(root, "guss"))
        return read_guss(reading, root);
    return wrong(reading, "neither guss nor ussList");
}

static int read_document(reading_t *reading, base_span_t text)
{
    apr_xml_doc *doc = NULL;
    apr_xml_parser *parser;
    const char *octets;
    if (text.len > GBA_USS_XML_MAX)
        return wrong(reading, "more than 16 KiB");
    octets = apr_pstrmemdup(reading->scratch, text.len ? (const char *)text.data : "", text.len);
    if (!check_text(reading, octets, text.len))
        return 0;
    parser = apr_xml_parser_create(reading->scratch);
    if (!parser || apr_xml_parser_feed(parser, octets, text.len) != APR_SUCCESS ||
        apr_xml_parser_done(parser, &doc) != APR_SUCCESS || !doc || !doc->root)
        return wrong(reading, "no XML");
    return read_root(reading, doc->root);
}

base_result_t gba_uss_xml_read(gba_info_t *info, base_span_t text, apr_pool_t *pool)
{
    reading_t reading = {.info = info};
    base_result_t result = base_ok();
    if (info->uss_count != 0)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0290", "userSecSettings: there are some already");
    if (apr_pool_create(&reading.scratch, pool) != APR_SUCCESS)
        return base_fail(BASE_KEYSOURCE_DOWN, "GBA0291", "userSecSettings: no memory");
    if (!read_document(&reading, text) || reading.wrong) {
        memset(info->uss, 0, sizeof(info->uss));
        info->uss_count = 0;
        result = base_fail(BASE_KEYSOURCE_DOWN, "GBA0292",
                           apr_psprintf(pool, "userSecSettings: %s", reading.wrong));
    }
    apr_pool_destroy(reading.scratch);
    return result;
}
