/* SPDX-License-Identifier: Apache-2.0 */
#include "gram.h"

#include <string.h>

/* The build forbids the compiler to add and multiply in one, so that all widths give the same. */
#if defined __x86_64__ && defined __linux__ && !defined __clang__ /* whose other files would not find them */
#define ANY_WIDTH __attribute__ ((target_clones ("avx512f", "avx2", "default")))
#else
#define ANY_WIDTH
#endif

/* Rows that are summed up at once, and the sides of what is summed up in registers. */
enum { BLOCK = 128, TALL = 8, WIDE = 16 };

/* ---- Windows. */

static void
read_ints (const adze_graph_node *node, const char *name, int32_t dimensions, size_t from, int64_t preset, int64_t *into)
{
  size_t count = 0;
  const int64_t *given = adze_node_ints (node, name, &count);
  for (int32_t d = 0; d < 3; d++) {
    size_t at = from + (size_t)(d - (3 - dimensions));
    into[d] = d >= 3 - dimensions && given && at < count ? given[at] : preset;
  }
}

static void
read_window (const static_run *s, const static_layer *layer, gram_window *w)
{
  const adze_graph_node *node = s->graphs->node (s->graph, layer->node);
  const adze_graph_value *weight = s->graphs->value (s->graph, layer->weight);
  int32_t dimensions = layer->kind == LAYER_CONV ? weight->rank - 2 : 0;
  const char *pad = adze_node_text (node, "auto_pad", "NOTSET");
  for (int32_t d = 0; d < 3; d++)
    w->kernel[d] = d >= 3 - dimensions ? weight->shape[d - (3 - dimensions) + 2] : 1;
  read_ints (node, "strides", dimensions, 0, 1, w->stride);
  read_ints (node, "dilations", dimensions, 0, 1, w->dilation);
  read_ints (node, "pads", dimensions, 0, 0, w->before);
  read_ints (node, "pads", dimensions, (size_t)dimensions, 0, w->behind);
  w->pad = strncmp (pad, "SAME_UPPER", 10) == 0 ? 1 : strncmp (pad, "SAME_LOWER", 10) == 0 ? 2
           : strncmp (pad, "VALID", 5) == 0 ? 3 : 0;
}

/* Where the windows of an image lie, once its size is known. */
typedef struct places {
  int64_t size[3], first[3], count[3];
} places;

static void
place (const gram_window *w, const adze_view *input, places *p)
{
  for (int32_t d = 0; d < 3; d++) {
    int32_t from = input->rank - 3 + d;
    int64_t reach = (w->kernel[d] - 1) * w->dilation[d] + 1;
    p->size[d] = from >= 2 ? input->shape[from] : 1;
    int64_t before = w->pad == 3 ? 0 : w->before[d], behind = w->pad == 3 ? 0 : w->behind[d];
    p->count[d] = (p->size[d] + before + behind - reach) / w->stride[d] + 1;
    if (w->pad == 1 || w->pad == 2) {
      p->count[d] = (p->size[d] + w->stride[d] - 1) / w->stride[d];
      int64_t all = (p->count[d] - 1) * w->stride[d] + reach - p->size[d];
      all = all > 0 ? all : 0;
      before = w->pad == 1 ? all / 2 : all - all / 2;
    }
    p->first[d] = -before;
  }
}

/* ---- Rows. */

size_t
gram_bytes (const static_layer *layer)
{
  return layer->groups * layer->fan * layer->fan * sizeof (double);
}

/* A row's length in the block: whole tiles, the rest zeros. */
static size_t
stride_of (const static_layer *layer)
{
  return (layer->fan + WIDE - 1) / WIDE * WIDE;
}

static const int64_t *
step (int64_t *at, const int64_t *count)
{
  for (int32_t d = 2; d >= 0; d--) {
    if (++at[d] < count[d])
      break;
    at[d] = 0;
  }
  return at;
}

