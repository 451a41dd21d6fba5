/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_uss_xml.h
 * User security settings as XML (TS 29.109 annex A; AVP GBA-UserSecSettings,
 * 6.3.1.12): the root `guss` of Zh or `ussList` of Zn, read into the same
 * struct as the JSON of Nbsp_GBA. Pure; thread-safe.
 *
 *   <guss id="IMPI"><bsfInfo>...</bsfInfo><ussList>
 *     <uss id="1" type="1" nafGroup="a"><uids><uid>sip:a@b.c</uid></uids>
 *       <flags><flag>1</flag></flags></uss></ussList></guss>
 *
 * Names are matched without their namespace. What the schema's extension
 * elements are called is not confirmed: keyChoice is taken as a child of `uss`
 * or of an `extension` in it.
 */
#ifndef gba_uss_xml_h
#define gba_uss_xml_h

#include "base/base_result.h"
#include "base/base_text.h"
#include "gba/gba_info.h"

#define GBA_USS_XML_MAX   (16 * 1024) /**< octets of one document that we read */
#define GBA_USS_XML_DEPTH 8           /**< elements inside one another; the schema needs 6 */

/** Reads one keyChoice; what is none of TS 29.309's values is GBA_KEY_CHOICE_OTHER. */
gba_key_choice_t gba_key_choice_parse(const char *text);

/**
 * Reads the settings. Strict: UTF-8 only; no DTD, no CDATA, no processing instruction, no
 * entities but XML's own; unknown elements and attributes are skipped, known ones must have their
 * form and stand once. Bounds are those of gba_info_t.
 *
 * The id of a `guss` must be @a info's IMPI, if both are there.
 * @param info gets the entries; it must have none yet. On failure it has none
 * @return BASE_OK, or BASE_KEYSOURCE_DOWN with a detail (in @a pool) that quotes nothing of the
 *         text
 */
base_result_t gba_uss_xml_read(gba_info_t *info, base_span_t text, apr_pool_t *pool);

#endif
