/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/pipeline.c: what was read, given back; and pipelines as adze/host.h has them. */
#include "pipeline/pipeline.h"

#include <string.h>

static void
free_stage (adze_pipeline_stage *stage)
{
  for (size_t i = 0; i < stage->rule_count; i++) {
    adze_pattern_close (stage->rules[i].pattern);
    adze_value_free (stage->rules[i].settings);
  }
  free (stage->rules);
  free (stage->bindings);
  adze_expression_free (stage->require);
  adze_value_free (stage->settings);
}

static void
free_ends (adze_pipeline *pipeline)
{
  for (size_t i = 0; i < pipeline->input_count; i++) {
    free (pipeline->inputs[i].path);
    adze_value_free (pipeline->inputs[i].settings);
  }
  for (size_t i = 0; i < pipeline->data_count; i++)
    adze_value_free (pipeline->data[i].settings);
  for (size_t i = 0; i < pipeline->output_count; i++) {
    free (pipeline->outputs[i].path);
    adze_value_free (pipeline->outputs[i].settings);
  }
  free (pipeline->inputs);
  free (pipeline->data);
  free (pipeline->outputs);
}

void
adze_pipeline_free (adze_pipeline *pipeline)
{
  if (!pipeline)
    return;
  free_ends (pipeline);
  for (size_t i = 0; i < pipeline->observer_count; i++)
    adze_value_free (pipeline->observers[i].settings);
  free (pipeline->observers);
  for (size_t i = 0; i < pipeline->stage_count; i++)
    free_stage (&pipeline->stages[i]);
  free (pipeline->stages);
  for (size_t i = 0; i < pipeline->file_count; i++)
    free (pipeline->files[i]);
  free (pipeline->files);
  for (size_t i = 0; i < pipeline->written_count; i++)
    free (pipeline->written[i].path);
  free (pipeline->written);
  adze_document_cleanup (&pipeline->document);
  for (size_t i = 0; i < pipeline->set_count; i++) {
    adze_document_cleanup (pipeline->set_documents[i]);
    free (pipeline->set_documents[i]);
  }
  free (pipeline->set_documents);
  free (pipeline->folder);
  free (pipeline->own_name);
  free (pipeline);
}

const adze_pipeline_rule *
adze_pipeline_rule_for (const adze_pipeline_stage *stage, const char *tensor)
{
  for (size_t i = stage->rule_count; i-- > 0;)
    if (adze_pattern_matches (stage->rules[i].pattern, tensor))
      return &stage->rules[i];
  return NULL;
}

/* ---- What nobody takes: no mistake, and perhaps a forgotten one. */

static bool
is_taken (const adze_pipeline *pipeline, adze_origin origin, size_t number)
{
  for (size_t i = 0; i < pipeline->output_count; i++)
    if (pipeline->outputs[i].from.origin == origin && pipeline->outputs[i].from.number == number)
      return true;
  for (size_t i = 0; i < pipeline->stage_count; i++)
    for (size_t k = 0; k < pipeline->stages[i].port_count; k++)
      if (pipeline->stages[i].bindings[k].origin == origin
          && pipeline->stages[i].bindings[k].number == number)
        return true;
  return false;
}

static void
warn_of_unused (const adze_pipeline *pipeline, const adze_value *table, const char *group,
                const char *name)
{
  ADZE_AUTO_ERROR error = adze_document_key_error (
      &pipeline->document, table, "[%s%s%s] is taken by no stage and no output",
      group, group[0] ? "." : "", name);
  adze_event_bus_log (pipeline->runtime->bus, NULL, ADZE_LOG_WARNING, "%s",
                      adze_error_message (error));
}

static void
look_for_unused (const adze_pipeline *pipeline)
{
  for (size_t i = 0; i < pipeline->input_count; i++) {
    const adze_pipeline_input *input = &pipeline->inputs[i];
    if (!is_taken (pipeline, ADZE_FROM_INPUT, i))
      warn_of_unused (pipeline, input->table, strcmp (input->name, "model") == 0 ? "" : "input",
                      input->name);
  }
  for (size_t i = 0; i < pipeline->data_count; i++)
    if (!is_taken (pipeline, ADZE_FROM_DATA, i))
      warn_of_unused (pipeline, pipeline->data[i].table, "data", pipeline->data[i].name);
}

/* ---- adze/host.h */

adze_error *
adze_pipeline_open (adze_runtime *runtime, const char *path, const char *const *settings,
                    adze_pipeline **pipeline)
{
  ADZE_LOCKED (runtime);
  ADZE_TRY (adze_pipeline_read (runtime, path, settings, pipeline));
  look_for_unused (*pipeline);
  return NULL;
}

void
adze_pipeline_close (adze_pipeline *pipeline)
{
  adze_pipeline_free (pipeline);
}
