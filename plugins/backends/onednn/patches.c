/* SPDX-License-Identifier: Apache-2.0 */
/* patches.c: what a window sees, as a row of a matrix. A convolution of few channels of bytes is
 * faster as a product of such rows, because a primitive for convolutions spends its time on
 * channels that are not there. Each row of a window has room for four bytes, the last of them beside weights of 0. */
#include "integer.h"

/* Bytes of a padded row of the images, at most: they lie on the stack. */
enum { LINE = 8192, ROWS_A_PIECE = 16 };

typedef struct patches {
  uint8_t pad; /* the zero point */
  size_t channels, height, width, out_height, out_width;
  size_t rows, stride[2], before[2]; /* ROWS of a window */
} patches;

typedef struct pass {
  const patches *patches;
  const uint8_t *in;
  uint8_t *out;
} pass;

/* Window row NUMBER (of all channels) of all windows of one row of positions. LINE is the row of the
 * image that it looks at, with what is around it. */
static void
spread (const patches *p, const uint8_t *line, size_t number, uint8_t *out)
{
  size_t each = p->channels * p->rows * ONEDNN_PATCH;
  for (size_t x = 0; x < p->out_width; x++)
    memcpy (out + x * each + number * ONEDNN_PATCH, line + x * p->stride[1], ONEDNN_PATCH);
}

static const uint8_t *
row_of (const pass *w, size_t image, size_t channel, size_t y)
{
  const patches *p = w->patches;
  return w->in + ((image * p->channels + channel) * p->height + y) * p->width;
}

static adze_status
do_rows (void *argument, size_t begin, size_t end)
{
  const pass *w = argument;
  const patches *p = w->patches;
  uint8_t line[LINE];
  memset (line, p->pad, sizeof line);
  for (size_t r = begin; r < end; r++) {
    size_t image = r / p->out_height, y = r % p->out_height * p->stride[0];
    uint8_t *out = w->out + r * p->out_width * p->channels * p->rows * ONEDNN_PATCH;
    for (size_t number = 0; number < p->channels * p->rows; number++) {
      size_t channel = number / p->rows, at = y + number % p->rows;
      if (at >= p->before[0] && at - p->before[0] < p->height)
        memcpy (line + p->before[1], row_of (w, image, channel, at - p->before[0]), p->width);
      else
        memset (line + p->before[1], p->pad, p->width);
      spread (p, line, number, out);
    }
  }
  return ADZE_OK;
}

static adze_status
execute (const adze_host *host, const adze_program *program, const onednn_act *act)
{
  (void)host;
  const patches *p = act->own;
  const dnnl_memory_desc_t *images = &program->slots[act->args[0].slot].layout;
  pass w = { p, program->slots[act->args[0].slot].handle,
             program->slots[act->args[1].slot].handle };
  size_t rows = (size_t)images->dims[0] * p->out_height;
  onednn_share (rows, ROWS_A_PIECE, do_rows, &w);
  return ADZE_OK;
}

bool
onednn_patches_do (const onednn_integer *m, const onednn_window *w, int64_t groups)
{
  const int64_t *x = m->x->shape, *k = m->w->shape, *y = m->y->shape;
  if (m->x->rank != 4 || groups != 1 || x[1] * k[2] > 9 || k[3] > ONEDNN_PATCH || x[2] < k[2]
      || w->dilations[0] || w->dilations[1] || y[2] * y[3] < 64)
    return false;
  int64_t seen = (y[3] - 1) * w->strides[1] + ONEDNN_PATCH;
  return seen <= LINE && w->before[1] + x[3] <= LINE;
}

adze_status
onednn_patches (onednn_part *part, const onednn_integer *m, const onednn_window *w, size_t *rows)
{
  const adze_graph_value *x = m->x, *y = m->y;
  dnnl_memory_desc_t layout;
  onednn_arg args[] = { { 0, 0 }, { 0, 0 } };
  const int64_t dims[] = { x->shape[0] * y->shape[2] * y->shape[3],
                           x->shape[1] * m->w->shape[2] * ONEDNN_PATCH };
  patches p = { .pad = (uint8_t)m->x_zero,
                .channels = (size_t)x->shape[1],
                .height = (size_t)x->shape[2],
                .width = (size_t)x->shape[3],
                .out_height = (size_t)y->shape[2],
                .out_width = (size_t)y->shape[3],
                .rows = (size_t)m->w->shape[2] };
  for (int d = 0; d < 2; d++) {
    p.stride[d] = (size_t)w->strides[d];
    p.before[d] = (size_t)w->before[d];
  }
  onednn_compact (x, &layout);
  adze_status status = onednn_get (part, part->node->inputs[0], &layout, &args[0].slot);
  onednn_strided (&layout, onednn_type_of (x), 2, dims, NULL);
  if (status == ADZE_OK)
    status = onednn_make_room (part, &layout, &args[1].slot);
  *rows = args[1].slot;
  return status == ADZE_OK ? onednn_own_add (part, args, 2, execute, &p, sizeof p) : status;
}

/* The weights as a matrix, one column for each channel of the result. */
adze_status
onednn_patch_weights (onednn_part *part, const onednn_integer *m, size_t *slot)
{
  const int64_t *k = m->w->shape;
  const size_t each = (size_t)(k[1] * k[2]), width = (size_t)k[3], channels = (size_t)k[0];
  const int64_t dims[] = { k[1] * k[2] * ONEDNN_PATCH, k[0] };
  dnnl_memory_desc_t layout;
  onednn_strided (&layout, dnnl_s8, 2, dims, NULL);
  int8_t *numbers = part->host->allocate (part->host, each * ONEDNN_PATCH * channels);
  if (!numbers)
    return onednn_refuse (part, ADZE_E_MEMORY, "no memory for its weights");
  memset (numbers, 0, each * ONEDNN_PATCH * channels);
  const int8_t *from = m->w->data;
  for (size_t c = 0; c < channels; c++)
    for (size_t i = 0; i < each * width; i++)
      numbers[(i / width * ONEDNN_PATCH + i % width) * channels + c] = from[c * each * width + i];
  return onednn_keep (part, numbers, &layout, slot);
}
