/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/units.c: tensors and groups of a pass, sorted into units. */
#include "pipeline/units.h"

#include <string.h>

/* ---- All values and steps of the pass, before they are sorted. */

typedef struct draft_value {
  adze_unit_value value;
  size_t parent; /* of the union-find that joins what has to do with each other */
  size_t unit;
  size_t place; /* number in its unit */
  bool needed;
} draft_value;

typedef struct draft_step {
  adze_unit_step step;
  size_t first; /* of its inputs in the list of links, outputs behind them */
  bool needed;
} draft_step;

typedef struct draft {
  const adze_plan *plan;
  const adze_plan_segment *segment;
  size_t observed;
  draft_value *values;
  size_t value_count, value_room;
  draft_step *steps;
  size_t step_count, step_room;
  size_t *links;
  size_t link_count, link_room;
  size_t *current; /* value of each tensor of the model that is under way */
} draft;

static bool
grow (void *list, size_t count, size_t *room, size_t size)
{
  void **memory = list;
  if (count < *room)
    return true;
  size_t more = *room ? *room * 2 : 64;
  void *larger = realloc (*memory, more * size);
  if (!larger)
    return false;
  *memory = larger;
  *room = more;
  return true;
}

static size_t
root_of (draft *d, size_t value)
{
  while (d->values[value].parent != value) {
    d->values[value].parent = d->values[d->values[value].parent].parent;
    value = d->values[value].parent;
  }
  return value;
}

/* The lower number becomes the root, so that units keep the order of the source. */
static void
join (draft *d, size_t a, size_t b)
{
  a = root_of (d, a);
  b = root_of (d, b);
  if (a < b)
    d->values[b].parent = a;
  else
    d->values[a].parent = b;
}

static adze_error *
add_value (draft *d, const adze_unit_value *value, size_t *number)
{
  if (!grow (&d->values, d->value_count, &d->value_room, sizeof *d->values))
    return adze_error_memory ();
  *number = d->value_count;
  d->values[d->value_count] = (draft_value){ .value = *value, .parent = d->value_count };
  d->values[d->value_count].value.sink = SIZE_MAX;
  d->value_count++;
  return NULL;
}

static adze_error *
add_source (draft *d, const adze_plan_model *model, size_t tensor, size_t *number)
{
  const adze_model_tensor *from = &model->view.tensors[tensor];
  adze_unit_value value = { .meta = &from->meta,
                            .traits = from->traits,
                            .model = model,
                            .tensor = tensor,
                            .same_as = SIZE_MAX };
  return add_value (d, &value, number);
}

static adze_error *
add_link (draft *d, size_t value)
{
  if (!grow (&d->links, d->link_count, &d->link_room, sizeof *d->links))
    return adze_error_memory ();
  d->links[d->link_count++] = value;
  return NULL;
}

/* ---- One stage. */

static adze_error *
input_value (draft *d, const adze_plan_stage *planned, adze_pick pick, size_t *number)
{
  const adze_plan_port *port = &planned->ports[pick.port];
  size_t tensor = port->tensors[pick.index];
  if (pick.port != 0)
    return add_source (d, port->model, tensor, number);
  *number = d->current[tensor];
  return NULL;
}

/* OUTPUTS become the values of what the group gives; TENSORS: what they are in the stage's model,
 * NULL where it has none. */
static adze_error *
add_group (draft *d, const adze_plan_stage *planned, size_t number,
           const adze_model_tensor *const *tensors, size_t *outputs)
{
  const adze_outline_group *group = &planned->outline.groups[number];
  size_t first = d->link_count, head = SIZE_MAX, value;
  for (size_t i = 0; i < group->input_count; i++) {
    ADZE_TRY (input_value (d, planned, group->inputs[i], &value));
    ADZE_TRY (add_link (d, value));
    if (head == SIZE_MAX)
      head = value;
    join (d, head, value);
  }
  for (size_t i = 0; i < group->output_count; i++) {
    adze_unit_value made = { .meta = group->outputs[i],
                             .traits = tensors[i] ? tensors[i]->traits : NULL,
                             .same_as = group->same_bytes ? head : SIZE_MAX };
    ADZE_TRY (add_value (d, &made, &value));
    ADZE_TRY (add_link (d, value));
    join (d, head, value);
    outputs[i] = value;
  }
  bool inspects = planned->facts->effect == ADZE_INSPECTS;
  bool observes = planned->number == d->observed || inspects;
  bool wanted = !group->same_bytes && (inspects || group->output_count > 0);
  if (!wanted) {
    if (!group->same_bytes)
      d->link_count = first;
    return NULL;
  }
  if (!grow (&d->steps, d->step_count, &d->step_room, sizeof *d->steps))
    return adze_error_memory ();
  d->steps[d->step_count++] = (draft_step){
    .step = { .stage = planned->number,
              .group = number,
              .variant = planned->ports[group->inputs[0].port].shown[group->inputs[0].index].variant,
              .observes = observes,
              .cut = adze_outline_cut (&planned->outline, group, observes && planned->facts->observes),
              .input_count = group->input_count,
              .output_count = planned->number == d->observed ? 0 : group->output_count },
    .first = first,
  };
  return NULL;
}