/* What one window sees of one channel. */
static void
read_channel (const gram_window *w, const places *p, const int64_t *at, const float *channel, float *row)
{
  int64_t k[3] = { 0, 0, 0 };
  int64_t places_of_window = w->kernel[0] * w->kernel[1] * w->kernel[2];
  for (int64_t i = 0; i < places_of_window; i++, step (k, w->kernel)) {
    int64_t from = 0;
    bool inside = true;
    for (int32_t d = 0; d < 3; d++) {
      int64_t x = p->first[d] + at[d] * w->stride[d] + k[d] * w->dilation[d];
      inside = inside && x >= 0 && x < p->size[d];
      from = from * p->size[d] + x;
    }
    row[i] = inside ? channel[from] : 0;
  }
}

/* ---- Sums. */

typedef struct block {
  gram *g;
  double *sums; /* of a group */
  size_t rows;
} block;

ANY_WIDTH static void
sum_tile (const float *rows, size_t count, size_t stride, size_t i, size_t j, float *into)
{
  typedef float lanes __attribute__ ((vector_size (WIDE * sizeof (float))));
  lanes sums[TALL] = { { 0 } }, right;
  for (size_t r = 0; r < count; r++) {
    const float *row = rows + r * stride;
    memcpy (&right, row + j, sizeof right);
    for (size_t k = 0; k < TALL; k++)
      sums[k] += row[i + k] * right;
  }
  memcpy (into, sums, sizeof sums);
}

static void
add_tile (const block *b, size_t i, size_t j)
{
  float sums[TALL * WIDE];
  size_t fan = b->g->layer->fan;
  sum_tile (b->g->rows, b->rows, stride_of (b->g->layer), i, j, sums);
  for (size_t k = 0; k < TALL && i + k < fan; k++)
    for (size_t l = 0; l < WIDE && j + l < fan; l++)
      b->sums[(i + k) * fan + j + l] += (double)sums[k * WIDE + l];
}

/* Tiles of rows of the sums, from the diagonal on. */
static adze_status
sum_tiles (void *argument, size_t first, size_t last)
{
  const block *b = (const block *)argument;
  for (size_t tile = first; tile < last; tile++)
    for (size_t j = tile * TALL / WIDE * WIDE; j < b->g->layer->fan; j += WIDE)
      add_tile (b, tile * TALL, j);
  return ADZE_OK;
}

static adze_status
sum_block (const static_run *s, gram *g, size_t group, size_t rows)
{
  size_t fan = g->layer->fan;
  block b = { .g = g, .sums = g->sums + group * fan * fan, .rows = rows };
  return adze_parallel_for (s->host, (fan + TALL - 1) / TALL, 8, sum_tiles, &b);
}

static adze_status
add_dense (const static_run *s, gram *g, const float *numbers, size_t rows)
{
  size_t fan = g->layer->fan, stride = stride_of (g->layer);
  adze_status status = ADZE_OK;
  for (size_t first = 0; status == ADZE_OK && first < rows; first += BLOCK) {
    size_t count = rows - first < BLOCK ? rows - first : BLOCK;
    for (size_t r = 0; r < count; r++)
      memcpy (g->rows + r * stride, numbers + (first + r) * fan, fan * sizeof *numbers);
    status = sum_block (s, g, 0, count);
  }
  g->count += rows;
  return status;
}

/* One group of channels of all images, window by window. */
static adze_status
add_group (const static_run *s, gram *g, const adze_view *input, const places *p, size_t group)
{
  size_t kernel = g->layer->kernel, channels = g->layer->fan / kernel, stride = stride_of (g->layer), filled = 0;
  size_t area = (size_t)(p->size[0] * p->size[1] * p->size[2]);
  const float *numbers = (const float *)adze_view_data (input);
  adze_status status = ADZE_OK;
  int64_t windows = p->count[0] * p->count[1] * p->count[2], at[3] = { 0, 0, 0 };
  for (int64_t n = 0; status == ADZE_OK && n < input->shape[0]; n++)
    for (int64_t i = 0; status == ADZE_OK && i < windows; i++, step (at, p->count)) {
      for (size_t c = 0; c < channels; c++)
        read_channel (&g->window, p, at, numbers + ((size_t)(n * input->shape[1]) + group * channels + c) * area,
                      g->rows + filled * stride + c * kernel);
      if (++filled == BLOCK) {
        status = sum_block (s, g, group, filled);
        filled = 0;
      }
    }
  return status == ADZE_OK && filled > 0 ? sum_block (s, g, group, filled) : status;
}

