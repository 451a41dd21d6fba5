/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file base_fault.h
 * Fault points: places at which a test makes one process die at once, as by
 * kill -9. They are there only in what is built with GBA_FAULT_POINTS defined;
 * elsewhere BASE_FAULT() is nothing, and nothing of this is in the object code
 * (`strings mod_gba_pki.so | grep GBA_FAULT_FILE` finds nothing).
 */
#ifndef base_fault_h
#define base_fault_h

#ifdef GBA_FAULT_POINTS
/** Kills this process if the file that the environment variable GBA_FAULT_FILE names says
 *  @a name, or "NAME N" and this process has come here N times since the file was there. The
 *  file is removed first, and only who removed it dies: one death per file. */
void base_fault(const char *name);

#define BASE_FAULT(name) base_fault(name)
#else
#define BASE_FAULT(name) ((void)0)
#endif

#endif
