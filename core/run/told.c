/* SPDX-License-Identifier: Apache-2.0 */
/* run/told.c: events of stages, kept by stage. */
#include "run/told.h"

#include <pthread.h>
#include <string.h>

#include "base/event_wire.h"
#include "base/file.h"
#include "stage/early.h"
#include "stage/instance.h"

struct adze_told {
  adze_event_bus *bus;
  pthread_mutex_t lock;
  adze_value *stages; /* table: stage -> what adze_told_value gives */
  bool lost, at_work;
};

/* ---- The tree. */

static adze_value *
child (adze_value *table, const char *key, bool is_list)
{
  adze_value *found = (adze_value *)adze_value_get (table, key);
  if (found)
    return found;
  return is_list ? adze_json_list (table, key) : adze_json_table (table, key);
}

static void
remove_key (adze_value *table, const char *key)
{
  for (size_t i = 0; i < table->count; i++) {
    if (strcmp (table->items[i]->key, key) != 0)
      continue;
    adze_value_free (table->items[i]);
    memmove (table->items + i, table->items + i + 1,
             (table->count - i - 1) * sizeof *table->items);
    table->count--;
    return;
  }
}

static void
add_field (adze_value *into, const adze_field *field)
{
  switch (field->type) {
  case ADZE_FIELD_BOOL:
    adze_json_bool (into, field->key, field->value.boolean);
    break;
  case ADZE_FIELD_INT:
    adze_json_int (into, field->key, field->value.integer);
    break;
  case ADZE_FIELD_FLOAT:
    adze_json_float (into, field->key, field->value.real);
    break;
  case ADZE_FIELD_STRING:
    adze_json_string (into, field->key, field->value.string);
    break;
  default:
    break; /* a later type, which a reader passes over */
  }
}

static adze_value *
add_fields (adze_value *list, const adze_event *event, uint32_t first)
{
  adze_value *line = adze_json_table (list, NULL);
  for (uint32_t i = first; line && i < event->field_count; i++)
    add_field (line, &event->fields[i]);
  return line;
}

static const adze_field *
field_of (const adze_event *event, const char *key)
{
  for (uint32_t i = 0; i < event->field_count; i++)
    if (strcmp (event->fields[i].key, key) == 0)
      return &event->fields[i];
  return NULL;
}

static const char *
text_of (const adze_event *event, const char *key)
{
  const adze_field *field = field_of (event, key);
  return field && field->type == ADZE_FIELD_STRING && field->value.string ? field->value.string
                                                                          : "";
}

/* What is no number has come from a worker as a word, since JSON has no other way to write it. */
static double
number_of (const adze_event *event, const char *key)
{
  const adze_field *field = field_of (event, key);
  if (!field)
    return 0;
  switch (field->type) {
  case ADZE_FIELD_INT:
    return (double)field->value.integer;
  case ADZE_FIELD_FLOAT:
    return field->value.real;
  case ADZE_FIELD_STRING:
    return strtod (field->value.string ? field->value.string : "", NULL);
  default:
    return 0;
  }
}

/* ---- Events. */

static bool
put_metric (adze_value *stage, const char *name, double value, const char *unit)
{
  adze_value *metrics = child (stage, "metrics", false);
  if (!metrics)
    return false;
  remove_key (metrics, name);
  adze_value *metric = adze_json_table (metrics, name);
  adze_json_float (metric, "value", value);
  return metric && adze_json_string (metric, "unit", unit ? unit : "") != NULL;
}

static bool
put_row (adze_value *stage, const adze_event *event)
{
  adze_value *rows = child (child (stage, "tables", false), text_of (event, "table"), true);
  return add_fields (rows, event, 1) != NULL;
}

static bool
put_warning (adze_value *stage, const adze_event *event)
{
  adze_value *line = adze_json_table (child (stage, "warnings", true), NULL);
  return adze_json_string (line, "message", text_of (event, "message")) != NULL;
}

