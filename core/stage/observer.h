/* SPDX-License-Identifier: Apache-2.0 */
/* stage/observer.h: an instance of an observer, and watching a runtime with one. */
#ifndef ADZE_RUN_OBSERVER_H
#define ADZE_RUN_OBSERVER_H

#include "plugin/manifest/params.h"
#include "plugin/runtime.h"

typedef struct adze_watcher adze_watcher;

/* RECORD is loaded. Takes PARAMS over, also when it fails. */
ADZE_MUST_CHECK adze_error *adze_watcher_open (adze_runtime *runtime, adze_plugin_record *record,
                                               const adze_manifest_component *component,
                                               adze_params *params, adze_watcher **watcher);
ADZE_MUST_CHECK adze_error *adze_watcher_event (adze_watcher *watcher, const adze_event *event);
/* Destroys the instance, once, and says what it broke or kept. */
ADZE_MUST_CHECK adze_error *adze_watcher_end (adze_watcher *watcher);
/* Ends it first if nobody has; what goes wrong then is told on the runtime's bus. */
void adze_watcher_close (adze_watcher *watcher);
adze_desk *adze_watcher_desk (adze_watcher *watcher);

/* ---- Watching. An observer at work, in this process or in a worker, as its folder is trusted or
 * not, on a thread of its own. */

typedef struct adze_observation adze_observation;

/* DOCUMENT's root is the table of its parameters, and paths in it start from FOLDER (NULL: the current
 * one). One that lives in a worker lasts no longer than the thread that opened it. */
ADZE_MUST_CHECK adze_error *adze_observation_open (adze_runtime *runtime, const char *id,
                                                   const adze_document *document,
                                                   const char *folder,
                                                   adze_observation **observation);
/* Waits until it has seen all that was emitted before; the failure that made it stop watching, each
 * time. */
ADZE_MUST_CHECK adze_error *adze_observation_barrier (adze_observation *observation);
/* The most memory that its worker has had so far; 0: it has none. */
uint64_t adze_observation_peak (const adze_observation *observation);
/* Once it has seen all that was emitted. A failure is told on the runtime's bus, once. */
void adze_observation_close (adze_observation *observation);

#endif
