/* SPDX-License-Identifier: Apache-2.0 */
/* base/event.c: one ordered stream of events, handed to its listeners as they happen. */
#include "base/event.h"

#include <stdio.h>
#include <time.h>

typedef struct subscription {
  adze_event_listener listener; /* NULL: gone, to be swept after the delivery that is under way */
  void *argument;
} subscription;

struct adze_event_bus {
  /* Recursive: a listener that emits or unsubscribes comes back on the thread that holds it, and
   * would otherwise wait for itself. Everything below is read and written under it. */
  pthread_mutex_t mutex;
  bool delivering;
  uint64_t sequence;
  subscription *subscriptions;
  size_t count;
  size_t capacity;
  /* A lock of its own: an emitter that holds the other one may be waiting for the very listener that
   * emits. */
  pthread_mutex_t muted_mutex;
  adze_event_mute *muted;
};

static int
make_recursive_mutex (pthread_mutex_t *mutex)
{
  pthread_mutexattr_t attributes;
  int failure = pthread_mutexattr_init (&attributes);
  if (failure)
    return failure;
  failure = pthread_mutexattr_settype (&attributes, PTHREAD_MUTEX_RECURSIVE);
  if (!failure)
    failure = pthread_mutex_init (mutex, &attributes);
  pthread_mutexattr_destroy (&attributes);
  return failure;
}

adze_error *
adze_event_bus_open (adze_event_bus **bus)
{
  ADZE_AUTO_FREE adze_event_bus *made = calloc (1, sizeof *made);
  if (!made || make_recursive_mutex (&made->mutex) != 0)
    return adze_error_memory ();
  pthread_mutex_init (&made->muted_mutex, NULL);
  *bus = adze_take (&made);
  return NULL;
}

void
adze_event_bus_close (adze_event_bus *bus)
{
  if (!bus)
    return;
  pthread_mutex_destroy (&bus->muted_mutex);
  pthread_mutex_destroy (&bus->mutex);
  free (bus->subscriptions);
  free (bus);
}

static bool
grow (adze_event_bus *bus)
{
  if (bus->count < bus->capacity)
    return true;
  size_t capacity = bus->capacity ? bus->capacity * 2 : 4;
  subscription *grown = realloc (bus->subscriptions, capacity * sizeof *grown);
  if (!grown)
    return false;
  bus->subscriptions = grown;
  bus->capacity = capacity;
  return true;
}

adze_error *
adze_event_bus_subscribe (adze_event_bus *bus, adze_event_listener listener, void *argument)
{
  pthread_mutex_lock (&bus->mutex);
  bool room = grow (bus);
  if (room)
    bus->subscriptions[bus->count++]
        = (subscription){ .listener = listener, .argument = argument };
  pthread_mutex_unlock (&bus->mutex);
  return room ? NULL : adze_error_memory ();
}

static void
sweep (adze_event_bus *bus)
{
  size_t kept = 0;
  for (size_t i = 0; i < bus->count; i++)
    if (bus->subscriptions[i].listener)
      bus->subscriptions[kept++] = bus->subscriptions[i];
  bus->count = kept;
}

void
adze_event_bus_unsubscribe (adze_event_bus *bus, adze_event_listener listener, void *argument)
{
  pthread_mutex_lock (&bus->mutex);
  for (size_t i = 0; i < bus->count; i++) {
    subscription *one = &bus->subscriptions[i];
    if (one->listener != listener || one->argument != argument)
      continue;
    one->listener = NULL;
    break;
  }
  /* A delivery under way on this thread counts on the places in the list. */
  if (!bus->delivering)
    sweep (bus);
  pthread_mutex_unlock (&bus->mutex);
}

/* ---- Threads that are not heard. */

void
adze_event_bus_mute (adze_event_bus *bus, adze_event_mute *mute)
{
  pthread_mutex_lock (&bus->muted_mutex);
  mute->thread = pthread_self ();
  mute->next = bus->muted;
  bus->muted = mute;
  pthread_mutex_unlock (&bus->muted_mutex);
}

void
adze_event_bus_unmute (adze_event_bus *bus, adze_event_mute *mute)
{
  pthread_mutex_lock (&bus->muted_mutex);
  adze_event_mute **slot = &bus->muted;
  while (*slot && *slot != mute)
    slot = &(*slot)->next;
  if (*slot)
    *slot = mute->next;
  pthread_mutex_unlock (&bus->muted_mutex);
}

static bool
is_muted (adze_event_bus *bus)
{
  pthread_mutex_lock (&bus->muted_mutex);
  const adze_event_mute *mute = bus->muted;
  while (mute && !pthread_equal (mute->thread, pthread_self ()))
    mute = mute->next;
  pthread_mutex_unlock (&bus->muted_mutex);
  return mute != NULL;
}

/* ---- Emitting. */

static int64_t
now_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
deliver (adze_event_bus *bus, const adze_event *event)
{
  bus->delivering = true;
  size_t count = bus->count;
  for (size_t i = 0; i < count; i++) {
    /* A copy: a listener that subscribes another one may move the list. */
    subscription one = bus->subscriptions[i];
    if (one.listener)
      one.listener (one.argument, event);
  }
  bus->delivering = false;
  sweep (bus);
}

void
adze_event_bus_emit (adze_event_bus *bus, const char *source, const char *id,
                     const adze_field *fields, uint32_t field_count)
{
  if (is_muted (bus))
    return;
  pthread_mutex_lock (&bus->mutex);
  /* Other threads wait at the mutex; whoever gets here during a delivery is a listener. */
  if (!bus->delivering) {
    adze_event event = {
      .struct_size = sizeof event,
      .field_count = field_count,
      .id = id,
      .source = source,
      .time_ns = now_ns (),
      .sequence = ++bus->sequence,
      .fields = fields,
    };
    deliver (bus, &event);
  }
  pthread_mutex_unlock (&bus->mutex);
}

static const char *
level_name (adze_log_level level)
{
  switch (level) {
  case ADZE_LOG_DEBUG:
    return "debug";
  case ADZE_LOG_INFO:
    return "info";
  case ADZE_LOG_WARNING:
    return "warning";
  case ADZE_LOG_ERROR:
    break;
  }
  /* A level from a newer plugin is better shown too loudly than lost. */
  return "error";
}

void
adze_event_bus_log (adze_event_bus *bus, const char *source, adze_log_level level,
                    const char *format, ...)
{
  /* Without memory the beginning of a long line still gets through. */
  char brief[1024];
  ADZE_AUTO_FREE char *whole = NULL;
  va_list arguments;
  va_start (arguments, format);
  int size = vsnprintf (brief, sizeof brief, format, arguments);
  va_end (arguments);
  if (size >= (int)sizeof brief) {
    va_start (arguments, format);
    whole = adze_text_vformat (format, arguments);
    va_end (arguments);
  }
  const adze_field fields[] = {
    ADZE_FIELD_TEXT ("level", level_name (level)),
    ADZE_FIELD_TEXT ("message", size < 0 ? format : whole ? whole : brief),
  };
  adze_event_bus_emit (bus, source, "log", fields, ADZE_COUNT_OF (fields));
}
