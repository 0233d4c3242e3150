/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_outputs.c: can the outputs be written? Each format lays its model out as it will when
 * all the work is done, only that nothing is written. */
#include "artifact/format.h"
#include "pipeline/plan.h"

static adze_error *
check_output (const adze_plan *plan, size_t number)
{
  const adze_pipeline_output *output = &plan->pipeline->outputs[number];
  const adze_plan_model *model = adze_plan_bound (plan, &output->from);
  adze_plan_output *into = &plan->outputs[number];
  if (!output->format || !model || !model->known || into->asked)
    return NULL;
  adze_format_options options = { .format = output->format,
                                  .document = &plan->pipeline->document,
                                  .settings = output->settings,
                                  .structure_limit = plan->pipeline->structure_limit };
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
  if (!plan->outputs)
    plan->outputs = calloc (count + 1, sizeof *plan->outputs);
  if (!plan->outputs)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (check_output (plan, i));
  return NULL;
}
