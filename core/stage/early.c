/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/early.h"

#include <string.h>

#include "base/buffer.h"
#include "stage/instance.h"

static bool
is_early (const adze_early *early, const adze_event *event)
{
  if (!event->source || strcmp (event->source, early->stage) != 0
      || strcmp (event->id, ADZE_EVENT_FALLBACK) != 0)
    return false;
  for (uint32_t i = 0; i < event->field_count; i++)
    if (strcmp (event->fields[i].key, ADZE_EARLY_FIELD) == 0)
      return true;
  return false;
}

static void
on_event (void *argument, const adze_event *event)
{
  adze_early *early = argument;
  if (strcmp (event->id, "event.lost") == 0)
    early->lost = true;
  if (!is_early (early, event))
    return;
  adze_value *line = adze_json_table (early->heard, NULL);
  for (uint32_t i = 0; i < event->field_count; i++) {
    const adze_field *field = &event->fields[i];
    if (field->type == ADZE_FIELD_STRING && strcmp (field->key, ADZE_EARLY_FIELD) != 0)
      adze_json_string (line, field->key, field->value.string);
  }
}

adze_error *
adze_early_begin (adze_early *early, adze_event_bus *bus, const char *stage)
{
  *early = (adze_early){ .bus = bus, .stage = stage, .heard = adze_value_new (ADZE_VALUE_LIST) };
  adze_error *error = early->heard ? adze_event_bus_subscribe (bus, on_event, early)
                                   : adze_error_memory ();
  if (error)
    adze_value_free (adze_take (&early->heard));
  return error;
}

adze_error *
adze_early_end (adze_early *early, adze_value **lines)
{
  adze_event_bus_unsubscribe (early->bus, on_event, early);
  adze_value_free (*lines);
  *lines = early->heard;
  return early->lost || adze_json_failed (early->heard) ? adze_error_memory () : NULL;
}

static const char *
text_at (const adze_value *line, const char *key)
{
  const adze_value *value = adze_value_get (line, key);
  return value && value->type == ADZE_VALUE_STRING ? value->string : "";
}

char *
adze_fallback_text (const adze_value *line)
{
  const char *tensor = text_at (line, "tensor"), *why = text_at (line, "why");
  char *text = NULL;
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  adze_buffer_format (&buffer, "asked for %s, it did %s", text_at (line, "asked"),
                      text_at (line, "did"));
  if (tensor[0])
    adze_buffer_format (&buffer, " for '%s'", tensor);
  if (why[0])
    adze_buffer_format (&buffer, ", because %s", why);
  adze_error_free (adze_buffer_finish (&buffer, &text));
  return text;
}
