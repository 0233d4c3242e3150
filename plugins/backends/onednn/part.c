/* SPDX-License-Identifier: Apache-2.0 */
/* part.c: stores, slots and acts of a part. */
#include "onednn.h"

#include <oneapi/dnnl/dnnl_debug.h>

/* ---- Refusing. */

/* While it is only asked what could be done, a refusal is an answer and needs no words. */
adze_status
onednn_refuse (const onednn_part *part, adze_status status, const char *format, ...)
{
  char text[512];
  va_list arguments;
  if (part->trial)
    return status;
  va_start (arguments, format);
  vsnprintf (text, sizeof text, format, arguments);
  va_end (arguments);
  if (!part->node)
    return adze_fail (part->host, status, "%s", text);
  return adze_fail (part->host, status, "node %u%s%s%s (%s): %s", part->node->number,
                    part->node->name[0] ? " '" : "", part->node->name,
                    part->node->name[0] ? "'" : "", part->node->op, text);
}

adze_status
onednn_checked (const onednn_part *part, dnnl_status_t status, const char *what)
{
  if (status == dnnl_success)
    return ADZE_OK;
  adze_status ours = status == dnnl_out_of_memory   ? ADZE_E_MEMORY
                     : status == dnnl_unimplemented ? ADZE_E_UNSUPPORTED
                                                    : ADZE_E_CONTRACT;
  return onednn_refuse (part, ours, "oneDNN answers '%s' when it is to make %s",
                        dnnl_status2str (status), what);
}

static adze_status
no_memory (const onednn_part *part)
{
  return onednn_refuse (part, ADZE_E_MEMORY, "no memory for its program");
}

/* ---- What is known of a node. */

const adze_graph_value *
onednn_in (const onednn_part *part, size_t index)
{
  const adze_graph_node *node = part->node;
  return index < node->input_count && node->inputs[index] != ADZE_NONE
             ? part->service->value (part->graph, node->inputs[index])
             : NULL;
}

const adze_graph_value *
onednn_out (const onednn_part *part, size_t index)
{
  const adze_graph_node *node = part->node;
  return index < node->output_count && node->outputs[index] != ADZE_NONE
             ? part->service->value (part->graph, node->outputs[index])
             : NULL;
}

/* Of floats that are done here, or of bytes where those will do? */
static bool
fits (const onednn_part *part, const adze_graph_value *value, bool bytes)
{
  dnnl_data_type_t type = onednn_type_of (value);
  bool is_float = type == dnnl_f32 || (type == dnnl_bf16 && part->self->bfloats);
  if (!(is_float || (bytes && (type == dnnl_u8 || type == dnnl_s8))) || value->rank < 0
      || value->rank > DNNL_MAX_NDIMS)
    return false;
  int64_t count = 1;
  for (int32_t i = 0; i < value->rank; i++)
    if (value->shape[i] < 1 || __builtin_mul_overflow (count, value->shape[i], &count)
        || count > INT64_MAX / 8)
      return false;
  return true;
}

static adze_status
need (const onednn_part *part, size_t count, bool bytes)
{
  const char *floats = part->self->bfloats ? "float32 or bfloat16" : "float32";
  const char *more = bytes ? ", or a byte," : "";
  for (size_t i = 0; i < count; i++) {
    const adze_graph_value *value = onednn_in (part, i);
    if (value ? !fits (part, value, bytes) : i == 0)
      return onednn_refuse (part, ADZE_E_UNSUPPORTED,
                            "input %zu is not %s%s of known size, or is empty", i, floats, more);
  }
  const adze_graph_value *output = onednn_out (part, 0);
  if (!output || !fits (part, output, bytes))
    return onednn_refuse (part, ADZE_E_UNSUPPORTED,
                          "its output is not %s%s of known size, or is empty", floats, more);
  for (size_t i = 1; i < part->node->output_count; i++)
    if (onednn_out (part, i))
      return onednn_refuse (part, ADZE_E_UNSUPPORTED, "output %zu is asked for", i);
  return ADZE_OK;
}

adze_status
onednn_need_floats (const onednn_part *part, size_t count)
{
  return need (part, count, false);
}

adze_status
onednn_need_numbers (const onednn_part *part, size_t count)
{
  return need (part, count, true);
}

/* ---- Lists that grow. */

