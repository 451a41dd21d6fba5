/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gba_json.h
 * The JSON of Nbsp_GBA (TS 29.309 V18.1.0, BootstrappingInfoResponse), read
 * strictly: unknown members are skipped, known ones must have their type and
 * form, duplicates are refused, and an answer that breaks a rule is refused
 * whole, naming the member. Pure; thread-safe.
 *
 * Beside what TS 29.309 has, an object may hold the settings as they travel in
 * Diameter's AVP: userSecSettings, a string of XML (gba_uss_xml.h), in the
 * place of ussList. For the "file:" key source, and for what an operator asks.
 */
#ifndef gba_json_h
#define gba_json_h

#include <jansson.h>
#include "base/base_result.h"
#include "base/base_text.h"
#include "gba/gba_info.h"
#include "gba/gba_names.h"

#define GBA_JSON_MAX (64 * 1024) /**< octets of one answer that we read */

/**
 * Parses a JSON text; an object that has a member twice is refused. The caller checks the size.
 * @param out the value, for gba_json_free(); NULL if it fails
 * @return BASE_OK, or BASE_KEYSOURCE_DOWN with a detail (in @a pool) that quotes nothing of the
 *         text but the name of a member that is there twice
 */
base_result_t gba_json_load(json_t **out, base_span_t text, apr_pool_t *pool);

/** Overwrites the keys in an answer, or in each answer of an array, and lets go of it. */
void gba_json_free(json_t *root);

/**
 * Reads one BootstrappingInfoResponse object. The caller wipes the text.
 * @return BASE_OK, or BASE_KEYSOURCE_DOWN with a detail (in @a pool) that names the member; then
 *         @a info is wiped
 */
base_result_t gba_json_read_info(gba_info_t *info, base_span_t text, apr_pool_t *pool);

/** The same from a parsed object (the "file:" key source has an array of them). */
base_result_t gba_json_read_object(gba_info_t *info, json_t *object, apr_pool_t *pool);

/** Reads the nafId object {nafFqdn, uaSecProtId}. BASE_OK or BASE_KEYSOURCE_DOWN. */
base_result_t gba_json_read_naf_id(gba_naf_id_t *naf, json_t *object, apr_pool_t *pool);

#endif
