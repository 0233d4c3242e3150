/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer_nn.c: types and shapes of normalisation, dropout, recurrent nets, quantisation,
 * losses. */
#include <string.h>

#include "graph/infer.h"

/* ---- Normalisation. */

/* Inputs FIRST to LAST - 1 are lists with a number for each channel of input 0. */
static adze_error *
check_per_channel (const adze_infer *infer, size_t first, size_t last, int64_t *channels)
{
  *channels = -1;
  ADZE_TRY (adze_infer_need_rank (infer, 0, 1, ADZE_GRAPH_RANK));
  if (adze_infer_has_rank (infer, 0))
    *channels = infer->inputs[0].rank > 1 ? infer->inputs[0].shape[1] : 1;
  for (size_t i = first; i < last; i++) {
    ADZE_TRY (adze_infer_need_shape (infer, i, 1, channels));
    if (*channels < 0 && adze_infer_has_rank (infer, i))
      *channels = infer->inputs[i].shape[0];
  }
  return NULL;
}

static adze_error *
batch_normalization (adze_infer *infer)
{
  int64_t channels;
  bool training = adze_node_int (infer->node, "training_mode", 0) != 0;
  for (size_t i = 1; !training && i < infer->output_count; i++)
    if (infer->outputs[i].given)
      return adze_infer_refuse (infer, "gives statistics (output %zu), which it does only where "
                                "attribute 'training_mode' is 1", i);
  ADZE_TRY (check_per_channel (infer, 1, 5, &channels));
  adze_infer_shape_like (infer, 1, 3);
  adze_infer_shape_like (infer, 2, 4);
  return adze_rule_as_input (infer);
}

static adze_error *
instance_normalization (adze_infer *infer)
{
  int64_t channels;
  ADZE_TRY (adze_infer_need_rank (infer, 0, 2, ADZE_GRAPH_RANK));
  ADZE_TRY (check_per_channel (infer, 1, 3, &channels));
  return adze_rule_as_input (infer);
}

/* Scale and bias fit the dimensions from the axis on; SHAPE gets that of mean and deviation, all of
 * those being 1. RANK is -1 where nothing is told. */
static adze_error *
check_layer (const adze_infer *infer, size_t x, size_t first, size_t last, int32_t *rank,
             int64_t *shape)
{
  *rank = -1;
  if (!adze_infer_has_rank (infer, x))
    return NULL;
  const adze_infer_value *in = &infer->inputs[x];
  int32_t axis;
  ADZE_TRY (adze_infer_axis (infer, adze_node_int (infer->node, "axis", -1), in->rank, &axis));
  for (size_t i = first; i < last; i++)
    ADZE_TRY (adze_infer_one_way (infer, i, in->rank - axis, in->shape + axis));
  *rank = in->rank;
  for (int32_t d = 0; d < in->rank; d++)
    shape[d] = d < axis ? in->shape[d] : 1;
  return NULL;
}

static adze_error *
layer_normalization (adze_infer *infer)
{
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank;
  int64_t stash = adze_node_int (infer->node, "stash_type", 1);
  if (stash != 1 && stash != 16)
    return adze_infer_refuse (infer, "attribute 'stash_type' is %lld; it can be 1 (f32) or 16 "
                              "(bf16)",
                              (long long)stash);
  ADZE_TRY (check_layer (infer, 0, 1, 3, &rank, shape));
  for (size_t i = 1; i < 3; i++) {
    adze_infer_type (infer, i, stash == 1 ? (adze_dtype){ ADZE_FLOAT, 32, 1 }
                                          : (adze_dtype){ ADZE_BFLOAT, 16, 1 });
    if (rank >= 0)
      adze_infer_shape (infer, i, rank, shape);
  }
  return adze_rule_as_input (infer);
}