/* The model under way becomes what the stage gives. */
static adze_error *
move_on (draft *d, const adze_plan_stage *planned, const size_t *made, const size_t *first_made)
{
  const adze_plan_model *model = planned->output;
  size_t *next = malloc ((model->view.count + 1) * sizeof *next);
  if (!next)
    return adze_error_memory ();
  for (size_t i = 0; i < model->view.count; i++) {
    adze_plan_source source = model->sources[i];
    next[i] = source.group == SIZE_MAX ? d->current[source.number]
                                       : made[first_made[source.group] + source.number];
  }
  free (d->current);
  d->current = next;
  return NULL;
}

/* Outputs of all groups, one behind the other, as tensors of the model that the stage gives: that is
 * who knows their traits. */
static void
find_made (const adze_plan_stage *planned, const size_t *first_made,
           const adze_model_tensor **tensors)
{
  const adze_plan_model *model = planned->output;
  for (size_t i = 0; model && i < model->view.count; i++) {
    adze_plan_source source = model->sources[i];
    if (source.group != SIZE_MAX)
      tensors[first_made[source.group] + source.number] = &model->view.tensors[i];
  }
}

static adze_error *
add_stage (draft *d, const adze_plan_stage *planned)
{
  const adze_outline *outline = &planned->outline;
  size_t outputs = 0;
  ADZE_AUTO_FREE size_t *first_made = malloc ((outline->group_count + 1) * sizeof *first_made);
  if (!first_made)
    return adze_error_memory ();
  for (size_t g = 0; g < outline->group_count; g++) {
    first_made[g] = outputs;
    outputs += outline->groups[g].output_count;
  }
  ADZE_AUTO_FREE size_t *made = malloc ((outputs + 1) * sizeof *made);
  ADZE_AUTO_FREE const adze_model_tensor **tensors = calloc (outputs + 1, sizeof *tensors);
  if (!made || !tensors)
    return adze_error_memory ();
  find_made (planned, first_made, tensors);
  for (size_t g = 0; g < outline->group_count; g++)
    ADZE_TRY (add_group (d, planned, g, tensors + first_made[g], made + first_made[g]));
  return planned->output && planned->number != d->observed
             ? move_on (d, planned, made, first_made)
             : NULL;
}

/* An observing pass has no use for those that inspect: they look in the last one. */
static bool
takes_part (const draft *d, const adze_plan_stage *planned)
{
  if (d->observed == SIZE_MAX || planned->number == d->observed)
    return true;
  return planned->number < d->observed && planned->facts->effect == ADZE_CHANGES;
}

static adze_error *
draft_pass (draft *d)
{
  const adze_plan_segment *segment = d->segment;
  size_t count = segment->source->view.count;
  d->current = malloc ((count + 1) * sizeof *d->current);
  if (!d->current)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (add_source (d, segment->source, i, &d->current[i]));
  for (size_t i = 0; i < segment->count; i++) {
    const adze_plan_stage *planned = &d->plan->stages[segment->first + i];
    if (takes_part (d, planned))
      ADZE_TRY (add_stage (d, planned));
  }
  if (d->observed == SIZE_MAX && segment->result)
    for (size_t i = 0; i < segment->result->view.count; i++) {
      /* Two names for the same bytes would be written from one value; there is no such group. */
      d->values[d->current[i]].value.sink = i;
    }
  return NULL;
}

/* ---- What is needed: what is written, what a step that is needed reads, and so on backwards. */

static void
need (draft *d, size_t value)
{
  for (; value != SIZE_MAX && !d->values[value].needed; value = d->values[value].value.same_as)
    d->values[value].needed = true;
}

static void
mark_needed (draft *d)
{
  for (size_t i = 0; i < d->value_count; i++)
    if (d->values[i].value.sink != SIZE_MAX)
      need (d, i);
  for (size_t i = d->step_count; i-- > 0;) {
    draft_step *step = &d->steps[i];
    const size_t *links = d->links + step->first;
    size_t inputs = step->step.input_count, all = inputs + step->step.output_count;
    step->needed = step->step.observes;
    for (size_t k = inputs; k < all; k++)
      step->needed = step->needed || d->values[links[k]].needed;
    for (size_t k = 0; step->needed && k < all; k++)
      need (d, links[k]);
  }
}

