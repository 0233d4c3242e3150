/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a pipeline, as a --set, as a condition and as a pattern. The first line says what the
 * rest is: "set stage.clip.percentile=99" and the like may stand in front of a pipeline; "pattern
 * NAME" and "condition" make it one of those. A pipeline is read, or refused with a place for each
 * mistake; a pattern and a condition also end. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/match.h"
#include "pipeline/pipeline.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
insist (bool truth, const char *what, const adze_error *error)
{
  if (truth)
    return;
  fprintf (stderr, "%s: %s\n", what, adze_error_message (error));
  abort ();
}

/* ---- Components to name. Plugins are not loaded, so a manifest is all that is needed of one. */

static const char manifest_text[]
    = "manifest = 1\nid = 'parts'\nversion = '1.0.0'\nsummary = 's'\nlicense = 'l'\nfile = 'p.so'\n"
      "abi = '0.1'\n"
      "[[component]]\nkind = 'technique'\nkind-revision = 2\nid = 'trim'\nsummary = 's'\n"
      "threading = 'parallel'\neffect = 'changes'\n"
      "[[component.param]]\nname = 'share'\ntype = 'float'\ndefault = 0.5\nrange = '[0, 1)'\n"
      "help = 'h'\n"
      "[[component.param]]\nname = 'scope'\ntype = 'choice'\ndefault = 'a'\nchoices = ['a', 'b']\n"
      "help = 'h'\n"
      "[[component.param]]\nname = 'names'\ntype = 'list of string'\ndefault = []\nhelp = 'h'\n"
      "[[component.param]]\nname = 'limits'\ntype = 'map of float'\ndefault = {}\nhelp = 'h'\n"
      "[[component.param]]\nname = 'after'\ntype = 'component'\ncomponent-kind = 'technique'\n"
      "default = 'look'\nhelp = 'h'\n"
      "[[component]]\nkind = 'technique'\nkind-revision = 2\nid = 'look'\nsummary = 's'\n"
      "threading = 'parallel'\neffect = 'inspects'\n"
      "[[component]]\nkind = 'technique'\nkind-revision = 2\nid = 'learn'\nsummary = 's'\n"
      "threading = 'parallel'\neffect = 'changes'\n"
      "[[component.port]]\nname = 'model'\ntype = 'model'\ndirection = 'in'\nrequired = true\n"
      "help = 'h'\n"
      "[[component.port]]\nname = 'other'\ntype = 'model'\ndirection = 'in'\nrequired = false\n"
      "help = 'h'\n"
      "[[component.port]]\nname = 'data'\ntype = 'dataset'\ndirection = 'in'\nrequired = true\n"
      "help = 'h'\n"
      "[[component.port]]\nname = 'model'\ntype = 'model'\ndirection = 'out'\nrequired = true\n"
      "help = 'h'\n"
      "[[component.port]]\nname = 'curve'\ntype = 'table'\ndirection = 'out'\nrequired = true\n"
      "help = 'h'\n"
      "[[component]]\nkind = 'source'\nkind-revision = 1\nid = 'rows'\nsummary = 's'\n"
      "threading = 'parallel'\n"
      "[[component.param]]\nname = 'count'\ntype = 'int'\ndefault = 1\nhelp = 'h'\n"
      "[[component]]\nkind = 'format'\nkind-revision = 1\nid = 'blob'\nsummary = 's'\n"
      "threading = 'parallel'\n"
      "[[component.param]]\nname = 'level'\ntype = 'int'\ndefault = 1\nrange = '[1, 9]'\n"
      "help = 'h'\n"
      "[[component]]\nkind = 'observer'\nkind-revision = 1\nid = 'watch'\nsummary = 's'\n"
      "threading = 'parallel'\n";

static char folder[] = "/tmp/fuzz-pipeline-XXXXXX";
static adze_runtime *runtime;

static void
remove_folder (void)
{
  adze_runtime_close (runtime);
  static const char *const names[] = { "m.blob", "pipeline.toml", "config.toml" };
  for (size_t i = 0; i < ADZE_COUNT_OF (names); i++) {
    ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder, names[i]);
    if (path)
      unlink (path);
  }
  rmdir (folder);
}

static void
put (const char *name, const void *text, size_t size)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder, name);
  FILE *file = path ? fopen (path, "w") : NULL;
  insist (file && fwrite (text, 1, size, file) == size, name, NULL);
  insist (fclose (file) == 0, name, NULL);
}

/* A record as scanning would have made it, of a plugin that no file need be there for. */
static void
add_parts (void)
{
  adze_plugin_record *record = calloc (1, sizeof *record);
  insist (record, "memory", NULL);
  ADZE_AUTO_ERROR error = adze_manifest_parse ("parts.toml", manifest_text,
                                               sizeof manifest_text - 1, &record->manifest);
  insist (!error, "manifest", error);
  record->path = strdup ("/nowhere/p.so");
  record->origin = "test";
  pthread_mutex_init (&record->plugin_lock, NULL);
  ADZE_AUTO_ERROR described = adze_record_describe (record);
  insist (!described, "describing", described);
  runtime->records = calloc (1, sizeof *runtime->records);
  insist (runtime->records, "memory", NULL);
  runtime->records[0] = record;
  runtime->record_count = 1;
}

static void
begin (void)
{
  if (runtime)
    return;
  insist (mkdtemp (folder) != NULL, "folder", NULL);
  ADZE_AUTO_FREE char *config = adze_text_format ("%s/config.toml", folder);
  put ("config.toml", "", 0);
  put ("m.blob", "BLOB", 4);
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  options.config = config;
  options.cache = folder;
  options.threads = 1;
  ADZE_AUTO_ERROR error = adze_runtime_open (&options, &runtime);
  insist (!error, "runtime", error);
  runtime->scanned = true;
  add_parts ();
  atexit (remove_folder);
}

