/* SPDX-License-Identifier: Apache-2.0 */
/* base/peak.h: how much memory a process has had, and has. */
#ifndef ADZE_BASE_PEAK_H
#define ADZE_BASE_PEAK_H

#include <stdint.h>
#include <sys/types.h>

/* The most bytes that were resident in process PID since its program began (0: in this one); 0 when
 * that cannot be told, or the process has ended. Not getrusage: what that counts is handed on by
 * exec, so that it is as often the memory of whoever started us. */
uint64_t adze_peak_memory (pid_t pid);

/* The bytes that are resident in this one now; 0 likewise. */
uint64_t adze_resident_memory (void);
/* Of SIZE bytes from PLACE on, those that take no memory yet, because nobody has written to them. */
uint64_t adze_absent_memory (const void *place, uint64_t size);

/* Gives back to the system what was freed and lies between what is in use: behind work that took much for
 * a short while, in front of work that goes on for long. */
void adze_leave_freed_memory (void);

#endif
