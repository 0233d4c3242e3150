/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_outputs.c: can the outputs be written? Each format lays its model out as it will when
 * all the work is done, only that nothing is written. */
#include "artifact/format.h"
#include "pipeline/plan.h"

/* ---- What nothing is written over. */

static adze_error *
guard_input (adze_plan *plan, size_t number)
{
  const adze_pipeline_input *input = &plan->pipeline->inputs[number];
  const adze_plan_model *model = plan->inputs[number];
  ADZE_AUTO_FREE char *owner = adze_text_format ("it belongs to the input '%s'", input->name);
  if (!owner)
    return adze_error_memory ();
  return model && model->file ? adze_guard_add_model (&plan->guard, model->file, owner)
                              : adze_guard_add (&plan->guard, input->path, owner);
}

static adze_error *
guard_reads (adze_plan *plan)
{
  const adze_pipeline *pipeline = plan->pipeline;
  ADZE_AUTO_FREE char *lock = adze_text_format ("%s/adze.lock", pipeline->folder);
  if (!lock)
    return adze_error_memory ();
  for (size_t i = 0; i < pipeline->input_count; i++)
    ADZE_TRY (guard_input (plan, i));
  for (size_t i = 0; i < pipeline->file_count; i++)
    ADZE_TRY (adze_guard_add (&plan->guard, pipeline->files[i], "a parameter names it"));
  ADZE_TRY (adze_guard_add (&plan->guard, pipeline->document.path, "it is the pipeline"));
  return adze_guard_claim (&plan->guard, lock, "adze itself");
}

/* Paths first, so that what another output has beside its own (shards) cannot take them. */
static adze_error *
guard_paths (adze_plan *plan)
{
  for (size_t i = 0; i < plan->pipeline->output_count; i++) {
    const adze_pipeline_output *output = &plan->pipeline->outputs[i];
    adze_error *error = adze_guard_claim (&plan->guard, output->path, output->path);
    if (error)
      return adze_plan_error (plan, adze_value_get (output->table, "path"), error,
                              "this output cannot be written");
  }
  for (size_t i = 0; i < plan->pipeline->written_count; i++) {
    const adze_pipeline_written *written = &plan->pipeline->written[i];
    adze_error *error = adze_guard_claim (&plan->guard, written->path, "an observer");
    if (error)
      return adze_plan_error (plan, written->at, error, "this file cannot be written");
  }
  return NULL;
}

/* ---- The formats. */

static adze_error *
check_output (adze_plan *plan, size_t number)
{
  const adze_pipeline_output *output = &plan->pipeline->outputs[number];
  const adze_plan_model *model = adze_plan_bound (plan, &output->from);
  adze_plan_output *into = &plan->outputs[number];
  if (!output->format || !model || !model->known || into->asked)
    return NULL;
  adze_format_options options = { .format = output->format,
                                  .document = &plan->pipeline->document,
                                  .settings = output->settings,
                                  .structure_limit = plan->pipeline->structure_limit,
                                  .guard = &plan->guard };
  adze_error *error = adze_format_try_model (plan->runtime, output->path, &options, &model->view,
                                             model->at_most, &into->bytes);
  if (error)
    return adze_plan_output_error (plan, output, error);
  into->bounded = model->at_most;
  into->asked = !model->at_most;
  return NULL;
}

adze_error *
adze_plan_check_outputs (adze_plan *plan)
{
  size_t count = plan->pipeline->output_count;
  if (!plan->outputs) {
    plan->outputs = calloc (count + 1, sizeof *plan->outputs);
    if (!plan->outputs)
      return adze_error_memory ();
    ADZE_TRY (guard_reads (plan));
    ADZE_TRY (guard_paths (plan));
  }
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (check_output (plan, i));
  return NULL;
}
