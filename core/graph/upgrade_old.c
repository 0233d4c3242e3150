/* SPDX-License-Identifier: Apache-2.0 */
/* graph/upgrade_old.c: adapters up to opset 7, of operators that models of that age have. What they
 * cannot say in today's terms is refused by node. */
#include <string.h>

#include "graph/upgrade_rules.h"

static adze_error *
refuse_old (const adze_upgrade *up, const char *what)
{
  return adze_upgrade_refuse (up, ADZE_E_UNSUPPORTED,
                              "%s, which no opset since 7 has; export the model at a newer one",
                              what);
}

/* ---- Broadcasting, which had to be asked for, and was along an axis. */

/* Input 1 gets TRAILING more dimensions of 1. */
static adze_error *
add_dimensions (adze_upgrade *up, int32_t rank, int32_t trailing)
{
  int64_t axes[ADZE_GRAPH_RANK];
  uint32_t inputs[2] = { up->node->inputs[1], ADZE_NONE }, wide;
  if (rank + trailing > ADZE_GRAPH_RANK)
    return adze_upgrade_refuse (up, ADZE_E_FORMAT, "has more than %d dimensions", ADZE_GRAPH_RANK);
  for (int32_t i = 0; i < trailing; i++)
    axes[i] = rank + i;
  ADZE_TRY (adze_upgrade_ints (up, axes, (size_t)trailing, &inputs[1]));
  const adze_node_recipe unsqueeze = { .struct_size = sizeof unsqueeze, .op = "Unsqueeze",
                                       .inputs = inputs, .input_count = 2, .output_count = 1 };
  ADZE_TRY (adze_graph_add_node (up->graph, &unsqueeze, &wide));
  return adze_upgrade_set_input (up, 1, wide);
}

static adze_error *
broadcast_by_shape (adze_upgrade *up)
{
  const adze_graph_node *node = up->node;
  const adze_graph_attribute *given = adze_node_attribute (node, "axis");
  bool along = adze_node_int (node, "broadcast", 0) != 0 && given;
  int64_t axis = adze_node_int (node, "axis", 0);
  adze_upgrade_drop_attribute (up, "broadcast");
  adze_upgrade_drop_attribute (up, "axis");
  if (!along)
    return NULL;
  if (node->input_count != 2)
    return adze_upgrade_refuse (up, ADZE_E_FORMAT, "has %zu inputs, and the operator takes 2",
                                node->input_count);
  int32_t whole = adze_upgrade_rank (up, node->inputs[0]);
  int32_t part = adze_upgrade_rank (up, node->inputs[1]);
  if (whole < 0 || part < 0)
    return adze_upgrade_refuse (up, ADZE_E_UNSUPPORTED,
                                "broadcasts along axis %lld, as before opset 7, and it is not "
                                "known how many dimensions its inputs have",
                                (long long)axis);
  if (axis < 0)
    axis += whole;
  if (axis < 0 || axis > whole - part)
    return adze_upgrade_refuse (up, ADZE_E_FORMAT,
                                "broadcasts %d dimensions along axis %lld of %d", part,
                                (long long)axis, whole);
  int32_t trailing = whole - part - (int32_t)axis;
  return trailing ? add_dimensions (up, part, trailing) : NULL;
}

/* A slope for each channel, which is the second dimension. */
static adze_error *
slope_by_shape (adze_upgrade *up)
{
  const adze_graph_node *node = up->node;
  if (node->input_count != 2)
    return NULL; /* the verifier has a word for it */
  const adze_graph_value *slope = adze_graph_value_at (up->graph, node->inputs[1]);
  int32_t rank = adze_upgrade_rank (up, node->inputs[0]);
  if (!slope || slope->rank != 1 || slope->shape[0] == 1)
    return NULL;
  if (rank < 0)
    return adze_upgrade_refuse (up, ADZE_E_UNSUPPORTED,
                                "has a slope for each channel, as before opset 7, and it is not "
                                "known how many dimensions its data has");
  return rank > 2 ? add_dimensions (up, 1, rank - 2) : NULL;
}

static adze_error *
drop_broadcast (adze_upgrade *up)
{
  adze_upgrade_drop_attribute (up, "broadcast");
  return NULL;
}

/* ---- Training, which was the preset. */

static adze_error *
batch_norm_tests (adze_upgrade *up)
{
  bool test = adze_node_int (up->node, "is_test", 0) != 0;
  adze_upgrade_drop_attribute (up, "is_test");
  return test ? NULL : adze_upgrade_set_int (up, "training_mode", 1);
}

static adze_error *
dropout_tests (adze_upgrade *up)
{
  if (adze_node_int (up->node, "is_test", 0) == 0)
    return refuse_old (up, "is_test is 0: it leaves out numbers at random, always");
  adze_upgrade_drop_attribute (up, "is_test");
  return NULL;
}

/* ---- Others. */

static adze_error *
concat_has_axis (adze_upgrade *up)
{
  return adze_node_attribute (up->node, "axis") ? NULL : adze_upgrade_set_int (up, "axis", 1);
}

