/* SPDX-License-Identifier: Apache-2.0 */
/* base/event_queue.c: events on their way to another thread. */
#include "base/event_queue.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/* An event that waits, its fields and strings behind it in the same block of memory; or, where there
 * was no memory, the emitter's own, which waits with it. */
typedef struct node {
  struct node *next;
  size_t size; /* of the block; 0: it is the emitter's */
  adze_event event;
} node;

struct adze_event_queue {
  adze_event_bus *bus;
  size_t most;
  adze_event_handler handler;
  void *argument;
  pthread_t thread;
  adze_event_mute mute;
  bool ended;

  pthread_mutex_t mutex;
  /* Everything below is read and written under it. */
  pthread_cond_t more; /* there is an event, or nothing comes any more */
  pthread_cond_t less; /* one has been handled */
  node *first, *last;
  size_t bytes;
  uint64_t pushed, handled;
  bool closing;
  adze_error *failure;
  uint64_t waits;
  int64_t waited_ns;
};

/* ---- Copies. */

static size_t
text_size (const char *text)
{
  return text ? strlen (text) + 1 : 0;
}

static size_t
node_size (const adze_event *event)
{
  size_t size = sizeof (node) + text_size (event->id) + text_size (event->source);
  size += event->field_count * sizeof (adze_field);
  for (uint32_t i = 0; i < event->field_count; i++) {
    const adze_field *field = &event->fields[i];
    size += text_size (field->key);
    size += field->type == ADZE_FIELD_STRING ? text_size (field->value.string) : 0;
  }
  return size;
}

static const char *
copy_text (char **room, const char *text)
{
  size_t size = text_size (text);
  if (!text)
    return NULL;
  char *copy = memcpy (*room, text, size);
  *room += size;
  return copy;
}

static void
fill (node *fresh, const adze_event *event)
{
  adze_field *fields = (adze_field *)(fresh + 1);
  char *room = (char *)(fields + event->field_count);
  fresh->event = *event;
  fresh->event.id = copy_text (&room, event->id);
  fresh->event.source = copy_text (&room, event->source);
  fresh->event.fields = fields;
  for (uint32_t i = 0; i < event->field_count; i++) {
    fields[i] = event->fields[i];
    fields[i].key = copy_text (&room, event->fields[i].key);
    if (fields[i].type == ADZE_FIELD_STRING)
      fields[i].value.string = copy_text (&room, event->fields[i].value.string);
  }
}

/* ---- The emitter's side. Called with the bus's lock held, so one emitter at a time. */

static int64_t
now_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
append (adze_event_queue *queue, node *fresh)
{
  fresh->next = NULL;
  if (queue->last)
    queue->last->next = fresh;
  else
    queue->first = fresh;
  queue->last = fresh;
  queue->bytes += fresh->size;
  queue->pushed++;
  pthread_cond_signal (&queue->more);
}

static bool
has_room (const adze_event_queue *queue, size_t size)
{
  return queue->bytes == 0 || (size <= queue->most && queue->bytes <= queue->most - size);
}

static void
wait_for_room (adze_event_queue *queue, size_t size)
{
  if (has_room (queue, size))
    return;
  int64_t since = now_ns ();
  queue->waits++;
  while (!queue->failure && !has_room (queue, size))
    pthread_cond_wait (&queue->less, &queue->mutex);
  queue->waited_ns += now_ns () - since;
}

static void
wait_until_handled (adze_event_queue *queue, uint64_t number)
{
  while (queue->handled < number)
    pthread_cond_wait (&queue->less, &queue->mutex);
}

/* There is no memory for a copy: the emitter stays until its own event has been seen. */
static void
push_own (adze_event_queue *queue, const adze_event *event)
{
  if (queue->most == SIZE_MAX) {
    queue->failure = adze_error_memory ();
    return;
  }
  node own = { .event = *event };
  append (queue, &own);
  wait_until_handled (queue, queue->pushed);
}

static void
on_event (void *argument, const adze_event *event)
{
  adze_event_queue *queue = argument;
  size_t size = node_size (event);
  node *fresh = malloc (size);
  if (fresh) {
    fresh->size = size;
    fill (fresh, event);
  }
  pthread_mutex_lock (&queue->mutex);
  if (fresh)
    wait_for_room (queue, size);
  if (!queue->failure) {
    if (fresh)
      append (queue, fresh);
    else
      push_own (queue, event);
    fresh = NULL;
  }
  pthread_mutex_unlock (&queue->mutex);
  free (fresh);
}

