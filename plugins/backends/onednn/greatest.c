/* SPDX-License-Identifier: Apache-2.0 */
/* greatest.c: MaxPool of a network that trains, and adze.MaxPoolGrad, by our own loops. On the way forward
 * it is noted for each position which element of its window was the greatest, and whether a Relu in front
 * of the pool lets that through; on the way back nothing else is read. Channels that lie side by side are
 * done together. */
#include "onednn.h"

#include <math.h>

enum {
  SPACE = 3,
  PIECE = 1 << 15,   /* numbers that one thread does before it asks for more */
  STOPPED = 1 << 14, /* in a note: a Relu lets nothing through */
  MOST_ELEMENTS = 1024
};

/* How numbers lie: steps from one image, group of channels, channel of a group and place to the next. */
typedef struct lie {
  int64_t image, group, lane, space[SPACE];
} lie;

typedef struct greatest {
  lie images, positions;
  int64_t batch, channels, groups, lanes;
  int64_t in[SPACE];
  struct {
    int64_t out[SPACE], kernel[SPACE], stride[SPACE], dilation[SPACE], before[SPACE];
  } window;
  bool in_blocks; /* positions have the blocks of the images */
  bool covers;    /* each element is seen from one position, and no other */
  bool relu;      /* the gradient of a Relu that gave the images is done on top */
} greatest;

/* Which elements of its window a position sees: where they lie, and their numbers. */
typedef struct sight {
  int32_t count;
  int32_t number[MOST_ELEMENTS];
  int64_t at[MOST_ELEMENTS];
} sight;

/* A group of one image. */
typedef struct group {
  float *images, *positions; /* on the way forward images are only read; on the way back, positions */
  int16_t *notes;
  int64_t there; /* channels that positions have */
} group;

/* ---- One position. Of equal elements the first is the greatest; a window that sees none gives
 * -infinity. */

static inline void
find_one (const sight *s, const float *images, float *position, int16_t *note)
{
  float most = -INFINITY;
  int32_t which = -1;
  for (int e = 0; e < s->count; e++) {
    float x = images[s->at[e]];
    if (x > most || e == 0) {
      most = x;
      which = s->number[e];
    }
  }
  *note = (int16_t)(which | (most > 0 ? 0 : STOPPED));
  *position = most;
}

static inline void
hand_out_one (const sight *s, float *images, const float *position, const int16_t *note,
              bool covers, int32_t passes)
{
  int32_t which = *note & passes;
  for (int e = 0; e < s->count; e++) {
    float here = which == s->number[e] ? *position : 0;
    images[s->at[e]] = covers ? here : images[s->at[e]] + here;
  }
}

typedef void one_position (const greatest *g, const sight *s, float *images, float *position,
                           int16_t *note, int64_t there);

/* Channels are independent of each other: any width of vectors gives the same. */
#define NAMED(name) name##_8
#define WIDTH 8
#if defined __x86_64__ && defined __GNUC__ && !defined __clang__
#define HAS_WIDER 1
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#include "greatest_lanes.h"
#pragma GCC pop_options
#undef NAMED
#undef WIDTH
#define NAMED(name) name##_16
#define WIDTH 16
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")
#include "greatest_lanes.h"
#pragma GCC pop_options
#undef NAMED
#undef WIDTH
#define NAMED(name) name##_4
#define WIDTH 4
#endif
#include "greatest_lanes.h"

/* ---- All of a group. */

/* Along one dimension: where the window begins, and which of its elements are in the image. */
typedef struct reach {
  int64_t start, first, last;
} reach;

static inline reach
look (const greatest *g, int d, int64_t position)
{
  int64_t start = position * g->window.stride[d] - g->window.before[d];
  int64_t step = g->window.dilation[d], kernel = g->window.kernel[d], left = g->in[d] - start;
  reach r = { .start = start * g->images.space[d], .last = kernel };
  if (start < 0)
    r.first = (-start + step - 1) / step;
  if ((kernel - 1) * step >= left)
    r.last = left > 0 ? (left + step - 1) / step : 0;
  return r;
}

static void
list_elements (const greatest *g, const reach *r, sight *s)
{
  const int64_t *space = g->images.space, *dilation = g->window.dilation;
  s->count = 0;
  for (int64_t a = r[0].first; a < r[0].last; a++)
    for (int64_t b = r[1].first; b < r[1].last; b++)
      for (int64_t c = r[2].first; c < r[2].last; c++) {
        s->number[s->count] = (int32_t)((a * g->window.kernel[1] + b) * g->window.kernel[2] + c);
        s->at[s->count++] = a * dilation[0] * space[0] + b * dilation[1] * space[1]
                            + c * dilation[2] * space[2];
      }
}

