/* SPDX-License-Identifier: Apache-2.0 */
/* work/observer.h: an instance of an observer, in this process. */
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

#endif
