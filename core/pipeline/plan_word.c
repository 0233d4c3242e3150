/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_word.c: what a stage describes once it has decided, held against what it described before.
 *
 * A plan was printed, disks and memory were checked, and later stages were planned with what it said
 * first. So that has to hold: to the byte, or, where it was given as a bound, as a bound. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/plan.h"

/* Of each tensor that is shown, all ports one after the other, the group that takes it. */
typedef struct takers {
  const adze_outline *shown; /* whose ports these are */
  const adze_outline_group **groups;
} takers;

static void
takers_cleanup (takers *t)
{
  free (t->groups);
}

static const adze_outline_group **
taker_of (const takers *t, adze_pick pick)
{
  size_t at = pick.index;
  for (uint32_t i = 0; i < pick.port; i++)
    at += t->shown->ports[i].count;
  return &t->groups[at];
}

/* SHOWN has the ports: those that OUTLINE was made of may be gone. */
static adze_error *
find_takers (const adze_outline *shown, const adze_outline *outline, takers *t)
{
  size_t count = 0;
  for (size_t i = 0; i < shown->port_count; i++)
    count += shown->ports[i].count;
  t->shown = shown;
  t->groups = calloc (count + 1, sizeof *t->groups);
  if (!t->groups)
    return adze_error_memory ();
  for (size_t i = 0; i < outline->group_count; i++)
    for (size_t k = 0; k < outline->groups[i].input_count; k++)
      if (adze_outline_at (shown, outline->groups[i].inputs[k]))
        *taker_of (t, outline->groups[i].inputs[k]) = &outline->groups[i];
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

/* ---- What is told. */

static void
put_meta (const adze_tensor_meta *meta, adze_buffer *into)
{
  adze_buffer_format (into, "'%s' %s ", meta->name, adze_meta_type_word (meta));
  adze_shape_text (meta->rank, meta->shape, into);
}

/* Where it is more than the one that is spoken of. */
static void
put_inputs (const adze_outline *shown, const adze_outline_group *group, adze_buffer *into)
{
  for (size_t i = 0; group->input_count > 1 && i < group->input_count; i++) {
    const adze_outline_tensor *input = adze_outline_at (shown, group->inputs[i]);
    adze_buffer_format (into, "%s'%s'", i ? " and " : ", made of ", input ? input->meta->name : "?");
  }
}

/* GROUP NULL: the tensor is in none. */
static void
put_outputs (const adze_outline *shown, const adze_outline_group *group,
             const adze_tensor_meta *input, adze_buffer *into)
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
  if (group)
    put_inputs (shown, group, into);
}

static adze_error *
other_word (const adze_plan_stage *planned, const adze_tensor_meta *input,
            const adze_outline_group *before, const adze_outline_group *after)
{
  ADZE_AUTO (adze_buffer) first = { 0 };
  ADZE_AUTO (adze_buffer) then = { 0 };
  put_outputs (&planned->outline, before, input, &first);
  put_outputs (&planned->outline, after, input, &then);
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
same_inputs (const adze_outline_group *before, const adze_outline_group *after)
{
  if (before->input_count != after->input_count)
    return false;
  for (size_t i = 0; i < after->input_count; i++)
    if (before->inputs[i].port != after->inputs[i].port
        || before->inputs[i].index != after->inputs[i].index)
      return false;
  return true;
}

static bool
fits (const adze_outline_group *before, const adze_tensor_meta *output)
{
  const adze_tensor_meta *said = output_called (before, output->name);
  if (!before->at_most)
    return said && adze_tensor_meta_equal (said, output);
  return said && output->byte_size <= said->byte_size;
}

static bool
holds (const adze_outline_group *before, const adze_outline_group *after)
{
  if (!same_inputs (before, after)
      || (!before->at_most && before->output_count != after->output_count))
    return false;
  for (size_t i = 0; i < after->output_count; i++)
    if (!fits (before, after->outputs[i]))
      return false;
  return true;
}

/* Its tensors are left alone now: those of the model that goes through come out as they came. */
static bool
holds_alone (const adze_outline *shown, const adze_outline_group *before)
{
  size_t given = 0;
  for (size_t i = 0; i < before->input_count; i++) {
    if (before->inputs[i].port != 0)
      continue;
    if (!fits (before, adze_outline_at (shown, before->inputs[i])->meta))
      return false;
    given++;
  }
  return before->at_most || given == before->output_count;
}

adze_error *
adze_plan_check_word (const adze_plan_stage *planned, const adze_outline *before)
{
  const adze_outline *now = &planned->outline;
  __attribute__ ((cleanup (takers_cleanup))) takers first = { 0 }, then = { 0 };
  ADZE_TRY (find_takers (now, before, &first));
  ADZE_TRY (find_takers (now, now, &then));
  for (size_t i = 0; i < now->group_count; i++) {
    const adze_outline_group *after = &now->groups[i];
    const adze_outline_group *said = *taker_of (&first, after->inputs[0]);
    if (!said || !holds (said, after))
      return other_word (planned, adze_outline_at (now, after->inputs[0])->meta, said, after);
  }
  for (size_t i = 0; i < before->group_count; i++) {
    const adze_outline_group *said = &before->groups[i];
    const adze_outline_tensor *input = adze_outline_at (now, said->inputs[0]);
    if (input && !*taker_of (&then, said->inputs[0]) && !holds_alone (now, said))
      return other_word (planned, input->meta, said, NULL);
  }
  return NULL;
}