static bool
grow (const adze_host *host, void **items, size_t *room, size_t count, size_t size)
{
  if (count < *room)
    return true;
  size_t more = *room ? 2 * *room : 16;
  void *items_now = host->allocate (host, more * size);
  if (!items_now)
    return false;
  if (count)
    memcpy (items_now, *items, count * size);
  host->release (host, *items);
  *items = items_now;
  *room = more;
  return true;
}

static adze_status
add_store (onednn_part *part, onednn_store store, size_t *number)
{
  adze_program *p = part->program;
  void *items = p->stores;
  if (!grow (part->host, &items, &p->store_room, p->store_count, sizeof store))
    return no_memory (part);
  p->stores = items;
  store.first = UINT32_MAX;
  *number = p->store_count;
  p->stores[p->store_count++] = store;
  return ADZE_OK;
}

static adze_status
add_slot (onednn_part *part, uint32_t value, size_t store, const dnnl_memory_desc_t *layout,
          size_t *number)
{
  adze_program *p = part->program;
  const dnnl_memory_desc_t copy = *layout; /* it may be another slot's, which moves */
  void *items = p->slots;
  if (!grow (part->host, &items, &p->slot_room, p->slot_count, sizeof *p->slots))
    return no_memory (part);
  p->slots = items;
  *number = p->slot_count;
  p->slots[p->slot_count++] = (onednn_slot){ .value = value, .store = store, .layout = copy };
  return ADZE_OK;
}

static adze_status
add_room (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *layout, size_t *slot)
{
  size_t store;
  adze_status status = add_store (
      part, (onednn_store){ .where = ONEDNN_SCRATCH, .size = dnnl_memory_desc_get_size (layout) },
      &store);
  return status == ADZE_OK ? add_slot (part, value, store, layout, slot) : status;
}

/* ---- Values. */

static uint32_t
place_of (const uint32_t *values, size_t count, uint32_t value)
{
  for (size_t i = 0; i < count; i++)
    if (values[i] == value)
      return (uint32_t)i;
  return ADZE_NONE;
}

/* VALUE as it comes into the part, compact. */
static adze_status
bring_in (onednn_part *part, uint32_t number, size_t *slot)
{
  const adze_graph_value *value = part->service->value (part->graph, number);
  onednn_store store = { .where = ONEDNN_INPUT };
  dnnl_memory_desc_t compact;
  size_t count, at;
  if (value->role == ADZE_ROLE_CONSTANT && value->data) {
    store.where = ONEDNN_KEPT;
    memcpy (&store.kept, &value->data, sizeof store.kept); /* read only, whatever its type says */
  } else if (!part->trial) {
    const uint32_t *inputs = part->service->inputs (part->graph, &count);
    store.index = place_of (inputs, count, number);
    if (store.index == ADZE_NONE)
      return onednn_refuse (part, ADZE_E_CONTRACT,
                            "'%s' is neither an input of its part, nor a constant, nor made in it",
                            value->name);
  }
  onednn_compact (value, &compact);
  adze_status status = add_store (part, store, &at);
  return status == ADZE_OK ? add_slot (part, number, at, &compact, slot) : status;
}

/* The first slot of VALUE is how it came about: what others are made from. */
static adze_status
first_slot (onednn_part *part, uint32_t value, size_t *slot)
{
  const adze_program *p = part->program;
  for (size_t i = 0; i < p->slot_count; i++)
    if (p->slots[i].value == value) {
      *slot = i;
      return ADZE_OK;
    }
  return bring_in (part, value, slot);
}

static size_t
find_slot (const onednn_part *part, uint32_t value, const dnnl_memory_desc_t *layout)
{
  const adze_program *p = part->program;
  for (size_t i = 0; i < p->slot_count; i++)
    if (p->slots[i].value == value && onednn_same (&p->slots[i].layout, layout))
      return i;
  return ONEDNN_NO_SLOT;
}

static bool
is_kept (const onednn_part *part, size_t slot)
{
  return part->program->stores[part->program->slots[slot].store].where == ONEDNN_KEPT;
}

/* What STORE has for its own goes with the program, or at once where it does not get into it. */
static adze_status
add_kept (onednn_part *part, onednn_store store, size_t *at)
{
  adze_status status = add_store (part, store, at);
  if (status != ADZE_OK && store.own)
    part->host->release (part->host, store.kept);
  return status;
}

