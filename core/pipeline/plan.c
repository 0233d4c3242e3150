/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan.c: opens what a pipeline names: its inputs, and its stages with their instances. */
#include "pipeline/plan.h"

#include <string.h>

#include "artifact/format.h"
#include "base/file.h"
#include "stage/early.h"

/* ---- Inputs. */

static adze_error *
open_model (adze_plan *plan, const adze_pipeline_input *input, size_t number)
{
  adze_plan_model *model = adze_plan_model_new ();
  if (!model)
    return adze_error_memory ();
  plan->inputs[number] = model;
  model->input = number;
  adze_format_options options = { .format = input->format,
                                  .document = &plan->pipeline->document,
                                  .structure_limit = plan->pipeline->structure_limit };
  ADZE_TRY (adze_model_open (plan->runtime, input->path, &options, &model->file));
  /* A shallow copy: the file's model stays the owner of all that is in it. */
  size_t count = model->file->count;
  model->view.tensors = calloc (count + 1, sizeof *model->view.tensors);
  if (!model->view.tensors)
    return adze_error_memory ();
  if (count > 0)
    memcpy (model->view.tensors, model->file->tensors, count * sizeof *model->view.tensors);
  model->view.count = count;
  model->view.format = model->file->format;
  model->view.parts = model->file->parts;
  model->view.part_count = model->file->part_count;
  model->view.index = model->file->index;
  model->known = true;
  return adze_metadata_copy (&model->file->metadata, &model->view.metadata);
}

static adze_error *
open_artifact (adze_plan *plan, const adze_pipeline_input *input, size_t number)
{
  struct adze_artifact *artifact = calloc (1, sizeof *artifact);
  if (!artifact)
    return adze_error_memory ();
  plan->artifacts[number] = artifact;
  artifact->type = strdup (input->kind);
  if (!artifact->type)
    return adze_error_memory ();
  ADZE_TRY (adze_file_read (input->path, (size_t)1 << 30, &artifact->data, &artifact->size));
  return adze_artifact_check (input->kind, input->path, artifact->data, artifact->size);
}

static adze_error *
open_inputs (adze_plan *plan)
{
  const adze_pipeline *pipeline = plan->pipeline;
  plan->inputs = calloc (pipeline->input_count + 1, sizeof *plan->inputs);
  plan->artifacts = calloc (pipeline->input_count + 1, sizeof *plan->artifacts);
  if (!plan->inputs || !plan->artifacts)
    return adze_error_memory ();
  for (size_t i = 0; i < pipeline->input_count; i++) {
    const adze_pipeline_input *input = &pipeline->inputs[i];
    bool is_model = strcmp (input->kind, ADZE_TYPE_MODEL) == 0;
    adze_error *error = is_model ? open_model (plan, input, i) : open_artifact (plan, input, i);
    if (error)
      return adze_plan_input_error (plan, input, error);
  }
  return NULL;
}

/* ---- Stages. */

static size_t
count_model_ports (const adze_manifest_component *component)
{
  size_t all, count = 0;
  const adze_port *ports = adze_manifest_ports (component, &all);
  for (size_t i = 0; i < all; i++)
    count += ports[i].direction == ADZE_PORT_IN && strcmp (ports[i].type, ADZE_TYPE_MODEL) == 0;
  return count;
}

static bool
gives_model (const adze_manifest_component *component)
{
  size_t all;
  const adze_port *ports = adze_manifest_ports (component, &all);
  for (size_t i = 0; i < all; i++)
    if (ports[i].direction == ADZE_PORT_OUT && strcmp (ports[i].type, ADZE_TYPE_MODEL) == 0)
      return true;
  return false;
}

static adze_error *
bind_ports (const adze_plan *plan, adze_plan_stage *planned)
{
  size_t all, next = 0;
  const adze_pipeline_stage *stage = planned->stage;
  const adze_port *ports = adze_manifest_ports (stage->component, &all);
  planned->port_count = count_model_ports (stage->component);
  planned->ports = calloc (planned->port_count + 1, sizeof *planned->ports);
  planned->outline_ports = calloc (planned->port_count + 1, sizeof *planned->outline_ports);
  if (!planned->ports || !planned->outline_ports)
    return adze_error_memory ();
  for (size_t i = 0; i < all; i++)
    if (ports[i].direction == ADZE_PORT_IN && strcmp (ports[i].type, ADZE_TYPE_MODEL) == 0)
      planned->ports[next++] = (adze_plan_port){
        .model = adze_plan_bound (plan, &stage->bindings[i]),
        .name = ports[i].name,
      };
  return NULL;
}

