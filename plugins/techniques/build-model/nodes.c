/* SPDX-License-Identifier: Apache-2.0 */
/* build-model: layers as nodes of ONNX. */
#include <stdarg.h>
#include <string.h>

#include "nodes.h"

/* ---- Nodes. */

adze_graph_attribute
build_int (const char *name, const int64_t *value)
{
  return (adze_graph_attribute){ .struct_size = sizeof (adze_graph_attribute),
                                 .type = ADZE_ATTRIBUTE_INT, .name = name, .count = 1,
                                 .ints = value };
}

adze_graph_attribute
build_ints (const char *name, const int64_t *values, size_t count)
{
  return (adze_graph_attribute){ .struct_size = sizeof (adze_graph_attribute),
                                 .type = ADZE_ATTRIBUTE_INTS, .name = name, .count = count,
                                 .ints = values };
}

adze_graph_attribute
build_float (const char *name, const float *value)
{
  return (adze_graph_attribute){ .struct_size = sizeof (adze_graph_attribute),
                                 .type = ADZE_ATTRIBUTE_FLOAT, .name = name, .count = 1,
                                 .floats = value };
}

/* The last node of the last layer gives the output, so its value gets the name at once. Others are
 * "layer.N" and "layer.N.M". */
uint32_t
build_op_with (build_work *w, const char *op, const uint32_t *inputs, size_t input_count,
               const adze_graph_attribute *attributes, size_t attribute_count)
{
  char name[48];
  uint32_t output = ADZE_NONE;
  if (w->status != ADZE_OK)
    return ADZE_NONE;
  if (w->nodes++ == 0)
    snprintf (name, sizeof name, "layer.%zu", w->at);
  else
    snprintf (name, sizeof name, "layer.%zu.%llu", w->at, (unsigned long long)w->nodes - 1);
  adze_node_recipe recipe = { .struct_size = sizeof recipe,
                              .op = op,
                              .name = name,
                              .inputs = inputs,
                              .input_count = input_count,
                              .output_count = 1,
                              .attributes = attributes,
                              .attribute_count = attribute_count };
  w->status = w->graphs->add_node (w->host, w->graph, &recipe, &output);
  return output;
}

uint32_t
build_op (build_work *w, const char *op, ...)
{
  enum { MOST = 8 };
  uint32_t inputs[MOST];
  size_t count = 0;
  va_list list;
  va_start (list, op);
  for (uint32_t value; count < MOST && (value = va_arg (list, uint32_t)) != BUILD_END;)
    inputs[count++] = value;
  va_end (list);
  return build_op_with (w, op, inputs, count, NULL, 0);
}

/* ---- Numbers. */

uint32_t
build_constant (build_work *w, adze_dtype dtype, int32_t rank, int64_t length,
                const void *numbers)
{
  uint32_t value = ADZE_NONE;
  union {
    const void *from;
    void *to; /* a view has no const */
  } data = { .from = numbers };
  const adze_view view = { .data = data.to, .device = { ADZE_DEVICE_CPU, 0 }, .rank = rank,
                           .dtype = dtype, .shape = &length };
  if (w->status == ADZE_OK)
    w->status = w->graphs->add_constant (w->host, w->graph, NULL, &view, &value);
  return value;
}

uint32_t
build_number (build_work *w, double number)
{
  const float single = (float)number;
  return build_constant (w, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 0, 0, &single);
}

uint32_t
build_list (build_work *w, const int64_t *numbers, size_t count)
{
  return build_constant (w, (adze_dtype){ ADZE_INT, 64, 1 }, 1, (int64_t)count, numbers);
}

uint32_t
build_reshape (build_work *w, uint32_t value, const int64_t *shape, size_t count)
{
  return build_op (w, "Reshape", value, build_list (w, shape, count), BUILD_END);
}

uint32_t
build_transpose (build_work *w, uint32_t value, const int64_t *perm, size_t count)
{
  const adze_graph_attribute attribute = build_ints ("perm", perm, count);
  return build_op_with (w, "Transpose", &value, 1, &attribute, 1);
}

/* ---- Weights. */

static adze_status
too_large (const build_work *w, const char *name)
{
  return adze_fail (w->host, ADZE_E_LIMIT,
                    "layers[%zu] \"%s\": its weight '%s' would be larger than memory can hold",
                    w->at, w->plan->layers[w->at].text, name);
}

