/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/convolution.c: windows laid out as columns, and weights times columns. */
#include <string.h>

#include "plugin/foreign/convolution.h"

/* Numbers of columns that lie in a second-level cache together with what the product reads. */
#define TILE_NUMBERS ((int64_t)1 << 17)
#define TILE_LEAST 32
#define NUMBERS_MOST ((int64_t)1 << 32)

enum { AXES = ADZE_CONVOLUTION_AXES };

/* ---- What the node says. */

/* The attribute NAME, as many as there are axes, or PRESET for each. */
static bool
read_axes (const adze_graph_node *node, const char *name, int32_t axes, int64_t preset,
           int64_t *into)
{
  size_t count;
  const int64_t *given = adze_node_ints (node, name, &count);
  if (given && count < (size_t)axes)
    return false;
  for (int32_t i = 0; i < AXES; i++)
    into[i] = i < axes ? given ? given[i] : preset : 1;
  for (int32_t i = 0; i < axes; i++)
    if (into[i] < 0)
      return false;
  return true;
}

static bool
read_pads (const adze_graph_node *node, adze_convolution *c)
{
  const char *word = adze_node_text (node, "auto_pad", "NOTSET");
  if (!read_axes (node, "pads", c->axes, 0, c->pads))
    return false;
  for (int32_t i = c->axes; i < AXES; i++)
    c->pads[i] = 0;
  c->pads_lower = strcmp (word, "SAME_LOWER") == 0;
  bool same = c->pads_lower || strcmp (word, "SAME_UPPER") == 0;
  for (int32_t i = 0; i < c->axes; i++)
    if (same || strcmp (word, "VALID") == 0)
      c->pads[i] = same ? -1 : 0;
  return true;
}

bool
adze_convolution_read (const adze_graph_node *node, const adze_graph_value *x,
                       const adze_graph_value *w, adze_convolution *c)
{
  if (x->rank < 3 || x->rank > 2 + AXES || w->rank != x->rank)
    return false;
  *c = (adze_convolution){ .element = x->dtype.bits / 8u,
                           .axes = x->rank - 2,
                           .group = adze_node_int (node, "group", 1),
                           .rows = w->shape[1] };
  for (int32_t i = 0; i < AXES; i++)
    c->kernel[i] = i < c->axes ? w->shape[2 + i] : 1;
  for (int32_t i = 0; i < AXES; i++)
    if (c->kernel[i] < 1 || __builtin_mul_overflow (c->rows, c->kernel[i], &c->rows))
      return false;
  if (c->group < 1 || c->rows < 1 || c->rows > NUMBERS_MOST / TILE_LEAST
      || !read_axes (node, "strides", c->axes, 1, c->strides)
      || !read_axes (node, "dilations", c->axes, 1, c->dilations) || !read_pads (node, c))
    return false;
  c->tile = TILE_NUMBERS / c->rows;
  c->tile = c->tile < TILE_LEAST ? TILE_LEAST : c->tile;
  return true;
}

uint64_t
adze_convolution_scratch (const adze_convolution *c)
{
  return (uint64_t)c->rows * (uint64_t)c->tile * c->element;
}

/* ---- Columns. */

/* One execution: sizes of images, with 1 for axes that there are not. */
typedef struct images {
  const adze_convolution *c;
  int64_t in[AXES], out[AXES], pads[AXES];
  int64_t in_count, out_count; /* numbers of a channel */
} images;

static void
images_make (images *it, const adze_convolution *c, const adze_view *x, const adze_view *output)
{
  *it = (images){ .c = c, .in_count = 1, .out_count = 1 };
  for (int32_t i = 0; i < AXES; i++) {
    it->in[i] = i < c->axes ? x->shape[2 + i] : 1;
    it->out[i] = i < c->axes ? output->shape[2 + i] : 1;
    it->pads[i] = c->pads[i];
    if (it->pads[i] < 0) {
      int64_t needed = (it->out[i] - 1) * c->strides[i] + (c->kernel[i] - 1) * c->dilations[i] + 1;
      int64_t all = needed > it->in[i] ? needed - it->in[i] : 0;
      it->pads[i] = (all + c->pads_lower) / 2;
    }
    it->in_count *= it->in[i];
    it->out_count *= it->out[i];
  }
}

static void
copy_number (void *to, const void *from, size_t element)
{
  if (element == sizeof (float))
    memcpy (to, from, sizeof (float));
  else
    memcpy (to, from, sizeof (double));
}

/* One row of the columns FIRST to FIRST + COUNT - 1: what all those windows have at PLACE of
 * CHANNEL, 0 where that is outside. */