static one_position *
best_for (const greatest *g, bool forward)
{
#ifdef HAS_WIDER
  if (g->lanes % 16 == 0 && __builtin_cpu_supports ("avx512bw") && __builtin_cpu_supports ("avx512dq")
      && __builtin_cpu_supports ("avx512vl"))
    return forward ? forward_16 : backward_16;
  if (__builtin_cpu_supports ("avx2"))
    return forward ? forward_8 : backward_8;
#else
  (void)g;
#endif
  return forward ? NAMED (forward) : NAMED (backward);
}

static void
do_group (const greatest *g, const group *w, bool forward)
{
  sight whole, some;
  reach r[SPACE];
  int16_t *notes = w->notes;
  one_position *does = best_for (g, forward);
  const int64_t *space = g->positions.space, *kernel = g->window.kernel;
  for (int d = 0; d < SPACE; d++)
    r[d] = (reach){ .last = kernel[d] };
  list_elements (g, r, &whole);
  for (int64_t a = 0; a < g->window.out[0]; a++) {
    r[0] = look (g, 0, a);
    for (int64_t b = 0; b < g->window.out[1]; b++) {
      r[1] = look (g, 1, b);
      bool cut = r[0].last - r[0].first < kernel[0] || r[1].last - r[1].first < kernel[1];
      for (int64_t c = 0; c < g->window.out[2]; c++, notes += g->lanes) {
        const sight *s = &whole;
        r[2] = look (g, 2, c);
        if (cut || r[2].last - r[2].first < kernel[2]) {
          list_elements (g, r, &some);
          s = &some;
        }
        does (g, s, w->images + r[0].start + r[1].start + r[2].start,
              w->positions + a * space[0] + b * space[1] + c * space[2], notes, w->there);
      }
    }
  }
}

/* ---- All groups. */

typedef struct pass {
  const greatest *g;
  float *images, *positions;
  int16_t *notes;
} pass;

static int64_t
volume (const int64_t *sizes)
{
  return sizes[0] * sizes[1] * sizes[2];
}

static group
group_of (const pass *w, size_t index)
{
  const greatest *g = w->g;
  int64_t i = (int64_t)index, image = i / g->groups, number = i % g->groups;
  return (group){
    .images = w->images + image * g->images.image + number * g->images.group,
    .positions = w->positions + image * g->positions.image + number * g->positions.group,
    .notes = w->notes + i * volume (g->window.out) * g->lanes,
    .there = g->in_blocks ? g->lanes : g->channels - number * g->lanes,
  };
}

static adze_status
forward_groups (void *argument, size_t first, size_t last)
{
  const pass *w = argument;
  for (size_t i = first; i < last; i++) {
    const group one = group_of (w, i);
    do_group (w->g, &one, true);
  }
  return ADZE_OK;
}

static adze_status
backward_groups (void *argument, size_t first, size_t last)
{
  const pass *w = argument;
  size_t size = (size_t)(volume (w->g->in) * w->g->lanes) * sizeof (float);
  for (size_t i = first; i < last; i++) {
    const group one = group_of (w, i);
    if (!w->g->covers)
      memset (one.images, 0, size);
    do_group (w->g, &one, false);
  }
  return ADZE_OK;
}

/* Arguments: images, positions, notes. */
static adze_status
work (const adze_program *p, const onednn_act *act, adze_parallel_body body)
{
  const greatest *g = act->own;
  pass w = { .g = g,
             .images = p->slots[act->args[0].slot].handle,
             .positions = p->slots[act->args[1].slot].handle,
             .notes = p->slots[act->args[2].slot].handle };
  size_t grain = PIECE / (size_t)(volume (g->in) * g->lanes);
  onednn_share ((size_t)(g->batch * g->groups), grain, body, &w);
  return ADZE_OK;
}

static adze_status
work_forward (const adze_host *host, const adze_program *p, const onednn_act *act)
{
  (void)host;
  return work (p, act, forward_groups);
}

static adze_status
work_backward (const adze_host *host, const adze_program *p, const onednn_act *act)
{
  (void)host;
  return work (p, act, backward_groups);
}

/* ---- How it all lies. */

/* GROUPS of LANES channels as LAYOUT has them. */
static lie
lie_of (const dnnl_memory_desc_t *layout, int64_t lanes)
{
  const int64_t *strides = layout->format_desc.blocking.strides;
  bool blocked = onednn_block_of (layout) > 1;
  lie l = { .image = strides[0],
            .group = blocked ? strides[1] : lanes * strides[1],
            .lane = blocked ? 1 : strides[1] };
  for (int d = 0; d < layout->ndims - 2; d++)
    l.space[SPACE - (layout->ndims - 2) + d] = strides[2 + d];
  return l;
}

