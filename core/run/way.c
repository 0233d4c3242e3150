/* SPDX-License-Identifier: Apache-2.0 */
/* run/way.c: the way of one tensor through the stages of a plan, and that of a weight. */
#include "run/way.h"

#include <string.h>

#include "artifact/decode.h"

/* ---- A tensor. */

static size_t
find_tensor (const adze_plan_model *model, const char *name)
{
  for (size_t i = 0; model && i < model->view.count; i++)
    if (strcmp (model->view.tensors[i].meta.name, name) == 0)
      return i;
  return SIZE_MAX;
}

/* The one of GROUP's inputs that is called as what is made of them is; else the first. */
static size_t
namesake_in (const adze_plan_stage *planned, const adze_outline_group *group, const char *name)
{
  for (size_t i = 0; i < group->input_count; i++) {
    const adze_plan_port *port = &planned->ports[group->inputs[i].port];
    size_t tensor = port->tensors[group->inputs[i].index];
    if (port->model && strcmp (port->model->view.tensors[tensor].meta.name, name) == 0)
      return i;
  }
  return 0;
}

/* What a stage made tensor *NUMBER of what it gives of; false: of none. */
static bool
go_back (const adze_plan_stage *planned, size_t *number, const adze_plan_model **model)
{
  adze_plan_source source = planned->output->sources[*number];
  const adze_outline_group *group
      = source.group == SIZE_MAX ? NULL : &planned->outline.groups[source.group];
  if (!planned->described || planned->port_count == 0 || (group && group->input_count == 0))
    return false;
  const char *name = planned->output->view.tensors[*number].meta.name;
  const adze_pick *input = group ? &group->inputs[namesake_in (planned, group, name)] : NULL;
  const adze_plan_port *port = &planned->ports[input ? input->port : 0];
  *number = input ? port->tensors[input->index] : source.number;
  *model = port->model;
  return *model != NULL;
}

/* From tensor NUMBER of what STAGE gives to an input. */
static bool
find_origin (const adze_plan *plan, size_t stage, size_t number, const adze_plan_model **first,
             size_t *origin, adze_way *way)
{
  const adze_plan_model *model;
  for (;;) {
    way[stage].wanted = number;
    if (!go_back (&plan->stages[stage], &number, &model))
      return false;
    if (model->stage == SIZE_MAX)
      break;
    stage = model->stage;
  }
  *first = model;
  *origin = number;
  return true;
}

static void
want_nothing (const adze_plan *plan, adze_way *way)
{
  for (size_t i = 0; i < plan->stage_count; i++)
    way[i].wanted = SIZE_MAX;
}

void
adze_way_find (const adze_plan *plan, const char *name, const adze_plan_model **first,
               size_t *origin, adze_way *way)
{
  want_nothing (plan, way);
  for (size_t i = 0; i < plan->pipeline->input_count; i++) {
    *first = plan->inputs[i];
    *origin = find_tensor (*first, name);
    if (*origin != SIZE_MAX)
      return;
  }
  for (size_t i = 0; i < plan->stage_count; i++) {
    size_t number = find_tensor (plan->stages[i].output, name);
    if (number != SIZE_MAX && find_origin (plan, i, number, first, origin, way))
      return;
    want_nothing (plan, way);
  }
  *first = NULL;
}

/* Is output NUMBER of a stage made of tensor TENSOR of PORT? */
static bool
is_made_of (const adze_plan_stage *planned, size_t number, size_t port, size_t tensor)
{
  adze_plan_source source = planned->output->sources[number];
  if (source.group == SIZE_MAX)
    return port == 0 && source.number == tensor;
  const adze_outline_group *group = &planned->outline.groups[source.group];
  for (size_t k = 0; k < group->input_count; k++)
    if (group->inputs[k].port == port
        && planned->ports[port].tensors[group->inputs[k].index] == tensor)
      return true;
  return false;
}

