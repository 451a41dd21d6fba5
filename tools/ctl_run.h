/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ctl_run.h
 * The commands of gba-pkictl(1). Each reports itself and returns a ctl_exit_t.
 */
#ifndef ctl_run_h
#define ctl_run_h

#include "ctl_options.h"

/** `list` and `export`: rows in the format that was asked for. */
int ctl_list(const ctl_t *ctl);
int ctl_export(const ctl_t *ctl);

/** `show`: one certificate, with all that the ledger knows of it. */
int ctl_show(const ctl_t *ctl);

/** `ledger verify`, `ledger upgrade`, `ledger backup`. */
int ctl_ledger_verify(const ctl_t *ctl);
int ctl_ledger_upgrade(const ctl_t *ctl);
int ctl_ledger_backup(const ctl_t *ctl);

/** `revoke`, `key block`, `key unblock`: the only ones that write to a ledger of this version. */
int ctl_revoke(const ctl_t *ctl);
int ctl_key_block(const ctl_t *ctl);
int ctl_key_unblock(const ctl_t *ctl);

/** `decide`: asks a server what an enrolment would come to. CTL_OK: it would be permitted. */
int ctl_decide(const ctl_t *ctl);

#endif
