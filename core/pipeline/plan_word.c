/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_word.c: what a stage describes once it has decided, held against what it described before.
 *
 * A plan was printed, disks and memory were checked, and later stages were planned with what it said
 * first. So that has to hold: to the byte, or, where it was given as a bound, as a bound. */
#include <string.h>

#include "pipeline/plan.h"

/* The group whose first input is PICK; mostly it is number NEAR, as techniques go through tensors in order. */
static const adze_outline_group *
group_of (const adze_outline *outline, adze_pick pick, size_t near)
{
  for (size_t i = 0; i < outline->group_count; i++) {
    const adze_outline_group *group = &outline->groups[(near + i) % outline->group_count];
    if (group->inputs[0].port == pick.port && group->inputs[0].index == pick.index)
      return group;
  }
  return NULL;
}

static const adze_tensor_meta *
output_called (const adze_outline_group *group, const char *name)
{
  for (size_t i = 0; i < group->output_count; i++)
    if (strcmp (group->outputs[i]->name, name) == 0)
      return group->outputs[i];
  return NULL;
}

static uint64_t
bytes_of (const adze_outline_group *group)
{
  uint64_t bytes = 0;
  for (size_t i = 0; i < group->output_count; i++)
    bytes += group->outputs[i]->byte_size;
  return bytes;
}

/* ---- What is told. */

static void
put_meta (const adze_tensor_meta *meta, adze_buffer *into)
{
  adze_buffer_format (into, "'%s' %s ", meta->name, adze_meta_type_word (meta));
  adze_shape_text (meta->rank, meta->shape, into);
}

/* GROUP NULL: the tensor is in none. */
static void
put_outputs (const adze_outline_group *group, const adze_tensor_meta *input, adze_buffer *into)
{
  if (!group) {
    adze_buffer_text (into, "left as it is, ");
    put_meta (input, into);
  }
  if (group && group->output_count == 0)
    adze_buffer_text (into, "dropped");
  if (group && group->at_most)
    adze_buffer_text (into, "at most ");
  for (size_t i = 0; group && i < group->output_count; i++) {
    adze_buffer_text (into, i ? ", " : "");
    put_meta (group->outputs[i], into);
  }
}

static adze_error *
other_word (const adze_plan_stage *planned, const adze_tensor_meta *input,
            const adze_outline_group *before, const adze_outline_group *after)
{
  ADZE_AUTO (adze_buffer) first = { 0 };
  ADZE_AUTO (adze_buffer) then = { 0 };
  put_outputs (before, input, &first);
  put_outputs (after, input, &then);
  if (!first.data || !then.data)
    return adze_error_memory ();
  adze_error *error = adze_error_new (
      ADZE_E_CONTRACT,
      "stage '%s' described what becomes of '%s' in one way before it decided, and in another "
      "afterwards: first %s; then %s", planned->stage->id, input->name, first.data, then.data);
  adze_error_setf (error, "hint",
                   "what is not certain before decide is described as a bound (.at_most), which "
                   "nothing may be larger than; this is for the author of '%s'",
                   planned->stage->use);
  return error;
}

/* ---- What holds. */

static bool
is_within (const adze_outline_group *before, const adze_outline_group *after)
{
  for (size_t i = 0; i < after->output_count; i++) {
    const adze_tensor_meta *bound = output_called (before, after->outputs[i]->name);
    if (!bound || after->outputs[i]->byte_size > bound->byte_size)
      return false;
  }
  return true;
}

static bool
is_same (const adze_outline_group *before, const adze_outline_group *after)
{
  if (before->output_count != after->output_count)
    return false;
  for (size_t i = 0; i < after->output_count; i++)
    if (!adze_tensor_meta_equal (before->outputs[i], after->outputs[i]))
      return false;
  return true;
}

/* Left alone now: as if it gave the tensor as it came. */
static bool
holds_alone (const adze_outline_group *before, const adze_tensor_meta *input)
{
  if (before->at_most)
    return input->byte_size <= bytes_of (before);
  return before->output_count == 1 && adze_tensor_meta_equal (before->outputs[0], input);
}

adze_error *
adze_plan_check_word (const adze_plan_stage *planned, const adze_outline *before)
{
  const adze_outline *now = &planned->outline;
  for (size_t i = 0; i < now->group_count; i++) {
    const adze_outline_group *after = &now->groups[i];
    const adze_outline_group *first = group_of (before, after->inputs[0], i);
    const adze_tensor_meta *input = adze_outline_at (now, after->inputs[0])->meta;
    bool holds = !first ? !adze_plan_group_edits (planned, i)
                        : first->at_most ? is_within (first, after) : is_same (first, after);
    if (!holds)
      return other_word (planned, input, first, after);
  }
  for (size_t i = 0; i < before->group_count; i++) {
    const adze_outline_group *first = &before->groups[i];
    const adze_tensor_meta *input = adze_outline_at (now, first->inputs[0])->meta;
    if (!group_of (now, first->inputs[0], i) && !holds_alone (first, input))
      return other_word (planned, input, first, NULL);
  }
  return NULL;
}
