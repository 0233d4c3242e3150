/* SPDX-License-Identifier: Apache-2.0 */
/* pad.c: a border of numbers round a tensor, or less of it where a pad is below zero. */
#include "move.h"

enum pad_mode { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT };

/* Places outside of the data, in a table of sources. */
#define OUTSIDE SIZE_MAX

typedef struct pad_work {
  const char *from, *constant;
  char *into;
  size_t size;
  int32_t rank;
  const adze_view *in, *out;
  const size_t *sources[ADZE_GRAPH_RANK]; /* of each place of the output along a dimension */
} pad_work;

/* Which of COUNT places stands at PLACE, when it may be outside of them. */
static size_t
source_of (int64_t place, int64_t count, enum pad_mode mode)
{
  if (place >= 0 && place < count)
    return (size_t)place;
  if (mode == PAD_CONSTANT)
    return OUTSIDE;
  if (mode == PAD_EDGE)
    return place < 0 ? 0 : (size_t)(count - 1);
  /* A mirror at each end that does not show the end itself twice. */
  int64_t period = 2 * (count - 1);
  if (period == 0)
    return 0;
  int64_t rest = place % period;
  rest = rest < 0 ? rest + period : rest;
  return (size_t)(rest < count ? rest : period - rest);
}

/* A row along the last dimension. */
static adze_status
pad_rows (void *argument, size_t first, size_t last)
{
  const pad_work *work = argument;
  const size_t *columns = work->sources[work->rank - 1];
  size_t width = (size_t)work->out->shape[work->rank - 1], size = work->size;
  for (size_t i = first; i < last; i++) {
    size_t at = 0, rest = i, reach = (size_t)work->in->shape[work->rank - 1];
    bool outside = false;
    for (int32_t d = work->rank - 1; d-- > 0;) {
      size_t source = work->sources[d][rest % (size_t)work->out->shape[d]];
      rest /= (size_t)work->out->shape[d];
      outside = outside || source == OUTSIDE;
      at += source * reach;
      reach *= (size_t)work->in->shape[d];
    }
    char *into = work->into + i * width * size;
    for (size_t k = 0; k < width; k++) {
      bool constant = outside || columns[k] == OUTSIDE;
      memcpy (into + k * size, constant ? work->constant : work->from + (at + columns[k]) * size,
              size);
    }
  }
  return ADZE_OK;
}

static adze_status
find_mode (const ref_call *call, enum pad_mode *mode)
{
  static const char *const names[] = { "constant", "edge", "reflect" };
  const char *name = adze_node_text (call->node, "mode", "constant");
  for (size_t i = 0; i < 3; i++)
    if (strcmp (names[i], name) == 0) {
      *mode = (enum pad_mode)i;
      return ADZE_OK;
    }
  return ref_refuse (call, ADZE_E_FORMAT, "mode is '%s'; it is constant, edge or reflect", name);
}

static adze_status
find_sources (ref_call *call, pad_work *work, const int64_t *pads, enum pad_mode mode)
{
  for (int32_t d = 0; d < work->rank; d++) {
    int64_t begin = pads[d], end = pads[work->rank + d], count = work->in->shape[d], sum;
    int64_t wanted = work->out->shape[d];
    if (begin < INT64_MIN / 2 || begin > INT64_MAX / 2
        || __builtin_add_overflow (count, begin, &sum) || __builtin_add_overflow (sum, end, &sum)
        || sum != wanted)
      return ref_refuse (call, ADZE_E_FORMAT,
                         "dimension %d of %lld with %lld before and %lld behind "
                         "does not become %lld",
                         d, (long long)count, (long long)begin, (long long)end, (long long)wanted);
    if (count == 0 && wanted > 0 && mode != PAD_CONSTANT)
      return ref_refuse (call, ADZE_E_FORMAT,
                         "dimension %d has nothing that a border could be made of", d);
    size_t *sources = ref_take (call, (size_t)wanted, sizeof *sources);
    if (!sources)
      return ref_no_memory (call);
    for (int64_t i = 0; i < wanted; i++)
      sources[i] = source_of (i - begin, count, mode);
    work->sources[d] = sources;
  }
  return ADZE_OK;
}

static adze_status
pad_run (ref_call *call)
{
  static const char zero[16];
  const adze_view *in, *constant = ref_in (call, 2);
  adze_view *out;
  ref_move move;
  enum pad_mode mode = PAD_CONSTANT;
  adze_status status = ref_move_begin (call, &in, &out, &move);
  if (status == ADZE_OK)
    status = find_mode (call, &mode);
  if (status != ADZE_OK || !out)
    return status;
  const int64_t *pads;
  size_t count;
  status = ref_ints (call, 1, &pads, &count);
  if (status != ADZE_OK)
    return status;
  if (in->rank != out->rank || count != 2 * (size_t)in->rank || move.size > sizeof zero)
    return ref_refuse (call, ADZE_E_FORMAT, "%zu pads for %d dimensions, which need two each",
                       count, in->rank);
  if (constant
      && (!adze_dtype_same (constant->dtype, in->dtype) || adze_view_count (constant) != 1))
    return ref_refuse (call, ADZE_E_FORMAT, "input 2 must be one number of the type of the data");
  if (in->rank == 0) {
    ref_move_add (&move, 1, 1, 1);
    return ref_move_run (call, &move);
  }
  pad_work work = { .from = move.out_of, .into = move.into, .size = move.size, .rank = in->rank,
                    .in = in, .out = out,
                    .constant = constant ? adze_view_data (constant) : zero };
  status = find_sources (call, &work, pads, mode);
  if (status != ADZE_OK || adze_view_count (out) == 0)
    return status;
  size_t width = (size_t)out->shape[out->rank - 1];
  return adze_parallel_for (call->host, adze_view_count (out) / width, ref_grain (width), pad_rows,
                            &work);
}

const ref_kernel ref_kernels_pad[] = {
  { "", "Pad", 0, false, ref_moves, pad_run },
  { .op = NULL },
};
