/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_segments.c: which stages run in one pass over the tensors.
 *
 * Neighbours that hand one model on belong together: each tensor is read once, goes through all of
 * them, and is written once. A pass ends where somebody else needs what lies between two stages,
 * where a stage takes whole artifacts, and where a reduction stands behind stages that are not to
 * be run twice. */
#include <string.h>

#include "pipeline/plan.h"

/* ---- Who needs a model? */

static bool
stage_uses (const adze_plan_stage *planned, const adze_plan_model *model)
{
  for (size_t i = 0; i < planned->port_count; i++)
    if (planned->ports[i].model == model)
      return true;
  return false;
}

static bool
output_uses (const adze_plan *plan, size_t output, const adze_plan_model *model)
{
  return adze_plan_bound (plan, &plan->pipeline->outputs[output].from) == model;
}

/* Is MODEL needed by a stage from FIRST on? */
static bool
needed_from (const adze_plan *plan, size_t first, const adze_plan_model *model)
{
  for (size_t i = first; i < plan->stage_count; i++)
    if (stage_uses (&plan->stages[i], model))
      return true;
  return false;
}

/* The output that MODEL goes to, and how many there are. */
static size_t
output_of (const adze_plan *plan, const adze_plan_model *model, size_t *count)
{
  size_t found = SIZE_MAX;
  *count = 0;
  for (size_t i = 0; i < plan->pipeline->output_count; i++)
    if (output_uses (plan, i, model)) {
      found = i;
      (*count)++;
    }
  return found;
}

/* ---- May a stage join? */

static bool
is_reduction (const adze_plan_stage *planned)
{
  return planned->facts->observes && planned->facts->effect == ADZE_CHANGES;
}

/* The model that leaves the segment so far. */
static adze_plan_model *
tail_of (const adze_plan *plan, const adze_plan_segment *segment)
{
  adze_plan_model *tail = segment->source;
  for (size_t i = 0; i < segment->count; i++)
    if (plan->stages[segment->first + i].output)
      tail = plan->stages[segment->first + i].output;
  return tail;
}

/* Its other model ports must lie ready before the pass begins. */
static bool
others_lie_ready (const adze_plan *plan, const adze_plan_segment *segment,
                  const adze_plan_stage *planned)
{
  for (size_t i = 1; i < planned->port_count; i++) {
    const adze_plan_model *model = planned->ports[i].model;
    for (size_t k = 0; k < segment->count; k++)
      if (model && plan->stages[segment->first + k].output == model)
        return false;
  }
  return true;
}

/* Stages in front of a reduction are run once more for it when they work on pieces in this process:
 * at about the speed of memory, that is less than to write and read what they give. */
static bool
cheap_to_repeat (const adze_plan *plan, const adze_plan_segment *segment)
{
  for (size_t i = 0; i < segment->count; i++) {
    const adze_plan_stage *planned = &plan->stages[segment->first + i];
    const adze_instance_facts *facts = planned->facts;
    if (facts->effect == ADZE_CHANGES
        && (facts->isolated || adze_plan_grain (planned) == ADZE_GRAIN_TENSOR))
      return false;
  }
  return true;
}

/* NULL: it may; otherwise why not. */
static const char *
why_not (const adze_plan *plan, const adze_plan_segment *segment, size_t number)
{
  const adze_plan_stage *planned = &plan->stages[number];
  const adze_plan_model *tail = tail_of (plan, segment);
  size_t outputs;
  if (segment->whole || planned->facts->runs)
    return "a stage that takes whole artifacts runs by itself";
  if (!segment->source || planned->port_count == 0 || planned->ports[0].model != tail)
    return "the next stage takes another model";
  if (!others_lie_ready (plan, segment, planned))
    return "the next stage needs what this one gives as a whole";
  if (!tail->known)
    return "the next stage depends on what this one finds out";
  if (is_reduction (planned) && tail != segment->source && !cheap_to_repeat (plan, segment))
    return "the next stage must see all of it first, and this is too slow to do twice";
  if (planned->output && tail != segment->source
      && (output_of (plan, tail, &outputs) != SIZE_MAX || needed_from (plan, number + 1, tail)))
    return "what it gives is needed elsewhere, too";
  return NULL;
}

/* ---- Cutting. */

/* Reads of the source: one for every reduction that has to see everything first, one to write. */
static size_t
count_reads (const adze_plan *plan, const adze_plan_segment *segment)
{
  size_t reads = 0;
  bool last = segment->result != NULL;
  for (size_t i = 0; i < segment->count; i++) {
    const adze_plan_stage *planned = &plan->stages[segment->first + i];
    if (is_reduction (planned))
      reads++;
    else if (planned->facts->effect == ADZE_INSPECTS)
      last = true;
  }
  return reads + (last ? 1 : 0);
}

static void
close_segment (const adze_plan *plan, adze_plan_segment *segment, const char *why)
{
  size_t next = segment->first + segment->count;
  adze_plan_model *tail = segment->whole ? plan->stages[segment->first].output
                                         : tail_of (plan, segment);
  segment->why = why;
  segment->output = SIZE_MAX;
  if (tail && tail != segment->source) {
    bool later = needed_from (plan, next, tail);
    size_t outputs, output = output_of (plan, tail, &outputs);
    if (later || outputs > 0)
      segment->result = tail;
    /* A file under a temporary name is no input for others: what is needed again is stored. */
    if (!later && !segment->whole && outputs == 1)
      segment->output = output;
  }
  segment->reads = segment->whole ? 0 : count_reads (plan, segment);
}

bool
adze_plan_is_a_segments (const adze_plan *plan, size_t output)
{
  for (size_t i = 0; i < plan->segment_count; i++)
    if (plan->segments[i].output == output)
      return true;
  return false;
}

adze_error *
adze_plan_cut (adze_plan *plan)
{
  plan->segments = calloc (plan->stage_count + 1, sizeof *plan->segments);
  if (!plan->segments)
    return adze_error_memory ();
  plan->segment_count = 0;
  adze_plan_segment *open = NULL;
  for (size_t i = 0; i < plan->stage_count; i++) {
    const char *why = open ? why_not (plan, open, i) : "";
    if (why) {
      if (open)
        close_segment (plan, open, why);
      bool spilled = open && is_reduction (&plan->stages[i]) && open->result
                     && plan->stages[i].port_count > 0
                     && open->result == plan->stages[i].ports[0].model;
      open = &plan->segments[plan->segment_count++];
      *open = (adze_plan_segment){ .first = i,
                                   .whole = plan->stages[i].facts->runs,
                                   .spilled = spilled,
                                   .source = plan->stages[i].port_count
                                                 ? plan->stages[i].ports[0].model
                                                 : NULL };
    }
    open->count++;
    plan->stages[i].segment = plan->segment_count - 1;
  }
  if (open)
    close_segment (plan, open, "it is the last");
  return NULL;
}
