/* SPDX-License-Identifier: Apache-2.0 */
/* place.c: where lies what is only needed in between, and how a program is executed. */
#include "onednn.h"

enum { ALIGN = 64 };

/* ---- Who needs a store, from which act to which. */

static void
need (adze_program *p, size_t slot, uint32_t act)
{
  onednn_store *store = &p->stores[p->slots[slot].store];
  if (store->first == UINT32_MAX)
    store->first = act;
  store->last = act;
}

static void
find_needs (adze_program *p)
{
  for (uint32_t a = 0; a < p->act_count; a++)
    for (int i = 0; i < p->acts[a].count; i++)
      need (p, p->acts[a].args[i].slot, a);
}

static bool
needs_room (const onednn_store *store)
{
  return store->where == ONEDNN_SCRATCH && store->first <= store->last;
}

static uint64_t
rounded (uint64_t size)
{
  return (size + ALIGN - 1) / ALIGN * ALIGN;
}

/* The lowest offset that no store of ORDER's first PLACED has while THIS is needed. */
static uint64_t
lowest (const adze_program *p, const size_t *order, size_t placed, const onednn_store *this)
{
  uint64_t offset = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t i = 0; i < placed; i++) {
      const onednn_store *other = &p->stores[order[i]];
      if (other->last < this->first || other->first > this->last
          || other->offset + rounded (other->size) <= offset
          || offset + rounded (this->size) <= other->offset)
        continue;
      offset = other->offset + rounded (other->size);
      moved = true;
    }
  }
  return offset;
}

/* Large ones first; of one size, those that are needed earlier. */
static bool
goes_first (const onednn_store *a, const onednn_store *b)
{
  return a->size != b->size ? a->size > b->size : a->first < b->first;
}

static adze_status
place (onednn_part *part)
{
  adze_program *p = part->program;
  size_t count = 0;
  size_t *order = part->host->allocate (part->host, (p->store_count + 1) * sizeof *order);
  if (!order)
    return onednn_refuse (part, ADZE_E_MEMORY, "no memory to place %zu stores", p->store_count);
  for (size_t i = 0; i < p->store_count; i++) {
    if (!needs_room (&p->stores[i]))
      continue;
    size_t at = count++;
    for (; at > 0 && goes_first (&p->stores[i], &p->stores[order[at - 1]]); at--)
      order[at] = order[at - 1];
    order[at] = i;
  }
  for (size_t i = 0; i < count; i++) {
    onednn_store *store = &p->stores[order[i]];
    store->offset = lowest (p, order, i, store);
    if (store->offset + rounded (store->size) > p->scratch)
      p->scratch = store->offset + rounded (store->size);
  }
  part->host->release (part->host, order);
  return ADZE_OK;
}

/* ---- The objects that primitives are executed with. */

static adze_status
make_memory (onednn_part *part, size_t number)
{
  onednn_slot *slot = &part->program->slots[number];
  const onednn_store *store = &part->program->stores[slot->store];
  if (slot->memory)
    return ADZE_OK;
  slot->handle = store->where == ONEDNN_KEPT ? store->kept : NULL;
  return onednn_checked (part,
                         dnnl_memory_create (&slot->memory, &slot->layout, part->self->engine,
                                             slot->handle ? slot->handle : DNNL_MEMORY_NONE),
                         "a memory object");
}

/* A list grows by doubling, and chains leave few of its acts. Nothing is lost where that fails. */
static void
trim (const adze_host *host, void **items, size_t *room, size_t count, size_t size)
{
  void *fitting = count > 0 && count < *room ? host->allocate (host, count * size) : NULL;
  if (!fitting)
    return;
  memcpy (fitting, *items, count * size);
  host->release (host, *items);
  *items = fitting;
  *room = count;
}

