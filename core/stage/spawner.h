/* SPDX-License-Identifier: Apache-2.0 */
/* stage/spawner.h: a thread that starts processes. The system ends a worker together with the thread
 * that started it, so that none outlives a host that was killed; threads that do a stage's work come
 * and go while its workers stay. */
#ifndef ADZE_STAGE_SPAWNER_H
#define ADZE_STAGE_SPAWNER_H

#include "base/error.h"

typedef struct adze_spawner adze_spawner;

/* Starts nothing yet. NULL without memory. */
adze_spawner *adze_spawner_new (void);
/* Calls FUNCTION on the spawner's thread, and waits for it. From several threads at once. */
ADZE_MUST_CHECK adze_error *adze_spawner_call (adze_spawner *spawner,
                                               adze_error *(*function) (void *argument),
                                               void *argument);
/* Ends the thread, and with it what it started. */
void adze_spawner_close (adze_spawner *spawner);

#endif