static adze_error *
layer_normalization_grad (adze_infer *infer)
{
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank;
  ADZE_TRY (check_layer (infer, 1, 2, 3, &rank, shape));
  if (rank >= 0) {
    ADZE_TRY (adze_infer_need_shape (infer, 0, rank, infer->inputs[1].shape));
    ADZE_TRY (adze_infer_need_shape (infer, 3, rank, shape));
    ADZE_TRY (adze_infer_need_shape (infer, 4, rank, shape));
  }
  adze_infer_shape_like (infer, 0, 1);
  adze_infer_shape_like (infer, 1, 2);
  adze_infer_shape_like (infer, 2, 2);
  return NULL;
}

static adze_error *
mean_variance_normalization (adze_infer *infer)
{
  static const int64_t preset[] = { 0, 2, 3 };
  bool marked[ADZE_GRAPH_RANK];
  size_t count;
  const int64_t *axes = adze_node_ints (infer->node, "axes", &count);
  if (adze_infer_has_rank (infer, 0))
    ADZE_TRY (adze_infer_axes (infer, axes ? axes : preset, axes ? count : 3,
                               infer->inputs[0].rank, marked));
  return adze_rule_as_input (infer);
}

static adze_error *
local_response (adze_infer *infer)
{
  int64_t size = adze_node_int (infer->node, "size", 0);
  if (size < 1)
    return adze_infer_refuse (infer, "attribute 'size' is %lld; 1 and more are possible",
                              (long long)size);
  ADZE_TRY (adze_infer_need_rank (infer, 0, 2, ADZE_GRAPH_RANK));
  return adze_rule_as_input (infer);
}

static adze_error *
dropout (adze_infer *infer)
{
  for (size_t i = 1; i < 3; i++) {
    const adze_infer_value *in = adze_infer_in (infer, i);
    int64_t count = in ? adze_infer_count (in) : -1;
    if (count >= 0 && count != 1)
      return adze_infer_refuse (infer, "input %zu has %lld elements; it is to be a single one", i,
                                (long long)count);
  }
  double ratio;
  if (adze_infer_number (infer, 1, 0, &ratio) && !(ratio >= 0 && ratio < 1))
    return adze_infer_refuse (infer, "a ratio of %g is asked for; it must be 0 or more, and less "
                              "than 1", ratio);
  adze_infer_shape_like (infer, 1, 0);
  return adze_rule_as_input (infer);
}

static adze_error *
drop (adze_infer *infer)
{
  double ratio = adze_node_float (infer->node, "ratio", 0);
  if (!(ratio >= 0 && ratio < 1))
    return adze_infer_refuse (infer, "a ratio of %g is asked for; it must be 0 or more, and less "
                              "than 1", ratio);
  ADZE_TRY (adze_infer_need_shape (infer, 1, 0, NULL));
  return adze_rule_as_input (infer);
}

/* ---- Recurrent nets. */

/* What the inputs say together; a negative number is not known. */
typedef struct recurrent {
  int64_t directions, gates, hidden, sequence, batch, width;
  bool batch_first;
} recurrent;

static adze_error *
read_recurrent (const adze_infer *infer, int64_t gates, recurrent *net)
{
  int direction;
  int64_t layout = adze_node_int (infer->node, "layout", 0);
  ADZE_TRY (adze_infer_choice (infer, "direction", "forward|reverse|bidirectional", 0, &direction));
  if (layout != 0 && layout != 1)
    return adze_infer_refuse (infer, "attribute 'layout' is %lld; it can be 0 or 1",
                              (long long)layout);
  const adze_graph_attribute *hidden = adze_node_attribute (infer->node, "hidden_size");
  *net = (recurrent){ .directions = direction == 2 ? 2 : 1,
                      .gates = gates,
                      .hidden = hidden ? hidden->ints[0] : -1,
                      .sequence = -1,
                      .batch = -1,
                      .width = -1,
                      .batch_first = layout == 1 };
  if (hidden && (net->hidden < 1 || net->hidden > INT32_MAX))
    return adze_infer_refuse (infer, "attribute 'hidden_size' is %lld", (long long)net->hidden);
  const adze_graph_attribute *names = adze_node_attribute (infer->node, "activations");
  size_t needed = (size_t)(net->directions * (gates == 1 ? 1 : gates == 3 ? 2 : 3));
  if (names && names->count != needed)
    return adze_infer_refuse (infer, "attribute 'activations' has %zu names; %zu are needed",
                              names->count, needed);
  return NULL;
}