/* A copy of what FROM keeps, in LAYOUT: done now, once and for all. */
static adze_status
keep_in (onednn_part *part, size_t from, uint32_t value, const dnnl_memory_desc_t *layout,
         size_t *slot)
{
  onednn_store store = { .where = ONEDNN_KEPT, .size = dnnl_memory_desc_get_size (layout) };
  size_t at;
  if (!part->trial) {
    store.own = true;
    store.kept = part->host->allocate (part->host, store.size ? store.size : 1);
    if (!store.kept)
      return no_memory (part);
  }
  adze_status status = add_kept (part, store, &at);
  if (status == ADZE_OK)
    status = add_slot (part, value, at, layout, slot);
  return status == ADZE_OK ? onednn_reorder (part, from, *slot) : status;
}

/* What lies in FROM, in LAYOUT. VALUE: who else looks for it. */
static adze_status
convert (onednn_part *part, size_t from, uint32_t value, const dnnl_memory_desc_t *layout,
         size_t *slot)
{
  if (is_kept (part, from))
    return keep_in (part, from, value, layout, slot);
  adze_status status = add_room (part, value, layout, slot);
  return status == ADZE_OK ? onednn_reorder (part, from, *slot) : status;
}

adze_status
onednn_convert (onednn_part *part, size_t from, const dnnl_memory_desc_t *layout, size_t *slot)
{
  *slot = from;
  return onednn_same (&part->program->slots[from].layout, layout)
             ? ADZE_OK
             : convert (part, from, ADZE_NONE, layout, slot);
}

adze_status
onednn_get (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *layout, size_t *slot)
{
  size_t first;
  adze_status status = first_slot (part, value, &first);
  *slot = first;
  if (status != ADZE_OK || !layout)
    return status;
  *slot = find_slot (part, value, layout);
  return *slot != ONEDNN_NO_SLOT ? ADZE_OK : convert (part, first, value, layout, slot);
}

/* The same bytes have other dimensions, and never another type. */
static adze_status
need_type (const onednn_part *part, const dnnl_memory_desc_t *compact,
           const dnnl_memory_desc_t *seen)
{
  return compact->data_type == seen->data_type
             ? ADZE_OK
             : onednn_refuse (part, ADZE_E_UNSUPPORTED, "it has operands of several types");
}

adze_status
onednn_see (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *seen, size_t *slot)
{
  dnnl_memory_desc_t compact;
  size_t plain;
  onednn_compact (part->service->value (part->graph, value), &compact);
  if (need_type (part, &compact, seen) != ADZE_OK)
    return ADZE_E_UNSUPPORTED;
  adze_status status = onednn_get (part, value, &compact, &plain);
  if (status != ADZE_OK || onednn_same (&compact, seen)) {
    *slot = plain;
    return status;
  }
  return add_slot (part, ADZE_NONE, part->program->slots[plain].store, seen, slot);
}

adze_status
onednn_see_in (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *seen,
               const dnnl_memory_desc_t *layout, size_t *slot)
{
  size_t from;
  *slot = find_slot (part, value, layout);
  if (*slot != ONEDNN_NO_SLOT)
    return ADZE_OK;
  adze_status status = onednn_see (part, value, seen, &from);
  if (status != ADZE_OK || onednn_same (seen, layout)) {
    *slot = from;
    return status;
  }
  return convert (part, from, value, layout, slot);
}

/* ---- Making. */

/* Which output of the part VALUE is, or ADZE_NONE. */
static uint32_t
output_of (const onednn_part *part, uint32_t value)
{
  size_t count;
  if (part->trial)
    return ADZE_NONE;
  const uint32_t *outputs = part->service->outputs (part->graph, &count);
  return place_of (outputs, count, value);
}

adze_status
onednn_make (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *layout, size_t *slot)
{
  dnnl_memory_desc_t compact;
  uint32_t output = output_of (part, value);
  size_t store;
  onednn_compact (part->service->value (part->graph, value), &compact);
  if (output == ADZE_NONE || !onednn_same (&compact, layout))
    return add_room (part, value, layout, slot);
  adze_status status
      = add_store (part, (onednn_store){ .where = ONEDNN_OUTPUT, .index = output }, &store);
  return status == ADZE_OK ? add_slot (part, value, store, layout, slot) : status;
}

