/* SPDX-License-Identifier: Apache-2.0 */
/* few_channels.c: convolutions of few channels of bytes, by loops of our own, because a primitive for
 * convolutions spends its time on channels that are not there. What a window sees of one row of one channel
 * is a word of four bytes, the last of them beside weights of 0: one instruction multiplies it by the weights
 * of as many channels of the result as a vector has, and adds that up. Where a pool lies behind, what is
 * rounded is the greatest sum of each of its windows: the same bytes, of a quarter of the work. */
#include "integer.h"

#if defined __x86_64__ && (__GNUC__ > 10 || __clang_major__ > 11)

#include <immintrin.h>

#include "any_width.h"

enum {
  WORD = 4,
  QUAD = 4,          /* positions that are done together, */
  VECTORS = 2,       /* and vectors of channels */
  MOST_WORDS = 9,    /* of a window */
  MOST_POOLED = 16,  /* positions in a window of the pool */
  LANES = 16,        /* of the widest vector */
  ROOM = 24576,      /* bytes for rows of an image: they lie on the stack */
  ROWS_A_STRIP = 16
};

/* Bytes with a sign are seen as others, 128 above them. */
typedef struct few {
  bool wide, flips;
  uint8_t pad; /* the zero point */
  dnnl_data_type_t type;
  size_t size; /* of it */
  float low, high;
  size_t channels, lanes;                  /* of the result; rounded up to whole vectors */
  size_t planes, height, width;            /* of the images: PLANES are their channels */
  size_t rows, stride[2], before[2];       /* ROWS of a window */
  size_t words, word_at[MOST_WORDS];       /* what a window sees, from where it begins */
  size_t start_at, steps_at, summands_at;  /* rows of the table */
  size_t pool[2], pooled_count, pooled_at[MOST_POOLED]; /* the same of a window of the pool */
  size_t out_height, out_width;
  size_t strip, strips, lines, pitch; /* rows of the result; of the images, and bytes of one */
} few;

/* ---- The inner loops. What they know of the channels is a table of words, one column for each: the weights
 * in rows, then what the sum begins with, what it is multiplied by, and what is added to that. */

#define ALWAYS_INLINE __attribute__ ((always_inline))

typedef __m256i ints_8;
typedef __m256 floats_8;
#define TARGET __attribute__ ((target ("avx2,avxvnni")))
#define WIDTH 8
#define NAMED(name) name##_8
#define OF(name) _mm256_##name
#define DOT _mm256_dpbusd_avx_epi32

/* The lowest byte of each. */
TARGET static inline void
to_bytes_8 (uint8_t *out, __m256i codes)
{
  const __m256i lowest = _mm256_set1_epi32 (0x0c080400);
  codes = _mm256_shuffle_epi8 (codes, lowest);
  _mm_storel_epi64 ((__m128i *)out, _mm_unpacklo_epi32 (_mm256_castsi256_si128 (codes),
                                                        _mm256_extracti128_si256 (codes, 1)));
}

#include "few_lanes.h"

#undef TARGET
#undef WIDTH
#undef NAMED
#undef OF
#undef DOT

typedef __m512i ints_16;
typedef __m512 floats_16;
#define TARGET __attribute__ ((target ("avx512f,avx512vnni")))
#define WIDTH 16
#define NAMED(name) name##_16
#define OF(name) _mm512_##name
#define DOT _mm512_dpbusd_epi32

TARGET static inline void
to_bytes_16 (uint8_t *out, __m512i codes)
{
  _mm_storeu_si128 ((__m128i *)out, _mm512_cvtepi32_epi8 (codes));
}

#include "few_lanes.h"

/* ---- A strip of the result: some rows of it, and what they see of the image, with what is around that. */

typedef struct pass {
  const few *few;
  const uint8_t *in;
  const int32_t *table;
  uint8_t *out;
} pass;

