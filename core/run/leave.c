/* SPDX-License-Identifier: Apache-2.0 */
/* run/leave.c: what a run leaves behind: where it came from, its plan, its report, and adze.lock. */
#include <stdio.h>
#include <unistd.h>

#include "base/peak.h"
#include "run/execution.h"
#include "run/lock.h"

/* ---- At the beginning. */

/* What SETTINGS and presets say, so that runs can be compared whatever was left to a preset. */
static adze_error *
add_parameters (const adze_manifest_component *component, const adze_value *settings, bool partial,
                adze_value *into)
{
  for (size_t i = 0; i < component->param_count; i++) {
    ADZE_AUTO_VALUE value = NULL;
    ADZE_TRY (adze_param_given (&component->params[i], settings, partial, &value));
    if (value)
      ADZE_TRY (adze_value_append (into, component->params[i].name, adze_take (&value)));
  }
  return NULL;
}

/* Under the names that --set has for them: "rule.0.percentile". */
static adze_error *
add_rules (const adze_pipeline_stage *stage, adze_value *into)
{
  adze_value *rules = stage->rule_count > 0 ? adze_json_table (into, "rule") : NULL;
  for (size_t i = 0; i < stage->rule_count; i++) {
    const adze_pipeline_rule *rule = &stage->rules[i];
    char number[24];
    snprintf (number, sizeof number, "%zu", i);
    adze_value *made = adze_json_table (rules, number);
    adze_json_string (made, "match", rule->match);
    if (rule->skip)
      adze_json_bool (made, "skip", true);
    if (adze_json_failed (into))
      return adze_error_memory ();
    ADZE_TRY (add_parameters (stage->component, rule->settings, true, made));
  }
  return NULL;
}

static adze_error *
describe_run (adze_execution *x)
{
  ADZE_AUTO_VALUE parameters = adze_value_new (ADZE_VALUE_TABLE);
  for (size_t i = 0; i < x->plan->stage_count; i++) {
    const adze_pipeline_stage *stage = x->plan->stages[i].stage;
    adze_value *own = adze_json_table (parameters, stage->id);
    if (!own)
      return adze_error_memory ();
    ADZE_TRY (add_parameters (stage->component, stage->settings, false, own));
    ADZE_TRY (add_rules (stage, own));
  }
  return adze_folder_describe (x->folder, x->plan->pipeline->seed, parameters);
}

/* "" where nobody has read all of it yet. */
static adze_error *
add_content (const adze_execution *x, size_t number, adze_value *contents)
{
  char text[ADZE_HASH_TEXT] = "";
  adze_hash128 hash;
  bool known = false;
  if (x->plan->inputs[number])
    ADZE_TRY (adze_content_known (x, number, &known, &hash));
  if (known)
    adze_hash_text (hash, text);
  adze_json_string (contents, NULL, text);
  return NULL;
}

/* Where the pipeline lay, and what its inputs were: `adze why` looks at them again. Once more at the
 * end, when their contents are known. */
static adze_error *
write_origin (adze_execution *x)
{
  const adze_pipeline *pipeline = x->plan->pipeline;
  ADZE_AUTO_VALUE origin = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (origin, "path", pipeline->document.path);
  adze_json_string (origin, "folder", pipeline->folder);
  adze_value *inputs = adze_json_list (origin, "inputs");
  adze_value *contents = adze_json_list (origin, "contents");
  for (size_t i = 0; i < pipeline->input_count; i++) {
    char text[ADZE_HASH_TEXT] = "";
    if (x->plan->inputs[i])
      adze_identity_text (x->plan->inputs[i]->file, text);
    adze_json_string (inputs, NULL, text);
    ADZE_TRY (add_content (x, i, contents));
  }
  return adze_json_failed (origin) ? adze_error_memory ()
                                   : adze_folder_put (x->folder, "origin.json", origin);
}