/* ---- Pipelines. */

static void
check_mistake (const adze_error *error)
{
  insist (adze_error_message (error)[0], "a mistake without words", error);
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  ADZE_AUTO_FREE char *json = adze_error_json (error);
  insist (text && json, "shown", error);
}

/* What the lead of a pipeline relies on. */
static void
check_pipeline (const adze_pipeline *pipeline)
{
  for (size_t i = 0; i < pipeline->stage_count; i++) {
    const adze_pipeline_stage *stage = &pipeline->stages[i];
    insist (stage->id && stage->use && stage->component && stage->record && stage->bindings,
            "stage", NULL);
    size_t count;
    const adze_port *ports = adze_manifest_ports (stage->component, &count);
    insist (count == stage->port_count, "ports", NULL);
    for (size_t j = 0; j < count; j++) {
      const adze_binding *binding = &stage->bindings[j];
      bool bound = binding->origin != ADZE_FROM_NOWHERE;
      insist (bound || ports[j].direction == ADZE_PORT_OUT || !ports[j].required, "unbound", NULL);
      insist (!bound || strcmp (binding->type, ports[j].type) == 0, "type", NULL);
      insist (binding->origin != ADZE_FROM_STAGE || binding->number < i, "order", NULL);
    }
    for (size_t j = 0; j < stage->rule_count; j++)
      insist (stage->rules[j].pattern, "pattern", NULL);
    adze_pipeline_rule_for (stage, "fc1.weight");
  }
  for (size_t i = 0; i < pipeline->output_count; i++)
    insist (pipeline->outputs[i].path && pipeline->outputs[i].from.origin != ADZE_FROM_NOWHERE,
            "output", NULL);
}

static void
try_pipeline (const char *text, size_t size, const char *const *settings)
{
  begin ();
  put ("pipeline.toml", text, size);
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/pipeline.toml", folder);
  adze_pipeline *pipeline = NULL;
  ADZE_AUTO_ERROR error = adze_pipeline_open (runtime, path, settings, &pipeline);
  insist (!error == !!pipeline, "neither one nor the other", error);
  if (error) {
    insist (adze_error_status (error) == ADZE_E_FORMAT || adze_error_status (error) == ADZE_E_PARAM,
            "status", error);
    check_mistake (error);
    const adze_error *part;
    for (size_t i = 0; (part = adze_error_part (error, i)); i++)
      check_mistake (part);
    return;
  }
  check_pipeline (pipeline);
  adze_pipeline_close (pipeline);
}

/* ---- Patterns and conditions. */

static void
try_pattern (const char *text, const char *name)
{
  adze_pattern *pattern;
  ADZE_AUTO_ERROR error = adze_pattern_open (text, &pattern);
  insist (!error == !!pattern, "neither one nor the other", error);
  if (error)
    check_mistake (error);
  else
    adze_pattern_matches (pattern, name);
  adze_pattern_close (pattern);
}

static bool
look_up (void *context, const char *stage, const char *name, adze_reading *reading)
{
  (void)context;
  reading->quantity = (adze_quantity)(strlen (name) % 3);
  reading->number = stage ? -1.5 : (double)strlen (name);
  return name[0] != 'x';
}

static void
try_condition (const char *text)
{
  adze_expression *expression;
  ADZE_AUTO_ERROR error = adze_expression_parse (text, NULL, NULL, &expression);
  insist (!error == !!expression, "neither one nor the other", error);
  double number;
  for (int quantity = 0; quantity < 3; quantity++) {
    ADZE_AUTO_ERROR none = adze_quantity_parse (text, (adze_quantity)quantity, &number);
    insist (none || isfinite (number), "quantity", none);
  }
  if (error) {
    check_mistake (error);
    return;
  }
  adze_reading reading = { 0 };
  ADZE_AUTO_ERROR cannot = adze_expression_evaluate (expression, look_up, NULL, &reading);
  insist (cannot || isfinite (reading.number), "value", cannot);
  ADZE_AUTO (adze_buffer) why = { 0 };
  ADZE_AUTO_ERROR unexplained = adze_expression_explain (expression, look_up, NULL, &why);
  insist (!unexplained, "explanation", unexplained);
  adze_expression_free (expression);
}

/* ---- Which of them? */

/* The next line, cut off where it ends; NULL when it does not begin with WORD. */
static char *
take_line (char **text, const char *word)
{
  size_t length = strlen (word);
  char *end = strchr (*text, '\n');
  if (strncmp (*text, word, length) != 0 || !end)
    return NULL;
  char *line = *text + length;
  *end = '\0';
  *text = end + 1;
  return line;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *settings[9] = { NULL };
  size_t count = 0;
  ADZE_AUTO_FREE char *copy = malloc (size + 1);
  insist (copy, "memory", NULL);
  if (size > 0)
    memcpy (copy, data, size);
  copy[size] = '\0';
  char *text = copy, *name = take_line (&text, "pattern ");
  if (name) {
    try_pattern (text, name);
    return 0;
  }
  if (take_line (&text, "condition")) {
    try_condition (text);
    return 0;
  }
  while (count < 8 && (settings[count] = take_line (&text, "set ")))
    count++;
  settings[count] = NULL;
  try_pipeline (text, (size_t)(copy + size - text), settings);
  return 0;
}
