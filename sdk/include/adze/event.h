/* SPDX-License-Identifier: Apache-2.0 */
/* adze/event.h: what happened, as data. Tier: stable.
 *
 * Everything notable is one typed event. The progress bar, the log and every observer see the
 * same stream.
 */
#ifndef ADZE_EVENT_H
#define ADZE_EVENT_H

#include <adze/host_table.h>

ADZE_BEGIN_DECLS

#define ADZE_EVENT "adze.event/1"

typedef enum adze_field_type {
  ADZE_FIELD_BOOL = 1,
  ADZE_FIELD_INT = 2,
  ADZE_FIELD_FLOAT = 3,
  ADZE_FIELD_STRING = 4
} adze_field_type;

/* One fact of an event. Frozen: it never grows, so that an array of it needs no stride. A reader
 * that does not know the type passes the field over. */
typedef struct adze_field {
  const char *key;
  uint32_t type; /* adze_field_type */
  uint32_t reserved;
  union {
    bool boolean;
    int64_t integer;
    double real;
    const char *string;
  } value;
} adze_field;

typedef struct adze_event {
  uint32_t struct_size;
  uint32_t field_count;
  /* What kind of event, an open id: "plugin.loaded", "call.finished", "org.example.epoch". Ids
   * without a dot-separated owner other than adze's own first words belong to adze. */
  const char *id;
  /* Which component or stage it concerns; NULL when none. Filled in by the host for events that a
   * plugin emits. */
  const char *source;
  /* When, in nanoseconds since 1970 (UTC), and a counter that grows by one with each event of
   * this host. Filled in by the host. */
  int64_t time_ns;
  uint64_t sequence;
  const adze_field *fields; /* field_count of them */
} adze_event;

typedef struct adze_event_service {
  uint32_t struct_size;

  /* [any] Everything is copied before it returns. An event that cannot be kept for want of memory
   * is counted, and the count is itself an event ("event.lost"). */
  void (*emit) (const adze_host *host, const adze_event *event);
} adze_event_service;

/* In a host without the service the event is dropped. */
static inline void
adze_emit (const adze_host *host, const char *id, const adze_field *fields, uint32_t field_count)
{
  const adze_event_service *service
      = (const adze_event_service *)host->service (host, ADZE_EVENT);
  if (!service)
    return;
  adze_event event;
  event.struct_size = sizeof event;
  event.field_count = field_count;
  event.id = id;
  event.source = NULL;
  event.time_ns = 0;
  event.sequence = 0;
  event.fields = fields;
  service->emit (host, &event);
}

ADZE_END_DECLS

#endif
