/* SPDX-License-Identifier: Apache-2.0 */
/* base/event_wire.h: an event as a tree and back, so that it can cross to another process. */
#ifndef ADZE_BASE_EVENT_WIRE_H
#define ADZE_BASE_EVENT_WIRE_H

#include <adze/event.h>

#include "base/json.h"

/* Adds id, source, time, sequence and fields to TABLE; see adze_json_failed for want of memory. */
void adze_event_to_value (const adze_event *event, adze_value *table);

/* *FIELDS is to be freed; strings are the table's. */
ADZE_MUST_CHECK adze_error *adze_event_from_value (const adze_value *table, adze_event *event,
                                                   adze_field **fields);

#endif
