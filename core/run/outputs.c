/* SPDX-License-Identifier: Apache-2.0 */
/* run/outputs.c: files that are promoted when all has gone well. */
#include <string.h>

#include "run/execution.h"
#include "run/parts.h"

adze_error *
adze_format_options_of (adze_plan *plan, size_t output, adze_format_options *options)
{
  const adze_pipeline_output *from = &plan->pipeline->outputs[output];
  *options = (adze_format_options){ .format = from->format,
                                    .document = &plan->pipeline->document,
                                    .settings = from->settings,
                                    .structure_limit = plan->pipeline->structure_limit,
                                    .guard = &plan->guard };
  return NULL;
}

void
adze_pending_close (adze_pending *pending, bool keep)
{
  adze_sink_close (pending->sink, keep);
  adze_key_cleanup (&pending->key);
  adze_value_free (pending->facts);
  *pending = (adze_pending){ 0 };
}

static size_t
files_in (const adze_value *facts)
{
  const adze_value *files = adze_value_get (facts, "files");
  return files ? files->count : 0;
}

/* Of the files from FIRST on that adze_result_add_file took note of: what was decided may lie in one
 * before them. */
static uint64_t
bytes_of (const adze_value *facts, size_t first)
{
  const adze_value *files = adze_value_get (facts, "files");
  uint64_t bytes = 0;
  for (size_t i = first; files && i < files->count; i++)
    bytes += (uint64_t)adze_value_get (files->items[i], "size")->integer;
  return bytes;
}

static void
tell_written (adze_execution *x, const char *path, uint64_t bytes)
{
  const adze_field fields[] = {
    ADZE_FIELD_TEXT ("path", path),
    ADZE_FIELD_NUMBER ("bytes", (int64_t)bytes),
  };
  adze_tell (x, NULL, "output.written", fields, ADZE_COUNT_OF (fields));
}

/* What a segment wrote under a temporary name gets its own. */
static adze_error *
promote (adze_execution *x, size_t segment)
{
  adze_pending *pending = &x->pending[segment];
  const adze_pipeline_output *output = &x->plan->pipeline->outputs[pending->output];
  if (!pending->sink)
    return NULL;
  size_t first = files_in (pending->facts);
  ADZE_TRY (adze_sink_commit (pending->sink));
  for (uint32_t i = 0; adze_sink_file (pending->sink, i); i++)
    ADZE_TRY (adze_result_add_file (pending->facts, adze_sink_file (pending->sink, i)));
  ADZE_TRY (adze_result_keep (x->folder, &pending->key, pending->facts));
  ADZE_TRY (adze_journal_forget (x->folder, pending->journal));
  tell_written (x, output->path, bytes_of (pending->facts, first));
  adze_pending_close (pending, false);
  return NULL;
}

/* ---- Outputs that no segment has written. */

/* All of a model that lies somewhere already: the view's names and metadata over the file's bytes. */
static adze_error *
complete_model (const adze_plan_model *model, adze_model *whole)
{
  *whole = model->view;
  whole->files = model->file->files;
  whole->file_count = model->file->file_count;
  whole->tensors = calloc (model->view.count + 1, sizeof *whole->tensors);
  if (!whole->tensors)
    return adze_error_memory ();
  for (size_t i = 0; i < model->view.count; i++) {
    whole->tensors[i] = model->view.tensors[i];
    whole->tensors[i].file = model->file->tensors[i].file;
    whole->tensors[i].offset = model->file->tensors[i].offset;
    whole->tensors[i].data = model->file->tensors[i].data;
  }
  return NULL;
}

/* The content and the format. */
adze_error *
adze_output_key (adze_execution *x, size_t number, const adze_plan_model *model, adze_key *key)
{
  adze_hash128 hash;
  bool known;
  char text[ADZE_HASH_TEXT];
  if (model->stage != SIZE_MAX) {
    const adze_plan_stage *giver = &x->plan->stages[model->stage];
    hash = x->segment_keys[giver->segment];
    ADZE_TRY (adze_key_add (key, "name.from.input.model", giver->stage->id));
  } else {
    ADZE_TRY (adze_content_of_input (x, model->input, true, &known, &hash));
    ADZE_TRY (adze_key_add (key, "name.input.model",
                            adze_content_name (x, x->plan->pipeline->inputs[model->input].path)));
    ADZE_TRY (adze_content_reader (x, key, NULL, "model", model->file));
  }
  adze_hash_text (hash, text);
  ADZE_TRY (adze_key_add (key, "kept", "copy"));
  ADZE_TRY (adze_key_add (key, "input.model", text));
  return adze_content_output (x, key, number);
}