/* Draws its numbers and hands them over. */
static adze_status
fill_weight (build_work *w, uint32_t value, const char *name, build_initial initial, size_t rows,
             size_t count, int64_t fan_in, int64_t fan_out)
{
  float *numbers = (float *)w->host->allocate (w->host, (count + 1) * sizeof *numbers);
  if (!numbers)
    return too_large (w, name);
  adze_status status = build_fill (w->host, name, initial, w->plan->spread, rows, (size_t)fan_in,
                                   (size_t)fan_out, count, numbers);
  if (status == ADZE_OK)
    status = w->graphs->set_data (w->host, w->graph, value, numbers, count * sizeof *numbers);
  w->host->release (w->host, numbers);
  return status;
}

uint32_t
build_weight (build_work *w, const char *name, build_initial initial, int32_t rank,
              const int64_t *shape, int64_t fan_in, int64_t fan_out)
{
  char full[64];
  uint32_t value = ADZE_NONE;
  int64_t count = 1;
  if (w->status != ADZE_OK)
    return ADZE_NONE;
  snprintf (full, sizeof full, "layer.%zu.%s", w->at, name);
  for (int32_t i = 0; i < rank; i++)
    if (__builtin_mul_overflow (count, shape[i], &count) || count > INT64_MAX / 16) {
      w->status = too_large (w, full);
      return ADZE_NONE;
    }
  w->status = w->graphs->add_weight (w->host, w->graph, full, (adze_dtype){ ADZE_FLOAT, 32, 1 },
                                     rank, shape, &value);
  if (w->status == ADZE_OK)
    w->status = fill_weight (w, value, full, initial, (size_t)shape[0], (size_t)count, fan_in,
                             fan_out);
  w->parameters += (uint64_t)count;
  return value;
}

uint32_t
build_bias (build_work *w, const char *name, int32_t rank, const int64_t *shape, int64_t fan_in)
{
  build_initial own = w->plan->layers[w->at].initial;
  return build_weight (w, name, own == BUILD_FAN_IN_UNIFORM ? own : BUILD_ZEROS, rank, shape,
                       fan_in, 1);
}

uint32_t
build_vector (build_work *w, const char *name, build_initial initial, int64_t length)
{
  return build_weight (w, name, initial, 1, &length, length, length);
}

/* ---- Activations. */

static uint32_t
gelu (build_work *w, uint32_t x)
{
  uint32_t part = build_op (w, "Div", x, build_number (w, 1.4142135623730951), BUILD_END);
  part = build_op (w, "Add", build_op (w, "Erf", part, BUILD_END), build_number (w, 1), BUILD_END);
  part = build_op (w, "Mul", x, part, BUILD_END);
  return build_op (w, "Mul", part, build_number (w, 0.5), BUILD_END);
}

uint32_t
build_activate (build_work *w, build_activation activation, uint32_t x)
{
  const build_layer *layer = &w->plan->layers[w->at];
  /* Of a picture each pixel has its classes. */
  int64_t axis = layer->out_rank > 2 ? 1 : -1;
  const adze_graph_attribute along = build_int ("axis", &axis);
  switch (activation) {
  case BUILD_RELU:
    return build_op (w, "Relu", x, BUILD_END);
  case BUILD_SIGMOID:
    return build_op (w, "Sigmoid", x, BUILD_END);
  case BUILD_TANH:
    return build_op (w, "Tanh", x, BUILD_END);
  case BUILD_SILU:
    return build_op (w, "Mul", x, build_op (w, "Sigmoid", x, BUILD_END), BUILD_END);
  case BUILD_GELU:
    return gelu (w, x);
  case BUILD_SOFTMAX:
    return build_op_with (w, "Softmax", &x, 1, &along, 1);
  default:
    return x;
  }
}

/* ---- Layers. */

/* A row of numbers by a matrix [N, K]; of several rows by one [K, N], which MatMul wants. */
static uint32_t
dense (build_work *w, const build_layer *layer, uint32_t x)
{
  int64_t in = layer->in[layer->in_rank - 1], yes = 1;
  bool row = layer->in_rank == 1;
  const int64_t shape[] = { row ? layer->size : in, row ? in : layer->size };
  const adze_graph_attribute turned = build_int ("transB", &yes);
  uint32_t inputs[] = { x, build_weight (w, "weight", layer->initial, 2, shape, in, layer->size),
                        layer->bias ? build_bias (w, "bias", 1, &layer->size, in) : ADZE_NONE };
  if (row)
    return build_op_with (w, "Gemm", inputs, layer->bias ? 3 : 2, &turned, 1);
  uint32_t y = build_op_with (w, "MatMul", inputs, 2, NULL, 0);
  return layer->bias ? build_op (w, "Add", y, inputs[2], BUILD_END) : y;
}

