/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer_make.c: types and shapes of what makes tensors from shapes, numbers, chance. */
#include <math.h>

#include "graph/infer.h"

/* ---- Shapes and numbers. */

static adze_error *
shape_rule (adze_infer *infer)
{
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  int32_t rank = infer->inputs[0].rank;
  int64_t start = adze_node_int (infer->node, "start", 0);
  int64_t end = adze_node_int (infer->node, "end", rank);
  start += start < 0 ? rank : 0;
  end += end < 0 ? rank : 0;
  start = start < 0 ? 0 : start > rank ? rank : start;
  end = end < 0 ? 0 : end > rank ? rank : end;
  int64_t count = end > start ? end - start : 0;
  adze_infer_shape (infer, 0, 1, &count);
  return NULL;
}

static adze_error *
scalar (adze_infer *infer)
{
  adze_infer_shape (infer, 0, 0, NULL);
  return NULL;
}

static adze_error *
constant_of_shape (adze_infer *infer)
{
  const adze_graph_attribute *value = adze_node_attribute (infer->node, "value");
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank;
  bool known;
  adze_infer_type (infer, 0, value ? value->tensor->dtype : (adze_dtype){ ADZE_FLOAT, 32, 1 });
  if (value && adze_view_count (value->tensor) != 1)
    return adze_infer_refuse (infer, "attribute 'value' has %zu elements; 1 is needed",
                              adze_view_count (value->tensor));
  ADZE_TRY (adze_infer_shape_numbers (infer, 0, &rank, shape, &known));
  if (known)
    adze_infer_shape (infer, 0, rank, shape);
  else if (rank >= 0)
    adze_infer_rank (infer, 0, rank);
  return NULL;
}

/* Exactly one attribute says what the constant is. */
static adze_error *
constant (adze_infer *infer)
{
  if (infer->node->attribute_count != 1)
    return adze_infer_refuse (infer, "has %zu attributes; exactly one is to hold the numbers",
                              infer->node->attribute_count);
  const adze_graph_attribute *value = &infer->node->attributes[0];
  bool whole = value->type == ADZE_ATTRIBUTE_INT || value->type == ADZE_ATTRIBUTE_INTS;
  bool list = value->type == ADZE_ATTRIBUTE_INTS || value->type == ADZE_ATTRIBUTE_FLOATS;
  int64_t count = (int64_t)value->count;
  if (value->type == ADZE_ATTRIBUTE_TENSOR) {
    ADZE_TRY (adze_infer_fits (infer, value->tensor->rank));
    adze_infer_type (infer, 0, value->tensor->dtype);
    adze_infer_shape (infer, 0, value->tensor->rank, value->tensor->shape);
    return NULL;
  }
  adze_infer_type (infer, 0, whole ? (adze_dtype){ ADZE_INT, 64, 1 }
                                   : (adze_dtype){ ADZE_FLOAT, 32, 1 });
  adze_infer_shape (infer, 0, list, &count);
  return NULL;
}

static adze_error *
eye_like (adze_infer *infer)
{
  ADZE_TRY (adze_infer_need_rank (infer, 0, 2, 2));
  adze_infer_like (infer, 0, 0);
  adze_dtype dtype = { 0 };
  ADZE_TRY (adze_infer_type_named (infer, "dtype", ADZE_T_PLAIN, &dtype));
  if (dtype.bits)
    adze_infer_type (infer, 0, dtype);
  return NULL;
}

/* How many numbers from START on lie before LIMIT; floats are reckoned in double. */
static adze_error *
range_floats (const adze_infer *infer, int64_t *count)
{
  double part[3];
  for (size_t i = 0; i < 3; i++)
    if (!adze_infer_number (infer, i, 0, &part[i])) {
      *count = adze_infer_fresh (infer);
      return NULL;
    }
  double steps = ceil ((part[1] - part[0]) / part[2]);
  if (part[2] == 0 || isnan (steps) || steps > 0x1p53)
    return adze_infer_refuse (infer, "from %g to %g by steps of %g there is no number of steps "
                              "that can be counted", part[0], part[1], part[2]);
  *count = steps > 0 ? (int64_t)steps : 0;
  return NULL;
}