adze_status
onednn_make_seen (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *seen, size_t *slot)
{
  dnnl_memory_desc_t compact;
  onednn_compact (part->service->value (part->graph, value), &compact);
  if (need_type (part, &compact, seen) != ADZE_OK)
    return ADZE_E_UNSUPPORTED;
  adze_status status = onednn_make (part, value, &compact, slot);
  if (status != ADZE_OK || onednn_same (&compact, seen))
    return status;
  return add_slot (part, ADZE_NONE, part->program->slots[*slot].store, seen, slot);
}

adze_status
onednn_make_room (onednn_part *part, const dnnl_memory_desc_t *layout, size_t *slot)
{
  return add_room (part, ADZE_NONE, layout, slot);
}

adze_status
onednn_make_ones (onednn_part *part, size_t count, const dnnl_memory_desc_t *layout, size_t *slot)
{
  onednn_store store = { .where = ONEDNN_KEPT, .own = !part->trial };
  bool half = layout->data_type == dnnl_bf16;
  size_t at;
  if (store.own) {
    store.kept = part->host->allocate (part->host, count * dnnl_data_type_size (layout->data_type));
    if (!store.kept)
      return no_memory (part);
    for (size_t i = 0; i < count; i++)
      if (half)
        ((uint16_t *)store.kept)[i] = adze_bfloat_from_float (1);
      else
        ((float *)store.kept)[i] = 1;
  }
  adze_status status = add_kept (part, store, &at);
  return status == ADZE_OK ? add_slot (part, ADZE_NONE, at, layout, slot) : status;
}

/* A trial keeps nothing. */
adze_status
onednn_keep (onednn_part *part, void *numbers, const dnnl_memory_desc_t *layout, size_t *slot)
{
  onednn_store store = { .where = ONEDNN_KEPT, .own = !part->trial };
  size_t at;
  if (part->trial)
    part->host->release (part->host, numbers);
  else
    store.kept = numbers;
  adze_status status = add_kept (part, store, &at);
  return status == ADZE_OK ? add_slot (part, ADZE_NONE, at, layout, slot) : status;
}

adze_status
onednn_read_as (onednn_part *part, size_t slot, const dnnl_memory_desc_t *layout, size_t *other)
{
  return add_slot (part, ADZE_NONE, part->program->slots[slot].store, layout, other);
}

adze_status
onednn_alias (onednn_part *part, uint32_t value, size_t slot, const dnnl_memory_desc_t *layout)
{
  size_t made;
  return add_slot (part, value, part->program->slots[slot].store, layout, &made);
}

static bool
is_delivered (const onednn_part *part, uint32_t value, uint32_t output)
{
  const adze_program *p = part->program;
  for (size_t i = 0; i < p->slot_count; i++) {
    const onednn_store *store = &p->stores[p->slots[i].store];
    if (p->slots[i].value == value && store->where == ONEDNN_OUTPUT && store->index == output)
      return true;
  }
  return false;
}

adze_status
onednn_deliver (onednn_part *part, const adze_graph_node *node)
{
  for (size_t i = 0; i < node->output_count; i++) {
    uint32_t value = node->outputs[i];
    uint32_t output = value == ADZE_NONE ? value : output_of (part, value);
    size_t from, to;
    dnnl_memory_desc_t compact;
    if (output == ADZE_NONE || is_delivered (part, value, output))
      continue;
    onednn_compact (part->service->value (part->graph, value), &compact);
    adze_status status = first_slot (part, value, &from);
    if (status == ADZE_OK)
      status = onednn_make (part, value, &compact, &to);
    if (status == ADZE_OK)
      status = onednn_reorder (part, from, to);
    if (status != ADZE_OK)
      return status;
  }
  return ADZE_OK;
}

/* ---- Acts. */

static adze_status
add_scratchpad (onednn_part *part, const_dnnl_primitive_desc_t descriptor, onednn_act *act)
{
  const dnnl_memory_desc_t *room = onednn_layout_of (descriptor, dnnl_query_scratchpad_md);
  if (!room || dnnl_memory_desc_get_size (room) == 0)
    return ADZE_OK;
  act->args[act->count].what = DNNL_ARG_SCRATCHPAD;
  return onednn_make_room (part, room, &act->args[act->count++].slot);
}

