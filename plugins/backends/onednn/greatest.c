/* SPDX-License-Identifier: Apache-2.0 */
/* greatest.c: adze.MaxPoolGrad by our own loops. oneDNN's needs a second computation of the pool, for a
 * note of which elements were the greatest; here they are looked for while the gradient is handed out.
 * What a Relu in front of the pool lets through is seen by the same elements, so its gradient is done on
 * top. Channels that lie side by side are done together. */
#include "onednn.h"

#include <math.h>

/* Channels are independent of each other: any width of vectors gives the same. */
#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("O3")
#endif
#if defined __x86_64__ && defined __linux__
#define ANY_WIDTH __attribute__ ((target_clones ("avx512f", "avx2", "default")))
#else
#define ANY_WIDTH
#endif

enum { SPACE = 3, MOST_LANES = 16, PIECE = 1 << 15 };

/* How numbers lie: steps from one image, group of channels, channel of a group and place to the next. */
typedef struct lie {
  int64_t image, group, lane, space[SPACE];
} lie;

typedef struct greatest {
  lie images, positions; /* POSITIONS: of the gradient that is given */
  int64_t batch, channels, groups, lanes;
  int64_t in[SPACE], out[SPACE];
  int64_t kernel[SPACE], stride[SPACE], dilation[SPACE], before[SPACE];
  bool given_blocks; /* the gradient that is given has the blocks of the images */
  bool covers;       /* each element is seen from one position, and no other */
  bool relu;
} greatest;

/* Some channels, and what a window sees of them. */
typedef struct sight {
  const float *images;
  float *made;
  const float *given;                   /* of one position, LANE apart */
  int64_t lane, given_lanes;            /* and how many of them there are */
  int64_t first[SPACE], last[SPACE];    /* elements of the window that are in the image */
  int64_t step[SPACE];                  /* from one of them to the next */
  int64_t turn[SPACE];                  /* what the number of an element grows by */
  bool covers, relu;
} sight;

/* A loop over channels is to become one of vectors; unrolled first, it would not. */
#define EACH_LANE(l) _Pragma ("GCC unroll 1") for (int l = 0; l < count; l++)

/* ---- One position, and COUNT channels from LANE on: of equal elements the first is the greatest. */

#define EACH_ELEMENT(at, number) \
  for (int64_t a = s.first[0]; a < s.last[0]; a++) \
    for (int64_t b = s.first[1]; b < s.last[1]; b++) \
      for (int64_t c = s.first[2], at = a * s.step[0] + b * s.step[1] + c * s.step[2] + lane, \
                   number = a * s.turn[0] + b * s.turn[1] + c; \
           c < s.last[2]; c++, at += s.step[2], number++)

static inline __attribute__ ((always_inline)) void
hand_out (const sight s, int64_t lane, int count)
{
  float most[MOST_LANES], share[MOST_LANES];
  int32_t which[MOST_LANES];
  EACH_LANE (l) {
    most[l] = -INFINITY;
    which[l] = -1;
  }
  EACH_ELEMENT (at, number) {
    const float *restrict x = s.images + at;
    EACH_LANE (l) {
      bool more = (x[l] > most[l]) | (which[l] < 0);
      most[l] = more ? x[l] : most[l];
      which[l] = more ? (int32_t)number : which[l];
    }
  }
  EACH_LANE (l)
    share[l] = lane + l < s.given_lanes ? s.given[(lane + l) * s.lane] : 0;
  if (s.relu)
    EACH_LANE (l)
      share[l] = most[l] > 0 ? share[l] : 0;
  EACH_ELEMENT (at, number) {
    float *restrict made = s.made + at;
    if (s.covers)
      EACH_LANE (l)
        made[l] = which[l] == (int32_t)number ? share[l] : 0;
    else
      EACH_LANE (l)
        made[l] += which[l] == (int32_t)number ? share[l] : 0;
  }
}

/* ---- All of a group. */