static void
read_lines (const few *f, const uint8_t *image, size_t first, uint8_t *lines)
{
  for (size_t plane = 0; plane < f->planes; plane++)
    for (size_t i = 0; i < f->lines; i++) {
      size_t y = first + i;
      uint8_t *line = lines + (plane * f->lines + i) * f->pitch + f->before[1];
      if (y < f->before[0] || y - f->before[0] >= f->height) {
        memset (line, f->pad, f->width);
        continue;
      }
      memcpy (line, image + (plane * f->height + y - f->before[0]) * f->width, f->width);
      for (size_t x = 0; f->flips && x < f->width; x++)
        line[x] ^= 128;
    }
}

static adze_status
do_strips (void *argument, size_t begin, size_t end)
{
  const pass *w = argument;
  const few *f = w->few;
  const size_t step = f->pool[0] * f->stride[0]; /* from one row of the result to the next */
  uint8_t lines[ROOM];
  memset (lines, f->pad, f->planes * f->lines * f->pitch);
  for (size_t s = begin; s < end; s++) {
    size_t image = s / f->strips, y = s % f->strips * f->strip;
    read_lines (f, w->in + image * f->planes * f->height * f->width, y * step, lines);
    for (size_t i = 0; i < f->strip && y + i < f->out_height; i++) {
      uint8_t *out = w->out
                     + (image * f->out_height + y + i) * f->out_width * f->channels * f->size;
      (f->wide ? do_row_16 : do_row_8) (f, w->table, lines + i * step * f->pitch, out);
    }
  }
  return ADZE_OK;
}

static adze_status
execute (const adze_host *host, const adze_program *program, const onednn_act *act)
{
  (void)host;
  const few *f = act->own;
  const onednn_slot *slots = program->slots;
  pass w = { f, slots[act->args[0].slot].handle, slots[act->args[1].slot].handle,
             slots[act->args[2].slot].handle };
  onednn_share ((size_t)slots[act->args[0].slot].layout.dims[0] * f->strips, 1, do_strips, &w);
  return ADZE_OK;
}

/* ---- What is known when it is compiled. */

/* A pool that alone takes the bytes: windows side by side, none of which looks beyond them. The greatest of
 * them comes from the greatest sum where no step is below 0. */
static const adze_graph_node *
pool_behind (const onednn_part *part, const onednn_integer *m, onednn_window *w)
{
  onednn_part there = *part;
  const adze_graph_node *node = onednn_only_user (part, m->value);
  if (!node || node->domain[0] || strcmp (node->op, "MaxPool") != 0
      || (m->type != dnnl_u8 && m->type != dnnl_s8))
    return NULL;
  there.node = node;
  there.trial = true;
  const adze_graph_value *x = onednn_in (&there, 0), *y = onednn_out (&there, 0);
  if (!y || onednn_out (&there, 1) || onednn_window_of (&there, x, y, NULL, w) != ADZE_OK
      || w->kernel[0] * w->kernel[1] > MOST_POOLED)
    return NULL;
  for (int d = 0; d < 2; d++)
    if (w->kernel[d] != w->strides[d] || w->before[d] || w->dilations[d]
        || y->shape[2 + d] * w->strides[d] > x->shape[2 + d])
      return NULL;
  for (size_t i = 0; i < m->step_count; i++)
    if (m->steps[i] < 0)
      return NULL;
  return node;
}

/* Rows of the result in a strip, as many as there is room for; 0: not one. */
static void
cut_strips (few *f)
{
  size_t step = f->pool[0] * f->stride[0];
  size_t first = (f->pool[0] - 1) * f->stride[0] + f->rows; /* rows that one row sees */
  size_t room = ROOM / (f->planes * f->pitch);
  f->strip = room < first ? 0 : (room - first) / step + 1;
  f->strip = f->strip < ROWS_A_STRIP ? f->strip : ROWS_A_STRIP;
  f->strip = f->strip < f->out_height ? f->strip : f->out_height;
  f->lines = f->strip ? (f->strip - 1) * step + first : 0;
  f->strips = f->strip ? (f->out_height + f->strip - 1) / f->strip : 0;
}