/* What slides: kernel, strides, pads, dilations. */
typedef struct window {
  adze_graph_attribute attributes[5];
  size_t count;
  int64_t pads[2 * BUILD_SPATIAL];
} window;

static void
describe_window (const build_layer *layer, window *into)
{
  size_t dims = (size_t)layer->in_rank - 1;
  for (size_t d = 0; d < dims; d++) {
    into->pads[d] = layer->begin[d];
    into->pads[dims + d] = layer->end[d];
  }
  into->attributes[0] = build_ints ("kernel_shape", layer->kernel, dims);
  into->attributes[1] = build_ints ("strides", layer->stride, dims);
  into->attributes[2] = build_ints ("pads", into->pads, 2 * dims);
  into->count = 3;
}

static uint32_t
conv (build_work *w, const build_layer *layer, uint32_t x)
{
  window at;
  int64_t shape[2 + BUILD_SPATIAL] = { layer->size, layer->in[0] / layer->count };
  int64_t places = 1;
  for (int d = 0; d < layer->in_rank - 1; d++) {
    shape[2 + d] = layer->kernel[d];
    if (__builtin_mul_overflow (places, layer->kernel[d], &places))
      places = BUILD_MOST;
  }
  int64_t fan_in = shape[1] * places;
  describe_window (layer, &at);
  at.attributes[at.count++] = build_ints ("dilations", layer->dilation, (size_t)layer->in_rank - 1);
  at.attributes[at.count++] = build_int ("group", &layer->count);
  uint32_t inputs[] = { x,
                        build_weight (w, "weight", layer->initial, layer->in_rank + 1, shape,
                                      fan_in, layer->size / layer->count * places),
                        layer->bias ? build_bias (w, "bias", 1, &layer->size, fan_in)
                                    : ADZE_NONE };
  return build_op_with (w, "Conv", inputs, layer->bias ? 3 : 2, at.attributes, at.count);
}

static uint32_t
pool (build_work *w, const build_layer *layer, uint32_t x)
{
  window at;
  if (layer->global)
    return build_op (w, layer->average ? "GlobalAveragePool" : "GlobalMaxPool", x, BUILD_END);
  describe_window (layer, &at);
  return build_op_with (w, layer->average ? "AveragePool" : "MaxPool", &x, 1, at.attributes,
                        at.count);
}

static uint32_t
flatten (build_work *w, uint32_t x)
{
  const int64_t axis = 1;
  const adze_graph_attribute attribute = build_int ("axis", &axis);
  return build_op_with (w, "Flatten", &x, 1, &attribute, 1);
}

static uint32_t
embedding (build_work *w, const build_layer *layer, uint32_t x)
{
  const int64_t shape[] = { layer->count, layer->size };
  uint32_t table = build_weight (w, "weight", layer->initial, 2, shape, layer->size, layer->count);
  return build_op (w, "Gather", table, x, BUILD_END);
}

static uint32_t
mean (build_work *w, uint32_t x)
{
  const int64_t axis = 1, no = 0;
  const adze_graph_attribute attributes[]
      = { build_ints ("axes", &axis, 1), build_int ("keepdims", &no) };
  return build_op_with (w, "ReduceMean", &x, 1, attributes, 2);
}

/* OPENED: what there was where each layer began. */
static uint32_t
emit_layer (build_work *w, const build_layer *layer, uint32_t x, const uint32_t *opened)
{
  switch (layer->kind) {
  case BUILD_DENSE:
    return dense (w, layer, x);
  case BUILD_CONV:
    return conv (w, layer, x);
  case BUILD_POOL:
    return pool (w, layer, x);
  case BUILD_NORM:
    return build_norm_layer (w, layer, x);
  case BUILD_FLATTEN:
    return flatten (w, x);
  case BUILD_DROPOUT:
    return build_op (w, "Dropout", x, build_number (w, layer->number), BUILD_END);
  case BUILD_EMBEDDING:
    return embedding (w, layer, x);
  case BUILD_POSITION:
    return build_op (w, "Add", x,
                     build_weight (w, "weight", layer->initial, 2, layer->in, layer->in[1],
                                   layer->in[0]),
                     BUILD_END);
  case BUILD_ATTENTION:
    return build_attention (w, layer, x);
  case BUILD_LSTM:
  case BUILD_GRU:
    return build_recurrent (w, layer, x);
  case BUILD_MEAN:
    return mean (w, x);
  case BUILD_RESIDUAL:
    return layer->open ? x : build_op (w, "Add", x, opened[layer->partner], BUILD_END);
  default:
    return x;
  }
}