/* X, and the recurrent weights, which are [directions, gates * hidden, hidden]. */
static adze_error *
read_sizes (const adze_infer *infer, recurrent *net)
{
  ADZE_TRY (adze_infer_need_rank (infer, 0, 3, 3));
  ADZE_TRY (adze_infer_need_rank (infer, 1, 3, 3));
  ADZE_TRY (adze_infer_need_rank (infer, 2, 3, 3));
  if (adze_infer_has_rank (infer, 0)) {
    const int64_t *x = infer->inputs[0].shape;
    net->sequence = x[net->batch_first];
    net->batch = x[!net->batch_first];
    net->width = x[2];
  }
  if (adze_infer_has_rank (infer, 2))
    ADZE_TRY (adze_infer_same (infer, net->hidden, infer->inputs[2].shape[2], "the hidden size",
                               &net->hidden));
  if (net->hidden > INT32_MAX)
    return adze_infer_refuse (infer, "a hidden size of %lld is beyond what can be worked with",
                              (long long)net->hidden);
  return NULL;
}

static adze_error *
check_recurrent (const adze_infer *infer, const recurrent *net)
{
  int64_t hidden = net->hidden, of_gates = hidden < 0 ? -1 : net->gates * hidden;
  int64_t twice = hidden < 0 ? -1 : 2 * of_gates, peepholes = hidden < 0 ? -1 : 3 * hidden;
  int64_t dirs = net->directions;
  int64_t state[3] = { dirs, net->batch, hidden }, turned[3] = { net->batch, dirs, hidden };
  const int64_t *start = net->batch_first ? turned : state;
  ADZE_TRY (adze_infer_need_shape (infer, 1, 3, (int64_t[]){ dirs, of_gates, net->width }));
  ADZE_TRY (adze_infer_need_shape (infer, 2, 3, (int64_t[]){ dirs, of_gates, hidden }));
  ADZE_TRY (adze_infer_need_shape (infer, 3, 2, (int64_t[]){ dirs, twice }));
  ADZE_TRY (adze_infer_need_shape (infer, 4, 1, &net->batch));
  ADZE_TRY (adze_infer_need_shape (infer, 5, 3, start));
  ADZE_TRY (adze_infer_need_shape (infer, 6, 3, start));
  return adze_infer_need_shape (infer, 7, 2, (int64_t[]){ dirs, peepholes });
}

static adze_error *
recurrent_net (adze_infer *infer, int64_t gates)
{
  recurrent net;
  ADZE_TRY (read_recurrent (infer, gates, &net));
  ADZE_TRY (read_sizes (infer, &net));
  ADZE_TRY (check_recurrent (infer, &net));
  int64_t unknown = adze_infer_fresh (infer), dirs = net.directions;
  int64_t hidden = net.hidden >= 0 ? net.hidden : unknown;
  if (!adze_infer_has_rank (infer, 0))
    net.sequence = adze_infer_fresh (infer), net.batch = adze_infer_fresh (infer);
  int64_t all[] = { net.sequence, dirs, net.batch, hidden };
  int64_t all_turned[] = { net.batch, net.sequence, dirs, hidden };
  int64_t last[] = { dirs, net.batch, hidden }, last_turned[] = { net.batch, dirs, hidden };
  adze_infer_shape (infer, 0, 4, net.batch_first ? all_turned : all);
  adze_infer_shape (infer, 1, 3, net.batch_first ? last_turned : last);
  adze_infer_shape (infer, 2, 3, net.batch_first ? last_turned : last);
  return NULL;
}

