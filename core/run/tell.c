/* SPDX-License-Identifier: Apache-2.0 */
/* run/tell.c: what happens in a run, as events: in the run's own file of them, and for the observers
 * that its pipeline names. */
#include <string.h>

#include "base/event_wire.h"
#include "run/execution.h"

void
adze_tell (adze_execution *x, const char *source, const char *id, const adze_field *fields,
           uint32_t count)
{
  adze_event_bus_emit (x->plan->runtime->bus, source, id, fields, count);
}

/* How far it is matters to those who watch now, and to nobody later. */
static void
on_event (void *argument, const adze_event *event)
{
  adze_execution *x = argument;
  ADZE_AUTO_VALUE line = adze_value_new (ADZE_VALUE_TABLE);
  if (strcmp (event->id, "segment.progress") == 0)
    return;
  adze_event_to_value (event, line);
  adze_error *error = adze_json_failed (line)
                          ? adze_error_memory ()
                          : adze_folder_add_line (x->folder, "events.jsonl", line);
  if (error && !x->lost_events)
    x->lost_events = error;
  else
    adze_error_free (error);
}

adze_error *
adze_tell_open (adze_execution *x)
{
  return adze_event_bus_subscribe (x->plan->runtime->bus, on_event, x);
}

void
adze_tell_close (adze_execution *x)
{
  adze_event_bus_unsubscribe (x->plan->runtime->bus, on_event, x);
  adze_error_free (x->lost_events);
}

/* ---- Observers. */

adze_error *
adze_observers_open (adze_execution *x)
{
  const adze_pipeline *pipeline = x->plan->pipeline;
  x->observers = calloc (pipeline->observer_count + 1, sizeof *x->observers);
  if (!x->observers)
    return adze_error_memory ();
  for (size_t i = 0; i < pipeline->observer_count; i++) {
    const adze_pipeline_observer *named = &pipeline->observers[i];
    adze_document settings = { pipeline->document.path, pipeline->document.text, named->settings };
    adze_error *error = adze_observation_open (x->plan->runtime, named->use, &settings,
                                               pipeline->folder, &x->observers[i]);
    if (error)
      return adze_error_wrap (error, "observer '%s' cannot watch", named->use);
    x->observer_count++;
  }
  return NULL;
}

void
adze_observers_close (adze_execution *x)
{
  for (size_t i = 0; i < x->observer_count; i++)
    adze_observation_close (x->observers[i]);
  free (x->observers);
}
