/* SPDX-License-Identifier: Apache-2.0 */
/* graph/upgrade_rules.c: adapters since opset 7, each of which makes of one operator's meaning the
 * next one. What only took further types since, or got attributes whose preset is what it was,
 * needs none. */
#include "graph/upgrade_rules.h"

#include <string.h>

/* ---- Edits. */

adze_error *
adze_upgrade_set_input (adze_upgrade *up, size_t index, uint32_t value)
{
  adze_graph_node *node = up->node;
  size_t count = node->input_count > index ? node->input_count : index + 1;
  uint32_t *inputs = adze_arena_take (&up->graph->arena, count * sizeof *inputs);
  if (!inputs)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    inputs[i] = i < node->input_count ? node->inputs[i] : ADZE_NONE;
  inputs[index] = value;
  node->inputs = inputs;
  node->input_count = count;
  up->graph->sorted = false;
  return NULL;
}

void
adze_upgrade_drop_attribute (adze_upgrade *up, const char *name)
{
  adze_graph_node *node = up->node;
  size_t kept = 0;
  /* The list is the graph's own copy; it is const for those who read it. */
  adze_graph_attribute *list = (adze_graph_attribute *)(uintptr_t)node->attributes;
  for (size_t i = 0; i < node->attribute_count; i++)
    if (strcmp (list[i].name, name) != 0)
      list[kept++] = list[i];
  node->attribute_count = kept;
}

adze_error *
adze_upgrade_constant (adze_upgrade *up, adze_dtype dtype, int32_t rank, size_t count,
                       const void *numbers, uint32_t *constant)
{
  int64_t shape = (int64_t)count;
  /* Views are for writing as well; this one is copied from, once more. */
  void *data = adze_arena_copy (&up->graph->arena, numbers, count * dtype.bits / 8);
  if (!data)
    return adze_error_memory ();
  const adze_view view = { .data = data, .device = { ADZE_DEVICE_CPU, 0 }, .rank = rank,
                           .dtype = dtype, .shape = &shape };
  return adze_graph_add_constant (up->graph, NULL, &view, constant);
}

adze_error *
adze_upgrade_ints (adze_upgrade *up, const int64_t *numbers, size_t count, uint32_t *constant)
{
  return adze_upgrade_constant (up, (adze_dtype){ ADZE_INT, 64, 1 }, 1, count, numbers, constant);
}

/* A scalar of the type that input 0 has. */
static adze_error *
add_scalar_like (adze_upgrade *up, float number, uint32_t *constant)
{
  const adze_dtype f32 = { ADZE_FLOAT, 32, 1 };
  const adze_graph_value *like = adze_graph_value_at (up->graph, up->node->inputs[0]);
  double wide = (double)number;
  if (like && like->dtype.code == ADZE_FLOAT && like->dtype.bits == 64)
    return adze_upgrade_constant (up, like->dtype, 0, 1, &wide, constant);
  ADZE_TRY (adze_upgrade_constant (up, f32, 0, 1, &number, constant));
  if (!like || (like->dtype.code == ADZE_FLOAT && like->dtype.bits == 32))
    return NULL;
  const uint32_t inputs[] = { *constant, up->node->inputs[0] };
  const adze_node_recipe cast = { .struct_size = sizeof cast, .op = "CastLike", .inputs = inputs,
                                  .input_count = 2, .output_count = 1 };
  up->graph->sorted = false;
  return adze_graph_add_node (up->graph, &cast, constant);
}

adze_error *
adze_upgrade_need_input (const adze_upgrade *up)
{
  if (up->node->input_count > 0 && up->node->inputs[0] != ADZE_NONE)
    return NULL;
  return adze_upgrade_refuse (up, ADZE_E_FORMAT, "input 0 is left out, and the operator needs it");
}

/* Is output INDEX asked for by anybody? */
static bool
output_needed (const adze_upgrade *up, size_t index)
{
  return index < up->node->output_count && up->node->outputs[index] != ADZE_NONE
         && up->used[up->node->outputs[index]];
}

/* ---- Attributes that became inputs. */

adze_error *
adze_upgrade_ints_to_input (adze_upgrade *up, const char *name, size_t index, bool needed)
{
  size_t count;
  uint32_t constant;
  const int64_t *ints = adze_node_ints (up->node, name, &count);
  if (!ints && needed)
    return adze_upgrade_refuse (up, ADZE_E_FORMAT, "has no attribute '%s', and needs it", name);
  if (!ints)
    return NULL;
  ADZE_TRY (adze_upgrade_ints (up, ints, count, &constant));
  ADZE_TRY (adze_upgrade_set_input (up, index, constant));
  adze_upgrade_drop_attribute (up, name);
  return NULL;
}