static adze_error *
rnn (adze_infer *infer)
{
  return recurrent_net (infer, 1);
}

static adze_error *
gru (adze_infer *infer)
{
  return recurrent_net (infer, 3);
}

static adze_error *
lstm (adze_infer *infer)
{
  return recurrent_net (infer, 4);
}

/* ---- Quantisation. */

/* Scale and zero point are single numbers, or lists along the axis. */
static adze_error *
check_scale (const adze_infer *infer)
{
  int64_t length;
  int32_t axis;
  ADZE_TRY (adze_infer_length (infer, 1, &length));
  if (adze_infer_has_rank (infer, 1))
    ADZE_TRY (adze_infer_need_rank (infer, 2, 0, 1));
  if (adze_infer_has_rank (infer, 1) && adze_infer_has_rank (infer, 2)) {
    int64_t zeros = adze_infer_count (&infer->inputs[2]);
    if (length >= 0 && zeros >= 0 && length != zeros)
      return adze_infer_refuse (infer, "there are %lld scales and %lld zero points",
                                (long long)length, (long long)zeros);
  }
  if (!adze_infer_has_rank (infer, 0) || length < 0 || length == 1)
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  ADZE_TRY (adze_infer_axis (infer, adze_node_int (infer->node, "axis", 1), in->rank, &axis));
  if (in->shape[axis] < 0 || in->shape[axis] == length)
    return NULL;
  return adze_infer_refuse (infer, "there are %lld scales for dimension %d, which is %lld",
                            (long long)length, axis, (long long)in->shape[axis]);
}

static adze_error *
quantize_linear (adze_infer *infer)
{
  const adze_infer_value *zero = adze_infer_in (infer, 2);
  adze_infer_type (infer, 0, zero ? zero->dtype : (adze_dtype){ ADZE_UINT, 8, 1 });
  ADZE_TRY (check_scale (infer));
  return adze_rule_as_input (infer);
}

static adze_error *
dequantize_linear (adze_infer *infer)
{
  ADZE_TRY (check_scale (infer));
  return adze_rule_as_input (infer);
}

static adze_error *
dynamic_quantize_linear (adze_infer *infer)
{
  adze_infer_shape (infer, 1, 0, NULL);
  adze_infer_shape (infer, 2, 0, NULL);
  return adze_rule_as_input (infer);
}

/* ---- Losses. */

/* Scores [N, C, d...], labels [N, d...], weights [C]; a loss for each label, or one of all. */
static adze_error *
loss (adze_infer *infer)
{
  int reduction;
  int64_t shape[ADZE_GRAPH_RANK];
  ADZE_TRY (adze_infer_choice (infer, "reduction", "none|sum|mean", 2, &reduction));
  ADZE_TRY (adze_infer_need_rank (infer, 0, 2, ADZE_GRAPH_RANK));
  const adze_infer_value *in = &infer->inputs[0];
  if (in->rank >= 0) {
    for (int32_t d = 0; d < in->rank - 1; d++)
      shape[d] = in->shape[d == 0 ? 0 : d + 1];
    ADZE_TRY (adze_infer_need_shape (infer, 1, in->rank - 1, shape));
    ADZE_TRY (adze_infer_need_shape (infer, 2, 1, &in->shape[1]));
  }
  if (reduction == 0)
    adze_infer_shape_like (infer, 0, 1);
  else
    adze_infer_shape (infer, 0, 0, NULL);
  adze_infer_shape_like (infer, 1, 0);
  return NULL;
}

/* ---- */

#define RECURRENT \
  "activation_alpha:F activation_beta:F activations:S clip:f direction:s hidden_size:i layout:i"
#define RECURRENT_GRU RECURRENT " linear_before_reset:i"
#define RECURRENT_LSTM RECURRENT " input_forget:i"