adze_status
gram_open (const static_run *s, const static_layer *layer, gram *g)
{
  size_t bytes = gram_bytes (layer), block_bytes = BLOCK * (stride_of (layer) + WIDE) * sizeof (float);
  *g = (gram){ .layer = layer };
  read_window (s, layer, &g->window);
  g->sums = (double *)s->host->allocate (s->host, bytes);
  g->rows = (float *)s->host->allocate (s->host, block_bytes);
  if (!g->sums || !g->rows)
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for %zu bytes of sums of what flows into '%s'", bytes, layer->name);
  memset (g->sums, 0, bytes);
  memset (g->rows, 0, block_bytes);
  return ADZE_OK;
}

void
gram_close (const static_run *s, gram *g)
{
  s->host->release (s->host, g->sums);
  s->host->release (s->host, g->rows);
  memset (g, 0, sizeof *g);
}

adze_status
gram_add (const static_run *s, gram *g, const adze_view *input)
{
  adze_status status = ADZE_OK;
  places p;
  if (g->layer->kind != LAYER_CONV)
    return add_dense (s, g, (const float *)adze_view_data (input), adze_view_count (input) / g->layer->fan);
  place (&g->window, input, &p);
  for (size_t group = 0; status == ADZE_OK && group < g->layer->groups; group++)
    status = add_group (s, g, input, &p, group);
  g->count += (uint64_t)(input->shape[0] * p.count[0] * p.count[1] * p.count[2]);
  return status;
}

void
gram_finish (gram *g)
{
  size_t fan = g->layer->fan;
  for (size_t group = 0; group < g->layer->groups; group++) {
    double *sums = g->sums + group * fan * fan;
    for (size_t i = 0; i < fan; i++)
      for (size_t j = 0; j < i; j++)
        sums[i * fan + j] = sums[j * fan + i];
  }
}

const double *
gram_of (const gram *g, size_t channel)
{
  size_t group = channel / (g->layer->channels / g->layer->groups);
  return g->sums + group * g->layer->fan * g->layer->fan;
}

/* ---- Errors. */

typedef struct erring {
  const static_run *s;
  const gram *g;
  const int8_t *codes;
  double *errors; /* one a channel */
} erring;

static adze_status
channel_errors (void *argument, size_t first, size_t last)
{
  const erring *e = (const erring *)argument;
  const static_layer *layer = e->g->layer;
  size_t fan = layer->fan;
  double *off = (double *)e->s->host->allocate (e->s->host, fan * sizeof *off);
  if (!off)
    return adze_fail (e->s->host, ADZE_E_MEMORY, "no room for a channel of '%s'", layer->name);
  for (size_t c = first; c < last; c++) {
    const double *sums = gram_of (e->g, c);
    double error = 0;
    for (size_t i = 0; i < fan; i++) {
      double coded = e->codes ? (double)static_scale_at (layer, c, i) * e->codes[c * fan + i] : 0;
      off[i] = coded - (double)layer->weights[c * fan + i];
    }
    for (size_t i = 0; i < fan; i++) {
      double dot = 0;
      for (size_t j = 0; j < fan; j++)
        dot += sums[i * fan + j] * off[j];
      error += off[i] * dot;
    }
    e->errors[c] = error;
  }
  e->s->host->release (e->s->host, off);
  return ADZE_OK;
}

adze_status
gram_error (const static_run *s, const gram *g, const int8_t *codes, double *error)
{
  erring e = { .s = s, .g = g, .codes = codes };
  e.errors = (double *)s->host->allocate (s->host, g->layer->channels * sizeof (double));
  *error = 0;
  if (!e.errors)
    return adze_fail (s->host, ADZE_E_MEMORY, "no room for the errors of '%s'", g->layer->name);
  adze_status status = adze_parallel_for (s->host, g->layer->channels, 8, channel_errors, &e);
  for (size_t c = 0; status == ADZE_OK && c < g->layer->channels; c++)
    *error += e.errors[c];
  s->host->release (s->host, e.errors);
  return status;
}
