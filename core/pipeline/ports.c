/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/ports.c: what flows from where to where. */
#include <string.h>

#include "artifact/artifact.h"
#include "base/file.h"
#include "pipeline/reader.h"

/* ---- What there is to be bound. */

static const adze_port *
find_port (const adze_manifest_component *component, uint32_t direction, const char *name)
{
  size_t count;
  const adze_port *ports = adze_manifest_ports (component, &count);
  for (size_t i = 0; i < count; i++)
    if (ports[i].direction == direction && strcmp (ports[i].name, name) == 0)
      return &ports[i];
  return NULL;
}

/* One that inspects hands on what it got: the model is that of the stage in front of it. */
static bool
gives (const adze_manifest_component *component, const adze_port *port)
{
  return port->direction == ADZE_PORT_OUT
         && !(component->effect == ADZE_INSPECTS && strcmp (port->type, ADZE_TYPE_MODEL) == 0);
}

/* The names of the ports of this DIRECTION, "a, b": what is given, or what is taken. */
static void
list_ports (const adze_manifest_component *component, uint32_t direction, adze_buffer *into)
{
  size_t count;
  const adze_port *ports = adze_manifest_ports (component, &count);
  for (size_t i = 0; i < count; i++)
    if (ports[i].direction == direction
        && (direction == ADZE_PORT_IN || gives (component, &ports[i])))
      adze_buffer_format (into, "%s%s", into->size > 0 ? ", " : "", ports[i].name);
}

/* All that a reference of stage number INDEX could be, for "did you mean"; to be freed with
 * adze_names_free. NULL without memory. */
static char **
all_references (const adze_pipeline *pipeline, size_t index, size_t *count)
{
  size_t most = pipeline->input_count + pipeline->data_count + index * ADZE_PORT_MAX;
  char **names = calloc (most + 1, sizeof *names);
  *count = 0;
  for (size_t i = 0; names && i < pipeline->input_count; i++)
    names[(*count)++] = adze_text_format ("input.%s", pipeline->inputs[i].name);
  for (size_t i = 0; names && i < pipeline->data_count; i++)
    names[(*count)++] = adze_text_format ("data.%s", pipeline->data[i].name);
  for (size_t i = 0; names && i < index; i++) {
    const adze_pipeline_stage *stage = &pipeline->stages[i];
    size_t port_count = 0;
    const adze_port *ports
        = stage->component ? adze_manifest_ports (stage->component, &port_count) : NULL;
    for (size_t j = 0; stage->id && j < port_count; j++)
      if (gives (stage->component, &ports[j]))
        names[(*count)++] = adze_text_format ("%s.%s", stage->id, ports[j].name);
  }
  for (size_t i = 0; names && i < *count; i++)
    if (!names[i]) {
      adze_names_free (names, *count);
      return NULL;
    }
  return names;
}

/* Text of the reference that ends in ".NAME" or, failing that, one that looks like it. */
static const char *
guess (const char *text, char **names, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    const char *dot = strchr (names[i], '.');
    size_t first = (size_t)(dot - names[i]);
    if (strcmp (dot + 1, text) == 0
        || (strlen (text) == first && memcmp (names[i], text, first) == 0))
      return names[i];
  }
  return adze_nearest (text, (const char *const *)names, count);
}

/* WHY, and what was probably meant. */
static void
complain_of_reference (adze_reader *reader, size_t index, const adze_value *at, const char *why)
{
  size_t count = 0;
  char **names = all_references (reader->pipeline, index, &count);
  ADZE_AUTO (adze_buffer) all = { 0 };
  for (size_t i = 0; names && i < count; i++)
    adze_buffer_format (&all, "%s%s", i > 0 ? ", " : "", names[i]);
  const char *meant = names ? guess (at->string, names, count) : NULL;
  if (!names || all.failed)
    adze_complain (reader, adze_error_memory ());
  else if (meant)
    adze_complain_at (reader, at, "%s; did you mean \"%s\"?", why, meant);
  else
    adze_complain_at (reader, at, "%s; here there can be: %s", why,
                      all.data ? all.data : "nothing");
  if (names)
    adze_names_free (names, count);
}

ADZE_PRINTF (4, 5)
static void
complain_why (adze_reader *reader, size_t index, const adze_value *at, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *why = adze_text_vformat (format, arguments);
  va_end (arguments);
  if (why)
    complain_of_reference (reader, index, at, why);
  else
    adze_complain (reader, adze_error_memory ());
}