/* ---- The network. */

static uint32_t
add_input (build_work *w)
{
  const build_plan *plan = w->plan;
  int64_t shape[1 + BUILD_RANK];
  uint32_t value = ADZE_NONE;
  adze_dtype dtype = { plan->whole ? ADZE_INT : ADZE_FLOAT, plan->whole ? 64 : 32, 1 };
  w->status = w->graphs->add_symbol (w->host, w->graph, "batch", &shape[0]);
  memcpy (shape + 1, plan->shape, (size_t)plan->rank * sizeof *shape);
  if (w->status == ADZE_OK)
    w->status = w->graphs->add_input (w->host, w->graph, plan->input, dtype, plan->rank + 1, shape,
                                      &value);
  return value;
}

/* The node once more, its last output under the name that was asked for. */
static adze_status
make_again (build_work *w, const adze_graph_node *node, uint32_t *value)
{
  uint32_t outputs[2] = { ADZE_NONE, ADZE_NONE };
  const char *const names[] = { "", w->plan->output };
  bool second = node->output_count > 1; /* the first is not asked for */
  adze_node_recipe recipe = { .struct_size = sizeof recipe,
                              .op = node->op,
                              .name = node->name,
                              .inputs = node->inputs,
                              .input_count = node->input_count,
                              .output_names = second ? names : names + 1,
                              .output_count = node->output_count,
                              .attributes = node->attributes,
                              .attribute_count = node->attribute_count };
  adze_status status = w->graphs->remove_node (w->host, w->graph, node->number);
  if (status == ADZE_OK)
    status = w->graphs->add_node (w->host, w->graph, &recipe, outputs);
  *value = outputs[second];
  return status;
}

/* A network of layers that do nothing has no node; it gets one for its name. */
static void
add_output (build_work *w, uint32_t value)
{
  const char *const names[] = { w->plan->output };
  const uint32_t inputs[] = { value };
  adze_node_recipe idle = { .struct_size = sizeof idle, .op = "Identity", .inputs = inputs,
                            .input_count = 1, .output_names = names, .output_count = 1 };
  if (w->status != ADZE_OK)
    return;
  uint32_t number = w->graphs->value (w->graph, value)->node;
  const adze_graph_node *node
      = number == ADZE_NONE ? NULL : w->graphs->node (w->graph, number);
  w->status = node ? make_again (w, node, &value)
                   : w->graphs->add_node (w->host, w->graph, &idle, &value);
  if (w->status == ADZE_OK)
    w->status = w->graphs->add_output (w->host, w->graph, value);
}

static adze_status
tell_layer (const build_work *w, const build_layer *layer)
{
  char shape[BUILD_TEXT];
  build_shape_text (layer->out_rank, layer->out, shape);
  const adze_field fields[] = {
    { .key = "layer", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)w->at } },
    { .key = "is", .type = ADZE_FIELD_STRING, .value = { .string = layer->text } },
    { .key = "gives", .type = ADZE_FIELD_STRING, .value = { .string = shape } },
    { .key = "parameters", .type = ADZE_FIELD_INT,
      .value = { .integer = (int64_t)w->parameters } },
  };
  return adze_row (w->host, "layers", fields, 4);
}

static adze_status
emit_all (build_work *w, uint32_t *opened)
{
  uint32_t x = add_input (w);
  uint64_t parameters = 0;
  for (; w->status == ADZE_OK && w->at < w->plan->count; w->at++) {
    const build_layer *layer = &w->plan->layers[w->at];
    w->parameters = w->nodes = 0;
    opened[w->at] = x;
    x = build_activate (w, layer->activation, emit_layer (w, layer, x, opened));
    if (w->status == ADZE_OK && !w->plan->quiet)
      w->status = tell_layer (w, layer);
    parameters += w->parameters;
  }
  add_output (w, x);
  if (w->status == ADZE_OK)
    w->status = w->graphs->verify (w->host, w->graph);
  if (w->status == ADZE_OK && !w->plan->quiet)
    w->status = adze_metric (w->host, "parameters", (double)parameters, NULL);
  return w->status;
}

adze_status
build_emit (const adze_host *host, const build_plan *plan, adze_graph *graph)
{
  build_work w = { .host = host, .graphs = adze_graph_of (host), .graph = graph, .plan = plan };
  uint32_t *opened = (uint32_t *)host->allocate (host, (plan->count + 1) * sizeof *opened);
  if (!opened)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu layers", plan->count);
  adze_status status = emit_all (&w, opened);
  host->release (host, opened);
  return status;
}
