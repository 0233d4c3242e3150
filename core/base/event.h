/* SPDX-License-Identifier: Apache-2.0 */
/* base/event.h: one ordered stream of events, and who listens to it. Log lines travel on it too:
 * they are the event "log" with the fields "level" ("debug", "info", "warning", "error") and
 * "message". */
#ifndef ADZE_BASE_EVENT_H
#define ADZE_BASE_EVENT_H

#include <pthread.h>

#include <adze/event.h>
#include <adze/log.h>

#include "base/error.h"

typedef struct adze_event_bus adze_event_bus;

ADZE_MUST_CHECK adze_error *adze_event_bus_open (adze_event_bus **bus);
void adze_event_bus_close (adze_event_bus *bus);

/* Listeners are called one at a time, in the order of subscription, with each event in sequence,
 * on the thread that emitted it; base/event_queue.h is for those that take their time. What a
 * listener emits while it is called is dropped. A listener may subscribe and unsubscribe, itself
 * too; a new one gets the events after this one. */
ADZE_MUST_CHECK adze_error *adze_event_bus_subscribe (adze_event_bus *bus,
                                                      adze_event_listener listener,
                                                      void *argument);
/* Once it has returned, the listener is not being called and will not be. */
void adze_event_bus_unsubscribe (adze_event_bus *bus, adze_event_listener listener,
                                 void *argument);

/* Stamps time and sequence and hands it to every listener. SOURCE may be NULL. */
void adze_event_bus_emit (adze_event_bus *bus, const char *source, const char *id,
                          const adze_field *fields, uint32_t field_count);
ADZE_PRINTF (4, 5) void adze_event_bus_log (adze_event_bus *bus, const char *source,
                                            adze_log_level level, const char *format, ...);

/* What the calling thread emits from now on is dropped, until it takes that back: it is a listener
 * that is called off the thread that emitted. MUTE is the caller's, and is the bus's meanwhile. */
typedef struct adze_event_mute {
  struct adze_event_mute *next;
  pthread_t thread;
} adze_event_mute;
void adze_event_bus_mute (adze_event_bus *bus, adze_event_mute *mute);
void adze_event_bus_unmute (adze_event_bus *bus, adze_event_mute *mute);

/* Fields in one line each. */
#define ADZE_FIELD_TEXT(k, v) { .key = (k), .type = ADZE_FIELD_STRING, .value = { .string = (v) } }
#define ADZE_FIELD_NUMBER(k, v) { .key = (k), .type = ADZE_FIELD_INT, .value = { .integer = (v) } }

#endif
