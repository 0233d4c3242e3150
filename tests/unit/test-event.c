/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of events: order, stamps, what listeners may do while they are called, and many
 * emitters at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/event.h"

/* What listeners saw, in order: "a:1:id " for listener a, event 1. */
typedef struct event_record {
  adze_event_bus *bus;
  char text[4096];
  uint64_t last;
  bool gap;
} event_record;

typedef struct named_listener {
  event_record *record;
  const char *name;
} named_listener;

static adze_event_bus *
open_bus (void)
{
  adze_event_bus *bus = NULL;
  assert_null (adze_event_bus_open (&bus));
  return bus;
}

static void
note (void *argument, const adze_event *event)
{
  const named_listener *named = argument;
  event_record *record = named->record;
  size_t used = strlen (record->text);
  snprintf (record->text + used, sizeof record->text - used, "%s:%llu:%s ", named->name,
            (unsigned long long)event->sequence, event->id);
}

static void
every_listener_gets_every_event_in_order (void **state)
{
  (void)state;
  adze_event_bus *bus = open_bus ();
  event_record record = { .bus = bus };
  named_listener a = { &record, "a" }, b = { &record, "b" }, c = { &record, "c" };
  adze_event_bus_emit (bus, NULL, "unheard", NULL, 0);
  assert_null (adze_event_bus_subscribe (bus, note, &a));
  assert_null (adze_event_bus_subscribe (bus, note, &b));
  assert_null (adze_event_bus_subscribe (bus, note, &c));
  adze_event_bus_emit (bus, NULL, "x", NULL, 0);
  adze_event_bus_emit (bus, NULL, "y", NULL, 0);
  adze_event_bus_unsubscribe (bus, note, &b);
  adze_event_bus_unsubscribe (bus, note, &b);
  adze_event_bus_unsubscribe (bus, note, &record);
  adze_event_bus_emit (bus, NULL, "z", NULL, 0);
  adze_event_bus_close (bus);
  assert_string_equal (record.text, "a:2:x b:2:x c:2:x a:3:y b:3:y c:3:y a:4:z c:4:z ");
  adze_event_bus_close (NULL);
}

static int64_t
clock_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

typedef struct expected_event {
  int64_t not_before;
  const adze_field *fields;
  unsigned calls;
} expected_event;

static void
check_event (void *argument, const adze_event *event)
{
  expected_event *expected = argument;
  expected->calls++;
  assert_int_equal (event->struct_size, sizeof *event);
  assert_string_equal (event->id, "call.finished");
  assert_string_equal (event->source, "prune-magnitude");
  assert_int_equal (event->sequence, 1);
  assert_true (event->time_ns >= expected->not_before && event->time_ns <= clock_ns ());
  assert_int_equal (event->field_count, 2);
  assert_memory_equal (event->fields, expected->fields, 2 * sizeof *event->fields);
}

static void
an_event_is_stamped_and_whole (void **state)
{
  (void)state;
  adze_event_bus *bus = open_bus ();
  const adze_field fields[] = {
    ADZE_FIELD_TEXT ("tensor", "fc1.weight"),
    ADZE_FIELD_NUMBER ("zeros", 12345),
  };
  expected_event expected = { .not_before = clock_ns (), .fields = fields };
  assert_null (adze_event_bus_subscribe (bus, check_event, &expected));
  adze_event_bus_emit (bus, "prune-magnitude", "call.finished", fields, 2);
  assert_int_equal (expected.calls, 1);
  adze_event_bus_close (bus);
}

/* ---- What listeners do while they are called. */

static void
echo (void *argument, const adze_event *event)
{
  const named_listener *named = argument;
  adze_event_bus_emit (named->record->bus, NULL, event->id, NULL, 0);
  adze_event_bus_log (named->record->bus, NULL, ADZE_LOG_INFO, "echo");
}

/* Without the drop an observer that logs what it sees would never end. */
static void
what_a_listener_emits_is_dropped (void **state)
{
  (void)state;
  adze_event_bus *bus = open_bus ();
  event_record record = { .bus = bus };
  named_listener a = { &record, "a" }, b = { &record, "b" };
  assert_null (adze_event_bus_subscribe (bus, note, &a));
  assert_null (adze_event_bus_subscribe (bus, echo, &a));
  assert_null (adze_event_bus_subscribe (bus, note, &b));
  adze_event_bus_emit (bus, NULL, "x", NULL, 0);
  adze_event_bus_emit (bus, NULL, "y", NULL, 0);
  adze_event_bus_close (bus);
  assert_string_equal (record.text, "a:1:x b:1:x a:2:y b:2:y ");
}

static void
another_bus_still_listens (void **state)
{
  (void)state;
  adze_event_bus *first = open_bus ();
  adze_event_bus *second = open_bus ();
  event_record record = { .bus = second };
  named_listener a = { &record, "a" };
  assert_null (adze_event_bus_subscribe (first, echo, &a));
  assert_null (adze_event_bus_subscribe (second, note, &a));
  adze_event_bus_emit (first, NULL, "x", NULL, 0);
  adze_event_bus_close (first);
  adze_event_bus_close (second);
  assert_string_equal (record.text, "a:1:x a:2:log ");
}

static void
leave_after_one (void *argument, const adze_event *event)
{
  const named_listener *named = argument;
  note (argument, event);
  adze_event_bus_unsubscribe (named->record->bus, leave_after_one, argument);
}

typedef struct guest_host {
  event_record *record;
  named_listener guests[10];
} guest_host;