static void
set_places (few *f)
{
  for (size_t i = 0; i < f->words; i++)
    f->word_at[i] = (i / f->rows * f->lines + i % f->rows) * f->pitch;
  f->pooled_count = f->pool[0] * f->pool[1];
  for (size_t i = 0; i < f->pooled_count; i++)
    f->pooled_at[i] = i / f->pool[1] * f->stride[0] * f->pitch + i % f->pool[1] * f->stride[1];
  if (f->pooled_count > 1) /* what is left of the last quad sees the first position once more */
    f->pooled_count = (f->pooled_count + QUAD - 1) / QUAD * QUAD;
}

static bool
is_wide (void)
{
  const unsigned wide = dnnl_cpu_isa_avx512_core_vnni;
  return (dnnl_get_effective_cpu_isa () & wide) == wide;
}

/* Of POOL's windows of positions, or of single ones where that is NULL. */
static few
few_of (const onednn_integer *m, const onednn_window *w, const onednn_window *pool)
{
  const int64_t *x = m->x->shape, *y = m->y->shape;
  const bool is_signed = onednn_type_of (m->x) == dnnl_s8;
  const float least = m->type == dnnl_s8 ? -128 : 0, most = m->type == dnnl_s8 ? 127 : 255;
  few f = { .wide = is_wide (),
            .flips = is_signed,
            .pad = (uint8_t)(m->x_zero + (is_signed ? 128 : 0)),
            .type = m->type,
            .size = dnnl_data_type_size (m->type),
            .low = m->bounded ? m->low + (float)m->y_zero : least,
            .high = m->bounded ? m->high + (float)m->y_zero : most,
            .channels = m->channels,
            .lanes = (m->channels + LANES - 1) / LANES * LANES,
            .planes = (size_t)x[1],
            .height = (size_t)x[2],
            .width = (size_t)x[3],
            .rows = (size_t)m->w->shape[2] };
  f.words = f.planes * f.rows;
  f.start_at = f.words * f.lanes;
  f.steps_at = f.start_at + f.lanes;
  f.summands_at = f.steps_at + f.lanes;
  for (int d = 0; d < 2; d++) {
    f.stride[d] = (size_t)w->strides[d];
    f.before[d] = (size_t)w->before[d];
    f.pool[d] = pool ? (size_t)pool->kernel[d] : 1;
  }
  f.out_height = (size_t)y[2] / f.pool[0];
  f.out_width = (size_t)y[3] / f.pool[1];
  size_t seen = ((size_t)y[3] - 1) * f.stride[1] + WORD, there = f.before[1] + f.width;
  f.pitch = seen > there ? seen : there;
  cut_strips (&f);
  set_places (&f);
  return f;
}

/* NULL: there is none, or it is not known now, or so large that its sums with products need more bits than
 * floats keep. */
static const int32_t *
bias_of (const onednn_part *part, const onednn_integer *m)
{
  enum { MOST = 1 << 23 };
  const adze_graph_value *value
      = m->bias == ADZE_NONE ? NULL : part->service->value (part->graph, m->bias);
  if (!value || value->role != ADZE_ROLE_CONSTANT || !value->data)
    return NULL;
  const int32_t *bias = value->data;
  for (size_t c = 0; c < m->channels; c++)
    if (bias[c] < -MOST || bias[c] > MOST)
      return NULL;
  return bias;
}

bool
onednn_few_do (const onednn_part *part, const onednn_integer *m, const onednn_window *w,
               int64_t groups)
{
  const int64_t *x = m->x->shape, *k = m->w->shape, *y = m->y->shape;
  if (m->bias != ADZE_NONE && !bias_of (part, m))
    return false;
  if (m->x->rank != 4 || groups != 1 || x[1] * k[2] > MOST_WORDS || k[3] > WORD || w->dilations[0]
      || w->dilations[1] || y[2] * y[3] < 64)
    return false;
  return few_of (m, w, NULL).strip > 0;
}

/* ---- The table. */

