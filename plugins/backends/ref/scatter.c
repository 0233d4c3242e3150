/* SPDX-License-Identifier: Apache-2.0 */
/* scatter.c: elements and blocks to where indices say. One thread does it, in order: where two go
 * to the same place the later one stays, and sums are always taken in the same order. */
#include "indices.h"
#include "move.h"

/* COUNT numbers are joined to those that are there. */
typedef void (*join_function) (void *into, const void *from, size_t count);

#define JOIN(name, type, operation) \
  static void name (void *into, const void *from, size_t count) \
  { \
    type *a = into; \
    const type *b = from; \
    for (size_t i = 0; i < count; i++) \
      a[i] = (type)(a[i] operation b[i]); \
  }
#define JOINS(which, type, suffix) \
  JOIN (add_##suffix, type, +) \
  JOIN (multiply_##suffix, type, *)
REF_EACH_FLOAT (JOINS)
/* Whole numbers wrap round, with and without sign alike. */
#define WHOLE_JOIN(name, type, operation) \
  static void name (void *into, const void *from, size_t count) \
  { \
    type *a = into; \
    const type *b = from; \
    for (size_t i = 0; i < count; i++) \
      a[i] = (type)((uint64_t)a[i] operation b[i]); \
  }
#define WHOLE_JOINS(which, type, suffix) \
  WHOLE_JOIN (add_##suffix, type, +) \
  WHOLE_JOIN (multiply_##suffix, type, *)
REF_EACH_UNSIGNED (WHOLE_JOINS)

static const struct {
  const char *name;
  join_function functions[REF_OTHER + 1];
} joins[] = {
  { "add",
    { [REF_F32] = add_f32, [REF_F64] = add_f64, [REF_I8] = add_u8, [REF_I16] = add_u16,
      [REF_I32] = add_u32, [REF_I64] = add_u64, [REF_U8] = add_u8, [REF_U16] = add_u16,
      [REF_U32] = add_u32, [REF_U64] = add_u64 } },
  { "mul",
    { [REF_F32] = multiply_f32, [REF_F64] = multiply_f64, [REF_I8] = multiply_u8,
      [REF_I16] = multiply_u16, [REF_I32] = multiply_u32, [REF_I64] = multiply_u64,
      [REF_U8] = multiply_u8, [REF_U16] = multiply_u16, [REF_U32] = multiply_u32,
      [REF_U64] = multiply_u64 } },
};

/* NULL: they replace what is there. */
static adze_status
find_join (const ref_call *call, join_function *join)
{
  const char *name = adze_node_text (call->node, "reduction", "none");
  *join = NULL;
  for (size_t i = 0; i < sizeof joins / sizeof *joins; i++)
    if (strcmp (joins[i].name, name) == 0) {
      *join = joins[i].functions[ref_view_type (call->inputs[0])];
      return *join ? ADZE_OK : ref_refuse_type (call, 0);
    }
  if (strcmp (name, "none") == 0)
    return ADZE_OK;
  return ref_refuse (call, ADZE_E_FORMAT, "reduction is '%s'; it is none, add or mul", name);
}

/* The output begins as the data; then blocks of BLOCK elements of input 2 go to PLACES. */
static adze_status
scatter_blocks (ref_call *call, const size_t *places, size_t count, size_t block)
{
  const adze_view *in = call->inputs[0], *updates = call->inputs[2];
  adze_view *out = call->outputs[0];
  size_t size = ref_size_of (in->dtype);
  join_function join;
  adze_status status = find_join (call, &join);
  if (status != ADZE_OK)
    return status;
  if (!ref_same_shape (in, out))
    return ref_refuse (call, ADZE_E_CONTRACT, "the output has another shape than the data");
  char *into = adze_view_data (out);
  const char *from = adze_view_data (updates);
  if (adze_view_count (in) == 0)
    return ADZE_OK;
  memcpy (into, adze_view_data (in), adze_view_count (in) * size);
  for (size_t i = 0; i < count; i++, from += block * size)
    if (join)
      join (into + places[i] * size, from, block);
    else
      memcpy (into + places[i] * size, from, block * size);
  return ADZE_OK;
}

static adze_status
begin_scatter (ref_call *call, const adze_view **in, adze_view **out)
{
  ref_move move;
  adze_status status = ref_move_begin (call, in, out, &move);
  if (status != ADZE_OK)
    return status;
  const adze_view *updates = ref_in (call, 2);
  if (!ref_in (call, 1) || !updates)
    return ref_refuse_type (call, updates ? 1 : 2);
  if (!adze_dtype_same ((*in)->dtype, updates->dtype))
    return ref_refuse (call, ADZE_E_FORMAT, "updates are of type %s, and the data of %s",
                       ref_type_name (updates->dtype), ref_type_name ((*in)->dtype));
  return ADZE_OK;
}

static adze_status
scatter_elements_run (ref_call *call)
{
  const adze_view *in;
  adze_view *out;
  int32_t axis = 0;
  adze_status status = begin_scatter (call, &in, &out);
  if (status == ADZE_OK)
    status = ref_axis (call, adze_node_int (call->node, "axis", 0), in->rank, &axis);
  if (status == ADZE_OK)
    status = ref_check_along (call, 1, axis);
  const int64_t *indices = NULL;
  if (status == ADZE_OK)
    status = ref_indices (call, 1, &in->shape[axis], 1, &indices);
  if (status != ADZE_OK || !out)
    return status;
  if (!ref_same_shape (call->inputs[1], call->inputs[2]))
    return ref_refuse (call, ADZE_E_FORMAT, "indices and updates have different shapes");
  size_t count = adze_view_count (call->inputs[1]);
  size_t *places = ref_take (call, count, sizeof *places);
  if (!places)
    return ref_no_memory (call);
  for (size_t i = 0; i < count; i++)
    places[i] = ref_place_along (in, call->inputs[1], axis, i, indices[i]);
  return scatter_blocks (call, places, count, 1);
}

static adze_status
scatter_nd_run (ref_call *call)
{
  const adze_view *in;
  adze_view *out;
  const size_t *places = NULL;
  size_t count = 0, block = 0;
  adze_status status = begin_scatter (call, &in, &out);
  if (status == ADZE_OK)
    status = ref_block_places (call, 1, in, 0, &places, &count, &block);
  if (status != ADZE_OK || !out)
    return status;
  if (adze_view_count (call->inputs[2]) != count * block)
    return ref_refuse (call, ADZE_E_FORMAT, "%zu updates, where %zu blocks of %zu are named",
                       adze_view_count (call->inputs[2]), count, block);
  return scatter_blocks (call, places, count, block);
}

/* A reduction computes, so it does float16 by way of float32; without one elements only move, and
 * every type does. */
static bool
only_moves (const ref_question *question)
{
  return strcmp (adze_node_text (question->node, "reduction", "none"), "none") == 0
         && ref_moves (question);
}

#define SCATTERED(name, function) \
  { "", name, 0, false, only_moves, function }, { "", name, REF_NUMBERS, true, NULL, function }

const ref_kernel ref_kernels_scatter[] = {
  SCATTERED ("Scatter", scatter_elements_run),
  SCATTERED ("ScatterElements", scatter_elements_run),
  SCATTERED ("ScatterND", scatter_nd_run),
  { .op = NULL },
};