static void
trim_all (const adze_host *host, adze_program *p)
{
  void *acts = p->acts, *slots = p->slots;
  trim (host, &acts, &p->act_room, p->act_count, sizeof *p->acts);
  trim (host, &slots, &p->slot_room, p->slot_count, sizeof *p->slots);
  p->acts = acts;
  p->slots = slots;
}

adze_status
onednn_finish (onednn_part *part)
{
  adze_program *p = part->program;
  part->node = NULL; /* what goes wrong from here on is of all of them */
  adze_status status = onednn_chain_all (part);
  find_needs (p);
  if (status == ADZE_OK)
    status = place (part);
  trim_all (part->host, p);
  for (size_t a = 0; status == ADZE_OK && a < p->act_count; a++) {
    onednn_act *act = &p->acts[a];
    status = onednn_act_finish (part, act);
    for (int i = 0; status == ADZE_OK && i < act->count; i++) {
      status = make_memory (part, act->args[i].slot);
      act->given[i] = (dnnl_exec_arg_t){ act->args[i].what, p->slots[act->args[i].slot].memory };
    }
  }
  return status;
}

void
onednn_release (const adze_host *host, adze_program *p)
{
  if (!p)
    return;
  for (size_t i = 0; i < p->act_count; i++) {
    dnnl_primitive_desc_destroy (p->acts[i].descriptor);
    dnnl_primitive_destroy (p->acts[i].primitive);
    host->release (host, p->acts[i].own);
  }
  for (size_t i = 0; i < p->slot_count; i++)
    dnnl_memory_destroy (p->slots[i].memory);
  for (size_t i = 0; i < p->store_count; i++)
    if (p->stores[i].own)
      host->release (host, p->stores[i].kept);
  host->release (host, p->acts);
  host->release (host, p->slots);
  host->release (host, p->stores);
  host->release (host, p);
}

/* ---- Executing. */

static void *
place_now (const onednn_store *store, const adze_view *const *inputs, adze_view *const *outputs,
           void *scratch)
{
  switch (store->where) {
  case ONEDNN_INPUT:
    return adze_view_data (inputs[store->index]);
  case ONEDNN_OUTPUT:
    return adze_view_data (outputs[store->index]);
  case ONEDNN_SCRATCH:
    return (char *)scratch + store->offset;
  case ONEDNN_KEPT:
    break;
  }
  return store->kept;
}

/* A memory object is told where it lies only when that is another place than last time: telling it
 * zeroes the padding of blocked layouts. */
static dnnl_status_t
point (adze_program *p, const adze_view *const *inputs, adze_view *const *outputs, void *scratch)
{
  for (size_t i = 0; i < p->slot_count; i++) {
    onednn_slot *slot = &p->slots[i];
    if (!slot->memory)
      continue;
    void *handle = place_now (&p->stores[slot->store], inputs, outputs, scratch);
    if (handle == slot->handle)
      continue;
    dnnl_status_t status = dnnl_memory_set_data_handle (slot->memory, handle);
    if (status != dnnl_success)
      return status;
    slot->handle = handle;
  }
  return dnnl_success;
}

adze_status
onednn_execute (const adze_host *host, const onednn_self *self, adze_program *p,
                const adze_view *const *inputs, adze_view *const *outputs, void *scratch)
{
  dnnl_status_t status = point (p, inputs, outputs, scratch);
  for (size_t i = 0; status == dnnl_success && i < p->act_count; i++) {
    const onednn_act *act = &p->acts[i];
    if (act->primitive) {
      status = dnnl_primitive_execute (act->primitive, self->stream, act->count, act->given);
      continue;
    }
    adze_status ours = act->work (host, p, act);
    if (ours != ADZE_OK)
      return ours;
  }
  if (status == dnnl_success)
    status = dnnl_stream_wait (self->stream);
  return status == dnnl_success
             ? ADZE_OK
             : adze_fail (host, ADZE_E_CONTRACT, "oneDNN answers %d when it executes a part",
                          (int)status);
}
