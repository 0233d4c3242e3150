/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners on a thread of their own: order, copies, bounds, failures, barriers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/event_queue.h"

typedef struct watch {
  adze_event_bus *bus;
  adze_event_queue *queue;
  pthread_t caller;
  pthread_mutex_t mutex;
  pthread_cond_t change;
  bool held; /* the listener waits while this is so */
  uint64_t seen, last;
  uint64_t fail_at; /* 0: never */
  bool gap, on_caller, wrong;
  char text[256]; /* of the last event */
} watch;

static void
describe (const adze_event *event, char *text, size_t size)
{
  int used = snprintf (text, size, "%s/%s", event->id, event->source ? event->source : "-");
  for (uint32_t i = 0; i < event->field_count; i++) {
    const adze_field *field = &event->fields[i];
    char *at = text + used;
    size_t room = size - (size_t)used;
    if (field->type == ADZE_FIELD_STRING)
      used += snprintf (at, room, " %s=%s", field->key,
                        field->value.string ? field->value.string : "(none)");
    else if (field->type == ADZE_FIELD_INT)
      used += snprintf (at, room, " %s=%lld", field->key, (long long)field->value.integer);
    else if (field->type == ADZE_FIELD_FLOAT)
      used += snprintf (at, room, " %s=%g", field->key, field->value.real);
    else
      used += snprintf (at, room, " %s=%d", field->key, field->value.boolean);
  }
}

static adze_error *
on_event (void *argument, const adze_event *event)
{
  watch *w = argument;
  /* Dropped, and whoever waits for this thread must not be waited for. */
  adze_event_bus_log (w->bus, NULL, ADZE_LOG_ERROR, "seen");
  pthread_mutex_lock (&w->mutex);
  while (w->held)
    pthread_cond_wait (&w->change, &w->mutex);
  w->seen++;
  w->gap |= w->last && event->sequence != w->last + 1;
  w->last = event->sequence;
  w->on_caller |= pthread_equal (pthread_self (), w->caller);
  w->wrong |= strcmp (event->id, "log") == 0;
  describe (event, w->text, sizeof w->text);
  bool fails = w->seen == w->fail_at;
  pthread_mutex_unlock (&w->mutex);
  return fails ? adze_error_new (ADZE_E_IO, "enough") : NULL;
}

static void
hold (watch *w, bool held)
{
  pthread_mutex_lock (&w->mutex);
  w->held = held;
  pthread_cond_broadcast (&w->change);
  pthread_mutex_unlock (&w->mutex);
}

static uint64_t
seen (watch *w)
{
  pthread_mutex_lock (&w->mutex);
  uint64_t count = w->seen;
  pthread_mutex_unlock (&w->mutex);
  return count;
}

static watch *
begin (size_t most)
{
  watch *w = calloc (1, sizeof *w);
  assert_non_null (w);
  w->caller = pthread_self ();
  pthread_mutex_init (&w->mutex, NULL);
  pthread_cond_init (&w->change, NULL);
  assert_null (adze_event_bus_open (&w->bus));
  assert_null (adze_event_queue_open (w->bus, most, on_event, w, &w->queue));
  return w;
}

static void
end (watch *w)
{
  adze_event_queue_close (w->queue);
  adze_event_bus_close (w->bus);
  pthread_cond_destroy (&w->change);
  pthread_mutex_destroy (&w->mutex);
  free (w);
}

static void
emit (watch *w)
{
  adze_event_bus_emit (w->bus, "me", "tick", NULL, 0);
}

static void
what_is_seen_is_what_was_emitted (void **state)
{
  (void)state;
  watch *w = begin (ADZE_EVENT_QUEUE_MOST);
  char text[] = "text", source[] = "source", id[] = "id", key[] = "key";
  adze_field fields[] = {
    { .key = key, .type = ADZE_FIELD_STRING, .value = { .string = text } },
    { .key = "none", .type = ADZE_FIELD_STRING, .value = { .string = NULL } },
    { .key = "n", .type = ADZE_FIELD_INT, .value = { .integer = -5 } },
    { .key = "r", .type = ADZE_FIELD_FLOAT, .value = { .real = 0.5 } },
    { .key = "b", .type = ADZE_FIELD_BOOL, .value = { .boolean = true } },
  };
  hold (w, true);
  adze_event_bus_emit (w->bus, source, id, fields, ADZE_COUNT_OF (fields));
  /* The emitter's memory is its own again. */
  text[0] = source[0] = id[0] = key[0] = '?';
  fields[2].value.integer = 7;
  hold (w, false);
  assert_null (adze_event_queue_barrier (w->queue));
  assert_string_equal (w->text, "id/source key=text none=(none) n=-5 r=0.5 b=1");
  adze_event_bus_emit (w->bus, NULL, "bare", NULL, 0);
  assert_null (adze_event_queue_barrier (w->queue));
  assert_string_equal (w->text, "bare/-");
  assert_int_equal (w->seen, 2);
  assert_false (w->on_caller || w->wrong || w->gap);
  end (w);
}

enum { EACH = 3000 };

static void *
emit_many (void *argument)
{
  for (int i = 0; i < EACH; i++)
    emit (argument);
  return NULL;
}