/* The weights of channel C, and their sum. */
static int32_t
put_weights (const few *f, const onednn_integer *m, size_t c, int32_t *table)
{
  const size_t width = (size_t)m->w->shape[3];
  const int8_t *from = (const int8_t *)m->w->data + c * f->words * width;
  int32_t sum = 0;
  for (size_t i = 0; i < f->words * width; i++) {
    int8_t *word = (int8_t *)(table + i / width * f->lanes + c);
    word[i % width] = from[i];
    sum += from[i];
  }
  return sum;
}

static float
summand_of (const onednn_part *part, const onednn_integer *m, size_t c)
{
  if (m->type != dnnl_f32)
    return (float)m->y_zero;
  if (m->summand == ADZE_NONE)
    return -0.0F; /* which changes no number */
  const adze_graph_value *value = part->service->value (part->graph, m->summand);
  return ((const float *)value->data)[onednn_product (value->shape, 0, value->rank) > 1 ? c : 0];
}

static adze_status
add_table (onednn_part *part, const onednn_integer *m, const few *f, size_t *slot)
{
  const int64_t dims[] = { (int64_t)f->words + 3, (int64_t)f->lanes };
  const size_t size = (f->words + 3) * f->lanes * sizeof (int32_t);
  dnnl_memory_desc_t layout;
  onednn_strided (&layout, dnnl_s32, 2, dims, NULL);
  const int32_t *bias = bias_of (part, m);
  int32_t *table = part->host->allocate (part->host, size);
  if (!table)
    return onednn_refuse (part, ADZE_E_MEMORY, "no memory for its weights");
  memset (table, 0, size);
  for (size_t c = 0; c < f->channels; c++) {
    float step = m->steps ? m->steps[m->step_count > 1 ? c : 0] : 1;
    float summand = summand_of (part, m, c);
    table[f->start_at + c] = (bias ? bias[c] : 0) - f->pad * put_weights (f, m, c, table);
    memcpy (table + f->steps_at + c, &step, sizeof step);
    memcpy (table + f->summands_at + c, &summand, sizeof summand);
  }
  return onednn_keep (part, table, &layout, slot);
}

/* ---- The node. */

adze_status
onednn_few (onednn_part *part, const onednn_integer *m, const onednn_window *w)
{
  onednn_window window;
  const adze_graph_node *pool = pool_behind (part, m, &window);
  few f = few_of (m, w, pool ? &window : NULL);
  if (!f.strip) {
    pool = NULL; /* it sees too much for one strip */
    f = few_of (m, w, NULL);
  }
  uint32_t value = pool ? pool->outputs[0] : m->value;
  dnnl_memory_desc_t layout;
  onednn_arg args[] = { { 0, 0 }, { 0, 0 }, { 0, 0 } };
  onednn_compact (m->x, &layout);
  adze_status status = onednn_get (part, part->node->inputs[0], &layout, &args[0].slot);
  if (status == ADZE_OK)
    status = add_table (part, m, &f, &args[1].slot);
  onednn_channels_last (&layout, part->service->value (part->graph, value));
  layout.data_type = m->type;
  if (status == ADZE_OK)
    status = onednn_make (part, value, &layout, &args[2].slot);
  if (status == ADZE_OK)
    status = onednn_own_add (part, args, 3, execute, &f, sizeof f);
  if (status != ADZE_OK)
    return status;
  onednn_integer_done (part, m);
  if (pool)
    part->done[pool->number] = true;
  return ADZE_OK;
}

#else

/* Products of bytes are claimed where the processor has instructions for them, which no other has. */
bool
onednn_few_do (const onednn_part *part, const onednn_integer *m, const onednn_window *w,
               int64_t groups)
{
  (void)part, (void)m, (void)w, (void)groups;
  return false;
}

adze_status
onednn_few (onednn_part *part, const onednn_integer *m, const onednn_window *w)
{
  (void)m, (void)w;
  return onednn_refuse (part, ADZE_E_UNSUPPORTED, "this was built without loops for it");
}

#endif