/* Which elements of the window are in the image, along one dimension. */
static void
look (const greatest *g, int d, int64_t position, sight *s, int64_t *offset)
{
  int64_t start = position * g->stride[d] - g->before[d], step = g->dilation[d];
  s->first[d] = start < 0 ? (-start + step - 1) / step : 0;
  s->last[d] = g->kernel[d];
  if (start + (g->kernel[d] - 1) * step >= g->in[d])
    s->last[d] = start < g->in[d] ? (g->in[d] - start + step - 1) / step : 0;
  *offset = start * g->images.space[d];
}

static inline __attribute__ ((always_inline)) void
do_position (const greatest *g, const sight *s)
{
  int64_t lane = 0;
  for (; g->lanes - lane >= 16; lane += 16)
    hand_out (*s, lane, 16);
  for (; g->lanes - lane >= 8; lane += 8)
    hand_out (*s, lane, 8);
  for (; lane < g->lanes; lane++)
    hand_out (*s, lane, 1);
}

ANY_WIDTH static void
do_group (const greatest *g, const float *images, const float *given, float *made, sight *s)
{
  int64_t offset[SPACE];
  for (int64_t a = 0; a < g->out[0]; a++) {
    look (g, 0, a, s, &offset[0]);
    for (int64_t b = 0; b < g->out[1]; b++) {
      look (g, 1, b, s, &offset[1]);
      for (int64_t c = 0; c < g->out[2]; c++) {
        look (g, 2, c, s, &offset[2]);
        int64_t start = offset[0] + offset[1] + offset[2];
        s->images = images + start;
        s->made = made + start;
        s->given = given + a * g->positions.space[0] + b * g->positions.space[1]
                   + c * g->positions.space[2];
        do_position (g, s);
      }
    }
  }
}

typedef struct pass {
  const greatest *g;
  const float *given, *images;
  float *made;
} pass;

static adze_status
do_groups (void *argument, size_t first, size_t last)
{
  const pass *w = argument;
  const greatest *g = w->g;
  size_t numbers = (size_t)(g->in[0] * g->in[1] * g->in[2] * g->lanes);
  for (size_t i = first; i < last; i++) {
    int64_t image = (int64_t)i / g->groups, group = (int64_t)i % g->groups;
    int64_t from = image * g->images.image + group * g->images.group;
    sight s = { .lane = g->positions.lane, .given_lanes = g->given_blocks ? g->lanes : g->channels - group * g->lanes,
                .covers = g->covers, .relu = g->relu,
                .turn = { g->kernel[1] * g->kernel[2], g->kernel[2], 1 } };
    for (int d = 0; d < SPACE; d++)
      s.step[d] = g->dilation[d] * g->images.space[d];
    if (!g->covers)
      memset (w->made + from, 0, numbers * sizeof *w->made);
    do_group (g, w->images + from,
              w->given + image * g->positions.image + group * g->positions.group, w->made + from,
              &s);
  }
  return ADZE_OK;
}