/* Its number in what a stage gives that gets it as number TENSOR of PORT; SIZE_MAX: it is gone. Of several:
 * WANTED, or the one that has its name, or the first. */
static size_t
follow (const adze_plan_stage *planned, size_t port, size_t tensor, size_t wanted)
{
  const adze_plan_model *output = planned->output;
  size_t found = SIZE_MAX;
  if (!output)
    return tensor;
  const char *name = planned->ports[port].model->view.tensors[tensor].meta.name;
  for (size_t i = 0; planned->described && i < output->view.count; i++) {
    if (!is_made_of (planned, i, port, tensor))
      continue;
    if (i == wanted)
      return i;
    if (found == SIZE_MAX || strcmp (output->view.tensors[i].meta.name, name) == 0)
      found = i;
  }
  return found;
}

/* Number of the tensor in MODEL, when it is number ORIGIN of FIRST; SIZE_MAX: it is not there. */
static size_t
place_in (const adze_plan_model *model, const adze_plan_model *first, size_t origin,
          const adze_way *way)
{
  if (model && model->stage != SIZE_MAX)
    return way[model->stage].given;
  return model == first ? origin : SIZE_MAX;
}

/* It may come by several ports: that one counts by which it goes on, and else the first. Of a stage whose
 * results nobody can know but by running it, it ends there. */
static adze_way
step_of (const adze_plan_stage *planned, const adze_plan_model *first, size_t origin,
         const adze_way *way, size_t wanted)
{
  adze_way step = { .port = SIZE_MAX, .taken = SIZE_MAX, .given = SIZE_MAX, .wanted = wanted };
  for (size_t p = 0; p < planned->port_count; p++) {
    size_t at = place_in (planned->ports[p].model, first, origin, way);
    size_t given = at != SIZE_MAX ? follow (planned, p, at, wanted) : SIZE_MAX;
    if (at == SIZE_MAX || (step.port != SIZE_MAX && given == SIZE_MAX))
      continue;
    step = (adze_way){ .port = p, .taken = at, .given = given, .wanted = wanted };
    if (given != SIZE_MAX)
      break;
  }
  return step;
}

void
adze_way_follow (const adze_plan *plan, const adze_plan_model *first, size_t origin, adze_way *way)
{
  for (size_t i = 0; i < plan->stage_count; i++)
    way[i] = step_of (&plan->stages[i], first, origin, way, way[i].wanted);
}

/* Where a stage makes tensors of several, it is known by its name alone which became which. */
static bool
is_known (const adze_plan_stage *planned, const adze_way *way)
{
  const adze_plan_model *output = planned->output;
  if (!output || way->port == SIZE_MAX || way->given == SIZE_MAX)
    return false;
  size_t group = output->sources[way->given].group;
  const char *name = planned->ports[way->port].model->view.tensors[way->taken].meta.name;
  return group == SIZE_MAX || planned->outline.groups[group].input_count == 1
         || strcmp (output->view.tensors[way->given].meta.name, name) == 0;
}

bool
adze_way_keeps_places (const adze_plan *plan, const adze_way *way)
{
  for (size_t i = 0; i < plan->stage_count; i++) {
    const adze_plan_stage *planned = &plan->stages[i];
    if (way[i].wanted == SIZE_MAX)
      continue;
    if (way[i].given != way[i].wanted || !is_known (planned, &way[i])
        || !adze_tensor_meta_same_shape (
            &planned->ports[way[i].port].model->view.tensors[way[i].taken].meta,
            &planned->output->view.tensors[way[i].given].meta))
      return false;
  }
  return true;
}

/* ---- A weight: what stages make of it. */

static bool
is_described (const adze_plan *plan, const adze_plan_segment *segment)
{
  for (size_t i = 0; i < segment->count; i++)
    if (!plan->stages[segment->first + i].described)
      return false;
  return true;
}