/* ---- The listener's side. */

static node *
take (adze_event_queue *queue)
{
  while (!queue->first && !queue->closing)
    pthread_cond_wait (&queue->more, &queue->mutex);
  node *taken = queue->first;
  if (taken)
    queue->first = taken->next;
  if (!queue->first)
    queue->last = NULL;
  return taken;
}

/* Called with the mutex held, and without it calls the listener. */
static void
handle (adze_event_queue *queue, node *taken)
{
  size_t size = taken->size;
  adze_error *failure = NULL;
  if (!queue->failure) {
    pthread_mutex_unlock (&queue->mutex);
    failure = queue->handler (queue->argument, &taken->event);
    pthread_mutex_lock (&queue->mutex);
  }
  if (size > 0)
    free (taken);
  if (queue->failure)
    adze_error_free (failure);
  else
    queue->failure = failure;
  queue->bytes -= size;
  queue->handled++;
  pthread_cond_broadcast (&queue->less);
}

static void *
thread_main (void *argument)
{
  adze_event_queue *queue = argument;
  adze_event_bus_mute (queue->bus, &queue->mute);
  pthread_mutex_lock (&queue->mutex);
  for (node *taken; (taken = take (queue));)
    handle (queue, taken);
  pthread_mutex_unlock (&queue->mutex);
  adze_event_bus_unmute (queue->bus, &queue->mute);
  return NULL;
}

/* ---- Opening and closing. */

static adze_error *
start_thread (adze_event_queue *queue)
{
  /* The program's signals are for its own threads, which expect them. */
  sigset_t all, before;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  int failure = pthread_create (&queue->thread, NULL, thread_main, queue);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  if (!failure)
    return NULL;
  return adze_error_new (ADZE_E_IO, "the system has no thread for a listener: error %d", failure);
}

static void
stop_thread (adze_event_queue *queue)
{
  pthread_mutex_lock (&queue->mutex);
  queue->closing = true;
  pthread_cond_signal (&queue->more);
  pthread_mutex_unlock (&queue->mutex);
  pthread_join (queue->thread, NULL);
}

static void
release (adze_event_queue *queue)
{
  pthread_cond_destroy (&queue->less);
  pthread_cond_destroy (&queue->more);
  pthread_mutex_destroy (&queue->mutex);
  adze_error_free (queue->failure);
  free (queue);
}

adze_error *
adze_event_queue_open (adze_event_bus *bus, size_t most, adze_event_handler handler,
                       void *argument, adze_event_queue **queue)
{
  adze_event_queue *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  made->bus = bus;
  made->most = most;
  made->handler = handler;
  made->argument = argument;
  /* With default attributes these take no memory and cannot fail on Linux. */
  pthread_mutex_init (&made->mutex, NULL);
  pthread_cond_init (&made->more, NULL);
  pthread_cond_init (&made->less, NULL);
  adze_error *error = start_thread (made);
  if (error) {
    release (made);
    return error;
  }
  error = adze_event_bus_subscribe (bus, on_event, made);
  if (error) {
    stop_thread (made);
    release (made);
    return error;
  }
  *queue = made;
  return NULL;
}

adze_error *
adze_event_queue_barrier (adze_event_queue *queue)
{
  /* The listener itself would wait for ever. */
  if (pthread_equal (pthread_self (), queue->thread))
    return NULL;
  pthread_mutex_lock (&queue->mutex);
  wait_until_handled (queue, queue->pushed);
  adze_error *failure = adze_error_copy (queue->failure);
  pthread_mutex_unlock (&queue->mutex);
  return failure;
}

void
adze_event_queue_waits (adze_event_queue *queue, uint64_t *times, int64_t *waited_ns)
{
  pthread_mutex_lock (&queue->mutex);
  *times = queue->waits;
  *waited_ns = queue->waited_ns;
  pthread_mutex_unlock (&queue->mutex);
}

adze_error *
adze_event_queue_end (adze_event_queue *queue)
{
  if (queue->ended)
    return NULL;
  queue->ended = true;
  adze_event_bus_unsubscribe (queue->bus, on_event, queue);
  stop_thread (queue);
  return adze_take (&queue->failure);
}

void
adze_event_queue_close (adze_event_queue *queue)
{
  if (!queue)
    return;
  adze_error_free (adze_event_queue_end (queue));
  release (queue);
}