static bool
keep (adze_told *told, const adze_event *event)
{
  adze_value *stage = child (told->stages, event->source, false);
  if (strcmp (event->id, ADZE_EVENT_METRIC) == 0)
    return put_metric (stage, text_of (event, "name"), number_of (event, "value"),
                       text_of (event, "unit"));
  if (strcmp (event->id, ADZE_EVENT_ROW) == 0)
    return put_row (stage, event);
  if (strcmp (event->id, "log") == 0)
    return put_warning (stage, event);
  const char *list = strcmp (event->id, ADZE_EVENT_TENSOR) == 0     ? "decisions"
                     : strcmp (event->id, ADZE_EVENT_ACHIEVED) == 0 ? "achieved"
                                                                    : "fallbacks";
  return add_fields (child (stage, list, true), event, 0) != NULL;
}

static void
on_event (void *argument, const adze_event *event)
{
  adze_told *told = argument;
  static const char *const ids[] = { ADZE_EVENT_METRIC, ADZE_EVENT_TENSOR, ADZE_EVENT_ACHIEVED,
                                     ADZE_EVENT_FALLBACK, ADZE_EVENT_ROW };
  bool ours = false;
  for (size_t i = 0; i < ADZE_COUNT_OF (ids); i++)
    ours = ours || strcmp (event->id, ids[i]) == 0;
  /* What is told while a stage is made or described comes once more when it has run. */
  ours = ours && !(strcmp (event->id, ADZE_EVENT_FALLBACK) == 0
                   && field_of (event, ADZE_EARLY_FIELD));
  bool warning = strcmp (event->id, "log") == 0 && strcmp (text_of (event, "level"), "warning") == 0;
  pthread_mutex_lock (&told->lock);
  ours = ours || (warning && told->at_work);
  if (ours && event->source && !keep (told, event))
    told->lost = true;
  if (strcmp (event->id, "event.lost") == 0)
    told->lost = true;
  pthread_mutex_unlock (&told->lock);
}

adze_error *
adze_told_open (adze_event_bus *bus, adze_told **told)
{
  adze_told *fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  fresh->stages = adze_value_new (ADZE_VALUE_TABLE);
  pthread_mutex_init (&fresh->lock, NULL);
  fresh->bus = bus;
  adze_error *error = fresh->stages ? adze_event_bus_subscribe (bus, on_event, fresh)
                                    : adze_error_memory ();
  if (error) {
    adze_value_free (fresh->stages);
    pthread_mutex_destroy (&fresh->lock);
    free (fresh);
    return error;
  }
  *told = fresh;
  return NULL;
}

void
adze_told_close (adze_told *told)
{
  if (!told)
    return;
  adze_event_bus_unsubscribe (told->bus, on_event, told);
  adze_value_free (told->stages);
  pthread_mutex_destroy (&told->lock);
  free (told);
}

/* ---- What is asked of it. */

void
adze_told_at_work (adze_told *told, bool at_work)
{
  pthread_mutex_lock (&told->lock);
  told->at_work = at_work;
  pthread_mutex_unlock (&told->lock);
}

void
adze_told_forget (adze_told *told, const char *stage)
{
  pthread_mutex_lock (&told->lock);
  remove_key (told->stages, stage);
  pthread_mutex_unlock (&told->lock);
}

void
adze_told_forget_decided (adze_told *told, const char *stage)
{
  pthread_mutex_lock (&told->lock);
  adze_value *said = child (told->stages, stage, false);
  for (size_t i = said ? said->count : 0; i-- > 0;)
    if (strcmp (said->items[i]->key, "fallbacks") != 0
        && strcmp (said->items[i]->key, "warnings") != 0)
      remove_key (said, said->items[i]->key);
  pthread_mutex_unlock (&told->lock);
}

adze_error *
adze_told_metric (adze_told *told, const char *stage, const char *name, double value,
                  const char *unit)
{
  pthread_mutex_lock (&told->lock);
  bool kept = put_metric (child (told->stages, stage, false), name, value, unit);
  pthread_mutex_unlock (&told->lock);
  return kept ? NULL : adze_error_memory ();
}

static adze_quantity
quantity_of (const char *unit)
{
  if (strcmp (unit, "bytes") == 0)
    return ADZE_QUANTITY_BYTES;
  return strcmp (unit, "s") == 0 ? ADZE_QUANTITY_SECONDS : ADZE_QUANTITY_NUMBER;
}

