/* SPDX-License-Identifier: Apache-2.0 */
/* halves.c: bfloat16 where oneDNN has no primitive for it: what our own loops are given as float32
 * and make as float32, and the gradient of Relu. */
#include "onednn.h"

#include "any_width.h"

/* ---- Loops of float32. */

static dnnl_data_type_t
type_of (const onednn_part *part, uint32_t value)
{
  return onednn_type_of (part->service->value (part->graph, value));
}

adze_status
onednn_get_floats (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *layout,
                   size_t *slot)
{
  dnnl_memory_desc_t wide = *layout;
  wide.data_type = dnnl_f32;
  return onednn_get (part, value, &wide, slot);
}

adze_status
onednn_make_floats (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *layout,
                    size_t *slot)
{
  dnnl_memory_desc_t wide = *layout;
  wide.data_type = dnnl_f32;
  return value == ADZE_NONE || type_of (part, value) != dnnl_f32
             ? onednn_make_room (part, &wide, slot)
             : onednn_make (part, value, &wide, slot);
}

adze_status
onednn_round_floats (onednn_part *part, uint32_t value, size_t slot)
{
  dnnl_memory_desc_t layout = part->program->slots[slot].layout;
  size_t to;
  if (value == ADZE_NONE || type_of (part, value) == dnnl_f32)
    return ADZE_OK;
  layout.data_type = type_of (part, value);
  adze_status status = onednn_make (part, value, &layout, &to);
  return status == ADZE_OK ? onednn_reorder (part, slot, to) : status;
}

/* ---- ReluGrad. */

enum { PIECE = 8192 };

typedef struct pass {
  const int16_t *x, *slope;
  int16_t *out;
  size_t count;
} pass;

/* What is above 0 is so as a whole number as well, and NaN lies beyond infinity. By masks, since a slope
 * that is only read on a condition is not read many at a time. */
ANY_WIDTH_OF_BYTES static void
let_through (int16_t *restrict out, const int16_t *restrict x, const int16_t *restrict slope,
             size_t count)
{
  enum { INFINITE = 0x7f80 };
  for (size_t i = 0; i < count; i++) {
    int16_t passes = (int16_t)-(x[i] > 0) & (int16_t)-(x[i] <= INFINITE);
    out[i] = slope[i] & passes;
  }
}

static adze_status
do_pieces (void *argument, size_t first, size_t last)
{
  const pass *w = argument;
  size_t begin = first * PIECE, end = last * PIECE < w->count ? last * PIECE : w->count;
  let_through (w->out + begin, w->x + begin, w->slope + begin, end - begin);
  return ADZE_OK;
}

/* Where there is something between the elements it is zeros, and stays so. */
static adze_status
execute (const adze_host *host, const adze_program *p, const onednn_act *act)
{
  (void)host;
  const size_t *size = act->own;
  pass w = { p->slots[act->args[0].slot].handle, p->slots[act->args[1].slot].handle,
             p->slots[act->args[2].slot].handle, *size / sizeof *w.out };
  size_t pieces = (w.count + PIECE - 1) / PIECE;
  onednn_share (pieces, 1, do_pieces, &w);
  return ADZE_OK;
}

adze_status
onednn_relu_grad_of_halves (onednn_part *part, const onednn_arg *args)
{
  const size_t size = dnnl_memory_desc_get_size (&part->program->slots[args[2].slot].layout);
  return onednn_own_add (part, args, 3, execute, &size, sizeof size);
}