static adze_error *
open_instance (adze_plan *plan, adze_plan_stage *planned)
{
  const adze_pipeline_stage *stage = planned->stage;
  ADZE_TRY (adze_plan_variants (planned));
  adze_instance_options options = { .stage = stage->id,
                                    .component = stage->component->id,
                                    .document = &plan->pipeline->document,
                                    .settings = (const adze_value *const *)planned->variants,
                                    .variants = planned->variant_count,
                                    .folder = plan->pipeline->folder,
                                    .seed = plan->pipeline->seed,
                                    .isolate = stage->isolate,
                                    .time_limit_ms = stage->time_limit_ms,
                                    .memory_limit = stage->memory_limit,
                                    .lanes = plan->lanes };
  ADZE_TRY (adze_instance_open (plan->runtime, &options, &planned->instance));
  planned->facts = adze_instance_facts_of (planned->instance);
  return NULL;
}

/* A rule says what is done with some tensors. Whoever takes the whole model decides that alone. */
static adze_error *
check_rules (const adze_plan *plan, const adze_plan_stage *planned)
{
  const adze_pipeline_stage *stage = planned->stage;
  if (!planned->facts->runs || stage->rule_count == 0)
    return NULL;
  adze_error *error = adze_document_error (
      &plan->pipeline->document, stage->rules[0].table,
      "stage '%s' can have no rules: '%s' takes whole models, so that they have nothing to act on",
      stage->id, stage->use);
  adze_error_set (error, "stage", stage->id);
  adze_error_setf (error, "hint",
                   "remove them; `adze inspect %s` shows the parameters that the stage itself can have",
                   stage->use);
  return error;
}

static adze_error *
open_stage (adze_plan *plan, size_t number)
{
  adze_plan_stage *planned = &plan->stages[number];
  planned->stage = &plan->pipeline->stages[number];
  planned->number = number;
  ADZE_TRY (bind_ports (plan, planned));
  if (gives_model (planned->stage->component)) {
    planned->output = adze_plan_model_new ();
    if (!planned->output)
      return adze_error_memory ();
    planned->output->stage = number;
  }
  adze_error *error = open_instance (plan, planned);
  return error ? adze_plan_error (plan, planned->stage->table, error, "stage '%s' cannot begin",
                                  planned->stage->id)
               : check_rules (plan, planned);
}

static adze_error *
open_stages (adze_plan *plan)
{
  plan->stages = calloc (plan->pipeline->stage_count + 1, sizeof *plan->stages);
  if (!plan->stages)
    return adze_error_memory ();
  for (size_t i = 0; i < plan->pipeline->stage_count; i++) {
    plan->stage_count++;
    ADZE_TRY (open_stage (plan, i));
  }
  return NULL;
}

/* ---- Outputs: who takes what a stage gives? */

/* How the file of the first model ends, as an example; ".safetensors" where it has none. */
static const char *
ending_of_input (const adze_plan *plan)
{
  for (size_t i = 0; i < plan->pipeline->input_count; i++) {
    const char *base = adze_path_base (plan->pipeline->inputs[i].path);
    const char *dot = strrchr (base, '.');
    if (plan->inputs[i] && dot && dot > base && dot[1])
      return dot;
  }
  return ".safetensors";
}

static adze_error *
goes_nowhere (const adze_plan *plan, const adze_plan_stage *planned)
{
  const adze_pipeline_stage *stage = planned->stage;
  adze_error *error = adze_document_error (
      &plan->pipeline->document, stage->table,
      "what stage '%s' gives goes nowhere: no output and no later stage takes it", stage->id);
  if (plan->pipeline->output_count > 0)
    adze_error_setf (error, "hint",
                     "add [[output]] with path = \"FILE%s\" and from = \"%s.model\", or remove the "
                     "stage",
                     ending_of_input (plan), stage->id);
  else
    adze_error_setf (error, "hint", "add [[output]] with path = \"FILE%s\", or remove the stage",
                     ending_of_input (plan));
  return error;
}