static adze_error *
range_ints (const adze_infer *infer, int64_t *count)
{
  int64_t part[3], numbers[ADZE_INFER_INTS];
  size_t one;
  for (size_t i = 0; i < 3; i++) {
    if (!adze_infer_ints (infer, i, numbers, &one) || one != 1) {
      *count = adze_infer_fresh (infer);
      return NULL;
    }
    part[i] = numbers[0];
  }
  if (part[2] == 0)
    return adze_infer_refuse (infer, "the step is 0");
  bool up = part[2] > 0;
  uint64_t step = up ? (uint64_t)part[2] : -(uint64_t)part[2];
  uint64_t way = up ? (uint64_t)part[1] - (uint64_t)part[0] : (uint64_t)part[0] - (uint64_t)part[1];
  uint64_t steps = (up ? part[1] > part[0] : part[0] > part[1]) ? (way - 1) / step + 1 : 0;
  if (steps > INT64_MAX)
    return adze_infer_refuse (infer, "from %lld to %lld there are more steps than can be counted",
                              (long long)part[0], (long long)part[1]);
  *count = (int64_t)steps;
  return NULL;
}

static adze_error *
range (adze_infer *infer)
{
  int64_t count, length;
  for (size_t i = 0; i < 3; i++) {
    ADZE_TRY (adze_infer_length (infer, i, &length));
    if (length >= 0 && length != 1)
      return adze_infer_refuse (infer, "input %zu has %lld elements; it is to be a single "
                                "number", i,
                                (long long)length);
  }
  uint16_t set = adze_infer_set_of (infer->inputs[0].dtype);
  if (set & ADZE_T_REAL)
    ADZE_TRY (range_floats (infer, &count));
  else
    ADZE_TRY (range_ints (infer, &count));
  adze_infer_shape (infer, 0, 1, &count);
  return NULL;
}

/* ---- Chance. */

static adze_error *
random_numbers (adze_infer *infer)
{
  adze_dtype dtype = { ADZE_FLOAT, 32, 1 };
  int64_t shape[ADZE_GRAPH_RANK];
  size_t rank;
  adze_node_ints (infer->node, "shape", &rank);
  ADZE_TRY (adze_infer_fits (infer, (int64_t)rank));
  ADZE_TRY (adze_infer_list (infer, "shape", rank, 0, 0, INT64_MAX, shape));
  ADZE_TRY (adze_infer_type_named (infer, "dtype", ADZE_T_REAL, &dtype));
  adze_infer_type (infer, 0, dtype);
  adze_infer_shape (infer, 0, (int32_t)rank, shape);
  return NULL;
}

/* Shape and, where no other is named, type of the input. */
static adze_error *
random_like (adze_infer *infer)
{
  adze_dtype dtype = infer->inputs[0].dtype;
  ADZE_TRY (adze_infer_type_named (infer, "dtype", ADZE_T_REAL, &dtype));
  if (dtype.bits && !(adze_infer_set_of (dtype) & ADZE_T_REAL))
    return adze_infer_refuse (infer, "input 0 is not of floats, so attribute 'dtype' is needed");
  adze_infer_type (infer, 0, dtype);
  return adze_rule_as_input (infer);
}

static adze_error *
bernoulli (adze_infer *infer)
{
  adze_dtype dtype = infer->inputs[0].dtype;
  ADZE_TRY (adze_infer_type_named (infer, "dtype", ADZE_T_PLAIN, &dtype));
  adze_infer_type (infer, 0, dtype);
  return adze_rule_as_input (infer);
}

static adze_error *
multinomial (adze_infer *infer)
{
  adze_dtype dtype = { ADZE_INT, 32, 1 };
  int64_t samples = adze_node_int (infer->node, "sample_size", 1);
  ADZE_TRY (adze_infer_type_named (infer, "dtype", ADZE_T_INDEX, &dtype));
  adze_infer_type (infer, 0, dtype);
  ADZE_TRY (adze_infer_need_rank (infer, 0, 2, 2));
  if (samples < 0)
    return adze_infer_refuse (infer, "attribute 'sample_size' is %lld", (long long)samples);
  if (adze_infer_has_rank (infer, 0))
    adze_infer_shape (infer, 0, 2, (int64_t[]){ infer->inputs[0].shape[0], samples });
  return NULL;
}

/* ---- Windows and weights of signals. */

