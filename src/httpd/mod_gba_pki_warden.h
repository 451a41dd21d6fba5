/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_gba_pki_warden.h
 * The process between httpd and the keeper: starts the keeper, logs its end,
 * starts it again with a back-off, and goes when the lifeline ends. It holds
 * no secret: keys are loaded in the keeper alone.
 */
#ifndef mod_gba_pki_warden_h
#define mod_gba_pki_warden_h

#include "httpd/mod_gba_pki_config.h"

/** What a warden is given; inherited over the fork. */
typedef struct mod_gba_pki_warden_t {
    const char *path;                 /**< of the socket */
    const mod_gba_pki_srv_t *srv;     /**< the main server's settings */
    const mod_gba_pki_parts_t *parts; /**< what the keeper loads */
    const unsigned char *word;        /**< what children say first (KEEPER_WORD_LEN) */
    server_rec *server;               /**< whose error log is written to */
    int lifeline;                     /**< read end */
    int ready;                        /**< write end: one octet when the keeper listens first */
} mod_gba_pki_warden_t;

/** Runs the warden. Does not return. */
void mod_gba_pki_warden_run(const mod_gba_pki_warden_t *warden) __attribute__((noreturn));

/** Runs the keeper itself, in the process that the warden forked for it. @return exit code: 0 if
 * the lifeline ended, else it could not start */
int mod_gba_pki_keeper_main(const mod_gba_pki_warden_t *warden);

#endif