/* ---- References. */

static bool
bind_input (adze_reader *reader, size_t index, const adze_value *at, const char *name,
            adze_binding *binding)
{
  const adze_pipeline *pipeline = reader->pipeline;
  for (size_t i = 0; i < pipeline->input_count; i++)
    if (strcmp (pipeline->inputs[i].name, name) == 0) {
      *binding = (adze_binding){
        .origin = ADZE_FROM_INPUT, .number = i, .type = pipeline->inputs[i].kind, .at = at
      };
      return pipeline->inputs[i].kind != NULL;
    }
  complain_why (reader, index, at, "there is no [input.%s]", name);
  return false;
}

static bool
bind_data (adze_reader *reader, size_t index, const adze_value *at, const char *name,
           adze_binding *binding)
{
  const adze_pipeline *pipeline = reader->pipeline;
  for (size_t i = 0; i < pipeline->data_count; i++)
    if (strcmp (pipeline->data[i].name, name) == 0) {
      *binding = (adze_binding){
        .origin = ADZE_FROM_DATA, .number = i, .type = ADZE_TYPE_DATASET, .at = at
      };
      return true;
    }
  complain_why (reader, index, at, "there is no [data.%s]", name);
  return false;
}

static void
complain_of_port (adze_reader *reader, const adze_value *at, const adze_pipeline_stage *stage,
                  const char *port)
{
  ADZE_AUTO (adze_buffer) given = { 0 };
  list_ports (stage->component, ADZE_PORT_OUT, &given);
  if (given.failed)
    adze_complain (reader, adze_error_memory ());
  else if (given.data)
    adze_complain_at (reader, at, "stage '%s' gives no '%s'; it gives %s", stage->id, port,
                      given.data);
  else
    adze_complain_hint (reader, at,
                        "bind it to what that stage itself takes, or leave the port out",
                        "stage '%s' gives nothing: '%s' only inspects, and the model stays that of "
                        "the stage in front of it",
                        stage->id, stage->use);
}

/* No stage is called ID. If one above nearly is, that is what to say; else what could stand there. */
static void
complain_of_stage (adze_reader *reader, size_t index, const adze_value *at, const char *id)
{
  ADZE_AUTO_FREE const char **ids = calloc (index + 2, sizeof *ids);
  size_t count = 0;
  for (size_t i = 0; ids && i < index; i++)
    if (reader->pipeline->stages[i].id)
      ids[count++] = reader->pipeline->stages[i].id;
  const char *meant = ids ? adze_nearest (id, ids, count) : NULL;
  if (meant)
    adze_complain_at (reader, at, "there is no stage '%s'; did you mean '%s'?", id, meant);
  else
    complain_why (reader, index, at, "there is no stage '%s'", id);
}

static bool
bind_stage (adze_reader *reader, size_t index, const adze_value *at, const char *id,
            const char *port_name, adze_binding *binding)
{
  const adze_pipeline *pipeline = reader->pipeline;
  size_t i = 0;
  while (i < pipeline->stage_count
         && (!pipeline->stages[i].id || strcmp (pipeline->stages[i].id, id) != 0))
    i++;
  if (i == pipeline->stage_count) {
    complain_of_stage (reader, index, at, id);
    return false;
  }
  const adze_pipeline_stage *stage = &pipeline->stages[i];
  if (i == index) {
    adze_complain_at (reader, at,
                      "this is the stage itself; one can only use what is given above it");
    return false;
  }
  if (i > index) {
    adze_complain_at (reader, at,
                      "stage '%s' stands below this one, in line %u; a stage can only use what is "
                      "given above it",
                      id, (unsigned)stage->table->line);
    return false;
  }
  if (!stage->component)
    return false; /* complained of where it stands */
  const adze_port *port = find_port (stage->component, ADZE_PORT_OUT, port_name);
  if (!port || !gives (stage->component, port)) {
    complain_of_port (reader, at, stage, port_name);
    return false;
  }
  *binding = (adze_binding){
    .origin = ADZE_FROM_STAGE, .number = i, .port = port->name, .type = port->type, .at = at
  };
  return true;
}

