/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer_other.c: types and shapes of signals, counted words, and optimisers. */
#include <string.h>

#include "graph/infer.h"

/* ---- Signals. Their last dimension is 1 (real) or 2 (complex). */

static adze_error *
check_parts (const adze_infer *infer, int64_t parts, bool real)
{
  if (parts < 0 || parts == 1 || (parts == 2 && !real))
    return NULL;
  return adze_infer_refuse (infer, "the last dimension of input 0 is %lld; %s", (long long)parts,
                            real ? "for half of a spectrum it must be 1"
                                 : "it must be 1 for real numbers or 2 for complex ones");
}

/* A length that an input says, from 1 on. */
static adze_error *
length_of (const adze_infer *infer, size_t index, int64_t *length)
{
  int64_t numbers[ADZE_INFER_INTS];
  size_t count;
  *length = -1;
  if (!adze_infer_ints (infer, index, numbers, &count))
    return NULL;
  if (count != 1 || numbers[0] < 1)
    return adze_infer_refuse (infer, "input %zu is to be a single number from 1 on", index);
  *length = numbers[0];
  return NULL;
}

static adze_error *
fourier (adze_infer *infer)
{
  bool half = adze_node_int (infer->node, "onesided", 0) != 0;
  bool inverse = adze_node_int (infer->node, "inverse", 0) != 0;
  int64_t shape[ADZE_GRAPH_RANK], length;
  int32_t axis;
  if (half && inverse)
    return adze_infer_refuse (infer, "has both 'onesided' and 'inverse', which rule each other "
                              "out");
  ADZE_TRY (length_of (infer, 1, &length));
  ADZE_TRY (adze_infer_need_rank (infer, 0, 2, ADZE_GRAPH_RANK));
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  ADZE_TRY (adze_infer_axis (infer, adze_node_int (infer->node, "axis", 1), in->rank, &axis));
  if (axis == in->rank - 1)
    return adze_infer_refuse (infer, "attribute 'axis' is the last dimension, which holds the "
                              "parts of complex numbers");
  ADZE_TRY (check_parts (infer, in->shape[in->rank - 1], half));
  memcpy (shape, in->shape, sizeof shape);
  if (adze_infer_in (infer, 1))
    shape[axis] = length >= 0 ? length : adze_infer_fresh (infer);
  if (half)
    shape[axis] = shape[axis] >= 0 ? shape[axis] / 2 + 1 : adze_infer_fresh (infer);
  shape[in->rank - 1] = 2;
  adze_infer_shape (infer, 0, in->rank, shape);
  return NULL;
}

/* The length of a frame: input 3, or that of the window, input 2; they must agree. */
static adze_error *
frame_length (const adze_infer *infer, int64_t *length)
{
  int64_t window;
  ADZE_TRY (length_of (infer, 3, length));
  ADZE_TRY (adze_infer_length (infer, 2, &window));
  if (!adze_infer_in (infer, 2) && !adze_infer_in (infer, 3))
    return adze_infer_refuse (infer, "has neither a window (input 2) nor a length of frames "
                              "(input 3)");
  return adze_infer_same (infer, *length, window, "the length of a frame", length);
}

static adze_error *
short_time_fourier (adze_infer *infer)
{
  bool half = adze_node_int (infer->node, "onesided", 1) != 0;
  int64_t step, length, frames, bins;
  ADZE_TRY (length_of (infer, 1, &step));
  ADZE_TRY (frame_length (infer, &length));
  ADZE_TRY (adze_infer_need_rank (infer, 0, 2, 3));
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  int64_t size = in->shape[1];
  if (in->rank == 3)
    ADZE_TRY (check_parts (infer, in->shape[2], half));
  if (size >= 0 && length > size)
    return adze_infer_refuse (infer, "frames of %lld are asked for of a signal of %lld",
                              (long long)length, (long long)size);
  if (size >= 0 && step > 0 && length > 0)
    frames = (size - length) / step + 1;
  else
    frames = adze_infer_fresh (infer);
  bins = length < 0 ? adze_infer_fresh (infer) : half ? length / 2 + 1 : length;
  adze_infer_shape (infer, 0, 4, (int64_t[]){ in->shape[0], frames, bins, 2 });
  return NULL;
}

/* ---- Counted words, of whole numbers alone. */

