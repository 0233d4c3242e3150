/* SPDX-License-Identifier: Apache-2.0 */
/* run/execute.c: a run from its folder to its last output. */
#include <string.h>
#include <time.h>

#include "run/execution.h"
#include "run/parts.h"

static double
now_s (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- Opening and closing. */

/* The pipeline after --set, a line an entry. */
static adze_error *
text_of (const adze_pipeline *pipeline, char **text)
{
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  adze_buffer_format (&buffer, "# As it was run, from %s\n", pipeline->document.path);
  for (size_t i = 0; i < pipeline->document.root->count; i++) {
    const adze_value *item = pipeline->document.root->items[i];
    adze_buffer_format (&buffer, "%s = ", item->key);
    adze_value_write_toml (item, &buffer);
    adze_buffer_text (&buffer, "\n");
  }
  return adze_buffer_finish (&buffer, text);
}

/* A run is gone on with when the pipeline says the same. */
static adze_error *
identity_of (const char *text, char **identity)
{
  *identity = malloc (ADZE_HASH_TEXT);
  if (!*identity)
    return adze_error_memory ();
  adze_hash_text (adze_leaf_hash (text, strlen (text)), *identity);
  return NULL;
}

static adze_error *
runs_folder (const adze_plan *plan, const adze_run_options *options, char **runs)
{
  *runs = options->runs ? strdup (options->runs)
                        : adze_text_format ("%s/adze-runs", plan->pipeline->folder);
  return *runs ? NULL : adze_error_memory ();
}

/* PATH, which AT names, is not below the folder of the runs. */
static adze_error *
check_written (const adze_plan *plan, const char *runs, const char *path, const adze_value *at)
{
  ADZE_AUTO_FREE char *folder = NULL;
  ADZE_AUTO_FREE char *settled = NULL;
  ADZE_TRY (adze_path_settle (runs, &folder));
  ADZE_TRY (adze_path_settle (path, &settled));
  size_t size = strlen (folder);
  if (strncmp (settled, folder, size) != 0 || (settled[size] != '\0' && settled[size] != '/'))
    return NULL;
  return adze_document_error (&plan->pipeline->document, at,
                              "%s is the folder in which adze keeps runs; name a file elsewhere",
                              runs);
}

/* Where adze keeps runs is nowhere to write to. */
static adze_error *
check_outputs (const adze_plan *plan, const char *runs)
{
  const adze_pipeline *pipeline = plan->pipeline;
  for (size_t i = 0; i < pipeline->output_count; i++)
    ADZE_TRY (check_written (plan, runs, pipeline->outputs[i].path,
                             adze_value_get (pipeline->outputs[i].table, "path")));
  for (size_t i = 0; i < pipeline->written_count; i++)
    ADZE_TRY (check_written (plan, runs, pipeline->written[i].path, pipeline->written[i].at));
  return NULL;
}

static adze_error *
note_part (void *context, const char *temporary)
{
  adze_execution *x = context;
  return adze_part_note (x->folder, temporary);
}

adze_error *
adze_execution_open (adze_plan *plan, const adze_run_options *options, bool look,
                     adze_execution *x)
{
  ADZE_AUTO_FREE char *runs = NULL;
  *x = (adze_execution){ .plan = plan, .options = *options, .cancel = &plan->runtime->cancel };
  x->segment_keys = calloc (plan->segment_count + 1, sizeof *x->segment_keys);
  x->pending = calloc (plan->segment_count + 1, sizeof *x->pending);
  x->given = calloc (plan->stage_count + 1, sizeof *x->given);
  x->given_count = calloc (plan->stage_count + 1, sizeof *x->given_count);
  if (!x->segment_keys || !x->pending || !x->given || !x->given_count)
    return adze_error_memory ();
  ADZE_AUTO_FREE char *text = NULL;
  ADZE_TRY (text_of (plan->pipeline, &text));
  ADZE_TRY (identity_of (text, &x->plan_identity));
  ADZE_TRY (runs_folder (plan, options, &runs));
  ADZE_TRY (check_outputs (plan, runs));
  adze_folder_options folder = { .runs = runs,
                                 .name = plan->pipeline->name,
                                 .identity = x->plan_identity,
                                 .text = text,
                                 .fresh = options->fresh,
                                 .look = look };
  /* Before there is a folder: a run that is not what is locked, or cannot be watched as its pipeline
   * says, does not begin. */
  if (!look) {
    ADZE_TRY (adze_lock_compare (x));
    ADZE_TRY (adze_observers_open (x));
  }
  ADZE_TRY (adze_folder_open (&folder, &x->folder));
  if (look)
    return NULL;
  ADZE_TRY (adze_told_open (plan->runtime->bus, &x->told));
  return adze_tell_open (x);
}

void
adze_execution_close (adze_execution *x)
{
  adze_observers_close (x);
  x->plan->guard.note = NULL;
  for (size_t i = 0; x->pending && i < x->plan->segment_count; i++)
    adze_pending_close (&x->pending[i], true);
  for (size_t i = 0; x->given && i < x->plan->stage_count; i++) {
    for (size_t k = 0; k < x->given_count[i]; k++) {
      adze_artifact_close (x->given[i][k].artifact);
      free (x->given[i][k].port);
    }
    free (x->given[i]);
  }
  free (x->given);
  free (x->given_count);
  free (x->pending);
  free (x->segment_keys);
  free (x->plan_identity);
  adze_seen_close (x->seen);
  adze_tell_close (x);
  adze_told_close (x->told);
  if (x->folder)
    adze_folder_close (x->folder);
}

/* ---- Segments. */

/* What a stage with run gave is looked at before anybody relies on it: it can be made again now, and
 * not when half of it has been taken over. */
static adze_error *
check_found (adze_execution *x, size_t number, const adze_key *key, adze_value **facts)
{
  const adze_plan_segment *segment = &x->plan->segments[number];
  ADZE_AUTO (adze_buffer) why = { 0 };
  if (!*facts || !segment->whole)
    return NULL;
  ADZE_TRY (adze_whole_check (x, number, key, facts, &why));
  if (!*facts)
    adze_event_bus_log (x->plan->runtime->bus, x->plan->stages[segment->first].stage->id,
                        ADZE_LOG_WARNING, "it is done again: %s", why.data ? why.data : "");
  return NULL;
}

/* Is there any use in asking for a result? For that the content of the inputs must be known, and
 * reading all of it is worth it only where a result of these stages is there at all. */
static adze_error *
find_result (adze_execution *x, size_t number, adze_key *key, adze_value **facts)
{
  const adze_plan_segment *segment = &x->plan->segments[number];
  bool known = true;
  adze_hash128 hash;
  if (x->options.fresh)
    return NULL;
  if (segment->source && segment->source->input != SIZE_MAX)
    ADZE_TRY (adze_content_of_input (x, segment->source->input, false, &known, &hash));
  if (!known) {
    ADZE_AUTO (adze_buffer) ids = { 0 };
    ADZE_AUTO_FREE char *stage = NULL;
    for (size_t i = 0; i < segment->count; i++)
      adze_buffer_format (&ids, "%s%s", i ? ", " : "",
                          x->plan->stages[segment->first + i].stage->id);
    ADZE_TRY (adze_buffer_finish (&ids, &stage));
    bool any = false;
    ADZE_TRY (adze_result_any (x->folder, stage, &any));
    if (!any)
      return NULL;
  }
  ADZE_TRY (adze_content_key (x, segment, false, key));
  ADZE_TRY (adze_stages_stand (x, segment));
  ADZE_TRY (adze_result_find (x->folder, key, facts));
  return check_found (x, number, key, facts);
}

static adze_error *
recall (adze_execution *x, size_t number, const adze_key *key, const adze_value *facts)
{
  return x->plan->segments[number].whole ? adze_whole_recall (x, number, key, facts)
                                         : adze_segment_recall (x, number, key, facts);
}

static void
tell_segment (adze_execution *x, size_t number, const char *id, uint64_t bytes, double seconds,
              bool cached)
{
  const adze_plan_segment *segment = &x->plan->segments[number];
  ADZE_AUTO (adze_buffer) stages = { 0 };
  for (size_t i = 0; i < segment->count; i++)
    adze_buffer_format (&stages, "%s%s", i ? ", " : "",
                        x->plan->stages[segment->first + i].stage->id);
  const adze_field fields[] = {
    ADZE_FIELD_NUMBER ("segment", (int64_t)number + 1),
    ADZE_FIELD_NUMBER ("segments", (int64_t)x->plan->segment_count),
    ADZE_FIELD_TEXT ("stages", stages.data ? stages.data : ""),
    ADZE_FIELD_NUMBER ("bytes", (int64_t)bytes),
    ADZE_FIELD_NUMBER ("found", (int64_t)atomic_load (&x->bytes_found)),
    { .key = "seconds", .type = ADZE_FIELD_FLOAT, .value = { .real = seconds } },
    { .key = "cached", .type = ADZE_FIELD_BOOL, .value = { .boolean = cached } },
  };
  adze_tell (x, NULL, id, fields, ADZE_COUNT_OF (fields));
}

/* A disk that is too full for all that is still to come says so before the next hours of work. */
static adze_error *
check_disks (const adze_execution *x, size_t number)
{
  ADZE_AUTO (adze_plan_disks) disks = { 0 };
  ADZE_TRY (adze_plan_disks_of (x->plan, x->options.runs, number, &disks));
  return adze_plan_check_disks (x->plan, &disks);
}

/* Where there is a limit, what a stage with run takes is found out before it works for hours. */
static adze_error *
check_memory (const adze_execution *x, size_t number)
{
  if (x->plan->pipeline->max_rss == 0)
    return NULL;
  ADZE_TRY (adze_rehearse_segment (x->plan, number));
  return adze_plan_fit (x->plan);
}

static adze_error *
run_segment (adze_execution *x, size_t number)
{
  const adze_plan_segment *segment = &x->plan->segments[number];
  ADZE_AUTO (adze_key) key = { 0 };
  ADZE_AUTO_VALUE facts = NULL;
  double begun = now_s ();
  if (atomic_load (x->cancel))
    return adze_error_new (ADZE_E_CANCELLED, "somebody asked to stop");
  ADZE_TRY (adze_plan_check_outputs (x->plan));
  ADZE_TRY (adze_plan_fit (x->plan));
  ADZE_TRY (find_result (x, number, &key, &facts));
  if (!facts) {
    ADZE_TRY (check_disks (x, number));
    ADZE_TRY (check_memory (x, number));
  }
  atomic_store (&x->bytes_read, 0);
  atomic_store (&x->bytes_found, 0);
  tell_segment (x, number, "segment.started",
                segment->source_bytes * (segment->reads ? segment->reads : 1), 0, facts != NULL);
  adze_error *error = facts            ? recall (x, number, &key, facts)
                      : segment->whole ? adze_whole_run (x, number)
                                       : adze_segment_run (x, number);
  if (!error)
    error = adze_requirements_check (x, segment);
  if (error)
    return adze_stages_blame (x, segment, error);
  tell_segment (x, number, "segment.finished", atomic_load (&x->bytes_read), now_s () - begun,
                facts != NULL);
  return NULL;
}

/* ---- How it begins and ends. */

static void
tell_end (adze_execution *x, const adze_error *error, double seconds)
{
  if (!error) {
    const adze_field fields[]
        = { { .key = "seconds", .type = ADZE_FIELD_FLOAT, .value = { .real = seconds } } };
    adze_tell (x, NULL, "run.finished", fields, ADZE_COUNT_OF (fields));
  } else if (adze_error_status (error) == ADZE_E_CANCELLED) {
    adze_tell (x, NULL, "run.cancelled", NULL, 0);
  } else {
    const adze_field fields[] = { ADZE_FIELD_TEXT ("message", adze_error_message (error)) };
    adze_tell (x, NULL, "run.failed", fields, ADZE_COUNT_OF (fields));
  }
}

static void
tell_start (adze_execution *x)
{
  const adze_field fields[] = {
    ADZE_FIELD_TEXT ("run", adze_path_base (adze_folder_path_of (x->folder))),
    ADZE_FIELD_TEXT ("folder", adze_folder_path_of (x->folder)),
    ADZE_FIELD_NUMBER ("stages", (int64_t)x->plan->stage_count),
    ADZE_FIELD_NUMBER ("segments", (int64_t)x->plan->segment_count),
    { .key = "resumed", .type = ADZE_FIELD_BOOL,
      .value = { .boolean = adze_folder_is_resumed (x->folder) } },
  };
  adze_tell (x, NULL, "run.started", fields, ADZE_COUNT_OF (fields));
}

/* ---- The whole. */

static adze_error *
carry_out (adze_execution *x)
{
  x->plan->guard.note = note_part;
  x->plan->guard.context = x;
  ADZE_TRY (adze_leave_beginning (x));
  ADZE_TRY (adze_used_note (x));
  ADZE_TRY (adze_seen_open (x->folder, &x->seen));
  for (size_t i = 0; i < x->plan->segment_count; i++)
    ADZE_TRY (run_segment (x, i));
  ADZE_TRY (adze_outputs_write (x));
  ADZE_TRY (adze_leave_report (x));
  return adze_lock_renew (x);
}

/* Would the same come of it once more? Then what it has written is of no use to anybody: a pipeline
 * that says something else begins anew. */
static bool
is_final (const adze_error *error)
{
  adze_status status = adze_error_status (error);
  return status == ADZE_E_PARAM || status == ADZE_E_FORMAT || status == ADZE_E_UNSUPPORTED
         || status == ADZE_E_CONTRACT || status == ADZE_E_INTERNAL;
}

/* Temporary files, each as large as an output, that no run will go on with. A run is not worse for
 * what it could not remove. */
static void
drop_parts (adze_execution *x, const adze_error *error)
{
  uint64_t bytes = 0;
  if (error && !is_final (error))
    return;
  ADZE_AUTO_ERROR wrong
      = adze_parts_drop (x->folder, x->plan->pipeline->name, error != NULL, &bytes);
  if (wrong)
    adze_event_bus_log (x->plan->runtime->bus, NULL, ADZE_LOG_WARNING,
                        "temporary files of a run that failed stay: %s",
                        adze_error_message (wrong));
  else if (bytes > 0)
    adze_event_bus_log (x->plan->runtime->bus, NULL, ADZE_LOG_INFO,
                        "removed temporary files of %s: %llu bytes",
                        error ? "this run" : "earlier runs, which failed",
                        (unsigned long long)bytes);
}

static adze_error *
finish (adze_execution *x, adze_error *error)
{
  const char *state = !error                                            ? "finished"
                      : adze_error_status (error) == ADZE_E_CANCELLED ? "cancelled"
                                                                      : "failed";
  adze_error *late = adze_folder_state (x->folder, state, error);
  if (!late)
    late = adze_folder_flush (x->folder);
  if (!late)
    late = adze_take (&x->lost_events);
  drop_parts (x, error);
  if (!error)
    return late;
  adze_error_free (late);
  return error;
}

static adze_error *
copy_options (const adze_run_options *given, adze_run_options *own)
{
  *own = (adze_run_options)ADZE_RUN_OPTIONS_INIT;
  if (!given)
    return NULL;
  if (given->struct_size < sizeof given->struct_size || given->struct_size > ADZE_STRUCT_SIZE_MAX)
    return adze_error_new (ADZE_E_PARAM,
                           "adze_run_options.struct_size is %zu; begin with "
                           "ADZE_RUN_OPTIONS_INIT", given->struct_size);
  memcpy (own, given, given->struct_size < sizeof *own ? given->struct_size : sizeof *own);
  return NULL;
}

adze_error *
adze_plan_run (adze_plan *plan, const adze_run_options *given, char **folder)
{
  adze_execution x;
  adze_run_options options;
  *folder = NULL;
  ADZE_TRY (copy_options (given, &options));
  ADZE_LOCKED (plan->runtime);
  atomic_store (&plan->runtime->cancel, false);
  double begun = now_s ();
  adze_error *error = adze_execution_open (plan, &options, false, &x);
  if (!error) {
    *folder = strdup (adze_folder_path_of (x.folder));
    tell_start (&x);
    error = finish (&x, carry_out (&x));
    tell_end (&x, error, now_s () - begun);
  }
  adze_execution_close (&x);
  return error;
}

void
adze_run_cancel (adze_runtime *runtime)
{
  atomic_store (&runtime->cancel, true);
}