static adze_error *
axes_to_input (adze_upgrade *up)
{
  ADZE_TRY (adze_upgrade_need_input (up));
  return adze_upgrade_ints_to_input (up, "axes", 1, strcmp (up->node->op, "Unsqueeze") == 0);
}

static adze_error *
split_to_input (adze_upgrade *up)
{
  ADZE_TRY (adze_upgrade_need_input (up));
  return adze_upgrade_ints_to_input (up, "split", 1, false);
}

static adze_error *
slice_to_inputs (adze_upgrade *up)
{
  ADZE_TRY (adze_upgrade_need_input (up));
  ADZE_TRY (adze_upgrade_ints_to_input (up, "starts", 1, true));
  ADZE_TRY (adze_upgrade_ints_to_input (up, "ends", 2, true));
  return adze_upgrade_ints_to_input (up, "axes", 3, false);
}

static adze_error *
k_to_input (adze_upgrade *up)
{
  const adze_graph_attribute *k = adze_node_attribute (up->node, "k");
  uint32_t constant;
  ADZE_TRY (adze_upgrade_need_input (up));
  if (!k || k->type != ADZE_ATTRIBUTE_INT)
    return adze_upgrade_refuse (up, ADZE_E_FORMAT, "has no attribute 'k', and needs it");
  ADZE_TRY (adze_upgrade_ints (up, k->ints, 1, &constant));
  ADZE_TRY (adze_upgrade_set_input (up, 1, constant));
  adze_upgrade_drop_attribute (up, "k");
  return NULL;
}

static adze_error *
float_to_input (adze_upgrade *up, const char *name, size_t index)
{
  const adze_graph_attribute *number = adze_node_attribute (up->node, name);
  uint32_t constant;
  if (!number || number->type != ADZE_ATTRIBUTE_FLOAT)
    return NULL;
  ADZE_TRY (add_scalar_like (up, number->floats[0], &constant));
  ADZE_TRY (adze_upgrade_set_input (up, index, constant));
  adze_upgrade_drop_attribute (up, name);
  return NULL;
}

/* A bound that was not given was the largest float: none at all. */
static adze_error *
clip_to_inputs (adze_upgrade *up)
{
  ADZE_TRY (adze_upgrade_need_input (up));
  ADZE_TRY (float_to_input (up, "min", 1));
  return float_to_input (up, "max", 2);
}

static adze_error *
pad_to_inputs (adze_upgrade *up)
{
  ADZE_TRY (adze_upgrade_need_input (up));
  ADZE_TRY (adze_upgrade_ints_to_input (up, "pads", 1, true));
  return float_to_input (up, "value", 2);
}

/* The ratio only has a meaning for who trains; it is kept for them. */
static adze_error *
dropout_to_inputs (adze_upgrade *up)
{
  const float ratio = adze_node_float (up->node, "ratio", .5f);
  uint32_t constant;
  ADZE_TRY (adze_upgrade_need_input (up));
  ADZE_TRY (adze_upgrade_constant (up, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 0, 1, &ratio, &constant));
  ADZE_TRY (adze_upgrade_set_input (up, 1, constant));
  adze_upgrade_drop_attribute (up, "ratio");
  return NULL;
}

/* The mask was of the type of the data, and is of bool since. */
static adze_error *
check_dropout_mask (adze_upgrade *up)
{
  if (output_needed (up, 1))
    return adze_upgrade_refuse (up, ADZE_E_UNSUPPORTED,
                                "the mask of a Dropout before opset 10 is used, which had another "
                                "type");
  return NULL;
}

/* ---- Upsample, which became Resize. */

static adze_error *
scales_to_input (adze_upgrade *up)
{
  const adze_graph_attribute *scales = adze_node_attribute (up->node, "scales");
  uint32_t constant;
  ADZE_TRY (adze_upgrade_need_input (up));
  if (!scales || scales->type != ADZE_ATTRIBUTE_FLOATS)
    return adze_upgrade_refuse (up, ADZE_E_FORMAT, "has no attribute 'scales', and needs it");
  ADZE_TRY (adze_upgrade_constant (up, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 1, scales->count,
                         scales->floats, &constant));
  ADZE_TRY (adze_upgrade_set_input (up, 1, constant));
  adze_upgrade_drop_attribute (up, "scales");
  return NULL;
}