static adze_error *
output_type (adze_infer *infer)
{
  adze_dtype dtype = { ADZE_FLOAT, 32, 1 };
  ADZE_TRY (adze_infer_type_named (infer, "output_datatype", ADZE_T_NUMBER, &dtype));
  adze_infer_type (infer, 0, dtype);
  return NULL;
}

/* A single number of an input, from LEAST on; a symbol where it is not known. */
static adze_error *
size_of_number (const adze_infer *infer, size_t index, int64_t least, int64_t *into)
{
  int64_t numbers[ADZE_INFER_INTS];
  size_t count;
  if (!adze_infer_ints (infer, index, numbers, &count)) {
    *into = adze_infer_fresh (infer);
    return NULL;
  }
  if (count != 1 || numbers[0] < least)
    return adze_infer_refuse (infer, "input %zu is to be a single number from %lld on", index,
                              (long long)least);
  *into = numbers[0];
  return NULL;
}

static adze_error *
window (adze_infer *infer)
{
  int64_t size;
  ADZE_TRY (output_type (infer));
  ADZE_TRY (size_of_number (infer, 0, 0, &size));
  adze_infer_shape (infer, 0, 1, &size);
  return NULL;
}

static adze_error *
mel_weights (adze_infer *infer)
{
  int64_t bins, length;
  ADZE_TRY (output_type (infer));
  ADZE_TRY (size_of_number (infer, 0, 0, &bins));
  ADZE_TRY (size_of_number (infer, 1, 0, &length));
  int64_t half = length >= 0 ? length / 2 + 1 : adze_infer_fresh (infer);
  adze_infer_shape (infer, 0, 2, (int64_t[]){ half, bins });
  return NULL;
}

/* ---- */

const adze_operator adze_operators_make[] = {
  { "", "Shape", 1, 1, 1, 1, "a", "b", { ADZE_T_ANY, ADZE_T_INT64 }, "end:i start:i", shape_rule },
  { "", "Size", 1, 1, 1, 1, "a", "b", { ADZE_T_ANY, ADZE_T_INT64 }, "", scalar },
  { "", "Constant", 0, 0, 1, 1, "", ".", { 0 },
    "value:t value_float:f value_floats:F value_int:i value_ints:I", constant },
  { "", "ConstantOfShape", 1, 1, 1, 1, "a", ".", { ADZE_T_INT64 }, "value:t", constant_of_shape },
  { "", "EyeLike", 1, 1, 1, 1, "a", ".", { ADZE_T_PLAIN }, "dtype:i k:i", eye_like },
  { "", "Range", 3, 3, 1, 1, "a", "a", { ADZE_T_REAL | ADZE_T_INDEX | ADZE_T_INT16 }, "", range },
  { "", "RandomNormal", 0, 0, 1, 1, "", ".", { 0 }, "dtype:i mean:f scale:f seed:f shape:I!",
    random_numbers },
  { "", "RandomUniform", 0, 0, 1, 1, "", ".", { 0 }, "dtype:i high:f low:f seed:f shape:I!",
    random_numbers },
  { "", "RandomNormalLike", 1, 1, 1, 1, "a", ".", { ADZE_T_ANY }, "dtype:i mean:f scale:f seed:f",
    random_like },
  { "", "RandomUniformLike", 1, 1, 1, 1, "a", ".", { ADZE_T_ANY }, "dtype:i high:f low:f seed:f",
    random_like },
  { "", "Bernoulli", 1, 1, 1, 1, "a", ".", { ADZE_T_REAL }, "dtype:i seed:f", bernoulli },
  { "", "Multinomial", 1, 1, 1, 1, "a", ".", { ADZE_T_REAL }, "dtype:i sample_size:i seed:f",
    multinomial },
  { "", "BlackmanWindow", 1, 1, 1, 1, "a", ".", { ADZE_T_INDEX }, "output_datatype:i periodic:i",
    window },
  { "", "HammingWindow", 1, 1, 1, 1, "a", ".", { ADZE_T_INDEX }, "output_datatype:i periodic:i",
    window },
  { "", "HannWindow", 1, 1, 1, 1, "a", ".", { ADZE_T_INDEX }, "output_datatype:i periodic:i",
    window },
  { "", "MelWeightMatrix", 5, 5, 1, 1, "aaabb", ".", { ADZE_T_INDEX, ADZE_T_REAL },
    "output_datatype:i", mel_weights },
  { .name = NULL },
};