/* A stage that changes a model for nobody is work that was not meant to be done. */
static adze_error *
check_uses (const adze_plan *plan)
{
  for (size_t i = 0; i < plan->stage_count; i++) {
    const adze_plan_stage *planned = &plan->stages[i];
    bool used = !planned->output;
    for (size_t k = 0; !used && k < plan->pipeline->output_count; k++)
      used = adze_plan_bound (plan, &plan->pipeline->outputs[k].from) == planned->output;
    for (size_t k = i + 1; !used && k < plan->stage_count; k++)
      for (size_t p = 0; !used && p < plan->stages[k].port_count; p++)
        used = plan->stages[k].ports[p].model == planned->output;
    if (used)
      continue;
    return goes_nowhere (plan, planned);
  }
  return NULL;
}

/* ---- What fell back before anything ran. */

/* What is only warned of is told where the stage runs. */
static adze_error *
check_fallbacks (const adze_plan *plan)
{
  for (size_t i = 0; i < plan->stage_count; i++) {
    const adze_plan_stage *planned = &plan->stages[i];
    ADZE_AUTO_VALUE lines = NULL;
    ADZE_TRY (adze_instance_early_fallbacks (planned->instance, &lines));
    if (lines->count == 0 || !planned->stage->fallback_is_error)
      continue;
    ADZE_AUTO_FREE char *first = adze_fallback_text (lines->items[0]);
    return adze_plan_fell_back (plan, planned->stage, lines->count, first);
  }
  return NULL;
}

/* ---- The whole. */

/* The pipeline's own number of threads takes the place of the runtime's: two pools never run. */
static adze_error *
settle_threads (adze_plan *plan)
{
  unsigned asked = plan->pipeline->threads;
  if (asked > 0)
    ADZE_TRY (adze_runtime_set_threads (plan->runtime, asked));
  plan->lanes = adze_pool_threads (plan->runtime->pool);
  return NULL;
}

static adze_error *
make (adze_plan *plan)
{
  ADZE_TRY (settle_threads (plan));
  ADZE_TRY (open_inputs (plan));
  ADZE_TRY (open_stages (plan));
  ADZE_TRY (adze_plan_describe_from (plan, 0));
  ADZE_TRY (check_fallbacks (plan));
  ADZE_TRY (adze_plan_cut (plan));
  ADZE_TRY (check_uses (plan));
  ADZE_TRY (adze_plan_check_outputs (plan));
  return adze_plan_fit (plan);
}

adze_error *
adze_plan_make (adze_pipeline *pipeline, adze_plan **plan)
{
  adze_plan *fresh = calloc (1, sizeof *fresh);
  *plan = NULL;
  if (!fresh)
    return adze_error_memory ();
  fresh->pipeline = pipeline;
  fresh->runtime = pipeline->runtime;
  ADZE_LOCKED (fresh->runtime);
  adze_error *error = make (fresh);
  if (error) {
    adze_plan_close (fresh);
    return error;
  }
  *plan = fresh;
  return NULL;
}

static void
close_stage (adze_plan_stage *planned)
{
  adze_instance_close (planned->instance);
  for (size_t i = 0; i < planned->port_count; i++) {
    free (planned->ports[i].rules);
    free (planned->ports[i].shown);
    free (planned->ports[i].tensors);
    free (planned->ports[i].groups);
  }
  free (planned->ports);
  free (planned->outline_ports);
  adze_outline_clear (&planned->outline);
  adze_value_free (planned->lost);
  for (size_t i = 0; i < planned->variant_count; i++)
    adze_value_free (planned->variants[i]);
  free (planned->variants);
  adze_plan_model_free (planned->output);
}

void
adze_plan_close (adze_plan *plan)
{
  if (!plan)
    return;
  for (size_t i = plan->stage_count; i-- > 0;)
    close_stage (&plan->stages[i]);
  for (size_t i = 0; plan->inputs && i < plan->pipeline->input_count; i++) {
    adze_plan_model_free (plan->inputs[i]);
    if (plan->artifacts && plan->artifacts[i])
      adze_artifact_close (plan->artifacts[i]);
  }
  free (plan->stages);
  free (plan->segments);
  free (plan->outputs);
  adze_guard_cleanup (&plan->guard);
  free (plan->inputs);
  free (plan->artifacts);
  free (plan);
}
