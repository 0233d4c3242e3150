/* SPDX-License-Identifier: Apache-2.0 */
/* pool_bytes.c: the greatest of each window, of bytes with channels last. oneDNN looks at each window by
 * itself; here a row of windows is first put together from the rows that it looks at, which lie one
 * behind the other, so that most of it is done in whole vectors. */
#include "onednn.h"

#include "any_width.h"

/* Bytes of a row of the images, at most: they lie on the stack. */
enum { LINE = 16384, ROWS_A_PIECE = 16 };

typedef struct pool {
  bool is_signed;
  size_t channels, height, width, out_height, out_width;
  size_t kernel[2], stride[2], before[2];
} pool;

/* ---- One row of windows: the greatest of rows FIRST to LAST - 1 of an image, and of these the greatest
 * of each window. */

#define POOL(name, type) \
  ANY_WIDTH_OF_BYTES static void name (const pool *p, const type *restrict image, size_t first, \
                                       size_t last, type *restrict line, type *restrict out) \
  { \
    size_t row = p->width * p->channels, channels = p->channels; \
    memcpy (line, image + first * row, row); \
    for (size_t y = first + 1; y < last; y++) { \
      const type *restrict other = image + y * row; \
      for (size_t i = 0; i < row; i++) \
        line[i] = line[i] > other[i] ? line[i] : other[i]; \
    } \
    for (size_t x = 0; x < p->out_width; x++, out += channels) { \
      size_t at = x * p->stride[1], end = at + p->kernel[1] - p->before[1]; \
      at = at > p->before[1] ? at - p->before[1] : 0; \
      end = end < p->width ? end : p->width; \
      const type *restrict from = line + at * channels; \
      memcpy (out, from, channels); \
      for (at++; at < end; at++) { \
        const type *restrict other = line + at * channels; \
        for (size_t c = 0; c < channels; c++) \
          out[c] = out[c] > other[c] ? out[c] : other[c]; \
      } \
    } \
  }

POOL (pool_u8, uint8_t)
POOL (pool_s8, int8_t)

typedef struct pass {
  const pool *pool;
  const char *in;
  char *out;
} pass;

static adze_status
do_rows (void *argument, size_t begin, size_t end)
{
  char line[LINE];
  const pass *w = argument;
  const pool *p = w->pool;
  for (size_t r = begin; r < end; r++) {
    size_t image = r / p->out_height, y = r % p->out_height * p->stride[0];
    size_t last = y + p->kernel[0] - p->before[0], first = y > p->before[0] ? y - p->before[0] : 0;
    const char *from = w->in + image * p->height * p->width * p->channels;
    char *to = w->out + r * p->out_width * p->channels;
    last = last < p->height ? last : p->height;
    if (p->is_signed)
      pool_s8 (p, (const int8_t *)from, first, last, (int8_t *)line, (int8_t *)to);
    else
      pool_u8 (p, (const uint8_t *)from, first, last, (uint8_t *)line, (uint8_t *)to);
  }
  return ADZE_OK;
}

static adze_status
execute (const adze_host *host, const adze_program *program, const onednn_act *act)
{
  (void)host;
  const pool *p = act->own;
  const dnnl_memory_desc_t *images = &program->slots[act->args[0].slot].layout;
  pass w = { p, program->slots[act->args[0].slot].handle,
             program->slots[act->args[1].slot].handle };
  size_t rows = (size_t)images->dims[0] * p->out_height;
  onednn_share (rows, ROWS_A_PIECE, do_rows, &w);
  return ADZE_OK;
}

/* ---- The node. */

void
onednn_channels_last (dnnl_memory_desc_t *layout, const adze_graph_value *value)
{
  const int64_t *s = value->shape;
  const int64_t strides[] = { s[1] * s[2] * s[3], 1, s[1] * s[3], s[1] };
  onednn_strided (layout, onednn_type_of (value), 4, s, strides);
}

/* Each window has something of the image. */
static bool
sees_something (const onednn_window *w)
{
  bool sees = true;
  for (int d = 0; d < 2; d++)
    sees = sees && w->dilations[d] == 0 && w->before[d] < w->kernel[d]
           && w->after[d] < w->kernel[d];
  return sees;
}

adze_status
onednn_pool_bytes (onednn_part *part, const onednn_window *w, bool *done)
{
  const adze_graph_value *x = onednn_in (part, 0), *y = onednn_out (part, 0);
  dnnl_memory_desc_t layout;
  onednn_arg args[] = { { 0, 0 }, { 0, 0 } };
  *done = false;
  dnnl_data_type_t type = onednn_type_of (x);
  if ((type != dnnl_u8 && type != dnnl_s8) || x->rank != 4 || !sees_something (w)
      || x->shape[1] * x->shape[3] > LINE)
    return ADZE_OK;
  adze_status status = onednn_get (part, part->node->inputs[0], NULL, &args[0].slot);
  onednn_channels_last (&layout, x);
  if (status != ADZE_OK || !onednn_same (&part->program->slots[args[0].slot].layout, &layout))
    return status;
  pool p = { .is_signed = layout.data_type == dnnl_s8,
             .channels = (size_t)x->shape[1],
             .height = (size_t)x->shape[2],
             .width = (size_t)x->shape[3],
             .out_height = (size_t)y->shape[2],
             .out_width = (size_t)y->shape[3] };
  for (int d = 0; d < 2; d++) {
    p.kernel[d] = (size_t)w->kernel[d];
    p.stride[d] = (size_t)w->strides[d];
    p.before[d] = (size_t)w->before[d];
  }
  onednn_channels_last (&layout, y);
  status = onednn_make (part, part->node->outputs[0], &layout, &args[1].slot);
  *done = true;
  return status == ADZE_OK ? onednn_own_add (part, args, 2, execute, &p, sizeof p) : status;
}
