/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ctl_options.h
 * The command line of gba-pkictl(1): which command, and what it is told.
 */
#ifndef ctl_options_h
#define ctl_options_h

#include "keeper/keeper_records.h"
#include "tool_options.h"

/** How gba-pkictl ends. Stable: docs/gba-pkictl.1. */
typedef enum ctl_exit_t {
    CTL_OK = 0,
    CTL_FOUND,  /**< verification found something, or there is no such thing, or it cannot be; or
                     an enrolment would be refused */
    CTL_USAGE,  /**< wrong usage */
    CTL_LEDGER, /**< the ledger cannot be used; or the server that was asked, or it cannot decide */
    CTL_LOCAL,  /**< another file, standard output, or the system */
    CTL_EXITS   /**< how many there are */
} ctl_exit_t;

/** "ok", "found" and so on, as --json says it; static. */
const char *ctl_exit_name(ctl_exit_t code);

/** How rows are printed. */
typedef enum ctl_format_t {
    CTL_TABLE = 0, /**< for people */
    CTL_CSV,       /**< RFC 4180 */
    CTL_JSON       /**< one object a line */
} ctl_format_t;

/** Which rows. */
typedef enum ctl_what_t { CTL_CERTIFICATES = 0, CTL_DECISIONS, CTL_ALARMS, CTL_AUDIT } ctl_what_t;

/** In which form certificates go with them. */
typedef enum ctl_cert_form_t { CTL_PEM = 0, CTL_DER, CTL_NONE } ctl_cert_form_t;

struct ctl_command_t;

/** The words as given (NULL if absent), then what they mean. */
typedef struct ctl_options_t {
    const char *ledger, *subscriber, *state, *from, *to, *profile, *what_word, *format_word;
    const char *form_word, *reason, *serial_word, *cert, *csr, *spki_word;
    const char *url, *location, *key, *user, *timeout_word;
    apr_array_header_t *cas; /**< const char *; NULL if none was given */
    int json, help;
    const char *operand;                 /**< the one that the command takes, if any */
    const struct ctl_command_t *command; /**< that was asked for; NULL: help alone */
    ctl_format_t format;
    ctl_what_t what;
    ctl_cert_form_t form;
    keeper_filter_t filter;
    unsigned char serial[PKI_SERIAL_LEN]; /**< if the command's operand, or --serial, is one */
    const char *serial_hex;               /**< the same in lower-case hex */
    unsigned char spki_sha256[KEEPER_HASH_LEN]; /**< of spki_word */
    long timeout_ms;                            /**< of an exchange with a server */
} ctl_options_t;

/** What a command works with. */
typedef struct ctl_t {
    const ctl_options_t *opts;
    apr_pool_t *pool;
} ctl_t;

/** What the one operand of a command is. */
typedef enum ctl_operand_t { CTL_NO_OPERAND, CTL_SERIAL, CTL_LEDGER_FILE, CTL_FILE } ctl_operand_t;

/** A command. */
typedef struct ctl_command_t {
    const char *name;    /**< one word, or two: "ledger verify" */
    const char *options; /**< those that it takes beside ledger, json and help: " a b c " */
    ctl_operand_t operand;
    int (*run)(const ctl_t *ctl); /**< @return a ctl_exit_t */
} ctl_command_t;

/**
 * Reads and checks a command line (without the program's name).
 * @param commands ends with a row without a name
 * @return NULL, or what is wrong, one line for people in @a pool
 */
const char *ctl_options_read(ctl_options_t *opts, const ctl_command_t *commands, int argc,
                             const char *const *argv, apr_pool_t *pool);

/** What `gba-pkictl --help` prints; static. */
const char *ctl_options_help(void);

#endif