/* ---- Units. */

/* A number for each set that has something to do. */
static adze_error *
number_units (draft *d, adze_units *units)
{
  for (size_t i = 0; i < d->value_count; i++)
    d->values[i].unit = SIZE_MAX;
  for (size_t i = 0; i < d->value_count; i++) {
    if (!d->values[i].needed)
      continue;
    size_t root = root_of (d, i);
    if (d->values[root].unit == SIZE_MAX)
      d->values[root].unit = units->count++;
    d->values[i].unit = d->values[root].unit;
  }
  units->units = calloc (units->count + 1, sizeof *units->units);
  return units->units ? NULL : adze_error_memory ();
}

static adze_error *
fill_values (draft *d, adze_units *units)
{
  for (size_t i = 0; i < d->value_count; i++)
    if (d->values[i].needed)
      units->units[d->values[i].unit].value_count++;
  for (size_t i = 0; i < units->count; i++) {
    adze_unit *unit = &units->units[i];
    unit->values = calloc (unit->value_count, sizeof *unit->values);
    if (!unit->values)
      return adze_error_memory ();
    unit->value_count = 0;
  }
  for (size_t i = 0; i < d->value_count; i++) {
    draft_value *from = &d->values[i];
    if (!from->needed)
      continue;
    adze_unit *unit = &units->units[from->unit];
    from->place = unit->value_count++;
    adze_unit_value *value = &unit->values[from->place];
    *value = from->value;
    if (value->same_as == SIZE_MAX)
      continue;
    /* Of several names for the same bytes, all point at the first. */
    value->same_as = d->values[value->same_as].place;
    if (unit->values[value->same_as].same_as != SIZE_MAX)
      value->same_as = unit->values[value->same_as].same_as;
  }
  return NULL;
}

static adze_error *
fill_steps (draft *d, adze_units *units)
{
  units->step_inputs = malloc ((d->link_count + 1) * sizeof *units->step_inputs);
  if (!units->step_inputs)
    return adze_error_memory ();
  for (size_t i = 0; i < d->link_count; i++)
    units->step_inputs[i] = d->values[d->links[i]].place;
  for (size_t i = 0; i < d->step_count; i++)
    if (d->steps[i].needed)
      units->units[d->values[d->links[d->steps[i].first]].unit].step_count++;
  for (size_t i = 0; i < units->count; i++) {
    adze_unit *unit = &units->units[i];
    unit->steps = calloc (unit->step_count + 1, sizeof *unit->steps);
    if (!unit->steps)
      return adze_error_memory ();
    unit->step_count = 0;
  }
  for (size_t i = 0; i < d->step_count; i++) {
    const draft_step *from = &d->steps[i];
    if (!from->needed)
      continue;
    adze_unit *unit = &units->units[d->values[d->links[from->first]].unit];
    adze_unit_step *step = &unit->steps[unit->step_count++];
    *step = from->step;
    step->inputs = units->step_inputs + from->first;
    step->outputs = step->inputs + step->input_count;
  }
  return NULL;
}

/* ---- Memory. */

typedef struct slot_plan {
  adze_unit *unit;
  size_t *last;    /* step that uses a value last; SIZE_MAX: it is written in the end */
  bool *taken;
} slot_plan;

size_t
adze_unit_owner (const adze_unit *unit, size_t value)
{
  return unit->values[value].same_as != SIZE_MAX ? unit->values[value].same_as : value;
}

static void
find_last_uses (slot_plan *p)
{
  adze_unit *unit = p->unit;
  for (size_t i = 0; i < unit->step_count; i++) {
    const adze_unit_step *step = &unit->steps[i];
    for (size_t k = 0; k < step->input_count; k++)
      p->last[adze_unit_owner (unit, step->inputs[k])] = i;
    for (size_t k = 0; k < step->output_count; k++)
      p->last[step->outputs[k]] = i;
  }
  for (size_t i = 0; i < unit->value_count; i++)
    if (unit->values[i].sink != SIZE_MAX)
      p->last[adze_unit_owner (unit, i)] = SIZE_MAX;
}

static void
take_slot (slot_plan *p, size_t number)
{
  adze_unit *unit = p->unit;
  adze_unit_value *value = &unit->values[number];
  size_t slot = 0;
  while (slot < unit->slot_count && p->taken[slot])
    slot++;
  if (slot == unit->slot_count)
    unit->slot_count++;
  p->taken[slot] = true;
  value->slot = slot;
}