bool
adze_told_number (adze_told *told, const char *stage, const char *name, adze_reading *reading)
{
  pthread_mutex_lock (&told->lock);
  const adze_value *metric = adze_value_get (
      adze_value_get (adze_value_get (told->stages, stage), "metrics"), name);
  const adze_value *value = adze_value_get (metric, "value");
  const adze_value *unit = adze_value_get (metric, "unit");
  bool found = value && unit;
  if (found)
    *reading = (adze_reading){ quantity_of (unit->string), value->real };
  pthread_mutex_unlock (&told->lock);
  return found;
}

static const char *
string_at (const adze_value *table, const char *key)
{
  const adze_value *value = adze_value_get (table, key);
  return value && value->type == ADZE_VALUE_STRING ? value->string : "";
}

bool
adze_told_fell_back (adze_told *told, const char *stage)
{
  pthread_mutex_lock (&told->lock);
  const adze_value *list = adze_value_get (adze_value_get (told->stages, stage), "fallbacks");
  bool fell = list && list->count > 0;
  pthread_mutex_unlock (&told->lock);
  return fell;
}

uint64_t
adze_told_fallbacks (adze_told *told, const char *stage, char **first)
{
  *first = NULL;
  pthread_mutex_lock (&told->lock);
  const adze_value *list = adze_value_get (adze_value_get (told->stages, stage), "fallbacks");
  uint64_t count = list ? list->count : 0;
  if (count > 0)
    *first = adze_fallback_text (list->items[0]);
  pthread_mutex_unlock (&told->lock);
  return count;
}

adze_error *
adze_told_value (adze_told *told, const char *stage, adze_value **value)
{
  pthread_mutex_lock (&told->lock);
  bool lost = told->lost;
  const adze_value *found = adze_value_get (told->stages, stage);
  *value = found ? adze_value_copy (found) : adze_value_new (ADZE_VALUE_TABLE);
  pthread_mutex_unlock (&told->lock);
  if (*value && !lost)
    return NULL;
  adze_value_free (*value);
  *value = NULL;
  return lost ? adze_error_new (ADZE_E_MEMORY, "some of what stage '%s' told was lost for want of "
                                "memory", stage)
              : adze_error_memory ();
}

/* ---- From an earlier run. */

/* JSON has words for what is no number, and may have left the point out of one. */
static double
real_at (const adze_value *table, const char *key)
{
  const adze_value *value = adze_value_get (table, key);
  if (!value)
    return 0;
  return value->type == ADZE_VALUE_INT      ? (double)value->integer
         : value->type == ADZE_VALUE_STRING ? strtod (value->string, NULL)
                                            : value->real;
}

static bool
recall_metrics (adze_value *stage, const adze_value *kept)
{
  for (size_t i = 0; i < kept->count; i++)
    if (!put_metric (stage, kept->items[i]->key, real_at (kept->items[i], "value"),
                     string_at (kept->items[i], "unit")))
      return false;
  return true;
}

static bool
recall_part (adze_value *stage, const adze_value *part)
{
  remove_key (stage, part->key);
  if (strcmp (part->key, "metrics") == 0)
    return recall_metrics (stage, part);
  adze_error *error = adze_value_append (stage, part->key, adze_value_copy (part));
  adze_error_free (error);
  return error == NULL;
}

/* Nobody is at work, so that none of these is taken for another one. */
static void
warn_again (const adze_told *told, const char *stage, const adze_value *warnings)
{
  for (size_t i = 0; warnings && i < warnings->count; i++)
    adze_event_bus_log (told->bus, stage, ADZE_LOG_WARNING, "of the result that is kept: %s",
                        string_at (warnings->items[i], "message"));
}

adze_error *
adze_told_recall (adze_told *told, const char *stage, const adze_value *kept)
{
  pthread_mutex_lock (&told->lock);
  adze_value *into = child (told->stages, stage, false);
  bool done = into != NULL;
  for (size_t i = 0; done && i < kept->count; i++)
    done = recall_part (into, kept->items[i]);
  pthread_mutex_unlock (&told->lock);
  warn_again (told, stage, adze_value_get (kept, "warnings"));
  return done ? NULL : adze_error_memory ();
}