static adze_error *
rename_node (adze_upgrade *up, const char *op)
{
  char *kept = adze_arena_text (&up->graph->arena, op);
  if (!kept)
    return adze_error_memory ();
  up->node->op = kept;
  return NULL;
}

static adze_error *
upsample_to_resize (adze_upgrade *up)
{
  return rename_node (up, "Resize");
}

adze_error *
adze_upgrade_set_text (adze_upgrade *up, const char *name, const char *text)
{
  const adze_text value = { text, strlen (text) };
  const adze_graph_attribute attribute = adze_attribute_text (name, &value);
  return adze_graph_set_attribute (up->graph, up->node->number, &attribute);
}

/* Before, corners were where the first elements are, and the nearest one was the one below. */
static adze_error *
resize_with_modes (adze_upgrade *up)
{
  ADZE_TRY (adze_upgrade_need_input (up));
  if (up->node->input_count != 2)
    return adze_upgrade_refuse (up, ADZE_E_FORMAT, "has %zu inputs, and the operator takes 2",
                                up->node->input_count);
  uint32_t scales = up->node->inputs[1];
  ADZE_TRY (adze_upgrade_set_input (up, 2, scales));
  ADZE_TRY (adze_upgrade_set_input (up, 1, ADZE_NONE));
  ADZE_TRY (adze_upgrade_set_text (up, "coordinate_transformation_mode", "asymmetric"));
  return adze_upgrade_set_text (up, "nearest_mode", "floor");
}

/* What was not meant had to be given as no numbers at all; now it is left out. */
static adze_error *
resize_without_empty (adze_upgrade *up)
{
  for (size_t i = 1; i < up->node->input_count; i++) {
    const adze_graph_value *value = adze_graph_value_at (up->graph, up->node->inputs[i]);
    if (value && value->rank == 1 && value->shape[0] == 0)
      ADZE_TRY (adze_upgrade_set_input (up, i, ADZE_NONE));
  }
  return NULL;
}

/* ---- Softmax and its like, which saw two dimensions. */

/* A new value takes the place of output 0; the output itself waits for the node that is to make
 * it. */
static adze_error *
detach_output (adze_upgrade *up, uint32_t *fresh)
{
  adze_graph_node *node = up->node;
  uint32_t *outputs = adze_arena_copy (&up->graph->arena, node->outputs,
                                       node->output_count * sizeof *outputs);
  if (!outputs)
    return adze_error_memory ();
  ADZE_TRY (adze_graph_add_value (up->graph, NULL, fresh));
  up->graph->values[outputs[0]]->node = up->graph->values[outputs[0]]->output = ADZE_NONE;
  up->graph->values[*fresh]->node = node->number;
  up->graph->values[*fresh]->output = 0;
  outputs[0] = *fresh;
  node->outputs = outputs;
  return NULL;
}

adze_error *
adze_upgrade_set_int (adze_upgrade *up, const char *name, int64_t value)
{
  const adze_graph_attribute attribute = adze_attribute_int (name, &value);
  return adze_graph_set_attribute (up->graph, up->node->number, &attribute);
}

int32_t
adze_upgrade_rank (const adze_upgrade *up, uint32_t value)
{
  const adze_graph_value *known = adze_graph_value_at (up->graph, value);
  return known ? known->rank : -1;
}

/* All dimensions from the axis on were one: flatten, softmax over the second, and back again. Over
 * the last dimension both mean the same. */
