/* SPDX-License-Identifier: Apache-2.0 */
/* gather.c: elements and blocks from where indices say. */
#include "indices.h"
#include "move.h"

/* Blocks of BYTES bytes, one after the other, from PLACES (in elements of SIZE bytes). */
typedef struct gather_work {
  const char *from;
  char *into;
  const size_t *places;
  size_t bytes, size;
} gather_work;

static adze_status
gather_piece (void *argument, size_t first, size_t last)
{
  const gather_work *work = argument;
  for (size_t i = first; i < last; i++)
    memcpy (work->into + i * work->bytes, work->from + work->places[i] * work->size, work->bytes);
  return ADZE_OK;
}

/* COUNT blocks of BLOCK elements of the first input. */
static adze_status
gather_blocks (ref_call *call, const size_t *places, size_t count, size_t block)
{
  const adze_view *in = call->inputs[0];
  adze_view *out = call->outputs[0];
  gather_work work = { .from = adze_view_data (in),
                       .into = adze_view_data (out),
                       .places = places,
                       .size = ref_size_of (in->dtype),
                       .bytes = block * ref_size_of (in->dtype) };
  if (count * block != adze_view_count (out))
    return ref_refuse (call, ADZE_E_CONTRACT, "gives %zu elements, and has room for %zu",
                       count * block, adze_view_count (out));
  if (count * block == 0)
    return ADZE_OK;
  return adze_parallel_for (call->host, count, ref_grain (block), gather_piece, &work);
}

static adze_status
gather_run (ref_call *call)
{
  const adze_view *in;
  adze_view *out;
  ref_move move;
  adze_status status = ref_move_begin (call, &in, &out, &move);
  if (status != ADZE_OK)
    return status;
  int32_t axis;
  status = ref_axis (call, adze_node_int (call->node, "axis", 0), in->rank, &axis);
  const int64_t *indices = NULL;
  if (status == ADZE_OK)
    status = ref_indices (call, 1, &in->shape[axis], 1, &indices);
  if (status != ADZE_OK || !out)
    return status;
  size_t outer = ref_product (in, 0, axis), block = ref_product (in, axis + 1, in->rank);
  size_t along = (size_t)in->shape[axis], count = adze_view_count (call->inputs[1]);
  size_t *places = ref_take (call, outer * count, sizeof *places);
  if (!places)
    return ref_no_memory (call);
  for (size_t i = 0; i < outer; i++)
    for (size_t k = 0; k < count; k++)
      places[i * count + k] = (i * along + (size_t)indices[k]) * block;
  return gather_blocks (call, places, outer * count, block);
}

static adze_status
gather_elements_run (ref_call *call)
{
  const adze_view *in;
  adze_view *out;
  ref_move move;
  adze_status status = ref_move_begin (call, &in, &out, &move);
  if (status != ADZE_OK)
    return status;
  int32_t axis;
  status = ref_axis (call, adze_node_int (call->node, "axis", 0), in->rank, &axis);
  if (status == ADZE_OK)
    status = ref_check_along (call, 1, axis);
  const int64_t *indices = NULL;
  if (status == ADZE_OK)
    status = ref_indices (call, 1, &in->shape[axis], 1, &indices);
  if (status != ADZE_OK || !out)
    return status;
  size_t count = adze_view_count (call->inputs[1]);
  size_t *places = ref_take (call, count, sizeof *places);
  if (!places)
    return ref_no_memory (call);
  for (size_t i = 0; i < count; i++)
    places[i] = ref_place_along (in, call->inputs[1], axis, i, indices[i]);
  return gather_blocks (call, places, count, 1);
}

static adze_status
gather_nd_run (ref_call *call)
{
  const adze_view *in;
  adze_view *out;
  ref_move move;
  adze_status status = ref_move_begin (call, &in, &out, &move);
  if (status != ADZE_OK)
    return status;
  int64_t batch = adze_node_int (call->node, "batch_dims", 0);
  const adze_view *indices = ref_in (call, 1);
  if (!indices || batch < 0 || batch >= in->rank || batch >= indices->rank)
    return ref_refuse (call, ADZE_E_FORMAT, "batch_dims is %lld, with %d dimensions",
                       (long long)batch, in->rank);
  for (int32_t d = 0; d < batch; d++)
    if (in->shape[d] != indices->shape[d])
      return ref_refuse (call, ADZE_E_FORMAT, "dimension %d of data and indices differ", d);
  const size_t *found = NULL;
  size_t count = 0, block = 0, batches = ref_product (in, 0, (int32_t)batch);
  status = ref_block_places (call, 1, in, (int32_t)batch, &found, &count, &block);
  if (status != ADZE_OK || !out || count == 0)
    return status;
  /* Each batch has its own indices, into its own part of the data. */
  size_t each = count / batches, part = ref_product (in, (int32_t)batch, in->rank);
  size_t *places = ref_take (call, count, sizeof *places);
  if (!places)
    return ref_no_memory (call);
  for (size_t i = 0; i < count; i++)
    places[i] = i / each * part + found[i];
  return gather_blocks (call, places, count, block);
}

/* ---- Reversing the first part of each sequence. */