static void
give_back (slot_plan *p, size_t number, size_t step)
{
  size_t owner = adze_unit_owner (p->unit, number);
  if (p->last[owner] == step)
    p->taken[p->unit->values[owner].slot] = false;
}

/* Values take slots in the order in which they come to be, and give them back after their last
 * use. All sources are read before the first step. */
static void
walk_slots (slot_plan *p)
{
  adze_unit *unit = p->unit;
  for (size_t i = 0; i < unit->value_count; i++)
    if (unit->values[i].model)
      take_slot (p, i);
  for (size_t i = 0; i < unit->step_count; i++) {
    const adze_unit_step *step = &unit->steps[i];
    for (size_t k = 0; k < step->output_count; k++)
      take_slot (p, step->outputs[k]);
    for (size_t k = 0; k < step->input_count; k++)
      give_back (p, step->inputs[k], i);
    for (size_t k = 0; k < step->output_count; k++)
      give_back (p, step->outputs[k], i);
  }
  for (size_t i = 0; i < unit->value_count; i++)
    unit->values[i].slot = unit->values[adze_unit_owner (unit, i)].slot;
}

/* From the last step to the first, so that the first to get a value stays. */
static void
find_sharers (const adze_plan *plan, adze_unit *unit)
{
  for (size_t i = 0; i < unit->value_count; i++)
    unit->values[i].shared_with = SIZE_MAX;
  for (size_t i = unit->step_count; i-- > 0;) {
    const adze_unit_step *step = &unit->steps[i];
    bool isolated = plan->stages[step->stage].facts->isolated;
    for (size_t k = 0; k < step->input_count; k++)
      unit->values[step->inputs[k]].shared_with = isolated ? step->stage : SIZE_MAX;
    for (size_t k = 0; isolated && k < step->output_count; k++) {
      unit->values[step->outputs[k]].shared_with = step->stage;
      unit->values[step->outputs[k]].made_there = true;
    }
  }
}

static adze_error *
assign_slots (adze_unit *unit)
{
  ADZE_AUTO_FREE size_t *last = calloc (unit->value_count, sizeof *last);
  ADZE_AUTO_FREE bool *taken = calloc (unit->value_count, sizeof *taken);
  if (!last || !taken)
    return adze_error_memory ();
  slot_plan p = { unit, last, taken };
  find_last_uses (&p);
  walk_slots (&p);
  return NULL;
}

/* While units are made, and with what the allocator adds. */
static uint64_t
structure_of (const draft *d, const adze_units *units)
{
  enum { ADDED = 16 };
  return d->value_count * sizeof *d->values + d->step_count * sizeof *d->steps
         + 2 * d->link_count * sizeof *d->links
         + units->count * (sizeof *units->units + 2 * ADDED)
         + units->value_count * sizeof *units->units->values
         + (units->step_count + units->count) * sizeof *units->units->steps;
}

static adze_error *
measure (const adze_plan *plan, adze_units *units)
{
  for (size_t i = 0; i < units->count; i++) {
    adze_unit *unit = &units->units[i];
    adze_unit_cut (plan, unit);
    find_sharers (plan, unit);
    ADZE_TRY (assign_slots (unit));
    for (size_t k = 0; k < unit->value_count; k++)
      if (unit->values[k].model)
        unit->source_bytes += unit->values[k].meta->byte_size;
    units->source_bytes += unit->source_bytes;
    units->value_count += unit->value_count;
    units->step_count += unit->step_count;
  }
  return NULL;
}

adze_error *
adze_units_make (const adze_plan *plan, const adze_plan_segment *segment, size_t observed,
                 adze_units *units)
{
  draft d = { .plan = plan, .segment = segment, .observed = observed };
  *units = (adze_units){ 0 };
  adze_error *error = draft_pass (&d);
  if (!error) {
    mark_needed (&d);
    error = number_units (&d, units);
  }
  if (!error)
    error = fill_values (&d, units);
  if (!error)
    error = fill_steps (&d, units);
  if (!error)
    error = measure (plan, units);
  units->structure = structure_of (&d, units);
  free (d.values);
  free (d.steps);
  free (d.links);
  free (d.current);
  if (error)
    adze_units_cleanup (units);
  return error;
}

void
adze_units_cleanup (adze_units *units)
{
  for (size_t i = 0; units->units && i < units->count; i++) {
    free (units->units[i].values);
    free (units->units[i].steps);
  }
  free (units->units);
  free (units->step_inputs);
  *units = (adze_units){ 0 };
}