bool
adze_bind_reference (adze_reader *reader, size_t index, const adze_value *at, adze_binding *binding)
{
  const char *dot = at->type == ADZE_VALUE_STRING ? strchr (at->string, '.') : NULL;
  if (at->type != ADZE_VALUE_STRING) {
    adze_complain_at (reader, at,
                      "this must be a string such as \"STAGE.PORT\", \"input.NAME\" or "
                      "\"data.NAME\", and is %s",
                      adze_value_type_name (at->type));
    return false;
  }
  if (!dot || dot == at->string || !dot[1]) {
    complain_why (reader, index, at,
                  "\"%s\" says no place: one reads \"STAGE.PORT\", \"input.NAME\" or \"data.NAME\"",
                  at->string);
    return false;
  }
  ADZE_AUTO_FREE char *first = strndup (at->string, (size_t)(dot - at->string));
  if (!first) {
    adze_complain (reader, adze_error_memory ());
    return false;
  }
  if (strcmp (first, "input") == 0)
    return bind_input (reader, index, at, dot + 1, binding);
  if (strcmp (first, "data") == 0)
    return bind_data (reader, index, at, dot + 1, binding);
  return bind_stage (reader, index, at, first, dot + 1, binding);
}

/* ---- Ports that were left out. */

/* What could be meant. */
typedef struct candidates {
  adze_buffer names; /* "a or b" */
  adze_binding first;
  size_t count;
  bool unknown; /* something is broken that might be one; it has been complained of */
} candidates;

static void
cleanup_candidates (candidates *c)
{
  adze_buffer_cleanup (&c->names);
}

static void
add_candidate (candidates *c, adze_binding binding, const char *first, const char *second)
{
  if (c->count++ == 0)
    c->first = binding;
  adze_buffer_format (&c->names, "%s%s.%s", c->count > 1 ? " or " : "", first, second);
}

/* Of the newest stage that gives any. */
static void
find_given (const adze_pipeline *pipeline, size_t index, const char *type, candidates *c)
{
  for (size_t i = index; i-- > 0 && c->count == 0 && !c->unknown;) {
    const adze_pipeline_stage *stage = &pipeline->stages[i];
    size_t count = 0;
    const adze_port *ports
        = stage->component ? adze_manifest_ports (stage->component, &count) : NULL;
    c->unknown = !stage->component;
    for (size_t j = 0; j < count; j++)
      if (gives (stage->component, &ports[j]) && strcmp (ports[j].type, type) == 0)
        add_candidate (c,
                       (adze_binding){ .origin = ADZE_FROM_STAGE,
                                       .number = i,
                                       .port = ports[j].name,
                                       .type = ports[j].type },
                       stage->id ? stage->id : "?", ports[j].name);
  }
}

static void
find_inputs (const adze_pipeline *pipeline, const char *type, candidates *c)
{
  for (size_t i = 0; i < pipeline->input_count; i++) {
    const adze_pipeline_input *input = &pipeline->inputs[i];
    if (!input->kind)
      c->unknown = true;
    else if (strcmp (input->kind, type) == 0)
      add_candidate (c,
                     (adze_binding){ .origin = ADZE_FROM_INPUT, .number = i, .type = input->kind },
                     "input", input->name);
  }
  for (size_t i = 0; strcmp (type, ADZE_TYPE_DATASET) == 0 && i < pipeline->data_count; i++)
    add_candidate (
        c, (adze_binding){ .origin = ADZE_FROM_DATA, .number = i, .type = ADZE_TYPE_DATASET },
        "data", pipeline->data[i].name);
}

static void
complain_of_none (adze_reader *reader, const adze_value *at, const char *type, const char *what)
{
  bool model = strcmp (type, ADZE_TYPE_MODEL) == 0, data = strcmp (type, ADZE_TYPE_DATASET) == 0;
  ADZE_AUTO_FREE char *hint
      = model  ? strdup ("add [model] with path = \"...\"")
        : data ? strdup ("add [data.NAME] with use = \"SOURCE\"; `adze list source` shows which "
                         "there are")
               : adze_text_format ("add [input.NAME] with kind = \"%s\" and path = \"...\"", type);
  adze_complain_hint (reader, at, hint, "%s needs a %s, and nothing above gives one", what, type);
}