static adze_error *
write_plan (adze_execution *x)
{
  ADZE_AUTO_VALUE plan = adze_plan_value (x->plan);
  return plan ? adze_folder_put (x->folder, "plan.json", plan) : adze_error_memory ();
}

adze_error *
adze_leave_beginning (adze_execution *x)
{
  ADZE_TRY (describe_run (x));
  ADZE_TRY (adze_folder_state (x->folder, "running", NULL));
  ADZE_TRY (write_origin (x));
  return write_plan (x);
}

/* ---- At the end. */

static adze_error *
write_decisions (adze_execution *x, const char *stage, const adze_value *told)
{
  const adze_value *decisions = adze_value_get (told, "decisions");
  for (size_t i = 0; decisions && i < decisions->count; i++) {
    ADZE_AUTO_VALUE line = adze_value_new (ADZE_VALUE_TABLE);
    adze_json_string (line, "stage", stage);
    for (size_t k = 0; line && k < decisions->items[i]->count; k++) {
      adze_value *copy = adze_value_copy (decisions->items[i]->items[k]);
      if (!copy)
        return adze_error_memory ();
      ADZE_TRY (adze_value_append (line, decisions->items[i]->items[k]->key, copy));
    }
    if (adze_json_failed (line))
      return adze_error_memory ();
    ADZE_TRY (adze_folder_add_line (x->folder, "decisions.jsonl", line));
  }
  return NULL;
}

/* Nothing is said where the system does not tell. */
static void
add_peak (const adze_execution *x, adze_value *report)
{
  uint64_t own = adze_peak_memory (0), workers = 0, most = x->plan->pipeline->max_rss;
  ADZE_AUTO (adze_buffer) unknown = { 0 };
  for (size_t i = 0; i < x->plan->stage_count; i++)
    workers += adze_instance_peak (x->plan->stages[i].instance);
  for (size_t i = 0; i < x->observer_count; i++)
    workers += adze_observation_peak (x->observers[i]);
  if (own == 0)
    return;
  adze_json_int (report, "peak-memory", (int64_t)(own + workers));
  adze_json_int (report, "worker-memory", (int64_t)workers);
  if (most == 0 || own + workers <= most)
    return;
  bool some = adze_plan_unknown_text (x->plan, &unknown);
  adze_event_bus_log (x->plan->runtime->bus, NULL, ADZE_LOG_WARNING,
                      "the run took %llu bytes of memory at its peak, %llu of them in processes "
                      "of isolated stages and observers; more than max-rss (%llu) and than was "
                      "planned (%s%llu%s%s)",
                      (unsigned long long)(own + workers), (unsigned long long)workers,
                      (unsigned long long)most, some ? "at least " : "",
                      (unsigned long long)x->plan->peak, some ? "; " : "",
                      unknown.data ? unknown.data : "");
}

adze_error *
adze_leave_report (adze_execution *x)
{
  ADZE_AUTO_VALUE metrics = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO_VALUE report = adze_value_new (ADZE_VALUE_TABLE);
  adze_value *stages = adze_json_table (report, "stages");
  for (size_t i = 0; stages && i < x->plan->stage_count; i++) {
    const char *id = x->plan->stages[i].stage->id;
    adze_value *told = NULL;
    ADZE_TRY (adze_told_value (x->told, id, &told));
    const adze_value *found = adze_value_get (told, "metrics");
    adze_value *into = adze_json_table (metrics, id);
    for (size_t k = 0; found && k < found->count; k++)
      adze_json_float (into, found->items[k]->key,
                       adze_value_get (found->items[k], "value")->real);
    adze_error *error = write_decisions (x, id, told);
    if (error) {
      adze_value_free (told);
      return error;
    }
    ADZE_TRY (adze_value_append (stages, id, told));
  }
  add_peak (x, report);
  adze_plan_memory_value (x->plan, "predicted-memory", report);
  if (adze_json_failed (metrics) || adze_json_failed (report))
    return adze_error_memory ();
  ADZE_TRY (write_origin (x));
  ADZE_TRY (adze_folder_put (x->folder, "metrics.json", metrics));
  return adze_folder_put (x->folder, "report.json", report);
}