/* Arguments: gradient, images, and what is made. */
static adze_status
work (const adze_host *host, const adze_program *p, const onednn_act *act)
{
  const greatest *g = act->own;
  pass w = { .g = g,
             .given = p->slots[act->args[0].slot].handle,
             .images = p->slots[act->args[1].slot].handle,
             .made = p->slots[act->args[2].slot].handle };
  size_t numbers = (size_t)(g->in[0] * g->in[1] * g->in[2] * g->lanes);
  return adze_parallel_for (host, (size_t)(g->batch * g->groups), PIECE / numbers, do_groups, &w);
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

static void
take_window (greatest *g, const onednn_window *w, const adze_graph_value *images,
             const adze_graph_value *positions)
{
  int missing = SPACE - w->dims;
  *g = (greatest){ .batch = images->shape[0], .channels = images->shape[1], .covers = true };
  for (int d = 0; d < SPACE; d++) {
    int from = d - missing;
    bool there = from >= 0;
    g->in[d] = there ? images->shape[2 + from] : 1;
    g->out[d] = there ? positions->shape[2 + from] : 1;
    g->kernel[d] = there ? w->kernel[from] : 1;
    g->stride[d] = there ? w->strides[from] : 1;
    g->dilation[d] = there ? w->dilations[from] + 1 : 1;
    g->before[d] = there ? w->before[from] : 0;
    g->covers = g->covers && g->before[d] == 0 && g->stride[d] == g->kernel[d]
                && g->in[d] == g->out[d] * g->stride[d]
                && (g->dilation[d] == 1 || g->kernel[d] == 1);
  }
}

/* ---- (gradient, input) */

/* The images as they lie, where that is fit for it; else compact. */
static adze_status
get_images (onednn_part *part, greatest *g, size_t *slot)
{
  dnnl_memory_desc_t compact;
  adze_status status = onednn_get (part, part->node->inputs[1], NULL, slot);
  if (status != ADZE_OK || take_images (g, &part->program->slots[*slot].layout))
    return status;
  onednn_compact (onednn_in (part, 1), &compact);
  status = onednn_get (part, part->node->inputs[1], &compact, slot);
  take_images (g, &compact);
  return status;
}

/* The gradient as it lies, where its channels are in the same blocks or in none; else compact. */
static adze_status
get_gradient (onednn_part *part, greatest *g, int64_t block, size_t *slot)
{
  dnnl_memory_desc_t layout;
  adze_status status = onednn_get (part, part->node->inputs[0], NULL, slot);
  if (status != ADZE_OK)
    return status;
  layout = part->program->slots[*slot].layout;
  int64_t found = onednn_block_of (&layout);
  if (found != 1 && found != block) {
    onednn_compact (onednn_in (part, 0), &layout);
    status = onednn_get (part, part->node->inputs[0], &layout, slot);
  }
  g->given_blocks = found == block && block > 1;
  g->positions = lie_of (&layout, g->lanes);
  return status;
}

/* The gradient of a Relu that gave the images, where nobody else takes what comes out here. */
static uint32_t
take_relu (onednn_part *part, greatest *g)
{
  const adze_graph_node *node = part->node;
  const adze_graph_node *user = onednn_only_user (part, node->outputs[0]);
  if (!user || strcmp (user->op, "ReluGrad") != 0 || user->inputs[0] != node->inputs[1]
      || user->inputs[1] != node->outputs[0])
    return node->outputs[0];
  g->relu = true;
  part->done[user->number] = true;
  return user->outputs[0];
}

static adze_status
add_act (onednn_part *part, const greatest *g, const onednn_arg *args)
{
  adze_status status = onednn_own_act_add (part, args, 3);
  if (status != ADZE_OK || part->trial)
    return status;
  onednn_act *act = &part->program->acts[part->program->act_count - 1];
  greatest *own = part->host->allocate (part->host, sizeof *own);
  if (!own)
    return onednn_refuse (part, ADZE_E_MEMORY, "no memory for the gradient of a pool");
  *own = *g;
  act->work = work;
  act->own = own;
  return ADZE_OK;
}

adze_status
onednn_max_pool_grad (onednn_part *part)
{
  greatest g;
  onednn_window window;
  onednn_arg args[] = { { 0, 0 }, { 0, 0 }, { 0, 0 } };
  adze_status status = onednn_need_floats (part, 2);
  if (status != ADZE_OK)
    return status;
  const adze_graph_value *positions = onednn_in (part, 0), *images = onednn_in (part, 1);
  if (!images || onednn_in (part, 2))
    return onednn_refuse (part, ADZE_E_UNSUPPORTED, "it needs its input, and takes no indices");
  status = onednn_window_of (part, images, positions, NULL, &window);
  if (status != ADZE_OK)
    return status;
  take_window (&g, &window, images, positions);
  status = get_images (part, &g, &args[1].slot);
  if (status != ADZE_OK)
    return status;
  const dnnl_memory_desc_t layout = part->program->slots[args[1].slot].layout;
  status = get_gradient (part, &g, onednn_block_of (&layout), &args[0].slot);
  if (status == ADZE_OK)
    status = onednn_make (part, take_relu (part, &g), &layout, &args[2].slot);
  return status == ADZE_OK ? add_act (part, &g, args) : status;
}
