/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keeper_passphrase.h
 * Where the passphrase of a CA's key comes from: a file, or what a program
 * prints. Asked only by who loads the key, and only if the key is encrypted.
 */
#ifndef keeper_passphrase_h
#define keeper_passphrase_h

#include "pki/pki_cert.h"

/** A source. Texts are kept by reference. */
typedef struct keeper_passphrase_t {
    const char *path;  /**< the file, or the program; absolute */
    const char **argv; /**< of a program: its name and arguments, ending in NULL; the key's path is
                            put behind them. NULL: path is a file */
    int timeout_ms;    /**< how long the program may take; it is killed then */
} keeper_passphrase_t;

/**
 * The seam by which pki_ca_load() asks. A file must not be readable or writable by group or others;
 * its first line is the passphrase. A program gets no standard input, and ends with status 0 after
 * it has printed one line. The passphrase may be empty in neither. In @a pool; not thread-safe: it
 * forks, and keeps the reason of a failure for the one who asked.
 */
pki_passphrase_t *keeper_passphrase_make(const keeper_passphrase_t *source, apr_pool_t *pool);

#endif