const adze_operator adze_operators_nn[] = {
  { "", "BatchNormalization", 5, 5, 1, 3, "abbcc", "acc",
    { ADZE_T_REAL, ADZE_T_REAL, ADZE_T_REAL }, "epsilon:f momentum:f training_mode:i",
    batch_normalization },
  { "", "InstanceNormalization", 3, 3, 1, 1, "a", "a", { ADZE_T_REAL }, "epsilon:f",
    instance_normalization },
  { "", "LayerNormalization", 2, 3, 1, 3, "a", "a.", { ADZE_T_REAL },
    "axis:i epsilon:f stash_type:i", layer_normalization },
  { "", "MeanVarianceNormalization", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "axes:I",
    mean_variance_normalization },
  { "", "LRN", 1, 1, 1, 1, "a", "a", { ADZE_T_REAL }, "alpha:f beta:f bias:f size:i!",
    local_response },
  { "", "Dropout", 1, 3, 1, 2, "abc", "ac", { ADZE_T_REAL, ADZE_T_REAL, ADZE_T_BOOL }, "seed:i",
    dropout },
  /* Drop (input, step) -> input, where word i of those drawn is 'ratio' * 2^32 or more, divided by
   * 1 - 'ratio', and 0 elsewhere: a Dropout in step STEP of training. Word i is number i % 4 of the block
   * (adze/random.h) whose counter is i / 4 and STEP, the lower half of each first, and whose key is
   * 'seed'. */
  { "adze", "Drop", 2, 2, 1, 1, "ab", "a", { ADZE_T_REAL, ADZE_T_INT64 }, "ratio:f! seed:i!", drop },
  { "", "RNN", 3, 6, 0, 2, "aaaaba", "a", { ADZE_T_REAL, ADZE_T_INT32 }, RECURRENT, rnn },
  { "", "GRU", 3, 6, 0, 2, "aaaaba", "a", { ADZE_T_REAL, ADZE_T_INT32 }, RECURRENT_GRU, gru },
  { "", "LSTM", 3, 8, 0, 3, "aaaabaaa", "a", { ADZE_T_REAL, ADZE_T_INT32 }, RECURRENT_LSTM, lstm },
  { "", "QuantizeLinear", 2, 3, 1, 1, "abc", ".",
    { ADZE_T_FLOAT | ADZE_T_INT32, ADZE_T_FLOAT, ADZE_T_BYTE }, "axis:i", quantize_linear },
  { "", "DequantizeLinear", 2, 3, 1, 1, "aba", "b", { ADZE_T_BYTE | ADZE_T_INT32, ADZE_T_FLOAT },
    "axis:i", dequantize_linear },
  { "", "DynamicQuantizeLinear", 1, 1, 3, 3, "a", "bab", { ADZE_T_FLOAT, ADZE_T_UINT8 }, "",
    dynamic_quantize_linear },
  { "", "NegativeLogLikelihoodLoss", 2, 3, 1, 1, "aba", "a", { ADZE_T_REAL, ADZE_T_INDEX },
    "ignore_index:i reduction:s", loss },
  { "", "SoftmaxCrossEntropyLoss", 2, 3, 1, 2, "aba", "a", { ADZE_T_REAL, ADZE_T_INDEX },
    "ignore_index:i reduction:s", loss },

  /* LayerNormalizationGrad (gradient, input, scale, mean, deviation) -> gradient of the input, of
   * the scale, of the bias. GRADIENT is that of the first output of LayerNormalization with the
   * same 'axis'; MEAN and DEVIATION (1 / standard deviation) are its second and third. Those of
   * scale and bias are of the shape of SCALE, summed over all dimensions that it was stretched
   * along. */
  { "adze", "LayerNormalizationGrad", 5, 5, 1, 3, "aaabb", "a", { ADZE_T_REAL, ADZE_T_REAL },
    "axis:i", layer_normalization_grad },
  { .name = NULL },
};