/* Does a group lie in one, and the next right behind it? */
static bool
is_packed (const greatest *g)
{
  const lie *l = &g->images;
  int64_t step = g->lanes;
  for (int d = SPACE; d-- > 0; step *= g->in[d])
    if (g->in[d] > 1 && l->space[d] != step)
      return false;
  return (g->lanes == 1 || l->lane == 1) && (g->groups == 1 || l->group == step)
         && (g->batch == 1 || l->image == g->groups * step);
}

/* Channels side by side, in blocks or all of them; or one at a time. */
static bool
take_images (greatest *g, const dnnl_memory_desc_t *layout)
{
  int64_t block = onednn_block_of (layout);
  if (block == 0 || (block > 1 && block % 8))
    return false;
  g->lanes = block;
  if (block == 1 && layout->format_desc.blocking.strides[1] == 1)
    g->lanes = g->channels;
  g->groups = (g->channels + g->lanes - 1) / g->lanes;
  g->images = lie_of (layout, g->lanes);
  return is_packed (g);
}

static bool
take_positions (greatest *g, int64_t block, const dnnl_memory_desc_t *layout)
{
  int64_t found = onednn_block_of (layout);
  g->in_blocks = found > 1;
  g->positions = lie_of (layout, g->lanes);
  return found == 1 || found == block;
}

static adze_status
take_window (const onednn_part *part, greatest *g, const adze_graph_value *images,
             const adze_graph_value *positions)
{
  onednn_window w;
  int64_t elements = 1;
  adze_status status = onednn_window_of (part, images, positions, NULL, &w);
  if (status != ADZE_OK)
    return status;
  *g = (greatest){ .batch = images->shape[0], .channels = images->shape[1], .covers = true };
  for (int d = 0; d < SPACE; d++) {
    int from = d - (SPACE - w.dims);
    bool there = from >= 0;
    g->in[d] = there ? images->shape[2 + from] : 1;
    g->window.out[d] = there ? positions->shape[2 + from] : 1;
    g->window.kernel[d] = there ? w.kernel[from] : 1;
    g->window.stride[d] = there ? w.strides[from] : 1;
    g->window.dilation[d] = there ? w.dilations[from] + 1 : 1;
    g->window.before[d] = there ? w.before[from] : 0;
    g->covers = g->covers && g->window.before[d] == 0
                && g->window.stride[d] == g->window.kernel[d]
                && g->in[d] == g->window.out[d] * g->window.stride[d]
                && (g->window.dilation[d] == 1 || g->window.kernel[d] == 1);
    if (__builtin_mul_overflow (elements, g->window.kernel[d], &elements)
        || elements > MOST_ELEMENTS)
      return onednn_refuse (part, ADZE_E_UNSUPPORTED, "its window has more than %d elements",
                            MOST_ELEMENTS);
  }
  return ADZE_OK;
}

/* ---- Acts. */

/* The loops are of float32: what is bfloat16 becomes that in front of them (halves.c). */

/* The images as they lie, where that is fit for it; else compact. */
static adze_status
get_images (onednn_part *part, uint32_t value, greatest *g, size_t *slot)
{
  adze_status status = onednn_get (part, value, NULL, slot);
  if (status != ADZE_OK)
    return status;
  dnnl_memory_desc_t layout = part->program->slots[*slot].layout;
  if (!take_images (g, &layout)) {
    onednn_compact (part->service->value (part->graph, value), &layout);
    take_images (g, &layout);
  }
  return onednn_get_floats (part, value, &layout, slot);
}

static adze_status
make_notes (onednn_part *part, const greatest *g, size_t *slot)
{
  dnnl_memory_desc_t room;
  int64_t count = g->batch * g->groups * g->lanes * volume (g->window.out);
  onednn_strided (&room, dnnl_f32, 1, (int64_t[]){ (count + 1) / 2 }, NULL);
  return onednn_make_room (part, &room, slot);
}

