/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/stages.c: [[stage]] with its rules, and [[observer]]. */
#include <adze/draft/observer.h>

#include <string.h>

#include "artifact/artifact.h"
#include "base/file.h"
#include "pipeline/place.h"
#include "pipeline/reader.h"

/* ---- Names. */

static void
complain_of_twin (adze_reader *reader, size_t index, size_t twin)
{
  const adze_pipeline_stage *stage = &reader->pipeline->stages[index];
  const adze_value *own = adze_value_get (stage->table, "id");
  const adze_value *use = adze_value_get (stage->table, "use");
  const adze_value *at = own ? own : use;
  unsigned line = (unsigned)reader->pipeline->stages[twin].table->line;
  if (own)
    adze_complain_at (reader, at, "the stage in line %u is called '%s' already; ids are unique",
                      line, stage->id);
  else
    adze_complain_hint (reader, at, "add id = \"...\", another name, to one of the two",
                        "the stage in line %u is called '%s' already: without an id, a stage has "
                        "the name of its technique",
                        line, stage->id);
}

/* All of them, before anything refers to one. */
static void
read_id (adze_reader *reader, size_t index)
{
  adze_pipeline_stage *stages = reader->pipeline->stages;
  adze_pipeline_stage *stage = &stages[index];
  const adze_value *use = adze_reader_use (reader, stage->table, "this stage", ADZE_TECHNIQUE);
  const adze_value *id = adze_read_string (reader, stage->table, "id", NULL);
  stage->use = use ? use->string : NULL;
  if (id && (strcmp (id->string, "input") == 0 || strcmp (id->string, "data") == 0)) {
    adze_complain_at (reader, id,
                      "'%s' cannot be the id of a stage: \"%s.NAME\" is what [%s.NAME] "
                      "is called",
                      id->string, id->string, id->string);
    return;
  }
  if (id && !adze_check_name (reader, id, id->string, "a stage"))
    return;
  stage->id = id ? id->string : adze_value_get (stage->table, "id") ? NULL : stage->use;
  for (size_t i = 0; stage->id && i < index; i++)
    if (stages[i].id && strcmp (stages[i].id, stage->id) == 0) {
      complain_of_twin (reader, index, i);
      return;
    }
}

/* ---- What is the host's. */

static void
read_isolation (adze_reader *reader, adze_pipeline_stage *stage)
{
  const adze_value *isolate = adze_value_get (stage->table, "isolate");
  if (!isolate)
    return;
  if (isolate->type == ADZE_VALUE_TABLE) {
    stage->isolate = 1;
    adze_check_keys (reader, isolate, "time|memory", "'isolate'");
    adze_read_time (reader, isolate, "time", &stage->time_limit_ms);
    adze_read_bytes (reader, isolate, "memory", &stage->memory_limit);
  } else if (isolate->type == ADZE_VALUE_BOOL) {
    stage->isolate = isolate->boolean ? 1 : -1;
  } else {
    adze_complain_at (reader, isolate,
                      "'isolate' must be true, false or limits such as { time = \"10s\", memory = "
                      "\"1GiB\" }");
  }
}

/* ERROR unless it says "warn". */
static bool
read_severity (adze_reader *reader, const adze_value *table, const char *key)
{
  const char *severity = "error";
  adze_read_choice (reader, table, key, "error|warn", &severity);
  return strcmp (severity, "error") == 0;
}

/* ---- require */

/* The stage of this id; the number of stages: there is none. */
static size_t
find_stage (const adze_pipeline *pipeline, const char *id)
{
  size_t i = 0;
  while (i < pipeline->stage_count
         && (!pipeline->stages[i].id || strcmp (pipeline->stages[i].id, id) != 0))
    i++;
  return i;
}

static void
complain_of_metric (adze_reader *reader, const adze_value *at, size_t character, const char *id,
                    const char *name, size_t index)
{
  const adze_pipeline *pipeline = reader->pipeline;
  adze_value place = adze_place_inside (reader->document, at, character);
  ADZE_AUTO_FREE const char **ids = calloc (index + 1, sizeof *ids);
  size_t count = 0;
  for (size_t i = 0; ids && i <= index; i++)
    if (pipeline->stages[i].id)
      ids[count++] = pipeline->stages[i].id;
  const char *meant = ids ? adze_nearest (id, ids, count) : NULL;
  ADZE_AUTO_FREE char *hint
      = adze_text_format ("move the condition to stage '%s', or that stage above this one", id);
  if (find_stage (pipeline, id) < pipeline->stage_count)
    adze_complain_hint (reader, &place, hint,
                        "stage '%s' stands below this one, so '%s.%s' is not known here", id, id,
                        name);
  else if (meant)
    adze_complain_at (reader, &place, "there is no stage '%s'; did you mean '%s'?", id, meant);
  else
    adze_complain_at (reader, &place,
                      "there is no stage '%s' whose '%s' this could be; a metric of this stage "
                      "itself is written without an id",
                      id, name);
}