bool
adze_bind_newest (adze_reader *reader, size_t index, const char *type, const adze_value *at,
                  const char *what, const char *how, bool required, adze_binding *binding)
{
  __attribute__ ((cleanup (cleanup_candidates))) candidates c = { 0 };
  find_given (reader->pipeline, index, type, &c);
  if (c.count == 0 && !c.unknown)
    find_inputs (reader->pipeline, type, &c);
  if (c.names.failed)
    adze_complain (reader, adze_error_memory ());
  if (c.count == 1) {
    *binding = c.first;
    return true;
  }
  if (c.count > 1)
    adze_complain_at (reader, at, "%s could take %s; say which by %s", what, c.names.data, how);
  else if (!c.unknown && c.count == 0 && required)
    complain_of_none (reader, at, type, what);
  return false;
}

/* ---- The ports of a stage. */

/* The key of the stage's table that binds a dataset port by its own name; NULL: none. */
static const adze_value *
own_name (const adze_pipeline_stage *stage, const adze_port *port)
{
  return adze_value_get (stage->table, port->name);
}

static bool
bind_own_name (adze_reader *reader, size_t index, const adze_value *at, adze_binding *binding)
{
  size_t count = reader->pipeline->data_count;
  if (at->type != ADZE_VALUE_STRING) {
    adze_complain_at (reader, at, "'%s' must be the name of data, and is %s", at->key,
                      adze_value_type_name (at->type));
    return false;
  }
  for (size_t i = 0; i < count; i++)
    if (strcmp (reader->pipeline->data[i].name, at->string) == 0)
      return bind_data (reader, index, at, at->string, binding);
  ADZE_AUTO_FREE const char **names = calloc (count + 1, sizeof *names);
  ADZE_AUTO (adze_buffer) all = { 0 };
  for (size_t i = 0; names && i < count; i++) {
    names[i] = reader->pipeline->data[i].name;
    adze_buffer_format (&all, "%s%s", i > 0 ? ", " : "", names[i]);
  }
  const char *plain = strncmp (at->string, "data.", 5) == 0 ? at->string + 5 : at->string;
  const char *meant = names ? adze_nearest (plain, names, count) : NULL;
  bool twice = plain > at->string && meant && strcmp (plain, meant) == 0;
  if (!names || all.failed)
    adze_complain (reader, adze_error_memory ());
  else if (twice)
    adze_complain_at (reader, at, "here the name alone is meant: %s = \"%s\"", at->key, meant);
  else if (meant)
    adze_complain_at (reader, at, "there is no [data.%s]; did you mean \"%s\"?", plain, meant);
  else
    adze_complain_at (reader, at, "there is no [data.%s]; there is: %s", plain,
                      all.data ? all.data : "no data at all");
  return false;
}

/* Is an earlier in-port of the same type? Then what is newest has gone there. */
static const char *
earlier_twin (const adze_port *ports, size_t number)
{
  for (size_t i = 0; i < number; i++)
    if (ports[i].direction == ADZE_PORT_IN && strcmp (ports[i].type, ports[number].type) == 0)
      return ports[i].name;
  return NULL;
}

/* An inputs line that stands there already is the place: a second one would be an error. */
static void
complain_of_second (adze_reader *reader, const adze_pipeline_stage *stage, const adze_port *port,
                    const char *twin)
{
  const adze_value *inputs = adze_value_get (stage->table, "inputs");
  if (inputs)
    adze_complain_at (reader, inputs,
                      "'%s' takes a %s as its port '%s', besides the one as '%s'; say which, by "
                      "adding %s = \"input.NAME\" or \"STAGE.PORT\" to these inputs",
                      stage->use, port->type, port->name, twin, port->name);
  else
    adze_complain_at (reader, adze_value_get (stage->table, "use"),
                      "'%s' takes a %s as its port '%s', besides the one as '%s'; say which by "
                      "inputs = { %s = \"input.NAME\" } or \"STAGE.PORT\"",
                      stage->use, port->type, port->name, twin, port->name);
}

static void
bind_left_out (adze_reader *reader, size_t index, const adze_port *ports, size_t number,
               adze_binding *binding)
{
  const adze_pipeline_stage *stage = &reader->pipeline->stages[index];
  const adze_port *port = &ports[number];
  const adze_value *use = adze_value_get (stage->table, "use");
  const char *twin = earlier_twin (ports, number);
  bool data = strcmp (port->type, ADZE_TYPE_DATASET) == 0;
  if (twin && port->required)
    complain_of_second (reader, stage, port, twin);
  if (twin)
    return;
  ADZE_AUTO_FREE char *what = adze_text_format ("port '%s' of '%s'", port->name, stage->use);
  ADZE_AUTO_FREE char *how = data ? adze_text_format ("%s = \"NAME\"", port->name)
                                  : adze_text_format ("inputs = { %s = \"...\" }", port->name);
  if (what && how)
    adze_bind_newest (reader, index, port->type, use, what, how, port->required, binding);
  else
    adze_complain (reader, adze_error_memory ());
}