static adze_status
reverse_sequence_run (ref_call *call)
{
  const adze_view *in;
  adze_view *out;
  ref_move move;
  adze_status status = ref_move_begin (call, &in, &out, &move);
  if (status != ADZE_OK || !out)
    return status;
  int64_t batch_axis = adze_node_int (call->node, "batch_axis", 1);
  int64_t time_axis = adze_node_int (call->node, "time_axis", 0);
  if (in->rank < 2 || batch_axis < 0 || batch_axis > 1 || time_axis != 1 - batch_axis)
    return ref_refuse (call, ADZE_E_FORMAT, "batch_axis is %lld and time_axis %lld; one is 0, the "
                       "other 1", (long long)batch_axis, (long long)time_axis);
  size_t batches = (size_t)in->shape[batch_axis], times = (size_t)in->shape[time_axis];
  const int64_t *lengths;
  size_t count, block = ref_product (in, 2, in->rank);
  status = ref_ints (call, 1, &lengths, &count);
  if (status != ADZE_OK)
    return status;
  if (count != batches)
    return ref_refuse (call, ADZE_E_FORMAT, "%zu lengths for %zu sequences", count, batches);
  size_t *places = ref_take (call, batches * times, sizeof *places);
  if (!places)
    return ref_no_memory (call);
  for (size_t b = 0; b < batches; b++) {
    if (lengths[b] < 0 || (size_t)lengths[b] > times)
      return ref_refuse (call, ADZE_E_FORMAT, "element %zu of input 1 is the length %lld, of %zu",
                         b, (long long)lengths[b], times);
    for (size_t t = 0; t < times; t++) {
      size_t from = t < (size_t)lengths[b] ? (size_t)lengths[b] - 1 - t : t;
      if (batch_axis == 0)
        places[b * times + t] = (b * times + from) * block;
      else
        places[t * batches + b] = (from * batches + b) * block;
    }
  }
  return gather_blocks (call, places, batches * times, block);
}

/* ---- The way back, of our own domain: slices added where Gather took them from. */

static void
add_numbers (ref_type type, void *into, const void *from, size_t count)
{
  if (type == REF_F64)
    for (size_t i = 0; i < count; i++)
      ((double *)into)[i] += ((const double *)from)[i];
  else
    for (size_t i = 0; i < count; i++)
      ((float *)into)[i] += ((const float *)from)[i];
}

/* Slices before the axis have nothing to do with each other; in one, indices are taken in order. */
typedef struct gather_back {
  const int64_t *indices;
  const char *from;
  char *into;
  size_t count, along, block, size;
  ref_type type;
} gather_back;

static adze_status
gather_back_piece (void *argument, size_t first, size_t last)
{
  const gather_back *work = argument;
  size_t bytes = work->block * work->size;
  for (size_t i = first; i < last; i++) {
    if (work->along * bytes == 0)
      continue;
    memset (work->into + i * work->along * bytes, 0, work->along * bytes);
    for (size_t k = 0; k < work->count; k++)
      add_numbers (work->type,
                   work->into + (i * work->along + (size_t)work->indices[k]) * bytes,
                   work->from + (i * work->count + k) * bytes, work->block);
  }
  return ADZE_OK;
}

static adze_status
gather_grad_run (ref_call *call)
{
  const adze_view *gradient = ref_in (call, 0), *indices = ref_in (call, 1), *data = ref_in (call, 2);
  adze_view *out = ref_out (call, 0);
  int32_t axis;
  if (!gradient || !indices || !data)
    return ref_refuse (call, ADZE_E_CONTRACT, "needs gradient, indices and data");
  adze_status status = ref_axis (call, adze_node_int (call->node, "axis", 0), data->rank, &axis);
  gather_back work = { .type = ref_view_type (gradient), .from = adze_view_data (gradient) };
  if (status == ADZE_OK)
    status = ref_indices (call, 1, &data->shape[axis], 1, &work.indices);
  if (status != ADZE_OK || !out)
    return status;
  size_t outer = ref_product (data, 0, axis);
  work.into = adze_view_data (out);
  work.block = ref_product (data, axis + 1, data->rank);
  work.along = (size_t)data->shape[axis];
  work.count = adze_view_count (indices);
  work.size = ref_size_of (gradient->dtype);
  if (adze_view_count (gradient) != outer * work.count * work.block
      || adze_view_count (out) != adze_view_count (data))
    return ref_refuse (call, ADZE_E_FORMAT, "a gradient of %zu elements is none of what was gathered",
                       adze_view_count (gradient));
  return adze_parallel_for (call->host, outer, ref_grain (work.along * work.block),
                            gather_back_piece, &work);
}

#define GATHERED(name, function) { "", name, 0, false, ref_moves, function }

const ref_kernel ref_kernels_gather[] = {
  GATHERED ("Gather", gather_run),
  GATHERED ("GatherElements", gather_elements_run),
  GATHERED ("GatherND", gather_nd_run),
  GATHERED ("ReverseSequence", reverse_sequence_run),
  { "adze", "GatherGrad", REF_FLOATS, true, NULL, gather_grad_run },
  { .op = NULL },
};
