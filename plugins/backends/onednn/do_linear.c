/* SPDX-License-Identifier: Apache-2.0 */
/* do_linear.c: QuantizeLinear and DequantizeLinear with one scale, and Clip of bytes, by loops of our
 * own: oneDNN multiplies where the operator divides, which is not the same for a number that lies
 * between two codes, and has no bounds for bytes. */
#include "integer.h"

#include <math.h>

#include "any_width.h"

enum { PIECE = 8192 };

typedef struct onednn_linear {
  dnnl_data_type_t from, to;
  float scale;
  int32_t zero;
  int32_t low, high; /* of Clip, which has the same type on both sides */
  size_t count;
} onednn_linear;

/* ---- The loops. */

#define QUANTISE(name, type, least, most) \
  ANY_WIDTH static void name (type *restrict out, const float *restrict in, float scale, float zero, \
                              size_t count) \
  { \
    for (size_t i = 0; i < count; i++) { \
      float code = rintf (in[i] / scale) + zero; \
      code = code == code ? code : 0; /* as ref has it */ \
      code = code > (least) ? code : (least); \
      code = code < (most) ? code : (most); \
      out[i] = (type)(int32_t)code; \
    } \
  }

QUANTISE (to_u8, uint8_t, 0, 255)
QUANTISE (to_s8, int8_t, -128, 127)

#define DEQUANTISE(name, type) \
  ANY_WIDTH static void name (float *restrict out, const type *restrict in, float scale, int32_t zero, \
                              size_t count) \
  { \
    for (size_t i = 0; i < count; i++) \
      out[i] = (float)(in[i] - zero) * scale; \
  }

DEQUANTISE (from_u8, uint8_t)
DEQUANTISE (from_s8, int8_t)

#define BOUND(name, type) \
  ANY_WIDTH static void name (type *restrict out, const type *restrict in, type low, type high, \
                              size_t count) \
  { \
    for (size_t i = 0; i < count; i++) { \
      type code = in[i] > low ? in[i] : low; \
      out[i] = code < high ? code : high; \
    } \
  }

BOUND (bound_u8, uint8_t)
BOUND (bound_s8, int8_t)

typedef struct pass {
  const onednn_linear *linear;
  const void *in;
  void *out;
} pass;

static adze_status
do_pieces (void *argument, size_t first, size_t last)
{
  const pass *w = argument;
  const onednn_linear *l = w->linear;
  size_t begin = first * PIECE, end = last * PIECE < l->count ? last * PIECE : l->count;
  size_t count = end - begin;
  if (l->from == l->to && l->to == dnnl_u8)
    bound_u8 ((uint8_t *)w->out + begin, (const uint8_t *)w->in + begin, (uint8_t)l->low,
              (uint8_t)l->high, count);
  else if (l->from == l->to)
    bound_s8 ((int8_t *)w->out + begin, (const int8_t *)w->in + begin, (int8_t)l->low,
              (int8_t)l->high, count);
  else if (l->to == dnnl_u8)
    to_u8 ((uint8_t *)w->out + begin, (const float *)w->in + begin, l->scale, (float)l->zero,
           count);
  else if (l->to == dnnl_s8)
    to_s8 ((int8_t *)w->out + begin, (const float *)w->in + begin, l->scale, (float)l->zero, count);
  else if (l->from == dnnl_u8)
    from_u8 ((float *)w->out + begin, (const uint8_t *)w->in + begin, l->scale, l->zero, count);
  else
    from_s8 ((float *)w->out + begin, (const int8_t *)w->in + begin, l->scale, l->zero, count);
  return ADZE_OK;
}

static adze_status
execute (const adze_host *host, const adze_program *p, const onednn_act *act)
{
  (void)host;
  const onednn_linear *linear = act->own;
  pass w = { linear, p->slots[act->args[0].slot].handle, p->slots[act->args[1].slot].handle };
  size_t pieces = (linear->count + PIECE - 1) / PIECE;
  onednn_share (pieces, 1, do_pieces, &w);
  return ADZE_OK;
}

/* ---- The nodes. */

static bool
is_dense (const dnnl_memory_desc_t *layout)
{
  return dnnl_memory_desc_get_size (layout)
         == (size_t)onednn_product (layout->dims, 0, layout->ndims)
                * dnnl_data_type_size (layout->data_type);
}

/* In the layout in which the input lies, unless that has gaps. */
static adze_status
add (onednn_part *part, onednn_linear linear)
{
  onednn_arg args[] = { { 0, 0 }, { 0, 0 } };
  dnnl_memory_desc_t layout;
  adze_status status = onednn_get (part, part->node->inputs[0], NULL, &args[0].slot);
  if (status == ADZE_OK && !is_dense (&part->program->slots[args[0].slot].layout)) {
    onednn_compact (onednn_in (part, 0), &layout);
    status = onednn_get (part, part->node->inputs[0], &layout, &args[0].slot);
  }
  if (status != ADZE_OK)
    return status;
  layout = part->program->slots[args[0].slot].layout;
  layout.data_type = linear.to;
  status = onednn_make (part, part->node->outputs[0], &layout, &args[1].slot);
  linear.count = (size_t)onednn_product (layout.dims, 0, layout.ndims);
  return status == ADZE_OK ? onednn_own_add (part, args, 2, execute, &linear, sizeof linear) : status;
}

static adze_status
linear_of (onednn_part *part, bool quantises)
{
  size_t count;
  onednn_linear linear = { .scale = 1 };
  adze_status status = onednn_need_numbers (part, 1);
  if (status != ADZE_OK)
    return status;
  linear.from = onednn_type_of (onednn_in (part, 0));
  linear.to = onednn_type_of (onednn_out (part, 0));
  const float *scale = onednn_known (part, 1, dnnl_f32, &count);
  const dnnl_data_type_t codes = quantises ? linear.to : linear.from;
  if ((quantises ? linear.from : linear.to) != dnnl_f32 || (codes != dnnl_u8 && codes != dnnl_s8)
      || !scale || count != 1)
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "it is not of bytes, with one known scale");
  linear.scale = *scale;
  status = onednn_byte_of (part, 2, quantises ? onednn_out (part, 0) : onednn_in (part, 0),
                           &linear.zero);
  return status == ADZE_OK ? add (part, linear) : status;
}

adze_status
onednn_quantize (onednn_part *part)
{
  return linear_of (part, true);
}

adze_status
onednn_dequantize (onednn_part *part)
{
  return linear_of (part, false);
}

/* Of bytes, between two that are known; of floats, as any function of one element. */
adze_status
onednn_clip (onednn_part *part)
{
  onednn_linear linear = { .scale = 1 };
  const adze_graph_value *x = onednn_in (part, 0);
  if (x && (onednn_type_of (x) == dnnl_f32 || onednn_type_of (x) == dnnl_bf16))
    return onednn_unary (part);
  adze_status status = onednn_need_numbers (part, 1);
  if (status == ADZE_OK && (!onednn_in (part, 1) || !onednn_in (part, 2)))
    status = onednn_refuse (part, ADZE_E_UNSUPPORTED, "it has not both bounds");
  if (status == ADZE_OK)
    status = onednn_byte_of (part, 1, x, &linear.low);
  if (status == ADZE_OK)
    status = onednn_byte_of (part, 2, x, &linear.high);
  if (status == ADZE_OK && linear.low > linear.high)
    status = onednn_refuse (part, ADZE_E_UNSUPPORTED, "its bounds cross");
  if (status != ADZE_OK)
    return status;
  linear.from = linear.to = onednn_type_of (x);
  return add (part, linear);
}