static adze_error *
count_words (adze_infer *infer)
{
  int mode;
  size_t count;
  int64_t most = -1, shape[2];
  ADZE_TRY (adze_infer_choice (infer, "mode", "TF|IDF|TFIDF", 0, &mode));
  ADZE_TRY (adze_infer_need_rank (infer, 0, 1, 2));
  const int64_t *indexes = adze_node_ints (infer->node, "ngram_indexes", &count);
  for (size_t i = 0; i < count; i++) {
    if (indexes[i] < 0 || indexes[i] > INT32_MAX)
      return adze_infer_refuse (infer, "number %zu of attribute 'ngram_indexes' is %lld", i,
                                (long long)indexes[i]);
    most = indexes[i] > most ? indexes[i] : most;
  }
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  shape[0] = in->shape[0];
  shape[in->rank - 1] = most + 1;
  adze_infer_shape (infer, 0, in->rank, shape);
  return NULL;
}

/* ---- Optimisers: after a rate and a count come GROUPS lists of tensors, all of the same length:
 * the weights, their gradients, what is remembered. New weights and what is remembered come out. */
static adze_error *
optimiser (adze_infer *infer, size_t groups)
{
  size_t tensors = infer->input_count - 2, each = tensors / groups;
  if (each == 0 || tensors % groups != 0 || infer->output_count != each * (groups - 1))
    return adze_infer_refuse (infer, "has %zu inputs and %zu outputs; for each weight %zu inputs "
                              "and %zu outputs are needed, and two inputs in front",
                              infer->input_count, infer->output_count, groups, groups - 1);
  for (size_t i = 0; i < 2; i++)
    ADZE_TRY (adze_infer_need_rank (infer, i, 0, 0));
  for (size_t i = 0; i < tensors; i++) {
    const adze_infer_value *weight = &infer->inputs[2 + i % each], *in = &infer->inputs[2 + i];
    uint16_t set = adze_infer_set_of (in->dtype);
    if (in->dtype.bits && !(set & (ADZE_T_FLOAT | ADZE_T_DOUBLE)))
      return adze_infer_refuse (infer, "input %zu must be f32 or f64", 2 + i);
    if (in->dtype.bits && weight->dtype.bits
        && memcmp (&in->dtype, &weight->dtype, sizeof in->dtype) != 0)
      return adze_infer_refuse (infer, "input %zu is of another type than its weight, input %zu",
                                2 + i, 2 + i % each);
    if (weight->rank >= 0)
      ADZE_TRY (adze_infer_need_shape (infer, 2 + i, weight->rank, weight->shape));
  }
  for (size_t i = 0; i < infer->output_count; i++)
    adze_infer_like (infer, i, 2 + i % each);
  return NULL;
}

static adze_error *
adagrad (adze_infer *infer)
{
  return optimiser (infer, 3);
}

static adze_error *
adam (adze_infer *infer)
{
  return optimiser (infer, 4);
}

static adze_error *
momentum (adze_infer *infer)
{
  int mode;
  ADZE_TRY (adze_infer_choice (infer, "mode", "standard|nesterov", 0, &mode));
  return optimiser (infer, 3);
}

/* ---- */

#define TRAINING "ai.onnx.preview.training"

const adze_operator adze_operators_other[] = {
  { "", "DFT", 1, 2, 1, 1, "ab", "a", { ADZE_T_REAL, ADZE_T_INDEX }, "axis:i inverse:i onesided:i",
    fourier },
  { "", "STFT", 2, 4, 1, 1, "abab", "a", { ADZE_T_REAL, ADZE_T_INDEX }, "onesided:i",
    short_time_fourier },
  { "", "TfIdfVectorizer", 1, 1, 1, 1, "a", "b", { ADZE_T_INDEX, ADZE_T_FLOAT },
    "max_gram_length:i! max_skip_count:i! min_gram_length:i! mode:s! ngram_counts:I! "
    "ngram_indexes:I! pool_int64s:I! weights:F", count_words },
  { TRAINING, "Adagrad", 5, 255, 1, 255, "ab.", ".",
    { ADZE_T_FLOAT | ADZE_T_DOUBLE, ADZE_T_INT64 }, "decay_factor:f epsilon:f norm_coefficient:f",
    adagrad },
  { TRAINING, "Adam", 6, 255, 1, 255, "ab.", ".", { ADZE_T_FLOAT | ADZE_T_DOUBLE, ADZE_T_INT64 },
    "alpha:f beta:f epsilon:f norm_coefficient:f norm_coefficient_post:f", adam },
  { TRAINING, "Momentum", 5, 255, 1, 255, "ab.", ".",
    { ADZE_T_FLOAT | ADZE_T_DOUBLE, ADZE_T_INT64 }, "alpha:f! beta:f! mode:s! norm_coefficient:f!",
    momentum },
  { .name = NULL },
};