static void
emit_from_threads (watch *w)
{
  pthread_t threads[3];
  for (size_t i = 0; i < ADZE_COUNT_OF (threads); i++)
    assert_int_equal (pthread_create (&threads[i], NULL, emit_many, w), 0);
  for (size_t i = 0; i < ADZE_COUNT_OF (threads); i++)
    pthread_join (threads[i], NULL);
}

static void
all_come_in_order (void **state)
{
  (void)state;
  static const size_t bounds[] = { ADZE_EVENT_QUEUE_MOST, 1000, 1, SIZE_MAX };
  for (size_t i = 0; i < ADZE_COUNT_OF (bounds); i++) {
    watch *w = begin (bounds[i]);
    emit_from_threads (w);
    assert_null (adze_event_queue_barrier (w->queue));
    assert_int_equal (w->seen, 3 * EACH);
    assert_int_equal (w->last, 3 * EACH);
    assert_false (w->gap || w->on_caller || w->wrong);
    end (w);
  }
}

/* Closing waits for what has been emitted, too. */
static void
nothing_is_lost_at_the_end (void **state)
{
  (void)state;
  watch *w = begin (ADZE_EVENT_QUEUE_MOST);
  hold (w, true);
  for (int i = 0; i < 100; i++)
    emit (w);
  hold (w, false);
  assert_null (adze_event_queue_end (w->queue));
  assert_int_equal (w->seen, 100);
  emit (w);
  assert_null (adze_event_queue_end (w->queue));
  assert_int_equal (w->seen, 100);
  end (w);
}

static void
a_full_queue_is_waited_for_and_that_is_told (void **state)
{
  (void)state;
  uint64_t times = 1;
  int64_t waited_ns = 0;
  watch *w = begin (ADZE_EVENT_QUEUE_MOST);
  hold (w, true);
  emit (w);
  adze_event_queue_waits (w->queue, &times, &waited_ns);
  assert_int_equal (times, 0);
  hold (w, false);
  end (w);

  w = begin (2000);
  pthread_t thread;
  hold (w, true);
  assert_int_equal (pthread_create (&thread, NULL, emit_many, w), 0);
  for (times = 0; times == 0;)
    adze_event_queue_waits (w->queue, &times, &waited_ns);
  assert_int_equal (seen (w), 0);
  hold (w, false);
  pthread_join (thread, NULL);
  assert_null (adze_event_queue_barrier (w->queue));
  assert_int_equal (w->seen, EACH);
  end (w);
}

/* With no bound, whoever emits goes on however slow the listener is. */
static void
without_a_bound_nobody_waits (void **state)
{
  (void)state;
  watch *w = begin (SIZE_MAX);
  hold (w, true);
  emit_from_threads (w);
  assert_int_equal (seen (w), 0);
  hold (w, false);
  assert_null (adze_event_queue_barrier (w->queue));
  assert_int_equal (w->seen, 3 * EACH);
  end (w);
}

static void
a_failure_is_the_last_that_it_sees (void **state)
{
  (void)state;
  static const size_t bounds[] = { ADZE_EVENT_QUEUE_MOST, 500 };
  for (size_t i = 0; i < ADZE_COUNT_OF (bounds); i++) {
    watch *w = begin (bounds[i]);
    w->fail_at = 5;
    for (int k = 0; k < 4; k++)
      emit (w);
    assert_null (adze_event_queue_barrier (w->queue));
    for (int k = 0; k < 100; k++)
      emit (w);
    /* Each barrier says so, and the end hands it over. */
    for (int k = 0; k < 2; k++) {
      adze_error *error = adze_event_queue_barrier (w->queue);
      assert_non_null (error);
      assert_string_equal (adze_error_message (error), "enough");
      adze_error_free (error);
    }
    assert_int_equal (w->seen, 5);
    adze_error *error = adze_event_queue_end (w->queue);
    assert_string_equal (adze_error_message (error), "enough");
    adze_error_free (error);
    assert_null (adze_event_queue_end (w->queue));
    end (w);
  }
}

/* Other listeners of the bus hear what this one does not hold up. */
static void
count (void *argument, const adze_event *event)
{
  (void)event;
  ++*(uint64_t *)argument;
}

static void
others_do_not_wait_for_it (void **state)
{
  (void)state;
  uint64_t heard = 0;
  watch *w = begin (ADZE_EVENT_QUEUE_MOST);
  assert_null (adze_event_bus_subscribe (w->bus, count, &heard));
  hold (w, true);
  for (int i = 0; i < 10; i++)
    emit (w);
  assert_int_equal (heard, 10);
  assert_int_equal (seen (w), 0);
  hold (w, false);
  end (w);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (what_is_seen_is_what_was_emitted),
    cmocka_unit_test (all_come_in_order),
    cmocka_unit_test (nothing_is_lost_at_the_end),
    cmocka_unit_test (a_full_queue_is_waited_for_and_that_is_told),
    cmocka_unit_test (without_a_bound_nobody_waits),
    cmocka_unit_test (a_failure_is_the_last_that_it_sees),
    cmocka_unit_test (others_do_not_wait_for_it),
  };
  return cmocka_run_group_tests_name ("listeners on a thread of their own", tests, NULL, NULL);
}