/* EVENT, with all of its fields but the id, goes out. */
static adze_error *
emit (const adze_told *told, const char *stage, const char *id, adze_value *event)
{
  adze_event parsed;
  ADZE_AUTO_FREE adze_field *fields = NULL;
  adze_json_string (event, "id", id);
  if (adze_json_failed (event))
    return adze_error_memory ();
  ADZE_TRY (adze_event_from_value (event, &parsed, &fields));
  adze_event_bus_emit (told->bus, stage, id, fields, parsed.field_count);
  return NULL;
}

static adze_error *
repeat_metrics (const adze_told *told, const char *stage, const adze_value *kept)
{
  for (size_t i = 0; i < kept->count; i++) {
    ADZE_AUTO_VALUE event = adze_value_new (ADZE_VALUE_TABLE);
    adze_value *fields = adze_json_table (event, "fields");
    adze_json_string (fields, "name", kept->items[i]->key);
    adze_json_float (fields, "value", real_at (kept->items[i], "value"));
    adze_json_string (fields, "unit", string_at (kept->items[i], "unit"));
    ADZE_TRY (emit (told, stage, ADZE_EVENT_METRIC, event));
  }
  return NULL;
}

/* TABLE: of which the lines are rows; NULL: they are none. */
static adze_error *
repeat_lines (const adze_told *told, const char *stage, const char *id, const char *table,
              const adze_value *kept)
{
  for (size_t i = 0; i < kept->count; i++) {
    ADZE_AUTO_VALUE event = adze_value_new (ADZE_VALUE_TABLE);
    adze_value *fields = adze_json_table (event, "fields");
    adze_json_string (fields, "table", table);
    for (size_t k = 0; fields && k < kept->items[i]->count; k++) {
      const adze_value *field = kept->items[i]->items[k];
      adze_value *copy = adze_value_copy (field);
      if (!copy)
        return adze_error_memory ();
      ADZE_TRY (adze_value_append (fields, field->key, copy));
    }
    ADZE_TRY (emit (told, stage, id, event));
  }
  return NULL;
}

static adze_error *
repeat_tables (const adze_told *told, const char *stage, const adze_value *tables)
{
  for (size_t i = 0; i < tables->count; i++)
    ADZE_TRY (repeat_lines (told, stage, ADZE_EVENT_ROW, tables->items[i]->key,
                            tables->items[i]));
  return NULL;
}

static adze_error *
repeat_warnings (adze_told *told, const char *stage, const adze_value *part)
{
  pthread_mutex_lock (&told->lock);
  adze_value *into = child (told->stages, stage, false);
  bool done = into && recall_part (into, part);
  pthread_mutex_unlock (&told->lock);
  warn_again (told, stage, part);
  return done ? NULL : adze_error_memory ();
}

static adze_error *
repeat_part (adze_told *told, const char *stage, const adze_value *part)
{
  static const struct {
    const char *part, *id;
  } lists[] = {
    { "decisions", ADZE_EVENT_TENSOR },
    { "achieved", ADZE_EVENT_ACHIEVED },
    { "fallbacks", ADZE_EVENT_FALLBACK },
  };
  if (strcmp (part->key, "metrics") == 0)
    return repeat_metrics (told, stage, part);
  if (strcmp (part->key, "tables") == 0)
    return repeat_tables (told, stage, part);
  if (strcmp (part->key, "warnings") == 0)
    return repeat_warnings (told, stage, part);
  for (size_t i = 0; i < ADZE_COUNT_OF (lists); i++)
    if (strcmp (part->key, lists[i].part) == 0)
      return repeat_lines (told, stage, lists[i].id, NULL, part);
  return NULL;
}

/* In the order of then, so that the report is the same to the byte. */
adze_error *
adze_told_repeat (adze_told *told, const char *stage, const adze_value *kept)
{
  for (size_t i = 0; i < kept->count; i++)
    ADZE_TRY (repeat_part (told, stage, kept->items[i]));
  return NULL;
}
