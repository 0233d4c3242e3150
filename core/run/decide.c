/* SPDX-License-Identifier: Apache-2.0 */
/* run/decide.c: decisions taken on accumulators, and taken on them once more.
 *
 * What a technique decides depends on its parameters and its accumulators alone, so whoever has the
 * accumulators can have the decision again: a run that goes on, a result that was found, and
 * `adze why`. */
#include "run/execution.h"

/* ---- Decisions. */

/* A group without its data: metas and parameters are all that decide may look at. */
static adze_error *
decide_on_group (const adze_plan_stage *planned, size_t number, const void *accumulator,
                 size_t size, bool *again)
{
  const adze_outline_group *group = &planned->outline.groups[number];
  adze_tensor *tensors = calloc (group->input_count, sizeof *tensors);
  const adze_tensor **inputs = calloc (group->input_count, sizeof *inputs);
  adze_error *error = tensors && inputs ? NULL : adze_error_memory ();
  const adze_tensor_meta *whole = NULL;
  for (size_t i = 0; !error && i < group->input_count; i++) {
    const adze_plan_port *port = &planned->ports[group->inputs[i].port];
    const adze_tensor_meta *meta = port->shown[group->inputs[i].index].meta;
    tensors[i] = (adze_tensor){ .struct_size = sizeof *tensors,
                                .name = meta->name,
                                .view = { .device = { ADZE_DEVICE_CPU, 0 },
                                          .rank = meta->rank,
                                          .dtype = meta->dtype,
                                          .shape = (int64_t *)meta->shape },
                                .codec = meta->codec,
                                .byte_size = meta->byte_size };
    inputs[i] = &tensors[i];
    whole = i == 0 ? meta : whole;
  }
  if (!error) {
    const adze_pick *pick = &group->inputs[0];
    adze_work work = { .inputs = inputs,
                       .input_count = group->input_count,
                       .variant = planned->ports[pick->port].shown[pick->index].variant,
                       .group = number,
                       .whole = whole };
    error = adze_instance_decide (planned->instance, &work, accumulator, size, again);
  }
  free (tensors);
  free (inputs);
  return error;
}

static bool
is_by_group (const adze_plan_stage *planned)
{
  return planned->facts->accumulate == ADZE_OVER_GROUP;
}

/* With ROOM for one accumulator. */
static adze_error *
decide_on_groups (const adze_plan_stage *planned, const adze_ledger *ledger, uint64_t first,
                  void *room, bool *again)
{
  for (size_t i = 0; i < planned->outline.group_count; i++) {
    bool more = false;
    if (!adze_outline_seen (&planned->outline, &planned->outline.groups[i]))
      continue;
    ADZE_TRY (adze_ledger_get (ledger, first, i, room));
    ADZE_TRY (decide_on_group (planned, i, room, (size_t)ledger->entry, &more));
    *again = *again || more;
  }
  return NULL;
}

/* All that is decided after one time of looking at everything, whose entries stand behind byte FIRST of
 * LEDGER. */
static adze_error *
decide_round (const adze_plan *plan, size_t number, const adze_ledger *ledger, uint64_t first,
              bool *again)
{
  const adze_plan_stage *planned = &plan->stages[number];
  size_t size = (size_t)ledger->entry;
  ADZE_AUTO_FREE void *room = aligned_alloc (64, (size + 64) / 64 * 64);
  bool more = false;
  *again = false;
  if (!room)
    return adze_error_memory ();
  if (!is_by_group (planned)) {
    ADZE_TRY (adze_ledger_get (ledger, first, 0, room));
    return adze_instance_decide (planned->instance, NULL, room, size, again);
  }
  ADZE_TRY (decide_on_groups (planned, ledger, first, room, again));
  ADZE_TRY (adze_instance_decide (planned->instance, NULL, NULL, 0, &more));
  *again = *again || more;
  return NULL;
}

/* Groups have put theirs in the ledger as they came. */
adze_error *
adze_decide (adze_execution *x, adze_pass *pass, size_t number, bool *again)
{
  const adze_pass_observer *observer = adze_pass_observer_of (pass, number);
  if (!observer->by_group && observer->whole.root)
    ADZE_TRY (adze_ledger_put (observer->ledger, 0, observer->whole.root));
  return decide_round (x->plan, number, observer->ledger, observer->ledger->current, again);
}

adze_error *
adze_decide_again (adze_plan *plan, size_t number, const adze_ledger *ledger, bool *enough)
{
  uint64_t round = adze_pass_entries (&plan->stages[number]) * ledger->entry;
  bool again = true;
  *enough = false;
  if (round == 0) {
    ADZE_TRY (decide_round (plan, number, ledger, 0, &again));
    *enough = true;
    return NULL;
  }
  for (uint64_t at = 0; again && at + round <= ledger->size; at += round)
    ADZE_TRY (decide_round (plan, number, ledger, at, &again));
  *enough = !again;
  return NULL;
}
