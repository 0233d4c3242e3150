/* SPDX-License-Identifier: Apache-2.0 */
/* run/whole_inputs.c: what is bound to the in-ports of a stage that takes whole artifacts, opened when
 * it is first asked for. */
#include <string.h>

#include "run/execution.h"

adze_error *
adze_whole_inputs_open (const adze_plan *plan, const adze_plan_stage *planned,
                        const adze_execution *x, adze_whole_inputs *inputs)
{
  *inputs = (adze_whole_inputs){ .plan = plan, .planned = planned, .x = x };
  adze_manifest_ports (planned->stage->component, &inputs->count);
  inputs->artifacts = calloc (inputs->count + 1, sizeof *inputs->artifacts);
  return inputs->artifacts ? NULL : adze_error_memory ();
}

void
adze_whole_inputs_cleanup (adze_whole_inputs *inputs)
{
  for (size_t i = 0; inputs->artifacts && i < inputs->count; i++) {
    struct adze_artifact *artifact = inputs->artifacts[i];
    if (artifact && artifact->dataset) {
      adze_artifact_close (artifact);
    } else if (artifact && artifact->model) {
      free (artifact->type); /* the model is the plan's */
      free (artifact);
    }
  }
  free (inputs->artifacts);
  *inputs = (adze_whole_inputs){ 0 };
}

static adze_error *
lend_model (const adze_plan_model *model, struct adze_artifact **artifact)
{
  *artifact = calloc (1, sizeof **artifact);
  if (!*artifact)
    return adze_error_memory ();
  (*artifact)->model = model->file;
  (*artifact)->type = strdup (ADZE_TYPE_MODEL);
  return (*artifact)->type ? NULL : adze_error_memory ();
}

static adze_error *
open_data (const adze_plan *plan, const adze_pipeline_data *data, struct adze_artifact **artifact)
{
  const adze_pipeline *pipeline = plan->pipeline;
  static const char *const ignore[] = { "use", "shuffle", "part", "limit", NULL };
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_TRY (adze_find_component (plan->runtime, data->use, &record, &component));
  ADZE_TRY (adze_params_bind (component, &pipeline->document, data->table, ignore,
                              pipeline->folder, NULL, NULL, &params));
  adze_dataset_options options = { .shuffle = data->shuffle,
                                   .first = data->first,
                                   .last = data->last,
                                   .limit = data->limit,
                                   .seed = pipeline->seed };
  *artifact = calloc (1, sizeof **artifact);
  if (!*artifact)
    return adze_error_memory ();
  (*artifact)->type = strdup (ADZE_TYPE_DATASET);
  if (!(*artifact)->type)
    return adze_error_memory ();
  return adze_dataset_open (plan->runtime, data->use, adze_take (&params), &options,
                            &(*artifact)->dataset);
}

static struct adze_artifact *
given_by (const adze_execution *x, const adze_binding *binding)
{
  for (size_t i = 0; x && i < x->given_count[binding->number]; i++)
    if (strcmp (x->given[binding->number][i].port, binding->port) == 0)
      return x->given[binding->number][i].artifact;
  return NULL;
}

static adze_error *
open_input (const adze_whole_inputs *inputs, const adze_binding *binding,
            struct adze_artifact **artifact)
{
  const adze_plan *plan = inputs->plan;
  const adze_plan_model *model = adze_plan_bound (plan, binding);
  if (model)
    return lend_model (model, artifact);
  switch (binding->origin) {
  case ADZE_FROM_DATA:
    return open_data (plan, &plan->pipeline->data[binding->number], artifact);
  case ADZE_FROM_INPUT:
    *artifact = plan->artifacts[binding->number];
    return NULL;
  case ADZE_FROM_STAGE:
    *artifact = given_by (inputs->x, binding);
    return NULL;
  default:
    return NULL;
  }
}

adze_error *
adze_whole_input (adze_whole_inputs *inputs, const char *port, struct adze_artifact **artifact)
{
  const adze_pipeline_stage *stage = inputs->planned->stage;
  size_t count;
  const adze_port *ports = adze_manifest_ports (stage->component, &count);
  *artifact = NULL;
  for (size_t i = 0; i < count; i++) {
    if (ports[i].direction != ADZE_PORT_IN || strcmp (ports[i].name, port) != 0)
      continue;
    if (!inputs->artifacts[i])
      ADZE_TRY (open_input (inputs, &stage->bindings[i], &inputs->artifacts[i]));
    *artifact = inputs->artifacts[i];
    return NULL;
  }
  return adze_error_new (ADZE_E_CONTRACT, "'%s' has no in-port '%s'", stage->use, port);
}