static void
read_require (adze_reader *reader, size_t index)
{
  adze_pipeline_stage *stage = &reader->pipeline->stages[index];
  const adze_value *require = adze_read_string (reader, stage->table, "require", NULL);
  if (!require)
    return;
  adze_error *error
      = adze_expression_parse (require->string, reader->document, require, &stage->require);
  if (error) {
    adze_complain (reader, error);
    return;
  }
  if (!adze_expression_is_condition (stage->require))
    adze_complain_at (reader, require,
                      "'require' must be something that holds or does not, such as \"accuracy > "
                      "0.9\"");
  const char *id, *name;
  size_t character;
  /* It would always hold, or never: whoever wrote it believes that something is checked. */
  if (!adze_expression_name (stage->require, 0, &id, &name, &character))
    adze_complain_hint (reader, require,
                        "name a metric in it, such as \"accuracy > 0.9\"; `adze runs show` "
                        "shows those of a run",
                        "this 'require' names no metric, so that nothing of the model decides it");
  for (size_t i = 0; adze_expression_name (stage->require, i, &id, &name, &character); i++)
    if (id && find_stage (reader->pipeline, id) > index)
      complain_of_metric (reader, require, character, id, name, index);
}

/* ---- Rules. */

static const char *const rule_keys[] = { "match", "skip", "optional", NULL };

static void
read_pattern (adze_reader *reader, const adze_value *table, adze_pipeline_rule *rule)
{
  const adze_value *match
      = adze_read_string (reader, table, "match",
                          "a rule needs match = \"...\", the names of the tensors that it is "
                          "for, such as \"fc3.*\"");
  if (!match)
    return;
  rule->match = match->string;
  ADZE_AUTO_ERROR error = adze_pattern_open (match->string, &rule->pattern);
  if (!error)
    return;
  const char *character = adze_error_fact (error, "character");
  const char *fault = adze_error_fact (error, "fault");
  if (!character || !fault) {
    adze_complain_of (reader, match, adze_take (&error));
    return;
  }
  adze_value place = adze_place_inside (reader->document, match, strtoul (character, NULL, 10));
  adze_complain_at (reader, &place, "this is no good pattern: %s", fault);
}

static void
read_rule (adze_reader *reader, const adze_manifest_component *component, const adze_value *table,
           adze_pipeline_rule *rule)
{
  rule->table = table;
  read_pattern (reader, table, rule);
  adze_read_bool (reader, table, "skip", &rule->skip);
  adze_read_bool (reader, table, "optional", &rule->optional);
  if (!component)
    return;
  const adze_own_keys own = { .owner = "a rule", .all = rule_keys };
  adze_reader_params (reader, component, table, &own, true, &rule->settings);
  if (rule->skip && rule->settings)
    adze_complain_key (reader, adze_value_get (table, rule->settings->items[0]->key),
                       "this rule skips its tensors, so that a parameter in it means nothing");
  if (!rule->settings && !adze_value_get (table, "skip"))
    adze_complain_at (reader, table,
                      "this rule says nothing: give it skip = true, a parameter of '%s', or skip = "
                      "false where it takes tensors out of a rule above",
                      component->id);
}

static void
read_rules (adze_reader *reader, adze_pipeline_stage *stage)
{
  const adze_value *rules = adze_value_get (stage->table, "rule");
  size_t count = adze_table_count (reader, rules, "[[stage.rule]]");
  if (count == 0)
    return;
  stage->rules = calloc (count, sizeof *stage->rules);
  if (!stage->rules) {
    adze_complain (reader, adze_error_memory ());
    return;
  }
  stage->rule_count = count;
  for (size_t i = 0; i < count; i++)
    read_rule (reader, stage->component, rules->items[i], &stage->rules[i]);
}

