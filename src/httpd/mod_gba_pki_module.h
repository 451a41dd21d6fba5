/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_module.h
 * The module record that mod_gba_pki.c defines: the one exported symbol.
 */
#ifndef mod_gba_pki_module_h
#define mod_gba_pki_module_h

#include <httpd.h>
#include <http_config.h>

extern module AP_MODULE_DECLARE_DATA gba_pki_module;

#endif
