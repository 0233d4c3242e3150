/* SPDX-License-Identifier: Apache-2.0 */
/* run/seen.h: accumulators of units that are finished, in one file of the run that only grows. What
 * lies where in it is known to the journal. */
#ifndef ADZE_RUN_SEEN_H
#define ADZE_RUN_SEEN_H

#include "run/folder.h"

typedef struct adze_seen adze_seen;

/* FOLDER/seen, made when it is missing. */
ADZE_MUST_CHECK adze_error *adze_seen_open (const adze_folder *folder, adze_seen **seen);
void adze_seen_close (adze_seen *seen);
/* From several threads. *WHERE finds it again, and knows whether it is whole. */
ADZE_MUST_CHECK adze_error *adze_seen_put (adze_seen *seen, const void *data, size_t size,
                                           adze_hash128 *where);
/* *SOUND: it is what was put. */
ADZE_MUST_CHECK adze_error *adze_seen_get (adze_seen *seen, adze_hash128 where, void *data,
                                           size_t size, bool *sound);

#endif