/* ---- The stage. */

/* Of ports, data alone is bound by its name. */
static bool
is_key (const adze_port *port)
{
  return port->direction == ADZE_PORT_IN && strcmp (port->type, ADZE_TYPE_DATASET) == 0;
}

/* What in its table is not a parameter: the host's words and the names of its ports; of the latter
 * only SHOWN are for writing there. To be freed, without the names. */
static const char **
own_keys (const adze_manifest_component *component, bool shown)
{
  static const char *const own[] = { "use",     "id",      "inputs",      "rule",        "require",
                                     "backend", "isolate", "on-fallback", "on-no-effect" };
  size_t port_count, count = 0;
  const adze_port *ports = adze_manifest_ports (component, &port_count);
  const char **keys = calloc (ADZE_COUNT_OF (own) + port_count + 1, sizeof *keys);
  for (size_t i = 0; keys && i < ADZE_COUNT_OF (own); i++)
    keys[count++] = own[i];
  for (size_t i = 0; keys && i < port_count; i++)
    if (!shown || is_key (&ports[i]))
      keys[count++] = ports[i].name;
  return keys;
}

static void
read_parameters (adze_reader *reader, adze_pipeline_stage *stage)
{
  ADZE_AUTO_FREE const char **all = own_keys (stage->component, false);
  ADZE_AUTO_FREE const char **shown = own_keys (stage->component, true);
  const adze_own_keys own = { .owner = "a stage", .all = all, .shown = shown };
  if (all && shown)
    adze_reader_params (reader, stage->component, stage->table, &own, false, &stage->settings);
  else
    adze_complain (reader, adze_error_memory ());
}

static void
read_stage (adze_reader *reader, size_t index)
{
  adze_pipeline_stage *stage = &reader->pipeline->stages[index];
  const adze_value *use = stage->use ? adze_value_get (stage->table, "use") : NULL;
  if (use)
    stage->component = adze_reader_find (reader, ADZE_TECHNIQUE, use, &stage->record);
  stage->backend = adze_reader_backend (reader, stage->table);
  read_isolation (reader, stage);
  stage->fallback_is_error = read_severity (reader, stage->table, "on-fallback");
  stage->no_effect_is_error = read_severity (reader, stage->table, "on-no-effect");
  read_require (reader, index);
  read_rules (reader, stage);
  if (!stage->component)
    return;
  read_parameters (reader, stage);
  adze_bind_ports (reader, index);
}

void
adze_read_stages (adze_reader *reader)
{
  adze_pipeline *pipeline = reader->pipeline;
  const adze_value *stages = adze_value_get (reader->document->root, "stage");
  size_t count = adze_table_count (reader, stages, "[[stage]]");
  pipeline->stages = calloc (count + 1, sizeof *pipeline->stages);
  if (!pipeline->stages) {
    adze_complain (reader, adze_error_memory ());
    return;
  }
  pipeline->stage_count = count;
  for (size_t i = 0; i < count; i++) {
    pipeline->stages[i].table = stages->items[i];
    read_id (reader, i);
  }
  for (size_t i = 0; i < count; i++)
    read_stage (reader, i);
}

/* ---- Observers. */

static void
read_observer (adze_reader *reader, const adze_value *table, adze_pipeline_observer *observer)
{
  static const char *const keys[] = { "use", NULL };
  const adze_own_keys own = { .owner = "an observer", .all = keys };
  const adze_value *use = adze_reader_use (reader, table, "this observer", ADZE_OBSERVER);
  observer->table = table;
  const adze_manifest_component *component
      = use ? adze_reader_find (reader, ADZE_OBSERVER, use, NULL) : NULL;
  if (!component)
    return;
  observer->use = component->id;
  adze_reader_params (reader, component, table, &own, false, &observer->settings);
}

void
adze_read_observers (adze_reader *reader)
{
  adze_pipeline *pipeline = reader->pipeline;
  const adze_value *observers = adze_value_get (reader->document->root, "observer");
  size_t count = adze_table_count (reader, observers, "[[observer]]");
  pipeline->observers = calloc (count + 1, sizeof *pipeline->observers);
  if (!pipeline->observers)
    adze_complain (reader, adze_error_memory ());
  else
    pipeline->observer_count = count;
  for (size_t i = 0; i < pipeline->observer_count; i++)
    read_observer (reader, observers->items[i], &pipeline->observers[i]);
}