adze_status
onednn_own_act_add (onednn_part *part, const onednn_arg *args, size_t count)
{
  adze_program *p = part->program;
  void *items = p->acts;
  if (count >= ONEDNN_ARGS)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "it has %zu arguments; %d are possible", count,
                          ONEDNN_ARGS - 1);
  if (part->trial)
    return ADZE_OK;
  if (!grow (part->host, &items, &p->act_room, p->act_count, sizeof *p->acts))
    return no_memory (part);
  p->acts = items;
  onednn_act *act = &p->acts[p->act_count++];
  *act = (onednn_act){ .count = (int)count };
  memcpy (act->args, args, count * sizeof *args);
  return ADZE_OK;
}

adze_status
onednn_own_add (onednn_part *part, const onednn_arg *args, size_t count, onednn_work *work,
                const void *own, size_t size)
{
  adze_status status = onednn_own_act_add (part, args, count);
  if (status != ADZE_OK || part->trial)
    return status;
  onednn_act *act = &part->program->acts[part->program->act_count - 1];
  act->own = part->host->allocate (part->host, size);
  if (!act->own)
    return no_memory (part);
  memcpy (act->own, own, size);
  act->work = work;
  return ADZE_OK;
}

/* The primitive is made once all acts are there: what becomes a link of a chain needs none, and to make one
 * is to write machine code, which stays. */
adze_status
onednn_act_add (onednn_part *part, dnnl_primitive_desc_t descriptor, const onednn_arg *args,
                size_t count)
{
  adze_status status = onednn_own_act_add (part, args, count);
  if (status != ADZE_OK || part->trial) {
    dnnl_primitive_desc_destroy (descriptor);
    return status;
  }
  onednn_act *act = &part->program->acts[part->program->act_count - 1];
  act->descriptor = descriptor;
  return add_scratchpad (part, descriptor, act);
}

adze_status
onednn_act_finish (onednn_part *part, onednn_act *act)
{
  if (!act->descriptor)
    return ADZE_OK;
  adze_status status = onednn_checked (
      part, dnnl_primitive_create (&act->primitive, act->descriptor), "a primitive");
  dnnl_primitive_desc_destroy (act->descriptor);
  act->descriptor = NULL;
  return status;
}

/* One primitive, by itself, at once. */
static adze_status
run_now (onednn_part *part, const_dnnl_primitive_desc_t descriptor, size_t from, size_t to)
{
  adze_program *p = part->program;
  dnnl_primitive_t primitive = NULL;
  dnnl_memory_t source = NULL, target = NULL;
  dnnl_status_t status = dnnl_primitive_create (&primitive, descriptor);
  if (status == dnnl_success)
    status = dnnl_memory_create (&source, &p->slots[from].layout, part->self->engine,
                                 p->stores[p->slots[from].store].kept);
  if (status == dnnl_success)
    status = dnnl_memory_create (&target, &p->slots[to].layout, part->self->engine,
                                 p->stores[p->slots[to].store].kept);
  const dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, source }, { DNNL_ARG_TO, target } };
  if (status == dnnl_success)
    status = dnnl_primitive_execute (primitive, part->self->stream, 2, args);
  if (status == dnnl_success)
    status = dnnl_stream_wait (part->self->stream);
  dnnl_memory_destroy (source);
  dnnl_memory_destroy (target);
  dnnl_primitive_destroy (primitive);
  return onednn_checked (part, status, "another layout of a constant");
}

adze_status
onednn_reorder (onednn_part *part, size_t from, size_t to)
{
  const adze_program *p = part->program;
  dnnl_primitive_desc_t descriptor;
  bool now = is_kept (part, to);
  adze_status status = onednn_checked (
      part,
      dnnl_reorder_primitive_desc_create (&descriptor, &p->slots[from].layout, part->self->engine,
                                          &p->slots[to].layout, part->self->engine,
                                          now ? NULL : part->self->attributes),
      "a reorder");
  if (status != ADZE_OK)
    return status;
  if (!now) {
    const onednn_arg args[] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };
    return onednn_act_add (part, descriptor, args, 2);
  }
  status = part->trial ? ADZE_OK : run_now (part, descriptor, from, to);
  dnnl_primitive_desc_destroy (descriptor);
  return status;
}
