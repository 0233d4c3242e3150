/* SPDX-License-Identifier: Apache-2.0 */
/* graph/device.c: values in memory that the processor cannot touch.
 *
 * A step of a backend with memory of its own is far, all others are near. A value that far steps
 * make or take has a place on the device, one that near steps or whoever executes the graph make or
 * take has one here, and one that is both crosses: it is sent in front of the first far step that
 * takes it, and fetched behind the one that made it. No other is ever copied. */
#include "graph/executable_private.h"

static adze_backend_at_work *
device_of (const adze_executable *x)
{
  return adze_backend_is_far (x->options.backend) ? x->options.backend : NULL;
}

bool
adze_backend_is_far (const adze_backend_at_work *backend)
{
  return backend && adze_backend_memory (backend);
}

void
adze_device_describe (const adze_executable *x, adze_slot *slot)
{
  if (!device_of (x))
    return;
  slot->far = slot->view;
  slot->far.data = NULL;
  slot->far.device = (adze_device){ adze_backend_memory (device_of (x))->device_type, 0 };
}

/* ---- What crosses. */

/* Which values are needed here: by near steps, and by whoever executes the graph. */
static void
mark_needed (const adze_executable *x, bool *needed)
{
  for (size_t s = 0; s < x->step_count; s++)
    for (size_t i = 0; !x->steps[s].far && i < x->steps[s].input_count; i++)
      if (x->steps[s].inputs[i] != ADZE_NONE)
        needed[x->steps[s].inputs[i]] = true;
  for (size_t i = 0; i < x->graph->outputs.count; i++)
    needed[x->graph->outputs.items[i]] = true;
}

static adze_error *
connect_step (adze_executable *x, adze_graph_step *step, const bool *needed, bool *there)
{
  step->sent = calloc (step->input_count + 1, sizeof *step->sent);
  step->fetched = calloc (step->output_count + 1, sizeof *step->fetched);
  if (!step->sent || !step->fetched)
    return adze_error_memory ();
  for (size_t i = 0; i < step->input_count; i++) {
    if (there[step->inputs[i]])
      continue;
    there[step->inputs[i]] = true;
    step->sent[step->sent_count++] = step->inputs[i];
    x->facts.moved += x->slots[step->inputs[i]].size;
  }
  for (size_t i = 0; i < step->output_count; i++) {
    there[step->outputs[i]] = true;
    if (!needed[step->outputs[i]])
      continue;
    step->fetched[step->fetched_count++] = step->outputs[i];
    x->facts.moved += x->slots[step->outputs[i]].size;
  }
  x->facts.sent += (uint32_t)step->sent_count;
  x->facts.fetched += (uint32_t)step->fetched_count;
  return NULL;
}

adze_error *
adze_device_connect (adze_executable *x)
{
  if (!device_of (x))
    return NULL;
  ADZE_AUTO_FREE bool *needed = calloc (x->graph->value_count + 1, sizeof *needed);
  ADZE_AUTO_FREE bool *there = calloc (x->graph->value_count + 1, sizeof *there);
  if (!needed || !there)
    return adze_error_memory ();
  mark_needed (x, needed);
  for (size_t s = 0; s < x->step_count; s++)
    if (x->steps[s].far)
      ADZE_TRY (connect_step (x, &x->steps[s], needed, there));
  return NULL;
}

/* ---- Its memory. */

static adze_error *
allocate (adze_executable *x, uint64_t size, void **memory)
{
  adze_error *error = adze_backend_allocate (device_of (x), size, memory);
  if (!error) {
    x->facts.device += size;
    return NULL;
  }
  return adze_error_wrap (error, "the backend '%s' has no %llu bytes for the network's values",
                          adze_backend_id (device_of (x)), (unsigned long long)size);
}

adze_error *
adze_device_allocate (adze_executable *x, uint64_t size)
{
  uint64_t scratch = 0;
  for (size_t s = 0; s < x->step_count; s++)
    if (x->steps[s].far && x->steps[s].scratch_size > scratch)
      scratch = x->steps[s].scratch_size;
  if (size)
    ADZE_TRY (allocate (x, size, &x->far_block));
  return scratch ? allocate (x, scratch, &x->far_scratch) : NULL;
}

void
adze_device_release (adze_executable *x)
{
  if (x->far_block)
    adze_backend_give_back (device_of (x), x->far_block);
  if (x->far_scratch)
    adze_backend_give_back (device_of (x), x->far_scratch);
}

/* ---- A far step. */

static adze_error *
send (const adze_executable *x, uint32_t number)
{
  const adze_slot *slot = &x->slots[number];
  const void *from = adze_view_data (&slot->view);
  if (slot->size == 0)
    return NULL;
  if (!from)
    return adze_error_new (ADZE_E_CONTRACT,
                           "'%s' has no numbers that could be sent; weights must be loaded first",
                           x->graph->values[number]->name);
  return adze_backend_send (device_of (x), x->far_block, slot->far.byte_offset, from, slot->size);
}

static adze_error *
fetch (const adze_executable *x, uint32_t number)
{
  const adze_slot *slot = &x->slots[number];
  if (slot->size == 0)
    return NULL;
  return adze_backend_fetch (device_of (x), x->far_block, slot->far.byte_offset, slot->view.data,
                             slot->size);
}

adze_error *
adze_device_execute (adze_executable *x, adze_graph_step *step)
{
  for (size_t i = 0; i < step->sent_count; i++)
    ADZE_TRY (send (x, step->sent[i]));
  ADZE_TRY (adze_backend_execute (step->backend, step->program, step->input_views,
                                  step->output_views, x->far_scratch));
  for (size_t i = 0; i < step->fetched_count; i++)
    ADZE_TRY (fetch (x, step->fetched[i]));
  return NULL;
}