static void
bind_port (adze_reader *reader, size_t index, const adze_port *ports, size_t number,
           adze_binding *binding)
{
  const adze_pipeline_stage *stage = &reader->pipeline->stages[index];
  const adze_port *port = &ports[number];
  const adze_value *given = adze_value_get (adze_value_get (stage->table, "inputs"), port->name);
  const adze_value *own = own_name (stage, port);
  bool bound = false;
  if (own && strcmp (port->type, ADZE_TYPE_DATASET) != 0) {
    adze_complain_key (reader, own,
                       "only data is bound by the name of its port; for a %s write inputs = { %s = "
                       "\"STAGE.PORT\" }, or \"input.NAME\"",
                       port->type, port->name);
    return;
  }
  if (own && given)
    adze_complain_key (reader, own, "port '%s' is bound twice: here and in 'inputs'", port->name);
  else if (own)
    bound = bind_own_name (reader, index, own, binding);
  else if (!given)
    bind_left_out (reader, index, ports, number, binding);
  else if (given->type == ADZE_VALUE_BOOL && !given->boolean && !port->required)
    return;
  else
    bound = adze_bind_reference (reader, index, given, binding);
  if (!bound || strcmp (binding->type, port->type) == 0)
    return;
  adze_complain_at (reader, binding->at, "port '%s' takes a %s, and this is a %s", port->name,
                    port->type, binding->type);
}

static void
complain_of_in_port (adze_reader *reader, const adze_pipeline_stage *stage, const adze_value *at)
{
  size_t count, in_count = 0;
  const adze_port *ports = adze_manifest_ports (stage->component, &count);
  const char *names[ADZE_PORT_MAX];
  for (size_t i = 0; i < count && in_count < ADZE_PORT_MAX; i++)
    if (ports[i].direction == ADZE_PORT_IN)
      names[in_count++] = ports[i].name;
  const char *meant = adze_nearest (at->key, names, in_count);
  ADZE_AUTO (adze_buffer) known = { 0 };
  list_ports (stage->component, ADZE_PORT_IN, &known);
  if (meant)
    adze_complain_key (reader, at, "'%s' takes nothing as '%s'; did you mean '%s'?", stage->use,
                       at->key, meant);
  else
    adze_complain_key (reader, at, "'%s' takes nothing as '%s'; it takes: %s", stage->use, at->key,
                       known.data ? known.data : "nothing");
}

static void
check_inputs (adze_reader *reader, const adze_pipeline_stage *stage)
{
  const adze_value *inputs = adze_value_get (stage->table, "inputs");
  if (!inputs)
    return;
  if (inputs->type != ADZE_VALUE_TABLE) {
    adze_complain_at (reader, inputs,
                      "'inputs' must be a table from ports to what they take, { PORT = "
                      "\"STAGE.PORT\" }, and is %s",
                      adze_value_type_name (inputs->type));
    return;
  }
  for (size_t i = 0; i < inputs->count; i++)
    if (!find_port (stage->component, ADZE_PORT_IN, inputs->items[i]->key))
      complain_of_in_port (reader, stage, inputs->items[i]);
}

void
adze_bind_ports (adze_reader *reader, size_t index)
{
  adze_pipeline_stage *stage = &reader->pipeline->stages[index];
  const adze_port *ports = adze_manifest_ports (stage->component, &stage->port_count);
  stage->bindings = calloc (stage->port_count + 1, sizeof *stage->bindings);
  if (!stage->bindings) {
    stage->port_count = 0;
    adze_complain (reader, adze_error_memory ());
    return;
  }
  check_inputs (reader, stage);
  for (size_t i = 0; i < stage->port_count; i++) {
    if (ports[i].direction == ADZE_PORT_IN)
      bind_port (reader, index, ports, i, &stage->bindings[i]);
    else if (own_name (stage, &ports[i])
             && !find_port (stage->component, ADZE_PORT_IN, ports[i].name))
      adze_complain_key (reader, own_name (stage, &ports[i]),
                         "'%s' is what this stage gives; it cannot be set", ports[i].name);
  }
}