/* FACTS has all of its files, so that one that goes or changes later is missed. */
static adze_error *
copy_model (adze_execution *x, size_t number, const adze_plan_model *model, const adze_key *key,
            adze_value *facts)
{
  adze_format_options options;
  char tag[ADZE_HASH_TEXT];
  adze_model whole;
  adze_writer *written = NULL;
  ADZE_TRY (adze_format_options_of (x->plan, number, &options));
  ADZE_TRY (adze_part_tag (x->folder, adze_key_hash (key), x->plan->pipeline->outputs[number].path,
                           tag));
  options.tag = tag;
  options.written = &written;
  options.lanes = x->plan->lanes;
  ADZE_TRY (complete_model (model, &whole));
  adze_error *error = adze_model_write (x->plan->runtime, &whole,
                                        x->plan->pipeline->outputs[number].path, &options);
  free (whole.tensors);
  for (uint32_t i = 0; !error && adze_writer_file (written, i); i++)
    error = adze_result_add_file (facts, adze_writer_file (written, i));
  adze_writer_close (written, false);
  return error;
}

static adze_error *
write_model (adze_execution *x, size_t number, const adze_plan_model *model)
{
  ADZE_AUTO (adze_key) key = { 0 };
  ADZE_AUTO_VALUE found = NULL;
  ADZE_AUTO_VALUE facts = adze_value_new (ADZE_VALUE_TABLE);
  if (!facts)
    return adze_error_memory ();
  ADZE_TRY (adze_output_key (x, number, model, &key));
  ADZE_TRY (adze_result_find (x->folder, &key, &found));
  if (found)
    return NULL;
  ADZE_TRY (copy_model (x, number, model, &key, facts));
  ADZE_TRY (adze_output_stands (x, number, model, &key));
  ADZE_TRY (adze_result_keep (x->folder, &key, facts));
  tell_written (x, x->plan->pipeline->outputs[number].path, bytes_of (facts, 0));
  return NULL;
}

static const struct adze_artifact *
given_to (const adze_execution *x, const adze_binding *from)
{
  for (size_t i = 0; i < x->given_count[from->number]; i++)
    if (strcmp (x->given[from->number][i].port, from->port) == 0)
      return x->given[from->number][i].artifact;
  return NULL;
}

static adze_error *
write_bytes (adze_execution *x, size_t number)
{
  const adze_pipeline_output *output = &x->plan->pipeline->outputs[number];
  const struct adze_artifact *artifact = NULL;
  if (output->from.origin == ADZE_FROM_STAGE)
    artifact = given_to (x, &output->from);
  else if (output->from.origin == ADZE_FROM_INPUT)
    artifact = x->plan->artifacts[output->from.number];
  if (!artifact)
    return adze_error_new (ADZE_E_NOT_FOUND, "there is nothing to be written to %s: the port '%s' "
                           "was given nothing", output->path,
                           output->from.port ? output->from.port : "");
  ADZE_TRY (adze_guard_check (&x->plan->guard, output->path, output->path));
  adze_file_sweep (output->path);
  ADZE_TRY (adze_file_write (output->path, artifact->data, artifact->size, 0666));
  tell_written (x, output->path, artifact->size);
  return NULL;
}

adze_error *
adze_outputs_write (adze_execution *x)
{
  for (size_t i = 0; i < x->plan->segment_count; i++)
    ADZE_TRY (promote (x, i));
  for (size_t i = 0; i < x->plan->pipeline->output_count; i++) {
    const adze_plan_model *model
        = adze_plan_bound (x->plan, &x->plan->pipeline->outputs[i].from);
    if (adze_plan_is_a_segments (x->plan, i))
      continue;
    adze_error *error = model ? write_model (x, i, model) : write_bytes (x, i);
    if (error)
      return adze_error_wrap (error, "%s cannot be written",
                              x->plan->pipeline->outputs[i].path);
  }
  return NULL;
}
