/* SPDX-License-Identifier: Apache-2.0 */
/* Events as trees of values and back. */
#include "base/event_wire.h"

void
adze_event_to_value (const adze_event *event, adze_value *table)
{
  adze_json_string (table, "id", event->id);
  adze_json_string (table, "source", event->source);
  adze_json_int (table, "time", event->time_ns);
  adze_json_int (table, "sequence", (int64_t)event->sequence);
  adze_value *fields = adze_json_table (table, "fields");
  for (uint32_t i = 0; i < event->field_count; i++) {
    const adze_field *field = &event->fields[i];
    switch (field->type) {
    case ADZE_FIELD_BOOL:
      adze_json_bool (fields, field->key, field->value.boolean);
      break;
    case ADZE_FIELD_INT:
      adze_json_int (fields, field->key, field->value.integer);
      break;
    case ADZE_FIELD_FLOAT:
      adze_json_float (fields, field->key, field->value.real);
      break;
    case ADZE_FIELD_STRING:
      adze_json_string (fields, field->key, field->value.string);
      break;
    default: /* of a type that came later; whatever its value is, it is no text of ours */
      break;
    }
  }
}

static adze_field
read_field (const adze_value *value)
{
  adze_field field = { .key = value->key ? value->key : "" };
  if (value->type == ADZE_VALUE_BOOL) {
    field.type = ADZE_FIELD_BOOL;
    field.value.boolean = value->boolean;
  } else if (value->type == ADZE_VALUE_INT) {
    field.type = ADZE_FIELD_INT;
    field.value.integer = value->integer;
  } else if (value->type == ADZE_VALUE_FLOAT) {
    field.type = ADZE_FIELD_FLOAT;
    field.value.real = value->real;
  } else {
    field.type = ADZE_FIELD_STRING;
    field.value.string = value->string ? value->string : "";
  }
  return field;
}

adze_error *
adze_event_from_value (const adze_value *table, adze_event *event, adze_field **fields)
{
  const adze_value *id = adze_value_get (table, "id");
  const adze_value *source = adze_value_get (table, "source");
  const adze_value *list = adze_value_get (table, "fields");
  const adze_value *time = adze_value_get (table, "time");
  const adze_value *sequence = adze_value_get (table, "sequence");
  if (!id || id->type != ADZE_VALUE_STRING || (list && list->type != ADZE_VALUE_TABLE))
    return adze_error_new (ADZE_E_FORMAT, "an event from the other process is damaged");
  size_t count = list ? list->count : 0;
  *fields = calloc (count + 1, sizeof **fields);
  if (!*fields)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    (*fields)[i] = read_field (list->items[i]);
  *event = (adze_event){ .struct_size = sizeof *event,
                         .field_count = (uint32_t)count,
                         .id = id->string,
                         .source = source ? source->string : NULL,
                         .time_ns = time ? time->integer : 0,
                         .sequence = sequence ? (uint64_t)sequence->integer : 0,
                         .fields = *fields };
  return NULL;
}