/* So many that the list moves while it is walked. */
static void
bring_guests (void *argument, const adze_event *event)
{
  (void)event;
  guest_host *host = argument;
  for (size_t i = 0; i < ADZE_COUNT_OF (host->guests); i++)
    if (!host->guests[i].record) {
      host->guests[i] = (named_listener){ host->record, "guest" };
      assert_null (adze_event_bus_subscribe (host->record->bus, leave_after_one,
                                             &host->guests[i]));
    }
}

static void
listeners_come_and_go_while_called (void **state)
{
  (void)state;
  adze_event_bus *bus = open_bus ();
  event_record record = { .bus = bus };
  named_listener a = { &record, "a" }, b = { &record, "b" };
  guest_host host = { .record = &record };
  assert_null (adze_event_bus_subscribe (bus, leave_after_one, &a));
  assert_null (adze_event_bus_subscribe (bus, bring_guests, &host));
  assert_null (adze_event_bus_subscribe (bus, note, &b));
  adze_event_bus_emit (bus, NULL, "x", NULL, 0);
  assert_string_equal (record.text, "a:1:x b:1:x ");
  record.text[0] = '\0';
  adze_event_bus_emit (bus, NULL, "y", NULL, 0);
  adze_event_bus_emit (bus, NULL, "z", NULL, 0);
  adze_event_bus_close (bus);
  assert_string_equal (record.text,
                       "b:2:y guest:2:y guest:2:y guest:2:y guest:2:y guest:2:y guest:2:y "
                       "guest:2:y guest:2:y guest:2:y guest:2:y b:3:z ");
}

static void
remove_next (void *argument, const adze_event *event)
{
  (void)event;
  named_listener *next = argument;
  adze_event_bus_unsubscribe (next->record->bus, note, next);
}

static void
who_is_unsubscribed_is_not_called_any_more (void **state)
{
  (void)state;
  adze_event_bus *bus = open_bus ();
  event_record record = { .bus = bus };
  named_listener a = { &record, "a" }, b = { &record, "b" };
  assert_null (adze_event_bus_subscribe (bus, remove_next, &a));
  assert_null (adze_event_bus_subscribe (bus, note, &a));
  assert_null (adze_event_bus_subscribe (bus, note, &b));
  adze_event_bus_emit (bus, NULL, "x", NULL, 0);
  adze_event_bus_close (bus);
  assert_string_equal (record.text, "b:1:x ");
}

/* ---- Many threads. */

enum { EMITTERS = 4, EVENTS_EACH = 300 };

static void
count_up (void *argument, const adze_event *event)
{
  event_record *record = argument;
  if (event->sequence != record->last + 1)
    record->gap = true;
  record->last = event->sequence;
}

static void *
emit_many (void *argument)
{
  for (unsigned i = 0; i < EVENTS_EACH; i++)
    adze_event_bus_emit (argument, NULL, "x", NULL, 0);
  return NULL;
}

static void
threads_share_one_sequence (void **state)
{
  (void)state;
  adze_event_bus *bus = open_bus ();
  event_record record = { .bus = bus };
  assert_null (adze_event_bus_subscribe (bus, count_up, &record));
  pthread_t emitters[EMITTERS];
  for (size_t i = 0; i < EMITTERS; i++)
    assert_int_equal (pthread_create (&emitters[i], NULL, emit_many, bus), 0);
  for (size_t i = 0; i < EMITTERS; i++)
    pthread_join (emitters[i], NULL);
  adze_event_bus_close (bus);
  assert_false (record.gap);
  assert_int_equal (record.last, EMITTERS * EVENTS_EACH);
}

/* ---- Log lines. */

static void
note_line (void *argument, const adze_event *event)
{
  event_record *record = argument;
  assert_string_equal (event->id, "log");
  assert_int_equal (event->field_count, 2);
  assert_string_equal (event->fields[0].key, "level");
  assert_string_equal (event->fields[1].key, "message");
  snprintf (record->text, sizeof record->text, "%s: %s: %s", event->source,
            event->fields[0].value.string, event->fields[1].value.string);
}

static void
log_lines_are_events (void **state)
{
  (void)state;
  adze_event_bus *bus = open_bus ();
  event_record record = { .bus = bus };
  assert_null (adze_event_bus_subscribe (bus, note_line, &record));
  adze_event_bus_log (bus, "qat", ADZE_LOG_DEBUG, "epoch %d", 3);
  assert_string_equal (record.text, "qat: debug: epoch 3");
  adze_event_bus_log (bus, "qat", ADZE_LOG_INFO, "%s", "");
  assert_string_equal (record.text, "qat: info: ");
  adze_event_bus_log (bus, "qat", ADZE_LOG_WARNING, "w");
  assert_string_equal (record.text, "qat: warning: w");
  adze_event_bus_log (bus, "qat", ADZE_LOG_ERROR, "e");
  assert_string_equal (record.text, "qat: error: e");
  adze_event_bus_log (bus, "qat", (adze_log_level)77, "from the future");
  assert_string_equal (record.text, "qat: error: from the future");
  adze_event_bus_log (bus, "qat", ADZE_LOG_INFO, "%03000d", 1);
  assert_int_equal (strlen (record.text), strlen ("qat: info: ") + 3000);
  adze_event_bus_close (bus);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (every_listener_gets_every_event_in_order),
    cmocka_unit_test (an_event_is_stamped_and_whole),
    cmocka_unit_test (what_a_listener_emits_is_dropped),
    cmocka_unit_test (another_bus_still_listens),
    cmocka_unit_test (listeners_come_and_go_while_called),
    cmocka_unit_test (who_is_unsubscribed_is_not_called_any_more),
    cmocka_unit_test (threads_share_one_sequence),
    cmocka_unit_test (log_lines_are_events),
  };
  return cmocka_run_group_tests_name ("event", tests, NULL, NULL);
}
