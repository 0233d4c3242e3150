/* SPDX-License-Identifier: Apache-2.0 */
/* move.c: elements from one place to another. */
#include "move.h"

/* Dimensions of one go away, and two that lie one behind the other in both places become one. */
static void
simplify (const ref_move *move, ref_move *simple)
{
  *simple = *move;
  simple->rank = 0;
  for (int32_t d = 0; d < move->rank; d++) {
    int32_t last = simple->rank - 1;
    ptrdiff_t size = (ptrdiff_t)move->shape[d];
    if (size == 1)
      continue;
    if (last >= 0 && simple->to[last] == move->to[d] * size
        && simple->from[last] == move->from[d] * size) {
      simple->shape[last] *= (size_t)size;
      simple->to[last] = move->to[d];
      simple->from[last] = move->from[d];
    } else
      ref_move_add (simple, (size_t)size, move->to[d], move->from[d]);
  }
  if (simple->rank == 0)
    ref_move_add (simple, 1, 1, 1);
}

#define MOVE_ROW(type) \
  static void move_##type (void *into, const void *out_of, size_t count, ptrdiff_t to, \
                           ptrdiff_t from) \
  { \
    type *a = into; \
    const type *b = out_of; \
    for (ptrdiff_t i = 0; i < (ptrdiff_t)count; i++) \
      a[i * to] = b[i * from]; \
  }
MOVE_ROW (uint8_t)
MOVE_ROW (uint16_t)
MOVE_ROW (uint32_t)
MOVE_ROW (uint64_t)

static void
move_row (const ref_move *move, char *into, const char *out_of)
{
  int32_t last = move->rank - 1;
  size_t count = move->shape[last];
  ptrdiff_t to = move->to[last], from = move->from[last];
  if (to == 1 && from == 1)
    memcpy (into, out_of, count * move->size);
  else if (move->size == 1)
    move_uint8_t (into, out_of, count, to, from);
  else if (move->size == 2)
    move_uint16_t (into, out_of, count, to, from);
  else if (move->size == 4)
    move_uint32_t (into, out_of, count, to, from);
  else if (move->size == 8)
    move_uint64_t (into, out_of, count, to, from);
  else
    for (ptrdiff_t i = 0; i < (ptrdiff_t)count; i++)
      memcpy (into + i * to * (ptrdiff_t)move->size, out_of + i * from * (ptrdiff_t)move->size,
              move->size);
}

static adze_status
move_rows (void *argument, size_t first, size_t last)
{
  const ref_move *move = argument;
  for (size_t i = first; i < last; i++) {
    ptrdiff_t to = 0, from = 0;
    size_t rest = i;
    for (int32_t d = move->rank - 1; d-- > 0;) {
      ptrdiff_t place = (ptrdiff_t)(rest % move->shape[d]);
      rest /= move->shape[d];
      to += place * move->to[d];
      from += place * move->from[d];
    }
    move_row (move, move->into + to * (ptrdiff_t)move->size,
              move->out_of + from * (ptrdiff_t)move->size);
  }
  return ADZE_OK;
}

adze_status
ref_move_run (ref_call *call, const ref_move *move)
{
  ref_move simple;
  size_t rows = 1;
  for (int32_t d = 0; d < move->rank; d++)
    if (move->shape[d] == 0)
      return ADZE_OK;
  simplify (move, &simple);
  for (int32_t d = 0; d < simple.rank - 1; d++)
    rows *= simple.shape[d];
  return adze_parallel_for (call->host, rows, ref_grain (simple.shape[simple.rank - 1]), move_rows,
                            &simple);
}

void
ref_strides (const adze_view *view, ptrdiff_t *strides)
{
  ptrdiff_t reach = 1;
  for (int32_t d = view->rank; d-- > 0;) {
    strides[d] = reach;
    reach *= (ptrdiff_t)view->shape[d];
  }
}

adze_status
ref_move_begin (ref_call *call, const adze_view **in, adze_view **out, ref_move *move)
{
  *in = ref_in (call, 0);
  *out = ref_out (call, 0);
  *move = (ref_move){ .rank = 0 };
  if (!*in || ref_size_of ((*in)->dtype) == 0)
    return ref_refuse_type (call, 0);
  if ((*in)->rank > ADZE_GRAPH_RANK || (*out && (*out)->rank > ADZE_GRAPH_RANK))
    return ref_refuse (call, ADZE_E_LIMIT, "more than %d dimensions", ADZE_GRAPH_RANK);
  move->size = ref_size_of ((*in)->dtype);
  move->out_of = adze_view_data (*in);
  if (!*out)
    return ADZE_OK;
  move->into = adze_view_data (*out);
  if (!adze_dtype_same ((*in)->dtype, (*out)->dtype))
    return ref_refuse (call, ADZE_E_CONTRACT, "its output is of another type than its input");
  return ADZE_OK;
}

bool
ref_moves (const ref_question *question)
{
  const adze_graph_value *value = ref_asked_input (question, 0);
  return !value || (value->dtype.code != ADZE_OPAQUE && value->dtype.bits % 8 == 0);
}
