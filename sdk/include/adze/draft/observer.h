/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/observer.h: the kind that watches. Tier: draft; the revision must match.
 *
 * An observer gets every event in order, one at a time, and can change nothing. The order of
 * calls: create, event as often as something happens, destroy.
 */
#ifndef ADZE_DRAFT_OBSERVER_H
#define ADZE_DRAFT_OBSERVER_H

#include <adze/error.h>
#include <adze/event.h>
#include <adze/plugin.h>

ADZE_BEGIN_DECLS

#define ADZE_OBSERVER "observer"
#define ADZE_OBSERVER_REVISION 1

typedef struct adze_observer {
  uint32_t struct_size;
  uint32_t reserved;

  adze_status (*create) (const adze_host *host, const adze_params *params, void **instance);
  void (*destroy) (const adze_host *host, void *instance);

  /* Mandatory. EVENT is valid during the call. A failure is reported once and the observer gets no
   * further events: it must not bring down what it watches. Events that an observer emits itself
   * are not handed to observers. */
  adze_status (*event) (const adze_host *host, void *instance, const adze_event *event);
} adze_observer;

ADZE_END_DECLS

#endif