static adze_error *
shape_to_input (adze_upgrade *up)
{
  ADZE_TRY (adze_upgrade_need_input (up));
  return adze_upgrade_ints_to_input (up, "shape", 1, true);
}

static adze_error *
refuse_cast (adze_upgrade *up)
{
  return refuse_old (up, "names the type that it casts to in a text");
}

static adze_error *
refuse_tile (adze_upgrade *up)
{
  return refuse_old (up, "repeats along one axis");
}

static adze_error *
refuse_paddings (adze_upgrade *up)
{
  return refuse_old (up, "has an attribute 'paddings'");
}

static adze_error *
check_split (adze_upgrade *up)
{
  return up->node->input_count == 1 ? NULL : refuse_old (up, "takes its sizes as an input of data");
}

static adze_error *
refuse_power (adze_upgrade *up)
{
  return adze_node_attribute (up->node, "p") ? refuse_old (up, "has a 'p' that is no integer")
                                             : NULL;
}

static adze_error *
upsample_by_scales (adze_upgrade *up)
{
  const float scales[] = { 1, 1, adze_node_float (up->node, "height_scale", 1),
                           adze_node_float (up->node, "width_scale", 1) };
  const adze_graph_attribute attribute
      = { .struct_size = sizeof attribute, .type = ADZE_ATTRIBUTE_FLOATS, .name = "scales",
          .count = ADZE_COUNT_OF (scales), .floats = scales };
  adze_upgrade_drop_attribute (up, "height_scale");
  adze_upgrade_drop_attribute (up, "width_scale");
  return adze_graph_set_attribute (up->graph, up->node->number, &attribute);
}

/* Whether all steps are wanted is told by which outputs there are. */
static adze_error *
drop_output_sequence (adze_upgrade *up)
{
  adze_upgrade_drop_attribute (up, "output_sequence");
  return NULL;
}

/* It said which inputs may be written over: a matter of who executes. */
static adze_error *
drop_consumed (adze_upgrade *up)
{
  adze_upgrade_drop_attribute (up, "consumed_inputs");
  return NULL;
}

const adze_upgrade_rule adze_upgrade_old_rules[] = {
  { "Abs", 6, drop_consumed },
  { "Add", 6, drop_consumed },
  { "Add", 7, broadcast_by_shape },
  { "And", 7, broadcast_by_shape },
  { "BatchNormalization", 6, drop_consumed },
  { "BatchNormalization", 7, batch_norm_tests },
  { "Cast", 6, refuse_cast },
  { "Ceil", 6, drop_consumed },
  { "Clip", 6, drop_consumed },
  { "Concat", 4, concat_has_axis },
  { "Div", 6, drop_consumed },
  { "Div", 7, broadcast_by_shape },
  { "Dropout", 6, drop_consumed },
  { "Dropout", 7, dropout_tests },
  { "Elu", 6, drop_consumed },
  { "Equal", 7, broadcast_by_shape },
  { "Exp", 6, drop_consumed },
  { "Floor", 6, drop_consumed },
  { "GRU", 7, drop_output_sequence },
  { "Gemm", 7, drop_broadcast },
  { "GlobalLpPool", 2, refuse_power },
  { "Greater", 7, broadcast_by_shape },
  { "HardSigmoid", 6, drop_consumed },
  { "InstanceNormalization", 6, drop_consumed },
  { "LSTM", 7, drop_output_sequence },
  { "LeakyRelu", 6, drop_consumed },
  { "Less", 7, broadcast_by_shape },
  { "Log", 6, drop_consumed },
  { "LpPool", 2, refuse_power },
  { "Max", 6, drop_consumed },
  { "Mean", 6, drop_consumed },
  { "Min", 6, drop_consumed },
  { "Mul", 6, drop_consumed },
  { "Mul", 7, broadcast_by_shape },
  { "Neg", 6, drop_consumed },
  { "Or", 7, broadcast_by_shape },
  { "PRelu", 6, drop_consumed },
  { "PRelu", 7, slope_by_shape },
  { "Pad", 2, refuse_paddings },
  { "Pow", 7, broadcast_by_shape },
  { "RNN", 7, drop_output_sequence },
  { "Reciprocal", 6, drop_consumed },
  { "Relu", 6, drop_consumed },
  { "Reshape", 5, drop_consumed },
  { "Reshape", 5, shape_to_input },
  { "Selu", 6, drop_consumed },
  { "Sigmoid", 6, drop_consumed },
  { "Split", 2, check_split },
  { "Sqrt", 6, drop_consumed },
  { "Sub", 6, drop_consumed },
  { "Sub", 7, broadcast_by_shape },
  { "Sum", 6, drop_consumed },
  { "Tanh", 6, drop_consumed },
  { "Tile", 6, refuse_tile },
  { "Upsample", 7, upsample_by_scales },
  { "Xor", 7, broadcast_by_shape },
  { NULL, 0, NULL },
};