/* The first value of the pass that is tensor ORIGIN of FIRST. */
static bool
find_value (const adze_units *units, const adze_plan_model *first, size_t origin, size_t *unit,
            size_t *value)
{
  for (*unit = 0; *unit < units->count; (*unit)++)
    for (*value = 0; *value < units->units[*unit].value_count; (*value)++) {
      const adze_unit_value *at = &units->units[*unit].values[*value];
      if (at->model == first && at->tensor == origin)
        return true;
    }
  return false;
}

static adze_error *
trace_segment (adze_plan *plan, const adze_plan_segment *segment, const adze_plan_model *first,
               size_t origin, uint64_t element, adze_element_trace *trace)
{
  adze_pass pass = { .plan = plan, .segment = segment, .observed = SIZE_MAX, .lanes = 1 };
  size_t unit, value;
  if (segment->whole || !segment->source || !is_described (plan, segment))
    return NULL;
  adze_error *error = adze_units_make (plan, segment, SIZE_MAX, &pass.units);
  if (!error && find_value (&pass.units, first, origin, &unit, &value))
    error = adze_piece_trace (&pass, unit, value, element, trace);
  adze_units_cleanup (&pass.units);
  return error;
}

/* ---- And where they leave it as it is, which no piece has to be computed for. */

static adze_error *
read_element (const adze_plan_model *first, size_t origin, uint64_t element, bool *plain,
              double *number)
{
  const adze_model_tensor *tensor = &first->file->tensors[origin];
  uint64_t bits = (uint64_t)tensor->meta.dtype.bits * tensor->meta.dtype.lanes;
  char bytes[16];
  *plain = adze_decodes (&tensor->meta) && bits % 8 == 0 && bits / 8 <= sizeof bytes;
  if (!*plain)
    return NULL;
  ADZE_TRY (adze_model_read (first->file, tensor, element * (bits / 8), bytes, bits / 8));
  adze_decode (tensor->meta.dtype, bytes, 1, number);
  return NULL;
}

/* Does the stage give the same bytes, and as the same type? */
static bool
keeps (const adze_plan_stage *planned, const adze_way *way)
{
  const adze_plan_model *model = planned->output;
  if (!model || way->given == SIZE_MAX)
    return false;
  size_t group = model->sources[way->given].group;
  if (group == SIZE_MAX)
    return true;
  const adze_tensor_meta *from = &planned->ports[way->port].model->view.tensors[way->taken].meta;
  const adze_tensor_meta *to = &model->view.tensors[way->given].meta;
  return planned->outline.groups[group].same_bytes && from->dtype.code == to->dtype.code
         && from->dtype.bits == to->dtype.bits && from->dtype.lanes == to->dtype.lanes;
}

adze_error *
adze_way_trace (adze_plan *plan, const adze_plan_model *first, size_t origin, const adze_way *way,
                uint64_t element, adze_element_trace *trace)
{
  bool plain;
  double number = 0;
  for (size_t i = 0; i < plan->stage_count; i++)
    if (is_known (&plan->stages[i], &way[i]))
      trace[i].goes_on = plan->stages[i].output->view.tensors[way[i].given].meta.name;
  for (size_t i = 0; i < plan->segment_count; i++)
    ADZE_TRY (trace_segment (plan, &plan->segments[i], first, origin, element, trace));
  ADZE_TRY (read_element (first, origin, element, &plain, &number));
  for (size_t i = 0; i < plan->stage_count; i++) {
    if (way[i].port == SIZE_MAX || trace[i].seen || !keeps (&plan->stages[i], &way[i]))
      continue;
    const adze_plan_model *model = plan->stages[i].ports[way[i].port].model;
    const adze_element_trace *made = model == first ? NULL : &trace[model->stage];
    double value = made ? made->after : number;
    trace[i].seen = made ? made->seen : plain;
    trace[i].before = trace[i].after = value;
  }
  return NULL;
}
