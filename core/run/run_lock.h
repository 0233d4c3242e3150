/* SPDX-License-Identifier: Apache-2.0 */
/* run/run_lock.h: who may run in a folder of runs: RUNS/lock. */
#ifndef ADZE_RUN_RUN_LOCK_H
#define ADZE_RUN_RUN_LOCK_H

#include "base/file.h"

typedef struct adze_run_lock {
  int fd; /* -1: not held */
} adze_run_lock;

/* Refused, with the process that has it, when somebody runs in RUNS, which exists. */
ADZE_MUST_CHECK adze_error *adze_run_lock_take (const char *runs, adze_run_lock *lock);
/* For others to read: this process runs in FOLDER ("0001-small"). */
ADZE_MUST_CHECK adze_error *adze_run_lock_say (const adze_run_lock *lock, const char *runs,
                                               const char *folder);
void adze_run_lock_give (adze_run_lock *lock);

/* Who holds it, without taking it: *FOLDER ("" when it has not been said yet, or could not be read;
 * to be freed) stays NULL when nobody does. *PROCESS: 0 when unknown. */
ADZE_MUST_CHECK adze_error *adze_run_lock_holder (const char *runs, char **folder, long *process);

#endif