/* ---- adze.lock. */

static adze_error *
collect_uses (const adze_plan *plan, adze_lock_uses *uses)
{
  adze_plugin_record *record;
  const adze_manifest_component *component;
  for (size_t i = 0; i < plan->stage_count; i++) {
    ADZE_TRY (adze_lock_use_plugin (uses, plan->runtime, plan->stages[i].stage->record));
    ADZE_TRY (adze_compute_lock (plan, &plan->stages[i], uses));
  }
  for (size_t i = 0; i < plan->pipeline->input_count; i++) {
    if (!plan->inputs[i] || !plan->inputs[i]->file->format)
      continue;
    ADZE_TRY (adze_find_component (plan->runtime, plan->inputs[i]->file->format, &record,
                                   &component));
    ADZE_TRY (adze_lock_use_plugin (uses, plan->runtime, record));
  }
  for (size_t i = 0; i < plan->pipeline->output_count; i++) {
    if (!plan->pipeline->outputs[i].format)
      continue;
    ADZE_TRY (adze_find_component (plan->runtime, plan->pipeline->outputs[i].format, &record,
                                   &component));
    ADZE_TRY (adze_lock_use_plugin (uses, plan->runtime, record));
  }
  return NULL;
}

static adze_error *
lock_file (const adze_execution *x, char **path)
{
  *path = adze_text_format ("%s/" ADZE_LOCK_NAME, x->plan->pipeline->folder);
  return *path ? NULL : adze_error_memory ();
}

/* A pipeline may well lie where nobody can write, with its runs and outputs elsewhere: that its lock
 * stays as it is is said before the work, and stops nobody. */
static adze_error *
warn_of_lock (adze_execution *x, const char *path)
{
  ADZE_AUTO (adze_lock_uses) uses = { 0 };
  if (access (x->plan->pipeline->folder, W_OK) == 0)
    return NULL;
  ADZE_AUTO_ERROR reason = adze_error_errno ("%s cannot be written", path);
  ADZE_TRY (collect_uses (x->plan, &uses));
  adze_error *differs = adze_lock_check (path, &uses);
  if (adze_error_status (differs) != ADZE_E_TRUST)
    return differs;
  adze_error_free (differs);
  x->lock_stays = true;
  adze_event_bus_log (x->plan->runtime->bus, NULL, ADZE_LOG_WARNING,
                      "%s: what this run uses is not noted there, and --locked will not know it",
                      adze_error_message (reason));
  return NULL;
}

adze_error *
adze_lock_compare (adze_execution *x)
{
  ADZE_AUTO (adze_lock_uses) uses = { 0 };
  ADZE_AUTO_FREE char *path = NULL;
  ADZE_TRY (lock_file (x, &path));
  if (!x->options.locked) {
    ADZE_TRY (adze_lock_look (path));
    return warn_of_lock (x, path);
  }
  ADZE_TRY (collect_uses (x->plan, &uses));
  return adze_lock_check (path, &uses);
}

adze_error *
adze_lock_renew (adze_execution *x)
{
  ADZE_AUTO (adze_lock_uses) uses = { 0 };
  ADZE_AUTO (adze_buffer) changes = { 0 };
  ADZE_AUTO_FREE char *path = NULL;
  if (x->options.locked || x->lock_stays)
    return NULL;
  ADZE_TRY (lock_file (x, &path));
  ADZE_TRY (collect_uses (x->plan, &uses));
  ADZE_TRY (adze_lock_write (path, &uses, &changes));
  if (changes.size == 0)
    return NULL;
  const adze_field fields[]
      = { ADZE_FIELD_TEXT ("path", path), ADZE_FIELD_TEXT ("changes", changes.data) };
  adze_tell (x, NULL, "lock.written", fields, ADZE_COUNT_OF (fields));
  return NULL;
}