static adze_error *
softmax_of_all_behind (adze_upgrade *up)
{
  adze_graph_node *node = up->node;
  int64_t axis = adze_node_int (node, "axis", 1);
  ADZE_TRY (adze_upgrade_need_input (up));
  if (node->output_count != 1 || node->outputs[0] == ADZE_NONE)
    return NULL; /* the verifier has a word for it */
  uint32_t data = node->inputs[0], output = node->outputs[0], flat, shape, fresh;
  int32_t rank = adze_upgrade_rank (up, data);
  if (rank < 0)
    rank = adze_upgrade_rank (up, output);
  if (axis == -1 || (rank > 0 && axis == rank - 1))
    return adze_upgrade_set_int (up, "axis", -1);
  const adze_graph_attribute at = adze_attribute_int ("axis", &axis);
  const adze_node_recipe shape_of = { .struct_size = sizeof shape_of, .op = "Shape",
                                      .inputs = &data, .input_count = 1, .output_count = 1 };
  const adze_node_recipe flatten
      = { .struct_size = sizeof flatten, .op = "Flatten", .inputs = &data, .input_count = 1,
          .output_count = 1, .attributes = &at, .attribute_count = 1 };
  ADZE_TRY (adze_graph_add_node (up->graph, &shape_of, &shape));
  ADZE_TRY (adze_graph_add_node (up->graph, &flatten, &flat));
  ADZE_TRY (adze_upgrade_set_input (up, 0, flat));
  ADZE_TRY (adze_upgrade_set_int (up, "axis", 1));
  ADZE_TRY (detach_output (up, &fresh));
  const uint32_t inputs[] = { fresh, shape };
  const char *name = up->graph->values[output]->name;
  const adze_node_recipe back = { .struct_size = sizeof back, .op = "Reshape", .inputs = inputs,
                                  .input_count = 2, .output_names = &name, .output_count = 1 };
  up->after = (uint32_t)up->graph->node_count;
  return adze_graph_add_node (up->graph, &back, NULL);
}

/* ---- Others. */

static adze_error *
batch_norm_is_spatial (adze_upgrade *up)
{
  if (adze_node_int (up->node, "spatial", 1) != 1)
    return adze_upgrade_refuse (up, ADZE_E_UNSUPPORTED,
                                "has spatial = 0, which no opset since 9 has");
  adze_upgrade_drop_attribute (up, "spatial");
  return NULL;
}

/* It was in training where more than one output was asked for. */
static adze_error *
batch_norm_says_training (adze_upgrade *up)
{
  adze_graph_node *node = up->node;
  if (output_needed (up, 3) || output_needed (up, 4))
    return adze_upgrade_refuse (up, ADZE_E_UNSUPPORTED,
                                "saved_mean and saved_var are used, which no opset since 14 has");
  bool training = false;
  for (size_t i = 1; i < node->output_count; i++)
    training = training || node->outputs[i] != ADZE_NONE;
  if (!training)
    return NULL;
  for (size_t i = 3; i < node->output_count; i++)
    if (node->outputs[i] != ADZE_NONE)
      up->graph->values[node->outputs[i]]->node = ADZE_NONE;
  if (node->output_count > 3)
    node->output_count = 3;
  return adze_upgrade_set_int (up, "training_mode", 1);
}

static adze_error *
refuse_batched_scan (adze_upgrade *up)
{
  return adze_upgrade_refuse (up, ADZE_E_UNSUPPORTED,
                              "a Scan of opset 8 has a batch as its first dimension; those from "
                              "opset 9 on have none, and are the ones that can be worked with");
}

static adze_error *
scatter_to_elements (adze_upgrade *up)
{
  return rename_node (up, "ScatterElements");
}

static adze_error *
align_output_halves (adze_upgrade *up)
{
  return adze_upgrade_set_text (up, "coordinate_transformation_mode", "output_half_pixel");
}

const adze_upgrade_rule adze_upgrade_rules[] = {
  { "BatchNormalization", 9, batch_norm_is_spatial },
  { "BatchNormalization", 14, batch_norm_says_training },
  { "Clip", 11, clip_to_inputs },
  { "Dropout", 10, check_dropout_mask },
  { "Dropout", 12, dropout_to_inputs },
  { "Hardmax", 13, softmax_of_all_behind },
  { "LogSoftmax", 13, softmax_of_all_behind },
  { "Pad", 11, pad_to_inputs },
  { "ReduceSum", 13, axes_to_input },
  { "RoiAlign", 16, align_output_halves },
  { "Scan", 9, refuse_batched_scan },
  { "Scatter", 11, scatter_to_elements },
  { "Slice", 10, slice_to_inputs },
  { "Softmax", 13, softmax_of_all_behind },
  { "Split", 13, split_to_input },
  { "Squeeze", 13, axes_to_input },
  { "TopK", 10, k_to_input },
  { "Unsqueeze", 13, axes_to_input },
  { "Upsample", 9, scales_to_input },
  { "Upsample", 10, upsample_to_resize },
  { "Resize", 11, resize_with_modes },
  { "Resize", 13, resize_without_empty },
  { NULL, 0, NULL },
};