static void
lay_row (const images *it, const char *channel, const int64_t *place, int64_t first, int64_t count,
         char *row)
{
  const adze_convolution *c = it->c;
  size_t element = c->element;
  int64_t at[AXES] = { first / it->out[2] / it->out[1], first / it->out[2] % it->out[1],
                       first % it->out[2] };
  for (int64_t i = 0; i < count; i++, row += element) {
    int64_t z = at[0] * c->strides[0] + place[0] * c->dilations[0] - it->pads[0];
    int64_t y = at[1] * c->strides[1] + place[1] * c->dilations[1] - it->pads[1];
    int64_t x = at[2] * c->strides[2] + place[2] * c->dilations[2] - it->pads[2];
    if (z >= 0 && z < it->in[0] && y >= 0 && y < it->in[1] && x >= 0 && x < it->in[2])
      copy_number (row, channel + (size_t)((z * it->in[1] + y) * it->in[2] + x) * element, element);
    else
      memset (row, 0, element);
    if (++at[2] == it->out[2]) {
      at[2] = 0;
      if (++at[1] == it->out[1]) {
        at[1] = 0;
        at[0]++;
      }
    }
  }
}

static void
lay_columns (const images *it, const char *image, int64_t channels, int64_t first, int64_t count,
             char *columns)
{
  const adze_convolution *c = it->c;
  int64_t place[AXES];
  for (int64_t channel = 0; channel < channels; channel++)
    for (place[0] = 0; place[0] < c->kernel[0]; place[0]++)
      for (place[1] = 0; place[1] < c->kernel[1]; place[1]++)
        for (place[2] = 0; place[2] < c->kernel[2]; place[2]++) {
          lay_row (it, image + (size_t)(channel * it->in_count) * c->element, place, first, count,
                   columns);
          columns += (size_t)count * c->element;
        }
}

/* The image itself is its columns. */
static bool
is_plain (const images *it)
{
  for (int32_t i = 0; i < AXES; i++)
    if (it->c->kernel[i] != 1 || it->c->strides[i] != 1 || it->pads[i] != 0)
      return false;
  return it->in_count == it->out_count;
}

/* ---- The product. */

static void
fill (char *row, const char *number, int64_t count, size_t element)
{
  for (int64_t i = 0; i < count; i++)
    copy_number (row + (size_t)i * element, number, element);
}

/* The MAPS outputs of one group of one image, CHANNELS of which are looked at. */
static adze_error *
convolve (const images *it, const char *image, int64_t channels, const char *weights, int64_t maps,
          bool biased, char *output, char *columns)
{
  const adze_convolution *c = it->c;
  bool plain = is_plain (it);
  int64_t step = plain ? it->out_count : c->tile;
  for (int64_t first = 0; first < it->out_count; first += step) {
    int64_t count = it->out_count - first < step ? it->out_count - first : step;
    if (!plain)
      lay_columns (it, image, channels, first, count, columns);
    ADZE_TRY (adze_kernel_gemm (c->kernels->gemm, 0, 0, maps, count, c->rows, 1, weights, c->rows,
                                plain ? image : columns, count, biased ? 1 : 0,
                                output + (size_t)first * c->element, it->out_count));
  }
  return NULL;
}

adze_error *
adze_convolution_execute (const adze_convolution *c, const adze_view *x, const adze_view *w,
                          const adze_view *b, const adze_view *output, void *scratch)
{
  images it;
  images_make (&it, c, x, output);
  int64_t channels = w->shape[1], maps = w->shape[0] / c->group;
  if (x->shape[1] != channels * c->group || w->shape[0] != maps * c->group)
    return adze_error_new (ADZE_E_FORMAT,
                           "%lld channels, and weights for %lld groups of %lld: they do not fit",
                           (long long)x->shape[1], (long long)c->group, (long long)channels);
  if (adze_view_count (output) == 0)
    return NULL;
  for (int64_t n = 0; n < x->shape[0]; n++)
    for (int64_t g = 0; g < c->group; g++) {
      const char *image = (const char *)adze_view_data (x)
                          + (size_t)((n * c->group + g) * channels * it.in_count) * c->element;
      const char *weights
          = (const char *)adze_view_data (w) + (size_t)(g * maps * c->rows) * c->element;
      char *into = (char *)adze_view_data (output)
                   + (size_t)((n * c->group + g) * maps * it.out_count) * c->element;
      for (int64_t map = 0; b && map < maps; map++)
        fill (into + (size_t)(map * it.out_count) * c->element,
              (const char *)adze_view_data (b) + (size_t)(g * maps + map) * c->element,
              it.out_count, c->element);
      ADZE_TRY (convolve (&it, image, channels, weights, maps, b != NULL, into, scratch));
    }
  return NULL;
}