/* IMAGES, pooled into RESULT (ADZE_NONE: nobody wants that), with notes. G knows the window. */
static adze_status
add_forward (onednn_part *part, uint32_t images, const adze_graph_value *positions, uint32_t result,
             greatest *g, size_t *notes)
{
  onednn_arg args[] = { { 0, 0 }, { 0, 0 }, { 0, 0 } };
  dnnl_memory_desc_t layout;
  adze_status status = get_images (part, images, g, &args[0].slot);
  if (status != ADZE_OK)
    return status;
  onednn_like (&part->program->slots[args[0].slot].layout, positions, &layout);
  take_positions (g, onednn_block_of (&layout), &layout);
  status = onednn_make_floats (part, result, &layout, &args[1].slot);
  if (status == ADZE_OK)
    status = make_notes (part, g, &args[2].slot);
  *notes = args[2].slot;
  if (status == ADZE_OK)
    status = onednn_own_add (part, args, 3, work_forward, g, sizeof *g);
  return status == ADZE_OK ? onednn_round_floats (part, result, args[1].slot) : status;
}

adze_status
onednn_max_pool_noted (onednn_part *part)
{
  greatest g;
  size_t notes;
  const uint32_t *inputs = part->node->inputs, *outputs = part->node->outputs;
  adze_status status = take_window (part, &g, onednn_in (part, 0), onednn_out (part, 0));
  return status == ADZE_OK
             ? add_forward (part, inputs[0], onednn_out (part, 0), outputs[0], &g, &notes)
             : status;
}

/* ---- (gradient, input) */

/* Notes of the pool itself, where it is in this part; G learns how the images lie. */
static bool
find_notes (const onednn_part *part, uint32_t images, greatest *g, size_t *notes, size_t *slot)
{
  const adze_program *p = part->program;
  for (size_t a = 0; !part->trial && a < p->act_count; a++) {
    const onednn_act *act = &p->acts[a];
    const greatest *other = act->own;
    if (act->work != work_forward || p->slots[act->args[0].slot].value != images
        || memcmp (&other->window, &g->window, sizeof g->window) != 0)
      continue;
    *slot = act->args[0].slot;
    *notes = act->args[2].slot;
    take_images (g, &p->slots[*slot].layout);
    return true;
  }
  return false;
}

/* The gradient as it lies, where its channels are in the same blocks or in none; else compact. */
static adze_status
get_gradient (onednn_part *part, int64_t block, greatest *g, size_t *slot)
{
  adze_status status = onednn_get (part, part->node->inputs[0], NULL, slot);
  if (status != ADZE_OK)
    return status;
  dnnl_memory_desc_t layout = part->program->slots[*slot].layout;
  if (!take_positions (g, block, &layout)) {
    onednn_compact (onednn_in (part, 0), &layout);
    take_positions (g, block, &layout);
  }
  return onednn_get_floats (part, part->node->inputs[0], &layout, slot);
}

/* The gradient of a Relu that gave the images, where nobody else takes what comes out here. */
static uint32_t
take_relu (onednn_part *part, greatest *g)
{
  const adze_graph_node *node = part->node;
  const adze_graph_node *user = onednn_only_user (part, node->outputs[0]);
  if (!user || user->domain[0] == 0 || strcmp (user->op, "ReluGrad") != 0
      || user->inputs[0] != node->inputs[1] || user->inputs[1] != node->outputs[0])
    return node->outputs[0];
  g->relu = true;
  part->done[user->number] = true;
  return user->outputs[0];
}

static adze_status
add_backward (onednn_part *part, greatest *g)
{
  const uint32_t *inputs = part->node->inputs;
  onednn_arg args[] = { { 0, 0 }, { 0, 0 }, { 0, 0 } };
  adze_status status = ADZE_OK;
  size_t images;
  if (!find_notes (part, inputs[1], g, &args[2].slot, &images)) {
    status = add_forward (part, inputs[1], onednn_in (part, 0), ADZE_NONE, g, &args[2].slot);
    if (status == ADZE_OK)
      status = get_images (part, inputs[1], g, &images);
  }
  if (status != ADZE_OK)
    return status;
  const dnnl_memory_desc_t layout = part->program->slots[images].layout;
  status = get_gradient (part, onednn_block_of (&layout), g, &args[1].slot);
  const uint32_t result = take_relu (part, g);
  if (status == ADZE_OK)
    status = onednn_make_floats (part, result, &layout, &args[0].slot);
  if (status == ADZE_OK)
    status = onednn_own_add (part, args, 3, work_backward, g, sizeof *g);
  return status == ADZE_OK ? onednn_round_floats (part, result, args[0].slot) : status;
}

adze_status
onednn_max_pool_grad (onednn_part *part)
{
  greatest g;
  adze_status status = onednn_need_floats (part, 2);
  if (status != ADZE_OK)
    return status;
  if (!onednn_in (part, 1) || onednn_in (part, 2))
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "it needs its input, and takes no indices");
  status = take_window (part, &g, onednn_in (part, 1), onednn_in (part, 0));
  return status == ADZE_OK ? add_backward (part, &g) : status;
}
